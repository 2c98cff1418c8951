"""Whatever travels comes back: values by the hints of who receives them, and errors whatever they are."""

from __future__ import annotations

import contextlib
import datetime as dt
import enum
import json
import pathlib
from dataclasses import make_dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from simpleflow.activity import Activity
from simpleflow.exceptions import PayloadError, TaskFailed
from simpleflow.futures import Future
from simpleflow.payload import failures
from simpleflow.payload.codec import Codec, freeze
from simpleflow.payload.hints import Wrong, decoder
from simpleflow.payload.revival import revived
from simpleflow.payload.store import Payloads
from simpleflow.task import ActivityTask


class Shade(enum.Enum):
    DARK = dt.date(2024, 1, 1)
    LIGHT = ("a", 1)
    NONE = "none"


class Flags(enum.Flag):
    A = 1
    B = 2
    C = 4


Typed = tuple[Any, st.SearchStrategy[Any]]
"""A hint, and the values that it says."""

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
ZONES = st.none() | st.integers(-1439, 1439).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)

KEYS: list[Typed] = [
    (str, TEXT),
    (int, st.integers()),
    (bool, st.booleans()),
    (dt.date, st.dates()),
    (UUID, st.uuids()),
    (Decimal, st.decimals(allow_nan=False)),
    (bytes, st.binary(max_size=8)),
    (dt.datetime, st.datetimes(timezones=ZONES).map(lambda when: when.replace(fold=0))),
    (dt.timedelta, st.timedeltas()),
    (Flags, st.integers(0, 7).map(Flags)),
]
LEAVES: list[Typed] = [
    *KEYS,
    (float, FLOATS),
    (dt.time, st.times(timezones=ZONES).map(lambda when: when.replace(fold=0))),
    (Shade, st.sampled_from(list(Shade))),
    (Literal[Shade.DARK, 3, "x"], st.sampled_from([Shade.DARK, 3, "x"])),
    (bytearray, st.binary(max_size=8).map(bytearray)),
    (pathlib.PurePosixPath, st.just(pathlib.PurePosixPath("/a/b c"))),
    (Any, st.none() | TEXT | st.lists(st.integers())),
]


def _lists(inner: Typed) -> Typed:
    return list[inner[0]], st.lists(inner[1], max_size=3)


def _optional(inner: Typed) -> Typed:
    return inner[0] | None if inner[0] is not Any else Any, st.none() | inner[1]


def _tuples(one: Typed, other: Typed) -> Typed:
    return tuple[one[0], other[0]], st.tuples(one[1], other[1])


def _sequence(inner: Typed) -> Typed:
    return tuple[inner[0], ...], st.lists(inner[1], max_size=3).map(tuple)


def _objects(key: Typed, inner: Typed) -> Typed:
    unique = st.dictionaries(key[1], inner[1], max_size=3).filter(_has_own_texts)
    return dict[key[0], inner[0]], unique


def _has_own_texts(value: dict[Any, Any]) -> bool:
    return len({freeze({key: 0}) for key in value}) == len(value)


def _records(one: Typed, other: Typed) -> Typed:
    kind = make_dataclass("Record", [("one", one[0]), ("other", Annotated[other[0], "noted"])], frozen=True)
    return kind, st.builds(kind, one[1], other[1])


def _named(one: Typed, other: Typed) -> Typed:
    kind: Any = NamedTuple("Named", [("one", one[0]), ("other", other[0])])
    return kind, st.builds(kind, one[1], other[1])


def _either(inner: Typed) -> Typed:
    """An array or an object: kinds that cannot be mixed up."""
    one, other = _lists(inner), _objects((str, TEXT), inner)
    return one[0] | other[0], one[1] | other[1]


leaves = st.sampled_from(LEAVES)
keys = st.sampled_from(KEYS)
hashable = keys.map(lambda inner: (frozenset[inner[0]], st.frozensets(inner[1], max_size=3)))
types = st.recursive(
    leaves | hashable,
    lambda inner: st.one_of(
        inner.map(_lists),
        inner.map(_optional),
        inner.map(_sequence),
        inner.map(_either),
        st.builds(_tuples, inner, inner),
        st.builds(_objects, keys, inner),
        st.builds(_records, inner, inner),
        st.builds(_named, inner, inner),
    ),
    max_leaves=5,
)


@given(types, st.data())
def test_a_value_comes_back_by_its_hint(typed: Typed, data: st.DataObject) -> None:
    hint, values = typed
    value = data.draw(values)
    text = freeze(value)
    decode = decoder(hint)
    found = json.loads(text) if decode is None else decode(json.loads(text))
    assert found == value and _kinds(found) == _kinds(value)
    assert freeze(found) == text


def _kinds(value: Any) -> Any:
    """The types of a value's parts: 1, 1.0 and True are equal, and not the same."""
    if isinstance(value, dict):
        return {type(value): [(key, _kinds(item)) for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return type(value), [_kinds(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return type(value), [_kinds(getattr(value, name)) for name in value.__dataclass_fields__]
    return type(value)


@given(types, st.data())
def test_a_value_comes_back_through_a_call_a_result_and_the_store(typed: Typed, data: st.DataObject) -> None:
    hint, values = typed
    value = data.draw(values)

    def function(one: Any, other: Any = None) -> Any: ...

    function.__annotations__ = {"one": hint, "other": hint, "return": hint}
    codec = Codec(max_length=data.draw(st.sampled_from([300, 32_768])), payloads=Payloads(["memory:"]))
    call = codec.template_call((value,), {"other": value}, "it").fill([])
    assert codec.thaw_call(call, function) == ([value], {"other": value})
    task = ActivityTask(Activity(function, name="f"))
    assert codec.thaw(codec.freeze(value, "it"), task) == value
    assert codec.fingerprint(call) == codec.fingerprint(codec.template_call((value,), {"other": value}, "it").fill([]))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | TEXT,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(TEXT, children, max_size=3),
    max_leaves=6,
)


@given(types, json_values)
def test_a_value_of_another_kind_is_taken_or_refused_in_words(typed: Typed, value: Any) -> None:
    decode = decoder(typed[0])
    try:
        if decode is not None:
            decode(value)
    except Wrong as wrong:
        assert wrong.worded("x").startswith("x")


@given(st.lists(json_values, max_size=4), st.integers(120, 400), st.data())
def test_values_in_holes_are_found_in_their_places(values: list[Any], length: int, data: st.DataObject) -> None:
    """What is handed on as a text or as a reference, at any depth, is the value for who reads it."""
    codec = Codec(max_length=length + 256, payloads=Payloads(["memory:"]))
    small = Codec(max_length=data.draw(st.integers(1, 50)), payloads=codec.payloads)
    node: Any = object()
    futures = [Future[Any](None, node) for _ in values]
    template = codec.template_call((futures, 1), {"last": {"deep": futures[-1:]}}, "it")
    call = template.fill([small.freeze(value, "it") for value in [*values, *values[-1:]]])
    assert len(call) <= length
    assert codec.thaw_call(call) == ([values, 1], {"last": {"deep": values[-1:]}})


# -- errors --------------------------------------------------------------------------------------------------------


class Odd(Exception):
    """Everything that is asked of it may raise."""

    def __init__(self, *args: Any, what: str = "") -> None:
        super().__init__(*args)
        self.what = what

    def __str__(self) -> str:
        if self.what == "str":
            raise ValueError
        return super().__str__()

    def __getattribute__(self, name: str) -> Any:
        if name == object.__getattribute__(self, "__dict__").get("what"):
            raise ValueError(name)
        return super().__getattribute__(name)


arguments = st.lists(json_values | st.binary() | st.builds(object) | st.text(), max_size=3)
plain_errors = st.builds(
    lambda kind, args: kind(*args),
    st.sampled_from(
        [ValueError, KeyError, OSError, RuntimeError, AssertionError, SystemExit, StopIteration, Exception]
    ),
    arguments,
)
odd_errors = st.builds(
    lambda args, what: Odd(*args, what=what),
    arguments,
    st.sampled_from(["", "str", "args", "__notes__", "__cause__", "__dict__", "__class__", "__suppress_context__"]),
)
errors = st.recursive(
    plain_errors | odd_errors,
    lambda inner: st.builds(
        lambda message, children: BaseExceptionGroup(message, children),
        st.text(),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=4,
)


places = st.integers(0, 3)
links = st.tuples(places, st.sampled_from(["__cause__", "__context__"]), places)


@given(st.lists(errors, min_size=1, max_size=4), st.lists(links, max_size=6), st.lists(st.text(), max_size=2))
def test_describing_and_reviving_never_raise(
    found: list[BaseException], linked: list[tuple[int, str, int]], notes: list[str]
) -> None:
    for one, link, other in linked:
        BaseException.__setattr__(found[one % len(found)], link, found[other % len(found)])
    for note in notes:
        with contextlib.suppress(ValueError):  # its notes are odd
            BaseException.add_note(found[0], note)
    reason, details = failures.describe(found[0])
    assert 0 < len(reason) <= 256 and len(details) <= 32_768
    (reason + details).encode()
    error = revived("t", reason, details)
    assert isinstance(error, TaskFailed) and (error.name, error.reason, error.details) == ("t", reason, details)
    assert str(error) == f"t: {reason}"
    again, more = failures.describe(error)
    assert isinstance(revived("u", again, more), TaskFailed)


@given(
    st.recursive(
        json_values,
        lambda inner: st.fixed_dictionaries(
            {},
            optional={
                "error_type": st.sampled_from(
                    ["ValueError", "OSError", "ExceptionGroup", "UnicodeDecodeError", "test_payloads.Odd"]
                ),
                "message": inner,
                "args": inner,
                "attributes": inner,
                "notes": inner,
                "traceback": inner,
                "chain": st.lists(inner, max_size=3),
                "children": st.lists(inner, max_size=3),
            },
        ),
        max_leaves=8,
    )
)
def test_whatever_stands_in_details_a_task_failed_comes_of_it(details: Any) -> None:
    text = json.dumps(details)
    error = revived("t", None, text)
    assert isinstance(error, TaskFailed) and error.details == text and str(error) == "t: None"


@given(st.text() | st.binary().map(repr))
def test_text_that_somebody_wrote_is_read_as_a_value_or_as_itself(text: str) -> None:
    try:
        Codec().read(text)
    except PayloadError:
        raise AssertionError("it is never refused") from None
