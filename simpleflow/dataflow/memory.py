"""What a branch asked for in its earlier passes: the old idiom, in which `run` raises ExecutionBlocked itself.

Such a branch is run again from its start, with all that is known by then. What it asks for again it gets again: the
k-th of equal things is the k-th of its earlier passes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from inspect import isfunction
from types import CodeType
from typing import Any, TypeVar

from simpleflow.exceptions import ExecutionBlocked

T = TypeVar("T")


class Unremembered(Exception):
    """A branch is to run again, and nothing was kept of what it did: the run must be read again from its start, by
    a program that remembers."""


class Memory:
    """The things that one branch has asked for, by what they are equal by."""

    def __init__(self) -> None:
        self._things: dict[Hashable, list[Any]] = {}
        self._used: Counter[Hashable] = Counter()

    def rewind(self) -> None:
        """A new pass begins."""
        self._used.clear()

    def known(self, key: Hashable) -> bool:
        """Whether the next thing of this key is one of an earlier pass."""
        return self._used[key] < len(self._things.get(key, ()))

    def recall(self, key: Hashable, make: Callable[[], T]) -> T:
        """The next thing of this key: that of the earlier passes, else a new one."""
        things = self._things.setdefault(key, [])
        index = self._used[key]
        if index == len(things):
            things.append(make())
        self._used[key] = index + 1
        thing: T = things[index]
        return thing


def mentions_blocking(workflow_class: type) -> bool:
    """Whether the code of a class speaks of ExecutionBlocked: such a program had better remember from its start."""
    functions = [value for kind in workflow_class.__mro__ for value in vars(kind).values() if isfunction(value)]
    codes = [function.__code__ for function in functions]
    while codes:
        code = codes.pop()
        if ExecutionBlocked.__name__ in code.co_names:
            return True
        codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return False
