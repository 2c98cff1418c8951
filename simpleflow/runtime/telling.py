"""What is told of attempts to people: how far one is, and what it has printed. It may be lost, and ends nothing."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

import orjson

from simpleflow.exceptions import PayloadUnreachable
from simpleflow.payload.notes import Notes

log = logging.getLogger("simpleflow.runtime")

SECOND: Final = 1.0
"""Seconds between two writings of progress."""


def progress_name(started: int) -> str:
    """The name of the note on how far an attempt is; `started` is the id of the event that says that it has begun."""
    return f"{started}.progress"


def output_name(started: int) -> str:
    """The name of the note on what an attempt has printed: JSON of "stdout" and "stderr"."""
    return f"{started}.output"


def read_note(notes: Notes, run_id: str, name: str) -> dict[str, Any]:
    """What a note says; nothing where there is none, or it cannot be had."""
    try:
        text = notes.read(run_id, name)
    except PayloadUnreachable as error:
        log.debug("%s", error)
        return {}
    return dict(orjson.loads(text)) if text else {}


def in_words(progress: dict[str, Any]) -> str:
    """``40 of 100: page 40``"""
    done, total, text = progress.get("done"), progress.get("total"), progress.get("text")
    if done is None:
        return ""
    far = f"{done:g}" if total is None else f"{done:g} of {total:g}"
    return f"{far}: {text}" if text else far


def overview(notes: Notes, run_id: str, attempts: Sequence[tuple[str, int]], most: int = 3) -> str:
    """How far the newest of these attempts are, in a line: ids of tasks, and of the events that began them."""
    found = ((id, in_words(read_note(notes, run_id, progress_name(started)))) for id, started in attempts[-most:])
    return "  ".join(f"{id.removeprefix('activity-')} {words}" for id, words in found if words)


class Teller:
    """Writes notes: progress from a thread, the newest and at most once a second; all else at once."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._newest: tuple[str, str, bytes] | None = None
        self._complained = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def progress(self, run_id: str, started: int, told: dict[str, Any]) -> None:
        """An attempt tells how far it is."""
        with self._changed:
            self._newest = run_id, progress_name(started), orjson.dumps(told)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="progress")
                self._thread.start()
            self._changed.notify()

    def output(self, run_id: str, started: int, told: dict[str, str]) -> None:
        """An attempt has printed this."""
        if told:
            self._write(run_id, output_name(started), orjson.dumps(told))

    def _run(self) -> None:
        while True:
            with self._changed:
                while (newest := self._newest) is None:
                    self._changed.wait()
                self._newest = None
            self._write(*newest)
            time.sleep(SECOND)

    def _write(self, run_id: str, name: str, data: bytes) -> None:
        try:
            self._notes.write(run_id, name, data.decode())
        except PayloadUnreachable as error:
            log.log(logging.DEBUG if self._complained else logging.WARNING, "%s", error)
            self._complained = True
