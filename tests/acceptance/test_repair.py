"""Repair, as it is typed: what was done is not done again, whoever dies meanwhile, and the new run stands alone."""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from typing import Any

import psutil
import pytest

from places import everywhere
from shell import Project
from simpleflow.config import Config
from simpleflow.decider import Decider
from simpleflow.runtime import runs
from simpleflow.runtime.start import Handle

FLOWS = """
import os
from simpleflow import Workflow, activity, futures

@activity.with_attributes(retry=0)
def note(index):
    with open("done", "a") as file:
        file.write(f"{index}\\n")
    if index == 180 and not os.path.exists("mended"):
        raise ValueError("out of paper")
    return index

class Chain(Workflow):
    name = "chain"
    decision_tasks_timeout = 2

    def run(self, count):
        total = 0
        for index in range(count):
            total += self.submit(note, index).result
        return total

class Half(Workflow):
    def run(self, first, count):
        return sum(futures.wait(*self.map(note, range(first, first + count))))

class Halves(Workflow):
    name = "halves"

    def run(self):
        return [self.submit(Half, 0, 10).result, self.submit(Half, 175, 10).result]
"""
TOTAL = sum(range(200))
STANDALONE = ("standalone", "--domain", "D", "-W", "2")


def done(project: Project) -> Counter[int]:
    """How often each activity ran."""
    path = project.path / "done"
    return Counter(map(int, path.read_text().split())) if path.exists() else Counter()


@pytest.fixture
def broken(project: Project) -> Project:
    """A project whose run of 200 tasks has failed at the one of number 180, and that is mended now."""
    project.write("flows.py", FLOWS)
    failed = project.run(*STANDALONE, "--workflow-id", "w", "--tags", "a,b", "flows.Chain", "--input", "[200]")
    assert failed.returncode == 3, failed.stderr
    assert "out of paper" in failed.stderr
    assert done(project) == Counter(range(181))
    (project.path / "done").unlink()
    project.write("mended", "")
    return project


def info(project: Project, *words: str) -> dict[str, Any]:
    shown = project.run("--format", "json", "--header", "workflow.info", "D", "w", *words)
    assert shown.returncode == 0, shown.stderr
    found: dict[str, Any] = json.loads(shown.stdout)[0]
    return found


@everywhere(soak=("moto",))
def test_a_run_that_failed_at_180_of_200_completes_with_20(broken: Project) -> None:
    former = info(broken)["run_id"]
    again = broken.run(*STANDALONE, "--repair", "w", "flows.Chain")
    assert again.returncode == 0, again.stderr
    assert f"result: {TOTAL}" in again.stderr
    assert done(broken) == Counter(range(180, 200))
    found = info(broken)
    assert found["run_id"] != former and found["workflow_id"] == "w"
    assert (found["tag_list"], found["input"]) == ("a,b", {"args": [200], "kwargs": {}})

    forced = broken.run(*STANDALONE, "--repair", f"w {former}", "--force-activities", "note-(7|9)$", "flows.Chain")
    assert forced.returncode == 0, forced.stderr
    assert done(broken) - Counter(range(180, 200)) == Counter([6, 8, *range(180, 200)])
    alone(broken, former)


def alone(project: Project, former: str) -> None:
    """The newest run can be decided anew by someone to whom the former one is gone."""
    opened = project.client()
    run = runs.find(opened, "D", "w")
    events = list(runs.history(opened, run))
    assert run.run_id != former

    class Without:
        def __getattr__(self, name: str) -> Any:
            return getattr(opened, name)

        def get_workflow_execution_history(self, *, execution: dict[str, str], **given: Any) -> Any:
            assert execution["runId"] == run.run_id
            return opened.get_workflow_execution_history(execution=execution, **given)

    started = [event for event in events if event["eventType"] == "DecisionTaskStarted"][-1]
    seen = [event for event in events if event["eventId"] <= started["eventId"]]
    task = {
        "taskToken": "t",
        "startedEventId": started["eventId"],
        "workflowExecution": run.execution,
        "workflowType": {"name": "chain", "version": "default"},
        "events": seen,
    }
    sys.path.insert(0, str(project.path))
    try:
        decider = Decider(Without(), "D", config=Config())  # type: ignore[arg-type]
        answer = decider.decide(task, {})
        decider.close()
    finally:
        sys.path.remove(str(project.path))
        sys.modules.pop("flows", None)
        opened.close()
    (decision,) = answer["decisions"]
    assert decision["completeWorkflowExecutionDecisionAttributes"]["result"] == str(TOTAL)


@everywhere(soak=("http", "moto"))
def test_children_are_repaired(project: Project) -> None:
    project.write("flows.py", FLOWS)
    assert project.run(*STANDALONE, "--workflow-id", "h", "flows.Halves").returncode == 3
    ran = done(project)
    assert set(ran) == {*range(10), *range(175, 185)} and max(ran.values()) == 1
    project.write("mended", "")
    again = project.run(*STANDALONE, "--repair", "h", "flows.Halves")
    assert again.returncode == 0, again.stderr
    assert done(project) - ran == Counter([180])


@everywhere(soak=("http", "moto"))
def test_workflow_repair_and_its_dry_run(broken: Project) -> None:
    dry = broken.run("workflow.repair", "w", "--domain", "D", "--dry-run", "--force-activities", "note-3$")
    assert dry.returncode == 0, dry.stderr
    rows = [line.split("\t") for line in dry.stdout.splitlines()]
    assert rows[0] == ["activity-flows.note-1", "completed", "reused"]
    assert rows[2] == ["activity-flows.note-3", "completed", "run"]
    assert rows[180] == ["activity-flows.note-181", "failed", "run"]
    assert len(rows) == 181
    assert "179 of 181 tasks would be reused" in dry.stderr
    assert info(broken)["status"] == "FAILED", "nothing was started"

    started = broken.run("workflow.repair", "w", "--domain", "D", "--workflow-id", "w2", "--task-list", "mine")
    assert started.returncode == 0, started.stderr
    workflow_id, run_id = started.stdout.split()
    assert workflow_id == "w2"
    crew = [
        broken.start("decider.start", "--domain", "D", "--task-list", "mine", "-N", "1"),
        broken.start("worker.start", "--domain", "D", "--task-list", "default", "-N", "1"),
    ]
    opened = broken.client()
    assert Handle(opened, "D", "w2", run_id).result(timeout=60) == TOTAL
    opened.close()
    for each in crew:
        each.interrupt()
        each.ends()
    assert done(broken) == Counter(range(180, 200))


@everywhere(soak=("http", "moto"))
def test_a_decider_that_is_killed_in_mid_repair(broken: Project) -> None:
    again = broken.start(*STANDALONE, "--repair", "w", "flows.Chain")
    again.says("^w ")
    killed = 0
    while again.process.poll() is None and killed < 6:
        for process in psutil.Process(again.process.pid).children(recursive=True):
            if is_decider(process):
                process.send_signal(signal.SIGKILL)
                process.wait(10)
                killed += 1
    assert again.ends() == 0, again.err
    assert killed >= 2
    ran = done(broken)
    assert set(ran) == set(range(180, 200)) and sum(ran.values()) == 20
    assert any(f"result: {TOTAL}" in line for line in again.err)


def is_decider(process: psutil.Process) -> bool:
    try:
        return any('"decider"' in word for word in process.cmdline())
    except psutil.Error:
        return False


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("workflow.repair", "nobody", "-d", "D"), "the domain D has no run of nobody", 1),
        (("workflow.repair", "w", "nothing", "-d", "D"), "the domain D has no run nothing of w", 1),
        (("workflow.repair", "w", "-d", "E"), "the engine knows no domain E", 1),
        (("workflow.repair", "w", "-d", "D"), "of w is open: only a closed run can be repaired", 1),
        ((*STANDALONE, "--repair", "w", "flows.Chain"), "of w is open: only a closed run can be repaired", 1),
        ((*STANDALONE, "--repair", "nobody", "flows.Chain"), "the domain D has no run of nobody", 1),
        ((*STANDALONE, "--repair", "a b c", "flows.Chain"), "--repair takes one text", 2),
        ((*STANDALONE, "--repair", "w", "--force-activities", "(", "flows.Chain"), "is no regular expression", 2),
        ((*STANDALONE, "--force-activities", "a", "flows.Chain"), "--force-activities goes with --repair", 2),
    ],
)
@everywhere(soak=("http", "moto"))
def test_what_is_wrong_is_said_in_one_line(project: Project, words: tuple[str, ...], said: str, code: int) -> None:
    project.write("flows.py", FLOWS)
    begun = project.run("workflow.start", "--domain", "D", "--workflow-id", "w", "flows.Chain", "--input", "[2]")
    assert begun.returncode == 0, begun.stderr
    answer = project.run(*words)
    assert answer.returncode == code, answer.stderr
    assert said in answer.stderr.splitlines()[-1]
    assert "Traceback" not in answer.stderr
