"""Timeouts: their events at the instant of expiry, in the order of their deadlines."""

from __future__ import annotations

from typing import Any

import pytest

from simpleflow.protocol.history import attributes
from simpleflow.testing.contract.checked import Checked
from simpleflow.testing.contract.swf import NO_ACTIVITY, Execution, Refused, Swf
from simpleflow.testing.contract.target import needs

MEMBERS = {
    "SCHEDULE_TO_START": "scheduleToStartTimeout",
    "SCHEDULE_TO_CLOSE": "scheduleToCloseTimeout",
    "START_TO_CLOSE": "startToCloseTimeout",
    "HEARTBEAT": "heartbeatTimeout",
}


def times(swf: Swf, execution: Execution) -> list[tuple[str, float]]:
    """The types of all events, and how many seconds after the start each happened."""
    events = swf.history(execution)
    began = events[0]["eventTimestamp"]
    return [(event["eventType"], (event["eventTimestamp"] - began).total_seconds()) for event in events]


def test_an_execution_times_out(swf: Swf) -> None:
    execution = swf.start(executionStartToCloseTimeout="1")
    swf.wait(1)
    expected = {"timeoutType": "START_TO_CLOSE", "childPolicy": "TERMINATE"}
    assert swf.last(execution) == ("WorkflowExecutionTimedOut", expected)
    assert swf.describe(execution)["executionInfo"]["closeStatus"] == "TIMED_OUT"


def test_a_decision_task_times_out(swf: Swf) -> None:
    execution = swf.start(taskStartToCloseTimeout="1")
    swf.poll_decision()
    swf.wait(1)
    timed_out, scheduled = swf.history(execution)[3:]
    assert [timed_out["eventType"], scheduled["eventType"]] == ["DecisionTaskTimedOut", "DecisionTaskScheduled"]
    assert attributes(timed_out) == {"timeoutType": "START_TO_CLOSE", "scheduledEventId": 2, "startedEventId": 3}
    assert swf.poll_decision()["startedEventId"] == 6


def test_a_decision_task_that_timed_out_is_unknown(swf: Swf, refused: Refused) -> None:
    swf.start(taskStartToCloseTimeout="1")
    task = swf.poll_decision()
    swf.wait(1)
    words = refused("UnknownResourceFault", "respond_decision_task_completed", taskToken=task["taskToken"])
    assert words == "Unknown decision task, scheduledEventId = 2"


@pytest.mark.parametrize("kind", ["START_TO_CLOSE", "HEARTBEAT"])
def test_an_activity_times_out(swf: Swf, kind: str) -> None:
    execution = swf.start()
    swf.decide(swf.schedule(**{MEMBERS[kind]: "1"}))
    swf.poll_activity()
    swf.wait(1)
    timed_out, scheduled = swf.history(execution)[-2:]
    assert [timed_out["eventType"], scheduled["eventType"]] == ["ActivityTaskTimedOut", "DecisionTaskScheduled"]
    assert attributes(timed_out) == {"timeoutType": kind, "scheduledEventId": 5, "startedEventId": 6}


def test_what_timed_out_is_not_open(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(swf.schedule(heartbeatTimeout="1"))
    swf.poll_activity()
    swf.wait(1)
    assert swf.describe(execution)["openCounts"]["openActivityTasks"] == 0


@needs("clock", "short-polls")
def test_execution(swf: Swf) -> None:
    execution = swf.start(executionStartToCloseTimeout="100")
    swf.decide(swf.schedule(), swf.timer(seconds=200))
    swf.advance(500)
    assert times(swf, execution)[-1] == ("WorkflowExecutionTimedOut", 100)
    info = swf.describe(execution)["executionInfo"]
    assert info["closeTimestamp"] == swf.history(execution)[-1]["eventTimestamp"]
    assert "taskToken" not in swf.poll_activity()


@needs("clock")
def test_decision(swf: Swf) -> None:
    execution = swf.start()
    swf.poll_decision()
    swf.advance(29.9)
    assert swf.types(execution)[-1] == "DecisionTaskStarted"
    swf.advance(70)
    assert times(swf, execution)[3:] == [("DecisionTaskTimedOut", 30), ("DecisionTaskScheduled", 30)]
    assert swf.poll_decision()["previousStartedEventId"] == 0, "a task that timed out was not processed"


@needs("clock")
def test_decision_with_another_one_queued(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(swf.timer("t-1", 1), swf.timer("t-2", 2))
    swf.advance(1)
    swf.poll_decision()
    swf.advance(1)
    assert swf.types(execution)[-2:] == ["TimerFired", "DecisionTaskScheduled"]
    swf.advance(30)
    assert swf.types(execution)[-1] == "DecisionTaskTimedOut", "the queued task is not scheduled a second time"
    assert swf.poll_decision()["startedEventId"]


@needs("clock")
def test_decision_without_limit(swf: Swf) -> None:
    execution = swf.start(taskStartToCloseTimeout="NONE")
    task = swf.poll_decision()
    swf.advance(3000)
    swf.respond(task)
    assert swf.types(execution)[-1] == "DecisionTaskCompleted"


@needs("clock", "short-polls")
@pytest.mark.parametrize("kind", MEMBERS)
def test_activity(swf: Swf, client: Checked, refused: Refused, kind: str) -> None:
    execution = swf.start()
    swf.decide(swf.schedule(**(dict.fromkeys(MEMBERS.values(), "NONE") | {MEMBERS[kind]: "10"})))
    swf.advance(5)
    token, expected = None, {"timeoutType": kind, "scheduledEventId": 5, "startedEventId": 0}
    if kind != "SCHEDULE_TO_START":
        task = swf.poll_activity()
        token, expected["startedEventId"], expected["details"] = task["taskToken"], task["startedEventId"], "half"
        client.record_activity_task_heartbeat(taskToken=token, details="half")
        client.record_activity_task_heartbeat(taskToken=token)
    swf.advance(100)
    assert swf.poll_activity() == NO_ACTIVITY
    expired = 15 if kind in ("START_TO_CLOSE", "HEARTBEAT") else 10
    assert times(swf, execution)[-2:] == [("ActivityTaskTimedOut", expired), ("DecisionTaskScheduled", expired)]
    assert attributes(swf.history(execution)[-2]) == expected
    if token:
        for method in ("respond_activity_task_completed", "record_activity_task_heartbeat"):
            words = refused("UnknownResourceFault", method, taskToken=token)
            assert words == "Unknown activity, scheduledEventId = 5"


@needs("clock")
def test_schedule_to_close_while_not_started(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(swf.schedule(scheduleToCloseTimeout="10", scheduleToStartTimeout="10"))
    swf.advance(10)
    timed_out = swf.history(execution)[-2]
    assert attributes(timed_out) == {"timeoutType": "SCHEDULE_TO_CLOSE", "scheduledEventId": 5, "startedEventId": 0}


@needs("clock")
def test_heartbeats_keep_an_activity_alive(swf: Swf, client: Checked) -> None:
    execution = swf.start()
    swf.decide(swf.schedule(heartbeatTimeout="10", startToCloseTimeout="45"))
    swf.advance(1000)
    task = swf.poll_activity()
    assert task["startedEventId"], "the heartbeat's clock does not run before the start"
    token = task["taskToken"]
    for beat in range(4):
        swf.advance(9)
        client.record_activity_task_heartbeat(taskToken=token, details=f"beat {beat}")
    swf.advance(9)
    timed_out = swf.history(execution)[-2]
    assert attributes(timed_out) == {
        "timeoutType": "START_TO_CLOSE",
        "scheduledEventId": 5,
        "startedEventId": task["startedEventId"],
        "details": "beat 3",
    }


@needs("clock")
def test_deadlines_that_passed_fire_in_their_order(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(
        swf.timer("late", 50), swf.timer("early", 20), swf.schedule(scheduleToStartTimeout="30"), swf.timer("now", 0)
    )
    swf.advance(3600)
    assert times(swf, execution)[8:] == [
        ("TimerFired", 0),
        ("DecisionTaskScheduled", 0),
        ("TimerFired", 20),
        ("ActivityTaskTimedOut", 30),
        ("TimerFired", 50),
        ("WorkflowExecutionTimedOut", 3600),
    ]


@needs("clock")
def test_times_never_decrease(swf: Swf) -> None:
    """A deadline that is fired late, after younger events, bears their time."""
    execution = swf.start()
    swf.decide(swf.timer("a", 1), swf.timer("b", 2), swf.schedule(startToCloseTimeout="3"))
    task = swf.poll_activity()
    swf.advance(2.5)
    swf.complete(task)
    passed = [seconds for _, seconds in times(swf, execution)]
    assert passed == sorted(passed)


@needs("clock")
def test_thirty_days_are_a_millisecond(swf: Swf) -> None:
    execution = swf.start(executionStartToCloseTimeout="31536000")
    swf.decide(swf.timer(seconds=30 * 24 * 3600))
    swf.advance(30 * 24 * 3600)
    assert swf.poll_decision()["events"][-3]["eventType"] == "TimerFired"
    assert len(swf.types(execution)) == 8


@needs("clock", "short-polls")
def test_sticky_list(swf: Swf) -> None:
    execution = swf.start()
    own = {"name": "own"}
    swf.decide(swf.timer(seconds=1), taskList=own, taskListScheduleToStartTimeout="10")
    completed = attributes(swf.history(execution)[3])
    assert (completed["taskList"], completed["taskListScheduleToStartTimeout"]) == (own, "10")
    swf.advance(1)
    assert swf.poll_decision()["startedEventId"] == 0
    scheduled = {"taskList": own, "startToCloseTimeout": "30", "scheduleToStartTimeout": "10"}
    assert swf.last(execution) == ("DecisionTaskScheduled", scheduled)
    swf.advance(10)
    task = swf.poll_decision()
    assert task["startedEventId"], "the task falls back to the original list"
    events = swf.history(execution)[-3:]
    assert attributes(events[0]) == {"timeoutType": "SCHEDULE_TO_START", "scheduledEventId": 7, "startedEventId": 0}
    assert attributes(events[1])["taskList"] == {"name": "deciders"}
    assert attributes(events[1])["scheduleToStartTimeout"] == "NONE"
    swf.respond(task, swf.timer(seconds=1), taskList=own)
    swf.advance(100)
    assert swf.poll_decision(taskList=own)["startedEventId"], "without a timeout the list stays"


def test_a_list_of_the_decider_s_own(swf: Swf) -> None:
    execution = swf.start()
    own: dict[str, Any] = {"taskList": {"name": "own"}, "taskListScheduleToStartTimeout": "10"}
    swf.decide(swf.schedule(), **own)
    swf.complete(swf.poll_activity())
    assert swf.last(execution)[1]["taskList"] == {"name": "own"}
    assert swf.poll_decision(taskList={"name": "own"})["startedEventId"] == 9


@needs("clock")
def test_sticky_list_is_dropped_when_its_decider_is_slow(swf: Swf) -> None:
    execution = swf.start()
    own = {"name": "own"}
    swf.decide(swf.timer(seconds=1), taskList=own, taskListScheduleToStartTimeout="10")
    swf.advance(1)
    assert swf.poll_decision(taskList=own)["startedEventId"]
    swf.advance(30)
    assert swf.poll_decision()["startedEventId"]
    assert swf.types(execution)[-3:] == ["DecisionTaskTimedOut", "DecisionTaskScheduled", "DecisionTaskStarted"]
