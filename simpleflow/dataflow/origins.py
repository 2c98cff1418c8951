"""What a task comes after, by name, for people who look at the run: nothing that a program does depends on it.

A task comes after those whose results are among its arguments, and `since` others: those whose results the program had
read before it submitted the task, or the item before it in a chain. What stands for others - a canvas, a branch - is
named by them. Names are those of `simpleflow.command.Names`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from simpleflow.command import ACTIVITY, CHILD, LAMBDA, SIGNAL, SIGNALED, TIMER, Names

if TYPE_CHECKING:
    from simpleflow.dataflow.graph import Node

MOST: Final = 100
"""So many tasks are named as what one comes after; of more, only how many they are."""

_IN_HISTORIES: Final = frozenset({CHILD, LAMBDA, SIGNAL, TIMER})


class Origins:
    """A growing set of names, which many tasks share: the first to ask for something tells them, the others name it."""

    __slots__ = ("_more", "_names", "_teller")

    def __init__(self, node: Node) -> None:
        self._names: dict[str, None] = {}
        self._more = 0
        self._teller = ""
        self.add(node)

    def add(self, node: Node) -> None:
        """Name this node, too."""
        if node.task.kind == ACTIVITY:
            self._put(node.id)
        else:
            self._add(node)

    def _add(self, node: Node) -> None:
        work: deque[Node | Origins] = deque((node,))
        while work:
            found = work.popleft()
            if isinstance(found, Origins):
                self._more += found._more
                for name in found._names:
                    self._put(name)
            elif (kind := found.task.kind) == ACTIVITY:
                self._put(found.id)
            elif kind in _IN_HISTORIES:
                self._put(f"{kind}:{found.id}")
            elif found.task.waits_for_signal:
                self._put(f"{SIGNALED}:{found.task.name}")
            else:
                work.extendleft(reversed(found.task.origins))

    def told_by(self, name: str) -> Names | str:
        """The names; or, where another task has told them, and they are more than a few, that one's."""
        if len(self._names) < 3:
            return self.names
        self._teller = self._teller or name
        return self.names if self._teller == name else self._teller

    @property
    def names(self) -> Names:
        """The names, and how many others there are."""
        return (*self._names, self._more) if self._more else (*self._names,)

    def _put(self, name: str) -> None:
        if len(self._names) == MOST and name not in self._names:
            self._names.popitem()  # the last one that was read is the one that was waited for
            self._more += 1
        self._names[name] = None


def named(nodes: Sequence[Node]) -> Names:
    """The names of these nodes."""
    if len(nodes) == 1 and nodes[0].task.kind == ACTIVITY:  # most tasks have one such argument
        return (nodes[0].id,)
    origins = Origins(nodes[0])
    for node in nodes[1:]:
        origins.add(node)
    return origins.names
