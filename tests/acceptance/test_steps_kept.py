"""Steps through real processes: left out by the next run, kept in a directory and on Amazon S3 (moto's)."""

from __future__ import annotations

import json
import os
import re
import signal

from places import everywhere
from s3_server import S3
from shell import Project

FLOWS = """
import os, time
from simpleflow import Workflow, activity
from simpleflow.canvas import Chain
from simpleflow.step.workflow import WorkflowStepMixin

@activity.with_attributes(heartbeat_timeout=1)
def work(what, hang):
    with open("ran", "a") as file:
        file.write(what + "\\n")
    if hang == what and not os.path.exists("hung"):
        open("hung", "w").close()
        print("hanging in", os.getpid(), flush=True)
        time.sleep(600)

class Kept(WorkflowStepMixin, Workflow):
    def run(self, *names, hang=None):
        done, _ = self.submit(Chain(*[self.step(name, (work, name, hang)) for name in names])).result[0]
        return done
"""


def standalone(project: Project, *names: str, **env: str) -> list[str]:
    """The steps that were done when a run of the one id began."""
    given = ("standalone", "-d", "D", "--workflow-id", "W", "kept.Kept", "--input", json.dumps(names))
    done = project.run(*given, **env)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stderr.rpartition("result: ")[2])
    return found


def ran(project: Project) -> list[str]:
    return (project.path / "ran").read_text().split()


@everywhere(soak=("moto",))
def test_what_was_done_is_left_out_by_the_next_run_and_the_example_says_so(project: Project) -> None:
    project.write("kept.py", FLOWS)
    assert standalone(project, "a", "b") == []
    assert standalone(project, "a", "b", "c") == ["a", "b"]
    assert ran(project) == ["a", "b", "c"]
    kept = project.data / "simpleflow" / "steps" / "W" / "steps"
    assert {path.name for path in kept.iterdir()} == {"a", "b", "c"}
    assert json.loads((kept / "c").read_text())["workflow_id"] == "W"
    command = ("workflow.start", "--local", "examples.steps.Closing", "--input")
    for force, expected in ((None, "cc"), (None, "ss"), ("add up", "sc"), ("fetch", "cc")):
        done = project.run(*command, json.dumps(["2026-11", *([force] if force else [])]))
        found = re.findall(r": (completed|skipped)", done.stderr.rpartition("result: ")[2])
        assert [word[0] for word in found] == list(expected), done.stderr
    kept = project.data / "simpleflow" / "steps" / "closing" / "2026-11"
    assert {path.name for path in kept.iterdir()} == {"fetch", "add up"}


@everywhere(soak=("http", "moto"))
def test_steps_survive_a_kill_and_lie_on_s3(project: Project) -> None:
    project.write("kept.py", FLOWS)
    with S3() as s3:
        project.env |= s3.env | {"STEP_BUCKET": "payloads"}
        input = json.dumps({"args": ["a", "b"], "kwargs": {"hang": "b"}})
        killed = project.start("standalone", "-d", "D", "--workflow-id", "W", "kept.Kept", "--input", input)
        killed.says("hanging in")
        assert s3.keys() == ["W/steps/a"]
        for process in project.processes():
            os.kill(process.pid, signal.SIGKILL)
        killed.ends()
        assert standalone(project) == []  # it goes on with the open run
        assert s3.keys() == ["W/steps/a", "W/steps/b"] and ran(project) == ["a", "b", "b"]
        assert standalone(project, "b", "c") == ["a", "b"]
        assert ran(project) == ["a", "b", "b", "c"]
