"""The commands that make tables of runs and of their tasks: workflow.filter, workflow.tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click

from simpleflow.cli import options, output
from simpleflow.cli.app import Globals
from simpleflow.cli.finding import Named, known_domain, run_arguments
from simpleflow.cli.many import Many, OneOrMany, each, many_shown, show, the_one
from simpleflow.cli.reading import history
from simpleflow.protocol.events import CLOSING_EVENTS
from simpleflow.runtime import runs
from simpleflow.swf import report
from simpleflow.swf.models import Domain, WorkflowExecution
from simpleflow.swf.querysets import WorkflowExecutionQuerySet

ANSWERS: Final[dict[str, Callable[[WorkflowExecution], Any]]] = {
    "workflow_id": lambda run: run.workflow_id,
    "tag": lambda run: run.tag_list,
    "close_status": lambda run: run.close_status,
    "workflow_type_name": lambda run: run.workflow_type and run.workflow_type.name,
    "workflow_type_version": lambda run: run.workflow_type and run.workflow_type.version,
}
"""What a run says to each condition. The engine looks for one: the first here that is given, which finds the least."""


class Instant(click.ParamType[datetime]):
    """An instant in ISO 8601; without an offset it is local time."""

    name = "YYYY-MM-DD[THH:MM[:SS[+HH:MM]]]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except ValueError:
            self.fail(f"{value!r} is no date: write 2026-01-31 or '2026-01-31 14:00:00+01:00'", param, ctx)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What runs are looked for. Texts are compared whole; None is anything."""

    status: str | None
    tag: str | None
    workflow_id: str | None
    workflow_type_name: str | None
    workflow_type_version: str | None
    close_status: str | None
    started_since: int
    from_date: datetime | None
    to_date: datetime | None

    def query(self, domain: Domain) -> WorkflowExecutionQuerySet:
        """What the engine is asked: it takes one condition beside dates."""
        since = self.from_date or datetime.now(UTC) - timedelta(days=self.started_since)
        found = WorkflowExecutionQuerySet(domain).filter(
            status=(self.status or ("closed" if self.close_status else "open")).upper(),
            start_oldest_date=since,
            start_latest_date=self.to_date,
        )
        first = next((name for name in self._given if name != "workflow_type_version"), None)
        asked: dict[str, Any] = {first: self._given[first]} if first else {}
        return found.filter(**asked)

    def hold(self, run: WorkflowExecution) -> bool:
        """Whether all of them hold of a run."""
        told = ((ANSWERS[name](run), wanted) for name, wanted in self._given.items())
        return all(wanted in said if isinstance(said, tuple) else said == wanted for said, wanted in told)

    @property
    def _given(self) -> dict[str, str]:
        return {name: value for name in ANSWERS if (value := getattr(self, name)) is not None}


conditions = options.gathered(
    Conditions,
    "wanted",
    (
        click.option("-s", "--status", type=click.Choice(["open", "closed", "all"]), help="Default: open."),
        click.option("--tag", metavar="TAG"),
        click.option("--workflow-id", metavar="ID"),
        click.option("--workflow-type-name", metavar="NAME"),
        click.option("--workflow-type-version", metavar="VERSION"),
        click.option(
            "-c",
            "--close-status",
            type=click.Choice(list(CLOSING_EVENTS.values()), case_sensitive=False),
            help="How it closed; --status is closed then.",
        ),
        click.option(
            "-d",
            "--started-since",
            type=click.IntRange(0, 36_500),
            metavar="DAYS",
            default=30,
            show_default=True,
            help="How old, without --from-date.",
        ),
        click.option("--from-date", type=Instant(), help="Started then or later; local time without an offset."),
        click.option("--to-date", type=Instant(), help="Started then or before."),
    ),
)


@click.command("workflow.filter")
@options.domain_argument
@conditions
@click.option(
    "--details/--no-details", default=False, help="Ask for each run what lists do not tell: input, list, time limits."
)
@click.pass_obj
def workflow_filter(common: Globals, domain: str, wanted: Conditions, details: bool) -> None:
    """List the runs of DOMAIN for which all that is given holds, newest first."""
    if wanted.close_status and wanted.status in ("open", "all"):
        raise click.UsageError(f"--close-status is of closed runs: leave --status {wanted.status} out.")
    client = options.open_engine(options.engine_url(common), reading=True)
    with known_domain(client, domain):
        found: Iterator[WorkflowExecution] = filter(
            wanted.hold, wanted.query(Domain(domain, connection=client)).iterator()
        )
        table = report.filtered(map(_in_full, found) if details else found)
    output.show(common, table.columns, table.rows)


def _in_full(run: WorkflowExecution) -> WorkflowExecution:
    """The same run as it is described, with its input."""
    described = run.upstream()
    return replace(described, input=report.without_extra(described.first_event().input))


nb_tasks = click.option("-n", "--nb-tasks", type=click.IntRange(1), metavar="N", help="No more than so many.")


@click.command("workflow.tasks", cls=OneOrMany)
@run_arguments
@nb_tasks
@options.follow
@many_shown
@click.pass_obj
def workflow_tasks(common: Globals, named: Named, nb_tasks: int | None, follow: bool, many: Many) -> int:
    """Show the tasks of a run and how far they are, those that changed last first."""
    url = options.engine_url(common)
    client = options.open_engine(url, reading=True)

    def told(run: runs.Run) -> report.Table:
        return report.tasks(history(client, run), nb_tasks)

    if follow:
        from simpleflow.cli import following  # the machinery of live views

        def show_one(run: runs.Run) -> None:
            table = told(run)
            output.show(common, table.columns, table.rows)

        return following.follow(common, url, client, the_one(client, named, many), show_one)
    tables = ((run, told(run)) for run in each(client, named, many))
    show(common, ((run, table.columns, table.rows) for run, table in tables), many)
    return 0
