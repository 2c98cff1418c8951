"""The codec: JSON text and back, errors with paths, errors on their way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simpleflow.exceptions import PayloadError, PayloadTooLarge
from simpleflow.futures import Future
from simpleflow.payload import codec, failures
from simpleflow.payload.codec import Codec

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=10,
)


@given(json_values)
def test_json_comes_back_as_it_went(value: Any) -> None:
    try:
        frozen = codec.freeze(value)
    except PayloadError as error:
        assert "surrogate" in str(error)
        return
    assert Codec().thaw(frozen) == value


@given(json_values)
def test_the_fingerprint_does_not_see_the_order_of_keys(value: Any) -> None:
    backwards = dict(reversed(value.items())) if isinstance(value, dict) else value
    one, two = json.dumps(value), json.dumps(backwards, indent=2)
    assert Codec().fingerprint(one) == Codec().fingerprint(two)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"items": [0, {"when": 1j}]}, "items[1].when is a complex"),
        ([float("nan")], "[0] is nan"),
        ({("a", "b"): 1}, "has the key ('a', 'b'), a tuple"),
        (["\ud800"], "[0] is text with a lone surrogate"),
        ({"a b": object()}, "['a b'] is an object"),
        ({"x": lambda: 0}, "x is a function"),
        ({"odd": [{"\udc80": 1}]}, "odd[0] has the key '\\udc80' with a lone surrogate"),
        ({"big": [10**4300 * 9]}, "big[0] is a number of more than 4,300 digits"),
        ({"deep": [{1: "a", "1": "b"}]}, "deep[0] has keys that are one and the same in JSON"),
    ],
)
def test_what_has_no_json_form_is_named_with_its_path(value: Any, path: str) -> None:
    with pytest.raises(PayloadError) as caught:
        codec.freeze(value, "the input")
    assert path in str(caught.value) and "\n" not in str(caught.value)


def test_futures_beside_what_is_looked_at_twice_are_counted_once() -> None:
    node: Any = object()
    template = codec.PLAIN.template([Future(None, node), None, Future(None, node)], "it")
    assert len(template.futures) == 2
    assert template.fill(["1", "2"]) == "[1,null,2]"


def test_what_contains_itself_is_named() -> None:
    value: list[Any] = [1]
    value.append(value)
    with pytest.raises(PayloadError, match=r"\[1\] contains itself"):
        codec.freeze(value)


def test_what_is_nested_too_deep_is_named() -> None:
    value: Any = 1
    for _ in range(100_000):
        value = [value]
    with pytest.raises(PayloadError, match="nested too deep"):
        codec.freeze(value)


def test_what_is_too_large_is_named_with_path_and_size() -> None:
    value = {"args": [1, {"small": 1, "big": "x" * 40_000}]}
    with pytest.raises(PayloadTooLarge, match=r"is 40,\d+ characters of JSON, most of it args\[1\].big \(40,002\)"):
        codec.freeze(value, "the input")


def test_keys_that_are_numbers_become_text() -> None:
    assert codec.freeze({1: "a", 2: 2**70}) == '{"1":"a","2":1180591620717411303424}'


def test_tuples_are_arrays() -> None:
    assert codec.freeze((1, (2,))) == "[1,[2]]"


@pytest.mark.parametrize(
    ("text", "json_text"),
    [
        (None, None),
        ("", None),
        ("2", "2"),
        ('{"a": 1}', '{"a": 1}'),
        ("plain words", '"plain words"'),
        ('{"x": NaN}', '"{\\"x\\": NaN}"'),
    ],
)
def test_foreign_results_become_json(text: str | None, json_text: str | None) -> None:
    assert codec.as_json(text) == json_text


@pytest.mark.parametrize(
    ("frozen", "call"),
    [
        (None, ([], {})),
        ('{"args":[1],"kwargs":{"t":2},"__extra":{}}', ([1], {"t": 2})),
        ("[1,2]", ([1, 2], {})),
        ("5", ([5], {})),
        ("words", (["words"], {})),
    ],
)
def test_calls_are_read_as_they_are_written_by_others(frozen: str | None, call: Any) -> None:
    assert Codec().thaw_call(frozen) == call


def test_a_failure_is_described_in_one_line_and_details() -> None:
    try:
        raise ValueError("nope\nmore")
    except ValueError as error:
        reason, details = failures.describe(error)
    assert reason == "ValueError: nope"
    found = json.loads(details)
    assert found["error"] == "ValueError" and found["message"] == "nope\nmore"
    assert "test_codec.py" in (failures.traceback_of(details) or "")


def deep(n: int) -> None:
    if n == 0:
        raise ValueError("x" * 100_000 + "\ud800")
    deep(n - 1)


def test_describing_never_fails_and_always_fits() -> None:
    class Nasty(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    errors: list[BaseException] = [Nasty(), ExceptionGroup("many", [ValueError("y" * 50_000) for _ in range(30)])]
    try:
        deep(500)
    except ValueError as error:
        error.__cause__ = error
        errors.append(error)
    for error in errors:
        reason, details = failures.describe(error)
        assert 0 < len(reason) <= 256 and len(details) <= 32_768
        json.loads(details)
        (reason + details).encode()
