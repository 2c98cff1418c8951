"""Tables on a terminal: what they show in how much room, how times and states read."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

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


def printed(columns: tuple[str, ...], rows: list[tuple[Any, ...]], width: int, colour: bool = False) -> str:
    file = io.StringIO()
    system: Any = "standard" if colour else None
    console = Console(file=file, width=width, color_system=system, force_terminal=colour, highlight=False)
    table.print_table(console, columns, rows, output.text, header=True)
    return file.getvalue()


def test_a_narrow_terminal_leaves_out_what_matters_least() -> None:
    assert names(LISTED, ROW, 160) == list(LISTED)
    assert names(LISTED, ROW, 80) == ["Workflow ID", "Workflow Type", "Status", "Close Status", "Start Timestamp"]
    assert names(LISTED, ROW, 10) == ["Workflow ID", "Status", "Close Status"]
    assert "left out here: Run ID (a wider terminal, or --format, shows them)\n" in printed(LISTED, [ROW], 80)
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


def test_colours_are_of_states_and_of_nothing_else() -> None:
    told = printed(("Workflow ID", "Status", "Last State"), [("FAILED", "OPEN", "timed_out")], 80, colour=True)
    assert re.search(r"\x1b\[36mOPEN *\x1b\[0m", told) and re.search(r"\x1b\[31mtimed_out *\x1b\[0m", told)
    assert not re.search(r"\x1b\[31mFAILED", told)


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


def test_one_row_has_its_values_on_the_narrowest_terminal() -> None:
    file = io.StringIO()
    columns, row = ("workflow_type.version", "status"), ("1", "COMPLETED")
    table.print_one(Console(file=file, width=20, color_system=None), columns, row, output.text)
    assert file.getvalue().split() == ["workflow_type.version", "1", "status", "COMPLETED"]


def test_what_users_print_moves_no_cursor() -> None:
    told = "\x1b[2J\x1b]0;title\x07\x1b[31mred\x1b[0m\rover\x07\u202e"
    file = io.StringIO()
    table.print_one(Console(file=file, width=80, color_system=None), ("stdout",), (told,), output.text)
    assert file.getvalue().split() == ["stdout", "redover"]
    assert "redover" in printed(("Reason",), [(told,)], 80) and "\x1b" not in printed(("Reason",), [(told,)], 80)
