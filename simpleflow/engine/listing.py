"""Lists and counts of open and of closed executions: filters, order, pages.

See https://docs.aws.amazon.com/amazonswf/latest/apireference/API_ListClosedWorkflowExecutions.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simpleflow.engine.call import Call, Request, Response, milliseconds
from simpleflow.engine.executions import Execution, execution_info
from simpleflow.engine.tokens import page_token, read_page_token
from simpleflow.protocol.faults import Fault, validation

COLUMNS = "id, domain, workflow_id, run_id, type, started, closed, status, cancel_requested, parent, tags, final"

#: Filters of which a query may have at most one.
EXCLUSIVE = ("executionFilter", "typeFilter", "tagFilter", "closeStatusFilter")

Condition = tuple[str, list[Any]]

_OPEN: Condition = ("closed IS NULL", [])


def list_open_workflow_executions(call: Call, request: Request) -> Response:
    condition = conditions(call, request, "started", request["startTimeFilter"])
    return _page(call, request, "ListOpenWorkflowExecutions", "started", _and(condition, _OPEN))


def list_closed_workflow_executions(call: Call, request: Request) -> Response:
    order, times = closed_order(request)
    condition = conditions(call, request, order, times)
    return _page(call, request, "ListClosedWorkflowExecutions", order, _and(condition, _retained(call, request)))


def count_open_workflow_executions(call: Call, request: Request) -> Response:
    condition = conditions(call, request, "started", request["startTimeFilter"])
    return _count(call, _and(condition, _OPEN))


def count_closed_workflow_executions(call: Call, request: Request) -> Response:
    order, times = closed_order(request)
    return _count(call, _and(conditions(call, request, order, times), _retained(call, request)))


def _count(call: Call, condition: Condition) -> Response:
    sql, bindings = condition
    ((count,),) = call.store.select(f"SELECT count(*) FROM execution WHERE {sql}", bindings)
    return {"count": count, "truncated": False}


def _retained(call: Call, request: Request) -> Condition:
    """Closed, and not so long ago that the domain has forgotten it."""
    return "closed IS NOT NULL AND closed > ?", [call.expired(call.domain(request["domain"]))]


def closed_order(request: Request) -> tuple[str, dict[str, Any]]:
    """The column that orders closed executions, and its time filter: exactly one must be given."""
    filters = [name for name in ("startTimeFilter", "closeTimeFilter") if request.get(name) is not None]
    if not filters:
        raise validation("Must specify time filter")
    if len(filters) > 1:
        raise _too_many_filters(filters)
    return ("started" if filters == ["startTimeFilter"] else "closed"), request[filters[0]]


def _too_many_filters(filters: list[str]) -> Fault:
    names = ", ".join(filters)
    return validation(f"Cannot specify more than one exclusive filters in the same query: [{names}]")


def conditions(call: Call, request: Request, order: str, times: dict[str, Any]) -> Condition:
    """What the rows must satisfy, by the request's filters."""
    given = [name for name in EXCLUSIVE if request.get(name) is not None]
    if len(given) > 1:
        raise _too_many_filters(given)
    sql, bindings = f"domain = ? AND {order} >= ?", [call.domain(request["domain"]), milliseconds(times["oldestDate"])]
    if times.get("latestDate") is not None:
        sql += f" AND {order} <= ?"
        bindings.append(milliseconds(times["latestDate"]))
    condition: Condition = (sql, bindings)
    for name in given:
        condition = _and(condition, _FILTERS[name](request[name]))
    return condition


def _and(left: Condition, right: Condition) -> Condition:
    return f"{left[0]} AND {right[0]}", [*left[1], *right[1]]


def _type_filter(given: dict[str, Any]) -> Condition:
    sql = "type IN (SELECT id FROM type WHERE kind = 'workflow' AND name = ?"
    if given.get("version"):
        return f"{sql} AND version = ?)", [given["name"], given["version"]]
    return f"{sql})", [given["name"]]


def _tag_filter(given: dict[str, Any]) -> Condition:
    return "EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)", [given["tag"]]


_FILTERS: dict[str, Callable[[dict[str, Any]], Condition]] = {
    "executionFilter": lambda given: ("workflow_id = ?", [given["workflowId"]]),
    "typeFilter": _type_filter,
    "tagFilter": _tag_filter,
    "closeStatusFilter": lambda given: ("status = ?", [given["status"]]),
}


def _page(call: Call, request: Request, operation: str, order: str, condition: Condition) -> Response:
    """One page, the newest first unless the order is reversed."""
    size = call.page_size(request)
    ascending = bool(request.get("reverseOrder"))
    if token := request.get("nextPageToken"):
        last = read_page_token(token, operation, call.now, call.limits.token_seconds)
        condition = _and(condition, (f"({order}, id) {'>' if ascending else '<'} (?, ?)", last))
    sql, bindings = condition
    direction = "ASC" if ascending else "DESC"
    statement = f"SELECT {COLUMNS} FROM execution WHERE {sql} ORDER BY {order} {direction}, id {direction} LIMIT ?"
    rows = [Execution._make(row) for row in call.store.select(statement, [*bindings, size + 1])]
    answer: Response = {"executionInfos": [execution_info(call, row) for row in rows[:size]]}
    if len(rows) > size:
        last_row = rows[size - 1]
        position = last_row.started if order == "started" else last_row.closed
        answer["nextPageToken"] = page_token(operation, call.now, position, last_row.id)
    return answer
