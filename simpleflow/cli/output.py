"""Rows and records on standard output: rich tables on a terminal, stable text for programs."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from simpleflow.cli.app import Globals

if TYPE_CHECKING:
    from rich.console import Console

Row = Sequence[Any]

COLOURS: Final = {
    "OPEN": "cyan",
    "COMPLETED": "green",
    "FAILED": "red",
    "TIMED_OUT": "red",
    "TERMINATED": "red",
    "CANCELED": "yellow",
}
_TSV: Final = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def show(options: Globals, columns: Sequence[str], rows: Iterable[Row], *, one: bool = False) -> None:
    """Print rows in the form asked for; where none is, a table on a terminal and tsv elsewhere.

    `one`: there is one row, which a terminal shows from top to bottom.
    """
    terminal = on_terminal(options)
    form = options.format or ("tabular" if terminal else "tsv")
    rows = list(rows)
    if form in ("json", "jsonl", "prettyjson"):
        write_records(form, [dict(zip(columns, row, strict=True)) for row in rows])
    elif form == "human":
        _human(columns, rows)
    elif form == "tabular" and terminal:
        if one:
            _table(replace(options, header=False), ("", ""), list(zip(columns, rows[0], strict=True)))
        else:
            _table(options, columns, rows)
    else:
        texts = [[text(cell) for cell in row] for row in rows]
        lines = [list(columns), *texts] if options.header else texts
        {"csv": _csv, "tsv": _tsv, "tabular": _aligned}[form](lines)


def on_terminal(options: Globals) -> bool:
    """Whether standard output is a terminal, or is to be written as if it were."""
    return sys.stdout.isatty() or options.color == "always"


def write_records(form: str, records: Iterable[Any]) -> None:
    """Records as one JSON array, or, as "jsonl", each on a line of its own."""
    if form == "jsonl":
        for record in records:
            write_json(record)
    else:
        write_json(list(records), pretty=form == "prettyjson")


def write_json(value: Any, pretty: bool = False) -> None:
    """One JSON value, on one line or indented; times in ISO 8601, UTC."""
    separators = None if pretty else (",", ":")
    print(json.dumps(value, default=_plain, ensure_ascii=False, indent=2 if pretty else None, separators=separators))


def text(cell: Any) -> str:
    """A value as text: nothing for None, JSON for what has parts."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.2f}"
    if isinstance(cell, datetime):
        return _plain(cell)
    if isinstance(cell, str):
        return cell
    return json.dumps(cell, default=_plain, ensure_ascii=False)


def console(options: Globals, stderr: bool = False) -> Console:
    """A console of rich, with or without colours as asked for."""
    from rich.console import Console  # 40 ms, for terminals only

    forced = True if options.color == "always" else None
    plain = options.color == "never"
    return Console(
        stderr=stderr,
        color_system=None if plain else "auto",
        force_terminal=forced,
        highlight=False,
        markup=False,
    )


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return str(value)


def _table(options: Globals, columns: Sequence[str], rows: Sequence[Row]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=options.header is not False, header_style="bold")
    for column in columns:
        whole = column == "Workflow ID"  # it is copied into the next command
        table.add_column(column, overflow="ignore" if whole else "fold", no_wrap=whole)
    for row in rows:
        table.add_row(*(Text(text(cell), style=COLOURS.get(cell, "") if isinstance(cell, str) else "") for cell in row))
    console(options).print(table)


def _human(columns: Sequence[str], rows: Sequence[Row]) -> None:
    width = max(map(len, columns))
    for number, row in enumerate(rows):
        if number:
            print()
        for column, cell in zip(columns, row, strict=True):
            print(f"{column:{width}}  {text(cell)}".rstrip())


def _csv(lines: Sequence[Sequence[str]]) -> None:
    csv.writer(sys.stdout, lineterminator="\n").writerows(lines)


def _tsv(lines: Sequence[Sequence[str]]) -> None:
    for line in lines:
        print("\t".join(cell.translate(_TSV) for cell in line))


def _aligned(lines: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())
