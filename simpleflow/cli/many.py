"""A command on one run, given to many: `--where` says which. What shows something runs over all of them; what changes
something counts them and asks before, and goes on where it stopped when it was interrupted.

The language is `simpleflow.swf.where`. What is done to each run is the command's own business.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from time import sleep
from typing import Any, ClassVar, Final

import click

from simpleflow.cli import options, output
from simpleflow.cli.app import Globals
from simpleflow.cli.errors import explained
from simpleflow.cli.finding import Named, find, known_domain, near
from simpleflow.cli.journal import BEGUN, DONE, FAILED, Journal, Target, path_of
from simpleflow.clients import SWFClient
from simpleflow.protocol.faults import code_of, message_of
from simpleflow.runtime import runs
from simpleflow.runtime.patience import Patience
from simpleflow.swf.models import Domain, WorkflowExecution
from simpleflow.swf.querysets import WorkflowExecutionQuerySet, WorkflowTypeQuerySet
from simpleflow.swf.report import Table
from simpleflow.swf.search import newest_where, runs_where
from simpleflow.swf.where import STATUSES, Where, WhereError, parse

SAMPLE: Final = 5
"""Runs that are shown before it is asked, and reasons that are told of what has failed."""
TOLD_EVERY: Final = 10.0
"""Seconds between two lines of progress where there is no terminal."""
SLOWEST: Final = 2.0
"""The most seconds between two calls to an engine that throttles."""


class WhereType(click.ParamType[Where]):
    """A text in the language of `simpleflow.swf.where`."""

    name = "CONDITIONS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Where:
        try:
            return value if isinstance(value, Where) else parse(value)
        except WhereError as error:
            self.fail(str(error), param, ctx)


@dataclass(frozen=True, slots=True)
class Many:
    """What --where says, and the options that go with it; true where it was given."""

    where: Where | None = None
    limit: int | None = None
    yes: bool = False
    dry_run: bool = False
    resume: bool = False
    fresh: bool = False

    def __bool__(self) -> bool:
        return self.where is not None


_WHERE: Final = (
    click.option(
        "--where",
        type=WhereType(),
        help="Instead of one run all those: 'type=basic status=failed,timed_out started>-2d tag=fr'. Fields are type, "
        "version, status, id, run_id, tag, started, closed, parent, task_list.",
    ),
    click.option("--limit", type=click.IntRange(1), metavar="N", help="No more than so many of them, the newest."),
)
_ASKED: Final = (
    click.option("--yes", "-y", is_flag=True, help="With --where: do not ask."),
    click.option("--dry-run", is_flag=True, help="Change nothing; show what would be done."),
)
_ONCE: Final = (
    click.option("--resume", is_flag=True, help="With --where: go on with what was interrupted, and try what failed."),
    click.option("--fresh", is_flag=True, help="With --where: forget what was interrupted, and look for runs anew."),
)

many_shown = options.gathered(Many, "many", _WHERE)
"""--where of a command that shows something."""
many_changed = options.gathered(Many, "many", _WHERE + _ASKED)
"""--where of a command that changes runs, and can as well do it twice."""
many_once = options.gathered(Many, "many", _WHERE + _ASKED + _ONCE)
"""--where of a command that must happen once to each run."""


class OneOrMany(options.DomainFirst):
    """A command on the run that is named by WORKFLOW_ID and RUN_ID, or on those of --where."""

    goes_with_where: ClassVar[Sequence[str]] = ("limit", "yes", "dry_run", "resume", "fresh")

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        params = super().get_params(ctx)
        left_out = ("workflow_id", "run_id") if ctx.meta.get(_MANY) else ()
        return [each for each in params if each.name not in left_out]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        given, _, _ = self.make_parser(ctx).parse_args(list(args))
        many = isinstance(given.get("where"), str)
        for name in () if many else self.goes_with_where:
            if given.get(name) is True or isinstance(given.get(name), str):
                raise click.UsageError(f"--{name.replace('_', '-')} goes with --where.", ctx)
        ctx.meta[_MANY] = many
        left = super().parse_args(ctx, args)
        if many:
            ctx.params |= {name: ctx.params.get(name) for name in ("workflow_id", "run_id")}
        return left


_MANY: Final = "simpleflow.cli.many"


@dataclass(frozen=True, slots=True)
class Verb:
    """What is done to runs: in the question, and once it is done."""

    ask: str
    done: str
    statuses: tuple[str, ...] = ()
    """Those that are meant where none is named."""
    possible: str = ""
    """"open" or "closed", where it is for such runs only."""
    once: bool = False
    """Whether a journal says what was done, since nothing else does."""
    newest: bool = False
    """Whether a new run of the same id comes of it: older ones are over and done with."""


TERMINATE: Final = Verb("Terminate", "terminated", ("open",), "open")
CANCEL: Final = Verb("Cancel", "asked to cancel themselves", ("open",), "open")
SIGNAL: Final = Verb("Signal", "signaled", ("open",), "open", once=True)
RESTART: Final = Verb("Restart", "restarted", once=True, newest=True)
REPAIR: Final = Verb(
    "Repair", "repaired", ("failed", "timed_out", "canceled", "terminated"), "closed", once=True, newest=True
)

Act = Callable[[runs.Run], str | None]
"""What is done to one run; what it gives is printed."""


def each(
    client: SWFClient, named: Named, many: Many, statuses: tuple[str, ...] = ()
) -> Iterator[runs.Run]:
    """The run that is named, or those of --where as they are found. `statuses` are meant where none is said."""
    if not many:
        yield find(client, named)
        return
    found = _chosen(client, named.domain, many, statuses)
    first = next(found, None)
    if first is None:
        _tell_none(client, named.domain, many)
        return
    for run in chain([first], found):
        yield _run(run)


def show(common: Globals, tables: Iterable[tuple[runs.Run, Table]], many: Many) -> None:
    """Print the tables of runs as one. With --where the ids of the run stand before what does not have them, and rows
    come as they are made where the form allows it."""
    lines = common.format in ("csv", "tsv", "jsonl") or (not common.format and not output.on_terminal(common))
    kept: list[Sequence[Any]] = []
    columns: Sequence[str] = ()
    for run, table in tables:
        ids = {"Workflow ID": run.workflow_id, "Run ID": run.run_id} if many and _ID not in table.columns else {}
        first, columns = not columns, (*ids, *table.columns)
        rows = [(*ids.values(), *row) for row in table.rows]
        if lines:
            output.show(common if first else replace(common, header=False), columns, rows)
        else:
            kept += rows
    if not lines and (columns or common.format in ("json", "prettyjson")):
        output.show(common, columns, kept)


_ID: Final = "workflow_id"
"""A column that says already of which run a row is."""


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


def _run(run: WorkflowExecution) -> runs.Run:
    return runs.Run(run.domain.name, run.workflow_id, str(run.run_id))


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
