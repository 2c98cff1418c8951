"""Start, describe, terminate, and the orders of events that were recorded from the service (swf.md 2.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simpleflow.engine import VirtualClock
from simpleflow.protocol.history import attributes

Refused = Callable[..., str]
DOMAIN = "contract"
TYPE = {"name": "w", "version": "1"}


def test_start(swf: Any) -> None:
    execution = swf.start(input="x", tagList=["one", "two"], taskPriority="7")
    run_id = execution["runId"]
    assert run_id.startswith("22") and len(run_id) == 46 and run_id.endswith("=")
    started, scheduled = swf.history(execution)
    assert (started["eventId"], scheduled["eventId"]) == (1, 2)
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


def test_start_is_refused(client: Any, swf: Any, refused: Refused) -> None:
    given: dict[str, Any] = {"domain": DOMAIN, "workflowId": "w-1", "workflowType": TYPE}
    swf.start("w-1")
    words = refused("WorkflowExecutionAlreadyStartedFault", "start_workflow_execution", **given)
    assert words == "Already Started"
    unknown = {**given, "workflowType": {"name": "w", "version": "9"}}
    words = refused("UnknownResourceFault", "start_workflow_execution", **unknown)
    assert words == "Unknown type: WorkflowType=[name=w, version=9]"
    refused("UnknownResourceFault", "start_workflow_execution", **{**given, "domain": "no"})
    for value in ("NONE", "31536001", "x", "0"):
        refused("ValidationException", "start_workflow_execution", **given, executionStartToCloseTimeout=value)
    refused("ValidationException", "start_workflow_execution", **given, tagList=["x"] * 6)
    refused("ValidationException", "start_workflow_execution", **given, input="x" * 32769)
    refused("ValidationException", "start_workflow_execution", **{**given, "workflowId": "a:b"})
    refused("ValidationException", "start_workflow_execution", **given, taskPriority="2147483648")
    refused("SerializationException", "start_workflow_execution", **given, input=3)
    refused("SerializationException", "start_workflow_execution", **{**given, "workflowId": "x"}, input="\ud800")


def test_defaults_are_looked_for_in_order(client: Any, swf: Any, refused: Refused) -> None:
    client.register_workflow_type(domain=DOMAIN, name="bare", version="1")
    given: dict[str, Any] = {
        "domain": DOMAIN,
        "workflowId": "bare",
        "workflowType": {"name": "bare", "version": "1"},
    }
    for name, value in (
        ("executionStartToCloseTimeout", "10"),
        ("taskList", {"name": "l"}),
        ("taskStartToCloseTimeout", "NONE"),
        ("childPolicy", "ABANDON"),
    ):
        assert refused("DefaultUndefinedFault", "start_workflow_execution", **given) == name
        given[name] = value
    client.start_workflow_execution(**given)


def test_describe(client: Any, swf: Any, clock: VirtualClock, refused: Refused) -> None:
    execution = swf.start(tagList=["t"])
    answer = swf.describe(execution)
    info = answer["executionInfo"]
    assert info.pop("startTimestamp").timestamp() == clock.now()
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
    clock.advance(5)
    swf.decide(swf.schedule(), swf.timer(), executionContext="here")
    answer = swf.describe(execution)
    assert answer["openCounts"] == {
        "openActivityTasks": 1,
        "openDecisionTasks": 0,
        "openTimers": 1,
        "openChildWorkflowExecutions": 0,
        "openLambdaFunctions": 0,
    }
    assert answer["latestExecutionContext"] == "here"
    assert answer["latestActivityTaskTimestamp"].timestamp() == clock.now()
    for wrong in ({**execution, "workflowId": "other"}, {**execution, "runId": "22" + "A" * 43 + "="}):
        words = refused("UnknownResourceFault", "describe_workflow_execution", domain=DOMAIN, execution=wrong)
        assert words == (
            f"Unknown execution: WorkflowExecution=[workflowId={wrong['workflowId']}, runId={wrong['runId']}]"
        )


def test_an_empty_context_is_none(swf: Any, clock: VirtualClock) -> None:
    execution = swf.start()
    swf.decide(swf.timer(seconds=1), executionContext="one")
    clock.advance(1)
    swf.decide(swf.timer(seconds=1))
    assert swf.describe(execution)["latestExecutionContext"] == "one"
    clock.advance(1)
    swf.decide(swf.timer(seconds=1), executionContext="")
    assert "latestExecutionContext" not in swf.describe(execution)


def test_terminate(client: Any, swf: Any, clock: VirtualClock, refused: Refused) -> None:
    execution = swf.start()
    swf.decide(swf.schedule(), swf.timer())
    worker = swf.poll_activity()
    clock.advance(3)
    terminate = {"domain": DOMAIN, "workflowId": "w-1"}
    client.terminate_workflow_execution(**terminate, reason="r", details="d", childPolicy="ABANDON")
    assert swf.last(execution) == (
        "WorkflowExecutionTerminated",
        {"reason": "r", "details": "d", "childPolicy": "ABANDON", "cause": "OPERATOR_INITIATED"},
    )
    answer = swf.describe(execution)
    assert answer["executionInfo"]["closeStatus"] == "TERMINATED"
    assert answer["executionInfo"]["closeTimestamp"].timestamp() == clock.now()
    assert answer["openCounts"]["openActivityTasks"] == 1 and answer["openCounts"]["openTimers"] == 1
    words = f"Unknown execution: WorkflowExecution=[workflowId=w-1, runId={execution['runId']}]"
    token = worker["taskToken"]
    assert refused("UnknownResourceFault", "respond_activity_task_completed", taskToken=token) == words
    assert refused("UnknownResourceFault", "record_activity_task_heartbeat", taskToken=token) == words
    assert (
        refused("UnknownResourceFault", "terminate_workflow_execution", **terminate, runId=execution["runId"]) == words
    )
    words = refused("UnknownResourceFault", "terminate_workflow_execution", **terminate)
    assert words == "Unknown execution, workflowId = w-1"
    before = swf.types(execution)
    clock.advance(80_000)
    assert swf.poll_decision() == {"startedEventId": 0, "previousStartedEventId": 0}
    assert swf.types(execution) == before, "nothing is appended after the close"
    assert swf.start("w-1")["runId"] != execution["runId"], "the id can be used again"


def test_terminate_during_a_decision(client: Any, swf: Any, refused: Refused) -> None:
    execution = swf.start()
    task = swf.poll_decision()
    client.terminate_workflow_execution(domain=DOMAIN, workflowId="w-1", runId=execution["runId"])
    words = refused("UnknownResourceFault", "respond_decision_task_completed", taskToken=task["taskToken"])
    assert words == f"Unknown execution: WorkflowExecution=[workflowId=w-1, runId={execution['runId']}]"
    assert swf.describe(execution)["openCounts"]["openDecisionTasks"] == 1


def test_plain_activity(swf: Any, client: Any, clock: VirtualClock) -> None:
    execution = swf.start()
    clock.advance(1)
    swf.decide(swf.schedule())
    clock.advance(1)
    task = swf.poll_activity(identity="worker")
    clock.advance(1)
    client.respond_activity_task_completed(taskToken=task["taskToken"], result="r")
    clock.advance(1)
    swf.decide(swf.decision("CompleteWorkflowExecution", result="done"))
    events = swf.history(execution)
    assert [event["eventType"] for event in events] == [
        "WorkflowExecutionStarted",
        "DecisionTaskScheduled",
        "DecisionTaskStarted",
        "DecisionTaskCompleted",
        "ActivityTaskScheduled",
        "ActivityTaskStarted",
        "ActivityTaskCompleted",
        "DecisionTaskScheduled",
        "DecisionTaskStarted",
        "DecisionTaskCompleted",
        "WorkflowExecutionCompleted",
    ]
    times = [event["eventTimestamp"] for event in events]
    assert times == sorted(times)
    assert times[3] == times[4] and times[6] == times[7] and times[9] == times[10]
    assert attributes(events[5]) == {"identity": "worker", "scheduledEventId": 5}
    assert attributes(events[6]) == {"result": "r", "scheduledEventId": 5, "startedEventId": 6}
    assert attributes(events[10]) == {"result": "done", "decisionTaskCompletedEventId": 10}
    assert swf.describe(execution)["executionInfo"]["closeStatus"] == "COMPLETED"


def test_event_during_a_decision(swf: Any, client: Any) -> None:
    execution = swf.start()
    swf.decide(swf.schedule("a-1"), swf.schedule("a-2"))
    first, second = swf.poll_activity(), swf.poll_activity()
    client.respond_activity_task_completed(taskToken=first["taskToken"])
    task = swf.poll_decision()
    client.respond_activity_task_completed(taskToken=second["taskToken"])
    assert swf.poll_decision()["startedEventId"] == 0, "one decision task at a time"
    swf.respond(task)
    last = swf.poll_decision()
    assert swf.types(execution)[8:] == [
        "ActivityTaskCompleted",
        "DecisionTaskScheduled",
        "DecisionTaskStarted",
        "ActivityTaskCompleted",
        "DecisionTaskScheduled",
        "DecisionTaskCompleted",
        "DecisionTaskStarted",
    ]
    assert last["previousStartedEventId"] == task["startedEventId"]


def test_one_decision_task_covers_many_events(swf: Any, client: Any) -> None:
    execution = swf.start()
    swf.decide(*(swf.schedule(f"a-{number}") for number in range(3)))
    for _ in range(3):
        client.respond_activity_task_completed(taskToken=swf.poll_activity()["taskToken"])
    assert swf.types(execution).count("DecisionTaskScheduled") == 2


def test_timers(swf: Any, clock: VirtualClock) -> None:
    execution = swf.start()
    swf.decide(swf.timer("long", 120), swf.timer("short", 2, control="c"))
    clock.advance(2)
    swf.decide(swf.decision("CancelTimer", timerId="long"), swf.timer("now", 0))
    swf.poll_decision()
    events = swf.history(execution)
    assert [event["eventType"] for event in events[3:]] == [
        "DecisionTaskCompleted",
        "TimerStarted",
        "TimerStarted",
        "TimerFired",
        "DecisionTaskScheduled",
        "DecisionTaskStarted",
        "DecisionTaskCompleted",
        "TimerCanceled",
        "TimerStarted",
        "TimerFired",
        "DecisionTaskScheduled",
        "DecisionTaskStarted",
    ]
    started = {"timerId": "short", "startToFireTimeout": "2", "control": "c", "decisionTaskCompletedEventId": 4}
    assert attributes(events[5]) == started
    assert attributes(events[6]) == {"timerId": "short", "startedEventId": 6}
    assert attributes(events[10]) == {"timerId": "long", "startedEventId": 5, "decisionTaskCompletedEventId": 10}
    clock.advance(1000)
    swf.poll_decision()
    assert swf.types(execution).count("TimerFired") == 2


@pytest.mark.parametrize(
    ("decision", "given", "event", "status"),
    [
        ("CompleteWorkflowExecution", {"result": ""}, "WorkflowExecutionCompleted", "COMPLETED"),
        ("FailWorkflowExecution", {"reason": "r", "details": "d"}, "WorkflowExecutionFailed", "FAILED"),
        ("CancelWorkflowExecution", {"details": "d"}, "WorkflowExecutionCanceled", "CANCELED"),
    ],
)
def test_closing(swf: Any, client: Any, decision: str, given: dict[str, str], event: str, status: str) -> None:
    execution = swf.start()
    swf.decide(swf.schedule(), swf.decision(decision, **given))
    assert swf.last(execution) == (event, {**given, "decisionTaskCompletedEventId": 4})
    assert swf.describe(execution)["executionInfo"]["closeStatus"] == status
    assert "taskToken" not in swf.poll_activity(), "tasks of closed executions are not delivered"
    assert swf.describe(execution)["openCounts"]["openActivityTasks"] == 1


@pytest.mark.parametrize("kind", ["CompleteWorkflowExecution", "FailWorkflowExecution", "CancelWorkflowExecution"])
def test_unhandled_decision(swf: Any, client: Any, kind: str) -> None:
    execution = swf.start()
    swf.decide(swf.schedule("a-1"), swf.schedule("a-2"))
    first, second = swf.poll_activity(), swf.poll_activity()
    client.respond_activity_task_completed(taskToken=first["taskToken"])
    task = swf.poll_decision()
    client.respond_activity_task_completed(taskToken=second["taskToken"])
    swf.respond(task, swf.decision("RecordMarker", markerName="kept"), swf.decision(kind))
    assert swf.types(execution)[-3:] == ["DecisionTaskCompleted", "MarkerRecorded", f"{kind}Failed"]
    completed = swf.history(execution)[-3]["eventId"]
    failed = {"cause": "UNHANDLED_DECISION", "decisionTaskCompletedEventId": completed}
    assert swf.last(execution) == (f"{kind}Failed", failed)
    swf.decide({"decisionType": kind} if kind != "FailWorkflowExecution" else swf.decision(kind))
    assert swf.describe(execution)["executionInfo"]["executionStatus"] == "CLOSED"
