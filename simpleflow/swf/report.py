"""Runs and histories as rows, for commands and pages to show: pure functions, and no word about how they look.

Values are plain: texts, numbers, aware datetimes in UTC, lists of texts; None where there is nothing to tell. Columns
are named, and ordered, as simpleflow's commands have always shown them; what is new stands at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from simpleflow.exceptions import PayloadUnreachable
from simpleflow.payload.codec import EXTRA, PLAIN, Codec, read
from simpleflow.payload.failures import traceback_of
from simpleflow.protocol.parsed import Record
from simpleflow.runtime.runs import reason_of
from simpleflow.swf.exceptions import DoesNotExistError
from simpleflow.swf.models.event import Event
from simpleflow.swf.models.event.base import ATTRIBUTES
from simpleflow.swf.models.history import History
from simpleflow.swf.models.workflow import WorkflowExecution
from simpleflow.swf.stats import Timing, WorkflowStats, percentage, state_time, timing, timings
from simpleflow.swf.utils import camel_to_underscore


@dataclass(frozen=True, slots=True)
class Table:
    """Rows, and the names of their columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    @property
    def records(self) -> list[dict[str, Any]]:
        """The rows as dicts."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


LISTED: Final = ("Workflow ID", "Workflow Type", "Status", "Close Status", "Run ID", "Start Timestamp")


def listed(executions: Iterable[WorkflowExecution]) -> Table:
    """Runs in short: ids, type, how far they are, when they were started."""
    rows = (
        (run.workflow_id, _type(run)[0], run.status, run.close_status, run.run_id, run.start_timestamp)
        for run in executions
    )
    return Table(LISTED, tuple(rows))


FILTERED: Final = (
    "Workflow ID",
    "Workflow Type",
    "Workflow Version",
    "Run ID",
    "Status",
    "Child Policy",
    "Close Status",
    "Start Timestamp",
    "Close Timestamp",
    "Cancel Requested",
    "Execution Timeout",
    "Input",
    "Tags",
    "Decision Tasks Timeout",
    "Parent Workflow ID",
    "Parent Run ID",
    "Task List",
)


def filtered(executions: Iterable[WorkflowExecution]) -> Table:
    """Runs in full. What lists do not tell (lists, policies, time limits, input) is None unless it was described."""
    return Table(FILTERED, tuple(map(_in_full, executions)))


def _in_full(run: WorkflowExecution) -> tuple[Any, ...]:
    return (
        run.workflow_id,
        *_type(run),
        run.run_id,
        run.status,
        run.child_policy,
        run.close_status,
        run.start_timestamp,
        run.close_timestamp,
        run.cancel_requested,
        run.execution_timeout,
        run.input,
        list(run.tag_list or ()),
        run.decision_tasks_timeout,
        run.parent.get("workflowId"),
        run.parent.get("runId"),
        run.task_list,
    )


INFO: Final = (
    "domain",
    "workflow_type.name",
    "workflow_type.version",
    "task_list",
    "workflow_id",
    "run_id",
    "tag_list",
    "execution_time",
    "input",
    "status",
    "result",
    "failure",
    "parked",
)


def info(execution: WorkflowExecution, history: History, now: datetime | None = None) -> Table:
    """A run, as described, in one row: what it was started with, how long it took in seconds, how it ended, and why it
    waits for somebody if it does. Of the history the first event and the one that closed the run are enough, which
    `WorkflowExecution.ends` gives."""
    run = history.parsed.workflow
    age = execution.age(now)
    closing = history.closing
    row = (
        execution.domain.name,
        *_type(execution),
        execution.task_list or run.get("task_list"),
        execution.workflow_id,
        execution.run_id,
        ",".join(execution.tag_list or ()),
        None if age is None else round(age.total_seconds(), 3),
        without_extra(run.get("input")),
        execution.close_status or execution.status,
        read(run.get("result")),
        None if closing is None else reason_of(dict(closing.raw))[0],
        None if closing is not None else execution.waits_for,
    )
    return Table(INFO, (row,))


def without_extra(input: Any) -> Any:
    """The input of a run without what simpleflow says in it to deciders."""
    return {key: value for key, value in input.items() if key != EXTRA} if isinstance(input, dict) else input


def traceback(history: History, codec: Codec = PLAIN) -> str | None:
    """The traceback of the failure with which a run has closed; None where there is none. `codec` reads it where it is
    large; where that cannot be, it says so."""
    closing = history.closing
    if closing is None:
        return None
    try:
        return traceback_of(codec.text(closing.attributes.get("details")))
    except PayloadUnreachable as error:
        return f"The traceback cannot be had: {error}"


def flat(event: Event) -> dict[str, Any]:
    """An event as a flat record: id, type, state, timestamp, and its attributes in snake_case, as `Event` has them."""
    names = {key: name for name, key in ATTRIBUTES.get(event.name, {}).items()}
    told = {names.get(key) or camel_to_underscore(key): value for key, value in event.attributes.items()}
    decoded = {name: read(told.get(name)) for name in ("input", "control")}
    own = {"id": event.id, "type": event.type, "state": event.state, "timestamp": event.raw["eventTimestamp"]}
    return {**own, "input": None, "control": None, **told, **decoded}


GATHERED: Final = (
    *("workflow", "activities", "child_workflows", "markers", "timers", "signals", "signal_lists"),
    *("external_workflows_signaling", "signaled_workflows"),
)


def gathered(history: History) -> dict[str, Any]:
    """What a history tells, by subject; of each state of a task its event's id and its time."""
    return {name: getattr(history.parsed, name) for name in GATHERED}


def tasks(history: History, limit: int | None = None) -> Table:
    """The tasks of a run, those whose state changed last first: type, last state, since when, when it was scheduled."""
    found = [record for record in history.parsed.tasks if record["type"] != "signal"]
    found.sort(key=_last_change, reverse=True)
    rows = (
        (
            record.get("name") or record["id"],
            record["state"],
            state_time(record),
            timing(record).scheduled,
        )
        for record in found[:limit]
    )
    return Table(("Tasks", "Last State", "Last State Time", "Scheduled Time"), tuple(rows))


def task(history: History, task_id: str, details: bool = False) -> Table:
    """An activity, child or Lambda function of a run in one row. Raises DoesNotExistError."""
    columns = ("type", "id", "name", "version", "state", "timestamp", "input", "result", "reason")
    record = _record(history, task_id)
    row = (
        record["type"],
        record["id"],
        record.get("name"),
        record.get("version"),
        record["state"],
        state_time(record),
        record.get("input"),
        read(record.get("result")),
        record.get("reason") or record.get("cause") or record.get("timeout_type"),
    )
    if details:
        return Table((*columns, "details"), ((*row, read(record.get("details"))),))
    return Table(columns, (row,))


PROFILE: Final = (
    "Task",
    "Last State",
    "Scheduled",
    "Time Scheduled",
    "Start",
    "Time Running",
    "End",
    "Percentage of total time",
)


def profile(history: History, limit: int | None = None) -> Table:
    """The tasks of a run that are over, those that ran longest first: when they were scheduled, started and ended, for
    how many seconds they waited and ran, and which part of the run's time that is, in per cent."""
    total = WorkflowStats(history).total_time()
    found = sorted(_over(history), key=lambda task: task.running or 0.0, reverse=True)
    rows = (
        (
            task.id,
            task.last_state,
            task.scheduled,
            task.waiting,
            task.started,
            task.running,
            task.ended,
            percentage(task.running or 0.0, total),
        )
        for task in found[:limit]
    )
    return Table(PROFILE, tuple(rows))


TOTALS: Final = (
    "Task",
    "Count",
    "Attempts",
    "Time Scheduled",
    "Time Running",
    "Mean Time Running",
    "Longest",
    "Percentage of total time",
)


def totals(history: History) -> Table:
    """The tasks of a run that are over by their types, those that ran longest in all first; times in seconds.

    Tasks run beside each other: the parts of the run's time may come to more than 100 per cent.
    """
    total = WorkflowStats(history).total_time()
    groups: dict[str, list[Timing]] = {}
    for task in _over(history):
        groups.setdefault(task.name, []).append(task)
    rows = [_total(name, group, total) for name, group in groups.items()]
    return Table(TOTALS, tuple(sorted(rows, key=lambda row: row[4], reverse=True)))


def _total(name: str, group: Sequence[Timing], total: float) -> tuple[Any, ...]:
    running = [task.running or 0.0 for task in group]
    spent = sum(running)
    return (
        name,
        len(group),
        sum(task.attempts for task in group),
        sum(task.waiting or 0.0 for task in group),
        spent,
        spent / len(group),
        max(running),
        percentage(spent, total),
    )


def _over(history: History) -> list[Timing]:
    """The tasks that a worker began and that are over."""
    return [task for task in timings(history) if task.running is not None]


def _record(history: History, task_id: str) -> Record:
    parsed = history.parsed
    for group in (parsed.activities, parsed.child_workflows, parsed.lambda_functions):
        if task_id in group:
            return group[task_id]
    raise DoesNotExistError(f"the history has no task {task_id}")


def _last_change(record: Record) -> datetime:
    return state_time(record) or datetime.min.replace(tzinfo=UTC)


def _type(run: WorkflowExecution) -> tuple[str | None, str | None]:
    return (run.workflow_type.name, run.workflow_type.version) if run.workflow_type else (None, None)
