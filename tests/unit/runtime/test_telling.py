"""What is told of attempts to people, in words."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from simpleflow.exceptions import PayloadUnreachable
from simpleflow.runtime import telling
from simpleflow.runtime.telling import Teller, in_words, overview


class Kept:
    """Notes in a dict."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], str] = {}
        self.written = threading.Semaphore(0)

    def write(self, run_id: str, name: str, text: str) -> None:
        self.found[run_id, name] = text
        self.written.release()

    def read(self, run_id: str, name: str) -> str | None:
        if run_id == "lost":
            raise PayloadUnreachable("no")
        return self.found.get((run_id, name))


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        ({}, ""),
        ({"done": 40, "total": 100, "text": "page 40"}, "40 of 100: page 40"),
        ({"done": 0.5, "total": None, "text": ""}, "0.5"),
    ],
)
def test_words(progress: dict[str, Any], words: str) -> None:
    assert in_words(progress) == words


def test_the_newest_is_written_and_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    going, pauses = threading.Semaphore(0), []

    class Time:
        @staticmethod
        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            going.acquire()

    monkeypatch.setattr(telling, "time", Time)
    kept: Any = Kept()
    teller = Teller(kept)
    teller.progress("r", 7, {"done": 1, "total": 3, "text": "a"})
    assert kept.written.acquire(timeout=5)
    for done in (2, 3):
        teller.progress("r", 7, {"done": done, "total": 3, "text": "a"})
    assert overview(kept, "r", [("activity-m.f-1", 7), ("activity-m.f-2", 9)]) == "m.f-1 1 of 3: a"
    going.release()
    assert kept.written.acquire(timeout=5)
    assert overview(kept, "r", [("activity-m.f-1", 7)]) == "m.f-1 3 of 3: a" and pauses[0] == 1
    going.release()


def test_what_cannot_be_had_is_not_shown() -> None:
    kept: Any = Kept()
    assert overview(kept, "lost", [("a", 7)]) == ""
