"""The warm child: the process in which a worker's activities run.

`working` starts it ahead and gives it one task after the other over a socket, a line of JSON each way, so that a
module is imported once and a task costs no process. It knows of no engine and of no time. It leads a process group
of its own, which ends with the worker, whatever a task is doing then.
"""

from __future__ import annotations

import fcntl
import importlib
import os
import select
import signal
import sys
import threading
from typing import Any, Final

import orjson

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


def main(channel: int, life: int) -> None:
    """Run what comes through the socket `channel` until it is closed; end at once when the pipe `life` is."""
    for descriptor in (channel, life):
        os.set_inheritable(descriptor, False)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, lambda signum, frame: None)  # a handler, for programs would inherit "ignored"
    end_with(life)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    me = os.getpid()
    while (request := receive(channel)) is not None:
        answer = run(*request)
        if os.getpid() != me:  # the activity forked, and this is what it left behind
            os._exit(0)
        _flush()
        send(channel, answer)


def run(name: str, text: str | None) -> Answer:
    """Call the activity `name` with the arguments in `text`. Whatever it raises is in the answer."""
    try:
        activity = find(name)
    except BaseException as error:
        return _not_found(name, error)
    return call(activity, text)


def call(activity: Activity[..., Any], text: str | None) -> Answer:
    """Call the activity with the arguments in `text`. Whatever it raises is in the answer."""
    try:
        args, kwargs = _codec.thaw_call(text)
        return {"result": freeze(activity.execute(*args, **kwargs), "the result")}
    except BaseException as error:
        reason, details = describe(_without_our_frames(error))
        if isinstance(error, SystemExit):
            reason = cut(clean(f"SystemExit: the activity called sys.exit({_argument(error)})"), MAX_REASON)
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


def send(channel: int, message: Any) -> None:
    """Write one line of JSON. Raises OSError where the other end is gone."""
    data = memoryview(orjson.dumps(message) + b"\n")
    while data:
        data = data[os.write(channel, data) :]


def receive(channel: int) -> Any:
    """The next line of JSON, or None where the other end is gone. Ends take turns, so no more than a line is there."""
    data = b""
    while data[-1:] != b"\n":
        try:
            more = os.read(channel, 1 << 18)
        except ConnectionError:  # it went with something unread
            return None
        if not more:
            return None
        data += more
    return orjson.loads(data)


def end_with(life: int) -> None:
    """Kill this process and its group when no process holds the other end of the pipe `life` any more."""
    if sys.platform != "linux":
        threading.Thread(target=_end_at_eof, args=(life,), daemon=True, name="life").start()
        return
    # Linux sends the signal by itself, also while C code (a regular expression) keeps every thread from running.
    fcntl.fcntl(life, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(life, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(life, fcntl.F_SETFL, fcntl.fcntl(life, fcntl.F_GETFL) | os.O_ASYNC)
    ended = select.poll()
    ended.register(life)
    if ended.poll(0):  # before it was asked to
        kill_group()


def kill_group() -> None:
    """End this process now, and the group if it leads one."""
    os.kill(-os.getpid() if os.getpgrp() == os.getpid() else os.getpid(), signal.SIGKILL)


def _end_at_eof(life: int) -> None:
    os.read(life, 1)
    kill_group()


def _not_found(name: str, error: BaseException) -> Answer:
    plain = isinstance(error, ImportError | AttributeError)
    text = message_of(error).partition("\n")[0] if plain else one_line(error)
    _, details = describe(_without_our_frames(error))
    # A module that failed may have left others imported that are corrected with it: only a new process sees them.
    return {"reason": cut(clean(f"cannot import {name}: {text}"), MAX_REASON), "details": details, "stale": True}


def _without_our_frames(error: BaseException) -> BaseException:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None and trace.tb_frame.f_code.co_filename in OURS:
        trace = trace.tb_next
    return error.with_traceback(trace)


def _argument(error: SystemExit) -> str:
    try:
        return repr(error.code)
    except Exception:
        return type(error.code).__name__


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # closed or replaced by the activity, or nobody reads it: no reason to fail a task
            pass


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
