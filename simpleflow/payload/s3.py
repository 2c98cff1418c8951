"""Large texts as objects on Amazon S3."""

from __future__ import annotations

from simpleflow import s3
from simpleflow.exceptions import PayloadUnreachable, one_line
from simpleflow.payload.reference import SCHEME, Reference
from simpleflow.payload.store import Recent, Sent


class S3Store:
    """Texts as objects in ``BUCKET`` or ``BUCKET/DIR``. Where S3 is, and who asks, boto3 is told as usual."""

    def __init__(self, place: str) -> None:
        self._place = place.rstrip("/")
        self._sent = Sent()
        self._read = Recent()

    def put(self, data: bytes, digest: str) -> str:
        key = f"{self._place}/{digest}"
        if digest not in self._sent:
            bucket, _, path = key.partition("/")
            try:
                s3.put(bucket, path, data, "text/plain; charset=utf-8")
            except Exception as error:
                raise PayloadUnreachable(
                    f"a payload of {len(data):,} bytes cannot be put on S3 as {key}: {one_line(error)}"
                ) from error
            self._sent.add(digest)
        return f"{SCHEME}s3://{key}"

    def get(self, reference: Reference) -> bytes:
        known = self._read.get(reference.key)
        if known is not None:
            return known
        bucket, _, path = reference.key.partition("/")
        try:
            return self._read.keep(reference.key, s3.get(bucket, path))
        except Exception as error:
            raise PayloadUnreachable(
                f"the payload {reference.text} cannot be read from S3: {one_line(error)}"
            ) from error
