"""The two ends of a child, without its process: what comes down and goes up, and what it prints."""

from __future__ import annotations

import os
import signal
import socket

import pytest

from simpleflow.runtime import calling
from simpleflow.runtime.child import Child, Terms, receive
from simpleflow.runtime.output import KEPT, Output


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
