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
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

KEPT: Final = 16_384
"""Bytes that are kept of each stream of an attempt: the last ones."""
PATIENCE: Final = 0.5
"""Seconds that a task's answer waits for somebody to read what the task has printed."""
STREAMS: Final = {"stdout": 1, "stderr": 2}
"""The streams, and where in this process what comes is handed on to."""


class Output:
    """The reading ends of a child's streams. A thread hands on what comes, for as long as anybody can write there."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: dict[int, str] = {}
        self._kept = {name: bytearray() for name in STREAMS}
        self._poll = select.poll()
        self.writing: list[int] = []
        for name in STREAMS:
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
        """What came since the last time, by the name of the stream: the end of it, and nothing of a silent one.

        Where nobody reads what this process writes, the thread is stuck there, and what it has kept is what there is.
        """
        free = self._lock.acquire(timeout=PATIENCE)
        try:
            if free:
                self._pump(PATIENCE)
            found = {name: _text(kept) for name, kept in self._kept.items() if kept}
            for kept in self._kept.values() if found else ():
                kept.clear()
        finally:
            if free:
                self._lock.release()
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

    def _pump(self, patience: float | None = None) -> None:
        """Take in what is there, once: no pipe holds more than is read. The thread closes what is at its end."""
        for end, _ in self._poll.poll(0):
            data = os.read(end, 65536)
            if not data:
                self._poll.unregister(end)
                del self._ends[end]
                continue
            name = self._ends[end]
            _keep(self._kept[name], data)
            _hand_on(STREAMS[name], data, patience)


class Kept:
    """The end of what a task in a thread has written."""

    def __init__(self) -> None:
        self._kept = {name: bytearray() for name in STREAMS}

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
    for name in STREAMS:
        stream = getattr(sys, name)
        shared: Any = Shared(name, stream)
        setattr(sys, name, shared)
        for handler in (*logging.getLogger("simpleflow").handlers, *logging.root.handlers):
            if isinstance(handler, logging.StreamHandler) and handler.stream is stream:
                handler.setStream(shared)


def _keep(kept: bytearray, data: bytes) -> None:
    kept += data
    del kept[:-KEPT]


def _hand_on(stream: int, data: bytes, patience: float | None) -> None:
    """Write it where this process writes; what nobody reads for `patience` seconds (None: no limit), or there is no
    room for, is lost and stops nothing."""
    left = memoryview(data)
    room = select.poll()
    room.register(stream, select.POLLOUT)
    try:
        while left and (patience is None or room.poll(patience * 1000)):
            left = left[os.write(stream, left if patience is None else left[: select.PIPE_BUF]) :]
    except OSError:
        pass


def _text(kept: bytearray) -> str:
    """The text, which may begin in the middle of a character."""
    text = kept.decode(errors="replace")
    return text.lstrip("�") if len(kept) >= KEPT else text
