"""A morning's look at a domain: how long runs took, which are stuck, and which types nobody starts any more.

python -m examples.ops_report --domain TestDomain
python -m examples.ops_report --domain TestDomain --stuck-after 24 --unused-for 30 --yes

Without --yes it only says what it would do. With it, stuck runs are terminated and unused types deprecated. It works
on any engine: the configured one, or --engine http://host:8042, --engine aws:eu-west-1.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from simpleflow.swf import report
from simpleflow.swf.exceptions import DomainDoesNotExist, WorkflowExecutionDoesNotExist
from simpleflow.swf.models import Domain, WorkflowExecution, WorkflowType
from simpleflow.swf.querysets import WorkflowExecutionQuerySet, WorkflowTypeQuerySet

Row = Sequence[object]


def durations(runs: Iterable[WorkflowExecution]) -> Iterator[Row]:
    """Of each workflow type: how many runs, how many of them completed, and how long they took. Reads lists only."""
    ages: dict[str, list[float]] = defaultdict(list)
    completed: dict[str, int] = defaultdict(int)
    for run in runs:
        assert run.workflow_type is not None
        name = f"{run.workflow_type.name} {run.workflow_type.version}"
        ages[name].append(seconds(run))
        completed[name] += run.close_status == run.CLOSE_STATUS_COMPLETED
    for name in sorted(ages):
        yield name, len(ages[name]), completed[name], f"{median(ages[name]):.1f}", f"{max(ages[name]):.1f}"


def seconds(run: WorkflowExecution) -> float:
    """How long a run took, or takes."""
    return (run.age() or timedelta()).total_seconds()


def stuck(domain: Domain, after: timedelta) -> Iterator[WorkflowExecution]:
    """Runs that are open for longer, and of which no activity was scheduled for as long."""
    for listed in WorkflowExecutionQuerySet(domain).filter(latest_date=after).reverse():
        run = listed.upstream()  # a list does not tell of activities
        begun = run.latest_activity_task_timestamp or run.start_timestamp
        if run.is_open and begun is not None and datetime.now(UTC) - begun > after:
            yield run


def unused(domain: Domain, since: timedelta) -> Iterator[WorkflowType]:
    """Registered workflow types of which no run is open, and none was started since then."""
    runs = WorkflowExecutionQuerySet(domain)
    for type_ in WorkflowTypeQuerySet(domain):
        found = runs.filter(workflow_type_name=type_.name, workflow_type_version=type_.version)
        if not found.count() and not found.filter(status="CLOSED", start_oldest_date=since).count():
            yield type_


def show(title: str, columns: Row, rows: Iterable[Row]) -> None:
    lines = [tuple(map(str, row)) for row in rows]
    print(f"{title}: {len(lines) or 'none'}")
    if lines:
        lines.insert(0, tuple(map(str, columns)))
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            print("  " + "  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())


def look(domain: Domain, days: float) -> None:
    """Say how long runs took that closed within so many days, and where the time of the longest one went."""
    closed = WorkflowExecutionQuerySet(domain).filter(status="CLOSED", close_oldest_date=days)
    columns = ("type", "runs", "completed", "median s", "longest s")
    show(f"Types with runs closed in {days:g} days", columns, durations(closed))
    longest = max(closed, key=seconds, default=None)
    if longest is not None:
        totals = report.totals(longest.history()).rows
        rows = ((row[0], row[1], f"{row[4]:.1f}", f"{row[7]:.0f} %") for row in totals)
        show(f"Where the time of {longest.workflow_id} went", ("activity", "tasks", "seconds", "part"), rows)


def act(runs: Iterable[WorkflowExecution], types: Iterable[WorkflowType]) -> None:
    """Terminate runs, and deprecate types."""
    for run in runs:
        try:
            run.terminate(reason="stuck, says ops_report")
        except WorkflowExecutionDoesNotExist:
            continue  # it went on after all
        print(f"terminated {run.workflow_id}")
    for type_ in types:
        type_.deprecate()
        print(f"deprecated {type_.name} {type_.version}")


def main(arguments: Sequence[str], connection: Any = None) -> int:
    options = parser().parse_args(arguments)
    domain = Domain(options.domain, connection=connection or options.engine)
    try:
        look(domain, options.days)
    except DomainDoesNotExist as error:
        print(error, file=sys.stderr)
        return 1
    runs = list(stuck(domain, timedelta(hours=options.stuck_after)))
    found = ((run.workflow_id, run.run_id, f"{seconds(run):.0f}") for run in runs)
    show("Stuck runs", ("workflow id", "run id", "open for s"), found)
    types = list(unused(domain, timedelta(days=options.unused_for)))
    show("Unused types", ("name", "version"), ((type_.name, type_.version) for type_ in types))
    if options.yes:
        act(runs, types)
    return 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="ops_report", description="A morning's look at a domain.")
    made.add_argument("--domain", required=True)
    made.add_argument("--engine", help="default: the configured engine")
    made.add_argument("--days", type=float, default=7, help="for durations: runs that closed so long ago (%(default)s)")
    made.add_argument("--stuck-after", type=float, default=24, metavar="HOURS", help="(%(default)s)")
    made.add_argument("--unused-for", type=float, default=30, metavar="DAYS", help="(%(default)s)")
    made.add_argument("--yes", action="store_true", help="terminate and deprecate")
    return made


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
