"""Large texts that a server keeps for its clients, in the same files as processes that open the engine themselves.

They come and go in parts, so that neither a request nor the server grows with them. It knows nothing of HTTP.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from simpleflow.exceptions import PayloadUnreachable
from simpleflow.payload.files import FileStore
from simpleflow.payload.notes import Notes
from simpleflow.payload.reference import HASH

RUN_ID: Final = re.compile(r"[\w=+/-]{1,64}", re.ASCII)
NAME: Final = re.compile(r"[0-9]{1,10}\.[a-z]{1,20}")


class Shelf:
    """Texts by their SHA-256, in hexadecimal. The first of the `directories` takes new ones; all are read.

    Raises ValueError for a hash that is none, OSError.
    """

    def __init__(self, directories: Sequence[str]) -> None:
        self._stores = [FileStore(directory) for directory in directories]
        self._notes = Notes([f"file:{directories[0]}"])

    def write(self, digest: str, at: int, data: bytes) -> None:
        """Take a part of a text, which begins `at` so many bytes. Who writes it at the same time writes the same."""
        part = self._part(digest)
        part.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(part, os.O_WRONLY | os.O_CREAT, 0o666)
        try:
            os.pwrite(file, data, at)
        finally:
            os.close(file)

    def finish(self, digest: str) -> bool:
        """Keep a text all parts of which were written. False where one is missing."""
        part, store = self._part(digest), self._stores[0]
        try:
            with part.open("rb") as file:
                whole = hashlib.file_digest(file, "sha256").hexdigest() == digest
            if whole:
                store.adopt(part, digest)
        except FileNotFoundError:  # another has just finished it, or nobody began
            pass
        except PayloadUnreachable as error:
            raise OSError(str(error)) from error
        finally:
            part.unlink(missing_ok=True)
        return store.renew(digest)

    def read(self, digest: str, at: int, size: int) -> bytes | None:
        """So many bytes of a text, fewer at its end, from `at` on; None where it is not here."""
        self._part(digest)
        for store in self._stores:
            try:
                with store.path(digest).open("rb") as file:
                    file.seek(at)
                    return file.read(size)
            except FileNotFoundError:
                continue
        return None

    def put_note(self, run: str, name: str, data: bytes) -> None:
        """Keep a note on a run, instead of the one of this name. Raises ValueError for names that are none, OSError."""
        try:
            self._notes.write(*_named(run, name), data.decode())
        except PayloadUnreachable as error:
            raise OSError(str(error)) from error

    def note(self, run: str, name: str) -> bytes:
        """The note of this name; empty where there is none. Raises ValueError for names that are none, OSError."""
        try:
            return (self._notes.read(*_named(run, name)) or "").encode()
        except PayloadUnreachable as error:
            raise OSError(str(error)) from error

    def _part(self, digest: str) -> Path:
        if not HASH.fullmatch(digest):
            raise ValueError(f"{digest[:100]!r} is no SHA-256 in hexadecimal")
        return self._stores[0].path(digest).with_name(f"{digest}.part")


def _named(run: str, name: str) -> tuple[str, str]:
    """The run id and the name of a note, as they stand in a request. Raises ValueError."""
    run_id = unquote(run)
    if not RUN_ID.fullmatch(run_id) or not NAME.fullmatch(name):
        raise ValueError(f"{run[:100]}/{name[:100]} names no note on a run")
    return run_id, name
