"""Domains and types: register, describe, list, deprecate, delete; the tags of domains.

See https://docs.aws.amazon.com/amazonswf/latest/apireference/API_RegisterDomain.html and its neighbours.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from simpleflow.engine.call import Call, Operation, Request, Response, timestamp
from simpleflow.engine.tokens import page_token, read_page_token
from simpleflow.protocol.faults import Fault, unknown

ARN = "arn:aws:swf:local:000000000000:/domain/"
#: A domain's ARN in any region: who calls over HTTP names the one that he has signed for.
_ANY_REGION = re.compile(r"arn:aws:swf:[a-z0-9-]+:000000000000:/domain/(.+)", re.DOTALL)

#: What a type may give as defaults, by its kind.
DEFAULTS = {
    "workflow": (
        "defaultTaskStartToCloseTimeout",
        "defaultExecutionStartToCloseTimeout",
        "defaultTaskList",
        "defaultTaskPriority",
        "defaultChildPolicy",
        "defaultLambdaRole",
    ),
    "activity": (
        "defaultTaskStartToCloseTimeout",
        "defaultTaskHeartbeatTimeout",
        "defaultTaskList",
        "defaultTaskPriority",
        "defaultTaskScheduleToStartTimeout",
        "defaultTaskScheduleToCloseTimeout",
    ),
}


def type_words(kind: str, name: str, version: str) -> str:
    """How the service names a type in its messages."""
    return f"{kind.capitalize()}Type=[name={name}, version={version}]"


def require_registered(call: Call, domain: str) -> int:
    """The id of a domain in which something new may be made. Raises UnknownResourceFault, DomainDeprecatedFault."""
    row = call.store.row("domain", domain)
    if row is None:
        raise unknown(f"Unknown domain: {domain}")
    if row[1] != "REGISTERED":
        raise Fault("DomainDeprecatedFault", domain)
    found: int = row[0]
    return found


def register_domain(call: Call, request: Request) -> Response:
    name = request["name"]
    if call.store.row("domain", name) is not None:
        raise Fault("DomainAlreadyExistsFault", name)
    if call.store.one("count_domains") >= call.limits.domains:
        raise Fault("LimitExceededFault", f"The account has {call.limits.domains} domains, the most it can have")
    tags = _tags(call, {}, request.get("tags") or [])
    call.store.do(
        "insert_domain",
        name,
        request.get("description"),
        request["workflowExecutionRetentionPeriodInDays"],
        call.now,
        tags,
    )
    return {}


def _domain_row(call: Call, name: str) -> tuple[Any, ...]:
    row = call.store.row("domain", name)
    if row is None:
        raise unknown(f"Unknown domain: {name}")
    return row


def deprecate_domain(call: Call, request: Request) -> Response:
    """Types that are registered are deprecated with their domain, and stay so when it comes back."""
    row = _domain_row(call, request["name"])
    if row[1] == "DEPRECATED":
        raise Fault("DomainDeprecatedFault", request["name"])
    call.store.do("deprecate_domain", row[0], "DEPRECATED", call.now)
    call.store.do("deprecate_types", row[0], call.now)
    return {}


def undeprecate_domain(call: Call, request: Request) -> Response:
    row = _domain_row(call, request["name"])
    if row[1] == "REGISTERED":
        raise Fault("DomainAlreadyExistsFault", request["name"])
    call.store.do("deprecate_domain", row[0], "REGISTERED", None)
    return {}


def _tags(call: Call, tags: dict[str, str], added: list[dict[str, str]]) -> str:
    """A domain's tags with those that are added, as JSON. Raises TooManyTagsFault."""
    tags = {**tags, **{tag["key"]: tag.get("value") or "" for tag in added}}
    if len(tags) > call.limits.domain_tags:
        raise Fault("TooManyTagsFault", f"A domain has at most {call.limits.domain_tags} tags")
    return orjson.dumps(tags).decode()


def _tagged(call: Call, request: Request) -> tuple[int, dict[str, str]]:
    """The domain that an ARN names, and its tags. Raises UnknownResourceFault."""
    arn = request["resourceArn"]
    named = _ANY_REGION.fullmatch(arn)
    row = call.store.row("domain", named[1]) if named else None
    if row is None:
        raise unknown(f"Unknown resource: {arn}")
    return row[0], orjson.loads(call.store.one("domain_tags", row[0]))


def tag_resource(call: Call, request: Request) -> Response:
    domain, tags = _tagged(call, request)
    call.store.do("set_domain_tags", domain, _tags(call, tags, request["tags"]))
    return {}


def untag_resource(call: Call, request: Request) -> Response:
    domain, tags = _tagged(call, request)
    left = {key: value for key, value in tags.items() if key not in request["tagKeys"]}
    call.store.do("set_domain_tags", domain, orjson.dumps(left).decode())
    return {}


def list_tags_for_resource(call: Call, request: Request) -> Response:
    _, tags = _tagged(call, request)
    return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}


def describe_domain(call: Call, request: Request) -> Response:
    name = request["name"]
    row = _domain_row(call, name)
    return {
        "domainInfo": _domain_info(name, row[1], row[2]),
        "configuration": {"workflowExecutionRetentionPeriodInDays": row[3]},
    }


def _domain_info(name: str, status: str, description: str | None) -> dict[str, Any]:
    info = {"name": name, "status": status, "arn": ARN + name}
    if description is not None:
        info["description"] = description
    return info


def list_domains(call: Call, request: Request) -> Response:
    rows, token = _page(
        call,
        request,
        "ListDomains",
        "SELECT name, status, description FROM domain WHERE status = ?",
        [request["registrationStatus"]],
        ("name",),
    )
    return _with_token({"domainInfos": [_domain_info(*row) for row in rows]}, token)


def _page(
    call: Call, request: Request, operation: str, statement: str, bindings: list[Any], order: tuple[str, ...]
) -> tuple[list[tuple[Any, ...]], str | None]:
    """One page of rows whose first columns are those that order them, and the token of the next page."""
    size = call.page_size(request)
    reverse = bool(request.get("reverseOrder"))
    columns = f"({', '.join(order)})"
    if token := request.get("nextPageToken"):
        last = read_page_token(token, operation, call.now, call.limits.token_seconds)
        statement += f" AND {columns} {'<' if reverse else '>'} ({', '.join('?' * len(order))})"
        bindings = [*bindings, *last]
    direction = " DESC" if reverse else ""
    statement += f" ORDER BY {', '.join(name + direction for name in order)} LIMIT ?"
    rows = call.store.select(statement, [*bindings, size + 1])
    if len(rows) <= size:
        return rows, None
    return rows[:size], page_token(operation, call.now, *rows[size - 1][: len(order)])


def _with_token(answer: Response, token: str | None) -> Response:
    if token is not None:
        answer["nextPageToken"] = token
    return answer


def _register(kind: str) -> Operation:
    def register(call: Call, request: Request) -> Response:
        domain = require_registered(call, request["domain"])
        name, version = request["name"], request["version"]
        row = call.store.row("type", domain, kind, name, version)
        if row is not None and row[1] != "DELETED":
            raise Fault("TypeAlreadyExistsFault", type_words(kind, name, version))
        most = call.limits.workflow_types if kind == "workflow" else call.limits.activity_types
        if call.store.one("count_types", domain, kind) >= most:
            raise Fault("LimitExceededFault", f"The domain has {most} {kind} types, the most it can have")
        defaults = {key: request[key] for key in DEFAULTS[kind] if request.get(key) not in (None, "")}
        text = orjson.dumps(defaults).decode()
        call.store.do("insert_type", domain, kind, name, version, request.get("description"), call.now, text)
        return {}

    return register


def _describe(kind: str) -> Operation:
    def describe(call: Call, request: Request) -> Response:
        name, version, row = _named_type(call, kind, request)
        info = _type_info(kind, (name, version, *row[1:5]))
        return {"typeInfo": info, "configuration": orjson.loads(row[5])}

    return describe


def _named_type(call: Call, kind: str, request: Request) -> tuple[str, str, tuple[Any, ...]]:
    """Name, version and row of the type that a request is about. Raises UnknownResourceFault."""
    domain = call.domain(request["domain"])
    name, version = request[f"{kind}Type"]["name"], request[f"{kind}Type"]["version"]
    row = call.store.row("type", domain, kind, name, version)
    if row is None or row[1] == "DELETED":
        raise unknown(f"Unknown type: {type_words(kind, name, version)}")
    return name, version, row


def _becomes(kind: str, status: str, wanted: str, fault: str) -> Operation:
    """A type of status `wanted` gets another one; of any other status it is refused with a fault."""

    def become(call: Call, request: Request) -> Response:
        name, version, row = _named_type(call, kind, request)
        if row[1] != wanted:
            raise Fault(fault, type_words(kind, name, version))
        deprecated = {"DEPRECATED": call.now, "REGISTERED": None, "DELETED": row[4]}[status]
        call.store.do("set_type_status", row[0], status, deprecated)
        return {}

    return become


def _type_info(kind: str, row: tuple[Any, ...]) -> dict[str, Any]:
    name, version, status, description, created, deprecated = row
    info = {
        f"{kind}Type": {"name": name, "version": version},
        "status": status,
        "creationDate": timestamp(created),
    }
    if description is not None:
        info["description"] = description
    if deprecated is not None:
        info["deprecationDate"] = timestamp(deprecated)
    return info


def _list(kind: str) -> Operation:
    def list_types(call: Call, request: Request) -> Response:
        statement = (
            "SELECT name, version, status, description, created, deprecated FROM type "
            "WHERE domain = ? AND kind = ? AND status = ?"
        )
        bindings = [call.domain(request["domain"]), kind, request["registrationStatus"]]
        if request.get("name") is not None:
            statement += " AND name = ?"
            bindings.append(request["name"])
        operation = f"List{kind.capitalize()}Types"
        rows, token = _page(call, request, operation, statement, bindings, ("name", "version"))
        return _with_token({"typeInfos": [_type_info(kind, row) for row in rows]}, token)

    return list_types


register_workflow_type = _register("workflow")
register_activity_type = _register("activity")
describe_workflow_type = _describe("workflow")
describe_activity_type = _describe("activity")
list_workflow_types = _list("workflow")
list_activity_types = _list("activity")
deprecate_workflow_type = _becomes("workflow", "DEPRECATED", "REGISTERED", "TypeDeprecatedFault")
deprecate_activity_type = _becomes("activity", "DEPRECATED", "REGISTERED", "TypeDeprecatedFault")
undeprecate_workflow_type = _becomes("workflow", "REGISTERED", "DEPRECATED", "TypeAlreadyExistsFault")
undeprecate_activity_type = _becomes("activity", "REGISTERED", "DEPRECATED", "TypeAlreadyExistsFault")
delete_workflow_type = _becomes("workflow", "DELETED", "DEPRECATED", "TypeNotDeprecatedFault")
delete_activity_type = _becomes("activity", "DELETED", "DEPRECATED", "TypeNotDeprecatedFault")
