"""One call while it is carried out: the store, the time, and what the operations share.

An operation is a function of a `Call` and the request; it returns the answer. What it does goes through `save`, which
notes whom to wake once the transaction is committed.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from simpleflow.engine.rows import LAST, ActivityType, Run, key_of
from simpleflow.engine.store import Store
from simpleflow.engine.transitions import Turn
from simpleflow.protocol.events import EVENT_TYPES
from simpleflow.protocol.faults import unknown
from simpleflow.protocol.limits import Limits

Request = dict[str, Any]
Response = dict[str, Any]

ACTIVITY_LIST, DECISION_LIST = "a", "d"


@dataclass(slots=True)
class Call:
    """A call inside its transaction. `now` is in milliseconds since 1970.

    `domains` and `room` outlive the call: ids of domains, and for each domain the execution number up to which no
    count of the open ones is needed.
    """

    store: Store
    now: int
    limits: Limits
    file: str
    domains: dict[str, int]
    room: dict[int, int]
    rings: dict[str, int] = field(default_factory=dict)

    def domain(self, name: str) -> int:
        """The id of a domain. Raises UnknownResourceFault."""
        found = self.domains.get(name)
        if found is None:
            row = self.store.row("domain", name)
            if row is None:
                raise unknown(f"Unknown domain: {name}")
            found = self.domains[name] = row[0]
        return found

    def turn(self, run: Run) -> Turn:
        """A turn of an open execution."""
        return self.store.load(run, self.now, self.limits)

    def open(self, turn: Turn) -> None:
        """Write a new execution, and note who waits for it."""
        self._ring_for(turn)
        self.store.open(turn)

    def save(self, turn: Turn) -> None:
        """Write what a turn did, and note who waits for it."""
        self._ring_for(turn)
        self.store.save(turn)

    def _ring_for(self, turn: Turn) -> None:
        if turn.status is None:
            if turn.run.arrival == LAST:
                self._ring(topic(DECISION_LIST, turn.run.domain, turn.run.list))
            for task in turn.opened.values():
                if task.arrival == LAST:
                    self._ring(topic(ACTIVITY_LIST, task.domain, task.list or ""))

    def _ring(self, name: str) -> None:
        self.rings[name] = self.rings.get(name, 0) + 1

    def taken(self, kind: str, domain: int, task_list: str) -> None:
        """This call takes a task: if it put one there itself, nobody else need be woken for it."""
        name = topic(kind, domain, task_list)
        if name in self.rings:
            self.rings[name] -= 1

    def activity_type(self, domain: int, name: str, version: str) -> ActivityType | None:
        """What decisions need to know of an activity type; None if it does not exist."""
        row = self.store.row("type", domain, "activity", name, version)
        if row is None or row[1] == "DELETED":
            return None
        return ActivityType(row[1] == "REGISTERED", orjson.loads(row[5]))

    def event(self, execution: int, event: int) -> tuple[int, dict[str, Any]]:
        """Time and attributes of an event that is there."""
        time, attributes = self.store.one("event", key_of(execution, event))
        return time, orjson.loads(attributes)


Operation = Callable[[Call, Request], Response]


def topic(kind: str, domain: int, task_list: str) -> str:
    """What pollers of a task list wait for. Two lists may share one, which costs a look."""
    return f"{kind}{domain:x}-{zlib.crc32(task_list.encode()):08x}"


_from_timestamp = datetime.fromtimestamp


def timestamp(milliseconds: int) -> datetime:
    """The time as boto3 gives it: an aware datetime."""
    return _from_timestamp(milliseconds / 1000, UTC)


def milliseconds(time: datetime | float) -> int:
    """A time of a request: a datetime (one without a zone is UTC, as for boto3) or seconds since 1970."""
    if isinstance(time, datetime):
        if time.tzinfo is None:
            time = time.replace(tzinfo=UTC)
        return round(time.timestamp() * 1000)
    return round(time * 1000)


_TYPES = {event.code: (event.name, event.member) for event in EVENT_TYPES}
_loads = orjson.loads


def event_dicts(rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """The events of a history as boto3 gives them, from rows of (key, time, type, attributes)."""
    events = []
    for key, time, code, attributes in rows:
        name, member = _TYPES[code]
        events.append(
            {
                "eventTimestamp": _from_timestamp(time / 1000, UTC),
                "eventType": name,
                "eventId": key & 0xFFFFFF,
                member: _loads(attributes),
            }
        )
    return events
