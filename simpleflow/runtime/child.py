"""The warm child: the process in which a worker's activities, or Lambda functions, run.

`working` starts it ahead and gives it one task after the other over a socket, a line of JSON each way, so that a
module is imported once and a task costs no process. While a task runs, its heartbeats go up as lines, and one line
comes down where it is to end: ``{"end": why}``, and SIGTERM after it. It knows of no engine. It leads a process group
of its own, which ends with the worker, whatever a task is doing then.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from types import FrameType
from typing import Any, Final

import orjson

from simpleflow.exceptions import one_line
from simpleflow.observe import configure_logging, share_handlers
from simpleflow.payload.codec import Codec
from simpleflow.payload.notes import Notes
from simpleflow.payload.store import Payloads
from simpleflow.runtime import calling, lambdas
from simpleflow.runtime.attempt import Attempt
from simpleflow.runtime.life import end_with
from simpleflow.runtime.stop import let_forks_end
from simpleflow.runtime.telling import Teller
from simpleflow.runtime.titles import Tell, titled, untitled
from simpleflow.runtime.trees import adopt

log = logging.getLogger("simpleflow.runtime")

CLOSED: Final = 106
"""The exit code where a task has closed the way to the worker."""
READ: Final = 65_536  # bytes; of more, the C library takes and gives back the memory each time


@dataclass(frozen=True, slots=True)
class Terms:
    """How children work, as it travels in their command line.

    `stores` are the URLs of where large values lie (`Config.payload_stores`), `modules` those to import at the start,
    `allow` the prefixes of the names that may be imported for a task (none: all), `before` and `after` the functions to
    call around each activity whose call names none itself. `title` is what `ps` shows of them.
    """

    level: str = "INFO"
    stores: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    title: str = "ActivityWorker()"

    @property
    def middlewares(self) -> dict[str, list[str]] | None:
        """In the form of `calling.MIDDLEWARES`."""
        return calling.around(self.before, self.after)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Terms:
        fields = json.loads(text)
        told: dict[str, Any] = {name: tuple(value) if type(value) is list else value for name, value in fields.items()}
        return cls(**told)


class Child:
    """This process: one task after the other, from the socket `channel`. `tell` is told what it does."""

    def __init__(self, channel: int, terms: Terms, tell: Tell = untitled) -> None:
        self._tell = tell
        self._channel = channel
        self._is = _identity(channel)
        self._socket = socket.socket(fileno=os.dup(channel))
        self._codec = Codec(payloads=Payloads(terms.stores))
        self._teller = Teller(Notes(terms.stores))
        self._middlewares = terms.middlewares
        self._started = 0
        self._attempt: Attempt | None = None
        self._why: str | None = None
        self._run: dict[str, Callable[..., calling.Answer]] = {"activity": self._activity, "lambda": self._lambda}

    def serve(self) -> None:
        """Run what comes, until the channel is closed."""
        signal.signal(signal.SIGTERM, self._told)
        let_forks_end(self, signal.SIGTERM)
        me = os.getpid()
        self._tell("waiting")
        while (request := receive(self._channel)) is not None:
            if isinstance(request, dict):  # the end of a task that is over, or has not begun
                continue
            kind, *asked = request
            answer = self._run[kind](*asked)
            if os.getpid() != me:  # the task forked, and this is what it left behind
                os._exit(0)
            _flush()
            self._say(answer)
            self._tell("waiting")
        self._socket.close()

    # -- what an attempt wants of its link ---------------------------------------------------------------------------

    def ended(self) -> str | None:
        """Why the task is to end. It is looked for, too: a signal is not heard where the task has a handler itself."""
        if self._why is None:
            try:
                line = self._socket.recv(200, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            except OSError:
                return None
            if line.startswith(b'{"end":'):
                self._why = orjson.loads(line)["end"]
        return self._why

    def beat(self, details: str | None) -> None:
        if self._attempt is not None:
            self._say({"beat": details})

    def note(self, progress: dict[str, Any]) -> None:
        if self._attempt is not None:
            self._teller.progress(self._attempt.given["run_id"], self._started, progress)

    def _say(self, message: Any) -> None:
        """Tell the worker, if a task has not closed the way there, or opened a file of its own in its place."""
        if _identity(self._channel) != self._is:
            os._exit(CLOSED)
        send(self._channel, message)

    # -- kinds of tasks ----------------------------------------------------------------------------------------------

    def _activity(
        self, name: str, text: str | None, context: dict[str, Any], token: str, started: int
    ) -> calling.Answer:
        self._started = started
        self._tell(f"processing {context['activity_id']}")
        attempt = self._attempt = Attempt(context, text, token, time.time(), self._codec, self)
        self._why = None
        try:
            return calling.run(name, text, context, self._codec, self._middlewares, attempt)
        finally:
            self._attempt = None

    def _lambda(self, task: dict[str, Any]) -> calling.Answer:
        self._tell(f"processing {task['id']}")
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        try:
            return lambdas.run(task, self._codec)
        finally:
            signal.signal(signal.SIGTERM, self._told)

    def _told(self, signum: int, frame: FrameType | None) -> None:
        """SIGTERM: the task is to end, if the worker has said so; else this process is."""
        if self.ended() is None:
            signal.signal(signum, signal.SIG_DFL)
            os.kill(os.getpid(), signum)
        elif self._attempt is not None:
            self._attempt.interrupt()


def main(channel: int, life: int, terms: Terms) -> None:
    """Run what comes through the socket `channel` until it is closed; end at once when the pipe `life` is."""
    os.set_inheritable(channel, False)
    adopt()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, lambda signum, frame: None)  # a handler, for programs would inherit "ignored"
    end_with(life)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    tell = titled(terms.title)
    preload(terms, lambda name: send(channel, {"importing": name}))
    Child(channel, terms, tell).serve()


def preload(terms: Terms, tell: Callable[[str | None], None]) -> None:
    """Import the modules that are wanted at the start. One that cannot be is named; its tasks will say the same.

    `tell` is told the name of each before it is imported, for it may be the last that is heard, and None after all.
    """
    calling.allow(terms.allow)
    for name in terms.modules:
        tell(name)
        try:
            importlib.import_module(name)
        except BaseException as error:
            log.error("cannot import the module %s: %s", name, one_line(error))
    if terms.modules:
        tell(None)


def _identity(descriptor: int) -> tuple[int, int] | None:
    """What the number stands for; None for nothing."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def send(channel: int, message: Any) -> None:
    """Write one line of JSON. Raises OSError where the other end is gone."""
    data = memoryview(orjson.dumps(message) + b"\n")
    while data:
        data = data[os.write(channel, data) :]


def receive(channel: int) -> Any:
    """The next line of JSON, or None where the other end is gone."""
    data = b""
    while data[-1:] != b"\n":
        try:
            more = os.read(channel, READ)
        except ConnectionError:  # it went with something unread
            return None
        if not more:
            return None
        data += more
    return orjson.loads(data.rpartition(b"\n")[0].rpartition(b"\n")[2])  # before a task there may be the end of another


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # closed or replaced by the activity, or nobody reads it: no reason to fail a task
            pass


if __name__ == "__main__":
    told = Terms.from_json(sys.argv[3])
    configure_logging(told.level, "task")
    share_handlers()
    main(int(sys.argv[1]), int(sys.argv[2]), told)
