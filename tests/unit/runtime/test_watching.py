"""A run under watch, on an engine in memory: each look reads what is new, and tells of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from simpleflow.engine import Engine, VirtualClock
from simpleflow.runtime import runs, watching
from simpleflow.runtime.watching import Change, Watch

DOMAIN = {"domain": "D"}
NEVER = {f"{kind}Timeout": "NONE" for kind in ("scheduleToStart", "scheduleToClose", "startToClose", "heartbeat")}
LIMITS = {"executionStartToCloseTimeout": "600", "taskStartToCloseTimeout": "60", "childPolicy": "TERMINATE"}


class Town:
    """An engine with a run, and somebody who decides and works."""

    def __init__(self) -> None:
        self.clock = VirtualClock(1_800_000_000)
        self.engine = Engine(None, clock=self.clock, long_poll_seconds=0)
        self.engine.register_domain(name="D", workflowExecutionRetentionPeriodInDays="1")
        self.engine.register_workflow_type(**DOMAIN, name="W", version="1", defaultTaskList={"name": "L"})
        self.engine.register_activity_type(**DOMAIN, name="add", version="1")
        kind = {"name": "W", "version": "1"}
        run_id = self.engine.start_workflow_execution(**DOMAIN, workflowId="I", workflowType=kind, **LIMITS)["runId"]
        self.changes: list[Change] = []
        self.watch = Watch(self.engine, runs.Run("D", "I", run_id), changed=self.changes.append)

    def decide(self, *decisions: dict[str, Any], context: str = "{}") -> None:
        task = self.engine.poll_for_decision_task(**DOMAIN, taskList={"name": "L"})
        token = task["taskToken"]
        self.engine.respond_decision_task_completed(
            taskToken=token, decisions=list(decisions), executionContext=context
        )

    def take(self) -> str:
        return str(self.engine.poll_for_activity_task(**DOMAIN, taskList={"name": "A"})["taskToken"])

    def seen(self) -> list[tuple[str, str]]:
        """What has changed since the last time."""
        self.watch.look()
        found = [(change.id, change.state) for change in self.changes]
        self.changes.clear()
        return found


def ask(kind: str, **given: Any) -> dict[str, Any]:
    return {"decisionType": kind, f"{kind[0].lower()}{kind[1:]}DecisionAttributes": given}


def add(id: str) -> dict[str, Any]:
    return ask("ScheduleActivityTask", activityId=id, activityType={"name": "add", "version": "1"},
               taskList={"name": "A"}, **NEVER)  # fmt: skip


@pytest.fixture
def town() -> Town:
    return Town()


def numbers(watch: Watch) -> tuple[int, int, int, int, int]:
    return watch.known, watch.done, watch.running, watch.waiting, watch.failed


def test_tasks_from_asked_for_to_done(town: Town) -> None:
    assert town.seen() == [("I", "OPEN")]
    assert (town.watch.name, numbers(town.watch)) == ("W", (0, 0, 0, 0, 0))
    town.decide(add("activity-add-1"), add("activity-add-2"), add("activity-add-3"))
    token = town.take()
    assert town.seen() == [*((f"activity-add-{n}", "scheduled") for n in (1, 2, 3)), ("activity-add-1", "started")]
    assert (numbers(town.watch), town.watch.lists) == ((3, 0, 1, 2, 0), {"A"})
    [(id, begun)] = town.watch.attempts
    assert id == "activity-add-1" and begun
    assert [item.label for item in town.watch.open] == ["add-2", "add-3", "add-1"]
    town.engine.respond_activity_task_completed(taskToken=token, result="2")
    town.engine.respond_activity_task_failed(taskToken=town.take(), reason="no", details="")
    town.watch.look()
    assert [change.told for change in town.changes] == [None, None, "no"]
    assert numbers(town.watch) == (3, 1, 0, 1, 1)
    assert town.watch.attempts == []


def test_an_attempt_after_a_pause(town: Town) -> None:
    town.decide(add("activity-add-1"))
    town.engine.respond_activity_task_failed(taskToken=town.take(), reason="no", details="")
    pause = "__simpleflow_task_activity-add-1#1"
    town.decide(ask("StartTimer", timerId=pause, startToFireTimeout="30", control='{"task": "activity-add-1"}'))
    town.watch.look()
    [item] = town.watch.open
    assert (item.state, item.attempt, item.until) == ("waiting to retry", 1, item.since + timedelta(seconds=30))
    assert numbers(town.watch) == (1, 0, 0, 1, 0)
    town.clock.advance(30)
    town.decide(add("activity-add-1"))
    town.seen()
    assert (item.state, item.attempt, numbers(town.watch)) == ("scheduled", 2, (1, 0, 0, 1, 0))


def test_a_task_is_over_once_nothing_becomes_of_it(town: Town) -> None:
    town.decide(add("activity-add-1"), add("activity-add-2"))
    town.engine.respond_activity_task_completed(taskToken=town.take(), result="2")
    town.engine.respond_activity_task_failed(taskToken=town.take(), reason="no", details="")
    town.watch.look()
    first, second = town.watch.task("activity-add-1"), town.watch.task("activity-add-2")
    assert first and second and (town.watch.over(first), town.watch.over(second)) == (True, False)
    town.decide(add("activity-add-2"))
    town.watch.look()
    assert (second.state, second.attempt, town.watch.over(second)) == ("scheduled", 2, False)
    town.engine.respond_activity_task_failed(taskToken=town.take(), reason="no", details="")
    town.decide()
    town.watch.look()
    assert (second.state, town.watch.over(second), town.watch.task("none")) == ("failed", True, None)


def test_timers_signals_and_the_end(town: Town) -> None:
    town.decide(
        ask("StartTimer", timerId="rest", startToFireTimeout="9"),
        ask("StartTimer", timerId="_simpleflow_wake_up-1", startToFireTimeout="9"),
    )
    town.engine.signal_workflow_execution(**DOMAIN, workflowId="I", signalName="go")
    assert town.seen() == [("I", "OPEN"), ("rest", "started"), ("go", "signaled")]
    assert [item.id for item in town.watch.open] == ["rest"]
    town.decide(context='{"parked": {"error": "no such\\nmodule"}}')
    assert (town.seen(), town.watch.parked) == ([("I", "parked")], "no such\nmodule")
    town.engine.terminate_workflow_execution(**DOMAIN, workflowId="I", reason="enough")
    assert town.seen() == [("I", "TERMINATED")]
    assert town.watch.closing is not None


def test_into_the_next_run(town: Town) -> None:
    town.decide(add("activity-add-1"), add("activity-add-2"))
    token = town.take()
    town.engine.respond_activity_task_completed(taskToken=token, result="2")
    first = town.watch.run
    town.decide(ask("ContinueAsNewWorkflowExecution", **LIMITS))
    assert [state for _, state in town.seen()][-2:] == ["CONTINUED_AS_NEW", "OPEN"]
    watch = town.watch
    assert (watch.run != first, watch.round, watch.closing) == (True, 2, None)
    assert numbers(watch) == (1, 1, 0, 0, 0), "what was open ended with the first run"
    assert watch.open == []


def test_a_history_far_away_is_not_read_all_the_time(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(watching.time, "monotonic", lambda: now[0])
    town.watch.every = watching.pace("aws:eu-west-1")
    assert (watching.pace("sqlite:x"), town.watch.every >= 1) == (0.0, True)
    assert town.seen() != []
    town.decide(add("activity-add-1"))
    assert town.seen() == []
    now[0] += town.watch.every
    assert town.seen() == [("activity-add-1", "scheduled")]
    town.take()
    town.watch.look(now=True)
    assert town.watch.running == 1


def test_rates(town: Town) -> None:
    town.decide(*(add(f"activity-add-{number}") for number in range(6)))
    for _ in range(4):
        town.clock.advance(2)
        town.engine.respond_activity_task_completed(taskToken=town.take(), result="2")
    town.watch.look()
    tally = town.watch.tallies["add"]
    assert tally.rate(tally.ends[-1]) == 0.5
    assert tally.rate(tally.ends[-1] + timedelta(seconds=6)) == 0.25, "it gets slower while nothing ends"
