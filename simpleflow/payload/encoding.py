"""Python values as JSON text. It knows what stands for what has no JSON form, and nothing of sizes, calls or stores.

    datetime, date, time            ISO 8601 text
    timedelta                       ISO 8601 text, "P1DT2H3M4.5S"
    Decimal, UUID, paths            their text
    bytes, bytearray, memoryview    base64 text
    set, frozenset                  an array, sorted
    tuples, generators              an array
    Enum                            the member's value
    dataclasses, pydantic's models  an object of their fields

The same value is the same text in every process. What type hints make of it again: `simpleflow.payload.hints`.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import math
import os
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from pathlib import PurePath
from types import GeneratorType
from typing import Any, Final
from uuid import UUID

import orjson

from simpleflow.exceptions import PayloadError, one_line
from simpleflow.futures import Future

_NONCE: Final = os.urandom(8).hex()

Step = Callable[[Any], Any]
"""From a value that JSON does not have to what stands for it; the parts of that may need a step again."""

HOLE: Final = re.compile(rf'"\\u0000{_NONCE}:\d+"')
"""What stands in the text where a future stood in the value."""

MAX_DEPTH: Final = 500
ORDERED: Final = frozenset({int, float, str, bytes, date, UUID})
"""Types whose values have one order among themselves; other sets are sorted by their elements' text."""


class _Raised(Exception):
    """A generator raised `error` while it was read: that is the user's, whatever its type."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class _Trouble(Exception):
    """What stands at `path` has no JSON form, for the reason `what`."""

    def __init__(self, path: str, what: str) -> None:
        self.path = path
        self.what = what


def dumps(value: Any, what: str, futures: list[Future[Any]] | None = None) -> str:
    """`value` as JSON text. Raises PayloadError, which names the path to what has no JSON form.

    Where a future stands there is a HOLE, and it is added to `futures`; without that list it has no JSON form.
    """
    if futures is None:
        try:
            return _simple(value)
        except Exception:  # it has something that needs a second look
            pass
    drained: dict[int, list[Any]] = {}

    def default(found: Any) -> Any:
        if isinstance(found, Future) and futures is not None:
            futures.append(found)
            return f"\x00{_NONCE}:{len(futures)}"
        if isinstance(found, GeneratorType):
            return _drained(found, drained)
        return step(found)

    try:
        try:
            text = _text(value, default)
            if _has_odd_keys(value, drained):
                _plain(value, "", (), drained)  # for what is wrong with them
        except (_Raised, _Trouble):
            raise
        except Exception:
            if futures:
                futures.clear()
            text = _text(_plain(value, "", (), drained), default)
    except _Trouble as trouble:
        raise PayloadError(_worded(what, trouble.path, trouble.what)) from None
    except _Raised as raised:
        raise raised.error from None
    except (TypeError, ValueError, RecursionError) as error:
        raise PayloadError(_worded(what, "", str(error) or "holds a future, of which only a program knows")) from None
    return text


def step(value: Any) -> Any:
    """What stands for a value that JSON does not have. Raises TypeError where nothing does."""
    kind: Any = type(value)
    return (_STEPS.get(kind) or _step_of(kind))(value)


def text_of(value: Any) -> str:
    """A value without futures as JSON text with sorted keys: equal for equal values. Raises TypeError, ValueError."""
    return json.dumps(value, default=step, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)


def key_text(key: Any) -> str:
    """The text that a dict's key is in JSON. Raises TypeError where it has none."""
    while not isinstance(key, str):
        if key is None or isinstance(key, bool | int | float):
            if isinstance(key, float) and not math.isfinite(key):
                raise TypeError
            return json.dumps(key)
        key = step(key)
        if isinstance(key, list | dict | tuple):
            raise TypeError
    return str.__str__(key)


def below(path: str, key: Any) -> str:
    """The path to what `key` names in an object at `path`."""
    return f"{path}.{key}" if isinstance(key, str) and key.isidentifier() else f"{path}[{key!r}]"


def _simple(value: Any) -> str:
    """The text of a value without generators and odd keys; raises something for others."""
    text = _ENCODER.encode(value)
    if not text.isascii():
        text.encode()
    orjson.dumps(value, default=_orjson_step, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    return text


def _text(value: Any, default: Step) -> str:
    text = json.JSONEncoder(default=default, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(value)
    if not text.isascii():
        text.encode()
    return text


# -- what stands for what ------------------------------------------------------------------------------------------


def duration(value: timedelta) -> str:
    """ISO 8601 text, exact to the microsecond: ``P1DT2H3M4.5S``, with a minus before it where it is negative."""
    sign, value = ("-", -value) if value.days < 0 else ("", value)
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{value.microseconds:06}".rstrip("0") if value.microseconds else ""
    parts = ((hours, "H"), (minutes, "M"))
    clock = "".join(f"{number}{unit}" for number, unit in parts if number)
    if seconds or fraction:
        clock += f"{seconds}{fraction}S"
    days = f"{value.days}D" if value.days else ""
    return f"{sign}P{days}T{clock}" if clock else f"{sign}P{days or '0D'}"


def _base64(value: bytes | bytearray | memoryview) -> str:
    return base64.b64encode(value).decode()


def _sorted(value: set[Any] | frozenset[Any]) -> list[Any]:
    kinds = set(map(type, value))
    if len(kinds) == 1 and kinds <= ORDERED:
        return sorted(value)
    return sorted(value, key=text_of)


def _refused(value: Any) -> Any:
    raise TypeError


def _member(value: Enum) -> Any:
    return value.value


def _model(value: Any) -> Any:
    return value.model_dump(mode="json", by_alias=True, round_trip=True)


_STEPS: Final[dict[type, Step]] = {
    datetime: datetime.isoformat,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: duration,
    Decimal: str,
    UUID: str,
    bytes: _base64,
    bytearray: _base64,
    memoryview: _base64,
    set: _sorted,
    frozenset: _sorted,
}


@lru_cache(1024)
def _step_of(kind: type) -> Step:
    """The step of a class that is none of those above: theirs where it derives from one."""
    if issubclass(kind, Enum):
        return _member
    if dataclasses.is_dataclass(kind):
        names = [field.name for field in dataclasses.fields(kind)]
        return lambda value: {name: getattr(value, name) for name in names}
    if is_model(kind):
        return _model
    if issubclass(kind, PurePath):
        return str
    return next((found for base, found in _STEPS.items() if issubclass(kind, base)), _refused)


_ENCODER: Final = json.JSONEncoder(default=step, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def is_model(kind: type) -> bool:
    """Whether it is a class of pydantic's models. Asked without importing pydantic."""
    return hasattr(kind, "model_dump") and hasattr(kind, "model_validate_json")


def _drained(generator: Any, drained: dict[int, list[Any]]) -> list[Any]:
    """What a generator gives; it is read once, and encoded perhaps twice."""
    if id(generator) not in drained:
        try:
            drained[id(generator)] = list(generator)
        except Exception as error:
            raise _Raised(error) from None
    return drained[id(generator)]


# -- the slow way: keys that are no text, and what is wrong where ----------------------------------------------------


def _has_odd_keys(value: Any, drained: dict[int, list[Any]]) -> bool:
    """Whether a dict in it may have keys that are no text: orjson, which is fast, takes none."""

    def default(found: Any) -> Any:
        if isinstance(found, Future):
            return None
        return drained[id(found)] if isinstance(found, GeneratorType) else _orjson_step(found)

    try:
        orjson.dumps(value, default=default, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    except TypeError:
        return True
    return False


def _orjson_step(value: Any) -> Any:
    return tuple(value) if isinstance(value, tuple) else step(value)


def _plain(value: Any, path: str, above: tuple[int, ...], drained: dict[int, list[Any]]) -> Any:
    """The value with every step taken and text for keys, futures aside. Raises _Trouble for the first that has none."""
    if value is None or isinstance(value, bool | int | Future):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _Trouble(path, f"is {value}, which JSON does not have")
        return value
    if isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise _Trouble(path, "is text with a lone surrogate, which is not Unicode")
        return value
    if id(value) in above:
        raise _Trouble(path, "contains itself")
    if len(above) > MAX_DEPTH:
        raise _Trouble(path[:200] + "...", "is nested too deep")
    above = (*above, id(value))
    if isinstance(value, list | tuple):
        items = []
        for index, item in enumerate(value):  # no comprehension: each level is to cost one frame
            items.append(_plain(item, f"{path}[{index}]", above, drained))
        return items
    if isinstance(value, dict):
        found = {}
        for key, name, item in _keyed(value, path):
            found[key] = _plain(item, below(path, name), above, drained)
        return found
    if isinstance(value, GeneratorType):
        return _plain(_drained(value, drained), path, above, drained)
    if isinstance(value, set | frozenset):
        for item in value:
            if isinstance(item, Future):
                raise _Trouble(path, "is a set with a future in it: make it a list")
            _plain(item, f"{path}[...]", above, drained)
    return _plain(_stepped(value, path), path, above, drained)


def _stepped(value: Any, path: str) -> Any:
    try:
        return step(value)
    except TypeError:
        raise _Trouble(path, f"is a {_type_name(value)}, which has no JSON form") from None
    except Exception as error:
        raise _Trouble(path, f"is a {_type_name(value)}, which cannot be encoded ({one_line(error)})") from None


def _keyed(value: dict[Any, Any], path: str) -> Iterator[tuple[str, Any, Any]]:
    """Each item of a dict: its key as text, its key, and what it holds."""
    seen = set()
    for key, item in value.items():
        try:
            text = key_text(key)
        except TypeError:
            raise _Trouble(path, f"has the key {key!r}, a {type(key).__name__}: keys are text") from None
        if text in seen:
            raise _Trouble(path, "has keys that are one and the same in JSON, such as 1 and '1'")
        seen.add(text)
        yield text, key, item


def _worded(what: str, path: str, trouble: str) -> str:
    return f"{what} cannot be encoded as JSON: {path.lstrip('.') or 'the value'} {trouble}"


def _type_name(value: Any) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
