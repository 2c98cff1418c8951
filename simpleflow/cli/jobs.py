"""What is done to the many runs of `--where`: they are looked for, counted, shown, asked about, and dealt with one by
one, and after an interruption from there on. What is done to each is the command's own business.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from time import sleep
from typing import Any, Final

import click

from simpleflow.cli import options, output
from simpleflow.cli.app import Globals
from simpleflow.cli.errors import explained
from simpleflow.cli.finding import known_domain, near
from simpleflow.cli.journal import BEGUN, DONE, FAILED, Journal, Target, path_of
from simpleflow.cli.many import CANCEL, Act, Many, Verb
from simpleflow.clients import SWFClient
from simpleflow.protocol.faults import code_of, message_of
from simpleflow.runtime import runs
from simpleflow.runtime.patience import Patience
from simpleflow.swf.models import Domain, WorkflowExecution
from simpleflow.swf.querysets import WorkflowExecutionQuerySet, WorkflowTypeQuerySet
from simpleflow.swf.search import newest_where, runs_where
from simpleflow.swf.where import STATUSES, Where

SAMPLE: Final = 5
"""Runs that are shown before it is asked, and reasons that are told of what has failed."""
TOLD_EVERY: Final = 10.0
"""Seconds between two lines of progress where there is no terminal."""
SLOWEST: Final = 2.0
"""The most seconds between two calls to an engine that throttles."""


def found(client: SWFClient, domain: str, many: Many, statuses: tuple[str, ...]) -> Iterator[runs.Run]:
    """The runs of --where, as they are found."""
    chosen = _chosen(client, domain, many, statuses)
    first = next(chosen, None)
    if first is None:
        _tell_none(client, domain, many)
        return
    for run in chain([first], chosen):
        yield runs.Run(domain, run.workflow_id, str(run.run_id))


def change(
    common: Globals, client: SWFClient, domain: str, many: Many, verb: Verb, act: Act, typed: Mapping[str, Any]
) -> int:
    """Do it to all runs of --where, after a question; the exit code. `typed` is what else the command was told."""
    context = click.get_current_context()
    assert many.where is not None
    meant = many.where.with_status(*verb.statuses).statuses
    if verb.possible and not meant & STATUSES[verb.possible]:
        raise click.UsageError(f"{context.info_name} is for {verb.possible} runs, and --where means others.")
    if not many.dry_run and not many.yes and not many.resume and not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask at: add --yes, or --dry-run to see what would be done.")
    path = path_of(_place(common), domain, context.info_name, typed, str(many.where), many.limit) if verb.once else None
    journal = None if path is None or many.dry_run else _interrupted(path, many, verb)
    if journal is None:
        targets = _asked(common, client, domain, many, verb)
        if targets is None:
            return 0
        journal = Journal.begin(path, targets) if path else None
    else:
        targets = journal.targets
    return _Job(common, client, domain, verb, act, journal).work(targets)


def _asked(
    common: Globals, client: SWFClient, domain: str, many: Many, verb: Verb
) -> Sequence[Target] | None:
    """The runs, once they are counted and shown and somebody has said yes; None where there is nothing to do."""
    found = list(_chosen(client, domain, many, verb.statuses, verb.newest))
    if verb is CANCEL:
        found = [run for run in found if not run.cancel_requested]  # they know already
    if not found:
        _tell_none(client, domain, many)
        return None
    counts = Counter((run.close_status or run.status).lower().replace("_", " ") for run in found)
    several = ", ".join(f"{count:,} {status}" for status, count in counts.most_common())
    click.echo(f"{_runs(len(found))} {'match' if len(found) > 1 else 'matches'} ({several})", err=True)
    if many.dry_run:
        output.show(common, _COLUMNS, [_row(run) for run in found])
        return None
    for run in found[:SAMPLE]:
        click.echo("  " + "  ".join(output.text(cell) for cell in _row(run)), err=True)
    if len(found) > SAMPLE:
        click.echo(f"  ... and {len(found) - SAMPLE:,} more", err=True)
    if not many.yes and not click.confirm(f"{verb.ask} {_runs(len(found))}?", err=True):
        raise click.ClickException("nothing was done")
    return [(run.workflow_id, str(run.run_id)) for run in found]


_COLUMNS: Final = ("Workflow ID", "Run ID", "Workflow Type", "Status", "Start Timestamp")


def _row(run: WorkflowExecution) -> tuple[Any, ...]:
    name = run.workflow_type.name if run.workflow_type else None
    return run.workflow_id, run.run_id, name, run.close_status or run.status, run.start_timestamp


def _interrupted(path: Path, many: Many, verb: Verb) -> Journal | None:
    """The job of this very command that was interrupted, if it is to go on."""
    journal = Journal.found(path)
    if journal is not None and (many.fresh or (journal.is_tried and not many.resume)):
        journal.remove()
        journal = None
    if journal is None:
        if many.resume:
            raise click.ClickException("nothing is left of such a command: leave --resume out")
        return None
    left, total = len(journal.left), len(journal.targets)
    since = journal.since.astimezone().strftime("%Y-%m-%d %H:%M")
    said = f"this command of {since} was interrupted: {total - left:,} of {_runs(total)} were {verb.done}"
    click.echo(said, err=True)
    if not (many.yes or many.resume) and not click.confirm(f"Go on with the other {left:,}?", default=True, err=True):
        journal.close()
        raise click.ClickException("nothing was done: --fresh forgets what was interrupted")
    return journal


@dataclass(slots=True)
class _Job:
    """One verb, done to one run after the other."""

    common: Globals
    client: SWFClient
    domain: str
    verb: Verb
    act: Act
    journal: Journal | None
    _counts: Counter[str] = field(default_factory=Counter)
    _reasons: list[str] = field(default_factory=list)
    _pace: float = 0.0

    def work(self, targets: Sequence[Target]) -> int:
        """Do it to all that is left; the exit code."""
        left = self.journal.left if self.journal else [(index, target, False) for index, target in enumerate(targets)]
        try:
            with Meter(self.common, len(left), self.verb.done) as meter:
                for index, target, again in left:
                    self._one(index, runs.Run(self.domain, *target), again)
                    meter.advance()
        except (KeyboardInterrupt, click.Abort):
            self._tell()
            done = sum(self._counts.values())
            click.echo(f"interrupted after {done:,} of {len(left):,}: the same command goes on", err=True)
            raise
        finally:
            if self.journal:
                self.journal.close()
        self._tell()
        return 1 if self._counts[FAILED] else 0

    def _one(self, index: int, run: runs.Run, again: bool) -> None:
        if self.journal:
            self.journal.mark(index, BEGUN)
        state = DONE
        try:
            told = self._again(run) if again else None
            told = told or self._patiently(run)
            if told:
                options.tell(told)
            self._counts[self.verb.done] += 1
        except Exception as error:
            if _is_gone(error):
                self._counts["closed already" if self.verb.possible == "open" else "gone"] += 1
            else:
                state = FAILED
                self._counts[FAILED] += 1
                if len(self._reasons) < SAMPLE:
                    self._reasons.append(f"{run.workflow_id} {run.run_id}: {_reason(error)}")
        if self.journal:
            self.journal.mark(index, state)

    def _again(self, run: runs.Run) -> str | None:
        """Of a run that was begun and not told of any more: the newer run that came of it, if it did."""
        if not self.verb.newest:
            click.echo(f"{run.workflow_id} may have been {self.verb.done} before: this happens again now", err=True)
            return None
        newest = runs.find(self.client, self.domain, run.workflow_id)
        return f"{newest.workflow_id} {newest.run_id}" if newest.run_id != run.run_id else None

    def _patiently(self, run: runs.Run) -> str | None:
        """Do it, more slowly where the engine throttles, and again while it cannot be reached."""
        patience = Patience()
        while True:
            if self._pace > 0.01:
                sleep(self._pace)
            try:
                told = self.act(run)
            except Exception as error:
                sleep(patience.pause(error))
                self._pace = min(SLOWEST, max(0.05, self._pace * 2))
            else:
                patience.answered()
                self._pace *= 0.95
                return told

    def _tell(self) -> None:
        """Say what became of the runs."""
        failed = self._counts.pop(FAILED, 0)
        parts = [f"{count:,} {what}" for what, count in self._counts.items()]
        self._counts[FAILED] = failed
        click.echo(", ".join(parts + ([f"{failed:,} failed:"] if failed else [])) or "nothing was done", err=True)
        for reason in self._reasons:
            click.echo(f"  {reason}", err=True)
        if failed > len(self._reasons):
            click.echo(f"  ... and {failed - len(self._reasons):,} more", err=True)
        if failed and self.verb.once:
            click.echo("the same command with --resume tries them again", err=True)


class Meter(AbstractContextManager["Meter"]):
    """How far a job is, on standard error: a bar on a terminal, else a line now and then."""

    def __init__(self, common: Globals, total: int, done: str) -> None:
        self._total, self._done, self._number = total, done, 0
        self._next = time.monotonic() + TOLD_EVERY
        self._stack = ExitStack()
        self._update: Callable[[], None] | None = None
        if sys.stderr.isatty():
            self._update = self._bar(common)

    def _bar(self, common: Globals) -> Callable[[], None]:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        bar = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(self._done),
            TimeRemainingColumn(),
            console=output.console(common, stderr=True),
            transient=True,
            redirect_stdout=sys.stdout.isatty(),
        )
        self._stack.enter_context(bar)
        task = bar.add_task(self._done, total=self._total)
        return lambda: bar.advance(task)

    def advance(self) -> None:
        """One more."""
        self._number += 1
        if self._update:
            self._update()
        elif time.monotonic() >= self._next:
            self._next = time.monotonic() + TOLD_EVERY
            click.echo(f"{self._number:,} of {self._total:,} {self._done}", err=True)

    def __exit__(self, *error: Any) -> None:
        self._stack.close()


def _chosen(
    client: SWFClient, domain: str, many: Many, statuses: tuple[str, ...], newest: bool = False
) -> Iterator[WorkflowExecution]:
    assert many.where is not None
    look = newest_where if newest else runs_where
    with known_domain(client, domain):
        yield from islice(look(Domain(domain, connection=client), many.where.with_status(*statuses)), many.limit)


def _tell_none(client: SWFClient, domain: str, many: Many) -> None:
    """Say that there is no such run. Raises ClickException where there is no such type either."""
    assert many.where is not None
    wanted = many.where.literal("type")
    if wanted:
        types = WorkflowTypeQuerySet(Domain(domain, connection=client)).all(registration_status="ALL")
        names = {name for type_ in types for name in (type_.name, type_.name.rpartition(".")[2])}
        if wanted not in names:
            hint = near(wanted, sorted(names)) or f": see `simpleflow type.list {domain} --kind workflow`"
            raise click.ClickException(f"the domain {domain} has no workflow type {wanted}{hint}")
    click.echo(f"no run matches{_near_tag(client, domain, many.where)}", err=True)


def _near_tag(client: SWFClient, domain: str, where: Where) -> str:
    wanted = where.literal("tag")
    if not wanted:
        return ""
    recent = WorkflowExecutionQuerySet(Domain(domain, connection=client)).all(status="ALL")
    tags = {tag for run in islice(recent.iterator(), 1000) for tag in run.tag_list or ()}
    return "" if wanted in tags else near(wanted, sorted(tags))


def _runs(count: int) -> str:
    return f"{count:,} run" + "s" * (count != 1)


def _place(common: Globals) -> str:
    """The engine, whatever path leads to its file."""
    url = common.engine_url
    return f"sqlite:{Path(url.partition(':')[2]).expanduser().resolve()}" if url.startswith("sqlite:") else url


def _is_gone(error: Exception) -> bool:
    return code_of(error) == "UnknownResourceFault" and message_of(error).startswith("Unknown execution")


def _reason(error: Exception) -> str:
    return error.format_message() if isinstance(error, click.ClickException) else explained(error)
