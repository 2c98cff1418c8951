"""Lambda functions: their events, and JSON in, JSON out, with the calls of the embedded engine's workers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simpleflow.protocol.history import attributes
from simpleflow.runtime.lambdas import invoke
from simpleflow.testing.contract.checked import DOMAIN, Checked
from simpleflow.testing.contract.lambdas import FUNCTIONS
from simpleflow.testing.contract.swf import NO_ACTIVITY, Refused, Swf, decision
from simpleflow.testing.contract.target import needs

pytestmark = needs("lambda")


def function(name: str = "double", id: str = "l-1", **given: Any) -> dict[str, Any]:
    return decision("ScheduleLambdaFunction", id=id, name=name, **given)


def poll(client: Checked) -> Any:
    return client.poll_for_lambda_task(domain=DOMAIN)


def test_a_function_runs(swf: Swf, client: Checked) -> None:
    execution = swf.start()
    swf.decide(function(input='{"n": 4}', control="c"))
    scheduled = {"id": "l-1", "name": "double", "input": '{"n": 4}', "control": "c", "startToCloseTimeout": "900"}
    assert swf.last(execution) == ("LambdaFunctionScheduled", {**scheduled, "decisionTaskCompletedEventId": 4})
    assert swf.describe(execution)["openCounts"]["openLambdaFunctions"] == 1
    task = poll(client)
    token = task.pop("taskToken")
    assert task == {
        "id": "l-1",
        "name": "double",
        "function": FUNCTIONS["double"],
        "input": '{"n": 4}',
        "startedEventId": 6,
        "startToCloseTimeout": "900",
        "workflowExecution": execution,
    }
    assert poll(client) == NO_ACTIVITY
    method, response = invoke({**task, "taskToken": token})
    getattr(client, method)(**response)
    assert swf.types(execution)[5:] == ["LambdaFunctionStarted", "LambdaFunctionCompleted", "DecisionTaskScheduled"]
    completed = attributes(swf.history(execution)[6])
    assert json.loads(completed.pop("result")) == {"doubled": 8, "by": "double"}
    assert completed == {"scheduledEventId": 5, "startedEventId": 6}
    assert swf.describe(execution)["openCounts"]["openLambdaFunctions"] == 0


@pytest.mark.parametrize(
    ("name", "given", "error"),
    [
        ("fail", "3", ("ValueError", "xxx")),
        ("fail", "50000", ("ValueError", "x" * 25_000)),
        ("double", "{bad", ("JSONDecodeError", "unexpected")),
        ("double", None, ("TypeError", "'NoneType' object is not subscriptable")),
    ],
    ids=["short", "long", "bad JSON", "no input"],
)
def test_a_function_fails(swf: Swf, client: Checked, name: str, given: str | None, error: tuple[str, str]) -> None:
    execution = swf.start()
    swf.decide(function(name, **({} if given is None else {"input": given})))
    method, response = invoke(poll(client))
    getattr(client, method)(**response)
    failed = attributes(swf.history(execution)[-2])
    details = json.loads(failed["details"])
    assert failed["reason"] == "Unhandled" and len(failed["details"]) <= 32_768
    assert details["errorType"] == error[0] and details["errorMessage"].startswith(error[1])
    assert isinstance(details["stackTrace"], list)


def test_a_function_that_cannot_be_imported(swf: Swf, client: Checked) -> None:
    execution = swf.start()
    swf.decide(function("gone"))
    method, response = invoke(poll(client))
    getattr(client, method)(**response)
    failed = attributes(swf.history(execution)[-2])
    assert failed["reason"] == "cannot import no_such_module:function: No module named 'no_such_module'"
    assert json.loads(failed["details"])["errorType"] == "ModuleNotFoundError"


def test_an_unknown_function(swf: Swf, client: Checked) -> None:
    execution = swf.start()
    swf.decide(function("no"), function("double", "l-2", input="1"))
    assert poll(client)["id"] == "l-2"
    failed = next(event for event in swf.history(execution) if event["eventType"] == "LambdaFunctionFailed")
    assert attributes(failed) == {
        "reason": "ResourceNotFoundException",
        "details": "Function not found: no",
        "scheduledEventId": 5,
        "startedEventId": 7,
    }


@needs("clock")
def test_a_function_times_out(swf: Swf, client: Checked, refused: Refused) -> None:
    execution = swf.start()
    swf.decide(function(startToCloseTimeout="10"))
    swf.advance(1000)
    task = poll(client)
    assert task["startedEventId"], "the clock starts with it"
    swf.advance(10)
    assert swf.types(execution)[-2:] == ["LambdaFunctionTimedOut", "DecisionTaskScheduled"]
    timed_out = {"scheduledEventId": 5, "startedEventId": 6, "timeoutType": "START_TO_CLOSE"}
    assert attributes(swf.history(execution)[-2]) == timed_out
    for method in ("completed", "failed"):
        words = refused("UnknownResourceFault", f"respond_lambda_task_{method}", taskToken=task["taskToken"])
        assert words == "Unknown Lambda function, scheduledEventId = 5"


@pytest.mark.parametrize("seconds", ["0", "901", "NONE", "x"])
def test_timeouts_that_are_refused(swf: Swf, refused: Refused, seconds: str) -> None:
    swf.start()
    given = {"taskToken": swf.poll_decision()["taskToken"], "decisions": [function(startToCloseTimeout=seconds)]}
    words = refused("ValidationException", "respond_decision_task_completed", **given)
    assert "number of seconds from 1 to 900" in words


@needs("quotas", open_lambdas=5)
def test_functions_that_are_not_scheduled(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(function(), function(), *(function(id=f"x-{number}") for number in range(5)))
    assert swf.causes(execution) == [
        ("ScheduleLambdaFunctionFailed", "ID_ALREADY_IN_USE"),
        ("ScheduleLambdaFunctionFailed", "OPEN_LAMBDA_FUNCTIONS_LIMIT_EXCEEDED"),
    ]
    failed = next(event for event in swf.history(execution) if event["eventType"] == "ScheduleLambdaFunctionFailed")
    expected = {"cause": "ID_ALREADY_IN_USE", "id": "l-1", "name": "double", "decisionTaskCompletedEventId": 4}
    assert attributes(failed) == expected


def test_tokens_are_of_their_kind(swf: Swf, client: Checked, refused: Refused) -> None:
    swf.start()
    swf.decide(function(), swf.schedule())
    token, activity = poll(client)["taskToken"], swf.poll_activity()["taskToken"]
    for method, wrong in (("activity", token), ("lambda", activity), ("lambda", "junk")):
        assert refused("ValidationException", f"respond_{method}_task_completed", taskToken=wrong) == "Invalid token"
