"""Decisions: refused as a whole or one by one with a cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simpleflow.engine import VirtualClock
from simpleflow.protocol.history import attributes

Refused = Callable[..., str]
DOMAIN = "contract"
ACTIVITY = {"name": "a", "version": "1"}


def failures(swf: Any, execution: dict[str, str]) -> list[tuple[str, str]]:
    """Types and causes of the events of failed decisions."""
    events = [event for event in swf.history(execution) if "cause" in attributes(event)]
    return [(event["eventType"], attributes(event)["cause"]) for event in events]


def test_nothing_is_recorded_when_one_is_wrong(swf: Any, refused: Refused) -> None:
    execution = swf.start()
    task = swf.poll_decision()
    marker = swf.decision("RecordMarker", markerName="m")
    before = swf.types(execution)

    def respond(*decisions: Any, code: str = "ValidationException", **given: Any) -> str:
        token = task["taskToken"]
        words = refused(code, "respond_decision_task_completed", taskToken=token, decisions=list(decisions), **given)
        assert swf.types(execution) == before
        return words

    complete = swf.decision("CompleteWorkflowExecution")
    assert respond(marker, complete, marker) == "Close must be last decision in list"
    assert respond(complete, complete) == "Close must be last decision in list"
    assert respond(complete, {"decisionType": "Bad"}) == "Close must be last decision in list"
    assert respond(marker, swf.decision("StartTimer", startToFireTimeout="1")) == (
        "1 validation error detected: Value null at 'decisions.2.member.startTimerDecisionAttributes.timerId' "
        "failed to satisfy constraint: Member must not be null"
    )
    assert respond({"decisionType": "BadDecisionType"}) == (
        "1 validation error detected: Value 'BadDecisionType' at 'decisions.1.member.decisionType' failed to "
        "satisfy constraint: Member must satisfy enum value set: [CompleteWorkflowExecution, StartTimer, "
        "RequestCancelExternalWorkflowExecution, SignalExternalWorkflowExecution, CancelTimer, RecordMarker, "
        "ScheduleActivityTask, ContinueAsNewWorkflowExecution, ScheduleLambdaFunction, FailWorkflowExecution, "
        "RequestCancelActivityTask, StartChildWorkflowExecution, CancelWorkflowExecution]"
    )
    assert respond({"decisionType": "StartTimer"}) == (
        "1 validation error detected: Value null at 'decisions.1.member.startTimerDecisionAttributes' failed to "
        "satisfy constraint: Member must not be null"
    )
    words = respond(swf.timer("a:b", "NONE"), marker, swf.schedule("x" * 257))
    assert words.startswith("3 validation errors detected: Value 'a:b' at 'decisions.1.member")
    assert respond({**marker, "extra": 1}).startswith('Unknown parameter in decisions.1.member: "extra"')
    respond(swf.schedule(input=5), code="SerializationException")
    respond(executionContext="x" * 32769)
    large = [swf.schedule(f"a-{number}", input="x" * 32768) for number in range(33)]
    respond(*large, code="RequestEntityTooLargeException")
    swf.respond(task, marker, complete)


def test_tokens(swf: Any, client: Any, refused: Refused) -> None:
    execution = swf.start()
    task = swf.poll_decision()
    for token in ("junk", task["taskToken"].replace("-D-", "-A-"), task["taskToken"] + "-1", "a-D-zz-1"):
        words = refused("ValidationException", "respond_decision_task_completed", taskToken=token)
        assert words == "Invalid token"
    for token in ("0123456789ab" + task["taskToken"][12:], task["taskToken"][:-1] + "9"):
        words = refused("UnknownResourceFault", "respond_decision_task_completed", taskToken=token)
        assert words.startswith("Unknown decision task, scheduledEventId = ")
    swf.respond(task)
    words = refused("UnknownResourceFault", "respond_decision_task_completed", taskToken=task["taskToken"])
    assert words == "Unknown decision task, scheduledEventId = 2"
    assert swf.types(execution)[-1] == "DecisionTaskCompleted"


def test_events_of_one_response_share_its_time(swf: Any, clock: VirtualClock) -> None:
    execution = swf.start()
    task = swf.poll_decision()
    clock.advance(1)
    swf.respond(task, swf.decision("RecordMarker", markerName="m", details="d"), swf.timer(), swf.schedule())
    events = swf.history(execution)[3:]
    assert {event["eventTimestamp"].timestamp() for event in events} == {clock.now()}
    assert attributes(events[1]) == {"markerName": "m", "details": "d", "decisionTaskCompletedEventId": 4}


def test_resolved_activity(swf: Any, client: Any) -> None:
    execution = swf.start()
    swf.decide(
        swf.schedule(
            control="c",
            input="i",
            taskPriority="3",
            taskList={"name": "own"},
            scheduleToCloseTimeout="50",
            heartbeatTimeout="NONE",
        )
    )
    assert swf.last(execution)[1] == {
        "activityType": ACTIVITY,
        "activityId": "a-1",
        "control": "c",
        "input": "i",
        "taskPriority": "3",
        "taskList": {"name": "own"},
        "scheduleToStartTimeout": "NONE",
        "scheduleToCloseTimeout": "50",
        "startToCloseTimeout": "300",
        "heartbeatTimeout": "NONE",
        "decisionTaskCompletedEventId": 4,
    }
    task = swf.poll_activity(taskList={"name": "own"})
    assert task.pop("taskToken")
    assert task == {
        "activityId": "a-1",
        "activityType": ACTIVITY,
        "input": "i",
        "startedEventId": 6,
        "workflowExecution": execution,
    }


def test_schedule_activity_failures(swf: Any, client: Any) -> None:
    client.register_activity_type(domain=DOMAIN, name="bare", version="1")
    execution = swf.start()
    bare = {"activityType": {"name": "bare", "version": "1"}}
    given: dict[str, Any] = {}
    decisions = [swf.schedule(), swf.schedule()]
    decisions.append(swf.decision("ScheduleActivityTask", activityId="x", activityType={"name": "no", "version": "1"}))
    for name, value in (
        ("taskList", {"name": "l"}),
        ("scheduleToStartTimeout", "NONE"),
        ("scheduleToCloseTimeout", "NONE"),
        ("startToCloseTimeout", "NONE"),
        ("heartbeatTimeout", "NONE"),
    ):
        decisions.append(swf.decision("ScheduleActivityTask", activityId="bare", **bare, **given))
        given[name] = value
    decisions.append(swf.decision("ScheduleActivityTask", activityId="bare", **bare, **given))
    swf.decide(*decisions)
    assert [cause for _, cause in failures(swf, execution)] == [
        "ACTIVITY_ID_ALREADY_IN_USE",
        "ACTIVITY_TYPE_DOES_NOT_EXIST",
        "DEFAULT_TASK_LIST_UNDEFINED",
        "DEFAULT_SCHEDULE_TO_START_TIMEOUT_UNDEFINED",
        "DEFAULT_SCHEDULE_TO_CLOSE_TIMEOUT_UNDEFINED",
        "DEFAULT_START_TO_CLOSE_TIMEOUT_UNDEFINED",
        "DEFAULT_HEARTBEAT_TIMEOUT_UNDEFINED",
    ]
    assert swf.types(execution)[-2:] == ["ActivityTaskScheduled", "DecisionTaskScheduled"]
    failed = next(event for event in swf.history(execution) if event["eventType"] == "ScheduleActivityTaskFailed")
    assert attributes(failed) == {
        "activityType": ACTIVITY,
        "activityId": "a-1",
        "cause": "ACTIVITY_ID_ALREADY_IN_USE",
        "decisionTaskCompletedEventId": 4,
    }


def test_ids_can_be_used_again(swf: Any, client: Any, clock: VirtualClock) -> None:
    execution = swf.start()
    swf.decide(swf.schedule(), swf.timer(seconds=1))
    client.respond_activity_task_completed(taskToken=swf.poll_activity()["taskToken"])
    clock.advance(1)
    swf.decide(swf.schedule(), swf.timer(seconds=1), swf.decision("CancelTimer", timerId="t-1"), swf.timer(seconds=1))
    assert failures(swf, execution) == []
    assert swf.types(execution)[-4:] == ["ActivityTaskScheduled", "TimerStarted", "TimerCanceled", "TimerStarted"]


def test_open_limits(swf: Any) -> None:
    execution = swf.start()
    swf.decide(*(swf.schedule(f"a-{number}") for number in range(1000)), swf.schedule("one-more"))
    assert failures(swf, execution) == [("ScheduleActivityTaskFailed", "OPEN_ACTIVITIES_LIMIT_EXCEEDED")]
    swf.decide(*(swf.timer(f"t-{number}", 99) for number in range(1000)), swf.timer("one-more"))
    assert failures(swf, execution)[1:] == [("StartTimerFailed", "OPEN_TIMERS_LIMIT_EXCEEDED")]
    assert swf.describe(execution)["openCounts"]["openActivityTasks"] == 1000
    swf.decide(swf.decision("RequestCancelActivityTask", activityId="a-1"), swf.schedule("one-more"))
    assert len(failures(swf, execution)) == 2


@pytest.mark.parametrize(
    ("decision", "failure", "cause", "named"),
    [
        ("CancelTimer", "CancelTimerFailed", "TIMER_ID_UNKNOWN", {"timerId": "no"}),
        ("RequestCancelActivityTask", "RequestCancelActivityTaskFailed", "ACTIVITY_ID_UNKNOWN", {"activityId": "no"}),
    ],
)
def test_cancel_failures(swf: Any, decision: str, failure: str, cause: str, named: dict[str, str]) -> None:
    execution = swf.start()
    swf.decide(swf.decision(decision, **named))
    events = swf.history(execution)
    assert attributes(events[-2]) == {**named, "cause": cause, "decisionTaskCompletedEventId": 4}
    assert [event["eventType"] for event in events[-2:]] == [failure, "DecisionTaskScheduled"]


def test_timer_id_in_use(swf: Any) -> None:
    execution = swf.start()
    swf.decide(swf.timer(), swf.timer())
    assert failures(swf, execution) == [("StartTimerFailed", "TIMER_ID_ALREADY_IN_USE")]
    assert swf.types(execution)[-1] == "DecisionTaskScheduled"


def test_a_close_wins_over_failures_in_its_list(swf: Any) -> None:
    execution = swf.start()
    swf.decide(swf.decision("CancelTimer", timerId="no"), swf.decision("CompleteWorkflowExecution"))
    assert swf.types(execution)[-2:] == ["CancelTimerFailed", "WorkflowExecutionCompleted"]


def test_cancel_an_activity_that_was_not_started(swf: Any) -> None:
    execution = swf.start()
    swf.decide(swf.schedule(), swf.decision("RequestCancelActivityTask", activityId="a-1"), swf.timer())
    events = swf.history(execution)
    assert [event["eventType"] for event in events[4:]] == [
        "ActivityTaskScheduled",
        "ActivityTaskCancelRequested",
        "ActivityTaskCanceled",
        "TimerStarted",
        "DecisionTaskScheduled",
    ]
    assert attributes(events[5]) == {"activityId": "a-1", "decisionTaskCompletedEventId": 4}
    assert attributes(events[6]) == {"scheduledEventId": 5, "startedEventId": 0, "latestCancelRequestedEventId": 6}
    assert "taskToken" not in swf.poll_activity()


def test_cancel_a_started_activity(swf: Any, client: Any) -> None:
    execution = swf.start()
    swf.decide(swf.schedule("a-1"), swf.schedule("a-2"))
    worker = swf.poll_activity()
    other = swf.poll_activity()
    client.respond_activity_task_completed(taskToken=other["taskToken"])
    assert client.record_activity_task_heartbeat(taskToken=worker["taskToken"]) == {"cancelRequested": False}
    cancel = swf.decision("RequestCancelActivityTask", activityId="a-1")
    swf.decide(cancel, cancel)
    requested = swf.history(execution)[-1]
    assert requested["eventType"] == "ActivityTaskCancelRequested"
    assert client.record_activity_task_heartbeat(taskToken=worker["taskToken"]) == {"cancelRequested": True}
    client.respond_activity_task_canceled(taskToken=worker["taskToken"], details="d")
    canceled = swf.history(execution)[-2]
    assert attributes(canceled) == {
        "details": "d",
        "scheduledEventId": 5,
        "startedEventId": worker["startedEventId"],
        "latestCancelRequestedEventId": requested["eventId"],
    }
    assert swf.types(execution)[-1] == "DecisionTaskScheduled"


def test_sticky_list(swf: Any, clock: VirtualClock) -> None:
    execution = swf.start()
    own = {"name": "own"}
    swf.decide(swf.timer(seconds=1), taskList=own, taskListScheduleToStartTimeout="10")
    completed = attributes(swf.history(execution)[3])
    assert (completed["taskList"], completed["taskListScheduleToStartTimeout"]) == (own, "10")
    clock.advance(1)
    assert swf.poll_decision()["startedEventId"] == 0
    scheduled = {"taskList": own, "startToCloseTimeout": "30", "scheduleToStartTimeout": "10"}
    assert swf.last(execution) == ("DecisionTaskScheduled", scheduled)
    clock.advance(10)
    task = swf.poll_decision()
    assert task["startedEventId"], "the task falls back to the original list"
    events = swf.history(execution)[-3:]
    assert attributes(events[0]) == {"timeoutType": "SCHEDULE_TO_START", "scheduledEventId": 7, "startedEventId": 0}
    assert attributes(events[1])["taskList"] == {"name": "deciders"}
    assert attributes(events[1])["scheduleToStartTimeout"] == "NONE"
    swf.respond(task, swf.timer(seconds=1), taskList=own)
    clock.advance(100)
    assert swf.poll_decision(taskList=own)["startedEventId"], "without a timeout the list stays"


def test_sticky_list_is_dropped_when_its_decider_is_slow(swf: Any, clock: VirtualClock) -> None:
    execution = swf.start()
    own = {"name": "own"}
    swf.decide(swf.timer(seconds=1), taskList=own, taskListScheduleToStartTimeout="10")
    clock.advance(1)
    assert swf.poll_decision(taskList=own)["startedEventId"]
    clock.advance(30)
    assert swf.poll_decision()["startedEventId"]
    assert swf.types(execution)[-3:] == ["DecisionTaskTimedOut", "DecisionTaskScheduled", "DecisionTaskStarted"]
