"""What a child writes to its standard output and error: handed on as it comes, and its end kept."""

from __future__ import annotations

import os
import select
import threading
from typing import Final

KEPT: Final = 16_384
"""Bytes that are kept of each stream of an attempt: the last ones."""
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
            kept = self._kept[name]
            kept += data
            del kept[:-KEPT]
            _hand_on(STREAMS[name], data)


def _hand_on(stream: int, data: bytes) -> None:
    """Write it where this process writes; what nobody reads, or there is no room for, is lost and stops nothing."""
    left = memoryview(data)
    try:
        while left:
            left = left[os.write(stream, left) :]
    except OSError:
        pass


def _text(kept: bytearray) -> str:
    """The text, which may begin in the middle of a character."""
    text = kept.decode(errors="replace")
    return text.lstrip("�") if len(kept) >= KEPT else text
