"""A run that repairs another, in the random world of `test_grouping`.

It is the life of the pure core that is given the former results as soon as it asks for them. The former history is
there until all of it is recorded, then never again.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from random import Random
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from programs import NO_SHRINKING, programs, random_program
from simpleflow.activity import importable_name
from simpleflow.command import CANCELS, REPAIRED, Command, RunLambda, ScheduleActivity, StartChild
from simpleflow.dataflow import Completed, Event, Program, Started
from simpleflow.decider import repair
from simpleflow.payload import codec
from simpleflow.protocol.history import attributes
from test_grouping import Life, Sent, assert_close, compare, oracle, scheduled
from world import EXECUTION, World

AGAIN = {"workflowId": "w", "runId": "again"}
FORCES = (None, None, "-1$", "^activity-m.a", "lambda|child")

Results = dict[tuple[str, str], tuple[str, Any, str]]
"""By kind and id: what was called, with which input, and what came of it."""


def results_of(events: list[dict[str, Any]]) -> Results:
    """The completed tasks of a history; written apart from what the decider has."""
    opened: dict[int, tuple[tuple[str, str], str, Any]] = {}
    found: Results = {}
    for event in events:
        given = attributes(event)
        match event["eventType"]:
            case "ActivityTaskScheduled":
                key = "activity", given["activityId"]
                opened[event["eventId"]] = key, given["activityType"]["name"], call(given["input"])
            case "StartChildWorkflowExecutionInitiated":
                key = "child", given["workflowId"]
                opened[event["eventId"]] = key, given["workflowType"]["name"], call(given["input"])
            case "LambdaFunctionScheduled":
                opened[event["eventId"]] = ("lambda", given["id"]), given["name"], call(given["input"])
            case "ActivityTaskCompleted" | "LambdaFunctionCompleted":
                key, name, input = opened[given["scheduledEventId"]]
                found[key] = name, input, given["result"]
            case "ChildWorkflowExecutionCompleted":
                key, name, input = opened[given["initiatedEventId"]]
                found[key] = name, input, given["result"]
    return found


def call(input: str) -> Any:
    read = json.loads(input)
    return [read["args"], read["kwargs"]] if "args" in read else read


def called(command: Command) -> tuple[str, Any] | None:
    match command:
        case ScheduleActivity(activity=activity):
            return activity.name, call(command.input)
        case StartChild(workflow=workflow):
            return importable_name(workflow), call(command.input)
        case RunLambda(name=name):
            return name, call(command.input)
    return None


class AfterAll(World):
    """A world in which a run repairs one that was: its events are `former`, until all is recorded."""

    def __init__(self, former: list[dict[str, Any]], force: str | None) -> None:
        self.former = former
        order = repair.Order(repair.former("w", "r", None), force)
        super().__init__(json.dumps({"args": [], "kwargs": {}, codec.EXTRA: {"repair": order.as_extra()}}))
        self.execution = AGAIN

    @property
    def begins(self) -> int:
        """The id of the event with which the program begins; 0 as long as none does."""
        markers = [event for event in self.events if attributes(event).get("markerName") == REPAIRED]
        whole = markers and "".join(attributes(event)["details"] for event in markers).endswith("end\n")
        return markers[-1]["eventId"] if whole else 0

    def get_workflow_execution_history(self, *, execution: dict[str, str] | None = None, **given: Any) -> Any:
        if execution != EXECUTION:
            return super().get_workflow_execution_history(**given)
        assert not self.begins, "the former history is read though all of it is recorded"
        return {"events": self.former}


class RepairedLife(Life):
    def __init__(self, chance: Random, program: list[Any], former: list[dict[str, Any]], force: str | None) -> None:
        super().__init__(chance, program, world=AfterAll(former, force))
        forced = re.compile(force) if force else None
        self.known = {
            key: known for key, known in results_of(former).items() if not (forced and forced.search(key[1]))
        }
        self.reused: set[Sent] = set()
        self.attempts: Counter[tuple[str, str]] = Counter()

    def advanced(self, program: Program, event: Event, length: int) -> list[Command]:
        world = self.world
        assert isinstance(world, AfterAll)
        if not world.begins:
            return []
        if isinstance(event, Started):
            event.context.update(repaired_workflow_id="w", repaired_run_id="r")
        asked: list[Command] = []
        events = [event]
        while events:
            for command in program.advance(events.pop(0), length=max(length, world.begins)):
                key = command.kind, command.id
                known = self.known.get(key)
                self.attempts[key] += type(command) not in CANCELS
                if known and type(command) not in CANCELS and called(command) == known[:2]:
                    self.reused.add((*key, self.attempts[key]))  # on_task_failure may have changed its arguments
                    events.append(Completed(event.time, command.id, known[2], command.kind))
                else:
                    asked.append(command)
        return asked


any_life = given(programs, st.sampled_from(FORCES), st.integers(0, 2**32))
REUSED: list[int] = []


def live_twice(program: list[Any], force: str | None, seed: int) -> None:
    chance = Random(seed)
    first = Life(chance, program)
    first.live()
    if not first.world.closed:
        first.world.add("WorkflowExecutionTerminated", cause="OPERATOR_INITIATED", childPolicy="TERMINATE")
    with (
        mock.patch.object(repair, "MAX_PIECE", chance.choice((90, 1000, 32_768))),
        mock.patch.object(repair, "MAX_DECISIONS", chance.choice((3, 100))),
    ):
        second = RepairedLife(chance, program, first.world.events, force)
        second.live()
    printed = list(second.printed)
    compare(second)
    second.attempts.clear()
    second.reused.clear()
    asked, end, said = oracle(second)
    assert_close(second, asked, end)
    assert not second.reused & set(scheduled(second.world.events))
    if not second.lost:
        assert sorted(printed) == sorted(said)
    REUSED.append(len(second.reused))


@settings(deadline=None, phases=NO_SHRINKING, max_examples=300)
@any_life
def test_any_repaired_life_is_that_of_the_pure_core(program: list[Any], force: str | None, seed: int) -> None:
    live_twice(program, force, seed)


@pytest.mark.soak
@settings(deadline=None, phases=NO_SHRINKING, max_examples=20_000)
@any_life
def test_many_repaired_lives_are(program: list[Any], force: str | None, seed: int) -> None:
    live_twice(program, force, seed)


def test_there_was_something_to_reuse() -> None:
    for seed in range(20):
        live_twice(random_program(seed), None, seed)
    assert sum(REUSED[-20:]) > 40
