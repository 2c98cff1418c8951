"""What to do about a decision that the engine refused, as one table by cause.

The causes are Amazon's, those of `simpleflow.protocol.decisions` and of functions that could not be started; a test
holds this table against them. No treatment is a loop: what is sent again at once is so once, then after a pause.
"""

from __future__ import annotations

from enum import Enum
from typing import Final


class Treatment(Enum):
    """What a cause asks for."""

    REGISTER = "register the type and send it again: at once the first time, then after a pause"
    BACK_OFF = "send it again after a pause that grows; until then nothing of its kind is sent"
    PARK = "show the trouble, and send it again when the parked run is tried again"
    SETTLE = "it is the end of the task, or of the cancel"
    READ_ON = "read the events that came meanwhile, and send it again"


_BY_TREATMENT: Final = {
    Treatment.REGISTER: "ACTIVITY_TYPE_DOES_NOT_EXIST WORKFLOW_TYPE_DOES_NOT_EXIST",
    Treatment.BACK_OFF: """
        ACTIVITY_CREATION_RATE_EXCEEDED OPEN_ACTIVITIES_LIMIT_EXCEEDED
        TIMER_CREATION_RATE_EXCEEDED OPEN_TIMERS_LIMIT_EXCEEDED
        CHILD_CREATION_RATE_EXCEEDED OPEN_CHILDREN_LIMIT_EXCEEDED OPEN_WORKFLOWS_LIMIT_EXCEEDED
        LAMBDA_FUNCTION_CREATION_RATE_EXCEEDED OPEN_LAMBDA_FUNCTIONS_LIMIT_EXCEEDED
        SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_RATE_EXCEEDED REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_RATE_EXCEEDED
        CONTINUE_AS_NEW_WORKFLOW_EXECUTION_RATE_EXCEEDED""",
    Treatment.PARK: """
        OPERATION_NOT_PERMITTED ACTIVITY_TYPE_DEPRECATED WORKFLOW_TYPE_DEPRECATED
        ACTIVITY_ID_ALREADY_IN_USE ID_ALREADY_IN_USE
        DEFAULT_SCHEDULE_TO_CLOSE_TIMEOUT_UNDEFINED DEFAULT_TASK_LIST_UNDEFINED
        DEFAULT_SCHEDULE_TO_START_TIMEOUT_UNDEFINED DEFAULT_START_TO_CLOSE_TIMEOUT_UNDEFINED
        DEFAULT_HEARTBEAT_TIMEOUT_UNDEFINED DEFAULT_EXECUTION_START_TO_CLOSE_TIMEOUT_UNDEFINED
        DEFAULT_TASK_START_TO_CLOSE_TIMEOUT_UNDEFINED DEFAULT_CHILD_POLICY_UNDEFINED""",
    Treatment.SETTLE: """
        TIMER_ID_ALREADY_IN_USE WORKFLOW_ALREADY_RUNNING UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION
        ACTIVITY_ID_UNKNOWN TIMER_ID_UNKNOWN LAMBDA_SERVICE_NOT_AVAILABLE_IN_REGION""",
    Treatment.READ_ON: "UNHANDLED_DECISION",
}

TREATMENTS: Final = {cause: treatment for treatment, causes in _BY_TREATMENT.items() for cause in causes.split()}


def treatment(cause: str) -> Treatment:
    """What to do about a refusal; a cause that Amazon has thought of since is shown to somebody."""
    return TREATMENTS.get(cause, Treatment.PARK)
