"""Clients that are slow, wrong, or not there any more: a clean answer, or a clean end."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving import DECIDERS, TARGET, TYPE, Server, shared, start, until
from shell import PATIENCE, Command, Project
from simpleflow.engine.http.connection import Connection, House

LIST = b'{"registrationStatus":"REGISTERED"}'
HEAD = f"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: {TARGET}.ListDomains\r\nContent-Length: {len(LIST)}\r\n"
WHOLE = HEAD.encode() + b"\r\n" + LIST
MEGABYTE = 1024 * 1024


class Impatient(Server):
    """A server whose time-outs are short."""

    def __init__(self, project: Project, *arguments: str, **env: str) -> None:
        launcher = Path(__file__).with_name("server_impatient.py")

        class Launched(Project):
            def start(self, *arguments: str, **env: str) -> Command:
                command = [sys.executable, str(launcher), *arguments]
                project._commands.append(Command(command, project.path, {**project.env, **env}))
                return project._commands[-1]

        launched = Launched.__new__(Launched)
        super().__init__(launched, *arguments, **env)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with shared(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def impatient(project: Project) -> Iterator[Server]:
    running = Impatient(project, "--engine", "memory")
    yield running
    running.end()


def talk(server: Server, *parts: bytes) -> bytes:
    """Send on one connection, and read until the server closes it."""
    with socket.create_connection(server.address, PATIENCE) as opened:
        for part in parts:
            opened.sendall(part)
        answer = b""
        while got := opened.recv(65536):
            answer += got
    return answer


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 405),
        ("DELETE", "/", 405),
        ("OPTIONS", "/", 405),
        ("POST", "/health", 405),
        ("PUT", "/clock", 405),
        ("GET", "/nothing", 404),
        ("POST", "/../../etc/passwd", 404),
        ("POST", "//", 404),
        ("HEAD", "/health", 200),
    ],
)
def test_methods_and_paths(server: Server, method: str, path: str, status: int) -> None:
    found, headers, body = server.send(method, path, b"{}" if method != "HEAD" else b"")
    assert found == status
    if status != 200:
        assert json.loads(body)["message"]
        assert headers["x-amzn-errortype"] == json.loads(body)["__type"].partition("#")[2]


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({}, b"{}", "UnknownOperationException"),
        ({"X-Amz-Target": "DynamoDB_20120810.ListTables"}, b"{}", "UnknownOperationException"),
        ({"X-Amz-Target": f"{TARGET}.ListDomains"}, b"{", "SerializationException"),
        ({"X-Amz-Target": f"{TARGET}.ListDomains"}, b"[]", "SerializationException"),
        ({"X-Amz-Target": f"{TARGET}.ListDomains"}, b'{"registrationStatus": 1}', "SerializationException"),
        ({"X-Amz-Target": f"{TARGET}.ListDomains"}, b"", "ValidationException"),
        ({"X-Amz-Target": f"{TARGET}.ListDomains"}, b'{"self": 1}', "ValidationException"),
        ({"X-Amz-Target": f"{TARGET}.ListDomains", "Origin": "http://evil.example"}, LIST, "AccessDeniedException"),
    ],
)
def test_wrong_requests(server: Server, headers: dict[str, str], body: bytes, code: str) -> None:
    status, _, answer = server.send("POST", "/", body, headers)
    assert status == (403 if code.startswith("AccessDenied") else 400)
    assert json.loads(answer)["__type"].partition("#")[2] == code


def test_a_huge_body_is_refused_unread(server: Server) -> None:
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {10**12}\r\n\r\n".encode()
    answer = talk(server, head)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"#RequestEntityTooLargeException" in answer
    for length in ("9" * 30, "-1", "x"):
        answer = talk(server, f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
        assert answer.startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 400 ")), answer


def test_a_huge_body_that_is_sent_all_the_same(server: Server) -> None:
    """The client is let finish for a moment, so that it reads the answer instead of a broken connection."""
    with server.connection() as connection:
        connection.request("POST", "/", b" " * (2 * MEGABYTE), {"X-Amz-Target": f"{TARGET}.ListDomains"})
        response = connection.getresponse()
        assert response.status == 413
        assert b"longer than 1048576 bytes" in response.read()
    most = b'{"registrationStatus":"REGISTERED"' + b" " * (MEGABYTE - len(LIST)) + b"}"
    assert server.call("ListDomains", most)[0] == 200


def test_a_huge_body_in_chunks(server: Server) -> None:
    """Nobody said how long it would be; it is not read to its end, which never comes."""
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    memory = server.process.memory_info().rss
    with socket.create_connection(server.address, PATIENCE) as opened:
        opened.sendall(head)
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        sent = 0
        try:
            while sent < 100 * MEGABYTE:
                opened.sendall(chunk)
                sent += len(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert sent < 50 * MEGABYTE
    assert server.process.memory_info().rss - memory < 20 * MEGABYTE


def test_a_body_that_never_ends_though_it_is_short(server: Server) -> None:
    """Its chunks are empty talk: extensions and trailers without end."""
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    for talk_ in (b"1;" + b"x" * 60_000 + b"\r\nx\r\n", b"0\r\n" + b"X: " + b"x" * 60_000 + b"\r\n"):
        with socket.create_connection(server.address, PATIENCE) as opened:
            opened.sendall(head + talk_)
            more = talk_ if talk_[0] == ord("1") else talk_[3:]
            sent = 0
            try:
                while sent < 100 * MEGABYTE:
                    opened.sendall(more)
                    sent += len(more)
            except (BrokenPipeError, ConnectionResetError):
                pass
        assert sent < 50 * MEGABYTE
    assert server.get("/health")["status"] == "ok"


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),  # a TLS client
        b"\x00" * 1000,
        b"GET\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}{}{}",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/9.9\r\nHost: x\r\n\r\n",
    ],
)
def test_garbage(server: Server, request_: bytes) -> None:
    answer = talk(server, request_)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 "), answer
    assert server.get("/health")["status"] == "ok"
    assert server.command.err == []


def test_too_many_headers(server: Server) -> None:
    answer = talk(server, b"POST / HTTP/1.1\r\nX: " + b"x" * 70_000)
    assert answer.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("before", [b"", b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_too_many_headers_all_at_once(server: Server, before: bytes) -> None:
    """Also where their end comes with them, and where they come behind another request."""
    answer = talk(server, before + b"GET /health HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n")
    assert b"HTTP/1.1 431 " in answer
    assert answer.count(b"HTTP/1.1 200 ") == bool(before)


@pytest.mark.parametrize("first", [b"", b"P", HEAD.encode(), WHOLE + b"POST / HT"])
def test_slow_headers(impatient: Server, first: bytes) -> None:
    answer = talk(impatient, first)
    assert b"HTTP/1.1 408 Request Timeout\r\n" in answer


def test_a_slow_body(impatient: Server) -> None:
    answer = talk(impatient, HEAD.encode() + b"\r\n{")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"#RequestTimeoutException" in answer


def test_a_connection_that_nobody_uses(impatient: Server) -> None:
    answer = talk(impatient, WHOLE)
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_a_client_that_does_not_read(impatient: Server) -> None:
    """Its connection is broken, and what waited for it is let go."""
    swf = impatient.prepare()
    for number in range(1000):
        swf.register_activity_type(domain="D", name=f"{number}-" + "x" * 250, version="1", description="y" * 1000)
    body = b'{"domain":"D","registrationStatus":"REGISTERED"}'
    request = b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: x.ListActivityTypes\r\nContent-Length: %d\r\n\r\n%s"
    descriptors = impatient.process.num_fds()
    with socket.socket() as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        opened.connect(impatient.address)
        opened.sendall(request % (len(body), body) * 20)
        until(lambda: impatient.process.num_fds() > descriptors, "it is connected")
        until(lambda: impatient.process.num_fds() == descriptors, "it is let go")


def test_pipelining(server: Server) -> None:
    last = WHOLE.replace(b"Host: x", b"Host: x\r\nConnection: close")
    answer = talk(server, WHOLE * 50 + last)
    assert answer.count(b"HTTP/1.1 200 OK") == 51
    assert answer.count(b'{"domainInfos":[') == 51


def test_pipelining_behind_a_poll(server: Server) -> None:
    """What is asked behind a poll that waits is answered after it, however much that is, and nothing is lost."""
    swf = server.prepare()
    last = WHOLE.replace(b"Host: x", b"Host: x\r\nConnection: close")
    opened = server.open_poll()
    for _ in range(40):
        opened.sendall(WHOLE)
    opened.sendall(last)
    execution = start(swf)
    answer = b""
    while got := opened.recv(65536):
        answer += got
    opened.close()
    first, *others = answer.split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert execution["runId"].encode() in first
    assert len(others) == 41
    assert all(b'{"domainInfos":[{' in other for other in others)
    assert swf.count_pending_decision_tasks(domain="D", taskList=DECIDERS)["count"] == 1


def test_a_broken_request_behind_a_poll_takes_no_task(server: Server) -> None:
    swf = server.boto()
    with server.open_poll(task_list={"name": "broken"}) as opened:
        opened.sendall(b"\0garbage\r\n\r\n")
        server.polls(0)
        task_list = {"name": "broken"}
        swf.start_workflow_execution(domain="D", workflowId="b", workflowType=TYPE, taskList=task_list)
        assert swf.poll_for_decision_task(domain="D", taskList=task_list)["taskToken"]


def test_expectations(server: Server) -> None:
    """A client that asks first whether to send its body is told so."""
    with socket.create_connection(server.address, PATIENCE) as opened:
        opened.sendall(HEAD.encode() + b"Expect: 100-continue\r\n\r\n")
        assert opened.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        opened.sendall(LIST)
        assert opened.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
    with server.open_poll(task_list={"name": "patient"}) as opened:  # not before the answer that is due first
        opened.sendall(HEAD.encode() + b"Expect: 100-continue\r\n\r\n" + LIST)
        request = {"domain": "D", "workflowId": "p", "workflowType": TYPE, "taskList": {"name": "patient"}}
        assert server.call("StartWorkflowExecution", request)[0] == 200
        assert opened.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")


def test_too_many_connections(project: Project) -> None:
    server = Impatient(project, "--engine", "memory", FEW="1")
    opened = [socket.create_connection(server.address, PATIENCE) for _ in range(16)]
    assert b"HTTP/1.1 503 Service Unavailable\r\n" in talk(server)
    for connection in opened:
        connection.close()

    def served() -> bool:
        return server.send("GET", "/health")[0] == 200

    until(served, "there is room again")
    server.end()


def test_requests_in_small_pieces(server: Server) -> None:
    last = WHOLE.replace(b"Host: x", b"Host: x\r\nConnection: close")
    answer = talk(server, *(last[place : place + 1] for place in range(len(last))))
    assert answer.count(b'{"domainInfos":[') == 1


def test_answers_are_not_held_back(server: Server) -> None:
    """Where a socket waits for more to send, each answer takes 40 ms."""
    begun = time.monotonic()
    with server.connection() as connection:
        for _ in range(100):
            connection.request("POST", "/", LIST, {"X-Amz-Target": f"{TARGET}.ListDomains"})
            connection.getresponse().read()
    assert time.monotonic() - begun < 2


def test_many_connections(server: Server) -> None:
    opened = [socket.create_connection(server.address, PATIENCE) for _ in range(500)]
    for connection in opened:
        connection.sendall(WHOLE)
    for connection in opened:
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK")
        connection.close()
    assert server.get("/health")["status"] == "ok"


def test_whether_a_client_is_gone_is_seen_at_once() -> None:
    """Before the event loop has heard of it."""

    class Transport:
        def __init__(self, own: socket.socket) -> None:
            self.own = own
            self.aborted = False

        def write_eof(self) -> None:
            self.own.shutdown(socket.SHUT_WR)

        def abort(self) -> None:
            self.aborted = True

        def is_closing(self) -> bool:
            return False

        def get_extra_info(self, name: str) -> Any:
            return self.own

    own, other = socket.socketpair()
    with own, other:
        connection = Connection(House(None, 1))  # type: ignore[arg-type]
        connection.transport = Transport(own)  # type: ignore[assignment]
        assert not connection.gone()
        other.sendall(b"more")
        assert not connection.gone()
        other.close()
        assert connection.gone()
    with socket.socket() as unconnected:  # as one is that the client has reset
        connection.transport = transport = Transport(unconnected)  # type: ignore[assignment]
        connection._linger()
        assert transport.aborted
