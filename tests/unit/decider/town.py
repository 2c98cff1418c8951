"""The embedded engine in memory, deciders and a worker, all in a test's hands: nothing happens but what it asks for."""

from __future__ import annotations

import json
from typing import Any

from simpleflow import Workflow
from simpleflow.config import Config
from simpleflow.decider import Decider
from simpleflow.engine import Configuration, Engine, VirtualClock
from simpleflow.payload.codec import Codec
from simpleflow.payload.store import NO_STORE, Payloads
from simpleflow.protocol.history import attributes
from simpleflow.runtime import calling, lambdas
from simpleflow.runtime.start import StartOptions, launch

DOMAIN = "D"
LISTS = {"domain": DOMAIN, "taskList": {"name": "default"}}
DECISIONS = {**LISTS, "startAtPreviousStartedEvent": True}

Execution = dict[str, str]


class Town:
    """`forget`: a new decider makes each decision, so that everything is read again from its history.

    `payloads` is where large values lie.
    """

    def __init__(self, *, forget: bool = False, payloads: Payloads = NO_STORE, **configuration: Any) -> None:
        self.clock = VirtualClock(1_000_000.0)
        self.engine = Engine(None, clock=self.clock, long_poll_seconds=0, configuration=Configuration(**configuration))
        self.forget = forget
        self.payloads = payloads
        self.codec = Codec(payloads=payloads)
        self.config = Config()
        self.classes: list[type[Workflow]] = []
        self.decider = self.new_decider()
        self.answers: list[dict[str, Any]] = []
        self.parked: str | None = None  # why the last decision could not be made
        self.parks = False  # whether that is right

    def new_decider(self) -> Decider:
        return Decider(self.engine, DOMAIN, self.classes, config=self.config, payloads=self.payloads)

    def start(self, workflow: type[Workflow], *args: Any, workflow_id: str = "w", **options: Any) -> Execution:
        self.classes.append(workflow)
        self.decider.close()
        self.decider = self.new_decider()
        how = StartOptions(domain=DOMAIN, workflow_id=workflow_id, engine=self.engine, **options)
        handle = launch(workflow, args, {}, how, self.payloads)
        return {"workflowId": handle.workflow_id, "runId": handle.run_id}

    # -- one step at a time ----------------------------------------------------------------------------------------

    def decide(self) -> bool:
        """Make one decision, if one waits."""
        task = self.engine.poll_for_decision_task(**DECISIONS)
        if "taskToken" not in task:
            return False
        if self.forget:
            self.decider.close()
            known = self.decider
            self.decider = self.new_decider()
            self.decider._classes.update(known._classes)
            self.decider.activities.update(known.activities)
        answer = self.decider.decide(task, DECISIONS)
        context = json.loads(answer["executionContext"])
        self.parked = context["parked"]["error"] if "parked" in context else None
        assert self.parks or not self.parked, self.parked + context["parked"]["traceback"]
        self.answers.append(answer)
        self.engine.respond_decision_task_completed(**answer)
        return True

    def work(self) -> bool:
        """Run one activity or Lambda function, if one waits."""
        for kind in ("activity", "lambda"):
            where = LISTS if kind == "activity" else {"domain": DOMAIN}
            task = getattr(self.engine, f"poll_for_{kind}_task")(**where)
            if "taskToken" in task:
                method, given = calling.response(kind, task["taskToken"], self._done(kind, task))
                getattr(self.engine, method)(**given)
                return True
        return False

    def _done(self, kind: str, task: dict[str, Any]) -> dict[str, Any]:
        if kind == "lambda":
            return lambdas.run(task, self.codec)
        type = task["activityType"]
        known = self.decider.activities[type["name"], type["version"]]
        return calling.call(known, task.get("input"), codec=self.codec)

    def settle(self) -> None:
        """Go on until nothing can happen at this time."""
        while self.decide() or self.work() or self.decide():  # a poll alone may refuse a task
            pass

    def jump(self) -> None:
        """Settle, then let the next time come, and settle again."""
        self.settle()
        due = self.engine.next_due()
        assert due is not None
        self.clock.set(max(due, self.clock.now()))
        self.settle()

    def run(self, execution: Execution) -> Any:
        """Go on until the run is closed, time jumping; what it returned, or the attributes of its last event."""
        for _ in range(500):
            self.settle()
            if self.closed(execution):
                return self.end(execution)
            self.jump()
        raise AssertionError("it does not end")

    # -- what others do --------------------------------------------------------------------------------------------

    def signal(self, workflow_id: str, name: str, input: str | None = None) -> None:
        given = {} if input is None else {"input": input}
        self.engine.signal_workflow_execution(domain=DOMAIN, workflowId=workflow_id, signalName=name, **given)

    def cancel(self, workflow_id: str) -> None:
        self.engine.request_cancel_workflow_execution(domain=DOMAIN, workflowId=workflow_id)

    # -- what there is ---------------------------------------------------------------------------------------------

    def events(self, execution: Execution) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            page = self.engine.get_workflow_execution_history(domain=DOMAIN, execution=execution, **token)
            found += page["events"]
            if not page.get("nextPageToken"):
                return found
            token = {"nextPageToken": page["nextPageToken"]}

    def kinds(self, execution: Execution, *without: str) -> list[str]:
        """The types of the events, those of decision tasks aside."""
        types = [event["eventType"] for event in self.events(execution)]
        return [type for type in types if not type.startswith(("DecisionTask", *without))]

    def of(self, execution: Execution, type: str) -> list[dict[str, Any]]:
        """The attributes of the events of this type."""
        return [attributes(event) for event in self.events(execution) if event["eventType"] == type]

    def closed(self, execution: Execution) -> bool:
        info = self.engine.describe_workflow_execution(domain=DOMAIN, execution=execution)["executionInfo"]
        return bool(info["executionStatus"] == "CLOSED")

    def end(self, execution: Execution) -> Any:
        last = self.events(execution)[-1]
        if last["eventType"] == "WorkflowExecutionCompleted":
            return self.codec.read(attributes(last).get("result"))
        return {"type": last["eventType"], **attributes(last)}

    def executions(self) -> list[tuple[str, str, str]]:
        """Workflow id, type and status of all runs, by id."""
        since = {"oldestDate": 0}
        opened = self.engine.list_open_workflow_executions(domain=DOMAIN, startTimeFilter=since)
        closed = self.engine.list_closed_workflow_executions(domain=DOMAIN, startTimeFilter=since)
        return sorted(
            (info["execution"]["workflowId"], info["workflowType"]["name"], info.get("closeStatus", "OPEN"))
            for info in (*opened["executionInfos"], *closed["executionInfos"])
        )

    def close(self) -> None:
        self.decider.close()
        self.engine.close()
