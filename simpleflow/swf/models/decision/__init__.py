"""Decisions: the 13 that there are, as dicts that respond_decision_task_completed takes.

    ActivityTaskDecision("schedule", activity_id="a-1", activity_type=ActivityType(domain, "a", "1"), input=[1])

Each is checked when it is made, as an engine would check it: what every engine would refuse is an
InvalidDecisionError at once. Arguments named `input`, `result` and `control` are values, whose text is JSON; all others
are texts. None is left out. See https://docs.aws.amazon.com/amazonswf/latest/apireference/API_Decision.html
"""

from __future__ import annotations

from simpleflow.swf.models.decision.base import Decision
from simpleflow.swf.models.decision.task import (
    ActivityTaskDecision,
    LambdaFunctionDecision,
    MarkerDecision,
    TimerDecision,
)
from simpleflow.swf.models.decision.workflow import (
    ChildWorkflowExecutionDecision,
    ExternalWorkflowExecutionDecision,
    WorkflowExecutionDecision,
)

__all__ = [
    "ActivityTaskDecision",
    "ChildWorkflowExecutionDecision",
    "Decision",
    "ExternalWorkflowExecutionDecision",
    "LambdaFunctionDecision",
    "MarkerDecision",
    "TimerDecision",
    "WorkflowExecutionDecision",
]
