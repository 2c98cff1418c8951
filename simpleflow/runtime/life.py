"""The life pipe: how a process notices that the one which started it is gone, however that ended.

The starter holds the writing end and never writes. Its end, SIGKILL too, closes the pipe, and who holds the reading end
ends itself with all that it started. It is told twice: a thread reads the end of the pipe, and on Linux the kernel
sends signals, for a process may be stopped, from its first instant on, or run C code that lets no thread run.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from simpleflow.runtime.trees import kill_below


def end_after(life: int, pauses: Sequence[float], *, runs_users_code: bool) -> None:
    """Stop this process when the pipe `life` ends: as a signal does, then as another one does, with a pause in seconds
    after each, and then hard."""

    def last_wishes() -> None:
        for pause in pauses:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(pause)

    _follow(life, last_wishes, os.getpid(), runs_users_code)


def end_with(life: int) -> None:
    """Kill this process, its group and all that descends from it when the pipe `life` ends, or if it has."""
    _follow(life, lambda: None, -os.getpgrp(), True)


@contextmanager
def waking(life: int) -> Iterator[tuple[int, Callable[[int], None]]]:
    """What a process that is started is given of the pipe `life`, and a function to be told its number once it is
    there: on Linux the end of the pipe wakes it where it is stopped, though it has run no line of its own by then."""
    if sys.platform != "linux":
        yield life, lambda pid: None
        return
    own = os.open(f"/proc/self/fd/{life}", os.O_RDONLY)
    try:
        yield own, lambda pid: _send_at_end(own, signal.SIGCONT, pid)
    finally:
        os.close(own)


def end_now() -> None:
    """End this process, the group if it leads one, and all that it started."""
    kill_below()
    os.kill(-os.getpid() if os.getpgrp() == os.getpid() else os.getpid(), signal.SIGKILL)


def _follow(life: int, last_wishes: Callable[[], None], whom: int, runs_users_code: bool) -> None:
    def follow() -> None:
        os.read(life, 1)
        last_wishes()
        end_now()

    os.set_inheritable(life, False)
    atexit.register(kill_below)  # it may also end by itself, before the thread is done
    threading.Thread(target=follow, daemon=True, name="life").start()
    if sys.platform == "linux" and runs_users_code:
        _die_of_hangup()
        # A description of our own: the signal belongs to it, and the one that we were given has another.
        _send_at_end(os.open(f"/proc/self/fd/{life}", os.O_RDONLY | os.O_NONBLOCK), signal.SIGHUP, whom)


def _send_at_end(own: int, signum: int, whom: int) -> None:
    """Have the kernel send a signal to a process, or to a group (negative), when the pipe ends: fcntl(2)."""
    import fcntl

    fcntl.fcntl(own, fcntl.F_SETOWN, whom)
    fcntl.fcntl(own, fcntl.F_SETSIG, signum)
    fcntl.fcntl(own, fcntl.F_SETFL, fcntl.fcntl(own, fcntl.F_GETFL) | os.O_ASYNC)


def _die_of_hangup() -> None:
    """Make SIGHUP kill this process a second later, whatever its threads do by then.

    A handler gets the number of its signal: alarm(SIGHUP) is alarm(1). It runs without the interpreter, as does
    the kernel's SIGALRM; a second is what the thread has to end everything first.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    c = ctypes.CDLL(None)
    c.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
    c.signal(signal.SIGHUP, ctypes.cast(c.alarm, ctypes.c_void_p))
