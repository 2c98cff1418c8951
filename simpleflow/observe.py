"""What is observed: log lines, on standard error, and what a process asks of its engine.

Nothing is configured at import. A command calls `configure_logging` once; a program that uses simpleflow as a library
configures the logger "simpleflow" itself, or not at all.
"""

from __future__ import annotations

import logging
import os
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from simpleflow import config
from simpleflow.futures import running
from simpleflow.log import SimpleflowFormatter, SyslogFormatter, counted


@dataclass(slots=True)
class Traffic:
    """What a process has asked of its engine so far: `calls` by Amazon's names of the operations.

    Where a wire lies between, also what it carried: bytes of bodies, without headers, `sent` and `received`; how often
    a call was `retried` by its client, and how often the engine answered that calls come too fast (`throttled`).
    """

    calls: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    received: int = 0
    retried: int = 0
    throttled: int = 0

    def called(self, operation: str) -> None:
        """Count a call. Each engine and client is given this to call."""
        self.calls[operation] += 1

    def __str__(self) -> str:
        """Such as "412 calls to the engine, 0.9 MB, 3 retries, throttled 2 times"."""
        said = [f"{counted(self.calls.total(), 'call')} to the engine"]
        if self.sent or self.received:
            said.append(f"{(self.sent + self.received) / 1e6:,.1f} MB")
        if self.retried:
            said.append("1 retry" if self.retried == 1 else f"{self.retried:,} retries")
        if self.throttled:
            said.append(f"throttled {counted(self.throttled, 'time')}")
        return ", ".join(said)


class Muted(logging.Filter):
    """Drops what a program logs while it is fed events that an earlier decision has seen, or is put away."""

    def filter(self, record: logging.LogRecord) -> bool:
        program = running.get()
        return program is None or not (program.replaying or program.closing)


MUTED: Final = Muted()


def configure_logging(level: str, process: str = "main") -> None:
    """Log what is simpleflow's to standard error, from `level` (DEBUG, INFO, ...) on, and to the syslog server that the
    settings name; or, where they hold LOGGING, as that says.

    `process` says in each line who writes it. Calling it again replaces what an earlier call has set. Raises
    ConfigError where LOGGING is no configuration.
    """
    settings = config.load()
    logger = logging.getLogger("simpleflow")
    if settings.logging:
        _configure_as_told(settings.logging)
    else:
        logger.handlers[:] = _handlers(process, settings.simpleflow_syslog_target)
        logger.setLevel(level)
        logger.propagate = False
    for handler in (*logger.handlers, *logging.root.handlers):
        handler.addFilter(MUTED)


def _handlers(process: str, syslog: str | None) -> list[logging.Handler]:
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    handlers[0].setFormatter(SimpleflowFormatter(process))
    if syslog:
        from logging.handlers import SysLogHandler

        host, _, port = syslog.rpartition(":")
        try:
            handlers.append(SysLogHandler((host, int(port))))
        except OSError as error:
            raise config.ConfigError(f"SIMPLEFLOW_SYSLOG_TARGET={syslog!r} cannot be reached: {error}") from error
        handlers[1].setFormatter(SyslogFormatter())
    return handlers


def _configure_as_told(told: dict[str, Any]) -> None:
    from logging.config import dictConfig

    try:
        dictConfig(told)
    except ValueError as error:
        raise config.ConfigError(f"LOGGING is no configuration for logging: {error.__cause__ or error}") from error


def share_handlers() -> None:
    """Write the lines of all other loggers as simpleflow's own, from its level on. In a process that is ours; where
    somebody has configured the root logger, that stands."""
    logger = logging.getLogger("simpleflow")
    if not logging.root.handlers and not config.load().logging:
        logging.root.handlers[:] = logger.handlers
        logging.root.setLevel(logger.level)


def bear_with_streams() -> None:
    """Let nothing fail for want of an output: a closed one is replaced, and characters that it lacks are escaped."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
