"""How long things took: timings of a run's tasks, from its history alone."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from simpleflow.protocol.parsed import OPEN, Record
from simpleflow.swf.models.history import History

_TIMED: Final = ("activity", "child_workflow", "lambda_function")


@dataclass(frozen=True, slots=True)
class Timing:
    """One task: its last attempt, in instants (aware datetimes, UTC) and seconds; None where it did not come so far.

    `type` is "activity", "child_workflow" or "lambda_function"; `attempts` counts all attempts. `waiting` is the time
    from its scheduling to its start, `running` that from its start to its end.
    """

    type: str
    id: str
    name: str
    last_state: str
    attempts: int
    scheduled: datetime | None
    started: datetime | None
    ended: datetime | None

    @property
    def waiting(self) -> float | None:
        return _seconds(self.scheduled, self.started)

    @property
    def running(self) -> float | None:
        return _seconds(self.started, self.ended)


def timings(history: History) -> list[Timing]:
    """The activities, children and Lambda functions of a run, in the order in which they were first seen."""
    return [timing(record) for record in history.parsed.tasks if record["type"] in _TIMED]


def state_time(record: Record) -> datetime | None:
    """When a record came into its state."""
    state = record["state"]
    names = ("initiated_event_timestamp",) if state == "start_initiated" else (f"{state}_timestamp",)
    return instant(next((record[name] for name in (*names, "event_timestamp") if name in record), None))


def instant(time: Any) -> datetime | None:
    """An event's time, a datetime or seconds since 1970, as an aware datetime in UTC."""
    if time is None or isinstance(time, datetime):
        return time and time.astimezone(UTC)
    return datetime.fromtimestamp(time, UTC)


class WorkflowStats:
    """The times of a run, in seconds."""

    def __init__(self, history: History) -> None:
        self.history = history

    def total_time(self) -> float:
        """Seconds from the first event to the last; 0 where there are none."""
        times = [event.timestamp for event in self.history]
        return (max(times) - min(times)).total_seconds() if times else 0.0

    def get_timings(self) -> list[tuple[str, str, datetime | None, datetime | None, datetime | None, float | None]]:
        """Of each task: id, last state, when it was scheduled, started and ended, and the seconds that it ran."""
        return [
            (task.id, task.last_state, task.scheduled, task.started, task.ended, task.running)
            for task in timings(self.history)
        ]

    def get_timings_with_percentage(
        self,
    ) -> list[tuple[str, str, datetime | None, datetime | None, datetime | None, float | None, float | None]]:
        """The same, and which part of the total time each ran, in per cent."""
        total = self.total_time()
        return [
            (*timing, None if timing[-1] is None else percentage(timing[-1], total)) for timing in self.get_timings()
        ]


def percentage(part: float, total: float) -> float:
    """
    >>> percentage(1, 4), percentage(1, 0)
    (25.0, 0.0)
    """
    return 100.0 * part / total if total else 0.0


def dump_history_to_json(history: History) -> str:
    """The tasks of a run as JSON: a list of [id, record], with times in ISO 8601 and UTC."""
    tasks: Iterable[tuple[str, Record]] = ((record.get("id", ""), record) for record in history.parsed.tasks)
    return json.dumps([[id, record] for id, record in tasks], default=_plain, ensure_ascii=False)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return str(value)


def timing(record: Record) -> Timing:
    """The times of a record of `History.parsed.tasks`."""
    state = record["state"]
    over = state not in OPEN and not state.endswith(("schedule_failed", "start_failed"))
    return Timing(
        record["type"],
        record["id"],
        record.get("name") or record["id"],
        state,
        record.get("retry", -1) + (1 if state in _UNSUCCESSFUL else 2),
        instant(record.get("scheduled_timestamp") or record.get("initiated_event_timestamp")),
        instant(record.get("started_timestamp")),
        state_time(record) if over else None,
    )


_UNSUCCESSFUL: Final = ("failed", "timed_out", "canceled", "terminated", "schedule_failed", "start_failed")


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return None if start is None or end is None else (end - start).total_seconds()
