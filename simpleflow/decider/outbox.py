"""The outbox: commands asked for and not yet found in the history.

It stands between program and engine. It knows of batches, limits and refused decisions, which the program never
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

from simpleflow.command import (
    ACTIVITY,
    CANCELS,
    CHILD,
    LAMBDA,
    MARKER,
    PATCHED,
    REST,
    SIGNAL,
    TIMER,
    WAKE_UP,
    CancelActivity,
    CancelRun,
    CancelTimer,
    Close,
    Command,
    RecordMarker,
    SendSignal,
    resting,
)
from simpleflow.constants import MAX_DECISIONS
from simpleflow.decider.decisions import Decision, timer
from simpleflow.decider.refusals import Treatment, treatment
from simpleflow.decider.translate import Words, differs_at, short
from simpleflow.exceptions import NonDeterministic

MAX_BYTES: Final = 900_000  # of the 1 MB that Amazon takes for a request, the rest of it aside
MAX_REST: Final = 60  # seconds
MAX_TRIES: Final = 5
CLOSE: Final = "close"
"""What rests where the close was refused; beside it kinds of tasks rest, and `cancel_` with a kind."""

DROPPED: Final = frozenset({ACTIVITY, LAMBDA, TIMER})
"""What was never sent of these kinds is not sent before a close: nobody would see what comes of it."""
WITHDRAWN: Final = frozenset({TIMER})
"""What was never sent of these kinds and its cancel are as if they had never been."""

Key = tuple[str, str]
"""Kind and id."""


@dataclass(slots=True)
class Entry:
    """A command, its number in the order in which they were asked for, and how often it was refused."""

    number: int
    command: Command
    refusals: int = 0
    refused_by: int = 0  # the DecisionTaskCompleted whose attempt to send it failed


@dataclass(frozen=True, slots=True)
class Trouble:
    """A decision that was refused for what somebody has to mend, and how many times by now."""

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
    """What to answer now: decisions, how many commands are held back, what a close leaves undone, and the close."""

    decisions: list[Decision]
    commands: list[Command]
    held: int
    dropped: list[str]
    close: Close | None


class Outbox:
    """The outbox of one run. `max_open` says how many tasks of a kind may be open at once."""

    def __init__(self, max_open: Mapping[str, int]) -> None:
        self._max_open = max_open
        self._asked = 0
        self._openings: defaultdict[str, dict[str, Entry]] = defaultdict(dict)  # by kind and id
        self._cancels: dict[Key, Entry] = {}
        self._heard: dict[Key, Entry] = {}  # may still be refused
        self._heard_cancels: dict[Key, Entry] = {}
        self._children: set[str] = set()  # that were asked for, and are not over
        self._unbegun: set[str] = set()  # of them, those that have not started
        self._patches: dict[str, Entry] = {}  # by id: markers that go before all else
        self._close: Close | None = None
        self._close_refusals = 0
        self._started: tuple[int, int, bool] | None = None  # event id, commands asked for, closing
        self._block: Block | None = None
        self._resting: dict[str, str] = {}  # what rests, and the open timer that it waits for
        self._rest_wanted: dict[str, int] = {}  # seconds
        self._timers_refused = 0  # timers of ours, in a row
        self.open: Counter[str] = Counter()
        self.trouble: Trouble | None = None
        self._lacking: Counter[Key] = Counter()
        self._shown: Trouble | None = None  # by the last decision, if it was parked
        self.missing_types: set[str] = set()

    # -- from the program ------------------------------------------------------------------------------------------

    def ask(self, command: Command) -> None:
        entry = Entry(self._next(), command)
        if isinstance(command, RecordMarker) and command.name == PATCHED:
            self._patches[command.id] = entry
            return
        if type(command) in CANCELS:
            self._cancels.setdefault((command.kind, command.id), entry)
            return
        self._openings[command.kind][command.id] = entry
        if command.kind == CHILD:
            self._children.add(command.id)
            self._unbegun.add(command.id)

    def close(self, close: Close) -> None:
        self._close = close

    # -- from the history ------------------------------------------------------------------------------------------

    def decision_started(self, event_id: int) -> None:
        self.end_block()
        self._shown = None
        self._prune()
        self._started = (event_id, self._asked, self._close is not None)

    def decision_timed_out(self) -> None:
        self._started = None

    def decision_completed(self, event_id: int, started_id: int, held: int | None, parked: bool) -> None:
        started, self._started = self._started, None
        if parked:
            self._shown, self.trouble = self.trouble, None  # now it is tried again
        elif started is not None and started[0] == started_id:
            self._block = Block(event_id, started[1], held, started[2])

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

    def opened(self, words: Words, id: str, event_id: int, attributes: dict[str, Any]) -> None:
        """A decision of ours was heard; it must be the one that the program asks for."""
        kind = words.kind
        entry = self._found(words, words.opened, id, event_id, attributes)
        if not words.same(entry.command, attributes):
            type = f" of type {attributes[words.type]['name']}" if words.type else ""
            asked = getattr(entry.command, "input", None)
            start = differs_at(attributes.get("input"), asked)
            raise NonDeterministic(
                f"event {event_id} ({words.opened}) holds {id}{type} with {words.shown(attributes, start)}; "
                f"the code asks for {_worded(entry.command)} with the input {short(asked, start)}"
            )
        del self._openings[kind][id]
        if not words.instant:
            self.open[kind] += 1
        if words.late:
            self._heard[kind, id] = entry

    def begun(self, kind: str, id: str) -> None:
        """What was asked for has begun: what waits for that can go out."""
        self._unbegun.discard(id)
        self._heard.pop((kind, id), None)

    def refused(self, words: Words, event_id: int, attributes: dict[str, Any], opened: str | None) -> str | None:
        """A decision of ours was refused: the id of its task, if that is its end.

        Else the type is registered, or time is left to pass, or the trouble is shown; then it is sent again. `opened`
        is the id of one that had been heard.
        """
        kind = words.kind
        if opened is not None:
            id, entry = opened, self._heard.pop((kind, opened))
            self.open[kind] -= 1
            entry.number = self._next()
            self._openings[kind][id] = entry
        else:
            block, entries = self._block, self._openings[kind].values()
            fresh = [entry.command for entry in entries if block is None or entry.refused_by != block.completed_id]
            id = words.refused_id(attributes, fresh)
            entry = self._found(words, words.refused, id, event_id, attributes)
            entry.refused_by = attributes["decisionTaskCompletedEventId"]
        if treatment(attributes["cause"]) is Treatment.SETTLE:
            del self._openings[kind][id]
            self._over(kind, id)
            return id
        type = attributes[words.type]["name"] if words.type else ""
        entry.refusals += 1
        self._treat(kind, id, event_id, attributes["cause"], entry.refusals, type)
        return None

    def closed(self, kind: str, id: str) -> None:
        """A task is over."""
        self.open[kind] -= 1
        self._over(kind, id)

    def lacks(self, kind: str, id: str, reason: str) -> None:
        """A task failed for want of what somebody has to mend: it is shown, and then tried again."""
        self._lacking[kind, id] += 1
        self.trouble = Trouble(f"{id} cannot be run: {reason}", self._lacking[kind, id])

    def cancel_heard(self, words: Words, id: str, event_id: int) -> None:
        """A cancel of ours was heard. Raises NonDeterministic where it ended the task and nobody asks for it."""
        key, entry = (words.kind, id), self._asked_cancel((words.kind, id))
        if entry is not None:
            del self._cancels[key]
            if words.cancel_told:
                self._heard_cancels[key] = entry
        elif words.cancelled_at_once:
            raise NonDeterministic(
                f"event {event_id} ({words.cancelled}) holds {id}, which the code does not cancel there"
            )
        if words.cancelled_at_once:
            self.open[words.kind] -= 1

    def cancel_told(self, kind: str, id: str) -> None:
        """A cancel of ours has reached its task."""
        self._heard_cancels.pop((kind, id), None)

    def cancel_refused(self, words: Words, id: str, event_id: int, attributes: dict[str, Any]) -> None:
        """A cancel of ours was refused: there is nothing to cancel any more, or it is sent again."""
        key = (words.kind, id)
        late = words.link and attributes.get(words.link)
        entry = self._heard_cancels.pop(key, None) if late else self._asked_cancel(key)
        if entry is None:
            return
        if treatment(attributes["cause"]) is Treatment.SETTLE:
            self._cancels.pop(key, None)
            return
        entry.refusals += 1
        if late:
            entry.number = self._next()
            self._cancels[key] = entry
        self._treat(f"cancel_{words.kind}", id, event_id, attributes["cause"], entry.refusals)

    def close_refused(self, cause: str, event_id: int, type: str) -> None:
        """The close was refused; it is sent again."""
        if treatment(cause) is not Treatment.READ_ON:
            self._close_refusals += 1
            self._treat(CLOSE, "the end of the run", event_id, cause, self._close_refusals, type)

    def patch_recorded(self, patch: str) -> None:
        """The history holds that the run has this patch. It may be that no code asks for it any more."""
        self._patches.pop(f"{PATCHED}-{patch}", None)

    def marker_refused(self, name: str, event_id: int, cause: str) -> None:
        """The engine did not record a marker of ours; it is sent again."""
        self._treat(MARKER, name, event_id, cause, 1)

    def timer_started(self, id: str) -> None:
        """A timer of ours runs."""
        self._timers_refused = 0
        if id.startswith(REST):
            what = resting(id)
            self._resting[what] = id
            self._rest_wanted.pop(what, None)

    def timer_refused(self, cause: str) -> None:
        """A timer of ours was refused: at most MAX_TRIES times in a row it is sent again at once, for there is
        nothing else to wait for; then only once something else has happened."""
        self._timers_refused = MAX_TRIES if treatment(cause) is Treatment.PARK else self._timers_refused + 1
        self.trouble = self.trouble or self._shown

    def timer_ended(self, id: str) -> None:
        """A timer of ours has fired."""
        for what in [what for what, waited in self._resting.items() if waited == id]:
            del self._resting[what]

    # -- to the engine ---------------------------------------------------------------------------------------------

    def batch(self, translate: Callable[[Command | Close], Decision], event_id: int) -> Batch:
        """What to send now, at the decision task that `event_id` started."""
        dropped = [] if self._close is None else self._drop(self._close)
        decisions, sent, more = self._fill(translate)
        openings = sum(map(len, self._openings.values()))
        held = openings + len(self._patches) + len(self._cancels) - len(sent)
        close = None if held or self._rests(CLOSE) else self._close
        if close is not None and any(entry.refusals or _is_missed(entry.command) for entry in sent):
            close, more = None, True  # it may be refused, which nobody would see
        decisions += self._timers(event_id, more)
        if close is not None:
            decisions.append(translate(close))
        return Batch(decisions, [entry.command for entry in sent], held, dropped, close)

    def _timers(self, event_id: int, more: bool) -> list[Decision]:
        """Timers of ours that call us again: at once where there is `more` to send, and when a rest is over."""
        if self._timers_refused >= MAX_TRIES:
            self._timers_refused -= 1
            return []
        timers = [timer(f"{REST}_{what}-{event_id}", seconds) for what, seconds in self._rest_wanted.items()]
        return [timer(f"{WAKE_UP}{event_id}", 0), *timers] if more else timers

    def _drop(self, close: Close) -> list[str]:
        """Forget what is not to be sent before a close; what it was."""
        dropped = []
        for kind in (*DROPPED, CHILD) if isinstance(close, CancelRun) else DROPPED:
            entries = self._openings.pop(kind, {})
            dropped += [_worded(entry.command) for entry in entries.values()]
            for id in entries:
                self._over(kind, id)
        self._prune_signals()
        return dropped

    def _fill(self, translate: Callable[[Command | Close], Decision]) -> tuple[list[Decision], list[Entry], bool]:
        """The first commands that fit one response, in the order asked for, and whether more would be allowed."""
        decisions: list[Decision] = []
        entries: list[Entry] = []
        size = 0
        room = MAX_DECISIONS - (self._close is not None) - len(self._rest_wanted)
        sent: set[Key] = set()
        for entry in self._allowed():
            command = entry.command
            key = (command.kind, command.id)
            if self._waits(command, key, sent):
                continue
            decision = translate(command)
            size += size_of(decision)
            if len(decisions) == room or (size > MAX_BYTES and decisions):
                while len(decisions) > room - 1:  # the wake-up timer needs a place
                    decisions.pop()
                    entries.pop()
                return decisions, entries, True
            decisions.append(decision)
            entries.append(entry)
            if type(command) not in CANCELS:
                sent.add(key)
        return decisions, entries, False

    def _allowed(self) -> Iterator[Entry]:
        """What may go out now as far as limits go, in the order in which it was asked for.

        Patches go first, for what they decide must be read with them.
        """
        queues: list[Iterator[Entry]] = [
            islice(entries.values(), max(0, self._max_open.get(kind, maxsize) - self.open[kind]))
            for kind, entries in self._openings.items()
            if entries and not self._rests(kind)
        ]
        if self._cancels:
            queues.append(entry for (kind, _), entry in self._cancels.items() if not self._rests(f"cancel_{kind}"))
        ordered = queues[0] if len(queues) == 1 else heapq.merge(*queues, key=attrgetter("number"))
        return chain(self._patches.values(), ordered) if self._patches else ordered

    def _waits(self, command: Command, key: Key, sent: set[Key]) -> bool:
        """Whether a command waits for another: a cancel for what it cancels, and whatever is for a child for that."""
        if type(command) in CANCELS:
            return command.id in self._unbegun if command.kind == CHILD else self._is_held(key, sent)
        return isinstance(command, SendSignal) and command.workflow_id in self._unbegun

    def _is_held(self, key: Key, sent: set[Key]) -> bool:
        return key[1] in self._openings[key[0]] and key not in sent

    # -- inside ----------------------------------------------------------------------------------------------------

    def _next(self) -> int:
        self._asked += 1
        return self._asked - 1

    def _rests(self, what: str) -> bool:
        return what in self._resting or what in self._rest_wanted

    def _treat(self, what: str, id: str, event_id: int, cause: str, times: int, type: str = "") -> None:
        """Do what a refusal asks for, that ends nothing."""
        how = treatment(cause)
        if how is Treatment.PARK:
            self.trouble = Trouble(f"{id} is refused: {cause} (event {event_id})", times)
        if how is Treatment.REGISTER:
            self.missing_types.add(type)
        if how is Treatment.BACK_OFF or (how is Treatment.REGISTER and times > 1):
            rest = min(2 ** min(times, 10), MAX_REST)
            self._rest_wanted[what] = max(self._rest_wanted.get(what, 0), rest)

    def _over(self, kind: str, id: str) -> None:
        """Nothing about a task that is over is sent any more."""
        for box in (self._cancels, self._heard_cancels, self._heard):
            if box:
                box.pop((kind, id), None)
        if kind == CHILD:
            self._unbegun.discard(id)
            self._children.discard(id)

    def _prune(self) -> None:
        """Forget what need not be sent any more. Not before a decision has started: the one that was made last may
        have sent it."""
        for kind, id in list(self._cancels):
            if kind in WITHDRAWN and id in self._openings[kind]:
                del self._openings[kind][id], self._cancels[kind, id]
        self._prune_signals()

    def _prune_signals(self) -> None:
        """Forget the signals that nobody would get."""
        if signals := self._openings[SIGNAL]:
            for id, entry in list(signals.items()):
                if self._is_in_vain(entry.command):
                    del signals[id]

    def _is_in_vain(self, command: Command) -> bool:
        """Whether a signal was to be handed on to a child that is over."""
        return isinstance(command, SendSignal) and command.for_child and command.workflow_id not in self._children

    def _asked_cancel(self, key: Key) -> Entry | None:
        """The cancel that an event of the current block is about."""
        entry, block = self._cancels.get(key), self._block
        return entry if entry is not None and block is not None and entry.number < block.asked else None

    def _found(self, words: Words, event: str, id: str, event_id: int, attributes: dict[str, Any]) -> Entry:
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


def _is_missed(command: Command) -> bool:
    """Whether it matters after the end of the run that this was refused: not where what it is about ends with it."""
    ends_with_it = isinstance(command, RecordMarker) and command.name == PATCHED
    return not (ends_with_it or isinstance(command, CancelActivity | CancelTimer))


def _worded(command: Command) -> str:
    return f"{command.id} at {command.where}"


def size_of(decision: Decision) -> int:
    """Bytes of the decision in a request, at most: what is not ASCII is escaped there."""
    text = orjson.dumps(decision)
    return len(text) * (1 if text.isascii() else 3)
