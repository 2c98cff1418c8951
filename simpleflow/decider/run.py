"""One run in a decider's hands: its program, its outbox, and how far its history was read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from simpleflow.config import Config
from simpleflow.dataflow import Event, Failed, Program, Started
from simpleflow.decider import translate
from simpleflow.decider.outbox import Outbox
from simpleflow.payload.codec import Codec, extra, read_object
from simpleflow.protocol.history import attributes
from simpleflow.workflow import Workflow

ACTIVITY_CLOSED = frozenset(
    {"ActivityTaskCompleted", "ActivityTaskFailed", "ActivityTaskTimedOut", "ActivityTaskCanceled"}
)


class Run:
    """A run that is being decided. Reads events in order, each once; must stay on one thread."""

    def __init__(
        self, workflow_class: type[Workflow], domain: str, execution: dict[str, str], codec: Codec, config: Config
    ) -> None:
        self._domain = domain
        self._execution = execution
        self._activities: dict[int, translate.OpenActivity] = {}  # by the id of their Scheduled event
        self._horizon = 0
        self.program = Program(workflow_class, codec)
        self.options = translate.Options(config, None, workflow_class.task_priority, codec.keep)
        self.outbox = Outbox(config.swf_max_open_activity_count)
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
        kind, event_id, given = event["eventType"], event["eventId"], attributes(event)
        outbox = self.outbox
        if kind in ACTIVITY_CLOSED:
            activity = self._activities.pop(given["scheduledEventId"])
            outbox.activity_closed(activity.id)
            closed = translate.activity_closed(kind, _epoch(event), given, activity)
            if isinstance(closed, Failed) and closed.lacks:
                outbox.activity_lacks(activity.id, given["reason"])
            self._advance(closed, event_id)
            return
        match kind:
            case "WorkflowExecutionStarted":
                self._start(event, given)
            case "DecisionTaskStarted":
                outbox.decision_started(event_id)
            case "DecisionTaskCompleted":
                context = read_object(given.get("executionContext"))
                outbox.decision_completed(event_id, given["startedEventId"], context.get("held"), "parked" in context)
            case "DecisionTaskTimedOut":
                outbox.decision_timed_out()
            case "ActivityTaskScheduled":
                outbox.activity_scheduled(event_id, given)
                self._activities[event_id] = translate.open_activity(given)
            case "ScheduleActivityTaskFailed":
                outbox.schedule_failed(event_id, given)
            case "ActivityTaskCancelRequested" | "RequestCancelActivityTaskFailed":
                outbox.cancel_answered(given)
            case "TimerStarted":
                outbox.timer_started(given["timerId"])
            case "TimerFired" | "TimerCanceled":
                outbox.timer_ended(given["timerId"])

    def _start(self, event: dict[str, Any], given: dict[str, Any]) -> None:
        task_list = extra(given.get("input")).get("activity_task_list")
        self.options = replace(self.options, task_list=task_list)
        started: Started = translate.started(_epoch(event), given, self._domain, self._execution)
        self._advance(started, event["eventId"])

    def _advance(self, event: Event, event_id: int) -> None:
        for command in self.program.advance(event, replaying=event_id <= self._horizon):
            self.outbox.ask(command)
        if self.program.outcome is not None:
            self.outbox.close(self.program.outcome)


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
