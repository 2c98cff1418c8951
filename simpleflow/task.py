"""What can be submitted, and what a program asks of the world. Frozen values, one class each.

A *task* is what `submit` takes; a *command* is what the program hands out once a task is ready. Both know nothing
of Amazon's decisions: only `simpleflow.decider.translate` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simpleflow.activity import Activity


@dataclass(frozen=True, slots=True, init=False)
class ActivityTask:
    """One call of an activity: ``ActivityTask(activity, *args, **kwargs)``."""

    activity: Activity[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def __init__(self, activity: Activity[..., Any], *args: Any, **kwargs: Any) -> None:
        if not isinstance(activity, Activity):
            raise TypeError(f"Wrong value for `activity`, got {activity!r} instead of an Activity")
        object.__setattr__(self, "activity", activity)
        object.__setattr__(self, "args", args)
        object.__setattr__(self, "kwargs", kwargs)

    @property
    def name(self) -> str:
        return f"activity-{self.activity.name}"


Task = ActivityTask


@dataclass(frozen=True, slots=True)
class ScheduleActivity:
    """Run this activity: attempt `attempt` (from 1) of the task `id`, with frozen input `input`.

    `where` is the line of the program that asked for it, for messages.
    """

    id: str
    attempt: int
    activity: Activity[..., Any]
    input: Any
    where: str


@dataclass(frozen=True, slots=True)
class CancelActivity:
    """End the activity of the task `id`, if its worker will."""

    id: str
    attempt: int
    where: str


@dataclass(frozen=True, slots=True)
class Complete:
    """The run returned this frozen value."""

    result: Any


@dataclass(frozen=True, slots=True)
class Fail:
    """The run raised this error."""

    error: BaseException


Command = ScheduleActivity | CancelActivity
Close = Complete | Fail
