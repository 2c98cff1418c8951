"""A run as a chart: a row for each thing that took time, cut into segments. Data only: how it looks is others' matter.

Rows tell of activities, Lambda functions, children, timers that the program asked for, waits with a time limit, and
signals that came. The timers in which a task waits for its next attempt are segments of that task's row.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import groupby, pairwise
from typing import Any, Final

from simpleflow.command import OURS
from simpleflow.dataflow.graph import PAUSE
from simpleflow.payload.codec import read_object
from simpleflow.protocol.history import Event, attributes, close_status, opening_event_id
from simpleflow.protocol.parsed import RULES, SIGNAL, TASKS, TIMER, Effect, Rule
from simpleflow.swf.dependencies import Edge, edges
from simpleflow.swf.models.history import History
from simpleflow.swf.stats import instant

Key = tuple[str, str]
"""What names a row: its kind and its id."""
PARKED: Final = f"{OURS}parked-"
"""Begins the names of the timers in which a run waits for a decider with right code."""
FINE: Final = 400
"""Segments that gathered rows have at most: nobody sees more."""
FAILED: Final = ("failed", "timed_out", "terminated", "start_failed")
"""The states of what ended badly."""
_RULES: Final = {rule.event: rule for rule in RULES if rule.family in (*TASKS, TIMER, SIGNAL)}
_NAMES: Final = ("activityType", "workflowType")


class Shade(StrEnum):
    """What a segment is spent with."""

    QUEUED = "queued"
    RUNNING = "running"
    RETRYING = "waiting to retry"
    TIMER = "timer"
    SIGNAL = "signal"
    IDLE = "nothing"


BUSIEST: Final = (Shade.RUNNING, Shade.RETRYING, Shade.QUEUED, Shade.TIMER, Shade.SIGNAL)
"""Which of several beside each other is shown."""


@dataclass(frozen=True, slots=True)
class Segment:
    """From `start` to `end`, in seconds since the run began. `attempt` counts from 1; 0 where there is none. Waiting to
    retry belongs to the attempt that has failed.

    `ended` is the state into which it led ("completed", "failed", "fired", ...), empty where it goes on.
    """

    shade: Shade
    start: float
    end: float
    attempt: int = 0
    ended: str = ""

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Row:
    """One thing, or `count` of one name that are drawn as one. Its segments follow each other without gaps.

    `kind` is "activity", "lambda_function", "child_workflow", "timer" or "signal".
    """

    kind: str
    id: str
    name: str
    state: str
    segments: tuple[Segment, ...]
    critical: bool = False
    count: int = 1

    @property
    def key(self) -> Key:
        return self.kind, self.id

    @property
    def start(self) -> float:
        return self.segments[0].start

    @property
    def end(self) -> float:
        return self.segments[-1].end

    @property
    def seconds(self) -> float:
        return self.end - self.start

    @property
    def attempts(self) -> int:
        return max(segment.attempt for segment in self.segments)

    @property
    def label(self) -> str:
        """What names it for people."""
        if self.count > 1:
            return f"{self.name} x {self.count:,}"
        if self.kind == SIGNAL.type:
            return self.name
        return self.id.removeprefix("activity-").removeprefix(f"_{OURS}").removeprefix(OURS)


@dataclass(frozen=True, slots=True)
class Chart:
    """A run: `seconds` from its beginning to its end, or to now where it is open (`status` is "OPEN" then).

    `path` is the critical path, from its first row's key to its last one's; without what is folded.
    """

    workflow_id: str
    name: str
    status: str
    began: datetime
    seconds: float
    rows: tuple[Row, ...]
    path: tuple[Key, ...]


def chart(history: History, now: datetime | None = None, id: str = "") -> Chart:
    """The chart of a run; `now` is the end of one that is open. Raises ValueError where the history is empty."""
    raw = sorted((dict(event) for event in history.raw), key=lambda event: int(event["eventId"]))
    if not raw:
        raise ValueError("a history without events has no chart")
    closing = next((event for event in reversed(raw) if close_status(event)), None)
    drawing = _Drawing(_time(raw[0]))
    for event in raw:
        drawing.take(event)
    end = drawing.at(closing) if closing else ((now or datetime.now(UTC)) - drawing.began).total_seconds()
    rows = drawing.rows(max(end, drawing.at(raw[-1])))
    path = critical_path(rows, edges(history))
    first = attributes(raw[0])
    return Chart(
        id,
        first.get("workflowType", {}).get("name", ""),
        close_status(closing) or "OPEN" if closing else "OPEN",
        drawing.began,
        max(end, drawing.at(raw[-1])),
        tuple(replace(row, critical=row.key in path) for row in rows),
        tuple(path),
    )


def critical_path(rows: Sequence[Row], known: Iterable[Edge]) -> dict[Key, None]:
    """The keys of the rows that the run could not have been shorter without, in order.

    It is followed from what ended last: each row waited for the last to end of those that it is known to come after;
    where there is none, for whatever ended last before it was asked for.
    """
    there = [row for row in rows if row.state not in ("canceled", "signaled") or row.kind != TIMER.type]
    over = [row for row in there if row.segments[-1].ended] or there
    if not over:
        return {}
    number = {row.key: place for place, row in enumerate(rows)}
    before: dict[Key, list[Key]] = {}
    for edge in known:
        before.setdefault(edge.after, []).append(edge.before)
    named: dict[Key, list[Row]] = {}
    for each in over:
        named.setdefault((each.kind, each.name) if each.kind == SIGNAL.type else each.key, []).append(each)
    by_end = sorted(over, key=lambda row: (row.end, number[row.key]))
    ends = [(row.end, number[row.key]) for row in by_end]
    found: list[Key] = []
    row: Row | None = by_end[-1]
    while row is not None:
        found.append(row.key)
        told = (each for key in before.get(row.key, ()) for each in named.get(key, ()))
        earlier = [each for each in told if each.end <= row.start and number[each.key] < number[row.key]]
        row = max(earlier, key=lambda each: each.end) if earlier else _released(row, by_end, ends, number[row.key])
    return dict.fromkeys(reversed(found))


def _released(row: Row, by_end: Sequence[Row], ends: Sequence[tuple[float, int]], number: int) -> Row | None:
    """What ended last before a row began."""
    place = bisect_left(ends, (row.start, number)) - 1
    return by_end[place] if place >= 0 else None


def folded(drawn: Chart, most: int) -> Chart:
    """The same with about so many rows: those of the critical path and the longest ones; the rest is gathered by name.

    Gathered rows show at each time what the busiest of them did, and are failed where one is.
    """
    if len(drawn.rows) <= most:
        return drawn
    ranked = sorted(drawn.rows, key=lambda row: (row.critical, row.seconds), reverse=True)
    alone = {row.key for row in ranked[:most]}
    rest = sorted((row for row in drawn.rows if row.key not in alone), key=lambda row: (row.kind, row.name))
    groups = [list(group) for _, group in groupby(rest, key=lambda row: (row.kind, row.name))]
    groups.sort(key=len, reverse=True)
    few = max(1, most // 2)
    if len(groups) > few:
        others = [replace(row, name="others") for group in groups[few - 1 :] for row in group]
        groups[few - 1 :] = [others]
    rows = [row for row in drawn.rows if row.key in alone] + [_gathered(group) for group in groups]
    rows.sort(key=lambda row: row.start)
    kept = {row.key for row in rows if row.count == 1}
    return replace(drawn, rows=tuple(rows), path=tuple(key for key in drawn.path if key in kept))


def _gathered(rows: Sequence[Row]) -> Row:
    """Rows of one name as one."""
    if len(rows) == 1:
        return rows[0]
    changes: dict[float, dict[Shade, int]] = {}
    for row in rows:
        for segment in row.segments:
            for time, by in ((segment.start, 1), (segment.end, -1)):
                at = changes.setdefault(time, {})
                at[segment.shade] = at.get(segment.shade, 0) + by
    times = sorted(changes)
    going = dict.fromkeys(Shade, 0)
    segments: list[Segment] = []
    for start, end in pairwise(times):
        for shade, by in changes[start].items():
            going[shade] += by
        shade = next((shade for shade in BUSIEST if going[shade]), Shade.IDLE)
        if segments and segments[-1].shade is shade:
            start = segments.pop().start
        segments.append(Segment(shade, start, end))
    segments = _coarse(segments) if len(segments) > FINE else segments
    if not segments:  # all at one instant
        segments.append(Segment(rows[0].segments[0].shade, times[0], times[0]))
    states = {row.state for row in rows}
    state = next((state for state in FAILED if state in states), states.pop() if len(states) == 1 else "")
    name, critical = rows[0].name, any(row.critical for row in rows)
    return Row(rows[0].kind, f"{name} x {len(rows)}", name, state, tuple(segments), critical, len(rows))


def _coarse(segments: Sequence[Segment]) -> list[Segment]:
    """The same in at most FINE segments: for each part of the time what took the most of it."""
    start, end = segments[0].start, segments[-1].end
    size = (end - start) / FINE
    spent: list[dict[Shade, float]] = [{} for _ in range(FINE)]
    for segment in segments:
        first = min(FINE - 1, int((segment.start - start) / size))
        for part in range(first, min(FINE - 1, int((segment.end - start) / size)) + 1):
            share = min(segment.end, start + (part + 1) * size) - max(segment.start, start + part * size)
            spent[part][segment.shade] = spent[part].get(segment.shade, 0.0) + share
    shades = [max(part, key=lambda shade: part[shade]) for part in spent]
    edges = [place for place in range(1, FINE) if shades[place] is not shades[place - 1]]
    times = [start, *(start + place * size for place in edges), end]
    return [Segment(shades[place], *cut) for place, cut in zip([0, *edges], pairwise(times), strict=True)]


@dataclass(slots=True)
class _Bar:
    """A row under way; `shade` is None between two attempts, and at the end."""

    kind: str
    id: str
    name: str
    state: str
    since: float
    segments: list[Segment]
    shade: Shade | None = None
    attempt: int = 0
    pauses: bool = False

    def cut(self, at: float, shade: Shade | None, ended: str = "") -> None:
        """From now on it is spent with something else."""
        at = max(at, self.since)
        if self.shade is not None:
            self.segments.append(Segment(self.shade, self.since, at, self.attempt, ended))
        self.since, self.shade = at, shade


class _Drawing:
    """Rows, from events in order."""

    def __init__(self, began: datetime) -> None:
        self.began = began
        self._bars: dict[Key, _Bar] = {}
        self._opened: dict[int, _Bar] = {}
        self._pauses: dict[str, _Bar] = {}

    def at(self, event: Event) -> float:
        """When it was, in seconds since the run began."""
        return max(0.0, (_time(event) - self.began).total_seconds())

    def take(self, event: Event) -> None:
        rule = _RULES.get(event["eventType"])
        if rule is None:
            return
        if rule.family is SIGNAL:
            self._signal(event)
        elif rule.family is TIMER and _ours(attributes(event)["timerId"]):
            self._pause(rule, event)
        elif rule.effect is Effect.OPENS:
            self._opens(rule, event)
        elif (bar := self._opened.get(opening_event_id(event))) is not None and bar.shade is not None:
            if rule.state == "started":
                bar.cut(self.at(event), Shade.RUNNING, rule.state)
            elif rule.effect is not Effect.GOES_ON and rule.effect is not Effect.UNCHANGED:
                bar.cut(self.at(event), None, rule.state)
            bar.state = rule.state if rule.effect is not Effect.UNCHANGED else bar.state

    def rows(self, end: float) -> list[Row]:
        """All of them; what is not over goes on until the end."""
        for bar in self._bars.values():
            if bar.pauses and bar.shade is None:
                bar.shade, bar.state = Shade.RETRYING, Shade.RETRYING
            bar.cut(end, None)
        return [Row(bar.kind, bar.id, bar.name, bar.state, tuple(bar.segments)) for bar in self._bars.values()]

    def _opens(self, rule: Rule, event: Event) -> None:
        values, at = attributes(event), self.at(event)
        assert rule.family.key is not None
        key = rule.family.type, str(values[rule.family.key])
        bar = self._bars.get(key)
        if bar is None:
            name = next((values[named]["name"] for named in _NAMES if named in values), values.get("name", key[1]))
            bar = self._bars[key] = _Bar(*key, name, rule.state, at, [])
        elif bar.shade is None:
            bar.shade = Shade.RETRYING if bar.state in FAILED or bar.state == "canceled" else Shade.IDLE
            bar.cut(at, None, "scheduled")
        bar.cut(at, Shade.TIMER if rule.family is TIMER else Shade.QUEUED)
        bar.attempt += rule.family is not TIMER
        bar.state = rule.state
        self._opened[event["eventId"]] = bar

    def _signal(self, event: Event) -> None:
        name, at = attributes(event)["signalName"], self.at(event)
        id = f"{name}#{event['eventId']}"
        bar = _Bar(SIGNAL.type, id, name, "signaled", at, [Segment(Shade.SIGNAL, at, at, 0, "signaled")])
        self._bars[bar.kind, bar.id] = bar

    def _pause(self, rule: Rule, event: Event) -> None:
        """A timer of simpleflow's own begins or ends: a task waits in it for its next attempt, or it is no matter."""
        values: dict[str, Any] = attributes(event)
        timer = values["timerId"]
        if rule.effect is Effect.OPENS:
            task = read_object(values.get("control")).get("task")
            found = (self._bars.get((family.type, task)) for family in TASKS if isinstance(task, str))
            if (bar := next((bar for bar in found if bar is not None), None)) is not None:
                self._pauses[timer] = bar
                bar.pauses = True
        elif rule.effect is Effect.ENDS and (bar := self._pauses.pop(timer, None)) is not None:
            bar.pauses = False


def _ours(timer: str) -> bool:
    """Whether it is no row of its own: a pause between attempts, or a wake-up call of the decider."""
    return timer.startswith((PAUSE, OURS)) and not timer.startswith(PARKED)


def _time(event: Event) -> datetime:
    found = instant(event["eventTimestamp"])
    assert found is not None
    return found
