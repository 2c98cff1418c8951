"""Workflow: what a user subclasses. Every method is sugar over the running program."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Iterable, MutableMapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, NoReturn, ParamSpec, TypeVar, overload
from uuid import UUID

from simpleflow.activity import Activity, Executes
from simpleflow.futures import Future, Program, Timeout, running
from simpleflow.marker import Marker
from simpleflow.retry import Retry
from simpleflow.signal import ReceiveSignal, WaitForSignal
from simpleflow.task import (
    INHERIT_TAG_LIST,
    ActivityTask,
    CancelTimerTask,
    ChildWorkflowTask,
    ContinueAsNewTask,
    MarkerTask,
    SignalTask,
    SubmittableContainer,
    Task,
    TaskFailureContext,
    TimerTask,
)

P = ParamSpec("P")
R = TypeVar("R")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F", bound=Future[Any])


class Workflow:
    """A durable program.

    Subclass it, give it `name`, `version` and `task_list`, and write `run`. The class attributes are those of
    Amazon's workflow types; what is None is filled by the settings.

    Attributes:
        name: the workflow type's name. Default: the class's name.
        version: the workflow type's version. Default: "default".
        task_list: where its decision tasks wait for a decider. Default: "default".
        task_priority: priority of its activities that name none themselves; may be a property.
        execution_timeout: seconds that a run may take in all.
        decision_tasks_timeout: seconds that a decider has for one decision.
        tag_list: up to five tags of each run; of a child, INHERIT_TAG_LIST for those of its parent.
        child_policy: what befalls children of a terminated run: TERMINATE, REQUEST_CANCEL or ABANDON.
        max_open_activity_count: how many activities of a run may be open at once. Default: the setting's, 1,000.
        history_limit: from so many events on `history_is_long`; Amazon SWF terminates a run at 25,000.
        propagate_signals_to_parent: False: signals that are to be propagated are not handed on to the parent.
        retry: as a child: how often it is started again after it failed or timed out; or a `simpleflow.retry.Retry`,
            which also says when, and after which failures.
        raises_on_failure: as a child: True: its failure is raised in the parent's ``run`` at once. False: ``.result``
            is None. None: raised where ``.result`` is read.
        idempotent: as a child: equal calls within a run are one child.

    As a child, a class may also have the methods ``get_workflow_id``, ``get_task_list`` and ``get_tag_list``, class
    methods or static ones, which are called with the arguments of ``run``; static ones are given the class before them.

    Hooks are called by the decider that makes a decision, with a history (`simpleflow.protocol.parsed.History`) that
    is read when it is first looked at. They are called for new decisions only, never while a run is read again: each
    of them once, and once more where a decider dies or its answer is lost. What a hook raises is logged and changes
    nothing. They submit nothing; `should_cancel` and `on_history_limit` are no hooks, but the program's own code.
    """

    INHERIT_TAG_LIST: ClassVar[str] = INHERIT_TAG_LIST

    name: str | None = None
    version: str | None = None
    task_list: str | None = None
    task_priority: int | str | None = None
    execution_timeout: int | str | None = None
    decision_tasks_timeout: int | str | None = None
    tag_list: Sequence[str] | str | None = None
    child_policy: str | None = None
    max_open_activity_count: int | None = None
    history_limit: int = 20_000
    propagate_signals_to_parent: bool = True
    retry: int | Retry = 0
    raises_on_failure: bool | None = True
    idempotent: bool = False

    def __init__(self, executor: Program) -> None:
        self._executor = executor

    @property
    def executor(self) -> Program:
        """The running program."""
        return self._executor

    @property
    def log(self) -> logging.LoggerAdapter[logging.Logger]:
        """A logger that is silent while the run is read again, so that a line appears once.

        Its name is that of the class's module; each record has `workflow_id` and `run_id`.
        """
        return _Log(logging.getLogger(type(self).__module__), self._executor)

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """What the workflow does. Yours to write, with any parameters."""
        raise NotImplementedError(f"{type(self).__name__} has no run method")

    @overload
    def submit(self, workflow: type[Workflow], /, *args: Any, **kwargs: Any) -> Future[Any]: ...
    @overload
    def submit(self, activity: Callable[P, Coroutine[Any, Any, R]], /, *args: Any, **kwargs: Any) -> Future[R]: ...
    @overload
    def submit(
        self, activity: Callable[P, Executes[Coroutine[Any, Any, R]]], /, *args: Any, **kwargs: Any
    ) -> Future[R]: ...
    @overload
    def submit(self, activity: Callable[[], Executes[R]], /) -> Future[R]: ...
    @overload
    def submit(self, activity: Callable[[A], Executes[R]], a: A | Future[A], /) -> Future[R]: ...
    @overload
    def submit(
        self, activity: Callable[[A, B], Executes[R]], a: A | Future[A], b: B | Future[B], /
    ) -> Future[R]: ...
    @overload
    def submit(self, activity: Callable[P, Executes[R]], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]: ...
    @overload
    def submit(self, activity: Activity[[], R], /) -> Future[R]: ...
    @overload
    def submit(self, activity: Callable[[A], R], a: A | Future[A], /) -> Future[R]: ...
    @overload
    def submit(
        self, activity: Callable[[A, B], R], a: A | Future[A], b: B | Future[B], /
    ) -> Future[R]: ...
    @overload
    def submit(
        self, activity: Callable[[A, B, C], R], a: A | Future[A], b: B | Future[B], c: C | Future[C], /
    ) -> Future[R]: ...
    @overload
    def submit(
        self,
        activity: Callable[[A, B, C, D], R],
        a: A | Future[A],
        b: B | Future[B],
        c: C | Future[C],
        d: D | Future[D],
        /,
    ) -> Future[R]: ...
    @overload
    def submit(
        self,
        activity: Callable[[A, B, C, D, E], R],
        a: A | Future[A],
        b: B | Future[B],
        c: C | Future[C],
        d: D | Future[D],
        e: E | Future[E],
        /,
    ) -> Future[R]: ...
    @overload
    def submit(self, activity: Callable[[list[A]], R], a: Sequence[A | Future[A]], /) -> Future[R]: ...
    @overload
    def submit(self, activity: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]: ...
    @overload
    def submit(self, task: Task, /) -> Future[Any]: ...
    @overload
    def submit(self, canvas: SubmittableContainer[F], /) -> F: ...

    def submit(self, submittable: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Put a task into the run's graph and return its future, at once.

        Arguments may be futures, also inside lists and dicts: the task then waits for them. Arguments are encoded
        here; what has no JSON form raises PayloadError, which names the path to it. A canvas (`simpleflow.canvas`)
        submits each of its members by this method, too.
        """
        task = submittable
        if isinstance(task, Activity):
            task = ActivityTask(task, *args, **kwargs)
        elif isinstance(task, type) and issubclass(task, Workflow):
            task = ChildWorkflowTask(task, *args, **kwargs)
        elif not isinstance(task, (Task, SubmittableContainer)):
            hint = ": decorate it with @activity.with_attributes(...)" if callable(task) else ""
            raise TypeError(f"Bad type for {task!r} activity ({type(task).__name__}){hint}")
        elif args or kwargs:
            kind = type(task).__name__
            raise TypeError(f"this {kind} has its arguments already: submit(task), or submit(activity, ...)")
        if isinstance(task, SubmittableContainer):
            return task.submit(self._executor)
        if isinstance(task, ActivityTask):
            task = task.with_default_priority(self.task_priority)
        return self._executor.submit(task)

    @overload
    def map(self, activity: Callable[[A], Executes[R]], iterable: Iterable[A | Future[A]]) -> list[Future[R]]: ...
    @overload
    def map(self, activity: Callable[[A], R], iterable: Iterable[A | Future[A]]) -> list[Future[R]]: ...

    def map(self, activity: Callable[..., Any], iterable: Iterable[Any]) -> list[Any]:
        """Submit the activity once for each item; the list of futures, in order."""
        return [self.submit(activity, item) for item in iterable]

    @overload
    def starmap(
        self, activity: Callable[..., Executes[R]], iterable: Iterable[Iterable[Any]]
    ) -> list[Future[R]]: ...
    @overload
    def starmap(self, activity: Callable[..., R], iterable: Iterable[Iterable[Any]]) -> list[Future[R]]: ...

    def starmap(self, activity: Callable[..., Any], iterable: Iterable[Iterable[Any]]) -> list[Any]:
        """Submit the activity once for each tuple of arguments; the list of futures, in order."""
        return [self.submit(activity, *items) for items in iterable]

    # -- what else can be submitted --------------------------------------------------------------------------------

    def signal(
        self,
        name: str,
        *args: Any,
        workflow_id: str | None = None,
        run_id: str | None = None,
        propagate: bool = True,
        **kwargs: Any,
    ) -> SignalTask:
        """A signal to submit, for another run or (without `workflow_id`) for this one.

        `propagate`: its receiver hands it on to its parent and to its children.
        """
        return SignalTask(name, *args, workflow_id=workflow_id, run_id=run_id, propagate=propagate, **kwargs)

    def wait_signal(self, name: str) -> WaitForSignal:
        """What to submit to wait for a signal, which may have come before: the future has what the last one carried."""
        return WaitForSignal(name)

    def receive(self, name: str, timeout: int | str | None = None) -> Future[Any]:
        """Take the next signal of that name: a future with what it carried. It needs no submit.

        Signals are taken one by one, in the order in which they came, and none is lost: what nobody has received when
        the run continues as new, or whose future was neither read nor an argument, is received there. After `timeout`
        seconds (whole) without a signal the future fails with TimeoutError.
        """
        future: Future[Any] = self._executor.submit(ReceiveSignal(name, timeout))
        return future

    def record_marker(self, name: str, details: Any = None) -> MarkerTask:
        """A marker to submit: kept in the history, once for each name and details; done at once."""
        return MarkerTask(name, details)

    def start_timer(self, timer_id: str, timeout: int | str, control: Any = None) -> TimerTask:
        """A timer to submit: its future is done, with None, `timeout` seconds later. An id is used once in a run."""
        return TimerTask(timer_id, timeout, control)

    def cancel_timer(self, timer_id: str) -> CancelTimerTask:
        """What to submit to cancel the timer of that id."""
        return CancelTimerTask(timer_id)

    def on_task_failure(self, failure_context: TaskFailureContext) -> TaskFailureContext | None:
        """What becomes of a task (an activity, a child workflow, a Lambda function) whose attempt has failed.

        Yours to write: return the context after one of its `decide_...` methods. None, or a context that decided
        nothing, leaves it to the task's `retry`. Called once for each failed attempt, except those whose worker was
        lost. It may submit tasks, but not wait for them; what it raises fails the run.
        """
        return None

    def sleep(self, seconds: Timeout) -> Future[None]:
        """Wait here for some seconds (whole ones, rounded up) or a timedelta: by a durable timer, so an hour or a month
        takes no process. Other branches go on. In a coroutine, ``await self.sleep(5)`` is the same."""
        return self._executor.sleep(seconds)

    def continue_as_new(self, *args: Any, workflow_version: str | None = None, **kwargs: Any) -> ContinueAsNewTask:
        """What to submit to end this run and go on as a new one of the same id, with these arguments for ``run``.

        `workflow_version`: the version of the new run's type. The submit does not return, unless it waits for
        arguments; markers, signals, cancels and child starts go out before, and signals that nobody received go along.
        """
        return ContinueAsNewTask(type(self), *args, workflow_version=workflow_version, **kwargs)

    def fail(self, reason: str, details: Any = None) -> NoReturn:
        """End the run as failed, here and now, with the reason ``Workflow execution failed: <reason>``."""
        self._executor.fail(f"Workflow execution failed: {reason}", None if details is None else str(details))

    # -- changes of the code -----------------------------------------------------------------------------------------

    def patched(self, name: str) -> bool:
        """Whether this run goes the way of a change of the code: runs that had come past this line before it do not.

        ``if self.patched("add-vat"): ... else: ...`` with what the code did before in the else. The answer is the same
        for the whole run, also after it was resumed by a newer code.
        """
        return self._executor.patched(name)

    # -- what the run knows of itself ------------------------------------------------------------------------------

    def list_markers(self, all: bool = False) -> list[Marker]:
        """The markers of this run in the order in which they were submitted: the last one of each name, or all."""
        return self._executor.markers(all)

    def get_event_details(self, event_type: str, event_name: str) -> dict[str, Any] | None:
        """What the run knows of the last "signal" or "marker" of that name, or of the "timer" with that id.

        None where there is none. Raises ValueError for another type.
        """
        return self._executor.event_details(event_type, event_name)

    @property
    def history_length(self) -> int:
        """How many events the run's history has, as of the last one that the run knows of."""
        return self._executor.history_length

    @property
    def history_is_long(self) -> bool:
        """Whether it is time to continue as new: the history has `history_limit` events."""
        return self.history_length >= self.history_limit

    def now(self) -> datetime:
        """The time of the last event that this run knows of, in UTC: the same again when the run is resumed."""
        return self._executor.now()

    def random(self) -> float:
        """A random number from 0 to 1 (excluded), the same again when the run is resumed."""
        return self._executor.random()

    def uuid4(self) -> UUID:
        """A random UUID, the same again when the run is resumed."""
        return self._executor.uuid4()

    @property
    def is_replaying(self) -> bool:
        """Whether the program is being fed events that an earlier decision has seen."""
        return self._executor.replaying

    def get_run_context(self) -> dict[str, Any]:
        """Who this run is: name, version, domain_name, workflow_id, run_id, tag_list, continued_execution_run_id,
        parent_workflow_id, parent_run_id."""
        return dict(self._executor.context)

    get_execution_context = get_run_context

    # -- asked by the program --------------------------------------------------------------------------------------

    def should_cancel(self, history: Any) -> bool:
        """Whether the run follows a request to cancel itself; asked once for each, also when the run is read again.

        True: what it has open is cancelled with it. False: it goes on as if nobody had asked.
        """
        return True

    def on_history_limit(self) -> Task | None:
        """Called once, when `history_is_long` and the run waits. What it returns is submitted: mostly
        ``self.continue_as_new(...)``. It is called again, and must say the same, when the run is read again."""
        return None

    # -- hooks -----------------------------------------------------------------------------------------------------

    def before_replay(self, history: Any) -> None:
        """Before a decision's new events reach the run."""
        self.before_run(history)

    def after_replay(self, history: Any) -> None:
        """After a decision's new events, unless the run failed by an error."""

    def after_closed(self, history: Any) -> None:
        """After the run has ended, unless it called `fail`; last of all hooks."""
        self.after_run(history)

    def on_completed(self, history: Any) -> None:
        """After the run has returned."""

    def on_failure(self, history: Any, reason: str, details: str | None = None) -> None:
        """After the run has failed."""

    def on_canceled(self, history: Any) -> None:
        """After the run has followed a request to cancel itself."""

    def before_run(self, history: Any) -> None:
        """The old name of `before_replay`."""

    def after_run(self, history: Any) -> None:
        """The old name of `after_closed`."""


class _Log(logging.LoggerAdapter[logging.Logger]):
    def __init__(self, logger: logging.Logger, program: Program) -> None:
        super().__init__(logger, {key: program.context.get(key) for key in ("workflow_id", "run_id")})
        self._program = program

    def isEnabledFor(self, level: int) -> bool:
        program = self._program
        put_away = program.closing and running.get() is program  # hooks speak also when the run is over
        return not program.replaying and not put_away and super().isEnabledFor(level)

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        kwargs["extra"] = {**(self.extra or {}), **(kwargs.get("extra") or {})}
        return msg, kwargs
