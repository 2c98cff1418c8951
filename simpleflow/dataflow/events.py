"""What the world tells a program. `time` is the event's, in seconds since the epoch.

Only these reach a program, one by one, in the order of the history. That its commands were heard (an activity was
scheduled, or started) is no event to it: that is what makes the grouping of events into decisions irrelevant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simpleflow.exceptions import TaskException


@dataclass(frozen=True, slots=True)
class Started:
    """The run begins: `input` is the frozen call, `context` who the run is."""

    time: float
    input: Any
    context: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Completed:
    """The task `id` has this frozen result."""

    time: float
    id: str
    result: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """An attempt of the task `id` did not complete.

    `lost` says that its worker was lost, which says nothing of the task: it is tried again outside of `retry`; so it is
    where what it `lacks` is nobody's fault, and as often as that takes.
    """

    time: float
    id: str
    error: TaskException
    lost: bool = False
    lacks: bool = False


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The task `id` was cancelled, by its worker or before one had it."""

    time: float
    id: str
    error: TaskException


Event = Started | Completed | Failed | Cancelled
