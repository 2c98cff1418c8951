"""One set of tests for every kind of bucket, and what is S3's alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import amazon as service
from simpleflow import config, s3, settings, storage


@pytest.fixture(scope="module")
def amazon() -> Iterator[dict[str, str]]:
    with service.s3() as environment:
        yield environment


@pytest.fixture(autouse=True)
def environment(amazon: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in amazon.items():
        monkeypatch.setenv(name, value)
    config.load.cache_clear()
    storage.BUCKET_LOCATIONS_CACHE.clear()
    s3.opened.cache_clear()
    yield
    config._put.clear()
    config.load.cache_clear()
    storage.BUCKET_LOCATIONS_CACHE.clear()
    s3.opened.cache_clear()


def boto(name: str) -> Any:
    return s3.resource().Bucket(name)


def make(name: str, region: str | None = None) -> str:
    bucket = boto(name)
    bucket.create(**({"CreateBucketConfiguration": {"LocationConstraint": region}} if region else {}))
    return name


@pytest.fixture(params=["directory", "url", "home", "name", "host"])
def bucket(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"bucket-{abs(hash(str(tmp_path)))}"
    monkeypatch.setenv("HOME", str(tmp_path))
    if request.param in ("name", "host"):
        make(name)
    return {
        "directory": str(tmp_path / name),
        "url": f"file://{tmp_path / name}",
        "home": f"~/{name}",
        "name": name,
        "host": f"s3.amazonaws.com/{name}",
    }[request.param]


def test_texts(bucket: str) -> None:
    assert storage.list_keys(bucket) == []
    storage.push_content(bucket, "a/b/é", "first")
    storage.push_content(bucket, "a/b/é", "naïve\n", content_type="text/plain")
    assert storage.pull_content(bucket, "a/b/é") == "naïve\n"
    (found,) = storage.list_keys(bucket)
    assert (found.key, found.size) == ("a/b/é", 7)
    assert found.last_modified.tzinfo is not None


def test_files(bucket: str, tmp_path: Path) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.write_bytes(bytes(range(256)) * 100)
    storage.push(bucket, "k", str(source), content_type="application/octet-stream")
    storage.pull(bucket, "k", str(copy))
    assert copy.read_bytes() == source.read_bytes()


def test_keys_are_listed_sorted_by_what_they_begin_with(bucket: str) -> None:
    for key in ("b", "a/2", "a/1", "ab", "a/sub/3"):
        storage.push_content(bucket, key, key)

    def listed(*path: str) -> list[str]:
        return [found.key for found in storage.list_keys(bucket, *path)]

    assert listed() == ["a/1", "a/2", "a/sub/3", "ab", "b"]
    assert listed("a/") == ["a/1", "a/2", "a/sub/3"]
    assert listed("a") == ["a/1", "a/2", "a/sub/3", "ab"]
    assert listed("nothing") == []


def test_what_is_missing(bucket: str, tmp_path: Path) -> None:
    with pytest.raises((FileNotFoundError, ClientError)):
        storage.pull_content(bucket, "missing")
    with pytest.raises((FileNotFoundError, ClientError)):
        storage.pull(bucket, "missing", str(tmp_path / "copy"))
    with pytest.raises(FileNotFoundError):
        storage.push(bucket, "k", str(tmp_path / "missing"))
    assert storage.list_keys(bucket) == []


# -- directories ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["../b", "a/../../b", "", "/b", "a//b", ".", "a/."])
def test_no_key_leads_out_of_a_directory(tmp_path: Path, key: str) -> None:
    (tmp_path / "b").write_text("not ours")
    for call in (storage.pull_content, lambda *where: storage.push_content(*where, "x")):
        with pytest.raises(ValueError, match="a key names a file in its bucket"):
            call(str(tmp_path / "bucket"), key)
    assert (tmp_path / "b").read_text() == "not ours"
    for path in ("../", "/b/", "a//", "a/../b"):
        with pytest.raises(ValueError, match="a key names a file in its bucket"):
            storage.list_keys(str(tmp_path / "bucket"), path)


def test_what_is_half_written_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        storage.push_content(str(tmp_path), "a/b", "\ud800")
    assert storage.list_keys(str(tmp_path)) == [] and list((tmp_path / "a").iterdir()) == []
    (tmp_path / f"{storage._UNFINISHED}1").touch()
    assert storage.list_keys(str(tmp_path)) == []


# -- Amazon S3 -----------------------------------------------------------------------------------------------------


def test_a_bucket_is_used_in_its_region() -> None:
    make("in-ireland", "eu-west-1")
    make("in-virginia")
    assert storage.sanitize_bucket_and_host("in-ireland") == ("in-ireland", "eu-west-1")
    assert storage.sanitize_bucket_and_host("in-virginia") == ("in-virginia", "us-east-1")
    assert storage.BUCKET_LOCATIONS_CACHE == {"in-ireland": "eu-west-1", "in-virginia": "us-east-1"}
    storage.push_content("in-ireland", "k", "x")
    assert storage._object("in-ireland", "k").meta.client.meta.region_name == "eu-west-1"


def test_a_bucket_whose_region_is_not_told_is_used_at_the_configured_host(monkeypatch: pytest.MonkeyPatch) -> None:
    class Denied:
        def __init__(self, code: str) -> None:
            self.meta = self
            self.client = self
            self.code = code

        def get_bucket_location(self, Bucket: str) -> Any:
            raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, "GetBucketLocation")

    settings.put_setting("SIMPLEFLOW_S3_HOST", "s3.eu-west-3.amazonaws.com")
    monkeypatch.setattr(s3, "resource", lambda location: Denied("AccessDenied"))
    assert storage.sanitize_bucket_and_host("closed") == ("closed", "s3.eu-west-3.amazonaws.com")
    monkeypatch.setattr(s3, "resource", lambda location: Denied("NoSuchBucket"))
    with pytest.raises(ClientError, match="NoSuchBucket"):
        storage.sanitize_bucket_and_host("nowhere")


@pytest.mark.parametrize(
    ("bucket", "found"),
    [
        ("s3.amazonaws.com/name", ("name", "s3.amazonaws.com")),
        ("s3-eu-west-1.amazonaws.com/name", ("name", "s3-eu-west-1.amazonaws.com")),
    ],
)
def test_hosts(bucket: str, found: tuple[str, str]) -> None:
    assert storage.sanitize_bucket_and_host(bucket) == found


@pytest.mark.parametrize(
    ("bucket", "complaint"),
    [
        ("example.com/name", r"host should be a \*.amazonaws.com URL, not 'example.com'"),
        ("s3.amazonaws.com/name/more", "a bucket is written name or host/name"),
        ("s3.amazonaws.com/", "a bucket is written name or host/name"),
    ],
)
def test_hosts_that_are_none(bucket: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        storage.sanitize_bucket_and_host(bucket)


@pytest.mark.parametrize(
    ("host", "region"),
    [("s3.eu-west-1.amazonaws.com", "eu-west-1"), ("s3-us-gov-west-1.amazonaws.com", "us-gov-west-1")],
)
def test_a_host_that_names_a_region_is_asked_there(
    monkeypatch: pytest.MonkeyPatch, host: str, region: str
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    config.load.cache_clear()
    client = s3.client(host)
    assert (client.meta.region_name, client.meta.endpoint_url) == (region, f"https://{host}")


def test_encryption_and_types_of_content() -> None:
    make("secrets")
    storage.push_content("secrets", "plain", "x", content_type="application/json")
    settings.put_setting("SIMPLEFLOW_S3_SSE", "true")
    storage.push_content("secrets", "secret", "x")
    storage.push("secrets", "file", __file__)
    told = {key: boto("secrets").Object(key).get() for key in ("plain", "secret", "file")}
    assert told["plain"]["ContentType"] == "application/json"
    assert {key: answer.get("ServerSideEncryption") for key, answer in told.items()} == {
        "plain": None,
        "secret": "AES256",
        "file": "AES256",
    }
