"""Grouping must not matter (docs: the rules of the core).

Random programs live in a random world: decisions are made on whatever has come in, responses are lost, events fall
into the gap of a decision, the cache forgets, what is sent too fast is refused. Whatever happened, the run must be the
one that the pure core gives when it is fed the same world events one by one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from programs import NO_SHRINKING, SIGNALS, attempt_of, outcome, programs, retrying_programs, workflow
from simpleflow import Workflow
from simpleflow.command import (
    CHILD,
    MARKER,
    OURS,
    REPAIRED,
    SIGNAL,
    TIMER,
    Cancel,
    CancelRun,
    Close,
    Command,
    Complete,
    ContinueAsNew,
    Fail,
    GiveUp,
)
from simpleflow.config import Config
from simpleflow.dataflow import Event, Program
from simpleflow.dataflow.signals import HANDED_ON
from simpleflow.decider import Decider, translate
from simpleflow.decider.decisions import decision
from simpleflow.decider.refusals import Treatment, treatment
from simpleflow.decider.run import Run
from simpleflow.payload.codec import Codec
from simpleflow.protocol.history import attributes
from simpleflow.swf.dependencies import edges
from simpleflow.swf.drawing import mermaid
from simpleflow.swf.graph import graph
from simpleflow.swf.models.history import History
from world import CLOSES, EXECUTION, PARENT, TYPE, World

CONFIG = Config()
ENDS = {
    Complete: "Completed",
    Fail: "Failed",
    GiveUp: "Failed",
    CancelRun: "Canceled",
    ContinueAsNew: "ContinuedAsNew",
}
Sent = tuple[str, str, int]
"""Kind, id and attempt."""


class Life:
    """A world, and two deciders that live in it by chance. `codec` is theirs, `parks` says whether they may park."""

    codec = Codec()
    parks = False
    remember = False

    def __init__(
        self,
        chance: Random,
        program: Any,
        *,
        registration: bool = False,
        max_open: int = 1000,
        world: Any = None,
    ) -> None:
        self.chance = chance
        self.printed: list[str] = []
        self.workflow = self.make_workflow(program)
        self.world: World = world or World('{"args":[],"kwargs":{}}', max_open=max_open, parent=PARENT)
        self.world.needs_registration = registration
        self.world.chance = chance if chance.random() < 0.5 else None
        self.lost = 0
        self.parked = False  # which is a failure of the test
        self.signals = 12  # that may still come from outside
        self.cancels = self.chance.random() < 0.2
        self.deciders = [self._decider(max_open), self._decider(max_open)]

    def make_workflow(self, program: Any) -> type[Workflow]:
        return workflow(program, self.printed)

    def _decider(self, max_open: int) -> Decider:
        config = Config(
            swf_max_open_activity_count=max_open,
            activity_start_to_close_timeout="NONE",
            activity_heartbeat_timeout="NONE",
        )
        made = Decider(self.world, "D", [self.workflow], config=config)  # type: ignore[arg-type]
        made._classes = {(TYPE["name"], TYPE["version"]): self.workflow}
        return made

    def live(self) -> None:
        for _ in range(5_000):
            if self.world.closed or (self.parked and not self.parks) or not self.step():
                break
        for decider in self.deciders:
            decider.close()

    def advanced(self, program: Program, event: Event, length: int) -> list[Command]:
        """What the pure core asks for at this event."""
        return program.advance(event, length=length)

    def step(self) -> bool:
        """Let something happen; False if nothing can."""
        if self.world.has_decision and self.chance.random() < 0.5:
            self.decide()
            return True
        if self.happen():
            return True
        if self.world.has_decision:
            self.decide()
            return True
        return self.from_outside()

    def happen(self) -> bool:
        """Something that can happen in the world does, or somebody signals, or asks to cancel."""
        choices = self.world.choices(self.chance, outcome)
        if self.signals and self.chance.random() < 0.1:
            return self.from_outside()
        if choices:
            self.chance.choice(choices)()
        return bool(choices)

    def from_outside(self) -> bool:
        if self.cancels and self.chance.random() < 0.3:
            self.cancels = False
            self.world.request_cancel()
            return True
        if not self.signals:
            return False
        self.signals -= 1
        input = self.chance.choice((None, "words", '{"args":[1],"kwargs":{},"__propagate":true}', "[2]"))
        self.world.signal(SIGNALS[self.signals % 2], input, self.chance.choice(self.world.senders))
        return True

    def decide(self) -> None:
        task = self.world.poll()
        assert task is not None
        index = self.chance.randrange(8)
        decider = self.deciders[index % 2]
        if index >= 5:
            decider.close()  # it forgets: a new process, or the cache was too small
        answer = decider.decide(task, {})
        self.parked = "parked" in json.loads(answer["executionContext"])
        if self.chance.random() < 0.4:
            for _ in range(self.chance.randint(1, 3)):  # in the gap
                self.happen()
        if self.chance.random() < 0.15:
            self.lost += 1
            self.world.lose()
        else:
            self.world.respond(answer)


def world_events(events: list[dict[str, Any]], execution: dict[str, str]) -> Iterator[tuple[Event, int]]:
    """The core's events of a history, by the translator, each with its id."""
    opened: dict[int, translate.Opened] = {}
    for event in events:
        kind, time, id, given = event["eventType"], event["eventTimestamp"], event["eventId"], attributes(event)
        if kind == "WorkflowExecutionStarted":
            yield translate.started(time, given, "D", execution), id
        elif kind == "WorkflowExecutionSignaled":
            yield translate.signaled(time, given, id), id
        elif kind == "WorkflowExecutionCancelRequested":
            yield translate.cancel_requested(time), id
        elif kind == "MarkerRecorded" and given["markerName"] == REPAIRED:
            continue
        for words in translate.WORDS:
            if words.kind == TIMER and words.id(given).startswith(OURS):
                continue
            if kind == words.opened:
                opened[id] = words.keep(given, words.id(given), time)
            elif kind in words.closed:
                yield words.closed[kind](time, given, opened.pop(given[words.link])), id
            elif kind == words.refused and treatment(given["cause"]) is Treatment.SETTLE:
                late = words.late and given.get(words.link)
                task = opened.pop(given[words.link]).id if late else words.id(given)
                yield translate.refused(words, time, task, given), id


def oracle(life: Life) -> tuple[dict[Sent, Any], Close | None, list[str]]:
    """What the pure core asks for, one event at a time; how it ends; what it prints."""
    life.printed.clear()
    program = Program(life.workflow, life.codec, remember=life.remember)
    asked: dict[Sent, Any] = {}
    attempts: Counter[tuple[str, str]] = Counter()
    for event, id in world_events(life.world.events, life.world.execution):
        for command in life.advanced(program, event, id):
            if not isinstance(command, Cancel) and not command.id.startswith(OURS):
                attempts[command.kind, command.id] += 1
                asked[command.kind, command.id, attempts[command.kind, command.id]] = command
    end = program.outcome
    program.close()
    return asked, end, list(life.printed)


def scheduled(events: list[dict[str, Any]]) -> list[Sent]:
    """What the history holds of what was asked for; what was heard and then refused is left out."""
    found: dict[int, Sent] = {}
    attempts: Counter[tuple[str, str]] = Counter()
    for event in events:
        kind, given = event["eventType"], attributes(event)
        if given.get("markerName") == REPAIRED:
            continue
        for words in translate.WORDS:
            if kind == words.opened and not words.id(given).startswith(OURS):
                key = words.kind, words.id(given)
                attempts[key] += 1
                found[event["eventId"]] = (*key, attempts[key])
                if words.kind == "activity":
                    assert attempts[key] == attempt_of(given["input"])
            elif kind == words.refused and words.late and treatment(given["cause"]) is Treatment.BACK_OFF:
                again = found.pop(given.get(words.link), None)
                attempts[again[:2] if again else ("", "")] -= 1
    return list(found.values())


any_life = given(programs | retrying_programs, st.booleans(), st.sampled_from([2, 1000]), st.integers(0, 2**32))


@settings(deadline=None, report_multiple_bugs=False, phases=NO_SHRINKING, max_examples=600)
@any_life
def test_any_life_is_the_life_of_the_pure_core(
    program: list[Any], registration: bool, max_open: int, seed: int
) -> None:
    live_and_compare(Life(Random(seed), program, registration=registration, max_open=max_open))


@settings(deadline=None, phases=NO_SHRINKING, max_examples=300)
@given(retrying_programs, st.booleans(), st.sampled_from([2, 1000]), st.integers(0, 2**32))
def test_any_life_of_failing_attempts_is_the_life_of_the_pure_core(
    program: list[Any], registration: bool, max_open: int, seed: int
) -> None:
    live_and_compare(Life(Random(seed), program, registration=registration, max_open=max_open))


@pytest.mark.soak
@settings(deadline=None, report_multiple_bugs=False, phases=NO_SHRINKING, max_examples=50_000)
@any_life
def test_many_lives_are(program: list[Any], registration: bool, max_open: int, seed: int) -> None:
    live_and_compare(Life(Random(seed), program, registration=registration, max_open=max_open))


@settings(deadline=None, phases=NO_SHRINKING, max_examples=60)
@given(programs | retrying_programs, st.integers(0, 2**32))
def test_any_life_can_be_drawn(program: list[Any], seed: int) -> None:
    life = Life(Random(seed), program)
    life.live()
    history = History.from_event_list(life.world.events)
    before: dict[Any, set[Any]] = {}
    for edge in edges(history):
        before.setdefault(edge.after, set()).add(edge.before)
    list(TopologicalSorter(before).static_order())  # raises CycleError
    assert mermaid(graph(history), "a life")


def live_and_compare(life: Life) -> None:
    life.live()
    printed = list(life.printed)
    compare(life)
    asked, end, said = oracle(life)
    assert_close(life, asked, end)
    if not life.lost and sorted(printed) != sorted(said):
        raise AssertionError((printed, said))


def compare(life: Life) -> None:
    """What was sent is what the pure core asks for, each thing once."""
    events = life.world.events
    assert [event["eventId"] for event in events] == list(range(1, len(events) + 1))
    parked = [text for event in events if "parked" in (text := attributes(event).get("executionContext") or "")]
    assert life.parks or (not parked and not life.parked), parked
    asked, end, _ = oracle(life)
    sent = scheduled(events)
    assert sorted(sent) == sorted(set(sent)), "an attempt was scheduled twice"
    assert set(sent) <= set(asked)
    if not life.world.closed:
        assert end is None, "a close is never sent"
        answers = [attributes(event) for event in events if event["eventType"] == "DecisionTaskCompleted"]
        assert "waiting_signals" in answers[-1]["executionContext"], "the world stands still, and it waits for ever"


def assert_close(life: Life, asked: dict[Sent, Any], end: Close | None) -> None:
    """The run has closed as the pure core does, and what a close must send first was sent."""
    if not life.world.closed:
        return
    assert end is not None and life.world.closed == ENDS[type(end)]
    last = attributes(life.world.events[-1])
    if isinstance(end, Complete):
        assert last["result"] == end.result
    if isinstance(end, ContinueAsNew):
        carried = json.loads(last["input"])["__extra"].get("signals", [])
        assert [tuple(letter) for letter in carried] == list(end.signals)
    before = {MARKER, SIGNAL} if isinstance(end, CancelRun) else {MARKER, SIGNAL, CHILD}
    sent = set(scheduled(life.world.events))
    missing = {key for key in asked if key[0] in before} - sent
    assert not [key for key in missing if asked[key].where != HANDED_ON], "a close left something unsent"
    if isinstance(end, CancelRun) and isinstance(world := life.world, World):
        assert not [id for id in world.timers if not id.startswith(OURS)]
        assert all(("activity", id) in world.cancels for id in world.open)
        assert all(("asked", id) in world.cancels for id in world.children)
        assert not world.initiated


@settings(deadline=None, report_multiple_bugs=False, phases=NO_SHRINKING, max_examples=300)
@given(programs, st.integers(0, 2**32))
def test_a_history_can_be_read_in_any_chunks(program: list[Any], seed: int) -> None:
    chance = Random(seed)
    life = Life(chance, program)
    life.live()
    read_in_chunks(life, chance)


def read_in_chunks(life: Life, chance: Random) -> None:
    events = life.world.events

    def read(chunks: list[int]) -> tuple[Any, Any, Any]:
        run = Run(life.workflow, "D", EXECUTION, Codec(), CONFIG, remember=life.remember)
        run.foresee(events)
        start = 0
        for end in [*chunks, len(events)]:
            run.read(events[start:end])
            start = max(start, end)
        batch = run.outbox.batch(lambda command: decision(command, run.options), len(events))
        result = (json.dumps(batch.decisions), run.program.waits_for, repr(run.program.outcome))
        run.close()
        return result

    whole = read([])
    assert read(list(range(len(events)))) == whole
    assert read(sorted(chance.choices(range(len(events) + 1), k=5))) == whole


def test_the_world_knows_all_ways_to_close() -> None:
    assert set(ENDS.values()) == set(CLOSES.values())
