"""Futures: what `submit` gives back, and the only way in which a workflow waits.

This module also holds the small Protocols through which the vocabulary reaches the running program. It knows
nothing of graphs, greenlets, events or engines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Generic, NoReturn, Protocol, TypeVar
from uuid import UUID

from simpleflow.exceptions import fresh

PENDING = "PENDING"
RUNNING = "RUNNING"
CANCELLED = "CANCELLED"
FINISHED = "FINISHED"

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Node(Protocol):
    """What a future shows: one task of the run. It belongs to the graph."""

    @property
    def id(self) -> str: ...
    @property
    def state(self) -> str: ...


class Program(Protocol):
    """The running program, as the vocabulary sees it."""

    def submit(self, task: Any) -> Future[Any]:
        """Put a task (`simpleflow.task`) into the graph; its number is taken here, in program order."""

    def wait(self, futures: Sequence[Future[Any]]) -> None:
        """Suspend the calling branch until all of `futures` are done."""

    def result(self, node: Node) -> Any:
        """The value of a done node, decoded anew, or its failure raised."""

    def exception(self, node: Node) -> BaseException | None:
        """The failure of a done node, as a fresh copy, or None."""

    def cancel(self, node: Node) -> bool:
        """Ask for the task's end; False if it is done already."""

    def default_failure_handling(self, failure_context: Any) -> Any:
        """The context of a failed attempt, with the decision that the task's `retry` takes."""

    def fail(self, reason: str, details: str | None) -> NoReturn:
        """End the run as failed, here and now."""

    def markers(self, all: bool) -> list[Any]:
        """The run's markers (`simpleflow.marker.Marker`), in program order; without `all` the last one of each name."""

    def event_details(self, type: str, name: str) -> dict[str, Any] | None:
        """What the run knows of its last signal or marker of that name, or of the timer with that id."""

    def now(self) -> datetime:
        """The time of the last event that the program knows of, in UTC."""

    def random(self) -> float: ...
    def uuid4(self) -> UUID: ...

    @property
    def context(self) -> dict[str, Any]:
        """Who this run is: name, version, domain_name, workflow_id, run_id, tag_list, ..."""

    @property
    def replaying(self) -> bool:
        """Whether the program is being fed events that an earlier decision has seen."""

    @property
    def history_length(self) -> int:
        """How many events the history had with the last one that the program knows of."""


class Future(Generic[T_co]):
    """The result of a task, perhaps not there yet.

    As in concurrent.futures, but what is a method there is a property here: ``future.result``. Futures come
    from ``submit``; a future given as an argument to another ``submit``, also inside lists and dicts, makes
    that task wait for it. A future made by hand, ``Future()``, belongs to no run and ends when somebody sets it.
    """

    _program: Program | None = None
    _node: Node | None = None
    _by_hand: tuple[str, Any, BaseException | None] = (PENDING, None, None)

    def __init__(self, program: Program | None = None, node: Node | None = None) -> None:
        if node is not None:
            self._program = program
            self._node = node

    def _bound(self) -> tuple[Program, Node]:
        if self._program is None or self._node is None:
            raise RuntimeError("this future belongs to no run: futures come from self.submit(...)")
        return self._program, self._node

    @property
    def id(self) -> str:
        """The task's id: ``activity-examples.basic.double-1``; empty until an idempotent task has its hash."""
        return self._bound()[1].id

    @property
    def state(self) -> str:
        """PENDING until the task's arguments are there, RUNNING once it was asked for, then FINISHED or CANCELLED."""
        return self._by_hand[0] if self._node is None else self._node.state

    @property
    def pending(self) -> bool:
        return self.state == PENDING

    @property
    def running(self) -> bool:
        return self.state == RUNNING

    @property
    def cancelled(self) -> bool:
        return self.state == CANCELLED

    @property
    def finished(self) -> bool:
        return self.state == FINISHED

    @property
    def done(self) -> bool:
        return self.state in (FINISHED, CANCELLED)

    @property
    def result(self) -> T_co:
        """The task's value; waits for it. Raises the task's failure (TaskFailed, TimeoutError, TaskCanceled),
        unless the task was submitted with ``raises_on_failure=False``: then it is None."""
        if self._node is None and self.done:
            if self._by_hand[2] is not None:
                raise fresh(self._by_hand[2])
            kept: T_co = self._result
            return kept
        program, node = self._bound()
        program.wait((self,))
        value: T_co = program.result(node)
        return value

    @property
    def exception(self) -> BaseException | None:
        """The task's failure, or None if it has completed; waits for either."""
        if self._node is None and self.done:
            return None if self._by_hand[2] is None else fresh(self._by_hand[2])
        program, node = self._bound()
        program.wait((self,))
        return program.exception(node)

    def wait(self) -> None:
        """Wait until the task is done, however it ends."""
        program, _ = self._bound()
        program.wait((self,))

    def cancel(self) -> bool:
        """Ask that the task be cancelled. False if it is done already.

        A task that was not asked for yet is cancelled at once; for another the answer comes from its worker,
        which may still complete it.
        """
        program, node = self._bound()
        return program.cancel(node)

    def __repr__(self) -> str:
        if self._node is None:
            return f"<Future of no run, state={self.state.lower()}>"
        return f"<Future {self._node.id or '(no id yet)'} state={self._node.state.lower()}>"

    # -- futures made by hand --------------------------------------------------------------------------------------

    def set_finished(self, result: Any) -> None:
        self._set(FINISHED, result)

    def set_exception(self, exception: BaseException | None) -> None:
        self._set(FINISHED, None, exception)

    def set_cancelled(self) -> None:
        self._set(CANCELLED)

    def _set(self, state: str, result: Any = None, exception: BaseException | None = None) -> None:
        if self._node is not None:
            raise RuntimeError(f"{self!r} ends as its task does: only a Future() made by hand is set")
        self._by_hand = state, result, exception

    @property
    def _result(self) -> Any:
        return self._by_hand[1]

    @_result.setter
    def _result(self, result: Any) -> None:
        self._set(self._by_hand[0], result, self._by_hand[2])


def wait(*fs: Future[T]) -> list[T]:
    """Wait for all of `fs`, then read their results in order.

    Raises the failure of the first one, in the order given, that has failed.
    """
    for given in fs:
        _check(given)
    if fs:
        fs[0]._bound()[0].wait(fs)
    return [future.result for future in fs]


def _check(given: Any) -> None:
    if not isinstance(given, Future):
        hint = ": write wait(*futures)" if isinstance(given, Iterable) else ""
        raise TypeError(f"wait() takes futures, not {type(given).__name__}{hint}")
