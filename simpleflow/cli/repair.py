"""The command `workflow.repair`, and the options of repair that `standalone` has too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import click

from simpleflow.cli import options, output
from simpleflow.cli.app import Globals
from simpleflow.cli.finding import Named, find
from simpleflow.cli.many import REPAIR, Many, OneOrMany, change, many_once
from simpleflow.clients import SWFClient
from simpleflow.decider import load_workflow
from simpleflow.runtime import repair, runs
from simpleflow.runtime.start import StartOptions

FormerRun: TypeAlias = tuple[str, str | None]
"""A workflow id and a run id; None for its newest run."""


def _regex(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        try:
            re.compile(value)
        except re.error as error:
            raise click.BadParameter(f"{value!r} is no regular expression: {error}") from None
    return value or None


def _former_run(ctx: click.Context, param: click.Parameter, value: str | None) -> FormerRun | None:
    match (value or "").split():
        case [workflow_id]:
            return workflow_id, None
        case [workflow_id, run_id]:
            return workflow_id, run_id
    if value:
        raise click.UsageError(f"""--repair takes one text, "WORKFLOW_ID" or "WORKFLOW_ID RUN_ID", not {value!r}""")
    return None


force_activities = click.option(
    "--force-activities",
    metavar="REGEX",
    callback=_regex,
    help="Run the tasks whose id this is found in again, though they completed.",
)
repaired = click.option(
    "--repair",
    metavar="'ID [RUN]'",
    callback=_former_run,
    help="Take over what this closed run has completed, and its input.",
)


class _Repair(OneOrMany):
    """The command workflow.repair, whose --dry-run shows of one run what would be reused."""

    goes_with_where = tuple(name for name in OneOrMany.goes_with_where if name != "dry_run")


@click.command("workflow.repair", cls=_Repair)
@click.argument("workflow_id")
@click.argument("run_id", required=False)
@options.domain(required=True)
@click.option("--workflow", metavar="MODULE.CLASS", help="Default: the class that the run was started with.")
@force_activities
@click.option("-t", "--task-list", metavar="LIST", help="Where deciders find the run. Default: as of the former run.")
@click.option("--workflow-id", "new_id", metavar="ID", help="The workflow id of the new run. Default: the same one.")
@click.option("-i", "--input", metavar="JSON", help="Other arguments of `run`. Default: the former run's.")
@click.option("--input-file", type=click.Path(path_type=Path), metavar="FILE", help="A file with them.")
@many_once
@click.pass_obj
def workflow_repair(
    common: Globals,
    workflow_id: str,
    run_id: str | None,
    domain: str,
    workflow: str | None,
    force_activities: str | None,
    task_list: str | None,
    new_id: str | None,
    input: str | None,
    input_file: Path | None,
    many: Many,
) -> int:
    """Start a run that takes over what a run of WORKFLOW_ID has completed: the newest, or that of RUN_ID.

    Prints the WORKFLOW_ID and RUN_ID of the new run. With --where this is done for the newest run of each id, if that
    has not completed; the --dry-run then lists these runs, and else shows what would be reused.
    """
    url = options.engine_url(common)
    client = options.open_engine(url, reading=True)

    def launch(previous: repair.Previous) -> str:
        name = workflow or previous.workflow
        if name is None:
            raise click.ClickException(
                f"the input of {previous.run.workflow_id} names no class: give --workflow MODULE.CLASS"
            )
        loaded = load_workflow(name)
        call = options.call_of(loaded, input, input_file) if input is not None or input_file is not None else None
        how = StartOptions(workflow_id=new_id, task_list=task_list or previous.task_list, engine=url)
        handle = repair.launch_repair(previous, loaded, how, call, force_activities)
        return f"{handle.workflow_id} {handle.run_id}"

    if many:
        if new_id is not None:
            raise click.UsageError("--workflow-id is for one run: with --where each keeps its id.")
        typed = (workflow, force_activities, task_list, input, input_file)
        return change(
            common, client, domain, many, REPAIR, lambda run: launch(_previous(client, run)), {"typed": typed}
        )
    previous = _previous(client, find(client, Named(domain, workflow_id, run_id)))
    if many.dry_run:
        _show(common, list(repair.foretold(client, previous, force_activities)))
        return 0
    click.echo(f"engine: {url}", err=True)
    click.echo(launch(previous))
    return 0


def _previous(client: SWFClient, run: runs.Run) -> repair.Previous:
    return repair.previous(client, run.domain, run.workflow_id, run.run_id)


def _show(common: Globals, fates: Sequence[repair.Fate]) -> None:
    output.show(common, ("Task ID", "Status", "Repair"), [(fate.id, fate.status, fate.what) for fate in fates])
    reused = sum(fate.what == "reused" for fate in fates)
    click.echo(
        f"{reused} of {len(fates)} tasks would be reused, as long as their arguments are the same; "
        "tasks that the run never came to would run",
        err=True,
    )
