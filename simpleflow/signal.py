"""Waiting for signals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from simpleflow.task import Task, TimerTask, checked_name

WAIT: Final = "wait for a signal"


@dataclass(frozen=True, slots=True)
class WaitForSignal(Task):
    """What to submit to wait until a signal of that name has come; one that came before counts.

    Its result is what the last one of that name carried, then or when it came: ``{"args": [...], "kwargs": {...},
    "__propagate": bool}`` where simpleflow sent it, else whatever the sender sent. It never changes.
    """

    kind: ClassVar[str] = WAIT
    ours: ClassVar[bool] = True
    waits_for_signal: ClassVar[bool] = True
    signal_name: str

    def __post_init__(self) -> None:
        checked_name("a signal", self.signal_name)

    @property
    def name(self) -> str:
        return self.signal_name


@dataclass(frozen=True, slots=True)
class ReceiveSignal(Task):
    """What `Workflow.receive` submits: it takes the first signal of that name that nobody has taken.

    After `timeout` seconds without one it fails with TimeoutError (RECEIVE).
    """

    kind: ClassVar[str] = WAIT
    ours: ClassVar[bool] = True
    waits_for_signal: ClassVar[bool] = True
    signal_name: str
    timeout: int | str | None = None

    def __post_init__(self) -> None:
        checked_name("a signal", self.signal_name)
        if self.timeout is not None:
            TimerTask("of the receive", self.timeout)

    @property
    def name(self) -> str:
        return self.signal_name
