"""What is observed: log lines, on standard error.

Nothing is configured at import. A command calls `configure_logging` once; a program that uses simpleflow as a library
configures the logger "simpleflow" itself, or not at all.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Final

COLOURS: Final = {"DEBUG": "2", "WARNING": "33", "ERROR": "31", "CRITICAL": "1;31"}
"""The terminal's codes for levels that are shown in colour."""


class Muted(logging.Filter):
    """Drops what a program logs while it is fed events that an earlier decision has seen, or is put away."""

    def filter(self, record: logging.LogRecord) -> bool:
        from simpleflow.dataflow import running  # 10 ms, and only needed where something is logged

        program = running.get()
        return program is None or not (program.replaying or program.closing)


class Formatter(logging.Formatter):
    """``2026-11-23T14:00:01 INFO [process=worker, pid=4242]: message``"""

    def __init__(self, process: str, colour: bool) -> None:
        super().__init__(datefmt="%Y-%m-%dT%H:%M:%S")
        self._who = f"[process={process}, pid={os.getpid()}]"
        self._colour = colour

    def formatMessage(self, record: logging.LogRecord) -> str:
        level = record.levelname
        if self._colour and level in COLOURS:
            level = f"\x1b[{COLOURS[level]}m{level}\x1b[0m"
        return f"{self.formatTime(record, self.datefmt)} {level} {self._who}: {record.message}"


def configure_logging(level: str, process: str = "main") -> None:
    """Log what is simpleflow's to standard error, from `level` (DEBUG, INFO, ...) on.

    `process` says in each line who writes it. Calling it again replaces what an earlier call has set.
    """
    logger = logging.getLogger("simpleflow")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter(process, colour=sys.stderr.isatty()))
    handler.addFilter(Muted())
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False


def bear_with_streams() -> None:
    """Let nothing fail for want of an output: a closed one is replaced, and characters that it lacks are escaped."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
