"""The errors of simpleflow.

    Exception
    ├── TaskException             a task did not complete; what `future.result` raises
    │   ├── TaskFailed            its code raised, or it never could run
    │   ├── TimeoutError          it ran out of one of its times
    │   ├── TaskCanceled          it was cancelled
    │   ├── TaskTerminated        it was a child workflow, and an operator ended it
    │   └── WorkflowException     it was a child workflow: what is raised for one is also one of the above
    ├── AggregateException        members of a Group or Chain did not complete (an ExceptionGroup)
    ├── ExecutionBlocked          raised by a workflow's own code: run it again from its start at the next event
    ├── ForeignAwait (TypeError)  a coroutine of a workflow awaits what is not durable
    ├── WorkflowFailed            a run did not complete; what `handle.result()` raises
    ├── NonRetryable              raised by an activity: trying it again would not help
    ├── RetryAfter                raised by an activity: try it again, but not before so many seconds
    ├── CompleteLater             raised by an activity: somebody else will complete it, by its token
    ├── ExecutionError            a function in a process of its own (`simpleflow.execute`) did not return
    ├── ExecutionTimeoutError     and it ran out of its time
    ├── PayloadError (ValueError) a value cannot travel: it has no JSON form, or not the one that a type hint says
    │   └── PayloadTooLarge       its JSON form is longer than Amazon SWF takes, and there is no store for it
    ├── PayloadUnreachable        the store of large values has lost one, or cannot be reached: nobody's program's fault
    ├── RemoteException           stands for an exception of another process whose class is not loaded in this one
    └── NonDeterministic          the code asks for something else than the history holds

    BaseException
    ├── BranchCanceled            a branch was cancelled; raised where it waits
    └── Evicted                   the run leaves this process; not for user code to catch
"""

from __future__ import annotations

import copy
import sys
import types
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import cache
from typing import Any, Self, TypeGuard, TypeVar

E = TypeVar("E", bound=BaseException)


class TaskException(Exception):
    """A task did not complete.

    `name` is the task's id (``activity-examples.basic.double-1``). The attributes `task`, `payload` and `exception`
    are there for handlers written for simpleflow 0.x, where this class wrapped the failure, and may still:
    ``raise TaskException(failure_context.a_task, failure_context.exception)``. `of_child` says that the task was a
    child workflow.
    """

    of_child: bool = False
    _task: Any = None
    _exception: BaseException | None = None

    def __init__(self, task: Any = "", exception: BaseException | None = None) -> None:
        super().__init__(task, exception)
        self.name = task if isinstance(task, str) else str(getattr(task, "id", None) or getattr(task, "name", task))
        self._task = task
        self._exception = exception

    def __str__(self) -> str:
        return self.name if self._exception is None else message_of(self._exception)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(task={self.name}, exception={self._exception!r})"

    @property
    def task(self) -> Any:
        return self._task or self.name

    payload = task

    @property
    def exception(self) -> BaseException:
        return self._exception or self


class TaskFailed(TaskException):
    """A task's code raised, or the task could not be run.

    `reason` is one line (``ValueError: nope``); `details` the JSON text of
    ``{"error", "error_type", "message", "traceback", ...}``, or whatever text a foreign worker sent, or None.

    What `future.result` raises is also of the class that the task's code raised (``except ValueError`` works) where
    that is loaded in this process, with its `args`; it has the remote traceback as a note and the causes as its own.
    """

    details: str | None = None

    def __init__(self, name: str, reason: str | None, details: str | None = None) -> None:
        Exception.__init__(self, name, reason, details)
        self.name = name
        self.reason = reason
        self.details = details

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"

    def __repr__(self) -> str:
        return f'{type(self).__name__} ({self.name}, "{self.reason}")'


class TimeoutError(TaskException):
    """A task ran out of time.

    `timeout_type` is Amazon's word (START_TO_CLOSE, SCHEDULE_TO_START, SCHEDULE_TO_CLOSE, HEARTBEAT);
    `timeout_value` the seconds that it had, as text, or None where they are not known.
    """

    def __init__(
        self, timeout_type: str = "unknown timeout", timeout_value: str | None = None, name: str = ""
    ) -> None:
        Exception.__init__(self, timeout_type, timeout_value, name)
        self.name = name
        self.timeout_type = timeout_type
        self.timeout_value = timeout_value

    def __str__(self) -> str:
        seconds = f" after {self.timeout_value} s" if self.timeout_value else ""
        return f"{self.name or 'task'}: timed out ({self.timeout_type}{seconds})"

    def __repr__(self) -> str:
        return f"TimeoutError({self.timeout_type})"


class TaskCanceled(TaskException):
    """A task was cancelled. `details` is what its worker said, if anything."""

    def __init__(self, details: str | None = None, name: str = "") -> None:
        Exception.__init__(self, details, name)
        self.name = name
        self.details = details

    def __str__(self) -> str:
        return f"{self.name or 'task'}: cancelled" + (f" ({self.details})" if self.details else "")

    def __repr__(self) -> str:
        return f"TaskCanceled({self.details})" if self.details else "TaskCanceled()"


class TaskTerminated(TaskException):
    """A child workflow was terminated."""

    def __init__(self, name: str = "") -> None:
        Exception.__init__(self, name)
        self.name = name

    def __str__(self) -> str:
        return f"{self.name or 'task'}: terminated"

    def __repr__(self) -> str:
        return "TaskTerminated()"


class WorkflowException(TaskException):
    """A child workflow did not complete.

    What a program catches is of this class and of the one that says how it ended: TaskFailed, TimeoutError,
    TaskCanceled, TaskTerminated.
    """

    @property
    def workflow(self) -> Any:
        return self.task


def as_of_child(error: E) -> E:
    """Make this failure of a child workflow a WorkflowException, beside what it is."""
    kind: Any = type(error)
    if not issubclass(kind, WorkflowException):
        try:
            error.__class__ = _of_child(kind)
        except Exception:  # a class that cannot be joined with ours: it stays what it was
            pass
    return error


@cache
def _of_child(kind: Any) -> Any:
    """The class that is `kind` and WorkflowException, under the name of `kind`."""
    body: dict[str, Any] = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    body["__reduce_ex__"] = _reduce_of_child
    return types.new_class(kind.__name__, (kind, WorkflowException), exec_body=lambda space: space.update(body))


def _reduce_of_child(error: Any, protocol: Any) -> tuple[Any, ...]:
    """How a copy is made, and a pickle: the class is no module's."""
    kind: Any = type(error).__bases__[0]
    make, *rest = kind.__reduce_ex__(error, protocol)
    return _made_of_child, (kind if make is type(error) else make, rest[0]), *rest[1:]


def _made_of_child(make: Callable[..., BaseException], args: tuple[Any, ...]) -> BaseException:
    return as_of_child(make(*args))


class AggregateException(ExceptionGroup[Exception]):
    """Members of a canvas did not complete: ``AggregateException([None, error, None])``.

    As an ExceptionGroup it is taken apart by ``except*``, and its `exceptions` is the tuple of the failures. What
    became of the member at each position stands in `by_position`: its failure, or None. Two are equal if these lists
    are alike: failures of the same types with the same arguments.
    """

    by_position: list[Exception | None]

    def __new__(cls, exceptions: Iterable[Exception | None] = ()) -> Self:
        given = list(exceptions)
        failures = [each for each in given if each is not None]
        # A group without members cannot be made: this one is never shown.
        self = super().__new__(cls, "tasks did not complete", failures or [Exception("nothing has failed")])
        self.by_position = given
        return self

    def __init__(self, exceptions: Iterable[Exception | None] = ()) -> None:
        BaseException.__init__(self, self.by_position)

    @property
    def exceptions(self) -> tuple[Exception | ExceptionGroup[Exception], ...]:
        """The failures, in order."""
        return tuple(each for each in self.by_position if each is not None)

    def append(self, exception: Exception | None) -> None:
        """Add what became of one more member."""
        self.by_position.append(exception)

    def handle(self, predicate: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        """Call ``predicate(failure, *args, **kwargs)`` for each failure; those for which it gives nothing true are
        raised as a new AggregateException."""
        left = [each for each in self.exceptions if not predicate(each, *args, **kwargs)]
        if left:
            raise self._like(left)

    def flatten(self) -> Self:
        """A new one, with the failures inside of those that are aggregates themselves, and without None."""
        flat: list[Exception] = []
        work: list[Exception] = list(reversed(self.exceptions))
        while work:
            each = work.pop()
            if isinstance(each, AggregateException):
                work.extend(reversed(each.exceptions))
            else:
                flat.append(each)
        return self._like(flat)

    def derive(self, excs: Sequence[Exception], /) -> Self:  # type: ignore[override]  # groups of nothing else
        return self._like(excs)

    def split(self, matcher: Any, /) -> Any:
        return super(AggregateException, self._with_appended()).split(matcher)

    def subgroup(self, matcher: Any, /) -> Any:
        return super(AggregateException, self._with_appended()).subgroup(matcher)

    def _with_appended(self) -> Self:
        """This one, or its copy where something was appended: what an ExceptionGroup is made of never changes."""
        return self if super().exceptions == self.exceptions else self._with(self.by_position)

    def __copy__(self) -> Self:
        return self.changed(fresh)

    def changed(self, change: Callable[[Exception], Exception]) -> Self:
        """A copy that holds ``change(failure)`` in the place of each failure."""
        return self._with([None if each is None else change(each) for each in self.by_position])

    def _like(self, exceptions: Iterable[Exception | None]) -> Self:
        return type(self)(exceptions)

    def _with(self, exceptions: Iterable[Exception | None]) -> Self:
        twin = self._like(exceptions)
        twin.__dict__.update((name, value) for name, value in vars(self).items() if name != "by_position")
        return twin

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AggregateException):
            return NotImplemented
        mine, theirs = self.by_position, other.by_position
        return len(mine) == len(theirs) and all(map(_alike, mine, theirs))

    def __hash__(self) -> int:
        return hash(AggregateException)  # the same for equal ones, also when they have grown

    def __str__(self) -> str:
        return f"AggregateException({self.by_position!r})"

    def __repr__(self) -> str:
        return f"<AggregateException {self.by_position!r}>"


def _alike(one: Exception | None, other: Exception | None) -> bool:
    if isinstance(one, AggregateException):
        return one == other
    return type(one) is type(other) and getattr(one, "args", None) == getattr(other, "args", None)


class WorkflowFailed(Exception):
    """A run did not complete.

    `status` is FAILED, TIMED_OUT, CANCELED or TERMINATED; `reason` and `details` are those of the closing
    event, as in TaskFailed.
    """

    def __init__(
        self,
        workflow_id: str,
        run_id: str,
        status: str,
        reason: str | None = None,
        details: str | None = None,
    ) -> None:
        super().__init__(workflow_id, run_id, status, reason, details)
        self.workflow_id = workflow_id
        self.run_id = run_id
        self.status = status
        self.reason = reason
        self.details = details

    def __str__(self) -> str:
        ended = self.status.lower().replace("_", " ")
        return f"workflow {self.workflow_id} {ended}" + (f": {self.reason}" if self.reason else "")


class NonRetryable(Exception):
    """Raised by an activity, itself or a subclass: the task fails, whatever its `retry` says.

    ``raise NonRetryable("no such customer")``. A child workflow that fails with it is not started again either.
    """


class RetryAfter(Exception):
    """Raised by an activity, itself or a subclass: the next attempt comes `seconds` later.

    ``raise RetryAfter(90)``, ``raise RetryAfter(timedelta(minutes=5), "too many requests")``. Whether there is a next
    attempt is still its `retry`'s to say: without one the task fails.
    """

    seconds: float = 0.0

    def __init__(self, seconds: float | timedelta = 0.0, *args: Any) -> None:
        super().__init__(seconds, *args)
        self.seconds = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds

    def __str__(self) -> str:
        message = " ".join(str(each) for each in self.args[1:])
        return f"{message or 'try again'} (after {self.seconds:g} s)"


class CompleteLater(Exception):
    """Raised by an activity: it is not done when its function is, but when somebody says so.

    That is who has its ``simpleflow.activity.context().token``: ``simpleflow activity.complete TOKEN --result JSON`` or
    ``simpleflow activity.fail TOKEN``. Nobody heartbeats meanwhile, so its heartbeat timeout should be "NONE".
    """


class ExecutionError(Exception):
    """A function that `simpleflow.execute.python` ran in a process of its own raised, or the process died.

    `details` (the only argument, as of old) is the JSON text of ``{"error", "error_type", "message", "traceback"}``,
    or "" where the process died; `reason` is one line (``ValueError: nope``).
    """

    def __init__(self, details: str = "", reason: str = "") -> None:
        super().__init__(details)
        self.details = details
        self.reason = reason

    def __str__(self) -> str:
        return self.reason or self.details


class ExecutionTimeoutError(Exception):
    """A process that `simpleflow.execute` started ran for longer than it was given, and was ended.

    `timeout_command` is its command line, `timeout_value` the seconds that it had.
    """

    def __init__(self, command: object = None, timeout_value: float | None = None) -> None:
        super().__init__(command, timeout_value)
        self.timeout_command = command
        self.timeout_value = timeout_value

    def __str__(self) -> str:
        return f"ExecutionTimeoutError after {self.timeout_value} seconds ({self.timeout_command})"

    __repr__ = __str__


class PayloadError(ValueError):
    """A value has no JSON form, or not the one that the receiver's type hint says.

    The message names the path to it (``args[0].items[3].when``).
    """


class PayloadTooLarge(PayloadError):
    """The JSON form of a value is longer than Amazon SWF takes, and there is no store for it.

    The message names path and size.
    """


class PayloadUnreachable(Exception):
    """A large value that travels by reference cannot be read or put away. The message names the reference.

    No run fails for it: it is parked until the store is there again.
    """


class RemoteException(Exception):
    """Stands for an exception of another process whose class is not loaded in this one: the cause of one that is.

    `error_type` is the dotted name of the class, `message` what it said.
    """

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(error_type, message)
        self.error_type = error_type
        self.message = message

    def __str__(self) -> str:
        return f"{self.error_type}: {self.message}" if self.message else self.error_type


class NonDeterministic(Exception):
    """The workflow's code asks for something else than its history holds.

    The run is not failed for it: it waits for a decider with the right code.
    """


class ExecutionBlocked(Exception):
    """A workflow's own code cannot go on now.

    For programs written for simpleflow 0.x: a `run` (or a branch) that raises it is run again from its start at the
    next event, with all that it has learnt. Nothing of simpleflow's own waits by it: a future that is not done
    suspends the code that reads it.
    """


class ForeignAwait(TypeError):
    """A coroutine of a workflow awaits something that is not simpleflow's, and so not durable. It fails the run."""


class BranchCanceled(BaseException):
    """This branch was cancelled.

    Raised where it waits, once. Like asyncio's CancelledError it is no Exception, so that code which handles the
    failures of tasks lets it pass; ``finally`` blocks may still submit and wait. The future of the branch then
    raises TaskCanceled. A branch that catches it and returns has not been cancelled.
    """


class Evicted(BaseException):
    """The run leaves this process and will go on elsewhere. User code must let it pass."""


def fresh(error: E) -> E:
    """A copy of `error` to raise: tracebacks grow on the copy, and keep no frames of other waiters alive.

    It begins with the traceback of a branch's own failure. What cannot be copied is raised as it is.
    """
    try:
        twin = copy.copy(error)
    except BaseException:  # what users' classes do when they are copied may raise anything
        return error
    if type(twin) is not type(error):
        return error
    twin.__cause__ = error.__cause__
    twin.__context__ = error.__context__
    twin.__suppress_context__ = error.__suppress_context__
    return twin.with_traceback(error.__traceback__)


def is_aggregate(error: BaseException) -> TypeGuard[AggregateException]:
    """What isinstance says, and never raises: an error may lie about its class, or refuse to tell it."""
    return issubclass(type(error), AggregateException)


def is_task_failure(error: BaseException) -> TypeGuard[TaskException]:
    """As `is_aggregate`."""
    return issubclass(type(error), TaskException)


def one_line(error: BaseException) -> str:
    """``ValueError: nope``: the type and the first line of the message; of an aggregate, how much has failed and what
    has first."""
    if is_aggregate(error) and not is_task_failure(error):
        first = "".join(one_line(each) for each in error.flatten().exceptions[:1])
        return f"AggregateException: {len(error.exceptions)} of {len(error.by_position)} failed: {first}"
    message = message_of(error).strip()
    name = type(error).__name__
    return f"{name}: {message.splitlines()[0]}" if message else name


def qualified(kind: type) -> str:
    """The name of a class in details of failures: with its module, unless it is a builtin."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def loaded(name: Any, home: tuple[str, str] | None = None) -> type[BaseException] | None:
    """The class of an exception by its `qualified` name, or None. Nothing is imported because a message says so.

    `home` is a module as others import it, and its name here: another where it was started as a program.
    """
    if not isinstance(name, str):
        return None
    parts = name.split(".")
    for length in range(len(parts) - 1, -1, -1):
        module = ".".join(parts[:length]) or "builtins"
        thing: Any = sys.modules.get(home[1] if home is not None and module == home[0] else module)
        for part in parts[length:]:  # by `vars`, for what a module loads only when asked stays so
            thing = vars(thing).get(part) if isinstance(thing, types.ModuleType | type) else None
        if isinstance(thing, type) and issubclass(thing, BaseException):
            return thing
    return None


def message_of(error: BaseException) -> str:
    """The message of `error`; a placeholder where its own ``__str__`` fails, for reporting must not."""
    try:
        return str(error)
    except BaseException as broken:
        return f"<its message cannot be shown: {type(broken).__name__}>"
