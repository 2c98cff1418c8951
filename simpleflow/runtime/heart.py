"""Heartbeats for the tasks that a worker has in hand, from a thread of their own.

So neither a user's code, nor what it prints, nor the engine's answer to another call keeps a task from them. A
heartbeat that fails ends nothing: it is tried again, and only what the engine says ends a task. It knows no processes.
"""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from collections.abc import Callable
from typing import Any, Final, Literal, Protocol

from simpleflow import log as logs
from simpleflow.protocol.faults import code_of
from simpleflow.runtime.poll import log_unwanted

log = logging.getLogger("simpleflow.runtime")

SELDOM: Final = 60.0
"""The most seconds between two heartbeats, whatever a task allows: a request to cancel comes in the answer to one."""
OFTEN: Final = 1.0
"""The least seconds between two heartbeats that carry what a task's code says."""
AGAIN: Final = 0.5
"""Seconds after which a heartbeat that failed is tried again at first; then twice as many, and so on."""

Verdict = Literal["cancel", "lost"]


class HeartClient(Protocol):
    """What heartbeats need of an engine's client."""

    def record_activity_task_heartbeat(self, *, taskToken: str, details: str = ...) -> Any: ...


class Pulse:
    """The heartbeats of one task: at a third of its heartbeat timeout, and when its time is over, for then the answer
    says that it is lost. Made in the thread that works on the task, so its log lines are named as that one's are.

    Args:
        token, task_id: the task's.
        ring: is called from the heart's thread once there is a `verdict`.
        timeout, start_to_close: the task's, in seconds; None for none.
        most: the most seconds between two; 0 for none at all, None for no limit.
        asks: whether the engine is asked; else a task is lost when its time is over.
    """

    def __init__(
        self,
        token: str,
        task_id: str,
        ring: Callable[[], None],
        timeout: float | None = None,
        start_to_close: float | None = None,
        most: int | None = None,
        asks: bool = True,
    ) -> None:
        self.token = token
        self.task_id = task_id
        self.timeout = timeout
        self.verdict: Verdict | None = None
        self.details: str | None = None
        self._ring = ring
        self._asks = asks
        self._every = math.inf if most == 0 else min(SELDOM, (timeout or math.inf) / 3, most or math.inf)
        self._last = time.monotonic()
        self._over = math.inf if start_to_close is None else self._last + start_to_close + 0.1
        self._next = self._last + self._every
        self._failures = 0
        self.on = True
        self.what = logs.subject.what

    @property
    def due(self) -> float:
        """When the next one is, by the monotonic clock."""
        return min(self._next, self._over)

    def say(self, details: str | None) -> None:
        """The task's code says a heartbeat: it goes out at once, or a second after the last."""
        if details is not None:
            self.details = details
        if self._every < math.inf:
            self._next = min(self._next, self._last + OFTEN)

    def beat(self, client: HeartClient) -> None:
        """Heartbeat, and note the verdict. In the heart's thread."""
        self._last = now = time.monotonic()
        if now >= self._over:
            self._over = math.inf
        self._next = now + self._every * random.uniform(0.8, 1)  # workers that started together drift apart
        if not self._asks:
            log.warning("%s has overrun its time, it is ended", self.task_id)
            self._end("lost")
            return
        told = {} if self.details is None else {"details": self.details}
        try:
            answer = client.record_activity_task_heartbeat(taskToken=self.token, **told)
        except Exception as error:
            self._failed(error)
            return
        self._failures = 0
        if answer.get("cancelRequested") and self.verdict is None and self.on:
            log.info("%s is cancelled", self.task_id)
            self._end("cancel")

    def _failed(self, error: Exception) -> None:
        if not self.on:  # it was answered meanwhile, and is nobody's any more
            return
        if code_of(error) == "UnknownResourceFault":
            self._next = self._over = math.inf
            log_unwanted(f"{self.task_id} is ended", error)
            self._end("lost")
            return
        pause = min(self._every, AGAIN * 2 ** min(self._failures, 20)) * random.uniform(0.5, 1)
        self._failures += 1
        self._next = time.monotonic() + pause
        log.warning("%s could not heartbeat, it goes on, trying again in %.1f s: %s", self.task_id, pause, error)

    def _end(self, verdict: Verdict) -> None:
        if self.verdict != "lost":
            self.verdict = verdict
            self._ring()


class Heart:
    """The thread that heartbeats for all tasks of a worker. It starts with the first of them."""

    def __init__(self, client: HeartClient) -> None:
        self._client = client
        self._pulses: set[Pulse] = set()
        self._changed = threading.Condition(threading.Lock())
        self._asleep_until = math.inf
        self._thread: threading.Thread | None = None
        self._closed = False

    def begin(self, pulse: Pulse) -> None:
        """Heartbeat for a task from now on."""
        with self._changed:
            self._pulses.add(pulse)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="heart")
                self._thread.start()
            elif pulse.due < self._asleep_until:
                self._changed.notify()

    def say(self, pulse: Pulse, details: str | None) -> None:
        """A task's code has said a heartbeat."""
        with self._changed:
            pulse.say(details)
            if pulse.due < self._asleep_until:
                self._changed.notify()

    def end(self, pulse: Pulse) -> None:
        """The task is not in hand any more."""
        with self._changed:
            pulse.on = False
            self._pulses.discard(pulse)

    def close(self) -> None:
        """End the thread, but wait no longer than a second for a call that hangs."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(1.0)

    def _run(self) -> None:
        while (pulse := self._next()) is not None:
            logs.subject.what = pulse.what
            pulse.beat(self._client)

    def _next(self) -> Pulse | None:
        """The task whose heartbeat is due; None at the end."""
        with self._changed:
            while not self._closed:
                pulse = min(self._pulses, key=_due, default=None)
                due = math.inf if pulse is None else pulse.due
                left = due - time.monotonic()
                if left <= 0:
                    return pulse
                self._asleep_until = due
                self._changed.wait(None if due == math.inf else left)
                self._asleep_until = -math.inf
        return None


def _due(pulse: Pulse) -> float:
    return pulse.due
