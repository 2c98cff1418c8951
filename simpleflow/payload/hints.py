"""From a type hint to its decoder: what gives a value back of the plain JSON that `encoding` made of it.

None is the decoder of a hint that needs no work. A value that is not what a hint says is refused where the hint needs
work (``datetime``); else it is handed on as it came, as Python does itself. null is None whatever the hint. Of a union
the first arm that can takes the value, from left to right.
"""

from __future__ import annotations

import base64
import collections.abc as abc
import dataclasses
import json
import logging
import re
import types
import typing
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from simpleflow.activity import importable_name
from simpleflow.exceptions import one_line
from simpleflow.payload.encoding import below, is_model, key_text, text_of

log = logging.getLogger("simpleflow.payload")

Decoder = Callable[[Any], Any]


class Wrong(Exception):
    """`value`, at `path`, is not what its hint says: `wanted`."""

    def __init__(self, value: Any, wanted: str) -> None:
        super().__init__(wanted)
        self.value = value
        self.wanted = wanted
        self.path = ""

    def at(self, step: str) -> Wrong:
        self.path = step + self.path
        return self

    def worded(self, name: str) -> str:
        """``the parameter when[3] is not a date (YYYY-MM-DD): 'abc'``"""
        value = repr(self.value)
        shown = value if len(value) <= 100 else f"{value[:100]}..."
        return f"{name}{self.path} is not {self.wanted}: {shown}"


def decoder(hint: Any, strict: bool = False) -> Decoder | None:
    """What gives back a value of this hint, None where it needs no work. The decoder raises Wrong.

    A `strict` one refuses whatever the hint does not name, also where it needs no work (None where it cannot know).
    """
    while (inner := _unwrapped(hint)) is not hint:
        hint = inner
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Union or origin is types.UnionType:
        return _union(args, strict)
    if origin is typing.Literal:
        return _literal(args)
    kind = origin or hint
    if not isinstance(kind, type):
        return None
    if kind in _LEAVES:
        return _LEAVES[kind]
    if typing.is_typeddict(kind):
        return _fields(kind, args, strict, _typed_dict)
    if issubclass(kind, Enum):
        return _enum(kind)
    if dataclasses.is_dataclass(kind):
        return _fields(kind, args, strict, _dataclass)
    if is_model(kind):
        return _model(hint)
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return _fields(kind, args, strict, _named_tuple)
    if kind is tuple:
        return _tuple(args, hint is tuple, strict)
    if issubclass(kind, PurePath):
        return _of_text(kind, f"a path ({kind.__name__})")
    if kind in _SETS:
        return _set(_SETS[kind], args, strict)
    if kind in _ARRAYS:
        return _array(args, strict)
    if kind in _OBJECTS:
        return _object(args, strict)
    return _STRICT.get(kind) if strict else None


def _unwrapped(hint: Any) -> Any:
    """What a NewType, an Annotated, a type alias or a type variable stands for."""
    if isinstance(hint, typing.NewType):
        return hint.__supertype__
    if isinstance(hint, typing.TypeVar):
        return hint.__bound__ or Any
    if typing.get_origin(hint) is typing.Annotated or type(hint).__name__ == "TypeAliasType":
        return getattr(hint, "__origin__", None) or hint.__value__
    return hint


def _union(arms: tuple[Any, ...], strict: bool) -> Decoder | None:
    arms = tuple(arm for arm in arms if arm is not type(None))
    if not strict and all(decoder(arm) is None for arm in arms):
        return None
    if len(arms) == 1:  # X | None: null is None anyway
        return decoder(arms[0], strict)
    found = [decoder(arm, True) for arm in arms]
    takers = [taker for taker in found if taker is not None]
    wanted = " or ".join(getattr(arm, "__name__", str(arm)) for arm in arms)

    def decode(value: Any) -> Any:
        if value is None:
            return None
        for taker in takers:
            try:
                return taker(value)
            except Wrong:
                continue
        if len(takers) < len(found):
            return value
        raise Wrong(value, wanted)

    return decode


def _literal(values: tuple[Any, ...]) -> Decoder:
    members = {text_of(value): value for value in values}
    wanted = f"one of {', '.join(members)}"

    def decode(value: Any) -> Any:
        text = text_of(value)
        if text not in members and value is not None:
            raise Wrong(value, wanted)
        return members.get(text)

    return decode


def _enum(kind: type[Enum]) -> Decoder:
    members = _members(kind)

    def decode(value: Any) -> Any:
        found = members.get(text_of(value))
        if found is not None or value is None:
            return found
        try:
            return kind(value)  # a combination of flags, or what `_missing_` makes of it
        except (TypeError, ValueError, KeyError):
            raise Wrong(value, f"a value of {kind.__name__}") from None

    return decode


def _members(kind: type[Enum]) -> dict[str, Enum]:
    """The members by the JSON texts of their values."""
    found = {}
    for member in kind.__members__.values():
        try:
            found[text_of(member.value)] = member
        except (TypeError, ValueError):  # it never travels
            pass
    return found


def _array(args: tuple[Any, ...], strict: bool, make: Callable[[Any], Any] | None = None) -> Decoder | None:
    item = decoder(args[0], strict) if args else None
    if item is None and make is None and not strict:
        return None

    def decode(value: Any) -> Any:
        if value is None:
            return None
        if type(value) is not list:
            raise Wrong(value, "an array")
        found = value if item is None else _each(value, item)
        return found if make is None else make(found)

    return decode


def _each(values: list[Any], item: Decoder) -> list[Any]:
    found: list[Any] = []
    try:
        for value in values:
            found.append(item(value))
    except Wrong as wrong:
        raise wrong.at(f"[{len(found)}]") from None
    return found


def _set(make: type, args: tuple[Any, ...], strict: bool) -> Decoder | None:
    def made(values: list[Any]) -> Any:
        try:
            return make(values)
        except TypeError:
            raise Wrong(values, f"what a {make.__name__} can hold") from None

    return _array(args, strict, made)


def _tuple(args: tuple[Any, ...], bare: bool, strict: bool) -> Decoder | None:
    if bare or (len(args) == 2 and args[1] is ...):
        return _array(args[:1], strict, tuple)
    items = [decoder(arg, strict) for arg in args]

    def decode(value: Any) -> Any:
        if value is None:
            return None
        if type(value) is not list or len(value) != len(items):
            raise Wrong(value, f"an array of {len(items)}")
        return tuple(_parts(value, items))

    return decode


def _parts(values: list[Any], items: Sequence[Decoder | None]) -> list[Any]:
    """Each of the values, decoded by the decoder in its place."""
    found: list[Any] = []
    try:
        for value, item in zip(values, items, strict=False):
            found.append(value if item is None else item(value))
    except Wrong as wrong:
        raise wrong.at(f"[{len(found)}]") from None
    return found


def _object(args: tuple[Any, ...], strict: bool) -> Decoder | None:
    key, item = (_key(args[0]), decoder(args[1], strict)) if len(args) == 2 else (None, None)
    if key is None and item is None and not strict:
        return None

    def decode(value: Any) -> Any:
        if value is None:
            return None
        if type(value) is not dict:
            raise Wrong(value, "an object")
        found = {}
        name = ""
        try:
            for name, part in value.items():
                found[name if key is None else key(name)] = part if item is None else item(part)
        except Wrong as wrong:
            raise wrong.at(below("", name)) from None
        return found

    return decode


def _key(hint: Any) -> Decoder | None:
    """What gives back a dict's key of its text."""
    while (inner := _unwrapped(hint)) is not hint:
        hint = inner
    if hint in (int, float):
        return _of_text(hint, f"{hint.__name__} keys")
    if hint is bool:
        return _of_text({"true": True, "false": False}.__getitem__, "true and false as keys")
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _of_text(_member_of(hint), f"{hint.__name__} as keys")
    if typing.get_origin(hint) is typing.Literal:
        return _of_text({key_text(value): value for value in typing.get_args(hint)}.__getitem__, f"keys of {hint}")
    return _LEAVES.get(hint) or (decoder(hint) if isinstance(hint, type) and issubclass(hint, PurePath) else None)


def unreadable(name: str, thing: Any, error: Exception) -> None:
    """Say that a hint of `thing` cannot be read here, as one that only a type checker can: values stay plain JSON."""
    where = f"{name} in {importable_name(thing)}"
    log.warning("the hint of %s cannot be read, values stay plain JSON there: %s", where, one_line(error))


def _member_of(kind: type[Enum]) -> Callable[[str], Enum]:
    """What gives the member whose value has this text as a key, or the combination of flags."""
    members = _members(kind)

    def made(text: str) -> Enum:
        found = members.get(json.dumps(text, ensure_ascii=False), members.get(text))
        return kind(int(text)) if found is None else found

    return made


# -- classes with fields -------------------------------------------------------------------------------------------

Made = Callable[[Any, dict[str, Any], dict[str, Decoder | None]], Any]


def _fields(kind: Any, args: tuple[Any, ...], strict: bool, make: Made) -> Decoder:
    """The decoder of a class with fields. Theirs are compiled at the first value, for they may name the class."""
    decoders: dict[str, Decoder | None] | None = None

    def decode(value: Any) -> Any:
        nonlocal decoders
        if value is None:
            return None
        if decoders is None:
            decoders = {name: decoder(hint, strict) for name, hint in _field_hints(kind, args).items()}
        return make(kind, value, decoders)

    return decode


def _field_hints(kind: Any, args: tuple[Any, ...]) -> dict[str, Any]:
    try:
        hints = typing.get_type_hints(kind)
    except Exception as error:
        unreadable("fields", kind, error)
        return {}
    if not args:
        return hints
    given = dict(zip(kind.__parameters__, args, strict=False))  # Page[Order]: what T stands for in Page
    return {name: _substituted(hint, given) for name, hint in hints.items()}


def _substituted(hint: Any, given: dict[Any, Any]) -> Any:
    if isinstance(hint, typing.TypeVar):
        return given.get(hint, hint)
    free = getattr(hint, "__parameters__", ()) if typing.get_origin(hint) is not None else ()
    return hint[tuple(given.get(each, each) for each in free)] if free else hint


def _taken(values: Iterable[tuple[str, Any]], decoders: dict[str, Decoder | None]) -> dict[str, Any]:
    found = {}
    name = ""
    try:
        for name, value in values:
            decode = decoders.get(name)
            found[name] = value if decode is None else decode(value)
    except Wrong as wrong:
        raise wrong.at(below("", name)) from None
    return found


def _dataclass(kind: Any, value: Any, decoders: dict[str, Decoder | None]) -> Any:
    if type(value) is not dict:
        raise Wrong(value, f"an object of {kind.__name__}")
    fields = _init_fields(kind)
    unknown = value.keys() - fields.keys()
    if unknown:
        raise Wrong(value, f"an object of {kind.__name__} (which has no field {min(unknown)!r})")
    found = _taken(value.items(), decoders)
    made = _made(kind, value, **{name: part for name, part in found.items() if fields[name]})
    for name, part in found.items():
        if not fields[name]:
            object.__setattr__(made, name, part)  # also where it is frozen
    return made


@lru_cache(4096)
def _init_fields(kind: Any) -> dict[str, bool]:
    """The names of a dataclass's fields, and which of them its ``__init__`` takes."""
    return {field.name: field.init for field in dataclasses.fields(kind)}


def _named_tuple(kind: Any, value: Any, decoders: dict[str, Decoder | None]) -> Any:
    if type(value) is not list or len(value) > len(kind._fields):
        raise Wrong(value, f"an array of {kind.__name__} ({', '.join(kind._fields)})")
    return _made(kind, value, *_parts(value, [decoders.get(name) for name in kind._fields]))


def _typed_dict(kind: Any, value: Any, decoders: dict[str, Decoder | None]) -> Any:
    required = _required_keys(kind)
    if type(value) is not dict or not required <= value.keys():
        raise Wrong(value, f"an object of {kind.__name__} (with {', '.join(sorted(required))})")
    return _taken(value.items(), decoders)


@lru_cache(4096)
def _required_keys(kind: Any) -> frozenset[str]:
    """Python does not see Required and NotRequired in annotations that are text."""
    try:
        hints = typing.get_type_hints(kind, include_extras=True)
    except Exception:  # told by `unreadable`
        return frozenset()
    marks = {name: typing.get_origin(hint) for name, hint in hints.items()}
    spared = {name for name, mark in marks.items() if mark is typing.NotRequired}
    needed = {name for name, mark in marks.items() if mark is typing.Required}
    return frozenset(kind.__required_keys__ - spared | needed)


def _made(kind: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        return kind(*args, **kwargs)
    except Exception as error:
        raise Wrong(value, f"an object of {kind.__name__} ({one_line(error)})") from None


def _model(kind: Any) -> Decoder:
    def decode(value: Any) -> Any:
        if value is None:
            return None
        try:
            return kind.model_validate_json(json.dumps(value))
        except ValueError as error:
            raise Wrong(value, f"a {kind.__name__} ({' '.join(str(error).split())})") from None

    return decode


# -- plain values --------------------------------------------------------------------------------------------------


def _of_text(make: Callable[[str], Any], wanted: str, numbers: Callable[[Any], Any] | None = None) -> Decoder:
    def decode(value: Any) -> Any:
        if value is None:
            return None
        try:
            if type(value) is str:
                return make(value)
            if numbers is not None and type(value) in (int, float):
                return numbers(value)
        except (ValueError, ArithmeticError, KeyError):
            pass
        raise Wrong(value, wanted)

    return decode


def _of_type(wanted: str, *kinds: type) -> Decoder:
    def decode(value: Any) -> Any:
        if value is None or type(value) in kinds:
            return value
        raise Wrong(value, wanted)

    return decode


_DURATION: Final = re.compile(
    r"([+-]?)P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,](\d{1,6})\d*)?S)?)?"
)


def _duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    if found is None or text[-1] in "PT":
        raise ValueError
    sign, *numbers, fraction = found.groups(default="0")
    weeks, days, hours, minutes, seconds = map(int, numbers)
    microseconds = int(fraction.ljust(6, "0"))
    value = timedelta(days, seconds, microseconds, 0, minutes, hours, weeks)
    return -value if sign == "-" else value


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


_LEAVES: Final[dict[Any, Decoder]] = {
    datetime: _of_text(datetime.fromisoformat, "a datetime (ISO 8601)"),
    date: _of_text(date.fromisoformat, "a date (YYYY-MM-DD)"),
    time: _of_text(time.fromisoformat, "a time (HH:MM:SS)"),
    timedelta: _of_text(_duration, "a timedelta (seconds, or ISO 8601)", lambda seconds: timedelta(seconds=seconds)),
    Decimal: _of_text(Decimal, "a Decimal", lambda number: Decimal(str(number))),
    UUID: _of_text(UUID, "a UUID"),
    bytes: _of_text(_bytes, "bytes (base64)"),
    bytearray: _of_text(lambda text: bytearray(_bytes(text)), "bytes (base64)"),
    memoryview: _of_text(lambda text: memoryview(_bytes(text)), "bytes (base64)"),
}
_STRICT: Final[dict[Any, Decoder]] = {
    int: _of_type("a whole number", int),
    float: _of_type("a number", float, int),
    str: _of_type("text", str),
    bool: _of_type("true or false", bool),
}
_SETS: Final[dict[Any, type]] = {set: set, frozenset: frozenset, abc.Set: set, abc.MutableSet: set}
_ARRAYS: Final = (
    list,
    abc.Sequence,
    abc.MutableSequence,
    abc.Collection,
    abc.Iterable,
    abc.Iterator,
    abc.Generator,
)
_OBJECTS: Final = (dict, abc.Mapping, abc.MutableMapping)
