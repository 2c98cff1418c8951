"""The two ends of a child, without its process: what comes down and goes up, and what it prints."""

from __future__ import annotations

import os
import signal
import socket
from typing import Any

import pytest

from simpleflow.runtime import calling
from simpleflow.runtime.child import Child, Terms, receive
from simpleflow.runtime.output import KEPT, Output
from simpleflow.runtime.parent import WarmChild
from simpleflow.runtime.stop import Stop


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


class Forked:
    """A child that is dead, and has left a fork behind that holds its channel open; and who started it."""

    pid, returncode, peak = os.getpid(), -9, None

    def start(self, command: Any, *, pass_fds: tuple[int, ...], **options: Any) -> Any:
        self.channel = socket.socket(fileno=os.dup(pass_fds[0]))
        return self

    def poll(self) -> int:
        return self.returncode


def test_a_death_is_noticed_though_a_fork_holds_the_channel() -> None:
    stop, forked = Stop(), Forked()
    household: Any = forked
    child = WarmChild(household, Terms(), stop)
    forked.channel.sendall(b'{"result":"1"}\n')
    stop.ring()  # as SIGCHLD does
    assert child.hear(0) == {"result": "1"}, "what it has said before counts"
    assert not child.gone
    stop.ring()
    assert child.hear(5) is None and child.gone
    assert child.cause() == "killed by signal 9, perhaps out of memory"
    forked.channel.close()
    child._channel.close()
    assert child._life is not None
    os.close(child._life)


def test_steps_are_always_allowed() -> None:
    calling.allow(["acts"])
    try:
        assert callable(calling.load("simpleflow.step.tasks.GetStepsDoneTask"))
        with pytest.raises(calling.NotAllowed):
            calling.load("simpleflow.execute.python")
    finally:
        calling.allow([])
