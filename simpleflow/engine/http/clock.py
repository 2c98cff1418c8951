"""The clock of `simpleflow server --virtual-clock`: the system's time until somebody sets it."""

from __future__ import annotations

from simpleflow.engine.clock import SYSTEM_CLOCK, VirtualClock

#: The last instant that it can be set to (seconds since 1970): a century is left to the end of Python's years.
LAST = 250_000_000_000


class ServerClock(VirtualClock):
    """The system's time; once it is set or advanced it stands still, until it is released.

    It can be set to the past, so that a test may begin at any instant: no event is ever earlier than the one before.
    """

    def __init__(self) -> None:
        super().__init__()
        self._stands = False

    @property
    def stands(self) -> bool:
        """Whether it was set, and so moves only when it is told to."""
        return self._stands

    def now(self) -> float:
        """Seconds since 1970."""
        return self._now if self._stands else SYSTEM_CLOCK.now()

    def advance(self, seconds: float) -> None:
        """Move the clock by so many seconds. Raises ValueError if they are negative."""
        if seconds < 0:
            raise ValueError(f"a clock is not advanced by {seconds} seconds; set it to an instant instead")
        self.set(self.now() + seconds)

    def release(self) -> None:
        """Go with the system's time again."""
        with self._lock:
            self._stands = False
        self._tell()

    def _move(self, now: float) -> None:
        if not 0 <= now <= LAST:
            raise ValueError(f"a clock can be set from 0 to {LAST}, not to {now}")
        self._now, self._stands = now, True
