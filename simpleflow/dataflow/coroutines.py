"""Coroutines in a branch: driven to their end here, and kept from everything that is not durable.

``await future`` switches greenlets inside of `Future.__await__`, so a coroutine of ours never yields to who drives
it; what does yield is not ours. While a coroutine runs, the thread's running event loop is one that refuses: that
is how asyncio's functions are met where they are called, and named.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from functools import cache
from types import FrameType
from typing import Any, Final, NoReturn

from simpleflow.exceptions import Evicted, ForeignAwait
from simpleflow.futures import running

GATHER: Final = "simpleflow.futures.gather(...)"
WAIT: Final = "simpleflow.futures.wait(..., timeout=seconds)"
OURS_INSTEAD: Final = {
    "sleep": "self.sleep(seconds)",
    "gather": GATHER,
    "create_task": GATHER,
    "ensure_future": GATHER,
    "TaskGroup": GATHER,
    "shield": GATHER,
    "wait": "simpleflow.futures.wait(..., return_when=...)",
    "wait_for": WAIT,
    "timeout": WAIT,
    "timeout_at": WAIT,
    "Timeout": WAIT,
    "as_completed": "simpleflow.futures.as_completed(...)",
    "to_thread": "self.submit(activity, ...)",
    "run_in_executor": "self.submit(activity, ...)",
}
"""What to write where a workflow calls this of asyncio."""
IN_GENERAL: Final = "simpleflow.futures.gather, wait and as_completed"

MAX_REFUSALS: Final = 100
"""How often code may catch what unwinds it, before it is abandoned where it stands."""
_abandoned: list[Coroutine[Any, Any, Any]] = []


def drive(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The value of a coroutine. Raises what it raises, and ForeignAwait where it awaits what is not ours."""
    try:
        awaited = coroutine.send(None)
        refusal = refuse(_name_of(coroutine, awaited))
        coroutine.throw(refusal)  # raised at the line that awaits
        for _ in range(MAX_REFUSALS):
            coroutine.throw(Evicted())
    except StopIteration as end:
        return end.value
    _abandoned.append(coroutine)  # dropping the last reference would raise in it once more
    raise refusal


def refuse(name: str) -> ForeignAwait:
    """The error with which awaiting `name` fails the run."""
    ours = OURS_INSTEAD.get(name.removeprefix("asyncio.").partition(".")[0], IN_GENERAL)
    error = ForeignAwait(f"run awaits {name}, which is not durable: use {ours}")
    program = running.get()
    assert program is not None
    program.doom(error)
    return error


def enter() -> Any:
    """From now on the running event loop of this thread is one that refuses. Gives the one before, for `leave`."""
    import asyncio.events

    before = asyncio.events._get_running_loop()
    asyncio.events._set_running_loop(_loop())
    return before


def leave(before: Any) -> None:
    import asyncio.events

    asyncio.events._set_running_loop(before)


@cache
def _loop() -> Any:
    """The event loop that refuses."""
    import asyncio

    def refusing(name: str) -> Callable[..., NoReturn]:
        def method(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
            for each in (*args, *kwargs.values()):
                if isinstance(each, Coroutine):
                    each.close()
            raise refuse(_asked_for(sys._getframe(1), name))

        return method

    names = [name for name in dir(asyncio.AbstractEventLoop) if not name.startswith("__")]
    methods = {name: refusing(name) for name in (*names, "__hash__")}  # asyncio looks tasks up by their loop
    return type("RefusingLoop", (asyncio.AbstractEventLoop,), methods)()


def _asked_for(frame: FrameType | None, method: str) -> str:
    """The function of asyncio that the user's code has called, or else the loop's own method."""
    name = method if method != "__hash__" else "current_task"
    while frame is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == "asyncio":
        name = frame.f_code.co_qualname.partition(".__")[0]
        frame = frame.f_back
    return f"asyncio.{name}"


def _name_of(coroutine: Any, awaited: Any) -> str:
    """What a coroutine awaits that has yielded `awaited`: the function of another library, or the thing itself."""
    inner = coroutine
    while inner is not None:
        frame = getattr(inner, "cr_frame", None) or getattr(inner, "ag_frame", None) or getattr(inner, "gi_frame", None)
        if frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "asyncio":
            return f"asyncio.{frame.f_code.co_qualname}"
        inner = (
            getattr(inner, "cr_await", None) or getattr(inner, "ag_await", None) or getattr(inner, "gi_yieldfrom", None)
        )
    return "asyncio.sleep" if awaited is None else repr(awaited)  # a bare yield is what sleep(0) does
