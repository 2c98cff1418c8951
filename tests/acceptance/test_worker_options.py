"""What `worker.start` is told, and activities that others complete, as a user types it."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import pytest

from shell import PATIENCE, Project
from simpleflow.cli.app import run

FLOW = '''
import json, os
from simpleflow import Workflow, activity

@activity.with_attributes(task_list="list", heartbeat_timeout="NONE")
def approved(number):
    print("token", number, activity.context().token)
    raise activity.CompleteLater

@activity.with_attributes(task_list="list")
def meets(mine, theirs):
    """Comes to its end only beside the other one."""
    end = os.open(mine, os.O_RDWR)
    other = os.open(theirs, os.O_RDWR)
    os.write(other, b"here")
    return [os.read(end, 10).decode(), os.getppid()]

@activity.with_attributes(task_list="list")
def pages(fifo):
    activity.progress(40, 100, "page 40")
    return os.read(os.open(fifo, os.O_RDWR), 10).decode()

class Approval(Workflow):
    name, version, task_list = "approval", "1", "decisions"

    def run(self, number):
        found = [self.submit(approved, n) for n in range(number)]
        meeting = [self.submit(meets, *pair) for pair in (["a", "b"], ["b", "a"])]
        results = [future.exception.reason if future.exception else future.result for future in found]
        self.submit(pages, "c").result
        print("result", json.dumps(results + [future.result for future in meeting]))
'''


def test_two_at_a_time_and_completed_by_hand(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.write("flow.py", FLOW)
    for name in ("a", "b", "c"):
        os.mkfifo(project.path / name)
    decider = project.start("decider.start", "--domain", "D", "flow.Approval")
    worker = project.start(
        *("worker.start", "--domain", "D", "-t", "list", "-N", "1", "--concurrency", "2"),
        *("--module", "flow", "--allow", "flow", "--max-tasks-per-child", "5", "--max-rss", "2000"),
    )
    started = project.run("workflow.start", "--domain", "D", "flow.Approval", "--input", "[2]")
    assert started.returncode == 0, started.stderr
    workflow_id = started.stdout.split()[0]
    tokens = [worker.says(rf"token {n} (\S+)")[1] for n in range(2)]
    engine = f"sqlite:{project.data / 'simpleflow' / 'engine.sqlite'}"

    def typed(*words: str) -> str:
        """Nothing, or the error."""
        code = run(["--engine", engine, *words])
        said = capsys.readouterr().err
        assert bool(said) == bool(code), said
        return said

    def task_info(id: str) -> Any:
        """What there is of a task, if it is there yet."""
        code = run(["--engine", engine, "--format", "json", "--header", "task.info", "D", workflow_id, id])
        said = capsys.readouterr().out
        return json.loads(said)[0] if code == 0 else None

    assert typed("activity.complete", tokens[0], "--result", '{"by": "Ann"}') == ""
    assert typed("activity.complete", tokens[0]).startswith("Error: nobody waits under this token: the activity is co")
    assert "--result is no JSON" in typed("activity.complete", tokens[1], "--result", "Ann")
    for wrong in ("nonsense", "", "x" * 2000):
        assert "Error: this is no task token of this engine: it is what" in typed("activity.fail", wrong)
    assert typed("activity.fail", tokens[1], "--reason", "refused by Bob") == ""
    until = time.monotonic() + PATIENCE
    while (shown := task_info("activity-flow.pages-1")) is None or not shown["progress"]:
        assert time.monotonic() < until, shown
    assert shown["progress"] == "40 of 100: page 40" and shown["state"] == "started"
    (project.path / "c").write_text("go on")
    shown = task_info("activity-flow.approved-1")
    assert shown["stdout"] == f"token 0 {tokens[0]}\n" and shown["stderr"] is None and shown["result"] == {"by": "Ann"}
    assert shown["input"] == {"args": [0], "kwargs": {}} and shown["attempts"] == 1 and shown["state"] == "completed"
    result = json.loads(decider.says(r"result (.*)")[1])
    assert result[:2] == [{"by": "Ann"}, "refused by Bob"]
    assert result[2][0] == result[3][0] == "here" and result[2][1] == result[3][1], "one process had both"
    for command in (worker, decider):
        command.interrupt()
        assert command.ends() == 0


STANDALONE = """
import os
from simpleflow import Workflow, activity
from approval import meets

@activity.with_attributes(name="os.getcwd")
def forbidden(): ...

class Meeting(Workflow):
    def run(self):
        refused = self.submit(forbidden)
        meeting = [self.submit(meets, *pair) for pair in (["a", "b"], ["b", "a"])]
        refused.exception
        return [refused.exception.reason, *(future.result[0] for future in meeting)]
"""


def test_standalone_tells_its_workers_the_same(project: Project) -> None:
    project.write("approval.py", FLOW)
    project.write("flow.py", STANDALONE)
    for name in ("a", "b"):
        os.mkfifo(project.path / name)
    how = ("--concurrency", "2", "--isolation", "fresh", "--allow", "approval", "--module", "gone")
    done = project.run("standalone", "--domain", "D", "-W", "1", *how, "flow.Meeting")
    refused = "cannot import os.getcwd: it is outside of what this worker may import: approval"
    assert f'result: ["{refused}", "here", "here"]\n' in done.stderr
    assert "cannot import the module gone: ModuleNotFoundError" in done.stderr
