"""Users' values as JSON text, and back.

A frozen value is JSON text. A call is frozen as ``{"args":[...],"kwargs":{...}}`` with a hole where each future
stood; when the futures are done their texts are put into the holes, and nothing is decoded on the way.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from simpleflow.exceptions import PayloadError, PayloadTooLarge
from simpleflow.futures import Future

MAX_LENGTH: Final = 32_768
"""Characters that Amazon SWF takes for an input, a result or details.
https://docs.aws.amazon.com/amazonswf/latest/developerguide/swf-dg-limits.html"""

RESERVED: Final = "__simpleflow"
"""The key of an activity's input under which the decider tells the worker what SWF does not."""
RESERVED_LENGTH: Final = 256

EXTRA: Final = "__extra"
"""The key of a run's input that holds what deciders need: the class's dotted name, the list for its activities."""

_NONCE: Final = os.urandom(8).hex()
_HOLE: Final = re.compile(rf'"\\u0000{_NONCE}:\d+"')


@dataclass(frozen=True, slots=True)
class Template:
    """JSON text with holes. `parts` are the pieces between the holes, one more than there are futures."""

    parts: tuple[str, ...]
    futures: tuple[Future[Any], ...]
    what: str
    max_length: int

    def fill(self, results: Sequence[str | None]) -> str:
        if not self.futures:
            return self.parts[0]
        pieces = [self.parts[0]]
        for result, part in zip(results, self.parts[1:], strict=True):
            pieces += ("null" if result is None else result, part)
        text = "".join(pieces)
        if len(text) > self.max_length:
            raise _too_large(self.what, text, self.max_length)
        return text


class Codec:
    """Values to JSON text and back, by the rules of the core (`simpleflow.dataflow.Values`).

    `max_length` is in characters, for each text.
    """

    def __init__(self, max_length: int = MAX_LENGTH) -> None:
        self._max_length = max_length

    def template(self, value: Any, what: str) -> Template:
        """Encode a value that may hold futures. Raises PayloadError, PayloadTooLarge."""
        return self._template(value, what, self._max_length)

    def template_call(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], what: str, beside: Any = None
    ) -> Template:
        """Encode a call whose arguments may hold futures, leaving room for what travels `beside` it.

        Raises PayloadError, PayloadTooLarge.
        """
        room = self._max_length - RESERVED_LENGTH
        if beside:
            room -= len(freeze(beside, f"what goes beside {what}", room))
        return self._template({"args": args, "kwargs": kwargs}, what, room)

    def thaw(self, frozen: str | None) -> Any:
        """The value of a frozen text, new at each call."""
        return None if frozen is None else json.loads(frozen)

    def thaw_call(self, frozen: str | None) -> tuple[list[Any], dict[str, Any]]:
        """The arguments of a frozen call; an array is read as positional arguments."""
        call = read(frozen)
        if isinstance(call, list):
            return call, {}
        if isinstance(call, dict):
            return list(call.get("args") or ()), dict(call.get("kwargs") or {})
        return ([] if call is None else [call]), {}

    def fingerprint(self, frozen: str) -> str:
        """The md5 of the call's canonical JSON: equal for equal arguments, whatever the order of their keys."""
        return hashlib.md5(canonical(frozen).encode(), usedforsecurity=False).hexdigest()

    def _template(self, value: Any, what: str, max_length: int) -> Template:
        futures: list[Future[Any]] = []
        text = _dumps(value, what, futures)
        if not futures:
            if len(text) > max_length:
                raise _too_large(what, text, max_length)
            return Template((text,), (), what, max_length)
        return Template(tuple(_HOLE.split(text)), tuple(futures), what, max_length)


def freeze(value: Any, what: str = "the value", max_length: int = MAX_LENGTH) -> str:
    """A value without futures as JSON text.

    Raises PayloadError, which names the path to what has no JSON form, and PayloadTooLarge.
    """
    text = _dumps(value, what, None)
    if len(text) > max_length:
        raise _too_large(what, text, max_length)
    return text


def read(text: str | None) -> Any:
    """The value of a text that somebody else may have written: JSON, or else the text itself; None for none."""
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def read_object(text: str | None) -> dict[str, Any]:
    """The object of a text that somebody else may have written; an empty one where it is none."""
    found = read(text)
    return found if isinstance(found, dict) else {}


def extra(input: str | None) -> dict[str, Any]:
    """What a run's input says to deciders (`EXTRA`); empty where a foreign client started it."""
    found = read_object(input).get(EXTRA)
    return found if isinstance(found, dict) else {}


def as_json(text: str | None) -> str | None:
    """`text` where it is JSON, else its JSON string: a foreign worker may answer with anything."""
    if not text:
        return None
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.dumps(text, ensure_ascii=False)
    return text


def canonical(text: str) -> str:
    """The same JSON with its keys sorted and no spaces, ASCII only: what simpleflow has always hashed."""
    return json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))


def _dumps(value: Any, what: str, futures: list[Future[Any]] | None) -> str:
    def default(found: Any) -> str:
        if futures is None or not isinstance(found, Future):
            raise TypeError
        futures.append(found)
        return f"\x00{_NONCE}:{len(futures)}"

    try:
        text = json.dumps(value, default=default, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        if not text.isascii():
            text.encode()
        if _has_odd_keys(value) and (trouble := next(_troubles(value, "", ()), None)):
            raise PayloadError(_worded(what, *trouble))
    except PayloadError:
        raise
    except (TypeError, ValueError, RecursionError) as error:
        raise PayloadError(_worded(what, *next(_troubles(value, "", ()), ("", str(error))))) from None
    return text


def _worded(what: str, path: str, trouble: str) -> str:
    return f"{what} cannot be encoded as JSON: {path.lstrip('.') or 'the value'} {trouble}"


def _has_odd_keys(value: Any) -> bool:
    """Whether a dict in it may have keys that are no text: orjson, which is fast, takes none."""
    try:
        orjson.dumps(value, default=lambda found: None, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    except TypeError:
        return True
    return False


def _troubles(value: Any, path: str, above: tuple[int, ...]) -> Iterator[tuple[str, str]]:
    """The paths to what has no JSON form, depth first, with what is wrong there."""
    if isinstance(value, bool | int | Future) or value is None:
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            yield path, f"is {value}, which JSON does not have"
    elif isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            yield path, "is text with a lone surrogate, which is not Unicode"
    elif id(value) in above:
        yield path, "contains itself"
    elif len(above) > 500:
        yield path[:200] + "...", "is nested too deep"
    elif isinstance(value, dict):
        if len({key if isinstance(key, str) else json.dumps(key, default=repr) for key in value}) < len(value):
            yield path, "has keys that are one and the same in JSON, such as 1 and '1'"
        for key, item in value.items():
            if not isinstance(key, str | int | float | bool) and key is not None:
                yield path, f"has the key {key!r}, a {type(key).__name__}: keys are text"
            yield from _troubles(item, _below(path, key), (*above, id(value)))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _troubles(item, f"{path}[{index}]", (*above, id(value)))
    else:
        yield path, f"is a {_type_name(value)}, which has no JSON form"


def _below(path: str, key: Any) -> str:
    return f"{path}.{key}" if isinstance(key, str) and key.isidentifier() else f"{path}[{key!r}]"


def _type_name(value: Any) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _too_large(what: str, text: str, max_length: int) -> PayloadTooLarge:
    path, length = _largest(text)
    where = f", most of it {path} ({length:,})" if path else ""
    return PayloadTooLarge(
        f"{what} is {len(text):,} characters of JSON{where}; Amazon SWF takes {max_length:,}: "
        "pass a path or a key to where the data lies"
    )


def _largest(text: str) -> tuple[str, int]:
    """The path of the largest part that is still most of the whole, and its length in characters."""
    value, path, length = json.loads(text), "", len(text)
    while isinstance(value, dict | list) and value:
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        key, biggest = max(((key, item) for key, item in pairs), key=lambda pair: len(_dumps(pair[1], "", None)))
        size = len(_dumps(biggest, "", None))
        if path and size < length / 2:
            break
        path = f"{path}[{key}]" if isinstance(value, list) else _below(path, key)
        value, length = biggest, size
    return path.lstrip("."), length
