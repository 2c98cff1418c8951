"""Clocks. Time is an argument of the engine, so that tests jump and a timer of 30 days is a millisecond.

A virtual clock belongs to one engine: processes do not share it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> float:
        """Seconds since 1970, as `time.time()`."""


class SystemClock:
    """The time of the system."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()


SYSTEM_CLOCK = SystemClock()


class VirtualClock:
    """A clock that stands still until it is moved. Whoever waits for a time is woken when it is moved."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    def now(self) -> float:
        """Seconds since 1970."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock by so many seconds. Raises ValueError if they are negative."""
        with self._lock:
            self._move(self._now + seconds)
        self._tell()

    def set(self, now: float) -> None:
        """Move the clock to an instant, in seconds since 1970. Raises ValueError if that lies in its past."""
        with self._lock:
            self._move(now)
        self._tell()

    def on_move(self, listener: Callable[[], None]) -> None:
        """Have a function called after each move, in the thread that moves."""
        self._listeners.append(listener)

    def _move(self, now: float) -> None:
        if now < self._now:
            raise ValueError(f"a clock does not go back: it is {self._now}, asked for {now}")
        self._now = now

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()
