"""Histories made up, for tests of deciders and of what reads histories.

    history = builder.History(MyWorkflow, input={"args": [1]})
    history.add_activity_task(increment, result=2).add_decision_task_scheduled().add_decision_task_started()

What is made up can be: `compile()` is content with it, and every event has what Amazon SWF says that it must have.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

from simpleflow.protocol.events import EVENTS
from simpleflow.swf import format
from simpleflow.swf.models.event import EventFactory
from simpleflow.swf.models.history import base
from simpleflow.swf.utils import camel_to_underscore, underscore_to_camel

DEFAULT_REASON: Final = "REASON"
DEFAULT_DETAILS: Final = "DETAILS"
DEFAULT_DECIDER_IDENTITY: Final = "test_decider"
DEFAULT_WORKER_IDENTITY: Final = "test_worker"
DEFAULT_START: Final = datetime(2026, 1, 1, tzinfo=UTC)

_TIMEOUTS: Final = ("heartbeatTimeout", "scheduleToCloseTimeout", "scheduleToStartTimeout", "startToCloseTimeout")
_CLOSES: Final = {
    "COMPLETED": "WorkflowExecutionCompleted",
    "FAILED": "WorkflowExecutionFailed",
    "CANCELED": "WorkflowExecutionCanceled",
    "TERMINATED": "WorkflowExecutionTerminated",
    "TIMED_OUT": "WorkflowExecutionTimedOut",
}


class History(base.History):
    """A history that grows: each `add_...` appends events, and gives the history itself.

    It begins with the start of a run of `workflow` (a class of workflows, or anything with its attributes) and a
    decision task that is worked on. Each event comes `step` seconds after the one before, the first at `start`.
    Arguments named `input`, `result` and `control` are values; their texts in events are JSON.

    What a decision brings (an activity, a timer, a marker, a child) comes with the decision task that is worked on,
    which is completed first, or else with the last one. `decision_id` is accepted from callers of old, and not needed.
    """

    def __init__(
        self,
        workflow: Any = None,
        input: Any = None,
        tag_list: Sequence[str] | None = None,
        *,
        start: datetime = DEFAULT_START,
        step: float = 1.0,
    ) -> None:
        super().__init__()
        self._time, self._step = start, timedelta(seconds=step)
        self._decision = self._waiting = 0
        self._working: tuple[int, int] | None = None
        self._opened: dict[tuple[str, str], int] = {}
        self._numbers: dict[str, int] = {}
        self._task_list = {"name": str(_attribute(workflow, "task_list") or "default")}
        self._decision_timeout = str(_attribute(workflow, "decision_tasks_timeout") or "300")
        self._add(
            "WorkflowExecutionStarted",
            **self._execution(workflow),
            input=format.input(input),
            tagList=list(tag_list) if tag_list else None,
            parentInitiatedEventId=0,
        )
        self.add_decision_task_scheduled().add_decision_task_started()

    def _execution(self, workflow: Any, task_list: str | None = None) -> dict[str, Any]:
        return {
            "workflowType": {"name": _name(workflow), "version": str(_attribute(workflow, "version") or "default")},
            "taskList": {"name": str(task_list or _attribute(workflow, "task_list") or "default")},
            "childPolicy": str(_attribute(workflow, "child_policy") or "TERMINATE"),
            "executionStartToCloseTimeout": str(_attribute(workflow, "execution_timeout") or "3600"),
            "taskStartToCloseTimeout": str(_attribute(workflow, "decision_tasks_timeout") or "300"),
        }

    def _add(self, name: str, /, **attributes: Any) -> int:
        if self._events and self.last.closes:
            raise ValueError(f"nothing follows the close of a run: no {name}")
        given = {key: value for key, value in attributes.items() if value is not None}
        id, member = self.next_id, EVENTS[name].member
        raw = {"eventId": id, "eventTimestamp": self._time, "eventType": name, member: given}
        self._time += self._step
        self._events.append(EventFactory(raw))
        self._parsed = None
        return id

    def _open(self, type_: str, name: str, event_id: int) -> None:
        self._opened[type_, name] = event_id

    def _is_opened(self, type_: str, name: str) -> int:
        try:
            return self._opened[type_, name]
        except KeyError:
            raise ValueError(f"the history has no {type_} {name!r}") from None

    @property
    def last_id(self) -> int:
        """The id of the last event."""
        return len(self._events)

    @property
    def next_id(self) -> int:
        """The id of the event that comes next."""
        return len(self._events) + 1

    # Decision tasks

    def add_decision_task(self, execution_context: Any = None) -> Self:
        """A decision task from its scheduling to its completion; one that is worked on is completed first."""
        if self._working:
            self.add_decision_task_completed()
        return self.add_decision_task_started().add_decision_task_completed(execution_context=execution_context)

    def add_decision_task_scheduled(self) -> Self:
        """A decision task waits. Where one does already, nothing is added."""
        if not self._waiting:
            self._waiting = self._add(
                "DecisionTaskScheduled", taskList=self._task_list, startToCloseTimeout=self._decision_timeout
            )
        return self

    def add_decision_task_started(self, scheduled: int | None = None) -> Self:
        """A decider takes the decision task that waits; where none does, one is scheduled."""
        if self._working:
            raise ValueError(f"a decision task is worked on since event {self._working[1]}: complete it first")
        self.add_decision_task_scheduled()
        if scheduled not in (None, self._waiting):
            raise ValueError(f"event {scheduled} is not the decision task that waits, which is {self._waiting}")
        waiting, self._waiting = self._waiting, 0
        started = self._add("DecisionTaskStarted", scheduledEventId=waiting, identity=DEFAULT_DECIDER_IDENTITY)
        self._working = waiting, started
        return self

    def add_decision_task_completed(
        self, scheduled: int | None = None, started: int | None = None, execution_context: Any = None
    ) -> Self:
        """The decider answers. Raises ValueError where no decision task, or another one, is worked on."""
        context = format.execution_context(execution_context)
        self._decision = self._end_decision("DecisionTaskCompleted", scheduled, started, executionContext=context)
        return self

    def add_decision_task_timed_out(self, scheduled: int | None = None, started: int | None = None) -> Self:
        """The decider does not answer. Raises ValueError where no decision task, or another one, is worked on."""
        self._end_decision("DecisionTaskTimedOut", scheduled, started, timeoutType="START_TO_CLOSE")
        return self

    def _end_decision(self, name: str, scheduled: int | None, started: int | None, **attributes: Any) -> int:
        if self._working is None:
            raise ValueError("no decision task is worked on: add_decision_task_started() comes first")
        if (scheduled or self._working[0], started or self._working[1]) != self._working:
            raise ValueError(f"the decision task that is worked on is {self._working}, not {(scheduled, started)}")
        ids = {"scheduledEventId": self._working[0], "startedEventId": self._working[1]}
        self._working = None
        return self._add(name, **ids, **attributes)

    def _decided(self) -> dict[str, int]:
        """The decision that the next event of a decision comes with."""
        if self._working:
            self.add_decision_task_completed()
        elif not self._decision:
            self.add_decision_task()
        return {"decisionTaskCompletedEventId": self._decision}

    # Activities

    def add_activity_task(
        self,
        activity: Any,
        decision_id: int | None = None,
        last_state: str = "completed",
        activity_id: str | None = None,
        input: Any = None,
        control: Any = None,
        result: Any = None,
        reason: str | None = DEFAULT_REASON,
        details: str | None = DEFAULT_DETAILS,
        activity_type: dict[str, str] | None = None,
        cause: str | None = None,
        timeout_type: str = "START_TO_CLOSE",
    ) -> Self:
        """An activity up to `last_state`.

        States: scheduled, schedule_failed, started, completed, failed, timed_out or canceled.

        `activity` is an `Activity`, an `ActivityType` or anything with their attributes. By default its id is
        ``activity-{name}-{number}``.
        """
        id = activity_id or self._numbered(f"activity-{_name(activity)}")
        if last_state == "schedule_failed":
            return self.add_activity_task_schedule_failed(id, decision_id, activity_type or _type(activity), cause)
        _check(last_state, ("scheduled", "started", "completed", "failed", "timed_out", "canceled", "schedule_failed"))
        self.add_activity_task_scheduled(activity, decision_id, id, input, control, activity_type)
        scheduled, started = self.last_id, 0
        if last_state == "scheduled":
            return self
        if last_state != "timed_out" or timeout_type not in ("SCHEDULE_TO_START",):
            self.add_activity_task_started(scheduled)
            started = self.last_id
        if last_state == "completed":
            return self.add_activity_task_completed(scheduled, started, result)
        if last_state == "failed":
            return self.add_activity_task_failed(scheduled, started, reason, details)
        if last_state == "timed_out":
            return self.add_activity_task_timed_out(scheduled, started, timeout_type)
        return self.add_activity_task_canceled(scheduled, started, details) if last_state == "canceled" else self

    def add_activity_task_scheduled(
        self,
        activity: Any,
        decision_id: int | None = None,
        activity_id: str | None = None,
        input: Any = None,
        control: Any = None,
        activity_type: dict[str, str] | None = None,
    ) -> Self:
        """An activity waits for a worker."""
        limits = {name: _attribute(activity, f"task_{camel_to_underscore(name)}") for name in _TIMEOUTS}
        id = activity_id or self._numbered(f"activity-{_name(activity)}")
        scheduled = self._decided()
        event = self._add(
            "ActivityTaskScheduled",
            activityId=id,
            activityType=activity_type or _type(activity),
            taskList={"name": str(_attribute(activity, "task_list") or "default")},
            input=format.input(input),
            control=format.control(control),
            **{name: str(limit or "NONE") for name, limit in limits.items()},
            **scheduled,
        )
        self._open("activity", id, event)
        return self

    def add_activity_task_schedule_failed(
        self,
        activity_id: str,
        decision_id: int | None = None,
        activity_type: dict[str, str] | None = None,
        cause: str | None = None,
    ) -> Self:
        """The schedule of an activity is refused."""
        kind = activity_type or {"name": activity_id, "version": "default"}
        cause = cause or "ACTIVITY_TYPE_DOES_NOT_EXIST"
        decided = self._decided()
        self._add("ScheduleActivityTaskFailed", activityId=activity_id, activityType=kind, cause=cause, **decided)
        return self

    def add_activity_task_started(self, scheduled: int) -> Self:
        """A worker takes the activity that event `scheduled` scheduled."""
        self._add("ActivityTaskStarted", scheduledEventId=scheduled, identity=DEFAULT_WORKER_IDENTITY)
        return self

    def add_activity_task_completed(self, scheduled: int, started: int, result: Any = None) -> Self:
        """The worker gives a result."""
        ids = {"scheduledEventId": scheduled, "startedEventId": started}
        self._add("ActivityTaskCompleted", **ids, result=format.result(result))
        return self

    def add_activity_task_failed(
        self, scheduled: int, started: int, reason: str | None = DEFAULT_REASON, details: str | None = DEFAULT_DETAILS
    ) -> Self:
        """The worker gives an error."""
        ids = {"scheduledEventId": scheduled, "startedEventId": started}
        self._add("ActivityTaskFailed", **ids, reason=reason, details=details)
        return self

    def add_activity_task_timed_out(
        self, scheduled: int, started: int = 0, timeout_type: str = "START_TO_CLOSE", details: str | None = None
    ) -> Self:
        """Time is over; `started` is 0 where no worker had taken it."""
        ids = {"scheduledEventId": scheduled, "startedEventId": started}
        self._add("ActivityTaskTimedOut", **ids, timeoutType=timeout_type, details=details)
        return self

    def add_activity_task_cancel_requested(self, activity_id: str) -> Self:
        """A decider asks an activity to cancel itself."""
        self._is_opened("activity", activity_id)
        self._add("ActivityTaskCancelRequested", activityId=activity_id, **self._decided())
        return self

    def add_activity_task_canceled(self, scheduled: int, started: int = 0, details: str | None = None) -> Self:
        """The activity is cancelled, at its worker's word, or by a decider before a worker had taken it."""
        ids = {"scheduledEventId": scheduled, "startedEventId": started}
        self._add("ActivityTaskCanceled", **ids, details=details)
        return self

    # Children

    def add_child_workflow(
        self,
        workflow: Any,
        last_state: str = "completed",
        workflow_id: str | None = None,
        task_list: str | None = None,
        input: Any = None,
        result: Any = None,
        control: Any = None,
        run_id: str = "child-run-id",
        cause: str = "WORKFLOW_TYPE_DOES_NOT_EXIST",
    ) -> Self:
        """A child up to `last_state`.

        States: start_initiated, start_failed, started, completed, failed, timed_out, canceled or terminated.
        """
        states = ("start_initiated", "start_failed", "started", "completed", "failed", "timed_out", "canceled")
        _check(last_state, (*states, "terminated"))
        id = workflow_id or self._numbered(f"workflow-{_name(workflow)}")
        kind = self._execution(workflow)["workflowType"]
        if last_state == "start_failed":
            named = {"workflowId": id, "workflowType": kind, "control": format.control(control)}
            decided = self._decided()
            self._add("StartChildWorkflowExecutionFailed", **named, cause=cause, initiatedEventId=0, **decided)
            return self
        self.add_child_workflow_start_initiated(workflow, id, task_list, input, control)
        if last_state == "start_initiated":
            return self
        initiated = self.last_id
        named = {"workflowExecution": {"workflowId": id, "runId": run_id}, "workflowType": kind}
        started = self._add("ChildWorkflowExecutionStarted", initiatedEventId=initiated, **named)
        if last_state == "started":
            return self
        told: dict[str, dict[str, Any]] = {
            "completed": {"result": format.result(result)},
            "failed": {"reason": DEFAULT_REASON, "details": DEFAULT_DETAILS},
            "timed_out": {"timeoutType": "START_TO_CLOSE"},
            "canceled": {"details": DEFAULT_DETAILS},
        }
        ids = {"initiatedEventId": initiated, "startedEventId": started}
        ended = f"ChildWorkflowExecution{underscore_to_camel(last_state)}"
        self._add(ended, **named, **ids, **told.get(last_state, {}))
        return self

    def add_child_workflow_start_initiated(
        self, workflow: Any, workflow_id: str, task_list: str | None = None, input: Any = None, control: Any = None
    ) -> Self:
        """A child is on its way."""
        given = {**self._execution(workflow, task_list), "workflowId": workflow_id}
        texts = {"input": format.input(input), "control": format.control(control)}
        decided = self._decided()
        self._open("child", workflow_id, self._add("StartChildWorkflowExecutionInitiated", **given, **texts, **decided))
        return self

    # What else happens

    def add_request_cancel(self) -> Self:
        """Somebody asks the run to cancel itself."""
        self._add("WorkflowExecutionCancelRequested", externalInitiatedEventId=0)
        return self

    def add_signal(self, name: str, input: Any = None, external_event_id: int = 0) -> Self:
        """Somebody signals the run."""
        self._add(
            "WorkflowExecutionSignaled",
            signalName=name,
            input=format.input(input),
            externalInitiatedEventId=external_event_id,
        )
        return self

    def add_marker(self, name: str, details: str | None = None) -> Self:
        """A marker is recorded."""
        decided = self._decided()
        self._add("MarkerRecorded", markerName=name, details=details, **decided)
        return self

    def add_timer_started(
        self, timer_id: str, timeout: int | str, control: Any = None, decision_id: int | None = None
    ) -> Self:
        """A timer runs, for so many seconds."""
        decided = self._decided()
        given = {"timerId": timer_id, "startToFireTimeout": str(timeout), "control": format.control(control)}
        self._open("timer", timer_id, self._add("TimerStarted", **given, **decided))
        return self

    def add_timer_fired(self, timer_id: str) -> Self:
        """A timer fires. Raises ValueError where it was not started."""
        self._add("TimerFired", timerId=timer_id, startedEventId=self._is_opened("timer", timer_id))
        return self

    def add_timer_canceled(self, timer_id: str, decision_id: int | None = None) -> Self:
        """A decider cancels a timer. Raises ValueError where it was not started."""
        started = self._is_opened("timer", timer_id)
        self._add("TimerCanceled", timerId=timer_id, startedEventId=started, **self._decided())
        return self

    def add_lambda_function(
        self, id: str, name: str, last_state: str = "completed", input: Any = None, result: Any = None
    ) -> Self:
        """A Lambda function up to `last_state`: scheduled, started, completed, failed or timed_out."""
        _check(last_state, ("scheduled", "started", "completed", "failed", "timed_out"))
        given = {"id": id, "name": name, "input": format.input(input), "startToCloseTimeout": "900"}
        decided = self._decided()
        scheduled = self._add("LambdaFunctionScheduled", **given, **decided)
        if last_state == "scheduled":
            return self
        started = self._add("LambdaFunctionStarted", scheduledEventId=scheduled)
        ids = {"scheduledEventId": scheduled, "startedEventId": started}
        if last_state == "completed":
            self._add("LambdaFunctionCompleted", **ids, result=format.result(result))
        elif last_state == "failed":
            self._add("LambdaFunctionFailed", **ids, reason=DEFAULT_REASON, details=DEFAULT_DETAILS)
        elif last_state == "timed_out":
            self._add("LambdaFunctionTimedOut", **ids, timeoutType="START_TO_CLOSE")
        return self

    def add_external_signal(
        self, workflow_id: str, name: str, last_state: str = "signaled", input: Any = None, run_id: str | None = None
    ) -> Self:
        """A signal for another run up to `last_state`: initiated, signaled or failed."""
        given = {"workflowId": workflow_id, "runId": run_id, "signalName": name, "input": format.input(input)}
        return self._external("SignalExternal", "ExternalWorkflowExecutionSignaled", given, last_state, "signaled")

    def add_external_cancel(
        self, workflow_id: str, last_state: str = "cancel_requested", run_id: str | None = None
    ) -> Self:
        """A request to cancel another run up to `last_state`: initiated, cancel_requested or failed."""
        given = {"workflowId": workflow_id, "runId": run_id}
        done = "ExternalWorkflowExecutionCancelRequested"
        return self._external("RequestCancelExternal", done, given, last_state, "cancel_requested")

    def _external(self, what: str, done: str, given: dict[str, Any], last_state: str, good: str) -> Self:
        _check(last_state, ("initiated", good, "failed"))
        decided = self._decided()
        initiated = self._add(f"{what}WorkflowExecutionInitiated", **given, **decided)
        whom = {"workflowId": given["workflowId"], "runId": given["runId"] or "external-run-id"}
        if last_state == good:
            self._add(done, workflowExecution=whom, initiatedEventId=initiated)
        elif last_state == "failed":
            cause = "UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION"
            named = {"workflowId": given["workflowId"], "runId": given["runId"], "initiatedEventId": initiated}
            self._add(f"{what}WorkflowExecutionFailed", **named, cause=cause, **decided)
        return self

    def add_workflow_closed(
        self, status: str = "COMPLETED", result: Any = None, reason: str | None = None, details: str | None = None
    ) -> Self:
        """The run closes: COMPLETED, FAILED, CANCELED, TERMINATED or TIMED_OUT."""
        _check(status, tuple(_CLOSES))
        if status in ("TERMINATED", "TIMED_OUT"):
            timed_out = {"timeoutType": "START_TO_CLOSE"}
            ended = {"reason": reason, "details": details} if status == "TERMINATED" else timed_out
            self._add(_CLOSES[status], **ended, childPolicy=self.first.attributes["childPolicy"])
            return self
        decided = self._decided()
        if status == "COMPLETED":
            self._add(_CLOSES[status], result=format.result(result), **decided)
        else:
            why = {"reason": reason, "details": details} if status == "FAILED" else {"details": details}
            self._add(_CLOSES[status], **why, **decided)
        return self

    def _numbered(self, name: str) -> str:
        self._numbers[name] = self._numbers.get(name, 0) + 1
        return f"{name}-{self._numbers[name]}"


def _attribute(thing: Any, name: str) -> Any:
    return getattr(thing, name, None)


def _name(thing: Any) -> str:
    return str(_attribute(thing, "name") or _attribute(thing, "__name__") or "default")


def _type(activity: Any) -> dict[str, str]:
    return {"name": _name(activity), "version": str(_attribute(activity, "version") or "default")}


def _check(state: str, known: tuple[str, ...]) -> None:
    if state not in known:
        raise ValueError(f"{state!r} is no such state: there are {', '.join(known)}")
