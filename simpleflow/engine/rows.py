"""The rows that transitions work on, as values: an execution's hot state, its open tasks, its events and messages.

The order of the fields is the order of the columns in `schema.sql`. Tasks and events are named tuples, since they
go to and from SQLite as they are. This module knows no SQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, NamedTuple

#: Bits of the event id in a key.
EVENT_BITS = 24
EVENT_MASK = (1 << EVENT_BITS) - 1


def key_of(execution: int, event: int) -> int:
    """The key of an event, and of the open task that it opened."""
    return execution << EVENT_BITS | event


class TaskKind(IntEnum):
    """What an open task is. The numbers are part of the file format."""

    ACTIVITY = 1
    TIMER = 2
    CHILD = 3
    LAMBDA = 5


class Timeout(IntEnum):
    """The timeouts of open tasks; at equal instants the lower one wins. Part of the file format."""

    SCHEDULE_TO_CLOSE = 1
    START_TO_CLOSE = 2
    SCHEDULE_TO_START = 3
    HEARTBEAT = 4
    FIRE = 5


class Message(StrEnum):
    """What one execution has to tell another, or itself, in a later transaction. Part of the file format.

    Each is sent by the event that decided it, which holds all that is to be told.
    """

    START = "start"  # by StartChildWorkflowExecutionInitiated
    SIGNAL = "signal"  # by SignalExternalWorkflowExecutionInitiated
    CANCEL = "cancel"  # by RequestCancelExternalWorkflowExecutionInitiated
    CLOSED = "closed"  # by what closed a child
    TERMINATE_CHILD = "terminate-child"  # by StartChildWorkflowExecutionInitiated, once its execution has ended
    CANCEL_CHILD = "cancel-child"  # likewise
    NO_ROLE = "no-role"  # by LambdaFunctionScheduled


#: Queue places: not in its list, and to be put at its end when the row is written.
NOWHERE = None
LAST = -1


@dataclass(slots=True)
class OpenExecution:
    """The row of an open execution; the one mutable value, owned by the `Turn` that works on it."""

    id: int
    domain: int
    child_policy: str
    original_list: str
    task_list: str
    sticky: str
    task_timeout: str
    task_priority: str | None
    expires: int
    queued: int = 0
    scheduled: int = 0
    started: int = 0
    previous: int = 0
    context: int = 0
    latest_activity: int | None = None
    due: int = 0
    list: str = ""
    priority: int = 0
    arrival: int | None = NOWHERE


class Task(NamedTuple):
    """The row of an open activity, timer, child or Lambda function."""

    key: int
    kind: int
    name: str
    domain: int
    started: int = 0
    cancel: int = 0
    due: int | None = None
    timeout: int | None = None
    close_due: int | None = None
    close_timeout: int | None = None
    heartbeat: int | None = None
    details: str | None = None
    list: str | None = None
    priority: int = 0
    arrival: int | None = NOWHERE

    @property
    def opened_by(self) -> int:
        """The id of the event that opened it."""
        return self.key & EVENT_MASK

    @property
    def execution(self) -> int:
        """The id of the execution that it belongs to."""
        return self.key >> EVENT_BITS


class Event(NamedTuple):
    """A new event, before it is written."""

    key: int
    time: int
    type: str
    attributes: dict[str, Any]
    began: int | None = None
    """Where the deadlines begin (ms) that it sets, if not at its time."""


class Type(NamedTuple):
    """What a decision needs to know of an activity or workflow type."""

    registered: bool
    defaults: dict[str, Any]
