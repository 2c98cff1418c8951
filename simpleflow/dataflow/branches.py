"""The branches of a run: greenlets that take turns, each with a scope and context variables of its own.

All are switched into from one place, the hub, which is whoever advances the program: a branch never starts or wakes
another itself, so that no nesting, however deep, grows a stack. Which branch is switched into when, and what becomes
of its end, is the program's; this knows how to switch, and how to put branches away.
"""

from __future__ import annotations

import contextvars
import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, NamedTuple, NoReturn

import greenlet

from simpleflow.dataflow import coroutines
from simpleflow.dataflow.coroutines import MAX_REFUSALS
from simpleflow.dataflow.graph import Node
from simpleflow.dataflow.memory import Memory
from simpleflow.dataflow.origins import Origins
from simpleflow.dataflow.waits import Wait
from simpleflow.exceptions import Evicted
from simpleflow.futures import Future
from simpleflow.submittable import Task

log = logging.getLogger("simpleflow.dataflow")

MAX_SCOPE: Final = 100

AGAIN: Final = object()
"""What a branch says to the hub to be switched into again at once."""


class Ended(NamedTuple):
    """What a branch returns that says itself how its future ends."""

    result: Any
    error: BaseException | None
    state: str


_abandoned: list[greenlet.greenlet] = []  # dropping the last reference would raise in them once more


@dataclass(slots=True, eq=False)
class Submission:
    """What a branch submits now is a member of a canvas, or what a FuncGroup has returned.

    `raises` stands for the raises_on_failure of each task, unless it is None. What is to wait until the member's turn
    comes is collected in `held`; None: nothing is held.
    """

    raises: bool | None
    held: list[Node] | None = None


@dataclass(slots=True, eq=False)
class Branch:
    """A line of execution of the run. The main line is the one without a parent; it has no future either."""

    call: Callable[[], Any]
    scope: str
    parent: Branch | None
    context: contextvars.Context
    memory: Memory | None
    name: str = ""
    fails_fast: bool = False
    finish: Callable[[Any], Any] | None = None  # what makes its value of what it returns
    node: Any = None
    greenlet: greenlet.greenlet | None = None  # of the pass that runs
    wait: Wait | None = None
    failures: list[Node] = field(default_factory=list)  # nodes whose failures are to be raised where it waits next
    follows: Future[Any] | None = None  # what it returned: its own ends with it
    submission: Submission | None = None  # that is under way
    canvases: list[Any] = field(default_factory=list)  # whose members are being submitted, the innermost last
    blocked: str = ""  # where it raised ExecutionBlocked, until it runs again
    scopes: Counter[str] = field(default_factory=Counter)
    children: dict[Branch, None] = field(default_factory=dict)  # that live
    timers: int = 0  # that its waits have taken
    settled_before: int = 0  # how many nodes had ended when its pass began
    turn: int = 0  # the event in which it has run `passes` times
    passes: int = 0
    asynchronous: bool = False
    cancel_asked: bool = False
    over: bool = False
    aside: bool = False  # it is a call of on_task_failure, which has no greenlet of its own and cannot wait
    refusals: int = 0
    since: Origins | None = None  # what it has read
    submitted: bool = True  # since it read that

    def read(self, node: Node) -> None:
        """It knows the end of this node, and goes on with that."""
        if self.submitted or self.since is None:
            self.since, self.submitted = Origins(node), False
        else:
            self.since.add(node)

    def inner_scope(self, kind: str) -> str:
        """The scope of the next branch of its own: ``b1``, and ``f2.b1`` in the scope ``f2``."""
        self.scopes[kind] += 1
        scope = f"{self.scope}{'.' if self.scope else ''}{kind}{self.scopes[kind]}"
        if len(scope) > MAX_SCOPE:
            scope = f"h{hashlib.md5(scope.encode(), usedforsecurity=False).hexdigest()}"
        return scope


@dataclass(frozen=True, slots=True, eq=False)
class Call(Task):
    """What stands for a branch among the tasks of a run."""

    kind: ClassVar[str] = "branch"
    branch: Branch

    @property
    def name(self) -> str:
        return f"branch-{self.branch.scope}"

    @property
    def origins(self) -> Sequence[Any]:
        branch = self.branch
        followed = [] if branch.follows is None else [branch.follows._node]
        return followed or ([] if branch.since is None else [branch.since])


class Branches:
    """The branches of one program. Belongs to the thread that made it. `body` is what runs in each of them."""

    def __init__(self, body: Callable[[Branch], None], whose: str) -> None:
        self._body = body
        self._whose = whose
        self.living: dict[Branch, None] = {}  # in the order in which they were spawned
        self.current: Branch | None = None
        self.closing = False

    def resume(self, branch: Branch, error: BaseException | None = None) -> None:
        """Switch into a branch, until it waits or ends; `error` is raised where it waited. Called by the hub only."""
        previous, self.current = self.current, branch
        branch.wait = None
        try:
            if branch.greenlet is None:
                branch.greenlet = greenlet.greenlet(self._run)
                branch.greenlet.gr_context = branch.context.copy()
            branch.greenlet.parent = greenlet.getcurrent()
            if branch.asynchronous:
                self._switch_refusing(branch, error)
            elif error is not None:
                branch.greenlet.throw(error)
            elif branch.greenlet.switch() is AGAIN:
                self._switch_refusing(branch, None)
        finally:
            self.current = previous

    def suspend(self, message: Any = None) -> None:
        """Switch from the branch that runs to the hub, until it is resumed."""
        if self.current is not None and self.current.aside:
            raise RuntimeError(
                "on_task_failure cannot wait for what is not done: return failure_context.decide_retry(seconds), "
                "or decide_handled(task, future)"
            )
        hub = greenlet.getcurrent().parent
        assert hub is not None
        hub.switch(message)

    def entered(self) -> Branch:
        """The branch that calls us. Refuses while the program is put away, and calls from outside of it."""
        branch = self.current
        if self.closing:
            if branch is not None:
                branch.refusals += 1
                while branch.refusals > MAX_REFUSALS:
                    self.suspend()
            raise Evicted
        if branch is None or branch.greenlet is not greenlet.getcurrent():
            raise RuntimeError("futures are submitted and read inside of run, on its own thread")
        return branch

    def leave(self, error: BaseException) -> NoReturn:
        """Raise this in the hub, past all code of the branch that runs, if one does: that is to be put away."""
        branch = self.current
        if branch is not None and branch.greenlet is greenlet.getcurrent() and branch.greenlet.parent is not None:
            branch.greenlet.parent.throw(error)
        raise error

    def close(self) -> None:
        """Put all branches away, the newest first and the main line last: their code is unwound, muted, and what it
        asks for is refused. Code that catches even BaseException, again and again, is abandoned where it stands."""
        self.closing = True
        for branch in reversed(list(self.living)):
            self.discard(branch)
            while branch.greenlet is not None and not branch.greenlet.dead:
                self.resume(branch, Evicted())
                if branch.refusals > MAX_REFUSALS:
                    _abandoned.append(branch.greenlet)
                    log.error("a run of %s refuses to be put away: abandoned", self._whose)
                    break
        self.living.clear()

    def discard(self, branch: Branch) -> None:
        """A branch is over. Where it never began, what it was to call is told."""
        branch.over = True
        branch.wait = None
        self.living.pop(branch, None)
        if branch.parent is not None:
            branch.parent.children.pop(branch, None)
        if branch.greenlet is None:
            forget(branch.call)

    def _run(self) -> None:
        assert self.current is not None
        self._body(self.current)

    def _switch_refusing(self, branch: Branch, error: BaseException | None) -> None:
        """Switch into a branch that runs a coroutine: asyncio does not work there."""
        assert branch.greenlet is not None
        outer = coroutines.enter()
        try:
            if error is None:
                branch.greenlet.switch()
            else:
                branch.greenlet.throw(error)
        finally:
            coroutines.leave(outer)


def forget(call: Callable[[], Any]) -> None:
    """What was to be called never is."""
    close = getattr(call, "close", None)
    if close is not None:
        close()
