"""Events: their states, their attributes, and what may follow what."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_type_hints

import pytest

from simpleflow.protocol.events import CLOSING_EVENTS, EVENTS
from simpleflow.swf.exceptions import InconsistentStateError, TransitionError
from simpleflow.swf.models.event import CompiledEvent, CompiledEventFactory, Event, EventFactory
from simpleflow.swf.models.event.base import ATTRIBUTES, CLASSES
from simpleflow.swf.models.event.states import MACHINES, STATES


def event(number: int, name: str, /, **attributes: Any) -> Event:
    member = EVENTS[name].member if name in EVENTS else "attributes"
    return EventFactory({"eventId": number, "eventTimestamp": 1.5, "eventType": name, member: attributes})


def states(type_: str) -> set[str]:
    return {state for kind, state in STATES.values() if kind == type_}


@pytest.mark.parametrize(
    ("type_", "names"),
    [
        (
            "WorkflowExecution",
            "started signaled cancel_requested completed complete_failed failed fail_failed timed_out canceled "
            "cancel_failed continued_as_new continue_as_new_failed terminated",
        ),
        ("DecisionTask", "scheduled started completed timed_out"),
        (
            "ActivityTask",
            "scheduled schedule_failed started completed failed timed_out canceled cancel_requested "
            "request_cancel_failed",
        ),
        ("Marker", "recorded record_failed"),
        ("Timer", "started start_failed fired canceled cancel_failed"),
        (
            "ChildWorkflowExecution",
            "start_initiated start_failed started completed failed timed_out canceled terminated",
        ),
        (
            "ExternalWorkflowExecution",
            "signal_execution_initiated signal_execution_failed execution_signaled request_cancel_execution_initiated "
            "request_cancel_execution_failed execution_cancel_requested",
        ),
        ("LambdaFunction", "scheduled schedule_failed started start_failed completed failed timed_out"),
    ],
)
def test_states_are_those_that_users_know(type_: str, names: str) -> None:
    assert states(type_) == set(names.split())


def test_every_type_of_event_has_a_state_and_a_machine() -> None:
    assert set(STATES) == set(EVENTS) and set(MACHINES) == set(CLASSES)
    for type_, machine in MACHINES.items():
        known = states(type_)
        assert machine.first <= known and machine.passing <= known
        assert set().union(*machine.following.values()) <= known
        reached = machine.first | set().union(*machine.following.values())
        assert reached == known, "every state can come"
        assert set(machine.following) | machine.passing == known, "every state says what may follow it"
        assert machine.first <= set(machine.following)


def test_what_closes_a_run_is_followed_by_nothing() -> None:
    following = MACHINES["WorkflowExecution"].following
    closed = {STATES[name][1] for name in CLOSING_EVENTS}
    assert {state for state, after in following.items() if not after} == closed


@pytest.mark.parametrize(
    ("type_", "state", "after"),
    [
        ("ActivityTask", "scheduled", "started timed_out cancel_requested schedule_failed request_cancel_failed"),
        (
            "ActivityTask",
            "started",
            "completed failed timed_out canceled cancel_requested schedule_failed request_cancel_failed",
        ),
        ("ActivityTask", "failed", "scheduled schedule_failed request_cancel_failed"),
        ("ChildWorkflowExecution", "started", "completed failed timed_out canceled terminated"),
        ("Timer", "started", "fired canceled start_failed cancel_failed"),
        ("DecisionTask", "started", "completed timed_out"),
        ("LambdaFunction", "scheduled", "started start_failed schedule_failed"),
        ("ExternalWorkflowExecution", "signal_execution_initiated", "execution_signaled signal_execution_failed"),
    ],
)
def test_what_may_follow(type_: str, state: str, after: str) -> None:
    assert MACHINES[type_].following[state] == set(after.split())


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_attributes_of_every_type(name: str) -> None:
    row = EVENTS[name]
    made = event(7, name, **{attribute: f"of {attribute}" for attribute in row.required})
    assert (made.id, made.name, (made.type, made.state)) == (7, name, STATES[name])
    assert type(made) is CLASSES[made.type]
    for attribute, on_wire in ATTRIBUTES[name].items():
        expected = f"of {on_wire}" if on_wire in row.required else None
        assert getattr(made, attribute) == expected, "an optional one that is not there is None"
        assert attribute in dir(made)
    with pytest.raises(AttributeError, match=f"{name} has no attribute no_such"):
        _ = made.no_such
    assert repr(made) == f"<Event 7 {made.type} : {made.state} >"


@pytest.mark.parametrize("type_", sorted(CLASSES))
def test_attributes_are_declared_for_type_checkers(type_: str) -> None:
    names = [name for name, (kind, _) in STATES.items() if kind == type_]
    declared = set(CLASSES[type_].__annotations__)
    assert declared == {key for name in names for key in ATTRIBUTES[name]} - {"input", "control"}
    hints = get_type_hints(CLASSES[type_])
    for key in declared:
        required = all(ATTRIBUTES[name][key] in EVENTS[name].required for name in names if key in ATTRIBUTES[name])
        assert (hints[key] == (hints[key] | None)) != required, f"{key} may be None unless it is required"


def test_names_belong_to_events_and_not_to_their_class() -> None:
    first, second = event(1, "TimerFired"), event(2, "TimerStarted")
    assert (first.name, second.name) == ("TimerFired", "TimerStarted")


def test_an_event_is_a_frozen_value() -> None:
    made = event(1, "TimerFired", timerId="t")
    assert made == event(1, "TimerFired", timerId="t") and hash(made) == hash(event(1, "TimerFired", timerId="u"))
    assert made != event(1, "TimerFired", timerId="u")
    with pytest.raises(AttributeError):
        made.state = "started"  # type: ignore[misc]


def test_an_event_can_be_sent() -> None:
    made = event(1, "TimerFired", timerId="t")
    assert pickle.loads(pickle.dumps(made)) == copy.deepcopy(made) == made and type(copy.copy(made)) is type(made)
    error = pickle.loads(pickle.dumps(TransitionError("event 1 cannot follow", made)))
    assert (type(error), error.event, str(error)) == (TransitionError, made, "event 1 cannot follow")


def test_input_and_control_are_decoded() -> None:
    made = event(5, "ActivityTaskScheduled", input='{"args":[1]}', control="plain")
    assert (made.input, made.control) == ({"args": [1]}, "plain")
    assert (event(6, "ActivityTaskCompleted", result="[1]").result, made.raw["eventId"]) == ("[1]", 5)
    assert event(6, "TimerFired").input is None


def test_timestamps_are_in_utc() -> None:
    assert event(1, "TimerFired").timestamp == datetime(1970, 1, 1, 0, 0, 1, 500000, UTC)
    local = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    raw = {"eventId": 1, "eventTimestamp": local, "eventType": "TimerFired"}
    assert EventFactory(raw).timestamp.isoformat() == "2026-01-01T10:00:00+00:00"


def test_lambda_functions_keep_their_own_names() -> None:
    made = event(5, "LambdaFunctionScheduled", id="f-1", name="function")
    assert (made.id, made.name) == (5, "LambdaFunctionScheduled")
    assert (made.function_id, made.function_name) == ("f-1", "function")


def test_a_type_of_event_that_is_not_known_yet() -> None:
    made = event(9, "SomethingNewHappened")
    assert type(made) is Event and (made.type, made.state) == ("SomethingNewHappened", "unknown")
    assert made.attributes == {} and made.input is None and not made.closes


def test_a_compiled_event_goes_from_state_to_state() -> None:
    task = CompiledEventFactory(event(5, "ActivityTaskScheduled", activityId="a"))
    assert (task.state, task.name, task.type, task.opened) == ("scheduled", "a", "ActivityTask", 5)
    assert "started" in task.next_states and "completed" not in task.next_states
    task.transit(event(6, "ActivityTaskStarted", scheduledEventId=5))
    task.transit(event(9, "RequestCancelActivityTaskFailed", activityId="a"))
    assert (task.state, task.started, task.event.id) == ("started", 6, 9), "a refusal changes nothing"
    task.transit(event(10, "ActivityTaskFailed", scheduledEventId=5, startedEventId=6))
    task.transit(event(14, "ActivityTaskScheduled", activityId="a"))
    assert (task.state, task.opened, task.started) == ("scheduled", 14, 0)
    assert repr(task) == "<CompiledEvent 14 ActivityTask : scheduled >"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (event(7, "ActivityTaskCompleted", scheduledEventId=5, startedEventId=0), "from scheduled comes"),
        (event(7, "TimerFired", timerId="a", startedEventId=5), "is about no ActivityTask, as event 5"),
        (event(7, "ActivityTaskStarted", scheduledEventId=4), "goes on with event 4, and not with 5"),
        (event(7, "ActivityTaskTimedOut", scheduledEventId=5, startedEventId=6), "names 6 as the start, which is 0"),
    ],
)
def test_a_compiled_event_takes_only_what_can_follow(wrong: Event, says: str) -> None:
    task = CompiledEvent(event(5, "ActivityTaskScheduled", activityId="a"))
    with pytest.raises(TransitionError, match=says) as caught:
        task.transit(wrong)
    assert caught.value.event is wrong and str(caught.value).startswith(f"event 7 ({wrong.name})")
    assert task.state == "scheduled" and task.event.id == 5


def test_what_was_cancelled_before_its_start_was_not_completed() -> None:
    task = CompiledEvent(event(5, "ActivityTaskScheduled", activityId="a"))
    task.transit(event(9, "ActivityTaskCancelRequested", activityId="a"))
    with pytest.raises(TransitionError, match="ends what was never started"):
        task.transit(event(10, "ActivityTaskCompleted", scheduledEventId=5, startedEventId=0))
    canceled = {"scheduledEventId": 5, "startedEventId": 0}
    with pytest.raises(TransitionError, match="answers the request 8, which there is not"):
        task.transit(event(10, "ActivityTaskCanceled", **canceled, latestCancelRequestedEventId=8))
    task.transit(event(10, "ActivityTaskCanceled", **canceled, latestCancelRequestedEventId=9))
    assert task.state == "canceled"


@pytest.mark.parametrize("type_", sorted(MACHINES))
def test_nothing_begins_in_the_middle(type_: str) -> None:
    machine = MACHINES[type_]
    for name, (kind, state) in STATES.items():
        if kind == type_ and state not in machine.first:
            with pytest.raises(InconsistentStateError, match="is about nothing that was there before"):
                CompiledEvent(event(3, name))
        elif kind == type_:
            assert CompiledEvent(event(3, name)).state == state
