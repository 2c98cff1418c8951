"""The two ends of a child, without its process: what comes down and goes up, and what it prints."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import termios
import threading
from array import array

import pytest

from simpleflow.runtime import calling
from simpleflow.runtime.child import Child, Terms, receive
from simpleflow.runtime.output import KEPT, STREAMS, Output


def test_a_task_that_is_ended_before_it_has_begun_is_not_begun() -> None:
    ours, theirs = socket.socketpair()
    ours.sendall(b'["activity","os.getpid",null,{"run_id":"r"},"token",7]\n{"end":"cancel"}\n')
    ours.shutdown(socket.SHUT_WR)
    ours.settimeout(5)
    before = signal.getsignal(signal.SIGTERM)
    try:
        Child(theirs.fileno(), Terms()).serve()
    finally:
        signal.signal(signal.SIGTERM, before)
    theirs.close()
    assert ours.recv(100) == b"", "it has answered"
    ours.close()


def test_the_other_end_may_be_gone() -> None:
    ours, theirs = socket.socketpair()
    ours.close()
    assert receive(theirs.fileno()) is None
    theirs.close()


def test_the_end_of_what_is_printed_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    output = Output()
    text = "é" * KEPT
    os.write(output.writing[0], text.encode())
    os.write(output.writing[1], b"an error")
    assert output.take() == {"stdout": "é" * (KEPT // 2), "stderr": "an error"}
    assert output.take() == {}
    os.write(output.writing[0], b"x" + text.encode())
    assert output.take() == {"stdout": "é" * (KEPT // 2)}, "cut in the middle of a character or not"
    output.start()
    out, err = capfd.readouterr()
    assert (out, err) == (f"{text}x{text}", "an error")


def test_steps_are_always_allowed() -> None:
    calling.allow(["acts"])
    try:
        assert callable(calling.load("simpleflow.step.tasks.GetStepsDoneTask"))
        with pytest.raises(calling.NotAllowed):
            calling.load("simpleflow.execute.python")
    finally:
        calling.allow([])


@pytest.mark.parametrize("stuck", [False, True])
def test_an_answer_does_not_wait_for_who_reads_the_output(monkeypatch: pytest.MonkeyPatch, stuck: bool) -> None:
    """With or without a thread that is stuck already."""
    reading, full = os.pipe()
    os.set_blocking(full, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(full, bytes(4096)):
            pass
    os.set_blocking(full, True)
    monkeypatch.setitem(STREAMS, "stdout", full)
    monkeypatch.setattr("simpleflow.runtime.output.PATIENCE", 0.01)
    output = Output()
    writing = [os.dup(end) for end in output.writing]
    os.write(writing[0], b"last words")
    if stuck:
        output.start()
        while array("i", fcntl.ioctl(writing[0], termios.FIONREAD, bytes(4)))[0]:
            pass
    taken: list[dict[str, str]] = []
    taker = threading.Thread(target=lambda: taken.append(output.take()), daemon=True)
    taker.start()
    taker.join(5)
    os.close(reading)
    for end in writing:
        os.close(end)
    assert taken == [{"stdout": "last words"}]
