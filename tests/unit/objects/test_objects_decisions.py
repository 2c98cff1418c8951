"""Decisions: all 13, in Amazon's form, and refused at once where every engine would refuse them."""

from __future__ import annotations

from typing import Any

import pytest

from simpleflow.protocol.checks import CHECKS
from simpleflow.protocol.decisions import DECISIONS
from simpleflow.swf.exceptions import InvalidDecisionError, SWFError
from simpleflow.swf.models import ActivityType, Domain, WorkflowType
from simpleflow.swf.models.decision import (
    ActivityTaskDecision,
    ChildWorkflowExecutionDecision,
    Decision,
    ExternalWorkflowExecutionDecision,
    LambdaFunctionDecision,
    MarkerDecision,
    TimerDecision,
    WorkflowExecutionDecision,
)

DOMAIN = Domain("D")
NAMED = {"name": "a", "version": "1"}

#: Each of the 13: how it is made, the least of it, and all of it.
SAMPLES: dict[str, tuple[type[Decision], str, dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "ScheduleActivityTask": (
        ActivityTaskDecision,
        "schedule",
        {"activity_id": "i", "activity_type": ActivityType(DOMAIN, "a", "1")},
        {
            "control": {"a": 1},
            "heartbeat_timeout": 1,
            "input": {"args": ["é"]},
            "duration_timeout": "NONE",
            "schedule_timeout": 3,
            "task_timeout": "4",
            "task_list": "l",
            "task_priority": -1,
        },
        {
            "activityId": "i",
            "activityType": NAMED,
            "control": '{"a":1}',
            "heartbeatTimeout": "1",
            "input": '{"args":["é"]}',
            "scheduleToCloseTimeout": "NONE",
            "scheduleToStartTimeout": "3",
            "startToCloseTimeout": "4",
            "taskList": {"name": "l"},
            "taskPriority": "-1",
        },
    ),
    "RequestCancelActivityTask": (
        ActivityTaskDecision,
        "request_cancel",
        {"activity_id": "i"},
        {},
        {"activityId": "i"},
    ),
    "CompleteWorkflowExecution": (WorkflowExecutionDecision, "complete", {}, {"result": [1]}, {"result": "[1]"}),
    "FailWorkflowExecution": (
        WorkflowExecutionDecision,
        "fail",
        {},
        {"details": "d", "reason": "r"},
        {"details": "d", "reason": "r"},
    ),
    "CancelWorkflowExecution": (WorkflowExecutionDecision, "cancel", {}, {"details": "d"}, {"details": "d"}),
    "ContinueAsNewWorkflowExecution": (
        WorkflowExecutionDecision,
        "continue_as_new",
        {},
        {
            "child_policy": "ABANDON",
            "execution_timeout": 60,
            "task_timeout": "NONE",
            "input": 1,
            "tag_list": ("t",),
            "task_list": "l",
            "task_priority": 1,
            "workflow_type_version": "2",
            "lambda_role": "arn",
        },
        {
            "childPolicy": "ABANDON",
            "executionStartToCloseTimeout": "60",
            "taskStartToCloseTimeout": "NONE",
            "input": "1",
            "tagList": ["t"],
            "taskList": {"name": "l"},
            "taskPriority": "1",
            "workflowTypeVersion": "2",
            "lambdaRole": "arn",
        },
    ),
    "RecordMarker": (
        MarkerDecision,
        "record",
        {"name": "m"},
        {"details": "text"},
        {"markerName": "m", "details": "text"},
    ),
    "StartTimer": (
        TimerDecision,
        "start",
        {"id": "t", "start_to_fire_timeout": 0},
        {"control": "c"},
        {"timerId": "t", "startToFireTimeout": "0", "control": '"c"'},
    ),
    "CancelTimer": (TimerDecision, "cancel", {"id": "t"}, {}, {"timerId": "t"}),
    "SignalExternalWorkflowExecution": (
        ExternalWorkflowExecutionDecision,
        "signal",
        {"signal_name": "s", "workflow_id": "w"},
        {"control": 1, "input": {"args": []}, "run_id": "r"},
        {"signalName": "s", "workflowId": "w", "control": "1", "input": '{"args":[]}', "runId": "r"},
    ),
    "RequestCancelExternalWorkflowExecution": (
        ExternalWorkflowExecutionDecision,
        "request_cancel",
        {"workflow_id": "w"},
        {"control": 1, "run_id": "r"},
        {"workflowId": "w", "control": "1", "runId": "r"},
    ),
    "StartChildWorkflowExecution": (
        ChildWorkflowExecutionDecision,
        "start",
        {"workflow_type": WorkflowType(DOMAIN, "a", "1"), "workflow_id": "w"},
        {
            "child_policy": "TERMINATE",
            "execution_timeout": "60",
            "task_timeout": 30,
            "control": 1,
            "input": {},
            "tag_list": ["t"],
            "task_list": "l",
            "task_priority": 2,
            "lambda_role": "arn",
        },
        {
            "workflowType": NAMED,
            "workflowId": "w",
            "childPolicy": "TERMINATE",
            "executionStartToCloseTimeout": "60",
            "taskStartToCloseTimeout": "30",
            "control": "1",
            "input": "{}",
            "tagList": ["t"],
            "taskList": {"name": "l"},
            "taskPriority": "2",
            "lambdaRole": "arn",
        },
    ),
    "ScheduleLambdaFunction": (
        LambdaFunctionDecision,
        "schedule",
        {"id": "i", "name": "f"},
        {"control": 1, "input": {"x": 1}, "task_timeout": 900},
        {"id": "i", "name": "f", "control": "1", "input": '{"x":1}', "startToCloseTimeout": "900"},
    ),
}


def test_there_are_samples_of_all() -> None:
    assert set(SAMPLES) == set(DECISIONS)
    made = {(kind, action) for kind, action, *_ in SAMPLES.values()}
    assert made == {(kind, action) for kind in Decision.__subclasses__() for action in kind.actions}


@pytest.mark.parametrize("type_", sorted(SAMPLES))
def test_each_decision(type_: str) -> None:
    kind, action, least, more, expected = SAMPLES[type_]
    made = kind(action, **least, **more)
    assert made == {"decisionType": type_, DECISIONS[type_].member: expected}
    assert (made.type, made.attributes_key, made.attributes) == (type_, DECISIONS[type_].member, expected)
    by_method = kind()
    getattr(by_method, action)(**least, **more)
    assert by_method == made and isinstance(made, dict)
    bare = kind(action, **least)
    assert set(bare.attributes) <= set(expected), "what is not given is left out"
    CHECKS["RespondDecisionTaskCompleted"]({"taskToken": "t", "decisions": [dict(made), dict(bare)]})


@pytest.mark.parametrize(
    ("kind", "action", "given", "says"),
    [
        (TimerDecision, "start", {"id": "t", "start_to_fire_timeout": -1}, "startToFireTimeout"),
        (TimerDecision, "start", {"id": "t", "start_to_fire_timeout": "NONE"}, "startToFireTimeout"),
        (TimerDecision, "start", {"id": "t", "start_to_fire_timeout": None}, "Member must not be null"),
        (TimerDecision, "cancel", {"id": ""}, "timerId"),
        (MarkerDecision, "record", {"name": "m" * 257}, "less than or equal to 256"),
        (MarkerDecision, "record", {"name": "m", "details": "d" * 32769}, "less than or equal to 32768"),
        (LambdaFunctionDecision, "schedule", {"id": "i", "name": "f", "task_timeout": 901}, "startToCloseTimeout"),
        (ActivityTaskDecision, "schedule", {"activity_id": "a:b", "activity_type": NAMED}, "activityId"),
        (ActivityTaskDecision, "schedule", {"activity_id": "a", "activity_type": {"name": "a"}}, "version"),
        (WorkflowExecutionDecision, "continue_as_new", {"child_policy": "NEVER"}, "enum value set"),
        (WorkflowExecutionDecision, "continue_as_new", {"tag_list": list("abcdef")}, "tagList"),
        (WorkflowExecutionDecision, "fail", {"reason": "r" * 257}, "less than or equal to 256"),
    ],
)
def test_what_every_engine_would_refuse(kind: type[Decision], action: str, given: Any, says: str) -> None:
    with pytest.raises(InvalidDecisionError, match=says) as caught:
        kind(action, **given)
    assert isinstance(caught.value, ValueError) and isinstance(caught.value, SWFError)
    assert "decisions.1" not in str(caught.value)


def test_actions_that_there_are_not() -> None:
    words = "WorkflowExecutionDecision has no action 'terminate': there are complete, cancel, fail, continue_as_new"
    with pytest.raises(InvalidDecisionError, match=words):
        WorkflowExecutionDecision("terminate")


def test_attributes_are_changed_and_checked_again() -> None:
    made = TimerDecision("start", "t", 5)
    made.update_attributes({"startToFireTimeout": "6", "control": None})
    assert made.attributes == {"timerId": "t", "startToFireTimeout": "6"}
    with pytest.raises(InvalidDecisionError):
        made.update_attributes({"startToFireTimeout": "soon"})
    assert made.attributes["startToFireTimeout"] == "6", "nothing is changed"


def test_a_plain_dict_is_checked_on_demand() -> None:
    wrong = TimerDecision()
    with pytest.raises(InvalidDecisionError, match="Value null at 'decisionType'"):
        wrong.check()
    wrong.update({"decisionType": "StartTimer"})
    with pytest.raises(InvalidDecisionError, match="lacks its startTimerDecisionAttributes"):
        wrong.check()
