"""Processes killed inside transactions, again and again; twenty at once on one file."""

from __future__ import annotations

import collections
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from engine_crashes import ACTIVITIES
from engine_integrity import History, check_integrity

from simpleflow.clients import client as open_client
from simpleflow.testing.contract.swf import Swf

PROGRAM = str(Path(__file__).with_name("engine_crashes.py"))


def prepared(path: Path) -> None:
    with open_client(f"sqlite:{path}") as client:  # type: ignore[attr-defined]
        Swf(client)


def runs(*arguments: object) -> tuple[list[dict[str, Any]], str]:
    command = [sys.executable, PROGRAM, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def acknowledged(reports: list[dict[str, Any]], kind: str) -> list[tuple[str, ...]]:
    """What the engine has told them, of one kind."""
    lines = [line.split(" ") for report in reports for line in report["told"]]
    return [tuple(words[1:]) for words in lines if words[0] == kind]


def check_flows(path: Path, reports: list[dict[str, Any]]) -> dict[int, History]:
    """Every flow is complete, and what was acknowledged is in its history, once."""
    histories = check_integrity(str(path))
    assert {history[-1][2] for history in histories.values()} == {"WorkflowExecutionCompleted"}
    runs = {row[0]: row[1] for row in rows(path, "SELECT run_id, id FROM execution")}
    for run, started, _ in acknowledged(reports, "completed"):
        completed = [
            event
            for event in histories[runs[run]]
            if event[2] == "ActivityTaskCompleted" and event[3]["startedEventId"] == int(started)
        ]
        assert len(completed) == 1
    names = [row[0] for row in rows(path, "SELECT workflow_id FROM execution")]
    for (name,) in acknowledged(reports, "started"):
        assert names.count(name) == 1 and names.count(f"child-{name}") == 1
    for number, history in histories.items():
        kinds = collections.Counter(event[2] for event in history)
        child = names[number - 1].startswith("child-")
        assert kinds["ActivityTaskCompleted"] == (1 if child else ACTIVITIES)
        assert kinds["WorkflowExecutionSignaled"] == (0 if child else 1), "a signal is delivered once"
        assert kinds["ChildWorkflowExecutionCompleted"] == (0 if child else 1)
    return histories


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    import apsw

    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    found = connection.execute(query + " ORDER BY id").fetchall()
    connection.close()
    return found


@pytest.mark.parametrize(("seed", "count"), [(1, 40), pytest.param(2, 800, marks=pytest.mark.soak)])
def test_killed_inside_transactions(tmp_path: Path, seed: int, count: int) -> None:
    path = tmp_path / "engine.db"
    prepared(path)
    reports, errors = runs("kill", path, seed, count)
    assert errors == ""
    killed = [report["status"] for report in reports].count(signal.SIGKILL)
    assert killed > 0.8 * count and reports[-1]["status"] == 0
    check_flows(path, reports)


@pytest.mark.parametrize("seconds", [2, pytest.param(60, marks=pytest.mark.soak)])
def test_twenty_processes_on_one_file(tmp_path: Path, seconds: int, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "engine.db"
    prepared(path)
    reports, errors = runs("crowd", path, 20, seconds)
    assert errors == "" and [report["status"] for report in reports] == [0] * 20, "no error reaches anyone"
    histories = check_flows(path, reports)
    done = acknowledged(reports, "completed")
    assert (
        len(set(done))
        == len(done)
        == sum(event[2] == "ActivityTaskCompleted" for history in histories.values() for event in history)
    ), "nothing is lost, and nothing done twice"
    waits = [json.loads(" ".join(words)) for words in acknowledged(reports, "waits")]
    calls, worst = sum(wait[0] for wait in waits), max(wait[3] for wait in waits)
    with capsys.disabled():
        p99 = max(wait[2] for wait in waits)
        print(f"\n20 processes, {calls:,} calls: p99 of the slowest {p99 * 1000:.0f} ms, worst {worst * 1000:.0f} ms")
    fewest = min(wait[0] for wait in waits)
    assert fewest > calls / len(waits) / 10 and worst < 10, "nobody starves"
