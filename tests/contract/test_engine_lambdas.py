"""Lambda functions on the embedded engine: what its settings, and the response that polls, make of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from simpleflow.clients.boto import AmazonClient
from simpleflow.engine import Configuration, Engine, VirtualClock
from simpleflow.protocol.history import attributes
from simpleflow.runtime.lambdas import invoke
from simpleflow.testing.contract.checked import DOMAIN
from simpleflow.testing.contract.lambdas import FUNCTIONS
from simpleflow.testing.contract.swf import NO_ACTIVITY, Swf


@pytest.fixture
def lambda_engine(request: pytest.FixtureRequest, clock: VirtualClock) -> Iterator[Any]:
    given = getattr(request, "param", {})
    configuration = Configuration(lambdas=FUNCTIONS, **given)
    with Engine(None, clock=clock, long_poll_seconds=0, configuration=configuration) as engine:
        yield engine


@pytest.fixture
def swf(lambda_engine: Any) -> Swf:
    return Swf(lambda_engine)


def function(name: str = "double", id: str = "l-1", **given: Any) -> dict[str, Any]:
    return Swf.decision("ScheduleLambdaFunction", id=id, name=name, **given)


def poll(engine: Any) -> Any:
    return engine.poll_for_lambda_task(domain=DOMAIN)


def test_respond_and_poll(swf: Swf, lambda_engine: Any) -> None:
    swf.start()
    swf.decide(function(input='{"n": 4}'), function(id="l-2", input='{"n": 5}'))
    work = ("poll_for_lambda_task", {"domain": DOMAIN})
    second = lambda_engine.respond_and_poll(invoke(poll(lambda_engine)), work)
    assert (second["id"], second["input"]) == ("l-2", '{"n": 5}')
    assert lambda_engine.respond_and_poll(invoke(second), work) == NO_ACTIVITY


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


def test_the_functions_of_an_engine(lambda_engine: Any) -> None:
    named = [{"name": name, "function": FUNCTIONS[name]} for name in ("double", "fail", "gone")]
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
