"""Hooks: for decisions that are made now, with a history that costs nothing unless it is read."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from town import Town

from simpleflow import Workflow, activity

called: list[Any] = []


@activity.with_attributes()
def touch(x: Any = None) -> Any:
    return x


@activity.with_attributes()
def broken() -> None:
    raise ValueError("nope")


class Hooked(Workflow):
    def before_replay(self, history: Any) -> None:
        called.append("before_replay")

    def after_replay(self, history: Any) -> None:
        called.append("after_replay")

    def after_closed(self, history: Any) -> None:
        called.append("after_closed")

    def on_completed(self, history: Any) -> None:
        called.append(("on_completed", sorted(history.activities)))

    def on_failure(self, history: Any, reason: str, details: str | None = None) -> None:
        called.append(("on_failure", reason, details is not None))

    def on_canceled(self, history: Any) -> None:
        called.append("on_canceled")


@pytest.fixture(autouse=True)
def fresh() -> None:
    called.clear()


DECISION = ["before_replay", "after_replay"]


def test_a_run_that_returns(town: Town) -> None:
    class Returns(Hooked):
        def run(self) -> Any:
            return self.submit(touch, self.submit(touch, 1)).result

    assert town.run(town.start(Returns)) == 1
    ids = ["activity-test_hooks.touch-1", "activity-test_hooks.touch-2"]
    assert called == [*DECISION, *DECISION, *DECISION, ("on_completed", ids), "after_closed"]


def test_a_run_that_fails_for_a_task(town: Town) -> None:
    class Fails(Hooked):
        def run(self) -> Any:
            return self.submit(broken).result

    town.run(town.start(Fails))
    reason = 'Workflow execution error in activity-test_hooks.broken-1: "ValueError: nope"'
    assert called == [*DECISION, "before_replay", ("on_failure", reason, True), "after_closed"]


def test_a_run_that_raises_at_once(town: Town) -> None:
    class Raises(Hooked):
        def run(self) -> Any:
            raise KeyError("x")

    town.run(town.start(Raises))
    assert called == ["before_replay", ("on_failure", "KeyError: 'x'", True), "after_closed"]


def test_a_run_that_gives_up(town: Town) -> None:
    class GivesUp(Hooked):
        def run(self) -> Any:
            self.fail("error")

    town.run(town.start(GivesUp))
    assert called == ["before_replay", ("on_failure", "Workflow execution failed: error", False), "after_replay"]


def test_a_run_that_is_cancelled(town: Town) -> None:
    class Waits(Hooked):
        def run(self) -> Any:
            return self.submit(self.wait_signal("never")).result

    execution = town.start(Waits)
    town.settle()
    town.cancel("w")
    town.run(execution)
    assert called == [*DECISION, "before_replay", "on_canceled", "after_replay", "after_closed"]


def test_the_old_names(town: Town) -> None:
    class Old(Workflow):
        def before_run(self, history: Any) -> None:
            called.append("before_run")

        def after_run(self, history: Any) -> None:
            called.append(("after_run", history.workflow["state"]))

        def run(self) -> Any:
            return self.get_execution_context()["workflow_id"]

    assert town.run(town.start(Old)) == "w"
    assert called == ["before_run", ("after_run", "started")]


def test_an_error_in_a_hook_is_logged_and_changes_nothing(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    class Bad(Workflow):
        def before_replay(self, history: Any) -> None:
            raise KeyError("hook")

        def on_completed(self, history: Any) -> None:
            raise NotImplementedError

        def run(self) -> Any:
            return 5

    assert town.run(town.start(Bad)) == 5
    assert "the hook before_replay of Bad failed" in caplog.text and "KeyError: 'hook'" in caplog.text


def test_the_history_is_fetched_only_when_it_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    class Looks(Workflow):
        def after_replay(self, history: Any) -> None:
            if self.get_run_context()["tag_list"]:
                called.append(len(history.events))

        def run(self) -> Any:
            return self.submit(touch, 1).result

    town = Town()
    fetched: list[Any] = []
    real = town.engine.get_workflow_execution_history
    monkeypatch.setattr(
        type(town.engine), "get_workflow_execution_history", lambda self, **given: fetched.append(1) or real(**given)
    )
    first = town.start(Looks)
    town.settle()
    assert fetched == []
    town.start(Looks, workflow_id="v", tag_list=["look"])
    town.settle()
    assert called == [3, 9] and town.end(first) == 1, "up to the DecisionTaskStarted"
    town.close()


def test_a_hook_is_not_called_while_a_close_is_sent_again(town: Town) -> None:
    class Returns(Hooked):
        def run(self) -> Any:
            return 1

    execution = town.start(Returns)
    task = town.engine.poll_for_decision_task(domain="D", taskList={"name": "default"})
    answer = town.decider.decide(task, {})
    town.signal("w", "late")
    town.engine.respond_decision_task_completed(**answer)
    assert town.run(execution) == 1
    assert called.count("after_closed") == 1


def test_lines_of_the_run_s_log_appear_once(caplog: pytest.LogCaptureFixture) -> None:
    class Logs(Workflow):
        def run(self) -> Any:
            self.log.info("begin %s", 1)
            self.submit(touch).result
            self.log.warning("end", extra={"more": 2})

    town = Town(forget=True)
    with caplog.at_level(logging.INFO, "test_hooks"):
        town.run(town.start(Logs))
    assert [record.getMessage() for record in caplog.records if record.name == "test_hooks"] == ["begin 1", "end"]
    last: Any = caplog.records[-1]
    assert (last.workflow_id, last.more) == ("w", 2)
    town.close()
