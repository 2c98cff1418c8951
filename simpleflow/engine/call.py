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

from simpleflow.engine.configuration import Configuration
from simpleflow.engine.rates import Buckets
from simpleflow.engine.rows import LAST, OpenExecution, Type, key_of
from simpleflow.engine.store import Store
from simpleflow.engine.transitions import Turn
from simpleflow.protocol.events import EVENT_TYPES
from simpleflow.protocol.faults import unknown
from simpleflow.protocol.limits import DAY, Limits

Request = dict[str, Any]
Response = dict[str, Any]

ACTIVITY_LIST, DECISION_LIST = "a", "d"


@dataclass(slots=True)
class Memory:
    """What an engine need not look up again.

    Ids of domains, their retention in milliseconds, and for each domain the execution number up to which no count of
    the open ones is needed.
    """

    domains: dict[str, int] = field(default_factory=dict)
    retention: dict[int, int] = field(default_factory=dict)
    room: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Call:
    """A call inside its transaction. `now` is in milliseconds since 1970.

    `memory` outlives the call.
    """

    store: Store
    now: int
    configuration: Configuration
    buckets: Buckets
    file: str
    memory: Memory
    rings: dict[str, int] = field(default_factory=dict)
    told: bool = False
    """Whether there are messages to deliver after this call."""

    @property
    def limits(self) -> Limits:
        return self.configuration.limits

    def page_size(self, request: Request) -> int:
        """How many a page of the answer holds at most."""
        most = self.limits.page_size
        return min(request.get("maximumPageSize") or most, most)

    def domain(self, name: str) -> int:
        """The id of a domain. Raises UnknownResourceFault."""
        found = self.memory.domains.get(name)
        if found is None:
            row = self.store.row("domain", name)
            if row is None:
                raise unknown(f"Unknown domain: {name}")
            found = self.memory.domains[name] = row[0]
        return found

    def expired(self, domain: int) -> int:
        """The instant (ms) at or before which executions closed that the domain no longer retains."""
        found = self.memory.retention.get(domain)
        if found is None:
            days = self.store.one("retention", domain)
            found = self.memory.retention[domain] = 0 if days == "NONE" else int(days) * DAY * 1000
        return self.now - found

    def turn(self, run: OpenExecution, time: int | None = None) -> Turn:
        """A turn of an open execution, now or at another time (ms)."""
        return self.store.load(run, self.now if time is None else time, self.limits)

    def open(self, turn: Turn) -> None:
        """Write a new execution, and note who waits for it."""
        self._ring_for(turn)
        self.store.open(turn)

    def save(self, turn: Turn) -> None:
        """Write what a turn did, and note who waits for it."""
        self._ring_for(turn)
        if self.store.save(turn):
            self.told = True

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

    def type(self, kind: str, domain: int, name: str, version: str) -> Type | None:
        """What decisions need to know of a type of activities or workflows; None if it does not exist."""
        row = self.store.row("type", domain, kind, name, version)
        if row is None or row[1] == "DELETED":
            return None
        return Type(row[1] == "REGISTERED", orjson.loads(row[5]))

    def event(self, execution: int, event: int) -> tuple[int, dict[str, Any]]:
        """Where the deadlines begin (ms) that an event sets, and its attributes; it is there."""
        began, _, attributes = self.store.one("event", key_of(execution, event))
        return began, orjson.loads(attributes)

    def event_at(self, key: int) -> tuple[int, str, dict[str, Any]]:
        """Where the deadlines begin (ms) that the event with this key sets, its type, and its attributes."""
        began, code, attributes = self.store.one("event", key)
        return began, _TYPES[code][0], orjson.loads(attributes)


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
