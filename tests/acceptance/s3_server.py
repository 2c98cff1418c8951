"""Amazon S3 on this machine, with a bucket for large values."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import amazon


class S3:
    """A service with one bucket, "payloads", while the block lasts. `env` is what its clients need."""

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            self.env = opened.enter_context(amazon.s3())
            self.client.create_bucket(Bucket="payloads")
            self._opened = opened.pop_all()
        return self

    @property
    def client(self) -> Any:
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.env["AWS_ENDPOINT_URL_S3"],
            aws_access_key_id=self.env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.env["AWS_SECRET_ACCESS_KEY"],
            region_name=self.env["AWS_DEFAULT_REGION"],
        )

    def keys(self) -> list[str]:
        """The names of all objects."""
        found = self.client.list_objects_v2(Bucket="payloads")
        return [each["Key"] for each in found.get("Contents", ())]

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._opened.close()
