"""Executions as a client sees them: start, describe, signal, cancel, terminate, history.

See https://docs.aws.amazon.com/amazonswf/latest/apireference/API_StartWorkflowExecution.html and its neighbours.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from simpleflow.engine.call import Call, Request, Response, event_dicts, timestamp
from simpleflow.engine.registration import require_registered, type_words
from simpleflow.engine.retention import STEP, remove_expired
from simpleflow.engine.rows import OpenExecution, TaskKind, key_of
from simpleflow.engine.starting import Needed, resolve, start
from simpleflow.engine.store import task_range
from simpleflow.engine.tokens import execution_of, new_run_id, page_token, read_page_token
from simpleflow.engine.transitions import Attributes, Turn, optional, request_cancel, signal, terminate
from simpleflow.protocol.faults import Fault, unknown


class Execution(NamedTuple):
    """The row of an execution, open or closed."""

    id: int
    domain: int
    workflow_id: str
    run_id: str
    type: int
    started: int
    closed: int | None
    status: str | None
    cancel_requested: int
    parent: int | None
    tags: str | None
    final: str | None


def words(workflow_id: str, run_id: str) -> str:
    """How the service names an execution in its messages."""
    return f"Unknown execution: WorkflowExecution=[workflowId={workflow_id}, runId={run_id}]"


def get_execution(call: Call, number: int) -> Execution:
    """The row of an execution that is there."""
    row = call.store.row("execution", number)
    assert row is not None
    return Execution._make(row)


def find_execution(call: Call, domain: int, execution: dict[str, str]) -> Execution:
    """The row of a named execution that is retained. Raises UnknownResourceFault."""
    row = call.store.row("execution", execution_of(execution["runId"]))
    if row is not None:
        found = Execution._make(row)
        named = (found.domain, found.workflow_id, found.run_id)
        retained = found.closed is None or found.closed > call.expired(domain)
        if retained and named == (domain, execution["workflowId"], execution["runId"]):
            return found
    raise unknown(words(execution["workflowId"], execution["runId"]))


def find_open(call: Call, domain: int, workflow_id: str, run_id: str | None) -> OpenExecution:
    """The hot state of an open execution, named with or without its run. Raises UnknownResourceFault."""
    if run_id:
        execution = find_execution(call, domain, {"workflowId": workflow_id, "runId": run_id})
        run = call.store.run(execution.id)
        if run is None:
            raise unknown(words(workflow_id, run_id))
        return run
    row = call.store.row("latest_execution", domain, workflow_id)
    run = None if row is None else call.store.run(row[0])
    if run is None:
        raise unknown(f"Unknown execution, workflowId = {workflow_id}")
    return run


def start_workflow_execution(call: Call, request: Request) -> Response:
    domain = require_registered(call, request["domain"])
    started = _resolve(call, domain, request)
    row = call.store.row("latest_execution", domain, request["workflowId"])
    if row is not None and row[2] is None:
        raise Fault("WorkflowExecutionAlreadyStartedFault", "Already Started")
    number = next_number(call)
    if room_for(call, domain, 1, number) <= 0:
        most = call.limits.open_executions
        raise Fault("LimitExceededFault", f"The domain has {most} open executions, the most it can have")
    remove_expired(call, domain, STEP)
    return {"runId": launch(call, number, domain, request["workflowId"], started, call.now).run_id}


def _resolve(call: Call, domain: int, request: Request) -> Attributes:
    """The attributes of the WorkflowExecutionStarted."""
    name, version = request["workflowType"]["name"], request["workflowType"]["version"]
    known = call.type("workflow", domain, name, version)
    if known is None:
        raise unknown(f"Unknown type: {type_words('workflow', name, version)}")
    if not known.registered:
        raise Fault("TypeDeprecatedFault", type_words("workflow", name, version))
    found = resolve(request, {"name": name, "version": version}, known.defaults)
    if isinstance(found, Needed):
        raise Fault("DefaultUndefinedFault", found.member)
    return found


def next_number(call: Call) -> int:
    """The number of the next execution."""
    return int(call.store.one("last_execution_id") or 0) + 1


def launch(
    call: Call,
    number: int,
    domain: int,
    workflow_id: str,
    started: Attributes,
    time: int,
    *,
    run_id: str | None = None,
    parent: int | None = None,
) -> Execution:
    """Write a new execution with this WorkflowExecutionStarted; whether it may start has been looked at."""
    run_id = run_id or new_run_id(number)
    type_ = call.store.one("type", domain, "workflow", *started["workflowType"].values())[0]
    tags = orjson.dumps(started["tagList"]).decode() if "tagList" in started else None
    call.store.do("insert_execution", number, domain, workflow_id, run_id, type_, time, parent, tags)
    call.open(start(number, domain, time, started, call.limits))
    return Execution(number, domain, workflow_id, run_id, type_, time, None, None, 0, parent, tags, None)


def continue_as_new(call: Call, turn: Turn, started: Attributes, run_id: str) -> None:
    """Write the run that goes on after one that this turn has closed. It has the same parent."""
    run = turn.run
    before = get_execution(call, run.id)
    started = {**started, "continuedExecutionRunId": before.run_id}
    if before.parent is not None:
        _, first = call.event(run.id, 1)
        started |= optional(first, "parentWorkflowExecution", "parentInitiatedEventId")
    number = next_number(call)
    launch(call, number, run.domain, before.workflow_id, started, turn.began, run_id=run_id, parent=before.parent)


def room_for(call: Call, domain: int, wanted: int, number: int) -> int:
    """How many executions may yet be opened in a domain, at least if they are fewer than wanted.

    `number` is that of the next execution. Counting costs, so it is done again only when so many could have been
    started that it matters.
    """
    room = call.memory.room.get(domain, 0) - number
    if room < wanted:
        room = call.limits.open_executions - call.store.one("count_open_executions", domain)
        call.memory.room[domain] = number + room
    return room


def signal_workflow_execution(call: Call, request: Request) -> Response:
    turn = call.turn(_named_open(call, request))
    signal(turn, request)
    call.save(turn)
    return {}


def request_cancel_workflow_execution(call: Call, request: Request) -> Response:
    turn = call.turn(_named_open(call, request))
    request_cancel(turn)
    call.save(turn)
    return {}


def terminate_workflow_execution(call: Call, request: Request) -> Response:
    turn = call.turn(_named_open(call, request))
    terminate(turn, request.get("reason"), request.get("details"), request.get("childPolicy"))
    call.save(turn)
    return {}


def _named_open(call: Call, request: Request) -> OpenExecution:
    return find_open(call, call.domain(request["domain"]), request["workflowId"], request.get("runId"))


def describe_workflow_execution(call: Call, request: Request) -> Response:
    execution = find_execution(call, call.domain(request["domain"]), request["execution"])
    _, started = call.event(execution.id, 1)
    run = call.store.run(execution.id)
    state = _open_state(call, run) if run is not None else orjson.loads(execution.final or "{}")
    configuration = optional(
        started,
        "taskStartToCloseTimeout",
        "executionStartToCloseTimeout",
        "taskList",
        "childPolicy",
        "taskPriority",
        "lambdaRole",
    )
    answer: Response = {
        "executionInfo": execution_info(call, execution),
        "executionConfiguration": configuration,
        "openCounts": _open_counts(state),
    }
    if state["latestActivity"] is not None:
        answer["latestActivityTaskTimestamp"] = timestamp(state["latestActivity"])
    if state["context"]:
        _, completed = call.event(execution.id, state["context"])
        answer["latestExecutionContext"] = completed["executionContext"]
    return answer


def _open_state(call: Call, run: OpenExecution) -> dict[str, Any]:
    """What the store keeps of an execution when it closes, of an open one."""
    counts = call.store.all("count_open", *task_range(run.id))
    return {
        "open": {str(kind): count for kind, count in counts},
        "decisions": int(bool(run.queued or run.started)),
        "context": run.context,
        "latestActivity": run.latest_activity,
    }


def _open_counts(state: dict[str, Any]) -> dict[str, int]:
    count = state["open"]
    return {
        "openActivityTasks": count.get(str(int(TaskKind.ACTIVITY)), 0),
        "openDecisionTasks": state["decisions"],
        "openTimers": count.get(str(int(TaskKind.TIMER)), 0),
        "openChildWorkflowExecutions": count.get(str(int(TaskKind.CHILD)), 0),
        "openLambdaFunctions": count.get(str(int(TaskKind.LAMBDA)), 0),
    }


def execution_info(call: Call, execution: Execution) -> dict[str, Any]:
    """A WorkflowExecutionInfo.

    See https://docs.aws.amazon.com/amazonswf/latest/apireference/API_WorkflowExecutionInfo.html
    """
    name, version = call.store.one("type_name", execution.type)
    info: dict[str, Any] = {
        "execution": {"workflowId": execution.workflow_id, "runId": execution.run_id},
        "workflowType": {"name": name, "version": version},
        "startTimestamp": timestamp(execution.started),
        "executionStatus": "OPEN" if execution.closed is None else "CLOSED",
        "cancelRequested": bool(execution.cancel_requested),
    }
    if execution.closed is not None:
        info["closeTimestamp"] = timestamp(execution.closed)
        info["closeStatus"] = execution.status
    if execution.tags is not None:
        info["tagList"] = orjson.loads(execution.tags)
    if execution.parent is not None:
        info["parent"] = call.event(execution.id, 1)[1]["parentWorkflowExecution"]
    return info


def get_workflow_execution_history(call: Call, request: Request) -> Response:
    operation = "GetWorkflowExecutionHistory"
    execution = find_execution(call, call.domain(request["domain"]), request["execution"])
    reverse = bool(request.get("reverseOrder"))
    low, high = 1, 0
    if token := request.get("nextPageToken"):
        lifetime = call.limits.token_seconds
        of, low, high, reverse = read_page_token(token, operation, call.now, lifetime)
        if of != execution.id:
            raise Fault("ValidationException", "Invalid token")
    return history_page(call, operation, execution.id, low, high, reverse, call.page_size(request))


def history_page(
    call: Call, operation: str, execution: int, low: int, high: int, reverse: bool, size: int, *extra: Any
) -> Response:
    """A page of a history, of the events from `low` to `high` (0 for the last), and perhaps a nextPageToken.

    The token holds where the next page begins, and what is `extra`.
    """
    last = key_of(execution, high) if high else key_of(execution + 1, 0) - 1
    query = "events_reversed" if reverse else "events"
    rows = call.store.all(query, key_of(execution, low), last, size + 1)
    if len(rows) <= size:
        return {"events": event_dicts(rows)}
    events = event_dicts(rows[:size])
    edge = events[-1]["eventId"]
    low, high = (low, edge - 1) if reverse else (edge + 1, high)
    token = page_token(operation, call.now, execution, low, high, reverse, *extra)
    return {"events": events, "nextPageToken": token}
