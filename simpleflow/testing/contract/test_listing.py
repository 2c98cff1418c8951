"""Lists of executions: filters, order, pages."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from simpleflow.testing.contract.checked import DOMAIN, Checked
from simpleflow.testing.contract.swf import EVER, Execution, Refused, Swf
from simpleflow.testing.contract.target import needs

MINUTE = timedelta(minutes=1)
OTHER = {
    "workflowType": {"name": "w", "version": "2"},
    "childPolicy": "ABANDON",
    "executionStartToCloseTimeout": "99999",
    "taskStartToCloseTimeout": "1",
    "taskList": {"name": "other"},
}


def ids(answer: Any) -> list[str]:
    return [info["execution"]["workflowId"] for info in answer["executionInfos"]]


@pytest.fixture
def runs(client: Checked, swf: Swf) -> list[Execution]:
    """Runs w-0 to w-5, started a minute apart; w-0 to w-2 closed in reverse order."""
    client.register_workflow_type(domain=DOMAIN, name="w", version="2")
    started = []
    for number in range(6):
        kind = OTHER if number == 5 else {}
        given = {**kind, "taskList": {"name": f"l-{number}"}, "tagList": [f"t-{number % 2}"]}
        started.append(swf.start(f"w-{number}", **given))
        swf.advance(60)
    for number in (2, 1, 0):
        decision = "FailWorkflowExecution" if number == 1 else "CompleteWorkflowExecution"
        swf.respond(swf.poll_decision(taskList={"name": f"l-{number}"}), swf.decision(decision))
        swf.advance(60)
    return started


def start_of(swf: Swf, run: Execution) -> datetime:
    found: datetime = swf.describe(run)["executionInfo"]["startTimestamp"]
    return found


@needs("domains")
def test_what_is_open_and_what_is_closed(client: Checked, swf: Swf) -> None:
    swf.start("w-1")
    swf.decide(swf.decision("CompleteWorkflowExecution"))
    swf.start("w-2")
    for kind, workflow_id, status in (("closed", "w-1", "CLOSED"), ("open", "w-2", "OPEN")):
        method = getattr(client, f"list_{kind}_workflow_executions")
        [info] = method(domain=DOMAIN, startTimeFilter=EVER)["executionInfos"]
        assert (info["execution"]["workflowId"], info["executionStatus"]) == (workflow_id, status)


@pytest.mark.parametrize("kind", ["open", "closed"])
def test_the_executions_of_a_type(client: Checked, swf: Swf, kind: str) -> None:
    client.register_workflow_type(domain=DOMAIN, name="x", version="1")
    one, other = swf.start("w-1"), swf.start("w-2", **{**OTHER, "workflowType": {"name": "x", "version": "1"}})
    if kind == "closed":
        for run in (one, other):
            client.terminate_workflow_execution(domain=DOMAIN, **run)
    method = getattr(client, f"list_{kind}_workflow_executions")
    assert ids(method(domain=DOMAIN, startTimeFilter=EVER, typeFilter={"name": "x"})) == ["w-2"]


def test_a_tag(client: Checked, swf: Swf) -> None:
    swf.start("w-1", tagList=["t-1", "t-2"])
    swf.start("w-2", tagList=["t-3"])
    given = {"domain": DOMAIN, "startTimeFilter": EVER}
    assert "w-1" in ids(client.list_open_workflow_executions(**given, tagFilter={"tag": "t-2"}))
    assert "w-2" not in ids(client.list_open_workflow_executions(**given, tagFilter={"tag": "t-2"}))


@needs("clock", "domains")
def test_open(client: Checked, runs: Any) -> None:
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


@needs("clock", "domains")
def test_closed(client: Checked, swf: Swf, runs: list[Execution]) -> None:
    def found(**given: Any) -> list[str]:
        return ids(client.list_closed_workflow_executions(domain=DOMAIN, **given))

    assert found(startTimeFilter=EVER) == ["w-2", "w-1", "w-0"]
    assert found(closeTimeFilter=EVER) == ["w-0", "w-1", "w-2"]
    assert found(closeTimeFilter=EVER, reverseOrder=True) == ["w-2", "w-1", "w-0"]
    assert found(startTimeFilter=EVER, closeStatusFilter={"status": "FAILED"}) == ["w-1"]
    assert found(startTimeFilter=EVER, executionFilter={"workflowId": "w-0"}) == ["w-0"]
    assert found(startTimeFilter=EVER, typeFilter={"name": "w", "version": ""}) == ["w-2", "w-1", "w-0"]
    assert found(startTimeFilter=EVER, tagFilter={"tag": "t-0"}) == ["w-2", "w-0"]
    since = {"oldestDate": start_of(swf, runs[0]) + 7 * MINUTE}
    assert found(closeTimeFilter=since) == ["w-0", "w-1"]
    assert found(closeTimeFilter={**since, "latestDate": start_of(swf, runs[0]) + 7.5 * MINUTE}) == ["w-1"]


@needs("clock", "domains")
def test_time_filters(client: Checked, swf: Swf, runs: list[Execution]) -> None:
    fourth = start_of(swf, runs[4])
    window = {"oldestDate": fourth - MINUTE / 2, "latestDate": fourth}
    assert ids(client.list_open_workflow_executions(domain=DOMAIN, startTimeFilter=window)) == ["w-4"]


@needs("clock", "domains")
@pytest.mark.parametrize("kind", ["open", "closed"])
def test_pages(client: Checked, kind: str, runs: Any) -> None:
    method = getattr(client, f"list_{kind}_workflow_executions")
    for reverse in (False, True):
        given = {"domain": DOMAIN, "startTimeFilter": EVER, "maximumPageSize": 2, "reverseOrder": reverse}
        first = method(**given)
        rest = method(**given, nextPageToken=first["nextPageToken"])
        whole = method(domain=DOMAIN, startTimeFilter=EVER, reverseOrder=reverse)
        assert ids(first) + ids(rest) == ids(whole)
        assert len(ids(first)) == 2 and "nextPageToken" not in rest


@needs("domains")
def test_pages_without_end(client: Checked, swf: Swf) -> None:
    for number in range(5):
        swf.start(f"w-{number}")
    given = {"domain": DOMAIN, "startTimeFilter": EVER, "maximumPageSize": 2}
    pages = [client.list_open_workflow_executions(**given)]
    while token := pages[-1].get("nextPageToken"):
        pages.append(client.list_open_workflow_executions(**given, nextPageToken=token))
    assert [ids(page) for page in pages] == [["w-4", "w-3"], ["w-2", "w-1"], ["w-0"]]


@needs("clock", "domains")
def test_infos(client: Checked, runs: list[Execution], swf: Swf) -> None:
    answer = client.list_closed_workflow_executions(domain=DOMAIN, startTimeFilter=EVER)
    info = answer["executionInfos"][1]
    assert info == swf.describe(runs[1])["executionInfo"]
    assert (info["closeStatus"], info["tagList"], info["executionStatus"]) == ("FAILED", ["t-1"], "CLOSED")


def test_a_time_filter_is_needed(swf: Swf, refused: Refused) -> None:
    words = refused("ValidationException", "list_closed_workflow_executions", domain=DOMAIN)
    assert words == "Must specify time filter"


@pytest.mark.parametrize("kind", ["open", "closed"])
def test_filters_exclude_each_other(swf: Swf, refused: Refused, kind: str) -> None:
    given = {"startTimeFilter": EVER, "executionFilter": {"workflowId": "w"}, "tagFilter": {"tag": "t"}}
    words = refused("ValidationException", f"list_{kind}_workflow_executions", domain=DOMAIN, **given)
    assert words.startswith("Cannot specify more than one exclusive filters in the same query: ")


def test_lists_of_an_unknown_domain(swf: Swf, refused: Refused) -> None:
    for kind in ("open", "closed"):
        method = f"list_{kind}_workflow_executions"
        assert refused("UnknownResourceFault", method, domain="no", startTimeFilter=EVER) == "Unknown domain: no"


@needs("clock", "domains")
def test_counts(client: Checked, runs: Any) -> None:
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


def test_what_counts_refuse(swf: Swf, refused: Refused) -> None:
    closed = "count_closed_workflow_executions"
    assert refused("ValidationException", closed, domain=DOMAIN) == "Must specify time filter"
    both: dict[str, Any] = {"typeFilter": {"name": "w"}, "closeStatusFilter": {"status": "FAILED"}}
    refused("ValidationException", closed, domain=DOMAIN, startTimeFilter=EVER, **both)
    refused("UnknownResourceFault", closed, domain="no", startTimeFilter=EVER)
