"""Faults that were found once, each with the test that shows it."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from simpleflow.engine import Configuration, Engine, VirtualClock
from simpleflow.engine.integrity import problems
from simpleflow.protocol.limits import AWS_LIMITS

DOMAIN = {"domain": "D"}
LIST = {"domain": "D", "taskList": {"name": "l"}}
TYPE = {"name": "n", "version": "1"}


class SteppingClock:
    """A clock that may go back, as a machine's does."""

    def __init__(self) -> None:
        self.time = 1_000_000.0

    def now(self) -> float:
        return self.time


def started(engine: Engine) -> str:
    engine.register_domain(name="D", workflowExecutionRetentionPeriodInDays="1")
    engine.register_workflow_type(domain="D", **TYPE)
    engine.register_activity_type(domain="D", **TYPE)
    return str(
        engine.start_workflow_execution(
            domain="D",
            workflowId="w",
            workflowType=TYPE,
            taskList={"name": "l"},
            executionStartToCloseTimeout="1000000",
            taskStartToCloseTimeout="10",
            childPolicy="TERMINATE",
        )["runId"]
    )


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(None, clock=VirtualClock(), long_poll_seconds=0) as made:
        yield made


def test_a_clock_that_went_back_an_hour_delays_no_timeout_by_an_hour() -> None:
    clock = SteppingClock()
    with Engine(None, clock=clock, long_poll_seconds=0) as engine:
        started(engine)
        task = engine.poll_for_decision_task(**LIST)
        schedule = {
            "activityId": "a",
            "activityType": TYPE,
            "taskList": {"name": "l"},
            "heartbeatTimeout": "10",
            "scheduleToStartTimeout": "NONE",
            "scheduleToCloseTimeout": "NONE",
            "startToCloseTimeout": "NONE",
        }
        decision = {"decisionType": "ScheduleActivityTask", "scheduleActivityTaskDecisionAttributes": schedule}
        engine.respond_decision_task_completed(taskToken=task["taskToken"], decisions=[decision])
        clock.time -= 3600
        assert "taskToken" in engine.poll_for_activity_task(**LIST)
        clock.time += 11
        events = engine.poll_for_decision_task(**LIST)["events"]
        assert "ActivityTaskTimedOut" in [event["eventType"] for event in events]
        stamps = [event["eventTimestamp"] for event in events]
        assert stamps == sorted(stamps)


@pytest.mark.parametrize("how", ["ContinueAsNewWorkflowExecution", "StartChildWorkflowExecution"])
def test_a_clock_that_went_back_an_hour_delays_no_run_that_a_decision_starts(how: str) -> None:
    clock = SteppingClock()
    with Engine(None, clock=clock, long_poll_seconds=0) as engine:
        started(engine)
        task = engine.poll_for_decision_task(**LIST)
        clock.time -= 3600
        given = {"executionStartToCloseTimeout": "100", "taskStartToCloseTimeout": "50", "childPolicy": "ABANDON"}
        given |= {"taskList": {"name": "own"}}
        child = {"workflowId": "child", "workflowType": TYPE} if how.startswith("StartChild") else {}
        decision = {"decisionType": how, f"{how[0].lower()}{how[1:]}DecisionAttributes": {**given, **child}}
        engine.respond_decision_task_completed(taskToken=task["taskToken"], decisions=[decision])
        assert engine.next_due() == clock.time + 100
        assert not list(problems(engine._store.connection))


def test_a_run_that_the_quota_ended_in_a_decision_can_be_described() -> None:
    configuration = Configuration(limits=dataclasses.replace(AWS_LIMITS, events=4))
    with Engine(None, clock=VirtualClock(), configuration=configuration, long_poll_seconds=0) as engine:
        run_id = started(engine)
        task = engine.poll_for_decision_task(**LIST)
        engine.respond_decision_task_completed(taskToken=task["taskToken"], executionContext="c")
        execution = {"workflowId": "w", "runId": run_id}
        found = engine.describe_workflow_execution(domain="D", execution=execution)
        assert found["executionInfo"]["closeStatus"] == "TERMINATED"


def test_closing_in_a_forked_child_leaves_the_parent_alone(tmp_path: Path) -> None:
    with Engine(tmp_path / "engine.sqlite", long_poll_seconds=0) as engine:
        started(engine)
        child = os.fork()
        if not child:
            try:
                engine.close()
            finally:
                os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)
        assert "taskToken" in engine.poll_for_decision_task(**LIST)


def test_an_error_of_the_engine_s_own_is_not_blamed_on_the_request(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise TypeError("a fault of ours")

    started(engine)
    monkeypatch.setattr("simpleflow.engine.engine.READS", {"ListDomains": broken})
    with pytest.raises(TypeError, match="a fault of ours"):
        engine.list_domains(registrationStatus="REGISTERED")


def test_a_lone_surrogate_is_the_request_s_fault(engine: Engine) -> None:
    started(engine)
    task = engine.poll_for_decision_task(**LIST)
    with pytest.raises(engine.exceptions.ClientError, match="SerializationException"):
        engine.respond_decision_task_completed(taskToken=task["taskToken"], executionContext="\ud800")
