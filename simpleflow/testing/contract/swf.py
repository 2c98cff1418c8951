"""What most tests of a service do: a domain with types, runs, decisions and activities.

Knows a client with boto3's methods, and no engine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from simpleflow.protocol.history import attributes
from simpleflow.testing.contract.checked import DOMAIN

TYPE = {"name": "w", "version": "1"}
ACTIVITY = {"name": "a", "version": "1"}
EVER = {"oldestDate": datetime(2000, 1, 1, tzinfo=UTC)}
NO_DECISION = {"startedEventId": 0, "previousStartedEventId": 0}
NO_ACTIVITY = {"startedEventId": 0}
#: How much longer (seconds) a service without a clock is given than what is to happen there takes.
LATE = 0.25

Event = dict[str, Any]
Execution = dict[str, str]


class Swf:
    """A domain with a workflow type and an activity type, and its runs."""

    def __init__(
        self, client: Any, advance: Callable[[float], object] | None = None, *, register_domain: bool = True
    ) -> None:
        self.client = client
        self._advance = advance
        if register_domain:
            client.register_domain(name=DOMAIN, workflowExecutionRetentionPeriodInDays="1")
        client.register_workflow_type(
            domain=DOMAIN,
            **TYPE,
            defaultTaskList={"name": "deciders"},
            defaultChildPolicy="TERMINATE",
            defaultTaskStartToCloseTimeout="30",
            defaultExecutionStartToCloseTimeout="3600",
        )
        client.register_activity_type(
            domain=DOMAIN,
            **ACTIVITY,
            defaultTaskList={"name": "workers"},
            defaultTaskScheduleToStartTimeout="NONE",
            defaultTaskScheduleToCloseTimeout="NONE",
            defaultTaskStartToCloseTimeout="300",
            defaultTaskHeartbeatTimeout="60",
        )

    def advance(self, seconds: float) -> None:
        """Move the service's clock. A test that does so needs "clock"."""
        assert self._advance is not None, "mark the test with needs('clock')"
        self._advance(seconds)

    def wait(self, seconds: float) -> None:
        """Let a second or two pass: on the service's clock, or, where that cannot be moved, in fact."""
        if self._advance is not None:
            self._advance(seconds)
        else:
            time.sleep(seconds + LATE)

    def start(self, workflow_id: str = "w-1", **given: Any) -> Execution:
        """Start a run; its workflowId and runId."""
        request = {"domain": DOMAIN, "workflowId": workflow_id, "workflowType": TYPE, **given}
        return {"workflowId": workflow_id, "runId": self.client.start_workflow_execution(**request)["runId"]}

    def poll_decision(self, **given: Any) -> Any:
        return self.client.poll_for_decision_task(domain=DOMAIN, **{"taskList": {"name": "deciders"}, **given})

    def decide(self, *decisions: dict[str, Any], **given: Any) -> Any:
        """Poll a decision task and answer it; the task."""
        task = self.poll_decision()
        self.respond(task, *decisions, **given)
        return task

    def respond(self, task: Any, *decisions: dict[str, Any], **given: Any) -> None:
        self.client.respond_decision_task_completed(taskToken=task["taskToken"], decisions=list(decisions), **given)

    def poll_activity(self, **given: Any) -> Any:
        return self.client.poll_for_activity_task(domain=DOMAIN, **{"taskList": {"name": "workers"}, **given})

    def complete(self, task: Any, **given: Any) -> None:
        """Answer an activity task."""
        self.client.respond_activity_task_completed(taskToken=task["taskToken"], **given)

    def history(self, execution: Execution) -> list[Event]:
        """All events, of all pages."""
        answer = self.client.get_workflow_execution_history(domain=DOMAIN, execution=execution)
        events: list[Event] = answer["events"]
        while token := answer.get("nextPageToken"):
            given = {"domain": DOMAIN, "execution": execution, "nextPageToken": token}
            answer = self.client.get_workflow_execution_history(**given)
            events += answer["events"]
        return events

    def types(self, execution: Execution) -> list[str]:
        return [event["eventType"] for event in self.history(execution)]

    def last(self, execution: Execution) -> tuple[str, dict[str, Any]]:
        """Type and attributes of the last event."""
        event = self.history(execution)[-1]
        return event["eventType"], attributes(event)

    def causes(self, execution: Execution) -> list[tuple[str, str]]:
        """Types and causes of the events that have a cause."""
        events = [event for event in self.history(execution) if "cause" in attributes(event)]
        return [(event["eventType"], attributes(event)["cause"]) for event in events]

    def describe(self, execution: Execution) -> Any:
        return self.client.describe_workflow_execution(domain=DOMAIN, execution=execution)

    @staticmethod
    def schedule(activity_id: str = "a-1", **given: Any) -> dict[str, Any]:
        return decision("ScheduleActivityTask", activityType=ACTIVITY, activityId=activity_id, **given)

    @staticmethod
    def timer(timer_id: str = "t-1", seconds: int | str = 5, **given: Any) -> dict[str, Any]:
        return decision("StartTimer", timerId=timer_id, startToFireTimeout=str(seconds), **given)

    @staticmethod
    def decision(kind: str, **given: Any) -> dict[str, Any]:
        return decision(kind, **given)


def decision(kind: str, **given: Any) -> dict[str, Any]:
    return {"decisionType": kind, f"{kind[0].lower()}{kind[1:]}DecisionAttributes": given}


class Refused:
    """Calls a method that must be refused: asserts the code and gives the message."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __call__(self, code: str, method: str, **request: Any) -> str:
        errors = self._client.exceptions
        expected = getattr(errors, code) if code.endswith("Fault") else errors.ClientError
        with pytest.raises(expected) as caught:
            getattr(self._client, method)(**request)
        error = caught.value.response["Error"]
        assert error["Code"] == code
        return str(error["Message"])
