"""Files in a bucket: of Amazon S3, or a directory.

A bucket is named in one of these ways:

    name                          a bucket of Amazon S3, in the region where it lies
    s3.eu-west-1.amazonaws.com/name   the same, at this host
    file:///path, /path, ./path, ~/path   a directory: keys are paths in it

Where AWS_ENDPOINT_URL_S3 (or AWS_ENDPOINT_URL) is set, S3 is there. Errors are those of botocore (ClientError), and
OSError for directories. It knows nothing of payloads, whose store is `simpleflow.payload`'s.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from simpleflow import s3
from simpleflow.s3 import BUCKET_LOCATIONS_CACHE as BUCKET_LOCATIONS_CACHE
from simpleflow.s3 import sanitize_bucket_and_host as sanitize_bucket_and_host

_UNFINISHED: Final = ".unfinished-"


@dataclass(frozen=True, slots=True)
class FileSummary:
    """A file in a directory that is a bucket, with the attributes of boto3's ObjectSummary that make sense for it.

    `size` is in bytes, `last_modified` in UTC.
    """

    bucket_name: str
    key: str
    size: int
    last_modified: datetime


def pull(bucket: str, path: str, dest_file: str) -> None:
    """Copy what lies at `path` into a file."""
    directory = _directory(bucket)
    if directory is not None:
        shutil.copyfile(_inside(directory, path), dest_file)
    else:
        _object(bucket, path).download_file(dest_file)


def pull_content(bucket: str, path: str) -> str:
    """What lies at `path`, as text (UTF-8)."""
    directory = _directory(bucket)
    if directory is not None:
        return _inside(directory, path).read_text("utf-8")
    text: bytes = _object(bucket, path).get()["Body"].read()
    return text.decode("utf-8")


def push(bucket: str, path: str, src_file: str, content_type: str | None = None) -> None:
    """Copy a file to `path`. `content_type` is for S3."""
    directory = _directory(bucket)
    if directory is not None:
        with _new_file(_inside(directory, path)) as unfinished:
            shutil.copyfile(src_file, unfinished)
    else:
        _object(bucket, path).upload_file(src_file, ExtraArgs=s3.told(content_type))


def push_content(bucket: str, path: str, content: str, content_type: str | None = None) -> None:
    """Write a text (as UTF-8) to `path`. `content_type` is for S3."""
    directory = _directory(bucket)
    if directory is not None:
        with _new_file(_inside(directory, path)) as unfinished:
            unfinished.write_text(content, "utf-8")
    else:
        _object(bucket, path).put(Body=content.encode("utf-8"), **s3.told(content_type))


def list_keys(bucket: str, path: str | None = None) -> list[Any]:
    """What lies in the bucket, sorted by key, of keys that begin with `path`: boto3's ObjectSummary or FileSummary."""
    directory = _directory(bucket)
    if directory is None:
        name, location = sanitize_bucket_and_host(bucket)
        return list(s3.resource(location).Bucket(name).objects.filter(Prefix=path or ""))
    folder = (path or "").rpartition("/")[0]
    under = _inside(directory, folder) if folder else directory
    files = [file for file in under.rglob("*") if file.is_file() and not file.name.startswith(_UNFINISHED)]
    found = [_summary(bucket, directory, file) for file in files]
    return sorted((each for each in found if each.key.startswith(path or "")), key=lambda each: each.key)


def _object(bucket: str, path: str) -> Any:
    name, location = sanitize_bucket_and_host(bucket)
    return s3.resource(location).Object(name, path)


def is_name(bucket: str) -> bool:
    """Whether it is the bare name of a bucket of Amazon S3: no host, no directory."""
    return "/" not in bucket and _directory(bucket) is None


def _directory(bucket: str) -> Path | None:
    """The directory that a bucket is, or None."""
    if bucket.startswith("file://"):
        return Path(bucket.removeprefix("file://"))
    return Path(bucket).expanduser() if bucket.startswith(("/", "./", "../", "~")) or bucket in (".", "..") else None


def _inside(directory: Path, path: str) -> Path:
    """The file of a key. Raises ValueError for one that leads out of the directory."""
    if any(part in ("", ".", "..") for part in path.split("/")):
        raise ValueError(f"a key names a file in its bucket, such as a/b: {path!r} does not")
    return directory / path


@contextmanager
def _new_file(file: Path) -> Iterator[Path]:
    """A file to write to; what was written is at `file` when it is whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"{_UNFINISHED}{uuid4().hex}")
    try:
        yield unfinished
        unfinished.replace(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _summary(bucket: str, directory: Path, file: Path) -> FileSummary:
    found = file.stat()
    key = file.relative_to(directory).as_posix()
    return FileSummary(bucket, key, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))
