"""The orders of events that were recorded from the service, within one execution."""

from __future__ import annotations

from simpleflow.protocol.history import attributes
from simpleflow.testing.contract.checked import Checked
from simpleflow.testing.contract.swf import Swf
from simpleflow.testing.contract.target import needs


def test_an_activity(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(swf.schedule())
    swf.complete(swf.poll_activity(identity="worker"), result="r")
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
    assert [event["eventId"] for event in events] == list(range(1, 12))
    assert attributes(events[3]) == {"scheduledEventId": 2, "startedEventId": 3}
    assert attributes(events[5]) == {"identity": "worker", "scheduledEventId": 5}
    assert attributes(events[6]) == {"result": "r", "scheduledEventId": 5, "startedEventId": 6}
    assert attributes(events[10]) == {"result": "done", "decisionTaskCompletedEventId": 10}
    assert swf.describe(execution)["executionInfo"]["closeStatus"] == "COMPLETED"


@needs("clock")
def test_the_times_of_an_activity(swf: Swf) -> None:
    execution = swf.start()
    swf.advance(1)
    swf.decide(swf.schedule())
    swf.advance(1)
    task = swf.poll_activity()
    swf.advance(1)
    swf.complete(task)
    swf.advance(1)
    swf.decide(swf.decision("CompleteWorkflowExecution"))
    times = [event["eventTimestamp"] for event in swf.history(execution)]
    assert [(time - times[0]).total_seconds() for time in times] == [0, 0, 1, 1, 1, 2, 3, 3, 4, 4, 4]


def test_an_activity_that_fails(swf: Swf, client: Checked) -> None:
    execution = swf.start()
    swf.decide(swf.schedule())
    task = swf.poll_activity()
    client.respond_activity_task_failed(taskToken=task["taskToken"], reason="r", details="d")
    failed, scheduled = swf.history(execution)[-2:]
    assert attributes(failed) == {"reason": "r", "details": "d", "scheduledEventId": 5, "startedEventId": 6}
    assert [failed["eventType"], scheduled["eventType"]] == ["ActivityTaskFailed", "DecisionTaskScheduled"]


def test_an_event_during_a_decision(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(swf.schedule("a-1"), swf.schedule("a-2"))
    first, second = swf.poll_activity(), swf.poll_activity()
    swf.complete(first)
    task = swf.poll_decision()
    swf.complete(second)
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


@needs("short-polls")
def test_one_decision_task_at_a_time(swf: Swf) -> None:
    swf.start()
    swf.decide(swf.schedule("a-1"), swf.schedule("a-2"))
    first, second = swf.poll_activity(), swf.poll_activity()
    swf.complete(first)
    assert swf.poll_decision()["startedEventId"]
    swf.complete(second)
    assert swf.poll_decision()["startedEventId"] == 0


def test_one_decision_task_covers_many_events(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(*(swf.schedule(f"a-{number}") for number in range(3)))
    for _ in range(3):
        swf.complete(swf.poll_activity())
    assert swf.types(execution).count("DecisionTaskScheduled") == 2


def test_a_timer(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(swf.timer("t", 1, control="c"))
    swf.wait(1)
    swf.poll_decision()
    events = swf.history(execution)
    assert [event["eventType"] for event in events[3:]] == [
        "DecisionTaskCompleted",
        "TimerStarted",
        "TimerFired",
        "DecisionTaskScheduled",
        "DecisionTaskStarted",
    ]
    started = {"timerId": "t", "startToFireTimeout": "1", "control": "c", "decisionTaskCompletedEventId": 4}
    assert attributes(events[4]) == started
    assert attributes(events[5]) == {"timerId": "t", "startedEventId": 5}


@needs("clock")
def test_timers(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(swf.timer("long", 120), swf.timer("short", 2))
    swf.advance(2)
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
    assert attributes(events[6]) == {"timerId": "short", "startedEventId": 6}
    swf.advance(1000)
    swf.poll_decision()
    assert swf.types(execution).count("TimerFired") == 2


def test_a_timer_is_canceled(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(swf.timer("long", 120), swf.decision("CancelTimer", timerId="long"))
    canceled = swf.history(execution)[5]
    assert canceled["eventType"] == "TimerCanceled"
    assert attributes(canceled) == {"timerId": "long", "startedEventId": 5, "decisionTaskCompletedEventId": 4}


def test_a_marker(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(swf.decision("RecordMarker", markerName="m", details="d"))
    expected = {"markerName": "m", "details": "d", "decisionTaskCompletedEventId": 4}
    assert swf.last(execution) == ("MarkerRecorded", expected)
