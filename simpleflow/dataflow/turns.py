"""Whose turn it is: branches begin, are woken, are raised in, run again and end.

One branch runs at a time. What the last event has woken runs first in, first out, and before it what is to be raised
at once; nothing here depends on how events are grouped. It knows of futures and nodes, not of what a task is.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Collection, Coroutine, Hashable, Sequence
from typing import Any, Final, TypeVar

import greenlet

from simpleflow.command import Close, Complete, Fail
from simpleflow.dataflow import coroutines
from simpleflow.dataflow.branches import AGAIN, Branch, Branches, Call, Ended
from simpleflow.dataflow.frames import last_line, of_users, without_ours
from simpleflow.dataflow.graph import Graph, Live, Node
from simpleflow.dataflow.memory import Memory, Unremembered
from simpleflow.dataflow.waits import Wait
from simpleflow.exceptions import BranchCanceled, Evicted, ExecutionBlocked, TaskCanceled
from simpleflow.futures import CANCELLED, FINISHED, RUNNING, Future
from simpleflow.submittable import Task

T = TypeVar("T")

MAX_PASSES: Final = 100
"""How often a branch may run again within one event: each time it asks for something new that is done at once."""


class Turns:
    """The branches of a run over its graph. `whose` names the run in messages."""

    def __init__(self, graph: Graph, whose: str, *, remember: bool) -> None:
        self._remember = remember
        self._graph = graph
        self._branches = Branches(self._live, whose)
        self._blocked: list[Branch] = []
        self._main: Branch | None = None
        self.outcome: Close | None = None

    @property
    def closing(self) -> bool:
        """Whether the program is being put away, or is over."""
        return self._branches.closing

    def doom(self, error: BaseException) -> None:
        if self.closing:
            self._branches.entered()  # refuses, each time more firmly
        self._end_run(Fail(error))
        self._branches.closing = True

    # -- how branches begin and end --------------------------------------------------------------------------------

    def _begin(self, call: Callable[[], Any], finish: Callable[[Any], Any], context: contextvars.Context) -> None:
        """Begin the main line; `finish` makes the result of the run of what it returns."""
        self._main = Branch(call, "", None, context, self._new_memory(), finish=finish)
        self._enlist(self._main)

    def _spawn(
        self, parent: Branch, call: Callable[[], Any], kind: str, name: str, where: str, fails_fast: bool = False
    ) -> Node:
        scope = parent.inner_scope(kind)
        branch = Branch(call, scope, parent, contextvars.copy_context(), self._new_memory(), name)
        branch.fails_fast = fails_fast
        branch.since, parent.submitted = parent.since, True
        task = Call(branch)
        node = branch.node = self._beside(task, task.name, parent, where)
        node.raises = parent.submission.raises if parent.submission is not None else None
        parent.children[branch] = None
        if not node.held:
            self._begin_branch(branch)
        return node

    def _begin_branch(self, branch: Branch) -> None:
        branch.node.held, branch.node.state = False, RUNNING
        self._enlist(branch)

    def _beside(self, task: Task, id: str, owner: Branch, where: str) -> Node:
        """A node of which the world is asked nothing; held, where it is for a member of a canvas."""
        held = owner.submission.held if owner.submission is not None else None
        node = Node(task, id, owner, where, None, None, held=held is not None)
        node.number = self._graph.nodes = self._graph.nodes + 1
        if held is not None:
            held.append(node)
        return node

    def _new_memory(self) -> Memory | None:
        return Memory() if self._remember else None

    def _enlist(self, branch: Branch) -> None:
        """Let a branch begin, or begin again, when its turn comes."""
        self._branches.living[branch] = None
        branch.wait = Wait(branch, ())
        self._graph.woken.append(branch.wait)

    def _live(self, branch: Branch) -> None:
        """A branch from start to end, in its greenlet."""
        branch.settled_before = self._graph.ended
        try:
            returned = self._called(branch)
            self._interrupt(branch, ())
        except (Evicted, greenlet.GreenletExit):
            return
        except BranchCanceled as error:
            canceled = TaskCanceled(name=branch.node.id) if branch.parent else error
            self._end(branch, error=canceled, state=CANCELLED)
        except BaseException as error:  # also SystemExit: it ends the run, never the decider
            self._end(branch, error=error)
        else:
            if branch.blocked:
                self._block(branch)
            else:
                self._end(branch, returned)

    def _called(self, branch: Branch) -> Any:
        """What a branch returns; None where it is blocked."""
        try:
            returned = branch.call()
            if isinstance(returned, Coroutine):
                if not branch.asynchronous:
                    branch.asynchronous = True
                    self._branches.suspend(AGAIN)
                returned = coroutines.drive(returned)
            if branch.finish is not None:
                returned = branch.finish(returned)
        except ExecutionBlocked as error:
            branch.blocked = last_line(of_users(error.__traceback__))
            return None
        if isinstance(returned, Future) and returned._node is not None:
            self._own(returned)
        return returned

    def _end(
        self, branch: Branch, returned: Any = None, error: BaseException | None = None, state: str = FINISHED
    ) -> None:
        """A branch is over, and what waits for it goes on. The end of the main line is the end of the run."""
        if self.closing:
            return
        self._branches.discard(branch)
        if error is not None:
            without_ours(error)
        if branch.parent is None:
            self._end_run(Complete(returned) if error is None else Fail(error))
        elif error is not None:
            for child in list(branch.children) if state == CANCELLED else ():
                self._cancel_branch(child)
            if branch.fails_fast and state == FINISHED:
                branch.node.raises = True
            self._graph.end(branch.node, None, error, state)
        elif isinstance(returned, Ended):
            self._graph.end(branch.node, *returned)
        elif isinstance(returned, Future) and returned._node is not None:
            self._follow(branch, returned)
        else:
            self._graph.end(branch.node, Live(returned))

    def _end_run(self, outcome: Close) -> None:
        if self.outcome is None:
            self.outcome = outcome

    def _follow(self, branch: Branch, future: Future[Any]) -> None:
        """Let a branch's future end as the one that the branch has returned."""
        node, followed = branch.node, self._own(future)
        followed.looked_at = True
        branch.follows = future

        def end(followed: Node) -> None:
            node.raises = False if followed.raises is False else None
            self._graph.end(node, followed.result, followed.error, followed.state)

        self._graph.then(followed, end)

    def _cancel_branch(self, branch: Branch) -> bool:
        """Raise BranchCanceled in it where it waits; it may have it otherwise. One that has not begun is over."""
        if branch.node.done:
            return False
        if branch.follows is not None:
            return branch.follows.cancel()
        if branch.greenlet is None:
            self._end(branch, error=TaskCanceled(name=branch.node.id), state=CANCELLED)
        elif not branch.cancel_asked:
            branch.cancel_asked = True
            if branch.wait is not None:
                branch.wait = Wait(branch, branch.wait.nodes, error=BranchCanceled(f"{branch.node.id} was cancelled"))
                self._graph.woken.append(branch.wait)
        return True

    # -- whose turn it is ------------------------------------------------------------------------------------------

    def _run_branches(self, *, at_event: bool = False) -> None:
        """Raise what wants to be raised at once, then resume who was woken, first in first out, until all wait."""
        graph = self._graph
        if at_event and self._blocked:
            self._run_again(self._blocked)
        while self.outcome is None:
            if graph.urgent:
                self._raise_in_owner(graph.urgent.popleft())
            elif graph.woken:
                wait = graph.woken.popleft()
                branch = wait.branch
                if branch.wait is wait:
                    if wait.error is not None:
                        branch.cancel_asked = False
                    self._branches.resume(branch, wait.error)
            elif not self._blocked or not self._run_blocked_at_once():
                return
        self._branches.close()  # returning is final

    def _raise_in_owner(self, node: Node) -> None:
        branch = _owner(node)
        if branch.wait is None or branch.greenlet is None:
            branch.failures.append(node)  # it is to run again, from its start
        elif not branch.wait.exactly(node):  # who waits for just this one is about to get its answer
            self._branches.resume(branch, self._failure(node))

    def _interrupt(self, branch: Branch, nodes: Collection[Node]) -> None:
        """Raise what is to be raised in the branch that runs, now that it waits for `nodes`."""
        urgent = self._graph.urgent
        if urgent:
            for node in [node for node in urgent if _owner(node) is branch]:
                urgent.remove(node)
                branch.failures.append(node)
        while branch.failures:
            node = branch.failures.pop(0)
            if len(nodes) != 1 or next(iter(nodes)) is not node:
                raise self._failure(node)
        if branch.cancel_asked:
            branch.cancel_asked = False
            raise BranchCanceled(f"{branch.node.id} was cancelled")

    def _failure(self, node: Node) -> BaseException:
        assert node.error is not None
        node.looked_at = True
        return self._graph.failure(node)

    # -- running again ---------------------------------------------------------------------------------------------

    def _block(self, branch: Branch) -> None:
        """A branch has raised ExecutionBlocked: it runs again from its start at the next event, or when something
        has ended since it began."""
        if self.closing:
            return
        if branch.memory is None:
            raise Unremembered(f"ExecutionBlocked was raised at {branch.blocked}")
        branch.greenlet = None
        self._blocked.append(branch)

    def _run_again(self, branches: Sequence[Branch]) -> None:
        self._blocked = [branch for branch in self._blocked if branch not in branches]
        for branch in branches:
            if not branch.over and branch.memory is not None:
                branch.blocked = ""
                branch.memory.rewind()
                self._enlist(branch)

    def _run_blocked_at_once(self) -> bool:
        """Whether there are blocked branches that do not know all that is known."""
        again = [branch for branch in self._blocked if branch.settled_before < self._graph.ended]
        for branch in again:
            branch.passes = branch.passes + 1 if branch.turn == self._graph.turn else 1
            branch.turn = self._graph.turn
            if branch.passes > MAX_PASSES:
                what = f"raised {MAX_PASSES} times at {branch.blocked} without waiting for anything"
                self._end(branch, error=RuntimeError(f"ExecutionBlocked was {what}"))
        self._run_again(again)
        return bool(again)

    def _recall(self, branch: Branch, key: Hashable, make: Callable[[], T]) -> T:
        return make() if branch.memory is None else branch.memory.recall(key, make)

    def _own(self, future: Future[Any]) -> Node:
        program: object = future._program
        node: Any = future._node
        if program is not self or node is None:
            raise RuntimeError(f"{future!r} belongs to another run or to none: it can never be done here")
        assert isinstance(node, Node)
        return node


def _owner(node: Node) -> Branch:
    """The branch that submitted the task, or its nearest ancestor that lives."""
    branch: Branch = node.owner
    while branch.over and branch.parent is not None:
        branch = branch.parent
    return branch
