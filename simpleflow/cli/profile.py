"""The command workflow.profile: what took a run's time, as rows, or drawn."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from simpleflow.cli import options, output
from simpleflow.cli.app import Globals
from simpleflow.cli.finding import Named, run_arguments
from simpleflow.cli.listing import history_of, nb_tasks
from simpleflow.swf import report
from simpleflow.swf.models.history import History

if TYPE_CHECKING:
    from simpleflow.swf.chart import Segment

PLAIN: Final = 100
"""Columns of a drawing that no terminal shows."""
ROWS: Final = 50
ROWS_OF_FILE: Final = 200
"""How many rows are drawn where nothing is said; the rest is gathered by name."""
SEGMENTS: Final = ("Task", "Kind", "Attempt", "Spent", "State", "From", "To", "Seconds", "Critical")


def _svg(ctx: click.Context, param: click.Parameter, path: Path | None) -> Path | None:
    if path is not None and path.suffix.lower() != ".svg":
        raise click.BadParameter(f"{path} would be SVG: name it {path.with_suffix('.svg')}")
    return path


@click.command("workflow.profile", cls=options.DomainFirst)
@run_arguments
@nb_tasks
@click.option("--plot", is_flag=True, help="Draw the run: what waited, ran and was tried again, and when.")
@click.option(
    "-o",
    "--output",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_svg,
    metavar="FILE.svg",
    help="Write the drawing to a file.",
)
@click.pass_obj
def workflow_profile(common: Globals, named: Named, nb_tasks: int | None, plot: bool, file: Path | None) -> None:
    """Show how long the tasks of a run waited and ran, in seconds, the longest first; none that is not over.

    With --plot or --output the run is drawn, with timers, children and signals; --nb-tasks rows are drawn by
    themselves, those of the critical path and the longest ones, and the others gathered by name.
    """
    history = history_of(common, named)
    if not plot and file is None:
        table = report.profile(history, nb_tasks)
        output.show(common, table.columns, table.rows)
        return
    if file is not None:
        _write(history, named, nb_tasks or ROWS_OF_FILE, file)
    if plot:
        _draw(common, history, named, nb_tasks or ROWS)


def _write(history: History, named: Named, most: int, file: Path) -> None:
    """All of the file at once, in the place of one that is there."""
    from simpleflow.swf import chart
    from simpleflow.swf.svg import svg

    text = svg(chart.folded(chart.chart(history, id=named.workflow_id), most))
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from error
    click.echo(f"drawn: {file}", err=True)


def _draw(common: Globals, history: History, named: Named, most: int) -> None:
    from simpleflow.cli.plot import plotted, unstyled
    from simpleflow.swf import chart

    drawn = chart.chart(history, id=named.workflow_id)
    if common.format not in (None, "tabular"):
        rows = [
            (row.id, row.kind, cut.attempt or None, cut.shade, cut.ended, *_times(cut), row.critical)
            for row in drawn.rows
            for cut in row.segments
        ]
        output.show(common, SEGMENTS, rows)
        return
    drawn = chart.folded(drawn, most)
    ascii = not (sys.stdout.encoding or "").lower().startswith("utf")
    if not output.on_terminal(common):
        click.echo(unstyled(plotted(drawn, PLAIN, ascii=ascii)), nl=False)
        return
    output.write_lines(common, plotted(drawn, output.terminal_width(), ascii=ascii))


def _times(cut: Segment) -> tuple[float, float, float]:
    """When it began and ended, and how long it took, to the millisecond."""
    return round(cut.start, 3), round(cut.end, 3), round(cut.seconds, 3)
