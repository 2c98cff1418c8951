"""Runs and histories as rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from simpleflow.swf import report, stats
from simpleflow.swf.exceptions import DoesNotExistError
from simpleflow.swf.models import Domain, WorkflowExecution, WorkflowType
from simpleflow.swf.models.history import History, builder

START = builder.DEFAULT_START
INCREMENT = SimpleNamespace(name="pkg.increment", version="1", task_list="l")
DOUBLE = SimpleNamespace(name="pkg.double", version="1", task_list="l")
CHILD = SimpleNamespace(name="child", version="1", task_list="l")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@pytest.fixture
def history() -> History:
    """Events a second apart: increment fails and is tried again, double and a child run, one more waits."""
    made = builder.History(INCREMENT, input={"args": [1], "kwargs": {}, "__extra": {"class": "x.Y"}})  # 0 1 2
    made.add_activity_task(INCREMENT, last_state="failed", activity_id="i-1", input={"args": [1]})  # 3, 4 5 6
    made.add_decision_task()  # 7 8 9
    made.add_activity_task(INCREMENT, activity_id="i-1", input={"args": [1]}, result=2)  # 10 11 12
    made.add_activity_task(DOUBLE, last_state="scheduled", activity_id="d-1")  # 13
    made.add_activity_task_started(made.last_id).add_signal("s").add_signal("s")  # 14 15 16
    made.add_activity_task_completed(made.last_id - 3, made.last_id - 2, 4)  # 17
    made.add_child_workflow(CHILD, workflow_id="c-1")  # 18 19 20
    made.add_activity_task(DOUBLE, last_state="scheduled", activity_id="d-2")  # 21
    return made


def run(**given: Any) -> WorkflowExecution:
    domain = Domain("D")
    told: dict[str, Any] = {
        "workflow_type": WorkflowType(domain, "basic", "example"),
        "task_list": "deciders",
        "start_timestamp": START,
        "tag_list": ("a=1", "b"),
    }
    return WorkflowExecution(domain, "w-1", "r-1", **{**told, **given})


def test_timings(history: History) -> None:
    tried, done, child, waiting = stats.timings(history)
    assert (tried.type, tried.id, tried.name, tried.last_state) == ("activity", "i-1", "pkg.increment", "completed")
    assert (tried.attempts, tried.scheduled, tried.started, tried.ended) == (2, at(10), at(11), at(12))
    assert (tried.waiting, tried.running) == (1.0, 1.0)
    assert (done.attempts, done.waiting, done.running) == (1, 1.0, 3.0)
    assert (child.type, child.id, child.scheduled, child.running) == ("child_workflow", "c-1", at(18), 1.0)
    assert (waiting.last_state, waiting.attempts, waiting.waiting, waiting.ended) == ("scheduled", 1, None, None)


@pytest.mark.parametrize(
    ("last_state", "attempts", "over"),
    [("schedule_failed", 0, False), ("started", 1, False), ("failed", 1, True), ("canceled", 1, True)],
)
def test_attempts(last_state: str, attempts: int, over: bool) -> None:
    [found] = stats.timings(builder.History().add_activity_task(INCREMENT, last_state=last_state))
    assert (found.attempts, found.ended is not None) == (attempts, over)


def test_the_times_of_a_run(history: History) -> None:
    found = stats.WorkflowStats(history)
    assert found.total_time() == 21.0 and stats.WorkflowStats(History()).total_time() == 0.0
    assert found.get_timings()[0] == ("i-1", "completed", at(10), at(11), at(12), 1.0)
    assert found.get_timings()[3] == ("d-2", "scheduled", at(21), None, None, None)
    assert [timing[-1] for timing in found.get_timings_with_percentage()] == [
        pytest.approx(100 / 21),
        pytest.approx(300 / 21),
        pytest.approx(100 / 21),
        None,
    ]


def test_the_tasks_of_a_run_as_json(history: History) -> None:
    found = json.loads(stats.dump_history_to_json(history))
    assert [id for id, _ in found if id] == ["i-1", "d-1", "c-1", "d-2"]
    assert found[0][1]["completed_timestamp"] == "2026-01-01T00:00:12.000Z"


def test_tasks(history: History) -> None:
    table = report.tasks(history)
    assert table.columns == ("Tasks", "Last State", "Last State Time", "Scheduled Time")
    assert table.rows == (
        ("pkg.double", "scheduled", at(21), at(21)),
        ("child", "completed", at(20), at(18)),
        ("pkg.double", "completed", at(17), at(13)),
        ("pkg.increment", "completed", at(12), at(10)),
    )
    assert report.tasks(history, limit=1).rows == table.rows[:1]
    assert table.records[0]["Tasks"] == "pkg.double"


def test_profile(history: History) -> None:
    table = report.profile(history)
    assert table.columns == report.PROFILE
    assert [row[0] for row in table.rows] == ["d-1", "i-1", "c-1"], "the longest first, and none that is not over"
    assert table.rows[0] == ("d-1", "completed", at(13), 1.0, at(14), 3.0, at(17), pytest.approx(300 / 21))
    assert report.profile(history, limit=1).rows == table.rows[:1]


def test_a_task_that_took_no_time_is_over_too() -> None:
    at_once = [{**event, "eventTimestamp": START} for event in builder.History().add_activity_task(DOUBLE).raw]
    [row] = report.profile(History.from_event_list(at_once)).rows
    assert (row[1], row[5], row[7]) == ("completed", 0.0, 0.0)


def test_totals(history: History) -> None:
    table = report.totals(history)
    assert table.columns == report.TOTALS
    assert table.records[0] == {
        "Task": "pkg.double",
        "Count": 1,
        "Attempts": 1,
        "Time Scheduled": 1.0,
        "Time Running": 3.0,
        "Mean Time Running": 3.0,
        "Longest": 3.0,
        "Percentage of total time": pytest.approx(300 / 21),
    }
    assert [row[:3] for row in table.rows] == [("pkg.double", 1, 1), ("pkg.increment", 1, 2), ("child", 1, 1)]


def test_one_task(history: History) -> None:
    record = report.task(history, "i-1").records[0]
    assert record == {
        "type": "activity",
        "id": "i-1",
        "name": "pkg.increment",
        "version": "1",
        "state": "completed",
        "timestamp": at(12),
        "input": {"args": [1]},
        "result": 2,
        "reason": None,
    }
    made = builder.History().add_activity_task(INCREMENT, last_state="failed", activity_id="i")
    found = report.task(made, "i", details=True).records[0]
    assert (found["state"], found["reason"], found["details"]) == ("failed", "REASON", "DETAILS")
    assert report.task(history, "c-1").records[0]["type"] == "child_workflow"
    with pytest.raises(DoesNotExistError, match="the history has no task nope"):
        report.task(history, "nope")


def test_listed() -> None:
    table = report.listed([run(), run(status="CLOSED", close_status="FAILED")])
    assert table.columns == report.LISTED
    assert table.rows == (
        ("w-1", "basic", "OPEN", None, "r-1", START),
        ("w-1", "basic", "CLOSED", "FAILED", "r-1", START),
    )


def test_filtered() -> None:
    parent = {"workflowId": "p", "runId": "q"}
    closed = run(status="CLOSED", close_status="FAILED", close_timestamp=at(3), parent=parent)
    [record] = report.filtered([closed]).records
    assert tuple(record) == report.FILTERED
    assert record == {
        "Workflow ID": "w-1",
        "Workflow Type": "basic",
        "Workflow Version": "example",
        "Run ID": "r-1",
        "Status": "CLOSED",
        "Child Policy": None,
        "Close Status": "FAILED",
        "Start Timestamp": START,
        "Close Timestamp": at(3),
        "Cancel Requested": None,
        "Execution Timeout": None,
        "Input": None,
        "Tags": ["a=1", "b"],
        "Decision Tasks Timeout": None,
        "Parent Workflow ID": "p",
        "Parent Run ID": "q",
        "Task List": "deciders",
    }


def test_info_of_an_open_run(history: History) -> None:
    """Of old it showed the input of the first task, and the time between two tasks."""
    [record] = report.info(run(), history, now=at(100)).records
    assert tuple(record) == report.INFO
    assert record == {
        "domain": "D",
        "workflow_type.name": "basic",
        "workflow_type.version": "example",
        "task_list": "deciders",
        "workflow_id": "w-1",
        "run_id": "r-1",
        "tag_list": "a=1,b",
        "execution_time": 100.0,
        "input": {"args": [1], "kwargs": {}},
        "status": "OPEN",
        "result": None,
        "failure": None,
        "parked": None,
    }


def test_info_tells_why_an_open_run_waits(history: History) -> None:
    parked = run(latest_execution_context='{"parked": {"error": "there is no module m"}}')
    assert report.info(parked, history).records[0]["parked"] == "there is no module m"
    closed = builder.History(INCREMENT).add_workflow_closed("FAILED")
    assert report.info(parked, closed).records[0]["parked"] is None


@pytest.mark.parametrize(
    ("status", "given", "result", "failure"),
    [
        ("COMPLETED", {"result": {"a": 1}}, {"a": 1}, None),
        ("FAILED", {"reason": "ValueError: nope"}, None, "ValueError: nope"),
        ("TERMINATED", {"reason": "enough"}, None, "enough"),
        ("TIMED_OUT", {}, None, "START_TO_CLOSE"),
        ("CANCELED", {}, None, None),
    ],
)
def test_info_of_a_closed_run(status: str, given: Any, result: Any, failure: str | None) -> None:
    closed = builder.History(INCREMENT, input=[1]).add_workflow_closed(status, **given)
    execution = run(status="CLOSED", close_status=status, close_timestamp=at(2.5), task_list=None)
    [record] = report.info(execution, closed).records
    assert (record["status"], record["result"], record["failure"]) == (status, result, failure)
    assert (record["execution_time"], record["input"], record["task_list"]) == (2.5, [1], "l")


def test_times_of_foreign_histories() -> None:
    assert stats.instant(1.5) == datetime(1970, 1, 1, 0, 0, 1, 500000, UTC) and stats.instant(None) is None
