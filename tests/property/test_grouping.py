"""Grouping must not matter (docs: the rules of the core).

Random programs live in a random world: decisions are made on whatever has come in, responses are lost, events fall
into the gap of a decision, the cache forgets. Whatever happened, the run must be the one that the pure core gives
when it is fed the same world events one by one.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from programs import NO_SHRINKING, attempt_of, outcome, programs, retrying_programs, workflow
from simpleflow.command import TIMER, Complete, ScheduleActivity, StartTimer
from simpleflow.config import Config
from simpleflow.dataflow import Program
from simpleflow.decider import Decider, translate
from simpleflow.decider.decisions import decision
from simpleflow.decider.outbox import OURS
from simpleflow.decider.run import Run
from simpleflow.payload.codec import Codec
from simpleflow.protocol.history import attributes
from world import EXECUTION, TYPE, World

CONFIG = Config()


class Life:
    """A world, and two deciders that live in it by chance."""

    def __init__(
        self, chance: Random, program: list[Any], *, registration: bool, max_open: int, world: Any = None
    ) -> None:
        self.chance = chance
        self.printed: list[str] = []
        self.workflow = workflow(program, self.printed)
        self.world: World = world or World('{"args":[],"kwargs":{}}', max_open=max_open)
        self.world.needs_registration = registration
        self.lost = 0
        self.deciders = [self._decider(max_open), self._decider(max_open)]

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
            if self.world.closed:
                break
            if not self.world.open and not self.world.timers and not self.world.has_decision:
                break  # it waits for nothing that can come
            self.step()
        for decider in self.deciders:
            decider.close()

    def step(self) -> None:
        world = self.world
        if world.has_decision and self.chance.random() < 0.5:
            self.decide()
        elif world.timers and (not world.open or self.chance.random() < 0.5):
            self.fire_one()
        elif world.open:
            self.finish_some()
        else:
            self.decide()

    def fire_one(self) -> None:
        self.world.fire(self.chance.choice(list(self.world.timers)))

    def decide(self) -> None:
        task = self.world.poll()
        assert task is not None
        index = self.chance.randrange(8)
        decider = self.deciders[index % 2]
        if index >= 5:
            decider.close()  # it forgets: a new process, or the cache was too small
        answer = decider.decide(task, {})
        if self.world.open and self.chance.random() < 0.3:
            self.finish_some()  # in the gap
        if self.world.timers and self.chance.random() < 0.3:
            self.fire_one()
        if self.chance.random() < 0.15:
            self.lost += 1
            self.world.lose()
        else:
            self.world.respond(answer)

    def finish_some(self) -> None:
        for _ in range(self.chance.randint(1, 3)):
            if self.world.open:
                id = self.chance.choice(list(self.world.open))
                how, given = outcome(id, attempt_of(self.world.inputs[id]))
                self.world.finish(id, how, **given)


def world_events(events: list[dict[str, Any]], execution: dict[str, str]) -> list[Any]:
    """The core's events of a history, by the translator."""
    found: list[Any] = []
    opened: dict[int, translate.Opened] = {}
    for event in events:
        kind, given = event["eventType"], attributes(event)
        if kind == "WorkflowExecutionStarted":
            found.append(translate.started(event["eventTimestamp"], given, "D", execution))
        for words in translate.WORDS:
            if words.kind == TIMER and words.id(given).startswith(OURS):
                continue
            if kind == words.opened:
                opened[event["eventId"]] = words.keep(given, words.id(given), event["eventTimestamp"])
            elif kind in words.closed:
                found.append(words.closed[kind](event["eventTimestamp"], given, opened.pop(given[words.link])))
    return found


def oracle(life: Life) -> tuple[list[tuple[str, int, str]], Any, list[str]]:
    """What the pure core asks for, one event at a time; how it ends; what it prints."""
    life.printed.clear()
    program = Program(life.workflow, Codec())
    asked = []
    for event in world_events(life.world.events, getattr(life.world, "execution", EXECUTION)):
        for command in program.advance(event):
            if isinstance(command, ScheduleActivity):
                asked.append((command.id, command.attempt, command.input))
            elif isinstance(command, StartTimer):
                asked.append((command.id, 1, ""))
    end = program.outcome
    program.close()
    return asked, end, list(life.printed)


def scheduled(events: list[dict[str, Any]]) -> list[tuple[str, int]]:
    found = []
    for event in events:
        given = attributes(event)
        if event["eventType"] == "ActivityTaskScheduled":
            found.append((given["activityId"], attempt_of(given["input"])))
        elif event["eventType"] == "TimerStarted" and not given["timerId"].startswith(OURS):
            found.append((given["timerId"], 1))
    return found


any_life = given(programs | retrying_programs, st.booleans(), st.sampled_from([2, 1000]), st.integers(0, 2**32))


@settings(deadline=None, phases=NO_SHRINKING, max_examples=600)
@any_life
def test_any_life_is_the_life_of_the_pure_core(
    program: list[Any], registration: bool, max_open: int, seed: int
) -> None:
    live_and_compare(program, registration, max_open, seed)


@settings(deadline=None, phases=NO_SHRINKING, max_examples=300)
@given(retrying_programs, st.booleans(), st.sampled_from([2, 1000]), st.integers(0, 2**32))
def test_any_life_of_failing_attempts_is_the_life_of_the_pure_core(
    program: list[Any], registration: bool, max_open: int, seed: int
) -> None:
    live_and_compare(program, registration, max_open, seed)


@pytest.mark.soak
@settings(deadline=None, phases=NO_SHRINKING, max_examples=50_000)
@any_life
def test_many_lives_are(program: list[Any], registration: bool, max_open: int, seed: int) -> None:
    live_and_compare(program, registration, max_open, seed)


def live_and_compare(program: list[Any], registration: bool, max_open: int, seed: int) -> None:
    life = Life(Random(seed), program, registration=registration, max_open=max_open)
    life.live()
    printed = list(life.printed)
    events = life.world.events
    assert not any("parked" in attributes(event).get("executionContext", "") for event in events)
    asked, end, said = oracle(life)
    sent = scheduled(events)
    assert sorted(sent) == sorted(set(sent)), "an attempt was scheduled twice"
    assert set(sent) <= {(id, attempt) for id, attempt, _ in asked}
    assert life.world.closed, "the world stands still, and the run waits for ever"
    last = attributes(events[-1])
    if life.world.closed == "Completed":
        assert isinstance(end, Complete)
        assert last["result"] == end.result
    else:
        assert not isinstance(end, Complete)
    if not life.lost and sorted(printed) != sorted(said):
        raise AssertionError((printed, said))


@settings(deadline=None, phases=NO_SHRINKING, max_examples=300)
@given(programs, st.integers(0, 2**32))
def test_a_history_can_be_read_in_any_chunks(program: list[Any], seed: int) -> None:
    chance = Random(seed)
    life = Life(chance, program, registration=False, max_open=1000)
    life.live()
    events = life.world.events

    def read(chunks: list[int]) -> tuple[Any, Any]:
        run = Run(life.workflow, "D", EXECUTION, Codec(), CONFIG)
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
