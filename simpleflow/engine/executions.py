"""Executions as a client sees them: start, describe, terminate, history.

See https://docs.aws.amazon.com/amazonswf/latest/apireference/API_StartWorkflowExecution.html and its neighbours.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from simpleflow.engine.call import Call, Request, Response, event_dicts, timestamp
from simpleflow.engine.registration import require_registered, type_words
from simpleflow.engine.rows import Run, TaskKind, key_of
from simpleflow.engine.store import task_range
from simpleflow.engine.tokens import execution_of, new_run_id, page_token, read_page_token
from simpleflow.engine.transitions import NONE, Attributes, optional, start, terminate
from simpleflow.protocol.faults import Fault, unknown

#: What a start needs, from the request or else from the type; in the order in which the service looks for it.
START_DEFAULTS = (
    ("executionStartToCloseTimeout", "defaultExecutionStartToCloseTimeout"),
    ("taskList", "defaultTaskList"),
    ("taskStartToCloseTimeout", "defaultTaskStartToCloseTimeout"),
    ("childPolicy", "defaultChildPolicy"),
)


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


def find_execution(call: Call, domain: str, execution: dict[str, str]) -> Execution:
    """The row of a named execution. Raises UnknownResourceFault."""
    number = call.domain(domain)
    row = call.store.row("execution", execution_of(execution["runId"]))
    if row is not None:
        found = Execution._make(row)
        named = (found.domain, found.workflow_id, found.run_id)
        if named == (number, execution["workflowId"], execution["runId"]):
            return found
    raise unknown(words(execution["workflowId"], execution["runId"]))


def find_open(call: Call, domain: str, workflow_id: str, run_id: str | None) -> Run:
    """The hot state of an open execution, named with or without its run. Raises UnknownResourceFault."""
    if run_id:
        execution = find_execution(call, domain, {"workflowId": workflow_id, "runId": run_id})
        run = call.store.run(execution.id)
        if run is None:
            raise unknown(words(workflow_id, run_id))
        return run
    row = call.store.row("latest_execution", call.domain(domain), workflow_id)
    run = None if row is None else call.store.run(row[0])
    if run is None:
        raise unknown(f"Unknown execution, workflowId = {workflow_id}")
    return run


def start_workflow_execution(call: Call, request: Request) -> Response:
    domain = require_registered(call, request["domain"])
    workflow_type = request["workflowType"]
    type_id, defaults = _startable_type(call, domain, workflow_type["name"], workflow_type["version"])
    resolved = resolve_start(request, defaults)
    row = call.store.row("latest_execution", domain, request["workflowId"])
    if row is not None and row[2] is None:
        raise Fault("WorkflowExecutionAlreadyStartedFault", "Already Started")
    number = (call.store.one("last_execution_id") or 0) + 1
    _check_open_executions(call, domain, number)
    run_id = new_run_id(number)
    run = _new_run(call, number, domain, resolved)
    turn = start(run, call.now, {**resolved, "parentInitiatedEventId": 0}, call.limits)
    tags = orjson.dumps(request["tagList"]).decode() if request.get("tagList") else None
    call.store.do("insert_execution", number, domain, request["workflowId"], run_id, type_id, call.now, None, tags)
    call.open(turn)
    return {"runId": run_id}


def _startable_type(call: Call, domain: int, name: str, version: str) -> tuple[int, dict[str, Any]]:
    row = call.store.row("type", domain, "workflow", name, version)
    if row is None or row[1] == "DELETED":
        raise unknown(f"Unknown type: {type_words('workflow', name, version)}")
    if row[1] == "DEPRECATED":
        raise Fault("TypeDeprecatedFault", type_words("workflow", name, version))
    return row[0], orjson.loads(row[5])


def resolve_start(request: Request, defaults: dict[str, Any]) -> Attributes:
    """The attributes of the WorkflowExecutionStarted. Raises DefaultUndefinedFault."""
    attributes = optional(request, "workflowType", "input")
    for name, default in START_DEFAULTS:
        value = request.get(name) or defaults.get(default)
        if not value:
            raise Fault("DefaultUndefinedFault", name)
        attributes[name] = value
    for name, default in (("taskPriority", "defaultTaskPriority"), ("lambdaRole", "defaultLambdaRole")):
        if value := request.get(name) or defaults.get(default):
            attributes[name] = value
    if request.get("tagList"):
        attributes["tagList"] = list(request["tagList"])
    return attributes


def _new_run(call: Call, number: int, domain: int, resolved: Attributes) -> Run:
    task_list = resolved["taskList"]["name"]
    seconds = min(int(resolved["executionStartToCloseTimeout"]), call.limits.execution_seconds)
    return Run(
        id=number,
        domain=domain,
        child_policy=resolved["childPolicy"],
        original_list=task_list,
        task_list=task_list,
        sticky=NONE,
        task_timeout=resolved["taskStartToCloseTimeout"],
        task_priority=resolved.get("taskPriority"),
        expires=call.now + seconds * 1000,
        list=task_list,
        priority=-int(resolved.get("taskPriority") or 0),
    )


def _check_open_executions(call: Call, domain: int, number: int) -> None:
    """Refuse one execution too many. Counting costs, so it is done again only when enough could have been started."""
    if number < call.room.get(domain, 0):
        return
    room = call.limits.open_executions - call.store.one("count_open_executions", domain)
    if room <= 0:
        most = call.limits.open_executions
        raise Fault("LimitExceededFault", f"The domain has {most} open executions, the most it can have")
    call.room[domain] = number + room


def terminate_workflow_execution(call: Call, request: Request) -> Response:
    run = find_open(call, request["domain"], request["workflowId"], request.get("runId"))
    turn = call.turn(run)
    terminate(turn, request.get("reason"), request.get("details"), request.get("childPolicy"))
    call.save(turn)
    return {}


def describe_workflow_execution(call: Call, request: Request) -> Response:
    execution = find_execution(call, request["domain"], request["execution"])
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


def _open_state(call: Call, run: Run) -> dict[str, Any]:
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
    return info


def get_workflow_execution_history(call: Call, request: Request) -> Response:
    operation = "GetWorkflowExecutionHistory"
    execution = find_execution(call, request["domain"], request["execution"])
    reverse = bool(request.get("reverseOrder"))
    low, high = 1, 0
    if token := request.get("nextPageToken"):
        lifetime = call.limits.token_seconds
        of, low, high, reverse = read_page_token(token, operation, call.now, lifetime)
        if of != execution.id:
            raise Fault("ValidationException", "Invalid token")
    return history_page(call, operation, execution.id, low, high, reverse, request.get("maximumPageSize"))


def history_page(
    call: Call, operation: str, execution: int, low: int, high: int, reverse: bool, size: int | None, *extra: Any
) -> Response:
    """A page of a history, of the events from `low` to `high` (0 for the last), and perhaps a nextPageToken.

    The token holds where the next page begins, and what is `extra`.
    """
    size = size or call.limits.page_size
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
