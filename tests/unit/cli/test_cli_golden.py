"""What commands print of one run, held against files that were written by hand: the columns of simpleflow 0.36 in their
order, and values that follow from what the run did. What we show beside that stands behind it."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from simpleflow import config
from simpleflow.cli import app, options
from simpleflow.engine import Engine, VirtualClock

GOLDEN = Path(__file__).with_name("golden")
START = datetime(2026, 1, 5, 3, 41, tzinfo=UTC).timestamp()
ID = "sa-basic-1767571200"
TASK = "activity-examples.basic.double-1"
DOMAIN = {"domain": "TestDomain"}
SINCE = "--started-since", "36500"


@pytest.fixture
def run_id(monkeypatch: pytest.MonkeyPatch) -> str:
    """A run that starts, schedules its task a second later, has it started after another and completed after three
    more, and completes a second after that."""
    clock = VirtualClock(START)
    engine = Engine(None, clock=clock, long_poll_seconds=0)
    monkeypatch.setattr(options, "open_engine", lambda url, reading=False: engine)
    monkeypatch.setattr(config, "load", lambda: config.Config(engine="sqlite:engine"))
    engine.register_domain(name="TestDomain", workflowExecutionRetentionPeriodInDays="90")
    engine.register_workflow_type(**DOMAIN, name="basic", version="example")
    engine.register_activity_type(**DOMAIN, name="examples.basic.double", version="example")
    started = engine.start_workflow_execution(
        **DOMAIN,
        workflowId=ID,
        workflowType={"name": "basic", "version": "example"},
        taskList={"name": "deciders"},
        input='{"__extra":{"class":"examples.basic.BasicWorkflow"},"args":[1],"kwargs":{}}',
        tagList=["a=1", "b=foo"],
        executionStartToCloseTimeout="3600",
        taskStartToCloseTimeout="30",
        childPolicy="TERMINATE",
    )
    scheduled = {
        "activityId": TASK,
        "activityType": {"name": "examples.basic.double", "version": "example"},
        "taskList": {"name": "quickstart"},
        "input": '{"args":[2],"kwargs":{}}',
        **{f"{kind}Timeout": "NONE" for kind in ("scheduleToStart", "scheduleToClose", "startToClose", "heartbeat")},
    }
    clock.advance(1)
    _decide(engine, {"decisionType": "ScheduleActivityTask", "scheduleActivityTaskDecisionAttributes": scheduled})
    clock.advance(1)
    token = engine.poll_for_activity_task(**DOMAIN, taskList={"name": "quickstart"})["taskToken"]
    clock.advance(3)
    engine.respond_activity_task_completed(taskToken=token, result="4")
    clock.advance(1)
    completed = {"completeWorkflowExecutionDecisionAttributes": {"result": "4"}}
    _decide(engine, {"decisionType": "CompleteWorkflowExecution", **completed})
    return str(started["runId"])


def _decide(engine: Engine, decision: dict[str, Any]) -> None:
    task = engine.poll_for_decision_task(**DOMAIN, taskList={"name": "deciders"})
    engine.respond_decision_task_completed(taskToken=task["taskToken"], decisions=[decision])


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("workflow.list", ("TestDomain", "--status", "closed", *SINCE)),
        ("workflow.filter", ("TestDomain", "-s", "closed", "--details", "--tag", "a=1", *SINCE)),
        ("workflow.info", ("TestDomain", ID)),
        ("workflow.profile", ("TestDomain", ID)),
        ("workflow.tasks", ("TestDomain", ID, "-n", "1")),
        ("task.info", ("TestDomain", ID, TASK)),
    ],
)
def test_columns_and_values(
    run_id: str, command: str, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.run(["--format", "csv", "--header", command, *arguments]) == 0
    expected = list(csv.reader((GOLDEN / f"{command}.csv").read_text().splitlines()))
    told = capsys.readouterr().out.replace(run_id, "RUN")
    assert [row[: len(expected[0])] for row in csv.reader(io.StringIO(told))] == expected


def test_forms(run_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    def shown(form: str, *options: str) -> str:
        command = "workflow.list", "TestDomain", "--status", "closed", *SINCE
        assert app.run(["--format", form, *options, *command]) == 0
        return capsys.readouterr().out

    def cut(lines: str, separator: str) -> list[list[str]]:
        return [line.split(separator)[:3] for line in lines.splitlines()]

    tsv = (GOLDEN / "workflow.list.tsv").read_text()
    assert cut(shown("tsv", "--header"), "\t") == cut(tsv, "\t")
    assert cut(shown("tsv"), "\t") == cut(tsv, "\t")[1:]
    human = (GOLDEN / "workflow.list.human").read_text()
    assert [re.split("  +", line) for line in shown("human").splitlines()[:3]] == [
        re.split("  +", line) for line in human.splitlines()
    ]
    [expected] = json.loads((GOLDEN / "workflow.list.json").read_text())
    for told in (shown("json"), shown("prettyjson"), shown("json", "--header"), f"[{shown('jsonl')}]"):
        [record] = json.loads(told)
        assert list(record)[:3] == list(expected) and expected.items() <= record.items()
        assert record["Start Timestamp"] == "2026-01-05T03:41:00.000Z"


def test_the_newest_event_first(run_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    def ids(*words: str) -> list[int]:
        assert app.run(["--format", "json", "workflow.history", "-d", "TestDomain", *words, ID]) == 0
        return [record["id"] for record in json.loads(capsys.readouterr().out)]

    assert ids() == ids("--reverse-order", "false") == list(range(1, 12)), "all of them, not the first ten"
    assert ids("--reverse-order") == ids("--reverse-order", "true") == list(range(11, 0, -1))


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("workflow.list", ("TestDomain", "--status", "closed", *SINCE)),
        ("workflow.info", ("TestDomain", ID)),
        ("workflow.profile", ("TestDomain", ID)),
    ],
)
def test_columns_below_each_other(
    run_id: str, command: str, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """As tabulate's "plain" has them, but for the blanks between: numbers are on the right."""
    assert app.run(["--format", "tabular", "--header", command, *arguments]) == 0
    told = capsys.readouterr().out
    expected = [re.split("  +", line) for line in (GOLDEN / f"{command}.tabular").read_text().splitlines()]
    shown = [re.split("  +", line)[: len(expected[0])] for line in told.replace(run_id, "RUN").splitlines()]
    assert shown == expected
    for name, value in zip(*expected, strict=True):
        header, row = told.splitlines()
        side = -1 if re.fullmatch(r"\d+\.\d\d", value) else 0
        places = [re.search(rf"(?<!\S){re.escape(text)}(?!\S)", line) for text, line in ((name, header), (value, row))]
        assert value == "RUN" or len({place.span()[side] for place in places if place}) == 1, name
    assert app.run(["--format", "tabular", command, *arguments]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1, "no header where none is asked for"


def history(form: str, *words: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert app.run(["--format", form, "workflow.history", "-d", "TestDomain", *words, ID]) == 0
    return capsys.readouterr().out


def holds(expected: Any, told: Any) -> bool:
    """Whether all that is expected is there, member by member and record by record."""
    if isinstance(expected, dict) and isinstance(told, dict) and expected:
        return all(key in told and holds(value, told[key]) for key, value in expected.items())
    if isinstance(expected, list) and isinstance(told, list):
        return len(expected) == len(told) and all(map(holds, expected, told))
    return bool(expected == told)


@pytest.mark.usefixtures("run_id")
@pytest.mark.parametrize("form", ["json", "prettyjson", "jsonl"])
@pytest.mark.parametrize("output", ["raw", "events", "cooked"])
def test_history(form: str, output: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = history(form, "-o", output, capsys=capsys)
    lines = form == "jsonl" and output != "cooked"
    expected = json.loads((GOLDEN / f"workflow.history.{output}.json").read_text())
    found = [json.loads(line) for line in told.splitlines()] if lines else json.loads(told)
    assert holds(expected, found)
    if output == "raw":
        assert [list(record)[:6] for record in found] == [list(record)[:6] for record in expected]
    if output == "cooked":
        assert list(found) == list(expected), "these subjects, in this order"
    assert (len(told.splitlines()) > 1) == (form != "json" and (lines or form == "prettyjson"))


@pytest.mark.usefixtures("run_id")
@pytest.mark.parametrize("form", ["tsv", "csv", "tabular", "human"])
def test_history_as_rows(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = history(form, "-o", "raw", capsys=capsys)
    assert history(form, capsys=capsys) == told, "raw is what is meant where nothing is said"
    expected = json.loads((GOLDEN / "workflow.history.events.json").read_text())
    rows = [(str(event["eventId"]), event["eventTimestamp"], event["eventType"]) for event in expected]
    if form == "human":
        assert re.findall(r"^event(?:Id|Timestamp|Type) +(.*)$", told, re.MULTILINE) == [
            cell for row in rows for cell in row
        ]
    else:
        separator = {"tsv": "\t", "csv": ",", "tabular": " +"}[form]
        assert [tuple(re.split(separator, line.strip())[:3]) for line in told.splitlines()] == rows
