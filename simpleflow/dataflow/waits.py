"""What suspended branches wait for: told of each node that ends, a wait says who is to be woken.

Knows of nodes and branches only that they are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any

from simpleflow.futures import CANCELLED, FINISHED, Future

if TYPE_CHECKING:
    from simpleflow.dataflow.branches import Branch
    from simpleflow.dataflow.graph import Node


@dataclass(slots=True, eq=False)
class Wait:
    """A suspended branch, and when it is to go on: what it raises then, if anything, is `error`."""

    branch: Branch
    nodes: Collection[Node]
    missing: int = 0  # so many of them are still to end
    ends: Callable[[Node], bool] | None = None  # one of them may end it alone
    timer: Node | None = None
    error: BaseException | None = None
    over: bool = False

    def node_done(self, node: Node) -> Wait | None:
        """This wait, where the end of `node` ends it."""
        if node is not self.timer:
            self.missing -= 1
            if self.missing and (self.ends is None or not self.ends(node)):
                return None
        if self.over:
            return None
        self.over = True
        return self

    def exactly(self, node: Node) -> bool:
        """Whether it waits for just this one."""
        return len(self.nodes) == 1 and next(iter(self.nodes)) is node


@dataclass(slots=True, eq=False)
class Deadline:
    """When a wait ends at the latest, `seconds` after it began: `timer` runs once it is needed."""

    seconds: int
    timer: Node | None = None

    @property
    def passed(self) -> bool:
        return self.seconds <= 0 or (self.timer is not None and self.timer.state == FINISHED)


@dataclass(slots=True, eq=False)
class Queue:
    """The futures of one `as_completed`, and the branches that wait for the next of them."""

    left: dict[Node, Future[Any]]
    deadline: Deadline | None = None
    takers: deque[Wait] = field(default_factory=deque)
    ready: list[tuple[int, int, Node]] = field(default_factory=list)  # by event, then in program order

    def __post_init__(self) -> None:
        self.ready.extend((node.turn, node.number, node) for node in self.left if node.done)
        heapify(self.ready)

    @property
    def settled(self) -> bool:
        """Whether all that are left are done."""
        return len(self.ready) == len(self.left)

    def node_done(self, node: Node) -> Wait | None:
        if node in self.left:
            heappush(self.ready, (node.turn, node.number, node))
        return self.next_taker()

    def next_taker(self) -> Wait | None:
        """The branch that has waited longest, if any: there may be something for it."""
        return self.takers.popleft() if self.takers else None

    def take(self) -> Future[Any]:
        """The next one that is done."""
        return self.left.pop(heappop(self.ready)[2])


Listener = Wait | Queue
"""What a node tells of its end."""


def has_failed(node: Node) -> bool:
    return node.error is not None and node.state != CANCELLED


def would_raise(node: Node) -> bool:
    """Whether reading its `.result` raises."""
    return node.error is not None and node.raises is not False


def first(nodes: Iterable[Node]) -> Node | None:
    """The one that ended first."""
    return min(nodes, key=lambda node: (node.turn, node.number), default=None)
