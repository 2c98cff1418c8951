"""The 54 types of events that a history is made of, as one table.

Code, tests and documentation walk this table; nothing else in the package lists event types. It must not know how
an event comes about: that is the engine's, in `simpleflow.engine.transitions`.

The codes are part of the embedded engine's file format: a row's code never changes and is never used again.
See https://docs.aws.amazon.com/amazonswf/latest/apireference/API_HistoryEvent.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What an event is about."""

    WORKFLOW = "workflow"
    DECISION = "decision"
    ACTIVITY = "activity"
    TIMER = "timer"
    MARKER = "marker"
    CHILD = "child"
    EXTERNAL = "external"
    LAMBDA = "lambda"


@dataclass(frozen=True, slots=True)
class EventType:
    """One type of event.

    `required` and `optional` name the members of its attributes; `decides` tells whether it asks for a decision
    task; `member` is the key in the event under which its attributes lie.
    """

    code: int
    name: str
    kind: Kind
    required: tuple[str, ...]
    optional: tuple[str, ...]
    decides: bool = False
    member: str = field(init=False)

    def __init__(self, code: int, name: str, kind: Kind, required: str, optional: str, decides: bool = False) -> None:
        put = object.__setattr__  # the class is frozen, and its table is to stay readable
        put(self, "code", code)
        put(self, "name", name)
        put(self, "kind", kind)
        put(self, "required", tuple(required.split()))
        put(self, "optional", tuple(optional.split()))
        put(self, "decides", decides)
        put(self, "member", f"{name[0].lower()}{name[1:]}EventAttributes")


EVENT_TYPES: tuple[EventType, ...] = (
    EventType(
        1,
        "WorkflowExecutionStarted",
        Kind.WORKFLOW,
        "childPolicy taskList workflowType",
        "input executionStartToCloseTimeout taskStartToCloseTimeout taskPriority tagList "
        "continuedExecutionRunId parentWorkflowExecution parentInitiatedEventId lambdaRole",
        decides=True,
    ),
    EventType(
        2,
        "WorkflowExecutionCancelRequested",
        Kind.WORKFLOW,
        "",
        "externalWorkflowExecution externalInitiatedEventId cause",
        decides=True,
    ),
    EventType(3, "WorkflowExecutionCompleted", Kind.WORKFLOW, "decisionTaskCompletedEventId", "result"),
    EventType(
        4,
        "CompleteWorkflowExecutionFailed",
        Kind.WORKFLOW,
        "cause decisionTaskCompletedEventId",
        "",
    ),
    EventType(
        5,
        "WorkflowExecutionFailed",
        Kind.WORKFLOW,
        "decisionTaskCompletedEventId",
        "reason details",
    ),
    EventType(6, "FailWorkflowExecutionFailed", Kind.WORKFLOW, "cause decisionTaskCompletedEventId", ""),
    EventType(7, "WorkflowExecutionTimedOut", Kind.WORKFLOW, "timeoutType childPolicy", ""),
    EventType(8, "WorkflowExecutionCanceled", Kind.WORKFLOW, "decisionTaskCompletedEventId", "details"),
    EventType(9, "CancelWorkflowExecutionFailed", Kind.WORKFLOW, "cause decisionTaskCompletedEventId", ""),
    EventType(
        10,
        "WorkflowExecutionContinuedAsNew",
        Kind.WORKFLOW,
        "decisionTaskCompletedEventId newExecutionRunId taskList childPolicy workflowType",
        "input executionStartToCloseTimeout taskPriority taskStartToCloseTimeout tagList lambdaRole",
    ),
    EventType(
        11,
        "ContinueAsNewWorkflowExecutionFailed",
        Kind.WORKFLOW,
        "cause decisionTaskCompletedEventId",
        "",
        decides=True,
    ),
    EventType(12, "WorkflowExecutionTerminated", Kind.WORKFLOW, "childPolicy", "reason details cause"),
    EventType(
        13,
        "DecisionTaskScheduled",
        Kind.DECISION,
        "taskList",
        "taskPriority startToCloseTimeout scheduleToStartTimeout",
    ),
    EventType(14, "DecisionTaskStarted", Kind.DECISION, "scheduledEventId", "identity"),
    EventType(
        15,
        "DecisionTaskCompleted",
        Kind.DECISION,
        "scheduledEventId startedEventId",
        "executionContext taskList taskListScheduleToStartTimeout",
    ),
    EventType(
        16,
        "DecisionTaskTimedOut",
        Kind.DECISION,
        "timeoutType scheduledEventId startedEventId",
        "",
        decides=True,
    ),
    EventType(
        17,
        "ActivityTaskScheduled",
        Kind.ACTIVITY,
        "activityType activityId taskList decisionTaskCompletedEventId",
        "input control scheduleToStartTimeout scheduleToCloseTimeout startToCloseTimeout taskPriority heartbeatTimeout",
    ),
    EventType(
        18,
        "ScheduleActivityTaskFailed",
        Kind.ACTIVITY,
        "activityType activityId cause decisionTaskCompletedEventId",
        "",
        decides=True,
    ),
    EventType(19, "ActivityTaskStarted", Kind.ACTIVITY, "scheduledEventId", "identity"),
    EventType(
        20,
        "ActivityTaskCompleted",
        Kind.ACTIVITY,
        "scheduledEventId startedEventId",
        "result",
        decides=True,
    ),
    EventType(
        21,
        "ActivityTaskFailed",
        Kind.ACTIVITY,
        "scheduledEventId startedEventId",
        "reason details",
        decides=True,
    ),
    EventType(
        22,
        "ActivityTaskTimedOut",
        Kind.ACTIVITY,
        "timeoutType scheduledEventId startedEventId",
        "details",
        decides=True,
    ),
    EventType(
        23,
        "ActivityTaskCanceled",
        Kind.ACTIVITY,
        "scheduledEventId startedEventId",
        "details latestCancelRequestedEventId",
        decides=True,
    ),
    EventType(
        24,
        "ActivityTaskCancelRequested",
        Kind.ACTIVITY,
        "decisionTaskCompletedEventId activityId",
        "",
    ),
    EventType(
        25,
        "RequestCancelActivityTaskFailed",
        Kind.ACTIVITY,
        "activityId cause decisionTaskCompletedEventId",
        "",
        decides=True,
    ),
    EventType(
        26,
        "WorkflowExecutionSignaled",
        Kind.WORKFLOW,
        "signalName",
        "input externalWorkflowExecution externalInitiatedEventId",
        decides=True,
    ),
    EventType(27, "MarkerRecorded", Kind.MARKER, "markerName decisionTaskCompletedEventId", "details"),
    EventType(
        28,
        "RecordMarkerFailed",
        Kind.MARKER,
        "markerName cause decisionTaskCompletedEventId",
        "",
        decides=True,
    ),
    EventType(
        29,
        "TimerStarted",
        Kind.TIMER,
        "timerId startToFireTimeout decisionTaskCompletedEventId",
        "control",
    ),
    EventType(
        30,
        "StartTimerFailed",
        Kind.TIMER,
        "timerId cause decisionTaskCompletedEventId",
        "",
        decides=True,
    ),
    EventType(31, "TimerFired", Kind.TIMER, "timerId startedEventId", "", decides=True),
    EventType(32, "TimerCanceled", Kind.TIMER, "timerId startedEventId decisionTaskCompletedEventId", ""),
    EventType(
        33,
        "CancelTimerFailed",
        Kind.TIMER,
        "timerId cause decisionTaskCompletedEventId",
        "",
        decides=True,
    ),
    EventType(
        34,
        "StartChildWorkflowExecutionInitiated",
        Kind.CHILD,
        "workflowId workflowType taskList decisionTaskCompletedEventId childPolicy",
        "control input executionStartToCloseTimeout taskPriority taskStartToCloseTimeout tagList lambdaRole",
    ),
    EventType(
        35,
        "StartChildWorkflowExecutionFailed",
        Kind.CHILD,
        "workflowType cause workflowId initiatedEventId decisionTaskCompletedEventId",
        "control",
        decides=True,
    ),
    EventType(
        36,
        "ChildWorkflowExecutionStarted",
        Kind.CHILD,
        "workflowExecution workflowType initiatedEventId",
        "",
        decides=True,
    ),
    EventType(
        37,
        "ChildWorkflowExecutionCompleted",
        Kind.CHILD,
        "workflowExecution workflowType initiatedEventId startedEventId",
        "result",
        decides=True,
    ),
    EventType(
        38,
        "ChildWorkflowExecutionFailed",
        Kind.CHILD,
        "workflowExecution workflowType initiatedEventId startedEventId",
        "reason details",
        decides=True,
    ),
    EventType(
        39,
        "ChildWorkflowExecutionTimedOut",
        Kind.CHILD,
        "workflowExecution workflowType timeoutType initiatedEventId startedEventId",
        "",
        decides=True,
    ),
    EventType(
        40,
        "ChildWorkflowExecutionCanceled",
        Kind.CHILD,
        "workflowExecution workflowType initiatedEventId startedEventId",
        "details",
        decides=True,
    ),
    EventType(
        41,
        "ChildWorkflowExecutionTerminated",
        Kind.CHILD,
        "workflowExecution workflowType initiatedEventId startedEventId",
        "",
        decides=True,
    ),
    EventType(
        42,
        "SignalExternalWorkflowExecutionInitiated",
        Kind.EXTERNAL,
        "workflowId signalName decisionTaskCompletedEventId",
        "runId input control",
    ),
    EventType(
        43,
        "SignalExternalWorkflowExecutionFailed",
        Kind.EXTERNAL,
        "workflowId cause initiatedEventId decisionTaskCompletedEventId",
        "runId control",
        decides=True,
    ),
    EventType(
        44,
        "ExternalWorkflowExecutionSignaled",
        Kind.EXTERNAL,
        "workflowExecution initiatedEventId",
        "",
        decides=True,
    ),
    EventType(
        45,
        "RequestCancelExternalWorkflowExecutionInitiated",
        Kind.EXTERNAL,
        "workflowId decisionTaskCompletedEventId",
        "runId control",
    ),
    EventType(
        46,
        "RequestCancelExternalWorkflowExecutionFailed",
        Kind.EXTERNAL,
        "workflowId cause initiatedEventId decisionTaskCompletedEventId",
        "runId control",
        decides=True,
    ),
    EventType(
        47,
        "ExternalWorkflowExecutionCancelRequested",
        Kind.EXTERNAL,
        "workflowExecution initiatedEventId",
        "",
        decides=True,
    ),
    EventType(
        48,
        "LambdaFunctionScheduled",
        Kind.LAMBDA,
        "id name decisionTaskCompletedEventId",
        "control input startToCloseTimeout",
    ),
    EventType(49, "LambdaFunctionStarted", Kind.LAMBDA, "scheduledEventId", ""),
    EventType(
        50,
        "LambdaFunctionCompleted",
        Kind.LAMBDA,
        "scheduledEventId startedEventId",
        "result",
        decides=True,
    ),
    EventType(
        51,
        "LambdaFunctionFailed",
        Kind.LAMBDA,
        "scheduledEventId startedEventId",
        "reason details",
        decides=True,
    ),
    EventType(
        52,
        "LambdaFunctionTimedOut",
        Kind.LAMBDA,
        "scheduledEventId startedEventId",
        "timeoutType",
        decides=True,
    ),
    EventType(
        53,
        "ScheduleLambdaFunctionFailed",
        Kind.LAMBDA,
        "id name cause decisionTaskCompletedEventId",
        "",
        decides=True,
    ),
    EventType(
        54,
        "StartLambdaFunctionFailed",
        Kind.LAMBDA,
        "",
        "scheduledEventId cause message",
        decides=True,
    ),
)

EVENTS: dict[str, EventType] = {event.name: event for event in EVENT_TYPES}
CODES: dict[str, int] = {event.name: event.code for event in EVENT_TYPES}

#: Event types and the close status that they give an execution.
CLOSING_EVENTS: dict[str, str] = {
    "WorkflowExecutionCompleted": "COMPLETED",
    "WorkflowExecutionFailed": "FAILED",
    "WorkflowExecutionCanceled": "CANCELED",
    "WorkflowExecutionTerminated": "TERMINATED",
    "WorkflowExecutionContinuedAsNew": "CONTINUED_AS_NEW",
    "WorkflowExecutionTimedOut": "TIMED_OUT",
}
