"""How the branch that runs waits: for all of some futures, for the first, for the next, or until a time is over."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from functools import partial
from math import ceil, isfinite
from typing import Any, Final

from simpleflow.command import OURS
from simpleflow.dataflow.branches import Branch
from simpleflow.dataflow.frames import caller
from simpleflow.dataflow.graph import Node
from simpleflow.dataflow.turns import Turns
from simpleflow.dataflow.waits import Deadline, Listener, Queue, Wait, first, has_failed, would_raise
from simpleflow.futures import ALL_COMPLETED, CANCELLED, FINISHED, FIRST_COMPLETED, FIRST_EXCEPTION, Future, Timeout
from simpleflow.task import OwnTimer

ENDS: Final[dict[str, Callable[[Node], bool] | None]] = {
    ALL_COMPLETED: None,
    FIRST_COMPLETED: lambda node: True,
    FIRST_EXCEPTION: has_failed,
}
"""Which node ends a wait alone."""


class Waiting(Turns):
    """The waits of `simpleflow.futures.Program`."""

    def wait(
        self, futures: Sequence[Future[Any]], return_when: str = ALL_COMPLETED, timeout: Timeout | None = None
    ) -> None:
        branch = self._branches.entered()
        nodes = [self._own(future) for future in futures]
        if branch.failures or branch.cancel_asked or self._graph.urgent:
            self._interrupt(branch, nodes)
        missing = [node for node in nodes if not node.done]
        if timeout is not None or missing:
            wait = Wait(branch, nodes, len(missing), ENDS[return_when])
            self._wait(wait, missing, None if timeout is None else self._deadline(branch, nodes, timeout))

    def wait_or_raise(self, futures: Sequence[Future[Any]]) -> None:
        branch = self._branches.entered()
        nodes = [self._own(future) for future in futures]
        self._interrupt(branch, nodes)
        missing = [node for node in nodes if not node.done]
        self._wait(Wait(branch, nodes, len(missing), would_raise), missing)
        failed = first(node for node in nodes if node.done and would_raise(node))
        if failed is not None:
            raise self._failure(failed)

    def stream(
        self, futures: Sequence[Future[Any]], timeout: Timeout | None
    ) -> Callable[[], Future[Any] | None]:
        branch = self._branches.entered()
        nodes = {self._own(future): future for future in reversed(futures)}
        deadline = None if timeout is None else self._deadline(branch, nodes, timeout)
        queue = Queue(nodes, deadline)
        pending = [node for node in nodes if not node.done]
        for node in pending:
            node.waits.append(queue)
        if deadline is not None and pending:
            self._start_timer(branch, deadline, queue)
        return partial(self._next, queue, len(nodes))

    def _wait(self, wait: Wait, missing: Sequence[Node], deadline: Deadline | None = None) -> None:
        """Suspend the branch that runs, unless what it waits for is there already."""
        if not missing or (wait.ends is not None and any(wait.ends(node) for node in wait.nodes if node.done)):
            return
        if deadline is not None:
            if deadline.passed:
                return
            wait.timer = self._start_timer(wait.branch, deadline, wait)
        wait.branch.wait = wait
        for node in missing:
            node.waits.append(wait)
        try:
            self._branches.suspend()
        finally:
            wait.over = True
            if wait.missing:
                for node in missing:
                    if not node.done:
                        node.waits.remove(wait)
            if deadline is not None:
                self._end_timer(deadline)
        if wait.timer is not None and wait.timer.done and wait.timer.state == FINISHED:
            wait.branch.read(wait.timer)
        if wait.timer is not None and has_failed(wait.timer):
            raise self._failure(wait.timer)

    def _next(self, queue: Queue, total: int) -> Future[Any] | None:
        """The next future of an `as_completed`, once there is one."""
        branch = self._branches.entered()
        self._interrupt(branch, queue.left)
        try:
            while not queue.ready:
                if not queue.left:
                    return None
                if queue.deadline is not None and queue.deadline.passed:
                    raise TimeoutError(f"{len(queue.left)} (of {total}) futures unfinished")
                self._suspend_for_next(branch, queue)
            future = queue.take()
            if queue.deadline is not None and queue.settled:
                self._end_timer(queue.deadline)
            return future
        finally:
            if queue.ready or not queue.left or (queue.deadline is not None and queue.deadline.passed):
                taker = queue.next_taker()  # others may wait for the same
                if taker is not None:
                    self._graph.woken.append(taker)

    def _suspend_for_next(self, branch: Branch, queue: Queue) -> None:
        branch.wait = wait = Wait(branch, queue.left)
        queue.takers.append(wait)
        try:
            self._branches.suspend()
        finally:
            if wait in queue.takers:
                queue.takers.remove(wait)

    def _deadline(self, branch: Branch, nodes: Collection[Node], timeout: Timeout) -> Deadline:
        seconds = whole_seconds(timeout)
        key = ("deadline", seconds, *(node.number for node in nodes))
        return self._recall(branch, key, partial(Deadline, seconds))

    def _start_timer(self, branch: Branch, deadline: Deadline, listener: Listener) -> Node | None:
        """The timer of a deadline, if it takes any."""
        if deadline.seconds <= 0:
            return None
        if deadline.timer is None or deadline.timer.state == CANCELLED:
            deadline.timer = self._new_timer(branch, deadline.seconds)
        deadline.timer.waits.append(listener)
        return deadline.timer

    def _end_timer(self, deadline: Deadline) -> None:
        """Nobody waits for the deadline any more."""
        timer = deadline.timer
        if timer is not None and not timer.done and not self.closing:
            self._graph.cancel(timer)

    def _new_timer(self, branch: Branch, seconds: int) -> Node:
        branch.timers += 1
        id = f"_{OURS}wait-{branch.scope}{'.' if branch.scope else ''}{branch.timers}"
        return self._graph.add(OwnTimer(id, max(0, seconds)), branch, branch.scope, caller(), earlier=branch.since)

    def _sleep(self, seconds: int) -> Node:
        """A timer that has fired: waits for it."""
        branch = self._branches.entered()
        self._interrupt(branch, ())
        timer = self._recall(branch, ("sleep", seconds), partial(self._new_timer, branch, seconds))
        try:
            self._wait(Wait(branch, (timer,), 1), [] if timer.done else [timer])
        except BaseException:
            if not self.closing:
                self._graph.cancel(timer)
            raise
        branch.submitted = True
        branch.read(timer)
        return timer


def whole_seconds(timeout: Timeout) -> int:
    """Whole seconds, as timers have them: no wait is shorter than it was asked for. Raises TypeError, ValueError."""
    if isinstance(timeout, timedelta):
        return ceil(timeout.total_seconds())
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        raise TypeError(f"a time to wait is a number of seconds or a timedelta, not {timeout!r}")
    if not isfinite(timeout):
        raise ValueError(f"a time to wait is finite, not {timeout}: for no limit, give None")
    return ceil(timeout)
