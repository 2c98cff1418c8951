"""A run under watch: how far each thing is that it asked for, read from its history as that grows. It never writes.

It must not know how that is shown.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from simpleflow.clients import SWFClient
from simpleflow.command import OURS
from simpleflow.payload.codec import read_object
from simpleflow.protocol.history import Event, attributes, close_status, opening_event_id
from simpleflow.protocol.parsed import OPEN, RULES, SIGNAL, TASKS, TIMER, Effect, Rule
from simpleflow.runtime import runs

PAGE: Final = 200
"""Events of a page; the first look takes larger ones."""
FAR: Final = 2.0
"""Seconds between two readings of a history that lies on Amazon's side, where each is a call that counts."""
RECENT: Final = 50
"""How many of the last ends of a type tell its rate."""
PAUSE: Final = f"_{OURS}task_"
"""Begins the names of the timers in which a task waits for its next attempt."""
RETRYING: Final = "waiting to retry"
RUNNING: Final = frozenset({"started", "cancel_requested"})
DONE: Final = frozenset({"completed"})
_RULES: Final = {rule.event: rule for rule in RULES if rule.family in (*TASKS, TIMER, SIGNAL)}


@dataclass(slots=True)
class Item:
    """A task, a child or a timer: its state, since when it is in that (UTC), and for timers until when.

    `attempt` counts from 1; `begun` is the id of the event with which a worker took it, 0 before; `changed` that of the
    last event about it.
    """

    kind: str
    id: str
    name: str
    state: str
    since: datetime
    attempt: int = 0
    begun: int = 0
    until: datetime | None = None
    changed: int = 0

    @property
    def label(self) -> str:
        """What names it for people."""
        return self.id.removeprefix("activity-").removeprefix(f"_{OURS}").removeprefix(OURS)


@dataclass(slots=True)
class Tally:
    """How many tasks of one type there are in each state."""

    name: str
    states: dict[str, int] = field(default_factory=dict)
    ends: deque[datetime] = field(default_factory=lambda: deque(maxlen=RECENT))

    def count(self, states: Iterable[str]) -> int:
        return sum(self.states.get(state, 0) for state in states)

    @property
    def known(self) -> int:
        return sum(self.states.values())

    @property
    def done(self) -> int:
        return self.count(DONE)

    @property
    def running(self) -> int:
        return self.count(RUNNING)

    @property
    def waiting(self) -> int:
        return self.count((*(OPEN - RUNNING), RETRYING))

    @property
    def failed(self) -> int:
        return self.known - self.done - self.running - self.waiting

    def rate(self, now: datetime) -> float | None:
        """Tasks a second, of late; None where too few are done to tell."""
        if len(self.ends) < 3:
            return None
        seconds = (now - self.ends[0]).total_seconds()
        return (len(self.ends) - 1) / seconds if seconds > 0 else None


@dataclass(frozen=True, slots=True)
class Change:
    """Something that has come into a state. `kind` is an item's, or "signal" or "workflow"."""

    time: datetime
    kind: str
    id: str
    state: str
    attempt: int | None = None
    told: str | None = None


@dataclass(slots=True)
class Watch:
    """A run's progress; each `look` reads only what is new.

    A run that goes on as a new one is followed: `run` is then that one, and the numbers go on. `lists` are the task
    lists of the activities, `closing` the event that closed the run, `parked` why its last decision could not be made.
    `changed` is called with each change, in order. `every` is how many seconds pass between two readings at least.
    """

    client: SWFClient
    run: runs.Run
    closing: Event | None = None
    parked: str | None = None
    lists: set[str] = field(default_factory=set)
    changed: Callable[[Change], None] = lambda change: None
    every: float = 0.0
    name: str = ""
    began: datetime | None = None
    round: int = 1
    tallies: dict[str, Tally] = field(default_factory=dict)
    _seen: int = 0
    _decided: int = 0
    _due: float = 0.0
    _items: dict[tuple[str, str], Item] = field(default_factory=dict)
    _opened: dict[int, Item] = field(default_factory=dict)  # by the events that asked for them
    _open: dict[tuple[str, str], Item] = field(default_factory=dict)
    _pauses: dict[str, Item] = field(default_factory=dict)

    @property
    def known(self) -> int:
        return sum(tally.known for tally in self.tallies.values())

    @property
    def done(self) -> int:
        return sum(tally.done for tally in self.tallies.values())

    @property
    def running(self) -> int:
        return sum(tally.running for tally in self.tallies.values())

    @property
    def waiting(self) -> int:
        return sum(tally.waiting for tally in self.tallies.values())

    @property
    def failed(self) -> int:
        return self.known - self.done - self.running - self.waiting

    @property
    def open(self) -> list[Item]:
        """What is not over, what changed last at the end: tasks, children, timers."""
        return list(self._open.values())

    @property
    def attempts(self) -> list[tuple[str, int]]:
        """The ids of the tasks that run, and of the events that say that they have begun; the newest last."""
        return [(item.id, item.begun) for item in self._open.values() if item.begun]

    def task(self, id: str) -> Item | None:
        """The task of this id in the run that is watched now."""
        found = (self._items.get((family.type, id)) for family in TASKS)
        return next((item for item in found if item is not None), None)

    def over(self, item: Item) -> bool:
        """Whether nothing will become of it any more: it is completed, or no decision has had it tried again."""
        waits = item.state in OPEN or item.state == RETRYING
        return not waits and (item.state in DONE or self.closing is not None or self._decided > item.changed)

    def look(self, now: bool = False) -> Event | None:
        """Read on, if it is time to, or `now`; the closing event, if the run has closed."""
        if not now and time.monotonic() < self._due:
            return self.closing
        self._read()
        while self.closing is not None and (following := runs.next_run(self.run, self.closing)) is not None:
            for item in self._open.values():
                self._count(item, -1)
            for box in (self._items, self._opened, self._open, self._pauses):
                box.clear()
            self.run, self.closing, self._seen, self.round = following, None, 0, self.round + 1
            self._decided = 0
            self._read()
        self._due = time.monotonic() + self.every
        return self.closing

    def _read(self) -> None:
        new: list[Event] = []
        page = PAGE if self._seen else 5 * PAGE
        for event in runs.history(self.client, self.run, reverse=True, page=page):
            if event["eventId"] <= self._seen:
                break
            new.append(event)
        for event in reversed(new):
            self._take(event)
            self._seen = event["eventId"]

    def _take(self, event: Event) -> None:
        kind = event["eventType"]
        rule = _RULES.get(kind)
        if rule is not None:
            self._task(rule, event)
        elif close_status(event):
            self.closing = event
            self._tell(event, "workflow", self.run.workflow_id, str(close_status(event)), runs.reason_of(event)[0])
        elif kind == "WorkflowExecutionStarted":
            self.name = attributes(event).get("workflowType", {}).get("name", "")
            self.began = self.began or _time(event)
            self._tell(event, "workflow", self.run.workflow_id, "OPEN", self.run.run_id)
        elif kind == "WorkflowExecutionCancelRequested":
            self._tell(event, "workflow", self.run.workflow_id, "cancel_requested")
        elif kind == "DecisionTaskCompleted":
            self._decided = event["eventId"]
            parked = read_object(attributes(event).get("executionContext")).get("parked")
            was, self.parked = self.parked, str(parked.get("error")) if isinstance(parked, dict) else None
            if self.parked and self.parked != was:
                self._tell(event, "workflow", self.run.workflow_id, "parked", self.parked)

    def _task(self, rule: Rule, event: Event) -> None:
        values = attributes(event)
        if rule.family is SIGNAL:
            self._tell(event, "signal", values["signalName"], rule.state)
        elif rule.family is TIMER and values["timerId"].startswith((PAUSE, OURS)):
            self._pause(rule, event, values)
        elif rule.effect is Effect.OPENS:
            self._opens(rule, event, values)
        elif rule.effect is not Effect.UNCHANGED and (item := self._opened.get(opening_event_id(event))) is not None:
            item.begun = event["eventId"] if rule.state == "started" and rule.family is not TIMER else item.begun
            self._turn(item, rule.state, event, values.get("reason") or values.get("timeoutType"))

    def _opens(self, rule: Rule, event: Event, values: dict[str, Any]) -> None:
        kind, id = rule.family.type, str(values[str(rule.family.key)])
        item = self._items.get((kind, id))
        if item is None:
            named = values.get("activityType") or values.get("workflowType") or {"name": values.get("name", id)}
            item = self._items[kind, id] = Item(kind, id, named["name"], "", _time(event))
        if kind == "activity":
            self.lists.add(values["taskList"]["name"])
        if rule.family is TIMER:
            item.until = _time(event) + timedelta(seconds=int(values["startToFireTimeout"]))
        else:
            item.attempt, item.begun = item.attempt + 1, 0
        self._opened[event["eventId"]] = item
        self._turn(item, rule.state, event, None)

    def _turn(self, item: Item, state: str, event: Event, told: str | None) -> None:
        """It comes into another state."""
        self._count(item, -1)
        item.state, item.since, item.changed = state, _time(event), event["eventId"]
        self._count(item, 1)
        key = item.kind, item.id
        self._open.pop(key, None)
        if state in OPEN or state == RETRYING:
            self._open[key] = item
        else:
            item.begun = 0
            if item.kind != TIMER.type:
                self.tallies[item.name].ends.append(item.since)
        self._tell(event, item.kind, item.id, state, told, item.attempt or None)

    def _count(self, item: Item, by: int) -> None:
        if item.state and item.kind != TIMER.type:
            states = self.tallies.setdefault(item.name, Tally(item.name)).states
            states[item.state] = states.get(item.state, 0) + by

    def _pause(self, rule: Rule, event: Event, values: dict[str, Any]) -> None:
        """A timer of simpleflow's own: a task waits in it for its next attempt, or it is no matter."""
        if rule.effect is Effect.OPENS and values["timerId"].startswith(PAUSE):
            task = read_object(values.get("control")).get("task")
            found = (self._items.get((family.type, str(task))) for family in TASKS)
            if (item := next((item for item in found if item is not None), None)) is not None:
                self._pauses[values["timerId"]] = item
                item.until = _time(event) + timedelta(seconds=int(values["startToFireTimeout"]))
                self._turn(item, RETRYING, event, None)
        elif rule.state == "canceled" and (item := self._pauses.get(values["timerId"])) is not None:
            self._turn(item, "canceled", event, None)

    def _tell(
        self, event: Event, kind: str, id: str, state: str, told: str | None = None, attempt: int | None = None
    ) -> None:
        self.changed(Change(_time(event), kind, id, state, attempt, told))


def pace(url: str) -> float:
    """Seconds between two readings of a history on this engine."""
    return FAR if url.partition(":")[0] == "aws" else 0.0


def _time(event: Event) -> datetime:
    found: datetime = event["eventTimestamp"]
    return found.astimezone(UTC)
