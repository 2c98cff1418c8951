"""`--where`: a command on one run, given to many. What shows something runs over all of them; what changes something
does so by `simpleflow.cli.jobs`, which is imported only then, as is the language, `simpleflow.swf.where`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

import click

from simpleflow.cli import options, output
from simpleflow.cli.app import Globals
from simpleflow.cli.finding import Named, find
from simpleflow.clients import SWFClient
from simpleflow.runtime import runs

if TYPE_CHECKING:
    from simpleflow.swf.where import Where


class WhereType(click.ParamType["Where"]):
    """A text in the language of `simpleflow.swf.where`."""

    name = "CONDITIONS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Where:
        from simpleflow.swf.where import Where, WhereError, parse

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
        for name in () if many or ctx.resilient_parsing else self.goes_with_where:
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


Told = tuple[runs.Run, Sequence[str], Iterable[Sequence[Any]]]
"""A run, and the columns and the rows that tell of it."""


def each(client: SWFClient, named: Named, many: Many, statuses: tuple[str, ...] = ()) -> Iterator[runs.Run]:
    """The run that is named, or those of --where as they are found. `statuses` are meant where none is said."""
    if not many:
        yield find(client, named)
        return
    from simpleflow.cli import jobs

    yield from jobs.found(client, named.domain, many, statuses)


def the_one(client: SWFClient, named: Named, many: Many) -> runs.Run:
    """The run that is named. Raises UsageError where many may be meant."""
    if many:
        raise click.UsageError("--follow is for one run: leave --where out.")
    return find(client, named)


def show(common: Globals, tables: Iterable[Told], many: Many) -> None:
    """Print the tables of runs as one. With --where the ids of the run stand before what does not have them, and rows
    come as they are made where the form allows it."""
    lines = common.format in ("csv", "tsv", "jsonl") or (not common.format and not output.on_terminal(common))
    kept: list[Sequence[Any]] = []
    columns: Sequence[str] = ()
    for run, names, found in tables:
        ids = {"Workflow ID": run.workflow_id, "Run ID": run.run_id} if many and _ID not in names else {}
        first, columns = not columns, (*ids, *names)
        rows = [(*ids.values(), *row) for row in found]
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
    from simpleflow.cli import jobs

    return jobs.change(common, client, domain, many, verb, act, typed)
