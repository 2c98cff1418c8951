"""One run in a decider's hands: its program, its outbox, and how far its history was read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any, Final

from simpleflow.config import Config
from simpleflow.dataflow import Event, Program, Started
from simpleflow.decider import translate
from simpleflow.decider.outbox import OURS, Outbox
from simpleflow.decider.translate import Words
from simpleflow.payload.codec import Codec, extra, read_object
from simpleflow.protocol.history import attributes
from simpleflow.task import ACTIVITY, TIMER
from simpleflow.workflow import Workflow

MAX_TIMERS: Final = 990  # of the 1,000 that Amazon lets a run have open; the others are for the decider's own

class Run:
    """A run that is being decided. Reads events in order, each once; must stay on one thread."""

    def __init__(
        self, workflow_class: type[Workflow], domain: str, execution: dict[str, str], codec: Codec, config: Config
    ) -> None:
        self._domain = domain
        self._execution = execution
        self._config = config
        self._opened: dict[int, translate.Opened] = {}  # by the id of the event that opened them
        self._horizon = 0
        self.program = Program(workflow_class, codec)
        self.options = translate.Options(config, None, workflow_class.task_priority)
        self.outbox = Outbox({ACTIVITY: config.swf_max_open_activity_count, TIMER: MAX_TIMERS})
        self.last_event_id = 0

    def read(self, events: list[dict[str, Any]]) -> None:
        """Feed the events that were not read before. They must follow on without a gap.

        Raises NonDeterministic when the history holds something else than the code asks for.
        """
        self._horizon = max(self._horizon, horizon(events))
        for event in events:
            if event["eventId"] > self.last_event_id:
                self.last_event_id = event["eventId"]
                self._apply(event)

    def close(self) -> None:
        """Put the run away; it can be read again from its history."""
        self.program.close()

    def _apply(self, event: dict[str, Any]) -> None:
        step = STEPS.get(event["eventType"])
        if step is not None:
            step(self, event, attributes(event))

    def _decision_started(self, event: dict[str, Any], given: dict[str, Any]) -> None:
        self.outbox.decision_started(event["eventId"])

    def _decision_completed(self, event: dict[str, Any], given: dict[str, Any]) -> None:
        context = read_object(given.get("executionContext"))
        held = context.get("held")
        self.outbox.decision_completed(event["eventId"], given["startedEventId"], held, "parked" in context)

    def _decision_timed_out(self, event: dict[str, Any], given: dict[str, Any]) -> None:
        self.outbox.decision_timed_out()

    def _start(self, event: dict[str, Any], given: dict[str, Any]) -> None:
        task_list = extra(given.get("input")).get("activity_task_list")
        self.options = translate.Options(self._config, task_list, self.options.task_priority)
        started: Started = translate.started(_epoch(event), given, self._domain, self._execution)
        self._advance(started, event["eventId"])

    def _advance(self, event: Event, event_id: int) -> None:
        for command in self.program.advance(event, replaying=event_id <= self._horizon):
            self.outbox.ask(command)
        if self.program.outcome is not None:
            self.outbox.close(self.program.outcome)


def _opened(words: Words, run: Run, event: dict[str, Any], given: dict[str, Any]) -> None:
    if _is_ours(words, given):
        run.outbox.timer_started(given[words.id])
        return
    run.outbox.opened(words, event["eventId"], given)
    run._opened[event["eventId"]] = words.keep(given, words.id, _epoch(event))


def _refused(words: Words, run: Run, event: dict[str, Any], given: dict[str, Any]) -> None:
    if not _is_ours(words, given) and run.outbox.refused(words, event["eventId"], given):
        run._advance(translate.refused(words, _epoch(event), given), event["eventId"])


def _closed(words: Words, run: Run, event: dict[str, Any], given: dict[str, Any]) -> None:
    if _is_ours(words, given):
        run.outbox.timer_ended(given[words.id])
        return
    opened = run._opened.pop(given[words.link])
    run.outbox.closed(words.kind, opened.id)
    run._advance(words.closed[event["eventType"]](_epoch(event), given, opened), event["eventId"])


def _cancel_answered(words: Words, run: Run, event: dict[str, Any], given: dict[str, Any]) -> None:
    run.outbox.cancel_answered(words, event["eventId"], given)


def _cancelled_at_once(words: Words, run: Run, event: dict[str, Any], given: dict[str, Any]) -> None:
    run.outbox.cancelled_at_once(words, event["eventId"], given)
    run._opened.pop(given[words.link], None)


def _is_ours(words: Words, given: dict[str, Any]) -> bool:
    """Whether the event is about a timer that no program knows of."""
    return words.kind == TIMER and given[words.id].startswith(OURS)


Step = Callable[[Run, dict[str, Any], dict[str, Any]], None]


def _steps(words: Words) -> dict[str, Step]:
    """What each event does that tells of a task of this kind."""
    return {
        words.opened: partial(_opened, words),
        words.refused: partial(_refused, words),
        words.cancelled: partial(_cancelled_at_once if words.cancelled_at_once else _cancel_answered, words),
        words.cancel_refused: partial(_cancel_answered, words),
        **dict.fromkeys(words.closed, partial(_closed, words)),
    }


STEPS: dict[str, Step] = {
    "WorkflowExecutionStarted": Run._start,
    "DecisionTaskStarted": Run._decision_started,
    "DecisionTaskCompleted": Run._decision_completed,
    "DecisionTaskTimedOut": Run._decision_timed_out,
    **{event: step for words in translate.WORDS for event, step in _steps(words).items()},
}
"""What each event does to a run; the others do nothing."""


def horizon(events: Iterable[dict[str, Any]]) -> int:
    """The DecisionTaskStarted of the last completed decision in `events`: what stands before it was seen.

    A parked decision is none.
    """
    last = 0
    for event in events:
        if event["eventType"] == "DecisionTaskCompleted":
            given = attributes(event)
            if "parked" not in read_object(given.get("executionContext")):
                last = given["startedEventId"]
    return last


def _epoch(event: dict[str, Any]) -> float:
    stamp = event["eventTimestamp"]
    return stamp.timestamp() if isinstance(stamp, datetime) else float(stamp)
