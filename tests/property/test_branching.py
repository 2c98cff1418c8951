"""Grouping must not matter to branches, coroutines and waits either: chunks, evictions, lost responses."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from branching import branching_workflow, branchings
from programs import NO_SHRINKING
from simpleflow.command import Complete, ScheduleActivity, StartTimer
from simpleflow.dataflow import Program
from simpleflow.decider.decisions import decision
from simpleflow.decider.run import Run
from simpleflow.payload.codec import Codec
from simpleflow.protocol.history import attributes
from test_grouping import CONFIG, Life, scheduled, world_events
from test_on_the_engine import EngineWorld
from world import EXECUTION


class BranchingLife(Life):
    def __init__(
        self, chance: Random, program: dict[str, Any], *, max_open: int = 1000, world: Any = None
    ) -> None:
        super().__init__(chance, [], registration=False, max_open=max_open, world=world)
        self.workflow = branching_workflow(program, self.printed)
        self.deciders = [self._decider(max_open), self._decider(max_open)]


def oracle(life: BranchingLife) -> tuple[set[tuple[str, int]], Any, list[str]]:
    """What the pure core asks for, one event at a time; how it ends; what it prints."""
    life.printed.clear()
    program = Program(life.workflow, Codec(), remember=True)
    asked = set()
    for event in world_events(life.world.events):
        for command in program.advance(event):
            if isinstance(command, ScheduleActivity):
                asked.add((command.id, command.attempt))
            elif isinstance(command, StartTimer):
                asked.add((command.id, 1))
    end = program.outcome
    program.close()
    return asked, end, list(life.printed)


def live_and_compare(program: dict[str, Any], max_open: int, seed: int, world: Any = None) -> None:
    life = BranchingLife(Random(seed), program, max_open=max_open, world=world)
    life.live()
    printed = list(life.printed)
    events = life.world.events
    assert not any("parked" in attributes(event).get("executionContext", "") for event in events)
    asked, end, said = oracle(life)
    sent = scheduled(events)
    assert len(sent) == len(set(sent)), "an attempt was scheduled twice"
    assert set(sent) <= asked
    assert life.world.closed, "the world stands still, and the run waits for ever"
    if life.world.closed == "Completed":
        assert isinstance(end, Complete)
        assert attributes(events[-1])["result"] == end.result
    else:
        assert not isinstance(end, Complete)
    if not life.lost and sorted(printed) != sorted(said):
        raise AssertionError((printed, said))


any_life = given(branchings, st.sampled_from([2, 1000]), st.integers(0, 2**32))


@settings(deadline=None, phases=NO_SHRINKING, max_examples=500)
@any_life
def test_any_life_is_the_life_of_the_pure_core(program: dict[str, Any], max_open: int, seed: int) -> None:
    live_and_compare(program, max_open, seed)


@pytest.mark.soak
@settings(deadline=None, phases=NO_SHRINKING, max_examples=30_000)
@any_life
def test_many_lives_are(program: dict[str, Any], max_open: int, seed: int) -> None:
    live_and_compare(program, max_open, seed)


@settings(deadline=None, phases=NO_SHRINKING, max_examples=60)
@given(branchings, st.integers(0, 2**32))
def test_any_life_on_the_engine_is_the_life_of_the_pure_core(program: dict[str, Any], seed: int) -> None:
    live_and_compare({**program, "steps": timeless(program["steps"])}, 1000, seed, EngineWorld())


def timeless(steps: list[Any]) -> list[Any]:
    """Steps that do not look at the clock: two worlds have two."""
    kept = []
    for kind, *given in steps:
        if kind in ("branch", "follow"):
            kept.append((kind, timeless(given[0])))
        elif kind == "gather":
            kept.append((kind, [timeless(part) for part in given[0]], *given[1:]))
        elif kind != "now":
            kept.append((kind, *given))
    return kept


@settings(deadline=None, phases=NO_SHRINKING, max_examples=250)
@given(branchings, st.integers(0, 2**32))
def test_a_history_can_be_read_in_any_chunks(program: dict[str, Any], seed: int) -> None:
    chance = Random(seed)
    life = BranchingLife(chance, program)
    life.live()
    events = life.world.events

    def read(chunks: list[int]) -> tuple[Any, Any, Any]:
        run = Run(life.workflow, "D", EXECUTION, Codec(), CONFIG, remember=True)
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
