"""Lists of executions: filters, order, pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from simpleflow.engine import VirtualClock

Refused = Callable[..., str]
DOMAIN = "contract"
EVER = {"oldestDate": datetime(2000, 1, 1, tzinfo=UTC)}


@pytest.fixture
def runs(client: Any, swf: Any, clock: VirtualClock) -> list[dict[str, str]]:
    """Runs w-0 to w-5, started a minute apart; w-0 to w-2 closed in reverse order."""
    client.register_workflow_type(domain=DOMAIN, name="w", version="2")
    started = []
    for number in range(6):
        kind = {"workflowType": {"name": "w", "version": "2"}, "childPolicy": "ABANDON"} if number == 5 else {}
        defaults = {"executionStartToCloseTimeout": "99999", "taskStartToCloseTimeout": "1"} if number == 5 else {}
        given = {"taskList": {"name": f"l-{number}"}, "tagList": [f"t-{number % 2}"], **kind, **defaults}
        started.append(swf.start(f"w-{number}", **given))
        clock.advance(60)
    for number in (2, 1, 0):
        decision = "FailWorkflowExecution" if number == 1 else "CompleteWorkflowExecution"
        swf.respond(swf.poll_decision(taskList={"name": f"l-{number}"}), swf.decision(decision))
        clock.advance(60)
    return started


def ids(answer: Any) -> list[str]:
    return [info["execution"]["workflowId"] for info in answer["executionInfos"]]


def test_open(client: Any, runs: Any) -> None:
    def found(**given: Any) -> list[str]:
        request = {"domain": DOMAIN, "startTimeFilter": EVER, **given}
        return ids(client.list_open_workflow_executions(**request))

    assert found() == ["w-5", "w-4", "w-3"]
    assert found(reverseOrder=True) == ["w-3", "w-4", "w-5"]
    assert found(executionFilter={"workflowId": "w-4"}) == ["w-4"]
    assert found(executionFilter={"workflowId": "w-0"}) == []
    assert found(typeFilter={"name": "w"}) == ["w-5", "w-4", "w-3"]
    assert found(typeFilter={"name": "w", "version": "2"}) == ["w-5"]
    assert found(tagFilter={"tag": "t-1"}) == ["w-5", "w-3"]


def test_closed(client: Any, runs: Any, clock: VirtualClock) -> None:
    def found(**given: Any) -> list[str]:
        return ids(client.list_closed_workflow_executions(domain=DOMAIN, **given))

    assert found(startTimeFilter=EVER) == ["w-2", "w-1", "w-0"]
    assert found(closeTimeFilter=EVER) == ["w-0", "w-1", "w-2"]
    assert found(closeTimeFilter=EVER, reverseOrder=True) == ["w-2", "w-1", "w-0"]
    assert found(startTimeFilter=EVER, closeStatusFilter={"status": "FAILED"}) == ["w-1"]
    assert found(startTimeFilter=EVER, executionFilter={"workflowId": "w-0"}) == ["w-0"]
    assert found(startTimeFilter=EVER, typeFilter={"name": "w", "version": ""}) == ["w-2", "w-1", "w-0"]
    assert found(startTimeFilter=EVER, tagFilter={"tag": "t-0"}) == ["w-2", "w-0"]
    since = {"oldestDate": clock.now() - 120}
    assert found(closeTimeFilter=since) == ["w-0", "w-1"]
    assert found(closeTimeFilter={**since, "latestDate": clock.now() - 61}) == ["w-1"]


def test_time_filters(client: Any, runs: Any, clock: VirtualClock) -> None:
    first = clock.now() - 9 * 60
    window = {"oldestDate": first + 200, "latestDate": datetime.fromtimestamp(first + 240, UTC)}
    given = {"domain": DOMAIN, "startTimeFilter": window}
    assert ids(client.list_open_workflow_executions(**given)) == ["w-4"]


@pytest.mark.parametrize("kind", ["open", "closed"])
def test_pages(client: Any, swf: Any, clock: VirtualClock, kind: str, runs: Any) -> None:
    method = getattr(client, f"list_{kind}_workflow_executions")
    for reverse in (False, True):
        given = {"domain": DOMAIN, "startTimeFilter": EVER, "maximumPageSize": 2, "reverseOrder": reverse}
        first = method(**given)
        rest = method(**given, nextPageToken=first["nextPageToken"])
        whole = method(domain=DOMAIN, startTimeFilter=EVER, reverseOrder=reverse)
        assert ids(first) + ids(rest) == ids(whole)
        assert len(ids(first)) == 2 and "nextPageToken" not in rest


def test_pages_among_runs_of_one_instant(client: Any, swf: Any) -> None:
    for number in range(5):
        swf.start(f"w-{number}")
    given = {"domain": DOMAIN, "startTimeFilter": EVER, "maximumPageSize": 2}
    answer = client.list_open_workflow_executions(**given)
    names = ids(answer)
    while token := answer.get("nextPageToken"):
        answer = client.list_open_workflow_executions(**given, nextPageToken=token)
        names += ids(answer)
    assert names == ["w-4", "w-3", "w-2", "w-1", "w-0"]


def test_infos(client: Any, runs: Any, swf: Any) -> None:
    answer = client.list_closed_workflow_executions(domain=DOMAIN, startTimeFilter=EVER)
    info = answer["executionInfos"][1]
    assert info == swf.describe(runs[1])["executionInfo"]
    assert (info["closeStatus"], info["tagList"], info["executionStatus"]) == ("FAILED", ["t-1"], "CLOSED")


def test_filters_exclude_each_other(client: Any, swf: Any, refused: Refused) -> None:
    closed, domain = "list_closed_workflow_executions", {"domain": DOMAIN}
    assert refused("ValidationException", closed, **domain) == "Must specify time filter"
    both = {"startTimeFilter": EVER, "closeTimeFilter": EVER}
    words = "Cannot specify more than one exclusive filters in the same query: "
    assert refused("ValidationException", closed, **domain, **both).startswith(words)
    two = {"executionFilter": {"workflowId": "w"}, "tagFilter": {"tag": "t"}}
    for method in (closed, "list_open_workflow_executions"):
        assert refused("ValidationException", method, **domain, startTimeFilter=EVER, **two).startswith(words)
    refused("ValidationException", "list_open_workflow_executions", **domain)
    refused("SerializationException", closed, **domain, startTimeFilter={"oldestDate": "yesterday"})
    unknown = {"domain": "no", "startTimeFilter": EVER}
    assert refused("UnknownResourceFault", closed, **unknown) == "Unknown domain: no"


def test_counts(client: Any, runs: Any, refused: Refused) -> None:
    def count(kind: str, **given: Any) -> int:
        answer = getattr(client, f"count_{kind}_workflow_executions")(domain=DOMAIN, **given)
        assert answer["truncated"] is False
        found: int = answer["count"]
        return found

    assert count("open", startTimeFilter=EVER) == count("closed", startTimeFilter=EVER) == 3
    assert count("open", startTimeFilter=EVER, typeFilter={"name": "w", "version": "2"}) == 1
    assert count("open", startTimeFilter=EVER, tagFilter={"tag": "t-1"}) == 2
    assert count("open", startTimeFilter=EVER, executionFilter={"workflowId": "w-0"}) == 0
    assert count("closed", closeTimeFilter=EVER, closeStatusFilter={"status": "FAILED"}) == 1
    assert count("closed", closeTimeFilter=EVER, executionFilter={"workflowId": "w-0"}) == 1
    closed = "count_closed_workflow_executions"
    assert refused("ValidationException", closed, domain=DOMAIN) == "Must specify time filter"
    refused("ValidationException", closed, domain=DOMAIN, startTimeFilter=EVER, closeTimeFilter=EVER)
    both = {"typeFilter": {"name": "w"}, "closeStatusFilter": {"status": "FAILED"}}
    refused("ValidationException", closed, domain=DOMAIN, startTimeFilter=EVER, **both)
    refused("UnknownResourceFault", closed, domain="no", startTimeFilter=EVER)
    refused("ValidationException", "count_open_workflow_executions", domain=DOMAIN)
