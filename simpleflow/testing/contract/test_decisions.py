"""Decisions: refused as a whole or one by one with a cause."""

from __future__ import annotations

from typing import Any

import pytest

from simpleflow.protocol.history import attributes
from simpleflow.testing.contract.checked import DOMAIN, Checked
from simpleflow.testing.contract.swf import ACTIVITY, NO_ACTIVITY, Refused, Swf, decision
from simpleflow.testing.contract.target import needs

RESPOND = "respond_decision_task_completed"
MARKER = decision("RecordMarker", markerName="m")
COMPLETE = decision("CompleteWorkflowExecution")
BARE = {"activityType": {"name": "bare", "version": "1"}, "activityId": "bare"}
ENUM = (
    "1 validation error detected: Value 'BadDecisionType' at 'decisions.1.member.decisionType' failed to "
    "satisfy constraint: Member must satisfy enum value set: [CompleteWorkflowExecution, StartTimer, "
    "RequestCancelExternalWorkflowExecution, SignalExternalWorkflowExecution, CancelTimer, RecordMarker, "
    "ScheduleActivityTask, ContinueAsNewWorkflowExecution, ScheduleLambdaFunction, FailWorkflowExecution, "
    "RequestCancelActivityTask, StartChildWorkflowExecution, CancelWorkflowExecution]"
)


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        ([MARKER, COMPLETE, MARKER], "Close must be last decision in list"),
        ([COMPLETE, COMPLETE], "Close must be last decision in list"),
        ([COMPLETE, {"decisionType": "Bad"}], "Close must be last decision in list"),
        (
            [MARKER, decision("StartTimer", startToFireTimeout="1")],
            "Value null at 'decisions.2.member.start"
            "TimerDecisionAttributes.timerId' failed to satisfy constraint: Member must not be null",
        ),
        ([{"decisionType": "StartTimer"}], "Value null at 'decisions.1.member.startTimerDecisionAttributes"),
        ([{"decisionType": "BadDecisionType"}], ENUM),
    ],
    ids=["close in the middle", "close twice", "close before a bad one", "a member", "attributes", "a bad type"],
)
def test_nothing_is_recorded_when_one_is_wrong(
    swf: Swf, refused: Refused, decisions: list[dict[str, Any]], expected: str
) -> None:
    execution = swf.start()
    task = swf.poll_decision()
    assert expected in refused("ValidationException", RESPOND, taskToken=task["taskToken"], decisions=decisions)
    assert swf.types(execution)[-1] == "DecisionTaskStarted"
    swf.respond(task, MARKER, COMPLETE)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"decisions": [Swf.timer("a:b", "NONE"), MARKER, Swf.schedule("x" * 257)]}, "ValidationException"),
        ({"executionContext": "x" * 32769}, "ValidationException"),
        (
            {"decisions": [Swf.schedule(f"a-{number}", input="x" * 32768) for number in range(33)]},
            "RequestEntityTooLargeException",
        ),
    ],
    ids=["values", "context", "size"],
)
def test_limits_of_a_response(swf: Swf, refused: Refused, given: dict[str, Any], code: str) -> None:
    execution = swf.start()
    task = swf.poll_decision()
    words = refused(code, RESPOND, taskToken=task["taskToken"], **given)
    if len(given.get("decisions", ())) == 3:
        assert words.startswith("3 validation errors detected: Value 'a:b' at 'decisions.1.member")
    assert swf.types(execution)[-1] == "DecisionTaskStarted"


def test_tokens(swf: Swf, refused: Refused) -> None:
    execution = swf.start()
    task = swf.poll_decision()
    swf.respond(task)
    words = refused("UnknownResourceFault", RESPOND, taskToken=task["taskToken"])
    assert words == "Unknown decision task, scheduledEventId = 2"
    assert swf.types(execution)[-1] == "DecisionTaskCompleted"


@pytest.mark.parametrize("method", [RESPOND, "respond_activity_task_completed", "record_activity_task_heartbeat"])
def test_junk_is_no_token(swf: Swf, refused: Refused, method: str) -> None:
    assert refused("ValidationException", method, taskToken="junk") == "Invalid token"


@needs("clock")
def test_events_of_one_response_share_its_time(swf: Swf) -> None:
    execution = swf.start()
    task = swf.poll_decision()
    swf.advance(1)
    swf.respond(task, swf.decision("RecordMarker", markerName="m"), swf.timer(), swf.schedule())
    events = swf.history(execution)
    times = [(event["eventTimestamp"] - events[0]["eventTimestamp"]).total_seconds() for event in events]
    assert times == [0, 0, 0, 1, 1, 1, 1]


def test_resolved_activity(swf: Swf) -> None:
    execution = swf.start()
    given: dict[str, Any] = {"control": "c", "input": "i", "taskPriority": "3", "taskList": {"name": "own"}}
    swf.decide(swf.schedule(**given, scheduleToCloseTimeout="50", heartbeatTimeout="NONE"))
    assert swf.last(execution)[1] == {
        "activityType": ACTIVITY,
        "activityId": "a-1",
        **given,
        "scheduleToStartTimeout": "NONE",
        "scheduleToCloseTimeout": "50",
        "startToCloseTimeout": "300",
        "heartbeatTimeout": "NONE",
        "decisionTaskCompletedEventId": 4,
    }


def test_what_a_decision_gives_goes_before_the_type(swf: Swf) -> None:
    execution = swf.start()
    timeouts = ("scheduleToStartTimeout", "scheduleToCloseTimeout", "startToCloseTimeout", "heartbeatTimeout")
    given: dict[str, Any] = {"control": "c", "input": "i", "taskList": {"name": "own"}, **dict.fromkeys(timeouts, "50")}
    swf.decide(swf.schedule(**given))
    scheduled = {"activityType": ACTIVITY, "activityId": "a-1", "decisionTaskCompletedEventId": 4, **given}
    assert swf.last(execution) == ("ActivityTaskScheduled", scheduled)
    task = swf.poll_activity(taskList={"name": "own"})
    assert task.pop("taskToken")
    assert task == {
        "activityId": "a-1",
        "activityType": ACTIVITY,
        "input": "i",
        "startedEventId": 6,
        "workflowExecution": execution,
    }


def test_an_activity_that_is_not_scheduled(swf: Swf) -> None:
    """Its type is unknown."""
    execution = swf.start()
    unknown = {"activityType": {"name": "no", "version": "1"}, "activityId": "x"}
    swf.decide(swf.decision("ScheduleActivityTask", **unknown))
    failed, scheduled = swf.history(execution)[-2:]
    assert failed["eventType"] == "ScheduleActivityTaskFailed"
    cause = {"cause": "ACTIVITY_TYPE_DOES_NOT_EXIST", "decisionTaskCompletedEventId": 4}
    assert attributes(failed) == {**unknown, **cause}
    assert scheduled["eventType"] == "DecisionTaskScheduled"


def test_an_activity_id_is_used_once_at_a_time(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(swf.schedule(), swf.schedule())
    failed = swf.history(execution)[5]
    assert failed["eventType"] == "ScheduleActivityTaskFailed"
    assert attributes(failed) == {
        "activityType": ACTIVITY,
        "activityId": "a-1",
        "cause": "ACTIVITY_ID_ALREADY_IN_USE",
        "decisionTaskCompletedEventId": 4,
    }


def test_a_deprecated_type_is_not_scheduled(swf: Swf, client: Checked) -> None:
    client.deprecate_activity_type(domain=DOMAIN, activityType=ACTIVITY)
    execution = swf.start()
    swf.decide(swf.schedule())
    assert swf.causes(execution) == [("ScheduleActivityTaskFailed", "ACTIVITY_TYPE_DEPRECATED")]


def test_defaults_are_looked_for_in_order(swf: Swf, client: Checked) -> None:
    client.register_activity_type(domain=DOMAIN, name="bare", version="1")
    execution = swf.start()
    given: dict[str, Any] = {}
    decisions = []
    for name, value in (
        ("taskList", {"name": "l"}),
        ("scheduleToStartTimeout", "60"),
        ("scheduleToCloseTimeout", "60"),
        ("startToCloseTimeout", "60"),
        ("heartbeatTimeout", "60"),
    ):
        decisions.append(swf.decision("ScheduleActivityTask", **BARE, **given))
        given[name] = value
    swf.decide(*decisions, swf.decision("ScheduleActivityTask", **BARE, **given))
    assert swf.causes(execution) == [
        ("ScheduleActivityTaskFailed", f"DEFAULT_{name}_UNDEFINED")
        for name in (
            "TASK_LIST",
            "SCHEDULE_TO_START_TIMEOUT",
            "SCHEDULE_TO_CLOSE_TIMEOUT",
            "START_TO_CLOSE_TIMEOUT",
            "HEARTBEAT_TIMEOUT",
        )
    ]
    assert swf.types(execution)[-2:] == ["ActivityTaskScheduled", "DecisionTaskScheduled"]


def test_an_activity_id_can_be_used_again(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(swf.schedule())
    swf.complete(swf.poll_activity())
    swf.decide(swf.schedule())
    assert swf.types(execution)[-1] == "ActivityTaskScheduled"


@needs("clock")
def test_a_timer_id_can_be_used_again(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(swf.timer(seconds=1))
    swf.advance(1)
    swf.decide(swf.timer(seconds=1), swf.decision("CancelTimer", timerId="t-1"), swf.timer(seconds=1))
    assert swf.types(execution)[-3:] == ["TimerStarted", "TimerCanceled", "TimerStarted"]


@needs("quotas")
def test_open_limits(swf: Swf) -> None:
    """Amazon's own numbers, which its rates would not let anybody reach so fast."""
    execution = swf.start()
    swf.decide(*(swf.schedule(f"a-{number}") for number in range(1000)), swf.schedule("one-more"))
    assert swf.causes(execution) == [("ScheduleActivityTaskFailed", "OPEN_ACTIVITIES_LIMIT_EXCEEDED")]
    swf.decide(*(swf.timer(f"t-{number}", 99) for number in range(1000)), swf.timer("one-more"))
    assert swf.causes(execution)[1:] == [("StartTimerFailed", "OPEN_TIMERS_LIMIT_EXCEEDED")]
    assert swf.describe(execution)["openCounts"]["openActivityTasks"] == 1000
    swf.decide(swf.decision("RequestCancelActivityTask", activityId="a-1"), swf.schedule("one-more"))
    assert len(swf.causes(execution)) == 2


@pytest.mark.parametrize(
    ("kind", "failure", "cause", "named"),
    [
        ("CancelTimer", "CancelTimerFailed", "TIMER_ID_UNKNOWN", {"timerId": "no"}),
        ("RequestCancelActivityTask", "RequestCancelActivityTaskFailed", "ACTIVITY_ID_UNKNOWN", {"activityId": "no"}),
    ],
    ids=["timer", "activity"],
)
def test_cancel_failures(swf: Swf, kind: str, failure: str, cause: str, named: dict[str, str]) -> None:
    execution = swf.start()
    swf.decide(swf.decision(kind, **named))
    events = swf.history(execution)
    assert attributes(events[-2]) == {**named, "cause": cause, "decisionTaskCompletedEventId": 4}
    assert [event["eventType"] for event in events[-2:]] == [failure, "DecisionTaskScheduled"]


def test_a_timer_id_is_used_once_at_a_time(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(swf.timer(), swf.timer())
    failed = swf.history(execution)[5]
    assert failed["eventType"] == "StartTimerFailed"
    cause = {"cause": "TIMER_ID_ALREADY_IN_USE", "decisionTaskCompletedEventId": 4}
    assert attributes(failed) == {"timerId": "t-1", **cause}


def test_a_failed_decision_gives_a_decision_task(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(swf.timer(), swf.timer())
    assert swf.types(execution)[-1] == "DecisionTaskScheduled"


def test_a_close_wins_over_failures_in_its_list(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(swf.decision("CancelTimer", timerId="no"), swf.decision("CompleteWorkflowExecution"))
    assert swf.types(execution)[-2:] == ["CancelTimerFailed", "WorkflowExecutionCompleted"]


@needs("short-polls")
def test_cancel_an_activity_that_was_not_started(swf: Swf) -> None:
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
    assert swf.poll_activity() == NO_ACTIVITY


def test_cancel_a_started_activity(swf: Swf, client: Checked) -> None:
    execution = swf.start()
    swf.decide(swf.schedule("a-1"), swf.schedule("a-2"))
    worker = swf.poll_activity()
    swf.complete(swf.poll_activity())
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


def test_a_heartbeat_tells_of_no_cancel(swf: Swf, client: Checked) -> None:
    execution = swf.start()
    swf.decide(swf.schedule())
    token = swf.poll_activity()["taskToken"]
    assert client.record_activity_task_heartbeat(taskToken=token, details="d") == {"cancelRequested": False}
    assert swf.types(execution)[-1] == "ActivityTaskStarted", "it records nothing"
