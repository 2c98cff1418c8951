"""`workflow.explain`, as it is typed: a run that has failed in processes, and one that waits for them."""

from __future__ import annotations

import json

from shell import Project

FLOW = """
from simpleflow import Workflow, activity

@activity.with_attributes(version="1", task_list="pages")
def fetch(number):
    print("fetching", number)
    if number:
        raise ValueError("the page is broken")

class Flow(Workflow):
    name, version, task_list = "flow", "1", "flows"

    def run(self):
        self.submit(fetch, 0).result
        self.submit(fetch, 1).result
"""


def test_it_says_what_to_type(project: Project) -> None:
    project.write("flow.py", FLOW)
    assert project.run("standalone", "--domain", "D", "--workflow-id", "w", "flow.Flow").returncode == 3
    explained = project.run("workflow.explain", "D", "w")
    assert (explained.returncode, explained.stderr) == (0, "")
    head, task, again, printed, _, failed, repair = explained.stdout.splitlines()
    assert head == "w (flow): FAILED"
    at = f"{project.path}/flow.py:8 in fetch"
    assert task == f"  activity-flow.fetch-2 failed: ValueError: the page is broken, at {at}"
    assert again.startswith("    $ simpleflow activity.rerun --domain D --workflow-id w --run-id ")
    assert printed == "  it has printed last: fetching 1"
    assert failed == f"  it failed for that; run was at {project.path}/flow.py:15: mend it, and repair the run"
    assert project.run(*repair.split()[2:]).returncode == 0

    (waiting,) = json.loads(project.run("--format", "json", "workflow.explain", "D", "w").stdout)
    assert (waiting["workflow_id"], waiting["type"], waiting["status"]) == ("w", "flow", "OPEN")
    (reason,) = waiting["reasons"]
    assert reason["what"] in ("decision-waits", "no-decider") and reason["task_list"] == "flows"
    project.run("workflow.terminate", "D", "w", "--reason", "enough")
    (row,) = project.run("--format", "tsv", "workflow.explain", "D", "w").stdout.splitlines()
    assert row.split("\t")[:2] == ["0", "terminated"] and ": enough" in row

    engine = ("--engine", f"sqlite:{project.path}/other.sqlite")
    project.run(*engine, "workflow.start", "--domain", "D", "--workflow-id", "-w", "flow.Flow")
    project.run(*engine, "workflow.terminate", "D", "--", "-w")
    told = project.run(*engine, "--format", "json", "workflow.explain", "D", "--", "-w")
    typed = json.loads(told.stdout)[0]["reasons"][-1]["next"].split()
    assert typed[1:4] == [*engine, "workflow.repair"] and project.run(*typed[1:]).returncode == 0

    every = project.run("workflow.explain", "D", "--where", "type=flow")
    assert [line for line in every.stdout.splitlines() if not line.startswith(" ")] == [
        "w (flow): TERMINATED",
        "w (flow): FAILED",
    ]
