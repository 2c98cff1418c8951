"""Which tasks of a run come after which: the edges of its graph, as its history tells of them.

The decider notes with each task it asks for, in the event's `control`, which tasks gave it arguments and which others
it comes after (`simpleflow.dataflow.origins`). Where it could not, and in histories of other deciders, what a decision
asked for comes after what had ended since the decision before. It must not know how edges are drawn.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from simpleflow.command import CHILD, LAMBDA, OURS, SIGNAL, SIGNALED, TIMER
from simpleflow.payload.codec import read_object
from simpleflow.protocol import parsed
from simpleflow.protocol.parsed import Record
from simpleflow.swf.models.history import History

Key = tuple[str, Any]
"""What names a thing of a run: the type of its record (`simpleflow.protocol.parsed`) and its id. A signal that came has
its name for an id; a marker, and a signal to another run, the id of their first event."""

FEW: Final = 10
"""Of more tasks that ended between two decisions, the last is taken for what the later one came after."""

_TYPES: Final = {CHILD: "child_workflow", LAMBDA: "lambda_function", TIMER: "timer", SIGNALED: "signal"}
_ENDS: Final = (
    *("completed_id", "failed_id", "timed_out_id", "canceled_id", "terminated_id"),
    *("fired_event_id", "signaled_event_id", "failed_event_id"),
)

_UNTOLD: Final = ("marker", "external_workflow")


class Kind(StrEnum):
    """Why one comes after the other."""

    ARGUMENT = "argument"  # it was given its result
    ORDER = "order"  # the program had read its result, or it is the item before in a chain
    RELEASED = "released"  # it is not told: the one was asked for when the other had ended


@dataclass(frozen=True, slots=True)
class Edge:
    """`after` came after `before`."""

    before: Key
    after: Key
    kind: Kind


def edges(history: History) -> tuple[Edge, ...]:
    """The edges of a run's graph, each pair once, in the order in which the later ones were asked for.

    Of a task that was tried several times its last attempt counts. `before` may be a task that the history has no
    events of: one that a repair took over.
    """
    return tuple(_Edges(history.parsed).found())


class _Edges:
    def __init__(self, told: parsed.History) -> None:
        self._told = told
        self._records = sorted(_asked_for(told), key=lambda each: each[1].get("decision_task_completed_event_id", 0))
        self._sent = {str(record.get("control")): key for key, record in self._records if key[0] == "external_workflow"}
        self._by_key = dict(self._records)
        self._ends = sorted(_ends(told))
        self._windows = _windows(told)
        self._derived = not any(_told(record) for _, record in self._records)

    def found(self) -> Iterator[Edge]:
        for key, record in self._records:
            told = _told(record)
            seen = {key}
            for names, kind in ((_names(key, told, "after"), Kind.ARGUMENT), (self._since(key, told), Kind.ORDER)):
                for before in map(self._key, names):
                    if before is not None and before not in seen:
                        seen.add(before)
                        yield Edge(before, key, kind)
            if not told and (self._derived or key[0] in _UNTOLD or _has_own_control(record)):
                yield from self._released(key, record, seen)

    def _since(self, key: Key, told: Record) -> list[str]:
        """The names; where another task tells them, that one's."""
        since = told.get("since")
        if not isinstance(since, str):
            return _names(key, told, "since")
        teller = self._key(_whole(key, since))
        return _names(teller, _told(self._by_key.get(teller, {})), "since") if teller is not None else []

    def _key(self, name: str) -> Key | None:
        kind, colon, id = name.partition(":")
        if not colon:
            return "activity", name
        return self._sent.get(id) if kind == SIGNAL else (_TYPES.get(kind, kind), id)

    def _released(self, key: Key, record: Record, seen: set[Key]) -> Iterator[Edge]:
        """By time: what ended between the decision that asked for it and the one before."""
        after, until = self._windows.get(record.get("decision_task_completed_event_id", 0), (0, 0))
        first, last = bisect_right(self._ends, (after, ("", ""))), bisect_left(self._ends, (until + 1, ("", "")))
        ended = self._ends[first:last]
        for _, before in ended if len(ended) <= FEW else ended[-1:]:
            if before not in seen:
                seen.add(before)
                yield Edge(before, key, Kind.RELEASED)


def _told(record: Record) -> Record:
    control = record.get("control")
    return control if isinstance(control, dict) and ("after" in control or "since" in control) else {}


def _names(key: Key, told: Record, what: str) -> list[str]:
    """The names that are told of a task; a number among them says how many are not named."""
    found = told.get(what)
    return [_whole(key, name) for name in found if isinstance(name, str)] if isinstance(found, list) else []


def _whole(key: Key, name: str) -> str:
    """A name of which only the last part is told, for the rest is that of the task's own id."""
    return f"{str(key[1]).rpartition('-')[0]}{name}" if name.startswith("-") else name


def _has_own_control(record: Record) -> bool:
    return record["type"] == "timer" and record.get("control") is not None


def is_ours(record: Record) -> bool:
    """Whether it is a timer or a marker of the decider's own, of which no program knows."""
    name = str(record.get("id" if record["type"] == "timer" else "name"))
    return record["type"] in ("timer", "marker") and name.startswith((OURS, f"_{OURS}task_"))


def _asked_for(told: parsed.History) -> Iterator[tuple[Key, Record]]:
    """What decisions asked for."""
    groups: Sequence[dict[str, Record]] = (
        told.activities,
        told.child_workflows,
        told.lambda_functions,
        told.timers,
    )
    for group in groups:
        for id, record in group.items():
            if not is_ours(record):
                yield (record["type"], id), record
    for event_id, record in told.external_workflows_signaling.items():
        yield ("external_workflow", event_id), record
    for markers in told.markers.values():
        for record in markers:
            if not is_ours(record):
                yield ("marker", record["event_id"]), record


def _ends(told: parsed.History) -> Iterator[tuple[int, Key]]:
    """What a decider may act upon: the events that ended something, each with what they ended."""
    for key, record in _asked_for(told):
        if key[0] != "marker":
            yield from ((record[name], key) for name in _ENDS if record.get(name))
    for name, records in told.signal_lists.items():
        yield from ((record["event_id"], ("signal", name)) for record in records)


def _windows(told: parsed.History) -> dict[int, tuple[int, int]]:
    """By the event of a completed decision: after which event, and up to which, it saw what was new. One that sent what
    the decision before had held back saw what that one had seen."""
    windows: dict[int, tuple[int, int]] = {}
    after, held = 0, False
    for record in told.decision_tasks.values():
        if "completed_id" in record:
            until = record["started_id"]
            windows[record["completed_id"]] = after, until
            held = bool(read_object(record.get("execution_context")).get("held"))
            after = after if held else until
    return windows
