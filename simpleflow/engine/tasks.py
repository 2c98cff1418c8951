"""Tasks: polls, responses, heartbeats, counts.

A poll here is one try: it answers None when there is nothing, and the engine waits and tries again.
See https://docs.aws.amazon.com/amazonswf/latest/apireference/API_PollForDecisionTask.html and its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from simpleflow.engine.call import ACTIVITY_LIST, DECISION_LIST, Call, Operation, Request, Response
from simpleflow.engine.decisions import check, close_is_last, complete_decision
from simpleflow.engine.executions import continue_as_new, history_page, words
from simpleflow.engine.rows import OpenExecution, Task, TaskKind, key_of
from simpleflow.engine.tokens import ACTIVITY, DECISION, Token, read_page_token, read_task_token, task_token
from simpleflow.engine.transitions import (
    Attributes,
    Turn,
    finish_activity,
    optional,
    record_heartbeat,
    start_activity,
    start_decision,
)
from simpleflow.engine.view import look
from simpleflow.protocol import checks
from simpleflow.protocol.faults import Fault, unknown


def poll_for_decision_task(call: Call, request: Request) -> Response | None:
    if request.get("nextPageToken"):
        return _next_decision_page(call, request)
    domain = call.domain(request["domain"])
    while True:
        row = call.store.row("next_decision", domain, request["taskList"]["name"])
        if row is None:
            return None
        turn = call.turn(OpenExecution(*row))
        start_decision(turn, request.get("identity"))
        call.save(turn)
        call.taken(DECISION_LIST, domain, turn.run.list)
        if turn.status is None:
            break
    run = turn.run
    low = (run.previous or 1) if request.get("startAtPreviousStartedEvent") else 1
    reverse = bool(request.get("reverseOrder"))
    place = (run.id, low, run.started, reverse, run.started, run.scheduled, run.previous)
    return _decision_page(call, request, place)


def _next_decision_page(call: Call, request: Request) -> Response:
    call.domain(request["domain"])
    lifetime = call.limits.token_seconds
    place = read_page_token(request["nextPageToken"], "PollForDecisionTask", call.now, lifetime)
    return _decision_page(call, request, tuple(place))


def _decision_page(call: Call, request: Request, place: tuple[Any, ...]) -> Response:
    """A page of the history of a decision task that was handed out; all pages end at its DecisionTaskStarted."""
    number, low, high, reverse, *task = place
    started, scheduled, previous = task
    size = call.page_size(request)
    answer = history_page(call, "PollForDecisionTask", number, low, high, reverse, size, *task)
    names = call.store.row("execution_names", number)
    if names is None:  # the domain no longer retains it
        raise unknown(f"Unknown decision task, scheduledEventId = {scheduled}")
    workflow_id, run_id, name, version = names
    answer["taskToken"] = task_token(call.file, DECISION, number, scheduled)
    answer["startedEventId"] = started
    answer["previousStartedEventId"] = previous
    answer["workflowExecution"] = {"workflowId": workflow_id, "runId": run_id}
    answer["workflowType"] = {"name": name, "version": version}
    return answer


def check_decisions(request: Request) -> None:
    """Check a response before anything else is done; the service looks for the close first."""
    decisions = request.get("decisions")
    if isinstance(decisions, (list, tuple)):
        close_is_last(decisions)
    checks.respond_decision_task_completed(request)
    check(decisions or ())


def respond_decision_task_completed(call: Call, request: Request) -> Response:
    decisions = request.get("decisions") or ()
    if decisions and len(orjson.dumps(request)) > call.limits.request_size:
        most = call.limits.request_size
        raise Fault("RequestEntityTooLargeException", f"The request is longer than {most} bytes")
    token = read_task_token(request["taskToken"], DECISION)
    run = call.store.run(token.execution) if token.file == call.file else None
    if run is None or run.scheduled != token.scheduled:
        raise no_task(call, token, "decision task")
    turn = call.turn(run)
    view = look(call, run, decisions)
    complete_decision(turn, request, decisions, view)
    call.save(turn)
    if turn.continued is not None:
        continue_as_new(call, turn, turn.continued, view.next_run)
    return {}


def no_task(call: Call, token: Token, what: str) -> Fault:
    """Why a token is good no more: its execution is closed, or the task is."""
    if token.file == call.file and call.store.run(token.execution) is None:
        row = call.store.row("execution_names", token.execution)
        if row is not None:
            return unknown(words(*row[:2]))
    return unknown(f"Unknown {what}, scheduledEventId = {token.scheduled}")


def poll_for_activity_task(call: Call, request: Request) -> Response | None:
    domain = call.domain(request["domain"])
    while True:
        row = call.store.row("next_task", domain, request["taskList"]["name"])
        if row is None:
            return None
        task = Task._make(row)
        run = call.store.run(task.execution)
        assert run is not None
        turn = call.turn(run)
        began, scheduled = call.event(task.execution, task.opened_by)
        task = start_activity(turn, task, scheduled, began, request.get("identity"))
        call.save(turn)
        call.taken(ACTIVITY_LIST, domain, task.list or "")
        if turn.status is None:
            break
    workflow_id, run_id, *_ = call.store.one("execution_names", run.id)
    answer = {
        "taskToken": task_token(call.file, ACTIVITY, run.id, task.opened_by),
        "activityId": task.name,
        "startedEventId": task.started,
        "workflowExecution": {"workflowId": workflow_id, "runId": run_id},
        "activityType": scheduled["activityType"],
    }
    if "input" in scheduled:
        answer["input"] = scheduled["input"]
    return answer


def _started_activity(call: Call, token_text: str) -> Task:
    """The activity that a worker holds. Raises UnknownResourceFault if it does so no more."""
    token = read_task_token(token_text, ACTIVITY)
    task = call.store.task(key_of(token.execution, token.scheduled)) if token.file == call.file else None
    if task is None or task.kind != TaskKind.ACTIVITY or not task.started:
        raise no_task(call, token, "activity")
    return task


def responding(
    hold: Callable[[Call, str], Task], finish: Callable[[Turn, Task, str, Attributes], None], event: str, *members: str
) -> Operation:
    """The operation of a worker that answers: `hold` gives the task of its token, `finish` ends it by this event."""

    def respond(call: Call, request: Request) -> Response:
        task = hold(call, request["taskToken"])
        run = call.store.run(task.execution)
        assert run is not None
        turn = call.turn(run)
        finish(turn, task, event, optional(request, *members))
        call.save(turn)
        return {}

    return respond


respond_activity_task_completed = responding(_started_activity, finish_activity, "ActivityTaskCompleted", "result")
respond_activity_task_failed = responding(_started_activity, finish_activity, "ActivityTaskFailed", "reason", "details")
respond_activity_task_canceled = responding(_started_activity, finish_activity, "ActivityTaskCanceled", "details")


def record_activity_task_heartbeat(call: Call, request: Request) -> Response:
    task = _started_activity(call, request["taskToken"])
    details = request.get("details")
    call.store.change_task(record_heartbeat(task, call.now, task.details if details is None else details))
    return {"cancelRequested": task.cancel > 0}


def count_pending_activity_tasks(call: Call, request: Request) -> Response:
    return _count(call, request, "count_tasks")


def count_pending_decision_tasks(call: Call, request: Request) -> Response:
    return _count(call, request, "count_decisions")


def _count(call: Call, request: Request, query: str) -> Response:
    domain = call.domain(request["domain"])
    return {"count": call.store.one(query, domain, request["taskList"]["name"]), "truncated": False}
