"""A world for deciders to live in: one run, its history, and every choice in the test's hands.

Small on purpose, and written apart from the engine: it knows just the rules that a decider depends on, so that a
test can put any event anywhere - in the gap of a decision, after a lost response - and can be run a thousand times.
How a task ends is a function of its id and attempt (`programs.outcome`): only the order is the world's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from programs import dice

EXECUTION = {"workflowId": "w", "runId": "r"}
TYPE = {"name": "W", "version": "default"}
PARENT = {"workflowId": "parent", "runId": "pr"}

CLOSES = {
    "Complete": "Completed",
    "Fail": "Failed",
    "Cancel": "Canceled",
    "ContinueAsNew": "ContinuedAsNew",
}
LIMITED = {
    "ScheduleActivityTask": ("ScheduleActivityTaskFailed", "ACTIVITY_CREATION_RATE_EXCEEDED"),
    "StartTimer": ("StartTimerFailed", "TIMER_CREATION_RATE_EXCEEDED"),
    "StartChildWorkflowExecution": ("StartChildWorkflowExecutionFailed", "CHILD_CREATION_RATE_EXCEEDED"),
    "ScheduleLambdaFunction": ("ScheduleLambdaFunctionFailed", "LAMBDA_FUNCTION_CREATION_RATE_EXCEEDED"),
}
"""How decisions fail that come too fast: their event, and its cause."""

Choice = Callable[[], None]


class World:
    def __init__(self, input: str | None, *, max_open: int = 1000, parent: dict[str, str] | None = None) -> None:
        self.execution = EXECUTION
        self.events: list[dict[str, Any]] = []
        self.open: dict[str, int] = {}  # activity id -> the id of its Scheduled event
        self.inputs: dict[str, str] = {}
        self.timers: dict[str, int] = {}
        self.initiated: dict[str, int] = {}  # children that have not started
        self.children: dict[str, tuple[int, int]] = {}  # those that have: Initiated and Started
        self.lambdas: dict[str, int] = {}
        self.letters: dict[int, dict[str, Any]] = {}  # signals and cancels on their way, by their Initiated event
        self.cancels: set[tuple[str, str]] = set()  # what somebody asked to be cancelled: kind and id
        self.attempts: Counter[tuple[str, str]] = Counter()
        self.closed: str | None = None
        self.max_open = max_open
        self.registered: set[str] = set()
        self.needs_registration = False
        self.refusals: dict[str, str] = {}  # the causes for which decisions are refused, by id
        self.chance: Random | None = None  # decides which decisions come too fast; None: none does
        self._queued: int | None = None
        self._started: tuple[int, int] | None = None
        self._previous = 0
        self.add(
            "WorkflowExecutionStarted",
            input=input,
            workflowType=TYPE,
            childPolicy="TERMINATE",
            taskList={"name": "d"},
            parentWorkflowExecution=parent,
        )
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

    def tell(self, kind: str, **attributes: Any) -> None:
        """An event that asks for a decision."""
        if self.closed is None:
            self.add(kind, **attributes)
            self._need_decision()

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
            "workflowExecution": self.execution,
            "workflowType": TYPE,
            "events": self.events[max(self._previous - 1, 0) :],
        }

    def lose(self) -> None:
        """The response never comes: the decision task times out."""
        assert self._started is not None
        scheduled, started = self._started
        self._started = None
        self.tell("DecisionTaskTimedOut", scheduledEventId=scheduled, startedEventId=started)

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
            if not self._is_too_fast(kind, given, completed):
                getattr(self, f"_{kind}")(given, completed)

    def choices(self, chance: Random, outcome: Callable[..., tuple[str, dict[str, Any]]]) -> list[Choice]:
        """All that can happen now, save decisions and what comes from outside."""

        def end(finish: Callable[..., None], kind: str, id: str) -> None:
            how, given = outcome(kind, id, self.attempts[kind, id], cancelled=(kind, id) in self.cancels)
            finish(id, how, **given)

        return [
            *(partial(end, self.finish, "activity", id) for id in self.open),
            *(partial(self.fire, id) for id in self.timers),
            *(partial(self.start_child, id) for id in self.initiated),
            *(partial(end, self.finish_child, "child", id) for id in self.children),
            *(partial(end, self.finish_lambda, "lambda", id) for id in self.lambdas),
            *(partial(self.deliver, event) for event in self.letters),
        ]

    def finish(self, id: str, how: str, **attributes: Any) -> None:
        """An activity ends: `how` is the event's name after ActivityTask."""
        scheduled = self.open.pop(id)
        self.tell(f"ActivityTask{how}", scheduledEventId=scheduled, startedEventId=scheduled, **attributes)

    def fire(self, id: str) -> None:
        self.tell("TimerFired", timerId=id, startedEventId=self.timers.pop(id))

    def start_child(self, id: str) -> None:
        """A child starts, or finds its id taken."""
        initiated = self.initiated.pop(id)
        if dice(f"{id} {self.attempts['child', id]} start") % 9 == 0:
            cause = "WORKFLOW_ALREADY_RUNNING"
            self._refuse_child(id, cause, initiated, self.events[initiated - 1])
            return
        given = {"workflowExecution": {"workflowId": id, "runId": f"r-{id}"}, "initiatedEventId": initiated}
        started = self.add("ChildWorkflowExecutionStarted", workflowType=TYPE, **given)
        self.children[id] = initiated, started
        self._need_decision()

    def finish_child(self, id: str, how: str, **attributes: Any) -> None:
        initiated, started = self.children.pop(id)
        given = {"workflowExecution": {"workflowId": id, "runId": f"r-{id}"}, "workflowType": TYPE, **attributes}
        self.cancels.discard(("child", id))
        self.tell(f"ChildWorkflowExecution{how}", initiatedEventId=initiated, startedEventId=started, **given)

    def finish_lambda(self, id: str, how: str, **attributes: Any) -> None:
        scheduled = self.lambdas.pop(id)
        if how == "NotStarted":
            self.tell("StartLambdaFunctionFailed", scheduledEventId=scheduled, **attributes)
        else:
            self.tell(f"LambdaFunction{how}", scheduledEventId=scheduled, startedEventId=scheduled, **attributes)

    def deliver(self, event: int) -> None:
        """A signal or a cancel reaches another run, or nobody."""
        given = self.letters.pop(event)
        what = "Signal" if "signalName" in given else "RequestCancel"
        known = given["workflowId"] in ("w", "parent", "friend", *self.children)
        if self.chance is not None and self.chance.random() < 0.15:
            rate = "SIGNAL" if what == "Signal" else "REQUEST_CANCEL"
            self._not_delivered(what, event, given, f"{rate}_EXTERNAL_WORKFLOW_EXECUTION_RATE_EXCEEDED")
        elif not known:
            self._not_delivered(what, event, given, "UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION")
        else:
            done = "Signaled" if what == "Signal" else "CancelRequested"
            if what == "Signal" and given["workflowId"] == "w":
                self.signal(given["signalName"], given.get("input"), EXECUTION, event)
            elif what == "RequestCancel":
                self.cancels.add(("child", given["workflowId"]))
            self.tell(
                f"ExternalWorkflowExecution{done}",
                workflowExecution={"workflowId": given["workflowId"], "runId": "x"},
                initiatedEventId=event,
            )

    def _not_delivered(self, what: str, event: int, given: dict[str, Any], cause: str) -> None:
        self.tell(
            f"{what}ExternalWorkflowExecutionFailed",
            workflowId=given["workflowId"],
            control=given.get("control"),
            cause=cause,
            initiatedEventId=event,
            decisionTaskCompletedEventId=given["decisionTaskCompletedEventId"],
        )

    def signal(
        self, name: str, input: str | None, sender: dict[str, str] | None = None, initiated: int = 0
    ) -> None:
        self.tell(
            "WorkflowExecutionSignaled",
            signalName=name,
            input=input,
            externalWorkflowExecution=sender,
            externalInitiatedEventId=initiated,
        )

    @property
    def senders(self) -> list[dict[str, str] | None]:
        """Who may signal the run."""
        return [None, PARENT, *({"workflowId": id, "runId": "x"} for id in self.children)]

    def request_cancel(self) -> None:
        self.tell("WorkflowExecutionCancelRequested", externalInitiatedEventId=0)

    # -- decisions -------------------------------------------------------------------------------------------------

    def _is_too_fast(self, kind: str, given: dict[str, Any], completed: int) -> bool:
        """Refuse the decision, by chance: the program must not notice."""
        if self.chance is None or kind not in LIMITED or self.chance.random() > 0.05:
            return False
        event, cause = LIMITED[kind]
        named = ("activityId", "activityType", "timerId", "workflowId", "workflowType", "id", "name")
        told = {name: given[name] for name in named if name in given}
        zero = {"initiatedEventId": 0} if kind == "StartChildWorkflowExecution" else {}
        self.tell(event, **told, **zero, cause=cause, decisionTaskCompletedEventId=completed)
        return True

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
            self.tell(
                "ScheduleActivityTaskFailed",
                activityId=id,
                activityType=given["activityType"],
                cause=cause,
                decisionTaskCompletedEventId=completed,
            )
            return
        self.inputs[id] = given["input"]
        self.attempts["activity", id] += 1
        self.cancels.discard(("activity", id))
        self.open[id] = self.add("ActivityTaskScheduled", **given, decisionTaskCompletedEventId=completed)

    def _RequestCancelActivityTask(self, given: dict[str, Any], completed: int) -> None:
        id = given["activityId"]
        if id in self.open:
            self.cancels.add(("activity", id))
            self.add("ActivityTaskCancelRequested", activityId=id, decisionTaskCompletedEventId=completed)
            return
        cause = "ACTIVITY_ID_UNKNOWN"
        self.tell("RequestCancelActivityTaskFailed", **given, cause=cause, decisionTaskCompletedEventId=completed)

    def _StartTimer(self, given: dict[str, Any], completed: int) -> None:
        id = given["timerId"]
        cause = self.refusals.get(id) or ("TIMER_ID_ALREADY_IN_USE" if id in self.timers else None)
        if cause is not None:
            self.tell("StartTimerFailed", timerId=id, cause=cause, decisionTaskCompletedEventId=completed)
            return
        self.timers[given["timerId"]] = self.add("TimerStarted", **given, decisionTaskCompletedEventId=completed)

    def _CancelTimer(self, given: dict[str, Any], completed: int) -> None:
        started = self.timers.pop(given["timerId"], None)
        if started is not None:
            self.add("TimerCanceled", **given, startedEventId=started, decisionTaskCompletedEventId=completed)
            return
        self.tell("CancelTimerFailed", **given, cause="TIMER_ID_UNKNOWN", decisionTaskCompletedEventId=completed)

    def _RecordMarker(self, given: dict[str, Any], completed: int) -> None:
        self.add("MarkerRecorded", **given, decisionTaskCompletedEventId=completed)

    def _StartChildWorkflowExecution(self, given: dict[str, Any], completed: int) -> None:
        id = given["workflowId"]
        assert id not in self.initiated and id not in self.children
        self.attempts["child", id] += 1
        self.initiated[id] = self.add(
            "StartChildWorkflowExecutionInitiated", **given, decisionTaskCompletedEventId=completed
        )

    def _refuse_child(self, id: str, cause: str, initiated: int, event: dict[str, Any]) -> None:
        told = event["startChildWorkflowExecutionInitiatedEventAttributes"]
        self.tell(
            "StartChildWorkflowExecutionFailed",
            workflowId=id,
            workflowType=told["workflowType"],
            cause=cause,
            initiatedEventId=initiated,
            decisionTaskCompletedEventId=told["decisionTaskCompletedEventId"],
        )

    def _SignalExternalWorkflowExecution(self, given: dict[str, Any], completed: int) -> None:
        assert given["workflowId"] not in self.initiated, "a child is signalled before it has started"
        told = {**given, "decisionTaskCompletedEventId": completed}
        self.letters[self.add("SignalExternalWorkflowExecutionInitiated", **told)] = told

    def _RequestCancelExternalWorkflowExecution(self, given: dict[str, Any], completed: int) -> None:
        assert given["workflowId"] not in self.initiated, "a child is cancelled before it has started"
        told = {**given, "decisionTaskCompletedEventId": completed}
        self.letters[self.add("RequestCancelExternalWorkflowExecutionInitiated", **told)] = told
        self.cancels.add(("asked", given["workflowId"]))

    def _ScheduleLambdaFunction(self, given: dict[str, Any], completed: int) -> None:
        assert given["id"] not in self.lambdas
        self.attempts["lambda", given["id"]] += 1
        self.lambdas[given["id"]] = self.add(
            "LambdaFunctionScheduled", **given, decisionTaskCompletedEventId=completed
        )

    def _close(self, kind: str, given: dict[str, Any], completed: int) -> None:
        if self._queued is not None:
            cause = "UNHANDLED_DECISION"
            self.add(f"{kind}WorkflowExecutionFailed", cause=cause, decisionTaskCompletedEventId=completed)
        else:
            past = CLOSES[kind]
            self.add(f"WorkflowExecution{past}", **given, decisionTaskCompletedEventId=completed)
            self.closed = past

    def _CompleteWorkflowExecution(self, given: dict[str, Any], completed: int) -> None:
        self._close("Complete", given, completed)

    def _FailWorkflowExecution(self, given: dict[str, Any], completed: int) -> None:
        self._close("Fail", given, completed)

    def _CancelWorkflowExecution(self, given: dict[str, Any], completed: int) -> None:
        self._close("Cancel", given, completed)

    def _ContinueAsNewWorkflowExecution(self, given: dict[str, Any], completed: int) -> None:
        self._close("ContinueAsNew", {**given, "newExecutionRunId": "next"}, completed)

    # -- the client that the decider sees --------------------------------------------------------------------------

    def register_activity_type(self, **arguments: Any) -> None:
        self.registered.add(arguments["name"])

    def register_workflow_type(self, **arguments: Any) -> None:
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
