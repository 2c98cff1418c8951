"""The errors of simpleflow.

    Exception
    ├── TaskException             a task did not complete; what `future.result` raises
    │   ├── TaskFailed            its code raised, or it never could run
    │   ├── TimeoutError          it ran out of one of its times
    │   ├── TaskCanceled          it was cancelled
    │   └── TaskTerminated        it was a child workflow, and an operator ended it
    ├── ExecutionBlocked          raised by a workflow's own code: run it again from its start at the next event
    ├── ForeignAwait (TypeError)  a coroutine of a workflow awaits what is not durable
    ├── WorkflowFailed            a run did not complete; what `handle.result()` raises
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
from typing import TypeVar

E = TypeVar("E", bound=BaseException)


class TaskException(Exception):
    """A task did not complete.

    `name` is the task's id (``activity-examples.basic.double-1``). The attributes `task` and `exception`
    are there for handlers written for simpleflow 0.x, where this class wrapped the failure.
    """

    def __init__(self, name: str = "", exception: BaseException | None = None) -> None:
        super().__init__(name, exception)
        self.name = name
        self._exception = exception

    @property
    def task(self) -> str:
        return self.name

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
    _exception: BaseException | None = None

    def __init__(self, name: str, reason: str | None, details: str | None = None) -> None:
        Exception.__init__(self, name, reason, details)
        self.name = name
        self.reason = reason
        self.details = details
        self._exception = None

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
        self._exception = None

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
        self._exception = None

    def __str__(self) -> str:
        return f"{self.name or 'task'}: cancelled" + (f" ({self.details})" if self.details else "")

    def __repr__(self) -> str:
        return f"TaskCanceled({self.details})" if self.details else "TaskCanceled()"


class TaskTerminated(TaskException):
    """A child workflow was terminated."""

    def __init__(self, name: str = "") -> None:
        Exception.__init__(self, name)
        self.name = name
        self._exception = None

    def __str__(self) -> str:
        return f"{self.name or 'task'}: terminated"

    def __repr__(self) -> str:
        return "TaskTerminated()"


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
        return f"workflow {self.workflow_id} {self.status.lower()}" + (f": {self.reason}" if self.reason else "")


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
    except Exception:
        return error
    if type(twin) is not type(error):
        return error
    twin.__cause__ = error.__cause__
    twin.__context__ = error.__context__
    twin.__suppress_context__ = error.__suppress_context__
    return twin.with_traceback(error.__traceback__)


def one_line(error: BaseException) -> str:
    """``ValueError: nope``: the type and the first line of the message."""
    message = message_of(error).strip()
    name = type(error).__name__
    return f"{name}: {message.splitlines()[0]}" if message else name


def message_of(error: BaseException) -> str:
    """The message of `error`; a placeholder where its own ``__str__`` fails, for reporting must not."""
    try:
        return str(error)
    except Exception as broken:
        return f"<its message cannot be shown: {type(broken).__name__}>"
