"""What the loops of a supervisor's processes do, in memory that all of them share.

Each loop writes its state, and since when, into a row of its own; the supervisor reads them all (`health`). No call
stands between, so a process that hangs, or is stopped, is seen as well as one that works.
"""

from __future__ import annotations

import mmap
import os
import struct
import tempfile
import time
from dataclasses import dataclass
from typing import Final

from simpleflow.runtime.titles import Tell

LATE: Final = 120.0
"""Seconds after which a loop that has not turned is dead: a long poll takes 60, a pause after an error up to 30."""

STATES: Final = ("gone", "starting", "retrying", "polling", "completing", "deciding", "processing")
READY: Final = frozenset(STATES[3:])
MAY_LAST: Final = "processing"
"""May last: a task has timeouts of its own."""

ROW: Final = struct.Struct("=dIB3x")
"""Since when, as `time.monotonic` says in every process of a machine; by which process; the index of the state."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a loop does: in which process, and for how many seconds."""

    state: str
    pid: int
    seconds: float

    def late(self, most: float) -> bool:
        return self.state != MAY_LAST and self.seconds > most


class Board:
    """Rows in memory that is shared with other processes, by the file descriptor `fd`."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._memory = mmap.mmap(fd, 0)

    @classmethod
    def of(cls, rows: int) -> Board:
        """A new one; all its rows are "gone"."""
        with tempfile.TemporaryFile() as file:
            file.truncate(rows * ROW.size)
            board = cls(os.dup(file.fileno()))
        board.telling(0, rows)("gone")
        return board

    def telling(self, first: int, rows: int = 1) -> Tell:
        """What writes a state into these rows, for the process that calls it."""

        def tell(state: str) -> None:
            for row in range(first, first + rows):
                ROW.pack_into(self._memory, row * ROW.size, time.monotonic(), os.getpid(), STATES.index(state))

        return tell

    def rows(self) -> list[Row]:
        now = time.monotonic()
        return [Row(STATES[state], pid, max(0.0, now - since)) for since, pid, state in ROW.iter_unpack(self._memory)]
