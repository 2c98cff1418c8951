"""The state machines, as tables: a state, what happens, and the events and rows that come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from simpleflow.engine import transitions
from simpleflow.engine.decisions import HANDLERS, complete_decision
from simpleflow.engine.rounds import View
from simpleflow.engine.rows import LAST, Message, OpenExecution, Task, TaskKind, Timeout, Type, key_of
from simpleflow.engine.transitions import Turn
from simpleflow.protocol.decisions import DECISIONS
from simpleflow.protocol.events import EVENTS
from simpleflow.protocol.limits import Limits

NOW = 1_000_000
RUN = OpenExecution(
    id=3,
    domain=1,
    child_policy="TERMINATE",
    original_list="l",
    task_list="l",
    sticky="NONE",
    task_timeout="30",
    task_priority=None,
    expires=NOW + 3_600_000,
    due=NOW + 3_600_000,
)
ACTIVITY = Task(key_of(3, 5), TaskKind.ACTIVITY, "a-1", 1, started=6)
TIMER = Task(key_of(3, 7), TaskKind.TIMER, "t-1", 1, due=NOW, timeout=Timeout.FIRE)
TYPE = Type(
    True,
    {
        "defaultTaskList": {"name": "w"},
        "defaultTaskScheduleToStartTimeout": "NONE",
        "defaultTaskScheduleToCloseTimeout": "NONE",
        "defaultTaskStartToCloseTimeout": "10",
        "defaultTaskHeartbeatTimeout": "NONE",
    },
)


def turn(last_id: int = 10, limits: Limits | None = None, **run: Any) -> Turn:
    return Turn(replace(RUN, **run), NOW, last_id, limits or Limits())


def kinds(done: Turn) -> list[str]:
    return [event.type for event in done.events]


def decided(done: Turn, *decisions: dict[str, Any], view: View | None = None, **given: Any) -> Turn:
    complete_decision(done, given, decisions, view or View())
    return done


def decision(kind: str, **given: Any) -> dict[str, Any]:
    return {"decisionType": kind, DECISIONS[kind].member: given}


@pytest.mark.parametrize(
    ("run", "events", "arrival"),
    [
        ({}, ["DecisionTaskScheduled"], LAST),
        ({"queued": 9, "arrival": 4}, [], 4),
        ({"scheduled": 8, "started": 9}, ["DecisionTaskScheduled"], None),
        ({"scheduled": 8, "started": 9, "queued": 10}, [], None),
    ],
    ids=["idle", "queued", "started", "both"],
)
def test_need_decision(run: dict[str, Any], events: list[str], arrival: int | None) -> None:
    done = turn(**run)
    transitions.need_decision(done)
    assert kinds(done) == events
    assert done.run.arrival == arrival
    assert done.run.queued


def test_need_decision_after_the_close() -> None:
    done = turn()
    transitions.terminate(done, None, None, None)
    transitions.need_decision(done)
    assert kinds(done) == ["WorkflowExecutionTerminated"]


def test_start_decision() -> None:
    done = turn(queued=9, arrival=4)
    transitions.start_decision(done, None)
    run = done.run
    assert (run.queued, run.scheduled, run.started, run.arrival) == (0, 9, 11, None)
    assert run.due == NOW + 30_000


@pytest.mark.parametrize(
    ("timeouts", "due", "timeout"),
    [
        ({}, None, None),
        ({"startToCloseTimeout": "10"}, NOW + 10_000, Timeout.START_TO_CLOSE),
        ({"scheduleToCloseTimeout": "10"}, NOW + 5_000, Timeout.SCHEDULE_TO_CLOSE),
        ({"heartbeatTimeout": "3", "startToCloseTimeout": "10"}, NOW + 3_000, Timeout.HEARTBEAT),
        ({"heartbeatTimeout": "10", "startToCloseTimeout": "10"}, NOW + 10_000, Timeout.START_TO_CLOSE),
        ({"scheduleToCloseTimeout": "15", "startToCloseTimeout": "10"}, NOW + 10_000, Timeout.SCHEDULE_TO_CLOSE),
        ({"heartbeatTimeout": "NONE", "startToCloseTimeout": "NONE"}, None, None),
    ],
)
def test_deadlines_of_a_started_activity(timeouts: dict[str, str], due: int | None, timeout: Timeout | None) -> None:
    """Scheduled five seconds ago; of equal deadlines the one of the lower rank counts."""
    task = transitions.start_activity(turn(), ACTIVITY._replace(started=0), timeouts, NOW - 5_000, "me")
    assert (task.due, task.timeout, task.started) == (due, timeout, 11)


def test_a_heartbeat_moves_its_own_deadline_only() -> None:
    close = {"close_due": NOW + 12_000, "close_timeout": Timeout.START_TO_CLOSE}
    task = ACTIVITY._replace(heartbeat=10, **close)
    beat = transitions.record_heartbeat(task, NOW + 1_000, "d")
    assert (beat.due, beat.timeout, beat.details) == (NOW + 11_000, Timeout.HEARTBEAT, "d")
    beat = transitions.record_heartbeat(task, NOW + 2_000, "d")
    assert (beat.due, beat.timeout) == (NOW + 12_000, Timeout.START_TO_CLOSE)


@pytest.mark.parametrize(
    ("do", "events", "closed"),
    [
        (lambda t: transitions.expire_task(t, TIMER), ["TimerFired", "DecisionTaskScheduled"], [TIMER.key]),
        (
            lambda t: transitions.expire_task(t, ACTIVITY._replace(timeout=Timeout.HEARTBEAT)),
            ["ActivityTaskTimedOut", "DecisionTaskScheduled"],
            [ACTIVITY.key],
        ),
        (
            lambda t: transitions.finish_activity(t, ACTIVITY, "ActivityTaskCompleted", {}),
            ["ActivityTaskCompleted", "DecisionTaskScheduled"],
            [ACTIVITY.key],
        ),
        (lambda t: transitions.terminate(t, "r", None, None), ["WorkflowExecutionTerminated"], []),
    ],
)
def test_what_happens(do: Callable[[Turn], None], events: list[str], closed: list[int]) -> None:
    done = turn()
    do(done)
    assert (kinds(done), done.closed) == (events, closed)


@pytest.mark.parametrize(
    ("run", "due", "events"),
    [
        ({}, RUN.expires, ["WorkflowExecutionTimedOut"]),
        ({"queued": 8, "scheduled": 6, "started": 7}, RUN.expires, ["WorkflowExecutionTimedOut"]),
        ({"scheduled": 6, "started": 7}, NOW, ["DecisionTaskTimedOut", "DecisionTaskScheduled"]),
        ({"queued": 8, "scheduled": 6, "started": 7}, NOW, ["DecisionTaskTimedOut"]),
        ({"queued": 8, "sticky": "5", "task_list": "own"}, NOW, ["DecisionTaskTimedOut", "DecisionTaskScheduled"]),
    ],
)
def test_expire_execution(run: dict[str, Any], due: int, events: list[str]) -> None:
    done = turn(**run, due=due)
    transitions.expire_execution(done)
    assert kinds(done) == events
    if done.status is None:
        assert (done.run.task_list, done.run.sticky) == ("l", "NONE")
        assert done.run.queued and done.run.arrival == LAST and done.run.due == RUN.expires


def test_the_last_event_is_the_termination() -> None:
    limits = Limits(events=12)
    done = turn(10, limits)
    transitions.finish_activity(done, ACTIVITY, "ActivityTaskCompleted", {})
    assert kinds(done) == ["ActivityTaskCompleted", "WorkflowExecutionTerminated"]
    assert done.status == "TERMINATED"
    assert done.events[-1].attributes == {"childPolicy": "TERMINATE", "cause": "EVENT_LIMIT_EXCEEDED"}
    assert done.last_id == 12


def test_a_close_may_be_the_last_event() -> None:
    done = decided(turn(10, Limits(events=12), started=9, scheduled=8), {"decisionType": "CompleteWorkflowExecution"})
    assert kinds(done) == ["DecisionTaskCompleted", "WorkflowExecutionCompleted"]


def test_nothing_opens_after_the_quota() -> None:
    view = View(types={("a", "1"): TYPE})
    scheduling = [
        decision("ScheduleActivityTask", activityType={"name": "a", "version": "1"}, activityId=str(number))
        for number in range(5)
    ]
    done = decided(turn(10, Limits(events=14), started=9, scheduled=8), *scheduling, view=view)
    assert kinds(done)[-2:] == ["ActivityTaskScheduled", "WorkflowExecutionTerminated"] and done.last_id == 14
    assert len(done.opened) == 2


SCHEDULE = decision("ScheduleActivityTask", activityType={"name": "a", "version": "1"}, activityId="a-1")
TIMER_STARTS = decision("StartTimer", timerId="t-1", startToFireTimeout="1")
CLOSING = [{"decisionType": kind} for kind, row in DECISIONS.items() if row.closes and kind in HANDLERS]


@pytest.mark.parametrize(
    ("wanted", "cause", "view", "run"),
    [
        (SCHEDULE, "ACTIVITY_TYPE_DOES_NOT_EXIST", View(), {}),
        (SCHEDULE, "ACTIVITY_TYPE_DEPRECATED", View(types={("a", "1"): Type(False, {})}), {}),
        (
            SCHEDULE,
            "ACTIVITY_ID_ALREADY_IN_USE",
            View(types={("a", "1"): TYPE}, tasks={(TaskKind.ACTIVITY, "a-1"): ACTIVITY}),
            {},
        ),
        (SCHEDULE, "OPEN_ACTIVITIES_LIMIT_EXCEEDED", View(types={("a", "1"): TYPE}, open={1: 1000}), {}),
        (SCHEDULE, "DEFAULT_TASK_LIST_UNDEFINED", View(types={("a", "1"): Type(True, {})}), {}),
        (decision("RequestCancelActivityTask", activityId="x"), "ACTIVITY_ID_UNKNOWN", View(), {}),
        (TIMER_STARTS, "TIMER_ID_ALREADY_IN_USE", View(tasks={(TaskKind.TIMER, "t-1"): TIMER}), {}),
        (TIMER_STARTS, "OPEN_TIMERS_LIMIT_EXCEEDED", View(open={2: 1000}), {}),
        (decision("CancelTimer", timerId="x"), "TIMER_ID_UNKNOWN", View(), {}),
        *((closing, "UNHANDLED_DECISION", View(), {"queued": 10}) for closing in CLOSING),
    ],
)
def test_failures(wanted: dict[str, Any], cause: str, view: View, run: dict[str, Any]) -> None:
    row = DECISIONS[wanted["decisionType"]]
    done = decided(turn(started=9, scheduled=8, **run), wanted, view=view)
    assert kinds(done)[:2] == ["DecisionTaskCompleted", row.failure]
    assert done.events[1].attributes["cause"] == cause and cause in row.causes
    assert done.status is None and done.run.queued and done.run.arrival == LAST


def test_every_event_has_the_attributes_of_the_table() -> None:
    view = View(types={("a", "1"): TYPE})
    cancel = decision("RequestCancelActivityTask", activityId="a-1")
    marker = decision("RecordMarker", markerName="m")
    decisions = [SCHEDULE, SCHEDULE, cancel, cancel, TIMER_STARTS, TIMER_STARTS, marker, CLOSING[0]]
    done = decided(turn(started=9, scheduled=8), *decisions, view=view, executionContext="c", taskList={"name": "x"})
    transitions.expire_execution(other := turn(scheduled=6, started=7, due=NOW))
    transitions.expire_task(other, ACTIVITY._replace(timeout=Timeout.HEARTBEAT, details="d"))
    for event in (*done.events, *other.events):
        row = EVENTS[event.type]
        assert set(row.required) <= set(event.attributes) <= {*row.required, *row.optional}, event


WORKFLOW = Type(
    True,
    {
        "defaultTaskList": {"name": "l"},
        "defaultExecutionStartToCloseTimeout": "60",
        "defaultTaskStartToCloseTimeout": "NONE",
        "defaultChildPolicy": "ABANDON",
    },
)
CHILD = decision("StartChildWorkflowExecution", workflowId="c", workflowType={"name": "w", "version": "1"})
LAMBDA = decision("ScheduleLambdaFunction", id="l", name="f")
EXTERNAL = decision("SignalExternalWorkflowExecution", workflowId="x", signalName="s")


def seen(**given: Any) -> View:
    return View(workflow_types={("w", "1"): WORKFLOW}, workflow_type=("w", "1"), room=5, next_run="next", **given)


def test_every_decision_is_carried_out() -> None:
    assert set(HANDLERS) == set(DECISIONS)


@pytest.mark.parametrize(
    ("wanted", "view", "event", "message", "kind"),
    [
        (CHILD, {}, "StartChildWorkflowExecutionInitiated", Message.START, TaskKind.CHILD),
        (EXTERNAL, {}, "SignalExternalWorkflowExecutionInitiated", Message.SIGNAL, None),
        (
            decision("RequestCancelExternalWorkflowExecution", workflowId="x"),
            {},
            "RequestCancelExternalWorkflowExecutionInitiated",
            Message.CANCEL,
            None,
        ),
        (LAMBDA, {"lambda_role": False}, "LambdaFunctionScheduled", Message.NO_ROLE, TaskKind.LAMBDA),
        (LAMBDA, {}, "LambdaFunctionScheduled", None, TaskKind.LAMBDA),
    ],
)
def test_what_reaches_beyond(
    wanted: dict[str, Any], view: dict[str, Any], event: str, message: Message | None, kind: TaskKind | None
) -> None:
    """The event sends a message, and nothing else happens in this transaction."""
    done = decided(turn(started=9, scheduled=8), wanted, view=seen(**view))
    assert kinds(done) == ["DecisionTaskCompleted", event]
    assert done.messages == ([(key_of(3, 12), message)] if message else [])
    assert [task.kind for task in done.opened.values()] == ([kind] if kind else [])
    if wanted is LAMBDA:
        assert next(iter(done.opened.values())).arrival == (None if message else LAST)


def test_a_run_goes_on() -> None:
    done = decided(turn(started=9, scheduled=8), {"decisionType": "ContinueAsNewWorkflowExecution"}, view=seen())
    assert (kinds(done)[-1], done.status) == ("WorkflowExecutionContinuedAsNew", "CONTINUED_AS_NEW")
    assert done.continued == {
        "workflowType": {"name": "w", "version": "1"},
        "executionStartToCloseTimeout": "60",
        "taskList": {"name": "l"},
        "taskStartToCloseTimeout": "NONE",
        "childPolicy": "ABANDON",
    }
    assert done.events[-1].attributes["newExecutionRunId"] == "next" and done.child_policy is None


@pytest.mark.parametrize(
    ("do", "policy"),
    [
        (lambda t: transitions.terminate(t, None, None, "REQUEST_CANCEL"), "REQUEST_CANCEL"),
        (transitions.terminate_child, "TERMINATE"),
        (transitions.expire_execution, "TERMINATE"),
    ],
)
def test_closes_that_apply_the_child_policy(do: Callable[[Turn], None], policy: str) -> None:
    done = turn(due=RUN.expires)
    do(done)
    assert done.child_policy == policy


def test_nothing_is_told_after_the_quota() -> None:
    done = decided(turn(10, Limits(events=12), started=9, scheduled=8), CHILD, EXTERNAL, view=seen())
    assert kinds(done) == ["DecisionTaskCompleted", "WorkflowExecutionTerminated"]
    assert done.messages == [] and done.opened == {} and done.continued is None


def test_children_of_one_response_share_the_room() -> None:
    view = seen()
    view.room = 2
    done = decided(turn(started=9, scheduled=8), CHILD, CHILD, CHILD, view=view)
    assert kinds(done)[1:4] == ["StartChildWorkflowExecutionInitiated"] * 2 + ["StartChildWorkflowExecutionFailed"]
    failed = done.events[3].attributes
    assert (failed["cause"], failed["initiatedEventId"]) == ("OPEN_WORKFLOWS_LIMIT_EXCEEDED", 0)


def test_lambda_deadlines() -> None:
    task = Task(key_of(3, 5), TaskKind.LAMBDA, "l", 1)
    done = turn()
    task = transitions.start_lambda(done, task, 10)
    assert (task.due, task.timeout, task.started) == (NOW + 10_000, Timeout.START_TO_CLOSE, 11)
    transitions.expire_task(done, task)
    assert kinds(done) == ["LambdaFunctionStarted", "LambdaFunctionTimedOut", "DecisionTaskScheduled"]
