"""Turns to write: a lock file on which the processes that share a file queue.

The kernel hands it on, and frees it when a process dies. One that is stopped keeps it, and the others with it: who has
waited for seconds logs for whom. A forked child has no part in it: it would keep the lock of a parent that dies. This
knows nothing of what is written.
"""

from __future__ import annotations

import logging
import math
import os
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Final

if sys.platform != "win32":
    import fcntl

log = logging.getLogger("simpleflow.engine")

LONG: Final = 5.0
"""Seconds of waiting after which it is told; again after twice as many, and so on."""


class Turns:
    """The lock file of one process, beside the file that is at `path`. Raises OSError where there can be none."""

    def __init__(self, path: str, long: float = LONG) -> None:
        self.place = f"{path}-lock"
        self._path = path
        self._long = long
        self._file = os.open(self.place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        self._since = math.inf  # when the wait began that lasts
        self._watched = False
        self._closed = threading.Event()
        _of_this_process.add(self)

    def take(self) -> None:
        """Wait for this process's turn to write."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._wait()

    def leave(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        self._closed.set()
        _of_this_process.discard(self)
        os.close(self._file)

    def holder(self) -> str:
        """Who writes now, in words."""
        pid = _holder(os.fstat(self._file).st_ino)
        if pid is None:
            return "another process"
        stopped = _state(pid) in ("T", "t")
        return f"another process (pid {pid}{', stopped: let it go on with kill -CONT, or end it' if stopped else ''})"

    def _wait(self) -> None:
        self._since = time.monotonic()
        if not self._watched:  # a thread for each wait would cost more than most of them last
            self._watched = True
            threading.Thread(target=_watch, args=(weakref.ref(self), self._closed, self._long), daemon=True).start()
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
        finally:
            self._since = math.inf

    def _look(self, told: tuple[float, float]) -> tuple[float, float]:
        """Tell of a wait that is long by now; since when it lasts, and the seconds after which it is told again."""
        since = self._since
        waited = time.monotonic() - since
        due = told[1] if told[0] == since else self._long
        if waited < due:
            return since, due
        log.warning("waiting for %.0f s to write %s: %s holds it", waited, self._path, self.holder())
        return since, due * 2


_of_this_process: weakref.WeakSet[Turns] = weakref.WeakSet()


def _let_go() -> None:
    for turns in list(_of_this_process):
        os.close(turns._file)
    _of_this_process.clear()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_let_go)


def _watch(whose: weakref.ref[Turns], closed: threading.Event, long: float) -> None:
    told = math.inf, long
    while not closed.wait(long / 5):
        turns = whose()
        if turns is None:
            return
        told = turns._look(told)
        del turns


def _holder(inode: int) -> int | None:
    """The process that has locked the file of this number, where the system tells: proc_locks(5)."""
    try:
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        _, kind, *rest = line.split()  # 1: FLOCK  ADVISORY  WRITE 4711 08:01:1234567 0 EOF
        if kind == "FLOCK" and rest[3].rpartition(":")[2] == str(inode) and int(rest[2]) > 0:
            return int(rest[2])
    return None


def _state(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat[stat.rindex(")") + 2 :][:1]
