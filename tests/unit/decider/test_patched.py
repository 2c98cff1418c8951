"""Changing a workflow: what `patched` decides, and what may change without it (docs/how-to/change-a-workflow.md)."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from test_determinism import decide, decider, make, parked
from town import Town

from simpleflow import Workflow, activity, futures
from simpleflow.command import Complete
from simpleflow.config import Config
from simpleflow.decider.run import Run
from simpleflow.payload.codec import Codec
from simpleflow.protocol.history import attributes
from world import EXECUTION, World

a, b, c, vat = make("m.a"), make("m.b"), make("m.c"), make("m.vat")

Code = Callable[[Any], Any]


def old(self: Workflow) -> Any:
    seen = [self.submit(a, 1).result]
    for n in range(2):
        seen.append(self.submit(b, n).result)
    return [*seen, self.submit(c).result]


def new(self: Workflow) -> Any:
    seen = [self.submit(a, 1).result]
    for n in range(2):
        if self.patched("add-vat"):
            seen.append(self.submit(vat, n).result)
        seen.append(self.submit(b, n).result)
    return [*seen, self.submit(c).result]


def newer(self: Workflow) -> Any:
    """Once no run is open that began before the patch, its call can go."""
    seen = [self.submit(a, 1).result]
    for n in range(2):
        seen += [self.submit(vat, n).result, self.submit(b, n).result]
    return [*seen, self.submit(c).result]


def step(world: World, code: Code) -> None:
    """One decision, by a decider that has never seen the run, and the end of an activity."""
    answer = decide(world, decider(world, code))
    assert not parked(answer), parked(answer)
    for id in list(world.open):
        world.finish(id, "Completed", result=json.dumps(id.removeprefix("activity-m.")))


def live(*codes: tuple[int, Code]) -> World:
    """A run that is decided so many times by each code, by the last one to its end."""
    world = World(None)
    for times, code in codes:
        for _ in range(times):
            if not world.closed:
                step(world, code)
    while not world.closed:
        step(world, codes[-1][1])
    return world


def result(world: World) -> Any:
    assert world.closed == "Completed"
    return json.loads(attributes(world.events[-1])["result"])


def markers(world: World) -> list[Any]:
    return [attributes(event) for event in world.events if event["eventType"] == "MarkerRecorded"]


OLD = ["a-1", "b-1", "b-2", "c-1"]
NEW = ["a-1", "vat-1", "b-1", "vat-2", "b-2", "c-1"]


@pytest.mark.parametrize("decisions", range(6))
def test_a_run_goes_the_old_way_where_it_had_come_past_the_line_before_the_change(decisions: int) -> None:
    """The code changes after so many decisions. The first one asks for a alone: the line was not yet come to."""
    world = live((decisions, old), (0, new))
    assert result(world) == (NEW if decisions < 2 else OLD)
    assert len(markers(world)) == (1 if decisions < 2 else 0)


def test_it_costs_one_event_and_no_decision() -> None:
    with_patch, plain = live((0, new)), live((0, newer))
    kinds = [event["eventType"] for event in with_patch.events]
    assert result(with_patch) == result(plain) == NEW
    assert len(kinds) == len(plain.events) + 1
    kinds.remove("MarkerRecorded")
    assert kinds == [event["eventType"] for event in plain.events]


def chunkings(length: int) -> list[list[int]]:
    """Ends of chunks: all at once, one by one, and in two at each place."""
    return [[length], list(range(1, length + 1)), *([n, length] for n in range(1, length))]


@pytest.mark.parametrize("decisions", [0, 3])
def test_old_and_new_runs_go_their_own_way_however_their_history_is_read(decisions: int) -> None:
    events = live((decisions, old), (0, new)).events
    expected = json.dumps(OLD if decisions else NEW, separators=(",", ":"))
    for ends in chunkings(len(events)):
        run = Run(type("W", (Workflow,), {"run": new}), "D", EXECUTION, Codec(), Config())
        run.foresee(events)
        for start, end in pairwise([0, *ends]):
            run.read(events[start:end])
        assert run.program.outcome == Complete(expected), ends
        assert run.outbox.batch(lambda command: {}, 0).held == 0
        run.close()


def test_a_decision_that_was_never_answered_has_seen_nothing() -> None:
    world = World(None)
    step(world, old)
    world.poll()
    world.lose()  # by the old code, which had come past the line
    assert result(_go_on(world, new)) == NEW
    world = World(None)
    step(world, new)
    world.poll()
    world.lose()
    assert result(_go_on(world, new)) == NEW


def test_a_parked_decision_has_seen_nothing() -> None:
    def wrong(self: Workflow) -> Any:
        return self.submit(c).result

    world = World(None)
    step(world, old)
    assert parked(decide(world, decider(world, wrong)))
    world.fire(next(iter(world.timers)))
    assert result(_go_on(world, new)) == NEW


def test_a_run_in_hand_and_one_that_is_read_again_go_the_same_way() -> None:
    world = World(None)
    step(world, old)
    by = decider(world, new)
    for id in ("activity-m.vat-1", "activity-m.b-1"):
        decide(world, by)  # it is kept in between
        world.finish(id, "Completed", result=json.dumps(id.removeprefix("activity-m.")))
    assert result(_go_on(world, new)) == NEW


def test_the_answer_is_one_for_the_whole_run() -> None:
    def late(self: Workflow) -> Any:
        self.submit(a, 1).result
        seen = [self.patched("x")]
        self.submit(b, 0).result
        return [*seen, self.patched("x"), self.patched("y")]

    def before(self: Workflow) -> Any:
        self.submit(a, 1).result
        self.submit(b, 0).result

    assert result(live((0, late))) == [True, True, True]
    assert result(live((2, before), (0, late))) == [False, False, True]


def _go_on(world: World, code: Code) -> World:
    while not world.closed:
        step(world, code)
    return world


# -- what the how-to says ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decisions", range(7))
def test_the_call_may_go_once_no_run_is_open_that_goes_the_old_way(decisions: int) -> None:
    assert result(live((decisions, new), (0, newer))) == NEW


def test_it_may_not_go_before() -> None:
    world = World(None)
    for _ in range(3):
        step(world, old)
    assert "NonDeterministic" in parked(decide(world, decider(world, newer)))


def test_the_call_may_move_to_an_earlier_line() -> None:
    def moved(self: Workflow) -> Any:
        self.patched("add-vat")
        return new(self)

    assert result(live((3, new), (0, moved))) == NEW
    assert result(live((3, old), (0, moved))) == OLD


def test_patches_go_out_before_all_else_of_their_decision() -> None:
    def many(self: Workflow) -> Any:
        made = [self.submit(a, n) for n in range(150)]
        self.submit(self.record_marker("m"))
        return [self.patched("x"), len(futures.wait(*made)), len(self.list_markers())]

    world = World(None, max_open=1000)
    answer = decide(world, decider(world, many))
    first = answer["decisions"][0]["recordMarkerDecisionAttributes"]
    assert first == {"markerName": "_simpleflow_patched", "details": '"x"'}
    assert json.loads(answer["executionContext"])["held"] > 0
    for id in list(world.open):
        world.finish(id, "Completed", result="1")
    for timer in list(world.timers):
        world.fire(timer)
    assert result(_go_on(world, many)) == [True, 150, 1]


def test_a_patch_is_recorded_before_the_run_ends() -> None:
    def brief(self: Workflow) -> Any:
        return self.patched("x")

    world = live((0, brief))
    assert [event["eventType"] for event in world.events[-3:]] == [
        "DecisionTaskCompleted",
        "MarkerRecorded",
        "WorkflowExecutionCompleted",
    ]


def test_a_patch_that_is_not_recorded_parks_the_run() -> None:
    def brief(self: Workflow) -> Any:
        return self.patched("x")

    world = World(None)
    task = world.poll()
    assert task is not None
    answer = decider(world, brief).decide(task, {})
    world.respond({**answer, "decisions": []})
    given = {"markerName": "_simpleflow_patched", "cause": "OPERATION_NOT_PERMITTED"}
    world.add("RecordMarkerFailed", **given, decisionTaskCompletedEventId=len(world.events))
    world._need_decision()
    assert "OPERATION_NOT_PERMITTED" in parked(decide(world, decider(world, brief)))


@activity.with_attributes(version="1")
def double(x: int) -> int:
    return 2 * x


class Patched(Workflow):
    name, version = "patched", "1"

    async def branch(self, x: int) -> Any:
        return [self.patched("in a branch"), await self.submit(double, x)]

    async def run(self) -> Any:
        both = await futures.gather(self.branch(1), self.branch(2))
        return [*both, self.patched("in a branch"), self.patched("late"), len(self.list_markers(all=True))]


def test_patches_on_the_engine(town: Town) -> None:
    execution = town.start(Patched)
    assert town.run(execution) == [[True, 2], [True, 4], True, True, 0]
    assert [given["details"] for given in town.of(execution, "MarkerRecorded")] == ['"in a branch"', '"late"']


# What may change without a patch: options of tasks, and whatever is not asked of the world.


def test_what_is_not_asked_of_the_world_may_change() -> None:
    def refactored(self: Workflow) -> Any:
        self.log.info("it begins")
        numbers = {"first": self.submit(a, 1)}
        print(self.now(), self.random())
        seen = [future.result for future in numbers.values()]
        return [*seen, *(self.submit(b, n).result for n in range(2)), self.submit(c).result]

    for decisions in range(5):
        assert result(live((decisions, old), (0, refactored))) == OLD


def test_options_of_tasks_may_change() -> None:
    def other_options(self: Workflow) -> Any:
        options: dict[str, Any] = {"start_to_close_timeout": 9, "task_list": "other", "task_priority": 5, "retry": 3}
        seen = [self.submit(make("m.a", **options, version="2"), 1).result]
        for n in range(2):
            seen.append(self.submit(make("m.b", **options), n).result)
        return [*seen, self.submit(make("m.c", raises_on_failure=True)).result]

    for decisions in range(5):
        assert result(live((decisions, old), (0, other_options))) == OLD


def test_how_often_a_task_is_tried_may_not_change_once_it_has_failed() -> None:
    def tries(retry: int) -> Code:
        def run(self: Workflow) -> Any:
            failed = self.submit(make("m.a", retry=retry)).exception is not None
            return [failed, self.submit(b).result]

        return run

    world = World(None)
    decide(world, decider(world, tries(0)))
    world.finish("activity-m.a-1", "Failed", reason="no")
    step(world, tries(0))
    assert "activity-m.b-1" in parked(decide(world, decider(world, tries(1))))


def test_what_comes_after_all_that_was_done_may_change() -> None:
    def longer(self: Workflow) -> Any:
        return [*old(self), self.submit(vat).result]

    for decisions in range(5):
        assert result(live((decisions, old), (0, longer))) == [*OLD, "vat-1"]


def test_two_tasks_of_different_names_in_one_step_may_change_places() -> None:
    def one(self: Workflow) -> Any:
        return futures.wait(self.submit(a), self.submit(b))

    def two(self: Workflow) -> Any:
        second = self.submit(b)
        return futures.wait(self.submit(a), second)

    for decisions in range(3):
        assert result(live((decisions, one), (0, two))) == ["a-1", "b-1"]


def test_the_time_of_a_timer_may_change_but_a_wait_with_a_time_is_a_task_of_its_own() -> None:
    def waits(seconds: int) -> Code:
        def run(self: Workflow) -> Any:
            futures.wait(self.submit(a), timeout=seconds)
            return self.submit(b).result

        return run

    def endless(self: Workflow) -> Any:
        futures.wait(self.submit(a))
        return self.submit(b).result

    assert result(live((1, waits(5)), (0, waits(9)))) == "b-1"
    world = World(None)
    step(world, waits(5))
    assert "__simpleflow_wait-1" in parked(decide(world, decider(world, endless)))
