"""What is made of a Lambda task, without its process."""

from __future__ import annotations

import json
import sys
import time
from datetime import date
from typing import Any

import pytest

from simpleflow.payload.codec import Codec
from simpleflow.payload.store import Payloads
from simpleflow.protocol.faults import Fault
from simpleflow.runtime import lambdas
from simpleflow.runtime.lambdas import Context, invoke
from simpleflow.runtime.spec import Spec
from simpleflow.runtime.standalone import lambda_workers


class Handlers:
    @staticmethod
    def echo(event: Any, context: Context) -> Any:
        return event


def context_of(event: Any, context: Context) -> Any:
    left = context.get_remaining_time_in_millis()
    return [context.function_name, context.aws_request_id, 59_000 < left <= 60_000]


def give(event: str, context: Context) -> Any:
    return {"set": {"rows": [{1}]}, "nan": float("nan"), "large": "x" * 40_000, "nothing": None}[event]


class Odd(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def fail(event: Any, context: Context) -> None:
    errors: dict[str, BaseException] = {
        "plain": ValueError("first\nsecond"),
        "odd": Odd(),
        "surrogate": ValueError("\ud800"),
        "exit": SystemExit(3),
        "interrupt": KeyboardInterrupt(),
    }
    raise errors[event] if event in errors else ValueError(event)


NUMBER = 3


def run(function: str, event: Any = None) -> dict[str, Any]:
    return lambdas.run(task(function, input=json.dumps(event)))


def task(function: str, **more: str) -> dict[str, Any]:
    name = function if ":" in function else f"{__name__}:{function}"
    return {"taskToken": "t", "name": "named", "function": name, "startToCloseTimeout": "60", **more}


def test_json_in_and_json_out() -> None:
    assert run("Handlers.echo", {"é": [1, None]}) == {"result": '{"é":[1,null]}'}
    assert lambdas.run(task("Handlers.echo")) == {"result": "null"}
    assert run("give", "nothing") == {"result": "null"}
    assert run("context_of") == {"result": '["named","t",true]'}


def typed(event: date, context: Context) -> Any:
    return [event, type(event).__name__]


def test_the_input_is_what_amazon_would_give_whatever_the_hints() -> None:
    assert run("typed", "2024-02-29") == {"result": '["2024-02-29","str"]'}


def test_large_values_travel_by_reference() -> None:
    codec = Codec(payloads=Payloads(["memory:"]))
    large = {"rows": ["x" * 40_000]}
    reference = codec.freeze(large, "it")
    assert reference.startswith("simpleflow+memory://")
    given = json.dumps({"deep": [{"__simpleflow_payload": reference}]})
    for text, value in ((reference, large), (given, {"deep": [large]})):
        answer = lambdas.run(task("Handlers.echo", input=text), codec)
        assert answer["result"].startswith("simpleflow+memory://") and codec.load(answer["result"]) == value
    assert invoke(task("give", input=codec.freeze("nothing", "it")), codec)[1]["result"] == "null"


def test_a_value_that_cannot_be_had_is_not_the_functions_fault() -> None:
    reference = f"simpleflow+file://{'0' * 64} 5"
    answer = lambdas.run(task("Handlers.echo", input=reference))
    assert answer["reason"].startswith(f"payload-unreachable: the payload {reference} is in a store that")
    assert "stale" not in answer


def test_what_answers_a_task() -> None:
    assert invoke(task("Handlers.echo", input="1")) == (
        "respond_lambda_task_completed",
        {"taskToken": "t", "result": "1"},
    )
    method, given = invoke(task("nowhere:f"))
    assert method == "respond_lambda_task_failed"
    assert set(given) == {"taskToken", "reason", "details"}


@pytest.mark.parametrize(
    ("function", "event", "kind", "message"),
    [
        ("fail", "plain", "ValueError", "first\nsecond"),
        ("fail", "odd", "Odd", "<its message cannot be shown: RuntimeError>"),
        ("fail", "surrogate", "ValueError", "\\ud800"),
        ("fail", "exit", "SystemExit", "the function called sys.exit(3)"),
        ("fail", "interrupt", "KeyboardInterrupt", ""),
        ("give", "set", "PayloadError", "the result cannot be encoded as JSON: rows[0] is a set"),
        ("give", "nan", "PayloadError", "the result cannot be encoded as JSON: the value is nan"),
        ("give", "large", "PayloadTooLarge", "the result is 40,002 characters of JSON"),
    ],
)
def test_failures(function: str, event: str, kind: str, message: str) -> None:
    answer = run(function, event)
    assert answer["reason"] == "Unhandled" and "stale" not in answer
    details = json.loads(answer["details"])
    assert details["errorType"] == kind and details["errorMessage"].startswith(message)
    assert not any("runtime/lambdas.py" in line for line in details["stackTrace"])
    if function == "fail":
        assert "in fail" in details["stackTrace"][0]


def test_details_fit() -> None:
    answer = run("fail", "é" * 100_000)
    assert len(answer["details"]) <= 32_768
    assert json.loads(answer["details"])["errorMessage"].startswith("é" * 20_000)


def test_a_function_that_fails_at_any_length_of_its_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    def deep(event: Any, context: Context) -> None:
        def down(n: int) -> None:
            if n == 0:
                raise ValueError("at the bottom")
            down(n - 1)

        down(900)

    monkeypatch.setattr(sys.modules[__name__], "deep", deep, raising=False)
    details = json.loads(run("deep")["details"])
    assert details["errorMessage"] == "at the bottom" and "at the bottom" in details["stackTrace"][-1]


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("nowhere:f", "cannot import nowhere:f: No module named 'nowhere'"),
        ("json:nope", "cannot import json:nope: module 'json' has no attribute 'nope'"),
        ("json:", "cannot import json:: "),
        ("NUMBER", f"cannot import {__name__}:NUMBER: it is of type int, no function"),
    ],
)
def test_names_that_lead_nowhere(function: str, reason: str) -> None:
    answer = run(function)
    assert answer["reason"].startswith(reason)
    assert answer["stale"], "only a new process sees the correction"
    assert json.loads(answer["details"])["errorType"] in ("ModuleNotFoundError", "AttributeError", "ImportError")


def test_the_time_that_is_left() -> None:
    assert Context("f", "t", time.time() - 5).get_remaining_time_in_millis() == 0


class Told:
    """A client that answers what it is told to."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def list_lambda_functions(self) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"functions": self.answer}


@pytest.mark.parametrize(
    ("answer", "named", "workers"),
    [
        ([], {}, 0),
        ([], {"f": "m:f"}, 3),
        ([{"name": "f", "function": "m:f"}], {}, 3),
        (Fault("UnknownOperationException", "another server"), {}, 0),
        (Fault("501", "another server"), {}, 0),
    ],
)
def test_workers_are_for_engines_with_functions(answer: Any, named: dict[str, str], workers: int) -> None:
    client: Any = Told(answer)
    specs = lambda_workers(client, Spec("lambda-worker", "url", "D", lambdas=named), 3)
    assert len(specs) == workers
    for spec in specs:
        assert (spec.role, spec.task_list, spec.lambdas) == ("lambda-worker", "", named)
        assert type(spec).from_json(spec.to_json()) == spec
        assert str(spec) == "lambda-worker of D"


def test_an_engine_that_cannot_be_reached_is_no_engine_without_functions() -> None:
    client: Any = Told(ConnectionError("refused"))
    with pytest.raises(ConnectionError):
        lambda_workers(client, Spec("lambda-worker", "url", "D"), 3)
