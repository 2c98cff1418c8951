"""Any canvas is what its rules say, however it is nested, whatever fails, in whatever order things happen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canvases import Item, Leaf, Many, Reference, built, leaves, random_canvas, worded
from programs import NO_SHRINKING
from simpleflow import Workflow, futures
from simpleflow.command import TIMER, CancelActivity, CancelTimer, Complete, Fail, ScheduleActivity, StartTimer
from simpleflow.dataflow import Cancelled, Completed, Event, Failed, Program, Signaled, Started
from simpleflow.exceptions import AggregateException, TaskCanceled, TaskFailed
from simpleflow.payload.codec import Codec


def paths(item: Item, above: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Item]]:
    """What can be reached by `futures`, and how."""
    yield above, item
    for index, each in enumerate(item.items if isinstance(item, Many) else ()):
        yield from paths(each, (*above, index))


class Life:
    """A canvas in a program, which is forgotten and read again by chance, beside its reference."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.top = random_canvas(seed)
        self.reference = Reference(self.top)
        self.leaves = {leaf.id: leaf for leaf in leaves(self.top)}
        self.events: list[Event] = []
        self.commands: list[Any] = []
        self.cancelling: set[str] = set()
        self.program = self.new_program()
        self.tell(Started(0.0, '{"args":[],"kwargs":{}}', {"run_id": "r"}))

    def new_program(self) -> Program:
        self.called: list[Any] = []
        self.raised: list[Any] = []
        life, top, called, raised = self, self.top, self.called, self.raised

        class W(Workflow):
            def run(self) -> Any:
                (canvas,) = [built(top, called)]
                future: Any = self.submit(canvas)
                order = self.receive("cancel")
                while not future.done:
                    try:
                        futures.wait(future, order, return_when=futures.FIRST_COMPLETED)
                    except Exception as error:
                        raised.append(worded(error))
                        continue
                    if order.done:
                        target = future
                        for index in order.result:
                            target = target.futures[index]
                        target.cancel()
                        order = self.receive("cancel")
                return life.told(future)

        return Program(W, Codec())

    @staticmethod
    def told(future: Any) -> Any:
        try:
            value, raises = future.result, False
        except AggregateException as error:
            value, raises = None, True
            assert error == future.exception
        if not raises:
            assert future._result == value
        return [future.cancelled, future._result, worded(future.exception), raises]

    def tell(self, event: Event) -> None:
        self.events.append(event)
        self.commands += self.program.advance(event)

    def forget(self) -> None:
        self.program.close()
        before, self.commands = self.commands, []
        self.program = self.new_program()
        for event in self.events:
            self.commands += self.program.advance(event)
        assert [(type(each), each.id) for each in self.commands] == [(type(each), each.id) for each in before]

    def live(self) -> None:
        while True:
            outcome = self.reference.look()
            self.compare(outcome)
            if outcome is not None:
                return
            self.step()

    def step(self) -> None:
        if self.chance.random() < 0.2:
            self.forget()
        if self.chance.random() < 0.08:
            path, item = self.chance.choice(list(paths(self.top)))
            self.cancelling.update(self.reference.cancel(item))
            self.tell(Signaled(1.0, "cancel", json.dumps(path)))
            return
        running = [self.leaves[id] for id in self.reference.asked if self.leaves[id] not in self.reference.ended]
        self.end(self.chance.choice(running))

    def end(self, leaf: Leaf) -> None:
        if leaf.id in self.cancelling and self.chance.random() < 0.6:
            self.reference.ended[leaf] = "cancelled"
            self.tell(Cancelled(1.0, leaf.id, TaskCanceled(None, leaf.id)))
        elif leaf.fails:
            self.reference.ended[leaf] = "fails"
            self.tell(Failed(1.0, leaf.id, TaskFailed(leaf.id, "ValueError: no")))
        else:
            self.reference.ended[leaf] = "ok"
            self.tell(
                Completed(1.0, leaf.id, str(leaf.number * 10))
                if not leaf.timer
                else Completed(1.0, leaf.id, None, TIMER)
            )

    def compare(self, outcome: Any) -> None:
        asked = {
            each.id: json.loads(each.input)["args"] for each in self.commands if isinstance(each, ScheduleActivity)
        }
        asked.update((each.id, []) for each in self.commands if isinstance(each, StartTimer))
        assert asked == self.reference.asked
        assert {each.id for each in self.commands if isinstance(each, CancelActivity | CancelTimer)} == self.cancelling
        assert sorted(self.called) == sorted(self.reference.called)
        assert sorted(self.raised) == sorted(self.reference.raised)
        end = self.program.outcome
        if outcome is None:
            assert end is None, end
            return
        assert not isinstance(end, Fail), end.error
        assert isinstance(end, Complete)
        assert json.loads(end.result) == [outcome.cancelled, outcome.value, outcome.failure, outcome.raises]


@settings(deadline=None, phases=NO_SHRINKING, max_examples=1500)
@given(st.integers(0, 2**64))
def test_any_canvas_is_what_its_rules_say(seed: int) -> None:
    Life(seed).live()


@pytest.mark.soak
@settings(deadline=None, phases=NO_SHRINKING, max_examples=100_000)
@given(st.integers(0, 2**64))
def test_many_canvases_are(seed: int) -> None:
    Life(seed).live()
