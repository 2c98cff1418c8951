"""A running `simpleflow server`, and ways to talk to it."""

from __future__ import annotations

import http.client
import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import psutil
from botocore.config import Config

from shell import PATIENCE, Command, Project

TARGET = "SimpleWorkflowService"
KEYS = {"aws_access_key_id": "anyone", "aws_secret_access_key": "anything", "region_name": "eu-west-1"}
JSON = "application/x-amz-json-1.0"
TYPE = {"name": "w", "version": "1"}
DECIDERS, WORKERS = {"name": "deciders"}, {"name": "workers"}

Answer = tuple[int, dict[str, str], bytes]


def until(true: Callable[[], object], what: str) -> None:
    """Ask again and again, since no line and no exit tells."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"it never came that {what}"


class Server:
    """A server that a project has started."""

    def __init__(self, project: Project, *arguments: str, **env: str) -> None:
        self.command: Command = project.start("server", "--port", "0", *arguments, **env)
        self.url = self.command.says(r"http://\S+").group()
        parts = urlsplit(self.url)
        self.address = parts.hostname or "", parts.port or 0
        self.process = psutil.Process(self.command.process.pid)
        self._clients: list[Any] = []

    def boto(self, **settings: Any) -> Any:
        """An unmodified boto3 client."""
        config = Config(retries={"total_max_attempts": 1})
        self._clients.append(boto3.client("swf", endpoint_url=self.url, config=config, **{**KEYS, **settings}))
        return self._clients[-1]

    @contextmanager
    def connection(self) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection(*self.address, timeout=PATIENCE)
        try:
            yield connection
        finally:
            connection.close()

    def send(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
        """One request on a connection of its own."""
        with self.connection() as connection:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, {key.lower(): value for key, value in response.getheaders()}, response.read()

    def call(self, operation: str, body: bytes | dict[str, Any]) -> tuple[int, Any]:
        """An operation, as any HTTP client calls it: the status, and the answer from JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, _, answer = self.send("POST", "/", data, {"X-Amz-Target": f"{TARGET}.{operation}"})
        return status, json.loads(answer) if answer else None

    def get(self, path: str) -> Any:
        return json.loads(self.send("GET", path)[2])

    def move(self, **clock: float | None) -> dict[str, Any]:
        """POST /clock."""
        status, _, answer = self.send("POST", "/clock", json.dumps(clock).encode())
        assert status == 200, answer
        found: dict[str, Any] = json.loads(answer)
        return found

    def open_poll(self, operation: str = "PollForDecisionTask", task_list: dict[str, str] = DECIDERS) -> socket.socket:
        """A poll that was sent and not yet answered."""
        before = self.get("/health")["waitingPolls"]
        opened = self.start_poll(operation, task_list)
        self.polls(before + 1)
        return opened

    def start_poll(self, operation: str = "PollForDecisionTask", task_list: dict[str, str] = DECIDERS) -> socket.socket:
        return self.say(operation, {"domain": "D", "taskList": task_list})

    def say(self, operation: str, request: dict[str, Any]) -> socket.socket:
        """A request that was sent, on a connection of its own."""
        body = json.dumps(request).encode()
        opened = socket.create_connection(self.address, PATIENCE)
        head = (
            f"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: {TARGET}.{operation}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        opened.sendall(head.encode() + body)
        return opened

    def polls(self, number: int) -> None:
        """Wait until so many polls wait."""
        until(lambda: self.get("/health")["waitingPolls"] == number, f"{number} polls wait")

    def prepare(self) -> Any:
        """A client, and a domain with types."""
        swf = self.boto()
        prepare(swf)
        return swf

    def end(self) -> None:
        for client in self._clients:
            client.close()
        if self.command.process.poll() is None:
            self.command.process.terminate()
        self.command.ends()


@contextmanager
def shared(path: Path, *arguments: str) -> Iterator[Server]:
    """A server that several tests share, in a project of its own."""
    (path / "project").mkdir()
    project = Project(path / "project", Path(sys.executable).with_name("simpleflow"))
    project.write("keys", "# who may call\nAKIAOURS secret/+of=ours\nAKIAOTHER another\n")
    server = Server(project, "--engine", "memory", *arguments)
    try:
        yield server
    finally:
        server.end()


def prepare(swf: Any) -> None:
    """Register a domain and types in it."""
    swf.register_domain(name="D", workflowExecutionRetentionPeriodInDays="1")
    times = {"defaultTaskStartToCloseTimeout": "300", "defaultExecutionStartToCloseTimeout": "31536000"}
    swf.register_workflow_type(domain="D", **TYPE, defaultTaskList=DECIDERS, defaultChildPolicy="TERMINATE", **times)
    kinds = ("ScheduleToStart", "ScheduleToClose", "StartToClose", "Heartbeat")
    none = {f"defaultTask{kind}Timeout": "NONE" for kind in kinds}
    swf.register_activity_type(domain="D", name="a", version="1", defaultTaskList=WORKERS, **none)


def start(swf: Any, workflow_id: str = "w-1") -> dict[str, str]:
    """Start a run; its ids."""
    run = swf.start_workflow_execution(domain="D", workflowId=workflow_id, workflowType=TYPE)["runId"]
    return {"workflowId": workflow_id, "runId": run}


def answer_of(opened: socket.socket) -> Any:
    """The answer to a request that was sent on a socket, from JSON."""
    response = http.client.HTTPResponse(opened)
    try:
        response.begin()
        return json.loads(response.read())
    finally:
        response.close()
        opened.close()
