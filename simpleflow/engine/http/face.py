"""One request, from its path to its answer.

    POST /        Amazon SWF's operations
    GET /health   whether the server answers, and how many polls wait
    /clock        GET and POST: the virtual clock, if there is one
    /payloads/    texts that are too long for requests, if somebody keeps them (`simpleflow.engine.http.shelf`)

All calls of the engine are made on the event loop. They follow one another anyway, so a thread for them gains nothing,
and handing a call of 80 µs there and back costs 30 µs, on busy cores a millisecond. Every request is answered; an error
that is not foreseen is logged and answered with InternalFailure.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any

from simpleflow.engine.engine import Engine
from simpleflow.engine.errors import EngineError
from simpleflow.engine.http import shelf as shelves
from simpleflow.engine.http import wire
from simpleflow.engine.http.clock import ServerClock
from simpleflow.engine.http.shelf import Shelf
from simpleflow.engine.http.waiting import Watch
from simpleflow.engine.http.wire import Answer, Exchange
from simpleflow.protocol.faults import Fault, code_of, message_of
from simpleflow.protocol.limits import AWS_LIMITS

log = logging.getLogger("simpleflow.engine")

#: Raises a fault for a request that is not signed as it must be.
Verify = Callable[[Exchange], None]
Later = Coroutine[Any, Any, Answer]


def anyone(exchange: Exchange) -> None:
    """Let everybody in."""


class Face:
    """The engine over HTTP. `clock` is its clock where clients may move that; `long_poll_seconds` pass on the wall's
    clock, whatever the engine's does. `most_bytes` is how long a request may be. `shelf` keeps what is longer."""

    def __init__(
        self,
        engine: Engine,
        *,
        long_poll_seconds: float,
        clock: ServerClock | None = None,
        verify: Verify | None = None,
        most_bytes: int = AWS_LIMITS.request_size,
        shelf: Shelf | None = None,
    ) -> None:
        self.watch = Watch(engine)
        self.most_bytes = most_bytes
        self._engine = engine
        self._long_poll_seconds = long_poll_seconds
        self._clock = clock
        self._verify = verify or anyone
        self._shelf = shelf
        self._paths: dict[str, dict[str, Callable[[Exchange], Answer | Later]]] = {
            "/": {"POST": self._operation},
            "/health": {"GET": self._health, "HEAD": self._health},
            "/clock": {"GET": self._tell_clock, "POST": self._move_clock},
        }

    def answer(self, exchange: Exchange) -> Answer | Later:
        """Answer whatever comes: at once, or, for a poll that waits, later."""
        try:
            path = exchange.target.partition("?")[0]
            methods = self._paths.get(path)
            if self._shelf is not None and path.startswith(shelves.PREFIX):
                methods = dict.fromkeys(("GET", "PUT", "POST"), self._payload)
            if methods is None:
                raise Fault("ResourceNotFoundException", f"There is nothing at {path[:100]}; POST to /")
            if exchange.method not in methods:
                words = f"{path} takes {', '.join(methods)}, not {exchange.method[:20]}"
                raise Fault("MethodNotAllowedException", words)
            if exchange.header(b"origin"):  # only browsers send it, on behalf of pages that nobody here wrote
                raise Fault("AccessDeniedException", "Requests from web pages are refused")
            return methods[exchange.method](exchange)
        except Exception as error:
            return _refused(error)

    def _operation(self, exchange: Exchange) -> Answer | Later:
        self._verify(exchange)
        operation = wire.operation_of(exchange.header(b"x-amz-target"))
        request = wire.request_of(exchange.body)
        if operation.name not in wire.POLLS:
            return Answer(200, wire.body_of(operation, self._engine.answer(operation.name, request), exchange))
        found = None if exchange.peer.gone() else self._engine.attempt(operation.name, request)
        if found is None and self._long_poll_seconds > 0:
            return self._later(self._wait(operation.name, request, exchange))
        return self._polled(operation.name, found)

    async def _wait(self, name: str, request: dict[str, Any], exchange: Exchange) -> Answer:
        return self._polled(name, await self.watch.wait(name, request, self._long_poll_seconds, exchange.peer))

    def _polled(self, name: str, found: dict[str, Any] | None) -> Answer:
        return Answer(200, wire.encoded(self._engine.nothing(name) if found is None else found))

    def _payload(self, exchange: Exchange) -> Later:
        self._verify(exchange)
        assert self._shelf is not None
        return self._later(shelves.answer(self._shelf, exchange))

    async def _later(self, answer: Later) -> Answer:
        try:
            return await answer
        except Exception as error:
            return _refused(error)

    def _health(self, exchange: Exchange) -> Answer:
        return Answer(200, wire.encoded({"status": "ok", "waitingPolls": self.watch.waiting_polls}))

    def _tell_clock(self, exchange: Exchange) -> Answer:
        self._verify(exchange)
        return _time(self._its_clock())

    def _move_clock(self, exchange: Exchange) -> Answer:
        self._verify(exchange)
        request = wire.request_of(exchange.body)
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


def _time(clock: ServerClock) -> Answer:
    return Answer(200, wire.encoded({"now": clock.now(), "virtual": clock.stands}))


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
    return wire.refusal(code, message)
