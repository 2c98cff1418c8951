"""The end of a process whose code does not come to one: signals that the kernel sends when a time is over.

No thread of ours could do that, since code in C may let none run. Before it dies the process writes where each of its
threads was. It also writes that when it dies of a fault (SIGSEGV and the like).
"""

from __future__ import annotations

import faulthandler
import math
import os
import re
import signal
import threading
import time
from typing import Final

LATE = signal.SIGALRM
HOGGED = signal.SIGPROF
HOG: Final = 20.0
"""Seconds of work for which one thread may let no other run, whether a decision is being made or not."""
LOOK: Final = 2.0  # seconds between two proofs that others run
LAST_WORDS: Final = 1.0  # seconds for a decision that is being made when the process is to end now
CLOSING: Final = 10.0  # seconds for putting runs away, and for threads that user's code has started
_late = math.inf  # when the end is due, as `time.monotonic` says
_LINE = re.compile(r'^  File "([^<].*)", line (\d+) in (.*)$', re.MULTILINE)


def stand_by() -> None:
    """Prepare this process. In its main thread."""
    faulthandler.enable()
    for signum in (LATE, HOGGED):
        signal.signal(signum, signal.SIG_DFL)
        faulthandler.register(signum, chain=True)


def end_in(seconds: float | None) -> None:
    """End this process in so many seconds, unless this is called again by then; None: not at all."""
    global _late
    _late = math.inf if seconds is None else time.monotonic() + seconds
    signal.setitimer(signal.ITIMER_REAL, seconds or 0)


def end_hogs(seconds: float = HOG, look: float = LOOK) -> None:
    """End this process where one of its threads, which somebody's code may have started, lets no other run for so
    many seconds of work; time in which it is stopped does not count. Also where it is late and yet lives, since
    somebody's code uses SIGALRM, too."""

    def prove() -> None:
        while True:
            signal.setitimer(signal.ITIMER_PROF, seconds)
            time.sleep(look)
            if time.monotonic() > _late + look:
                os.kill(os.getpid(), HOGGED)

    threading.Thread(target=prove, daemon=True, name="watchdog").start()


def where(said: str) -> str | None:
    """The line that was run when a process wrote this, as ``file.py line 7 in run``."""
    _, _, current = said.rpartition("Current thread")
    found = _LINE.search(current)
    return f"{found[1]} line {found[2]} in {found[3]}" if current and found else None
