"""Lambda functions: JSON in, JSON out, run by workers of the embedded engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from conftest import Swf
from simpleflow.clients.boto import AmazonClient
from simpleflow.engine import Configuration, Engine, VirtualClock
from simpleflow.protocol.history import attributes
from simpleflow.runtime.lambdas import Context, invoke

DOMAIN = "contract"
LAMBDAS = {"double": "test_engine_lambdas:double", "fail": "test_engine_lambdas:fail", "gone": "no_such_module:f"}


def double(event: Any, context: Context) -> Any:
    assert 0 < context.get_remaining_time_in_millis() <= 900_000
    return {"doubled": event["n"] * 2, "by": context.function_name}


def fail(event: Any, context: Context) -> Any:
    raise ValueError("x" * event)


@pytest.fixture
def lambda_engine(request: pytest.FixtureRequest, clock: VirtualClock) -> Iterator[Any]:
    given = getattr(request, "param", {})
    configuration = Configuration(lambdas=LAMBDAS, **given)
    with Engine(None, clock=clock, long_poll_seconds=0, configuration=configuration) as engine:
        yield engine


@pytest.fixture
def swf(lambda_engine: Any) -> Swf:
    return Swf(lambda_engine)


def function(name: str = "double", id: str = "l-1", **given: Any) -> dict[str, Any]:
    return Swf.decision("ScheduleLambdaFunction", id=id, name=name, **given)


def poll(engine: Any) -> Any:
    return engine.poll_for_lambda_task(domain=DOMAIN)


def test_a_function_runs(swf: Swf, lambda_engine: Any) -> None:
    execution = swf.start()
    swf.decide(function(input='{"n": 4}', control="c"))
    assert swf.last(execution) == (
        "LambdaFunctionScheduled",
        {
            "id": "l-1",
            "name": "double",
            "input": '{"n": 4}',
            "control": "c",
            "startToCloseTimeout": "900",
            "decisionTaskCompletedEventId": 4,
        },
    )
    assert swf.describe(execution)["openCounts"]["openLambdaFunctions"] == 1
    task = poll(lambda_engine)
    token = task.pop("taskToken")
    assert task == {
        "id": "l-1",
        "name": "double",
        "function": "test_engine_lambdas:double",
        "input": '{"n": 4}',
        "startedEventId": 6,
        "startToCloseTimeout": "900",
        "workflowExecution": execution,
    }
    assert poll(lambda_engine) == {"startedEventId": 0}
    response = invoke({**task, "taskToken": token})
    assert lambda_engine.respond_and_poll(response, ("poll_for_lambda_task", {"domain": DOMAIN})) == poll(lambda_engine)
    assert swf.types(execution)[5:] == ["LambdaFunctionStarted", "LambdaFunctionCompleted", "DecisionTaskScheduled"]
    completed = attributes(swf.history(execution)[6])
    assert orjson.loads(completed.pop("result")) == {"doubled": 8, "by": "double"}
    assert completed == {"scheduledEventId": 5, "startedEventId": 6}
    assert swf.describe(execution)["openCounts"]["openLambdaFunctions"] == 0


@pytest.mark.parametrize(
    ("name", "given", "reason", "error"),
    [
        ("fail", "3", "Unhandled", ("ValueError", "xxx")),
        ("fail", "50000", "Unhandled", ("ValueError", "x" * 25_000)),
        ("double", "{bad", "Unhandled", ("JSONDecodeError", "unexpected")),
        ("double", None, "Unhandled", ("TypeError", "'NoneType' object is not subscriptable")),
        (
            "gone",
            None,
            "cannot import no_such_module:f: No module named 'no_such_module'",
            ("ModuleNotFoundError", "No module named 'no_such_module'"),
        ),
    ],
)
def test_a_function_fails(
    swf: Swf, lambda_engine: Any, name: str, given: str | None, reason: str, error: tuple[str, str]
) -> None:
    execution = swf.start()
    swf.decide(function(name, **({} if given is None else {"input": given})))
    method, response = invoke(poll(lambda_engine))
    getattr(lambda_engine, method)(**response)
    failed = attributes(swf.history(execution)[-2])
    details = orjson.loads(failed["details"])
    assert failed["reason"] == reason and len(failed["details"]) <= 32_768
    assert details["errorType"] == error[0] and details["errorMessage"].startswith(error[1])
    assert isinstance(details["stackTrace"], list)


def test_an_unknown_function(swf: Swf, lambda_engine: Any) -> None:
    execution = swf.start()
    swf.decide(function("no"), function("double", "l-2", input="1"))
    assert poll(lambda_engine)["id"] == "l-2"
    failed = next(event for event in swf.history(execution) if event["eventType"] == "LambdaFunctionFailed")
    assert attributes(failed) == {
        "reason": "ResourceNotFoundException",
        "details": "Function not found: no",
        "scheduledEventId": 5,
        "startedEventId": 7,
    }


def test_a_function_times_out(swf: Swf, lambda_engine: Any, clock: VirtualClock) -> None:
    execution = swf.start()
    swf.decide(function(startToCloseTimeout="10"))
    clock.advance(1000)
    task = poll(lambda_engine)
    assert task["startedEventId"], "the clock starts with it"
    clock.advance(10)
    assert swf.types(execution)[-2:] == ["LambdaFunctionTimedOut", "DecisionTaskScheduled"]
    timed_out = {"scheduledEventId": 5, "startedEventId": 6, "timeoutType": "START_TO_CLOSE"}
    assert attributes(swf.history(execution)[-2]) == timed_out
    for method in ("completed", "failed"):
        with pytest.raises(lambda_engine.exceptions.UnknownResourceFault, match="Unknown Lambda function, scheduled"):
            getattr(lambda_engine, f"respond_lambda_task_{method}")(taskToken=task["taskToken"])


@pytest.mark.parametrize("lambda_engine", [{"lambda_role_required": True}], indirect=True)
def test_without_a_role(swf: Swf, lambda_engine: Any) -> None:
    execution = swf.start()
    swf.decide(function(), swf.timer())
    assert swf.types(execution)[4:] == [
        "LambdaFunctionScheduled",
        "TimerStarted",
        "StartLambdaFunctionFailed",
        "DecisionTaskScheduled",
    ]
    failed = attributes(swf.history(execution)[6])
    assert (failed["cause"], failed["scheduledEventId"]) == ("ASSUME_ROLE_FAILED", 5) and failed["message"]
    assert poll(lambda_engine) == {"startedEventId": 0}
    other = swf.start("w-2", lambdaRole="arn:role")
    swf.decide(swf.timer())
    swf.decide(function())
    assert poll(lambda_engine)["workflowExecution"] == other


def test_refusals(swf: Swf, lambda_engine: Any) -> None:
    execution = swf.start()
    task = swf.poll_decision()
    for seconds in ("0", "901", "NONE", "x"):
        with pytest.raises(lambda_engine.exceptions.ClientError, match="number of seconds from 1 to 900"):
            swf.respond(task, function(startToCloseTimeout=seconds))
    swf.respond(task, function(), function(), *(function(id=f"x-{number}") for number in range(1000)))
    events = [attributes(event) for event in swf.history(execution) if "cause" in attributes(event)]
    assert [event["cause"] for event in events] == ["ID_ALREADY_IN_USE", "OPEN_LAMBDA_FUNCTIONS_LIMIT_EXCEEDED"]
    assert events[0] == {"cause": events[0]["cause"], "id": "l-1", "name": "double", "decisionTaskCompletedEventId": 4}


def test_tokens_are_of_their_kind(swf: Swf, lambda_engine: Any) -> None:
    swf.start()
    swf.decide(function(), swf.schedule())
    token, activity = poll(lambda_engine)["taskToken"], swf.poll_activity()["taskToken"]
    error: type[Exception] = lambda_engine.exceptions.ClientError
    for method, wrong in (("activity", token), ("lambda", activity), ("lambda", "junk")):
        with pytest.raises(error, match="Invalid token"):
            getattr(lambda_engine, f"respond_{method}_task_completed")(taskToken=wrong)


def test_the_functions_of_an_engine(lambda_engine: Any) -> None:
    named = [{"name": name, "function": LAMBDAS[name]} for name in ("double", "fail", "gone")]
    assert lambda_engine.list_lambda_functions() == {"functions": named}


def test_an_engine_without_functions_takes_none(clock: VirtualClock) -> None:
    with Engine(None, clock=clock, long_poll_seconds=0) as engine:
        assert engine.list_lambda_functions() == {"functions": []}
        swf = Swf(engine)
        swf.start()
        swf.decide(function())
        assert poll(engine) == {"startedEventId": 0}


def test_amazon_runs_them_itself() -> None:
    boto: Any = AmazonClient(None)
    assert boto.list_lambda_functions() == {"functions": []}
    assert boto.poll_for_lambda_task(domain=DOMAIN) == {"startedEventId": 0}
    respond: Callable[..., Any] = boto.respond_lambda_task_failed
    with pytest.raises(ValueError, match="Amazon runs Lambda functions itself"):
        respond(taskToken="t")
