"""The same lives, led on the embedded engine in memory: its histories are what the core expects of Amazon's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from programs import NO_SHRINKING, programs
from simpleflow.engine import Configuration, Engine, VirtualClock
from simpleflow.runtime.calling import response
from test_grouping import Life, assert_close, compare, oracle
from world import CLOSES, TYPE

LISTS = {"domain": "D", "taskList": {"name": "default"}}
CHILDREN = {"domain": "D", "taskList": {"name": "children"}}
LAMBDAS = {"domain": "D"}
DECISION_TIMEOUT = 30
YEAR = "31536000"


class EngineWorld:
    """The engine behind the face of `world.World`."""

    def __init__(self) -> None:
        self.clock = VirtualClock(1_000_000.0)
        configuration = Configuration(lambdas={"f0": "nobody:calls", "f1": "it:here"})
        self.engine = Engine(None, clock=self.clock, long_poll_seconds=0, configuration=configuration)
        self.engine.register_domain(name="D", workflowExecutionRetentionPeriodInDays="1")
        self.engine.register_workflow_type(domain="D", **TYPE)
        self._start("friend", "friends")
        self.execution = {"workflowId": "w", "runId": self._start("w", "default")}
        self.needs_registration = False
        self.chance: Random | None = None
        self.senders = [None]
        self.attempts: Counter[tuple[str, str]] = Counter()
        self.cancelled: set[str] = set()
        self.activities: dict[str, str] = {}  # ids and tokens
        self.lambdas: dict[str, str] = {}
        self.children: dict[str, str] = {}
        self.last: dict[str, Any] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)  # the decider's client

    def _start(self, id: str, task_list: str) -> str:
        run_id: str = self.engine.start_workflow_execution(
            domain="D",
            workflowId=id,
            workflowType=TYPE,
            taskList={"name": task_list},
            executionStartToCloseTimeout=YEAR,
            taskStartToCloseTimeout=str(DECISION_TIMEOUT) if id == "w" else "NONE",
            childPolicy="TERMINATE",
            input='{"args":[],"kwargs":{}}',
        )["runId"]
        return run_id

    def poll(self) -> dict[str, Any] | None:
        task = self.engine.poll_for_decision_task(**LISTS, startAtPreviousStartedEvent=True)
        self.last = task if "taskToken" in task else None
        return self.last

    def respond(self, answer: dict[str, Any]) -> None:
        self.engine.respond_decision_task_completed(**answer)
        self.clock.advance(0.01)

    def lose(self) -> None:
        self.clock.advance(DECISION_TIMEOUT + 1)

    def choices(self, chance: Random, outcome: Callable[..., Any]) -> list[Callable[[], None]]:
        self._take()
        timers = self._counts()["openTimers"]

        def end(finish: Callable[..., None], kind: str, id: str) -> None:
            finish(id, *outcome(kind, id, self.attempts[kind, id], cancelled=id in self.cancelled))
            self.clock.advance(0.01)

        return [
            *(partial(end, self._finish_activity, "activity", id) for id in self.activities),
            *(partial(end, self._finish_child, "child", id) for id in self.children),
            *(partial(end, self._finish_lambda, "lambda", id) for id in self.lambdas),
            *([partial(self.clock.advance, 1)] * bool(timers)),
        ]

    def _take(self) -> None:
        """Workers and the deciders of children take all tasks that there are."""
        while "taskToken" in (task := self.engine.poll_for_activity_task(**LISTS)):
            self._taken("activity", task["activityId"], self.activities, task)
        while "taskToken" in (task := self.engine.poll_for_lambda_task(**LAMBDAS)):
            self._taken("lambda", task["id"], self.lambdas, task)
        while "taskToken" in (task := self.engine.poll_for_decision_task(**CHILDREN)):
            id = task["workflowExecution"]["workflowId"]
            if any(event["eventType"] == "WorkflowExecutionCancelRequested" for event in task["events"]):
                self.cancelled.add(id)
            if task["previousStartedEventId"]:
                self.children[id] = task["taskToken"]
            else:
                self._taken("child", id, self.children, task)

    def _taken(self, kind: str, id: str, tokens: dict[str, str], task: dict[str, Any]) -> None:
        self.attempts[kind, id] += 1
        tokens[id] = task["taskToken"]

    def _finish_activity(self, id: str, how: str, given: dict[str, Any]) -> None:
        token = self.activities.pop(id)
        if how == "Completed":
            self.engine.respond_activity_task_completed(taskToken=token, **given)
        else:
            reason = "worker-died: it did" if given.get("timeoutType") == "HEARTBEAT" else "ValueError: no"
            self.engine.respond_activity_task_failed(taskToken=token, reason=reason, details="{}")

    def _finish_lambda(self, id: str, how: str, given: dict[str, Any]) -> None:
        answer = given if how == "Completed" else {"reason": "ValueError: no", "details": "{}"}
        method, request = response("lambda", self.lambdas.pop(id), answer)
        getattr(self.engine, method)(**request)

    def _finish_child(self, id: str, how: str, given: dict[str, Any]) -> None:
        token = self.children.pop(id)
        if how == "Terminated":
            self.engine.terminate_workflow_execution(domain="D", workflowId=id)
            return
        kind = {"Completed": "Complete", "Canceled": "Cancel"}.get(how, "Fail")
        member = f"{kind.lower()}WorkflowExecutionDecisionAttributes"
        told = given if kind == "Complete" else {}
        decision = {"decisionType": f"{kind}WorkflowExecution", member: told}
        self.engine.respond_decision_task_completed(taskToken=token, decisions=[decision])

    def signal(self, name: str, input: str | None, sender: None) -> None:
        given = {} if input is None else {"input": input}
        self.engine.signal_workflow_execution(domain="D", workflowId="w", signalName=name, **given)

    def request_cancel(self) -> None:
        self.engine.request_cancel_workflow_execution(domain="D", workflowId="w")

    @property
    def has_decision(self) -> bool:
        return self.engine.count_pending_decision_tasks(**LISTS)["count"] > 0

    def _counts(self) -> dict[str, Any]:
        described = self.engine.describe_workflow_execution(domain="D", execution=self.execution)
        counts: dict[str, Any] = described["openCounts"]
        return counts

    @property
    def closed(self) -> str | None:
        last = self.engine.get_workflow_execution_history(
            domain="D", execution=self.execution, reverseOrder=True, maximumPageSize=1
        )["events"][0]
        past = last["eventType"].removeprefix("WorkflowExecution")
        return past if past in CLOSES.values() else None

    @property
    def events(self) -> list[dict[str, Any]]:
        found = self.engine.get_workflow_execution_history(domain="D", execution=self.execution)
        return [{**event, "eventTimestamp": event["eventTimestamp"].timestamp()} for event in found["events"]]


@settings(deadline=None, report_multiple_bugs=False, phases=NO_SHRINKING, max_examples=100)
@given(programs, st.integers(0, 2**32))
def test_any_life_on_the_engine_is_the_life_of_the_pure_core(program: list[Any], seed: int) -> None:
    life = Life(Random(seed), program, world=EngineWorld())
    life.live()
    compare(life)
    asked, end, _ = oracle(life)
    assert_close(life, asked, end)
    counts = life.world._counts()  # type: ignore[attr-defined]
    if life.world.closed == "Canceled":
        assert counts["openTimers"] == 0
