"""What a function's type hints say of its arguments and its result: decoders, compiled once for each function.

None stands for a function none of whose hints needs work, so that plain JSON costs nothing.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, TypeVar

from simpleflow.activity import importable_name
from simpleflow.exceptions import PayloadError
from simpleflow.payload.hints import Decoder, Wrong, decoder, unreadable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parameters:
    """The decoders of a function's parameters: by position, by name, and those of ``*args`` and ``**kwargs``."""

    function: str
    positional: tuple[tuple[str, Decoder | None], ...]
    named: dict[str, Decoder | None]
    rest: tuple[str, Decoder | None]
    others: Decoder | None

    def decode(self, args: list[Any], kwargs: dict[str, Any]) -> None:
        """Give the values back, in place. Raises PayloadError, which names parameter and value."""
        name = ""
        try:
            for index in range(len(args)):
                name, decode = self.positional[index] if index < len(self.positional) else self.rest
                if decode is not None:
                    args[index] = decode(args[index])
            for name in kwargs:
                decode = self.named.get(name, self.others)
                if decode is not None:
                    kwargs[name] = decode(kwargs[name])
        except Wrong as wrong:
            raise PayloadError(f"in the call of {self.function} {wrong.worded(f'the parameter {name}')}") from None


def parameters(function: Any, skip: int = 0) -> Parameters | None:
    """What decodes the arguments of a function, a method or a class; None where no hint of it needs work.

    The first `skip` parameters are none of them, such as the `self` of what is a method yet to be.
    """
    if inspect.ismethod(function):
        return _remembered(_parameters, function.__func__, skip + 1)
    return _remembered(_parameters, function, skip)


def result(function: Any) -> Decoder | None:
    """What decodes that which a function returns, or a class that workers call; None where its hint needs no work.

    It raises PayloadError, which names function and value.
    """
    return None if function is None else _remembered(_result, getattr(function, "__func__", function))


def _remembered(compile: Callable[..., T], *key: Any) -> T:
    try:
        return compile(*key)
    except TypeError:  # what cannot be hashed
        once: Callable[..., T] = inspect.unwrap(compile)
        return once(*key)


@lru_cache(4096)
def _parameters(function: Any, skip: int) -> Parameters | None:
    try:
        declared = list(inspect.signature(function).parameters.values())[skip:]
    except (TypeError, ValueError):  # a builtin without a signature
        return None
    hints = _hints(function)
    found = {each.name: _compiled(hints, each.name, function) for each in declared}
    if not any(found.values()):
        return None
    kinds: dict[Any, list[str]] = {}
    for each in declared:
        kinds.setdefault(each.kind, []).append(each.name)
    only, both, keyword = (kinds.get(kind, []) for kind in (0, 1, 3))
    rest, others = (kinds.get(kind, [""])[0] for kind in (2, 4))
    return Parameters(
        importable_name(function),
        tuple((name, found[name]) for name in (*only, *both)),
        {name: found[name] for name in (*both, *keyword)},
        (rest, found.get(rest)),
        found.get(others),
    )


@lru_cache(4096)
def _result(function: Any) -> Decoder | None:
    name, function = importable_name(function), _class_behind(function)
    if not isinstance(function, type):
        hints = _hints(function)
    elif hasattr(function, "execute"):
        hints = _hints(function.execute)
    else:
        hints = {"return": function}
    decode = _compiled(hints, "return", function)
    if decode is None:
        return None

    def decoded(value: Any) -> Any:
        try:
            return decode(value)
        except Wrong as wrong:
            raise PayloadError(wrong.worded(f"the result of {name}")) from None

    return decoded


def _compiled(hints: dict[str, Any], name: str, function: Any) -> Decoder | None:
    try:
        return decoder(hints.get(name, Any))
    except Exception as error:
        unreadable(name, function, error)
        return None


def _class_behind(function: Any) -> Any:
    """The class that a function stands for, such as `simpleflow.execute.python` makes of one; else the function."""
    behind = inspect.unwrap(function)
    return behind if isinstance(behind, type) else function


def _hints(function: Any) -> dict[str, Any]:
    """The type hints of a callable; without those that only a type checker can read."""
    while isinstance(function, partial):
        function = function.func
    function = _class_behind(function)
    if isinstance(function, type):
        function = getattr(function, "__init__")  # noqa: B009 - what mypy takes for unsound
    elif not inspect.isroutine(function) and "__annotations__" not in getattr(function, "__dict__", ()):
        function = type(function).__call__
    try:
        return typing.get_type_hints(function)
    except Exception:
        pass
    found: dict[str, Any] = {}
    scope = getattr(inspect.unwrap(function), "__globals__", {})
    for name, annotation in getattr(function, "__annotations__", {}).items():
        try:
            found |= typing.get_type_hints(types.SimpleNamespace(__annotations__={name: annotation}), scope)
        except Exception as error:
            unreadable(name, function, error)
    return found
