"""What can be submitted, and what a program asks of the world. Frozen values, one class each.

A *task* is what `submit` takes; a *command* is what the program hands out once a task is ready. Both know nothing
of Amazon's decisions: only `simpleflow.decider.translate` does.

Each kind of task is a name space of its own: a timer that is called like an activity collides with nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol

from simpleflow.activity import Activity
from simpleflow.failure import TaskFailureContext as TaskFailureContext
from simpleflow.futures import Future
from simpleflow.retry import Retry

ACTIVITY: Final = "activity"
TIMER: Final = "timer"
CANCEL_TIMER: Final = "cancel of a timer"


# -- how tasks speak with the core ---------------------------------------------------------------------------------


class Template(Protocol):
    """A frozen value with holes where futures stood."""

    @property
    def futures(self) -> Sequence[Future[Any]]: ...

    def fill(self, results: Sequence[Any]) -> Any:
        """The frozen value with these frozen results in the holes, None for the value None."""


class Values(Protocol):
    """How values are encoded; the core is given it, and never looks inside of what it makes."""

    def template(self, value: Any, what: str) -> Template: ...
    def template_call(self, args: tuple[Any, ...], kwargs: dict[str, Any], what: str, beside: Any) -> Template: ...
    def thaw(self, frozen: Any) -> Any: ...
    def thaw_call(self, frozen: Any) -> tuple[list[Any], dict[str, Any]]: ...
    def fingerprint(self, frozen: Any) -> str: ...


class Task:
    """What can be submitted.

    Attributes:
        kind: the name space of its id.
        name: what its number is counted by.
        idempotent: equal tasks of a run are one; the id is made of a hash of the arguments.
        names_itself: its id is the user's own (`own_id`): two tasks of one id are one, or an error.
        ours: its end is the program's to decide: a cancel settles it at once, and the world is only told.
        ends: kind and id of the task that this one cancels, where it does no more than that.
        attempts: what fails is an attempt of it, after which it may be tried again.
        retry: how often, when and after what it is tried again.
        raises_on_failure: True, False or None, as for activities.
    """

    __slots__ = ()
    kind: ClassVar[str]
    names_itself: ClassVar[bool] = False
    ours: ClassVar[bool] = False
    attempts: ClassVar[bool] = False

    @property
    def name(self) -> str:
        raise NotImplementedError

    @property
    def idempotent(self) -> bool:
        return False

    @property
    def retry(self) -> int | Retry:
        return 0

    @property
    def raises_on_failure(self) -> bool | None:
        return None

    @property
    def ends(self) -> tuple[str, str] | None:
        return None

    @property
    def options(self) -> tuple[Any, ...]:
        """What must be the same in two tasks that are to be one."""
        return ()

    def template(self, values: Values) -> Template | None:
        """The task's arguments, encoded. Raises PayloadError."""
        return None

    def identify(self, suffix: str, context: Mapping[str, Any]) -> str:
        """The id: `suffix` is the task's number or its hash, `context` who the run is."""
        return f"{self.name}-{suffix}"

    def own_id(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
        """The id that the user gives it, if any, where it `names_itself`."""
        return None

    def command(self, id: str, attempt: int, input: Any, where: str) -> Command | None:
        """What to ask of the world once the task is ready; None where the world is not asked."""
        return None

    def cancel(self, id: str, attempt: int, where: str) -> Command | None:
        """What to ask of the world for its end; None where the world cannot be asked."""
        return None

    def call(self, input: Any, values: Values) -> tuple[list[Any], dict[str, Any]]:
        """The arguments in its frozen input, where it has some: its `args` and `kwargs`, with futures resolved."""
        return [], {}


@dataclass(frozen=True, slots=True, init=False)
class ActivityTask(Task):
    """One call of an activity: ``ActivityTask(activity, *args, **kwargs)``."""

    kind: ClassVar[str] = ACTIVITY
    attempts: ClassVar[bool] = True
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

    @property
    def idempotent(self) -> bool:
        return bool(self.activity.idempotent)

    @property
    def retry(self) -> int | Retry:
        return self.activity.retry

    @property
    def raises_on_failure(self) -> bool | None:
        return self.activity.raises_on_failure

    @property
    def options(self) -> tuple[Any, ...]:
        activity = self.activity
        return (
            activity.version,
            activity.task_list,
            activity.retry,
            activity.task_priority,
            activity.task_start_to_close_timeout,
            activity.task_schedule_to_close_timeout,
            activity.task_schedule_to_start_timeout,
            activity.task_heartbeat_timeout,
        )

    def template(self, values: Values) -> Template:
        activity = self.activity
        return values.template_call(self.args, self.kwargs, f"the input of {activity.name}", activity.meta)

    def command(self, id: str, attempt: int, input: Any, where: str) -> Command:
        return ScheduleActivity(id, attempt, self.activity, input, where)

    def cancel(self, id: str, attempt: int, where: str) -> Command:
        return CancelActivity(id, attempt, where)

    def call(self, input: Any, values: Values) -> tuple[list[Any], dict[str, Any]]:
        return values.thaw_call(input)


@dataclass(frozen=True, slots=True)
class TimerTask(Task):
    """A timer: done after `timeout` seconds (whole, from 0), with the result None.

    Its id is used once in a run: two timers of one id are one. `control` is text or what has a JSON form; it is kept
    with the timer, for people.
    """

    kind: ClassVar[str] = TIMER
    names_itself: ClassVar[bool] = True
    ours: ClassVar[bool] = True
    timer_id: str
    timeout: int | str
    control: Any = None

    def __post_init__(self) -> None:
        text = str(self.timeout)
        if not self.timer_id or not isinstance(self.timer_id, str):
            raise ValueError(f"a timer's id is a text, not {self.timer_id!r}")
        if not (text.isascii() and text.isdigit() and len(text) <= 8):
            raise ValueError(f"a timer takes whole seconds (at most 8 digits), not {self.timeout!r}")

    @property
    def name(self) -> str:
        return f"timer-{self.timer_id}"

    @property
    def options(self) -> tuple[Any, ...]:
        return (int(self.timeout),)

    def identify(self, suffix: str, context: Mapping[str, Any]) -> str:
        return self.timer_id

    def own_id(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        return self.timer_id

    def command(self, id: str, attempt: int, input: Any, where: str) -> Command:
        return StartTimer(id, int(self.timeout), self.control, where)

    def cancel(self, id: str, attempt: int, where: str) -> Command:
        return CancelTimer(id, where)

    def __repr__(self) -> str:
        return f'<TimerTask timer_id="{self.timer_id}" timeout={self.timeout}>'


@dataclass(frozen=True, slots=True)
class CancelTimerTask(Task):
    """The cancel of a timer of this run: done at once, and the timer's future is cancelled."""

    kind: ClassVar[str] = CANCEL_TIMER
    timer_id: str

    @property
    def name(self) -> str:
        return f"cancel-{self.timer_id}"

    @property
    def ends(self) -> tuple[str, str]:
        return TIMER, self.timer_id

    def __repr__(self) -> str:
        return f'<CancelTimerTask timer_id="{self.timer_id}">'


# -- commands ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ScheduleActivity:
    """Run this activity: attempt `attempt` (from 1) of the task `id`, with frozen input `input`.

    `where` is the line of the program that asked for it, for messages.
    """

    kind: ClassVar[str] = ACTIVITY
    id: str
    attempt: int
    activity: Activity[..., Any]
    input: Any
    where: str


@dataclass(frozen=True, slots=True)
class CancelActivity:
    """End the activity of the task `id`, if its worker will."""

    kind: ClassVar[str] = ACTIVITY
    id: str
    attempt: int
    where: str


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Tell the program when `seconds` are over."""

    kind: ClassVar[str] = TIMER
    id: str
    seconds: int
    control: Any
    where: str


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Nobody waits for the timer `id` any more."""

    kind: ClassVar[str] = TIMER
    id: str
    where: str


@dataclass(frozen=True, slots=True)
class Complete:
    """The run returned this frozen value."""

    result: Any


@dataclass(frozen=True, slots=True)
class Fail:
    """The run raised this error."""

    error: BaseException


Opening = ScheduleActivity | StartTimer
"""Commands that ask for something that the history will show by their kind and id."""
Cancel = CancelActivity | CancelTimer
"""Commands that ask for the end of what was asked for by the same kind and id."""
Command = Opening | Cancel
Close = Complete | Fail
