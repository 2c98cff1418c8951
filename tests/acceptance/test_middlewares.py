"""Functions around activities, and a task that somebody else has polled, as options of commands."""

from __future__ import annotations

import base64
import json
from typing import Any

from places import everywhere
from shell import Project
from simpleflow.runtime.start import ensure_domain

FLOW = """
from simpleflow import Workflow, activity

def said(*what):
    with open("said", "a") as file:
        print(*what, file=file)

def before(context):
    said("before", context["activity_id"])

def again(context):
    said("again", context["name"])

def after(context, result):
    said("after", context["activity_id"], result)

@activity.with_attributes(task_list="list", version="1")
def double(x):
    return 2 * x

class Doubling(Workflow):
    name, version, task_list = "doubling", "1", "decisions"

    def run(self, x):
        own = {"pre": ["doubling.again"], "post": []}
        return self.submit(double, self.submit(double, x), simpleflow_middlewares=own).result
"""
AROUND = [
    *("--middleware-pre-execution", "doubling.before", "--middleware-pre-execution", "doubling.again"),
    *("--middleware-post-execution", "doubling.after"),
]
FIRST = ["before activity-doubling.double-1", "again doubling.double", "after activity-doubling.double-1 6"]


def said(project: Project) -> list[str]:
    path = project.path / "said"
    lines = path.read_text().splitlines()
    path.unlink()
    return lines


@everywhere(soak=("moto",))
def test_middlewares_of_commands(project: Project) -> None:
    project.write("doubling.py", FLOW)
    for command in (["standalone", "--domain", "D", "-W", "1"], ["workflow.start", "--local"]):
        done = project.run(*command, "doubling.Doubling", "--input", "[3]", *AROUND)
        assert done.returncode == 0 and done.stderr.endswith("result: 12\n"), done.stderr
        assert said(project) == [*FIRST, "again doubling.double"], "a call that names its own has those alone"
    refused = project.run("workflow.start", "--domain", "D", "doubling.Doubling", "--input", "[3]", *AROUND)
    assert refused.returncode == 2 and "--middleware-... go with --local here: workers are told" in refused.stderr


@everywhere()
def test_poll_data(project: Project) -> None:
    """A task that was polled here is worked on there, by a child or by a thread, with what is called around it."""
    project.write("doubling.py", FLOW)
    engine = project.client()
    ensure_domain(engine, "D")
    kind = {"name": "w", "version": "1"}
    engine.register_workflow_type(domain="D", **kind)
    engine.register_activity_type(domain="D", name="doubling.double", version="1")
    times = {"executionStartToCloseTimeout": "600", "taskStartToCloseTimeout": "60", "childPolicy": "TERMINATE"}

    def polled(number: int) -> tuple[dict[str, str], dict[str, Any]]:
        """A run, and a task of it."""
        run, decisions = {"workflowId": f"w-{number}"}, {"name": f"decisions-{number}"}
        started = engine.start_workflow_execution(domain="D", **run, workflowType=kind, taskList=decisions, **times)
        run["runId"] = started["runId"]
        decision = engine.poll_for_decision_task(domain="D", taskList=decisions)
        asked = {
            "activityId": "activity-doubling.double-1",
            "activityType": {"name": "doubling.double", "version": "1"},
            "input": '{"args": [3], "kwargs": {}}',
            "taskList": {"name": "list"},
            **{f"{name}Timeout": "60" for name in ("scheduleToStart", "scheduleToClose", "startToClose", "heartbeat")},
        }
        decided = {"decisionType": "ScheduleActivityTask", "scheduleActivityTaskDecisionAttributes": asked}
        engine.respond_decision_task_completed(taskToken=decision["taskToken"], decisions=[decided])
        return run, engine.poll_for_activity_task(domain="D", taskList={"name": "list"})

    for number, how in enumerate(([], ["--isolation", "thread"])):
        run, task = polled(number)
        data = base64.b64encode(json.dumps(task).encode()).decode()
        done = project.run("worker.start", "--domain", "D", "--poll-data", data, *AROUND, *how)
        assert done.returncode == 0 and "working on the task given of the domain D" in done.stderr, done.stderr
        events = engine.get_workflow_execution_history(domain="D", execution=run)["events"]
        (completed,) = [event for event in events if event["eventType"] == "ActivityTaskCompleted"]
        assert completed["activityTaskCompletedEventAttributes"]["result"] == "6"
        assert said(project) == FIRST
    engine.close()

    wrong = {
        (): (2, "Please provide a --task-list or some data via --poll-data."),
        ("--poll-data", "%"): (1, "Error: --poll-data is no JSON in base64 ("),
        ("--poll-data", "e30="): (
            1,
            "Error: --poll-data is no answer of PollForActivityTask with a task: it has no taskToken",
        ),
        ("-t", "list", "--one-task", "--health-port", "0"): (2, "--health-port and --one-task exclude each other"),
    }
    for words, (code, what) in wrong.items():
        found = project.run("worker.start", "--domain", "D", *words)
        assert (found.returncode, what in found.stderr) == (code, True), found.stderr
