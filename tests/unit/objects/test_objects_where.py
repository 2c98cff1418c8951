"""The language that says which runs: what texts mean, what is refused, and what an engine is asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from simpleflow.engine import Engine, VirtualClock
from simpleflow.swf.models import Domain, WorkflowExecution
from simpleflow.swf.search import newest_where, runs_where
from simpleflow.swf.where import Where, WhereError, parse

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("type=basic status=failed started>2026-01-01 tag=fr", "type=basic status=failed started>2026-01-01 tag=fr"),
        ("  type = basic\n status == FAILED, timed-out ", "type=basic status=failed,timed_out"),
        ("tag='to do'", "tag='to do'"),
        ('tag="it\'s"', r"tag='it\'s'"),
        ("tag=a=1", "tag=a=1"),
        ("tag='=1'", "tag='=1'"),
        ("id=job-**", "id=job-*"),
        ("id=*", "id=*"),
        ("id='a*b'", "id='a*b'"),
        ("id='a b'*", "id='a b'*"),
        ("parent=''", "parent=''"),
        ("Task-List!=x status!=cancelled", "task_list!=x status!=canceled"),
        ("started>-1d12h closed<'2026-01-31 14:00'", "started>-1d12h closed<'2026-01-31 14:00'"),
    ],
)
def test_texts(text: str, printed: str) -> None:
    found = parse(text, NOW)
    assert str(found) == printed
    assert parse(printed, NOW) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it says nothing: write FIELD=VALUE, such as status=failed; fields are type, version, status"),
        ("failed", "'failed' is no condition: write FIELD=VALUE"),
        ("type=a and status=open", "'and status=open' is no condition"),
        ("statsu=failed", "there is no field 'statsu'. Did you mean status?"),
        ("colour=red", "there is no field 'colour': there are type, version, status, id,"),
        ("status=faild", "there is no status faild. Did you mean failed?"),
        ("status=x", "there is no status x: there are open, closed, completed"),
        ("status=f*", "there is no status f*"),
        ("type=", "'type=' has no value: write '' for an empty text"),
        ("status=failed,", "'status=' has no value"),
        ("tag='to do", '"\'to do": the quotation mark is not closed'),
        ("type<b", "type is no time: write type= or type!=, not type<"),
        ("started>soon", "started>soon is no time: write 2026-01-31, '2026-01-31 14:00', today, or -2h for two hours"),
        ("started>2026-13-01", "started>2026-13-01 is no time"),
        ("started>-99999999999w", "started>-99999999999w is no time"),
        ("started>9999-12-31", "started>9999-12-31 is no time"),
        ("started>2026-*", "started>2026-* is no time"),
        ("started=-2h", "started=-2h: nothing happens at that very instant, write < or >"),
        ("started>today,yesterday", "started> takes one time, not 2"),
    ],
)
def test_what_is_refused(text: str, said: str) -> None:
    with pytest.raises(WhereError) as refused:
        parse(text, NOW)
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)


def test_spans() -> None:
    """A date is a whole day: one of before, in and after it is true."""

    def span(text: str) -> tuple[datetime | None, datetime | None]:
        return parse(text, NOW).span("started")

    day, hour = datetime(2026, 1, 31).astimezone(UTC), datetime(2026, 1, 31, 14).astimezone(UTC)
    next_day = datetime(2026, 2, 1).astimezone(UTC)
    assert span("started=2026-01-31") == (day, next_day)
    assert span("started>2026-01-31") == (next_day, None) and span("started>=2026-01-31") == (day, None)
    assert span("started<2026-01-31") == (None, day) and span("started<=2026-01-31") == (None, next_day)
    assert span("started>='2026-01-31 14:00' started<=2026-01-31T14:00") == (hour, hour + timedelta(minutes=1))
    assert span("started=2026-01-31T14") == (hour, hour + timedelta(hours=1))
    assert span("started>=2026-01-31T14:00:00.5Z")[0] == datetime(2026, 1, 31, 14, 0, 0, 500_000, UTC)
    assert span("started>2d") == span("started>-2d") == (NOW - timedelta(days=2), None)
    assert span("started!=2026-01-31") == (None, None)
    midnight = datetime.combine(NOW.astimezone().date(), datetime.min.time()).astimezone(UTC)
    assert span("started>=today")[0] == midnight == span("started>yesterday")[0]


def test_a_run_of_that_day() -> None:
    noon = datetime(2026, 1, 31, 12).astimezone(UTC)
    run = WorkflowExecution(Domain("D"), "a", "r", start_timestamp=noon)
    told = {">": False, ">=": True, "<": False, "<=": True, "=": True, "!=": False}
    assert {sign: parse(f"started{sign}2026-01-31").holds(run, lambda run: run) for sign in told} == told
    for text in ("started>2026-01-30", "started<2026-02-01", "started!=2026-01-30", "closed!=2026-01-31"):
        assert parse(text).holds(run, lambda run: run)
    assert not parse("closed<2027-01-01").holds(run, lambda run: run), "it is open"


def test_statuses() -> None:
    def statuses(text: str) -> str:
        return " ".join(sorted(parse(text).statuses)).lower()

    assert statuses("status=failed,timed_out") == "failed timed_out"
    assert statuses("status=closed status!=completed,continued_as_new") == "canceled failed terminated timed_out"
    assert statuses("status=open closed>-2h") == ""
    assert statuses("status=parked") == "open" == statuses("status!=closed") == statuses("status!=closed,parked")
    assert statuses("status!=parked").startswith("canceled completed") and "open" in statuses("status!=parked")
    assert "open" not in statuses("closed<-2h") and "open" in statuses("closed!=2026-01-01")
    assert parse("type=x").with_status("open").statuses == {"OPEN"}
    assert parse("status=failed").with_status("open").statuses == {"FAILED"}


class Asked(Engine):
    """An engine that remembers what lists it was asked for."""

    def __init__(self) -> None:
        self.clock = VirtualClock(NOW.timestamp())
        super().__init__(None, clock=self.clock, long_poll_seconds=0)
        self.asked: list[dict[str, Any]] = []

    def list_open_workflow_executions(self, **request: Any) -> Any:
        self.asked.append(request)
        return super().list_open_workflow_executions(**request)

    def list_closed_workflow_executions(self, **request: Any) -> Any:
        self.asked.append(request)
        return super().list_closed_workflow_executions(**request)


@pytest.fixture
def engine() -> Iterator[Asked]:
    made = Asked()
    made.register_domain(name="D", workflowExecutionRetentionPeriodInDays="90")
    for name in ("basic", "pkg.flows.Crawl"):
        made.register_workflow_type(domain="D", name=name, version="1")
    yield made
    made.close()


def start(engine: Asked, workflow_id: str, name: str = "basic", *tags: str) -> None:
    engine.clock.advance(60)
    engine.start_workflow_execution(
        domain="D",
        workflowId=workflow_id,
        workflowType={"name": name, "version": "1"},
        taskList={"name": f"list-of-{workflow_id}"},
        executionStartToCloseTimeout="3600000",
        taskStartToCloseTimeout="30",
        childPolicy="ABANDON",
        tagList=list(tags),
    )


def found(engine: Asked, text: str) -> list[str]:
    engine.asked.clear()
    where = parse(text, datetime.fromtimestamp(engine.clock.now(), UTC))
    return [run.workflow_id for run in runs_where(Domain("D", connection=engine), where)]


def test_what_an_engine_is_asked(engine: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simpleflow.swf.search._ever", lambda: NOW - timedelta(days=457))
    start(engine, "a", "basic", "fr", "new")
    start(engine, "b", "pkg.flows.Crawl", "fr")
    start(engine, "c", "pkg.flows.Crawl")
    engine.terminate_workflow_execution(domain="D", workflowId="c")

    assert found(engine, "tag=fr") == ["b", "a"]
    assert [request["tagFilter"] for request in engine.asked] == [{"tag": "fr"}] * 2
    assert found(engine, "tag=fr,new status=open id=a") == ["a"]
    assert [request["executionFilter"] for request in engine.asked] == [{"workflowId": "a"}]
    assert found(engine, "type=Crawl") == ["b", "c"] and "typeFilter" not in engine.asked[0]
    assert found(engine, "type=pkg.flows.Crawl tag!=fr") == ["c"]
    assert engine.asked[0]["typeFilter"] == {"name": "pkg.flows.Crawl"}
    assert found(engine, "type=*Crawl tag=''") == ["c"]
    assert found(engine, "status=terminated") == ["c"]
    assert engine.asked[0]["closeStatusFilter"] == {"status": "TERMINATED"}
    assert found(engine, "status=terminated tag=''") == ["c"] and found(engine, "status=terminated tag=fr") == []
    assert engine.asked[0]["tagFilter"] == {"tag": "fr"} and "closeStatusFilter" not in engine.asked[0]
    assert found(engine, "id=a,b") == ["b", "a"] and "executionFilter" not in engine.asked[0]
    assert found(engine, "status!=open closed>=-2m") == ["c"]
    assert set(engine.asked[0]["closeTimeFilter"]) == {"oldestDate"}
    assert found(engine, "started>-30s") == ["c"]
    assert found(engine, "started>-90s started<-100d") == [] and engine.asked == []
    assert found(engine, "task_list=list-of-b,list-of-c status=open") == ["b"]
    assert found(engine, "version=1 id!=a parent=''") == ["b", "c"]


def test_a_run_that_waits_for_somebody(engine: Asked) -> None:
    start(engine, "mine")
    start(engine, "well")
    task = engine.poll_for_decision_task(domain="D", taskList={"name": "list-of-mine"})
    engine.respond_decision_task_completed(taskToken=task["taskToken"], executionContext='{"parked":{"error":"no x"}}')
    assert found(engine, "status=parked") == ["mine"]
    assert found(engine, "status!=parked") == ["well"]
    assert found(engine, "status=parked,closed id=*") == ["mine"]


def test_the_newest_run_of_each_id(engine: Asked) -> None:
    """A run that failed, and was started again since, is not meant."""
    for workflow_id in ("a", "a", "b"):
        start(engine, workflow_id)
        engine.terminate_workflow_execution(domain="D", workflowId=workflow_id, reason="failed")
    start(engine, "b")

    def newest(text: str) -> list[str]:
        return [run.workflow_id for run in newest_where(Domain("D", connection=engine), parse(text))]

    assert newest("status=terminated") == ["a"]
    assert newest("id=*") == ["b", "a"]
    assert newest("status=terminated started>2026-03-09") == ["a"]


def test_a_run_that_closes_while_it_is_listed_is_there_once(engine: Asked) -> None:
    start(engine, "a")
    runs = runs_where(Domain("D", connection=engine), parse("id=*"))
    assert next(runs).is_open
    engine.terminate_workflow_execution(domain="D", workflowId="a")
    assert list(runs) == []


def test_a_run_that_is_gone_meanwhile(engine: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    from simpleflow.protocol.faults import client_error, unknown

    start(engine, "a")
    gone = client_error(unknown("Unknown execution: a"), "DescribeWorkflowExecution")

    def describe(**request: Any) -> dict[str, Any]:
        raise gone

    monkeypatch.setattr(engine, "describe_workflow_execution", describe, raising=False)
    assert found(engine, "task_list=x") == []


def test_nothing_is_asked_for_what_cannot_be(engine: Asked) -> None:
    assert found(engine, "status=open closed>-2h") == [] and engine.asked == []
    assert Where(()).statuses > {"OPEN"}
