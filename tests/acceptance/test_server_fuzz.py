"""Thousands of generated requests against a running server: each gets a clean answer or a clean end.

Valid requests are made from botocore's model, and then spoilt; beside them there are bodies of random JSON and random
bytes, and connections that say anything and close at any time. After all of them the server is as it was.
"""

from __future__ import annotations

import json
import random
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from serving import DECIDERS, TARGET, WORKERS, Server, until
from shell import PATIENCE, Project
from simpleflow.protocol.operations import MODELS

MEGABYTE = 1024 * 1024
#: Statuses that a generated request may get: no failure of the server is among them.
FINE = {200, 400, 403, 404, 405, 408, 413, 431}
TEXTS = ("", "D", "w", "1", "a", "NONE", "0", "30", "arn", "é", "\U0001f600", "a:b", " x ", "-1", "x" * 300, "\u0000")
NUMBERS = (0, 1, -1, 1000, 2**31, 2**63, 2**70, 1.5, -1e-9, 1e300, -1e300, 1_500_000_000, 253_402_300_800)
KNOWN = {"domain": "D", "name": "w", "version": "1", "taskList": DECIDERS, "registrationStatus": "REGISTERED"}


class Generator:
    """Requests from a seed."""

    def __init__(self, seed: int, model: Any) -> None:
        self.random = random.Random(seed)
        self.model = model
        self.tokens = ["token"]

    def request(self) -> tuple[str, bytes]:
        """An operation and a body."""
        chance = self.random.random()
        operation = self.random.choice(self.model.operation_names)
        if chance < 0.1:
            return operation, self.random.randbytes(self.random.randrange(200))
        if chance < 0.3:
            return operation, encoded(self.anything(4))
        valid = self.value(self.model.operation_model(operation).input_shape)
        body = encoded(self.spoilt(valid) if chance < 0.7 else valid)
        if chance < 0.35:
            place = self.random.randrange(len(body) + 1)
            body = body[:place] + self.random.randbytes(self.random.randrange(3)) + body[place + 1 :]
        return operation, body

    def value(self, shape: Any, name: str = "", depth: int = 0) -> Any:
        """What fits a shape of the model, more or less."""
        choose = self.random.choice
        if name in KNOWN and self.random.random() < 0.8:
            return KNOWN[name] if name != "taskList" else choose((DECIDERS, WORKERS))
        if shape.type_name == "structure":
            members = {
                key: self.value(member, key, depth + 1)
                for key, member in shape.members.items()
                if key in shape.required_members or self.random.random() < 0.3
            }
            kind = members.get("decisionType")
            key = f"{kind[0].lower()}{kind[1:]}DecisionAttributes" if kind else ""
            if key in shape.members and self.random.random() < 0.9:
                members = {"decisionType": kind, key: self.value(shape.members[key], key, depth + 1)}
            return members
        if shape.type_name == "list":
            return [self.value(shape.member, "", depth + 1) for _ in range(self.random.randrange(3))]
        if shape.type_name == "boolean":
            return choose((True, False))
        if shape.type_name in ("integer", "long", "timestamp"):
            return choose((1, 10)) if self.random.random() < 0.8 else choose(NUMBERS)
        if name in ("taskToken", "nextPageToken"):
            return choose(self.tokens)
        good = getattr(shape, "enum", None) or ("30", "1")
        return choose(good) if self.random.random() < 0.9 else choose(TEXTS)

    def spoilt(self, value: Any) -> Any:
        """The same with something wrong in it."""
        if isinstance(value, dict) and value and self.random.random() < 0.8:
            key = self.random.choice(list(value))
            return {**value, key: self.spoilt(value[key])}
        if isinstance(value, list) and value and self.random.random() < 0.5:
            return [*value[1:], self.spoilt(value[0])]
        return self.anything(3)

    def anything(self, depth: int) -> Any:
        """Any JSON."""
        kind = self.random.randrange(7 if depth else 5)
        if kind == 5:
            return [self.anything(depth - 1) for _ in range(self.random.randrange(4))]
        if kind == 6:
            return {self.random.choice((*TEXTS, *KNOWN)): self.anything(depth - 1) for _ in range(4)}
        return self.random.choice((self.random.choice(TEXTS), self.random.choice(NUMBERS), None, True, False))

    def bytes_of_a_connection(self) -> bytes:
        """What a client may say that is not one of ours: requests cut off, glued together, changed, or no requests."""
        operation, body = self.request()
        method = self.random.choice(("POST", "POST", "GET", "PUT", "post", "X" * 50, ""))
        path = self.random.choice(("/", "/", "/health", "/clock", "/?x", "*", "http://x/", "//", "/%00", ""))
        length = self.random.choice((len(body), len(body), 0, len(body) + 9, 10**10, -1, "x"))
        headers = self.random.choice(
            (
                f"Content-Length: {length}",
                f"Content-Length: {len(body)}\r\nConnection: close",
                "Transfer-Encoding: chunked",
                f"Content-Length: {len(body)}\r\nExpect: 100-continue",
                "Upgrade: websocket\r\nConnection: Upgrade",
                f"Content-Length: {len(body)}\r\nX: {'x' * 10_000}",
                "",
            )
        )
        head = (
            f"{method} {path} HTTP/1.{self.random.choice('0119')}\r\nHost: x\r\nX-Amz-Target: {TARGET}.{operation}\r\n"
        )
        whole = f"{head}{headers}\r\n\r\n".encode() + body
        chance = self.random.random()
        if chance < 0.2:
            return self.random.randbytes(self.random.randrange(2000))
        if chance < 0.4:
            return whole[: self.random.randrange(len(whole))]
        if chance < 0.6:
            place = self.random.randrange(len(whole))
            return whole[:place] + self.random.randbytes(3) + whole[place + 3 :]
        return whole * self.random.randrange(1, 4)


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


def fire(server: Server, generator: Generator, number: int) -> Counter[int]:
    """So many requests; how often each status came."""
    statuses: Counter[int] = Counter()
    with server.connection() as connection:
        for _ in range(number):
            if generator.random.random() < 0.1:
                speak(server, generator.bytes_of_a_connection(), generator.random.random() < 0.5)
                statuses[0] += 1
                continue
            operation, body = generator.request()
            connection.request("POST", "/", body, {"X-Amz-Target": f"{TARGET}.{operation}"})
            response = connection.getresponse()
            answer = response.read()
            statuses[response.status] += 1
            assert response.status in FINE, (operation, body, answer)
            told = json.loads(answer) if answer else {}
            if response.status != 200:
                assert told["__type"]
                assert told["message"]
            elif "taskToken" in told:
                generator.tokens = [*generator.tokens[-20:], told["taskToken"]]
    return statuses


def speak(server: Server, words: bytes, listen: bool) -> None:
    """Say something on a connection of its own, and close it, or hear first what the server says."""
    with socket.create_connection(server.address, PATIENCE) as opened:
        try:
            opened.sendall(words)
            if listen:
                opened.shutdown(socket.SHUT_WR)
                while answer := opened.recv(65536):
                    assert b"HTTP/1.1 500" not in answer, (words, answer)
        except (ConnectionResetError, BrokenPipeError):
            pass  # it closed while it was still being spoken to


@pytest.fixture
def server(project: Project) -> Iterator[Server]:
    file = f"sqlite:{project.path / 'fuzz.db'}"
    running = Server(project, "--engine", file, "--long-poll-seconds", "0.01", "--virtual-clock")
    running.prepare()
    yield running
    running.end()


@pytest.fixture(scope="session")
def model() -> Any:
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    return ServiceModel(Loader([str(MODELS)]).load_service_model("swf", "service-2"), "swf")


def check_that_it_is_as_before(server: Server, requests: Callable[[], None]) -> None:
    """Memory, descriptors and health, after requests and before."""
    descriptors, memory = server.process.num_fds(), server.process.memory_info().rss
    requests()
    assert server.get("/health") == {"status": "ok", "waitingPolls": 0}
    until(lambda: server.process.num_fds() <= descriptors, "all connections are let go")
    assert server.process.memory_info().rss - memory < 30 * MEGABYTE
    assert server.boto().list_domains(registrationStatus="REGISTERED")["domainInfos"]
    assert server.command.err == []


@pytest.mark.parametrize("seed", [1, 2])
def test_thousands_of_generated_requests(server: Server, model: Any, seed: int) -> None:
    fire(server, Generator(1000 + seed, model), 300)  # what it imports and caches it has now

    def requests() -> None:
        statuses = fire(server, Generator(seed, model), 2000)
        assert statuses[200] > 100
        assert statuses[400] > 500

    check_that_it_is_as_before(server, requests)


@pytest.mark.soak
def test_a_million_generated_requests(server: Server, model: Any) -> None:
    fire(server, Generator(0, model), 10_000)

    def requests() -> None:
        for seed in range(100):
            fire(server, Generator(seed, model), 10_000)

    check_that_it_is_as_before(server, requests)


def test_the_generator_says_what_it_should(model: Any) -> None:
    """A sample has every operation, and bodies that are good JSON and that are not."""
    generator = Generator(1, model)
    requests = [generator.request() for _ in range(2000)]
    assert {operation for operation, _ in requests} == set(model.operation_names)
    good = sum(is_json(body) for _, body in requests)
    assert 1000 < good < 1900


def is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True
