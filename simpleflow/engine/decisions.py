"""What decisions do, as pure functions; a part of the state machines of `transitions`.

A response is refused as a whole before anything is recorded, or else each of its decisions leaves an event: that of
its success or, with a cause, that of its failure. Later decisions see what earlier ones did. Here is how a response
is carried out, and the decisions about activities, timers and markers; those that reach beyond the execution stand in
`simpleflow.engine.reaching`.
See https://docs.aws.amazon.com/amazonswf/latest/apireference/API_RespondDecisionTaskCompleted.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simpleflow.engine import reaching
from simpleflow.engine.rounds import Handler, Round, View
from simpleflow.engine.rows import LAST, Task, TaskKind, Timeout, Type, key_of
from simpleflow.engine.transitions import (
    NONE,
    Attributes,
    Turn,
    due_after,
    finish_decision,
    first_deadline,
    need_decision,
    optional,
)
from simpleflow.protocol.decisions import CLOSING_DECISIONS, DECISIONS
from simpleflow.protocol.faults import validation

Decision = dict[str, Any]

#: An activity's timeouts: the member of the decision, the default of the type, the cause when neither gives it. In
#: the order in which they are looked for.
ACTIVITY_TIMEOUTS = (
    (
        "scheduleToStartTimeout",
        "defaultTaskScheduleToStartTimeout",
        "DEFAULT_SCHEDULE_TO_START_TIMEOUT_UNDEFINED",
    ),
    (
        "scheduleToCloseTimeout",
        "defaultTaskScheduleToCloseTimeout",
        "DEFAULT_SCHEDULE_TO_CLOSE_TIMEOUT_UNDEFINED",
    ),
    ("startToCloseTimeout", "defaultTaskStartToCloseTimeout", "DEFAULT_START_TO_CLOSE_TIMEOUT_UNDEFINED"),
    ("heartbeatTimeout", "defaultTaskHeartbeatTimeout", "DEFAULT_HEARTBEAT_TIMEOUT_UNDEFINED"),
)


def close_is_last(decisions: Sequence[Decision]) -> None:
    """Refuse decisions that go on after the one that closes the execution."""
    for decision in decisions[:-1]:
        if isinstance(decision, dict) and decision.get("decisionType") in CLOSING_DECISIONS:
            raise validation("Close must be last decision in list")


def check(decisions: Sequence[Decision]) -> None:
    """Refuse decisions without their attributes, where one of those is required."""
    for index, decision in enumerate(decisions, 1):
        name = decision["decisionType"]
        row = DECISIONS[name]
        if not row.bare and decision.get(row.member) is None:
            at = f"decisions.{index}.member.{row.member}"
            raise validation(
                f"1 validation error detected: Value null at '{at}' failed to satisfy constraint: "
                "Member must not be null"
            )


def complete_decision(turn: Turn, given: Attributes, decisions: Sequence[Decision], view: View) -> None:
    """A decider answered: DecisionTaskCompleted and the events of its decisions.

    `given` holds executionContext, taskList and taskListScheduleToStartTimeout where the response has them.
    """
    run = turn.run
    attributes = optional(given, "executionContext", "taskList", "taskListScheduleToStartTimeout")
    attributes["scheduledEventId"] = run.scheduled
    attributes["startedEventId"] = run.started
    completed = turn.append("DecisionTaskCompleted", attributes)
    if not completed:
        return
    run.previous = run.started
    if "executionContext" in attributes and turn.status is None:  # else the quota of events has ended it
        run.context = completed if attributes["executionContext"] else 0
    round_ = Round(turn, view, completed)
    for index, decision in enumerate(decisions):
        row = DECISIONS[decision["decisionType"]]
        wanted = decision.get(row.member) or {}
        if index in view.refused:
            round_.fail(row.name, view.refused[index], wanted)
        else:
            HANDLERS[row.name](round_, wanted)
    finish_decision(turn)
    # A task that waited before stays on the list on which it was scheduled; the override is for those to come.
    if "taskList" in attributes:
        run.task_list = attributes["taskList"]["name"]
        run.sticky = attributes.get("taskListScheduleToStartTimeout") or NONE
    if round_.decide_again:
        need_decision(turn)


def _schedule_activity(round_: Round, given: Attributes) -> None:
    turn, view = round_.turn, round_.view
    type_ = given["activityType"]
    known = view.types.get((type_["name"], type_["version"]))
    cause, attributes = _resolve_activity(round_, given, known)
    if cause:
        round_.fail("ScheduleActivityTask", cause, given)
        return
    event = round_.event("ActivityTaskScheduled", attributes)
    if not event:
        return
    due, timeout = first_deadline(
        (due_after(turn.began, attributes["scheduleToCloseTimeout"]), Timeout.SCHEDULE_TO_CLOSE),
        (due_after(turn.began, attributes["scheduleToStartTimeout"]), Timeout.SCHEDULE_TO_START),
    )
    turn.run.latest_activity = turn.time
    round_.open(
        Task(
            key=key_of(turn.run.id, event),
            kind=TaskKind.ACTIVITY,
            name=given["activityId"],
            domain=turn.run.domain,
            due=due,
            timeout=timeout,
            list=attributes["taskList"]["name"],
            priority=-int(attributes.get("taskPriority") or 0),
            arrival=LAST,
        )
    )


def _resolve_activity(round_: Round, given: Attributes, known: Type | None) -> tuple[str, Attributes]:
    """The attributes of the ActivityTaskScheduled, or the cause for which there is none."""
    view = round_.view
    if known is None:
        return "ACTIVITY_TYPE_DOES_NOT_EXIST", {}
    if not known.registered:
        return "ACTIVITY_TYPE_DEPRECATED", {}
    if (TaskKind.ACTIVITY, given["activityId"]) in view.tasks:
        return "ACTIVITY_ID_ALREADY_IN_USE", {}
    if view.open.get(TaskKind.ACTIVITY, 0) >= round_.turn.limits.open_activities:
        return "OPEN_ACTIVITIES_LIMIT_EXCEEDED", {}
    defaults = known.defaults
    attributes = optional(given, "activityType", "activityId", "input", "control")
    task_list = given.get("taskList") or defaults.get("defaultTaskList")
    if not task_list:
        return "DEFAULT_TASK_LIST_UNDEFINED", {}
    attributes["taskList"] = task_list
    priority = given.get("taskPriority") or defaults.get("defaultTaskPriority")
    if priority:
        attributes["taskPriority"] = priority
    for name, default, cause in ACTIVITY_TIMEOUTS:
        value = given.get(name) or defaults.get(default)
        if not value:
            return cause, {}
        attributes[name] = value
    return "", attributes


def _cancel_activity(round_: Round, given: Attributes) -> None:
    name = given["activityId"]
    task = round_.view.tasks.get((TaskKind.ACTIVITY, name))
    if task is None:
        round_.fail("RequestCancelActivityTask", "ACTIVITY_ID_UNKNOWN", given)
        return
    requested = round_.event("ActivityTaskCancelRequested", {"activityId": name})
    if task.started:
        task = task._replace(cancel=requested)
        round_.turn.change(task)
        round_.view.tasks[task.kind, name] = task
        return
    canceled = {"scheduledEventId": task.opened_by, "startedEventId": 0, "latestCancelRequestedEventId": requested}
    round_.turn.append("ActivityTaskCanceled", canceled)
    round_.close(task)
    round_.decide_again = True


def _record_marker(round_: Round, given: Attributes) -> None:
    round_.event("MarkerRecorded", optional(given, "markerName", "details"))


def _start_timer(round_: Round, given: Attributes) -> None:
    turn, view = round_.turn, round_.view
    name = given["timerId"]
    if (TaskKind.TIMER, name) in view.tasks:
        round_.fail("StartTimer", "TIMER_ID_ALREADY_IN_USE", given)
        return
    if view.open.get(TaskKind.TIMER, 0) >= turn.limits.open_timers:
        round_.fail("StartTimer", "OPEN_TIMERS_LIMIT_EXCEEDED", given)
        return
    event = round_.event("TimerStarted", optional(given, "timerId", "control", "startToFireTimeout"))
    due = due_after(turn.began, given["startToFireTimeout"])
    key = key_of(turn.run.id, event)
    round_.open(Task(key, TaskKind.TIMER, name, turn.run.domain, due=due, timeout=Timeout.FIRE))


def _cancel_timer(round_: Round, given: Attributes) -> None:
    name = given["timerId"]
    task = round_.view.tasks.get((TaskKind.TIMER, name))
    if task is None:
        round_.fail("CancelTimer", "TIMER_ID_UNKNOWN", given)
        return
    round_.event("TimerCanceled", {"timerId": name, "startedEventId": task.opened_by})
    round_.close(task)


def _closing(decision: str, *members: str) -> Handler:
    """A decision that closes the execution, unless something happened that its decider does not know."""

    def close(round_: Round, given: Attributes) -> None:
        if round_.turn.run.queued:
            round_.fail(decision, "UNHANDLED_DECISION", given)
        else:
            round_.event(DECISIONS[decision].event, optional(given, *members))

    return close


HANDLERS: dict[str, Handler] = {
    "ScheduleActivityTask": _schedule_activity,
    "RequestCancelActivityTask": _cancel_activity,
    "RecordMarker": _record_marker,
    "StartTimer": _start_timer,
    "CancelTimer": _cancel_timer,
    "CompleteWorkflowExecution": _closing("CompleteWorkflowExecution", "result"),
    "FailWorkflowExecution": _closing("FailWorkflowExecution", "reason", "details"),
    "CancelWorkflowExecution": _closing("CancelWorkflowExecution", "details"),
    "ContinueAsNewWorkflowExecution": reaching.continue_as_new,
    "StartChildWorkflowExecution": reaching.start_child,
    "SignalExternalWorkflowExecution": reaching.signal_external,
    "RequestCancelExternalWorkflowExecution": reaching.cancel_external,
    "ScheduleLambdaFunction": reaching.schedule_lambda,
}
