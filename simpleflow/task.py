"""What can be submitted. Frozen values, one class each; what they have in common stands in `simpleflow.submittable`.

They know nothing of Amazon's decisions: what they ask for are commands (`simpleflow.command`).
"""

from __future__ import annotations

import copy
import inspect
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MethodType
from typing import Any, ClassVar, Final, Self, TypeVar

from simpleflow.activity import PRIORITY_NOT_SET, Activity, Priority, importable_name, is_seconds
from simpleflow.command import (
    ACTIVITY,
    CHILD,
    LAMBDA,
    MARKER,
    OURS,
    SIGNAL,
    TIMER,
    CancelActivity,
    CancelChild,
    CancelTimer,
    Command,
    RecordMarker,
    RunLambda,
    ScheduleActivity,
    SendSignal,
    StartChild,
    StartTimer,
)
from simpleflow.exceptions import PayloadUnreachable, TaskFailed, one_line
from simpleflow.failure import TaskFailureContext as TaskFailureContext
from simpleflow.retry import Retry, checked
from simpleflow.submittable import PROGRAM as PROGRAM
from simpleflow.submittable import Asked as Asked
from simpleflow.submittable import SubmittableContainer as SubmittableContainer
from simpleflow.submittable import Task as Task
from simpleflow.submittable import Template as Template
from simpleflow.submittable import Values as Values

T = TypeVar("T", bound=Task)
INHERIT_TAG_LIST: Final = "INHERIT_TAG_LIST"
MAX_TAGS: Final = 5
NOT_IN_IDS: Final = ":/|" + "".join(map(chr, (*range(32), *range(127, 160))))
"""The characters that no id and no list of Amazon's has."""
NOT_FOR_USERS: Final = (OURS, f"_{OURS}")
"""Ids of timers that start so are simpleflow's own: of its deciders, and between attempts."""


# -- activities and functions --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, init=False)
class ActivityTask(Task):
    """One call of an activity: ``ActivityTask(activity, *args, **kwargs)``.

    The keyword `__priority` is no argument of the call: higher goes first, None for no priority.
    """

    kind: ClassVar[str] = ACTIVITY
    attempts: ClassVar[bool] = True
    activity: Activity[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    priority: Priority

    def __init__(self, activity: Activity[..., Any], *args: Any, **kwargs: Any) -> None:
        if not isinstance(activity, Activity):
            raise TypeError(f"Wrong value for `activity`, got {activity!r} instead of an Activity")
        given = kwargs.pop("__priority", PRIORITY_NOT_SET) if kwargs else PRIORITY_NOT_SET
        put = object.__setattr__
        put(self, "activity", activity)
        put(self, "args", args)
        put(self, "kwargs", kwargs)
        put(self, "priority", _priority(activity.task_priority if given is PRIORITY_NOT_SET else given))

    def with_default_priority(self, priority: Priority) -> ActivityTask:
        """The same task, with this priority where neither it nor its activity says anything of one."""
        if self.priority is not PRIORITY_NOT_SET or priority is None:
            return self
        return _changed(self, priority=_priority(priority))

    def with_argument(self, argument: Any) -> Self:
        return _changed(self, args=(*self.args, argument))

    @property
    def name(self) -> str:
        return f"activity-{self.activity.name}"

    @property
    def idempotent(self) -> bool:
        return bool(self.activity.idempotent)

    @property
    def names_itself(self) -> bool:
        return getattr(self.activity.callable, "get_task_id", None) is not None

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
            self.priority,
            activity.task_start_to_close_timeout,
            activity.task_schedule_to_close_timeout,
            activity.task_schedule_to_start_timeout,
            activity.task_heartbeat_timeout,
        )

    def template(self, values: Values) -> Template:
        activity = self.activity
        return values.template_call(self.args, self.kwargs, f"the input of {activity.name}", activity.meta)

    def own_id(self, input: Any, values: Values, workflow: Any) -> str | None:
        named: Any = self.activity.callable
        try:
            args, kwargs = self.call(input, values)
            suffix = named.get_task_id(workflow, *args, **kwargs)
        except PayloadUnreachable:
            raise
        except Exception as error:
            raise TaskFailed(self.name, one_line(error)) from error
        return None if suffix is None else f"{self.name}-{suffix}"

    def command(self, asked: Asked, values: Values) -> Command:
        activity, origins = self.activity, asked.origins
        return ScheduleActivity(
            asked.id, asked.attempt, activity, asked.input, asked.where, self.priority, False, *origins
        )

    def cancel(self, asked: Asked) -> Command:
        return CancelActivity(asked.id, asked.attempt, asked.where)

    def call(self, input: Any, values: Values) -> tuple[list[Any], dict[str, Any]]:
        return values.thaw_call(input, self.activity.callable)


class NonPythonicActivityTask(ActivityTask):
    """One call of an activity whose workers are not ours: its input is the bare array of `args`, or the bare object of
    `kwargs`, and nothing beside it."""

    __slots__ = ()

    def __init__(self, activity: Activity[..., Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(activity, *args, **kwargs)
        self._check()

    def with_argument(self, argument: Any) -> Self:
        twin = super().with_argument(argument)
        twin._check()
        return twin

    def _check(self) -> None:
        if self.args and self.kwargs:
            raise ValueError("This task type doesn't support both *args and **kwargs")

    def template(self, values: Values) -> Template:
        return values.template(list(self.args) or self.kwargs, f"the input of {self.activity.name}")

    def command(self, asked: Asked, values: Values) -> Command:
        return ScheduleActivity(
            asked.id, asked.attempt, self.activity, asked.input, asked.where, self.priority, True, *asked.origins
        )

    def call(self, input: Any, values: Values) -> tuple[list[Any], dict[str, Any]]:
        bare = values.thaw(input)
        return ([], bare) if isinstance(bare, dict) else (bare, {})


@dataclass(frozen=True, slots=True)
class LambdaFunctionTask(Task):
    """One call of a Lambda function: its event is `input`, which has a JSON form, and its result what it returns.

    `start_to_close_timeout` is in seconds, 1 to 900 (default: Amazon's 900). What was asked for cannot be cancelled.
    See https://docs.aws.amazon.com/amazonswf/latest/developerguide/lambda-task.html
    """

    kind: ClassVar[str] = LAMBDA
    attempts: ClassVar[bool] = True
    name: str
    input: Any = None
    start_to_close_timeout: int | str | None = None
    retry: int | Retry = 0
    raises_on_failure: bool | None = None
    idempotent: bool = False

    def __post_init__(self) -> None:
        checked(self.retry)

    @property
    def options(self) -> tuple[Any, ...]:
        return self.start_to_close_timeout, self.retry

    def template(self, values: Values) -> Template:
        return values.template(self.input, f"the input of {self.name}")

    def identify(self, suffix: str, context: Mapping[str, Any]) -> str:
        name = self.name.translate({ord(character): "-" for character in ":/|"})  # it may be an ARN
        return f"lambda-{name}-{suffix}"

    def command(self, asked: Asked, values: Values) -> Command:
        timeout = self.start_to_close_timeout
        return RunLambda(asked.id, asked.attempt, self.name, asked.input, asked.where, timeout, *asked.origins)


# -- workflows -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, init=False)
class WorkflowTask(Task):
    """A child workflow: ``WorkflowTask(executor, workflow, *args, **kwargs)``.

    `executor` is not looked at. `workflow_task_list` says where its decisions wait; it is no argument of ``run``.
    What the class says of `retry`, `raises_on_failure`, `idempotent`, timeouts, policy, list and tags counts, and its
    get_workflow_id, get_task_list and get_tag_list, which are called with the arguments of ``run``.
    """

    kind: ClassVar[str] = CHILD
    attempts: ClassVar[bool] = True
    workflow: type[Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    task_list: str | None

    def __init__(
        self, executor: Any, workflow: type[Any], *args: Any, workflow_task_list: str | None = None, **kwargs: Any
    ) -> None:
        checked(workflow.retry)
        put = object.__setattr__
        put(self, "workflow", workflow)
        put(self, "args", args)
        put(self, "kwargs", kwargs)
        put(self, "task_list", workflow_task_list)

    @property
    def name(self) -> str:
        return f"workflow-{self.workflow.name or self.workflow.__name__}"

    @property
    def idempotent(self) -> bool:
        return bool(getattr(self.workflow, "idempotent", False))

    @property
    def names_itself(self) -> bool:
        return hasattr(self.workflow, "get_workflow_id")

    @property
    def retry(self) -> int | Retry:
        found: int | Retry = self.workflow.retry
        return found

    @property
    def raises_on_failure(self) -> bool | None:
        found: bool | None = self.workflow.raises_on_failure
        return found

    @property
    def options(self) -> tuple[Any, ...]:
        return self.workflow, self.task_list

    def template(self, values: Values) -> Template:
        what = f"the input of {self.name}"
        beside = {"class": importable_name(self.workflow), "activity_task_list": " " * 256}  # at most
        return values.template_call(self.args, self.kwargs, what, beside)

    def identify(self, suffix: str, context: Mapping[str, Any]) -> str:
        parent = context.get("repaired_workflow_id") or context.get("workflow_id")
        run_id = context.get("repaired_run_id") or context.get("run_id")
        return f"{self.name}-{parent}--{hex_hash(run_id)}--{suffix}"

    def own_id(self, input: Any, values: Values, workflow: Any) -> str | None:
        found = self._asked_of_class("get_workflow_id", input, values)
        return _fit(self.name, "a run", str(found)) if found else None

    def command(self, asked: Asked, values: Values) -> Command:
        workflow, input = self.workflow, asked.input
        task_list = self.task_list or self._asked_of_class("get_task_list", input, values) or workflow.task_list
        if task_list:
            _fit(asked.id, "a task list", task_list)
        tags = self._asked_of_class("get_tag_list", input, values)
        tags = workflow.tag_list if tags is None else tags
        if tags is not None and tags != INHERIT_TAG_LIST:
            tags = [_fit(asked.id, "a tag", str(tag), "") for tag in tags]
            if len(tags) > MAX_TAGS:
                raise TaskFailed(asked.id, f"ValueError: a run takes {MAX_TAGS} tags, not {len(tags)}")
        return StartChild(asked.id, asked.attempt, workflow, input, asked.where, task_list, tags, *asked.origins)

    def cancel(self, asked: Asked) -> Command:
        return CancelChild(asked.id, asked.where)

    def call(self, input: Any, values: Values) -> tuple[list[Any], dict[str, Any]]:
        return values.thaw_call(input, MethodType(self.workflow.run, self.workflow))

    def with_argument(self, argument: Any) -> Self:
        return _changed(self, args=(*self.args, argument))

    def _asked_of_class(self, method: str, input: Any, values: Values) -> Any:
        """What the class says, if it has that method. Raises TaskFailed for whatever the method raises."""
        if not hasattr(self.workflow, method):
            return None
        try:
            args, kwargs = values.thaw_call(input, MethodType(self.workflow.run, self.workflow))  # without its self
            return ask_class(self.workflow, method, args, kwargs)
        except PayloadUnreachable:
            raise
        except Exception as error:
            raise TaskFailed(self.name, one_line(error)) from error


class ChildWorkflowTask(WorkflowTask):
    """A child workflow: ``ChildWorkflowTask(workflow, *args, **kwargs)``."""

    __slots__ = ()

    def __init__(
        self, workflow: type[Any], *args: Any, workflow_task_list: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(None, workflow, *args, workflow_task_list=workflow_task_list, **kwargs)


@dataclass(frozen=True, slots=True, init=False)
class ContinueAsNewTask(Task):
    """The end of this run, which goes on as a new one of the same workflow id, with these arguments for ``run``.

    `workflow_version` is the version of the new run's type (default: this run's); it is no argument of ``run``.
    """

    kind: ClassVar[str] = PROGRAM
    workflow: type[Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    workflow_version: str | None

    def __init__(self, workflow: type[Any], *args: Any, workflow_version: str | None = None, **kwargs: Any) -> None:
        put = object.__setattr__
        put(self, "workflow", workflow)
        put(self, "args", args)
        put(self, "kwargs", kwargs)
        put(self, "workflow_version", workflow_version)

    @property
    def name(self) -> str:
        return "continue-as-new"

    def template(self, values: Values) -> Template:
        beside = {"class": importable_name(self.workflow), "activity_task_list": " " * 256}
        return values.template_call(self.args, self.kwargs, "the input of the run that goes on", beside)


def ask_class(workflow: type[Any], method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Call a class's get_workflow_id, get_task_list or get_tag_list, whether it is a class method or a static one.

    A static method, or a plain function, is given the class first; None where the class has no such method.
    """
    found = inspect.getattr_static(workflow, method, None)
    if found is None:
        return None
    bound = getattr(workflow, method)
    return bound(*args, **kwargs) if isinstance(found, classmethod) else bound(workflow, *args, **kwargs)


def hex_hash(text: str | None) -> str:
    """The adler32 of a text in hexadecimal; "0" for none. Ids of children hold that of their parent's run."""
    return f"{zlib.adler32(text.encode()):x}" if text else "0"


# -- signals, markers, timers --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, init=False)
class SignalTask(Task):
    """A signal to another run, or to this one: ``SignalTask(name, *args, **kwargs)``.

    The keywords `workflow_id` and `run_id` say to whom (default: this run), `propagate` whether its receiver hands it
    on to its parent and its children; they are no arguments of the signal. Its result is what it carries:
    ``{"args": [...], "kwargs": {...}, "__propagate": true}``. It fails where nobody is there.
    """

    kind: ClassVar[str] = SIGNAL
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    workflow_id: str | None
    run_id: str | None
    propagate: bool

    def __init__(
        self,
        name: str,
        *args: Any,
        workflow_id: str | None = None,
        run_id: str | None = None,
        propagate: bool = True,
        **kwargs: Any,
    ) -> None:
        put = object.__setattr__
        put(self, "name", checked_name("a signal", name))
        put(self, "args", args)
        put(self, "kwargs", kwargs)
        put(self, "workflow_id", checked_name("the run that is signalled", workflow_id) if workflow_id else None)
        put(self, "run_id", checked_name("the run that is signalled", run_id, most=64) if run_id else None)
        put(self, "propagate", propagate)

    def template(self, values: Values) -> Template:
        call = {"args": self.args, "kwargs": self.kwargs, "__propagate": bool(self.propagate)}
        return values.template(call, f"the signal {self.name}")

    def command(self, asked: Asked, values: Values) -> Command:
        return SendSignal(asked.id, self.name, self.workflow_id, self.run_id, asked.input, asked.where)

    def with_argument(self, argument: Any) -> Self:
        return _changed(self, args=(*self.args, argument))


@dataclass(frozen=True, slots=True)
class MarkerTask(Task):
    """A record in the history: `details` have a JSON form. Done at once, and once for each name and details; its result
    is the details' JSON text, None where there are none."""

    kind: ClassVar[str] = MARKER
    at_once: ClassVar[bool] = True
    name: str
    details: Any = None

    def __post_init__(self) -> None:
        checked_name("a marker", self.name)

    @property
    def idempotent(self) -> bool:
        return True

    def template(self, values: Values) -> Template:
        return values.template(self.details, f"the details of the marker {self.name}")

    def command(self, asked: Asked, values: Values) -> Command:
        return RecordMarker(asked.id, self.name, asked.input, asked.where)

    def result(self, input: Any, values: Values) -> Any:
        return None if self.details is None else values.quoted(input)


@dataclass(frozen=True, slots=True)
class TimerTask(Task):
    """A timer: done after `timeout` seconds (whole, from 0), with the result None.

    Its id is used once in a run: two timers of one id are one. `control` has a JSON form, and is kept with the timer.
    """

    kind: ClassVar[str] = TIMER
    ours: ClassVar[bool] = True
    not_for_users: ClassVar[tuple[str, ...]] = NOT_FOR_USERS
    timer_id: str
    timeout: int | str
    control: Any = None

    def __post_init__(self) -> None:
        text = str(self.timeout)
        checked_name("a timer", self.timer_id, NOT_IN_IDS)
        if self.timer_id.startswith(self.not_for_users):
            ours = " or ".join(map(repr, self.not_for_users))
            raise ValueError(f"a timer's id does not start with {ours}: {self.timer_id!r}")
        if not is_seconds(text):
            raise ValueError(f"a timer takes whole seconds (at most 8 digits), not {self.timeout!r}")

    @property
    def name(self) -> str:
        return self.timer_id

    @property
    def names_itself(self) -> bool:
        return True

    @property
    def options(self) -> tuple[Any, ...]:
        return (int(self.timeout),)

    def identify(self, suffix: str, context: Mapping[str, Any]) -> str:
        return self.timer_id

    def template(self, values: Values) -> Template | None:
        what = f"the control of the timer {self.timer_id}"
        return None if self.control is None else values.template(self.control, what)

    def own_id(self, input: Any, values: Values, workflow: Any) -> str:
        return self.timer_id

    def command(self, asked: Asked, values: Values) -> Command:
        return StartTimer(asked.id, int(self.timeout), asked.input, asked.where, *asked.origins)

    def cancel(self, asked: Asked) -> Command:
        return CancelTimer(asked.id, asked.where)

    def __repr__(self) -> str:
        return f'<TimerTask timer_id="{self.timer_id}" timeout={self.timeout}>'


@dataclass(frozen=True, slots=True)
class OwnTimer(TimerTask):
    """A timer that simpleflow starts for a wait, with an id that users cannot take."""

    not_for_users: ClassVar[tuple[str, ...]] = ()


@dataclass(frozen=True, slots=True)
class CancelTimerTask(Task):
    """The cancel of a timer of this run: done at once, and the timer's future is cancelled."""

    kind: ClassVar[str] = PROGRAM
    timer_id: str

    @property
    def name(self) -> str:
        return f"cancel-{self.timer_id}"

    def __repr__(self) -> str:
        return f'<CancelTimerTask timer_id="{self.timer_id}">'


def _changed(task: T, **fields: Any) -> T:
    """A copy of a frozen task in which these fields are others."""
    twin = copy.copy(task)
    for name, value in fields.items():
        object.__setattr__(twin, name, value)
    return twin


def checked_name(what: str, name: Any, without: str = "", most: int = 256) -> str:
    """`name`, where it is a text that Amazon takes as one. Raises ValueError."""
    if not isinstance(name, str) or not 1 <= len(name) <= most:
        raise ValueError(f"{what} is named by a text of 1 to {most} characters, not by {name!r}")
    if found := sorted(set(without).intersection(name)):
        raise ValueError(f"the name of {what} has no {found[0]!r}, as {name!r} does")
    return name


def _fit(id: str, what: str, name: Any, without: str = NOT_IN_IDS) -> str:
    """`name`, as `checked_name`. Raises TaskFailed for the task of this id: the name comes from its class."""
    try:
        return checked_name(what, name, without)
    except ValueError as error:
        raise TaskFailed(id, one_line(error)) from error


def _priority(given: Priority) -> Priority:
    if given is None or given is PRIORITY_NOT_SET:
        return given
    try:
        priority = int(str(given))
    except ValueError:
        raise ValueError(f"a priority is a whole number or None, not {given!r}") from None
    if not -(2**31) <= priority < 2**31:
        raise ValueError(f"a priority is a whole number of 32 bits, not {given!r}")
    return priority
