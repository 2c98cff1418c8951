"""The command `workflow.graph`: the tasks of a run, and what came after what, as a picture."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

import click

from simpleflow.cli import options
from simpleflow.cli.app import Globals
from simpleflow.cli.finding import Named, find, run_arguments
from simpleflow.cli.output import replace_file
from simpleflow.cli.reading import history as read_history
from simpleflow.clients import SWFClient
from simpleflow.protocol.history import close_status
from simpleflow.runtime import runs
from simpleflow.swf import drawing
from simpleflow.swf.graph import RunGraph, graph
from simpleflow.swf.models.history import History

SUFFIXES: Final = {".mmd": "mermaid", ".dot": "dot", ".gv": "dot", ".svg": "svg", ".md": "markdown"}
"""The form that a file's name asks for."""
PATIENCE: Final = 120.0
"""Seconds that Graphviz may take."""


@click.command("workflow.graph", cls=options.DomainFirst)
@run_arguments
@click.option(
    "--as",
    "form",
    type=click.Choice(["mermaid", "dot", "svg", "markdown"]),
    help="The form. Default: as the name of FILE says, else mermaid. svg needs Graphviz.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write it there: *.mmd, *.dot, *.svg, *.md.",
)
@click.option("--all", "every", is_flag=True, help="A node for each task. Default: those that are alike are one.")
@click.option(
    "--depth", type=click.IntRange(0, 10), default=0, show_default=True, metavar="N", help="Draw children, too."
)
@click.pass_obj
def workflow_graph(
    common: Globals, named: Named, form: str | None, output: Path | None, every: bool, depth: int
) -> None:
    """Draw the tasks of a run, how they stand, and what came after what.

    An arrow leads to a task from one that gave it an argument; a dashed one from one that the program had waited for.
    """
    form = form or _form_of(output)
    client = options.open_engine(options.engine_url(common), reading=True)
    run = find(client, named)
    history = read_history(client, run)
    made = _graph(client, run, history, every, depth)
    closing = history.last if history.finished else None
    status = (close_status(dict(closing.raw)) if closing is not None else None) or "OPEN"
    text = _written(form, made, f"{run.workflow_id}: {status}")
    if output is None:
        click.echo(text, nl=False)
    else:
        replace_file(output, text)


def _form_of(output: Path | None) -> str:
    if output is None:
        return "mermaid"
    form = SUFFIXES.get(output.suffix.lower())
    if form is None:
        raise click.UsageError(f"{output.name} ends with none of {', '.join(SUFFIXES)}: say which form, with --as.")
    return form


def _graph(client: SWFClient, run: runs.Run, history: History, every: bool, depth: int) -> RunGraph:
    """The graph of a run; with those of its children, so many levels deep."""
    inside: dict[str, RunGraph] = {}
    for id, child in history.parsed.child_workflows.items() if depth else ():
        if child.get("run_id"):
            its = runs.Run(run.domain, id, child["run_id"])
            inside[its.run_id] = _graph(client, its, read_history(client, its), every, depth - 1)
    return graph(history, all=every, inside=inside)


def _written(form: str, made: RunGraph, title: str) -> str:
    if form == "svg":
        return _svg(drawing.dot(made, title))
    return drawing.FORMS[form](made, title)


def _svg(text: str) -> str:
    """What Graphviz draws of this."""
    program = shutil.which("dot")
    if program is None:
        raise click.ClickException(
            "svg needs the program dot of Graphviz: install the package graphviz, or write mermaid or dot"
        )
    try:
        done = subprocess.run(
            [program, "-Tsvg"], input=text, capture_output=True, text=True, encoding="utf-8", timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        raise click.ClickException(
            f"{program} takes more than {PATIENCE:.0f} s: leave --all out, or write dot"
        ) from None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise click.ClickException(f"{program} has failed with {done.returncode}: {said}")
    return done.stdout
