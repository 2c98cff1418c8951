"""The outbox: commands asked for and not yet found in the history.

It stands between program and engine. It knows of batches, limits and failed decisions, which the program never
sees; it is rebuilt from history and program alone, for nothing is marked as sent on the strength of having been sent.
It also checks that the history holds what the code asks for.

What a decision may hold is what was asked for when its DecisionTaskStarted was read: events between that and its
DecisionTaskCompleted stand in the history before decisions that were made without knowing them.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from operator import attrgetter
from sys import maxsize
from typing import Any, Final

import orjson

from simpleflow.decider.translate import Decision, Words, timer
from simpleflow.exceptions import NonDeterministic
from simpleflow.task import ACTIVITY, TIMER, Cancel, Close, Command

MAX_DECISIONS: Final = 100
MAX_BYTES: Final = 900_000  # of the 1 MB that Amazon takes for a request, the rest of it aside
OURS: Final = "_simpleflow_"
"""Timers whose id starts so belong to the decider."""

REGISTER: Final = frozenset({"ACTIVITY_TYPE_DOES_NOT_EXIST"})
"""Causes that registering the type should mend: it is sent again at once, the first time."""
BACK_OFF: Final = frozenset(
    {
        "ACTIVITY_CREATION_RATE_EXCEEDED",
        "OPEN_ACTIVITIES_LIMIT_EXCEEDED",
        "TIMER_CREATION_RATE_EXCEEDED",
        "OPEN_TIMERS_LIMIT_EXCEEDED",
    }
)
"""Causes that time should mend: nothing of that kind is asked for until a timer of ours has fired."""
SETTLE: Final = frozenset({"TIMER_ID_ALREADY_IN_USE"})
"""Causes that are the task's end. All others park the run."""
MAX_REST: Final = 60  # seconds

DROPPED: Final = frozenset({ACTIVITY, TIMER})
"""What was never sent of these kinds is not sent before a close: nobody would see what comes of it."""
WITHDRAWN: Final = frozenset({TIMER})
"""What was never sent of these kinds and its cancel are as if they had never been."""


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
    commands: list[Command]
    held: int
    dropped: list[str]
    closes: bool


class Outbox:
    """The outbox of one run. `max_open` says how many tasks of a kind may be open at once."""

    def __init__(self, max_open: Mapping[str, int]) -> None:
        self._max_open = max_open
        self._asked = 0
        self._openings: defaultdict[str, dict[str, Entry]] = defaultdict(dict)  # by kind and id
        self._cancels: dict[tuple[str, str], Entry] = {}
        self._close: Close | None = None
        self._started: tuple[int, int, bool] | None = None  # event id, commands asked for, closing
        self._block: Block | None = None
        self._resting: dict[str, str] = {}  # by kind, the open timer that we wait for before more of it go out
        self._rest_wanted: dict[str, int] = {}  # seconds
        self.open: Counter[str] = Counter()
        self.trouble: Trouble | None = None
        self.missing_types: set[str] = set()

    # -- from the program ------------------------------------------------------------------------------------------

    def ask(self, command: Command) -> None:
        entry = Entry(self._asked, command)
        self._asked += 1
        if isinstance(command, Cancel):
            self._cancels.setdefault((command.kind, command.id), entry)
        else:
            self._openings[command.kind][command.id] = entry

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
            for kind, id in self._withdrawn(started[1]):
                del self._openings[kind][id], self._cancels[kind, id]

    def end_block(self) -> None:
        """The decisions of a block are read: what was asked for then, and was not held back, must have been there."""
        block, self._block = self._block, None
        if block is None or block.held != 0 or block.closing:
            return
        for entries in self._openings.values():
            for entry in entries.values():
                if entry.number >= block.asked:
                    break
                if entry.refused_by != block.completed_id:
                    raise NonDeterministic(
                        f"the code asks for {_worded(entry.command)}; the decision of event {block.completed_id} "
                        "did not: the code has changed since"
                    )

    def opened(self, words: Words, event_id: int, attributes: dict[str, Any]) -> None:
        """A decision of ours was heard; it must be the one that the program asks for."""
        id = attributes[words.id]
        entry = self._found(words, event_id, words.opened, id, attributes)
        if not words.same(entry.command, attributes):
            type = f" of type {attributes[words.type]['name']}" if words.type else ""
            raise NonDeterministic(
                f"event {event_id} ({words.opened}) holds {id}{type} with the input "
                f"{_short(attributes.get('input'))}; the code asks for {_worded(entry.command)} "
                f"with the input {_short(entry.command.input)}"
            )
        del self._openings[words.kind][id]
        self.open[words.kind] += 1

    def refused(self, words: Words, event_id: int, attributes: dict[str, Any]) -> bool:
        """A decision of ours was refused: whether that is the end of its task.

        Else the type is registered, or time is left to pass, or the trouble is shown; then it is sent again.
        """
        kind, id, cause = words.kind, attributes[words.id], attributes["cause"]
        entry = self._found(words, event_id, words.refused, id, attributes)
        if cause in SETTLE:
            del self._openings[kind][id]
            return True
        entry.refused_by = attributes["decisionTaskCompletedEventId"]
        entry.refusals += 1
        if cause in REGISTER:
            self.missing_types.add(attributes[words.type]["name"])
        if cause in BACK_OFF or (cause in REGISTER and entry.refusals > 1):
            rest = min(2 ** min(entry.refusals, 10), MAX_REST)
            self._rest_wanted[kind] = max(self._rest_wanted.get(kind, 0), rest)
        elif cause not in REGISTER:
            self.trouble = Trouble(f"{id} is refused: {cause} (event {event_id})", entry.refusals)
        return False

    def closed(self, kind: str, id: str) -> None:
        """A task is over."""
        self.open[kind] -= 1
        self._cancels.pop((kind, id), None)

    def cancel_answered(self, words: Words, event_id: int, attributes: dict[str, Any]) -> None:
        """A cancel of ours was heard, or refused because there is nothing to cancel any more."""
        key = (words.kind, attributes[words.id])
        entry, block = self._cancels.get(key), self._block
        if entry is not None and block is not None and entry.number < block.asked:
            del self._cancels[key]

    def cancelled_at_once(self, words: Words, event_id: int, attributes: dict[str, Any]) -> None:
        """A cancel of ours was heard, and was the task's end. Raises NonDeterministic where nobody asks for it."""
        key = (words.kind, attributes[words.id])
        entry, block = self._cancels.pop(key, None), self._block
        if entry is None or block is None or entry.number >= block.asked:
            raise NonDeterministic(
                f"event {event_id} ({words.cancelled}) holds {key[1]}, which the code does not cancel there"
            )
        self.open[words.kind] -= 1

    def timer_started(self, id: str) -> None:
        """A timer of ours runs."""
        if id.startswith(f"{OURS}rest"):
            kind = id.removeprefix(f"{OURS}rest").rpartition("-")[0].lstrip("_") or ACTIVITY
            self._resting[kind] = id
            self._rest_wanted.pop(kind, None)

    def timer_ended(self, id: str) -> None:
        """A timer of ours has fired."""
        for kind in [kind for kind, waited in self._resting.items() if waited == id]:
            del self._resting[kind]

    # -- to the engine ---------------------------------------------------------------------------------------------

    def batch(self, translate: Callable[[Command | Close], Decision], event_id: int) -> Batch:
        """What to send now, at the decision task that `event_id` started."""
        dropped = [] if self._close is None else self._drop()
        decisions, commands, more = self._fill(translate)
        openings = sum(map(len, self._openings.values()))
        held = openings + len(self._cancels) - 2 * len(self._withdrawn()) - len(commands)
        if more:
            decisions.append(timer(f"{OURS}wake_up-{event_id}", 0))
        for kind, seconds in self._rest_wanted.items():
            if self._openings[kind]:
                decisions.append(timer(f"{OURS}rest_{kind}-{event_id}", seconds))
        closes = self._close is not None and not held
        if self._close is not None and closes:
            decisions.append(translate(self._close))
        return Batch(decisions, commands, held, dropped, closes)

    def _drop(self) -> list[str]:
        """Forget what is not to be sent before a close; what it was."""
        dropped = []
        for kind in DROPPED:
            entries = self._openings.pop(kind, {})
            dropped += [_worded(entry.command) for entry in entries.values()]
            for id in entries:
                self._cancels.pop((kind, id), None)
        return dropped

    def _fill(self, translate: Callable[[Command | Close], Decision]) -> tuple[list[Decision], list[Command], bool]:
        """The first commands that fit one response, in the order asked for, and whether more would be allowed."""
        decisions: list[Decision] = []
        commands: list[Command] = []
        size = 0
        room = MAX_DECISIONS - (self._close is not None) - len(self._rest_wanted)
        sent: set[tuple[str, str]] = set()
        withdrawn = self._withdrawn()
        for entry in self._allowed():
            command = entry.command
            key = (command.kind, command.id)
            if key in withdrawn:
                continue
            if not isinstance(command, Cancel):
                sent.add(key)
            elif command.id in self._openings[command.kind] and key not in sent:
                continue  # what is held back is cancelled once it is there
            decision = translate(command)
            size += _size(decision)
            if len(decisions) == room or (size > MAX_BYTES and decisions):
                while len(decisions) > room - 1:  # the wake-up timer needs a place
                    decisions.pop()
                    commands.pop()
                return decisions, commands, True
            decisions.append(decision)
            commands.append(command)
        return decisions, commands, False

    def _allowed(self) -> Iterator[Entry]:
        """What may go out now, in the order in which it was asked for."""
        queues = [
            islice(entries.values(), max(0, self._max_open.get(kind, maxsize) - self.open[kind]))
            for kind, entries in self._openings.items()
            if entries and kind not in self._resting and kind not in self._rest_wanted
        ]
        return heapq.merge(*queues, self._cancels.values(), key=attrgetter("number"))

    def _withdrawn(self, asked: int = maxsize) -> list[tuple[str, str]]:
        """Kind and id of what was neither sent nor is wanted any more, of what was asked for before that number."""
        return [
            (kind, id)
            for (kind, id), entry in self._cancels.items()
            if kind in WITHDRAWN and entry.number < asked and id in self._openings[kind]
        ]

    def _found(self, words: Words, event_id: int, event: str, id: str, attributes: dict[str, Any]) -> Entry:
        """The command that an event of the current block is about. Raises NonDeterministic when there is none."""
        entry, block = self._openings[words.kind].get(id), self._block
        here = block is not None and block.completed_id == attributes["decisionTaskCompletedEventId"]
        if entry is not None and block is not None and here and entry.number < block.asked:
            return entry
        pending = chain.from_iterable(entries.values() for entries in self._openings.values())
        asked = ", ".join(_worded(entry.command) for entry in islice(pending, 3))
        raise NonDeterministic(
            f"event {event_id} ({event}) holds {id}, which the code does not ask for there; "
            f"it asks for {asked or 'nothing'}"
        )


def _worded(command: Command) -> str:
    return f"{command.id} at {command.where}"


def _short(text: str | None) -> str:
    text = text or "nothing"
    return text if len(text) <= 200 else f"{text[:200]}..."


def _size(decision: Decision) -> int:
    """Bytes of the decision in a request, at most: what is not ASCII is escaped there."""
    text = orjson.dumps(decision)
    return len(text) * (1 if text.isascii() else 3)
