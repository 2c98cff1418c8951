"""The 13 types of decisions, as one table.

Each row names the event that an accepted decision leaves in the history, the event of a refused one, and the causes
for which it can be refused. What a decision does is the engine's (`simpleflow.engine.decisions`).
See https://docs.aws.amazon.com/amazonswf/latest/apireference/API_Decision.html
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DecisionType:
    """One type of decision.

    `closes`: it ends the execution. `bare`: its attributes may be left out, since none is required. `member` is the key
    in the decision under which its attributes lie.
    """

    name: str
    event: str
    failure: str
    causes: tuple[str, ...]
    closes: bool = False
    bare: bool = False
    member: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "member", f"{self.name[0].lower()}{self.name[1:]}DecisionAttributes")


DECISION_TYPES: tuple[DecisionType, ...] = (
    DecisionType(
        "ScheduleActivityTask",
        "ActivityTaskScheduled",
        "ScheduleActivityTaskFailed",
        (
            "ACTIVITY_TYPE_DEPRECATED",
            "ACTIVITY_TYPE_DOES_NOT_EXIST",
            "ACTIVITY_ID_ALREADY_IN_USE",
            "OPEN_ACTIVITIES_LIMIT_EXCEEDED",
            "ACTIVITY_CREATION_RATE_EXCEEDED",
            "DEFAULT_SCHEDULE_TO_CLOSE_TIMEOUT_UNDEFINED",
            "DEFAULT_TASK_LIST_UNDEFINED",
            "DEFAULT_SCHEDULE_TO_START_TIMEOUT_UNDEFINED",
            "DEFAULT_START_TO_CLOSE_TIMEOUT_UNDEFINED",
            "DEFAULT_HEARTBEAT_TIMEOUT_UNDEFINED",
            "OPERATION_NOT_PERMITTED",
        ),
    ),
    DecisionType(
        "RequestCancelActivityTask",
        "ActivityTaskCancelRequested",
        "RequestCancelActivityTaskFailed",
        (
            "ACTIVITY_ID_UNKNOWN",
            "OPERATION_NOT_PERMITTED",
        ),
    ),
    DecisionType(
        "CompleteWorkflowExecution",
        "WorkflowExecutionCompleted",
        "CompleteWorkflowExecutionFailed",
        (
            "UNHANDLED_DECISION",
            "OPERATION_NOT_PERMITTED",
        ),
        closes=True,
        bare=True,
    ),
    DecisionType(
        "FailWorkflowExecution",
        "WorkflowExecutionFailed",
        "FailWorkflowExecutionFailed",
        (
            "UNHANDLED_DECISION",
            "OPERATION_NOT_PERMITTED",
        ),
        closes=True,
        bare=True,
    ),
    DecisionType(
        "CancelWorkflowExecution",
        "WorkflowExecutionCanceled",
        "CancelWorkflowExecutionFailed",
        (
            "UNHANDLED_DECISION",
            "OPERATION_NOT_PERMITTED",
        ),
        closes=True,
        bare=True,
    ),
    DecisionType(
        "ContinueAsNewWorkflowExecution",
        "WorkflowExecutionContinuedAsNew",
        "ContinueAsNewWorkflowExecutionFailed",
        (
            "UNHANDLED_DECISION",
            "WORKFLOW_TYPE_DEPRECATED",
            "WORKFLOW_TYPE_DOES_NOT_EXIST",
            "DEFAULT_EXECUTION_START_TO_CLOSE_TIMEOUT_UNDEFINED",
            "DEFAULT_TASK_START_TO_CLOSE_TIMEOUT_UNDEFINED",
            "DEFAULT_TASK_LIST_UNDEFINED",
            "DEFAULT_CHILD_POLICY_UNDEFINED",
            "CONTINUE_AS_NEW_WORKFLOW_EXECUTION_RATE_EXCEEDED",
            "OPERATION_NOT_PERMITTED",
        ),
        closes=True,
        bare=True,
    ),
    DecisionType(
        "RecordMarker",
        "MarkerRecorded",
        "RecordMarkerFailed",
        ("OPERATION_NOT_PERMITTED",),
    ),
    DecisionType(
        "StartTimer",
        "TimerStarted",
        "StartTimerFailed",
        (
            "TIMER_ID_ALREADY_IN_USE",
            "OPEN_TIMERS_LIMIT_EXCEEDED",
            "TIMER_CREATION_RATE_EXCEEDED",
            "OPERATION_NOT_PERMITTED",
        ),
    ),
    DecisionType(
        "CancelTimer",
        "TimerCanceled",
        "CancelTimerFailed",
        (
            "TIMER_ID_UNKNOWN",
            "OPERATION_NOT_PERMITTED",
        ),
    ),
    DecisionType(
        "SignalExternalWorkflowExecution",
        "SignalExternalWorkflowExecutionInitiated",
        "SignalExternalWorkflowExecutionFailed",
        (
            "UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION",
            "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_RATE_EXCEEDED",
            "OPERATION_NOT_PERMITTED",
        ),
    ),
    DecisionType(
        "RequestCancelExternalWorkflowExecution",
        "RequestCancelExternalWorkflowExecutionInitiated",
        "RequestCancelExternalWorkflowExecutionFailed",
        (
            "UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION",
            "REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_RATE_EXCEEDED",
            "OPERATION_NOT_PERMITTED",
        ),
    ),
    DecisionType(
        "StartChildWorkflowExecution",
        "StartChildWorkflowExecutionInitiated",
        "StartChildWorkflowExecutionFailed",
        (
            "WORKFLOW_TYPE_DOES_NOT_EXIST",
            "WORKFLOW_TYPE_DEPRECATED",
            "OPEN_CHILDREN_LIMIT_EXCEEDED",
            "OPEN_WORKFLOWS_LIMIT_EXCEEDED",
            "CHILD_CREATION_RATE_EXCEEDED",
            "WORKFLOW_ALREADY_RUNNING",
            "DEFAULT_EXECUTION_START_TO_CLOSE_TIMEOUT_UNDEFINED",
            "DEFAULT_TASK_LIST_UNDEFINED",
            "DEFAULT_TASK_START_TO_CLOSE_TIMEOUT_UNDEFINED",
            "DEFAULT_CHILD_POLICY_UNDEFINED",
            "OPERATION_NOT_PERMITTED",
        ),
    ),
    DecisionType(
        "ScheduleLambdaFunction",
        "LambdaFunctionScheduled",
        "ScheduleLambdaFunctionFailed",
        (
            "ID_ALREADY_IN_USE",
            "OPEN_LAMBDA_FUNCTIONS_LIMIT_EXCEEDED",
            "LAMBDA_FUNCTION_CREATION_RATE_EXCEEDED",
            "LAMBDA_SERVICE_NOT_AVAILABLE_IN_REGION",
        ),
    ),
)

DECISIONS: dict[str, DecisionType] = {decision.name: decision for decision in DECISION_TYPES}
CLOSING_DECISIONS: frozenset[str] = frozenset(d.name for d in DECISION_TYPES if d.closes)
