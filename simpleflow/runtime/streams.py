"""Standard output and error that hold nobody up, though nobody reads them.

Who writes into a pipe or to a terminal whose reader has stopped waits until that goes on. Our processes may not wait:
they have heartbeats to send and tasks to answer. So a thread writes, and who has something to say waits until it is
written, for STOPPED seconds and once. What is said from then on is kept for when the reader goes on, as much as MOST,
and of the rest the lines are counted. It knows bytes, and nothing of what they say.
"""

from __future__ import annotations

import atexit
import io
import os
import select
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final

STOPPED: Final = 0.5
"""Seconds without a byte read after which a reader has stopped."""
MOST: Final = 1_000_000
"""Bytes that are kept for a reader that has stopped."""


class Outlet(io.RawIOBase):
    """What is written to a file descriptor by a thread of its own. `write` takes all, and fails never."""

    def __init__(self, descriptor: int, name: str = "") -> None:
        self.name = name
        self._descriptor = descriptor
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._taken = self._written = 0  # pieces, since the beginning
        self._dropped = 0
        self._stopped = False
        self._thread: threading.Thread | None = None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: Any) -> int:
        """Have it written; the number of its bytes, whatever becomes of them."""
        piece = bytes(data)
        if os.getpid() != self._process or sys.is_finalizing():  # the thread is not here, or no more
            _write(self._descriptor, piece)
            return len(piece)
        with self._changed:
            if self._wait(lambda: not self._size or self._size + len(piece) <= MOST):
                number = self._take(piece)
                self._wait(lambda: self._written >= number)
            else:
                self._dropped += max(1, piece.count(b"\n"))
        return len(piece)

    def drain(self) -> None:
        """Wait until all is written, or the reader has stopped."""
        with self._changed:
            while (before := self._written) < self._taken:
                if not self._changed.wait_for(lambda: self._written > before, STOPPED):
                    return

    def _wait(self, until: Callable[[], bool]) -> bool:
        """Whether it is so, at the latest when the reader has stopped."""
        if not until() and not self._stopped:
            self._stopped = not self._changed.wait_for(until, STOPPED)
        return until()

    def _take(self, piece: bytes) -> int:
        """Put a piece into the row, after word of what is missing before it; its number."""
        if self._dropped:
            piece = b"\n[%d lines dropped: nobody read them]\n%b" % (self._dropped, piece)
            self._dropped = 0
        self._waiting.append(piece)
        self._size += len(piece)
        self._taken += 1
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True, name=f"writer of {self.name}")
            self._thread.start()
        self._changed.notify_all()
        return self._taken

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                piece = self._waiting.popleft()
            _write(self._descriptor, piece)
            with self._changed:
                self._size -= len(piece)
                self._written += 1
                self._stopped = False
                if self._dropped and not self._waiting:
                    self._take(b"")
                self._changed.notify_all()


OUTLETS: Final = {"stdout": Outlet(1, "<stdout>"), "stderr": Outlet(2, "<stderr>")}
"""This process's own streams."""


def hold_nobody_up(*names: str) -> None:
    """Let nobody in this process wait for who reads these streams, by their names in `sys`. One that somebody has
    replaced stays as it is. What is written by the end of the process is handed on in order, if somebody reads it."""
    for name in names:
        stream = getattr(sys, name)
        if stream is not None and stream is getattr(sys, f"__{name}__"):
            stream.flush()
            by_lines = stream.line_buffering or stream.write_through
            buffer = io.BufferedWriter(OUTLETS[name])
            setattr(sys, name, io.TextIOWrapper(buffer, stream.encoding, stream.errors, line_buffering=by_lines))
    atexit.register(_end)


def _end() -> None:
    for name, outlet in OUTLETS.items():
        if (stream := getattr(sys, name)) is not None and not stream.closed:
            stream.flush()
        outlet.drain()


def _write(descriptor: int, data: bytes) -> None:
    """What there is no room for, or nobody will ever read, is lost."""
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:  # somebody else has made it so: descriptions are shared
            room = select.poll()
            room.register(descriptor, select.POLLOUT)
            room.poll()
        except OSError:
            return
