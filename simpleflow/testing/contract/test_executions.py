"""Start, describe and terminate executions, and how they close."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from simpleflow.protocol.history import attributes
from simpleflow.testing.contract.checked import DOMAIN, Checked
from simpleflow.testing.contract.swf import NO_DECISION, TYPE, Refused, Swf
from simpleflow.testing.contract.target import needs

START: dict[str, Any] = {"domain": DOMAIN, "workflowId": "w-1", "workflowType": TYPE}
TERMINATE = {"domain": DOMAIN, "workflowId": "w-1"}


def test_start(swf: Swf) -> None:
    execution = swf.start(input="x")
    started, scheduled = swf.history(execution)
    assert [started["eventType"], scheduled["eventType"]] == ["WorkflowExecutionStarted", "DecisionTaskScheduled"]
    assert (started["eventId"], scheduled["eventId"]) == (1, 2)
    assert {
        "input": "x",
        "executionStartToCloseTimeout": "3600",
        "taskStartToCloseTimeout": "30",
        "childPolicy": "TERMINATE",
        "taskList": {"name": "deciders"},
        "workflowType": TYPE,
    }.items() <= attributes(started).items()
    assert {"taskList": {"name": "deciders"}, "startToCloseTimeout": "30"}.items() <= attributes(scheduled).items()


def test_all_that_a_start_records(swf: Swf) -> None:
    execution = swf.start(input="x", tagList=["one", "two"], taskPriority="7")
    started, scheduled = swf.history(execution)
    assert started["eventTimestamp"] == scheduled["eventTimestamp"]
    assert attributes(started) == {
        "input": "x",
        "executionStartToCloseTimeout": "3600",
        "taskStartToCloseTimeout": "30",
        "childPolicy": "TERMINATE",
        "taskList": {"name": "deciders"},
        "taskPriority": "7",
        "workflowType": TYPE,
        "tagList": ["one", "two"],
        "parentInitiatedEventId": 0,
    }
    assert attributes(scheduled) == {
        "taskList": {"name": "deciders"},
        "taskPriority": "7",
        "startToCloseTimeout": "30",
        "scheduleToStartTimeout": "NONE",
    }


def test_what_a_start_gives_goes_before_its_type(swf: Swf) -> None:
    given = {"executionStartToCloseTimeout": "60", "taskStartToCloseTimeout": "9", "childPolicy": "ABANDON"}
    execution = swf.start(taskList={"name": "own"}, **given)
    started = attributes(swf.history(execution)[0])
    assert {**given, "taskList": {"name": "own"}}.items() <= started.items()
    assert swf.poll_decision(taskList={"name": "own"})["workflowExecution"] == execution


def test_run_ids(swf: Swf) -> None:
    run_id = swf.start()["runId"]
    assert run_id.startswith("22") and len(run_id) == 46 and run_id.endswith("=")


def test_what_a_start_refuses(swf: Swf, refused: Refused) -> None:
    swf.start("w-1")
    assert refused("WorkflowExecutionAlreadyStartedFault", "start_workflow_execution", **START) == "Already Started"
    unknown = {**START, "workflowType": {"name": "w", "version": "9"}}
    words = refused("UnknownResourceFault", "start_workflow_execution", **unknown)
    assert words == "Unknown type: WorkflowType=[name=w, version=9]"
    words = refused("UnknownResourceFault", "start_workflow_execution", **{**START, "domain": "no"})
    assert words == "Unknown domain: no"


def test_a_deprecated_type_starts_nothing(swf: Swf, client: Checked, refused: Refused) -> None:
    client.deprecate_workflow_type(domain=DOMAIN, workflowType=TYPE)
    words = refused("TypeDeprecatedFault", "start_workflow_execution", **START)
    assert words == "WorkflowType=[name=w, version=1]"


@pytest.mark.parametrize(
    "given",
    [
        *({"executionStartToCloseTimeout": value} for value in ("NONE", "31536001", "x", "0")),
        {"tagList": ["x"] * 6},
        {"input": "x" * 32769},
        {"workflowId": "a:b"},
        {"taskPriority": "2147483648"},
    ],
    ids=["no end", "over a year", "no number", "no time", "tags", "input", "workflowId", "priority"],
)
def test_values_that_a_start_refuses(swf: Swf, refused: Refused, given: dict[str, Any]) -> None:
    refused("ValidationException", "start_workflow_execution", **{**START, **given})


def test_a_value_of_a_wrong_type(swf: Swf, refused: Refused) -> None:
    refused("SerializationException", "start_workflow_execution", **START, input=3)


def test_defaults_are_looked_for_in_order(client: Checked, swf: Swf, refused: Refused) -> None:
    client.register_workflow_type(domain=DOMAIN, name="bare", version="1")
    given = {**START, "workflowType": {"name": "bare", "version": "1"}}
    for name, value in (
        ("executionStartToCloseTimeout", "10"),
        ("taskList", {"name": "l"}),
        ("taskStartToCloseTimeout", "9"),
        ("childPolicy", "ABANDON"),
    ):
        assert refused("DefaultUndefinedFault", "start_workflow_execution", **given) == name
        given[name] = value
    client.start_workflow_execution(**given)


def test_describe(swf: Swf) -> None:
    execution = swf.start(tagList=["t"])
    answer = swf.describe(execution)
    answer["executionInfo"].pop("startTimestamp")
    assert answer == {
        "executionInfo": {
            "execution": execution,
            "workflowType": TYPE,
            "executionStatus": "OPEN",
            "cancelRequested": False,
            "tagList": ["t"],
        },
        "executionConfiguration": {
            "taskStartToCloseTimeout": "30",
            "executionStartToCloseTimeout": "3600",
            "taskList": {"name": "deciders"},
            "childPolicy": "TERMINATE",
        },
        "openCounts": {
            "openActivityTasks": 0,
            "openDecisionTasks": 1,
            "openTimers": 0,
            "openChildWorkflowExecutions": 0,
            "openLambdaFunctions": 0,
        },
    }


def test_describe_counts_what_is_open(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(swf.schedule("a-1"), swf.schedule("a-2"))
    counts = swf.describe(execution)["openCounts"]
    assert (counts["openActivityTasks"], counts["openDecisionTasks"]) == (2, 0)
    swf.complete(swf.poll_activity())
    counts = swf.describe(execution)["openCounts"]
    assert (counts["openActivityTasks"], counts["openDecisionTasks"]) == (1, 1)


def test_describe_counts_timers(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(swf.timer("t-1"), swf.timer("t-2"))
    assert swf.describe(execution)["openCounts"]["openTimers"] == 2


def test_describe_tells_when(swf: Swf) -> None:
    execution = swf.start()
    assert "latestActivityTaskTimestamp" not in swf.describe(execution)
    swf.decide(swf.schedule())
    events = swf.history(execution)
    answer = swf.describe(execution)
    assert answer["executionInfo"]["startTimestamp"] == events[0]["eventTimestamp"]
    assert answer["latestActivityTaskTimestamp"] == events[-1]["eventTimestamp"]


def test_describe_an_unknown_execution(swf: Swf, refused: Refused) -> None:
    execution = swf.start()
    for wrong in ({**execution, "workflowId": "other"}, {**execution, "runId": "22" + "A" * 43 + "="}):
        words = refused("UnknownResourceFault", "describe_workflow_execution", domain=DOMAIN, execution=wrong)
        assert words == (
            f"Unknown execution: WorkflowExecution=[workflowId={wrong['workflowId']}, runId={wrong['runId']}]"
        )


def test_context(swf: Swf) -> None:
    execution = swf.start()
    assert "latestExecutionContext" not in swf.describe(execution)
    swf.decide(executionContext="one")
    assert swf.describe(execution)["latestExecutionContext"] == "one"


def test_an_empty_context_is_none(swf: Swf, client: Checked) -> None:
    execution = swf.start()
    swf.decide(executionContext="one")
    client.signal_workflow_execution(domain=DOMAIN, workflowId="w-1", signalName="s", input="i")
    swf.decide(executionContext="")
    assert "latestExecutionContext" not in swf.describe(execution)


def test_terminate(client: Checked, swf: Swf) -> None:
    execution = swf.start()
    client.terminate_workflow_execution(**TERMINATE, reason="r", details="d", childPolicy="ABANDON")
    assert swf.last(execution) == (
        "WorkflowExecutionTerminated",
        {"reason": "r", "details": "d", "childPolicy": "ABANDON", "cause": "OPERATOR_INITIATED"},
    )
    info = swf.describe(execution)["executionInfo"]
    assert (info["executionStatus"], info["closeStatus"]) == ("CLOSED", "TERMINATED")
    assert swf.start("w-1")["runId"] != execution["runId"], "the id can be used again"


def test_a_terminated_execution_tells_when(client: Checked, swf: Swf) -> None:
    execution = swf.start()
    client.terminate_workflow_execution(**TERMINATE)
    closed = swf.describe(execution)["executionInfo"]["closeTimestamp"]
    assert abs(closed - swf.history(execution)[-1]["eventTimestamp"]) < timedelta(seconds=1)


def test_terminate_what_is_closed(client: Checked, swf: Swf, refused: Refused) -> None:
    execution = swf.start()
    client.terminate_workflow_execution(**TERMINATE)
    words = refused("UnknownResourceFault", "terminate_workflow_execution", **TERMINATE)
    assert words == "Unknown execution, workflowId = w-1"
    given = {**TERMINATE, "runId": execution["runId"]}
    words = refused("UnknownResourceFault", "terminate_workflow_execution", **given)
    assert words == f"Unknown execution: WorkflowExecution=[workflowId=w-1, runId={execution['runId']}]"


def test_activities_of_a_closed_execution_are_unknown(client: Checked, swf: Swf, refused: Refused) -> None:
    execution = swf.start()
    swf.decide(swf.schedule())
    token = swf.poll_activity()["taskToken"]
    client.terminate_workflow_execution(**TERMINATE)
    words = f"Unknown execution: WorkflowExecution=[workflowId=w-1, runId={execution['runId']}]"
    assert refused("UnknownResourceFault", "respond_activity_task_completed", taskToken=token) == words
    assert refused("UnknownResourceFault", "respond_activity_task_failed", taskToken=token) == words
    assert swf.describe(execution)["openCounts"]["openActivityTasks"] == 1


def test_heartbeats_of_a_closed_execution_are_unknown(client: Checked, swf: Swf, refused: Refused) -> None:
    execution = swf.start()
    swf.decide(swf.schedule())
    token = swf.poll_activity()["taskToken"]
    client.terminate_workflow_execution(**TERMINATE)
    words = refused("UnknownResourceFault", "record_activity_task_heartbeat", taskToken=token)
    assert words == f"Unknown execution: WorkflowExecution=[workflowId=w-1, runId={execution['runId']}]"


@needs("clock", "short-polls")
def test_nothing_is_appended_after_the_close(client: Checked, swf: Swf) -> None:
    execution = swf.start()
    swf.decide(swf.schedule(), swf.timer())
    swf.poll_activity()
    client.terminate_workflow_execution(**TERMINATE)
    before = swf.types(execution)
    swf.advance(80_000)
    assert swf.poll_decision() == NO_DECISION
    assert swf.types(execution) == before
    counts = swf.describe(execution)["openCounts"]
    assert (counts["openActivityTasks"], counts["openTimers"]) == (1, 1), "they count what was open then"


def test_terminate_during_a_decision(client: Checked, swf: Swf, refused: Refused) -> None:
    execution = swf.start()
    task = swf.poll_decision()
    client.terminate_workflow_execution(**TERMINATE, runId=execution["runId"])
    words = refused("UnknownResourceFault", "respond_decision_task_completed", taskToken=task["taskToken"])
    assert words == f"Unknown execution: WorkflowExecution=[workflowId=w-1, runId={execution['runId']}]"
    assert swf.describe(execution)["openCounts"]["openDecisionTasks"] == 1


@pytest.mark.parametrize(
    ("decision", "given", "event", "status"),
    [
        ("CompleteWorkflowExecution", {"result": "r"}, "WorkflowExecutionCompleted", "COMPLETED"),
        ("CompleteWorkflowExecution", {"result": ""}, "WorkflowExecutionCompleted", "COMPLETED"),
        ("FailWorkflowExecution", {"reason": "r", "details": "d"}, "WorkflowExecutionFailed", "FAILED"),
        ("CancelWorkflowExecution", {"details": "d"}, "WorkflowExecutionCanceled", "CANCELED"),
    ],
    ids=["complete", "complete-with-nothing", "fail", "cancel"],
)
def test_closing(swf: Swf, decision: str, given: dict[str, str], event: str, status: str) -> None:
    execution = swf.start()
    swf.decide(swf.schedule(), swf.decision(decision, **given))
    assert swf.last(execution) == (event, {**given, "decisionTaskCompletedEventId": 4})
    answer = swf.describe(execution)
    assert (answer["executionInfo"]["executionStatus"], answer["executionInfo"]["closeStatus"]) == ("CLOSED", status)
    assert answer["openCounts"]["openActivityTasks"] == 1


def test_a_closed_execution_tells_when(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(swf.decision("CompleteWorkflowExecution"))
    closed = swf.describe(execution)["executionInfo"]["closeTimestamp"]
    assert abs(closed - swf.history(execution)[-1]["eventTimestamp"]) < timedelta(seconds=1)


@needs("clock")
@pytest.mark.parametrize("how", ["complete", "terminate"])
def test_the_times_of_an_execution(client: Checked, swf: Swf, how: str) -> None:
    execution = swf.start()
    swf.advance(100)
    if how == "complete":
        swf.decide(swf.decision("CompleteWorkflowExecution"))
    else:
        client.terminate_workflow_execution(**TERMINATE)
    info = swf.describe(execution)["executionInfo"]
    started, *_, closed = swf.history(execution)
    assert (info["startTimestamp"], info["closeTimestamp"]) == (started["eventTimestamp"], closed["eventTimestamp"])
    assert info["closeTimestamp"] - info["startTimestamp"] == timedelta(seconds=100)


@needs("short-polls")
def test_tasks_of_closed_executions_are_not_delivered(swf: Swf) -> None:
    swf.start()
    swf.decide(swf.schedule(), swf.decision("CompleteWorkflowExecution"))
    assert "taskToken" not in swf.poll_activity()


@pytest.mark.parametrize("kind", ["CompleteWorkflowExecution", "FailWorkflowExecution", "CancelWorkflowExecution"])
def test_unhandled_decision(swf: Swf, kind: str) -> None:
    execution = swf.start()
    swf.decide(swf.schedule("a-1"), swf.schedule("a-2"))
    first, second = swf.poll_activity(), swf.poll_activity()
    swf.complete(first)
    task = swf.poll_decision()
    swf.complete(second)
    swf.respond(task, swf.decision("RecordMarker", markerName="kept"), swf.decision(kind))
    assert swf.types(execution)[-3:] == ["DecisionTaskCompleted", "MarkerRecorded", f"{kind}Failed"]
    completed = swf.history(execution)[-3]["eventId"]
    failed = {"cause": "UNHANDLED_DECISION", "decisionTaskCompletedEventId": completed}
    assert swf.last(execution) == (f"{kind}Failed", failed)
    swf.decide({"decisionType": kind} if kind != "FailWorkflowExecution" else swf.decision(kind))
    assert swf.describe(execution)["executionInfo"]["executionStatus"] == "CLOSED"
