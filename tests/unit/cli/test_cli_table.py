"""Tables on a terminal: what they show in how much room, how times and states read."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from simpleflow.cli import output, table
from simpleflow.cli.app import Globals
from simpleflow.swf.report import FILTERED

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
RUN_ID = "22PY1968OGVWoDA74IWRI1bSfMAAc6Kwk5AAAAAAAAAAY="
LISTED = ("Workflow ID", "Workflow Type", "Status", "Close Status", "Run ID", "Start Timestamp")
ROW = ("nightly-1", "crawl", "CLOSED", "FAILED", RUN_ID, NOW - timedelta(minutes=3))


def names(columns: tuple[str, ...], row: tuple[Any, ...], width: int) -> list[str]:
    shown, _ = table.fitting_columns(columns, [row], width, output.text, NOW)
    return [column.name for column in shown]


def printed(columns: tuple[str, ...], rows: list[tuple[Any, ...]], width: int) -> str:
    lines = table.table(columns, rows, output.text, width=width, header=True, now=datetime.now(UTC))
    return "".join("".join(text for text, _ in line).rstrip() + "\n" for line in lines)


def test_a_narrow_terminal_leaves_out_what_matters_least() -> None:
    assert names(LISTED, ROW, 160) == list(LISTED)
    assert names(LISTED, ROW, 80) == ["Workflow ID", "Workflow Type", "Status", "Close Status", "Start Timestamp"]
    assert names(LISTED, ROW, 10) == ["Workflow ID", "Status", "Close Status"]
    assert printed(LISTED, [ROW], 80).endswith("left out here: Run ID (a wider terminal, or --format, shows them)\n")
    assert "left out" not in printed(LISTED, [ROW], 160)


def test_what_had_to_go_for_nothing_comes_back() -> None:
    """The task list went first, and then the long run id: now there is room for the list again."""
    columns = ("Workflow ID", "Run ID", "Task List")
    assert names(columns, ("w", RUN_ID, "list"), 40) == ["Workflow ID", "Task List"]


def test_columns_without_values_are_not_shown() -> None:
    assert names(("Workflow ID", "Tags", "Input", "Close Status"), ("w", [], None, ""), 160) == ["Workflow ID"]
    assert table.fitting_columns(LISTED, [], 200, output.text, NOW)[0][0].name == "Workflow ID"


@pytest.mark.parametrize("width", [20, 40, 80, 120, 200])
def test_ids_are_never_cut(width: int) -> None:
    id = "a-rather-long-workflow-id-that-somebody-made-of-words--1"
    row = dict.fromkeys(FILTERED, "x") | {"Workflow ID": id, "Input": "word " * 40, "Run ID": RUN_ID}
    told = printed(FILTERED, [tuple(row.values())], width)
    assert id in told
    assert RUN_ID in told or "Run ID" in told.partition("left out")[2]
    if width >= 80:
        assert max(map(len, told.splitlines())) <= width


def test_long_text_is_folded_and_cut() -> None:
    columns = ("eventId", "eventTimestamp", "eventType", "attributes")
    row = (1, datetime.now(UTC), "StartChildWorkflowExecutionInitiated", {"input": "z" * 1000})
    told = printed(columns, [row], 80)
    assert max(map(len, told.splitlines())) <= 80 and "…" in told
    assert told.count("z") == table.MOST - len('{"input": "')


def test_how_cells_read() -> None:
    columns = ("Task", "Last State", "Start", "Time Running")
    rows = [("a", "timed_out", datetime.now(UTC), 1.5), ("b", "completed", datetime(2020, 1, 5, 7, tzinfo=UTC), 20.25)]
    header, first, second = printed(columns, rows, 100).splitlines()
    assert re.fullmatch(r"a +timed_out +(20..-..-.. )?\d\d:\d\d:\d\d +1\.50", first.rstrip())
    assert re.fullmatch(r"b +completed +2020-01-05 07:00:00 +20\.25", second.rstrip())
    assert len(first.rstrip()) == len(second.rstrip()) == len(header.rstrip()), "numbers are aligned on the right"


def test_colours_are_of_states_and_of_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    columns, rows = ("Workflow ID", "Status", "Last State"), [("FAILED", "OPEN", "timed_out")]
    output.show(Globals(color="always"), columns, rows)
    told = capsys.readouterr().out
    assert "\x1b[36mOPEN\x1b[0m" in told and "\x1b[31mtimed_out\x1b[0m" in told
    assert "\nFAILED  " in told and "\x1b[1mWorkflow ID\x1b[0m" in told


def test_what_would_change_the_terminal_is_blank() -> None:
    assert printed(("Workflow ID", "Reason"), [("w", "a\x1b[2J\tb\nc")], 80).splitlines()[1:] == [
        "w            a [2J b",
        " " * 13 + "c",
    ]
    lines = table.one(("reason",), ("a\x1b[2J\nb",), output.text, width=80, now=NOW)
    assert ["".join(text for text, _ in line) for line in lines] == ["reason  a [2J", "        b"]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        *((0, "just now"), (1, "1 s ago"), (119, "119 s ago"), (120, "2 min ago"), (7199, "119 min ago")),
        *((7200, "2 h ago"), (172_800, "2 d ago"), (2_678_399, "30 d ago"), (2_678_400, "2025-12-05")),
        *((-90, "in 90 s"), (-9999999, "2026-05-01")),
    ],
)
def test_how_long_ago(seconds: int, told: str) -> None:
    assert table.ago(NOW - timedelta(seconds=seconds), NOW) == told


def test_one_row_from_top_to_bottom(capsys: pytest.CaptureFixture[str]) -> None:
    columns, row = ("status", "when", "parked"), ("FAILED", datetime.now(UTC) - timedelta(hours=3), None)
    output.show(Globals(color="always"), columns, [row], one=True)
    status, when = (re.sub(r"\x1b\[[0-9;]*m", "", line) for line in capsys.readouterr().out.splitlines())
    assert status.split() == ["status", "FAILED"]
    assert when.startswith("when ") and when.rstrip().endswith("Z  (3 h ago)")


def one(columns: tuple[str, ...], row: tuple[Any, ...], width: int) -> str:
    lines = table.one(columns, row, output.text, width=width, now=NOW)
    return "\n".join("".join(text for text, _ in line) for line in lines)


def test_one_row_has_its_values_on_the_narrowest_terminal() -> None:
    told = one(("workflow_type.version", "status"), ("1", "COMPLETED"), 20)
    assert told.split() == ["workflow_type.version", "1", "status", "COMPLETED"]
