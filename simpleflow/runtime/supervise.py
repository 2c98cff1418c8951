"""Processes that are kept alive, told to end, and asked why they ended.

A supervisor keeps one process for each of its specs. It knows what a signal and an exit are, and nothing of what the
processes do. None of them outlives it: each holds the reading end of a pipe whose writing end only the supervisor has
(`life`). Nor does what one of them started outlive that one (`trees`).
"""

from __future__ import annotations

import logging
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from simpleflow.runtime.board import Board
from simpleflow.runtime.life import waking
from simpleflow.runtime.spec import Spec
from simpleflow.runtime.stop import Stop
from simpleflow.runtime.titles import Tell, untitled
from simpleflow.runtime.trees import Household, Process, exit_cause, kill_tree

log = logging.getLogger("simpleflow.runtime")

RESTART_FIRST: Final = 0.1  # seconds, for each number of these
RESTART_MOST: Final = 30.0
HEALTHY: Final = 10.0
"""Who lived this long is started again as if it had never died."""
STILL: Final = 5.0
"""Seconds between two lines that say what is still running after a request to stop."""
LAST_WORDS: Final = 1.0
"""What a process has to report after a second request to end, before it is killed."""


class Supervised:
    """One place among a supervisor's processes, and the process that has it now."""

    def __init__(self, spec: Spec, command: Sequence[str], stdout: int | None, tell: Tell) -> None:
        self.spec = spec
        self._stdout = stdout
        self._tell = tell
        self.process: Process | None = None
        self.due = 0.0
        self._command = command
        self._started = 0.0
        self._deaths = 0

    def start(self, household: Household, life: int) -> None:
        self._started = time.monotonic()
        self._tell("starting")
        with waking(life) as (held, wakes):
            self.process = household.start(
                [*self._command, replace(self.spec, life_fd=held).to_json()],
                stdin=subprocess.DEVNULL,
                stdout=self._stdout,
                pass_fds=(held, *(self.spec.board or ())[:1]),
                start_new_session=True,  # a terminal's Ctrl-C is the supervisor's, which passes it on once
            )
            wakes(self.process.pid)
        log.debug("started the %s: pid %d", self.spec, self.process.pid)

    def ended(self) -> str | None:
        """The cause, once, when the process has ended by now; None while it lives. Makes the next one due."""
        if self.process is None or self.process.poll() is None:
            return None
        now = time.monotonic()
        self._deaths = 1 if now - self._started > HEALTHY else self._deaths + 1
        self.due = now + restart_delay(self._deaths)
        cause = f"pid {self.process.pid}: {exit_cause(self.process.returncode, self.process.peak)}"
        kill_tree(self.process.pid)  # its group, where nobody adopts it
        self._tell("gone")
        self.process = None
        return cause

    def tell(self, signum: int) -> None:
        if self.process is not None:
            self.process.send_signal(signum)
            self.process.send_signal(signal.SIGCONT)  # it hears nothing while it is stopped

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            kill_tree(self.process.pid)


class Supervisor:
    """Keeps a process alive for each of `specs` until `stop` says otherwise.

    The first request to stop tells them to drain and waits for them, the second, or the end of the grace of `stop`,
    tells them to end now and kills them after LAST_WORDS seconds, the third kills them. `stop` must be listening, so
    that a death or a signal is noticed at once. `run` does all; who has a main loop of its own calls `start` once and
    then `tend`, again and again, while `alive`, and `close` in the end. The processes are started as ``command SPEC``;
    `stdout` gives the file descriptors that stand for the standard output of some roles; `tell` is told what it does.
    What the processes do stands on the `board`, if there is one for them all.
    """

    def __init__(
        self,
        specs: Sequence[Spec],
        stop: Stop,
        command: Sequence[str] = (sys.executable, "-m", "simpleflow.runtime"),
        stdout: Mapping[str, int] = MappingProxyType({}),
        tell: Tell = untitled,
        board: Board | None = None,
    ) -> None:
        self._command = command
        self._stdout = stdout
        self._board = board
        self._rows = 0
        self._places = self._made(specs)
        self._stop = stop
        self._tell_state = tell
        self._told = 0
        self._kill_at: float | None = None
        self._remind_at = math.inf
        self._household = Household()
        self._life, self._hold = os.pipe()

    @property
    def alive(self) -> int:
        """How many of the processes live, as far as the last `tend` has seen."""
        return sum(place.process is not None for place in self._places)

    @property
    def pids(self) -> dict[int, Spec]:
        return {place.process.pid: place.spec for place in self._places if place.process is not None}

    def run(self) -> None:
        """Start all, and return when all have ended because that was asked for."""
        self._tell_state("running")
        self.start()
        while self.alive or not self._stop():
            self.tend(None)
        self.close()

    def close(self) -> None:
        """End what is left of what the processes had started, now that they are gone."""
        self._household.close()

    def start(self) -> None:
        """Start the processes that are due: at first all."""
        for place in self._places:
            if place.process is None and time.monotonic() >= place.due:
                place.start(self._household, self._life)

    def add(self, specs: Sequence[Spec]) -> None:
        """Start and keep alive more."""
        self._places += self._made(specs)
        self.start()

    def _made(self, specs: Sequence[Spec]) -> list[Supervised]:
        return [self._place(spec) for spec in specs]

    def _place(self, spec: Spec) -> Supervised:
        tell: Tell = untitled
        stdout = self._stdout.get(spec.role)
        if self._board is not None:
            spec = replace(spec, board=(self._board.fd, self._rows))
            tell = self._board.telling(self._rows, spec.loops)
            self._rows += spec.loops
        return Supervised(spec, self._command, stdout, tell)

    def tend(self, timeout: float | None) -> None:
        """Wait for a death, a signal or `timeout` seconds (None: no limit), and do what it calls for."""
        self._stop.wait(self._patience(timeout))
        while self._told < self._stop.requests:
            self._tell()
        if self._kill_at is not None and time.monotonic() >= self._kill_at:
            self._kill()
        for place in self._places:
            if (cause := place.ended()) is not None:
                self._report(place, cause)
        if not self._stop():
            self.start()
        elif time.monotonic() >= self._remind_at:
            self._remind()

    def _patience(self, timeout: float | None) -> float | None:
        """Seconds until there is something to do although nothing happens."""
        dues = [] if self._stop() else [place.due for place in self._places if place.process is None]
        if self._kill_at is not None:
            dues.append(self._kill_at)
        elif self._remind_at < math.inf:
            dues.append(self._remind_at)
        if self._told < self._stop.requests:
            dues.append(0.0)
        waits = [max(0.0, due - time.monotonic()) for due in dues]
        if timeout is not None:
            waits.append(timeout)
        return min(waits, default=None)

    def _tell(self) -> None:
        self._told += 1
        self._tell_state("stopping")
        self._say_stopping()
        for place in self._places:
            # Two signals of a kind can arrive as one, so the second request is another.
            place.tell(signal.SIGTERM if self._told == 1 else signal.SIGINT)
        if self._told == 1:
            self._remind_at = time.monotonic() + STILL
        else:
            self._remind_at = math.inf
            self._kill_at = time.monotonic() + (LAST_WORDS if self._told == 2 else 0)

    def _say_stopping(self) -> None:
        if self._told == 1 and self._stop.why:
            has = f"what is in hand has {self._stop.grace:g} s, another Ctrl-C or SIGTERM ends it now"
            log.info("%s: nothing new is begun; %s", self._stop.why, has)
        elif self._told > 1 and self.alive:
            running = ", ".join(map(str, self.pids.values()))
            log.info("%s now: %s", "ending" if self._told == 2 else "killing", running)

    def _remind(self) -> None:
        self._remind_at = time.monotonic() + STILL
        log.info("still running: %s", ", ".join(f"the {spec} (pid {pid})" for pid, spec in self.pids.items()))

    def _kill(self) -> None:
        self._kill_at = None
        for place in self._places:
            place.kill()

    def _report(self, place: Supervised, cause: str) -> None:
        if self._stop():
            log.debug("the %s ended (%s)", place.spec, cause)
        else:
            wait = max(0.0, place.due - time.monotonic())
            log.warning("the %s died (%s); starting another in %.1f s", place.spec, cause, wait)

    def __del__(self) -> None:
        os.close(self._life)
        os.close(self._hold)


def restart_delay(deaths: int) -> float:
    """Seconds before a process is started again that died for the `deaths`-th time in a row."""
    return float(min(RESTART_FIRST * 2 ** min(deaths - 1, 30), RESTART_MOST))
