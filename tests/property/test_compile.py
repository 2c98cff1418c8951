"""`History.compile`: whatever Amazon SWF could have written compiles, and what it could not does not."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fabricated import Fabricated
from simpleflow.protocol.events import EVENTS
from simpleflow.protocol.history import attributes, opening_event_id
from simpleflow.swf.exceptions import InconsistentStateError
from simpleflow.swf.models.event.compiler import CompiledEvent
from simpleflow.swf.models.history import History

Events = list[dict[str, Any]]


@st.composite
def fabricated(draw: st.DrawFn) -> Fabricated:
    """A run of some steps, which may have closed. Choices are made from a seed: drawn one by one they take minutes."""
    run = Fabricated(random.Random(draw(st.integers(0, 2**32))).choice)
    for _ in range(draw(st.integers(0, 80))):
        run.step()
    if draw(st.booleans()):
        run.close()
    return run


def compiled(events: Events) -> tuple[CompiledEvent, ...]:
    return History.from_event_list(events).compile()


def key_of(thing: CompiledEvent) -> tuple[str, Any]:
    by_name = thing.type in ("ActivityTask", "Timer", "LambdaFunction", "Marker")
    return thing.type, thing.name if by_name else thing.opened


@settings(max_examples=300, deadline=None)
@given(fabricated())
def test_what_can_be_compiles(run: Fabricated) -> None:
    things = compiled(run.events)
    assert {key_of(thing): thing.state for thing in things} == run.states
    history = History.from_event_list(run.events)
    assert sorted(event.id for group in history.distinct for event in group) == [*range(1, len(history) + 1)]
    assert history.finished == run.closed


@settings(max_examples=200, deadline=None)
@given(fabricated(), st.data())
def test_a_part_of_what_can_be_compiles(run: Fabricated, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(run.events) - 1))
    end = data.draw(st.integers(first, len(run.events)))
    history = History.from_event_list(run.events)[first:end]
    assert len(history) == end - first
    history.compile()


# Damage: each takes the events and the number of one of them, and gives those of whom one must be named, or nothing
# where that event cannot be damaged so.

Damage = Callable[[Events, int], "set[int] | None"]


def dropped(events: Events, index: int) -> set[int] | None:
    if index in (0, len(events) - 1):  # what is left is a part of what can be
        return None
    del events[index]
    return {events[index]["eventId"]}


def doubled(events: Events, index: int) -> set[int]:
    events.insert(index, copy.deepcopy(events[index]))
    return {events[index]["eventId"]}


def ends_twice(events: Events, index: int) -> set[int] | None:
    kind = events[index]["eventType"]
    if not opening_event_id(events[index]) or kind.endswith("Started"):
        return None
    again = copy.deepcopy(events[index])
    again["eventId"] = len(events) + 1
    events.append(again)
    return {again["eventId"]}


def goes_on_with_itself(events: Events, index: int) -> set[int] | None:
    event = events[index]
    if not opening_event_id(event):
        return None
    timer = event["eventType"].startswith("Timer")
    values = attributes(event)
    name = "startedEventId" if timer else next(n for n in ("scheduledEventId", "initiatedEventId") if n in values)
    values[name] = event["eventId"]
    return {event["eventId"]}


def started_by_another(events: Events, index: int) -> set[int] | None:
    event = events[index]
    values = attributes(event)
    if "startedEventId" not in values or event["eventType"].startswith("Timer"):
        return None
    values["startedEventId"] += 1
    return {event["eventId"]}


def decided_by_nobody(events: Events, index: int) -> set[int] | None:
    event = events[index]
    if "decisionTaskCompletedEventId" not in attributes(event):
        return None
    attributes(event)["decisionTaskCompletedEventId"] = event["eventId"]
    return {event["eventId"]}


def before_its_opening(events: Events, index: int) -> set[int] | None:
    """An event stands before the one that it goes on with."""
    opened = opening_event_id(events[index])
    if not opened:
        return None
    events.insert(opened - 1, events.pop(index))
    for number, event in enumerate(events, 1):
        event["eventId"] = number
    return {*range(opened, index + 2)}  # where it stands now; or another one whose links point elsewhere now


def lacking(events: Events, index: int) -> set[int] | None:
    row = EVENTS[events[index]["eventType"]]
    if not row.required:
        return None
    del attributes(events[index])[row.required[0]]
    return {events[index]["eventId"]}


def after_the_close(events: Events, index: int) -> set[int] | None:
    if not History.from_event_list(events).finished:
        return None
    after = {"eventId": len(events) + 1, "eventTimestamp": 0, "eventType": "DecisionTaskScheduled"}
    events.append({**after, "decisionTaskScheduledEventAttributes": {"taskList": {"name": "list"}}})
    return {len(events)}


def opened_twice(events: Events, index: int) -> set[int] | None:
    """What is open is opened again."""
    kind = events[index]["eventType"]
    if kind not in ("ActivityTaskScheduled", "TimerStarted", "LambdaFunctionScheduled", "DecisionTaskScheduled"):
        return None
    again = copy.deepcopy(events[index])
    events.insert(index + 1, again)
    for number, event in enumerate(events[index + 1 :], index + 2):
        event["eventId"] = number
    return {index + 2}


DAMAGES: list[Damage] = [
    dropped,
    doubled,
    ends_twice,
    goes_on_with_itself,
    started_by_another,
    decided_by_nobody,
    before_its_opening,
    lacking,
    after_the_close,
    opened_twice,
]


@pytest.mark.parametrize("damage", DAMAGES)
@settings(max_examples=60, deadline=None)
@given(run=fabricated(), data=st.data())
def test_what_cannot_be_does_not(damage: Damage, run: Fabricated, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(run.events) - 1))
    for index in (*range(first, len(run.events)), *range(first)):
        events = copy.deepcopy(run.events)
        if (blamed := damage(events, index)) is not None:
            break
    assume(blamed is not None)
    with pytest.raises(InconsistentStateError) as caught:
        compiled(events)
    event = caught.value.event
    assert event is not None and blamed is not None and event.id in blamed
    assert str(caught.value).startswith(f"event {event.id} ({event.name}) ")
