"""The command workflow.profile: what took a run's time, as rows, or drawn."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from simpleflow.cli import output
from simpleflow.cli.app import Globals
from simpleflow.cli.finding import Named, run_arguments
from simpleflow.cli.listing import nb_tasks
from simpleflow.cli.many import Many, OneOrMany, many_shown, show
from simpleflow.cli.reading import histories_of
from simpleflow.runtime.runs import Run
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


@click.command("workflow.profile", cls=OneOrMany)
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
@many_shown
@click.pass_obj
def workflow_profile(
    common: Globals, named: Named, nb_tasks: int | None, plot: bool, file: Path | None, many: Many
) -> None:
    """Show how long the tasks of a run waited and ran, in seconds, the longest first; none that is not over.

    With --plot or --output the run is drawn, with timers, children and signals; --nb-tasks rows are drawn by
    themselves, those of the critical path and the longest ones, and the others gathered by name.
    """
    if many and file is not None:
        raise click.UsageError("--output is for the drawing of one run: leave --where out.")
    found = histories_of(common, named, many)
    if not plot and file is None:
        tables = ((run, report.profile(history, nb_tasks)) for run, history in found)
        show(common, ((run, table.columns, table.rows) for run, table in tables), many)
        return
    if plot and common.format not in (None, "tabular"):
        histories = list(found)
        show(common, ((run, SEGMENTS, _segments(history, run)) for run, history in histories), many)
        found = iter(histories)
    for run, history in found:
        if file is not None:
            _write(history, run, nb_tasks or ROWS_OF_FILE, file)
        if plot and common.format in (None, "tabular"):
            _draw(common, history, run, nb_tasks or ROWS)


def _write(history: History, run: Run, most: int, file: Path) -> None:
    """All of the file at once, in the place of one that is there."""
    from simpleflow.swf import chart
    from simpleflow.swf.svg import svg

    text = svg(chart.folded(chart.chart(history, id=run.workflow_id), most))
    output.replace_file(file, text)
    click.echo(f"drawn: {file}", err=True)


def _segments(history: History, run: Run) -> list[tuple[Any, ...]]:
    """What is drawn, in rows."""
    from simpleflow.swf import chart

    return [
        (row.id, row.kind, cut.attempt or None, cut.shade, cut.ended, *_times(cut), row.critical)
        for row in chart.chart(history, id=run.workflow_id).rows
        for cut in row.segments
    ]


def _draw(common: Globals, history: History, run: Run, most: int) -> None:
    from simpleflow.cli.plot import plotted, unstyled
    from simpleflow.swf import chart

    drawn = chart.folded(chart.chart(history, id=run.workflow_id), most)
    ascii = not (sys.stdout.encoding or "").lower().startswith("utf")
    if not output.on_terminal(common):
        click.echo(unstyled(plotted(drawn, PLAIN, ascii=ascii)), nl=False)
        return
    output.write_lines(common, plotted(drawn, output.terminal_width(), ascii=ascii))


def _times(cut: Segment) -> tuple[float, float, float]:
    """When it began and ended, and how long it took, to the millisecond."""
    return round(cut.start, 3), round(cut.end, 3), round(cut.seconds, 3)
