"""The server's process: a socket that listens, an event loop, and signals."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import signal
import socket
from collections.abc import Callable

from simpleflow.engine.errors import EngineError
from simpleflow.engine.http.connection import Connection, House
from simpleflow.engine.http.face import Face

#: How often (seconds) it is looked for connections whose time is over.
SWEEP_SECONDS = 1.0
#: Descriptors that connections must leave over, for the file, the doorbell and what Python opens.
SPARE_DESCRIPTORS = 128
#: Seconds for answers that are under way when the server ends.
LAST_SECONDS = 3.0


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
    return asyncio.run(_serve(face, listener, ready))


async def _serve(face: Face, listener: socket.socket, ready: Callable[[], None]) -> bool:
    loop = asyncio.get_running_loop()
    told: asyncio.Future[signal.Signals] = loop.create_future()

    def tell(number: signal.Signals) -> None:
        if not told.done():
            told.set_result(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, tell, number)
    house = House(face, _most_connections())
    server = await loop.create_server(lambda: Connection(house), sock=listener, backlog=2048)
    sweeper = loop.create_task(_sweep(house))
    ready()
    try:
        return await told == signal.SIGINT
    finally:
        sweeper.cancel()
        server.close()
        await _end(house)


async def _sweep(house: House) -> None:
    while True:
        house.sweep()
        await asyncio.sleep(SWEEP_SECONDS)


async def _end(house: House) -> None:
    """Have all polls answered, and all connections closed, in time."""
    house.face.watch.end()
    loop = asyncio.get_running_loop()
    until = loop.time() + LAST_SECONDS
    while house.connections and loop.time() < until:
        for connection in list(house.connections):
            connection.end()
        await asyncio.sleep(0.01)
    for connection in list(house.connections):
        connection.transport.abort()


def _most_connections() -> int:
    """How many connections there are descriptors for, once as many as allowed are asked for."""
    import resource  # not on Windows, where the file's engine is not either

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if wanted > soft:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(16, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE_DESCRIPTORS)
