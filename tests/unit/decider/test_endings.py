"""How runs end: cancelled, given up, going on as new; on the embedded engine in memory."""

from __future__ import annotations

import json
from typing import Any

import pytest
from town import DECISIONS, Town

from simpleflow import Workflow, activity
from simpleflow.engine import Configuration
from simpleflow.task import ContinueAsNewTask


@activity.with_attributes()
def touch(x: Any = None) -> Any:
    return x


@activity.with_attributes()
def broken() -> None:
    raise ValueError("nope")


class Waits(Workflow):
    def run(self) -> Any:
        return self.submit(self.wait_signal("never")).result


# -- cancel --------------------------------------------------------------------------------------------------------


def test_what_is_open_is_cancelled_with_the_run(town: Town) -> None:
    class Busy(Workflow):
        def run(self) -> Any:
            self.submit(touch, 1)
            self.submit(self.start_timer("t", 100))
            self.submit(Waits)
            return self.submit(self.wait_signal("never")).result

    execution = town.start(Busy)
    town.decide()  # the activity is scheduled, and nobody has it
    town.decide()  # the child
    town.cancel("w")
    town.decide()
    assert not town.closed(execution), "the cancel of the child may be refused"
    town.decide()
    assert town.closed(execution)
    kinds = town.kinds(execution)
    assert kinds[-1] == "WorkflowExecutionCanceled"
    assert {"ActivityTaskCancelRequested", "TimerCanceled", "RequestCancelExternalWorkflowExecutionInitiated"} <= set(
        kinds
    )
    town.settle()
    assert [status for _, _, status in town.executions()] == ["CANCELED", "CANCELED"]


def test_a_cancel_before_any_decision_cancels(town: Town) -> None:
    class Busy(Workflow):
        def run(self) -> Any:
            self.submit(self.record_marker("begun"))
            self.submit(touch)
            self.submit(Waits)
            return self.submit(self.start_timer("t", 100)).result

    execution = town.start(Busy)
    town.cancel("w")
    assert town.run(execution)["type"] == "WorkflowExecutionCanceled"
    assert town.kinds(execution, "Timer") == [
        "WorkflowExecutionStarted",
        "WorkflowExecutionCancelRequested",
        "MarkerRecorded",
        "WorkflowExecutionCanceled",
    ]
    assert [given["timerId"] for given in town.of(execution, "TimerStarted")] == ["_simpleflow_wake_up-4"]


def test_a_child_that_a_cancel_keeps_from_starting_is_sent_no_signals(town: Town) -> None:
    class Parent(Workflow):
        def run(self) -> Any:
            return self.submit(Waits).result

    execution = town.start(Parent)
    town.signal("w", "s", '{"args":[],"kwargs":{},"__propagate":true}')
    town.cancel("w")
    assert town.run(execution)["type"] == "WorkflowExecutionCanceled"
    assert town.kinds(execution) == [
        "WorkflowExecutionStarted",
        "WorkflowExecutionSignaled",
        "WorkflowExecutionCancelRequested",
        "WorkflowExecutionCanceled",
    ]


def test_a_child_that_has_not_started_is_cancelled_once_it_has(town: Town) -> None:
    class Parent(Workflow):
        def run(self) -> Any:
            return self.submit(Waits).result

    execution = town.start(Parent)
    task = town.engine.poll_for_decision_task(domain="D", taskList={"name": "default"})
    answer = town.decider.decide(task, {})
    town.cancel("w")  # in the gap
    town.engine.respond_decision_task_completed(**answer)
    town.settle()
    assert [status for _, _, status in town.executions()] == ["CANCELED", "CANCELED"]
    kinds = town.kinds(execution)
    assert kinds.index("ChildWorkflowExecutionStarted") < kinds.index("RequestCancelExternalWorkflowExecutionInitiated")


def test_a_run_refuses_to_be_cancelled(town: Town) -> None:
    class Stubborn(Workflow):
        def should_cancel(self, history: Any) -> bool:
            return len(history.events) > 8

        def run(self) -> Any:
            return self.submit(self.wait_signal("go")).result

    execution = town.start(Stubborn)
    town.settle()
    town.cancel("w")
    town.settle()
    assert not town.closed(execution)
    town.cancel("w")
    assert town.run(execution)["type"] == "WorkflowExecutionCanceled"


def test_an_error_in_should_cancel_fails_the_run(town: Town) -> None:
    class Odd(Waits):
        def should_cancel(self, history: Any) -> bool:
            raise KeyError("odd")

    execution = town.start(Odd)
    town.settle()
    town.cancel("w")
    assert town.run(execution)["reason"] == "KeyError: 'odd'"


def test_what_ends_with_a_cancel_wakes_nobody(town: Town) -> None:
    said: list[str] = []

    class Busy(Workflow):
        def run(self) -> Any:
            try:
                self.submit(self.start_timer("t", 100)).result
            except Exception:
                said.append("woken")

    execution = town.start(Busy)
    town.settle()
    town.cancel("w")
    assert town.run(execution)["type"] == "WorkflowExecutionCanceled" and said == []


def test_many_cancels_go_out_before_the_close(town: Town) -> None:
    class Busy(Workflow):
        def run(self) -> Any:
            for number in range(250):
                self.submit(self.start_timer(f"t{number}", 100))
            return self.submit(self.wait_signal("never")).result

    execution = town.start(Busy)
    town.settle()
    while len(town.of(execution, "TimerStarted")) < 252:
        town.jump()
    town.cancel("w")
    assert town.run(execution)["type"] == "WorkflowExecutionCanceled"
    assert len(town.of(execution, "TimerCanceled")) == 250


# -- fail ----------------------------------------------------------------------------------------------------------


def test_fail_ends_the_run_there_and_then_and_nothing_can_swallow_it(town: Town) -> None:
    class Fails(Workflow):
        def run(self) -> Any:
            self.submit(self.record_marker("kept"))
            self.submit(touch)
            try:
                self.fail("error", {"a": 1})
            except BaseException:
                self.submit(self.record_marker("never"))

    execution = town.start(Fails)
    end = town.run(execution)
    assert (end["reason"], end["details"]) == ("Workflow execution failed: error", "{'a': 1}")
    assert town.kinds(execution, "Timer") == ["WorkflowExecutionStarted", "MarkerRecorded", "WorkflowExecutionFailed"]


def test_reasons_always_fit(town: Town) -> None:
    class Fails(Workflow):
        def run(self) -> Any:
            self.fail("é" * 400, "x" * 40_000)

    end = town.run(town.start(Fails))
    assert len(end["reason"]) == 256 and len(end["details"]) == 32_768


# -- continue as new -----------------------------------------------------------------------------------------------


class Counts(Workflow):
    version = "1"

    def run(self, n: int, total: int = 0) -> Any:
        total += self.submit(touch, n).result
        if n:
            self.submit(self.continue_as_new(n - 1, total=total))
            raise AssertionError("a submit that ends the run does not return")
        context = self.get_run_context()
        return [total, context["version"], context["tag_list"], bool(context["continued_execution_run_id"])]


def follow(town: Town, execution: dict[str, str]) -> list[dict[str, str]]:
    """The runs of a workflow id, to the last."""
    found = [execution]
    while (end := town.end(found[-1])) and isinstance(end, dict) and "newExecutionRunId" in end:
        found.append({"workflowId": execution["workflowId"], "runId": end["newExecutionRunId"]})
    return found


def test_a_run_goes_on_as_new(town: Town) -> None:
    execution = town.start(Counts, 3, tag_list=["t"], execution_timeout=1234)
    town.settle()
    runs = follow(town, execution)
    assert len(runs) == 4 and town.end(runs[-1]) == [6, "1", ["t"], True]
    first, last = (town.of(run, "WorkflowExecutionStarted")[0] for run in (runs[0], runs[-1]))
    for name in ("executionStartToCloseTimeout", "taskStartToCloseTimeout", "childPolicy", "taskList", "tagList"):
        assert last[name] == first[name]
    assert json.loads(last["input"]) == {
        "args": [0],
        "kwargs": {"total": 6},
        "__extra": {"class": "test_endings.Counts"},
    }


def test_it_waits_for_its_arguments(town: Town) -> None:
    class Later(Workflow):
        def run(self, done: bool) -> Any:
            if done:
                return "done"
            ending = self.submit(self.continue_as_new(self.submit(touch, True)))
            assert ending.state == "PENDING"
            self.submit(self.record_marker("before"))
            return ending.result

    execution = town.start(Later, False)
    town.settle()
    assert town.end(follow(town, execution)[-1]) == "done"
    assert town.kinds(execution)[-2:] == ["ActivityTaskCompleted", "WorkflowExecutionContinuedAsNew"]


class Second(Workflow):
    name, version = "versioned", "2"

    def run(self, n: int) -> Any:
        return [n, self.get_run_context()["version"], type(self).__name__]


class First(Workflow):
    name, version = "versioned", "1"

    def run(self, n: int) -> Any:
        self.submit(ContinueAsNewTask(Second, n + 1, workflow_version="2"))


def test_it_goes_on_in_another_version(town: Town) -> None:
    execution = town.start(First, 1)
    town.settle()
    assert town.end(follow(town, execution)[-1]) == [2, "2", "Second"]


def test_what_a_close_must_send_first_goes_out(town: Town) -> None:
    class Tidy(Workflow):
        def run(self, again: bool) -> Any:
            if not again:
                return
            self.submit(self.record_marker("kept"))
            self.submit(touch)
            self.submit(Waits)
            timer = self.submit(self.start_timer("t", 100))
            self.submit(self.start_timer("u", 0)).result
            timer.cancel()
            self.submit(self.continue_as_new(False))

    execution = town.start(Tidy, True)
    town.settle()
    kinds = town.kinds(execution)
    assert kinds[-2:] == ["TimerCanceled", "WorkflowExecutionContinuedAsNew"]
    assert "MarkerRecorded" in kinds and "StartChildWorkflowExecutionInitiated" in kinds


class Inbox(Workflow):
    def run(self, seen: list[Any]) -> Any:
        future = self.receive("in")
        self.submit(touch).result
        seen = [*seen, future.result]
        if len(seen) < 4:
            self.submit(self.continue_as_new(seen))
        return [seen, self.submit(self.wait_signal("other")).result]


def test_signals_that_nobody_received_go_along(town: Town) -> None:
    execution = town.start(Inbox, [])
    for number in range(4):
        town.signal("w", "in", str(number))
    town.signal("w", "other", "plain words")
    town.settle()
    runs = follow(town, execution)
    assert len(runs) == 4 and town.end(runs[-1]) == [[0, 1, 2, 3], "plain words"]


class HandsOn(Workflow):
    """Reads nothing that it receives: the futures are arguments, of a task and of the run that goes on."""

    def run(self, seen: list[Any]) -> Any:
        told = self.submit(touch, self.receive("in")) if not seen else None
        seen = [*seen, told, self.receive("in")]
        if len(seen) < 6:
            self.submit(self.continue_as_new(seen))
        return seen


def test_a_signal_whose_future_was_an_argument_is_received(town: Town) -> None:
    execution = town.start(HandsOn, [])
    for number in range(4):
        town.signal("w", "in", str(number))
    town.settle()
    assert town.end(follow(town, execution)[-1])[1::2] == [1, 2, 3]


def test_a_signal_that_comes_as_the_run_goes_on_is_not_lost(town: Town) -> None:
    execution = town.start(Inbox, [])
    town.signal("w", "in", "0")
    while not town.of(execution, "ActivityTaskCompleted"):
        assert town.decide() or town.work()
    task = town.engine.poll_for_decision_task(domain="D", taskList={"name": "default"})
    answer = town.decider.decide(task, {})
    assert answer["decisions"][-1]["decisionType"] == "ContinueAsNewWorkflowExecution"
    for number in range(1, 4):
        town.signal("w", "in", str(number))  # in the gap
    town.engine.respond_decision_task_completed(**answer)
    assert town.of(execution, "ContinueAsNewWorkflowExecutionFailed")[0]["cause"] == "UNHANDLED_DECISION"
    town.settle()
    town.signal("w", "other")
    town.settle()
    assert town.end(follow(town, execution)[-1]) == [[0, 1, 2, 3], None]


def test_a_cancel_that_comes_as_the_run_goes_on_is_not_lost(town: Town) -> None:
    said: list[str] = []

    class Goes(Workflow):
        def run(self, again: bool) -> Any:
            if not again:
                return self.submit(self.wait_signal("never")).result
            self.submit(self.start_timer("long", 1000))
            self.submit(self.start_timer("short", 1)).result
            return self.submit(self.continue_as_new(False))

        def should_cancel(self, history: Any) -> bool:
            said.append(f"asked after {self.history_length} events")
            return self.get_run_context()["workflow_id"] != "stubborn"

        def on_canceled(self, history: Any) -> None:
            said.append("cancelled")

    for workflow_id in ("w", "stubborn"):
        execution = town.start(Goes, True, workflow_id=workflow_id)
        town.decide()
        town.clock.set(town.clock.now() + 1)
        task = town.engine.poll_for_decision_task(**DECISIONS)
        answer = town.decider.decide(task, DECISIONS)
        town.cancel(workflow_id)
        town.engine.respond_decision_task_completed(**answer)
        assert "ContinueAsNewWorkflowExecutionFailed" in town.kinds(execution)
        town.settle()
        if workflow_id == "w":
            assert town.kinds(execution)[-2:] == ["TimerCanceled", "WorkflowExecutionCanceled"]
            assert said == ["asked after 10 events", "cancelled"]
        else:
            assert town.kinds(execution)[-1] == "WorkflowExecutionContinuedAsNew"
    assert len(said) == 3


def test_a_signal_that_was_taken_and_never_looked_at_goes_along(town: Town) -> None:
    class Hasty(Workflow):
        def run(self, n: int) -> Any:
            future = self.receive("in")
            self.submit(touch).result
            if n == 0:
                self.submit(self.continue_as_new(1))
            return [future.result, self.receive("in").result]

    execution = town.start(Hasty, 0)
    town.signal("w", "in", "0")
    town.signal("w", "in", "1")
    town.settle()
    assert town.end(follow(town, execution)[-1]) == [0, 1]


def test_what_a_wait_has_shown_does_not_go_along(town: Town) -> None:
    class Shown(Workflow):
        def run(self, n: int) -> Any:
            self.submit(self.wait_signal("go")).result
            if n == 0:
                self.submit(self.continue_as_new(1))

    execution = town.start(Shown, 0)
    town.signal("w", "go")
    town.settle()
    (_, second) = follow(town, execution)
    assert not town.closed(second)


def test_too_many_signals_fail_the_run_and_say_what_to_do(town: Town) -> None:
    class Lazy(Workflow):
        def run(self) -> Any:
            self.submit(touch).result
            self.submit(self.continue_as_new())

    execution = town.start(Lazy)
    for _ in range(4):
        town.signal("w", "in", json.dumps("x" * 10_000))
    end = town.run(execution)
    assert "no room beside the next run's input for 4 signals that nobody received" in end["reason"]
    assert "receive them before continue_as_new" in json.loads(end["details"])["message"]


def test_a_parent_hears_of_the_last_run_only(town: Town) -> None:
    class Parent(Workflow):
        def run(self) -> Any:
            return self.submit(Counts, 2).result[0]

    assert town.run(town.start(Parent)) == 3


def test_a_close_that_came_too_early_loses_nothing(town: Town) -> None:
    class Parent(Workflow):
        def run(self) -> Any:
            self.submit(self.record_marker("m", 1))
            return "done"

    execution = town.start(Parent)
    task = town.engine.poll_for_decision_task(domain="D", taskList={"name": "default"})
    answer = town.decider.decide(task, {})
    town.signal("w", "late")
    town.engine.respond_decision_task_completed(**answer)
    assert not town.closed(execution)
    assert town.run(execution) == "done"
    assert len(town.of(execution, "MarkerRecorded")) == 1


@pytest.mark.parametrize("cause", ["WORKFLOW_TYPE_DOES_NOT_EXIST", "CONTINUE_AS_NEW_WORKFLOW_EXECUTION_RATE_EXCEEDED"])
def test_a_refused_continue_as_new_is_sent_again_after_a_pause_that_grows(cause: str) -> None:
    town = Town(deny={"ContinueAsNewWorkflowExecution": cause})
    execution = town.start(Counts, 1)
    for _ in range(8):
        town.jump()
    waited = [int(given["startToFireTimeout"]) for given in town.of(execution, "TimerStarted")]
    assert waited[:3] == ([4, 8, 16] if "TYPE" in cause else [2, 4, 8])
    assert len(town.of(execution, "ContinueAsNewWorkflowExecutionFailed")) <= len(waited) + 2
    town.close()


@pytest.mark.parametrize(
    ("decision", "cause", "heard"),
    [
        ("RecordMarker", "OPERATION_NOT_PERMITTED", "MarkerRecorded"),
        ("StartChildWorkflowExecution", "CHILD_CREATION_RATE_EXCEEDED", "StartChildWorkflowExecutionInitiated"),
        (
            "SignalExternalWorkflowExecution",
            "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_RATE_EXCEEDED",
            "SignalExternalWorkflowExecutionInitiated",
        ),
    ],
)
def test_what_is_refused_as_the_run_ends_is_not_lost(decision: str, cause: str, heard: str) -> None:
    class Leaves(Workflow):
        def run(self) -> Any:
            self.submit(self.record_marker("a", 1))
            self.submit(Waits)
            self.submit(self.signal("hello", workflow_id="friend", propagate=False))
            return "done"

    town = Town(deny={decision: cause})
    town.parks = True
    town.start(Waits, workflow_id="friend")
    execution = town.start(Leaves)
    town.settle()
    assert not town.closed(execution) and not town.of(execution, heard)
    town.engine._configuration = Configuration()  # it is mended
    assert town.run(execution) == "done"
    assert len(town.of(execution, heard)) == 1
    town.close()


def test_what_a_run_ended_with_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """Though the answer that ends it is refused, for something has come meanwhile."""

    class Careless(Workflow):
        def run(self) -> Any:
            self.submit(broken)
            return self.submit(touch, 1).result

    town = Town()
    execution = town.start(Careless)
    town.decide()
    assert town.work() and town.work()
    task = town.engine.poll_for_decision_task(**DECISIONS)
    answer = town.decider.decide(task, DECISIONS)
    town.signal("w", "late")
    town.engine.respond_decision_task_completed(**answer)
    assert town.run(execution) == 1
    said = [record.getMessage().partition("(")[0] for record in caplog.records]
    assert said == [
        "w ended with a failure that nobody looked at: activity-test_endings.broken-1: ValueError: nope ",
        "w ended with 1 signal that nobody received: late",
    ]
    town.close()
