"""Calls per second over HTTP, and what polls cost that wait, alone: ``python -m benchmarks.http_calls [DIRECTORY]``.

The hot calls of a run with one activity after the other, through an unmodified boto3 client and a plain HTTP client,
against `simpleflow server` on a file and against a server that does nothing: it answers each operation with what the
real one answered once, so that boto3 has the same to read. Rounds against the two alternate. Client and server are
on one machine: compare the lines of one table, not tables.
"""

from __future__ import annotations

import http.client
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.engine_calls import table

DOMAIN = "Bench"
TYPE = {"name": "w", "version": "1"}
DECIDERS, WORKERS = {"name": "deciders"}, {"name": "workers"}
POLLS = 500
ROUNDS = 7
RUNS = 60
KEYS = {"aws_access_key_id": "anyone", "aws_secret_access_key": "anything", "region_name": "us-east-1"}

Caller = Callable[[str, dict[str, Any]], dict[str, Any]]

NOTHING = r"""
import asyncio, json, sys

ANSWERS = {name.encode(): answer.encode() for name, answer in json.loads(sys.argv[1]).items()}


class Nothing(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.got = transport, b""

    def data_received(self, data):
        self.got += data
        head, blank, body = self.got.partition(b"\r\n\r\n")
        if not blank:
            return
        headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if len(body) >= int(headers[b"content-length"]):
            self.got = b""
            operation = head[head.lower().index(b"x-amz-target: ") :].split(b"\r\n", 1)[0].rpartition(b".")[2]
            self.transport.write(ANSWERS[operation])


async def main():
    server = await asyncio.get_running_loop().create_server(Nothing, "127.0.0.1", 0)
    print("http://127.0.0.1:%d" % server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
"""


@contextmanager
def process(*command: str) -> Iterator[tuple[str, psutil.Process]]:
    """A server: its URL, which its first line names, and its process."""
    running = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    try:
        line = running.stdout.readline()
        yield next(word for word in line.split() if word.startswith("http://")), psutil.Process(running.pid)
    finally:
        running.terminate()
        running.wait()
        running.stdout.close()


def through_boto(url: str) -> Caller:
    swf = boto3.client("swf", endpoint_url=url, **KEYS)
    methods = {name: getattr(swf, method) for method, name in swf.meta.method_to_api_mapping.items()}
    return lambda operation, request: methods[operation](**request)


def plainly(url: str) -> Caller:
    """A client that does as little as one can: one socket, and answers with a length."""
    parts = urlsplit(url)
    opened = socket.create_connection((parts.hostname, parts.port))
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    head = "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: SimpleWorkflowService.%s\r\nContent-Length: %d\r\n\r\n"

    def call(operation: str, request: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps(request)
        opened.sendall((head % (operation, len(body)) + body).encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += opened.recv(262_144)
        headers, _, got = answer.partition(b"\r\n\r\n")
        headers = headers.lower()
        length = int(headers[headers.index(b"content-length: ") + 16 :].split(b"\r\n", 1)[0])
        while len(got) < length:
            got += opened.recv(262_144)
        assert headers.startswith(b"http/1.1 200"), answer
        found: dict[str, Any] = json.loads(got) if got else {}
        return found

    return call


def hot_calls(call: Caller, times: dict[str, list[float]]) -> None:
    """One activity of a run that goes on: four calls, each timed."""

    def timed(operation: str, **request: Any) -> dict[str, Any]:
        begun = time.perf_counter()
        answer = call(operation, request)
        times.setdefault(operation, []).append(time.perf_counter() - begun)
        return answer

    schedule = {"activityType": {"name": "a", "version": "1"}, "activityId": "a", "input": "[1]"}
    decision = {"decisionType": "ScheduleActivityTask", "scheduleActivityTaskDecisionAttributes": schedule}
    poll = {"domain": DOMAIN, "taskList": DECIDERS, "identity": "me", "startAtPreviousStartedEvent": True}
    token = timed("PollForDecisionTask", **poll)["taskToken"]
    timed("RespondDecisionTaskCompleted", taskToken=token, decisions=[decision])
    token = timed("PollForActivityTask", domain=DOMAIN, taskList=WORKERS, identity="me")["taskToken"]
    timed("RespondActivityTaskCompleted", taskToken=token, result="2")


def prepare(call: Caller) -> None:
    """A domain with types and one run in it."""
    call("RegisterDomain", {"name": DOMAIN, "workflowExecutionRetentionPeriodInDays": "1"})
    times = {"defaultTaskStartToCloseTimeout": "300", "defaultExecutionStartToCloseTimeout": "3600"}
    workflow = {"domain": DOMAIN, **TYPE, "defaultTaskList": DECIDERS, "defaultChildPolicy": "TERMINATE", **times}
    call("RegisterWorkflowType", workflow)
    kinds = ("ScheduleToStart", "ScheduleToClose", "StartToClose", "Heartbeat")
    none = {f"defaultTask{kind}Timeout": "NONE" for kind in kinds}
    call("RegisterActivityType", {"domain": DOMAIN, "name": "a", "version": "1", "defaultTaskList": WORKERS, **none})
    call("StartWorkflowExecution", {"domain": DOMAIN, "workflowId": "w", "workflowType": TYPE})


def recorded(url: str) -> dict[str, str]:
    """The whole answer to each hot call, as it came over the wire."""
    parts = urlsplit(url)
    answers: dict[str, str] = {}

    def call(operation: str, request: dict[str, Any]) -> dict[str, Any]:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
        connection.request("POST", "/", json.dumps(request), {"X-Amz-Target": f"x.{operation}"})
        response = connection.getresponse()
        body = response.read().decode()
        head = "".join(f"{name}: {value}\r\n" for name, value in response.getheaders())
        answers[operation] = f"HTTP/1.1 200 OK\r\n{head}\r\n{body}"
        connection.close()
        found: dict[str, Any] = json.loads(body) if body else {}
        return found

    for _ in range(3):
        hot_calls(call, {})
    return answers


def rates(clients: dict[str, Caller]) -> dict[str, float]:
    """Calls per second by client: over the mix, each operation at its median. The rounds of the clients alternate."""
    times: dict[str, dict[str, list[float]]] = {name: {} for name in clients}
    for _ in range(ROUNDS):
        for name, call in clients.items():
            for _ in range(RUNS):
                hot_calls(call, times[name])
    return {name: len(found) / sum(map(statistics.median, found.values())) for name, found in times.items()}


def waiting(url: str, server: psutil.Process) -> tuple[int, float]:
    """Threads and kilobytes that each of POLLS polls costs while it waits."""
    parts = urlsplit(url)
    threads, memory = server.num_threads(), server.memory_info().rss
    body = json.dumps({"domain": DOMAIN, "taskList": {"name": "nothing comes"}})
    head = f"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: x.PollForActivityTask\r\nContent-Length: {len(body)}\r\n\r\n"
    opened = [socket.create_connection((parts.hostname, parts.port)) for _ in range(POLLS)]
    for connection in opened:
        connection.sendall((head + body).encode())
    while True:
        health = http.client.HTTPConnection(parts.hostname or "", parts.port)
        health.request("GET", "/health")
        if json.load(health.getresponse())["waitingPolls"] == POLLS:
            break
        health.close()
    cost = server.num_threads() - threads, (server.memory_info().rss - memory) / POLLS / 1000
    for connection in opened:
        connection.close()
    return cost


def served(directory: Path) -> Table:
    """The table of a server on a file in this directory."""
    file = f"sqlite:{directory / 'served.db'}"
    begun = time.perf_counter()
    with process("-m", "simpleflow", "server", "--engine", file, "--port", "0") as (url, server):
        ready = time.perf_counter() - begun
        prepare(plainly(url))
        with process("-c", NOTHING, json.dumps(recorded(url))) as (nothing, _):
            clients = {
                "boto3, nothing": through_boto(nothing),
                "boto3": through_boto(url),
                "plain, nothing": plainly(nothing),
                "plain": plainly(url),
            }
            found = rates(clients)
        threads, kilobytes = waiting(url, server)
    rows = [
        ("boto3 against a server that does nothing", f"{found['boto3, nothing']:,.0f} calls/s", ""),
        ("boto3", f"{found['boto3']:,.0f} calls/s", ""),
        ("  of the one above", f"{found['boto3'] / found['boto3, nothing']:.0%}", "80%"),
        ("plain client against a server that does nothing", f"{found['plain, nothing']:,.0f} calls/s", ""),
        ("plain client", f"{found['plain']:,.0f} calls/s", "1,500 calls/s"),
        (f"{POLLS} polls that wait: threads", f"{threads}", "0"),
        (f"{POLLS} polls that wait: memory of each", f"{kilobytes:.0f} kB", ""),
        ("ready after", f"{ready:.2f} s", "1 s"),
    ]
    return table(f"The server, medians of {ROUNDS * RUNS} calls", rows)


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as directory:
        Console(width=120).print(served(Path(directory)))


if __name__ == "__main__":
    main()
