"""A history of any kind of task, read by code that has changed since."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from town import DECISIONS, Town

from simpleflow import Workflow, activity
from simpleflow.futures import Future
from simpleflow.task import LambdaFunctionTask


@activity.with_attributes()
def touch(x: Any = None) -> Any:
    return x


class Child(Workflow):
    raises_on_failure = None

    def run(self, x: int) -> Any:
        return x


class Other(Child):
    pass


class Waits(Workflow):
    def run(self) -> Any:
        return self.submit(self.wait_signal("never")).result


def event(given: Any, context: Any) -> Any:
    return given


Make = Callable[[Workflow, int], Future[Any]]

KINDS: dict[str, tuple[Make, Make]] = {
    "child": (lambda w, x: w.submit(Child, x), lambda w, x: w.submit(Other, x)),
    "timer": (
        lambda w, x: w.submit(w.start_timer(f"t{x}", 1)),
        lambda w, x: w.submit(w.start_timer(f"u{x}", 1)),
    ),
    "signal": (
        lambda w, x: w.submit(w.signal("s", x, workflow_id="friend")),
        lambda w, x: w.submit(w.signal("r", x, workflow_id="friend")),
    ),
    "lambda": (
        lambda w, x: w.submit(LambdaFunctionTask("event", x)),
        lambda w, x: w.submit(LambdaFunctionTask("other", x)),
    ),
    "marker": (
        lambda w, x: w.submit(w.record_marker("m", x)),
        lambda w, x: w.submit(w.record_marker("n", x)),
    ),
}


def begun(run: Callable[[Workflow], Any]) -> tuple[Town, dict[str, str]]:
    """A town in which `run` has come to its last line, which waits for a signal."""
    town = Town(lambdas={"event": "test_edited:event", "other": "test_edited:event"})
    town.start(Waits, workflow_id="friend")
    execution = town.start(type("W", (Workflow,), {"run": run}))
    town.settle()
    while "waiting_signals" not in town.engine.describe_workflow_execution(domain="D", execution=execution)[
        "latestExecutionContext"
    ]:
        town.jump()
    town.signal("w", "go")
    return town, execution


def read_by(town: Town, run: Callable[[Workflow], Any]) -> str:
    """What another code of the run says to the history: why it is parked, or nothing."""
    town.classes[-1] = type("W", (Workflow,), {"run": run})
    decider = town.new_decider()
    task = town.engine.poll_for_decision_task(**DECISIONS)
    answer = decider.decide(task, DECISIONS)
    decider.close()
    town.close()
    found: str = json.loads(answer["executionContext"]).get("parked", {}).get("error", "")
    return found


def steps(*made: tuple[Make, int] | None) -> Callable[[Workflow], Any]:
    """A run that submits these, waits at each None, and then for the signal."""

    def run(self: Workflow) -> Any:
        futures: list[Future[Any]] = []
        for step in made:
            if step is None:
                [future.exception for future in futures]
                self.submit(touch).result
            else:
                futures.append(step[0](self, step[1]))
        [future.exception for future in futures]
        return self.submit(self.wait_signal("go")).result

    return run


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_code_reads_on(kind: str) -> None:
    make, _ = KINDS[kind]
    run = steps((make, 1), None, (make, 2))
    town, _ = begun(run)
    assert read_by(town, run) == ""


CHANGES = [
    (kind, change)
    for kind in KINDS
    for change in ("renamed", "added", "removed", "moved", "other arguments")
    if (kind, change) != ("timer", "other arguments")  # its id is all there is of a timer
]


@pytest.mark.parametrize(("kind", "change"), CHANGES)
def test_changed_code_is_parked(kind: str, change: str) -> None:
    make, other = KINDS[kind]
    changed = {
        "renamed": steps((make, 1), None, (other, 2)),
        "added": steps((make, 1), (make, 3), None, (make, 2)),
        "removed": steps((make, 1), None),
        "moved": steps((make, 1), (make, 2), None),
        "other arguments": steps((make, 1), None, (make, 4)),
    }[change]
    town, _ = begun(steps((make, 1), None, (make, 2)))
    assert read_by(town, changed).startswith("NonDeterministic: ")


def test_seconds_and_options_may_change() -> None:
    def run(seconds: int, timeout: int) -> Callable[[Workflow], Any]:
        def body(self: Workflow) -> Any:
            timer = self.submit(self.start_timer("t", seconds, control=seconds))
            called = self.submit(LambdaFunctionTask("event", 1, start_to_close_timeout=timeout))
            [timer.result, called.result]
            return self.submit(self.wait_signal("go")).result

        return body

    town, _ = begun(run(1, 60))
    assert read_by(town, run(7, 90)) == ""
