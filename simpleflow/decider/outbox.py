"""The outbox: commands asked for and not yet found in the history.

It stands between program and engine. It knows of batches, limits and failed decisions, which the program never
sees; it is rebuilt from history and program alone, for nothing is marked as sent on the strength of having been sent.
It also checks that the history holds what the code asks for.

What a decision may hold is what was asked for when its DecisionTaskStarted was read: events between that and its
DecisionTaskCompleted stand in the history before decisions that were made without knowing them.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from typing import Any, Final

import orjson

from simpleflow.activity import Activity
from simpleflow.decider.translate import Decision, same_call, timer
from simpleflow.exceptions import NonDeterministic
from simpleflow.task import CancelActivity, Close, Command, ScheduleActivity

MAX_DECISIONS: Final = 100
MAX_BYTES: Final = 900_000  # of the 1 MB that Amazon takes for a request, the rest of it aside
OURS: Final = "_simpleflow_"
"""Timers whose id starts so belong to the decider."""

REGISTER: Final = frozenset({"ACTIVITY_TYPE_DOES_NOT_EXIST"})
"""Causes that registering the type should mend: it is sent again at once, the first time."""
BACK_OFF: Final = frozenset({"ACTIVITY_CREATION_RATE_EXCEEDED", "OPEN_ACTIVITIES_LIMIT_EXCEEDED"})
"""Causes that time should mend: nothing is scheduled until a timer of ours has fired. All others park the run."""
MAX_REST: Final = 60  # seconds


@dataclass(slots=True)
class Entry:
    """A command, the how manyeth it was, and how often it was refused."""

    number: int
    command: Any
    refusals: int = 0
    refused_by: int = 0  # the DecisionTaskCompleted whose attempt to send it failed


@dataclass(frozen=True, slots=True)
class Trouble:
    """A decision that was refused for what somebody has to mend, the how manyeth time."""

    message: str
    times: int


@dataclass(frozen=True, slots=True)
class Block:
    """The decisions of one DecisionTaskCompleted: what they may and must hold."""

    completed_id: int
    asked: int  # commands with smaller numbers were asked for when it was made
    held: int | None  # how many of them it held back; None where it does not say
    closing: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """What to answer now: decisions, how many commands are held back, and what a close leaves undone."""

    decisions: list[Decision]
    scheduled: list[Activity[..., Any]]
    held: int
    dropped: list[str]
    closes: bool


class Outbox:
    """The outbox of one run. `max_open` is how many activities may be open at once."""

    def __init__(self, max_open: int) -> None:
        self._max_open = max_open
        self._asked = 0
        self._schedules: dict[str, Entry] = {}
        self._cancels: dict[str, Entry] = {}
        self._close: Close | None = None
        self._started: tuple[int, int, bool] | None = None  # event id, commands asked for, closing
        self._block: Block | None = None
        self._resting = ""  # the open timer that we wait for before schedules go out again
        self._rest_wanted = 0  # seconds
        self.open = 0
        self.trouble: Trouble | None = None
        self._lacking: Counter[str] = Counter()
        self.missing_types: set[str] = set()

    # -- from the program ------------------------------------------------------------------------------------------

    def ask(self, command: Command) -> None:
        entry = Entry(self._asked, command)
        self._asked += 1
        if isinstance(command, ScheduleActivity):
            self._schedules[command.id] = entry
        else:
            self._cancels.setdefault(command.id, entry)

    def close(self, close: Close) -> None:
        self._close = close

    # -- from the history ------------------------------------------------------------------------------------------

    def decision_started(self, event_id: int) -> None:
        self.end_block()
        self._started = (event_id, self._asked, self._close is not None)

    def decision_timed_out(self) -> None:
        self._started = None

    def decision_completed(self, event_id: int, started_id: int, held: int | None, parked: bool) -> None:
        started, self._started = self._started, None
        if parked:
            self.trouble = None  # it was shown; now it is tried again
        elif started is not None and started[0] == started_id:
            self._block = Block(event_id, started[1], held, started[2])

    def end_block(self) -> None:
        """The decisions of a block are read: what was asked for then, and was not held back, must have been there."""
        block, self._block = self._block, None
        if block is None or block.held != 0 or block.closing:
            return
        for entry in self._schedules.values():
            if entry.number >= block.asked:
                return
            if entry.refused_by != block.completed_id:
                raise NonDeterministic(
                    f"the code asks for {_worded(entry.command)}; the decision of event {block.completed_id} "
                    "did not: the code has changed since"
                )

    def activity_scheduled(self, event_id: int, attributes: dict[str, Any]) -> None:
        id = attributes["activityId"]
        entry = self._found(event_id, "ActivityTaskScheduled", id, attributes)
        command: ScheduleActivity = entry.command
        name = attributes["activityType"]["name"]
        if name != command.activity.name or not same_call(command.input, attributes.get("input")):
            raise NonDeterministic(
                f"event {event_id} (ActivityTaskScheduled) holds {id} of type {name} with the input "
                f"{_short(attributes.get('input'))}; the code asks for {_worded(command)} "
                f"with the input {_short(command.input)}"
            )
        del self._schedules[id]
        self.open += 1

    def schedule_failed(self, event_id: int, attributes: dict[str, Any]) -> None:
        """A decision of ours was refused: register the type, back off through a timer, or show the trouble."""
        id, cause = attributes["activityId"], attributes["cause"]
        entry = self._found(event_id, "ScheduleActivityTaskFailed", id, attributes)
        entry.refused_by = attributes["decisionTaskCompletedEventId"]
        entry.refusals += 1
        if cause in REGISTER:
            self.missing_types.add(attributes["activityType"]["name"])
        if cause in BACK_OFF or (cause in REGISTER and entry.refusals > 1):
            self._rest_wanted = max(self._rest_wanted, min(2 ** min(entry.refusals, 10), MAX_REST))
        elif cause not in REGISTER:
            self.trouble = Trouble(f"{id} cannot be scheduled: {cause} (event {event_id})", entry.refusals)

    def activity_lacks(self, id: str, reason: str) -> None:
        """An activity failed for want of what somebody has to mend: it is shown, and then tried again."""
        self._lacking[id] += 1
        self.trouble = Trouble(f"{id} cannot be run: {reason}", self._lacking[id])

    def cancel_answered(self, attributes: dict[str, Any]) -> None:
        entry, block = self._cancels.get(attributes["activityId"]), self._block
        if entry is not None and block is not None and entry.number < block.asked:
            del self._cancels[attributes["activityId"]]

    def activity_closed(self, id: str) -> None:
        self.open -= 1
        self._cancels.pop(id, None)

    def timer_started(self, id: str) -> None:
        if id.startswith(f"{OURS}rest"):
            self._resting, self._rest_wanted = id, 0

    def timer_ended(self, id: str) -> None:
        if id == self._resting:
            self._resting = ""

    # -- to the engine ---------------------------------------------------------------------------------------------

    def batch(self, translate: Callable[[Command | Close], Decision], event_id: int) -> Batch:
        """What to send now, at the decision task that `event_id` started."""
        dropped: list[str] = []
        if self._close is not None:
            dropped = [_worded(entry.command) for entry in self._schedules.values()]
            self._cancels = {id: e for id, e in self._cancels.items() if id not in self._schedules}
            self._schedules.clear()
        decisions, commands, more = self._fill(translate)
        waiting = len(self._schedules) + len(self._cancels)
        held = waiting - len(commands)
        if more:
            decisions.append(timer(f"{OURS}wake_up-{event_id}", 0))
        elif self._rest_wanted and self._schedules:
            decisions.append(timer(f"{OURS}rest-{event_id}", self._rest_wanted))
        closes = self._close is not None and not held
        if self._close is not None and closes:
            decisions.append(translate(self._close))
        scheduled = [command.activity for command in commands if isinstance(command, ScheduleActivity)]
        return Batch(decisions, scheduled, held, dropped, closes)

    def _fill(self, translate: Callable[[Command | Close], Decision]) -> tuple[list[Decision], list[Command], bool]:
        """The first commands that fit one response, in the order asked for, and whether more would be allowed."""
        decisions: list[Decision] = []
        commands: list[Command] = []
        size = 0
        room = MAX_DECISIONS - (self._close is not None)
        sent: set[str] = set()
        for entry in self._allowed():
            command = entry.command
            if isinstance(command, ScheduleActivity):
                sent.add(command.id)
            elif command.id in self._schedules and command.id not in sent:
                continue  # what is held back is cancelled once it is there
            decision = translate(command)
            size += _size(decision)
            if len(decisions) == room or (size > MAX_BYTES and decisions):
                while len(decisions) > MAX_DECISIONS - 1:  # the wake-up timer needs a place
                    decisions.pop()
                    commands.pop()
                return decisions, commands, True
            decisions.append(decision)
            commands.append(command)
        return decisions, commands, False

    def _allowed(self) -> Iterator[Entry]:
        """What may go out now, in the order in which it was asked for."""
        resting = self._resting or self._rest_wanted
        room = 0 if resting else max(0, self._max_open - self.open)
        return heapq.merge(
            islice(self._schedules.values(), room), self._cancels.values(), key=attrgetter("number")
        )

    def _found(self, event_id: int, kind: str, id: str, attributes: dict[str, Any]) -> Entry:
        """The command that an event of the current block is about. Raises NonDeterministic when there is none."""
        entry, block = self._schedules.get(id), self._block
        here = block is not None and block.completed_id == attributes["decisionTaskCompletedEventId"]
        if entry is not None and block is not None and here and entry.number < block.asked:
            return entry
        asked = ", ".join(_worded(entry.command) for entry in islice(self._schedules.values(), 3))
        raise NonDeterministic(
            f"event {event_id} ({kind}) holds {id}, which the code does not ask for there; "
            f"it asks for {asked or 'nothing'}"
        )


def _worded(command: ScheduleActivity | CancelActivity) -> str:
    return f"{command.id} at {command.where}"


def _short(text: str | None) -> str:
    text = text or "nothing"
    return text if len(text) <= 200 else f"{text[:200]}..."


def _size(decision: Decision) -> int:
    """Bytes of the decision in a request, at most: what is not ASCII is escaped there."""
    text = orjson.dumps(decision)
    return len(text) * (1 if text.isascii() else 3)
