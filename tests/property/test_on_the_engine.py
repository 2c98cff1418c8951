"""The same lives, led on the embedded engine in memory: its histories are what the core expects of Amazon's."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from programs import NO_SHRINKING, programs
from simpleflow.command import Complete
from simpleflow.engine import Engine, VirtualClock
from simpleflow.protocol.history import attributes
from test_grouping import Life, oracle, scheduled
from world import TYPE

LISTS = {"domain": "D", "taskList": {"name": "default"}}
DECISION_TIMEOUT = 30


class EngineWorld:
    """The engine behind the face of `world.World`."""

    def __init__(self) -> None:
        self.clock = VirtualClock(1_000_000.0)
        self.engine = Engine(None, clock=self.clock, long_poll_seconds=0)
        self.engine.register_domain(name="D", workflowExecutionRetentionPeriodInDays="1")
        self.engine.register_workflow_type(domain="D", **TYPE)
        run_id = self.engine.start_workflow_execution(
            domain="D",
            workflowId="w",
            workflowType=TYPE,
            taskList={"name": "default"},
            executionStartToCloseTimeout="31536000",
            taskStartToCloseTimeout=str(DECISION_TIMEOUT),
            childPolicy="TERMINATE",
            input='{"args":[],"kwargs":{}}',
        )["runId"]
        self.execution = {"workflowId": "w", "runId": run_id}
        self.needs_registration = False
        self.tokens: dict[str, str] = {}
        self.inputs: dict[str, str] = {}
        self.last: dict[str, Any] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)  # the decider's client

    def poll(self) -> dict[str, Any] | None:
        task = self.engine.poll_for_decision_task(**LISTS, startAtPreviousStartedEvent=True)
        self.last = task if "taskToken" in task else None
        return self.last

    def respond(self, answer: dict[str, Any]) -> None:
        self.engine.respond_decision_task_completed(**answer)
        self.clock.advance(0.01)

    def lose(self) -> None:
        self.clock.advance(DECISION_TIMEOUT + 1)

    def finish(self, id: str, how: str, **given: Any) -> None:
        token = self.tokens.pop(id)
        if how == "Completed":
            self.engine.respond_activity_task_completed(taskToken=token, **given)
        else:
            reason = "worker-died: it did" if given.get("timeoutType") == "HEARTBEAT" else "ValueError: no"
            self.engine.respond_activity_task_failed(taskToken=token, reason=reason, details="{}")
        self.clock.advance(0.01)

    def fire(self, id: str) -> None:
        self.clock.advance(1)

    @property
    def has_decision(self) -> bool:
        return self.engine.count_pending_decision_tasks(**LISTS)["count"] > 0

    @property
    def open(self) -> list[str]:
        """The activities that a worker has; it takes all that there are."""
        while "taskToken" in (task := self.engine.poll_for_activity_task(**LISTS)):
            self.tokens[task["activityId"]] = task["taskToken"]
            self.inputs[task["activityId"]] = task["input"]
        return sorted(self.tokens)

    @property
    def timers(self) -> list[str]:
        found = self.engine.describe_workflow_execution(domain="D", execution=self.execution)
        return ["some"] * found["openCounts"]["openTimers"]

    @property
    def closed(self) -> str | None:
        last = self.engine.get_workflow_execution_history(
            domain="D", execution=self.execution, reverseOrder=True, maximumPageSize=1
        )["events"][0]
        return {"WorkflowExecutionCompleted": "Completed", "WorkflowExecutionFailed": "Failed"}.get(last["eventType"])

    @property
    def events(self) -> list[dict[str, Any]]:
        found = self.engine.get_workflow_execution_history(domain="D", execution=self.execution)
        return [{**event, "eventTimestamp": event["eventTimestamp"].timestamp()} for event in found["events"]]


@settings(deadline=None, phases=NO_SHRINKING, max_examples=60)
@given(programs, st.integers(0, 2**32))
def test_any_life_on_the_engine_is_the_life_of_the_pure_core(program: list[Any], seed: int) -> None:
    world = EngineWorld()
    life = Life(Random(seed), program, registration=False, max_open=1000, world=world)
    life.live()
    events = world.events
    assert [event["eventId"] for event in events] == list(range(1, len(events) + 1))
    assert not any("parked" in attributes(event).get("executionContext", "") for event in events)
    asked, end, _ = oracle(life)
    sent = scheduled(events)
    assert len(sent) == len(set(sent))
    assert set(sent) <= {(id, attempt) for id, attempt, _ in asked}
    if world.closed == "Completed":
        assert isinstance(end, Complete)
        assert end.result == attributes(events[-1])["result"]
    else:
        assert not isinstance(end, Complete)
