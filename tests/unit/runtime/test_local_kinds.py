"""Every kind of task in this process: the same program, the same answers."""

from __future__ import annotations

import time
from typing import Any

import pytest

from examples.many_tasks import ManyTasks
from simpleflow import Workflow, activity, futures
from simpleflow.engine import Engine, VirtualClock
from simpleflow.exceptions import TaskException, WorkflowFailed
from simpleflow.runtime.local import run_local
from simpleflow.runtime.runs import reason_of
from simpleflow.runtime.start import start
from simpleflow.task import LambdaFunctionTask


@activity.with_attributes()
def double(x: int) -> int:
    return 2 * x


@activity.with_attributes()
def broken() -> None:
    raise ValueError("nope")


def twice(event: int, context: Any) -> int:
    return 2 * event


class Child(Workflow):
    def run(self, x: int) -> Any:
        signal = self.submit(self.wait_signal("go")).result["args"][0]
        return self.submit(double, x + signal).result


def test_all_kinds_together() -> None:
    class Parent(Workflow):
        def run(self) -> Any:
            child = self.submit(Child, 1)
            self.submit(self.signal("go", 10))
            self.submit(self.record_marker("m", [1]))
            timer = self.submit(self.start_timer("t", 3600))
            late = self.submit(self.start_timer("late", 7200))
            began = self.now()
            timer.wait()
            self.submit(self.cancel_timer("late"))
            called = self.submit(LambdaFunctionTask("twice", 21))
            waited = (self.now() - began).total_seconds()
            return [child.result, waited, late.state, called.result, self.receive("go").result["args"]]

    started = time.monotonic()
    assert run_local(Parent, lambdas={"twice": f"{__name__}:twice"}) == [22, 3600.0, "CANCELLED", 42, [10]]
    assert time.monotonic() - started < 30, "an hour is over at once"


def test_classes_that_nobody_can_import_are_children_here() -> None:
    class Inner(Workflow):
        def run(self, x: int) -> Any:
            return self.submit(double, x).result

    class Outer(Workflow):
        def run(self) -> Any:
            return [self.submit(Inner, x).result for x in (1, 2)]

    assert run_local(Outer) == [2, 4]


def test_a_run_that_goes_on_as_new_is_followed() -> None:
    class Counts(Workflow):
        def run(self, n: int, seen: list[int]) -> Any:
            seen.append(self.receive("in", timeout=5).exception is None)
            self.submit(self.signal("in", propagate=False)).result
            if n:
                self.submit(self.continue_as_new(n - 1, seen))
            return seen

    assert run_local(Counts, (2, [])) == [False, True, True]


def test_timers_of_the_user_s_are_none_of_those_that_simpleflow_waits_with() -> None:
    class Named(Workflow):
        def run(self) -> Any:
            for id in ("receive-x-1", "_wait-1"):
                self.submit(self.start_timer(id, 1)).result
            begun = self.now()
            received = self.receive("x", timeout=5)
            futures.wait(received, timeout=3)
            early = received.done
            return early, received.exception is not None, (self.now() - begun).seconds

    assert run_local(Named) == [False, True, 5]


def test_a_failed_child_and_one_that_gives_up() -> None:
    class Fails(Workflow):
        def run(self) -> Any:
            return self.submit(broken).result

    class Parent(Workflow):
        def run(self) -> Any:
            return self.submit(Fails).result

    with pytest.raises(WorkflowFailed, match="ValueError: nope"):
        run_local(Parent)

    class GivesUp(Workflow):
        def run(self) -> Any:
            try:
                self.fail("error")
            except TaskException:
                return "swallowed"

    with pytest.raises(WorkflowFailed, match="Workflow execution failed: error"):
        run_local(GivesUp)


def test_a_wait_for_a_signal_that_cannot_come_says_so() -> None:
    class Waits(Workflow):
        def run(self) -> Any:
            return self.submit(self.wait_signal("godot")).result

    with pytest.raises(WorkflowFailed, match="waits for signals that nobody sends here: godot") as caught:
        run_local(Waits)
    assert caught.value.status == "STUCK"


def test_a_run_that_is_too_slow_has_timed_out() -> None:
    class Slow(Workflow):
        execution_timeout = 10

        def run(self) -> Any:
            return self.submit(self.start_timer("t", 60)).result

    with pytest.raises(WorkflowFailed) as caught:
        run_local(Slow)
    assert caught.value.status == "TIMED_OUT"


def test_what_the_parent_leaves_behind_is_left() -> None:
    class Waits(Workflow):
        def run(self) -> Any:
            return self.submit(self.wait_signal("never")).result

    class Parent(Workflow):
        def run(self) -> Any:
            self.submit(Waits)
            return "done"

    assert run_local(Parent) == "done"


def test_five_thousand_activities_at_once_within_amazon_s_limits() -> None:
    class Fan(Workflow):
        def run(self) -> Any:
            return sum(future.result for future in self.map(double, range(5000)))

    assert run_local(Fan) == 5000 * 4999


def test_max_open_activity_count_of_a_class() -> None:
    lengths: list[int] = []

    class Few(Workflow):
        max_open_activity_count = 3

        def after_replay(self, history: Any) -> None:
            states = [record["state"] for record in history.activities.values()]
            lengths.append(states.count("scheduled"))

        def run(self) -> Any:
            return sum(future.result for future in self.map(double, range(10)))

    assert run_local(Few) == 90
    assert max(lengths) <= 3


def test_a_function_that_nobody_named_fails() -> None:
    class Calls(Workflow):
        def run(self) -> Any:
            return self.submit(LambdaFunctionTask("nobody", 1)).result

    with pytest.raises(WorkflowFailed, match="stuck: nothing is named for the Lambda function nobody: say --lambda"):
        run_local(Calls)


@pytest.mark.parametrize("most", [0, -1, "5"])
def test_a_max_open_activity_count_of_which_nothing_could_run_is_told(most: Any) -> None:
    class None_(Workflow):
        max_open_activity_count = most

        def run(self) -> Any:
            return self.submit(double, 1).result

    with pytest.raises(WorkflowFailed, match="max_open_activity_count of None_ is a whole number from 1, or None"):
        run_local(None_)


def test_many_tasks_in_several_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(ManyTasks, "history_limit", 300)
    assert run_local(ManyTasks, (1000,), {"batch": 50}) == 13500
    assert capsys.readouterr().out == "the digits of all numbers below 1000 add up to 13500\n"


def test_the_hook_before_the_limit() -> None:
    class Long(Workflow):
        history_limit = 60

        def on_history_limit(self) -> Any:
            return self.continue_as_new(self.count, self.runs + 1)

        def run(self, count: int = 0, runs: int = 1) -> Any:
            self.count, self.runs = count, runs
            while self.count < 40:
                self.submit(double, self.count).result
                self.count += 1
            return [runs, self.history_length < 70]

    assert run_local(Long) == [4, True]


def test_a_run_that_is_too_long_tells_what_to_do() -> None:
    closing = {"eventType": "WorkflowExecutionTerminated"}
    given = {"workflowExecutionTerminatedEventAttributes": {"cause": "EVENT_LIMIT_EXCEEDED"}}
    reason, _ = reason_of(closing | given)
    assert reason is not None and reason.endswith("let it continue as new before (docs/how-to/long-runs.md)")


def test_a_handle_follows_a_run_that_goes_on_as_new() -> None:
    class Twice(Workflow):
        def run(self, again: bool) -> Any:
            if again:
                self.submit(self.continue_as_new(False))
            return "second"

    from simpleflow import config
    from simpleflow.decider import Decider

    engine = Engine(None, clock=VirtualClock(1e6), long_poll_seconds=0)
    handle = start(Twice, True, domain="D", engine=engine)
    decider = Decider(engine, "D", [Twice], config=config.load())
    poll = {"domain": "D", "taskList": {"name": "default"}}
    with pytest.raises(TimeoutError):
        handle.result(timeout=0)
    engine.respond_decision_task_completed(**decider.decide(engine.poll_for_decision_task(**poll), poll))
    assert handle.status == "CONTINUED_AS_NEW"
    with pytest.raises(TimeoutError):
        handle.result(timeout=0)
    engine.respond_decision_task_completed(**decider.decide(engine.poll_for_decision_task(**poll), poll))
    assert handle.result(timeout=0) == "second"
    decider.close()
    engine.close()
