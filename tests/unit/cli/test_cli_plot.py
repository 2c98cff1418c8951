"""A run drawn, on the terminal and as SVG: held against files that were looked at, and measured where that tells."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from simpleflow.cli import app, options
from simpleflow.cli.plot import plotted, unstyled
from simpleflow.engine import Engine, VirtualClock
from simpleflow.swf.chart import Chart, Shade, chart, folded
from simpleflow.swf.models.history import History
from simpleflow.swf.svg import svg

GOLDEN = Path(__file__).with_name("golden")
ROOT = Path(__file__).parents[3]
START = datetime(2026, 1, 5, 3, 41, tzinfo=UTC).timestamp()
DOMAIN = {"domain": "D"}
PAUSE = "__simpleflow_task_activity-shop.pay-1#1"


class Told:
    """A history, told line by line."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.at(0, "WorkflowExecutionStarted", workflowType={"name": "shop", "version": "1"})

    def at(self, time: float, kind: str, **values: Any) -> int:
        member = f"{kind[0].lower()}{kind[1:]}EventAttributes"
        number = len(self.events) + 1
        if kind in ("ActivityTaskScheduled", "TimerStarted", "StartChildWorkflowExecutionInitiated"):
            values["decisionTaskCompletedEventId"] = 0
        self.events.append({"eventId": number, "eventTimestamp": START + time, "eventType": kind, member: values})
        return number

    def task(
        self, id: str, scheduled: float, started: float | None, ended: float | None, how: str = "Completed"
    ) -> None:
        name = id.removeprefix("activity-").rpartition("-")[0]
        asked = self.at(scheduled, "ActivityTaskScheduled", activityId=id, activityType={"name": name, "version": "1"})
        if started is not None:
            began = self.at(started, "ActivityTaskStarted", scheduledEventId=asked)
            if ended is not None:
                self.at(ended, f"ActivityTask{how}", scheduledEventId=asked, startedEventId=began)

    def chart(self, now: float = 0) -> Chart:
        history = History.from_event_list(sorted(self.events, key=lambda event: float(event["eventTimestamp"])))
        return chart(history, now=datetime.fromtimestamp(START + now, UTC), id="shop-1")


@pytest.fixture
def shop() -> Told:
    """Two pages are looked up, the order is paid at the second attempt; a child, a timer, a signal beside it."""
    told = Told()
    told.task("activity-shop.look-1", 1, 2, 5)
    told.task("activity-shop.look-2", 1, 4, 8)
    child = {"workflowId": "parcel", "workflowType": {"name": "send", "version": "1"}}
    asked = told.at(2, "StartChildWorkflowExecutionInitiated", **child)
    execution = {"workflowExecution": {"workflowId": "parcel", "runId": "R"}, "initiatedEventId": asked}
    began = told.at(3, "ChildWorkflowExecutionStarted", **execution, workflowType=child["workflowType"])
    told.at(11, "ChildWorkflowExecutionFailed", **execution, workflowType=child["workflowType"], startedEventId=began)
    timer = told.at(2, "TimerStarted", timerId="patience", startToFireTimeout="4")
    told.at(6, "TimerFired", timerId="patience", startedEventId=timer)
    told.at(7, "WorkflowExecutionSignaled", signalName="hurry")
    told.task("activity-shop.pay-1", 9, 10, 12, "Failed")
    pause = told.at(12, "TimerStarted", timerId=PAUSE, control='{"task":"activity-shop.pay-1"}')
    told.at(14, "TimerFired", timerId=PAUSE, startedEventId=pause)
    told.task("activity-shop.pay-1", 14, 15, 19)
    told.at(20, "WorkflowExecutionCompleted")
    return told


def same_as(name: str, drawn: str) -> None:
    assert drawn == (GOLDEN / name).read_text(encoding="utf-8")


def test_on_a_terminal(shop: Told) -> None:
    same_as("profile.plot", unstyled(plotted(shop.chart(), 80)))
    same_as("profile.plot.ascii", unstyled(plotted(shop.chart(), 80, ascii=True)))


def test_as_svg(shop: Told) -> None:
    """The picture in docs/how-to/watch.md."""
    drawn = svg(shop.chart())
    assert drawn == (ROOT / "docs" / "how-to" / "run.svg").read_text(encoding="utf-8")
    picture = ElementTree.fromstring(drawn)
    assert "shop shop-1" in [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert not re.search(r"<script|href|url\((?!#)|@import", drawn)


def test_segments_and_the_critical_path(shop: Told) -> None:
    drawn = shop.chart()
    pay = next(row for row in drawn.rows if row.name == "shop.pay")
    assert [(cut.shade, cut.start, cut.end, cut.attempt, cut.ended) for cut in pay.segments] == [
        (Shade.QUEUED, 9, 10, 1, "started"),
        (Shade.RUNNING, 10, 12, 1, "failed"),
        (Shade.RETRYING, 12, 14, 1, "scheduled"),
        (Shade.QUEUED, 14, 15, 2, "started"),
        (Shade.RUNNING, 15, 19, 2, "completed"),
    ]
    assert drawn.path == (("activity", "activity-shop.look-2"), ("activity", "activity-shop.pay-1"))


def test_the_critical_path_by_what_is_known(shop: Told) -> None:
    """Where the decider noted what a task came after, that counts, and not what ended shortly before."""
    for event in shop.events:
        values = event.get("activityTaskScheduledEventAttributes", {})
        if values.get("activityId") == "activity-shop.pay-1":
            values["control"] = '{"after": ["activity-shop.look-1", "activity-gone-1"]}'
    assert [key[1] for key in shop.chart().path] == ["activity-shop.look-1", "activity-shop.pay-1"]
    told = Told()
    told.at(1, "WorkflowExecutionSignaled", signalName="go")
    told.at(4, "WorkflowExecutionSignaled", signalName="go")
    told.task("activity-a-1", 2, 2, 3)
    told.task("activity-b-1", 3, 3, 9)
    told.events[-3]["activityTaskScheduledEventAttributes"]["control"] = '{"after": ["signaled:go"]}'
    assert [key[1] for key in told.chart(now=9).path] == ["go#2", "activity-b-1"], "the one that had come by then"


def test_an_open_run() -> None:
    """What is not over goes on until now: queued, running, or waiting to be tried again."""
    told = Told()
    told.task("activity-a-1", 1, None, None)
    told.task("activity-b-1", 1, 2, None)
    told.task("activity-c-1", 1, 2, 3, "TimedOut")
    told.at(3, "TimerStarted", timerId="__simpleflow_task_activity-c-1#1", control='{"task": "activity-c-1"}')
    told.at(3, "TimerStarted", timerId="_simpleflow_wake_up-1", startToFireTimeout="0")
    told.at(4, "TimerStarted", timerId="_simpleflow_parked-7", startToFireTimeout="60")
    drawn = told.chart(now=30)
    assert (drawn.status, drawn.seconds) == ("OPEN", 30)
    last = {row.label: (row.segments[-1].shade, row.segments[-1].end, row.state) for row in drawn.rows}
    assert last == {
        "a-1": (Shade.QUEUED, 30, "scheduled"),
        "b-1": (Shade.RUNNING, 30, "started"),
        "c-1": (Shade.RETRYING, 30, "waiting to retry"),
        "parked-7": (Shade.TIMER, 30, "started"),
    }
    assert "▊ still running" in unstyled(plotted(drawn, 80))


def test_many_tasks_are_gathered_by_name() -> None:
    told = Told()
    for number in range(2000):
        at, name = 4 * number, "slow" if number % 400 == 7 else "quick"
        told.task(f"activity-{name}-{number}", at, at + 1, at + 3)
    told.at(8000, "WorkflowExecutionCompleted")
    few = folded(told.chart(), 10)
    assert [row.count for row in few.rows].count(1) == 10
    gathered = [row for row in few.rows if row.count > 1]
    assert {row.name for row in gathered} <= {"slow", "quick"} and sum(row.count for row in gathered) == 1990
    cuts = next(row.segments for row in gathered if row.name == "quick")
    assert {cut.shade for cut in cuts} == {Shade.RUNNING} and len(cuts) < 500, "nobody sees every second"
    assert all(before.end == after.start for before, after in pairwise(cuts))
    assert "quick x 1,98" in unstyled(plotted(few, 100))
    assert svg(few).count("<g>") == len(few.rows) <= 12


def test_colours_tell_states(shop: Told) -> None:
    styles = {text: style for line in plotted(shop.chart(), 80) for text, style in line}
    assert styles["COMPLETED"] == "green"
    assert styles[next(text for text in styles if text.startswith("parcel"))] == "red"
    assert {style for text, style in styles.items() if text and set(text) == {"▓"}} == {"red"}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(None, clock=VirtualClock(START), long_poll_seconds=0)
    monkeypatch.setattr(options, "open_engine", lambda url, reading=False: engine)
    engine.register_domain(name="D", workflowExecutionRetentionPeriodInDays="1")
    engine.register_workflow_type(**DOMAIN, name="W", version="1", defaultTaskList={"name": "L"})
    limits = {"executionStartToCloseTimeout": "60", "taskStartToCloseTimeout": "60", "childPolicy": "TERMINATE"}
    kind = {"name": "W", "version": "1"}
    engine.start_workflow_execution(**DOMAIN, workflowId="I", workflowType=kind, **limits)
    engine.signal_workflow_execution(**DOMAIN, workflowId="I", signalName="hey")


@pytest.mark.usefixtures("run")
def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "run.svg"
    file.write_text("old")
    assert app.run(["workflow.profile", "D", "I", "--output", str(file)]) == 0
    assert file.read_text().startswith("<svg ") and [each.name for each in tmp_path.iterdir()] == ["run.svg"]
    assert capsys.readouterr() == ("", f"drawn: {file}\n")
    assert app.run(["workflow.profile", "D", "I", "--plot"]) == 0
    assert "◆ signal" in capsys.readouterr().out
    assert app.run(["--format", "csv", "--header", "workflow.profile", "D", "I", "--plot"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Task,Kind,Attempt,Spent,State,From,To,Seconds,Critical",
        "hey#3,signal,,signal,signaled,0.00,0.00,0.00,true",
    ]


@pytest.mark.usefixtures("run")
def test_what_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["workflow.profile", "D", "I", "-o", "run.png"]) == 2
    assert capsys.readouterr().err.endswith("run.png would be SVG: name it run.svg\n")
    assert app.run(["workflow.profile", "D", "I", "-o", str(tmp_path / "no" / "run.svg")]) == 1
    assert capsys.readouterr().err == f"Error: {tmp_path}/no/run.svg cannot be written: No such file or directory\n"
