"""Random calls: whatever is done, the rows say what the events say, and a history obeys its rules."""

from __future__ import annotations

from typing import Any

from engine_integrity import check_connection
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import Checked, Swf, decision
from simpleflow.clients import client as open_client
from simpleflow.engine import VirtualClock

names = st.sampled_from(["x", "y", "z"])
seconds = st.sampled_from(["0", "1", "40", "NONE"])
DECISIONS = st.one_of(
    st.builds(
        lambda name, start, close, beat, priority: Swf.schedule(
            name,
            scheduleToStartTimeout=start,
            scheduleToCloseTimeout=close,
            heartbeatTimeout=beat,
            taskPriority=priority,
        ),
        names,
        seconds,
        seconds,
        seconds,
        st.sampled_from([None, "-1", "2"]),
    ),
    st.builds(lambda name, after: Swf.timer(name, after), names, st.sampled_from([0, 1, 40])),
    st.builds(lambda name: decision("CancelTimer", timerId=name), names),
    st.builds(lambda name: decision("RequestCancelActivityTask", activityId=name), names),
    st.just(decision("RecordMarker", markerName="m")),
)
STICKY = st.sampled_from(
    [
        {},
        {"taskList": {"name": "own"}, "taskListScheduleToStartTimeout": "5"},
        {"taskList": {"name": "own"}},
        {"taskList": {"name": "deciders"}},
    ]
)
CLOSE = st.sampled_from([None, None, None, decision("CompleteWorkflowExecution"), decision("FailWorkflowExecution")])
ACTIONS = st.one_of(
    st.tuples(st.just("start"), names),
    st.tuples(st.just("poll_decision"), st.sampled_from(["deciders", "own"])),
    st.tuples(st.just("decide"), st.lists(DECISIONS, max_size=5), CLOSE, STICKY),
    st.tuples(st.just("poll_activity")),
    st.tuples(st.just("respond"), st.sampled_from(["completed", "failed", "canceled"])),
    st.tuples(st.just("heartbeat")),
    st.tuples(st.just("advance"), st.sampled_from([0.5, 1, 7, 35])),
    st.tuples(st.just("terminate"), names),
)


class Random:
    """The actions, on an engine in memory; a fault is an answer as good as any."""

    def __init__(self, model: Any) -> None:
        self.clock = VirtualClock()
        engine: Any = open_client("memory", clock=self.clock, long_poll_seconds=0)
        self.engine = engine
        self.swf = Swf(Checked(engine, model))
        self.decisions: list[str] = []
        self.activities: list[str] = []

    def do(self, action: tuple[Any, ...]) -> None:
        try:
            getattr(self, action[0])(*action[1:])
        except self.engine.exceptions.UnknownResourceFault:
            pass
        except self.engine.exceptions.WorkflowExecutionAlreadyStartedFault:
            pass

    def start(self, name: str) -> None:
        self.swf.start(name, executionStartToCloseTimeout="120")

    def poll_decision(self, task_list: str) -> None:
        task = self.swf.poll_decision(taskList={"name": task_list}, startAtPreviousStartedEvent=True)
        if token := task.get("taskToken"):
            self.decisions.append(token)
            assert task["events"][-1]["eventId"] == task["startedEventId"]
            assert task["events"][0]["eventId"] == (task["previousStartedEventId"] or 1)

    def decide(self, decisions: list[Any], close: Any, sticky: dict[str, Any]) -> None:
        if self.decisions:
            decisions = [*decisions, close] if close else decisions
            self.swf.respond({"taskToken": self.decisions.pop(0)}, *decisions, **sticky)

    def poll_activity(self) -> None:
        if token := self.swf.poll_activity().get("taskToken"):
            self.activities.append(token)

    def respond(self, how: str) -> None:
        if self.activities:
            getattr(self.engine, f"respond_activity_task_{how}")(taskToken=self.activities.pop(0))

    def heartbeat(self) -> None:
        if self.activities:
            self.engine.record_activity_task_heartbeat(taskToken=self.activities[-1], details="d")

    def advance(self, by: float) -> None:
        self.clock.advance(by)

    def terminate(self, name: str) -> None:
        self.engine.terminate_workflow_execution(domain="contract", workflowId=name)


@settings(max_examples=150, deadline=None)
@given(actions=st.lists(ACTIONS, min_size=10, max_size=60))
def test_rows_say_what_events_say(model: Any, actions: list[tuple[Any, ...]]) -> None:
    world = Random(model)
    world.start("x")
    for action in actions:
        world.do(action)
    check_connection(world.engine._store.connection)
    world.clock.advance(121)
    world.poll_activity()
    for history in check_connection(world.engine._store.connection).values():
        assert history[-1][2] != "DecisionTaskScheduled", "all runs have timed out"
    assert world.engine.next_due() is None
    world.engine.close()
