"""Histories, made up and recorded: how they are read, and that what the builder makes up can be."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from simpleflow import Workflow, activity
from simpleflow.protocol.events import EVENTS
from simpleflow.swf.exceptions import InconsistentStateError, TransitionError
from simpleflow.swf.models import ActivityType, Domain
from simpleflow.swf.models.history import History, builder

RECORDED = Path(__file__).parents[2] / "histories"


@activity.with_attributes(name="pkg.increment", version="2", task_list="quickstart", heartbeat_timeout=60)
def increment(x: int) -> int:
    return x + 1


class Sample(Workflow):
    name = "sample"
    version = "7"
    task_list = "deciders"
    execution_timeout = 600
    decision_tasks_timeout = 20


def sound(history: History) -> dict[Any, str]:
    """The states of the things in a history, which can be, and whose events have what they must have."""
    for event in history:
        row = EVENTS[event.name]
        assert set(row.required) <= set(event.attributes) <= {*row.required, *row.optional}, event.name
    return {thing.name or thing.opened: thing.state for thing in history.compile()}


@pytest.fixture
def history() -> builder.History:
    made = builder.History(Sample, input={"args": [1]}, tag_list=["a"])
    return made.add_activity_task(increment, result=2).add_decision_task_scheduled().add_decision_task_started()


def test_indexes_and_slices(history: builder.History) -> None:
    assert len(history) == 9 and history[0].id == 1 and history[-1] is history.last and history.first.id == 1
    part = history[4:7]
    assert isinstance(part, History) and [event.name for event in part] == [
        "ActivityTaskScheduled",
        "ActivityTaskStarted",
        "ActivityTaskCompleted",
    ]
    assert part[0].id == 5 and [event.id for event in history[::-4]] == [9, 5, 1]
    assert [event.id for event in history.latest(2)] == [8, 9] and history.latest(0) == []
    with pytest.raises(IndexError):
        history[99]
    with pytest.raises(TypeError, match="by number and by slice, not by 'x'"):
        history["x"]  # type: ignore[call-overload]


def test_iterations_do_not_disturb_each_other(history: builder.History) -> None:
    assert [(a.id, b.id) for a in islice(history, 2) for b in islice(history, 2)] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    for event in history:
        if event.id == 3:
            break
    assert [event.id for event in history] == [*range(1, 10)]
    one, other = iter(history), iter(history)
    assert (next(one).id, next(one).id, next(other).id) == (1, 2, 1)
    assert [event.id for event in history.reversed] == [event.id for event in reversed(history)] == [*range(9, 0, -1)]


def test_filter(history: builder.History) -> None:
    assert [event.id for event in history.filter(type="ActivityTask")] == [5, 6, 7]
    assert [event.id for event in history.filter(type="ActivityTask", state="completed")] == [7]
    assert [event.id for event in history.filter(activity_id="activity-pkg.increment-1")] == [5]
    assert len(history.filter(no_such=None)) == 0


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "CANCELED", "TERMINATED", "TIMED_OUT"])
def test_finished(history: builder.History, status: str) -> None:
    assert not history.finished
    history.add_workflow_closed(status, reason="why", details="how")
    assert history.finished and sound(history)[1] == status.lower()
    assert History(history.reversed).finished and not history[:-1].finished
    with pytest.raises(ValueError, match="nothing follows the close"):
        history.add_signal("late")


def test_finished_by_another_run(history: builder.History) -> None:
    continued = {
        "eventType": "WorkflowExecutionContinuedAsNew",
        "eventId": 10,
        "eventTimestamp": 0,
        "workflowExecutionContinuedAsNewEventAttributes": {},
    }
    assert History.from_event_list([*history.raw, continued]).finished


def test_empty() -> None:
    empty = History()
    assert len(empty) == 0 and not empty.finished and empty.compile() == () and list(empty.reversed) == []
    assert repr(empty) == "<History of 0 events>" and empty == History([]) and empty != []


def test_from_raw_events(history: builder.History) -> None:
    raw = history.raw
    assert History(raw=raw) == History.from_event_list(raw) == History(history.events) == history
    assert History.from_event_list(raw).raw == raw


def test_distinct_groups_by_what_events_are_about(history: builder.History) -> None:
    history.add_signal("s").add_activity_task(increment, last_state="started")
    groups = history.distinct
    assert [[event.id for event in group] for group in groups] == [[1, 10], [2, 3, 4], [5, 6, 7], [8, 9, 11], [12, 13]]


def test_parsed_is_the_one_reading_of_histories(history: builder.History) -> None:
    found = history.parsed.activities["activity-pkg.increment-1"]
    assert (found["state"], found["name"], found["result"]) == ("completed", "pkg.increment", "2")
    assert history.parsed is history.parsed
    history.add_timer_started("t", 3)
    assert history.parsed.timers["t"]["state"] == "started"


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.json")), ids=lambda path: path.stem)
def test_recorded_runs_compile(path: Path) -> None:
    found = json.loads(path.read_text(encoding="utf-8"))
    events = found["events"] if isinstance(found, dict) else found
    history = History.from_event_list(events)
    assert history.compile()[0].state == history.last.state and history.finished


# What cannot be. How much of it is found is in tests/property/test_compile.py.


def damaged(history: History, number: int, **attributes: Any) -> History:
    """A history whose event of this number has other attributes."""
    raw = [dict(event) for event in history.raw]
    member = EVENTS[raw[number - 1]["eventType"]].member
    raw[number - 1][member] = {**raw[number - 1][member], **attributes}
    return History.from_event_list(raw)


def test_damage_is_named(history: builder.History) -> None:
    with pytest.raises(TransitionError, match=r"^event 7 \(ActivityTaskCompleted\) names 5 as the start") as caught:
        damaged(history, 7, startedEventId=5).compile()
    assert caught.value.event is not None and caught.value.event.id == 7


@pytest.mark.parametrize(
    ("number", "attributes", "says"),
    [
        (6, {"scheduledEventId": 2}, "goes on with 2, which opened no such thing"),
        (5, {"decisionTaskCompletedEventId": 3}, "names 3, which is no decision before it"),
        (9, {"scheduledEventId": 2}, "goes on with event 2, and not with 8|cannot follow"),
    ],
)
def test_links_that_lead_nowhere(history: builder.History, number: int, attributes: Any, says: str) -> None:
    with pytest.raises(InconsistentStateError, match=says):
        damaged(history, number, **attributes).compile()


def test_decisions_of_another_time() -> None:
    made = builder.History().add_decision_task().add_decision_task().add_marker("m")
    assert made.last.decision_task_completed_event_id == 10
    with pytest.raises(InconsistentStateError, match=r"event 11 \(MarkerRecorded\) is of decision 7, after 10"):
        damaged(made, 11, decisionTaskCompletedEventId=7).compile()


def test_gaps_doubles_and_false_beginnings(history: builder.History) -> None:
    events = history.events
    for wrong, says in (
        ([*events[:4], *events[5:]], r"event 6 \(ActivityTaskStarted\) follows event 4"),
        ([*events[:5], events[4]], r"event 5 \(ActivityTaskScheduled\) follows event 5"),
    ):
        with pytest.raises(InconsistentStateError, match=says):
            History(wrong).compile()
    raw = {**history[1].raw, "eventId": 1}
    with pytest.raises(InconsistentStateError, match="is no beginning of a history"):
        History.from_event_list([raw]).compile()
    assert [thing.opened for thing in history[4:].compile()] == [5, 8], "a part may begin in the middle"


def test_two_decision_tasks_at_once(history: builder.History) -> None:
    scheduled = {**history[1].raw, "eventId": 10}
    again = {**history[2].raw, "eventId": 11}
    with pytest.raises(InconsistentStateError, match=r"event 11 .* comes while 9 is worked on"):
        History.from_event_list([*history.raw, scheduled, again]).compile()
    with pytest.raises(InconsistentStateError, match=r"event 11 .* comes while 10 waits"):
        History.from_event_list([*history.raw, scheduled, {**scheduled, "eventId": 11}]).compile()


def test_a_refusal_after_initiation_comes_once() -> None:
    made = builder.History().add_child_workflow(Sample, "start_initiated", "c")
    refusal = {
        "workflowId": "c",
        "workflowType": {"name": "sample", "version": "7"},
        "cause": "WORKFLOW_ALREADY_RUNNING",
        "initiatedEventId": 5,
        "decisionTaskCompletedEventId": 4,
    }
    kind = "StartChildWorkflowExecutionFailed"
    raw = {"eventId": 6, "eventTimestamp": 0, "eventType": kind, EVENTS[kind].member: refusal}
    assert [*sound(History.from_event_list([*made.raw, raw])).values()][-1] == "start_failed"
    with pytest.raises(TransitionError, match="event 7"):
        History.from_event_list([*made.raw, raw, {**raw, "eventId": 7}]).compile()


# The builder


def test_a_run_begins_with_a_decision_that_is_worked_on() -> None:
    made = builder.History(Sample, input={"args": [1]}, tag_list=["a"])
    names = ["WorkflowExecutionStarted", "DecisionTaskScheduled", "DecisionTaskStarted"]
    assert [event.name for event in made] == names
    started = made[0]
    assert (started.input, started.tag_list, started.task_list) == ({"args": [1]}, ["a"], {"name": "deciders"})
    assert (started.execution_start_to_close_timeout, started.task_start_to_close_timeout) == ("600", "20")
    assert started.workflow_type == {"name": "sample", "version": "7"} and made[2].identity == "test_decider"
    assert (made.last_id, made.next_id) == (3, 4) and sound(made) == {1: "started", 2: "started"}


def test_times_go_on_by_a_step() -> None:
    made = builder.History(step=2.5).add_signal("s")
    assert [(event.timestamp - builder.DEFAULT_START).total_seconds() for event in made] == [0, 2.5, 5, 7.5]
    assert builder.History().raw == builder.History().raw, "no clock is shared"


@pytest.mark.parametrize(
    "last_state", ["scheduled", "schedule_failed", "started", "completed", "failed", "timed_out", "canceled"]
)
def test_activities_in_every_state(last_state: str) -> None:
    made = builder.History(Sample).add_activity_task(increment, decision_id=3, last_state=last_state, result=[2])
    assert sound(made)["activity-pkg.increment-1"] == last_state
    if last_state == "completed":
        assert (made.last.result, made[-2].identity) == ("[2]", "test_worker")
    if last_state == "failed":
        assert (made.last.reason, made.last.details) == ("REASON", "DETAILS")


def test_an_activity_takes_what_its_type_says() -> None:
    made = builder.History(Sample).add_activity_task(increment, last_state="scheduled", input={"args": [1]}, control=3)
    scheduled = made.last
    assert scheduled.activity_type == {"name": "pkg.increment", "version": "2"} and scheduled.control == 3
    assert (scheduled.heartbeat_timeout, scheduled.start_to_close_timeout) == ("60", "NONE")
    assert scheduled.task_list == {"name": "quickstart"} and scheduled.input == {"args": [1]}
    type_ = ActivityType(Domain("D"), "other", "1", task_list="l", task_start_to_close_timeout=5)
    scheduled = made.add_activity_task(type_, last_state="scheduled").last
    assert (scheduled.start_to_close_timeout, scheduled.task_list) == ("5", {"name": "l"})


def test_an_activity_that_no_worker_took_times_out() -> None:
    made = builder.History().add_activity_task(increment, last_state="timed_out", timeout_type="SCHEDULE_TO_START")
    assert made.last.started_event_id == 0 and made[-2].name == "ActivityTaskScheduled"
    assert sound(made)["activity-pkg.increment-1"] == "timed_out"


def test_an_activity_tried_again() -> None:
    made = builder.History(Sample)
    for state in ("failed", "timed_out", "completed"):
        made.add_activity_task(increment, last_state=state, activity_id="a-1")
        made.add_decision_task_scheduled().add_decision_task_started()
    assert sound(made)["a-1"] == "completed" and made.parsed.activities["a-1"]["retry"] == 1


def test_an_activity_cancelled_before_its_start() -> None:
    made = builder.History().add_activity_task(increment, last_state="scheduled", activity_id="a-1")
    made.add_activity_task_cancel_requested("a-1").add_activity_task_canceled(5)
    assert sound(made)["a-1"] == "canceled"
    with pytest.raises(ValueError, match="the history has no activity 'b'"):
        made.add_activity_task_cancel_requested("b")


@pytest.mark.parametrize(
    "last_state",
    ["start_initiated", "start_failed", "started", "completed", "failed", "timed_out", "canceled", "terminated"],
)
def test_children_in_every_state(last_state: str) -> None:
    made = builder.History().add_child_workflow(Sample, last_state, result={"a": 1}, input={"args": []})
    assert sound(made)["workflow-sample-1"] == last_state
    assert made.parsed.child_workflows["workflow-sample-1"]["state"] == last_state


def test_what_else_happens() -> None:
    made = builder.History().add_timer_started("t", 3, control={"a": 1}).add_timer_fired("t")
    made.add_timer_started("u", 3).add_timer_canceled("u").add_marker("m", "details").add_signal("go", {"args": [1]})
    made.add_request_cancel().add_lambda_function("l", "function", result=1).add_external_signal("w", "go", "failed")
    made.add_external_signal("w", "go").add_external_cancel("w").add_external_cancel("w", "failed")
    states = [*sound(made).values()]
    assert states[:6] == ["started", "completed", "fired", "canceled", "recorded", "completed"]
    assert states[6:] == [
        "signal_execution_failed",
        "execution_signaled",
        "execution_cancel_requested",
        "request_cancel_execution_failed",
    ]
    for wrong in (made.add_timer_fired, made.add_timer_canceled):
        with pytest.raises(ValueError, match="the history has no timer 'v'"):
            wrong("v")


def test_decision_tasks() -> None:
    made = builder.History().add_decision_task(execution_context={"waiting": ["s"]})
    whole = ["scheduled", "started", "completed"]
    assert [event.state for event in made] == ["started", *whole, *whole]
    assert made.last.execution_context == '{"waiting":["s"]}'
    made.add_decision_task_scheduled().add_decision_task_scheduled().add_decision_task_started()
    made.add_decision_task_timed_out().add_marker("m")
    assert made.last.decision_task_completed_event_id == 7 and sound(made)[8] == "timed_out"
    with pytest.raises(ValueError, match="no decision task is worked on"):
        made.add_decision_task_completed()
    made.add_decision_task_started()
    with pytest.raises(ValueError, match="a decision task is worked on since event 13"):
        made.add_decision_task_started()
    with pytest.raises(ValueError, match=r"the decision task that is worked on is \(12, 13\), not \(2, None\)"):
        made.add_decision_task_completed(scheduled=2)


@pytest.mark.parametrize("add", ["add_activity_task", "add_child_workflow", "add_lambda_function"])
def test_states_that_there_are_not(add: str) -> None:
    arguments = ("id", "name") if add == "add_lambda_function" else (increment,)
    with pytest.raises(ValueError, match="'flying' is no such state: there are "):
        getattr(builder.History(), add)(*arguments, last_state="flying")
