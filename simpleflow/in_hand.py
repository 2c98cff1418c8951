"""What the code of an activity asks of the task that it is, and what it tells of it.

    from simpleflow import activity

    @activity.with_attributes(heartbeat_timeout=30)
    def resize(pictures):
        for number, picture in enumerate(pictures):
            activity.progress(number, len(pictures), picture)
            ...

These functions stand in `simpleflow.activity`. Where no worker runs the function, because somebody calls it as the
function that it is, all but `context` do nothing. This module knows of no engine: who runs an activity says so here.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol


@dataclass(frozen=True, slots=True)
class Context:
    """Which task an activity is, and which attempt of it.

    Attributes:
        name, version: the activity type's.
        domain, workflow_id, run_id: the run for which it works.
        activity_id: the task's id in that run, the same for all attempts.
        task_list: where the task waited.
        attempt: 1 for the first.
        deadline: when it times out (START_TO_CLOSE), in UTC, by this machine's clock; None for never.
        idempotency_key: 32 hexadecimal digits for services that must do a thing once: the same in all attempts and in
            repairs of the run, and in no other task.
        last_details: what an attempt before this one said in its last `heartbeat`; None for nothing.
        token: names this attempt to `simpleflow activity.complete`.
    """

    name: str
    version: str
    domain: str
    workflow_id: str
    run_id: str
    activity_id: str
    task_list: str
    attempt: int
    deadline: datetime | None
    idempotency_key: str
    last_details: Any
    token: str


class InHand(Protocol):
    """A task in hand, as who runs it provides it."""

    @property
    def context(self) -> Context: ...
    def heartbeat(self, details: Any) -> None: ...
    def progress(self, done: float, total: float | None, text: str) -> None: ...
    def cancelled(self) -> bool: ...


_in_hand: Final[ContextVar[InHand | None]] = ContextVar("in_hand", default=None)
_sole: list[InHand] = []
"""The one task of this process, for threads that its code has started."""


def begin(task: InHand, sole: bool = False) -> Token[InHand | None]:
    """From now on this thread's code is that of `task`; where it is the `sole` one here, so is that of other threads.

    What it gives is for `end`.
    """
    if sole:
        _sole[:] = (task,)
    return _in_hand.set(task)


def end(token: Token[InHand | None]) -> None:
    """The code of the task is over."""
    _in_hand.reset(token)
    _sole.clear()


def _task() -> InHand | None:
    found = _in_hand.get()
    return found if found is not None or not _sole else _sole[0]


def context() -> Context:
    """The task that this code is. Raises LookupError where no worker runs it."""
    task = _task()
    if task is None:
        raise LookupError("context() is for the code of activities, and no activity runs here")
    return task.context


def heartbeat(details: Any = None) -> None:
    """Tell where the work stands: the next attempt finds `details` in its ``context().last_details``.

    Workers heartbeat by themselves, so a task that has nothing to tell need not. Details are any value that travels
    (`simpleflow.payload`); the engine is told at most once a second, the last ones are those that count.

    Raises TaskCanceled where the task is to end: it was cancelled, or it is out of time; PayloadError.
    """
    task = _task()
    if task is not None:
        task.heartbeat(details)


def progress(done: float, total: float | None = None, text: str = "") -> None:
    """Tell people how far the work is: `done` of `total`, and a line of text. Shown by `standalone` and `task.info`,
    and kept for a second before it is written, so a loop may call it as often as it likes."""
    task = _task()
    if task is not None:
        task.progress(done, total, text)


def cancelled() -> bool:
    """Whether the task is to end: it was cancelled, or it is out of time, or not this worker's any more.

    Code that asks is expected to return soon: it has the grace of the worker (ACTIVITY_SIGTERM_WAIT_SEC), and is not
    interrupted before. All other code is, by TaskCanceled raised wherever it is.
    """
    task = _task()
    return task is not None and task.cancelled()
