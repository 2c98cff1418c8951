"""Rows and records on standard output: tables on a terminal, stable text for programs."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

from simpleflow.cli.app import Globals
from simpleflow.swf.measure import Line

if TYPE_CHECKING:
    from rich.console import Console

Row = Sequence[Any]

COLOURS: Final = ("red", "green", "yellow", "blue", "magenta", "cyan")
STYLES: Final = {"bold": 1, "dim": 2, "bright_black": 90} | {name: 31 + number for number, name in enumerate(COLOURS)}
"""What a terminal is told for a style."""
#: Columns of users' values. All other numbers with a fraction are seconds and percentages of ours, and rounded.
VALUES: Final = frozenset({"details", "input", "result"})
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
        return
    if not VALUES.isdisjoint(columns):
        rows = [[_exact(column, cell) for column, cell in zip(columns, row, strict=True)] for row in rows]
    if form == "human":
        _human(columns, rows)
    elif form == "tabular" and terminal:
        from simpleflow.cli import table  # for terminals only

        now, width = datetime.now(UTC), terminal_width()
        if one:
            lines = table.one(columns, rows[0], text, width=width, now=now)
        else:
            lines = table.table(columns, rows, text, width=width, header=options.header is not False, now=now)
        write_lines(options, lines)
    else:
        texts = [[text(cell) for cell in row] for row in rows]
        found = [list(columns), *texts] if options.header else texts
        if form == "tabular":
            _aligned(found, [_is_number(cells) for cells in zip(*rows, strict=True)])
        else:
            {"csv": _csv, "tsv": _tsv}[form](found)


def on_terminal(options: Globals) -> bool:
    """Whether standard output is a terminal, or is to be written as if it were."""
    return sys.stdout.isatty() or options.color == "always"


def stream(options: Globals, columns: Sequence[str], file: TextIO) -> Callable[[Row], None]:
    """A function that writes a row at once: as jsonl, csv or tsv, or as text for people ("tabular")."""
    form = options.format or "tsv"

    def write(row: Row) -> None:
        if form == "jsonl":
            line = _json(dict(zip(columns, row, strict=True)))
        elif form == "csv":
            buffer = io.StringIO()
            csv.writer(buffer, lineterminator="").writerow(map(text, row))
            line = buffer.getvalue()
        else:
            line = ("\t" if form == "tsv" else "  ").join(_escaped(text(cell)) for cell in row).rstrip(" ")
        print(line, file=file, flush=True)

    if options.header and form != "jsonl":
        write(columns)
    return write


def write_records(form: str, records: Iterable[Any]) -> None:
    """Records as one JSON array, or, as "jsonl", each on a line of its own."""
    if form == "jsonl":
        for record in records:
            write_json(record)
    else:
        write_json(list(records), pretty=form == "prettyjson")


def write_json(value: Any, pretty: bool = False) -> None:
    """One JSON value, on one line or indented; times in ISO 8601, UTC."""
    print(_json(value, pretty))


def replace_file(file: Path, content: str) -> None:
    """Write all of a file at once, in the place of one that is there. Raises ClickException."""
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        part.write_text(content, encoding="utf-8")
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from error


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


def terminal_width() -> int:
    """The columns of the terminal; those that COLUMNS says, else 80, where there is none."""
    return shutil.get_terminal_size().columns


def write_lines(options: Globals, lines: Iterable[Line]) -> None:
    """Print lines of styled pieces, with or without colours as asked for."""
    colours = coloured(options)
    for line in lines:
        print("".join(styled(*piece) if colours else piece[0] for piece in line).rstrip(" "))


def coloured(options: Globals) -> bool:
    """Whether what is written for people has colours."""
    return options.color == "always" or (
        options.color == "auto" and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def styled(text: str, style: str) -> str:
    """A piece of a line as a terminal takes it."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if text and style else text


def _exact(column: str, cell: Any) -> Any:
    return json.dumps(cell) if column in VALUES and isinstance(cell, float) else cell


def _json(value: Any, pretty: bool = False) -> str:
    separators = None if pretty else (",", ":")
    escaped = not (sys.stdout.encoding or "utf-8").lower().startswith("utf")  # JSON has a way of its own to escape
    return json.dumps(value, default=_plain, ensure_ascii=escaped, indent=2 if pretty else None, separators=separators)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return str(value)


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
    sys.stdout.writelines("\t".join(map(_escaped, line)) + "\n" for line in lines)


def _escaped(cell: str) -> str:
    return cell if cell.isprintable() and "\\" not in cell else cell.translate(_TSV)  # which is slow


def _aligned(lines: Sequence[Sequence[str]], numbers: Sequence[bool]) -> None:
    """Columns below each other, `numbers` on the right."""
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    sides = [">" if number else "<" for number in numbers] or ["<"] * len(widths)
    for line in lines:
        cells = zip(line, sides, widths, strict=True)
        print("  ".join(f"{cell:{side}{width}}" for cell, side, width in cells).rstrip())


def _is_number(cells: Iterable[Any]) -> bool:
    return all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in cells)
