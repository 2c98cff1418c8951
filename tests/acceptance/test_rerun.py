"""activity.rerun, as a user types it, with a debugger too."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess

import pytest

from places import everywhere
from shell import PATIENCE, Project
from simpleflow.cli.app import run

FLOW = '''
import datetime, os
from simpleflow import Workflow, activity
from pathlib import Path

@activity.with_attributes(task_list="list", version="1", retry=1)
def divide(by: int, when: datetime.date) -> str:
    me = activity.context()
    activity.heartbeat("nobody hears")
    print("in", os.getpid(), me.workflow_id, me.activity_id, me.domain, me.task_list, me.attempt)
    secret = "of a frame"
    return f"{12 // by} {when.isoformat()}"

@activity.with_attributes(task_list="list", version="1")
def long(text: str) -> str:
    return text * 2

@activity.with_attributes(task_list="list", version="1")
def later() -> None:
    raise activity.CompleteLater

@activity.with_attributes(task_list="list", version="1")
def reads(path: str) -> None:
    Path(path).read_text()

class Division(Workflow):
    name, version, task_list = "division", "1", "decisions"

    def run(self):
        good = self.submit(divide, 3, datetime.date(2026, 1, 2))
        bad = self.submit(divide, by=0, when=datetime.date(2026, 1, 3))
        text = self.submit(long, "a" * 40_000)
        return [good.result, len(text.result), bad.exception.reason]
'''


@everywhere(soak=("moto",))
def test_rerun(project: Project, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("divisions.py", FLOW)
    done = project.run("standalone", "--domain", "D", "--workflow-id", "w", "-W", "1", "divisions.Division")
    assert done.returncode == 0, done.stderr
    run_id = done.stdout.split()[1]
    engine = project.engine
    monkeypatch.syspath_prepend(str(project.path))
    monkeypatch.setattr("simpleflow.cli.activity.configure_logging", lambda *told: None)

    def again(*words: str, domain: str = "D", workflow_id: str = "w") -> tuple[int, str, str]:
        """In this very process, which the activity says it was in."""
        where = ["--domain", domain, "--workflow-id", workflow_id]
        code = run(["--engine", engine, "activity.rerun", *where, *words])
        return code, *capfd.readouterr()

    def history() -> str:
        assert run(["--engine", engine, "--format", "json", "workflow.history", "--domain", "D", "w"]) == 0
        return capfd.readouterr().out

    before, kept = history(), set((project.data / "simpleflow").rglob("*"))
    events = json.loads(before)
    scheduled = [event["id"] for event in events if event["type"] == "ActivityTask" and event["state"] == "scheduled"]
    code, out, err = again("--activity-id", "activity-divisions.divide-1")
    found = re.fullmatch(rf"in {os.getpid()} w activity-divisions.divide-1 D (w-\w+) 1\n", out)
    assert code == 0 and found, (out, err)
    lines = err.splitlines()
    assert lines[0] == f"Found execution: workflowId=w runId={run_id}"
    call = f"Activity(name=divisions.divide, version=1, task_list={found[1]})(*[3, '2026-01-02'], **{{}})"
    assert lines[1:] == [f"Will re-run: {call}", 'Result (JSON): "4 2026-01-02"']
    code, out, err = again("--scheduled-id", str(scheduled[1]), "--run-id", run_id)
    assert code == 1 and out.startswith("in ") and "(*[], **{'by': 0, 'when': '2026-01-03'})" in err
    assert "divisions.py" in err and "simpleflow/runtime" not in err and "12 // by" in err
    assert err.splitlines()[-1].startswith("Error: ZeroDivisionError: ")
    _, out, _ = again("--activity-id", "activity-divisions.divide-2")
    assert out.endswith(" 2\n"), "it is the last attempt"
    code, _, err = again("--scheduled-id", str(scheduled[1]), "-i", '[4, "2026-02-03"]')
    assert code == 0 and err.endswith('Result (JSON): "3 2026-02-03"\n')
    code, _, err = again("--activity-id", "activity-divisions.long-1")
    _, called, result = err.splitlines()
    assert code == 0 and len(result) > 80_000, "a large value is read"
    assert called.startswith("Will re-run: ") and " ... " in called and len(called) < 4_100, "and told in short"
    code, _, err = again("--activity-id", "activity-divisions.long-1", "-i", '["b"]')
    assert code == 0 and err.endswith('Result (JSON): "bb"\n')
    assert (history(), set((project.data / "simpleflow").rglob("*"))) == (before, kept), "nothing was told or kept"

    refused = {
        (): (2, "Please supply --scheduled-id or --activity-id."),
        ("--scheduled-id", "5", "--activity-id", "x"): (2, "--scheduled-id and --activity-id exclude each other."),
        ("--activity-id", "x"): (1, "Error: the run has no activity x; its activities: activity-divisions.divide-1, "),
        ("--scheduled-id", "999"): (1, "Error: the run has no event 999; its activities: activity-divisions.divide-1"),
        ("--scheduled-id", "1"): (1, "the event 1 is of type WorkflowExecutionStarted, not ActivityTaskScheduled"),
        ("--activity-id", "x", "--run-id", "no"): (1, "Error: the domain D has no run no of w"),
        ("--scheduled-id", str(scheduled[0]), "-i", "{"): (1, "--input is no JSON"),
        ("--scheduled-id", str(scheduled[0]), "-i", '[3, "never"]'): (1, "when"),
    }
    for words, (code, said) in refused.items():
        found, _, err = again(*words)
        assert (found, said in err) == (code, True), (words, err)
    said = again("--activity-id", "x", workflow_id="v")[2]
    assert said.startswith("Error: the domain D has no run of v: see `simpleflow workflow.list D`")


@everywhere(soak=("http", "moto"))
def test_as_a_command(project: Project) -> None:
    """With a debugger; code that is of another version now, or gone; Ctrl-C; others complete it."""
    os.mkfifo(project.path / "fifo")
    more = "self.submit(later); self.submit(reads, '/dev/null'); bad.exception; self.fail('enough'); return ["
    flow = FLOW.replace("return [", more)
    project.write("divisions.py", flow)
    done = project.run("standalone", "--domain", "D", "--workflow-id", "w", "-W", "1", "divisions.Division")
    assert done.returncode == 3, done.stderr
    words = ["activity.rerun", "--workflow-id", "w", "--activity-id"]
    env = {"SWF_DOMAIN": "D"}
    debugged = subprocess.run(
        [str(project.executable), *words, "activity-divisions.divide-2", "--pdb"],
        cwd=project.path,
        env={**project.env, **env},
        input="p secret\np by + 41\nq\n",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert debugged.returncode == 1, debugged.stderr
    assert "ZeroDivisionError" in debugged.stdout and "(Pdb) 'of a frame'\n(Pdb) 41\n(Pdb)" in debugged.stdout
    assert debugged.stderr.splitlines()[-1].startswith("Error: ZeroDivisionError: ")

    hanging = project.start(*words, "activity-divisions.reads-1", "-i", '["fifo"]', **env)
    hanging.says("Will re-run")
    with open(project.path / "fifo", "w"):  # which waits until it reads
        hanging.process.send_signal(signal.SIGINT)
        assert hanging.ends() == 130

    project.write("divisions.py", flow.replace('version="1"', 'version="2"'))
    other = project.run(*words, "activity-divisions.later-1", "--pdb", **env)
    assert other.returncode == 0 and "(Pdb)" not in other.stdout
    assert "It was of version 1; the code here is of version 2\n" in other.stderr
    assert other.stderr.endswith("It has left its completion to others (CompleteLater)\n")
    project.write("divisions.py", "import no_such_module")
    gone = project.run(*words, "activity-divisions.later-1", **env)
    assert gone.returncode == 1
    assert re.search("^Error: cannot import divisions.later: No module named 'no_such_module'$", gone.stderr, re.M)
