"""Where users' code is: lines and tracebacks that leave out ours."""

from __future__ import annotations

import sys
from functools import lru_cache
from types import FrameType, TracebackType
from typing import Final

OURS: Final = (
    *("simpleflow.workflow", "simpleflow.futures", "simpleflow.dataflow", "simpleflow.canvas"),
    *("simpleflow.step.submittable", "simpleflow.step.workflow"),
)
"""The modules through which a program asks for something."""


def caller() -> str:
    """Where the user's code called us: ``flows/crawl.py:88``; empty where it did not."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_ours(frame.f_globals.get("__name__")):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else ""


def of_users(traceback: TracebackType | None) -> TracebackType | None:
    """A traceback without our own frames."""
    kept: list[TracebackType] = []
    while traceback is not None:
        if not _is_ours(traceback.tb_frame.f_globals.get("__name__")):
            kept.append(traceback)
        traceback = traceback.tb_next
    chain: TracebackType | None = None
    for entry in reversed(kept):
        chain = TracebackType(chain, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return chain


def without_ours(error: BaseException) -> None:
    """Let an error's traceback tell of users' code alone."""
    try:
        error.with_traceback(of_users(error.__traceback__))
    except BaseException:  # one that does not let itself be touched is still told
        pass


@lru_cache(1024)
def _is_ours(module: object) -> bool:
    return isinstance(module, str) and module.startswith(OURS)


def raised_at(error: BaseException) -> str:
    """The line of users' code in which an error was raised; empty where none was on the way, or it does not tell."""
    try:
        traceback = of_users(error.__traceback__)
    except BaseException:  # an error may not let itself be touched
        return ""
    return last_line(traceback) if traceback is not None else ""


def last_line(traceback: TracebackType | None) -> str:
    """Where a traceback ends: ``flows/crawl.py:88``."""
    line = "a line of simpleflow's own"
    while traceback is not None:
        line = f"{traceback.tb_frame.f_code.co_filename}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return line
