"""Both languages: Amazon's events become the core's, the core's commands become Amazon's decisions.

The only module that speaks both. What a user's activity leaves open is filled from the settings here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simpleflow.activity import PRIORITY_NOT_SET, Activity
from simpleflow.config import Config
from simpleflow.dataflow import Cancelled, Completed, Event, Failed, Started
from simpleflow.exceptions import TaskCanceled, TaskException, TaskFailed, TimeoutError, WorkflowFailed
from simpleflow.payload import codec, failures
from simpleflow.task import (
    ACTIVITY,
    TIMER,
    CancelActivity,
    CancelTimer,
    Close,
    Command,
    Complete,
    Fail,
    ScheduleActivity,
    StartTimer,
)

Attributes = dict[str, Any]
Decision = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Options:
    """What a run's activities take from elsewhere than their decorator."""

    config: Config
    task_list: str | None  # all activities go there, whatever they say
    task_priority: int | str | None  # that of those which name none


@dataclass(frozen=True, slots=True)
class Opened:
    """What to keep of an event that opened something: enough to word its end."""

    id: str
    time: float
    timeouts: dict[str, str | None] | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """Amazon's words for a kind of task.

    `opened` and `refused` are the events of a decision that was heard, `id` is the member of theirs that holds the
    task's id, `link` the member by which later events name the one that opened. `type` is the member that names the
    type of what runs. `closed` are the events that end the task, each with what makes the core's event of it;
    `cancelled` and `cancel_refused` the events of a cancel that was heard or refused; `cancelled_at_once` says that
    the first of them is the task's end. `same` says whether an opening event is that of a command.
    """

    kind: str
    opened: str
    refused: str
    id: str
    link: str
    closed: Mapping[str, Callable[[float, Attributes, Opened], Event]]
    cancelled: str = ""
    cancel_refused: str = ""
    cancelled_at_once: bool = False
    type: str = ""
    keep: Callable[[Attributes, str, float], Opened] = lambda attributes, id, time: Opened(attributes[id], time)
    same: Callable[[Any, Attributes], bool] = lambda command, attributes: True


# -- events --------------------------------------------------------------------------------------------------------


def started(time: float, attributes: Attributes, domain: str, execution: dict[str, str]) -> Started:
    """The core's Started for a WorkflowExecutionStarted."""
    parent = attributes.get("parentWorkflowExecution") or {}
    context = {
        "name": attributes["workflowType"]["name"],
        "version": attributes["workflowType"]["version"],
        "domain_name": domain,
        "workflow_id": execution["workflowId"],
        "run_id": execution["runId"],
        "tag_list": list(attributes.get("tagList") or []),
        "continued_execution_run_id": attributes.get("continuedExecutionRunId"),
        "parent_workflow_id": parent.get("workflowId"),
        "parent_run_id": parent.get("runId"),
    }
    return Started(time, attributes.get("input"), context)


def _open_activity(attributes: Attributes, id: str, time: float) -> Opened:
    timeouts = {
        "START_TO_CLOSE": attributes.get("startToCloseTimeout"),
        "SCHEDULE_TO_START": attributes.get("scheduleToStartTimeout"),
        "SCHEDULE_TO_CLOSE": attributes.get("scheduleToCloseTimeout"),
        "HEARTBEAT": attributes.get("heartbeatTimeout"),
    }
    return Opened(attributes[id], time, timeouts)


def _activity_completed(time: float, attributes: Attributes, opened: Opened) -> Event:
    return Completed(time, opened.id, codec.as_json(attributes.get("result")))


def _activity_cancelled(time: float, attributes: Attributes, opened: Opened) -> Event:
    return Cancelled(time, opened.id, TaskCanceled(attributes.get("details"), opened.id))


def _activity_failed(time: float, attributes: Attributes, opened: Opened) -> Event:
    reason = attributes.get("reason") or ""
    lost = reason.startswith(failures.LOST_REASONS)
    error = TaskFailed(opened.id, attributes.get("reason"), attributes.get("details"))
    return Failed(time, opened.id, error, lost, since=opened.time)


def _activity_timed_out(time: float, attributes: Attributes, opened: Opened) -> Event:
    timeout = attributes["timeoutType"]
    error = TimeoutError(timeout, (opened.timeouts or {}).get(timeout), opened.id)
    return Failed(time, opened.id, error, lost=timeout == "HEARTBEAT", since=opened.time)


def refused(words: Words, time: float, attributes: Attributes) -> Event:
    """The core's event for a refusal that ends the task."""
    id = attributes[words.id]
    return Failed(time, id, TaskFailed(id, attributes["cause"]), kind=words.kind, final=True)


def _timer_fired(time: float, attributes: Attributes, opened: Opened) -> Event:
    return Completed(time, opened.id, None, TIMER)


# -- decisions -----------------------------------------------------------------------------------------------------


def decision(command: Command | Close, options: Options) -> Decision:
    """Amazon's decision for a command."""
    kind, attributes = DECISIONS[type(command)](command, options)
    return {"decisionType": kind, f"{kind[0].lower()}{kind[1:]}DecisionAttributes": attributes}


def _complete(command: Complete, options: Options) -> tuple[str, Attributes]:
    return "CompleteWorkflowExecution", {"result": command.result}


def _fail(command: Fail, options: Options) -> tuple[str, Attributes]:
    reason, details = failure(command.error)
    return "FailWorkflowExecution", _set(reason=reason, details=details)


def failure(error: BaseException) -> tuple[str, str | None]:
    """The reason and the details with which a run fails: a task's own where it failed for one."""
    if isinstance(error, TaskFailed):
        reason = f'Workflow execution error in {error.name}: "{error.reason}"'
        return failures.cut(failures.clean(reason), failures.MAX_REASON), failures.fitting(error.details)
    if isinstance(error, TaskException):
        reason = f'Workflow execution error in {error.name}: "{error!r}"'
        return failures.cut(failures.clean(reason), failures.MAX_REASON), None
    if isinstance(error, WorkflowFailed):
        return failures.describe(error)[0], failures.fitting(error.details)
    return failures.describe(error)


def timer(id: str, seconds: int) -> Decision:
    """A timer of ours, which calls the decider again and which no program knows of."""
    kind, attributes = _start_timer(StartTimer(id, seconds, None, ""))
    return {"decisionType": kind, "startTimerDecisionAttributes": attributes}


def activity_type(activity: Activity[..., Any], config: Config) -> dict[str, str]:
    return {"name": activity.name, "version": activity.version or config.activity_default_version}


def registration(activity: Activity[..., Any], config: Config) -> dict[str, Any]:
    """The arguments of RegisterActivityType, the domain aside: the type's defaults are the activity's options."""
    return {
        **activity_type(activity, config),
        "defaultTaskList": {"name": activity.task_list or config.activity_default_task_list},
        **{f"defaultTask{key[0].upper()}{key[1:]}": value for key, value in _timeouts(activity, config).items()},
    }


def same_call(ours: str, theirs: str | None) -> bool:
    """Whether an activity's input in the history is the call that the program asks for; what we tell workers beside
    it, the order of keys and the spacing do not count."""
    if theirs is None:
        return False
    if theirs == ours or theirs.startswith(f'{ours[:-1]},"{codec.RESERVED}":'):
        return True
    try:
        found = json.loads(theirs)
    except ValueError:
        return False
    if isinstance(found, dict):
        found.pop(codec.RESERVED, None)
        found.pop("meta", None)
    return codec.canonical(json.dumps(found)) == codec.canonical(ours)


def _schedule(command: ScheduleActivity, options: Options) -> tuple[str, Attributes]:
    activity, config = command.activity, options.config
    timeouts = _timeouts(activity, config)
    priority = activity.task_priority
    if priority is PRIORITY_NOT_SET:
        priority = options.task_priority
    attributes = {
        "activityId": command.id,
        "activityType": activity_type(activity, config),
        "input": _input(command, timeouts),
        "taskList": {"name": options.task_list or activity.task_list or config.activity_default_task_list},
        **timeouts,
        **_set(taskPriority=None if priority is None else str(int(str(priority)))),
    }
    return "ScheduleActivityTask", attributes


def _same_activity(command: ScheduleActivity, attributes: Attributes) -> bool:
    name = attributes["activityType"]["name"]
    return name == command.activity.name and same_call(command.input, attributes.get("input"))


def _cancel_activity(command: CancelActivity, options: Options) -> tuple[str, Attributes]:
    return "RequestCancelActivityTask", {"activityId": command.id}


def _start_timer(command: StartTimer, options: Options | None = None) -> tuple[str, Attributes]:
    control = command.control
    if control is not None and not isinstance(control, str):
        control = codec.freeze(control, f"the control of the timer {command.id}")
    attributes = {"timerId": command.id, "startToFireTimeout": str(command.seconds), **_set(control=control)}
    return "StartTimer", attributes


def _cancel_timer(command: CancelTimer, options: Options) -> tuple[str, Attributes]:
    return "CancelTimer", {"timerId": command.id}


def _input(command: ScheduleActivity, timeouts: dict[str, str]) -> str:
    """The call, and beside it what the worker needs and SWF does not tell it."""
    told: dict[str, Any] = {
        "attempt": command.attempt,
        "heartbeat": timeouts["heartbeatTimeout"],
        "start_to_close": timeouts["startToCloseTimeout"],
    }
    meta = f',"meta":{codec.freeze(command.activity.meta)}' if command.activity.meta else ""
    call: str = command.input
    return f'{call[:-1]},"{codec.RESERVED}":{json.dumps(told, separators=(",", ":"))}{meta}}}'


def _timeouts(activity: Activity[..., Any], config: Config) -> dict[str, str]:
    return {
        "startToCloseTimeout": activity.task_start_to_close_timeout or config.activity_start_to_close_timeout,
        "scheduleToStartTimeout": activity.task_schedule_to_start_timeout
        or config.activity_schedule_to_start_timeout,
        "scheduleToCloseTimeout": activity.task_schedule_to_close_timeout
        or config.activity_schedule_to_close_timeout,
        "heartbeatTimeout": activity.task_heartbeat_timeout or config.activity_heartbeat_timeout,
    }


def _set(**attributes: Any) -> Attributes:
    return {key: value for key, value in attributes.items() if value is not None}


# -- the tables ----------------------------------------------------------------------------------------------------


DECISIONS: dict[type[Any], Callable[[Any, Options], tuple[str, Attributes]]] = {
    ScheduleActivity: _schedule,
    CancelActivity: _cancel_activity,
    StartTimer: _start_timer,
    CancelTimer: _cancel_timer,
    Complete: _complete,
    Fail: _fail,
}

WORDS: tuple[Words, ...] = (
    Words(
        ACTIVITY,
        opened="ActivityTaskScheduled",
        refused="ScheduleActivityTaskFailed",
        id="activityId",
        link="scheduledEventId",
        closed={
            "ActivityTaskCompleted": _activity_completed,
            "ActivityTaskFailed": _activity_failed,
            "ActivityTaskTimedOut": _activity_timed_out,
            "ActivityTaskCanceled": _activity_cancelled,
        },
        cancelled="ActivityTaskCancelRequested",
        cancel_refused="RequestCancelActivityTaskFailed",
        type="activityType",
        keep=_open_activity,
        same=_same_activity,
    ),
    Words(
        TIMER,
        opened="TimerStarted",
        refused="StartTimerFailed",
        id="timerId",
        link="startedEventId",
        closed={"TimerFired": _timer_fired},
        cancelled="TimerCanceled",
        cancel_refused="CancelTimerFailed",
        cancelled_at_once=True,
    ),
)
