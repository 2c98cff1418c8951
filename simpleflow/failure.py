"""What `Workflow.on_task_failure` is given: a failed attempt of a task, and the decision what becomes of it.

Plain values. What a decision does is the core's (`simpleflow.dataflow.attempts`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar

from simpleflow.exceptions import TaskException, TaskFailed, fresh, loaded, message_of
from simpleflow.futures import Future
from simpleflow.retry import Kind, Seconds, details_of, is_kind, seconds

Call = tuple[list[Any], dict[str, Any]]


class Decision(Enum):
    """What becomes of a task whose attempt has failed."""

    none = 0
    abort = 1
    ignore = 2
    retry_now = 3
    retry_later = 4
    cancel = 5
    handled = 6


class FailedTask:
    """The task whose attempt failed. Its `args` and `kwargs`, futures resolved, may be changed for the next attempt.

    All else is as in the task that was submitted.
    """

    def __init__(self, task: Any, id: str, call: Callable[[], Call]) -> None:
        self.task = task
        self.id = id
        self._read = call
        self._call: Call | None = None

    @property
    def args(self) -> list[Any]:
        return self._opened()[0]

    @args.setter
    def args(self, args: Iterable[Any]) -> None:
        self._call = list(args), self.kwargs

    @property
    def kwargs(self) -> dict[str, Any]:
        return self._opened()[1]

    @kwargs.setter
    def kwargs(self, kwargs: Mapping[str, Any]) -> None:
        self._call = self.args, dict(kwargs)

    @property
    def payload(self) -> Any:
        """The activity, or the class of the child workflow."""
        return getattr(self.task, "activity", None) or getattr(self.task, "workflow", None)

    @property
    def changed(self) -> bool:
        """Whether the arguments are others than those of the attempt that failed."""
        return self._call is not None and self._call != self._read()

    def _opened(self) -> Call:
        if self._call is None:
            self._call = self._read()
        return self._call

    @property  # type: ignore[misc]
    def __class__(self) -> type[Any]:  # so that isinstance(ctx.a_task, ActivityTask) tells kinds apart
        return type(self.task)

    def __getattr__(self, name: str) -> Any:
        if name == "task":  # a copy that is being made has none yet
            raise AttributeError(name)
        return getattr(self.task, name)

    def __repr__(self) -> str:
        return f"<failed {type(self.task).__name__} {self.id}>"


@dataclass(slots=True)
class TaskFailureContext:
    """A failed attempt, as `on_task_failure` is told of it, and the decision that it takes.

    Attributes:
        a_task: the task. Its `args` and `kwargs` may be changed for the next attempt; another task of the same kind
            may be put in its place.
        event: type, id and state (failed or timed_out) of the attempt, and `retry`: failures before this one.
        future: what the task would end with: a future of no run that holds the failure.
        exception_class: what simpleflow 0.x raised for it.
        history: the history so far (`simpleflow.protocol.parsed.History`), fetched when it is looked at; None where
            there is none.
        decision: what becomes of the task; `none` is what its `retry` says.
        retry_wait_timeout: whole seconds until the next attempt, for `retry_later`.
        default_delay: whole seconds until the next attempt by the task's `retry`; None where it says that there is
            none.
        reason: one line: ``ValueError: nope``.
        details: the failure's details: type, message and traceback, or what somebody else's worker said.
        task_error: the name of the exception's class.
        task_message: its message.
        task_error_type: the class itself, where it is a builtin or its module is loaded; else None.
    """

    Decision: ClassVar[type[Decision]] = Decision

    a_task: Any
    event: dict[str, Any]
    future: Future[Any] | None
    exception_class: type[BaseException] = TaskException
    history: Any = None
    decision: Any = Decision.none
    retry_wait_timeout: int | None = None
    default_delay: int | None = None
    reason: str | None = field(init=False, default=None)
    details: Any = field(init=False, default=None)
    task_error: str | None = field(init=False, default=None)
    task_message: str | None = field(init=False, default=None)
    task_error_type: type[BaseException] | None = field(init=False, default=None)
    _error: BaseException | None = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        error = self._error = None if self.future is None else self.future.exception
        if not isinstance(error, TaskFailed):
            self.reason = None if error is None else message_of(error)
            return
        told = details_of(error)
        self.reason, self.details = error.reason, told or error.details
        self.task_error, self.task_message = told.get("error"), told.get("message")
        self.task_error_type = loaded(told.get("error_type"))

    @property
    def exception(self) -> BaseException | None:
        """The failure: TaskFailed, TimeoutError, ..."""
        return None if self._error is None else fresh(self._error)

    @property
    def retry_count(self) -> int:
        """How many attempts failed before this one."""
        return int(self.event.get("retry", 0))

    @property
    def attempt_number(self) -> int:
        """The number of the attempt that failed, from 1; those whose worker was lost do not count."""
        return self.retry_count + 1

    @property
    def payload(self) -> Any:
        """The activity, or the class of the child workflow."""
        return self.a_task.payload

    @property
    def task_name(self) -> str:
        name: str = self.a_task.name
        return name

    @property
    def id(self) -> Any:
        """The task's id."""
        return self.event.get("id")

    @property
    def current_started_decision_id(self) -> int | None:
        """The id of the event that started the last decision task, of those in `history`."""
        return None if self.history is None else int(self.history.started_decision_id)

    @property
    def last_completed_decision_id(self) -> int | None:
        """The id of the event that completed the last decision task, of those in `history`."""
        return None if self.history is None else int(self.history.completed_decision_id)

    def matches(self, *kinds: Kind) -> bool:
        """Whether the failure is of one of these classes or of a subclass, given as the class or by its name."""
        return self._error is not None and is_kind(self._error, *kinds)

    def decide_abort(self) -> TaskFailureContext:
        """The task fails."""
        return self._decided(Decision.abort)

    def decide_ignore(self, result: Any = None) -> TaskFailureContext:
        """The task completes, with this result."""
        if result is not None:
            if self.future is None or self.future._node is not None:
                self.future = Future()
            self.future._result = result
        return self._decided(Decision.ignore)

    def decide_cancel(self) -> TaskFailureContext:
        """The task is cancelled."""
        return self._decided(Decision.cancel)

    def decide_retry(self, retry_wait_timeout: Seconds | None = 0) -> TaskFailureContext:
        """The task is tried again, after so many seconds (or a timedelta), rounded up; 0 and None: at once."""
        wait = -int(-seconds("retry_wait_timeout", retry_wait_timeout or 0) // 1)
        self.retry_wait_timeout = wait
        return self._decided(Decision.retry_later if wait else Decision.retry_now)

    def decide_handled(self, a_task: Any, future: Future[Any] | None = None) -> TaskFailureContext:
        """The task ends as `future` does: one of this run, or ``Future()`` that was set. Without a future `a_task` is
        tried again at once."""
        self.a_task, self.future = a_task, future
        return self._decided(Decision.handled)

    def decide_default(self) -> TaskFailureContext:
        """What the task's `retry` says: another attempt, or the end."""
        return self.decide_abort() if self.default_delay is None else self.decide_retry(self.default_delay)

    def _decided(self, decision: Enum) -> TaskFailureContext:
        self.decision = decision
        return self


def context_of(decided: Any) -> TaskFailureContext:
    """What `on_task_failure` has returned, where that is a context. Raises TypeError."""
    if isinstance(decided, TaskFailureContext):
        return decided
    if inspect.iscoroutine(decided):
        decided.close()
        raise TypeError("on_task_failure is called, not awaited: write def, not async def")
    raise TypeError(f"on_task_failure returns its context or None, not {decided!r}")
