"""Amazon S3: the way there, for files in buckets and for large values. boto3 is imported when it is first gone.

Where AWS_ENDPOINT_URL_S3 (or AWS_ENDPOINT_URL) is set, S3 is there. Errors are those of botocore (ClientError). It
knows buckets, regions and hosts, and nothing of what lies there.
"""

from __future__ import annotations

import os
import re
from functools import cache
from typing import Any, Final

from simpleflow import config

BUCKET_LOCATIONS_CACHE: Final[dict[str, str]] = {}
"""Regions (or hosts) of buckets, as they were found."""
DEFAULT_REGION: Final = "us-east-1"
EVERYWHERE: Final = "s3.amazonaws.com"
"""The host of all regions: boto3 is led on from there to the one of a bucket."""
_HOST_OF_A_REGION: Final = re.compile(r"s3[.-]([a-z]+-[a-z-]+-[0-9])\.amazonaws\.com")


def put(bucket: str, path: str, data: bytes, content_type: str | None = None) -> None:
    """Write `data` to `path` of a bucket, where boto3's own settings lead."""
    client().put_object(Bucket=bucket, Key=path, Body=data, **told(content_type))


def get(bucket: str, path: str) -> bytes:
    """What lies at `path` of a bucket, where boto3's own settings lead."""
    data: bytes = client().get_object(Bucket=bucket, Key=path)["Body"].read()
    return data


def told(content_type: str | None) -> dict[str, str]:
    """What S3 is told with what is written there."""
    return config.load().s3_encryption | ({"ContentType": content_type} if content_type else {})


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
        found = client(DEFAULT_REGION).get_bucket_location(Bucket=bucket).get("LocationConstraint")
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDenied", "403"):
            raise
        return config.load().simpleflow_s3_host
    return "eu-west-1" if found == "EU" else str(found or DEFAULT_REGION)


def client(location: str = "") -> Any:
    """boto3's client for a region, for a host, or (without a location) for wherever boto3's own settings lead."""
    return resource(location).meta.client


def resource(location: str = "") -> Any:
    """boto3's resource for a location, as of `client`. It is opened once in a process."""
    settings = config.load()
    elsewhere = settings.aws_endpoint_url_s3 or settings.aws_endpoint_url
    return opened(location, bool(elsewhere), os.getpid())


@cache
def opened(location: str, elsewhere: bool, process: int) -> Any:
    """A forked child opens its own: connections are not to be shared."""
    import boto3
    from botocore.config import Config

    patience = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 3, "mode": "standard"})
    if "." not in location:
        return boto3.resource("s3", region_name=location or None, config=patience)
    named = _HOST_OF_A_REGION.fullmatch(location)
    region = named.group(1) if named else DEFAULT_REGION
    url = None if elsewhere or location == EVERYWHERE else f"https://{location}"
    return boto3.resource("s3", region_name=region, endpoint_url=url, config=patience)
