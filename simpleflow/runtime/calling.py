"""Calling an activity by its name, and wording what came of it: a result as JSON, or a failure.

Around the call stand the middlewares that its arguments name under `MIDDLEWARES`, and before it the programs that its
input names are downloaded. Used by the warm child, and in this process by --local. It knows of no process, no engine
and no time.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from simpleflow import activity as activity_module
from simpleflow import log as logs
from simpleflow.activity import Activity
from simpleflow.download import download_binaries
from simpleflow.exceptions import CompleteLater, ExecutionError, PayloadUnreachable, message_of, one_line
from simpleflow.payload.codec import PLAIN, Codec, arguments, decode_call
from simpleflow.payload.failures import MAX_REASON, UNREACHABLE, carrying, clean, cut, describe, without_frames
from simpleflow.runtime import attempt as attempt_module
from simpleflow.runtime.attempt import Attempt

Answer = dict[str, Any]
"""``{"result": JSON}``, or ``{"reason": line, "details": JSON}``; with ``"stale": True`` where this process should not
go on. ``{"later": True}`` where somebody else will answer."""

Functions = Sequence[Callable[..., Any]]

MIDDLEWARES: Final = "simpleflow_middlewares"
"""The argument of a call that names functions to call around it: ``{"pre": [names], "post": [names]}``. Those before
are called as ``f(context)``, those after, if the activity returned, as ``f(context, result=result)``."""

_ASYNCIO: Final = Path(os.__file__).parent / "asyncio"
OURS: Final = {
    *(__file__, activity_module.__file__, attempt_module.__file__),
    *(str(_ASYNCIO / name) for name in ("runners.py", "base_events.py")),
}

STEPS: Final = "simpleflow.step"
"""May always be imported: activities of our own, which do nothing but keep marks."""

_found: dict[str, Activity[..., Any]] = {}
_allowed: tuple[str, ...] = ()


class NotAllowed(ImportError):
    """The name lies outside of what this process may import for a task."""


def allow(prefixes: Sequence[str]) -> None:
    """From now on, import for tasks only what these dotted names name or hold; none: everything."""
    global _allowed
    _allowed = tuple(prefixes)


def context_of(task: Mapping[str, Any], domain: str, task_list: str) -> dict[str, Any]:
    """What an activity may know of its task, as the engine gave it; `input` is added where it is run."""
    return {
        "name": task["activityType"]["name"],
        "version": task["activityType"]["version"],
        "workflow_id": task["workflowExecution"]["workflowId"],
        "run_id": task["workflowExecution"]["runId"],
        "activity_id": task["activityId"],
        "domain_name": domain,
        "activity_task_list": task_list,
    }


def run(
    name: str,
    text: str | None,
    context: dict[str, Any] | None = None,
    codec: Codec = PLAIN,
    middlewares: Any = None,
    attempt: Attempt | None = None,
) -> Answer:
    """Call the activity `name` with the arguments in `text`. Whatever it raises is in the answer."""
    try:
        activity = find(name)
    except BaseException as error:
        return _stale(name, error)
    wanted = context.get("version") if context else None
    if wanted is not None and activity.version is not None and str(activity.version) != wanted:
        reason = f"version mismatch: the task wants version {wanted} of {name}, and this worker has {activity.version}"
        return {"reason": cut(clean(reason), MAX_REASON), "stale": True}
    return call(activity, text, context, codec, middlewares, attempt)


def call(
    activity: Activity[..., Any],
    text: str | None,
    context: dict[str, Any] | None = None,
    codec: Codec = PLAIN,
    middlewares: Any = None,
    attempt: Attempt | None = None,
) -> Answer:
    """Call the activity with the arguments in `text`. Whatever it raises is in the answer.

    `middlewares` are those of a call that names none itself, in the form of `MIDDLEWARES`. `attempt` is what its code
    knows of the task; by default what `context` and `text` tell.
    """
    context = {**(context or {}), "input": text}
    attempt = attempt or Attempt(context, text, codec=codec)
    logs.subject.what = "activity", context.get("workflow_id", ""), context.get("activity_id", "")
    try:
        told = codec.read_call(text)
        args, kwargs = arguments(told)
        named = kwargs.pop(MIDDLEWARES, middlewares)
        before, after = _middlewares(named) if named else ((), ())
        decode_call(args, kwargs, activity.callable)
        with _programs(binaries) if (binaries := _binaries(told)) else nullcontext(), attempt:
            attempt.check_begun()
            for middleware in before:
                middleware(context)
            result = activity.work(args, kwargs, context, attempt.settled)
            for middleware in after:
                middleware(context, result=result)
        return {"result": codec.freeze(result, "the result")}
    except _Missing as missing:
        return _stale(f"the middleware {missing.name}", missing.error)
    except PayloadUnreachable as error:
        return unreachable(error)
    except CompleteLater:
        return {"later": True}
    except BaseException as error:
        return _failed(error, codec, attempt.details)
    finally:
        logs.subject.what = logs.NOTHING


def _failed(error: Any, codec: Codec, heartbeat: str | None) -> Answer:
    if issubclass(type(error), ExecutionError) and error.details:  # what was raised there is the failure
        return {"reason": cut(clean(error.reason), MAX_REASON), "details": carrying(error.details, heartbeat)}
    told = without_frames(error, OURS)
    reason, details = describe(told, codec.keep)
    if heartbeat is not None:
        details = carrying(details if details.startswith("{") else describe(told)[1], heartbeat)
    if issubclass(type(error), SystemExit):
        reason = cut(clean(f"SystemExit: {said_exit(error, 'activity')}"), MAX_REASON)
    return {"reason": reason, "details": details}


def unreachable(error: PayloadUnreachable) -> Answer:
    """The answer to a task whose values cannot be had, or its result not be put away."""
    return {"reason": cut(clean(f"{UNREACHABLE}: {message_of(error)}"), MAX_REASON), "details": describe(error)[1]}


def around(before: Sequence[str], after: Sequence[str]) -> dict[str, list[str]] | None:
    """Names of functions to call around activities, in the form of `MIDDLEWARES`; None for none."""
    return {"pre": list(before), "post": list(after)} if before or after else None


class _Missing(Exception):
    """A middleware that cannot be imported."""

    def __init__(self, name: str, error: BaseException) -> None:
        super().__init__(name, error)
        self.name = name
        self.error = error


def _middlewares(named: Any) -> tuple[Functions, Functions]:
    """The functions to call before and after an activity. Raises _Missing, and TypeError where they are named wrong."""
    lists = list(named.values()) if isinstance(named, dict) and named.keys() <= {"pre", "post"} else [None]
    if not all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in lists):
        raise TypeError(f'{MIDDLEWARES} takes {{"pre": [names], "post": [names]}}, not {named!r}')
    return [_middleware(name) for name in named.get("pre", ())], [_middleware(name) for name in named.get("post", ())]


def _middleware(name: str) -> Callable[..., Any]:
    try:
        found: Callable[..., Any] = load(name)
    except BaseException as error:
        raise _Missing(name, error) from error
    return found


def _binaries(told: Any) -> Any:
    """The programs that a task's `meta` names."""
    meta = told.get("meta") if isinstance(told, dict) else None
    return meta.get("binaries") if isinstance(meta, dict) else None


@contextmanager
def _programs(binaries: Any) -> Iterator[None]:
    """These programs are downloaded and on the PATH, for as long as the task runs."""
    before = os.environ.get("PATH")
    try:
        download_binaries(binaries)
        yield
    finally:
        if before is None:
            os.environ.pop("PATH", None)
        else:
            os.environ["PATH"] = before


def find(name: str) -> Activity[..., Any]:
    """The activity with this dotted name, which may be a plain function's or a class's. Raises what importing does."""
    known = _found.get(name)
    if known is None:
        thing = load(name)
        if not callable(thing):
            raise ImportError(f"it is of type {type(thing).__name__}, neither an activity nor a function")
        known = _found[name] = thing if isinstance(thing, Activity) else Activity(thing)
    return known


def load(name: str) -> Any:
    """What a dotted name stands for: the longest prefix that is a module, then attributes. Raises ImportError,
    AttributeError and whatever a module raises while it is imported."""
    _check_allowed(name)
    parts = name.split(".")
    missing: ImportError | None = None
    for length in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:length])
        try:
            thing: Any = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if not f"{module}.".startswith(f"{error.name}."):  # it is there; what it imports is not
                raise
            missing = missing or error
            continue
        try:
            for part in parts[length:]:
                thing = getattr(thing, part)
                if isinstance(thing, ModuleType):  # one that a module has imported for itself
                    _check_allowed(thing.__name__)
        except AttributeError as error:
            raise missing or error from None
        return thing
    raise missing or ImportError("an activity's name is module.function")


def _check_allowed(name: str) -> None:
    prefixes = (*_allowed, STEPS)
    if _allowed and not any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes):
        raise NotAllowed(f"it is outside of what this worker may import: {', '.join(_allowed)}")


def response(kind: str, token: str, answer: Answer) -> tuple[str, dict[str, Any]]:
    """How the client is told of the answer to a task of this kind, "activity" or "lambda": method and arguments."""
    given = {
        key: value for key, value in answer.items() if key in ("result", "reason", "details") and value is not None
    }
    outcome = "completed" if "result" in answer else "failed"
    return f"respond_{kind}_task_{outcome}", {"taskToken": token, **given}


def _stale(name: str, error: BaseException) -> Answer:
    _, details = describe(without_frames(error, OURS))
    # A module that failed may have left others imported that are corrected with it: only a new process sees them.
    return {"reason": not_found(name, error), "details": details, "stale": not isinstance(error, NotAllowed)}


def not_found(name: str, error: BaseException) -> str:
    """The reason of a task whose function cannot be imported."""
    plain = isinstance(error, ImportError | AttributeError)
    text = message_of(error).partition("\n")[0] if plain else one_line(error)
    return cut(clean(f"cannot import {name}: {text}"), MAX_REASON)


def said_exit(error: Any, who: str) -> str:
    """What is said of a function that would have ended its process."""
    try:
        argument = repr(error.code)
    except BaseException:
        argument = type(error.code).__name__
    return f"the {who} called sys.exit({argument})"
