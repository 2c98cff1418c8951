"""Workflow: what a user subclasses. Every method is sugar over the running program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, ParamSpec, TypeVar, overload
from uuid import UUID

from simpleflow.activity import Activity
from simpleflow.futures import Future, Program
from simpleflow.task import ActivityTask, CancelTimerTask, Task, TaskFailureContext, TimerTask

P = ParamSpec("P")
R = TypeVar("R")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")


class Workflow:
    """A durable program.

    Subclass it, give it `name`, `version` and `task_list`, and write `run`. The class attributes are those of
    Amazon's workflow types; what is None is filled by the settings.

    Attributes:
        name: the workflow type's name. Default: the class's name.
        version: the workflow type's version. Default: "default".
        task_list: where its decision tasks wait for a decider. Default: "default".
        task_priority: priority of its activities that name none themselves.
        execution_timeout: seconds that a run may take in all.
        decision_tasks_timeout: seconds that a decider has for one decision.
        tag_list: up to five tags of each run.
        child_policy: what befalls children of a terminated run: TERMINATE, REQUEST_CANCEL or ABANDON.
    """

    name: str | None = None
    version: str | None = None
    task_list: str | None = None
    task_priority: int | str | None = None
    execution_timeout: int | str | None = None
    decision_tasks_timeout: int | str | None = None
    tag_list: Sequence[str] | None = None
    child_policy: str | None = None

    def __init__(self, executor: Program) -> None:
        self._executor = executor

    @property
    def executor(self) -> Program:
        """The running program."""
        return self._executor

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """What the workflow does. Yours to write, with any parameters."""
        raise NotImplementedError(f"{type(self).__name__} has no run method")

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

    def submit(self, submittable: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Put a task into the run's graph and return its future, at once.

        Arguments may be futures, also inside lists and dicts: the task then waits for them. Arguments are encoded
        here; what has no JSON form raises PayloadError, which names the path to it.
        """
        if isinstance(submittable, Activity):
            return self._executor.submit(ActivityTask(submittable, *args, **kwargs))
        if isinstance(submittable, Task):
            if args or kwargs:
                kind = type(submittable).__name__
                raise TypeError(f"this {kind} has its arguments already: submit(task), or submit(activity, ...)")
            return self._executor.submit(submittable)
        hint = ": decorate it with @activity.with_attributes(...)" if callable(submittable) else ""
        raise TypeError(f"Bad type for {submittable!r} activity ({type(submittable).__name__}){hint}")

    def map(self, activity: Callable[[A], R], iterable: Iterable[A | Future[A]]) -> list[Future[R]]:
        """Submit the activity once for each item; the list of futures, in order."""
        return [self.submit(activity, item) for item in iterable]

    def starmap(self, activity: Callable[..., R], iterable: Iterable[Iterable[Any]]) -> list[Future[R]]:
        """Submit the activity once for each tuple of arguments; the list of futures, in order."""
        return [self.submit(activity, *items) for items in iterable]

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
