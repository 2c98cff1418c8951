"""Live views: what they show in how much room, and how a run is followed where there is no terminal."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from simpleflow.cli import app, following, live, options
from simpleflow.cli.output import styled
from simpleflow.engine import Engine, VirtualClock
from simpleflow.runtime.runs import Run
from simpleflow.runtime.watching import RETRYING, Item, Tally, Watch
from simpleflow.swf.measure import Line, width_of

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


@pytest.fixture
def watch() -> Watch:
    """A run that has gone on for a while: two types of tasks, and something of everything that can be open."""
    found = Watch(Engine(None), Run("D", "nightly", "R"), name="crawl", began=ago(3700))
    found.tallies = {
        "web.fetch": Tally("web.fetch", {"completed": 60, "failed": 1, "started": 2, "scheduled": 36, RETRYING: 1}),
        "web.store": Tally("web.store", {"completed": 3}),
    }
    found.tallies["web.fetch"].ends.extend(ago(60 - second) for second in range(0, 60, 2))
    for item in (
        Item("activity", "activity-web.fetch-61", "web.fetch", "scheduled", ago(50), 1),
        Item("activity", "activity-web.fetch-7", "web.fetch", "started", ago(65), 2, begun=70),
        Item("activity", "activity-web.fetch-8", "web.fetch", "cancel_requested", ago(5), 1, begun=71),
        Item("activity", "activity-web.fetch-9", "web.fetch", RETRYING, ago(5), 3, until=NOW + timedelta(seconds=40)),
        Item("timer", "midnight", "midnight", "started", ago(5), until=NOW + timedelta(hours=2)),
        Item("child_workflow", "report", "report", "started", ago(20), 1),
    ):
        found._open[item.kind, item.id] = item
    return found


def shown(watch: Watch, columns: int, rows: int, notes: dict[int, dict[str, Any]] | None = None) -> list[str]:
    return plain(live.view(watch, notes or {}, NOW, columns, rows))


def plain(lines: list[Line]) -> list[str]:
    return ["".join(text for text, _ in line).rstrip() for line in lines]


def test_all_of_it(watch: Watch) -> None:
    notes = {70: {"done": 3, "total": 12, "text": "page 3"}}
    assert shown(watch, 100, 30, notes) == [
        "nightly  crawl  OPEN  1:01:40",
        "━━━━━━━╌╌╌╌╌  63 of 103 tasks done, 2 running, 1 failed, 37 waiting",
        "",
        "web.fetch ━━━━━━━━━╌╌╌╌╌╌╌    60/100  2 running  1 failed  37 waiting  29.0/min  1:20 left",
        "web.store ━━━━━━━━━━━━━━━━       3/3",
        "web.fetch-8  running     0:05  is to end",
        "web.fetch-7  running     1:05  attempt 2  ━━╌╌╌╌╌╌  3 of 12: page 3",
        "report       child       0:20",
        "midnight     timer in 2:00:00",
        "web.fetch-9  retry in    0:40  attempt 3 failed",
    ]


def test_little_room_shows_what_matters_most(watch: Watch) -> None:
    assert shown(watch, 60, 1) == ["━━━━╌╌╌  63 of 103 tasks done, 2 running, 1:01:40"]
    assert shown(watch, 60, 6) == [
        "nightly  crawl  OPEN  1:01:40",
        "━━━━╌╌╌  63 of 103 tasks done, 2 running, 1 failed, 37 wait…",
        "web.fetch ━━━━━━╌╌╌╌    60/100  2 running  1 failed  37 wai…",
        "web.store ━━━━━━━━━━       3/3",
        "… 2 more",
        "… 3 more",
    ]
    watch.parked = "word " * 30
    assert shown(watch, 60, 10)[2:4] == ["waits: " + "word " * 9 + "word", "       " + "word " * 10 + "…"]
    watch.parked = "ModuleNotFoundError:\n no module flows"
    assert shown(watch, 60, 3)[::2] == [
        "nightly  crawl  PARKED  1:01:40",
        "waits: ModuleNotFoundError: no module flows",
    ]


@pytest.mark.parametrize("columns", [20, 33, 80, 160])
@pytest.mark.parametrize("rows", [1, 2, 5, 9, 24])
def test_it_fits(watch: Watch, columns: int, rows: int) -> None:
    watch.tallies["ü" * 90] = Tally("ü" * 90, {"completed": 1})
    watch.parked = "long " * 99
    lines = shown(watch, columns, rows, {70: {"done": 1, "total": 2, "text": "\x1b[2J" + "ページ" * 50}})
    assert "\x1b" not in "".join(lines)
    assert 0 < len(lines) <= rows
    assert max(map(width_of, lines)) <= columns


def test_attempts_tell_of_themselves_and_may_be_wrong(watch: Watch) -> None:
    for note in ({}, {"done": 5}, {"done": 9, "total": 3}, {"done": -1, "total": 3}, {"done": 1, "total": 0}):
        assert "web.fetch-7  running     1:05  attempt 2" in "\n".join(shown(watch, 100, 30, {70: note}))


def test_colours_tell_states(watch: Watch) -> None:
    pieces = [piece for line in live.view(watch, {}, NOW, 100, 30) for piece in line]
    styles = {text.strip(): style for text, style in pieces}
    assert (styles["OPEN"], styles["1 failed"], styles["2 running"]) == ("cyan", "red", "cyan")
    assert styled("1 failed", "red") == "\x1b[31m1 failed\x1b[0m"


def test_one_task(watch: Watch) -> None:
    def told(id: str, note: dict[str, Any] | None = None) -> list[str]:
        item = watch.task(f"activity-web.fetch-{id}")
        assert item is not None
        return plain(live.of_task(watch, item, note or {}, NOW, 70, 20))

    watch._items = watch._open
    assert told("61") == ["web.fetch-61  scheduled 0:50"]
    assert told("7", {"done": 1, "total": 2}) == ["web.fetch-7  running     1:05  attempt 2  ━━╌╌╌  1 of 2"]
    watch.parked = "no module flows"
    assert told("9") == ["web.fetch-9  retry in    0:40  attempt 3 failed", "waits: no module flows"]


LIMITS = {"executionStartToCloseTimeout": "60", "taskStartToCloseTimeout": "60", "childPolicy": "TERMINATE"}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """With an open run I that has got a signal."""
    made = Engine(None, clock=VirtualClock(NOW.timestamp()), long_poll_seconds=0)
    monkeypatch.setattr(options, "open_engine", lambda url, reading=False: made)
    made.register_domain(name="D", workflowExecutionRetentionPeriodInDays="1")
    made.register_workflow_type(domain="D", name="W", version="1", defaultTaskList={"name": "L"})
    made.start_workflow_execution(domain="D", workflowId="I", workflowType={"name": "W", "version": "1"}, **LIMITS)
    made.signal_workflow_execution(domain="D", workflowId="I", signalName="go")
    return made


def decide(engine: Engine, kind: str, **given: Any) -> None:
    task = engine.poll_for_decision_task(domain="D", taskList={"name": "L"})
    decision = {"decisionType": kind, f"{kind[0].lower()}{kind[1:]}DecisionAttributes": given}
    engine.respond_decision_task_completed(taskToken=task["taskToken"], decisions=[decision])


@pytest.mark.parametrize("command", ["workflow.info", "workflow.tasks"])
def test_a_line_for_each_change(engine: Engine, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Elsewhere than on a terminal, into the next run, and until the end: the exit code is that of workflow.wait."""
    first = engine.list_open_workflow_executions(domain="D", startTimeFilter={"oldestDate": 0})["executionInfos"][0]
    decide(engine, "ContinueAsNewWorkflowExecution", **LIMITS)
    decide(engine, "FailWorkflowExecution", reason="no\tway")
    assert app.run([command, "D", "I", first["execution"]["runId"], "--follow"]) == 3
    told = capsys.readouterr()
    assert [line.split("\t")[1:4] for line in told.out.splitlines()] == [
        ["workflow", "I", "OPEN"],
        ["signal", "go", "signaled"],
        ["workflow", "I", "CONTINUED_AS_NEW"],
        ["workflow", "I", "OPEN"],
        ["workflow", "I", "FAILED"],
    ]
    assert told.out.startswith("2026-01-05T12:00:00.000Z\t") and told.out.endswith("\tFAILED\t\tno\\tway\n")
    assert "no way" in told.err or "no\tway" in told.err


@pytest.mark.parametrize(("completed", "code"), [(True, 0), (False, 3)])
def test_one_task_is_followed_to_its_end(
    engine: Engine, completed: bool, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run goes on."""
    engine.register_activity_type(domain="D", name="add", version="1")
    for id in ("other", "add"):
        never = {
            f"{kind}Timeout": "NONE" for kind in ("scheduleToStart", "scheduleToClose", "startToClose", "heartbeat")
        }
        what = {"activityId": id, "activityType": {"name": "add", "version": "1"}, "taskList": {"name": "A"}, **never}
        decide(engine, "ScheduleActivityTask", **what)
        engine.signal_workflow_execution(domain="D", workflowId="I", signalName="go")
    for _ in range(2):
        task = engine.poll_for_activity_task(domain="D", taskList={"name": "A"})
    if completed:
        engine.respond_activity_task_completed(taskToken=task["taskToken"], result="1")
    else:
        engine.respond_activity_task_failed(taskToken=task["taskToken"], reason="no")
        decide(engine, "RecordMarker", markerName="seen")
    assert app.run(["task.info", "D", "I", "add", "--follow"]) == code
    told = [line.split("\t")[2:] for line in capsys.readouterr().out.splitlines()]
    end = ["completed", "1", ""] if completed else ["failed", "1", "no"]
    assert told == [["add", "scheduled", "1", ""], ["add", "started", "1", ""], ["add", *end]]
    assert app.run(["task.info", "D", "I", "ad", "--follow"]) == 1
    assert "Did you mean add?" in capsys.readouterr().err


def test_the_forms_of_changes(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    decide(engine, "CompleteWorkflowExecution", result="42")
    assert app.run(["--format", "jsonl", "workflow.info", "D", "I", "--follow"]) == 0
    told = capsys.readouterr()
    assert [json.loads(line)["State"] for line in told.out.splitlines()] == ["OPEN", "signaled", "COMPLETED"]
    assert told.err == "result: 42\n"
    assert app.run(["--format", "csv", "--header", "workflow.info", "D", "I", "--follow"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "Time,Kind,ID,State,Attempt,Detail"
    assert app.run(["--format", "prettyjson", "workflow.info", "D", "I", "--follow"]) == 2
    assert "take --format jsonl" in capsys.readouterr().err


def test_ctrl_c_leaves_the_run_alone(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(following.time, "sleep", interrupted)
    assert app.run(["workflow.tasks", "D", "I", "--follow"]) == 130
    assert capsys.readouterr().err == "I goes on\n"
    assert engine.count_open_workflow_executions(domain="D", startTimeFilter={"oldestDate": 0})["count"] == 1
