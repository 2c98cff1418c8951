"""Values that JSON does not have: the text that stands for them, and what type hints make of it again."""

from __future__ import annotations

import functools
import json
import logging
import pathlib
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import InitVar, dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag, IntEnum, StrEnum
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Optional,
    Required,
    TypedDict,
    TypeVar,
    Union,
)
from uuid import UUID

import pydantic
import pytest

from simpleflow import futures
from simpleflow.exceptions import PayloadError
from simpleflow.payload import encoding, signatures
from simpleflow.payload.codec import Codec, freeze
from simpleflow.payload.hints import Wrong, decoder
from simpleflow.task import ActivityTask

if TYPE_CHECKING:
    from nowhere import Nothing

T = TypeVar("T")
Day = NewType("Day", date)
Pair = namedtuple("Pair", "left right")


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Size(IntEnum):
    SMALL = 1
    LARGE = 2


class Unit(StrEnum):
    METRE = "m"


class Rights(Flag):
    READ = 1
    WRITE = 2


class Range(Enum):
    WEEK = (date(2024, 1, 1), date(2024, 1, 7))
    NEVER = None


class Point(NamedTuple):
    x: Decimal
    when: date | None = None


@dataclass(frozen=True)
class Item:
    name: str
    price: Decimal


@dataclass
class Order:
    when: datetime
    items: list[Item]
    colour: Colour = Colour.RED
    parent: Order | None = None
    total: Decimal = field(init=False, default=Decimal(0))


@dataclass(frozen=True)
class Counted:
    x: int


@dataclass(frozen=True)
class Worded:
    x: str


@dataclass
class Page(Generic[T]):
    content: T
    rest: list[T]


@dataclass
class Doubled:
    x: int
    factor: InitVar[int]

    def __post_init__(self, factor: int) -> None:
        self.x *= factor


class Film(TypedDict, total=False):
    title: Required[str]
    day: date


class Loose(TypedDict):
    title: str
    day: NotRequired[date]


class Model(pydantic.BaseModel):
    when: datetime
    price: Decimal = pydantic.Field(alias="cost")


NOON = datetime(2024, 2, 29, 12, 30, 15, 250_000, tzinfo=timezone(timedelta(hours=5, minutes=30)))
ORDER = Order(NOON, [Item("a", Decimal("1.50"))], Colour.BLUE, Order(NOON, []))


@pytest.mark.parametrize(
    ("value", "hint", "text"),
    [
        (NOON, datetime, '"2024-02-29T12:30:15.250000+05:30"'),
        (datetime(2024, 1, 1), datetime, '"2024-01-01T00:00:00"'),
        (date(2024, 2, 29), date, '"2024-02-29"'),
        (time(1, 2, 3, tzinfo=UTC), time, '"01:02:03+00:00"'),
        (timedelta(days=1, hours=2, minutes=3, seconds=4, microseconds=500_000), timedelta, '"P1DT2H3M4.5S"'),
        (timedelta(microseconds=-1), timedelta, '"-PT0.000001S"'),
        (timedelta(0), timedelta, '"P0D"'),
        (timedelta(days=30), timedelta, '"P30D"'),
        (Decimal("1.50"), Decimal, '"1.50"'),
        (UUID(int=5), UUID, '"00000000-0000-0000-0000-000000000005"'),
        (b"\xff\x00", bytes, '"/wA="'),
        (bytearray(b"a"), bytearray, '"YQ=="'),
        (memoryview(b"a"), memoryview, '"YQ=="'),
        (pathlib.PurePosixPath("/a/b"), pathlib.PurePosixPath, '"/a/b"'),
        ({3, 1, 20}, set[int], "[1,3,20]"),
        (frozenset({"b", "a"}), frozenset[str], '["a","b"]'),
        ({Decimal("2"), Decimal("1")}, set[Decimal], '["1","2"]'),
        ({frozenset({1}), frozenset()}, AbstractSet[frozenset[int]], "[[1],[]]"),
        ({1, "a", None}, set[Any], '["a",1,null]'),
        (Colour.RED, Colour, '"red"'),
        (Size.LARGE, Size, "2"),
        (Unit.METRE, Unit, '"m"'),
        (Rights.READ | Rights.WRITE, Rights, "3"),
        (Range.WEEK, Range, '["2024-01-01","2024-01-07"]'),
        (Range.NEVER, Range, "null"),
        ((1, date(2024, 1, 1)), tuple[int, date], '[1,"2024-01-01"]'),
        ((Decimal(1), Decimal(2)), tuple[Decimal, ...], '["1","2"]'),
        ((1, 2), tuple, "[1,2]"),
        ((), tuple[()], "[]"),
        (Point(Decimal(1)), Point, '["1",null]'),
        (Pair(1, [2]), Pair, "[1,[2]]"),
        (ORDER, Order, None),
        (Page(date(2024, 1, 1), [date(2024, 1, 2)]), Page[date], None),
        (Page([Decimal(1)], []), Page[list[Decimal]], None),
        ({"title": "t", "day": date(2024, 1, 1)}, Film, '{"title":"t","day":"2024-01-01"}'),
        ({"title": "t"}, Film, None),
        ({"title": "t"}, Loose, None),
        (Model(when=NOON, cost=Decimal("1.5")), Model, '{"when":"2024-02-29T12:30:15.250000+05:30","cost":"1.5"}'),
        ([Model(when=NOON, cost=Decimal(1))], list[Model], None),
        ({"a": {1: [b"x"]}}, dict[str, dict[int, list[bytes]]], '{"a":{"1":["eA=="]}}'),
        ({date(2024, 1, 1): 1, date(2024, 1, 2): 2}, Mapping[date, int], '{"2024-01-01":1,"2024-01-02":2}'),
        ({Colour.RED: Decimal(1)}, dict[Colour, Decimal], '{"red":"1"}'),
        ({Size.SMALL: 1, Size.LARGE: 2}, dict[Size, int], '{"1":1,"2":2}'),
        ({True: 1, False: 0}, dict[bool, int], '{"true":1,"false":0}'),
        ({1.5: 1}, dict[float, int], '{"1.5":1}'),
        ({UUID(int=1): None}, dict[UUID, None], None),
        ({b"k": 1}, dict[bytes, int], '{"aw==":1}'),
        ({pathlib.PurePosixPath("/a"): 1}, dict[pathlib.PurePosixPath, int], '{"/a":1}'),
        ({1: "a"}, dict[Literal[1, 2], str], '{"1":"a"}'),
        (None, Optional[date], "null"),  # noqa: UP045
        (date(2024, 1, 1), date | None, None),
        (Decimal(1), Union[int, Decimal], None),  # noqa: UP007
        (5, Union[int, Decimal], None),  # noqa: UP007
        ("abc", date | str, None),
        ([date(2024, 1, 1)], list[date] | dict[str, date], None),
        ({"a": date(2024, 1, 1)}, list[date] | dict[str, date], None),
        ([1, 2], list[int] | list[Decimal], None),
        ([Decimal(1)], list[int] | list[Decimal], None),
        (Item("a", Decimal(1)), Order | Item, None),
        (Worded("abc"), Counted | Worded, None),
        ([Worded("abc")], list[Counted] | list[Worded], None),
        (date(2024, 1, 1), Annotated[date, "a day"], None),
        ([date(2024, 1, 1)], list[Annotated[date, 1]], None),
        (date(2024, 1, 1), Day, None),
        (Colour.RED, Literal[Colour.RED, "other"], '"red"'),
        ("other", Literal[Colour.RED, "other"], None),
        ([Decimal(1)], Sequence[Decimal], None),
        ({"x": NOON}, dict[str, Any], None),
        (5, "not a hint at all", "5"),
        (5, Callable[[], int], "5"),
        (5, T, "5"),
    ],
)
def test_a_value_comes_back_by_its_hint(value: Any, hint: Any, text: str | None) -> None:
    frozen = freeze(value)
    if text is not None:
        assert frozen == text
    decode = decoder(hint)
    found = json.loads(frozen) if decode is None else decode(json.loads(frozen))
    if hint == dict[str, Any]:
        assert found == {"x": NOON.isoformat()}
        return
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    "hint",
    [
        *(int, str, float, bool, None, Any, object, list, dict, T),
        *(list[int], dict[str, list[str]], int | str | None, Sequence[Any], list[dict[str, Any]]),
        *(Annotated[int, 3], NewType("N", str), Optional[int], Callable[[], date]),  # noqa: UP045
    ],
    ids=repr,
)
def test_what_json_has_needs_no_work(hint: Any) -> None:
    assert decoder(hint) is None


@pytest.mark.parametrize(
    ("value", "hint", "message"),
    [
        ("abc", date, "x is not a date (YYYY-MM-DD): 'abc'"),
        (5, date, "x is not a date (YYYY-MM-DD): 5"),
        ("2024-13-01T00:00", datetime, "x is not a datetime (ISO 8601): '2024-13-01T00:00'"),
        ("P", timedelta, "x is not a timedelta"),
        ("P1DT", timedelta, "x is not a timedelta"),
        (True, Decimal, "x is not a Decimal: True"),
        ("1,5", Decimal, "x is not a Decimal: '1,5'"),
        ("?", bytes, "x is not bytes (base64)"),
        ("green", Colour, "x is not a value of Colour: 'green'"),
        (["2024-01-01", "x"], list[date], "x[1] is not a date"),
        ({"a": {"b c": ["x"]}}, dict[str, dict[str, list[date]]], "x.a['b c'][0] is not a date"),
        ({"a": 1}, list[date], "x is not an array: {'a': 1}"),
        ([], dict[str, date], "x is not an object: []"),
        ({"x": 1}, dict[int, str], "x.x is not int keys: 'x'"),
        ([1], tuple[int, date], "x is not an array of 2: [1]"),
        ([[1]], set[Any], "x is not what a set can hold: [[1]]"),
        ({"name": "a"}, Item, "x is not an object of Item (TypeError: "),
        ({"name": "a", "prise": "1"}, Item, "x is not an object of Item (which has no field 'prise')"),
        ([], Item, "x is not an object of Item: []"),
        ({"when": "2024-01-01", "items": [{"name": "a", "price": "y"}]}, Order, "x.items[0].price is not a Decimal"),
        (["1", "y"], Point, "x[1] is not a date"),
        (["1", "2", "3"], Point, "x is not an array of Point (x, when)"),
        ({"day": "2024-01-01"}, Film, "x is not an object of Film (with title)"),
        ({"title": "t", "day": 3}, Film, "x.day is not a date (YYYY-MM-DD): 3"),
        ({"when": "x", "cost": 1}, Model, "x is not a Model (1 validation error for Model when"),
        ("c", Literal["a", 3], """x is not one of "a", 3: 'c'"""),
        (True, Literal[1], "x is not one of 1: True"),
        ("abc", date | Decimal, "x is not date or Decimal: 'abc'"),
        ({"x": 1}, Doubled, "x is not an object of Doubled (TypeError: "),
        ("z" * 500, date, "x is not a date (YYYY-MM-DD): 'zzz"),
    ],
    ids=repr,
)
def test_a_wrong_value_is_named(value: Any, hint: Any, message: str) -> None:
    decode = decoder(hint)
    assert decode is not None
    with pytest.raises(Wrong) as caught:
        decode(value)
    worded = caught.value.worded("x")
    assert worded.startswith(message) and "\n" not in worded and len(worded) < 400


@pytest.mark.parametrize(
    "hint", [date, Decimal, list[date], dict[str, date], Item, Point, Film, Model, Colour, set, tuple], ids=repr
)
def test_null_is_none_whatever_the_hint(hint: Any) -> None:
    decode = decoder(hint)
    assert decode is not None and decode(None) is None


@pytest.mark.parametrize(
    ("value", "hint", "found"),
    [
        (1.5, Decimal, Decimal("1.5")),
        (10**30, Decimal, Decimal(10**30)),
        (90, timedelta, timedelta(seconds=90)),
        ("P2W", timedelta, timedelta(weeks=2)),
        ("PT1.5S", timedelta, timedelta(seconds=1.5)),
        ("2024-01-01T00:00:00Z", datetime, datetime(2024, 1, 1, tzinfo=UTC)),
        ({"title": "t", "other": 1}, Film, {"title": "t", "other": 1}),
        ({"when": "2024-01-01", "items": [], "total": "3"}, Order, "total"),
    ],
    ids=repr,
)
def test_what_people_write_by_hand_is_taken(value: Any, hint: Any, found: Any) -> None:
    decode = decoder(hint)
    assert decode is not None
    if found == "total":
        assert decode(value).total == Decimal(3)  # a field that __init__ does not take
    else:
        assert decode(value) == found


# -- what has no JSON form -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": ORDER, "b": [Item("x", 1j)]}, "b[0].price is a complex, which has no JSON form"),  # type: ignore[arg-type]
        ({"a": {Item("x", float("nan"))}}, "a[...].price is nan"),  # type: ignore[arg-type]
        ([Enum("E", {"A": object()}).A], "[0] is an object, which has no JSON form"),  # type: ignore[attr-defined]
        ({Item("x", Decimal(1)): 1}, "has the key Item(name='x', price=Decimal('1')), a Item: keys are text"),
        ({date(2024, 1, 1): 1, "2024-01-01": 2}, "has keys that are one and the same in JSON"),
        ([Point(Decimal(1), object())], "[0][1] is an object"),  # type: ignore[arg-type]
        ([Point({1: 1, "1": 2})], "[0][0] has keys that are one and the same in JSON"),  # type: ignore[arg-type]
        ({float("nan"): 1}, "has the key nan, a float: keys are text"),
        ({"x": {futures.Future()}}, "x is a set with a future in it: make it a list"),
        ([Model.model_construct(when=object())], "[0] is a test_hints.Model, which cannot be encoded (PydanticSerial"),
        (Item, "the value is a type, which has no JSON form"),
    ],
)
def test_what_cannot_be_encoded_is_named(value: Any, message: str) -> None:
    with pytest.raises(PayloadError) as caught:
        Codec().template(value, "it")
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_future_travels_with_a_program_only() -> None:
    with pytest.raises(PayloadError, match="the value holds a future"):
        freeze({"a": [futures.Future()]})


def test_keys_that_are_text_after_all_do_not_lose_futures() -> None:
    node: Any = object()
    first, second = futures.Future[Any](None, node), futures.Future[Any](None, node)
    template = Codec().template({"a": first, date(2024, 1, 1): [second, first]}, "it")
    assert template.futures == (first, second, first)
    assert template.fill(["1", "2", "3"]) == '{"a":1,"2024-01-01":[2,3]}'


def test_a_generator_is_read_once_and_its_own_error_is_its_own() -> None:
    def numbers() -> Iterator[Any]:
        yield from (1, {date(2024, 1, 1): 2})

    assert freeze([numbers(), "x"]) == '[[1,{"2024-01-01":2}],"x"]'

    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("mine")

    with pytest.raises(ValueError, match=r"^mine$"):
        freeze({"rows": broken()})


def test_deep_nesting_is_no_trouble_until_it_is() -> None:
    value: Any = {date(2024, 1, 1): 1}
    for _ in range(400):
        value = [value]
    assert freeze(value).count("[") == 400


def test_sets_are_the_same_text_in_every_process() -> None:
    assert encoding.text_of({"b", "a", "c"}) == '["a","b","c"]'
    assert encoding.text_of({(2, "b"), (1, "a")}) == '[[1,"a"],[2,"b"]]'


# -- functions -----------------------------------------------------------------------------------------------------


def decoded(function: Any, *args: Any, **kwargs: Any) -> Any:
    return Codec().thaw_call(json.dumps({"args": args, "kwargs": kwargs}), function)


DAY = date(2024, 1, 1)
TEXT = "2024-01-01"


def test_arguments_are_decoded_by_position_and_by_name() -> None:
    def function(a: date, /, b: int, c: date = DAY, *rest: date, d: date | None = None, **others: date) -> None: ...

    assert decoded(function, TEXT, TEXT, TEXT, TEXT) == ([DAY, TEXT, DAY, DAY], {})
    named = {"c": DAY, "d": None, "e": DAY, "b": TEXT}
    assert decoded(function, TEXT, c=TEXT, d=None, e=TEXT, b=TEXT) == ([DAY], named)
    with pytest.raises(PayloadError, match=r"^in the call of .*function the parameter c is not a date .*: 'abc'$"):
        decoded(function, TEXT, 1, "abc")
    with pytest.raises(PayloadError, match="the parameter e is not a date"):
        decoded(function, TEXT, 1, e=1)


def test_too_many_arguments_are_the_functions_to_refuse() -> None:
    def function(a: date) -> None: ...

    assert decoded(function, TEXT, 5, x=6) == ([DAY, 5], {"x": 6})


def test_methods_classes_partials_and_callables() -> None:
    class Thing:
        def __init__(self, day: date) -> None: ...
        def method(self, day: date) -> None: ...
        def __call__(self, day: date) -> None: ...
        def execute(self) -> date: ...  # type: ignore[empty-body]

    def function(x: int, day: date) -> None: ...

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> None: ...

    @functools.wraps(Thing, updated=())
    def wrapped_class(*args: Any, **kwargs: Any) -> None: ...

    assert decoded(Thing, TEXT) == ([DAY], {})
    assert decoded(Thing(DAY).method, TEXT) == ([DAY], {})
    assert decoded(Thing(DAY), TEXT) == ([DAY], {})
    assert decoded(functools.partial(function, 1), TEXT) == ([DAY], {})
    assert decoded(wrapped, 1, TEXT) == ([1, DAY], {})
    assert decoded(wrapped_class, TEXT) == ([DAY], {})
    found = signatures.result(wrapped_class)
    assert found is not None and found(TEXT) == DAY
    assert decoded(Item, "a", "1") == (["a", Decimal(1)], {})
    assert decoded(print, TEXT) == ([TEXT], {})
    assert decoded(dict.fromkeys, TEXT) == ([TEXT], {})
    result = signatures.result(Thing)
    assert result is not None and result(TEXT) == DAY


def test_a_hint_that_only_a_type_checker_reads_leaves_the_others_alone(caplog: pytest.LogCaptureFixture) -> None:
    def function(day: date, nothing: Nothing) -> list[Nothing]: ...  # type: ignore[empty-body]

    with caplog.at_level(logging.WARNING, logger="simpleflow.payload"):
        assert decoded(function, TEXT, TEXT) == ([DAY, TEXT], {})
        assert decoded(function, TEXT, TEXT) == ([DAY, TEXT], {})
    assert caplog.text.count("the hint of nothing in ") == 1


def test_a_result_is_decoded_by_what_the_task_calls() -> None:
    def give() -> list[date]: ...  # type: ignore[empty-body]
    def plain() -> Any: ...

    from simpleflow.activity import Activity

    task = ActivityTask(Activity(give))
    assert Codec().thaw(f'["{TEXT}"]', task) == [DAY]
    assert Codec().thaw(None, task) is None and Codec().thaw("null", task) is None
    assert Codec().thaw(f'["{TEXT}"]', ActivityTask(Activity(plain))) == [TEXT]
    assert Codec().thaw(f'["{TEXT}"]', object()) == [TEXT]
    with pytest.raises(PayloadError, match=r"^the result of .*give\[1\] is not a date .*: 'x'$"):
        Codec().thaw(f'["{TEXT}", "x"]', task)


def test_the_decoder_of_a_function_is_compiled_once() -> None:
    def function(day: date) -> None: ...

    assert signatures.parameters(function) is signatures.parameters(function)
    assert signatures.parameters(lambda x: x) is None
