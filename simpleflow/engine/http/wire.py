"""AWS JSON 1.0: how requests, answers and faults of Amazon SWF stand in HTTP. Pure functions and tables.

Both styles of headers are read, today's and that of old clients, since only the end of X-Amz-Target counts.
See https://docs.aws.amazon.com/amazonswf/latest/developerguide/UsingJSON-swf.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import orjson

from simpleflow.protocol.faults import COMMON, MODELED, Fault
from simpleflow.protocol.operations import ALL_OPERATIONS, Operation

Headers = list[tuple[bytes, bytes]]


class Peer(Protocol):
    """The client at the other end of a connection."""

    def gone(self) -> bool:
        """Whether it has closed the connection, as far as this machine knows by now."""

    def when_gone(self, function: Callable[[], None]) -> None:
        """Have a function called when it closes the connection; of several the last one."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request, and who sent it. Names of headers are in lower case; `last` closes the connection."""

    method: str
    target: str
    headers: Headers
    body: bytes
    peer: Peer
    last: bool = False

    def header(self, name: bytes) -> str:
        """A header's value, "" if there is none."""
        return next((value.decode("latin-1") for key, value in self.headers if key == name), "")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back, in JSON; `error` is the code of a fault. `last` closes the connection."""

    status: int
    body: bytes
    error: str = ""
    last: bool = False


POLLS = ("PollForActivityTask", "PollForDecisionTask", "PollForLambdaTask")

#: Faults of the transport, beside those that every operation has, and the HTTP status that goes with them.
TRANSPORT: dict[str, int] = {
    "AccessDeniedException": 403,
    "IncompleteSignatureException": 400,
    "InvalidSignatureException": 400,
    "MethodNotAllowedException": 405,
    "MissingAuthenticationTokenException": 400,
    "RequestHeaderFieldsTooLargeException": 431,
    "RequestTimeoutException": 408,
    "ResourceNotFoundException": 404,
    "ServiceUnavailableException": 503,
    "UnrecognizedClientException": 400,
}
_NAMESPACES = {
    **dict.fromkeys(MODELED, "com.amazonaws.swf.base.model"),
    "ThrottlingException": "com.amazon.coral.availability",
    "ValidationException": "com.amazon.coral.validate",
}
_SERVICE = "com.amazon.coral.service"

#: Operations whose answers hold ARNs, and where in the header Authorization the region stands.
_WITH_ARNS = frozenset({"DescribeDomain", "ListDomains"})
_REGION = re.compile(r"Credential=[^,]*/([a-z0-9-]{1,32})/swf/aws4_request")


def operation_of(target: str) -> Operation:
    """The operation that X-Amz-Target names, Amazon's or the engine's own. Raises UnknownOperationException."""
    name = target.rpartition(".")[2]
    operation = ALL_OPERATIONS.get(name)
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


def body_of(operation: Operation, answer: dict[str, Any], exchange: Exchange) -> bytes:
    """An answer as the service writes it; that of an operation without output is empty.

    The ARNs in it have the region for which the request is signed, if it is.
    """
    if operation.name in _WITH_ARNS and (region := _REGION.search(exchange.header(b"authorization"))):
        for info in (answer["domainInfo"],) if "domainInfo" in answer else answer["domainInfos"]:
            info["arn"] = info["arn"].replace(":local:", f":{region[1]}:", 1)
    return encoded(answer) if operation.output else b""


def encoded(value: Any) -> bytes:
    """JSON, with times as seconds since 1970."""
    return orjson.dumps(value, default=_seconds, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _seconds(value: object) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def refusal(code: str, message: str, last: bool = False) -> Answer:
    """The answer that tells of a fault."""
    body = orjson.dumps({"__type": f"{_NAMESPACES.get(code, _SERVICE)}#{code}", "message": message})
    return Answer(TRANSPORT.get(code) or COMMON.get(code, 400), body, code, last)
