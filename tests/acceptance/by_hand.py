"""Processes of the runtime whose engine is the test: every call of the client is a line of JSON over a socket.

    python by_hand.py SPEC              the process that SPEC describes
    python by_hand.py supervise SPEC..  a supervisor of such processes

The engine's URL is ``by-hand:SOCKET``, or ``by-hand:SOCKET?POINT``: then the process kills itself at that point.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any


class HandClient:
    """What a worker needs of an engine, played by the test at the other end of the socket."""

    def __init__(self, path: str, stopping: Callable[[], bool]) -> None:
        self._stopping = stopping
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._lines = self._socket.makefile("rb")
        self._turn = threading.RLock()  # a heartbeat comes from another thread
        self._say({"pid": os.getpid()})

    def respond_and_poll(self, respond: Any, poll: Any) -> dict[str, Any]:
        if respond is not None:
            self._ask({"call": respond[0], **respond[1]})
        if poll is None:
            return {}
        with self._turn:
            self._say({"call": poll[0], **poll[1]})
            while not select.select([self._socket], [], [], 0.02)[0]:
                if self._stopping():
                    return {}
            return self._hear()

    def record_activity_task_heartbeat(self, **arguments: Any) -> dict[str, Any]:
        return self._ask({"call": "record_activity_task_heartbeat", **arguments})

    def close(self) -> None:
        self._lines.close()
        self._socket.close()

    def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        with self._turn:
            self._say(message)
            return self._hear()

    def _say(self, message: dict[str, Any]) -> None:
        self._socket.sendall(json.dumps(message).encode() + b"\n")

    def _hear(self) -> dict[str, Any]:
        line = self._lines.readline()
        if not line:  # the test is over
            os._exit(70)
        answer: dict[str, Any] = json.loads(line)
        if "fault" in answer:
            from simpleflow.protocol.faults import Fault

            raise Fault(answer["fault"], "by hand")
        return answer


def kill_at(wanted: str) -> Callable[[str, str], None]:
    def point(name: str, subject: str) -> None:
        if name == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    return point


def main(arguments: list[str]) -> None:
    from simpleflow import clients

    def client(url: str, *, stopping: Callable[[], bool], **hooks: Any) -> HandClient:
        return HandClient(url.removeprefix("by-hand:").partition("?")[0], stopping)

    clients.client = client  # type: ignore[assignment]
    from simpleflow.runtime.__main__ import run_role
    from simpleflow.runtime.spec import Spec
    from simpleflow.runtime.stop import Stop
    from simpleflow.runtime.supervise import Supervisor

    if arguments[0] == "supervise":
        from simpleflow.observe import configure_logging
        from simpleflow.runtime.streams import hold_nobody_up

        hold_nobody_up("stderr")
        configure_logging("INFO")
        specs = [Spec.from_json(text) for text in arguments[1:]]
        supervisor = Supervisor(specs[:1], Stop(specs[0].grace).listen(), command=(sys.executable, __file__))
        supervisor.start()
        supervisor.add(specs[1:])
        supervisor.run()
    else:
        spec = Spec.from_json(arguments[0])
        run_role(spec, point=kill_at(spec.engine.partition("?")[2]))


if __name__ == "__main__":
    sys.path[0] = str(Path.cwd())
    main(sys.argv[1:])
