"""What stands around the call of an activity: its context, its middlewares, its programs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from simpleflow.activity import Activity, with_attributes
from simpleflow.exceptions import ExecutionError
from simpleflow.payload.codec import Codec
from simpleflow.payload.store import Payloads
from simpleflow.runtime import calling

CONTEXT = {
    "name": "n",
    "version": "1",
    "workflow_id": "w",
    "run_id": "r",
    "activity_id": "a-1",
    "domain_name": "d",
    "activity_task_list": "l",
}
calls: list[Any] = []


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    calls.clear()


@with_attributes()
def told() -> Any:
    return told.context


@with_attributes()
def given(x: int, context: Any = None) -> Any:
    return [x, context and context["activity_id"]]


given.callable.add_context_in_kwargs = True  # type: ignore[attr-defined]


def own(context: int) -> int:
    return context


class Task:
    context: Any = None

    def execute(self) -> Any:
        return self.context["activity_id"]


class Slotted:
    __slots__ = ()

    def execute(self) -> str:
        return "done"


def before(context: dict[str, Any]) -> None:
    calls.append(("before", context["activity_id"]))
    context["seen"] = True


def after(context: dict[str, Any], result: Any) -> None:
    calls.append(("after", context["seen"], result))


def breaks(context: dict[str, Any]) -> None:
    raise ValueError("by a middleware")


def work(x: int) -> int:
    calls.append(("work", x))
    return 2 * x


def out_of_process() -> None:
    raise ExecutionError('{"error":"KeyError","traceback":["theirs"]}', "KeyError: 'x'")


def died() -> None:
    raise ExecutionError("", "Command ['python'] died with <Signals.SIGKILL: 9>.")


def run(name: str, *args: Any, **kwargs: Any) -> calling.Answer:
    return calling.run(f"{__name__}.{name}", json.dumps({"args": args, "kwargs": kwargs}), CONTEXT)


def result(name: str, *args: Any, **kwargs: Any) -> Any:
    answer = run(name, *args, **kwargs)
    assert "result" in answer, answer
    return json.loads(answer["result"])


def test_a_task_as_the_engine_gives_it() -> None:
    task = {
        "taskToken": "t",
        "activityId": "a-1",
        "startedEventId": 7,
        "activityType": {"name": "n", "version": "1"},
        "workflowExecution": {"workflowId": "w", "runId": "r"},
    }
    assert calling.context_of(task, "d", "l") == CONTEXT


def test_where_activities_find_their_context() -> None:
    assert result("told") == {**CONTEXT, "input": '{"args": [], "kwargs": {}}'}
    assert told.context is not None and told.context["workflow_id"] == "w"
    assert Activity(len).context is None
    assert result("Task") == "a-1"
    assert result("given", 1) == [1, "a-1"]
    assert result("Slotted") == "done"
    assert calling.run("builtins.len", '[["x"]]', CONTEXT) == {"result": "1"}
    assert given(1) == [1, None], "a call is the function's"
    arguments: dict[str, Any] = {}
    given.work([1], arguments, CONTEXT)
    assert arguments == {}


def test_an_argument_of_that_name_is_the_functions() -> None:
    assert result("own", context=5) == 5


def test_middlewares() -> None:
    names = {"pre": [f"{__name__}.before"], "post": [f"{__name__}.after", f"{__name__}.after"]}
    assert result("work", 4, simpleflow_middlewares=names) == 8
    assert calls == [("before", "a-1"), ("work", 4), ("after", True, 8), ("after", True, 8)]
    calls.clear()
    assert result("work", 4, simpleflow_middlewares=None) == 8 == result("work", x=4, simpleflow_middlewares={})


def test_a_middleware_that_raises_fails_the_task() -> None:
    name = f"{__name__}.breaks"
    assert run("work", 1, simpleflow_middlewares={"pre": [name]})["reason"] == "ValueError: by a middleware"
    assert calls == []
    answer = run("work", 1, simpleflow_middlewares={"post": [name]})
    assert answer["reason"].startswith("TypeError: breaks() got an unexpected keyword argument 'result'")
    assert calls == [("work", 1)]


@pytest.mark.parametrize("when", ["pre", "post"])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nowhere.at.all", "cannot import the middleware nowhere.at.all: No module named 'nowhere'"),
        ("json.nope", "cannot import the middleware json.nope: module 'json' has no attribute 'nope'"),
        ("plain", "cannot import the middleware plain: an activity's name is module.function"),
    ],
)
def test_a_middleware_that_cannot_be_imported_fails_the_task_before_it_runs(
    when: str, name: str, reason: str
) -> None:
    answer = run("work", 1, simpleflow_middlewares={when: [name]})
    assert answer["reason"] == reason and answer["stale"] and calls == []


@pytest.mark.parametrize("named", [["a.b"], {"before": ["a.b"]}, "a.b", {"pre": "a.b"}, {"pre": [1]}])
def test_middlewares_that_are_named_wrong(named: Any) -> None:
    answer = run("work", 1, simpleflow_middlewares=named)
    assert answer["reason"].startswith('TypeError: simpleflow_middlewares takes {"pre": [names], "post": [names]}, not')
    assert calls == []


def test_programs_are_on_the_path_while_the_task_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/own")
    monkeypatch.setattr(calling, "download_binaries", lambda wanted: os.environ.update(PATH=f"{wanted['p']}:/own"))

    def path() -> str:
        return os.environ["PATH"]

    activity = Activity(path)
    assert calling.call(activity, '{"args":[],"meta":{"binaries":{"p":"/tmp/p"}}}') == {"result": '"/tmp/p:/own"'}
    assert os.environ["PATH"] == "/own"
    for text in ("[]", "{}", '{"meta":{}}', '{"meta":{"binaries":{}}}', '{"meta":"binaries"}', '["\\"binaries\\""]'):
        calling.call(activity, text)
        assert os.environ["PATH"] == "/own"


def test_a_call_that_is_a_reference_names_programs_and_middlewares_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/own")
    monkeypatch.setattr(calling, "download_binaries", lambda wanted: os.environ.update(PATH=f"{wanted['p']}:/own"))

    def path(x: date) -> Any:
        return [os.environ["PATH"], type(x) is date]

    codec = Codec(payloads=Payloads(["memory:"]))
    names = {"pre": [f"{__name__}.before"], "post": [f"{__name__}.after"]}
    told = {"args": ["2024-02-29"], "kwargs": {"simpleflow_middlewares": names}, "meta": {"binaries": {"p": "/tmp/p"}}}
    call = codec.payloads.put(json.dumps({"args": told["args"], "kwargs": told["kwargs"]}))
    for text in (
        codec.payloads.put(json.dumps(told)),  # as simpleflow 0.x writes it
        json.dumps({"__simpleflow_payload": call, "meta": told["meta"]}),
    ):
        answer = calling.call(Activity(path), text, CONTEXT, codec)
        assert answer == {"result": '["/tmp/p:/own",true]'} and os.environ["PATH"] == "/own"
        assert calls == [("before", "a-1"), ("after", True, ["/tmp/p:/own", True])]
        calls.clear()


def test_middlewares_are_no_argument_that_a_hint_is_for() -> None:
    def sums(**days: date) -> Any:
        return {name: type(day) is date for name, day in days.items()}

    text = json.dumps({"kwargs": {"a": "2024-02-29", "simpleflow_middlewares": {"pre": [f"{__name__}.before"]}}})
    assert calling.call(Activity(sums), text, CONTEXT) == {"result": '{"a":true}'}
    assert calls == [("before", "a-1")]


def test_programs_that_cannot_be_downloaded_fail_the_task() -> None:
    text = '{"args":[1],"meta":{"binaries":{"p":"ftp://example.com/p"}}}'
    answer = calling.call(Activity(work), text)
    assert answer["reason"].startswith("NotImplementedError: ftp://example.com/p: programs lie at") and not calls


def test_a_failure_in_a_process_of_its_own_is_told_as_it_was_there() -> None:
    answer = run("out_of_process")
    assert answer == {"reason": "KeyError: 'x'", "details": '{"error":"KeyError","traceback":["theirs"]}'}
    answer = run("died")
    assert answer["reason"] == "ExecutionError: Command ['python'] died with <Signals.SIGKILL: 9>."
    assert json.loads(answer["details"])["error"] == "ExecutionError"
