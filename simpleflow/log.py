"""Log lines in simpleflow's form, and words in colour.

The logger is "simpleflow"; importing configures nothing. A command configures it (`simpleflow.observe`), and a program
that uses simpleflow as a library does so itself, by ``dictConfig(settings.LOGGING)`` or with the formatters here.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import Any, Final, Literal

logger = logging.getLogger("simpleflow")

RED: Final = "\033[31m"
GREEN: Final = "\033[32m"
YELLOW: Final = "\033[33m"
BLUE: Final = "\033[34m"
ORANGE: Final = "\033[38;5;208m"
END: Final = "\033[0m"

COLOURS: Final = {
    "DEBUG": "\033[2m",
    "INFO": "",
    "WARNING": YELLOW,
    "ERROR": RED,
    "CRITICAL": "\033[1;31m",
    "red": RED,
    "green": GREEN,
    "yellow": YELLOW,
    "blue": BLUE,
    "orange": ORANGE,
}
"""The terminal's codes of levels and of names of colours."""

Mode = Literal["auto", "always", "never"]
color_mode: Mode = "auto"
"""When `colorize` does: "auto" means where standard error is a terminal."""

NOTHING: Final = ("", "", "")


class Subject(threading.local):
    """What this thread is at, for its log lines: "activity", "lambda" or "decision", of which run (its workflow id),
    and its id (of a decision that of the event that started it)."""

    what: tuple[str, str, int | str] = NOTHING


subject: Final = Subject()


def counted(number: int, noun: str) -> str:
    """``1 task``, ``2 tasks``, ``1,000 tasks``: for a noun whose plural has an s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def colorize(level: str, message: str) -> str:
    """`message` in the colour of a level ("ERROR"), of a name ("red") or of a code (`RED`), as `color_mode` says.

    Whatever is not a colour leaves the message as it is.
    """
    shown = color_mode == "always" or (color_mode == "auto" and sys.stderr is not None and sys.stderr.isatty())
    code = level if level.startswith("\033[") else COLOURS.get(level, COLOURS.get(level.lower(), ""))
    return f"{code}{message}{END}" if shown and code else message


class SimpleflowFormatter(logging.Formatter):
    """``2026-11-23T14:00:01 INFO [process=worker, pid=4242]: message``

    `process` says who writes; default: the name of the process, as multiprocessing has it. Where the thread has a
    `subject`, that is named too:
    ``[process=task, pid=4243, workflow=basic-7, activity=activity-examples.basic.double-1]``.
    """

    def __init__(self, process: str | None = None, **options: Any) -> None:
        super().__init__(**{"datefmt": "%Y-%m-%dT%H:%M:%S", **options})
        self._process = process

    def usesTime(self) -> bool:
        return True

    def formatMessage(self, record: logging.LogRecord) -> str:
        kind, workflow_id, id = subject.what
        what = f", workflow={workflow_id}, {kind}={id}" if kind else ""
        who = f"[process={self._process or record.processName}, pid={os.getpid()}{what}]"
        return f"{self.formatTime(record, self.datefmt)} {colorize(record.levelname, record.levelname)} {who}: " + (
            record.message
        )


class SyslogFormatter(logging.Formatter):
    """``workflow id: activity#17 ERROR pid=4242 message``, with at most 64 characters of the id."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        kind, workflow_id, id = subject.what
        return f"{workflow_id[:64]}: {kind}#{id} {record.levelname} pid={os.getpid()} {record.message}"


def default_logging(level: str = "INFO", syslog: str | None = None) -> dict[str, Any]:
    """The configuration that `settings.LOGGING` is by default, for logging.config.dictConfig: lines on standard error,
    and to the syslog server at `syslog` (HOST:PORT, by UDP) where it is given."""
    handlers: dict[str, Any] = {"console": {"class": "logging.StreamHandler", "formatter": "simpleflow"}}
    if syslog:
        host, _, port = syslog.rpartition(":")
        handlers["syslog"] = {
            "class": "logging.handlers.SysLogHandler",
            "formatter": "syslog",
            "address": (host, int(port)),
        }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "simpleflow": {"()": "simpleflow.log.SimpleflowFormatter"},
            "syslog": {"()": "simpleflow.log.SyslogFormatter"},
        },
        "handlers": handlers,
        "loggers": {"simpleflow": {"handlers": sorted(handlers), "level": level, "propagate": False}},
    }
