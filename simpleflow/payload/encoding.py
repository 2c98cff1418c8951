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
MAX_BITS: Final = (10**4300 - 1).bit_length()  # https://docs.python.org/3/library/stdtypes.html#int-max-str-digits
_OURS: Final = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
"""What orjson is to leave to `step`, beside what it does not know."""
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


def dumps(value: Any, what: str, futures: list[Future[Any]] | None = None, *, bare: bool = False) -> str:
    """`value` as JSON text. Raises PayloadError, which names the path to what has no JSON form.

    Where a future stands there is a HOLE, and it is added to `futures`; without that list it has no JSON form. A `bare`
    text is one that json.dumps gives as well: nothing stands for what JSON does not have.
    """
    if not bare:
        try:
            return _quick(value, futures)
        except Exception:  # it has something that needs a second look
            if futures:
                futures.clear()
    try:
        return _thorough(value, futures, _Walk(_refused if bare else step))
    except _Trouble as trouble:
        raise PayloadError(_worded(what, trouble.path, trouble.what)) from None
    except _Raised as raised:
        raise raised.error from None
    except (TypeError, ValueError, RecursionError) as error:
        raise PayloadError(_worded(what, "", str(error) or "holds a future, of which only a program knows")) from None


def step(value: Any) -> Any:
    """What stands for a value that JSON does not have. Raises TypeError where nothing does."""
    kind: Any = type(value)
    return (_STEPS.get(kind) or _step_of(kind))(value)


def text_of(value: Any) -> str:
    """A value without futures as JSON text with sorted keys: equal for equal values. Raises TypeError, ValueError."""
    return json.dumps(value, default=step, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)


def key_text(key: Any, by: Step = step) -> str:
    """The text that a dict's key is in JSON, by the steps of `by`. Raises TypeError where it has none."""
    while not isinstance(key, str):
        if key is None or isinstance(key, bool | int | float):
            if isinstance(key, float) and not math.isfinite(key):
                raise TypeError
            return json.dumps(key)
        key = by(key)
        if isinstance(key, list | dict | tuple):
            raise TypeError
    return str.__str__(key)


def below(path: str, key: Any) -> str:
    """The path to what `key` names in an object at `path`."""
    return f"{path}.{key}" if isinstance(key, str) and key.isidentifier() else f"{path}[{key!r}]"


def _quick(value: Any, futures: list[Future[Any]] | None) -> str:
    """The text of a value without generators and odd keys; raises something for others."""

    def default(part: Any) -> Any:
        if isinstance(part, Future) and futures is not None:
            return _hole(part, futures)
        return tuple(part) if isinstance(part, tuple) else step(part)

    # orjson takes only text for keys: those that json makes text of may be one and the same then.
    text = orjson.dumps(value, default=default, option=_OURS).decode()
    if "null" in text:  # perhaps for a number that JSON does not have
        if futures:
            futures.clear()
        text = _encoder(default).encode(value)
    return text


def _thorough(value: Any, futures: list[Future[Any]] | None, walk: _Walk) -> str:
    """The text of any value; raises what is wrong with it."""

    def default(part: Any) -> Any:
        if isinstance(part, Future) and futures is not None:
            return _hole(part, futures) if part._node is not None else _known(part)
        return walk.stepped(part)

    text = _encoder(default).encode(walk.plain(value, "", ()))
    if not text.isascii():
        text.encode()
    return text


def _encoder(default: Step) -> json.JSONEncoder:
    return json.JSONEncoder(default=default, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _hole(future: Future[Any], futures: list[Future[Any]]) -> str:
    if future._node is None:
        raise TypeError("it was made by hand")
    futures.append(future)
    return f"\x00{_NONCE}:{len(futures)}"


def _known(future: Future[Any]) -> Any:
    """What stands for a future that was made by hand: its result, which is there or else blocks."""
    try:
        return future.result
    except Exception as error:
        raise _Raised(error) from None


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


def is_model(kind: type) -> bool:
    """Whether it is a class of pydantic's models. Asked without importing pydantic."""
    return hasattr(kind, "model_dump") and hasattr(kind, "model_validate_json")


# -- the slow way: generators, keys that are no text, and what is wrong where ----------------------------------------


class _Walk:
    """Goes through one value, perhaps more than once: its generators are read once."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._drained: dict[int, list[Any]] = {}

    def stepped(self, value: Any) -> Any:
        """As `step`, also for generators."""
        if not isinstance(value, GeneratorType) or self._step is _refused:
            return self._step(value)
        if id(value) not in self._drained:
            try:
                self._drained[id(value)] = list(value)
            except Exception as error:
                raise _Raised(error) from None
        return self._drained[id(value)]

    def plain(self, value: Any, path: str, above: tuple[int, ...]) -> Any:
        """The value with every step taken and text for keys, futures aside. Raises _Trouble for what has none."""
        if value is None or isinstance(value, bool | Future):
            return value
        if isinstance(value, int):
            if value.bit_length() > MAX_BITS:
                raise _Trouble(path, "is a number of more than 4,300 digits, which Python does not read from text")
            return value
        if isinstance(value, float):
            if not math.isfinite(value):
                raise _Trouble(path, f"is {value}, which JSON does not have")
            return value
        if isinstance(value, str):
            if _is_torn(value):
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
                items.append(self.plain(item, f"{path}[{index}]", above))
            return items
        if isinstance(value, dict):
            found = {}
            for key, name, item in self._keyed(value, path):
                found[key] = self.plain(item, below(path, name), above)
            return found
        return self.plain(self._part(value, path, above), path, above)

    def _part(self, value: Any, path: str, above: tuple[int, ...]) -> Any:
        """The step of what has one; where it is a set, once its elements are seen to be right."""
        if isinstance(value, set | frozenset) and self._step is not _refused:
            for item in value:
                if isinstance(item, Future):
                    raise _Trouble(path, "is a set with a future in it: make it a list")
                self.plain(item, f"{path}[...]", above)
        try:
            return self.stepped(value)
        except _Raised:
            raise
        except TypeError:
            raise _Trouble(path, f"is {_a_type_name(value)}, which has no JSON form") from None
        except Exception as error:
            raise _Trouble(path, f"is {_a_type_name(value)}, which cannot be encoded ({one_line(error)})") from None

    def _keyed(self, value: dict[Any, Any], path: str) -> Iterator[tuple[str, Any, Any]]:
        """Each item of a dict: its key as text, its key, and what it holds."""
        seen = set()
        for key, item in value.items():
            try:
                text = key_text(key, self._step)
            except TypeError:
                raise _Trouble(path, f"has the key {key!r}, a {type(key).__name__}: keys are text") from None
            if _is_torn(text):
                raise _Trouble(path, f"has the key {text!r} with a lone surrogate, which is not Unicode")
            if text in seen:
                raise _Trouble(path, "has keys that are one and the same in JSON, such as 1 and '1'")
            seen.add(text)
            yield text, key, item


def _is_torn(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _worded(what: str, path: str, trouble: str) -> str:
    return f"{what} cannot be encoded as JSON: {path.lstrip('.') or 'the value'} {trouble}"


def _a_type_name(value: Any) -> str:
    kind = type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
