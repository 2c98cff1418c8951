"""One run in a decider's hands: its program, its outbox, its hooks, and how far its history was read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import lru_cache, partial
from types import NoneType
from typing import Any, Final

from simpleflow.command import ACTIVITY, CANCELS, CHILD, LAMBDA, MARKER, OURS, PATCHED, REPAIRED, TIMER, Command, Fail
from simpleflow.config import Config
from simpleflow.dataflow import Completed, Event, Failed, Program
from simpleflow.decider import translate
from simpleflow.decider.decisions import Options
from simpleflow.decider.hooks import hooks_of
from simpleflow.decider.outbox import Outbox
from simpleflow.decider.repair import Repair, order_of
from simpleflow.decider.translate import Words
from simpleflow.exceptions import PayloadUnreachable
from simpleflow.payload.codec import Codec, extra, read, read_object
from simpleflow.protocol.history import attributes
from simpleflow.protocol.limits import AWS_LIMITS
from simpleflow.protocol.parsed import History
from simpleflow.workflow import Workflow

log = logging.getLogger("simpleflow.decider")

BARE: Final = 20_000
"""Bytes that a run takes with nothing done: its stack, its graph, its outbox."""
PER_TASK: Final = 1_000
"""Bytes that a task takes whose future is kept, without its result."""
OUR_TIMERS: Final = 10  # of those that Amazon lets a run have open, for the decider's own

Fetch = Callable[[int], list[dict[str, Any]]]
"""Gives the events of a run up to the one of this id."""


def _nothing(end: int) -> list[dict[str, Any]]:
    return []


class Run:
    """A run that is being decided. Reads events in order, each once; must stay on one thread.

    `fetch` gets the history for hooks that look at it; `remember` is for programs that raise ExecutionBlocked. `size`
    is about the most memory, in bytes, that it can take: all that ended counts, though a program that keeps no future
    of it has let go of it.
    """

    def __init__(
        self,
        workflow_class: type[Workflow],
        domain: str,
        execution: dict[str, str],
        codec: Codec,
        config: Config,
        fetch: Fetch = _nothing,
        *,
        remember: bool = False,
    ) -> None:
        self._domain = domain
        self._execution = execution
        self._fetch = fetch
        self._opened: dict[int, translate.Opened] = {}  # by the id of the event that opened them
        self._cancelling: dict[int, str] = {}  # tasks by the id of the event that heard of their cancel
        self._horizon = 0
        self._is_live = False
        self._hooks = hooks_of(workflow_class, self._history)
        self.workflow_class = workflow_class
        self._codec = codec.watched(self._lost)
        self.program = Program(workflow_class, self._codec, remember=remember)
        self.program.history = self._history
        self.program.began = self._began
        self.options = Options(config, codec=self._codec)
        self.repair: Repair | None = None
        self._put_off: list[Event] = []  # until all is known that the run takes over
        self.outbox = Outbox(
            {
                ACTIVITY: _most_open(workflow_class) or config.swf_max_open_activity_count,
                CHILD: AWS_LIMITS.open_children,
                LAMBDA: AWS_LIMITS.open_lambdas,
                TIMER: AWS_LIMITS.open_timers - OUR_TIMERS,
            }
        )
        self.last_event_id = 0
        self.size = BARE
        self._said: set[str] = set()

    def say(self, line: str) -> None:
        """Log a warning about the end of the run, once: the answer that ends it may be refused."""
        if line not in self._said:
            self._said.add(line)
            log.warning("%s ended with %s", self._execution["workflowId"], line)

    def read(self, events: list[dict[str, Any]]) -> None:
        """Feed the events that were not read before. They must follow on without a gap.

        `events` reach up to the decision to be made, or `foresee` was told of those that do.
        Raises NonDeterministic when the history holds something else than the code asks for, Unremembered when the run
        must be read again from its start, to `remember`, and MemoryError where the run's code does.
        """
        self.foresee(events)
        self._is_live = False
        outcome = type(self.program.outcome)
        for event in events:
            if event["eventId"] > self.last_event_id:
                self.last_event_id = event["eventId"]
                if not self._is_live and self.last_event_id > self._horizon:
                    outcome = type(self.program.outcome)
                    self._is_live = True
                    if self._hooks is not None:
                        self._hooks.before(self.program.workflow)
                self._apply(event)
        ended = self.program.outcome
        if isinstance(ended, Fail) and type(ended.error) is MemoryError:
            raise ended.error  # it may lack what others have: that is no failure of the run
        if self._hooks is not None and self._is_live and (outcome is NoneType or outcome is not type(ended)):
            self._hooks.after(self.program.workflow, ended)

    def foresee(self, events: Iterable[dict[str, Any]]) -> None:
        """Take from events that are about to be read what the program must know before: how far an earlier decision
        has seen them (up to the DecisionTaskStarted of the last one that was not parked), and which patches the run
        has."""
        for event in events:
            type = event["eventType"]
            if type == "DecisionTaskCompleted":
                given = attributes(event)
                if not _said(given.get("executionContext"))[1]:
                    self._horizon = max(self._horizon, given["startedEventId"])
            elif type == "MarkerRecorded" and _is_patch(attributes(event)):
                self.program.patches_recorded.add(str(read(attributes(event).get("details"))))

    @property
    def begun(self) -> bool:
        """Whether the program has begun: it waits for what the run takes over from the one that it repairs."""
        return self.repair is None or self.repair.complete

    @property
    def stuck(self) -> bool:
        """Whether the run waits although nothing that it asked for is open."""
        return self.begun and self.program.stuck

    def close(self) -> None:
        """Put the run away; it can be read again from its history."""
        self.program.close()

    def _history(self) -> History:
        """The history so far, fetched when it is looked at."""
        return History(partial(self._fetch, self.last_event_id))

    def _lost(self, error: PayloadUnreachable) -> None:
        """A large value cannot be had: the program is left where it is, and the run read again later."""
        self.program.leave(error)

    def _began(self, workflow: Workflow) -> None:
        if self._hooks is not None and self._is_live:
            self._hooks.before(workflow)

    def _apply(self, event: dict[str, Any]) -> None:
        step = STEPS.get(event["eventType"])
        if step is not None:
            step(self, event, attributes(event))

    def _started(self, event: dict[str, Any], given: dict[str, Any]) -> None:
        task_list = extra(given.get("input")).get("activity_task_list")
        self.options = replace(
            self.options, task_list=task_list, workflow_id=self._execution["workflowId"], started=given
        )
        begins = translate.started(_epoch(event), given, self._domain, self._execution, self._codec)
        order = order_of(given.get("input"))
        if order is not None:
            self.repair = Repair(order)
            self.options = replace(self.options, repair=self.repair.of_next)
            begins.context["repaired_workflow_id"], begins.context["repaired_run_id"] = order.former.root
            self.options = replace(self.options, origin=begins.context["repaired_run_id"])
        self._advance(begins, event["eventId"])

    def _signaled(self, event: dict[str, Any], given: dict[str, Any]) -> None:
        self._advance(translate.signaled(_epoch(event), given, event["eventId"]), event["eventId"])

    def _cancel_requested(self, event: dict[str, Any], given: dict[str, Any]) -> None:
        self._advance(translate.cancel_requested(_epoch(event)), event["eventId"])

    def _decision_started(self, event: dict[str, Any], given: dict[str, Any]) -> None:
        self.outbox.decision_started(event["eventId"])

    def _decision_completed(self, event: dict[str, Any], given: dict[str, Any]) -> None:
        held, parked = _said(given.get("executionContext"))
        self.outbox.decision_completed(event["eventId"], given["startedEventId"], held, parked)

    def _decision_timed_out(self, event: dict[str, Any], given: dict[str, Any]) -> None:
        self.outbox.decision_timed_out()

    def _close_refused(self, event: dict[str, Any], given: dict[str, Any]) -> None:
        self.outbox.close_refused(given["cause"], event["eventId"], self.program.context["name"])

    def _advance(self, event: Event, event_id: int) -> None:
        if not self.begun:
            self._put_off.append(event)
            return
        commands: Iterable[Command] = self._advanced(event, event_id)
        if self.repair is not None:
            commands = self._not_known(self.repair, commands, event.time, event_id)
        for command in commands:
            self.outbox.ask(command)
        if self.program.outcome is not None:
            self.outbox.close(self.program.outcome)

    def _advanced(self, event: Event, event_id: int) -> list[Command]:
        return self.program.advance(event, replaying=event_id <= self._horizon, length=event_id)

    def _not_known(
        self, repair: Repair, commands: Iterable[Command], time: float, event_id: int
    ) -> Iterator[Command]:
        """The commands for whose tasks there is no result yet; the others end here, in the order asked for."""
        known: dict[tuple[str, str], Completed] = {}
        while True:
            for command in commands:
                key = command.kind, command.id
                completed = None if type(command) in CANCELS else repair.completed(command, time)
                if completed is not None:
                    known[key] = completed
                elif key not in known:  # else it is the cancel of what is about to end
                    yield command
            if not known:
                return
            commands = self._advanced(known.pop(next(iter(known))), event_id)

    def taken_over(self, event: dict[str, Any], given: dict[str, Any]) -> None:
        """A marker holds a part of what the run takes over; with the last one the program begins."""
        if self.repair is None or self.begun:
            return
        if self.repair.read(given.get("details") or ""):
            put_off, self._put_off = self._put_off, []
            for each in put_off:
                self._advance(each, event["eventId"])


def _most_open(workflow_class: type[Workflow]) -> int | None:
    """How many activities of a run may be open at once, where its class says so. Raises ValueError."""
    most = workflow_class.max_open_activity_count
    if most is not None and (not isinstance(most, int) or most < 1):
        what = f"max_open_activity_count of {workflow_class.__name__}"
        raise ValueError(f"{what} is a whole number from 1, or None for the setting's, and not {most!r}")
    return most


def _opened(words: Words, run: Run, event: dict[str, Any], given: dict[str, Any]) -> None:
    if words.kind == MARKER and given["markerName"] == REPAIRED:
        run.taken_over(event, given)
        return
    if _is_ours(words, given):
        run.outbox.timer_started(words.id(given))
        return
    if words.kind == MARKER and _is_patch(given):
        run.outbox.patch_recorded(str(read(given.get("details"))))
        return
    id = words.id(given)
    run.outbox.opened(words, id, event["eventId"], given)
    if not words.instant:
        run._opened[event["eventId"]] = words.keep(given, id, _epoch(event))


def _begun(words: Words, run: Run, event: dict[str, Any], given: dict[str, Any]) -> None:
    opened = run._opened[given[words.link]]
    run.outbox.begun(words.kind, opened.id)
    if run.repair is not None:
        run.repair.child_began(opened.id, given["workflowExecution"]["runId"], opened.input)


def _refused(words: Words, run: Run, event: dict[str, Any], given: dict[str, Any]) -> None:
    if _is_ours(words, given):
        run.outbox.timer_refused(given["cause"])
        return
    if words.kind == MARKER and given["markerName"] in (PATCHED, REPAIRED):
        run.outbox.marker_refused(given["markerName"], event["eventId"], given["cause"])
        return
    opened = run._opened.pop(given[words.link]).id if words.late and given.get(words.link) else None
    id = run.outbox.refused(words, event["eventId"], given, opened)
    if id is not None:
        run._advance(translate.refused(words, _epoch(event), id, given), event["eventId"])


def _closed(words: Words, run: Run, event: dict[str, Any], given: dict[str, Any]) -> None:
    if _is_ours(words, given):
        run.outbox.timer_ended(words.id(given))
        return
    opened = run._opened.pop(given[words.link])
    run.size += PER_TASK + len(given.get("result") or "")
    run.outbox.closed(words.kind, opened.id)
    closed = words.closed[event["eventType"]](_epoch(event), given, opened)
    if isinstance(closed, Failed):
        if closed.lacks:
            run.outbox.lacks(words.kind, opened.id, given["reason"])
        if words.kind == ACTIVITY and (said := translate.heartbeat_of(given)) is not None:
            run.options.heartbeats[opened.id] = said
    run._advance(closed, event["eventId"])


def _cancel_heard(words: Words, run: Run, event: dict[str, Any], given: dict[str, Any]) -> None:
    id = words.id(given)
    run.outbox.cancel_heard(words, id, event["eventId"])
    if words.cancelled_at_once:
        run._opened.pop(given[words.link], None)
    if words.cancel_told:
        run._cancelling[event["eventId"]] = id


def _cancel_told(words: Words, run: Run, event: dict[str, Any], given: dict[str, Any]) -> None:
    run.outbox.cancel_told(words.kind, run._cancelling.pop(given[words.link]))


def _cancel_refused(words: Words, run: Run, event: dict[str, Any], given: dict[str, Any]) -> None:
    run.outbox.cancel_refused(words, words.id(given), event["eventId"], given)


def _is_patch(given: dict[str, Any]) -> bool:
    return bool(given["markerName"] == PATCHED)


def _is_ours(words: Words, given: dict[str, Any]) -> bool:
    """Whether the event is about a timer that no program knows of."""
    return words.kind == TIMER and words.id(given).startswith(OURS)


Step = Callable[[Run, dict[str, Any], dict[str, Any]], None]


def _steps(words: Words) -> dict[str, Step]:
    """What each event does that tells of a task of this kind."""
    steps: dict[str, Step] = {
        words.opened: partial(_opened, words),
        words.begun: partial(_begun, words),
        words.refused: partial(_refused, words),
        words.cancelled: partial(_cancel_heard, words),
        words.cancel_told: partial(_cancel_told, words),
        words.cancel_refused: partial(_cancel_refused, words),
        **dict.fromkeys(words.closed, partial(_closed, words)),
    }
    return {event: step for event, step in steps.items() if event}


STEPS: Final[dict[str, Step]] = {
    "WorkflowExecutionStarted": Run._started,
    "WorkflowExecutionSignaled": Run._signaled,
    "WorkflowExecutionCancelRequested": Run._cancel_requested,
    "DecisionTaskStarted": Run._decision_started,
    "DecisionTaskCompleted": Run._decision_completed,
    "DecisionTaskTimedOut": Run._decision_timed_out,
    "CompleteWorkflowExecutionFailed": Run._close_refused,
    "FailWorkflowExecutionFailed": Run._close_refused,
    "CancelWorkflowExecutionFailed": Run._close_refused,
    "ContinueAsNewWorkflowExecutionFailed": Run._close_refused,
    **{event: step for words in translate.WORDS for event, step in _steps(words).items()},
}
"""What each event does to a run; the others do nothing."""


@lru_cache(16)
def _said(context: str | None) -> tuple[int | None, bool]:
    """What a decision's executionContext says: how many commands it held back, and whether it was parked.

    Most decisions say the same.
    """
    found = read_object(context)
    return found.get("held"), "parked" in found


def _epoch(event: dict[str, Any]) -> float:
    stamp = event["eventTimestamp"]
    return stamp.timestamp() if isinstance(stamp, datetime) else float(stamp)
