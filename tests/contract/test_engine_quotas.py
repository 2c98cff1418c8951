"""Quotas, with small numbers in the place of Amazon's: what the contract of any service cannot see."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from engine_integrity import check_connection

from simpleflow.engine import Configuration, Engine, VirtualClock
from simpleflow.protocol.faults import code_of
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


def _refusal(call: Callable[..., Any], **request: Any) -> str:
    """The code of the fault with which a call is refused; "" if it is not."""
    try:
        call(**request)
    except ClientError as error:
        return code_of(error)
    return ""


def _decided(*decisions: Any) -> Callable[[Any], Any]:
    def scenario(swf: Any) -> Any:
        run = swf.start()
        swf.decide(*decisions)
        return swf.types(run)

    return scenario


def _events(swf: Any) -> Any:
    run = swf.start()
    swf.decide(swf.timer())
    return swf.types(run)


def _pages(swf: Any) -> list[int]:
    """How many of three events come in a page, of four lists."""
    run = swf.start()
    for version in ("2", "3"):
        swf.client.register_workflow_type(domain=DOMAIN, name="w", version=version)
        swf.start(version)
    size = {"maximumPageSize": 2}
    task = swf.poll_decision(**size)
    history = swf.client.get_workflow_execution_history(domain=DOMAIN, execution=run, **size)
    listed = swf.client.list_open_workflow_executions(domain=DOMAIN, startTimeFilter={"oldestDate": 0}, **size)
    types = swf.client.list_workflow_types(domain=DOMAIN, registrationStatus="REGISTERED", **size)
    return [len(page) for page in (task["events"], history["events"], listed["executionInfos"], types["typeInfos"])]


def _late_page(swf: Any) -> str:
    run = {"domain": DOMAIN, "execution": swf.start()}
    token = swf.client.get_workflow_execution_history(**run, maximumPageSize=1)["nextPageToken"]
    swf.client._clock.advance(60)
    return _refusal(swf.client.get_workflow_execution_history, **run, nextPageToken=token)


def _large(swf: Any) -> str:
    swf.start()
    answer = {"taskToken": swf.poll_decision()["taskToken"], "decisions": [decision("RecordMarker", markerName="m")]}
    return _refusal(swf.client.respond_decision_task_completed, **answer)


def _type(swf: Any, kind: str) -> str:
    return _refusal(getattr(swf.client, f"register_{kind}_type"), domain=DOMAIN, name="x", version="1")


def _domain(swf: Any, **given: Any) -> str:
    return _refusal(swf.client.register_domain, name="x", workflowExecutionRetentionPeriodInDays="1", **given)


def _waiting(swf: Any) -> str:
    swf.client._long_poll_seconds, swf.client._stopping = 60, lambda: True
    return _refusal(swf.poll_decision)


#: A lower value for each quota, and what then is not as it was.
LOWERED: dict[str, tuple[int, Callable[[Any], Any]]] = {
    "domains": (1, _domain),
    "workflow_types": (1, lambda swf: _type(swf, "workflow")),
    "activity_types": (1, lambda swf: _type(swf, "activity")),
    "open_executions": (0, lambda swf: _refusal(swf.start)),
    "events": (5, _events),
    "open_activities": (0, _decided(Swf.schedule())),
    "open_timers": (0, _decided(Swf.timer())),
    "open_children": (0, _decided(decision("StartChildWorkflowExecution", workflowId="child", workflowType=TYPE))),
    "open_lambdas": (0, _decided(decision("ScheduleLambdaFunction", id="l", name="f"))),
    "page_size": (1, _pages),
    "request_size": (100, _large),
    "execution_seconds": (60, lambda swf: (swf.start(), swf.client.next_due())[1]),
    "token_seconds": (59, _late_page),
    "domain_tags": (0, lambda swf: _domain(swf, tags=[{"key": "k"}])),
    "pollers": (0, _waiting),
}


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Limits)])
def test_each_quota_can_be_lowered(name: str) -> None:
    value, scenario = LOWERED[name]
    outcomes = []
    for limits in ({}, {name: value}):
        with engine(**limits) as client:
            outcomes.append(scenario(Swf(client)))
    assert outcomes[0] != outcomes[1]


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
