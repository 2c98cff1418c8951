"""One set of tests for every engine: the `client` fixture, its answers checked against botocore's model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from simpleflow.clients import SWFClient
from simpleflow.clients import client as open_client
from simpleflow.engine import VirtualClock
from simpleflow.protocol.history import attributes
from simpleflow.protocol.operations import OPERATIONS

DOMAIN = "contract"
TYPE = {"name": "w", "version": "1"}
ACTIVITY = {"name": "a", "version": "1"}
METHODS = {operation.method: name for name, operation in OPERATIONS.items()}


def check_shape(shape: Any, value: Any, at: str) -> None:
    """Assert that a value is what botocore's parser would have made of an answer of this shape."""
    kinds: dict[str, Any] = {"string": str, "integer": int, "long": int, "boolean": bool, "timestamp": datetime}
    if shape.type_name == "structure":
        assert isinstance(value, dict), at
        assert not set(value) - set(shape.members), f"{at}: unknown {set(value) - set(shape.members)}"
        assert not set(shape.required_members) - set(value), f"{at}: lacks {set(shape.required_members) - set(value)}"
        for key, item in value.items():
            check_shape(shape.members[key], item, f"{at}.{key}")
    elif shape.type_name == "list":
        assert isinstance(value, list), at
        for item in value:
            check_shape(shape.member, item, f"{at}[]")
    else:
        assert type(value) is kinds[shape.type_name], f"{at}: {value!r} is no {shape.type_name}"
        if shape.type_name == "timestamp":
            assert value.tzinfo is not None, at
        enum = getattr(shape, "enum", None)
        assert not enum or value in enum, f"{at}: {value!r} is none of {enum}"


class Checked:
    """A client whose answers are held against the model."""

    def __init__(self, client: SWFClient, model: Any) -> None:
        self.client = client
        self.model = model

    def __getattr__(self, method: str) -> Any:
        function = getattr(self.client, method)
        if method not in METHODS:
            return function

        def call(**request: Any) -> Any:
            answer = function(**request)
            self.check(METHODS[method], answer)
            return answer

        return call

    def check(self, operation: str, answer: Any) -> None:
        shape = self.model.operation_model(operation).output_shape
        if shape is None:
            assert answer == {}
        elif operation.startswith("Poll") and not answer.get("taskToken"):
            assert answer["startedEventId"] == 0 and set(answer) <= {"startedEventId", "previousStartedEventId"}
        else:
            check_shape(shape, answer, operation)


@pytest.fixture(scope="session")
def model() -> Any:
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    return ServiceModel(Loader().load_service_model("swf", "service-2"), "swf")


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(params=["memory", "sqlite"])
def client(request: pytest.FixtureRequest, tmp_path: Path, clock: VirtualClock, model: Any) -> Iterator[Any]:
    url = "memory" if request.param == "memory" else f"sqlite:{tmp_path / 'engine.db'}"
    opened = open_client(url, clock=clock, long_poll_seconds=0)
    yield Checked(opened, model)
    opened.close()


class Swf:
    """What most tests do: a domain with types, runs, decisions and activities."""

    def __init__(self, client: Any) -> None:
        self.client = client
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

    def start(self, workflow_id: str = "w-1", **given: Any) -> dict[str, str]:
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

    def history(self, execution: dict[str, str]) -> list[dict[str, Any]]:
        """All events, of all pages."""
        answer = self.client.get_workflow_execution_history(domain=DOMAIN, execution=execution)
        events: list[dict[str, Any]] = answer["events"]
        while token := answer.get("nextPageToken"):
            given = {"domain": DOMAIN, "execution": execution, "nextPageToken": token}
            answer = self.client.get_workflow_execution_history(**given)
            events += answer["events"]
        return events

    def types(self, execution: dict[str, str]) -> list[str]:
        return [event["eventType"] for event in self.history(execution)]

    def last(self, execution: dict[str, str]) -> tuple[str, dict[str, Any]]:
        """Type and attributes of the last event."""
        event = self.history(execution)[-1]
        return event["eventType"], attributes(event)

    def describe(self, execution: dict[str, str]) -> Any:
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


@pytest.fixture
def swf(client: Any) -> Swf:
    return Swf(client)


@pytest.fixture
def refused(client: Any) -> Callable[..., str]:
    """Calls a method that must be refused: asserts the code and gives the message."""

    def call(code: str, method: str, **request: Any) -> str:
        expected = getattr(client.exceptions, code, client.exceptions.ClientError) if code.endswith("Fault") else None
        with pytest.raises(expected or client.exceptions.ClientError) as caught:
            getattr(client, method)(**request)
        error = caught.value.response["Error"]
        assert error["Code"] == code
        return str(error["Message"])

    return call
