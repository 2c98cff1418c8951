"""Tables for people: which columns of rows a terminal has room for, and how their cells read. Rows come from `output`,
which knows how else they can be written; this knows nothing of programs that read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from simpleflow.swf.measure import harmless, width_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

COLOURS: Final = {
    **dict.fromkeys(("OPEN", "STARTED", "SCHEDULED", "START_INITIATED"), "cyan"),
    **dict.fromkeys(("COMPLETED", "FIRED"), "green"),
    **dict.fromkeys(("FAILED", "TIMED_OUT", "TERMINATED", "SCHEDULE_FAILED", "START_FAILED"), "red"),
    **dict.fromkeys(("CANCELED", "CANCEL_REQUESTED", "DEPRECATED"), "yellow"),
}
"""By the states and statuses of whatever has one."""
LEFT_OUT: Final = (
    *("Decision Tasks Timeout", "Execution Timeout", "Child Policy", "Parent Run ID", "Cancel Requested", "Input"),
    *("Task List", "Tags", "Parent Workflow ID", "Deprecation Date", "Creation Date", "Description"),
    *("Scheduled", "Start", "Time Scheduled", "End", "Scheduled Time", "Run ID", "Workflow Version", "Close Timestamp"),
    *("Percentage of total time", "Workflow Type", "Start Timestamp", "Version"),
)
"""Columns that a narrow terminal does without, the first here first. Those that are not named here it always shows."""
CUT: Final = ("Input", "Tags", "Description", "attributes", "Reason")
"""Columns of free text, which is folded, and cut where it is long. All else is copied into the next command."""
MOST: Final = 200
"""Characters of free text that are shown of it."""
FREE: Final = 24
LEAST: Final = 10
"""Characters that a column of free text has as long as others can be left out for it, and at least."""
IN_DAY: Final = ("Scheduled", "Start", "End", "eventTimestamp")
"""Columns of instants of one run, which lie near each other."""
GAP: Final = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is shown: its name, its cells, and how wide it is at least."""

    name: str
    cells: tuple[str, ...]
    width: int
    number: bool


def fitting_columns(
    names: Sequence[str], rows: Sequence[Sequence[Any]], width: int, text: Callable[[Any], str], now: datetime
) -> tuple[list[Column], list[str]]:
    """The columns for which there is room, and the names of those for which there is none.

    Columns without any value are not shown, and not missed.
    """
    columns = []
    for place, name in enumerate(names):
        cells = [row[place] for row in rows]
        if rows and all(cell is None or cell == "" or cell == [] for cell in cells):
            continue
        told = tuple(_told(name, cell, text, now) for cell in cells)
        widest = max((width_of(line) for cell in told for line in cell.splitlines() or [""]), default=0)
        least = min(widest, FREE) if name in CUT else widest
        least = max(least, *map(width_of, name.split()))
        number = all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in cells if cell is not None)
        columns.append(Column(name, told, least, number and bool(rows)))
    shown = _with_room(columns, width)
    headed = [replace(column, width=max(column.width, width_of(column.name))) for column in shown]
    left_out = [column.name for column in columns if column not in shown]
    return headed if _width(headed) <= width else shown, left_out


def _with_room(columns: list[Column], width: int) -> list[Column]:
    """Without those that a terminal of this width has no room for; what is left out for nothing comes back."""
    left_out: list[Column] = []
    shown = columns
    for name in LEFT_OUT:
        if _width(shown) <= width:
            break
        left_out += [column for column in shown if column.name == name]
        shown = [column for column in shown if column.name != name]
    for column in reversed(left_out):
        more = [each for each in columns if each in shown or each is column]
        shown = more if _width(more) <= width else shown
    return shown or columns[:1]


def _width(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)


def print_table(
    console: Console, names: Sequence[str], rows: Sequence[Sequence[Any]], text: Callable[[Any], str], header: bool
) -> None:
    """Print rows below each other, and a line that says what the terminal was too narrow for."""
    columns, left_out = fitting_columns(names, rows, console.width, text, datetime.now(UTC))
    table = _empty(header)
    for column in columns:
        free = column.name in CUT
        justify: Any = "right" if column.number else "left"
        table.add_column(column.name, overflow="fold", width=None if free else column.width, justify=justify)
    for cells in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*(_coloured(column.name, cell) for column, cell in zip(columns, cells, strict=True)))
    least = [replace(column, width=min(column.width, LEAST)) if column.name in CUT else column for column in columns]
    _print_whole(console, table, _width(least))
    if left_out:
        console.print(f"left out here: {', '.join(left_out)} (a wider terminal, or --format, shows them)", style="dim")


def print_one(console: Console, names: Sequence[str], row: Sequence[Any], text: Callable[[Any], str]) -> None:
    """Print one row from top to bottom; what has no value is left out."""
    now = datetime.now(UTC)
    table = _empty(header=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    label = 0
    for name, cell in zip(names, row, strict=True):
        if cell is None or cell == "":
            continue
        told = harmless(text(cell))
        if isinstance(cell, datetime):
            told += f"  ({ago(cell, now)})"
        table.add_row(name, _coloured(name, told))
        label = max(label, width_of(name))
    _print_whole(console, table, label + GAP + LEAST)


def _print_whole(console: Console, table: Table, least: int) -> None:
    """Print a table as wide as the terminal, or wider: the terminal breaks its lines, and all of it can be copied."""
    width = console.width
    console.width = max(width, least)
    console.print(table, crop=False)
    console.width = width


def ago(time: datetime, now: datetime) -> str:
    """How long ago an instant was, in words; the date where that tells more.

    >>> now = datetime(2026, 1, 31, tzinfo=UTC)
    >>> [ago(datetime(2026, 1, day, hour, tzinfo=UTC), now) for day, hour in ((1, 0), (28, 3), (30, 21), (31, 1))]
    ['30 d ago', '2 d ago', '3 h ago', 'in 60 min']
    """
    seconds = (now - time).total_seconds()
    size = abs(seconds)
    if size < 1:
        return "just now"
    if size >= 31 * 86_400:
        return f"{time.astimezone(UTC):%Y-%m-%d}"
    far = next(f"{int(size / unit)} {name}" for unit, name in UNITS if size >= 2 * unit or unit == 1)
    return f"{far} ago" if seconds > 0 else f"in {far}"


UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def _told(name: str, cell: Any, text: Callable[[Any], str], now: datetime) -> str:
    if not isinstance(cell, datetime):
        told = harmless(text(cell))
        return f"{told[:MOST]}…" if name in CUT and len(told) > MOST else told
    if name not in IN_DAY:
        return ago(cell, now)
    here = cell.astimezone(UTC)
    return f"{here:%H:%M:%S}" if here.date() == now.date() else f"{here:%Y-%m-%d %H:%M:%S}"


def _coloured(name: str, cell: str) -> Any:
    from rich.text import Text  # for terminals only

    return Text(cell, style=COLOURS.get(cell.upper(), "") if "stat" in name.lower() else "")


def _empty(header: bool) -> Table:
    from rich.table import Table

    return Table(box=None, pad_edge=False, show_header=header, header_style="bold", padding=(0, GAP, 0, 0))
