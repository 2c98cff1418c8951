"""Both languages: Amazon's events become the core's, the core's commands become Amazon's decisions.

The only module that speaks both. What a user's activity leaves open is filled from the settings here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from simpleflow.activity import PRIORITY_NOT_SET, Activity
from simpleflow.config import Config
from simpleflow.dataflow import Cancelled, Completed, Event, Failed, Started
from simpleflow.exceptions import TaskCanceled, TaskException, TaskFailed, TimeoutError, WorkflowFailed
from simpleflow.payload import codec, failures
from simpleflow.payload.reference import without_place
from simpleflow.task import CancelActivity, Close, Command, Complete, ScheduleActivity

Attributes = dict[str, Any]
Decision = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Options:
    """What a run's activities take from elsewhere than their decorator."""

    config: Config
    task_list: str | None  # all activities go there, whatever they say
    task_priority: int | str | None  # that of those which name none
    keep: failures.Keep | None = None  # puts details away that are too long


@dataclass(frozen=True, slots=True)
class OpenActivity:
    """What the history says of an attempt that is not closed: enough to word its end."""

    id: str
    timeouts: dict[str, str | None]


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


def open_activity(attributes: Attributes) -> OpenActivity:
    """What to keep of an ActivityTaskScheduled."""
    timeouts = {
        "START_TO_CLOSE": attributes.get("startToCloseTimeout"),
        "SCHEDULE_TO_START": attributes.get("scheduleToStartTimeout"),
        "SCHEDULE_TO_CLOSE": attributes.get("scheduleToCloseTimeout"),
        "HEARTBEAT": attributes.get("heartbeatTimeout"),
    }
    return OpenActivity(attributes["activityId"], timeouts)


def activity_closed(kind: str, time: float, attributes: Attributes, activity: OpenActivity) -> Event:
    """The core's event for an ActivityTaskCompleted, Failed, TimedOut or Canceled."""
    id = activity.id
    if kind == "ActivityTaskCompleted":
        return Completed(time, id, codec.as_json(attributes.get("result")))
    if kind == "ActivityTaskCanceled":
        return Cancelled(time, id, TaskCanceled(attributes.get("details"), id))
    if kind == "ActivityTaskFailed":
        reason = attributes.get("reason") or ""
        lost, lacks = reason.startswith(failures.LOST_REASONS), reason.startswith(failures.UNREACHABLE)
        return Failed(time, id, TaskFailed(id, attributes.get("reason"), attributes.get("details")), lost, lacks)
    timeout = attributes["timeoutType"]
    return Failed(time, id, TimeoutError(timeout, activity.timeouts.get(timeout), id), lost=timeout == "HEARTBEAT")


# -- decisions -----------------------------------------------------------------------------------------------------


def decision(command: Command | Close, options: Options) -> Decision:
    """Amazon's decision for a command."""
    match command:
        case ScheduleActivity():
            return _schedule(command, options)
        case CancelActivity(id=id):
            attributes = {"activityId": id}
            return {
                "decisionType": "RequestCancelActivityTask",
                "requestCancelActivityTaskDecisionAttributes": attributes,
            }
        case Complete(result=result):
            return {
                "decisionType": "CompleteWorkflowExecution",
                "completeWorkflowExecutionDecisionAttributes": {"result": result},
            }
        case _:
            reason, details = failure(command.error, options.keep)
            return {
                "decisionType": "FailWorkflowExecution",
                "failWorkflowExecutionDecisionAttributes": _set(reason=reason, details=details),
            }


def failure(error: BaseException, keep: failures.Keep | None = None) -> tuple[str, str | None]:
    """The reason and the details with which a run fails: a task's own where it failed for one."""
    if isinstance(error, TaskFailed):
        reason = f'Workflow execution error in {error.name}: "{error.reason}"'
        return failures.cut(failures.clean(reason), failures.MAX_REASON), failures.fitting(error.details, keep)
    if isinstance(error, TaskException):
        reason = f'Workflow execution error in {error.name}: "{error!r}"'
        return failures.cut(failures.clean(reason), failures.MAX_REASON), None
    if isinstance(error, WorkflowFailed):
        return failures.describe(error)[0], failures.fitting(error.details, keep)
    return failures.describe(error, keep)


def timer(id: str, seconds: int) -> Decision:
    """A timer of ours, which calls the decider again and which no program knows of."""
    attributes = {"timerId": id, "startToFireTimeout": str(seconds)}
    return {"decisionType": "StartTimer", "startTimerDecisionAttributes": attributes}


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
    ours, theirs = without_place(ours), without_place(theirs)
    try:
        found = json.loads(theirs)
    except ValueError:
        return False
    if isinstance(found, dict):
        found.pop(codec.RESERVED, None)
        found.pop("meta", None)
    return codec.canonical(json.dumps(found)) == codec.canonical(ours)


def _schedule(command: ScheduleActivity, options: Options) -> Decision:
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
    return {"decisionType": "ScheduleActivityTask", "scheduleActivityTaskDecisionAttributes": attributes}


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
