"""Futures: what `submit` gives back, and the only way in which a workflow waits.

This module also holds the small Protocols through which the vocabulary reaches the running program. It knows
nothing of graphs, greenlets, events or engines.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterable, Iterator, Sequence
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any, Final, Generic, Literal, NamedTuple, NoReturn, Protocol, TypeVar, overload
from uuid import UUID

from simpleflow.exceptions import ExecutionBlocked, TaskCanceled, fresh

PENDING = "PENDING"
RUNNING = "RUNNING"
CANCELLED = "CANCELLED"
CANCELLED_AND_NOTIFIED = "CANCELLED_AND_NOTIFIED"
FINISHED = "FINISHED"

FIRST_COMPLETED: Final = "FIRST_COMPLETED"
FIRST_EXCEPTION: Final = "FIRST_EXCEPTION"
ALL_COMPLETED: Final = "ALL_COMPLETED"

DONE: Final = frozenset({FINISHED, CANCELLED, CANCELLED_AND_NOTIFIED})

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")

ReturnWhen = Literal["FIRST_COMPLETED", "FIRST_EXCEPTION", "ALL_COMPLETED"]
Timeout = float | timedelta
"""Seconds. A timer of a run counts whole ones: parts are rounded up."""


class Node(Protocol):
    """What a future shows: one task or branch of the run. It belongs to the graph."""

    @property
    def id(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def number(self) -> int:
        """Its place among the tasks and branches of the run, in program order."""


class Rules(NamedTuple):
    """How the members of a canvas run: at most `parallel` at once, in order; the first failure `breaks` it, so that no
    further one runs; it `bubbles` what became of them as its own failure."""

    name: str
    parallel: int | None = None
    breaks: bool = False
    bubbles: bool = True


class Program(Protocol):
    """The running program, as the vocabulary sees it."""

    @property
    def workflow(self) -> Any:
        """The instance of the user's class that runs, or ran last."""

    def submit(self, task: Any, *args: Any, **kwargs: Any) -> Any:
        """Put a task (`simpleflow.task`) into the graph; its number is taken here, in program order.

        Else as `Workflow.submit`, for what is submitted that is no task yet.
        """

    def spawn(
        self, call: Callable[[], Any], scope_kind: str = "b", name: str = "", fails_fast: bool = False
    ) -> Future[Any]:
        """Run `call` in a branch of its own, beside the calling one.

        The branch has a scope of its own for the numbers of its tasks: the n-th of a kind is ``b1`` or ``f1``, in
        the scope of who calls. It starts when the calling branch waits next. Its future ends as `call` does: with
        what it returns, kept as it is; as the future that it returns; or with what it raises.

        `name` says what runs, for messages; where a branch runs again from its start, equal names are one branch.
        `fails_fast`: what `call` raises is raised at once in the calling branch, too; not so the failure of a future
        that it returns.
        """

    def compose(
        self, future: Any, submits: Iterator[Future[Any]], rules: Rules, *, reads: bool = False
    ) -> None:
        """Make `future` the one of a canvas of all that `submits` submits: one member at each step, the future of which
        it gives. They are held until their turn comes by `rules`. Ends with ``future._bind(program, node, canvas)``:
        `canvas` is done with its last member; `node` is the same, or where the future `reads` its members in a way of
        its own, done once its `exception` and `result` were read.

        Where canvases are nested very deep, the call for an inner one may return before it is submitted.
        """

    def overriding(self, raises: bool | None, submit: Callable[[bool | None], T]) -> T:
        """Call `submit` so that `raises` stands for the raises_on_failure of whatever it submits. What the canvas says,
        for which it is submitted, goes before `raises`; `submit` is given what holds. None: each task's own."""

    def wait(
        self, futures: Sequence[Future[Any]], return_when: str = ALL_COMPLETED, timeout: Timeout | None = None
    ) -> None:
        """Suspend the calling branch until all of `futures` are done, or as many as `return_when` says, or
        `timeout` is over."""

    def wait_or_raise(self, futures: Sequence[Future[Any]]) -> None:
        """Suspend the calling branch until all of `futures` are done, or one has a failure that its `.result` raises:
        the first one, in the order of events, is raised."""

    def stream(
        self, futures: Sequence[Future[Any]], timeout: Timeout | None
    ) -> Callable[[], Future[Any] | None]:
        """What gives the `futures` at each call, in the order in which they are done, and then None.

        It waits for the next one; it raises the builtin TimeoutError once `timeout` is over.
        """

    def sleep(self, timeout: Timeout) -> Future[None]:
        """Suspend the calling branch for a time. Gives the future of its timer, which is done."""

    def result(self, node: Node) -> Any:
        """The value of a done node, decoded anew, or its failure raised."""

    def value(self, node: Node) -> Any:
        """The value of a done node, decoded anew, even if it has failed; of a canvas, the list of its results."""

    def exception(self, node: Node) -> BaseException | None:
        """The failure of a done node, as a fresh copy, or None."""

    def finished(self, node: Node) -> int:
        """How many members of a canvas are done whose turn has come."""

    def cancel(self, node: Node) -> bool:
        """Ask for the task's end; False if it is done already."""

    def doom(self, error: BaseException) -> None:
        """Fail the run with `error`, whatever its code makes of it; the caller raises it. Raises where it is over."""

    def default_failure_handling(self, failure_context: Any) -> Any:
        """The context of a failed attempt, with the decision that the task's `retry` takes."""

    def fail(self, reason: str, details: str | None) -> NoReturn:
        """End the run as failed, here and now."""

    def markers(self, all: bool) -> list[Any]:
        """The run's markers (`simpleflow.marker.Marker`), in program order; without `all` the last one of each name."""

    def event_details(self, type: str, name: str) -> dict[str, Any] | None:
        """What the run knows of its last signal or marker of that name, or of the timer with that id."""

    def patched(self, name: str) -> bool:
        """Whether the run goes the way of the patch `name`: decided once, and kept in the history where it does."""

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
    def closing(self) -> bool:
        """Whether the program is being put away, or is over."""

    @property
    def history_length(self) -> int:
        """How many events the history had with the last one that the program knows of."""


running: ContextVar[Program | None] = ContextVar("running", default=None)
"""The program whose code is running."""


def muted() -> bool:
    """Whether what the running code prints or logs is no news: an earlier decision has seen it, or it is put away."""
    program = running.get()
    return program is not None and (program.replaying or program.closing)


class Future(Generic[T_co]):
    """The result of a task, perhaps not there yet.

    As in concurrent.futures, but what is a method there is a property here: ``future.result``; in a coroutine,
    ``await future`` is the same. Futures come from ``submit``; a future given as an argument to another ``submit``,
    also inside lists and dicts, makes that task wait for it. They are hashed by their place in the program, so that
    sets of them are walked in the same order again when a run is resumed.

    A future made by hand, ``Future()``, belongs to no run and ends when somebody sets it. Reading it before raises
    ExecutionBlocked, as in simpleflow 0.x: `run` is run again at the next event.
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
        return self._state

    @property
    def pending(self) -> bool:
        return self.state == PENDING

    @property
    def running(self) -> bool:
        return self.state == RUNNING

    @property
    def cancelled(self) -> bool:
        return self.state in (CANCELLED, CANCELLED_AND_NOTIFIED)

    @property
    def finished(self) -> bool:
        return self.state == FINISHED

    @property
    def done(self) -> bool:
        return self.state in DONE

    @property
    def result(self) -> T_co:
        """The task's value; waits for it. Raises the task's failure (TaskFailed, TimeoutError, TaskCanceled),
        unless the task was submitted with ``raises_on_failure=False``: then it is None."""
        if self._node is None:
            error = self.exception
            if error is not None:
                raise error
            value: T_co = self._result
            return value
        program, node = self._bound()
        program.wait((self,))
        known: T_co = program.result(node)
        return known

    @property
    def exception(self) -> BaseException | None:
        """The task's failure, or None if it has completed; waits for either."""
        if self._node is None:
            self.wait()
            error = TaskCanceled() if self.cancelled else self._exception
            return None if error is None else fresh(error)
        program, node = self._bound()
        program.wait((self,))
        return program.exception(node)

    def wait(self) -> None:
        """Wait until the task is done, however it ends."""
        if self._node is not None:
            self._bound()[0].wait((self,))
        elif not self.done:
            raise ExecutionBlocked(f"{self!r} belongs to no run, and nobody has set it")

    def cancel(self) -> bool:
        """Ask that the task be cancelled. False if it is done already.

        A task that was not asked for yet is cancelled at once; for another the answer comes from its worker,
        which may still complete it. A branch is cancelled where it waits: BranchCanceled is raised there.
        """
        if self._node is None:
            if self.done:
                return False
            self.set_cancelled()
            return True
        program, node = self._bound()
        return program.cancel(node)

    def __await__(self) -> Generator[Any, Any, T_co]:
        yield from ()
        return self.result

    def __hash__(self) -> int:
        return object.__hash__(self) if self._node is None else self._node.number

    def __repr__(self) -> str:
        if self._node is not None:
            return f"<Future {self._node.id or '(no id yet)'} state={self.state.lower()}>"
        failure = f" exception={self._exception!r}" if self._exception is not None else ""
        return f"<{type(self).__name__} at {id(self):#x} state={self.state.lower()}{failure}>"

    # -- futures made by hand --------------------------------------------------------------------------------------

    def set_running(self) -> None:
        self._set(RUNNING)

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
    def _state(self) -> str:
        return self._by_hand[0] if self._node is None else self._node.state

    @_state.setter
    def _state(self, state: str) -> None:
        self._set(state, *self._by_hand[1:])

    @property
    def _result(self) -> Any:
        if self._node is None:
            return self._by_hand[1]
        return self._known

    @_result.setter
    def _result(self, result: Any) -> None:
        self._set(self._by_hand[0], result, self._by_hand[2])

    @property
    def _known(self) -> Any:
        return self.result if self.done and self.exception is None else None

    @property
    def _exception(self) -> BaseException | None:
        if self._node is None:
            return self._by_hand[2]
        return self.exception if self.done else None

    @_exception.setter
    def _exception(self, exception: BaseException | None) -> None:
        self._set(*self._by_hand[:2], exception)


class DoneAndNotDone(NamedTuple, Generic[T]):
    """What `wait` gives where it may end early."""

    done: set[Future[T]]
    not_done: set[Future[T]]


@overload
def wait(*fs: Future[T]) -> list[T]: ...
@overload
def wait(
    *fs: Future[T] | Iterable[Future[T]], return_when: ReturnWhen, timeout: Timeout | None = None
) -> DoneAndNotDone[T]: ...
@overload
def wait(
    *fs: Future[T] | Iterable[Future[T]], timeout: Timeout, return_when: ReturnWhen = ...
) -> DoneAndNotDone[T]: ...


def wait(
    *fs: Future[T] | Iterable[Future[T]], return_when: str | None = None, timeout: Timeout | None = None
) -> list[T] | DoneAndNotDone[T]:
    """Wait for all of `fs`, then read their results in order.

    Raises the failure of the first one, in the order given, that has failed.

    With `return_when` or `timeout` it waits as concurrent.futures does, and gives two sets, `done` and `not_done`;
    `fs` may then also be one iterable of futures. It ends when all are done (ALL_COMPLETED), when one is
    (FIRST_COMPLETED) or has failed (FIRST_EXCEPTION; else when all are done), or after `timeout` seconds: a durable
    timer of the run, in whole seconds.
    """
    if return_when is None and timeout is None:
        given = [_checked(each, "wait", ": write wait(*futures)") for each in fs]
        _wait([future for future in given if future._node is not None])
        return [future.result for future in given]
    if return_when not in (None, FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED):
        raise ValueError(
            f"return_when takes FIRST_COMPLETED, FIRST_EXCEPTION or ALL_COMPLETED of futures, not {return_when!r}"
        )
    one: Any = fs[0] if len(fs) == 1 else None
    several = one if isinstance(one, Iterable) and not isinstance(one, Future) else fs
    given = list({_checked(each, "wait"): None for each in several})
    _wait(given, return_when or ALL_COMPLETED, timeout)
    done = {future for future in given if future.done}
    return DoneAndNotDone(done, {future for future in given if future not in done})


def _wait(futures: Sequence[Future[Any]], return_when: str = ALL_COMPLETED, timeout: Timeout | None = None) -> None:
    if futures:
        futures[0]._bound()[0].wait(futures, return_when, timeout)


class Completions(Iterator[Future[T]], AsyncIterator[Future[T]]):
    """What `as_completed` gives, for ``for`` and ``async for``."""

    def __init__(self, following: Callable[[], Future[T] | None] | None) -> None:
        self._following = following

    def __iter__(self) -> Completions[T]:
        return self

    def __next__(self) -> Future[T]:
        future = None if self._following is None else self._following()
        if future is None:
            self._following = None
            raise StopIteration
        return future

    def __aiter__(self) -> Completions[T]:
        return self

    async def __anext__(self) -> Future[T]:
        try:
            return self.__next__()
        except StopIteration:
            raise StopAsyncIteration from None


def as_completed(fs: Iterable[Future[T]], timeout: Timeout | None = None) -> Completions[T]:
    """The futures `fs` one by one, each when it is done, in the order of events.

    Those that are done by one event come in the order of the program. For ``for`` and, in coroutines, ``async for``.
    Raises the builtin TimeoutError when not all are done `timeout` seconds after the call; a loop that is left
    early leaves the timer to run out.
    """
    given = list({_checked(future, "as_completed"): None for future in fs})
    return Completions(given[0]._bound()[0].stream(given, timeout) if given else None)


class _Gathered(Future[list[Any]]):
    """The future of `gather`: to cancel it is to cancel all that it waits for."""

    def __init__(self, future: Future[Any], members: Sequence[Future[Any]]) -> None:
        super().__init__(*future._bound())
        self._members = members

    def cancel(self) -> bool:
        if self.done:
            return False
        for member in self._members:
            member.cancel()
        return super().cancel()


class _Once:
    """A coroutine as what a branch calls."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._coroutine = coroutine
        self.name: str = getattr(coroutine, "__qualname__", "coroutine")

    async def __call__(self) -> Any:
        try:
            return await self._coroutine
        except ExecutionBlocked as error:
            what = "raised ExecutionBlocked, and a coroutine cannot run again from its start: await a future instead"
            raise RuntimeError(f"{self.name} {what}") from error

    def close(self) -> None:
        """It will not be run: nobody is to be warned that it was never awaited."""
        self._coroutine.close()


@overload
def gather(a: Awaitable[A], /, *, return_exceptions: Literal[False] = False) -> Future[tuple[A]]: ...
@overload
def gather(
    a: Awaitable[A], b: Awaitable[B], /, *, return_exceptions: Literal[False] = False
) -> Future[tuple[A, B]]: ...
@overload
def gather(
    a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], /, *, return_exceptions: Literal[False] = False
) -> Future[tuple[A, B, C]]: ...
@overload
def gather(
    a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], d: Awaitable[D], /, *, return_exceptions: Literal[False] = False
) -> Future[tuple[A, B, C, D]]: ...
@overload
def gather(*awaitables: Awaitable[T], return_exceptions: Literal[False] = False) -> Future[list[T]]: ...
@overload
def gather(*awaitables: Awaitable[T], return_exceptions: Literal[True]) -> Future[list[T | BaseException]]: ...


def gather(*awaitables: Awaitable[Any], return_exceptions: bool = False) -> Future[Any]:
    """Run coroutines side by side and wait for futures: the future of the list of their results, in the order given.

    Each coroutine is a branch of its own: it starts when the caller waits next. The first failure, in the order of
    events, is the failure of the whole, and the others go on; with `return_exceptions` failures stand in the list.
    (To the type checker a few awaitables give a tuple, as in asyncio, so that each keeps its type; it is a list.)
    """
    program = running.get()
    try:
        if program is None:
            raise RuntimeError("gather() is called inside of run, on its own thread")
        for each in awaitables:
            if not isinstance(each, Awaitable):
                raise TypeError(f"gather() takes futures and coroutines, not {type(each).__name__}")
        members = [_future_of(each, program) for each in awaitables]
    except BaseException:
        for each in awaitables:
            if inspect.iscoroutine(each) and inspect.getcoroutinestate(each) == inspect.CORO_CREATED:
                each.close()
        raise

    def together() -> list[Any]:
        if return_exceptions:
            program.wait(members)
            return [_result_or_failure(member) for member in members]
        program.wait_or_raise(members)
        return [member.result for member in members]

    return _Gathered(program.spawn(together, "g", f"gather of {len(members)}"), members)


def get_result_or_raise(future: Future[T]) -> T:
    """The same as ``future.result``."""
    return future.result


def _future_of(awaitable: Awaitable[Any], program: Program) -> Future[Any]:
    if isinstance(awaitable, Future):
        return awaitable
    once = _Once(awaitable if isinstance(awaitable, Coroutine) else _awaiting(awaitable))
    return program.spawn(once, "b", once.name)  # which closes it where it does not run it


async def _awaiting(awaitable: Awaitable[T]) -> T:
    return await awaitable


def _result_or_failure(future: Future[T]) -> T | BaseException:
    try:
        return future.result
    except Exception as error:
        return error


def _checked(given: Any, what: str, hint: str = "") -> Future[Any]:
    if isinstance(given, Future):
        return given
    hint = hint if isinstance(given, Iterable) else ""
    if inspect.iscoroutine(given):
        given.close()
        hint = ": gather(coroutine) gives a future"
    raise TypeError(f"{what}() takes futures, not {type(given).__name__}{hint}")
