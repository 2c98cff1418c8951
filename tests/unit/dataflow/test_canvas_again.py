"""Canvases in branches that run again from their start, and in runs that end, or are put away, in their midst."""

from __future__ import annotations

from typing import Any

import pytest
from driving import Drive, f, g, make
from test_canvas import drive, hard, ok, told

from simpleflow import Workflow
from simpleflow.canvas import Chain, FuncGroup, Group, GroupFuture
from simpleflow.command import ContinueAsNew
from simpleflow.exceptions import Evicted, ExecutionBlocked
from simpleflow.task import ContinueAsNewTask, MarkerTask


def test_a_canvas_that_is_submitted_again_is_the_same_one() -> None:
    passes: list[Any] = []

    def run(self: Workflow) -> Any:
        chain = self.submit(Chain((ok, 1), FuncGroup(lambda: Group((ok, 2), (ok, 3))), (ok, 4)))
        behind = self.submit(g, chain)
        passes.append(chain.count_finished_activities)
        if not behind.finished:
            raise ExecutionBlocked
        return [chain.result, behind.result, chain.id]

    made = drive(run, remember=True)
    assert made.asked == ["activity-ok-1", "activity-ok-f1.1", "activity-ok-f1.2", "activity-ok-2", "activity-g-1"]
    assert made.result == [[1, [2, 3], 4], [1, [2, 3], 4], "chain-1"] and passes == [0, 1, 1, 2, 3, 3]


def test_a_canvas_that_has_grown_goes_on_with_the_members_that_it_had() -> None:
    def run(self: Workflow) -> Any:
        first = self.submit(f)
        group = self.submit(Group((ok, 1), (ok, 2), *[(ok, 3)] * first.done, max_parallel=2))
        other = self.submit(Group((ok, 1), max_parallel=1))
        if not first.done or not group.done:
            raise ExecutionBlocked
        return [group.result, other.result]

    made = Drive(run, remember=True)
    made.ok("activity-ok-1", "1").ok("activity-f-1")
    assert made.asked == ["activity-f-1", "activity-ok-1", "activity-ok-2", "activity-ok-3", "activity-ok-4"]
    made.ok("activity-ok-3", "10").ok("activity-ok-4", "3").ok("activity-ok-2", "2")
    assert made.result == [[1, 2, 3], [10]]


def test_a_future_class_of_ones_own_again() -> None:
    class Total(GroupFuture):
        @property
        def result(self) -> Any:
            return sum(super().result)

    def run(self: Workflow) -> Any:
        chain = self.submit(Chain(Group((ok, 1), (ok, 2), future_class=Total), (g, 5)))
        if not chain.done:
            raise ExecutionBlocked
        return chain.result

    assert drive(run, remember=True).result == [3, 5]


def test_a_failure_is_raised_again_in_each_pass() -> None:
    def run(self: Workflow) -> Any:
        group = self.submit(Group(hard, (ok, 1), raises_on_failure=True))
        last = self.submit(f)
        try:
            group.wait()
        except Exception as error:
            if not last.done:
                raise ExecutionBlocked from None
            return [str(error), *told(group)]

    made = Drive(run, remember=True).fail("activity-hard-1").ok("activity-ok-1").ok("activity-f-1")
    assert made.result == ["activity-hard-1: ValueError: no", "FINISHED", "raises", ["TaskFailed", None]]


def test_a_run_that_goes_on_as_new_within_a_chain() -> None:
    said: list[str] = []

    def run(self: Workflow) -> Any:
        self.submit(Chain((ok, 1), ContinueAsNewTask(type(self), 2), (ok, 3)))
        self.submit(f).wait()
        said.append("never")

    made = Drive(run).ok("activity-ok-1")
    assert isinstance(made.program.outcome, ContinueAsNew) and not said
    at_once = Drive(lambda self: (self.submit(Group(ContinueAsNewTask(type(self)))), said.append("never")))
    assert isinstance(at_once.program.outcome, ContinueAsNew) and not said


@pytest.mark.parametrize("canvas", [Group, Chain])
def test_a_run_that_is_put_away_within_a_canvas(canvas: Any) -> None:
    said: list[str] = []

    def waits(self: Workflow, name: str) -> Any:
        try:
            return Chain((ok, self.submit(f).result))
        except Evicted:
            said.append(name)
            raise

    def run(self: Workflow) -> Any:
        funcs = [FuncGroup(waits, self, name) for name in "ab"]
        try:
            return self.submit(canvas(*funcs, MarkerTask("m"))).result
        finally:
            said.append("run")
            self.submit(Group(ok))

    made = Drive(run)
    made.program.close()
    assert said == [*("ba" if canvas is Group else "a"), "run"]
    assert "activity-ok-1" not in made.asked


def test_a_canvas_whose_submit_waits_is_put_away() -> None:
    def run(self: Any) -> Any:
        def submit(self: Any, task: Any, *args: Any) -> Any:
            if not isinstance(task, Group) and not args:
                Workflow.submit(self, f, 0).wait()
            return Workflow.submit(self, task, *args)

        before = Workflow.submit(self, g)
        type(self).submit = submit
        return self.submit(Group((ok, 1), (ok, before))).result

    made = Drive(run)
    assert made.asked == ["activity-g-1"]
    (line,) = made.program.waits_for
    assert line.startswith("activity-f-1") and made.program.outcome is None
    made.program.close()


def test_a_canvas_sees_only_how_its_tasks_end_at_last() -> None:
    twice = make("twice", retry=1)

    def run(self: Workflow) -> Any:
        return self.submit(Chain(Group((twice, 1), (twice, 2), max_parallel=1), (g, 3))).result

    made = Drive(run).fail("activity-twice-1")
    assert made.asked == ["activity-twice-1", "activity-twice-1#2"]
    made.ok("activity-twice-1").fail("activity-twice-2").ok("activity-twice-2").ok("activity-g-1")
    assert made.result == [[1, 1], 1]


def test_on_task_failure_may_put_a_canvas_in_the_place_of_a_task() -> None:
    def run(self: Any) -> Any:
        def on_task_failure(self: Any, context: Any) -> Any:
            func = FuncGroup(lambda: Chain((ok, 2), (ok, 3)))
            return context.decide_handled(context.a_task, self.submit(Group((ok, 1), func)))

        type(self).on_task_failure = on_task_failure
        return self.submit(Chain((hard, 0), g, send_result=True)).result

    made = drive(run)
    assert made.inputs["activity-g-1"] == '{"args":[[1,[2,3]]],"kwargs":{}}'
    assert made.result == [[1, [2, 3]], [1, [2, 3]]]
