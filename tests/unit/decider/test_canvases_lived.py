"""Canvases on the embedded engine, in runs that are resumed and in runs that are read again at each decision."""

from __future__ import annotations

from typing import Any

import pytest
from town import Town

from examples.canvas import Almanac
from simpleflow import Workflow, activity
from simpleflow.canvas import AggregateException, Chain, FuncGroup, Group, GroupFuture
from simpleflow.exceptions import TaskFailed
from simpleflow.runtime.local import run_local
from simpleflow.task import MarkerTask, TimerTask


@activity.with_attributes(version="1")
def double(x: int) -> int:
    return 2 * x


@activity.with_attributes(version="1")
def add(x: int, *more: int) -> int:
    return sum(more, x)


@activity.with_attributes(version="1")
def broken(*args: Any) -> None:
    raise ValueError("no")


class Child(Workflow):
    name, version, raises_on_failure = "child", "1", None

    def run(self, *args: int) -> int:
        return self.submit(add, *args).result + 100


class Total(GroupFuture):
    @property
    def result(self) -> Any:
        return sum(super().result)


class Kinds(Workflow):
    name, version = "kinds", "1"

    def run(self) -> Any:
        everything = Chain(
            (add, 1),
            (Child, 2),
            Group((double,), (Child, 4), FuncGroup(self.spread), future_class=Total),
            (add, 5),
            TimerTask("t", 60),
            MarkerTask("m", "here"),
            self.signal("s", 6),
            send_result=True,
        )
        waiting = self.submit(Group(self.wait_signal("s"), (double, 7)))
        *results, signal = self.submit(everything).result
        return [results, signal["args"], waiting.result[0]["args"], waiting.result[1]]

    def spread(self, n: int) -> Group:
        return Group(*[(add, i) for i in range(self.submit(double, n).result % 5)], max_parallel=2, future_class=Total)


def test_every_kind_in_a_chain(town: Town) -> None:
    execution = town.start(Kinds)
    assert town.run(execution) == [[1, 103, 206 + 207 + 0, 418, None, '"here"'], [6, '"here"'], [6, '"here"'], 14]


class Failing(Workflow):
    name, version = "failing", "1"

    def run(self) -> Any:
        chain = self.submit(Chain((double, 1), broken, (double, 2)))
        soft = self.submit(Group((broken, 1), (double, 3), Chain(broken, (double, 4)), raises_on_failure=False))
        said: list[Any] = [soft.result]
        try:
            chain.result
        except* TaskFailed as failures:
            said.append([each.reason for each in failures.exceptions])
        try:
            self.submit(Group(broken, raises_on_failure=True))
            self.submit(double, 5).result
        except TaskFailed as error:
            said.append(error.reason)
        assert isinstance(chain.exception, AggregateException)
        return said


def test_failures(town: Town) -> None:
    execution = town.start(Failing)
    assert town.run(execution) == [[None, 6, [None]], ["ValueError: no"], "ValueError: no"]
    ids = [given["activityId"].rpartition(".")[2] for given in town.of(execution, "ActivityTaskScheduled")]
    assert sorted(ids) == sorted(["double-1", "broken-1", "broken-2", "double-3", "broken-3", "broken-4", "double-5"])


def test_a_run_fails_with_what_its_canvas_says(town: Town) -> None:
    class Fails(Workflow):
        name, version = "fails", "1"

        def run(self) -> Any:
            return self.submit(Group((double, 1), broken)).result

    end = town.run(town.start(Fails))
    assert end["type"] == "WorkflowExecutionFailed" and "AggregateException" in end["reason"]
    assert "ValueError: no" in end["reason"] + end["details"]


class Wide(Workflow):
    name, version = "wide", "1"

    def run(self, n: int, parallel: int) -> int:
        return sum(self.submit(Group(*[(double, i) for i in range(n)], max_parallel=parallel)).result)


@pytest.mark.parametrize("parallel", [1, 7])
def test_never_more_than_max_parallel_at_once(town: Town, parallel: int) -> None:
    execution = town.start(Wide, 60, parallel)
    assert town.run(execution) == 60 * 59
    most = running = 0
    for event in town.events(execution):
        running += {"ActivityTaskScheduled": 1, "ActivityTaskCompleted": -1}.get(event["eventType"], 0)
        most = max(most, running)
    assert most == parallel


class Cancelling(Workflow):
    name, version = "cancelling", "1"

    def run(self) -> Any:
        group = self.submit(
            Group(TimerTask("far", 1_000_000), (double, 1), Chain(TimerTask("too", 1_000_000), (double, 2)))
        )
        self.sleep(5)
        return [group.cancel(), group.cancelled, [future.state for future in group.futures], group._result]


def test_to_cancel(town: Town) -> None:
    execution = town.start(Cancelling)
    states = ["CANCELLED", "FINISHED", "CANCELLED"]
    assert town.run(execution) == [True, True, states, [None, 2, [None]]]
    assert {given["timerId"] for given in town.of(execution, "TimerCanceled")} == {"far", "too"}


@pytest.mark.parametrize(("year", "leap"), [(2026, None), (2028, "Tuesday")])
def test_the_example(year: int, leap: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    counts, line, weekday = run_local(Almanac, (year,))
    assert len(counts) == 12 and sum(counts) in (52, 53) and weekday == leap
    assert line == f"{sum(counts)} Sundays, at most 5 in a month"
    assert capsys.readouterr().out.strip() == f"{line}; {leap or 'no'} 29 February"

