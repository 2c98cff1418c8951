"""The commands that start a run and that show runs: start, list, info, history."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click

from simpleflow import config
from simpleflow.cli import options, output, report
from simpleflow.cli.app import INTERRUPTED, Globals
from simpleflow.cli.finding import Named, find, known_domain, run_arguments
from simpleflow.cli.many import Many, OneOrMany, each, many_shown, show, the_one
from simpleflow.cli.outcome import report_failure
from simpleflow.decider import load_workflow
from simpleflow.exceptions import WorkflowFailed
from simpleflow.protocol.faults import code_of
from simpleflow.protocol.history import Event, attributes
from simpleflow.runtime import runs, start
from simpleflow.runtime.calling import around
from simpleflow.runtime.start import codec_of
from simpleflow.swf.measure import harmless
from simpleflow.workflow import Workflow


@click.command("workflow.start")
@click.argument("workflow", metavar="MODULE.CLASS")
@options.domain()
@click.option("-t", "--task-list", metavar="LIST", help="Where deciders find the run. Default: the workflow's.")
@options.run_options
@click.option("--local", is_flag=True, help="Run it in this process, with nothing kept.")
@options.lambdas
@options.middlewares
@click.pass_obj
def workflow_start(
    common: Globals,
    workflow: str,
    domain: str | None,
    task_list: str | None,
    run: options.RunOptions,
    local: bool,
    lambdas: dict[str, str],
    before: tuple[str, ...],
    after: tuple[str, ...],
) -> int:
    """Start a run of MODULE.CLASS, and print its WORKFLOW_ID and RUN_ID; or run it here, with --local."""
    loaded = load_workflow(workflow)
    args, kwargs = run.call_of(loaded)
    if local:
        return _run_local(loaded, args, kwargs, lambdas, around(before, after))
    if before or after:
        raise click.UsageError("--middleware-... go with --local here: workers are told, by `worker.start`.")
    if lambdas:
        raise click.UsageError("--lambda goes with --local here: workers are told, by `worker.start --lambda ...`.")
    if not domain:
        raise click.UsageError("Missing option '--domain' (or set SWF_DOMAIN), or --local.")
    url = options.engine_url(common)
    options.open_engine(url)  # which says what is wrong with it, before a run is started
    click.echo(f"engine: {url}", err=True)
    try:
        handle = start.launch(loaded, args, kwargs, run.start(url, domain, task_list))
    except Exception as error:
        if code_of(error) == "WorkflowExecutionAlreadyStartedFault":
            raise click.ClickException(
                f"a run of {run.workflow_id} is open already: choose another --workflow-id, or see it by "
                f"`simpleflow workflow.info {domain} {run.workflow_id}`"
            ) from error
        raise
    click.echo(f"{handle.workflow_id} {handle.run_id}")
    return 0


def _run_local(
    workflow: type[Workflow],
    args: list[Any],
    kwargs: dict[str, Any],
    lambdas: dict[str, str],
    middlewares: dict[str, list[str]] | None,
) -> int:
    from simpleflow.observe import configure_logging
    from simpleflow.runtime.local import interruptible, run_local

    configure_logging(config.load().log_level, "local")
    with interruptible() as interrupted:
        try:
            lambdas = options.lambdas_of("memory", lambdas)
            result = run_local(workflow, args, kwargs, interrupted, lambdas, middlewares=middlewares, hinted=False)
        except WorkflowFailed as failure:
            return INTERRUPTED if interrupted() else report_failure(failure)
    click.echo(f"result: {options.brief(result)}", err=True)
    return 0


@click.command("workflow.list")
@options.domain_argument
@click.option("-s", "--status", type=click.Choice(["open", "closed"]), default="open", show_default=True)
@click.option(
    "-d",
    "--started-since",
    type=click.IntRange(0, 36_500),
    metavar="DAYS",
    default=30,
    show_default=True,
    help="How old.",
)
@click.pass_obj
def workflow_list(common: Globals, domain: str, status: str, started_since: int) -> None:
    """List the open (or the closed) runs of DOMAIN, newest first."""
    since = datetime.now(UTC) - timedelta(days=started_since)
    client = options.open_engine(options.engine_url(common), reading=True)
    with known_domain(client, domain):
        found = list(runs.listed(client, domain, closed=status == "closed", since=since))
    columns = ("Workflow ID", "Workflow Type", "Status", "Close Status", "Run ID", "Start Timestamp")
    output.show(
        common,
        columns,
        [
            (
                info["execution"]["workflowId"],
                info["workflowType"]["name"],
                info["executionStatus"],
                info.get("closeStatus"),
                info["execution"]["runId"],
                info["startTimestamp"],
            )
            for info in found
        ],
    )


@click.command("workflow.info", cls=OneOrMany)
@run_arguments
@options.follow
@many_shown
@click.pass_obj
def workflow_info(common: Globals, named: Named, follow: bool, many: Many) -> int:
    """Show a run: the open one of WORKFLOW_ID, else the newest closed one, or that of RUN_ID; or those of --where."""
    url = options.engine_url(common)
    client = options.open_engine(url, reading=True)

    def show_one(run: runs.Run) -> str | None:
        found = report.summary(client, run, codec_of(url))
        output.show(common, *found.row, one=True)
        return found.traceback

    if follow:
        from simpleflow.cli import following  # the machinery of live views

        return following.follow(common, url, client, the_one(client, named, many), show_one)
    if many:
        found = ((run, report.summary(client, run, codec_of(url))) for run in each(client, named, many))
        show(common, ((run, *summary.row) for run, summary in found), many)
    elif (trace := show_one(find(client, named))) and sys.stdout.isatty():
        click.echo(f"\n{harmless(trace.rstrip())}")
    return 0


class _History(options.WithTruth, OneOrMany):
    """The command workflow.history."""


@click.command("workflow.history", cls=_History)
@click.argument("workflow_id")
@click.argument("run_id", required=False)
@options.domain(required=True)
@click.option(
    "-o",
    "--of",
    "--output-format",
    "form",
    type=click.Choice(["events", "raw", "cooked"]),
    default="raw",
    show_default=True,
    help="As Amazon words them; as one flat record each; or gathered by what they are about.",
)
@click.option("--reverse-order", is_flag=True, help="Newest first.")
@many_shown
@click.pass_obj
def workflow_history(
    common: Globals, workflow_id: str, run_id: str | None, domain: str, form: str, reverse_order: bool, many: Many
) -> None:
    """Show all events of a run, or of those of --where."""
    client = options.open_engine(options.engine_url(common), reading=True)
    found = (
        (run, list(runs.history(client, run, reverse=reverse_order)))
        for run in each(client, Named(domain, workflow_id, run_id), many)
    )

    def ids(run: runs.Run) -> report.Record:
        return {"workflow_id": run.workflow_id, "run_id": run.run_id} if many else {}

    as_json = common.format in ("json", "jsonl", "prettyjson")
    if form == "cooked":
        cooked = (ids(run) | report.cooked(events) for run, events in found)
        pretty = common.format == "prettyjson" or not as_json
        output.write_json(list(cooked) if many else next(cooked), pretty=pretty)
    elif as_json:
        reword = report.raw if form == "raw" else dict
        records = (ids(run) | reword(event) for run, events in found for event in events)
        output.write_records(str(common.format), records)
    else:
        show(common, ((run, EVENTS, _rows(events)) for run, events in found), many)


EVENTS: Final = ("eventId", "eventTimestamp", "eventType", "attributes")


def _rows(events: Iterable[Event]) -> list[tuple[Any, ...]]:
    return [(event["eventId"], event["eventTimestamp"], event["eventType"], attributes(event)) for event in events]
