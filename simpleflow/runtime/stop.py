"""Whether this process was told to stop: by signals, by calls, and by the end of its grace. It knows nothing of what is
stopped."""

from __future__ import annotations

import math
import os
import select
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Final

GRACE: Final = 30.0
"""Seconds for what is in hand when a process is told to stop."""


class Stop:
    """Whether this process was told to stop; true once it was. `requests` counts how often.

    `grace` is how long, in seconds, what is in hand may take after the first request: then a second one is counted.
    `why` is what the last request came from, such as "SIGTERM", or "" where nobody needs to know. `hurried` is called
    at each request from the second on, in the main thread if a signal was it.
    """

    def __init__(self, grace: float = math.inf) -> None:
        self.grace = grace
        self.why = ""
        self.hurried: Callable[[], None] = lambda: None
        self._told = 0
        self._ends = math.inf
        self._bell: tuple[int, ...] = ()
        self._listening = False
        self._bell = os.pipe()  # not made when it is needed: two threads may need it at once
        for end in self._bell:
            os.set_blocking(end, False)

    def __call__(self) -> bool:
        return self._told > 0

    @property
    def requests(self) -> int:
        return 2 if self._told == 1 and time.monotonic() >= self._ends else self._told

    def within(self, timeout: float | None) -> float | None:
        """`timeout` seconds (None: no limit), or those that are left of the grace where they are less."""
        left = self._ends - time.monotonic()
        if self._told != 1 or left == math.inf or left <= 0:
            return timeout
        return left if timeout is None else min(timeout, left)

    def listen(self) -> Stop:
        """Count SIGTERM, SIGINT and SIGHUP (not under nohup), and wake `wait` for them and for SIGCHLD. In the main
        thread only."""
        self._listening = True
        signal.set_wakeup_fd(self._bell[1], warn_on_full_buffer=False)
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signum != signal.SIGHUP or signal.getsignal(signum) != signal.SIG_IGN:
                signal.signal(signum, self._heard)
        signal.signal(signal.SIGCHLD, lambda signum, frame: None)  # without a handler it would wake nobody
        return self

    def request(self, why: str = "") -> None:
        """Tell this process to stop, as a signal does."""
        self._count(why)
        self.ring()

    def fileno(self) -> int:
        """Readable once a signal or a request came, until `hush`."""
        return self._bell[0]

    def hush(self) -> None:
        try:
            while os.read(self.fileno(), 4096):
                pass
        except BlockingIOError:
            pass

    def wait(self, timeout: float | None) -> None:
        """Until a request or a signal, SIGCHLD too, or until `timeout` seconds have passed (None: no limit), or the
        grace."""
        timeout = self.within(timeout)
        wanted = select.poll()
        wanted.register(self.fileno(), select.POLLIN)
        wanted.poll(None if timeout is None else max(0, math.ceil(timeout * 1000)))
        self.hush()

    def sleep(self, seconds: float, requests: int = 1) -> None:
        """Sleep, but not past the `requests`-th request to stop."""
        until = time.monotonic() + seconds
        while self.requests < requests and (left := until - time.monotonic()) > 0:
            self.wait(left)

    def _heard(self, signum: int, frame: FrameType | None) -> None:
        self._count(signal.Signals(signum).name)

    def _count(self, why: str) -> None:
        self._told += 1
        self.why = why
        if self._told == 1:
            self._ends = time.monotonic() + self.grace
        else:
            self.hurried()

    def ring(self) -> None:
        """Wake who waits, from any thread, though nothing was requested."""
        try:
            os.write(self._bell[1], b"!")
        except BlockingIOError:
            pass  # it is ringing already

    def __del__(self) -> None:
        if not self._listening:  # a signal would write into whatever has the number next
            for end in self._bell:
                os.close(end)


def let_forks_end(ours: object, *signums: signal.Signals) -> None:
    """See to it that what users' code forks handles none of these signals by a method of `ours`. Once per process.

    It ends by them, as any process does: what they tell us is nothing to it, and `multiprocessing.Pool` waits for ever
    for a child that does not end. While this process forks, the signals are held back: Python drops those that come to
    a child before it is ready, and calls no handler in a child that waits for a lock.
    """
    held = threading.local()

    def hold() -> None:
        held.mask = signal.pthread_sigmask(signal.SIG_BLOCK, signums)

    def let_go() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, held.mask)

    def forget() -> None:
        signal.set_wakeup_fd(-1)
        for signum in signums:
            if getattr(signal.getsignal(signum), "__self__", None) is ours:
                signal.signal(signum, signal.SIG_DFL)
        let_go()

    os.register_at_fork(before=hold, after_in_parent=let_go, after_in_child=forget)
