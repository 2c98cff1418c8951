"""The server's process: an event loop, a socket that listens, connections with time-outs, and signals.

uvicorn speaks HTTP. What it leaves open is closed here: a client that is slow with a request, sends too many headers
or does not read its answers is let go.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import select
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from simpleflow.engine.errors import EngineError
from simpleflow.engine.http.face import PEER, Face

#: Seconds for sending a request, for reading an answer, and for the next request on a connection.
REQUEST_SECONDS = 20.0
READING_SECONDS = 60.0
KEEP_ALIVE_SECONDS = 75
MOST_HEADER_BYTES = 64 * 1024
#: Descriptors that connections must leave over, for the file, the doorbell and what Python opens.
SPARE_DESCRIPTORS = 128
#: Seconds for answers that are under way when the server ends.
LAST_SECONDS = 3

_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_FINAL = tuple(b"HTTP/1.1 %d" % kind for kind in (2, 3, 4, 5))
_HUNG_UP = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR


class _Together:
    """A transport that sends the headers of an answer together with its body: sending is what takes longest."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._held = b""

    def write(self, data: bytes) -> None:
        if not self._held and data.startswith(_FINAL):
            self._held = data
        else:
            self._transport.write(self._held + data)
            self._held = b""

    def flush(self) -> None:
        if self._held:
            self._transport.write(self._held)
            self._held = b""

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Connection(HttpToolsProtocol):
    """One connection; a `Peer` to the face.

    What is overridden are asyncio's and httptools' callbacks, and `on_response_complete`.
    """

    def connection_made(self, transport: Any) -> None:
        self._together = _Together(transport)
        super().connection_made(self._together)  # type: ignore[arg-type]
        self._header_bytes: int | None = 0  # None: the headers are whole
        self._timer: asyncio.TimerHandle | None = None
        self._when_gone: Callable[[], None] | None = None
        self._within(REQUEST_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._in_time()
        super().connection_lost(exc)
        if self._when_gone is not None:
            self._when_gone()

    def data_received(self, data: bytes) -> None:
        if self._header_bytes is not None:
            self._header_bytes += len(data)
        super().data_received(data)
        if self._header_bytes is not None and self._header_bytes > MOST_HEADER_BYTES:
            self._refuse(_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._header_bytes is None:  # another request on the connection
            self._header_bytes = 0
            self._within(REQUEST_SECONDS)

    def on_headers_complete(self) -> None:
        self._header_bytes = None
        super().on_headers_complete()
        self.scope["extensions"] = {PEER: self}  # type: ignore[dict-item]

    def on_message_complete(self) -> None:
        self._in_time()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._together.flush()
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._within(READING_SECONDS)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._in_time()

    def gone(self) -> bool:
        if self.transport.is_closing():
            return True
        sees = select.poll()
        sees.register(self.transport.get_extra_info("socket"), _HUNG_UP)
        return bool(sees.poll(0))

    def when_gone(self, function: Callable[[], None]) -> None:
        self._when_gone = function

    def _within(self, seconds: float) -> None:
        """Let the client go unless it does its part in so many seconds."""
        self._in_time()
        self._timer = self.loop.call_later(seconds, self._refuse, _TOO_SLOW)

    def _in_time(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, words: bytes) -> None:
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            self.transport.abort()
        elif not self.transport.is_closing():
            self.transport.write(words)
            self.transport.close()


class _Server(uvicorn.Server):
    """uvicorn with signals that end it in order, and polls that are answered then."""

    def __init__(self, settings: uvicorn.Config, face: Face, ready: Callable[[], None]) -> None:
        super().__init__(settings)
        self._face = face
        self._ready = ready
        self.interrupted = False

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGTERM and Ctrl-C as requests to end, the second one as an order."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._told, number)
        yield

    def _told(self, number: signal.Signals) -> None:
        self.interrupted = self.interrupted or number == signal.SIGINT
        self.force_exit = self.should_exit
        self.should_exit = True
        self._face.watch.end()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


def listen(host: str, port: int, *, anywhere: bool) -> socket.socket:
    """A socket that listens. Raises EngineError where it cannot be had, or others could reach it and not `anywhere`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise EngineError(f"there is no address {host!r} ({error.strerror}); name another with --host") from error
    family, kind, protocol, _, address = found[0]
    if not anywhere and not ipaddress.ip_address(address[0]).is_loopback:
        raise EngineError(
            f"others could reach {host}, and nobody would ask who they are: name a file of access keys with "
            "--access-keys, or listen on 127.0.0.1"
        )
    listener = socket.socket(family, kind, protocol)  # asyncio sends at once only where the protocol is said
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        words = f"cannot listen on {host} port {port}: {error.strerror}; name another with --port (0: any that is free)"
        raise EngineError(words) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Where clients find a socket that listens."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(face: Face, listener: socket.socket, ready: Callable[[], None]) -> bool:
    """Serve until SIGTERM or Ctrl-C; whether it was Ctrl-C. `ready` is called once requests are answered."""
    settings = uvicorn.Config(
        face,
        http=Connection,
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=LAST_SECONDS,
        limit_concurrency=_most_connections(),
    )
    server = _Server(settings, face, ready)
    server.run(sockets=[listener])
    return server.interrupted


def _most_connections() -> int:
    """How many connections there are descriptors for, once as many as allowed are asked for."""
    import resource  # not on Windows, where the file's engine is not either

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if wanted > soft:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(16, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE_DESCRIPTORS)
