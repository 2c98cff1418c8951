"""The end of a process whose code does not come to one: SIGALRM, which the kernel sends.

No thread of ours could do that, since code in C may let none run. Before it dies the process writes where each of its
threads was. It also writes that when it dies of a fault (SIGSEGV and the like).
"""

from __future__ import annotations

import faulthandler
import re
import signal

LATE = signal.SIGALRM
_LINE = re.compile(r'^  File "(.*)", line (\d+) in (.*)$', re.MULTILINE)


def stand_by() -> None:
    """Prepare this process. In its main thread."""
    faulthandler.enable()
    signal.signal(LATE, signal.SIG_DFL)
    faulthandler.register(LATE, chain=True)


def end_in(seconds: float | None) -> None:
    """End this process in so many seconds, unless this is called again by then; None: not at all."""
    signal.setitimer(signal.ITIMER_REAL, seconds or 0)


def where(said: str) -> str | None:
    """The line that was run when a process wrote this, as ``file.py line 7 in run``."""
    _, _, current = said.rpartition("Current thread")
    found = _LINE.search(current)
    return f"{found[1]} line {found[2]} in {found[3]}" if current and found else None
