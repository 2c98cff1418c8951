"""Quotas, with small numbers in the place of Amazon's: what the contract of any service cannot see."""

from __future__ import annotations

from typing import Any

import pytest
from engine_integrity import check_connection

from simpleflow.engine import Configuration, Engine, VirtualClock
from simpleflow.protocol.limits import AWS_LIMITS, Limits
from simpleflow.testing.contract.checked import DOMAIN
from simpleflow.testing.contract.swf import TYPE, Swf, decision


def engine(**limits: int) -> Any:
    return Engine(None, clock=VirtualClock(), long_poll_seconds=0, configuration=Configuration(limits=Limits(**limits)))


def test_the_table_is_amazons() -> None:
    assert (AWS_LIMITS.events, AWS_LIMITS.open_activities, AWS_LIMITS.open_executions) == (25_000, 1_000, 100_000)


@pytest.mark.parametrize("last", [7, 8, 9, 10, 11, 12, 13])
def test_a_history_that_is_full(last: int) -> None:
    """Wherever the quota falls, the last event is the termination and nothing is left."""
    with engine(events=last) as client:
        swf = Swf(client)
        execution = swf.start()
        swf.decide(swf.schedule("a"), swf.schedule("b"), swf.timer())
        for _ in range(2):
            if token := swf.poll_activity().get("taskToken"):
                client.respond_activity_task_completed(taskToken=token)
        if swf.poll_decision()["startedEventId"]:
            swf.start("other")
        client._clock.advance(10)
        swf.poll_decision()
        assert swf.last(execution)[1] == {"childPolicy": "TERMINATE", "cause": "EVENT_LIMIT_EXCEEDED"}
        assert len(swf.types(execution)) == last
        assert swf.describe(execution)["executionInfo"]["closeStatus"] == "TERMINATED"
        check_connection(client._store.connection)


def test_a_year_at_most() -> None:
    with engine(execution_seconds=50) as client:
        swf = Swf(client)
        swf.start(executionStartToCloseTimeout="60")
        assert client.next_due() == client._clock.now() + 50


def test_an_error_in_the_middle_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is raised inside a call, the transaction is rolled back and the engine goes on."""
    with engine() as client:
        swf = Swf(client)

        def broken(name: str, operation: str) -> None:
            raise KeyboardInterrupt

        client._point = broken
        with pytest.raises(KeyboardInterrupt):
            swf.start()
        client._point = lambda name, operation: None
        assert swf.poll_decision()["startedEventId"] == 0
        swf.start()
        assert client.start_workflow_execution(domain=DOMAIN, workflowId="w-2", workflowType=TYPE)["runId"]


def test_a_full_history_ends_its_own_children_only() -> None:
    """The quota ends the parent in the response that starts a child, whose workflowId another execution has."""
    with engine(events=7) as client:
        swf = Swf(client)
        namesake = swf.start("taken", taskList={"name": "elsewhere"})
        execution = swf.start()
        children = [
            decision("StartChildWorkflowExecution", workflowId=name, workflowType=TYPE, taskList={"name": "elsewhere"})
            for name in ("taken", "own", "never")
        ]
        swf.decide(*children)
        assert swf.last(execution)[1]["cause"] == "EVENT_LIMIT_EXCEEDED"
        assert swf.types(namesake)[-1] == "DecisionTaskScheduled"
        closed = client.list_closed_workflow_executions(domain=DOMAIN, startTimeFilter={"oldestDate": 0})
        names = [info["execution"]["workflowId"] for info in closed["executionInfos"]]
        assert sorted(names) == ["own", "w-1"], "the child of its own ends with it"
        check_connection(client._store.connection)
