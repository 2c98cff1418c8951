"""The commands that show runs: list, info, history."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

import click

from simpleflow.cli import options, output
from simpleflow.cli.app import Globals
from simpleflow.cli.finding import Named, find, known_domain, run_arguments
from simpleflow.cli.many import Many, OneOrMany, each, many_shown, show, the_one
from simpleflow.cli.reading import execution
from simpleflow.runtime import runs
from simpleflow.runtime.start import codec_of
from simpleflow.swf import report
from simpleflow.swf.measure import harmless
from simpleflow.swf.models import Domain
from simpleflow.swf.models.event import Event
from simpleflow.swf.models.history import History
from simpleflow.swf.querysets import WorkflowExecutionQuerySet


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
    client = options.open_engine(options.engine_url(common), reading=True)
    found = WorkflowExecutionQuerySet(Domain(domain, connection=client)).filter(
        status.upper(), start_oldest_date=timedelta(days=started_since)
    )
    with known_domain(client, domain):
        table = report.listed(found.iterator())
    output.show(common, table.columns, table.rows)


@click.command("workflow.info", cls=OneOrMany)
@run_arguments
@options.follow
@many_shown
@click.pass_obj
def workflow_info(common: Globals, named: Named, follow: bool, many: Many) -> int:
    """Show a run: the open one of WORKFLOW_ID, else the newest closed one, or that of RUN_ID; or those of --where."""
    url = options.engine_url(common)
    client = options.open_engine(url, reading=True)

    def told(run: runs.Run) -> tuple[report.Table, History]:
        described = execution(client, run).upstream()
        ends = described.ends()
        return report.info(described, ends), ends

    def show_one(run: runs.Run) -> str | None:
        table, ends = told(run)
        output.show(common, table.columns, table.rows, one=True)
        return report.traceback(ends, codec_of(url))

    if follow:
        from simpleflow.cli import following  # the machinery of live views

        return following.follow(common, url, client, the_one(client, named, many), show_one)
    if many:
        tables = ((run, told(run)[0]) for run in each(client, named, many))
        show(common, ((run, table.columns, table.rows) for run, table in tables), many)
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
        (run, execution(client, run).history(reverse_order=reverse_order))
        for run in each(client, Named(domain, workflow_id, run_id), many)
    )

    def ids(run: runs.Run) -> dict[str, Any]:
        return {"workflow_id": run.workflow_id, "run_id": run.run_id} if many else {}

    as_json = common.format in ("json", "jsonl", "prettyjson")
    if form == "cooked":
        cooked = (ids(run) | report.gathered(history) for run, history in found)
        pretty = common.format == "prettyjson" or not as_json
        output.write_json(list(cooked) if many else next(cooked), pretty=pretty)
    elif as_json:
        reword = report.flat if form == "raw" else _raw
        records = (ids(run) | reword(event) for run, history in found for event in history)
        output.write_records(str(common.format), records)
    else:
        show(common, ((run, EVENTS, _rows(history)) for run, history in found), many)


EVENTS: Final = ("eventId", "eventTimestamp", "eventType", "attributes")


def _rows(events: Iterable[Event]) -> list[tuple[Any, ...]]:
    return [(event.id, event.raw["eventTimestamp"], event.name, event.attributes) for event in events]


def _raw(event: Event) -> dict[str, Any]:
    return dict(event.raw)
