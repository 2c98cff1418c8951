"""The example for operators: what it says, and that it does nothing unasked."""

from __future__ import annotations

import time
from typing import Any

import pytest

from examples.ops_report import main
from objects_life import Life
from simpleflow.engine import VirtualClock
from simpleflow.swf.models.decision import ActivityTaskDecision, WorkflowExecutionDecision
from simpleflow.swf.querysets import WorkflowTypeQuerySet

DAY = 24 * 3600


@pytest.fixture
def clock() -> VirtualClock:
    """Forty days ago."""
    return VirtualClock(time.time() - 40 * DAY)


@pytest.fixture
def life(client: Any, clock: VirtualClock) -> Life:
    """Two days ago a run was begun and forgotten; since then one completed and one goes on."""
    found = Life(client)
    WorkflowTypeQuerySet(found.domain).create("old", "1")
    clock.advance(38 * DAY)
    found.type.start_execution("forgotten")
    found.decide()
    clock.advance(2 * DAY - 3600)
    for name in ("done", "busy"):
        found.type.start_execution(name)
        found.decide(ActivityTaskDecision("schedule", "work-1", found.activity))
        clock.advance(10)
        task = found.worker.poll()
        clock.advance(20)
        if name == "done":
            found.worker.complete(task.task_token, 1)
            found.decide(WorkflowExecutionDecision("complete"))
    return found


def test_it_only_says(life: Life, client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--domain", "Objects"], client) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[:6] == [
        "Types with runs closed in 7 days: 1",
        "  type   runs  completed  median s  longest s",
        "  job 1  1     1          30.0      30.0",
        "Where the time of done went: 1",
        "  activity  tasks  seconds  part",
        "  work      1      20.0     67 %",
    ]
    assert "Stuck runs: 1\n" in said and "\n  forgotten  " in said and "Unused types: 1\n" in said
    assert said.endswith("  old   1\n")
    assert life.runs.count() == 2 and WorkflowTypeQuerySet(life.domain).count() == 2, "and does nothing"


def test_it_does_as_it_is_told(life: Life, client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--domain", "Objects", "--yes"], client) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == ["terminated forgotten", "deprecated old 1"]
    assert [run.workflow_id for run in life.runs.all()] == ["busy"]
    assert life.runs.get("forgotten").close_status == "TERMINATED"
    assert [type_.name for type_ in WorkflowTypeQuerySet(life.domain)] == ["job"]
    assert main(["--domain", "Objects", "--yes"], client) == 0
    said = capsys.readouterr().out
    assert "Stuck runs: none\nUnused types: none\n" in said and "terminated" not in said


def test_a_domain_that_there_is_not(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--domain", "Nowhere"], client) == 1
    assert capsys.readouterr().err == "cannot list the runs of the domain Nowhere: Unknown domain: Nowhere\n"
