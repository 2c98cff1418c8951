"""Activities: functions made remote, which stay callable as the functions that they are."""

from __future__ import annotations

import builtins
import functools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Generic, ParamSpec, Protocol, TypeVar

from simpleflow.exceptions import CompleteLater
from simpleflow.in_hand import Context, cancelled, context, heartbeat, progress
from simpleflow.retry import Retry, checked

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

Seconds = int | str | None

__all__ = [
    "PRIORITY_NOT_SET",
    "Activity",
    "CompleteLater",
    "Context",
    "Priority",
    "cancelled",
    "context",
    "heartbeat",
    "importable_name",
    "progress",
    "with_attributes",
]


class _NotSet:
    def __repr__(self) -> str:
        return "<Priority Not Set>"


PRIORITY_NOT_SET: Final = _NotSet()
Priority = int | str | _NotSet | None


class Executes(Protocol[R_co]):
    """An instance of a class that is made an activity: what its ``execute`` returns is the task's result."""

    def execute(self) -> R_co: ...


class Activity(Generic[P, R]):
    """A function that workers run for workflows.

    Calling it calls the function, here and now; ``workflow.submit(activity, ...)`` schedules it. An option that
    was not given is None, and the setting of that name fills it (`simpleflow.config`).

    The function or class may have a method ``get_task_id(workflow, *args, **kwargs)``: what it gives ends the id of the
    task with these arguments, in the place of a number; None leaves it. Two tasks of one id are one, or an error.
    """

    def __init__(
        self,
        callable: Callable[P, R],
        name: str | None = None,
        version: str | None = None,
        task_list: str | None = None,
        retry: int | Retry = 0,
        raises_on_failure: bool | None = None,
        start_to_close_timeout: Seconds = None,
        schedule_to_close_timeout: Seconds = None,
        schedule_to_start_timeout: Seconds = None,
        heartbeat_timeout: Seconds = None,
        task_priority: Priority = PRIORITY_NOT_SET,
        idempotent: bool | None = None,
        meta: dict[str, Any] | None = None,
    ) -> None:
        if not builtins.callable(callable):
            raise TypeError(f"an activity is made of a function, not of {callable!r}")
        functools.update_wrapper(self, callable, updated=())
        self.callable = callable
        self.name = name or _type_name(callable)
        self.version = version
        self.task_list = task_list
        self.retry = checked(retry)
        self.raises_on_failure = raises_on_failure
        self.task_start_to_close_timeout = _seconds("start_to_close_timeout", start_to_close_timeout)
        self.task_schedule_to_close_timeout = _seconds("schedule_to_close_timeout", schedule_to_close_timeout)
        self.task_schedule_to_start_timeout = _seconds("schedule_to_start_timeout", schedule_to_start_timeout)
        self.task_heartbeat_timeout = _seconds("heartbeat_timeout", heartbeat_timeout)
        self.task_priority = task_priority
        self.idempotent = idempotent
        self.meta = meta or {}

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.callable(*args, **kwargs)

    @property
    def context(self) -> dict[str, Any] | None:
        """What a worker knows of the task that runs, or ran last, here: name, version, workflow_id, run_id,
        activity_id, input (text), domain_name, activity_task_list. None outside of workers."""
        found: dict[str, Any] | None = getattr(self.callable, "context", None)
        return found

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function; of a class, make an instance and call its ``execute``, then its ``post_execute`` if
        there is one."""
        return self.work(args, kwargs)

    def work(
        self,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        context: dict[str, Any] | None = None,
        settled: Callable[[Any], Any] = lambda value: value,
    ) -> Any:
        """What a worker does: `execute`, after it has left the task's context where the callable looks for it.

        That is the attribute ``context`` of the function, or of the instance of a class; and the argument ``context``
        of a callable that has a true attribute ``add_context_in_kwargs``. `settled` gives what a coroutine comes to.
        """
        kwargs = dict(kwargs)
        if getattr(self.callable, "add_context_in_kwargs", False):
            kwargs.setdefault("context", context)
        is_class = isinstance(self.callable, type)
        if not is_class:
            _leave(context, self.callable)
        made: Any = self.callable(*args, **kwargs)
        if not is_class or not hasattr(made, "execute"):
            return settled(made)
        _leave(context, made)
        result = settled(made.execute())
        if hasattr(made, "post_execute"):
            settled(made.post_execute())
        return result

    def __repr__(self) -> str:
        return f"Activity(name={self.name}, version={self.version}, task_list={self.task_list})"


def with_attributes(
    name: str | None = None,
    version: str | None = None,
    task_list: str | None = None,
    task_priority: Priority = PRIORITY_NOT_SET,
    retry: int | Retry = 0,
    raises_on_failure: bool | None = None,
    start_to_close_timeout: Seconds = None,
    schedule_to_close_timeout: Seconds = None,
    schedule_to_start_timeout: Seconds = None,
    heartbeat_timeout: Seconds = None,
    idempotent: bool | None = None,
    meta: dict[str, Any] | None = None,
) -> Callable[[Callable[P, R]], Activity[P, R]]:
    """Make an activity of a function (or of a class with an ``execute`` method).

    Args:
        name: the type's name; must be the dotted path by which workers import it. Default: that path.
        version: the type's version.
        task_list: where its tasks wait for a worker.
        task_priority: higher goes first; None for none; not given: the workflow's.
        retry: how often it is tried again after it failed or timed out; or a `simpleflow.retry.Retry`, which also says
            when, and after which failures.
        raises_on_failure: True: a failure is raised in ``run`` at once, whatever it waits for. False: ``.result``
            of a failed task is None. Not given: raised where ``.result`` is read.
        start_to_close_timeout, schedule_to_close_timeout, schedule_to_start_timeout, heartbeat_timeout:
            seconds, or "NONE".
        idempotent: equal calls (same arguments) within a run are one task.
        meta: kept with the task, for workers.
    """

    def decorate(function: Callable[P, R]) -> Activity[P, R]:
        return Activity(
            function,
            name=name,
            version=version,
            task_list=task_list,
            retry=retry,
            raises_on_failure=raises_on_failure,
            start_to_close_timeout=start_to_close_timeout,
            schedule_to_close_timeout=schedule_to_close_timeout,
            schedule_to_start_timeout=schedule_to_start_timeout,
            heartbeat_timeout=heartbeat_timeout,
            task_priority=task_priority,
            idempotent=idempotent,
            meta=meta,
        )

    return decorate


def _leave(context: dict[str, Any] | None, where: Any) -> None:
    if context is not None:
        try:
            where.context = context
        except AttributeError:  # a builtin, a method, a class with slots: it does not look for it
            pass


def _type_name(callable: Any) -> str:
    """The path of a callable, where a `name` of its own stands for its last part."""
    path = importable_name(callable)
    own = getattr(callable, "name", None)
    return f"{path.rpartition('.')[0]}.{own}" if isinstance(own, str) else path


def importable_name(thing: Any) -> str:
    """The dotted path by which another process imports `thing`: its module and its qualified name."""
    module = getattr(thing, "__module__", None) or ""
    if module == "__main__":
        module = _main_module() or module
    name = getattr(thing, "__qualname__", type(thing).__name__)
    return f"{module}.{name}" if module else str(name)


def _main_module() -> str | None:
    """How others import the program that was started: ``python -m pkg.mod``, or ``python mod.py``."""
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name).removesuffix(".__main__")
    path = getattr(main, "__file__", None)
    return Path(path).stem if path else None


def is_seconds(text: str) -> bool:
    """Whether Amazon takes the text for a time: whole seconds, of at most 8 digits."""
    return text.isascii() and text.isdigit() and len(text) <= 8


def _seconds(option: str, value: Seconds) -> str | None:
    if value is None or value == "":
        return None
    text = str(value)
    if text != "NONE" and not is_seconds(text):
        raise ValueError(f'{option} takes whole seconds (at most 8 digits) or "NONE", not {value!r}')
    return text
