"""Colours, and the form of log lines."""

from __future__ import annotations

import io
import logging
import logging.config
import os
import re
import sys
from typing import Any

import pytest

import simpleflow
from simpleflow import log, settings


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def record(message: str = "message %s", *args: Any) -> logging.LogRecord:
    return logging.LogRecord("simpleflow", logging.ERROR, "", 1, message, args, None)


def test_the_logger() -> None:
    assert simpleflow.logger is log.logger is logging.getLogger("simpleflow")


@pytest.mark.parametrize(
    ("colour", "code"),
    [("ERROR", log.RED), ("WARNING", log.YELLOW), ("orange", log.ORANGE), ("GREEN", log.GREEN), (log.BLUE, log.BLUE)],
)
def test_colours(monkeypatch: pytest.MonkeyPatch, colour: str, code: str) -> None:
    monkeypatch.setattr(log, "color_mode", "always")
    assert log.colorize(colour, "text") == f"{code}text{log.END}"


@pytest.mark.parametrize(
    ("mode", "stream", "shown"),
    [
        ("auto", io.StringIO(), False),
        ("auto", Terminal(), True),
        ("auto", None, False),
        ("always", io.StringIO(), True),
        ("never", Terminal(), False),
    ],
)
def test_colours_are_for_terminals(monkeypatch: pytest.MonkeyPatch, mode: str, stream: Any, shown: bool) -> None:
    monkeypatch.setattr(log, "color_mode", mode)
    monkeypatch.setattr(sys, "stderr", stream)
    assert ("\033[31mERROR\033[0m" in log.SimpleflowFormatter().format(record("m"))) is shown
    assert log.colorize("INFO", "m") == "m" == log.colorize("no colour", "m")


@pytest.mark.parametrize(("number", "said"), [(0, "0 tasks"), (1, "1 task"), (2, "2 tasks"), (1000, "1,000 tasks")])
def test_numbers_of_things(number: int, said: str) -> None:
    assert log.counted(number, "task") == said


def test_a_line_and_its_traceback() -> None:
    made = record("50% %s", "done")
    made.exc_info = (ValueError, ValueError("nope"), None)
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
    found = log.SimpleflowFormatter("worker").format(record("50%"))
    assert re.fullmatch(rf"{stamp} ERROR \[process=worker, pid={os.getpid()}\]: 50%", found)
    assert "[process=MainProcess, pid=" in log.SimpleflowFormatter().format(record("m"))
    made.msg = "with %s"
    assert log.SimpleflowFormatter("worker").format(made).endswith("with done\nValueError: nope")


def test_a_line_for_syslog(monkeypatch: pytest.MonkeyPatch) -> None:
    assert log.SyslogFormatter().format(record("m")) == f": # ERROR pid={os.getpid()} m"
    monkeypatch.setattr(log.subject, "what", ("decision", "id", 7))
    assert log.SyslogFormatter().format(record("m")) == f"id: decision#7 ERROR pid={os.getpid()} m"
    assert f"[process=d, pid={os.getpid()}, workflow=id, decision=7]: m" in log.SimpleflowFormatter("d").format(
        record("m")
    )


def test_the_settings_hold_a_configuration() -> None:
    told = settings.LOGGING
    assert told["loggers"]["simpleflow"]["handlers"] == ["console"]
    formatters = logging.config.DictConfigurator(told).config["formatters"]
    for name, kind in (("simpleflow", log.SimpleflowFormatter), ("syslog", log.SyslogFormatter)):
        assert isinstance(logging.config.DictConfigurator(told).configure_formatter(formatters[name]), kind)
    settings.put_setting("SIMPLEFLOW_SYSLOG_TARGET", "localhost:514")
    try:
        assert settings.LOGGING["handlers"]["syslog"]["address"] == ("localhost", 514)
    finally:
        settings.put_setting("SIMPLEFLOW_SYSLOG_TARGET", None)
