"""Starting runs from Python, and holding on to them: on an engine in memory, with a decider of a few lines."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

import simpleflow
from simpleflow import Workflow, config, exceptions
from simpleflow.engine import Engine, VirtualClock
from simpleflow.runtime import standalone, start
from simpleflow.runtime.poll import unique_list


class Sum(Workflow):
    name = "sum"
    version = "2"
    task_list = "sums"
    execution_timeout = 100
    tag_list = ("a", "b")

    def run(self, x: int, domain: str = "none") -> int:
        return x


class Bare(Workflow):
    def run(self) -> None: ...


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "load", config.Config)


@pytest.fixture
def engine() -> Engine:
    return Engine(None, clock=VirtualClock(1_800_000_000), long_poll_seconds=0)


class Typed(Workflow):
    name, task_list = "typed", "sums"

    def run(self, day: date) -> dict[str, Decimal]:
        raise NotImplementedError


def test_arguments_and_the_result_are_what_the_hints_of_run_say(engine: Engine) -> None:
    handle = simpleflow.start(Typed, date(2024, 2, 29), domain="D", engine=engine)
    assert input_of(engine, handle)["args"] == ["2024-02-29"]
    answer(engine, "CompleteWorkflowExecution", result='{"a":"1.10"}')
    assert handle.result() == {"a": Decimal("1.10")}
    for wrong, shown in (("abc", "'abc'"), (5, "5"), ({"year": 2024}, "{'year': 2024}")):
        with pytest.raises(exceptions.PayloadError, match=f"run the parameter day is not a date .*: {shown}"):
            simpleflow.start(Typed, wrong, domain="D", engine=engine)


def test_a_result_that_is_not_what_the_hint_says_is_named(engine: Engine) -> None:
    handle = simpleflow.start(Typed, date(2024, 2, 29), domain="D", engine=engine)
    answer(engine, "CompleteWorkflowExecution", result='{"a":"x"}')
    with pytest.raises(exceptions.PayloadError, match=r"the result of test_start.Typed.run.a is not a Decimal: 'x'"):
        handle.result()


def test_without_a_store_large_arguments_are_refused_with_what_to_set(engine: Engine) -> None:
    with pytest.raises(exceptions.PayloadTooLarge, match="SIMPLEFLOW_PAYLOAD_STORE"):
        simpleflow.start(Sum, "x" * 50_000, domain="D", engine=engine)  # type: ignore[arg-type]


def answer(engine: Engine, kind: str, **given: str) -> None:
    task = engine.poll_for_decision_task(domain="D", taskList={"name": "sums"})
    member = f"{kind[0].lower()}{kind[1:]}DecisionAttributes"
    decisions = [{"decisionType": kind, member: given}]
    engine.respond_decision_task_completed(taskToken=task["taskToken"], decisions=decisions)


def described(engine: Engine, handle: start.Handle) -> dict[str, Any]:
    execution = {"workflowId": handle.workflow_id, "runId": handle.run_id}
    return dict(engine.describe_workflow_execution(domain="D", execution=execution))


def input_of(engine: Engine, handle: start.Handle) -> dict[str, Any]:
    execution = {"workflowId": handle.workflow_id, "runId": handle.run_id}
    event = engine.get_workflow_execution_history(domain="D", execution=execution)["events"][0]
    found: dict[str, Any] = json.loads(event["workflowExecutionStartedEventAttributes"]["input"])
    return found


def test_start_registers_what_is_unknown_and_takes_the_class_s_options(engine: Engine) -> None:
    handle = simpleflow.start(Sum, 1, domain="D", engine=engine)
    found = described(engine, handle)
    assert found["executionInfo"]["workflowType"] == {"name": "sum", "version": "2"}
    assert found["executionInfo"]["tagList"] == ["a", "b"]
    assert found["executionConfiguration"]["taskList"] == {"name": "sums"}
    assert found["executionConfiguration"]["executionStartToCloseTimeout"] == "100"
    assert found["executionConfiguration"]["taskStartToCloseTimeout"] == "30"
    assert handle.workflow_id.startswith("sum-")
    assert input_of(engine, handle) == {"args": [1], "kwargs": {}, "__extra": {"class": "test_start.Sum"}}
    simpleflow.start(Sum, 2, domain="D", engine=engine)  # now all is known


def test_options_go_before_the_class_s(engine: Engine) -> None:
    handle = simpleflow.start(
        Sum,
        x=1,
        domain="D",
        engine=engine,
        workflow_id="W",
        task_list="L",
        execution_timeout=7,
        decision_tasks_timeout=8,
        tag_list=[],
        activity_task_list="A",
    )
    assert handle.workflow_id == "W"
    found = described(engine, handle)
    assert "tagList" not in found["executionInfo"]
    assert found["executionConfiguration"]["taskList"] == {"name": "L"}
    assert found["executionConfiguration"]["executionStartToCloseTimeout"] == "7"
    assert found["executionConfiguration"]["taskStartToCloseTimeout"] == "8"
    extra = {"class": "test_start.Sum", "activity_task_list": "A"}
    assert input_of(engine, handle) == {"args": [], "kwargs": {"x": 1}, "__extra": extra}
    defaults = engine.describe_workflow_type(domain="D", workflowType={"name": "sum", "version": "2"})
    assert defaults["configuration"]["defaultExecutionStartToCloseTimeout"] == "100"  # the class's, not this run's


def test_a_class_without_attributes(engine: Engine) -> None:
    found = described(engine, simpleflow.start(Bare, domain="D", engine=engine))
    assert found["executionInfo"]["workflowType"] == {"name": "Bare", "version": "default"}
    assert found["executionConfiguration"]["taskList"] == {"name": "default"}
    assert found["executionConfiguration"]["executionStartToCloseTimeout"] == "31536000"


def test_run_may_have_arguments_named_as_options(engine: Engine) -> None:
    handle = start.launch(Sum, [1], {"domain": "mine"}, start.StartOptions(domain="D", engine=engine))
    assert input_of(engine, handle)["kwargs"] == {"domain": "mine"}


def test_result(engine: Engine) -> None:
    handle = simpleflow.start(Sum, 1, domain="D", engine=engine)
    assert handle.status == "OPEN"
    with pytest.raises(builtins.TimeoutError, match="is still open after 0 s"):
        handle.result(timeout=0)
    answer(engine, "CompleteWorkflowExecution", result='{"a": [1]}')
    assert handle.status == "COMPLETED"
    assert handle.result() == {"a": [1]}
    assert handle.result(timeout=0) is not handle.result(timeout=0)


class Flaky:
    """An engine at the end of a wire that fails so many times, each time in another way."""

    def __init__(self, engine: Engine, *errors: Exception) -> None:
        self._engine = engine
        self.errors = list(errors)

    def __getattr__(self, name: str) -> Any:
        if name in ("describe_workflow_execution", "get_workflow_execution_history") and self.errors:
            raise self.errors.pop(0)
        return getattr(self._engine, name)


def answer_of(code: str, status: int) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Describe")


BLIPS = (
    EndpointConnectionError(endpoint_url="x"),
    ConnectionClosedError(endpoint_url="x"),
    ReadTimeoutError(endpoint_url="x"),
    answer_of("InternalFailure", 500),
    answer_of("ThrottlingException", 400),
    ConnectionResetError(),
)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    made: list[float] = []
    monkeypatch.setattr("simpleflow.runtime.start.time.sleep", made.append)
    return made


def test_result_bears_blips(engine: Engine, pauses: list[float], caplog: pytest.LogCaptureFixture) -> None:
    handle = simpleflow.start(Sum, 1, domain="D", engine=engine)
    answer(engine, "CompleteWorkflowExecution", result="7")
    handle._client = Flaky(engine, *BLIPS)  # type: ignore[assignment]
    assert handle.result() == 7
    assert len(pauses) == len(BLIPS)
    assert pauses[-1] > pauses[0]
    assert [record.message[:31] for record in caplog.records if record.name == "simpleflow.runtime"] == [
        "the engine cannot be reached, t",
        "the engine answers again",
    ]


def test_result_does_not_bear_what_stays(engine: Engine, pauses: list[float]) -> None:
    handle = simpleflow.start(Sum, 1, domain="D", engine=engine)
    handle._client = Flaky(engine, answer_of("UnknownResourceFault", 400))  # type: ignore[assignment]
    with pytest.raises(ClientError):
        handle.result()
    assert pauses == []


def test_result_gives_up_in_time(engine: Engine) -> None:
    handle = simpleflow.start(Sum, 1, domain="D", engine=engine)
    handle._client = Flaky(engine, *BLIPS * 100)  # type: ignore[assignment]
    with pytest.raises(builtins.TimeoutError, match=r"has no result after 0\.01 s, since the engine cannot be reached"):
        handle.result(timeout=0.01)


def terminate(engine: Engine, handle: start.Handle) -> None:
    handle.terminate("enough")


def fail(engine: Engine, handle: start.Handle) -> None:
    answer(engine, "FailWorkflowExecution", reason="ValueError: nope", details="{}")


@pytest.mark.parametrize(
    ("end", "status", "reason"), [(fail, "FAILED", "ValueError: nope"), (terminate, "TERMINATED", "enough")]
)
def test_failure(engine: Engine, end: Callable[[Engine, start.Handle], None], status: str, reason: str) -> None:
    handle = simpleflow.start(Sum, 1, domain="D", engine=engine)
    end(engine, handle)
    assert handle.status == status
    with pytest.raises(exceptions.WorkflowFailed) as caught:
        handle.result()
    assert (caught.value.status, caught.value.reason) == (status, reason)


def test_what_is_refused_starts_nothing(engine: Engine) -> None:
    with pytest.raises(TypeError, match=r"test_start\.Sum\.run\(x: int, domain: str = 'none'\) -> int: missing"):
        simpleflow.start(Sum, domain="D", engine=engine)
    with pytest.raises(exceptions.PayloadError, match=r"the input of test_start\.Sum .*: args\[0\]\.when is an object"):
        simpleflow.start(Sum, {"when": object()}, domain="D", engine=engine)
    with pytest.raises(ValueError, match="needs a domain"):
        simpleflow.start(Sum, 1, engine=engine)
    assert engine.list_domains(registrationStatus="REGISTERED")["domainInfos"] == []
    simpleflow.start(Sum, 1, domain="D", workflow_id="W", engine=engine)
    with pytest.raises(engine.exceptions.WorkflowExecutionAlreadyStartedFault):
        simpleflow.start(Sum, 1, domain="D", workflow_id="W", engine=engine)


def test_on_amazon_no_domain_is_registered(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "open_engine", lambda url: engine)
    with pytest.raises(engine.exceptions.UnknownResourceFault, match="Unknown domain"):
        simpleflow.start(Sum, 1, domain="D", engine="aws:eu-west-1")
    simpleflow.start(Sum, 1, domain="D", engine="sqlite:here")


def test_unique_lists_fit() -> None:
    first, second = (unique_list("x" * 256) for _ in range(2))
    assert first != second
    assert len(first) == 256
    assert unique_list("W").startswith("W-")


def test_where_a_run_is_worked_on(engine: Engine) -> None:
    assert standalone.attach(engine, "D", "W", Sum) is None  # there is no such domain
    handle = simpleflow.start(Sum, 1, domain="D", workflow_id="W", activity_task_list="own", engine=engine)
    given = {
        "activityId": "a",
        "activityType": {"name": "add", "version": "1"},
        "taskList": {"name": "theirs"},
        **dict.fromkeys(("scheduleToCloseTimeout", "scheduleToStartTimeout"), "NONE"),
        **dict.fromkeys(("startToCloseTimeout", "heartbeatTimeout"), "NONE"),
    }
    engine.register_activity_type(domain="D", name="add", version="1")
    answer(engine, "ScheduleActivityTask", **given)  # type: ignore[arg-type]
    place = standalone.attach(engine, "D", "W", Sum)
    assert place is not None
    assert (place.run.run_id, place.task_list, place.activity_lists) == (handle.run_id, "sums", ("own", "theirs"))
    with pytest.raises(ValueError, match="W is an open run of the workflow sum, not of Other"):
        standalone.attach(engine, "D", "W", type("Other", (simpleflow.Workflow,), {}))
    handle.terminate()
    assert standalone.attach(engine, "D", "W", Sum) is None


def test_tags_that_a_class_makes_of_its_arguments(engine: Engine) -> None:
    class Tagged(Workflow):
        tag_list = Workflow.INHERIT_TAG_LIST

        def run(self, x: int) -> None: ...

    class Made(Tagged):
        @classmethod
        def get_tag_list(cls, x: int) -> list[str]:
            return [cls.__name__, str(x)]

    def tags(workflow: type[Workflow]) -> Any:
        handle = start.start(workflow, 3, domain="D", engine=engine)
        execution = {"workflowId": handle.workflow_id, "runId": handle.run_id}
        return engine.describe_workflow_execution(domain="D", execution=execution)["executionInfo"].get("tagList")

    assert tags(Tagged) is None, "there is no parent to inherit any from"
    assert tags(Made) == ["Made", "3"]
