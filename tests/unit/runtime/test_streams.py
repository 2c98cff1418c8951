"""Streams that nobody reads, and then somebody does."""

from __future__ import annotations

import contextlib
import io
import os
import select
import threading
from collections.abc import Iterator

import pytest

from simpleflow.runtime import streams
from simpleflow.runtime.output import Output
from simpleflow.runtime.streams import Patient


class Pipe:
    """Its writing end is full, until somebody reads."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        os.set_blocking(self.writing, False)
        self.full = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                self.full += os.write(self.writing, bytes(4096))
        os.set_blocking(self.writing, True)

    def read(self, last: bytes) -> str:
        """What was written beside the zeros, as far as this."""
        found = b""
        while not found.endswith(last):
            assert select.select([self.reading], [], [], 10)[0], f"nothing but {found!r}"
            found += os.read(self.reading, 65536).lstrip(b"\0")
        return found.decode()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    os.close(pipe.reading)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "PATIENCE", 0.05)


def within(seconds: float, call: object) -> None:
    """Call it, and see it return."""
    thread = threading.Thread(target=call, daemon=True)  # type: ignore[arg-type]
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "it hangs"


def test_a_piece_is_written_when_write_returns() -> None:
    reading, writing = os.pipe()
    patient = Patient(writing)
    assert patient.write(b"one") == 3
    os.set_blocking(reading, False)
    assert os.read(reading, 100) == b"one"
    os.close(reading)
    assert patient.write(b"two") == 3, "nobody will ever read it"


def test_who_writes_is_not_held_up_and_what_there_is_no_room_for_is_counted(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MOST", 100)
    patient = Patient(pipe.writing)
    lines = io.TextIOWrapper(io.BufferedWriter(patient), line_buffering=True)

    def write() -> None:
        for number in range(100):
            lines.write(f"line {number} of 100\n")
        patient.drain()

    within(10, write)
    said = pipe.read(b"read them]\n")
    assert said == "".join(f"line {n} of 100\n" for n in range(7)) + "\n[93 lines dropped: nobody read them]\n"
    within(10, lambda: lines.write("again\n"))
    assert pipe.read(b"again\n") == "again\n"


def test_it_waits_once_for_a_reader_that_has_stopped(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    patient = Patient(pipe.writing)
    patient.write(b"1")
    monkeypatch.setattr(streams, "PATIENCE", 60.0)
    within(10, lambda: patient.write(b"2"))
    assert pipe.read(b"2") == "12"
    patient.write(b"3")
    assert pipe.read(b"3") == "3"


def test_what_waits_at_the_end_is_written(pipe: Pipe) -> None:
    patient = Patient(pipe.writing)
    patient.write(b"last words")
    reader = threading.Thread(target=pipe.read, args=(b"words",))
    reader.start()
    patient.drain()
    assert patient._written == patient._taken == 1
    reader.join(10)
    assert not reader.is_alive()


def test_a_fork_writes_by_itself() -> None:
    reading, writing = os.pipe()
    patient = Patient(writing)
    patient.write(b"parent")
    if (pid := os.fork()) == 0:
        patient.write(b" child")
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(reading, 100) == b"parent child"
    os.close(reading)


def test_who_made_the_descriptor_not_blocking_loses_nothing(pipe: Pipe) -> None:
    os.set_blocking(pipe.writing, False)
    patient = Patient(pipe.writing)
    patient.write(b"x" * 100_000)
    assert pipe.read(b"x" * 100_000) == "x" * 100_000


def test_an_answer_does_not_wait_for_who_reads_the_output(pipe: Pipe) -> None:
    output = Output({"stdout": Patient(pipe.writing)})
    os.write(output.writing[0], b"last words")
    taken: list[dict[str, str]] = []
    within(5, lambda: taken.append(output.take()))
    assert taken == [{"stdout": "last words"}]
