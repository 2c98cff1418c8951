"""What the warm child makes of a task, without its process."""

from __future__ import annotations

import json
import sys
from types import ModuleType
from typing import Any

import pytest

from simpleflow.activity import with_attributes
from simpleflow.runtime import calling


@with_attributes()
def add(x: int, y: int = 1) -> int:
    return x + y


def plain(*values: Any) -> list[Any]:
    return list(values)


def fail() -> None:
    raise ValueError("first line\nsecond line")


def leave(code: Any) -> None:
    sys.exit(code)


def stop_iteration() -> None:
    raise KeyboardInterrupt


def give(what: str) -> Any:
    return {"object": {"rows": [1j]}, "large": ["x" * 40_000], "nan": float("nan"), "surrogate": "\ud800"}[what]


class Doubler:
    def __init__(self, x: int) -> None:
        self.x = x

    def execute(self) -> int:
        return 2 * self.x

    @staticmethod
    def twice(x: int) -> int:
        return 2 * x


NUMBER = 3


def run(name: str, *args: Any, **kwargs: Any) -> calling.Answer:
    text = json.dumps({"args": args, "kwargs": kwargs, "__simpleflow": {"attempt": 1}})
    return calling.run(f"{__name__}.{name}", text)


def test_an_activity_is_called_and_its_value_frozen() -> None:
    assert run("add", 1, y=41) == {"result": "42"}


def test_functions_that_are_not_decorated_and_classes_run_too() -> None:
    assert run("plain", 1, "é") == {"result": '[1,"é"]'}
    assert run("Doubler", 4) == {"result": "8"}
    assert run("Doubler.twice", 5) == {"result": "10"}


@pytest.mark.parametrize(
    ("text", "result"), [("[1,2]", "[1,2]"), ("7", "[7]"), (None, "[]"), ("no JSON", '["no JSON"]')]
)
def test_tasks_from_elsewhere(text: str | None, result: str) -> None:
    assert calling.run(f"{__name__}.plain", text) == {"result": result}


def test_a_failure_has_a_line_and_the_users_traceback() -> None:
    answer = run("fail")
    assert answer["reason"] == "ValueError: first line"
    details = json.loads(answer["details"])
    assert (details["error_type"], details["message"]) == ("ValueError", "first line\nsecond line")
    assert "in fail" in details["traceback"][1]
    assert not any("runtime/calling.py" in line for line in details["traceback"])
    assert "stale" not in answer


@pytest.mark.parametrize(
    ("name", "args", "reason"),
    [
        ("leave", [3], "SystemExit: the activity called sys.exit(3)"),
        ("leave", ["two\nlines"], r"SystemExit: the activity called sys.exit('two\nlines')"),
        ("stop_iteration", [], "KeyboardInterrupt"),
        (
            "give",
            ["object"],
            "PayloadError: the result cannot be encoded as JSON: rows[0] is a complex, which has no JSON form",
        ),
        (
            "give",
            ["nan"],
            "PayloadError: the result cannot be encoded as JSON: the value is nan, which JSON does not have",
        ),
        ("give", ["surrogate"], "PayloadError: the result cannot be encoded as JSON: the value is text with a lone"),
        (
            "give",
            ["large"],
            "PayloadTooLarge: the result is 40,004 characters of JSON, most of it [0] (40,002); Amazon",
        ),
        ("add", [], "TypeError: add() missing 1 required positional argument: 'x'"),
        ("add", [1, 2, 3], "TypeError: add() takes from 1 to 2 positional arguments but 3 were given"),
    ],
)
def test_reasons(name: str, args: list[Any], reason: str) -> None:
    answer = run(name, *args)
    assert answer["reason"].startswith(reason)
    assert len(answer["reason"]) <= 256 and "\n" not in answer["reason"]
    assert "stale" not in answer


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nowhere.at.all", "cannot import nowhere.at.all: No module named 'nowhere'"),
        ("json.nope.f", "cannot import json.nope.f: No module named 'json.nope'"),
        ("json.nope", "cannot import json.nope: module 'json' has no attribute 'nope'"),
        (f"{__name__}.Doubler.nope", f"cannot import {__name__}.Doubler.nope: No module named '{__name__}.Doubler'; "),
        (
            f"{__name__}.NUMBER",
            f"cannot import {__name__}.NUMBER: it is of type int, neither an activity nor a function",
        ),
        ("increment", "cannot import increment: an activity's name is module.function"),
        ("", "cannot import : an activity's name is module.function"),
        ("..f", "cannot import ..f: "),
    ],
)
def test_names_that_lead_nowhere(name: str, reason: str) -> None:
    answer = calling.run(name, None)
    assert answer["reason"].startswith(reason)
    assert answer["stale"] and json.loads(answer["details"])["traceback"]


def test_what_a_module_raises_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Finder:
        @staticmethod
        def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
            if name == "broken":
                raise ZeroDivisionError("by hand")
            if name == "leaving":
                raise SystemExit(1)
            if name == "needy":
                raise ModuleNotFoundError("No module named 'pandas'", name="pandas")
            return None

    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
    assert calling.run("broken.f", None)["reason"] == "cannot import broken.f: ZeroDivisionError: by hand"
    assert calling.run("leaving.f", None)["reason"] == "cannot import leaving.f: SystemExit: 1"
    assert calling.run("needy.sub.f", None)["reason"] == "cannot import needy.sub.f: No module named 'pandas'"


def test_a_module_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("once")
    module.f = lambda: 1  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "once", module)
    assert calling.run("once.f", None) == {"result": "1"}
    monkeypatch.delitem(sys.modules, "once")
    assert calling.run("once.f", None) == {"result": "1"}


def test_a_value_that_cannot_be_had_is_nobodys_fault() -> None:
    reference = f"simpleflow+file://{'0' * 64} 5"
    answer = run("add", {"__simpleflow_payload": reference})
    assert answer["reason"].startswith(f"payload-unreachable: the payload {reference} is in a store that")
    assert "SIMPLEFLOW_PAYLOAD_STORE" in answer["reason"]
