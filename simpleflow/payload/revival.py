"""Errors of other processes, made again of what `failures.describe` told of them.

What a program catches is a TaskFailed, and of the original class beside: a class is made of both. Only classes that
are loaded here are taken; nothing is imported because a message says so, and no code of theirs runs: an error is made
by the constructor of the builtin class that it derives from, and given its `args` and attributes.
"""

from __future__ import annotations

import json
import re
import types
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar

from simpleflow.activity import importable_name
from simpleflow.exceptions import (
    AggregateException,
    RemoteException,
    TaskException,
    TaskFailed,
    WorkflowException,
    as_of_child,
    loaded,
    qualified,
)

E = TypeVar("E", bound=BaseException)

Record = Mapping[str, Any]
Home = tuple[str, str]
"""How others import the module of an activity, and its name here: another where it was started as a program."""

HEAP_TYPE: Final = 1 << 9  # https://docs.python.org/3/c-api/typeobj.html#c.Py_TPFLAGS_HEAPTYPE
MAX_NESTING: Final = 20
MAX_MEMBERS: Final = 100_000

MEMBERS: Final = re.compile(r"^[ |]*\+-\+-", re.MULTILINE)
"""Where the members of a group begin in its traceback."""

UNFIT: Final = (TaskFailed, StopIteration, StopAsyncIteration)
"""Classes that a failure is not made one of: `raise` means something else for them."""


def home_of(function: Any) -> Home | None:
    """The home of what is defined beside `function`."""
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str):
        return None
    return importable_name(function).removesuffix(f".{name}"), module


def revived(name: str, reason: str | None, details: str | None = None, home: Home | None = None) -> TaskFailed:
    """The failure of the task `name` as an error to raise. Never raises."""
    record = _record(details)
    try:
        error = _failure(name, reason, details, home, record)
    except BaseException:  # a class that cannot be joined with ours, or refuses to be made so
        error = TaskFailed(name, reason, details)
    attach(error, record, home)
    return error


def attach(error: BaseException, record: Record | str | None, home: Home | None = None) -> None:
    """Give an error the notes, the remote traceback and the causes of its record, or of its details. Never raises."""
    try:
        record = _record(record) if isinstance(record, str | None) else record
        _add_notes(error, record)
        lines = record.get("traceback")
        trace = "".join(map(str, lines)) if isinstance(lines, list) else lines
        if isinstance(trace, str) and issubclass(type(error), BaseExceptionGroup):
            trace = MEMBERS.split(trace, maxsplit=1)[0]  # they have theirs
        if isinstance(trace, str) and trace:
            BaseException.add_note(error, f"The traceback of the process where it was raised:\n{trace.rstrip()}")
        _link(error, record, home, 0)
    except Exception:  # some of it is missing then; what failed is still told
        pass


def _record(details: str | None) -> Record:
    try:
        found = json.loads(details or "")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _failure(name: str, reason: str | None, details: str | None, home: Home | None, record: Record) -> TaskFailed:
    kind = _joined(_original(record, home))
    if kind is TaskFailed:
        return TaskFailed(name, reason, details)
    error = _made(kind, record, home, 0)
    held = {"name": name, "reason": reason, "details": details, "_exception": None, "_home": home}
    for attribute, value in held.items():
        object.__setattr__(error, attribute, value)
    if (error.name, error.reason, error.details) != (name, reason, details):  # properties of its own
        return TaskFailed(name, reason, details)
    return error


def _original(record: Record, home: Home | None) -> Any:
    """The class of what a task's code raised; where it is not loaded here, the nearest of its bases that is, so that
    ``except ValueError`` takes the same failures in every process."""
    found = loaded(record.get("error_type"), home)
    if found is not None and found is not TaskFailed:
        return found
    nearest = (loaded(base, home) or TaskFailed for base in _bases(record))
    theirs = (base for base in nearest if not issubclass(base, TaskException) and base not in TaskFailed.__mro__)
    return next(theirs, None)


def _bases(record: Record) -> list[Any]:
    bases = record.get("bases")
    return bases if isinstance(bases, list) else []


@lru_cache(1024)
def _joined(kind: Any) -> type[TaskFailed]:
    """The class that is TaskFailed and `kind`; TaskFailed alone where there can be none."""
    if kind is None or not issubclass(kind, Exception) or issubclass(kind, UNFIT):
        return TaskFailed
    body: dict[str, Any] = {
        "__module__": TaskFailed.__module__,
        "__qualname__": TaskFailed.__qualname__,
        "__doc__": TaskFailed.__doc__,
        "__reduce__": _reduce,
        "__reduce_ex__": lambda self, protocol: _reduce(self),
    }
    if issubclass(kind, AggregateException):  # a part of one is no task's failure
        body |= {"_like": lambda self, exceptions: kind(exceptions), "__copy__": _copied}
    try:
        return types.new_class(TaskFailed.__name__, (TaskFailed, kind), exec_body=lambda space: space.update(body))
    except BaseException:
        return TaskFailed


def _reduce(error: Any) -> tuple[Any, ...]:
    """How a copy is made, and a pickle: the class is no module's."""
    return revived, (error.name, error.reason, error.details, error._home), dict(vars(error))


def _copied(error: Any) -> Any:
    twin = revived(error.name, error.reason, error.details, error._home)
    twin.__dict__.update(vars(error))
    return twin


def _made(kind: type[E], record: Record, home: Home | None, depth: int) -> E:
    """An error of this class with the arguments and attributes of its record. Raises what its builtin class does."""
    builtin: Any = next(base for base in kind.__mro__ if not base.__flags__ & HEAP_TYPE)
    told = record.get("args")
    message = str(record.get("message", ""))
    args = tuple(told) if isinstance(told, list) else (message,)
    if issubclass(kind, BaseExceptionGroup):
        children = [child for child in record.get("children") or () if isinstance(child, dict)]
        made = [_other(child, home, depth + 1) for child in children]
        if issubclass(kind, AggregateException):
            places: Any = _placed(made, children, record.get("of"))
            return AggregateException.__new__(kind, places)
        head = args[0] if isinstance(args[0], str) else message
        return builtin.__new__(kind, head, made)  # type: ignore[no-any-return]
    error: E = builtin.__new__(kind, *args)
    try:
        builtin.__init__(error, *args)
    except Exception:  # arguments that did not travel, such as the bytes of a UnicodeDecodeError
        error.args = args
    attributes = record.get("attributes")
    if isinstance(attributes, dict):
        error.__dict__.update(attributes)
    return error


def _placed(made: Sequence[BaseException], children: Sequence[Record], of: Any) -> list[BaseException | None]:
    """What became of each member of a canvas; the failures alone where it is not told where they stood."""
    members = range(of if isinstance(of, int) and of <= MAX_MEMBERS else 0)
    places: list[Any] = [child.get("place") for child in children]
    if not all(place in members for place in places):
        return [*made]
    found: list[BaseException | None] = [None] * len(members)
    for place, error in zip(places, made, strict=True):
        found[place] = error
    return found


def _other(record: Record, home: Home | None, depth: int) -> BaseException:
    """A cause or a child: of its own class where that is loaded."""
    error: BaseException
    try:
        kind = loaded(record.get("error_type"), home)
        if kind is None or depth > MAX_NESTING:
            raise LookupError
        error = _task_failed(record, home, depth) if kind is TaskFailed else _made(kind, record, home, depth)
    except Exception:
        error = RemoteException(str(record.get("error_type", "?")), str(record.get("message", "")))
    _add_notes(error, record)
    _link(error, record, home, depth)
    return error


def _task_failed(record: Record, home: Home | None, depth: int) -> TaskFailed:
    """A task's failure that hangs on another error: of the class beside that its own code raised."""
    error = _made(_joined(_original(record, home)), record, home, depth)
    for attribute, value in {"name": "", "reason": None, "details": None, "_exception": None, "_home": home}.items():
        error.__dict__.setdefault(attribute, value)
    return as_of_child(error) if qualified(WorkflowException) in _bases(record) else error


def _add_notes(error: BaseException, record: Record) -> None:
    notes = record.get("notes")
    for note in notes if isinstance(notes, list) else ():
        BaseException.add_note(error, str(note))


def _link(error: BaseException, record: Record, home: Home | None, depth: int) -> None:
    """Hang the causes on an error, each on the one before."""
    chain = record.get("chain")
    for link in chain if isinstance(chain, list) else ():
        if not isinstance(link, dict):
            return
        cause = _other({**link, "chain": None}, home, depth)
        if link.get("link") == "cause":
            error.__cause__ = cause
        else:
            error.__context__ = cause
        error = cause
