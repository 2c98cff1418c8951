"""Log lines: their form, and what is not said twice."""

from __future__ import annotations

import io
import logging
import os
import re
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from simpleflow.dataflow import running
from simpleflow.observe import Formatter, configure_logging


@pytest.fixture(autouse=True)
def logger() -> Iterator[logging.Logger]:
    found = logging.getLogger("simpleflow")
    before = found.handlers[:], found.level, found.propagate
    yield found
    found.handlers[:], found.level, found.propagate = before


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


def test_colours_are_for_terminals() -> None:
    record = logging.LogRecord("simpleflow", logging.ERROR, "", 1, "message", (), None)
    assert "\x1b[31mERROR\x1b[0m" in Formatter("p", colour=True).format(record)
    assert " ERROR " in Formatter("p", colour=False).format(record)
