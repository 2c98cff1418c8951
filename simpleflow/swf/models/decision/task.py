"""Decisions about activities, Lambda functions, timers and markers."""

from __future__ import annotations

from typing import Any

from simpleflow.swf import format
from simpleflow.swf.core import Seconds
from simpleflow.swf.models.decision.base import Decision, named, text, type_of


class ActivityTaskDecision(Decision):
    """Schedule an activity, or ask one to cancel itself."""

    actions = ("schedule", "request_cancel")

    def schedule(
        self,
        activity_id: str,
        activity_type: Any,
        control: Any = None,
        heartbeat_timeout: Seconds = None,
        input: Any = None,
        duration_timeout: Seconds = None,
        schedule_timeout: Seconds = None,
        task_timeout: Seconds = None,
        task_list: str | None = None,
        task_priority: int | str | None = None,
    ) -> None:
        """ScheduleActivityTask.

        Args:
            activity_id: its id; no other open activity of the run may have it.
            activity_type: an `ActivityType`, or ``{"name": ..., "version": ...}``.
            control: what deciders find in the event.
            heartbeat_timeout: seconds between two heartbeats, or "NONE".
            input: its input.
            duration_timeout: seconds from its scheduling to its end, or "NONE".
            schedule_timeout: seconds for which it may wait for a worker, or "NONE".
            task_timeout: seconds for which a worker may work on it, or "NONE".
            task_list: where workers find it.
            task_priority: higher goes first.
        """
        self._make(
            "ScheduleActivityTask",
            {
                "activityId": activity_id,
                "activityType": type_of(activity_type),
                "control": format.control(control),
                "heartbeatTimeout": text(heartbeat_timeout),
                "input": format.input(input),
                "scheduleToCloseTimeout": text(duration_timeout),
                "scheduleToStartTimeout": text(schedule_timeout),
                "startToCloseTimeout": text(task_timeout),
                "taskList": named(task_list),
                "taskPriority": text(task_priority),
            },
        )

    def request_cancel(self, activity_id: str) -> None:
        """RequestCancelActivityTask: one that waits is cancelled at once, a worker hears of it by its heartbeat."""
        self._make("RequestCancelActivityTask", {"activityId": activity_id})


class LambdaFunctionDecision(Decision):
    """Call a Lambda function."""

    actions = ("schedule",)

    def schedule(
        self, id: str, name: str, control: Any = None, input: Any = None, task_timeout: Seconds = None
    ) -> None:
        """ScheduleLambdaFunction: `name` is the function's name or ARN, `task_timeout` 1 to 900 seconds."""
        self._make(
            "ScheduleLambdaFunction",
            {
                "id": id,
                "name": name,
                "control": format.control(control),
                "input": format.input(input),
                "startToCloseTimeout": text(task_timeout),
            },
        )


class TimerDecision(Decision):
    """Start a timer, or cancel one."""

    actions = ("start", "cancel")

    def start(self, id: str, start_to_fire_timeout: Seconds, control: Any = None) -> None:
        """StartTimer: it fires after so many seconds, 0 or more."""
        self._make(
            "StartTimer",
            {
                "timerId": id,
                "startToFireTimeout": text(start_to_fire_timeout),
                "control": format.control(control),
            },
        )

    def cancel(self, id: str) -> None:
        """CancelTimer."""
        self._make("CancelTimer", {"timerId": id})


class MarkerDecision(Decision):
    """Record a marker."""

    actions = ("record",)

    def record(self, name: str, details: str | None = None) -> None:
        """RecordMarker: `details` is a text."""
        self._make("RecordMarker", {"markerName": name, "details": details})
