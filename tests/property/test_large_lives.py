"""Grouping does not matter either where values travel by reference, and their store is lost now and then."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from programs import NO_SHRINKING, attempt_of, programs
from simpleflow.command import ACTIVITY, LAMBDA
from simpleflow.decider import Decider
from simpleflow.exceptions import PayloadUnreachable
from simpleflow.payload.codec import Codec
from simpleflow.payload.failures import UNREACHABLE
from simpleflow.payload.store import Payloads
from simpleflow.protocol.history import attributes
from test_grouping import Life, assert_close, compare, oracle
from world import PARENT, World

LENGTH = 256 + 450  # of a text that travels as it is: the room for what goes beside a call, and a little
LENGTHS = (0, 300, 1000)


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


class LargeWorld(World):
    """A world in which some results and signals are large."""

    def __init__(self, chance: Random, codec: Codec) -> None:
        super().__init__('{"args":[],"kwargs":{}}', parent=PARENT)
        self._sizes = chance
        self._codec = codec

    def finish(self, id: str, how: str, **attributes: Any) -> None:
        super().finish(id, how, **self._large(attributes))

    def finish_child(self, id: str, how: str, **attributes: Any) -> None:
        super().finish_child(id, how, **self._large(attributes))

    def finish_lambda(self, id: str, how: str, **attributes: Any) -> None:
        super().finish_lambda(id, how, **self._large(attributes))

    def signal(
        self, name: str, input: str | None, sender: dict[str, str] | None = None, initiated: int = 0
    ) -> None:
        value = self._codec.read(input)
        if isinstance(value, dict) and not initiated:
            input = self._codec.freeze({**value, "more": self._text()}, "it")
        super().signal(name, input, sender, initiated)

    def _large(self, attributes: dict[str, Any]) -> dict[str, Any]:
        if "result" not in attributes:
            return attributes
        value = [*json.loads(attributes["result"]), self._text()]
        return {**attributes, "result": self._codec.freeze(value, "it")}

    def _text(self) -> str:
        return "x" * self._sizes.choice(LENGTHS)


class LargeLife(Life):
    """A life in which the store fails deciders and workers now and then."""

    parks = True

    def __init__(self, chance: Random, program: list[Any]) -> None:
        self.payloads = Unsteady()
        self.codec = Codec(LENGTH, self.payloads)
        self.lacked = 0
        super().__init__(chance, program, world=LargeWorld(chance, self.codec))

    def _decider(self, max_open: int) -> Decider:
        made = super()._decider(max_open)
        made._codec = self.codec
        return made

    def decide(self) -> None:
        self.payloads.lost = self.chance.random() < 0.2
        super().decide()
        self.payloads.lost = False

    def happen(self) -> bool:
        lost, self.payloads.lost = self.payloads.lost, False
        done = self._lack() or super().happen()
        self.payloads.lost = lost
        return done

    def _lack(self) -> bool:
        """A worker cannot have its values."""
        world = self.world
        open = [(world.finish, id) for id in world.open] + [(world.finish_lambda, id) for id in world.lambdas]
        if not open or self.chance.random() > 0.1:
            return False
        finish, id = self.chance.choice(open)
        self.lacked += 1
        finish(id, "Failed", reason=f"{UNREACHABLE}: {id}", details="{}")
        return True


@settings(deadline=None, phases=NO_SHRINKING, max_examples=300)
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
    life.live()
    compare(life)
    asked, end, _ = oracle(life)
    assert_close(life, asked, end)
    events = life.world.events
    for event in events:
        if event["eventType"] == "ActivityTaskScheduled":
            held = attributes(event)
            text = asked[ACTIVITY, held["activityId"], attempt_of(held["input"])].input
            assert life.codec.thaw_call(text) == life.codec.thaw_call(held["input"])
        elif event["eventType"] == "LambdaFunctionScheduled":
            held = attributes(event)
            assert held["input"] == asked[LAMBDA, held["id"], 1].input
    assert life.lacked == 0 or any("parked" in (attributes(event).get("executionContext") or "") for event in events)
