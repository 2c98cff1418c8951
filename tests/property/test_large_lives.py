"""Grouping does not matter either where values travel by reference, and their store is lost now and then."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from programs import NO_SHRINKING, attempt_of, programs
from simpleflow.command import Complete, ScheduleActivity
from simpleflow.dataflow import Program
from simpleflow.decider import Decider
from simpleflow.exceptions import PayloadUnreachable
from simpleflow.payload.codec import Codec
from simpleflow.payload.failures import UNREACHABLE
from simpleflow.payload.store import Payloads
from simpleflow.protocol.history import attributes
from test_grouping import Life, scheduled, world_events

LENGTH = 256 + 130  # of a text that travels as it is: the room for what goes beside a call, and a little


class Unsteady(Payloads):
    """A store that can be lost."""

    def __init__(self) -> None:
        super().__init__(["memory:"])
        self.lost = False

    def get(self, text: str) -> str:
        self._reach()
        return super().get(text)

    def put(self, text: str) -> str:
        self._reach()
        return super().put(text)

    def _reach(self) -> None:
        if self.lost:
            raise PayloadUnreachable("the store is lost")


class LargeLife(Life):
    """A life in which some results are large, and the store fails deciders and workers."""

    def __init__(self, chance: Random, program: list[Any]) -> None:
        self.payloads = Unsteady()
        self.codec = Codec(LENGTH, self.payloads)
        self.lacked = 0
        super().__init__(chance, program, registration=False, max_open=1000)

    def _decider(self, max_open: int) -> Decider:
        made = super()._decider(max_open)
        made._codec = self.codec
        return made

    def decide(self) -> None:
        self.payloads.lost = self.chance.random() < 0.2
        super().decide()
        self.payloads.lost = False

    def finish_some(self) -> None:
        self.payloads.lost = False
        before = set(self.world.open)
        if before and self.chance.random() < 0.1:
            self.lacked += 1
            id = self.chance.choice(sorted(before))
            self.world.finish(id, "Failed", reason=f"{UNREACHABLE}: {id}", details="{}")
            return
        super().finish_some()


class LargeWorld:
    """Stands between a life and its world, and makes results large."""

    def __init__(self, life: LargeLife) -> None:
        self._life = life
        self._finish = life.world.finish

    def __call__(self, id: str, how: str, **given: Any) -> None:
        if how == "Completed":
            value = [*json.loads(given["result"]), "x" * self._life.chance.choice((0, 100, 500))]
            given["result"] = self._life.codec.freeze(value, "it")
        self._finish(id, how, **given)


@settings(deadline=None, phases=NO_SHRINKING, max_examples=200)
@given(programs, st.integers(0, 2**32))
def test_any_large_life_is_the_life_of_the_pure_core(program: list[Any], seed: int) -> None:
    live_and_compare(program, seed)


@pytest.mark.soak
@settings(deadline=None, phases=NO_SHRINKING, max_examples=10_000)
@given(programs, st.integers(0, 2**32))
def test_many_large_lives_are(program: list[Any], seed: int) -> None:
    live_and_compare(program, seed)


def live_and_compare(program: list[Any], seed: int) -> None:
    life = LargeLife(Random(seed), program)
    life.world.finish = LargeWorld(life)  # type: ignore[method-assign]
    life.live()
    events = life.world.events
    assert life.world.closed, "the world stands still, and the run waits for ever"
    core = Program(life.workflow, life.codec)
    asked = []
    for event in world_events(events):
        asked += [command for command in core.advance(event) if isinstance(command, ScheduleActivity)]
    end = core.outcome
    core.close()
    sent = scheduled(events)
    assert sorted(sent) == sorted(set(sent)), "an attempt was scheduled twice"
    assert set(sent) <= {(command.id, command.attempt) for command in asked}
    inputs = {(command.id, command.attempt): command.input for command in asked}
    for event in events:
        if event["eventType"] == "ActivityTaskScheduled":
            held = attributes(event)
            text = inputs[held["activityId"], attempt_of(held["input"])]
            assert life.codec.thaw_call(text) == life.codec.thaw_call(held["input"])
    if life.world.closed == "Completed":
        assert isinstance(end, Complete) and attributes(events[-1])["result"] == end.result
    else:
        assert not isinstance(end, Complete)
    assert life.lacked == 0 or any("parked" in attributes(event).get("executionContext", "") for event in events)
