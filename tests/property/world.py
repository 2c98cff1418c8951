"""A world for deciders to live in: one run, its history, and every choice in the test's hands.

Small on purpose, and written apart from the engine: it knows just the rules that a decider depends on, so that a
test can put any event anywhere - in the gap of a decision, after a lost response - and can be run a thousand times.
"""

from __future__ import annotations

from typing import Any

EXECUTION = {"workflowId": "w", "runId": "r"}
TYPE = {"name": "W", "version": "default"}


class World:
    def __init__(self, input: str | None, *, max_open: int = 1000) -> None:
        self.events: list[dict[str, Any]] = []
        self.open: dict[str, int] = {}  # activity id -> the id of its Scheduled event
        self.inputs: dict[str, str] = {}
        self.timers: dict[str, int] = {}
        self.closed: str | None = None
        self.max_open = max_open
        self.registered: set[str] = set()
        self.needs_registration = False
        self.refusals: dict[str, str] = {}  # the causes for which decisions are refused, by id
        self._queued: int | None = None
        self._started: tuple[int, int] | None = None
        self._previous = 0
        self.add("WorkflowExecutionStarted", input=input, workflowType=TYPE, childPolicy="TERMINATE")
        self._need_decision()

    # -- the history -----------------------------------------------------------------------------------------------

    def add(self, kind: str, **attributes: Any) -> int:
        event_id = len(self.events) + 1
        key = f"{kind[0].lower()}{kind[1:]}EventAttributes"
        given = {name: value for name, value in attributes.items() if value is not None}
        self.events.append(
            {"eventId": event_id, "eventTimestamp": 1000.0 + event_id, "eventType": kind, key: given}
        )
        return event_id

    def _need_decision(self) -> None:
        if self._queued is None and self.closed is None:
            self._queued = self.add("DecisionTaskScheduled", taskList={"name": "d"})

    @property
    def has_decision(self) -> bool:
        """Whether a decision task waits."""
        return self._queued is not None

    # -- what the world does ---------------------------------------------------------------------------------------

    def poll(self) -> dict[str, Any] | None:
        if self._queued is None or self._started is not None or self.closed:
            return None
        scheduled, self._queued = self._queued, None
        started = self.add("DecisionTaskStarted", scheduledEventId=scheduled)
        self._started = (scheduled, started)
        return {
            "taskToken": str(started),
            "startedEventId": started,
            "previousStartedEventId": self._previous,
            "workflowExecution": EXECUTION,
            "workflowType": TYPE,
            "events": self.events[max(self._previous - 1, 0) :],
        }

    def lose(self) -> None:
        """The response never comes: the decision task times out."""
        assert self._started is not None
        scheduled, started = self._started
        self._started = None
        self.add("DecisionTaskTimedOut", scheduledEventId=scheduled, startedEventId=started)
        self._need_decision()

    def respond(self, answer: dict[str, Any]) -> None:
        assert self._started is not None and answer["taskToken"] == str(self._started[1])
        scheduled, started = self._started
        self._started = None
        self._previous = started
        completed = self.add(
            "DecisionTaskCompleted",
            scheduledEventId=scheduled,
            startedEventId=started,
            executionContext=answer.get("executionContext"),
        )
        assert len(answer["decisions"]) <= 100
        for decision in answer["decisions"]:
            kind = decision["decisionType"]
            given = decision[f"{kind[0].lower()}{kind[1:]}DecisionAttributes"]
            getattr(self, f"_{kind}")(given, completed)

    def finish(self, id: str, how: str, **attributes: Any) -> None:
        """An activity ends: `how` is the event's name after ActivityTask."""
        scheduled = self.open.pop(id)
        self.add(f"ActivityTask{how}", scheduledEventId=scheduled, startedEventId=scheduled, **attributes)
        self._need_decision()

    def fire(self, id: str) -> None:
        self.add("TimerFired", timerId=id, startedEventId=self.timers.pop(id))
        self._need_decision()

    # -- decisions -------------------------------------------------------------------------------------------------

    def _ScheduleActivityTask(self, given: dict[str, Any], completed: int) -> None:
        id, name = given["activityId"], given["activityType"]["name"]
        cause = None
        if self.needs_registration and name not in self.registered:
            cause = "ACTIVITY_TYPE_DOES_NOT_EXIST"
        elif id in self.open:
            cause = "ACTIVITY_ID_ALREADY_IN_USE"
        elif len(self.open) >= self.max_open:
            cause = "OPEN_ACTIVITIES_LIMIT_EXCEEDED"
        if cause:
            self.add(
                "ScheduleActivityTaskFailed",
                activityId=id,
                activityType=given["activityType"],
                cause=cause,
                decisionTaskCompletedEventId=completed,
            )
            self._need_decision()
            return
        self.inputs[id] = given["input"]
        self.open[id] = self.add("ActivityTaskScheduled", **given, decisionTaskCompletedEventId=completed)

    def _RequestCancelActivityTask(self, given: dict[str, Any], completed: int) -> None:
        id = given["activityId"]
        kind = "ActivityTaskCancelRequested" if id in self.open else "RequestCancelActivityTaskFailed"
        self.add(kind, activityId=id, decisionTaskCompletedEventId=completed)

    def _StartTimer(self, given: dict[str, Any], completed: int) -> None:
        id = given["timerId"]
        cause = self.refusals.get(id) or ("TIMER_ID_ALREADY_IN_USE" if id in self.timers else None)
        if cause is not None:
            self.add("StartTimerFailed", timerId=id, cause=cause, decisionTaskCompletedEventId=completed)
            self._need_decision()
            return
        self.timers[given["timerId"]] = self.add("TimerStarted", **given, decisionTaskCompletedEventId=completed)

    def _CancelTimer(self, given: dict[str, Any], completed: int) -> None:
        started = self.timers.pop(given["timerId"], None)
        if started is not None:
            self.add("TimerCanceled", **given, startedEventId=started, decisionTaskCompletedEventId=completed)
            return
        self.add("CancelTimerFailed", **given, cause="TIMER_ID_UNKNOWN", decisionTaskCompletedEventId=completed)
        self._need_decision()

    def _RecordMarker(self, given: dict[str, Any], completed: int) -> None:
        self.add("MarkerRecorded", **given, decisionTaskCompletedEventId=completed)

    def _close(self, kind: str, given: dict[str, Any], completed: int) -> None:
        if self._queued is not None:
            cause = "UNHANDLED_DECISION"
            self.add(f"{kind}WorkflowExecutionFailed", cause=cause, decisionTaskCompletedEventId=completed)
        else:
            past = "Completed" if kind == "Complete" else "Failed"
            self.add(f"WorkflowExecution{past}", **given, decisionTaskCompletedEventId=completed)
            self.closed = past

    def _CompleteWorkflowExecution(self, given: dict[str, Any], completed: int) -> None:
        self._close("Complete", given, completed)

    def _FailWorkflowExecution(self, given: dict[str, Any], completed: int) -> None:
        self._close("Fail", given, completed)

    # -- the client that the decider sees --------------------------------------------------------------------------

    def register_activity_type(self, **arguments: Any) -> None:
        self.registered.add(arguments["name"])

    def get_workflow_execution_history(
        self, *, reverseOrder: bool = False, maximumPageSize: int = 7, nextPageToken: str = "0", **_: Any
    ) -> dict[str, Any]:
        size, start = min(maximumPageSize, 7), int(nextPageToken)
        events = self.events[::-1] if reverseOrder else self.events
        page: dict[str, Any] = {"events": events[start : start + size]}
        if start + size < len(events):
            page["nextPageToken"] = str(start + size)
        return page

    def poll_for_decision_task(self, **_: Any) -> dict[str, Any]:
        raise AssertionError("the world's tasks have one page")
