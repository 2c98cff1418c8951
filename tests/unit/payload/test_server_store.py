"""Large values at a server: what is asked for again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from simpleflow.exceptions import PayloadUnreachable
from simpleflow.payload import server
from simpleflow.payload.server import ATTEMPTS, ServerStore

THROTTLED = 400, b'{"__type": "x#ThrottlingException", "message": "Rate exceeded"}'


def asked(monkeypatch: pytest.MonkeyPatch, *answers: Any) -> tuple[ServerStore, list[float]]:
    """A store whose server answers so, one after the other, and the pauses that it makes."""
    left = list(answers)

    def send(request: object) -> object:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(status_code=answer[0], content=answer[1])

    pauses: list[float] = []
    monkeypatch.setattr(server.time, "sleep", pauses.append)
    store = ServerStore("http://127.0.0.1:1")
    monkeypatch.setattr(store, "_session", lambda: SimpleNamespace(send=send))
    return store, pauses


def test_a_server_that_fails_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    store, pauses = asked(monkeypatch, (503, b""), ConnectionError("reset"), THROTTLED, (200, b"text"))
    assert store._ask("GET", "hash/0", "it is not there") == b"text"
    assert len(pauses) == 3 and pauses[2] == 4 * pauses[0]


@pytest.mark.parametrize("answer", [(503, b'{"message": "the disk is full"}'), ConnectionError("reset")])
def test_it_is_not_asked_for_ever(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    store, pauses = asked(monkeypatch, *[answer] * ATTEMPTS)
    with pytest.raises(PayloadUnreachable, match=r"cannot be put there: .*(the disk is full|reset)"):
        store._ask("POST", "hash", "it cannot be put there")
    assert len(pauses) == ATTEMPTS - 1


def test_a_refusal_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    store, pauses = asked(monkeypatch, (404, b'{"message": "There is no text"}'))
    with pytest.raises(PayloadUnreachable, match="There is no text"):
        store._ask("GET", "hash/0", "it is not there")
    assert pauses == []
