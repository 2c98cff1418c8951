"""The worker's end of a child: it is started here, asked, listened to, and ended with all that it started.

What the child does stands in `simpleflow.runtime.child`. It knows of no engine.
"""

from __future__ import annotations

import math
import os
import select
import socket
import subprocess
import sys
import time
from typing import Any

import orjson

from simpleflow.runtime.child import CLOSED, READ, Terms, send
from simpleflow.runtime.life import waking
from simpleflow.runtime.output import Output
from simpleflow.runtime.stop import Stop
from simpleflow.runtime.trees import Household, end_tree, exit_cause

Message = dict[str, Any]
"""What a child says: an answer (`simpleflow.runtime.calling.Answer`), or ``{"beat": details}`` before it; and before
the first task ``{"importing": name}`` for each module that is wanted at the start, the last time with None."""


class WarmChild:
    """A child, from its start to its end. To be used by one thread, whose waiting `stop` ends.

    `tasks` counts those that it was given; `gone` says that it will say nothing more, `ready` that it has imported what
    is wanted at the start.
    """

    def __init__(self, household: Household, terms: Terms, stop: Stop) -> None:
        self.tasks = 0
        self.gone = False
        self.ready = not terms.modules
        self.output = Output()
        self._importing: str | None = None
        self._household = household
        self._stop = stop
        self._channel, theirs = socket.socketpair()
        life, held = os.pipe()
        self._life: int | None = held
        stdout, stderr = self.output.writing
        with waking(life) as (end, wakes):
            self._process = household.start(
                [sys.executable, "-m", "simpleflow.runtime.child", str(theirs.fileno()), str(end), terms.to_json()],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                pass_fds=(theirs.fileno(), end),
                start_new_session=True,
            )
            wakes(self._process.pid)
        theirs.close()
        os.close(life)
        self.output.start()
        self._said = b""
        self._answer: Message | None = None
        self._woken = select.poll()
        self._woken.register(self._channel, select.POLLIN)
        self._woken.register(stop, select.POLLIN)

    def ask(self, task: tuple[Any, ...]) -> bool:
        """Hand it a task: its kind, and what `child.RUN` wants of that. False where it is dead and has not begun it."""
        self.tasks += 1
        return self._send(task)

    def hear(self, timeout: float | None = None) -> Message | None:
        """What it says next of its task. None where something else has happened: a signal, its death, an import, the
        end of `timeout` (in seconds; None for no limit)."""
        if b"\n" not in self._said:
            self._listen(None if timeout is None else math.ceil(timeout * 1000))
        while b"\n" in self._said:
            line, _, self._said = self._said.partition(b"\n")
            message: Message = orjson.loads(line)
            if "importing" not in message:
                return message
            self._importing = message["importing"]
            self.ready = self._importing is None
        return None

    def end_softly(self, why: str, grace: float) -> Message | None:
        """End its task: softly, and after `grace` seconds hard, with all that it started; its answer, if it gave one.

        A second request to stop takes the grace away.
        """
        self._send({"end": why})
        end_tree(self._process.pid, self._over, self._hear_out, grace)
        self.end()
        return self._answer

    def memory(self) -> int:
        """The bytes of its resident memory, now; 0 where they cannot be had."""
        import psutil

        try:
            return int(psutil.Process(self._process.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def exited(self) -> bool:
        return self._process.poll() is not None

    def cause(self) -> str:
        """Why it died."""
        if not self._let_exit(1.0):
            return "it closed its channel to the worker"
        if self._process.returncode == CLOSED:
            return "its code closed all file descriptors (os.closerange?), with them the one that takes its result"
        cause = exit_cause(self._process.returncode, self._process.peak)
        return f"importing {self._importing} ended the process: {cause}" if self._importing else cause

    def end(self) -> None:
        """End it and all that it started, now."""
        if self._life is None:
            return
        end_tree(self._process.pid, self.exited, _sleep, 0)
        self._household.settle()
        self._channel.close()
        os.close(self._life)
        self._life = None

    def close(self) -> None:
        """Let it exit by itself, as it does when nobody asks any more, and end what is left after a second."""
        self._channel.close()
        self._let_exit(1.0)
        self.end()

    def _send(self, message: Any) -> bool:
        try:
            send(self._channel.fileno(), message)
        except OSError:
            return False
        return True

    def _listen(self, milliseconds: int | None) -> None:
        """Wait for something to happen, and take in what it says."""
        stop, spoke = self._stop.fileno(), False
        for descriptor, _ in self._woken.poll(milliseconds):
            if descriptor == stop:
                self._stop.hush()
            else:
                spoke = True
                self._read()
        if not spoke and not self.gone and self.exited():
            # What the task forked may hold the channel open: it is silent then, not at its end.
            while not self.gone and select.select([self._channel], [], [], 0)[0]:
                self._read()
            self.gone = True

    def _read(self) -> None:
        try:
            more = os.read(self._channel.fileno(), READ)
        except ConnectionError:  # it went with something unread
            more = b""
        self._said += more
        if not more:
            self.gone = True
            self._woken.unregister(self._channel)

    def _over(self) -> bool:
        return self._answer is not None or self.exited()

    def _hear_out(self, seconds: float) -> bool:
        message = self.hear(seconds)
        if message is not None and "beat" not in message:
            self._answer = message
        return self._stop.requests > 1

    def _let_exit(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while not self.exited() and time.monotonic() < until:
            time.sleep(0.005)
        return self.exited()


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False
