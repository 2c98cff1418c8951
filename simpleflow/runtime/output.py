"""What tasks write to standard output and error: handed on as it comes, and its end kept.

Of a child all that it writes (`Output`); of a task in a thread of this process what Python code writes in that thread
(`share_streams`, `keeping`).
"""

from __future__ import annotations

import logging
import os
import select
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from simpleflow.runtime.streams import OUTLETS, Outlet

KEPT: Final = 16_384
"""Bytes that are kept of each stream of an attempt: the last ones."""


class Output:
    """The reading ends of a child's streams. A thread hands on what comes, to those of the same names in `to`, for as
    long as anybody can write there."""

    def __init__(self, to: Mapping[str, Outlet] = OUTLETS) -> None:
        self._to = to
        self._lock = threading.Lock()
        self._ends: dict[int, str] = {}
        self._kept = {name: bytearray() for name in to}
        self._poll = select.poll()
        self.writing: list[int] = []
        for name in to:
            reading, writing = os.pipe()
            os.set_blocking(reading, False)
            self._ends[reading] = name
            self._poll.register(reading, select.POLLIN)
            self.writing.append(writing)

    def start(self) -> None:
        """Hand on from now on; once the child has the writing ends, which are closed here."""
        for writing in self.writing:
            os.close(writing)
        threading.Thread(target=self._run, daemon=True, name="output").start()

    def take(self) -> dict[str, str]:
        """What came since the last time, by the name of the stream: the end of it, and nothing of a silent one."""
        with self._lock:
            self._pump()
            found = {name: _text(kept) for name, kept in self._kept.items() if kept}
            for kept in self._kept.values() if found else ():
                kept.clear()
        return found

    def _run(self) -> None:
        waiting = select.poll()
        ends = set(self._ends)
        for end in ends:
            waiting.register(end, select.POLLIN)
        while ends:
            waiting.poll()
            with self._lock:
                self._pump()
                gone = ends - self._ends.keys()
            for end in gone:
                waiting.unregister(end)
                os.close(end)
            ends -= gone

    def _pump(self) -> None:
        """Take in what is there, once: no pipe holds more than is read. The thread closes what is at its end."""
        for end, _ in self._poll.poll(0):
            data = os.read(end, 65536)
            if not data:
                self._poll.unregister(end)
                del self._ends[end]
                continue
            name = self._ends[end]
            _keep(self._kept[name], data)
            self._to[name].write(data)


class Kept:
    """The end of what a task in a thread has written."""

    def __init__(self) -> None:
        self._kept = {name: bytearray() for name in OUTLETS}

    def add(self, name: str, text: str) -> None:
        _keep(self._kept[name], text.encode(errors="backslashreplace"))

    def text(self) -> dict[str, str]:
        """By the name of the stream; nothing of a silent one."""
        return {name: _text(kept) for name, kept in self._kept.items() if kept}


_keeper: Final[ContextVar[Kept | None]] = ContextVar("keeper", default=None)


@contextmanager
def keeping() -> Iterator[Kept]:
    """Keep what is written to shared streams within, by this thread, its coroutines and `asyncio.to_thread`."""
    kept = Kept()
    token = _keeper.set(kept)
    try:
        yield kept
    finally:
        _keeper.reset(token)


class Shared:
    """A stream of text that the tasks of several threads write to: it is handed on, and kept for who is `keeping`."""

    def __init__(self, name: str, stream: Any) -> None:
        self._name = name
        self._stream = stream

    def write(self, text: str) -> int:
        count: int = self._stream.write(text)
        if (kept := _keeper.get()) is not None:
            kept.add(self._name, text)
        return count

    def writelines(self, lines: Iterable[str]) -> None:
        self.write("".join(lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def share_streams() -> None:
    """Make this process's standard output and error `Shared`, for who prints and for who logs."""
    for name in OUTLETS:
        stream = getattr(sys, name)
        shared: Any = Shared(name, stream)
        setattr(sys, name, shared)
        for handler in (*logging.getLogger("simpleflow").handlers, *logging.root.handlers):
            if isinstance(handler, logging.StreamHandler) and handler.stream is stream:
                handler.setStream(shared)


def _keep(kept: bytearray, data: bytes) -> None:
    kept += data
    del kept[:-KEPT]


def _text(kept: bytearray) -> str:
    """The text, which may begin in the middle of a character."""
    text = kept.decode(errors="replace")
    return text.lstrip("�") if len(kept) >= KEPT else text
