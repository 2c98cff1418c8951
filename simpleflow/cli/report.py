"""A run and its events, reworded for people and scripts: one row, flat records, records by subject."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from simpleflow.clients import SWFClient
from simpleflow.exceptions import PayloadUnreachable
from simpleflow.payload import codec
from simpleflow.payload.codec import EXTRA
from simpleflow.payload.failures import traceback_of
from simpleflow.protocol.history import Event, attributes
from simpleflow.protocol.parsed import History
from simpleflow.runtime import runs

Record = dict[str, Any]

SUBJECTS: Final = (
    "ActivityTask",
    "LambdaFunction",
    "DecisionTask",
    "ChildWorkflowExecution",
    "Marker",
    "Timer",
    "ExternalWorkflow",
    "WorkflowExecution",
)
"""What event types are named after, the longer names first; the rest of a name is the state that it tells of."""

COOKED: Final = (
    *("workflow", "activities", "child_workflows", "markers", "timers", "signals", "signal_lists"),
    *("external_workflows_signaling", "signaled_workflows"),
)
"""The subjects by which what a history tells is gathered."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A run in one row, and the traceback of its failure."""

    columns: Record
    traceback: str | None

    @property
    def row(self) -> tuple[list[str], list[list[Any]]]:
        """The columns' names, and the only row."""
        return list(self.columns), [list(self.columns.values())]


def summary(client: SWFClient, run: runs.Run, values: codec.Codec = codec.PLAIN) -> Summary:
    """The row of `workflow.info`: large values as references, but the traceback read by `values`. Raises NoSuchRun."""
    described = runs.describe(client, run)
    info = described["executionInfo"]
    end = info.get("closeTimestamp") or datetime.now(UTC)
    closing = runs.closing_event(client, run) if info["executionStatus"] == "CLOSED" else None
    columns = {
        "domain": run.domain,
        "workflow_type.name": info["workflowType"]["name"],
        "workflow_type.version": info["workflowType"]["version"],
        "task_list": described["executionConfiguration"]["taskList"]["name"],
        "workflow_id": run.workflow_id,
        "run_id": run.run_id,
        "tag_list": ",".join(info.get("tagList") or ()),
        "execution_time": round((end - info["startTimestamp"]).total_seconds(), 3),
        "input": _without_extra(codec.read(runs.input_of(client, run))),
        "status": info.get("closeStatus") or info["executionStatus"],
        "result": None,
        "failure": None,
        "parked": runs.waits_for(described.get("latestExecutionContext")) if closing is None else None,
    }
    if closing is None:
        return Summary(columns, None)
    if closing["eventType"] == "WorkflowExecutionCompleted":
        columns["result"] = codec.read(attributes(closing).get("result"))
        return Summary(columns, None)
    columns["failure"], details = runs.reason_of(closing)
    return Summary(columns, _traceback(details, values))


def _traceback(details: str | None, values: codec.Codec) -> str | None:
    try:
        return traceback_of(values.text(details))
    except PayloadUnreachable as error:
        return f"The traceback cannot be had: {error}"


def raw(event: Event) -> Record:
    """One event as a flat record: id, type, state, timestamp, and its attributes in snake_case."""
    subject, state = split(event["eventType"])
    return {
        "id": event["eventId"],
        "type": subject if subject != "ExternalWorkflow" else "ExternalWorkflowExecution",
        "state": state,
        "timestamp": event["eventTimestamp"],
        "input": None,
        "control": None,
        **_flat(event),
    }


def cooked(events: Iterable[Event]) -> Record:
    """What the events tell, gathered by subject; of each state of a task its event's id and its time."""
    read = History(events)
    return {name: getattr(read, name) for name in COOKED}


def split(event_type: str) -> tuple[str, str]:
    """What an event is about and the state that it tells of.

    >>> split("ScheduleActivityTaskFailed")
    ('ActivityTask', 'schedule_failed')
    """
    subject = next(name for name in SUBJECTS if name in event_type)
    return subject, snake(event_type.replace(subject, "", 1))


def snake(name: str) -> str:
    """
    >>> snake("scheduledEventId")
    'scheduled_event_id'
    """
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _flat(event: Event) -> Record:
    """The attributes of an event, named in snake_case, input and control decoded."""
    values = {snake(name): value for name, value in attributes(event).items()}
    return {name: codec.read(value) if name in ("input", "control") else value for name, value in values.items()}


def _without_extra(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: item for key, item in value.items() if key != EXTRA}
    return value
