"""Large texts as files of a directory, each named by its hash, and the removal of those that nothing mentions."""

from __future__ import annotations

import math
import mmap
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from simpleflow.exceptions import PayloadUnreachable
from simpleflow.payload.reference import HASH, SCHEME, Reference

MENTIONED: Final = re.compile(rb"simpleflow\+file://([0-9a-f]{64}) ")
PART_AGE: Final = 24 * 60 * 60
"""Seconds after which a file that was never written to its end has nobody who writes it."""


class FileStore:
    """Texts as files, each named by its hash, written whole or not at all and put on the disk before it is named."""

    def __init__(self, directory: str | Path) -> None:
        self._directory = Path(directory)

    def put(self, data: bytes, digest: str) -> str:
        return self._take(digest, len(data), lambda path: _write(path, data))

    def adopt(self, file: Path, digest: str) -> str:
        """As `put`, of a text in a file of this directory, which is moved."""
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
            size = os.fstat(opened.fileno()).st_size
        return self._take(digest, size, file.replace)

    def _take(self, digest: str, size: int, make: Callable[[Path], Any]) -> str:
        path = self.path(digest)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with _locked(self._directory, exclusive=False):
                if not _used_now(path, size):
                    make(path)
                for directory in (path.parent, self._directory):
                    _sync(directory)  # also where another has written it, perhaps just now
        except OSError as error:
            raise PayloadUnreachable(
                f"a payload of {size:,} bytes cannot be put into {self._directory}: {error.strerror or error}"
            ) from error
        return f"{SCHEME}file://{digest}"

    def get(self, reference: Reference) -> bytes:
        try:
            return self.path(reference.key).read_bytes()
        except FileNotFoundError:
            raise PayloadUnreachable(f"the payload {reference.text} is not in {self._directory}") from None
        except OSError as error:
            raise PayloadUnreachable(
                f"the payload {reference.text} cannot be read in {self._directory}: {error.strerror or error}"
            ) from error

    def renew(self, digest: str) -> bool:
        """Have the age of a text begin anew. False where it is not here."""
        try:
            os.utime(self.path(digest))
            return True
        except FileNotFoundError:
            return False

    def path(self, digest: str) -> Path:
        """The file of a text. Raises PayloadUnreachable where that is no hash."""
        if not HASH.fullmatch(digest):
            raise PayloadUnreachable(f"{digest!r} names no payload in {self._directory}")
        return self._directory / digest[:2] / digest


@contextmanager
def _locked(directory: Path, exclusive: bool) -> Iterator[None]:
    """Keep a sweep from removing what is taken into use at the same instant."""
    import fcntl  # not on Windows, where only the memory of a process is used

    with open(directory / "lock", "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        yield


def _used_now(path: Path, size: int) -> bool:
    """Whether the file is there, whole; then its age begins anew."""
    try:
        os.utime(path)
        return path.stat().st_size == size
    except FileNotFoundError:
        return False


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}-{os.urandom(4).hex()}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _sync(directory: Path) -> None:
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def copy(directory: Path, target: Path) -> int:
    """Copy the payloads of a directory that are not in `target` yet; how many there are. Others go on meanwhile."""
    count = 0
    for path in directory.glob("??/*"):
        if not HASH.fullmatch(path.name):
            continue
        count += 1
        copied = target / path.parent.name / path.name
        copied.parent.mkdir(parents=True, exist_ok=True)
        if not copied.exists():
            try:
                os.link(path, copied)  # what is in it never changes
            except OSError:
                _write(copied, path.read_bytes())
    return count


@dataclass(frozen=True, slots=True)
class Swept:
    """How many payloads were removed, and their bytes."""

    count: int
    size: int


def sweep(directory: Path, mentions: Iterable[str], before: float) -> Swept:
    """Remove the payloads of a directory that nothing mentions and nobody has put there since `before` (epoch seconds).

    `mentions` are texts in which all references that are in use stand. It is read after the directory, so that what is
    mentioned meanwhile is seen; payloads that those in use mention are in use themselves.
    """
    old = {path.name: path for path in directory.glob("??/*") if _put_at(path) < before}
    for name in [name for name in old if name.endswith(".part")]:
        path = old.pop(name)
        if _put_at(path) < time.time() - PART_AGE:
            path.unlink(missing_ok=True)
    if old:
        for digest in _reached(directory, mentions):
            old.pop(digest, None)
    count = size = 0
    for path in old.values():
        with _locked(directory, exclusive=True):
            try:
                found = path.stat()
                if found.st_mtime < before:
                    path.unlink()
                    count, size = count + 1, size + found.st_size
            except FileNotFoundError:
                pass
    return Swept(count, size)


def _put_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another sweep was faster
        return math.inf


def _reached(directory: Path, mentions: Iterable[str]) -> set[str]:
    """The hashes that the texts mention, and those that the payloads of these do, and so on."""
    reached: set[str] = set()
    fresh = {digest for text in mentions for digest in _mentioned(text.encode())}
    while fresh:
        reached |= fresh
        fresh = {digest for name in fresh for digest in _mentioned_by(directory / name[:2] / name)} - reached
    return reached


def _mentioned(data: Any) -> Iterator[str]:
    return (found[1].decode() for found in MENTIONED.finditer(data))


def _mentioned_by(path: Path) -> list[str]:
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return list(_mentioned(data))
    except FileNotFoundError:
        return []
