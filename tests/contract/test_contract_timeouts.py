"""Timeouts: their events at the instant of expiry, in the order of their deadlines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simpleflow.engine import VirtualClock
from simpleflow.protocol.history import attributes

Refused = Callable[..., str]


def test_execution(swf: Any, clock: VirtualClock) -> None:
    execution = swf.start(executionStartToCloseTimeout="100")
    began = clock.now()
    swf.decide(swf.schedule(), swf.timer(seconds=200))
    clock.advance(500)
    assert swf.last(execution) == (
        "WorkflowExecutionTimedOut",
        {"timeoutType": "START_TO_CLOSE", "childPolicy": "TERMINATE"},
    )
    info = swf.describe(execution)["executionInfo"]
    assert info["closeStatus"] == "TIMED_OUT"
    assert info["closeTimestamp"].timestamp() == began + 100
    assert "taskToken" not in swf.poll_activity()


def test_decision(swf: Any, clock: VirtualClock, refused: Refused) -> None:
    execution = swf.start()
    task = swf.poll_decision()
    began = clock.now()
    clock.advance(29.9)
    assert swf.types(execution)[-1] == "DecisionTaskStarted"
    clock.advance(70)
    events = swf.history(execution)[3:]
    assert [event["eventType"] for event in events] == ["DecisionTaskTimedOut", "DecisionTaskScheduled"]
    assert {event["eventTimestamp"].timestamp() for event in events} == {began + 30}
    assert attributes(events[0]) == {"timeoutType": "START_TO_CLOSE", "scheduledEventId": 2, "startedEventId": 3}
    words = refused("UnknownResourceFault", "respond_decision_task_completed", taskToken=task["taskToken"])
    assert words == "Unknown decision task, scheduledEventId = 2"
    again = swf.poll_decision()
    assert again["previousStartedEventId"] == 0, "a task that timed out was not processed"
    swf.respond(again)


def test_decision_with_another_one_queued(swf: Any, client: Any, clock: VirtualClock) -> None:
    execution = swf.start()
    swf.decide(swf.timer("t-1", 1), swf.timer("t-2", 2))
    clock.advance(1)
    swf.poll_decision()
    clock.advance(1)
    assert swf.types(execution)[-2:] == ["TimerFired", "DecisionTaskScheduled"]
    clock.advance(30)
    assert swf.types(execution)[-1] == "DecisionTaskTimedOut", "the queued task is not scheduled a second time"
    assert swf.poll_decision()["startedEventId"]


def test_decision_without_limit(swf: Any, clock: VirtualClock) -> None:
    execution = swf.start(taskStartToCloseTimeout="NONE")
    task = swf.poll_decision()
    clock.advance(3000)
    swf.respond(task)
    assert swf.types(execution)[-1] == "DecisionTaskCompleted"


@pytest.mark.parametrize("kind", ["SCHEDULE_TO_START", "SCHEDULE_TO_CLOSE", "START_TO_CLOSE", "HEARTBEAT"])
def test_activity(swf: Any, client: Any, clock: VirtualClock, refused: Refused, kind: str) -> None:
    members = {
        "SCHEDULE_TO_START": "scheduleToStartTimeout",
        "SCHEDULE_TO_CLOSE": "scheduleToCloseTimeout",
        "START_TO_CLOSE": "startToCloseTimeout",
        "HEARTBEAT": "heartbeatTimeout",
    }
    timeouts = dict.fromkeys(members.values(), "NONE") | {members[kind]: "10"}
    execution = swf.start()
    swf.decide(swf.schedule(**timeouts))
    clock.advance(5)
    expired = 10.0
    token, started = None, 0
    if kind != "SCHEDULE_TO_START":
        task = swf.poll_activity()
        token, started = task["taskToken"], task["startedEventId"]
        client.record_activity_task_heartbeat(taskToken=token, details="half")
        client.record_activity_task_heartbeat(taskToken=token)
        expired = 10 if kind == "SCHEDULE_TO_CLOSE" else 15
    began = clock.now() - 5
    clock.advance(100)
    assert swf.poll_activity() == {"startedEventId": 0}
    timed_out, scheduled = swf.history(execution)[-2:]
    expected: dict[str, Any] = {"timeoutType": kind, "scheduledEventId": 5, "startedEventId": started}
    if token:
        expected["details"] = "half"
    assert timed_out["eventType"] == "ActivityTaskTimedOut" and attributes(timed_out) == expected
    assert timed_out["eventTimestamp"].timestamp() == began + expired == scheduled["eventTimestamp"].timestamp()
    assert scheduled["eventType"] == "DecisionTaskScheduled"
    if token:
        for method in ("respond_activity_task_completed", "record_activity_task_heartbeat"):
            words = refused("UnknownResourceFault", method, taskToken=token)
            assert words == "Unknown activity, scheduledEventId = 5"


def test_schedule_to_close_while_not_started(swf: Any, clock: VirtualClock) -> None:
    execution = swf.start()
    swf.decide(swf.schedule(scheduleToCloseTimeout="10", scheduleToStartTimeout="10"))
    clock.advance(10)
    timed_out = swf.history(execution)[-2]
    assert attributes(timed_out) == {"timeoutType": "SCHEDULE_TO_CLOSE", "scheduledEventId": 5, "startedEventId": 0}


def test_heartbeats_keep_an_activity_alive(swf: Any, client: Any, clock: VirtualClock) -> None:
    execution = swf.start()
    swf.decide(swf.schedule(heartbeatTimeout="10", startToCloseTimeout="45"))
    clock.advance(1000)
    task = swf.poll_activity()
    assert task["startedEventId"], "the heartbeat's clock does not run before the start"
    token = task["taskToken"]
    for beat in range(4):
        clock.advance(9)
        client.record_activity_task_heartbeat(taskToken=token, details=f"beat {beat}")
    clock.advance(9)
    timed_out = swf.history(execution)[-2]
    assert attributes(timed_out) == {
        "timeoutType": "START_TO_CLOSE",
        "scheduledEventId": 5,
        "startedEventId": task["startedEventId"],
        "details": "beat 3",
    }


def test_deadlines_that_passed_fire_in_their_order(swf: Any, client: Any, clock: VirtualClock) -> None:
    execution = swf.start()
    began = clock.now()
    swf.decide(
        swf.timer("late", 50), swf.timer("early", 20), swf.schedule(scheduleToStartTimeout="30"), swf.timer("now", 0)
    )
    clock.advance(3600)
    events = swf.history(execution)[4:]
    fired = [(event["eventType"], event["eventTimestamp"].timestamp() - began) for event in events[4:]]
    assert fired == [
        ("TimerFired", 0),
        ("DecisionTaskScheduled", 0),
        ("TimerFired", 20),
        ("ActivityTaskTimedOut", 30),
        ("TimerFired", 50),
        ("WorkflowExecutionTimedOut", 3600),
    ]


def test_times_never_decrease(swf: Any, client: Any, clock: VirtualClock) -> None:
    """A deadline that is fired late, after younger events, bears their time."""
    execution = swf.start()
    swf.decide(swf.timer("a", 1), swf.timer("b", 2), swf.schedule(startToCloseTimeout="3"))
    task = swf.poll_activity()
    clock.advance(2.5)
    client.respond_activity_task_completed(taskToken=task["taskToken"])
    times = [event["eventTimestamp"] for event in swf.history(execution)]
    assert times == sorted(times)


def test_thirty_days_are_a_millisecond(swf: Any, clock: VirtualClock) -> None:
    execution = swf.start(executionStartToCloseTimeout="31536000")
    swf.decide(swf.timer(seconds=30 * 24 * 3600))
    clock.advance(30 * 24 * 3600)
    assert swf.poll_decision()["events"][-3]["eventType"] == "TimerFired"
    assert len(swf.types(execution)) == 8


def test_next_due(swf: Any, client: Any, clock: VirtualClock) -> None:
    assert client.next_due() is None
    swf.start()
    assert client.next_due() == clock.now() + 3600
    task = swf.poll_decision()
    assert client.next_due() == clock.now() + 30
    swf.respond(task, swf.timer(seconds=5), swf.schedule())
    assert client.next_due() == clock.now() + 5
    clock.set(client.next_due())
    assert swf.poll_decision()["startedEventId"]
