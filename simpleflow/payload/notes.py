"""Small texts about attempts of tasks, which change and may be lost: how far one is, and what it has printed.

They lie beside the large values, by run and name. No history mentions them, so they go with their run
(`simpleflow engine.vacuum`), and nothing that a program does depends on them. It knows texts, not what they mean.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

from simpleflow import s3
from simpleflow.exceptions import PayloadUnreachable, one_line
from simpleflow.payload.server import ServerStore

DIRECTORY: Final = "notes"
PART: Final = ".part"
"""Ends the name of a note that is being written."""


class Notes:
    """The notes of runs, in the first of the stores of `simpleflow.config.Config.payload_stores`.

    The memory of a process keeps no notes, nor does a store that is none: they are forgotten, silently.
    """

    def __init__(self, urls: Sequence[str] = ()) -> None:
        kind, _, self._place = (urls[0] if urls else "none").partition(":")
        self._on_s3 = kind == "s3"
        self._server = ServerStore(urls[0]) if kind in ("http", "https") else None
        self._kept = kind in ("file", "s3") or self._server is not None

    def write(self, run_id: str, name: str, text: str) -> None:
        """Put a text in the place of the one of this name. Raises PayloadUnreachable."""
        if not self._kept:
            return
        try:
            if self._server is not None:
                self._server.put_note(quote(run_id, safe=""), name, text.encode())
            elif self._on_s3:
                s3.put(*self._object(run_id, name), text.encode(), "text/plain; charset=utf-8")
            else:
                self._replace(self._path(run_id, name), text.encode())
        except Exception as error:
            raise PayloadUnreachable(f"a note on {run_id} cannot be written: {one_line(error)}") from error

    def read(self, run_id: str, name: str) -> str | None:
        """The text of this name; None where there is none. Raises PayloadUnreachable."""
        if not self._kept:
            return None
        try:
            return self._fetched(run_id, name).decode() or None
        except FileNotFoundError:
            return None
        except Exception as error:
            if "NoSuchKey" in str(error):
                return None
            raise PayloadUnreachable(f"a note on {run_id} cannot be read: {one_line(error)}") from error

    def _path(self, run_id: str, name: str) -> Path:
        return Path(self._place) / DIRECTORY / quote(run_id, safe="") / name

    def _object(self, run_id: str, name: str) -> tuple[str, str]:
        bucket, _, path = f"{self._place.strip('/')}/{DIRECTORY}/{quote(run_id, safe='')}/{name}".partition("/")
        return bucket, path

    def _fetched(self, run_id: str, name: str) -> bytes:
        if self._server is not None:
            return self._server.note(quote(run_id, safe=""), name)
        return s3.get(*self._object(run_id, name)) if self._on_s3 else self._path(run_id, name).read_bytes()

    @staticmethod
    def _replace(path: Path, data: bytes) -> None:
        part = path.with_name(f"{path.name}.{os.getpid()}{PART}")
        try:
            part.write_bytes(data)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(data)
        part.replace(path)


def copy(directory: Path, target: Path) -> int:
    """Copy the notes in a directory of payloads to another; how many there are. Others go on meanwhile."""
    count = 0
    for path in (directory / DIRECTORY).glob("*/*"):
        if path.suffix == PART:
            continue
        copied = target / path.relative_to(directory)
        copied.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copy2(path, copied)
        except FileNotFoundError:  # its run has gone meanwhile
            continue
        count += 1
    return count


def sweep(directory: Path, runs: Callable[[], Iterable[str]]) -> int:
    """Remove the notes in a directory of payloads on all runs but these; of how many. A run may start meanwhile."""
    found = list((directory / DIRECTORY).glob("*"))
    kept = {quote(run_id, safe="") for run_id in runs()}
    gone = [path for path in found if path.name not in kept]
    for path in gone:
        shutil.rmtree(path, ignore_errors=True)
    return len(gone)
