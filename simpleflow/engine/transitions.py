"""The state machines of an execution: what a start, a poll, a response, a cancel or a deadline does to it.

Everything here is pure: a `Turn` holds one execution during one call; the functions append events to it and note
which rows open, change and close. There is no SQL, no clock and no input or output: the store loads a turn and
writes it, and time is one of its arguments. What decisions do stands in `simpleflow.engine.decisions`.

The rules, from Amazon's documentation and recordings of the service:

- An execution has at most one decision task that is worked on (`run.started`) and one that waits (`run.queued`).
  An event that asks for a decision makes a task wait unless one does already; it can be polled only while none is
  worked on. Its DecisionTaskScheduled event is appended at once, whatever stands around it.
- An activity is SCHEDULED, then STARTED, then closed. Of its deadlines the row holds the next one only.
- Once closed, nothing is ever appended.
- What one execution does to another is told by a message, which is delivered in a later transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simpleflow.engine.rows import LAST, NOWHERE, Event, Message, OpenExecution, Task, TaskKind, Timeout, key_of
from simpleflow.protocol.events import CLOSING_EVENTS, EVENTS
from simpleflow.protocol.limits import AWS_LIMITS, Limits

Attributes = dict[str, Any]

NONE = "NONE"
#: The closes that do something to open children; the others leave them as they are.
APPLIES_CHILD_POLICY = frozenset({"WorkflowExecutionTerminated", "WorkflowExecutionTimedOut"})
#: The decision task's timeouts, by whether it has been started.
_DECISION_TIMEOUTS = {True: "START_TO_CLOSE", False: "SCHEDULE_TO_START"}


@dataclass(slots=True)
class Turn:
    """One execution during one call: what it is, and what the call adds.

    `time` (milliseconds) is the timestamp of every event of the turn: never before the history's last one.
    """

    run: OpenExecution
    time: int
    last_id: int = 0
    limits: Limits = AWS_LIMITS
    events: list[Event] = field(default_factory=list)
    opened: dict[int, Task] = field(default_factory=dict)
    changed: dict[int, Task] = field(default_factory=dict)
    closed: list[int] = field(default_factory=list)
    messages: list[tuple[int, Message]] = field(default_factory=list)
    """The keys of the events that send them, and what they tell."""
    cancel_requested: bool = False
    continued: Attributes | None = None
    """The attributes of the WorkflowExecutionStarted of the run that goes on."""
    child_policy: str | None = None
    """What happens to the open children, where the close applies that."""
    status: str | None = None
    """The close status, once an event has closed the execution."""
    before: tuple[Any, ...] | None = None
    """What the store needs to see whether the execution's row has changed."""
    now: int | None = None
    """The clock's time, if that is before `time`: it has gone back since the last event."""

    @property
    def began(self) -> int:
        """Where deadlines begin: by the clock, so that one that went back an hour delays none by an hour."""
        return self.time if self.now is None else self.now

    def append(self, kind: str, attributes: Attributes) -> int:
        """Append an event and return its id; 0 after the close, and where the quota of events ends the execution."""
        if self.status is not None:
            return 0
        self.last_id += 1
        if self.last_id >= self.limits.events and kind not in CLOSING_EVENTS:
            self.last_id -= 1
            self.append("WorkflowExecutionTerminated", terminated(self.run, "EVENT_LIMIT_EXCEEDED"))
            return 0
        self.events.append(Event(key_of(self.run.id, self.last_id), self.time, kind, attributes, self.now))
        self.status = CLOSING_EVENTS.get(kind)
        if kind in APPLIES_CHILD_POLICY:
            self.child_policy = attributes["childPolicy"]
        return self.last_id

    def open(self, task: Task) -> None:
        """Note a new open task, unless the execution has just closed."""
        if self.status is None:
            self.opened[task.key] = task

    def tell(self, event: int, message: Message) -> None:
        """Note what an event of this turn tells, unless the execution has just closed and the event is none."""
        if self.status is None:
            self.messages.append((key_of(self.run.id, event), message))

    def change(self, task: Task) -> None:
        """Note the new state of an open task."""
        (self.opened if task.key in self.opened else self.changed)[task.key] = task

    def close(self, task: Task) -> None:
        """Note that a task is no longer open, unless the execution has just closed, with what was open then."""
        if self.status is not None:
            return
        if self.opened.pop(task.key, None) is None:
            self.changed.pop(task.key, None)
            self.closed.append(task.key)


def optional(source: Attributes, *names: str) -> Attributes:
    """Those of the named members that are given."""
    return {name: source[name] for name in names if source.get(name) is not None}


def due_after(time: int, seconds: str | None) -> int | None:
    """The instant (ms) that lies so many seconds after another; None where there is no limit."""
    return None if not seconds or seconds == NONE else time + int(seconds) * 1000


# Executions


def happen(turn: Turn, kind: str, attributes: Attributes) -> int:
    """Something happens to the execution: its event, and a decision task if it is of those that need one."""
    event = turn.append(kind, attributes)
    if EVENTS[kind].decides:
        need_decision(turn)
    return event


def request_cancel(turn: Turn, **attributes: Any) -> None:
    """Somebody asks the execution to cancel itself."""
    asked = happen(turn, "WorkflowExecutionCancelRequested", {"externalInitiatedEventId": 0, **attributes})
    turn.cancel_requested = asked > 0


def signal(turn: Turn, given: Attributes, **attributes: Any) -> None:
    """Somebody signals the execution. `given` holds signalName and perhaps input."""
    told = optional(given, "signalName", "input")
    happen(turn, "WorkflowExecutionSignaled", {"externalInitiatedEventId": 0, **told, **attributes})


def terminated(run: OpenExecution, cause: str, **given: Any) -> Attributes:
    """The attributes of a WorkflowExecutionTerminated."""
    return {"childPolicy": run.child_policy, "cause": cause, **given}


def terminate(turn: Turn, reason: str | None, details: str | None, child_policy: str | None) -> None:
    """An operator ends the execution."""
    given = {"reason": reason, "details": details, "childPolicy": child_policy or None}
    attributes = terminated(turn.run, "OPERATOR_INITIATED", **optional(given, *given))
    turn.append("WorkflowExecutionTerminated", attributes)


def terminate_child(turn: Turn) -> None:
    """The parent has ended, and its child policy ends the execution."""
    turn.append("WorkflowExecutionTerminated", terminated(turn.run, "CHILD_POLICY_APPLIED"))


# Decision tasks


def need_decision(turn: Turn) -> None:
    """Something happened that a decider should know: a decision task waits, unless one does already."""
    run = turn.run
    if run.queued or turn.status is not None:
        return
    attributes: Attributes = {
        "taskList": {"name": run.task_list},
        "startToCloseTimeout": run.task_timeout,
        "scheduleToStartTimeout": run.sticky,
    }
    if run.task_priority is not None:
        attributes["taskPriority"] = run.task_priority
    run.queued = turn.append("DecisionTaskScheduled", attributes)
    if not run.started:
        _offer(turn)


def _offer(turn: Turn) -> None:
    """Put the decision task that waits into its list."""
    run = turn.run
    run.list = run.task_list
    run.arrival = LAST
    run.due = _earliest(run.expires, due_after(turn.began, run.sticky))


def _earliest(expires: int, due: int | None) -> int:
    return expires if due is None or due > expires else due


def start_decision(turn: Turn, identity: str | None) -> None:
    """A decider takes the decision task."""
    run = turn.run
    started = turn.append("DecisionTaskStarted", _started(run.queued, identity))
    if not started:
        return
    run.started = started
    run.scheduled, run.queued, run.arrival = run.queued, 0, NOWHERE
    run.due = _earliest(run.expires, due_after(turn.began, run.task_timeout))


def _started(scheduled: int, identity: str | None) -> Attributes:
    attributes: Attributes = {"scheduledEventId": scheduled}
    if identity is not None:
        attributes["identity"] = identity
    return attributes


def finish_decision(turn: Turn) -> None:
    """The decision task is closed: the one that waits, if any, can be had."""
    run = turn.run
    run.scheduled = run.started = 0
    run.due = run.expires
    if run.queued:
        _offer(turn)


def expire_execution(turn: Turn) -> None:
    """The execution's row is due: its own time is over, or its decision task's."""
    run = turn.run
    if run.due >= run.expires:
        attributes: Attributes = {"timeoutType": "START_TO_CLOSE", "childPolicy": run.child_policy}
        turn.append("WorkflowExecutionTimedOut", attributes)
        return
    attributes = {
        "timeoutType": _DECISION_TIMEOUTS[bool(run.started)],
        "scheduledEventId": run.scheduled or run.queued,
        "startedEventId": run.started,
    }
    if not turn.append("DecisionTaskTimedOut", attributes):
        return
    if not run.started:
        run.queued, run.arrival = 0, NOWHERE
    finish_decision(turn)  # one that waits stays on the list that its event names, where it may time out itself
    if run.sticky != NONE:
        run.task_list, run.sticky = run.original_list, NONE
    need_decision(turn)


# Activity tasks


def start_activity(turn: Turn, task: Task, scheduled: Attributes, began: int, identity: str | None) -> Task:
    """A worker takes the activity task. `scheduled` and `began` are its ActivityTaskScheduled event's."""
    started = turn.append("ActivityTaskStarted", _started(task.opened_by, identity))
    close_due, close_timeout = first_deadline(
        (due_after(min(began, turn.began), scheduled.get("scheduleToCloseTimeout")), Timeout.SCHEDULE_TO_CLOSE),
        (due_after(turn.began, scheduled.get("startToCloseTimeout")), Timeout.START_TO_CLOSE),
    )
    beat = scheduled.get("heartbeatTimeout") or NONE
    heartbeat = None if beat == NONE else int(beat)
    task = task._replace(
        started=started,
        close_due=close_due,
        close_timeout=close_timeout,
        heartbeat=heartbeat,
        arrival=NOWHERE,
    )
    task = _beating(task, turn.began)
    turn.change(task)
    return task


def first_deadline(*deadlines: tuple[int | None, Timeout]) -> tuple[int | None, Timeout | None]:
    """The earliest of several deadlines; of equal ones that of the lower rank."""
    first: tuple[int | None, Timeout | None] = (None, None)
    for due, timeout in deadlines:
        if due is not None and (first[0] is None or due < first[0]):
            first = (due, timeout)
    return first


def _beating(task: Task, time: int) -> Task:
    """The task with its next deadline after a sign of life."""
    if task.heartbeat is None:
        return task._replace(due=task.close_due, timeout=task.close_timeout)
    beat = time + task.heartbeat * 1000
    if task.close_due is not None and task.close_due <= beat:
        return task._replace(due=task.close_due, timeout=task.close_timeout)
    return task._replace(due=beat, timeout=Timeout.HEARTBEAT)


def record_heartbeat(task: Task, time: int, details: str | None) -> Task:
    """The worker lives: a later deadline, and the details kept. Records no event."""
    return _beating(task._replace(details=details), time)


def finish_activity(turn: Turn, task: Task, kind: str, attributes: Attributes) -> None:
    """The worker answered: ActivityTaskCompleted, ActivityTaskFailed or ActivityTaskCanceled."""
    attributes["scheduledEventId"] = task.opened_by
    attributes["startedEventId"] = task.started
    if kind == "ActivityTaskCanceled" and task.cancel:
        attributes["latestCancelRequestedEventId"] = task.cancel
    end_task(turn, task, kind, attributes)


def end_task(turn: Turn, task: Task, kind: str, attributes: Attributes) -> None:
    """An open task ends with this event, which a decider should know."""
    turn.append(kind, attributes)
    turn.close(task)
    need_decision(turn)


def expire_task(turn: Turn, task: Task) -> None:
    """An open task's deadline is over: a timer fires, an activity or a Lambda function times out."""
    if task.kind == TaskKind.TIMER:
        end_task(turn, task, "TimerFired", {"timerId": task.name, "startedEventId": task.opened_by})
        return
    assert task.timeout is not None
    attributes: Attributes = {
        "timeoutType": Timeout(task.timeout).name,
        "scheduledEventId": task.opened_by,
        "startedEventId": task.started,
    }
    if task.details is not None:
        attributes["details"] = task.details
    kind = "ActivityTaskTimedOut" if task.kind == TaskKind.ACTIVITY else "LambdaFunctionTimedOut"
    end_task(turn, task, kind, attributes)


# Lambda functions


def start_lambda(turn: Turn, task: Task, seconds: int) -> Task:
    """A worker takes the Lambda function."""
    started = turn.append("LambdaFunctionStarted", {"scheduledEventId": task.opened_by})
    due = turn.began + seconds * 1000
    task = task._replace(started=started, due=due, timeout=Timeout.START_TO_CLOSE, arrival=NOWHERE)
    turn.change(task)
    return task


def finish_lambda(turn: Turn, task: Task, kind: str, attributes: Attributes) -> None:
    """The worker answered: LambdaFunctionCompleted or LambdaFunctionFailed."""
    ids = {"scheduledEventId": task.opened_by, "startedEventId": task.started}
    end_task(turn, task, kind, {**ids, **attributes})


def refuse_lambda(turn: Turn, task: Task, cause: str, message: str) -> None:
    """The Lambda function could not be started."""
    attributes = {"scheduledEventId": task.opened_by, "cause": cause, "message": message}
    end_task(turn, task, "StartLambdaFunctionFailed", attributes)
