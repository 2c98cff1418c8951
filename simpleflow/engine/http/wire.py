"""AWS JSON 1.0: how requests, answers and faults of Amazon SWF stand in HTTP. Pure functions and tables.

Both styles of headers are read, today's and that of old clients, since only the end of X-Amz-Target counts.
See https://docs.aws.amazon.com/amazonswf/latest/developerguide/UsingJSON-swf.html
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from simpleflow.protocol.faults import COMMON, MODELED, Fault
from simpleflow.protocol.operations import OPERATIONS, Operation

Headers = list[tuple[bytes, bytes]]

POLLS = ("PollForActivityTask", "PollForDecisionTask")

#: Faults of the transport, beside those that every operation has, and the HTTP status that goes with them.
TRANSPORT: dict[str, int] = {
    "AccessDeniedException": 403,
    "IncompleteSignatureException": 400,
    "InvalidSignatureException": 400,
    "MethodNotAllowedException": 405,
    "MissingAuthenticationTokenException": 400,
    "ResourceNotFoundException": 404,
    "UnrecognizedClientException": 400,
}
_NAMESPACES = {
    **dict.fromkeys(MODELED, "com.amazonaws.swf.base.model"),
    "ThrottlingException": "com.amazon.coral.availability",
    "ValidationException": "com.amazon.coral.validate",
}
_SERVICE = "com.amazon.coral.service"


def operation_of(target: str) -> Operation:
    """The operation that X-Amz-Target names. Raises UnknownOperationException."""
    name = target.rpartition(".")[2]
    operation = OPERATIONS.get(name)
    if operation is None:
        words = f"Amazon SWF has no operation {name[:100]!r}" if name else "The header X-Amz-Target names no operation"
        raise Fault("UnknownOperationException", words)
    return operation


def request_of(body: bytes) -> dict[str, Any]:
    """The parameters in a body; an empty one has none. Raises SerializationException."""
    if not body:
        return {}
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Fault("SerializationException", f"The body is no JSON: {error}") from None
    if not isinstance(request, dict):
        raise Fault("SerializationException", "The body is no JSON object")
    return request


def body_of(operation: Operation, answer: dict[str, Any]) -> bytes:
    """An answer as the service writes it; that of an operation without output is empty."""
    return encoded(answer) if operation.output else b""


def encoded(value: Any) -> bytes:
    """JSON, with times as seconds since 1970."""
    return orjson.dumps(value, default=_seconds, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _seconds(value: object) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def refusal_of(code: str, message: str) -> tuple[int, bytes, Headers]:
    """The HTTP status, the body and the headers that tell of a fault."""
    body = orjson.dumps({"__type": f"{_NAMESPACES.get(code, _SERVICE)}#{code}", "message": message})
    return TRANSPORT.get(code) or COMMON.get(code, 400), body, [(b"x-amzn-errortype", code.encode())]
