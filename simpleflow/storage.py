"""Files in a bucket: of Amazon S3, or a directory.

A bucket is named in one of these ways:

    name                          a bucket of Amazon S3, in the region where it lies
    s3.eu-west-1.amazonaws.com/name   the same, at this host
    file:///path, /path, ./path, ~/path   a directory: keys are paths in it

Where AWS_ENDPOINT_URL_S3 (or AWS_ENDPOINT_URL) is set, S3 is there. Errors are those of botocore (ClientError), and
OSError for directories. It knows nothing of payloads, whose store is `simpleflow.payload`'s.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from simpleflow import config

BUCKET_LOCATIONS_CACHE: Final[dict[str, str]] = {}
"""Regions (or hosts) of buckets, as they were found."""
_DEFAULT_REGION: Final = "us-east-1"
_HOST_OF_A_REGION: Final = re.compile(r"s3[.-]([a-z]+-[a-z-]+-[0-9])\.amazonaws\.com")
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
        _object(bucket, path).upload_file(src_file, ExtraArgs=_extra(content_type))


def push_content(bucket: str, path: str, content: str, content_type: str | None = None) -> None:
    """Write a text (as UTF-8) to `path`. `content_type` is for S3."""
    directory = _directory(bucket)
    if directory is not None:
        with _new_file(_inside(directory, path)) as unfinished:
            unfinished.write_text(content, "utf-8")
    else:
        _object(bucket, path).put(Body=content.encode("utf-8"), **_extra(content_type))


def list_keys(bucket: str, path: str | None = None) -> list[Any]:
    """What lies in the bucket, sorted by key, of keys that begin with `path`: boto3's ObjectSummary or FileSummary."""
    directory = _directory(bucket)
    if directory is None:
        name, location = sanitize_bucket_and_host(bucket)
        return list(_s3(location).Bucket(name).objects.filter(Prefix=path or ""))
    files = [file for file in directory.rglob("*") if file.is_file() and not file.name.startswith(_UNFINISHED)]
    found = [_summary(bucket, directory, file) for file in files]
    return sorted((each for each in found if each.key.startswith(path or "")), key=lambda each: each.key)


def sanitize_bucket_and_host(bucket: str) -> tuple[str, str]:
    """The bucket's own name, and its region or the host of S3 that serves it (which has a dot in it).

    Raises ValueError for a host that is not Amazon's.
    """
    host, separator, name = bucket.rpartition("/")
    if separator:
        if "/" in host or not name:
            raise ValueError(f"a bucket is written name or host/name, not {bucket!r}")
        if not host.endswith(".amazonaws.com"):
            raise ValueError(f"host should be a *.amazonaws.com URL, not {host!r}")
        return name, host
    if bucket not in BUCKET_LOCATIONS_CACHE:
        BUCKET_LOCATIONS_CACHE[bucket] = _location(bucket)
    return bucket, BUCKET_LOCATIONS_CACHE[bucket]


def _location(bucket: str) -> str:
    from botocore.exceptions import ClientError

    try:
        found = _s3(_DEFAULT_REGION).meta.client.get_bucket_location(Bucket=bucket).get("LocationConstraint")
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDenied", "403"):
            raise
        return config.load().simpleflow_s3_host
    return "eu-west-1" if found == "EU" else str(found or _DEFAULT_REGION)


def _s3(location: str) -> Any:
    settings = config.load()
    elsewhere = settings.aws_endpoint_url_s3 or settings.aws_endpoint_url
    return _resource(location, bool(elsewhere), os.getpid())


@cache
def _resource(location: str, elsewhere: bool, process: int) -> Any:
    """boto3's S3 in a region or at a host. A forked child opens its own: connections are not to be shared."""
    import boto3

    if "." not in location:
        return boto3.resource("s3", region_name=location)
    named = _HOST_OF_A_REGION.fullmatch(location)
    region = named.group(1) if named else _DEFAULT_REGION
    return boto3.resource("s3", region_name=region, endpoint_url=None if elsewhere else f"https://{location}")


def _object(bucket: str, path: str) -> Any:
    name, location = sanitize_bucket_and_host(bucket)
    return _s3(location).Object(name, path)


def _extra(content_type: str | None) -> dict[str, str]:
    return config.load().s3_encryption | ({"ContentType": content_type} if content_type else {})


def _directory(bucket: str) -> Path | None:
    """The directory that a bucket is, or None."""
    if bucket.startswith("file://"):
        return Path(bucket.removeprefix("file://"))
    return Path(bucket).expanduser() if bucket.startswith(("/", "./", "../", "~")) or bucket in (".", "..") else None


def _inside(directory: Path, path: str) -> Path:
    """The file of a key. Raises ValueError for one that leads out of the directory."""
    if not path or any(part in ("", ".", "..") for part in path.split("/")):
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
