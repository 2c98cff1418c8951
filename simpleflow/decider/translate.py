"""Amazon's events become the core's, by one table of words for each kind of task.

With `simpleflow.decider.decisions`, which goes the other way, the only module that speaks both languages.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from simpleflow.activity import importable_name
from simpleflow.command import (
    ACTIVITY,
    CHILD,
    LAMBDA,
    MARKER,
    SIGNAL,
    TIMER,
    RecordMarker,
    RunLambda,
    ScheduleActivity,
    SendSignal,
    StartChild,
)
from simpleflow.dataflow import Cancelled, CancelRequested, Completed, Event, Failed, Signaled, Started
from simpleflow.dataflow.graph import fitting
from simpleflow.decider.decisions import ON_THEIR_WAY
from simpleflow.exceptions import TaskCanceled, TaskException, TaskFailed, TaskTerminated, TimeoutError
from simpleflow.payload import codec, failures
from simpleflow.payload.reference import SCHEME, without_place

Attributes = dict[str, Any]

LONGEST_SHOWN: Final = 200  # characters of an input, in a message
_BESIDE: Final = (f',"{codec.RESERVED}":', f',"{codec.EXTRA}":')


@dataclass(frozen=True, slots=True)
class Opened:
    """What to keep of an event that opened something: enough to word its end."""

    id: str
    time: float
    timeouts: Mapping[str, str | None] = field(default_factory=dict)
    input: str | None = None


Closing = Callable[[float, Attributes, Opened], Event]


def _member(name: str) -> Callable[[Attributes], str]:
    def member(attributes: Attributes) -> str:
        found: str = attributes.get(name, "")
        return found

    return member


@dataclass(frozen=True, slots=True)
class Words:
    """Amazon's words for a kind of task. Every event's attributes give the task's id by `id`.

    Attributes:
        opened: the event of a decision that was heard; `keep` is what is kept of it, `same` says whether it is that
            of a command, `shown` names what stands in it, for messages.
        refused: the event of a decision that was refused.
        link: the member by which later events name the one that opened.
        begun: the event that says that what was asked for has begun, where something waits for that.
        closed: the events that end the task, each with what makes the core's event of it.
        late: it may be refused after it was heard.
        instant: nothing follows the opening event.
        type: the member that names the type of what runs.
        cancelled, cancel_refused: the events of a cancel that was heard or refused.
        cancelled_at_once: the first of them is the task's end.
        cancel_told: a cancel that was heard may still be refused, until this event.
    """

    kind: str
    opened: str
    refused: str
    id: Callable[[Attributes], str]
    same: Callable[[Any, Attributes], bool]
    link: str = ""
    begun: str = ""
    closed: Mapping[str, Closing] = field(default_factory=dict)
    late: bool = False
    instant: bool = False
    type: str = ""
    cancelled: str = ""
    cancel_refused: str = ""
    cancelled_at_once: bool = False
    cancel_told: str = ""
    keep: Callable[[Attributes, str, float], Opened] = lambda attributes, id, time: Opened(id, time)
    shown: Callable[[Attributes, int], str] = (
        lambda attributes, start: f"the input {short(_asked(attributes.get('input')), start)}"
    )

    def refused_id(self, attributes: Attributes, pending: Iterable[Any]) -> str:
        """The id of what was refused, which is among the commands that are pending."""
        if self.kind == MARKER:  # the event does not tell the details
            name: str = attributes["markerName"]
            return next((command.id for command in pending if command.name == name), name)
        return self.id(attributes)


def short(text: str | None, start: int = 0) -> str:
    """A text for a message, from `start`."""
    text = text or "nothing"
    end = start + LONGEST_SHOWN
    return f"{'...' * (start > 0)}{text[start:end]}{'...' * (len(text) > end)}"


def differs_at(given: str | None, asked: str | None) -> int:
    """Where to show two texts from, so that what differs is seen."""
    theirs, ours = _asked(given) or "", asked or ""
    pairs = enumerate(zip(theirs, ours, strict=False))
    same = next((place for place, (one, other) in pairs if one != other), min(len(theirs), len(ours)))
    return 0 if same < LONGEST_SHOWN // 2 else same - LONGEST_SHOWN // 4


# -- the run -------------------------------------------------------------------------------------------------------


def started(
    time: float, attributes: Attributes, domain: str, execution: dict[str, str], values: codec.Codec = codec.PLAIN
) -> Started:
    """The core's Started for a WorkflowExecutionStarted. Raises PayloadUnreachable."""
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
    input = attributes.get("input")
    signals = codec.extra(input).get(ON_THEIR_WAY) or []
    if isinstance(signals, str):
        signals = values.load(signals)
    return Started(time, input, context, tuple((name, carried) for name, carried in signals))


def signaled(time: float, attributes: Attributes, event_id: int) -> Signaled:
    """The core's event for a WorkflowExecutionSignaled."""
    sender = attributes.get("externalWorkflowExecution") or {}
    details = {
        "event_id": event_id,
        "external_workflow_id": sender.get("workflowId"),
        "external_run_id": sender.get("runId"),
        "external_initiated_event_id": attributes.get("externalInitiatedEventId") or 0,
    }
    input = codec.as_json(attributes.get("input"))
    return Signaled(time, attributes["signalName"], input, sender.get("workflowId"), details)


def cancel_requested(time: float) -> CancelRequested:
    """The core's event for a WorkflowExecutionCancelRequested."""
    return CancelRequested(time)


def heartbeat_of(attributes: Attributes) -> str | None:
    """What an activity's attempt that failed or timed out has said in its last heartbeat, frozen."""
    details = attributes.get("details")
    if not details:
        return None
    if "timeoutType" in attributes:
        return codec.as_json(details)
    if f'"{failures.HEARTBEAT}"' not in details:
        return None
    said = codec.read_object(details).get(failures.HEARTBEAT)
    return None if said is None else orjson.dumps(said).decode()


def refused(words: Words, time: float, id: str, attributes: Attributes) -> Event:
    """The core's event for a refusal that ends the task."""
    return Failed(time, id, _of(words.kind, TaskFailed(id, attributes["cause"])), kind=words.kind, final=True)


# -- the ends of tasks ---------------------------------------------------------------------------------------------


def _of(kind: str, error: TaskException) -> TaskException:
    """The failure of a task of that kind."""
    if kind == CHILD:
        error.of_child = True
    return error


def _completed(kind: str) -> Closing:
    return lambda time, given, opened: Completed(time, opened.id, codec.as_json(given.get("result")), kind)


def _cancelled(kind: str) -> Closing:
    def event(time: float, given: Attributes, opened: Opened) -> Event:
        return Cancelled(time, opened.id, _of(kind, TaskCanceled(given.get("details"), opened.id)), kind)

    return event


def _failed(kind: str) -> Closing:
    def event(time: float, given: Attributes, opened: Opened) -> Event:
        reason = given.get("reason")
        said = "" if kind == CHILD else reason or ""
        error = _of(kind, TaskFailed(opened.id, reason, given.get("details")))
        return Failed(
            time,
            opened.id,
            error,
            said.startswith(failures.LOST),
            kind,
            lacks=said.startswith(failures.UNREACHABLE),
            given_back=said.startswith(failures.SHUTDOWN),
            since=opened.time,
        )

    return event


def _timed_out(kind: str) -> Closing:
    def event(time: float, given: Attributes, opened: Opened) -> Event:
        timeout = given["timeoutType"]
        error = _of(kind, TimeoutError(timeout, opened.timeouts.get(timeout), opened.id))
        return Failed(time, opened.id, error, timeout == "HEARTBEAT", kind, since=opened.time)

    return event


def _terminated(time: float, given: Attributes, opened: Opened) -> Event:
    return Failed(time, opened.id, _of(CHILD, TaskTerminated(opened.id)), kind=CHILD, since=opened.time)


def _not_started(time: float, given: Attributes, opened: Opened) -> Event:
    error = TaskFailed(opened.id, given.get("cause"), given.get("message"))
    return Failed(time, opened.id, error, kind=LAMBDA, final=True, since=opened.time)


def _signal_sent(time: float, given: Attributes, opened: Opened) -> Event:
    return Completed(time, opened.id, codec.as_json(opened.input), SIGNAL)


def _timer_fired(time: float, given: Attributes, opened: Opened) -> Event:
    return Completed(time, opened.id, None, TIMER)


# -- what is kept, and what is the same ----------------------------------------------------------------------------


def _keep_activity(attributes: Attributes, id: str, time: float) -> Opened:
    timeouts = {
        "START_TO_CLOSE": attributes.get("startToCloseTimeout"),
        "SCHEDULE_TO_START": attributes.get("scheduleToStartTimeout"),
        "SCHEDULE_TO_CLOSE": attributes.get("scheduleToCloseTimeout"),
        "HEARTBEAT": attributes.get("heartbeatTimeout"),
    }
    return Opened(id, time, timeouts)


def _keep_child(attributes: Attributes, id: str, time: float) -> Opened:
    timeouts = {"START_TO_CLOSE": attributes.get("executionStartToCloseTimeout")}
    return Opened(id, time, timeouts, attributes.get("input"))


def _keep_lambda(attributes: Attributes, id: str, time: float) -> Opened:
    return Opened(id, time, {"START_TO_CLOSE": attributes.get("startToCloseTimeout")})


def _keep_signal(attributes: Attributes, id: str, time: float) -> Opened:
    return Opened(id, time, input=attributes.get("input"))


def same_call(ours: str, theirs: str | None) -> bool:
    """Whether an input in the history is the call that the program asks for; what we tell workers and deciders beside
    it, the order of keys and the spacing do not count."""
    if theirs is None:
        return False
    if theirs == ours or (theirs.startswith(ours[:-1]) and theirs.startswith(_BESIDE, len(ours) - 1)):
        return True
    ours, theirs = without_place(ours), without_place(theirs)
    if ours == theirs or ours.startswith(SCHEME):
        return ours == theirs
    try:
        return _bare(theirs) == codec.canonical(ours)
    except ValueError:
        return False


def identity(name: str, input: str | None) -> str:
    """What stands for a call of what is called so: equal for the inputs that are the same call."""
    try:
        call = _bare(without_place(input or "null"))
    except ValueError:  # no call of ours
        call = input or ""
    return hashlib.md5(f"{name} {call}".encode(), usedforsecurity=False).hexdigest()


def _bare(input: str) -> str:
    """The canonical JSON of a call, without what travels beside it. Raises ValueError."""
    found = json.loads(input)
    if isinstance(found, dict):
        for beside in (codec.RESERVED, codec.EXTRA, "meta"):
            found.pop(beside, None)
    return codec.canonical(json.dumps(found))


def _asked(input: str | None) -> str | None:
    """The call in an input of the history as a command has it, for messages."""
    try:
        return _bare(input or "")
    except ValueError:  # no call of ours
        return input


def _same_activity(command: ScheduleActivity, attributes: Attributes) -> bool:
    name = attributes["activityType"]["name"]
    return bool(name == command.activity.name) and same_call(command.input, attributes.get("input"))


def _same_child(command: StartChild, attributes: Attributes) -> bool:
    name = attributes["workflowType"]["name"]
    return bool(name == importable_name(command.workflow)) and same_call(command.input, attributes.get("input"))


def _same_lambda(command: RunLambda, attributes: Attributes) -> bool:
    return bool(attributes["name"] == command.name) and same_call(command.input, attributes.get("input"))


def _same_signal(command: SendSignal, attributes: Attributes) -> bool:
    if command.name != attributes["signalName"] or command.workflow_id not in (None, attributes["workflowId"]):
        return False
    theirs = attributes.get("input")
    return theirs == command.input or (command.input is not None and same_call(command.input, theirs))


def _same_marker(command: RecordMarker, attributes: Attributes) -> bool:
    return True  # name and details are its id


def _marker_id(attributes: Attributes) -> str:
    return fitting(f"{attributes['markerName']}-{codec.PLAIN.fingerprint(attributes.get('details') or 'null')}")


# -- the table -----------------------------------------------------------------------------------------------------


WORDS: Final[tuple[Words, ...]] = (
    Words(
        ACTIVITY,
        opened="ActivityTaskScheduled",
        refused="ScheduleActivityTaskFailed",
        id=_member("activityId"),
        same=_same_activity,
        link="scheduledEventId",
        closed={
            "ActivityTaskCompleted": _completed(ACTIVITY),
            "ActivityTaskFailed": _failed(ACTIVITY),
            "ActivityTaskTimedOut": _timed_out(ACTIVITY),
            "ActivityTaskCanceled": _cancelled(ACTIVITY),
        },
        type="activityType",
        cancelled="ActivityTaskCancelRequested",
        cancel_refused="RequestCancelActivityTaskFailed",
        keep=_keep_activity,
    ),
    Words(
        CHILD,
        opened="StartChildWorkflowExecutionInitiated",
        refused="StartChildWorkflowExecutionFailed",
        id=_member("workflowId"),
        same=_same_child,
        link="initiatedEventId",
        begun="ChildWorkflowExecutionStarted",
        closed={
            "ChildWorkflowExecutionCompleted": _completed(CHILD),
            "ChildWorkflowExecutionFailed": _failed(CHILD),
            "ChildWorkflowExecutionTimedOut": _timed_out(CHILD),
            "ChildWorkflowExecutionCanceled": _cancelled(CHILD),
            "ChildWorkflowExecutionTerminated": _terminated,
        },
        late=True,
        type="workflowType",
        cancelled="RequestCancelExternalWorkflowExecutionInitiated",
        cancel_refused="RequestCancelExternalWorkflowExecutionFailed",
        cancel_told="ExternalWorkflowExecutionCancelRequested",
        keep=_keep_child,
    ),
    Words(
        LAMBDA,
        opened="LambdaFunctionScheduled",
        refused="ScheduleLambdaFunctionFailed",
        id=_member("id"),
        same=_same_lambda,
        link="scheduledEventId",
        closed={
            "LambdaFunctionCompleted": _completed(LAMBDA),
            "LambdaFunctionFailed": _failed(LAMBDA),
            "LambdaFunctionTimedOut": _timed_out(LAMBDA),
            "StartLambdaFunctionFailed": _not_started,
        },
        keep=_keep_lambda,
    ),
    Words(
        SIGNAL,
        opened="SignalExternalWorkflowExecutionInitiated",
        refused="SignalExternalWorkflowExecutionFailed",
        id=_member("control"),
        same=_same_signal,
        link="initiatedEventId",
        closed={"ExternalWorkflowExecutionSignaled": _signal_sent},
        late=True,
        keep=_keep_signal,
        shown=lambda given, start: (
            f"{given['signalName']} to {given['workflowId']} with {short(given.get('input'), start)}"
        ),
    ),
    Words(
        MARKER,
        opened="MarkerRecorded",
        refused="RecordMarkerFailed",
        id=_marker_id,
        same=_same_marker,
        instant=True,
    ),
    Words(
        TIMER,
        opened="TimerStarted",
        refused="StartTimerFailed",
        id=_member("timerId"),
        same=lambda command, attributes: True,
        link="startedEventId",
        closed={"TimerFired": _timer_fired},
        cancelled="TimerCanceled",
        cancel_refused="CancelTimerFailed",
        cancelled_at_once=True,
    ),
)
