"""Calling an activity by its name, and wording what came of it: a result as JSON, or a failure.

Used by the warm child, and in this process by --local. It knows of no process, no engine and no time.
"""

from __future__ import annotations

import importlib
from typing import Any, Final

from simpleflow import activity as activity_module
from simpleflow.activity import Activity
from simpleflow.exceptions import message_of, one_line
from simpleflow.payload.codec import Codec, freeze
from simpleflow.payload.failures import MAX_REASON, clean, cut, describe

Answer = dict[str, Any]
"""``{"result": JSON}``, or ``{"reason": line, "details": JSON}``; with ``"stale": True`` where this process should not
go on."""

OURS: Final = {__file__, activity_module.__file__}

_codec = Codec()
_found: dict[str, Activity[..., Any]] = {}


def run(name: str, text: str | None) -> Answer:
    """Call the activity `name` with the arguments in `text`. Whatever it raises is in the answer."""
    try:
        activity = find(name)
    except BaseException as error:
        _, details = describe(_without_our_frames(error))
        # A module that failed may have left others imported that are corrected with it: only a new process sees them.
        return {"reason": not_found(name, error), "details": details, "stale": True}
    return call(activity, text)


def call(activity: Activity[..., Any], text: str | None) -> Answer:
    """Call the activity with the arguments in `text`. Whatever it raises is in the answer."""
    try:
        args, kwargs = _codec.thaw_call(text)
        return {"result": freeze(activity.execute(*args, **kwargs), "the result")}
    except BaseException as error:
        reason, details = describe(_without_our_frames(error))
        if isinstance(error, SystemExit):
            reason = cut(clean(f"SystemExit: {said_exit(error, 'activity')}"), MAX_REASON)
        return {"reason": reason, "details": details}


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
        except AttributeError as error:
            raise missing or error from None
        return thing
    raise missing or ImportError("an activity's name is module.function")


def response(kind: str, token: str, answer: Answer) -> tuple[str, dict[str, Any]]:
    """How the client is told of the answer to a task of this kind, "activity" or "lambda": method and arguments."""
    given = {key: value for key, value in answer.items() if key != "stale" and value is not None}
    outcome = "completed" if "result" in answer else "failed"
    return f"respond_{kind}_task_{outcome}", {"taskToken": token, **given}


def not_found(name: str, error: BaseException) -> str:
    """The reason of a task whose function cannot be imported."""
    plain = isinstance(error, ImportError | AttributeError)
    text = message_of(error).partition("\n")[0] if plain else one_line(error)
    return cut(clean(f"cannot import {name}: {text}"), MAX_REASON)


def _without_our_frames(error: BaseException) -> BaseException:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None and trace.tb_frame.f_code.co_filename in OURS:
        trace = trace.tb_next
    return error.with_traceback(trace)


def said_exit(error: SystemExit, who: str) -> str:
    """What is said of a function that would have ended its process."""
    try:
        argument = repr(error.code)
    except Exception:
        argument = type(error.code).__name__
    return f"the {who} called sys.exit({argument})"
