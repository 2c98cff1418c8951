"""The core's commands become Amazon's decisions. What a user's class leaves open is filled from the settings here.

One function a command, one table. What comes back is read by `simpleflow.decider.translate`.
See https://docs.aws.amazon.com/amazonswf/latest/apireference/API_Decision.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from simpleflow.activity import PRIORITY_NOT_SET, Activity, importable_name
from simpleflow.command import (
    CancelActivity,
    CancelChild,
    CancelRun,
    CancelTimer,
    Close,
    Command,
    Complete,
    ContinueAsNew,
    Fail,
    GiveUp,
    RecordMarker,
    RunLambda,
    ScheduleActivity,
    SendSignal,
    StartChild,
    StartTimer,
)
from simpleflow.config import Config, type_defaults
from simpleflow.exceptions import PayloadTooLarge, TaskException, TaskFailed, WorkflowFailed, one_line
from simpleflow.log import counted
from simpleflow.payload import codec, failures
from simpleflow.protocol.decisions import DECISIONS as DECISION_TYPES
from simpleflow.task import INHERIT_TAG_LIST
from simpleflow.workflow import Workflow

Attributes = dict[str, Any]
Decision = dict[str, Any]
Made = tuple[str, Attributes]
"""A decision's type and its attributes."""

ON_THEIR_WAY: Final = "signals"
"""The key of a run's `codec.EXTRA` under which signals lie that its predecessor never received."""


@dataclass(frozen=True, slots=True)
class Options:
    """What decisions take from the run and the settings.

    `started` are the attributes of its WorkflowExecutionStarted. `task_list`: all activities go there, whatever they
    say themselves, and children are decided where this run is. `codec` puts away what is too long. `repair`: what
    the input of a child, or of the run as which this one goes on, says of the run that it repairs. `heartbeats`: what
    attempts that failed have said in their last heartbeat, frozen, by the ids of their tasks. `origin`: the run id of
    the run that is repaired, the first one.
    """

    config: Config
    task_list: str | None = None
    workflow_id: str = ""
    started: Attributes = field(default_factory=dict)
    codec: codec.Codec = codec.PLAIN
    repair: Callable[[StartChild | ContinueAsNew], Attributes | None] = lambda command: None
    heartbeats: dict[str, str] = field(default_factory=dict)
    origin: str | None = None

    @property
    def decision_list(self) -> str | None:
        """Where the run's own decision tasks wait."""
        name: str | None = self.started.get("taskList", {}).get("name")
        return name


def decision(command: Command | Close, options: Options) -> Decision:
    """Amazon's decision for a command."""
    kind, attributes = DECISIONS[type(command)](command, options)
    return {"decisionType": kind, DECISION_TYPES[kind].member: attributes}


def timer(id: str, seconds: int) -> Decision:
    """A timer of ours, which calls the decider again and which no program knows of."""
    attributes = {"timerId": id, "startToFireTimeout": str(seconds)}
    return {"decisionType": "StartTimer", "startTimerDecisionAttributes": attributes}


# -- types ---------------------------------------------------------------------------------------------------------


def activity_type(activity: Activity[..., Any], config: Config) -> dict[str, str]:
    return {"name": activity.name, "version": activity.version or config.activity_default_version}


def activity_defaults(activity: Activity[..., Any], config: Config) -> dict[str, Any]:
    """The defaults with which an activity's type is registered: its options."""
    return {
        "defaultTaskList": {"name": activity.task_list or config.activity_default_task_list},
        **{f"defaultTask{key[0].upper()}{key[1:]}": value for key, value in _timeouts(activity, config).items()},
    }


def child_type(workflow: type[Workflow], config: Config) -> dict[str, str]:
    """The type of a class's runs as children: its dotted name, by which any decider can load it."""
    return {"name": importable_name(workflow), "version": workflow.version or config.workflow_default_version}


def next_type(close: ContinueAsNew, options: Options) -> dict[str, str]:
    """The type of the run that goes on."""
    this = options.started["workflowType"]
    return {"name": this["name"], "version": close.version or this["version"]}


# -- activities and functions --------------------------------------------------------------------------------------


def _schedule(command: ScheduleActivity, options: Options) -> Made:
    activity, config = command.activity, options.config
    timeouts = _timeouts(activity, config)
    attributes = {
        "activityId": command.id,
        "activityType": activity_type(activity, config),
        "input": command.input if command.bare else _input(command, timeouts, options),
        "taskList": {"name": options.task_list or activity.task_list or config.activity_default_task_list},
        **timeouts,
    }
    if command.priority is not None and command.priority is not PRIORITY_NOT_SET:
        attributes["taskPriority"] = str(command.priority)
    if command.after or command.since:
        attributes["control"] = _origins(command)
    return "ScheduleActivityTask", attributes


def _cancel_activity(command: CancelActivity, options: Options) -> Made:
    return "RequestCancelActivityTask", {"activityId": command.id}


def _run_lambda(command: RunLambda, options: Options) -> Made:
    timeout = None if command.timeout is None else str(command.timeout)
    attributes = {"id": command.id, "name": command.name, "input": command.input}
    attributes |= _set(startToCloseTimeout=timeout, control=_origins(command))
    return "ScheduleLambdaFunction", attributes


def _input(command: ScheduleActivity, timeouts: dict[str, str], options: Options) -> str:
    """The call, and beside it what the worker needs and SWF does not tell it."""
    told: dict[str, Any] = {
        "attempt": command.attempt,
        "heartbeat": timeouts["heartbeatTimeout"],
        "start_to_close": timeouts["startToCloseTimeout"],
    }
    if options.origin is not None:
        told["run"] = options.origin
    meta = f',"meta":{codec.freeze(command.activity.meta)}' if command.activity.meta else ""
    call: str = command.input
    text = f'{call[:-1]},"{codec.RESERVED}":{orjson.dumps(told).decode()}{meta}}}'
    last = options.heartbeats.get(command.id)
    return text if last is None else _with_last(text, len(call) - 1, last, options.codec)


def _with_last(text: str, end: int, last: str, values: codec.Codec) -> str:
    """The input, and in what is told beside the call, which begins at `end`, what the attempt before has said: as it
    is, by reference, or not at all where there is no room."""
    start = text.index("{", end) + 1
    room = codec.MAX_LENGTH - len(text) - len('"last":,')
    said: str | None = codec.inside(last)
    if len(codec.inside(last)) > room:
        put = values.keep_always(last)
        said = None if put is None or len(codec.inside(put)) > room else codec.inside(put)
    return text if said is None else f'{text[:start]}"last":{said},{text[start:]}'


def _timeouts(activity: Activity[..., Any], config: Config) -> dict[str, str]:
    return {
        "startToCloseTimeout": activity.task_start_to_close_timeout or config.activity_start_to_close_timeout,
        "scheduleToStartTimeout": activity.task_schedule_to_start_timeout
        or config.activity_schedule_to_start_timeout,
        "scheduleToCloseTimeout": activity.task_schedule_to_close_timeout
        or config.activity_schedule_to_close_timeout,
        "heartbeatTimeout": activity.task_heartbeat_timeout or config.activity_heartbeat_timeout,
    }


# -- workflows -----------------------------------------------------------------------------------------------------


def _start_child(command: StartChild, options: Options) -> Made:
    workflow, config = command.workflow, options.config
    defaults = type_defaults(workflow, config)
    tags = options.started.get("tagList") if command.tag_list == INHERIT_TAG_LIST else command.tag_list
    private = options.decision_list if options.task_list else None
    attributes = {
        "workflowId": command.id,
        "workflowType": child_type(workflow, config),
        "input": _input_of_run(command, options),
        "taskList": {"name": private or command.task_list or config.workflow_default_task_list},
        "executionStartToCloseTimeout": defaults["defaultExecutionStartToCloseTimeout"],
        "taskStartToCloseTimeout": defaults["defaultTaskStartToCloseTimeout"],
        "childPolicy": defaults["defaultChildPolicy"],
        **_set(
            control=_origins(command),
            tagList=list(tags) if tags else None,
            lambdaRole=options.started.get("lambdaRole"),
        ),
    }
    return "StartChildWorkflowExecution", attributes


def _cancel_child(command: CancelChild, options: Options) -> Made:
    return "RequestCancelExternalWorkflowExecution", {"workflowId": command.id}


def _input_of_run(command: StartChild | ContinueAsNew, options: Options, **more: Any) -> str:
    """The input of a child, or of the next run. With no room left to say which run it repairs, it runs anew."""
    plain = _with_extra(command.input, command.workflow, options, **more)
    repair = options.repair(command)
    if repair is None:
        return plain
    input = _with_extra(command.input, command.workflow, options, repair=repair, **more)
    return input if len(input) <= codec.MAX_LENGTH else plain


def _with_extra(call: str, workflow: type[Workflow], options: Options, **more: Any) -> str:
    """The frozen call, and beside it what deciders need."""
    extra = {"class": importable_name(workflow), **_set(activity_task_list=options.task_list), **more}
    return f'{call[:-1]},"{codec.EXTRA}":{json.dumps(extra, ensure_ascii=False, separators=(",", ":"))}}}'


def _continue(command: ContinueAsNew, options: Options) -> Made:
    """The new run is started as this one was: Amazon's defaults would be those of the type."""
    signals: dict[str, Any] = {ON_THEIR_WAY: command.signals} if command.signals else {}
    input = _input_of_run(command, options, **signals)
    if len(input) > codec.MAX_LENGTH and options.codec.payloads.writable:
        signals = {ON_THEIR_WAY: options.codec.payloads.put(json.dumps(command.signals))}
        input = _input_of_run(command, options, **signals)
    if len(input) > codec.MAX_LENGTH:
        what = f"no room beside the next run's input for {counted(len(command.signals), 'signal')} that nobody received"
        return _fail(Fail(PayloadTooLarge(f"{what}: receive them before continue_as_new")), options)
    started = options.started
    same = ("executionStartToCloseTimeout", "taskStartToCloseTimeout", "taskList", "taskPriority", "childPolicy")
    attributes = {
        "input": input,
        **_set(**{name: started.get(name) for name in (*same, "tagList", "lambdaRole")}),
        "workflowTypeVersion": next_type(command, options)["version"],
    }
    return "ContinueAsNewWorkflowExecution", attributes


# -- signals, markers, timers --------------------------------------------------------------------------------------


def _send_signal(command: SendSignal, options: Options) -> Made:
    workflow_id = command.workflow_id or options.workflow_id
    attributes = {"workflowId": workflow_id, "signalName": command.name, "control": command.id}
    return "SignalExternalWorkflowExecution", {**attributes, **_set(runId=command.run_id, input=command.input)}


def _record_marker(command: RecordMarker, options: Options) -> Made:
    details = None if command.input == "null" else command.input
    return "RecordMarker", {"markerName": command.name, **_set(details=details)}


def _start_timer(command: StartTimer, options: Options) -> Made:
    control = command.control or _origins(command)
    attributes = {"timerId": command.id, "startToFireTimeout": str(command.seconds), **_set(control=control)}
    return "StartTimer", attributes


def _cancel_timer(command: CancelTimer, options: Options) -> Made:
    return "CancelTimer", {"timerId": command.id}


# -- the end of a run ----------------------------------------------------------------------------------------------


def _complete(command: Complete, options: Options) -> Made:
    return "CompleteWorkflowExecution", {"result": command.result}


def _fail(command: Fail | GiveUp, options: Options) -> Made:
    reason, details = failure(command, options.codec.keep)
    return "FailWorkflowExecution", _set(reason=reason, details=details)


def _cancel_run(command: CancelRun, options: Options) -> Made:
    return "CancelWorkflowExecution", {}


def failure(close: Fail | GiveUp, keep: failures.Keep | None = None) -> tuple[str, str | None]:
    """The reason and the details with which a run fails: a task's own where it failed for one.

    What is too long is put away by `keep`, or cut.
    """
    if isinstance(close, GiveUp):
        return failures.cut(failures.clean(close.reason), failures.MAX_REASON), failures.fitting(close.details, keep)
    error: Any = close.error
    kind = type(error)  # what an error says of its own class may be wrong, or raise
    if issubclass(kind, TaskException):
        told = error.exception  # one that wraps another tells of that
        what, details = one_line(told), None
        if issubclass(type(told), TaskFailed):
            what, details = told.reason, failures.fitting(told.details, keep)
        elif issubclass(type(told), TaskException):
            what = repr(told)
        reason = f'Workflow execution error in {error.name}: "{what}"'
        return failures.cut(failures.clean(reason), failures.MAX_REASON), details
    if issubclass(kind, WorkflowFailed):
        return failures.describe(error)[0], failures.fitting(error.details, keep)
    return failures.describe(error, keep)


def _origins(command: ScheduleActivity | StartChild | RunLambda | StartTimer) -> str | None:
    """The control that says what a task comes after, for `simpleflow.swf.dependencies`; None where that is nothing."""
    after, since = command.after, command.since
    if not after and not since:
        return None
    same = command.id.rpartition("-")[0]

    def short(name: Any) -> Any:
        """The name, without what it has in common with the id of the task."""
        return name[len(same) :] if same and isinstance(name, str) and name.rpartition("-")[0] == same else name

    told: dict[str, Any] = {"after": [short(name) for name in after]} if after else {}
    if isinstance(since, str):
        told["since"] = short(since)
    elif others := [short(name) for name in since if name not in after]:
        told["since"] = others
    return orjson.dumps(told).decode() if told else None


def _set(**attributes: Any) -> Attributes:
    return {key: value for key, value in attributes.items() if value is not None}


DECISIONS: Final[dict[type[Any], Callable[[Any, Options], Made]]] = {
    ScheduleActivity: _schedule,
    CancelActivity: _cancel_activity,
    StartChild: _start_child,
    CancelChild: _cancel_child,
    RunLambda: _run_lambda,
    SendSignal: _send_signal,
    RecordMarker: _record_marker,
    StartTimer: _start_timer,
    CancelTimer: _cancel_timer,
    Complete: _complete,
    Fail: _fail,
    GiveUp: _fail,
    CancelRun: _cancel_run,
    ContinueAsNew: _continue,
}
