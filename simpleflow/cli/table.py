"""Tables for people: which columns of rows a terminal has room for, and how their cells read. Rows come from `output`,
which knows how else they can be written; this knows nothing of programs that read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import zip_longest
from textwrap import wrap
from typing import Any, Final

from simpleflow.swf.measure import Line, printable, width_of

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
    """A column that is shown: its name, its cells, how wide it is at least, and how wide it had better be."""

    name: str
    cells: tuple[str, ...]
    width: int
    widest: int
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
        told = tuple("\n".join(map(printable, _told(name, cell, text, now).splitlines())) for cell in cells)
        widest = max((width_of(line) for cell in told for line in cell.splitlines() or [""]), default=0)
        least = min(widest, FREE) if name in CUT else widest
        least = max(least, *map(width_of, name.split()))
        number = all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in cells if cell is not None)
        columns.append(Column(name, told, least, max(widest, least), number and bool(rows)))
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


def table(
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    text: Callable[[Any], str],
    *,
    width: int,
    header: bool,
    now: datetime,
) -> Iterator[Line]:
    """Rows below each other, and a line that says what a terminal of this width was too narrow for."""
    columns, left_out = fitting_columns(names, rows, width, text, now)
    columns = _widened(columns, width)
    if header:
        heads = [wrap(column.name, max(1, column.width)) or [""] for column in columns]
        height = max(map(len, heads), default=0)
        yield from _row([[""] * (height - len(head)) + head for head in heads], columns, lambda *_: "bold")
    for cells in zip(*(column.cells for column in columns), strict=True):
        yield from _row([_folded(*each) for each in zip(cells, columns, strict=True)], columns, _style)
    if left_out:
        told = f"left out here: {', '.join(left_out)} (a wider terminal, or --format, shows them)"
        yield from ([(line, "dim")] for line in wrap(told, max(LEAST, width)))


def one(
    names: Sequence[str], row: Sequence[Any], text: Callable[[Any], str], *, width: int, now: datetime
) -> Iterator[Line]:
    """One row from top to bottom; what has no value is left out."""
    room = max(map(width_of, names)) + GAP
    for name, cell in zip(names, row, strict=True):
        if cell is None or cell == "":
            continue
        told = text(cell) + (f"  ({ago(cell, now)})" if isinstance(cell, datetime) else "")
        for number, line in enumerate(
            part for each in told.splitlines() for part in _folds(printable(each), width - room)
        ):
            yield [("" if number else name, "bold"), (" " * (room - (0 if number else width_of(name))), ""),
                   (line, _style(name, line))]  # fmt: skip


def _widened(columns: list[Column], width: int) -> list[Column]:
    """With columns of free text as wide as there is room for, and no wider than they have use for."""
    free = [column for column in columns if column.name in CUT]
    room = width - _width([replace(column, width=0) if column in free else column for column in columns])
    share = max(LEAST, room // len(free)) if free else 0
    return [replace(column, width=min(share, column.widest)) if column in free else column for column in columns]


def _row(cells: Sequence[Sequence[str]], columns: Sequence[Column], style: Callable[[str, str], str]) -> Iterator[Line]:
    """The lines of a row whose cells are lines."""
    for lines in zip_longest(*cells, fillvalue=""):
        line: Line = []
        for text, column in zip(lines, columns, strict=True):
            blank = " " * (column.width - width_of(text))
            cell = [(text, style(column.name, text)), (blank, "")]
            line += [*(reversed(cell) if column.number else cell), (" " * GAP, "")]
        yield line


def _folded(cell: str, column: Column) -> list[str]:
    lines = cell.splitlines() or [""]
    return [part for line in lines for part in _folds(line, column.width)] if column.name in CUT else lines


def _folds(line: str, width: int) -> list[str]:
    return [line] if width_of(line) <= width else wrap(line, max(LEAST, width), break_on_hyphens=False)


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
        told = text(cell)
        return f"{told[:MOST]}…" if name in CUT and len(told) > MOST else told
    if name not in IN_DAY:
        return ago(cell, now)
    here = cell.astimezone(UTC)
    return f"{here:%H:%M:%S}" if here.date() == now.date() else f"{here:%Y-%m-%d %H:%M:%S}"


def _style(name: str, cell: str) -> str:
    return COLOURS.get(cell.upper(), "") if "stat" in name.lower() else ""
