"""Programs that activities need, downloaded once a machine and found on the PATH.

    @activity.with_attributes(meta={"binaries": {"convert": "s3://bucket/tools/convert"}})

tells the worker to do so before it runs the activity; `with_binaries` does the same where the function is called.
A program is kept in ``<SIMPLEFLOW_BINARIES_DIRECTORY>/<name>-<md5 of its location>``: a new version lies at a new
location. Whoever may start such tasks chooses programs that run on workers.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from simpleflow import config

C = TypeVar("C", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class RemoteBinary:
    """A program of this `name` that lies at `location`: ``s3://bucket/path``, ``file:///path`` or a path.

    Raises NotImplementedError for other kinds of locations, and ValueError for a name that is no file name.
    """

    name: str
    location: str

    def __post_init__(self) -> None:
        if self.name in ("", ".", "..") or "/" in self.name:
            raise ValueError(f"a program's name is that of a file, not {self.name!r}")
        self._source()

    @property
    def directory(self) -> Path:
        """The directory that goes on the PATH."""
        digest = hashlib.md5(self.location.encode(), usedforsecurity=False).hexdigest()
        return Path(config.load().binaries) / f"{self.name}-{digest}"

    @property
    def path(self) -> Path:
        """Where the program is kept."""
        return self.directory / self.name

    def download(self) -> Path:
        """Fetch the program unless it is here already; its path. One process fetches, others wait for it."""
        if os.access(self.path, os.X_OK):
            return self.path
        import fcntl  # which Windows lacks, where all else works

        from simpleflow import storage

        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.directory / f".{self.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.access(self.path, os.X_OK):
                fetched = self.directory / f".{self.name}.new"
                storage.pull(*self._source(), str(fetched))
                fetched.chmod(0o755)
                fetched.rename(self.path)
        return self.path

    def _source(self) -> tuple[str, str]:
        """The bucket and the path in it."""
        scheme, separator, rest = self.location.partition("://")
        if not separator or scheme == "file":
            file = Path(rest if separator else self.location).expanduser().absolute()
            return str(file.parent), file.name
        bucket, _, path = rest.partition("/")
        if scheme != "s3":
            raise NotImplementedError(f"{self.location}: programs lie at s3://bucket/path, file:///path or a path")
        if not bucket or not path:
            raise ValueError(f"{self.location} is no s3://bucket/path")
        return bucket, path


def download_binaries(binaries: Mapping[str, str]) -> None:
    """Fetch the programs at these locations, by name, and put them first on the PATH of this process."""
    for name, location in binaries.items():
        directory = str(RemoteBinary(name, location).download().parent)
        others = [path for path in os.environ.get("PATH", os.defpath).split(os.pathsep) if path != directory]
        os.environ["PATH"] = os.pathsep.join([directory, *others])


def with_binaries(binaries: Mapping[str, str]) -> Callable[[C], C]:
    """Fetch these programs when the function is called, or when the ``execute`` of a class is."""

    def decorate(thing: C) -> C:
        if isinstance(thing, type):
            thing.execute = _after_download(thing.execute, binaries)  # type: ignore[attr-defined]
            return thing
        return _after_download(thing, binaries)

    return decorate


def _after_download(function: C, binaries: Mapping[str, str]) -> C:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        download_binaries(binaries)
        return function(*args, **kwargs)

    return call  # type: ignore[return-value]
