"""The engine of the processes that by_hand.py starts: the test, at the other end of a socket.

Who lives is told by the kernel: activities and what they start hold the writing end of a FIFO, and its reader sees
the end when the last of them is gone.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from simpleflow.runtime.spec import Spec

HERE = Path(__file__).parent
PATIENCE = 20.0  # seconds, for what must happen at all
SOON = 2.0  # seconds, for what must happen at once


class Fifo:
    """Tells what its holders wrote, and when the last of them is gone."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        os.mkfifo(path)
        self._end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def line(self) -> str:
        data = b""
        while not data.endswith(b"\n"):
            assert select.select([self._end], [], [], PATIENCE)[0], f"nothing but {data!r}"
            data += os.read(self._end, 1)
        return data.decode().rstrip()

    def gone(self, within: float = SOON) -> bool:
        until = time.monotonic() + within
        while (left := until - time.monotonic()) > 0 and select.select([self._end], [], [], left)[0]:
            if not os.read(self._end, 4096):
                return True
        return False

    def close(self) -> None:
        os.close(self._end)


class Process:
    """A process of the runtime, as its engine sees it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lines = connection.makefile("rb")
        self._next = b""
        connection.settimeout(PATIENCE)
        self.pid: int = self.hear()["pid"]
        self._tasks = 0

    def hear(self) -> dict[str, Any]:
        line, self._next = self._next or self._lines.readline(), b""
        assert line, "the process is gone"
        message: dict[str, Any] = json.loads(line)
        return message

    def say(self, **message: Any) -> None:
        self._connection.sendall(json.dumps(message).encode() + b"\n")

    def expect(self, call: str, answer: bool = True) -> dict[str, Any]:
        message = self.hear()
        assert message["call"] == call, message
        if answer:
            self.say()
        return message

    def say_to_heartbeats(self) -> None:
        """Answer them until there is something else, which is the next to be heard."""
        while json.loads(line := self._lines.readline())["call"] == "record_activity_task_heartbeat":
            self.say()
        self._next = line

    def give(self, name: str, *args: Any, told: dict[str, Any] | None = None, **kwargs: Any) -> str:
        """Answer its poll with a task; the task's token."""
        self.expect("poll_for_activity_task", answer=False)
        self._tasks += 1
        token = f"token-{self._tasks}"
        text = json.dumps({"args": args, "kwargs": kwargs, "__simpleflow": told or {"attempt": 1, "heartbeat": "60"}})
        activity = {"name": name if "." in name else f"acts.{name}", "version": "1"}
        run = {"workflowId": "w", "runId": "r"}
        task = {"activityId": f"activity-{self._tasks}", "startedEventId": 6 + self._tasks, "workflowExecution": run}
        self.say(taskToken=token, activityType=activity, input=text, **task)
        return token

    def result(self, name: str, *args: Any, **kwargs: Any) -> Any:
        token = self.give(name, *args, **kwargs)
        said = self.expect("respond_activity_task_completed")
        assert said["taskToken"] == token
        return json.loads(said["result"])

    def failure(self, name: str, *args: Any, **kwargs: Any) -> str:
        self.give(name, *args, **kwargs)
        return str(self.expect("respond_activity_task_failed")["reason"])

    def gone(self, within: float = SOON, *, after_poll: bool = False) -> bool:
        """Whether it ended without another word, or after it said that it polls."""
        self._connection.settimeout(within)
        try:
            line = self._lines.readline()
            if after_poll and b"poll_for_activity_task" in line:
                line = self._lines.readline()
            return line == b""
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self._lines.close()
        self._connection.close()


class Engine:
    """Starts processes, and is their engine."""

    def __init__(self, directory: Path, activities: str) -> None:
        self.directory = directory
        self._short = Path(tempfile.mkdtemp(dir="/tmp"))  # a socket's path has at most 104 characters
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(self._short / "s"))
        self._door.listen()
        self._door.settimeout(PATIENCE)
        self._opened: list[Process | Fifo] = []
        self._programs: list[subprocess.Popen[str]] = []
        (directory / "acts.py").write_text(activities)

    def spec(self, point: str = "", **more: Any) -> Spec:
        url = f"by-hand:{self._short / 's'}" + (f"?{point}" if point else "")
        return Spec("worker", url, "TestDomain", "list", **more)

    def run(self, *arguments: str) -> subprocess.Popen[str]:
        program = subprocess.Popen(
            [sys.executable, str(HERE / "by_hand.py"), *arguments],
            cwd=self.directory,
            env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._programs.append(program)
        return program

    def accept(self) -> Process:
        process = Process(self._door.accept()[0])
        self._opened.append(process)
        return process

    def worker(self, **spec: Any) -> tuple[subprocess.Popen[str], Process]:
        return self.run(self.spec(**spec).to_json()), self.accept()

    def supervised(self, count: int, **spec: Any) -> tuple[subprocess.Popen[str], list[Process]]:
        program = self.run("supervise", *[self.spec(**spec).to_json()] * count)
        return program, [self.accept() for _ in range(count)]

    def fifo(self, name: str = "fifo") -> Fifo:
        fifo = Fifo(self.directory / name)
        self._opened.append(fifo)
        return fifo

    def close(self) -> None:
        for program in self._programs:
            if program.poll() is None:
                program.kill()
            program.communicate(timeout=PATIENCE)
        for opened in self._opened:
            opened.close()
        self._door.close()
        shutil.rmtree(self._short)


def finish(program: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a program that ends."""
    out, err = program.communicate(timeout=PATIENCE)
    return program.returncode, out, err
