"""The forms of output."""

from __future__ import annotations

import csv
import io
import json
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from simpleflow.cli import output
from simpleflow.cli.app import Globals
from simpleflow.swf.measure import fitting

COLUMNS = ("Name", "When", "Value")
WHEN = datetime(2026, 11, 23, 14, 0, 1, 500_000, UTC)
ROWS: list[tuple[Any, ...]] = [("a\tb", WHEN, {"x": [1, "ü"]}), ("c", None, 1.5), ('say "so"', None, "two\nlines")]


def shown(capsys: pytest.CaptureFixture[str], form: str | None, header: bool | None = None) -> str:
    output.show(Globals(format=form, header=header), COLUMNS, ROWS)
    return capsys.readouterr().out


def test_tsv_is_what_programs_get(capsys: pytest.CaptureFixture[str]) -> None:
    expected = 'a\\tb\t2026-11-23T14:00:01.500Z\t{"x": [1, "ü"]}\nc\t\t1.50\nsay "so"\t\ttwo\\nlines\n'
    assert shown(capsys, None) == expected
    assert shown(capsys, "tsv", True) == "Name\tWhen\tValue\n" + expected


@pytest.mark.parametrize("form", ["csv", "tsv", "tabular", "human", "json"])
def test_numbers_of_users_are_not_rounded(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    output.show(Globals(format=form), ("execution_time", "result"), [(2.0, 0.123456)])
    out = capsys.readouterr().out
    assert "0.123456" in out
    assert form == "json" or "2.00" in out


def test_csv(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "csv", True)
    assert "\r" not in text
    assert list(csv.reader(io.StringIO(text))) == [
        list(COLUMNS),
        ["a\tb", "2026-11-23T14:00:01.500Z", '{"x": [1, "ü"]}'],
        ["c", "", "1.50"],
        ['say "so"', "", "two\nlines"],
    ]
    assert not shown(capsys, "csv").startswith("Name")


def test_json_is_an_array_of_objects(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [["a\tb", "2026-11-23T14:00:01.500Z", {"x": [1, "ü"]}], ["c", None, 1.5], ['say "so"', None, "two\nlines"]]
    objects = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    plain = shown(capsys, "json")
    assert plain.count("\n") == 1
    assert json.loads(plain) == json.loads(shown(capsys, "json", True)) == objects
    lines = shown(capsys, "jsonl").splitlines()
    assert [json.loads(line) for line in lines] == objects
    pretty = shown(capsys, "prettyjson")
    assert json.loads(pretty) == objects
    assert '\n    "Name": "c",\n' in pretty


def test_human_shows_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = shown(capsys, "human").split("\n\n")
    assert len(blocks) == 3
    assert blocks[1] == "Name   c\nWhen\nValue  1.50"


def test_tabular_is_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    output.show(Globals(format="tabular", header=True), ("ID", "Status"), [("basic", "OPEN"), ("b", "CLOSED")])
    assert capsys.readouterr().out == "ID     Status\nbasic  OPEN\nb      CLOSED\n"


def test_colours_where_they_are_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    output.show(Globals(color="always"), ("ID", "Status"), [("a", "FAILED")])
    assert "\x1b[31mFAILED\x1b[0m" in capsys.readouterr().out


@pytest.mark.parametrize("form", [None, "csv", "tsv", "tabular", "human", "jsonl"])
def test_nothing_to_show(capsys: pytest.CaptureFixture[str], form: str | None) -> None:
    output.show(Globals(format=form), COLUMNS, [])
    assert capsys.readouterr().out == ""


def test_times_elsewhere_are_shown_in_utc() -> None:
    from datetime import timedelta, timezone

    assert output.text(WHEN.astimezone(timezone(timedelta(hours=5)))) == "2026-11-23T14:00:01.500Z"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("12345", "12345"),
        ("123456", "1234…"),
        ("ページ", "ペー…"),
        ("1ページ", "1ペ…"),
        ("e\u0301" * 5, "e\u0301" * 5),
        ("e\u0301" * 6, "e\u0301" * 4 + "…"),
        ("a\nb\x1b", "a b "),
    ],
)
def test_a_line_fits_a_terminal(text: str, shown: str) -> None:
    assert fitting(text, 5) == shown


def test_json_is_json_where_the_locale_has_no_such_character(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Python opens standard output in a locale without UTF-8."""
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="ascii", errors="backslashreplace"))
    output.show(Globals(format="json"), ("Workflow ID",), [("é漢😀",)])
    sys.stdout.flush()
    assert json.loads(raw.getvalue()) == [{"Workflow ID": "é漢😀"}]
