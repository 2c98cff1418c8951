"""Log lines: their form, and what is not said twice."""

from __future__ import annotations

import io
import logging
import os
import re
import socket
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from simpleflow import log, settings
from simpleflow.config import ConfigError
from simpleflow.futures import running
from simpleflow.observe import Muted, configure_logging


@pytest.fixture(autouse=True)
def logger() -> Iterator[logging.Logger]:
    found = logging.getLogger("simpleflow")
    before = found.handlers[:], found.level, found.propagate
    yield found
    for handler in found.handlers:
        handler.close()
    found.handlers[:], found.level, found.propagate = before
    settings.configure(dict.fromkeys(("LOGGING", "SIMPLEFLOW_SYSLOG_TARGET")))


def configured(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    configure_logging("INFO", "worker")
    return stream


def test_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = configured(monkeypatch)
    logging.getLogger("simpleflow.runtime").info("working on %s", "L")
    logging.getLogger("simpleflow.runtime").debug("not said")
    expected = rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d INFO \[process=worker, pid={os.getpid()}\]: working on L\n"
    assert re.fullmatch(expected, lines.getvalue())


def test_configured_twice_says_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = configured(monkeypatch)
    configure_logging("INFO", "worker")
    logging.getLogger("simpleflow").warning("once")
    assert lines.getvalue().count("once") == 1


@pytest.mark.parametrize(
    ("replaying", "closing", "said"), [(False, False, True), (True, False, False), (False, True, False)]
)
def test_programs_that_replay_are_muted(
    monkeypatch: pytest.MonkeyPatch, replaying: bool, closing: bool, said: bool
) -> None:
    lines = configured(monkeypatch)
    program: Any = SimpleNamespace(replaying=replaying, closing=closing)
    token = running.set(program)
    logging.getLogger("simpleflow").info("from run")
    running.reset(token)
    assert ("from run" in lines.getvalue()) is said


def test_logging_as_the_settings_tell(monkeypatch: pytest.MonkeyPatch, logger: logging.Logger) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    told = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"own": {"format": "own %(message)s"}},
        "handlers": {"own": {"class": "logging.StreamHandler", "formatter": "own"}},
        "loggers": {"simpleflow": {"handlers": ["own"], "level": "WARNING", "propagate": False}},
    }
    settings.put_setting("LOGGING", told)
    configure_logging("INFO", "worker")
    logging.getLogger("simpleflow.runtime").warning("said")
    logging.getLogger("simpleflow.runtime").info("not said")
    assert stream.getvalue() == "own said\n"
    assert any(isinstance(each, Muted) for each in logger.handlers[0].filters)
    settings.put_setting("LOGGING", {"version": 2})
    with pytest.raises(ConfigError, match="LOGGING is no configuration for logging: Unsupported version: 2"):
        configure_logging("INFO")


def test_lines_go_to_the_syslog_server_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)
        settings.put_setting("SIMPLEFLOW_SYSLOG_TARGET", f"127.0.0.1:{server.getsockname()[1]}")
        lines = configured(monkeypatch)
        monkeypatch.setattr(log.subject, "what", ("activity", "w" * 70, 17))
        logging.getLogger("simpleflow").error("message")
        expected = rf"<\d+>{'w' * 64}: activity#17 ERROR pid={os.getpid()} message\x00?"
        assert re.fullmatch(expected, server.recv(4096).decode())
        assert lines.getvalue().endswith(": message\n")
