"""One request, from its path to its answer: the engine as an ASGI application.

    POST /        Amazon SWF's operations
    GET /health   whether the server answers, and how many polls wait
    /clock        GET and POST: the virtual clock, if there is one

All calls of the engine are made on the event loop: they are shorter than handing them to a thread, and whoever waits
for the file's lock would hold up the others anyway. Every request is answered; an error that is not foreseen is logged
and answered with InternalFailure.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from simpleflow.engine.engine import Engine
from simpleflow.engine.errors import EngineError
from simpleflow.engine.http import wire
from simpleflow.engine.http.clock import ServerClock
from simpleflow.engine.http.waiting import Peer, Watch
from simpleflow.protocol.faults import Fault, code_of, message_of
from simpleflow.protocol.limits import AWS_LIMITS

log = logging.getLogger("simpleflow.engine")

#: Where the connection of a request stands in its ASGI scope (`simpleflow.engine.http.server`).
PEER = "simpleflow.peer"
#: Who was refused a request can send so many bytes more of it in so many seconds.
LINGER_SECONDS = 1.0
LINGER_BYTES = 4 * 1024 * 1024
#: Statuses after which the connection is closed: who gets them may not even have sent its body.
_LAST = (403, 404, 405, 413)
#: Request ids are UUIDs of which all but the end is the process's: a new one takes longer than a hot call's checks.
_IDS, _numbers = str(uuid4())[:24].encode(), itertools.count(1)
_JSON = (b"content-type", b"application/json")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
#: Raises a fault for a request (method, path with query, headers, body) that is not signed as it must be.
Verify = Callable[[str, str, wire.Headers, bytes], None]


def anyone(method: str, target: str, headers: wire.Headers, body: bytes) -> None:
    """Let everybody in."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back. `last` closes the connection."""

    status: int
    body: bytes
    headers: wire.Headers
    last: bool = False


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request without its body, and its connection."""

    method: str
    path: str
    target: str
    headers: wire.Headers
    receive: Receive
    peer: Peer

    def header(self, name: bytes) -> str:
        """A header's value, "" if there is none; names are in lower case."""
        return next((value.decode("latin-1") for key, value in self.headers if key == name), "")


class Unknown:
    """The other end of a connection of which nothing can be known."""

    def gone(self) -> bool:
        return False

    def when_gone(self, function: Callable[[], None]) -> None:
        """Never."""


class Face:
    """The engine over HTTP. `clock` is its clock where clients may move that; `long_poll_seconds` pass on the wall's
    clock, whatever the engine's does."""

    def __init__(
        self,
        engine: Engine,
        *,
        long_poll_seconds: float,
        clock: ServerClock | None = None,
        verify: Verify | None = None,
        most_bytes: int = AWS_LIMITS.request_size,
    ) -> None:
        self.watch = Watch(engine)
        self._engine = engine
        self._long_poll_seconds = long_poll_seconds
        self._most_bytes = most_bytes
        self._clock = clock
        self._verify = verify or anyone
        self._paths: dict[str, dict[str, Callable[[Exchange], Awaitable[Answer]]]] = {
            "/": {"POST": self._operation},
            "/health": {"GET": self._health, "HEAD": self._health},
            "/clock": {"GET": self._tell_clock, "POST": self._move_clock},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        target = scope["path"]
        if scope["query_string"]:
            target += "?" + scope["query_string"].decode("latin-1")
        peer = scope.get("extensions", {}).get(PEER) or Unknown()
        exchange = Exchange(scope["method"], scope["path"], target, scope["headers"], receive, peer)
        with contextlib.suppress(_Gone):
            await _send(await self._answer(exchange), receive, send)

    async def _answer(self, exchange: Exchange) -> Answer:
        """Answer whatever comes."""
        try:
            methods = self._paths.get(exchange.path)
            if methods is None:
                raise Fault("ResourceNotFoundException", f"There is nothing at {exchange.path[:100]}; POST to /")
            if exchange.method not in methods:
                words = f"{exchange.path} takes {', '.join(methods)}, not {exchange.method[:20]}"
                raise Fault("MethodNotAllowedException", words)
            if exchange.header(b"origin"):  # only browsers send it, on behalf of pages that nobody here wrote
                raise Fault("AccessDeniedException", "Requests from web pages are refused")
            return await methods[exchange.method](exchange)
        except _Gone:
            raise
        except Exception as error:
            return _refused(error)

    async def _operation(self, exchange: Exchange) -> Answer:
        body = await self._body(exchange)
        operation = wire.operation_of(exchange.header(b"x-amz-target"))
        if not hasattr(self._engine, operation.method):
            raise Fault("UnknownOperationException", f"This engine does not carry out {operation.name} yet")
        request = wire.request_of(body)
        if operation.name in wire.POLLS:
            seconds = self._long_poll_seconds
            found = await self.watch.poll(operation.name, request, seconds, exchange.peer)
            answer = self._engine.nothing(operation.name) if found is None else found
        else:
            answer = self._engine.answer(operation.name, request)
        return _json(wire.body_of(operation, answer))

    async def _health(self, exchange: Exchange) -> Answer:
        return _json(wire.encoded({"status": "ok", "waitingPolls": self.watch.waiting_polls}))

    async def _tell_clock(self, exchange: Exchange) -> Answer:
        await self._body(exchange)
        return _time(self._its_clock())

    async def _move_clock(self, exchange: Exchange) -> Answer:
        request = wire.request_of(await self._body(exchange))
        clock = self._its_clock()
        key, value = next(iter(request.items()), ("", None))
        if len(request) != 1 or key not in ("now", "advance") or type(value) not in (int, float, type(None)):
            words = 'Write {"now": seconds since 1970}, {"advance": seconds} or {"now": null} for real time'
            raise Fault("ValidationException", words)
        try:
            if key == "advance":
                clock.advance(value or 0)
            elif value is None:
                clock.release()
            else:
                clock.set(value)
        except ValueError as error:
            raise Fault("ValidationException", str(error)) from None
        self.watch.ring_here()
        return _time(clock)

    def _its_clock(self) -> ServerClock:
        if self._clock is None:
            words = "This server goes by real time; start it with --virtual-clock for a clock that can be moved"
            raise Fault("ResourceNotFoundException", words)
        return self._clock

    async def _body(self, exchange: Exchange) -> bytes:
        """The body, once it is known whose it is. Raises a fault for one that is too long or not signed."""
        most = self._most_bytes
        length = exchange.header(b"content-length")
        size = int(length) if length.isdigit() and len(length) < 19 else 0
        parts = []
        more = True
        while more and size <= most:
            part, more = await _part(exchange.receive)
            parts.append(part)
            size = max(size, sum(map(len, parts)))
        if size > most:
            raise Fault("RequestEntityTooLargeException", f"The request is longer than {most} bytes")
        body = b"".join(parts)
        self._verify(exchange.method, exchange.target, exchange.headers, body)
        return body


class _Gone(Exception):
    """The client is gone before its request was whole."""


async def _part(receive: Receive) -> tuple[bytes, bool]:
    """A part of a body, and whether there is more of it."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise _Gone
    return message.get("body", b""), message.get("more_body", False)


def _time(clock: ServerClock) -> Answer:
    return _json(wire.encoded({"now": clock.now(), "virtual": clock.stands}))


def _json(body: bytes) -> Answer:
    return Answer(200, body, [_JSON])


def _refused(error: Exception) -> Answer:
    """What is said about an error."""
    code, message = code_of(error), message_of(error)
    if not code:
        code = "InternalFailure"
        if isinstance(error, EngineError):
            log.error("%s", message)
        else:
            log.error("a request failed in a way that was not foreseen", exc_info=error)
            message = f"An error that was not foreseen: {type(error).__name__}"
    status, body, headers = wire.refusal_of(code, message)
    return Answer(status, body, [_JSON, *headers], last=status in _LAST)


async def _send(answer: Answer, receive: Receive, send: Send) -> None:
    headers = [
        (b"x-amzn-requestid", b"%s%012x" % (_IDS, next(_numbers))),
        (b"content-length", b"%d" % len(answer.body)),
    ]
    if answer.last:
        headers.append((b"connection", b"close"))
    headers += answer.headers
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": answer.last})
    if answer.last:
        await _linger(receive)
        await send({"type": "http.response.body", "body": b""})


async def _linger(receive: Receive) -> None:
    """Let a client send on for a moment: one whose connection breaks while it sends may never read the answer."""
    left, more = LINGER_BYTES, True
    with contextlib.suppress(TimeoutError, _Gone):
        async with asyncio.timeout(LINGER_SECONDS):
            while more and left >= 0:
                part, more = await _part(receive)
                left -= len(part)
