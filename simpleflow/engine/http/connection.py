"""One connection: HTTP/1.1 between bytes and requests, and patience that ends.

llhttp, the parser of Node.js, reads (through httptools); what it refuses is answered with 400. Requests of a connection
are answered one after the other, each as soon as it is whole and, but for polls that wait, in the very callback that
read it. Whoever is slow with a request, says too much, or does not read its answers is let go.
"""

from __future__ import annotations

import asyncio
import itertools
import select
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import httptools

from simpleflow.engine.http.face import Face
from simpleflow.engine.http.wire import Answer, Exchange, refusal

#: Seconds for sending a request, for reading an answer, and for the next request on a connection.
REQUEST_SECONDS = 20.0
READING_SECONDS = 60.0
KEEP_ALIVE_SECONDS = 75.0
#: Who was refused a request may send so much more of it for so long, since a client whose connection breaks while it
#: sends may never read the answer.
LINGER_SECONDS = 1.0
LINGER_BYTES = 4 * 1024 * 1024
MOST_HEADER_BYTES = 64 * 1024
#: A request may come in chunks so small that they are so many times as long as what is in them.
MOST_FRAMING = 8
#: Requests that wait behind another one of their connection before no more are read.
MOST_BEHIND = 16

_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_HEAD = b"%sdate: %s\r\nx-amzn-requestid: %s%012x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
_HUNG_UP = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR
#: Request ids are UUIDs of which all but the end is the process's own: a new one takes longer than a call's checks.
_IDS, _numbers = str(uuid4())[:24].encode(), itertools.count(1)


@dataclass(slots=True)
class House:
    """What connections have in common: the face, who they are, and the time of day as answers tell it."""

    face: Face
    most_connections: int
    connections: set[Connection] = field(default_factory=set)
    date: bytes = b""

    def sweep(self) -> None:
        """Let go of those whose time is over. To be called about once a second."""
        self.date = formatdate(usegmt=True).encode()
        now = time.monotonic()
        for connection in list(self.connections):
            if connection.deadline < now:
                connection.too_late()


class Connection(asyncio.Protocol):
    """A connection; a `Peer` of the polls that wait on it. `deadline` is the monotonic time when it is too late."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._behind: deque[Exchange] = deque()
        self._busy: asyncio.Task[None] | None = None
        self._paused = False  # the client does not read
        self._lingers = False  # the last answer was given
        self._said = 0
        self._when_gone: Callable[[], None] | None = None
        self._parser: Any = httptools.HttpRequestParser(self)
        self._begin()

    # The client comes, speaks and goes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._house.connections.add(self)
        self.deadline = time.monotonic() + REQUEST_SECONDS
        if len(self._house.connections) > self._house.most_connections:
            self._write(refusal("ServiceUnavailableException", "Too many connections", last=True))

    def connection_lost(self, exc: Exception | None) -> None:
        self._house.connections.discard(self)
        self._lingers = True
        self._behind.clear()
        if self._when_gone is not None:
            self._when_gone()

    def data_received(self, data: bytes) -> None:
        self._said += len(data)
        if self._lingers:
            if self._said > LINGER_BYTES:
                self.transport.abort()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse("ValidationException", "The connection cannot be upgraded")
        except httptools.HttpParserError as error:
            self._refuse("SerializationException", f"This is no HTTP request: {error}")
        if self._url is not None and self._said > MOST_HEADER_BYTES:
            self._refuse_headers()
        elif not self._between and self._said > MOST_FRAMING * self._house.face.most_bytes:
            self._refuse_length()

    def pause_writing(self) -> None:
        self._paused = True
        self.deadline = time.monotonic() + READING_SECONDS

    def resume_writing(self) -> None:
        self._paused = False
        if not self._lingers:
            self.deadline = time.monotonic() + KEEP_ALIVE_SECONDS
            self._rest()

    def too_late(self) -> None:
        """End it."""
        if self._paused or self._lingers:
            self.transport.abort()
        elif self._between:
            self.transport.close()
        else:
            self._refuse("RequestTimeoutException", f"The request did not come within {REQUEST_SECONDS:.0f} s")

    def end(self) -> None:
        """The server ends: what is under way is answered, and nothing more."""
        if self._busy is None and not self._lingers:
            self.transport.close()

    # A peer

    def gone(self) -> bool:
        if self.transport.is_closing():
            return True
        sees = select.poll()
        sees.register(self.transport.get_extra_info("socket"), _HUNG_UP)
        return bool(sees.poll(0))

    def when_gone(self, function: Callable[[], None]) -> None:
        self._when_gone = function

    # What the parser finds

    def _begin(self) -> None:
        self._between = False
        self._url: bytes | None = b""  # None: the headers are whole
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._size = 0

    def on_message_begin(self) -> None:
        if self._url is None:  # another one on this connection
            self._said = 0
        self._begin()
        if self._busy is None:
            self.deadline = time.monotonic() + REQUEST_SECONDS

    def on_url(self, url: bytes) -> None:
        assert self._url is not None
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._url is not None:  # after a body in chunks there may be more, which nobody asked for
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._target, self._url = self._url or b"", None
        # What came in one read with its end was never seen to be too long.
        if len(self._target) + sum(len(name) + len(value) for name, value in self._headers) > MOST_HEADER_BYTES:
            self._refuse_headers()
        for name, value in self._headers:
            if name == b"content-length" and int(value) > self._house.face.most_bytes:
                self._refuse_length()
            elif name == b"expect" and value.lower() == b"100-continue" and not self._answering:
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, part: bytes) -> None:
        if self._lingers:
            return
        self._size += len(part)
        self._body.append(part)
        if self._size > self._house.face.most_bytes:
            self._refuse_length()

    def on_message_complete(self) -> None:
        if self._lingers:
            return
        self._between = True
        method, keep = self._parser.get_method().decode("latin-1"), self._parser.should_keep_alive()
        target = self._target.decode("latin-1")
        exchange = Exchange(method, target, self._headers, b"".join(self._body), self, last=not keep)
        if not self._answering and not self._paused:
            self._handle(exchange)
        else:
            self._behind.append(exchange)
            if len(self._behind) >= MOST_BEHIND:
                self.transport.pause_reading()

    # Answers

    @property
    def _answering(self) -> bool:
        """Whether an answer is to come, or the last one was given."""
        return self._busy is not None or bool(self._behind) or self._lingers

    def _handle(self, exchange: Exchange) -> None:
        answer = self._house.face.answer(exchange)
        if isinstance(answer, Answer):
            self._write(answer, exchange)
        else:
            self.deadline = float("inf")
            self._busy = asyncio.get_running_loop().create_task(self._later(answer, exchange))

    async def _later(self, answer: Any, exchange: Exchange) -> None:
        found = await answer
        self._busy = self._when_gone = None
        if not self.transport.is_closing():
            self._write(found, exchange)
            self._rest()

    def _rest(self) -> None:
        """Answer what waited behind another."""
        while self._behind and self._busy is None and not self._paused and not self._lingers:
            self._handle(self._behind.popleft())
        if len(self._behind) < MOST_BEHIND and not self.transport.is_closing():
            self.transport.resume_reading()

    def _write(self, answer: Answer, exchange: Exchange | None = None) -> None:
        last = answer.last or exchange is None or exchange.last
        head = (
            b"%sdate: %s\r\nx-amzn-requestid: %s%012x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
            % (
                _LINES[answer.status],
                self._house.date,
                _IDS,
                next(_numbers),
                len(answer.body),
            )
        )
        if answer.error:
            head += b"x-amzn-errortype: %s\r\n" % answer.error.encode()
        if last:
            head += b"connection: close\r\n"
        body = b"" if exchange is not None and exchange.method == "HEAD" else answer.body
        self.deadline = time.monotonic() + KEEP_ALIVE_SECONDS
        self.transport.write(b"%s\r\n%s" % (head, body))
        if last:
            self._linger()

    def _refuse_headers(self) -> None:
        self._refuse("RequestHeaderFieldsTooLargeException", f"The headers are over {MOST_HEADER_BYTES} bytes")

    def _refuse_length(self) -> None:
        most = self._house.face.most_bytes
        self._refuse("RequestEntityTooLargeException", f"The request is longer than {most} bytes")

    def _refuse(self, code: str, words: str) -> None:
        """Answer a request that is not whole, and will not be; what came before it is answered first, or not at all."""
        if self._answering and not self._lingers:
            self.transport.abort()
        elif not self._lingers:
            self._write(refusal(code, words, last=True))

    def _linger(self) -> None:
        """Say that this was all, and wait for the client to do so."""
        self._lingers = True
        self._said = 0
        self._behind.clear()
        self.deadline = time.monotonic() + LINGER_SECONDS
        if not self.transport.is_closing():
            try:
                self.transport.write_eof()
                self.transport.resume_reading()  # so as to hear it
            except OSError:  # it has, in a way that the loop has not yet heard of
                self.transport.abort()
