"""Programs that are downloaded: from every kind of place, once, and first on the PATH."""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import pytest

import amazon as service
from simpleflow import config, download, s3, settings, storage
from simpleflow.activity import Activity

PROGRAM = "#!/bin/sh\necho downloaded\n"


@pytest.fixture(scope="module")
def amazon() -> Iterator[dict[str, str]]:
    with service.s3() as environment:
        yield environment


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("PATH", os.environ["PATH"])
    settings.put_setting("SIMPLEFLOW_BINARIES_DIRECTORY", str(tmp_path / "binaries"))
    yield
    config._put.clear()
    config.load.cache_clear()


@pytest.fixture(params=["s3", "url", "path"])
def location(
    request: pytest.FixtureRequest, tmp_path: Path, amazon: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    if request.param != "s3":
        (tmp_path / "program").write_text(PROGRAM)
        yield f"file://{tmp_path / 'program'}" if request.param == "url" else str(tmp_path / "program")
        return
    for name, value in amazon.items():
        monkeypatch.setenv(name, value)
    config.load.cache_clear()
    s3.opened.cache_clear()
    s3.resource().Bucket("tools").create()
    storage.push_content("tools", "sub/program", PROGRAM)
    yield "s3://tools/sub/program"
    s3.opened.cache_clear()
    storage.BUCKET_LOCATIONS_CACHE.clear()


def test_a_program_is_found_on_the_path(location: str, tmp_path: Path) -> None:
    download.download_binaries({"hello-there": location})
    assert subprocess.run(["hello-there"], capture_output=True, text=True, check=True).stdout == "downloaded\n"
    directory = tmp_path / "binaries" / f"hello-there-{hashlib.md5(location.encode()).hexdigest()}"
    assert os.environ["PATH"].split(os.pathsep)[0] == str(directory)
    assert (directory / "hello-there").stat().st_mode & 0o777 == 0o755
    assert directory.stat().st_mode & 0o777 == 0o700


def test_it_is_fetched_once_and_the_last_named_is_first(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(PROGRAM)
    (tmp_path / "b").write_text(PROGRAM.replace("downloaded", "other"))
    download.download_binaries({"p": str(tmp_path / "a")})
    download.download_binaries({"p": str(tmp_path / "b")})
    (tmp_path / "a").unlink()
    download.download_binaries({"p": str(tmp_path / "a")})
    assert subprocess.run(["p"], capture_output=True, text=True, check=True).stdout == "downloaded\n"
    paths = os.environ["PATH"].split(os.pathsep)
    assert len([path for path in paths if "/binaries/p-" in path]) == 2


def test_one_fetches_and_others_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []
    looks, looked = itertools.count(), threading.Barrier(2, timeout=10)
    arrived = threading.Semaphore(0)
    lock, access = fcntl.flock, os.access

    def look(path: Path, mode: int) -> bool:
        found = access(path, mode)
        if next(looks) < 2:
            looked.wait()  # until both have seen that it is not there
        return found

    def arrive(file: IO[str], kind: int) -> None:
        arrived.release()
        lock(file, kind)

    def pull(bucket: str, path: str, dest: str) -> None:
        fetched.append(path)
        for _ in range(2):
            assert arrived.acquire(timeout=10), "one of them did not ask for the lock"
        Path(dest).write_text(PROGRAM)

    monkeypatch.setattr(os, "access", look)
    monkeypatch.setattr(fcntl, "flock", arrive)
    monkeypatch.setattr(storage, "pull", pull)
    binary = download.RemoteBinary("p", str(tmp_path / "a"))
    with ThreadPoolExecutor(2) as threads:
        assert set(threads.map(lambda _: binary.download(), range(2))) == {binary.path}
    assert fetched == ["a"]


def test_a_download_that_breaks_off_leaves_no_program(tmp_path: Path) -> None:
    binary = download.RemoteBinary("p", str(tmp_path / "missing"))
    with pytest.raises(FileNotFoundError):
        binary.download()
    assert not binary.path.exists()
    (tmp_path / "missing").write_text(PROGRAM)
    assert binary.download() == binary.path


@pytest.mark.parametrize(
    ("location", "error", "complaint"),
    [
        ("https://example.com/p", NotImplementedError, "programs lie at s3://bucket/path, file:///path or a path"),
        ("s3://bucket", ValueError, "s3://bucket is no s3://bucket/path"),
        ("s3:///p", ValueError, "s3:///p is no s3://bucket/path"),
    ],
)
def test_places_that_are_none(location: str, error: type[Exception], complaint: str) -> None:
    with pytest.raises(error, match=complaint):
        download.RemoteBinary("p", location)


@pytest.mark.parametrize("name", ["", "a/b", "..", "/p"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(ValueError, match="a program's name is that of a file"):
        download.RemoteBinary(name, "/p")


def test_functions_and_classes_that_need_programs(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(PROGRAM)
    needs = download.with_binaries({"hello-there": str(tmp_path / "a")})

    @needs
    def function(x: int) -> str:
        return subprocess.run(["hello-there"], capture_output=True, text=True, check=True).stdout * x

    @needs
    class Task:
        def __init__(self, x: int) -> None:
            self.x = x

        def execute(self) -> str:
            return function(self.x)

    before = os.environ["PATH"]
    assert function(2) == "downloaded\n" * 2
    os.environ["PATH"] = before
    assert Activity(Task).execute(3) == "downloaded\n" * 3
    assert Activity(function).name.endswith(".function")


def test_importing_it_needs_no_lock() -> None:
    code = "import sys; sys.modules['fcntl'] = None; import simpleflow.download"
    subprocess.run([sys.executable, "-c", code], check=True)
