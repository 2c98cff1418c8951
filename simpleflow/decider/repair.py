"""What a run that repairs another takes over from it: results of tasks, by id and input.

All of it is read from the history of the former run before the program begins, and is recorded in markers of the new
one; the program begins where the last of them is read. From then on the former history is not looked at any more, and
what a run knows is a function of its own history alone. Pure: it reads events and texts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from simpleflow.activity import importable_name
from simpleflow.command import (
    ACTIVITY,
    CHILD,
    LAMBDA,
    REPAIRED,
    WAKE_UP,
    Command,
    ContinueAsNew,
    RunLambda,
    ScheduleActivity,
    StartChild,
)
from simpleflow.constants import MAX_DECISIONS
from simpleflow.dataflow import Completed
from simpleflow.decider.decisions import Decision, timer
from simpleflow.decider.outbox import MAX_BYTES, size_of
from simpleflow.decider.translate import WORDS, Words, identity
from simpleflow.payload import codec
from simpleflow.payload.reference import REFERENCE
from simpleflow.protocol.history import Event, attributes, of_types
from simpleflow.protocol.parsed import RULES

KINDS: Final = (ACTIVITY, CHILD, LAMBDA)
"""What is taken over; timers, signals and markers are asked for again."""

GOES_ON: Final = "continue-as-new"
"""The kind, and the id, of what stands for the run as which the former one went on."""

COMPLETED: Final = "completed"
REUSED: Final = "reused"
"""The status of a task whose result the former run had itself taken over."""

MAX_PIECE: Final = codec.MAX_LENGTH  # characters in a marker

_WORDS: Final = [words for words in WORDS if words.kind in KINDS]
_STATES: Final = {rule.event: rule.state for rule in RULES}
_END: Final = "end"

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Former:
    """A run that is repaired. `root` are the workflow id and the run id of the one that was not itself a repair: the
    ids of children are made of them."""

    workflow_id: str
    run_id: str
    root: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Order:
    """What the input of a run says of the run that it repairs. Tasks whose id `force` is found in run again."""

    former: Former
    force: str | None = None

    def as_extra(self) -> dict[str, Any]:
        """What stands in the input, under `codec.EXTRA`."""
        former = self.former
        said = {"workflow_id": former.workflow_id, "run_id": former.run_id, "root": list(former.root)}
        return said | ({"force": self.force} if self.force else {})


def order_of(input: str | None) -> Order | None:
    """What a run's input says of the run that it repairs; None where it repairs none."""
    said = codec.extra(input).get("repair") or {}
    match said:
        case {"workflow_id": str(workflow_id), "run_id": str(run_id), "root": [str(root_id), str(root_run)]}:
            return Order(Former(workflow_id, run_id, (root_id, root_run)), said.get("force"))
    return None


def former(workflow_id: str, run_id: str, input: str | None) -> Former:
    """The run with these ids and this input, as one that is repaired."""
    order = order_of(input)
    return Former(workflow_id, run_id, order.former.root if order is not None else (workflow_id, run_id))


@dataclass(frozen=True, slots=True)
class FormerTask:
    """A task of the former run: `digest` stands for what was called with which arguments.

    `status` is the state of its last attempt; `result` is as the history has it; `run` is a child's.
    """

    kind: str
    id: str
    digest: str
    status: str
    result: str | None = None
    run: Former | None = None

    @property
    def is_reused(self) -> bool:
        return self.status in (COMPLETED, REUSED)

    @property
    def is_kept(self) -> bool:
        """Whether the new run needs to know of it: a child that did not complete is repaired in turn, and so is the
        run as which the former one went on."""
        return self.is_reused or self.run is not None

    def as_line(self) -> str:
        run = self.run and [self.run.workflow_id, self.run.run_id, *self.run.root]
        result = [self.result] if self.is_reused else None
        return json.dumps([self.kind, self.id, self.digest, result, None if self.is_reused else run])


def tasks_of(events: Iterable[Event], workflow_id: str) -> list[FormerTask]:
    """The tasks of a run and how they stand, each once, in the order in which they were asked for first; before them
    those that it had itself taken over, and last the run as which it went on."""
    own: dict[Key, FormerTask] = {}
    opened: dict[int, tuple[FormerTask, str | None]] = {}  # with the input
    pieces: list[str] = []
    for event in events:
        type, given = event["eventType"], attributes(event)
        if type == "MarkerRecorded" and given["markerName"] == REPAIRED:
            pieces.append(given.get("details") or "")
        elif (words := _OPENED.get(type)) is not None:
            digest = identity(given[words.type]["name"] if words.type else given["name"], given.get("input"))
            before = own.get((words.kind, words.id(given)))
            task = FormerTask(words.kind, words.id(given), digest, _STATES[type], run=before.run if before else None)
            opened[event["eventId"]] = task, given.get("input")
            own[task.kind, task.id] = task
        elif (words := _LATER.get(type)) is not None and (given.get(words.link) or 0) in opened:
            task, input = opened[given[words.link]]
            now = replace(task, status=_STATES[type], result=given.get("result"))
            if type == words.begun:  # later events may tell the last of the runs as which it went on
                now = replace(now, run=former(task.id, given["workflowExecution"]["runId"], input))
            opened[given[words.link]] = now, input
            own[task.kind, task.id] = now
        elif type == "WorkflowExecutionContinuedAsNew":
            next_run = former(workflow_id, given["newExecutionRunId"], given.get("input"))
            own[GOES_ON, GOES_ON] = FormerTask(GOES_ON, GOES_ON, "", "continued", run=next_run)
    taken_over = {(task.kind, task.id): task for task in _read("".join(pieces))}
    return list((taken_over | own).values())


def tasks_left_by(
    events: Sequence[Event], workflow_id: str, read: Callable[[Former], Sequence[Event]]
) -> list[FormerTask]:
    """The tasks of a closed run, and the run as which it went on. `read` gives the events of the one that it was to
    repair: those count where it was closed before it had taken over all of them."""
    order = order_of(attributes(events[0]).get("input"))
    if order is not None:
        own = Repair(order)
        for event in of_types(events, "MarkerRecorded"):
            if attributes(event)["markerName"] == REPAIRED:
                own.read(attributes(event).get("details") or "")
        if not own.complete:
            older = order.former
            return list(kept(tasks_left_by(read(older), older.workflow_id, read), order.force))
    return tasks_of(events, workflow_id)


def kept(tasks: Iterable[FormerTask], force: str | None) -> Iterator[FormerTask]:
    """Those that a run which repairs theirs takes over."""
    forced = re.compile(force) if force else None
    return (task for task in tasks if task.is_kept and not (forced is not None and forced.search(task.id)))


def pieces_of(tasks: Iterable[FormerTask]) -> list[str]:
    """The tasks as texts that fit a marker each: a line each, one that is too long in several pieces."""
    pieces = [""]
    for line in (*(task.as_line() for task in tasks), _END):
        line += "\n"
        if len(pieces[-1]) + len(line) > MAX_PIECE and pieces[-1]:
            pieces.append("")
        while len(line) > MAX_PIECE:
            end = _end_of_piece(line)
            pieces[-1], line = line[:end], line[end:]
            pieces.append("")
        pieces[-1] += line
    return pieces


def _end_of_piece(line: str) -> int:
    """Where a line that is too long is cut: not in a reference, for who looks for those in use reads event by event."""
    for found in REFERENCE.finditer(line):
        if found.end() > MAX_PIECE:
            return min(found.start(), MAX_PIECE)
    return MAX_PIECE


def recording(pieces: Sequence[str], event_id: int) -> list[Decision]:
    """The decisions that record the first of these pieces, as many as fit one response, and ask for the next one."""
    decisions: list[Decision] = []
    size = 0
    for piece in pieces[: MAX_DECISIONS - 1]:
        marker = {"markerName": REPAIRED, "details": piece}
        decision: Decision = {"decisionType": "RecordMarker", "recordMarkerDecisionAttributes": marker}
        size += size_of(decision)
        if size > MAX_BYTES:
            break
        decisions.append(decision)
    return [*decisions, timer(f"{WAKE_UP}{event_id}", 0)]


class Repair:
    """What one run has taken over, as its own history tells it; `complete` once all is read."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.complete = False
        self.pieces: list[str] = []
        self._kept: dict[Key, FormerTask] = {}
        self._again: dict[str, Former] = {}  # children of the run's own that repair one, by id

    def read(self, details: str) -> bool:
        """Take a marker of ours; whether all is known with it."""
        self.pieces.append(details)
        if not self.complete and details.endswith(f"{_END}\n"):
            text = "".join(self.pieces)
            self.complete = text == f"{_END}\n" or text.endswith(f"\n{_END}\n")
            self._kept = {(task.kind, task.id): task for task in _read(text)} if self.complete else {}
        return self.complete

    def completed(self, command: Command, time: float) -> Completed | None:
        """The end of the task that is asked for, where it is known."""
        task = self._known(command)
        if task is None or not task.is_reused:
            return None
        return Completed(time, task.id, codec.as_json(task.result), task.kind)

    def child_began(self, id: str, run_id: str, input: str | None) -> None:
        """A child of the run has begun: another attempt of it goes on from where this one will have come to."""
        if order_of(input) is not None:
            self._again[id] = former(id, run_id, input)

    def of_next(self, command: StartChild | ContinueAsNew) -> dict[str, Any] | None:
        """What the input of a child, or of the run as which this one goes on, says of the run that it repairs."""
        if isinstance(command, ContinueAsNew):
            next_run = self._kept.get((GOES_ON, GOES_ON))
            return Order(next_run.run, self.order.force).as_extra() if next_run and next_run.run else None
        if command.id in self._again:
            return Order(self._again[command.id]).as_extra()  # what was forced to run again has run, or is not kept
        task = self._known(command)
        return None if task is None or task.run is None else Order(task.run, self.order.force).as_extra()

    def _known(self, command: Command) -> FormerTask | None:
        task = self._kept.get((command.kind, command.id))
        return task if task is not None and task.digest == _digest(command) else None


def _digest(command: Command) -> str | None:
    match command:
        case ScheduleActivity(activity=activity):
            return identity(activity.name, command.input)
        case StartChild(workflow=workflow):
            return identity(importable_name(workflow), command.input)
        case RunLambda(name=name):
            return identity(name, command.input)
    return None


def _read(text: str) -> Iterator[FormerTask]:
    """The tasks of a text that is whole; of one that is not, those that are."""
    *lines, _ = text.split("\n")
    for line in lines:
        if line == _END:
            return
        kind, id, digest, result, run = json.loads(line)
        if result is None:
            yield FormerTask(kind, id, digest, "failed", run=Former(run[0], run[1], (run[2], run[3])))
        else:
            yield FormerTask(kind, id, digest, REUSED, result[0])


_OPENED: Final[dict[str, Words]] = {words.opened: words for words in _WORDS}
_LATER: Final[dict[str, Words]] = {
    event: words for words in _WORDS for event in (words.begun, words.refused, *words.closed) if event
}
