"""The object layer on the embedded engine, in memory and on a file."""

from __future__ import annotations

from typing import Any

import pytest

from objects_life import Life
from simpleflow.engine import VirtualClock
from simpleflow.swf.exceptions import DoesNotExistError, DomainDoesNotExist, ResponseError
from simpleflow.swf.models import ActivityType, Decider, Domain, WorkflowType
from simpleflow.swf.models.decision import ActivityTaskDecision, LambdaFunctionDecision, WorkflowExecutionDecision
from simpleflow.swf.querysets import DeciderQuerySet, WorkflowExecutionQuerySet, WorkflowTypeQuerySet


@pytest.fixture
def clock() -> VirtualClock:
    import time

    return VirtualClock(time.time())


@pytest.fixture
def life(client: Any) -> Life:
    return Life(client)


def test_a_whole_life(life: Life) -> None:
    life.live()
    life.polls_in_vain()


def test_pages_of_a_list(life: Life) -> None:
    for number in range(25):
        life.type.start_execution(f"job-{number}", tag_list=[f"t-{number % 2}"])
    runs = life.runs.page_size(4)
    assert len({run.workflow_id for run in runs}) == 25 == runs.count()
    assert runs.filter(tag="t-1").count() == 12 == len(runs.filter(tag="t-1"))
    newest, oldest = runs.first(), runs.reverse().first()
    assert newest is not None and oldest is not None and (newest, oldest) == (runs[0], runs[-1])
    for number in range(12):
        WorkflowTypeQuerySet(life.domain).create(f"type-{number:02}", "1")
    types = WorkflowTypeQuerySet(life.domain).page_size(5)
    assert [found.name for found in types][-1] == "type-11" and types.count() == 13
    assert types.reverse()[0].name == "type-11" and types.filter(name="type-03").count() == 1


def test_dates(life: Life, clock: VirtualClock) -> None:
    run = life.type.start_execution("job-1")
    life.decide(WorkflowExecutionDecision("complete"))
    runs: WorkflowExecutionQuerySet = life.runs.filter(status="CLOSED")
    started = run.upstream().start_timestamp
    assert started is not None
    assert runs.filter(start_oldest_date=1).count() == 1 and runs.filter(start_latest_date=1).count() == 0
    assert runs.filter(close_latest_date=-1).count() == 1 and runs.filter(close_latest_date=1).count() == 0
    assert runs.filter(close_oldest_date=started).count() == 1


def test_times_go_by(life: Life, clock: VirtualClock) -> None:
    run = life.type.start_execution("job-1", execution_timeout=60)
    life.decide(ActivityTaskDecision("schedule", "a", life.activity, task_timeout=5, heartbeat_timeout="NONE"))
    life.worker.poll()
    clock.advance(5)
    task = life.decide(ActivityTaskDecision("schedule", "a", life.activity))
    [timed_out] = task.history.filter(name="ActivityTaskTimedOut")
    assert (timed_out.timeout_type, task.history.parsed.activities["a"]["retry"]) == ("START_TO_CLOSE", 0)
    clock.advance(60)
    assert run.history().finished and run.upstream().close_status == "TIMED_OUT"
    assert run.history().compile()[0].state == "timed_out"


def test_lambda_functions(life: Life) -> None:
    run = life.type.start_execution("job-1")
    life.decide(*[LambdaFunctionDecision("schedule", "f-1", "function", input=[1])] * 2)
    scheduled, refused = life.decide().history.filter(type="LambdaFunction")
    assert (scheduled.function_id, scheduled.function_name, scheduled.input) == ("f-1", "function", [1])
    assert (refused.state, refused.cause) == ("schedule_failed", "ID_ALREADY_IN_USE")
    assert [thing.state for thing in run.history().compile() if thing.name == "f-1"] == ["scheduled"]


def test_deciders(life: Life) -> None:
    life.type.start_execution("job-1")
    life.type.start_execution("job-2")
    life.decide()
    life.decider.identity = '{"user":"u","pid":7}'
    life.decide(WorkflowExecutionDecision("complete"))
    deciders = DeciderQuerySet(life.domain)
    assert {found.identity for found in deciders} == {"the decider", '{"user":"u","pid":7}'}
    assert deciders.filter(identity="the decider")[0].decisions == 1
    assert deciders.get("deciders", '{"user":"u","pid":7}').process == {"user": "u", "pid": 7}
    known = deciders.get("deciders", "the decider")
    assert known.process == {} and known.exists and known.is_synced
    nobody = Decider(life.domain, "deciders", "nobody")
    assert not nobody.exists
    with pytest.raises(DoesNotExistError, match="no run of the last day tells of a decider of deciders: nobody"):
        nobody.upstream()
    with pytest.raises(DoesNotExistError, match="none of the list elsewhere has been seen lately"):
        deciders.get("elsewhere")
    with pytest.raises(NotImplementedError, match="a Decider is not registered by anybody"):
        nobody.save()


def test_what_an_engine_refuses(client: Any) -> None:
    nowhere = Domain("Nowhere", connection=client)
    with pytest.raises(DomainDoesNotExist, match="cannot register the workflow type t 1: Unknown domain: Nowhere"):
        WorkflowType(nowhere, "t", "1").save()
    with pytest.raises(DomainDoesNotExist):
        WorkflowExecutionQuerySet(nowhere).count()
    nowhere.save()
    with pytest.raises(ResponseError, match=r"cannot register the activity type a:b 1: .*failed to satisfy constraint"):
        ActivityType(nowhere, "a:b", "1").save()
    assert nowhere.is_synced and nowhere.upstream().retention_period == 30
