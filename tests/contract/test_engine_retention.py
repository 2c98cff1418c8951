"""Closed executions are forgotten at the end of their domain's retention, and removed in steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simpleflow.engine import Engine, VirtualClock
from simpleflow.testing.contract.swf import Swf

Refused = Callable[..., str]
DOMAIN = "contract"
DAY = 24 * 60 * 60
EVER = {"oldestDate": 0}


def closed(client: Any, swf: Swf, name: str = "w-1") -> dict[str, str]:
    execution = swf.start(name)
    swf.decide(swf.decision("CompleteWorkflowExecution"))
    return execution


def rows(client: Any, table: str) -> int:
    store = getattr(client, "client", client)._store
    found: int = store.select(f"SELECT count(*) FROM {table}", ())[0][0]
    return found


def test_forgotten_at_the_instant(client: Any, swf: Swf, clock: VirtualClock, refused: Refused) -> None:
    execution = closed(client, swf)
    named = {"domain": DOMAIN, "execution": execution}
    clock.advance(DAY - 1)
    assert swf.describe(execution)["executionInfo"]["closeStatus"] == "COMPLETED"
    page = client.get_workflow_execution_history(**named, maximumPageSize=2)["nextPageToken"]
    clock.advance(1)
    words = f"Unknown execution: WorkflowExecution=[workflowId=w-1, runId={execution['runId']}]"
    assert refused("UnknownResourceFault", "describe_workflow_execution", **named) == words
    assert refused("UnknownResourceFault", "get_workflow_execution_history", **named) == words
    assert refused("UnknownResourceFault", "get_workflow_execution_history", **named, nextPageToken=page) == words
    for kind in ("startTimeFilter", "closeTimeFilter"):
        given = {"domain": DOMAIN, kind: EVER}
        assert client.list_closed_workflow_executions(**given)["executionInfos"] == []
        assert client.count_closed_workflow_executions(**given)["count"] == 0


def test_a_start_removes_some(client: Any, swf: Swf, clock: VirtualClock) -> None:
    for number in range(5):
        closed(client, swf, f"w-{number}")
    assert rows(client, "execution") == 5
    clock.advance(DAY)
    swf.start("w-0")
    assert (rows(client, "execution"), rows(client, "event")) == (1, 2)


def test_a_long_history_goes_in_steps(client: Any, swf: Swf, clock: VirtualClock) -> None:
    swf.start()
    swf.decide(
        *(swf.decision("RecordMarker", markerName="m") for _ in range(1200)), swf.decision("CompleteWorkflowExecution")
    )
    clock.advance(DAY)
    left = []
    for number in range(3):
        swf.start(f"w-{number}")
        left.append(rows(client, "event") - 2 * (number + 1))
    assert left == [705, 205, 0] and rows(client, "execution") == 3


@pytest.mark.parametrize("retention", ["0", "NONE"])
def test_nothing_is_retained(client: Any, clock: VirtualClock, retention: str, refused: Refused) -> None:
    client.register_domain(name="short", workflowExecutionRetentionPeriodInDays=retention)
    client.register_workflow_type(domain="short", name="w", version="1")
    kind = {"workflowType": {"name": "w", "version": "1"}, "taskList": {"name": "l"}, "childPolicy": "ABANDON"}
    timeouts = {"taskStartToCloseTimeout": "9", "executionStartToCloseTimeout": "9"}
    run = client.start_workflow_execution(domain="short", workflowId="w", **kind, **timeouts)["runId"]
    task = client.poll_for_decision_task(domain="short", taskList={"name": "l"}, maximumPageSize=1)
    decisions = [{"decisionType": "CompleteWorkflowExecution"}]
    client.respond_decision_task_completed(taskToken=task["taskToken"], decisions=decisions)
    named = {"domain": "short", "execution": {"workflowId": "w", "runId": run}}
    refused("UnknownResourceFault", "describe_workflow_execution", **named)
    client.start_workflow_execution(domain="short", workflowId="w", **kind, **timeouts)
    assert rows(client, "execution") == 1
    given = {"domain": "short", "taskList": {"name": "l"}, "nextPageToken": task["nextPageToken"]}
    words = refused("UnknownResourceFault", "poll_for_decision_task", **given)
    assert words == "Unknown decision task, scheduledEventId = 2"
    words = refused("UnknownResourceFault", "respond_decision_task_completed", taskToken=task["taskToken"])
    assert words == "Unknown decision task, scheduledEventId = 2"


def test_a_number_is_never_used_again(clock: VirtualClock) -> None:
    """A run id that was removed does not come to mean another execution."""
    with Engine(None, clock=clock, long_poll_seconds=0) as engine:
        swf = Swf(engine)
        first = closed(engine, swf)
        clock.advance(DAY)
        second = closed(engine, swf)
        assert rows(engine, "execution") == 1
        with pytest.raises(engine.exceptions.UnknownResourceFault):
            swf.describe({**second, "runId": first["runId"]})


def test_a_parent_goes_before_its_child(client: Any, swf: Swf, clock: VirtualClock) -> None:
    swf.start(executionStartToCloseTimeout="9")
    kind = {"workflowType": {"name": "w", "version": "1"}, "taskList": {"name": "children"}, "childPolicy": "ABANDON"}
    long = {"executionStartToCloseTimeout": str(30 * DAY)}
    swf.decide(
        swf.decision("StartChildWorkflowExecution", workflowId="child", **kind, **long),
        swf.decision("CompleteWorkflowExecution"),
    )
    clock.advance(2 * DAY)
    swf.start("other")
    infos = client.list_open_workflow_executions(domain=DOMAIN, startTimeFilter=EVER)["executionInfos"]
    assert infos[1]["parent"]["workflowId"] == "w-1"
    swf.respond(swf.poll_decision(taskList={"name": "children"}), swf.decision("CompleteWorkflowExecution"))
    assert swf.types(infos[1]["execution"])[-1] == "WorkflowExecutionCompleted"
