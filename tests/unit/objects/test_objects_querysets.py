"""Queries: what they ask of the engine, when, and what they refuse to ask."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from fake_client import FakeClient, refusal

from simpleflow.swf.exceptions import (
    DoesNotExistError,
    DomainDoesNotExist,
    InvalidKeywordArgumentError,
    RateLimitExceededError,
    ResponseError,
)
from simpleflow.swf.models import Domain, WorkflowExecution, WorkflowType
from simpleflow.swf.querysets import (
    ActivityTypeQuerySet,
    BaseQuerySet,
    DomainQuerySet,
    HistoryQuerySet,
    WorkflowExecutionQuerySet,
    WorkflowTypeQuerySet,
)

WHEN = datetime(2026, 5, 1, tzinfo=UTC)


def info(number: int, **more: Any) -> dict[str, Any]:
    execution = {"workflowId": f"w-{number}", "runId": f"r-{number}"}
    type_ = {"name": "t", "version": "1"}
    told = {"executionStatus": "OPEN", "startTimestamp": WHEN, "cancelRequested": False}
    return {"execution": execution, "workflowType": type_, **told, **more}


def paged(total: int, key: str = "executionInfos", make: Any = info) -> Any:
    """A method that lists so many things, by pages of the size that is asked for, or of 3."""

    def answer(nextPageToken: str = "0", maximumPageSize: int = 3, **_: Any) -> dict[str, Any]:
        start = int(nextPageToken)
        end = min(total, start + maximumPageSize)
        page: dict[str, Any] = {key: [make(number) for number in range(start, end)]}
        return page | ({"nextPageToken": str(end)} if end < total else {})

    return answer


def ids(found: Any) -> list[str]:
    return [execution.workflow_id for execution in found]


@pytest.fixture
def client() -> FakeClient:
    return FakeClient(list_open_workflow_executions=paged(8), list_closed_workflow_executions=paged(2))


@pytest.fixture
def runs(client: FakeClient) -> WorkflowExecutionQuerySet:
    return WorkflowExecutionQuerySet(Domain("D", connection=client))


def test_nothing_is_asked_until_something_is_wanted(client: FakeClient, runs: WorkflowExecutionQuerySet) -> None:
    found = runs.filter(status="OPEN").filter(tag="x").reverse().page_size(5).all()
    assert client.asked == []
    assert repr(found) == "<WorkflowExecutionQuerySet of the runs of the domain D status='OPEN' tag='x'>"


def test_pages_are_asked_for_as_they_are_needed(client: FakeClient, runs: WorkflowExecutionQuerySet) -> None:
    walk = iter(runs)
    assert next(walk).workflow_id == "w-0" and len(client.asked) == 1
    next(walk), next(walk)
    assert len(client.asked) == 1
    next(walk)
    assert len(client.asked) == 2 and client.last["nextPageToken"] == "3"
    assert ids(runs) == [f"w-{number}" for number in range(8)]
    assert len(client.asked) == 3 and len(runs) == 8 and runs[7].workflow_id == "w-7" and runs[-1].run_id == "r-7"
    assert ids(runs[2:4]) == ["w-2", "w-3"] and len(client.asked) == 3, "what was fetched is kept"
    assert len(runs.all()) == 8 and len(client.asked) == 6, "another query asks anew"


def test_iterations_do_not_disturb_each_other(runs: WorkflowExecutionQuerySet) -> None:
    one, other = iter(runs), iter(runs)
    assert [next(one).workflow_id for _ in range(5)] == [f"w-{number}" for number in range(5)]
    assert [next(other).workflow_id for _ in range(2)] == ["w-0", "w-1"]
    assert ids(one) == ["w-5", "w-6", "w-7"] and len(ids(other)) == 6


def test_indexes_and_slices_ask_for_no_more_than_they_need(
    client: FakeClient, runs: WorkflowExecutionQuerySet
) -> None:
    assert runs[0].workflow_id == "w-0" and client.last["maximumPageSize"] == 1
    first = runs.first()
    assert first is not None and first.workflow_id == "w-0" and client.last["maximumPageSize"] == 1
    assert ids(runs[1:5:2]) == ["w-1", "w-3"] and client.last["maximumPageSize"] == 5
    assert ids(runs[6:99]) == ["w-6", "w-7"] and client.last["maximumPageSize"] == 99
    assert len(client.asked) == 4
    with pytest.raises(IndexError, match="the runs of the domain D are not 100"):
        runs[99]
    assert ids(runs[-2:]) == ["w-6", "w-7"] and runs[0:0] == []


def test_what_is_empty(runs: WorkflowExecutionQuerySet) -> None:
    runs.connection = FakeClient(list_open_workflow_executions={"executionInfos": []})
    assert not runs and runs.first() is None and list(runs) == [] and len(runs) == 0 and runs[:5] == []


def test_a_page_that_fails_is_not_the_end() -> None:
    """Of old a list could end where a request was throttled."""
    pages = [paged(8), refusal("ThrottlingException", "Rate exceeded"), paged(8)]
    found = WorkflowExecutionQuerySet(Domain("D", connection=FakeClient(list_open_workflow_executions=pages)))
    walk = iter(found)
    for _ in range(3):
        next(walk)
    with pytest.raises(RateLimitExceededError, match="cannot list the runs of the domain D: Rate exceeded"):
        next(walk)
    assert len(list(found)) == 8


def test_order_and_page_size(client: FakeClient, runs: WorkflowExecutionQuerySet) -> None:
    list(runs.reverse().page_size(7))
    assert (client.last["reverseOrder"], client.last["maximumPageSize"]) == (True, 7)
    list(runs.reverse().reverse())
    assert "reverseOrder" not in client.last and "maximumPageSize" not in client.last
    for size in (0, 1001):
        with pytest.raises(InvalidKeywordArgumentError, match="a page has 1 to 1,000 things"):
            runs.page_size(size)


def days_ago(moment: datetime) -> float:
    return round((datetime.now(UTC) - moment) / timedelta(days=1), 3)


@pytest.mark.parametrize(
    ("conditions", "method", "filters"),
    [
        ({}, "list_open_workflow_executions", {}),
        ({"status": "CLOSED"}, "list_closed_workflow_executions", {}),
        ({"tag": "x"}, "list_open_workflow_executions", {"tagFilter": {"tag": "x"}}),
        ({"workflow_id": "w"}, "list_open_workflow_executions", {"executionFilter": {"workflowId": "w"}}),
        ({"workflow_type_name": "t"}, "list_open_workflow_executions", {"typeFilter": {"name": "t"}}),
        (
            {"workflow_type_name": "t", "workflow_type_version": "1", "status": "CLOSED"},
            "list_closed_workflow_executions",
            {"typeFilter": {"name": "t", "version": "1"}},
        ),
        ({"close_status": "FAILED"}, "list_closed_workflow_executions", {"closeStatusFilter": {"status": "FAILED"}}),
        ({"tag": "x", "workflow_id": None}, "list_open_workflow_executions", {"tagFilter": {"tag": "x"}}),
    ],
)
def test_conditions(
    client: FakeClient, runs: WorkflowExecutionQuerySet, conditions: Any, method: str, filters: Any
) -> None:
    list(runs.filter(**conditions).page_size(1000))
    asked, request = client.asked[-1]
    times = request.pop("startTimeFilter")
    assert (asked, request) == (method, {"domain": "D", "maximumPageSize": 1000, **filters})
    assert days_ago(times["oldestDate"]) == 457 and set(times) == {"oldestDate"}


@pytest.mark.parametrize(
    ("conditions", "member", "oldest", "latest"),
    [
        ({"oldest_date": 3}, "startTimeFilter", 3, None),
        ({"start_oldest_date": 3.5, "start_latest_date": 1}, "startTimeFilter", 3.5, 1),
        ({"latest_date": timedelta(hours=12)}, "startTimeFilter", 457, 0.5),
        ({"status": "CLOSED", "start_latest_date": 0}, "startTimeFilter", 457, 0),
        ({"close_latest_date": 2}, "closeTimeFilter", 457, 2),
        ({"close_oldest_date": 2}, "closeTimeFilter", 2, None),
        ({"close_oldest_date": 2, "close_latest_date": 1, "close_status": "FAILED"}, "closeTimeFilter", 2, 1),
    ],
)
def test_dates(
    client: FakeClient,
    runs: WorkflowExecutionQuerySet,
    conditions: Any,
    member: str,
    oldest: float,
    latest: float | None,
) -> None:
    list(runs.filter(**conditions))
    found = client.last[member]
    assert days_ago(found["oldestDate"]) == oldest
    assert (days_ago(found["latestDate"]) if "latestDate" in found else None) == latest
    assert not {"startTimeFilter", "closeTimeFilter"} - {member} & set(client.last)


def test_instants(client: FakeClient, runs: WorkflowExecutionQuerySet) -> None:
    list(runs.filter(oldest_date=WHEN, latest_date=WHEN + timedelta(days=1)))
    assert client.last["startTimeFilter"] == {"oldestDate": WHEN, "latestDate": WHEN + timedelta(days=1)}
    list(runs.filter(oldest_date=datetime(2026, 5, 1, 12)))
    assert client.last["startTimeFilter"]["oldestDate"] == datetime(2026, 5, 1, 12).astimezone(UTC)
    list(runs.filter(oldest_date=date(2026, 5, 1)))
    assert client.last["startTimeFilter"]["oldestDate"] == datetime(2026, 5, 1).astimezone(UTC)


@pytest.mark.parametrize(
    ("conditions", "says"),
    [
        ({"tag": "x", "workflow_id": "w"}, "tag and workflow_id exclude each other"),
        ({"close_status": "FAILED", "tag": "x"}, "tag and close_status exclude each other"),
        ({"status": "OPEN", "close_status": "FAILED"}, "close_status is about closed runs, and status is OPEN"),
        ({"status": "ALL", "close_oldest_date": 1}, "close_oldest_date is about closed runs, and status is ALL"),
        ({"start_oldest_date": 2, "close_oldest_date": 1}, "start_oldest_date and close_oldest_date exclude each"),
        ({"oldest_date": 2, "start_oldest_date": 1}, "oldest_date is another name of start_oldest_date"),
        ({"workflow_type_version": "1"}, "workflow_type_version needs workflow_type_name"),
        ({"status": "open"}, "status is OPEN, CLOSED or ALL, not 'open'"),
        ({"close_status": "LOST"}, "close_status is one of COMPLETED, .*, not 'LOST'"),
        ({"oldest_date": "yesterday"}, "start_oldest_date takes a datetime, .*, not 'yesterday'"),
        ({"oldest_date": True}, "start_oldest_date takes"),
        ({"colour": "red"}, "WorkflowExecutionQuerySet has no condition colour: there are close_latest_date"),
    ],
)
def test_what_cannot_be_asked(client: FakeClient, runs: WorkflowExecutionQuerySet, conditions: Any, says: str) -> None:
    with pytest.raises(InvalidKeywordArgumentError, match=says):
        runs.filter(**conditions)
    assert client.asked == []


def test_conditions_exclude_each_other_along_a_chain(runs: WorkflowExecutionQuerySet) -> None:
    with pytest.raises(InvalidKeywordArgumentError, match="tag is 'x' already, and cannot be 'y'"):
        runs.filter(tag="x").filter(tag="y")
    with pytest.raises(InvalidKeywordArgumentError, match="tag and workflow_id exclude each other"):
        runs.filter(tag="x").filter(workflow_id="w")
    assert repr(runs.filter(tag="x").filter(tag="x", status="CLOSED")).endswith("tag='x' status='CLOSED'>")
    assert runs.filter(status="OPEN")._given == {"status": "OPEN"} and runs._given == {}, "the first one is as it was"


def test_conditions_by_position(runs: WorkflowExecutionQuerySet) -> None:
    assert runs.filter("CLOSED", "x")._given == {"status": "CLOSED", "tag": "x"}
    assert runs.all("CLOSED", 3)._given == {"status": "CLOSED", "start_oldest_date": 3}


def test_open_and_closed_together(client: FakeClient, runs: WorkflowExecutionQuerySet) -> None:
    assert len(runs.filter(status="ALL")) == 10
    assert client.methods == ["list_open_workflow_executions"] * 3 + ["list_closed_workflow_executions"]
    client.asked.clear()
    list(runs.filter(status="ALL").reverse())
    assert client.methods[0] == "list_closed_workflow_executions" and len(client.methods) == 4


def test_counting(client: FakeClient, runs: WorkflowExecutionQuerySet) -> None:
    client._answers |= {
        "count_open_workflow_executions": [{"count": 5, "truncated": False}],
        "count_closed_workflow_executions": [{"count": 7}],
    }
    assert (runs.count(), runs.filter(status="ALL").count()) == (5, 12)
    assert runs.filter(close_status="FAILED", close_latest_date=1).count() == 7
    assert client.last["closeStatusFilter"] == {"status": "FAILED"} and "latestDate" in client.last["closeTimeFilter"]
    assert not [method for method in client.methods if method.startswith("list")]
    client._answers["count_open_workflow_executions"] = [{"count": 5, "truncated": True}]
    assert runs.count() == 8, "what the engine gives up to count is counted"
    client._answers["count_open_workflow_executions"] = [refusal("InternalFailure", "no")]
    assert runs.count() == 8, "and what it cannot count"
    client._answers["count_open_workflow_executions"] = [refusal("AccessDeniedException", "no")]
    with pytest.raises(ResponseError, match="cannot count the runs of the domain"):
        runs.count()


def test_list_workflow_executions(runs: WorkflowExecutionQuerySet) -> None:
    assert len(runs.list_workflow_executions("CLOSED", tag="x")) == 2
    with pytest.raises(ValueError, match="status is OPEN or CLOSED, not 'LOST'"):
        runs.list_workflow_executions("LOST")


def test_what_lists_tell(runs: WorkflowExecutionQuerySet) -> None:
    closed = info(1, executionStatus="CLOSED", closeStatus="FAILED", closeTimestamp=WHEN, tagList=["a"])
    closed["parent"] = {"workflowId": "p", "runId": "q"}
    runs.connection = FakeClient(list_open_workflow_executions={"executionInfos": [closed]})
    found = runs[0]
    assert (found.status, found.close_status, found.close_timestamp) == ("CLOSED", "FAILED", WHEN)
    assert found.tag_list == ("a",)
    assert found.parent["workflowId"] == "p" and found.age() == timedelta(0) and found.task_list is None
    assert found.workflow_type == WorkflowType(runs.domain, "t", "1") and found.client is runs.client


@pytest.mark.parametrize("kind", [WorkflowTypeQuerySet, ActivityTypeQuerySet])
def test_types(kind: Any) -> None:
    name = "workflow" if kind is WorkflowTypeQuerySet else "activity"

    def make(number: int) -> dict[str, Any]:
        return {f"{name}Type": {"name": f"t-{number}", "version": "1"}, "status": "REGISTERED", "creationDate": WHEN}

    client = FakeClient(**{f"list_{name}_types": paged(4, "typeInfos", make)})
    types = kind(Domain("D", connection=client))
    assert [found.name for found in types.filter(name="t-0")] == ["t-0", "t-1", "t-2", "t-3"]
    assert client.asked[0] == (f"list_{name}_types", {"domain": "D", "registrationStatus": "REGISTERED", "name": "t-0"})
    assert types.all(registration_status="ALL").count() == 8 and types.filter(name="x").all().first() is not None
    assert {request["registrationStatus"] for _, request in client.asked} == {"REGISTERED", "DEPRECATED"}
    assert repr(types.all("DEPRECATED")).endswith("registration_status='DEPRECATED'>")
    with pytest.raises(InvalidKeywordArgumentError, match="has no condition colour: there are name, "):
        types.filter(colour="red")
    with pytest.raises(InvalidKeywordArgumentError, match="REGISTERED, DEPRECATED or ALL, not 'OLD'"):
        types.all(registration_status="OLD")
    assert types[0].creation_date == WHEN and types[0].task_list is None


def test_domains() -> None:
    make = lambda number: {"name": f"d-{number}", "status": "REGISTERED", "arn": "x"}  # noqa: E731
    client = FakeClient(list_domains=paged(4, "domainInfos", make))
    domains = DomainQuerySet(client)
    assert [domain.name for domain in domains] == ["d-0", "d-1", "d-2", "d-3"]
    assert domains.filter(registration_status="DEPRECATED")[0].retention_period is None
    assert client.last == {"registrationStatus": "DEPRECATED", "maximumPageSize": 1}
    assert domains[0].client is client


DESCRIBED = {
    "domainInfo": {"name": "d", "status": "REGISTERED"},
    "configuration": {"workflowExecutionRetentionPeriodInDays": "7"},
}
UNKNOWN = refusal("UnknownResourceFault", "Unknown domain: d")


def test_get_or_create() -> None:
    there = FakeClient(describe_domain=DESCRIBED)
    assert DomainQuerySet(there).get_or_create("d").retention_period == 7 and there.methods == ["describe_domain"]
    missing = FakeClient(describe_domain=UNKNOWN)
    assert DomainQuerySet(missing).get_or_create("d", retention_period=5).retention_period == 5
    assert missing.last == {"name": "d", "workflowExecutionRetentionPeriodInDays": "5"}


def test_get_or_create_where_somebody_is_faster() -> None:
    taken = refusal("DomainAlreadyExistsFault", "d")
    client = FakeClient(describe_domain=[UNKNOWN, DESCRIBED], register_domain=taken)
    assert DomainQuerySet(client).get_or_create("d").retention_period == 7


def test_get_or_create_of_a_run_that_closes_meanwhile() -> None:
    described = {"executionInfo": info(1), "executionConfiguration": {}, "openCounts": {}}
    client = FakeClient(
        start_workflow_execution=refusal("WorkflowExecutionAlreadyStartedFault", "Already Started"),
        list_open_workflow_executions=[{"executionInfos": []}, {"executionInfos": [info(1)]}],
        describe_workflow_execution=described,
    )
    domain = Domain("D", connection=client)
    found = WorkflowExecutionQuerySet(domain).get_or_create("w-1", WorkflowType(domain, "t", "1"))
    assert found.run_id == "r-1" and client.methods.count("start_workflow_execution") == 2


def test_get_of_a_run() -> None:
    described = {"executionInfo": info(1), "executionConfiguration": {}, "openCounts": {}}
    client = FakeClient(
        list_open_workflow_executions={"executionInfos": []},
        list_closed_workflow_executions=[{"executionInfos": [info(1)]}, {"executionInfos": []}],
        describe_workflow_execution=described,
    )
    runs = WorkflowExecutionQuerySet(Domain("D", connection=client))
    assert runs.get("w-1", "r-1").run_id == "r-1" and client.methods == ["describe_workflow_execution"]
    assert runs.get("w-1").run_id == "r-1" and len(client.asked) == 4
    with pytest.raises(DoesNotExistError, match="the domain D has no run of w-1"):
        runs.get("w-1")


def test_histories() -> None:
    make = lambda number: {"eventId": number + 1, "eventTimestamp": 0, "eventType": "TimerFired"}  # noqa: E731
    client = FakeClient(get_workflow_execution_history=paged(250, "events", make))
    histories = HistoryQuerySet(Domain("D", connection=client))
    assert len(histories.get("r", "w")) == 250 and len(client.asked) == 3
    assert client.asked[0][1] == {
        "domain": "D",
        "execution": {"workflowId": "w", "runId": "r"},
        "maximumPageSize": 100,
    }
    assert len(histories.get("r", "w", max_results=5, reverse=True)) == 5
    assert (client.last["maximumPageSize"], client.last["reverseOrder"]) == (5, True)


def test_faults_are_told_plainly() -> None:
    client = FakeClient(list_open_workflow_executions=refusal("UnknownResourceFault", "Unknown domain: D"))
    with pytest.raises(DomainDoesNotExist, match=r"^cannot list the runs of the domain D: Unknown domain: D$"):
        list(WorkflowExecutionQuerySet(Domain("D", connection=client)))


@pytest.mark.parametrize("kind", [WorkflowExecutionQuerySet, WorkflowTypeQuerySet, ActivityTypeQuerySet])
def test_a_domain_is_no_text(kind: Any) -> None:
    with pytest.raises(TypeError, match=r"domain takes a Domain, not 'D': write Domain\('D'\)"):
        kind("D")


def test_a_connection_of_its_own() -> None:
    own, other = FakeClient(list_open_workflow_executions=paged(1)), FakeClient()
    runs = WorkflowExecutionQuerySet(Domain("D", connection=other), connection=own)
    found: WorkflowExecution = runs[0]
    assert found.client is own and other.asked == [] and issubclass(WorkflowExecutionQuerySet, BaseQuerySet)
