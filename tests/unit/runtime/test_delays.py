"""Delays between attempts, on the embedded engine: a timer in the history, and nobody who waits for it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from simpleflow import Workflow, activity
from simpleflow.config import Config
from simpleflow.constants import DAY, HOUR
from simpleflow.decider import Decider
from simpleflow.engine import Engine, VirtualClock
from simpleflow.exceptions import NonRetryable, RetryAfter, TaskFailed
from simpleflow.payload.codec import RESERVED
from simpleflow.protocol.history import attributes
from simpleflow.retry import Retry
from simpleflow.runtime import calling
from simpleflow.runtime.local import run_local
from simpleflow.runtime.start import StartOptions, launch
from simpleflow.task import TaskFailureContext

LIST = {"domain": "D", "taskList": {"name": "default"}}

tries: list[Any] = []


@pytest.fixture(autouse=True)
def no_tries() -> Iterator[None]:
    tries.clear()
    yield


class TooManyRequests(RetryAfter):
    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__(float(headers["Retry-After"]), "429")


class NoSuchCustomer(LookupError, NonRetryable):
    pass


@activity.with_attributes(retry=Retry(5, initial=HOUR, factor=1))
def hourly(x: int) -> int:
    tries.append(x)
    if len(tries) < 3:
        raise ConnectionError("refused")
    return x


@activity.with_attributes(retry=2)
def limited() -> str:
    tries.append("call")
    if len(tries) == 1:
        raise TooManyRequests({"Retry-After": "600"})
    return "ok"


@activity.with_attributes(retry=Retry(None))
def missing() -> None:
    tries.append("call")
    raise NoSuchCustomer("nobody")


@activity.with_attributes()
def picky(x: int) -> int:
    tries.append(x)
    if x < 3:
        raise ValueError(f"{x} is too small")
    return x


class Hourly(Workflow):
    name, version, task_list = "hourly", "1", "default"

    def run(self, x: int) -> int:
        return self.submit(hourly, x).result


class World:
    """An engine, a decider and a worker, each of which does something only when it is told to."""

    def __init__(self, workflow: type[Workflow]) -> None:
        self.clock = VirtualClock(1_000_000.0)
        self.engine = Engine(None, clock=self.clock, long_poll_seconds=0)
        self.decider = Decider(self.engine, "D", [workflow], config=Config())
        self.handle = launch(workflow, [7], {}, StartOptions(engine=self.engine, domain="D"))
        self.execution = {"workflowId": self.handle.workflow_id, "runId": self.handle.run_id}

    def decide(self) -> None:
        task = self.engine.poll_for_decision_task(**LIST)
        assert "taskToken" in task
        self.engine.respond_decision_task_completed(**self.decider.decide(task, LIST))

    def work(self) -> bool:
        """Whether there was something to work on."""
        task = self.engine.poll_for_activity_task(**LIST)
        if not task.get("taskToken"):
            return False
        operation, given = calling.response("activity", task["taskToken"], calling.call(hourly, task["input"]))
        getattr(self.engine, operation)(**given)
        return True

    @property
    def open(self) -> dict[str, int]:
        return self.engine.describe_workflow_execution(domain="D", execution=self.execution)["openCounts"]

    @property
    def events(self) -> list[tuple[str, dict[str, Any]]]:
        found = self.engine.get_workflow_execution_history(domain="D", execution=self.execution)["events"]
        return [(event["eventType"], attributes(event)) for event in found]


def test_an_hour_between_two_attempts_costs_no_worker_and_no_decider() -> None:
    world = World(Hourly)
    for attempt in (1, 2):
        world.decide()
        assert world.work() and not world.work()
        world.decide()
        assert (world.open["openActivityTasks"], world.open["openTimers"]) == (0, 1)
        world.clock.advance(HOUR - 1)
        assert not world.work() and "taskToken" not in world.engine.poll_for_decision_task(**LIST)
        world.clock.advance(1)
        assert len(tries) == attempt
    world.decide()
    assert world.work()
    world.decide()
    assert world.handle.result(timeout=0) == 7


def test_the_history_shows_each_attempt_and_each_delay() -> None:
    world = World(Hourly)
    while not (last := world.events[-1])[0].startswith("WorkflowExecutionC"):
        if last[0] == "DecisionTaskScheduled":
            world.decide()
        elif not world.work():
            world.clock.advance(HOUR)
    task = f"activity-{hourly.name}-1"
    story: list[Any] = []
    for kind, given in world.events:
        if kind == "ActivityTaskScheduled":
            assert given["activityId"] == task
            story.append(json.loads(given["input"])[RESERVED]["attempt"])
        elif kind == "ActivityTaskFailed":
            story.append(given["reason"])
        elif kind == "TimerStarted":
            story.append((given["timerId"], given["startToFireTimeout"], json.loads(given["control"])["attempt"]))
    refused = "ConnectionError: refused"
    pauses = [(f"__simpleflow_task_{task}#{attempt}", "3600", attempt + 1) for attempt in (1, 2)]
    assert story == [1, refused, pauses[0], 2, refused, pauses[1], 3]


def test_locally_an_hour_is_nothing() -> None:
    class Timed(Workflow):
        def run(self) -> list[Any]:
            before = self.now()
            return [self.submit(hourly, 7).result, (self.now() - before) / timedelta(hours=1)]

    began = time.monotonic()
    value, hours = run_local(Timed)
    assert value == 7 and 2 <= hours < 2.01 and time.monotonic() - began < 30


def test_what_an_activity_says_of_its_next_attempt_comes_through() -> None:
    class Asks(Workflow):
        def run(self) -> list[Any]:
            before = self.now()
            limit = self.submit(limited).result
            waited = (self.now() - before).total_seconds()
            return [limit, waited, str(self.submit(missing).exception)]

    value, waited, error = run_local(Asks)
    assert value == "ok" and 600 <= waited < 610 and len(tries) == 3
    assert error.endswith("NoSuchCustomer: nobody")


def test_a_child_that_fails_for_good_is_not_started_again() -> None:
    class Broken(Workflow):
        name, retry = "broken", 5

        def run(self) -> None:
            tries.append("child")
            self.submit(missing).result

    class Parent(Workflow):
        def run(self) -> Any:
            try:
                return self.submit(Broken).result
            except TaskFailed as error:
                return error.reason

    assert "NoSuchCustomer" in run_local(Parent) and tries == ["child", "call"]


def test_a_child_is_started_again_the_next_day() -> None:
    class Daily(Workflow):
        name, retry = "daily", Retry(3, initial=DAY)

        def run(self) -> str:
            tries.append(self.now())
            if len(tries) < 2:
                raise ValueError("not today")
            return "done"

    class Parent(Workflow):
        def run(self) -> Any:
            return self.submit(Daily).result

    assert run_local(Parent) == "done"
    assert tries[1] - tries[0] >= timedelta(days=1)


def test_on_task_failure_may_try_with_other_arguments_and_look_at_the_history() -> None:
    seen: list[Any] = []

    class Grows(Workflow):
        def run(self) -> int:
            return self.submit(picky, 1).result

        def on_task_failure(self, failure_context: TaskFailureContext) -> TaskFailureContext:
            row = failure_context.history.activities[failure_context.id]
            seen.append((row["state"], row["reason"], failure_context.current_started_decision_id))
            failure_context.a_task.args[0] += 1
            return failure_context.decide_retry(60)

    assert run_local(Grows) == 3 and tries == [1, 2, 3]
    assert [(state, reason) for state, reason, _ in seen] == [
        ("failed", "ValueError: 1 is too small"),
        ("failed", "ValueError: 2 is too small"),
    ]
    assert 0 < seen[0][2] < seen[1][2]
