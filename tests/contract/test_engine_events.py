"""Walks the events of botocore's model: every attribute of each of them is seen, and every value of an enumeration.

The causes of failed decisions are walked in `test_engine_model`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from simpleflow.engine import Configuration, Engine, VirtualClock
from simpleflow.protocol.decisions import DECISIONS
from simpleflow.protocol.history import attributes
from simpleflow.protocol.limits import Limits
from simpleflow.testing.contract.checked import DOMAIN, Checked
from simpleflow.testing.contract.swf import TYPE, Swf, decision

NONE = dict.fromkeys(("scheduleToStartTimeout", "scheduleToCloseTimeout", "heartbeatTimeout"), "NONE")
#: What a start, a child and a run that goes on can be given, beside what identifies them.
GIVEN = {
    "taskList": {"name": "own"},
    "input": "i",
    "executionStartToCloseTimeout": "100",
    "taskStartToCloseTimeout": "20",
    "taskPriority": "3",
    "tagList": ["t"],
    "lambdaRole": "arn:aws:iam::1:role/r",
}


class Story:
    """A file in which things happen."""

    def __init__(self, path: Path, model: Any) -> None:
        self.path = path
        self.model = model
        self.clock = VirtualClock()
        self.engine: Any = self.opened(lambdas={"f": "module:f"})
        self.swf = Swf(Checked(self.engine))

    def opened(self, **settings: Any) -> Any:
        return Engine(self.path, clock=self.clock, long_poll_seconds=0, configuration=Configuration(**settings))

    @contextmanager
    def told(self, **settings: Any) -> Iterator[None]:
        """Go on with an engine of other settings."""
        before = self.swf.client
        with self.opened(**settings) as engine:
            self.swf.client = Checked(engine)
            yield
        self.swf.client = before

    def answer(self, *decisions: dict[str, Any], task_list: str = "own", **given: Any) -> None:
        """Answer the next decision task of a list."""
        self.swf.respond(self.swf.poll_decision(taskList={"name": task_list}, identity="me"), *decisions, **given)

    def seen(self) -> set[str]:
        """Event.attribute, and Event.attribute=value of what is enumerated."""
        found = set()
        for query in (self.engine.list_open_workflow_executions, self.engine.list_closed_workflow_executions):
            for info in query(domain=DOMAIN, startTimeFilter={"oldestDate": 0})["executionInfos"]:
                for event in self.swf.history(info["execution"]):
                    kind = event["eventType"]
                    for name, value in attributes(event).items():
                        found.add(f"{kind}.{name}")
                        if getattr(members(self.model, kind)[name], "enum", None):
                            found.add(f"{kind}.{name}={value}")
        return found


def members(model: Any, kind: str) -> dict[str, Any]:
    """The shapes of an event's attributes."""
    found: dict[str, Any] = model.shape_for(f"{kind}EventAttributes").members
    return found


def wanted(model: Any) -> set[str]:
    """All that the model has."""
    found = set()
    for kind in model.shape_for("EventType").enum:
        for name, shape in members(model, kind).items():
            found.add(f"{kind}.{name}")
            if name != "cause" or "decisionTaskCompletedEventId" not in members(model, kind):
                found |= {f"{kind}.{name}={value}" for value in getattr(shape, "enum", None) or ()}
    return found


# What happens


def policies(story: Story) -> None:
    """Runs that are terminated, that go on and that time out, with a child each, under each policy."""
    for policy in ("TERMINATE", "REQUEST_CANCEL", "ABANDON"):
        given = {**GIVEN, "childPolicy": policy}
        story.swf.start(f"{policy} ended", **given)
        child = decision("StartChildWorkflowExecution", workflowId=policy, workflowType=TYPE, control="c", **given)
        story.answer(child)
        ended = {"workflowId": f"{policy} ended", "reason": "r", "details": "d"}
        story.swf.client.terminate_workflow_execution(domain=DOMAIN, **ended)
        story.clock.advance(101)
        story.swf.start(f"{policy} goes on", **given)
        story.answer(decision("ContinueAsNewWorkflowExecution", **given))
        story.clock.advance(101)


def children(story: Story) -> None:
    """Children that end in every way, one as another run; and one that cannot be started."""
    ends: dict[str, dict[str, str]] = {
        "Complete": {"result": "r"},
        "Fail": {"reason": "r", "details": "d"},
        "Cancel": {"details": "d"},
        "ContinueAsNew": {"executionStartToCloseTimeout": "50"},
    }
    story.swf.start("parent", executionStartToCloseTimeout="9999")
    kind = {"workflowType": TYPE, "control": "c", **GIVEN}
    names = [*ends, "terminate", "time out", "parent"]
    story.swf.decide(*(decision("StartChildWorkflowExecution", workflowId=name, **kind) for name in names))
    for name, given in ends.items():
        story.answer(decision(f"{name}WorkflowExecution", **given))
    story.swf.client.terminate_workflow_execution(domain=DOMAIN, workflowId="terminate")
    story.clock.advance(101)


def activities(story: Story) -> None:
    """Activities that end in every way, time out in every way, and are cancelled."""
    swf = story.swf
    swf.start("activities", taskList={"name": "a"})
    everything = {**NONE, "startToCloseTimeout": "10", "input": "i", "control": "c", "taskPriority": "1"}
    late = {**everything, "scheduleToStartTimeout": "5", "taskList": {"name": "nobody's"}}
    wanted = {"completed": {}, "failed": {}, "canceled": {}, "START_TO_CLOSE": {}}
    wanted |= {"SCHEDULE_TO_CLOSE": {"scheduleToCloseTimeout": "5"}, "HEARTBEAT": {"heartbeatTimeout": "5"}}
    scheduled = [swf.schedule(name, **{**everything, **given}) for name, given in wanted.items()]
    story.answer(*scheduled, swf.schedule("late", **late), swf.timer("now", 0), task_list="a")
    tokens = {name: swf.poll_activity(identity="me")["taskToken"] for name in wanted}
    story.answer(decision("RequestCancelActivityTask", activityId="canceled"), task_list="a")
    swf.client.respond_activity_task_completed(taskToken=tokens["completed"], result="r")
    swf.client.respond_activity_task_failed(taskToken=tokens["failed"], reason="r", details="d")
    swf.client.respond_activity_task_canceled(taskToken=tokens["canceled"], details="d")
    for name in ("START_TO_CLOSE", "SCHEDULE_TO_CLOSE", "HEARTBEAT"):
        swf.client.record_activity_task_heartbeat(taskToken=tokens[name], details="d")
    story.clock.advance(11)


def timers_and_markers(story: Story) -> None:
    story.swf.start("timers", taskList={"name": "t"})
    cancel = decision("CancelTimer", timerId="t-1")
    marker = decision("RecordMarker", markerName="m", details="d")
    story.answer(story.swf.timer(control="c"), cancel, marker, story.swf.timer(seconds=0), task_list="t")
    story.answer(decision("CompleteWorkflowExecution", result="r"), task_list="t", executionContext="c")


def decision_tasks(story: Story) -> None:
    """A decider that asks for a list of its own and dies, before and after it has taken a task."""
    story.swf.start("sticky", taskList={"name": "s"}, taskPriority="1")
    own = {"taskList": {"name": "mine"}, "taskListScheduleToStartTimeout": "5"}
    for polls in (False, True):
        story.answer(story.swf.timer("now", 0), task_list="s", **own)
        if polls:
            story.swf.poll_decision(taskList={"name": "mine"})
        story.clock.advance(31)


def others(story: Story) -> None:
    """Signals and cancels from one to another, and to what is not there."""
    target = story.swf.start("target", taskList={"name": "o"})
    story.swf.start("sender", taskList={"name": "e"})
    for execution in (target, {"workflowId": "no", "runId": "no"}):
        given = {**execution, "control": "c"}
        signal = decision("SignalExternalWorkflowExecution", signalName="s", input="i", **given)
        story.answer(signal, decision("RequestCancelExternalWorkflowExecution", **given), task_list="e")


def functions(story: Story) -> None:
    """Lambda functions that end in every way, and one without a role."""
    swf = story.swf
    swf.start("functions", taskList={"name": "f"})
    given = {"name": "f", "control": "c", "input": "1", "startToCloseTimeout": "5"}
    names = ("complete", "fail", "time out")
    again = swf.timer("now", 0)
    story.answer(*(decision("ScheduleLambdaFunction", id=name, **given) for name in names), again, task_list="f")
    tokens = [story.engine.poll_for_lambda_task(domain=DOMAIN)["taskToken"] for _ in names]
    story.engine.respond_lambda_task_completed(taskToken=tokens[0], result="1")
    story.engine.respond_lambda_task_failed(taskToken=tokens[1], reason="r", details="d")
    with story.told(lambda_role_required=True):
        story.answer(decision("ScheduleLambdaFunction", id="no role", **given), task_list="f")
    story.clock.advance(6)


def refusals(story: Story) -> None:
    """Every decision is refused."""
    members: dict[str, dict[str, Any]] = {
        "ScheduleActivityTask": {"activityType": TYPE, "activityId": "a"},
        "RequestCancelActivityTask": {"activityId": "a"},
        "RecordMarker": {"markerName": "m"},
        "StartTimer": {"timerId": "t", "startToFireTimeout": "1"},
        "CancelTimer": {"timerId": "t"},
        "SignalExternalWorkflowExecution": {"workflowId": "w", "signalName": "s"},
        "RequestCancelExternalWorkflowExecution": {"workflowId": "w"},
        "StartChildWorkflowExecution": {"workflowId": "w", "workflowType": TYPE, "control": "c"},
        "ScheduleLambdaFunction": {"id": "l", "name": "f"},
    }
    story.swf.start("refused", taskList={"name": "r"})
    with story.told(deny=list(DECISIONS)):
        for name in DECISIONS:
            story.answer(decision(name, **members.get(name, {})), task_list="r")


def limits(story: Story) -> None:
    """A history that is full; a run that is asked to cancel itself."""
    story.swf.start("full", taskList={"name": "l"})
    with story.told(limits=Limits(events=5)):
        for _ in range(3):
            story.swf.client.signal_workflow_execution(domain=DOMAIN, workflowId="full", signalName="s", input="i")
    story.swf.start("asked", taskList={"name": "l"})
    story.swf.client.request_cancel_workflow_execution(domain=DOMAIN, workflowId="asked")
    story.answer(decision("CancelWorkflowExecution", details="d"), task_list="l")


PARTS = (policies, children, activities, timers_and_markers, decision_tasks, others, functions, refusals, limits)


@pytest.fixture
def story(tmp_path: Path, model: Any) -> Iterator[Story]:
    made = Story(tmp_path / "engine.db", model)
    yield made
    made.engine.close()


def test_every_attribute_of_every_event(story: Story, model: Any) -> None:
    for part in PARTS:
        part(story)
    missing = sorted(wanted(model) - story.seen())
    assert not missing, f"missing: {missing}"
