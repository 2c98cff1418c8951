"""What the world tells a program. `time` is the event's, in seconds since the epoch.

Only these reach a program, one by one, in the order of the history. That its commands were heard (an activity was
scheduled, or started) is no event to it: that is what makes the grouping of events into decisions irrelevant.
An event names its task by `kind` and `id`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simpleflow.command import ACTIVITY
from simpleflow.exceptions import TaskException


@dataclass(frozen=True, slots=True)
class Started:
    """The run begins: `input` is the frozen call, `context` who the run is.

    `signals` came with it from the run that went on as this one: name and frozen input, in order.
    """

    time: float
    input: Any
    context: dict[str, Any]
    signals: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Completed:
    """The task has this frozen result; that of a timer that has fired is None."""

    time: float
    id: str
    result: Any
    kind: str = ACTIVITY


@dataclass(frozen=True, slots=True)
class Failed:
    """An attempt of the task did not complete.

    `lost` says that its worker was lost, which says nothing of the task: it is tried again outside of `retry`. So it is
    where what it `lacks` is nobody's fault, and where a worker that is told to stop has `given_back` the task: as often
    as that takes. `final` says that trying again would not help. `since` is when the attempt was scheduled, None where
    it never was.
    """

    time: float
    id: str
    error: TaskException
    lost: bool = False
    kind: str = ACTIVITY
    final: bool = False
    since: float | None = None
    lacks: bool = False
    given_back: bool = False


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The task was cancelled, by its worker or before one had it."""

    time: float
    id: str
    error: TaskException
    kind: str = ACTIVITY


@dataclass(frozen=True, slots=True)
class Signaled:
    """Somebody signals the run. `input` is frozen; `sender` is a workflow id, if a run sent it.

    `details` is what else the history says of it, for `Workflow.get_event_details`.
    """

    time: float
    name: str
    input: Any
    sender: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """Somebody asks the run to cancel itself."""

    time: float


Event = Started | Completed | Failed | Cancelled | Signaled | CancelRequested
