"""docs/migration.md: what it names is there, and what it says is gone is gone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from simpleflow import config
from simpleflow.cli.app import COMMANDS

PAGE = Path(__file__).parents[2] / "docs" / "migration.md"
TEXT = PAGE.read_text()
NAME = re.compile(r"`((?:simpleflow|swf)(?:\.\w+)*)\b(?!\s)")


def find(name: str) -> Any:
    """What a dotted name stands for: the longest prefix that is a module, then attributes."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            thing: Any = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            thing = getattr(thing, part)
        return thing
    raise ModuleNotFoundError(name)


def rows() -> Iterator[list[str]]:
    for line in TEXT.splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


GONE = sorted(name for row in rows() if len(row) == 2 for name in NAME.findall(row[0]))
NAMED = sorted(set(NAME.findall(TEXT)) - set(GONE))


def test_the_first_row_is_about_results() -> None:
    head, first, *_ = rows()
    assert head == ["Was", "Is", "Why", "What to do"] and "raises_on_failure=False" in first[3]


def test_every_row_is_whole() -> None:
    assert [row for row in rows() if len(row) not in (2, 4) or not all(row)] == []


def test_there_are_names() -> None:
    assert len(GONE) > 10 and len(NAMED) > 30


@pytest.mark.parametrize("name", NAMED)
def test_what_is_named_is_there(name: str) -> None:
    find(name)


@pytest.mark.parametrize("name", GONE)
def test_what_is_gone_is_gone(name: str) -> None:
    with pytest.raises((ModuleNotFoundError, AttributeError)):
        find(name)


def test_settings_and_commands_are_there() -> None:
    variables = set(re.findall(r"\b(?:SIMPLEFLOW|SWF|STEP|METROLOGY|LOGGING)(?:_[A-Z0-9_]+)?\b", TEXT))
    assert variables - {*config.NAMES, config.MODULE, "SWF", "SIMPLEFLOW_ENV"} == set()
    commands = set(re.findall(r"`((?:workflow|decider|worker|engine)\.[a-z]+|standalone)\b", TEXT))
    assert len(commands) > 2 and commands <= set(COMMANDS)
