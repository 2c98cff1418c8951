"""The warm child: the process in which a worker's activities, or Lambda functions, run.

`working` starts it ahead and gives it one task after the other over a socket, a line of JSON each way, so that a
module is imported once and a task costs no process. It knows of no engine and of no time. It leads a process group
of its own, which ends with the worker, whatever a task is doing then.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson

from simpleflow.observe import configure_logging
from simpleflow.payload.codec import Codec
from simpleflow.payload.store import Payloads
from simpleflow.runtime import calling, lambdas
from simpleflow.runtime.life import end_with
from simpleflow.runtime.trees import adopt

RUN: Final[dict[str, Callable[..., calling.Answer]]] = {"activity": calling.run, "lambda": lambdas.run}
"""Who runs a task, by its kind; the codec comes last."""


def main(channel: int, life: int, stores: Sequence[str]) -> None:
    """Run what comes through the socket `channel` until it is closed; end at once when the pipe `life` is.

    `stores` are the URLs of where large values lie.
    """
    codec = Codec(payloads=Payloads(stores))
    os.set_inheritable(channel, False)
    adopt()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, lambda signum, frame: None)  # a handler, for programs would inherit "ignored"
    end_with(life)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    me = os.getpid()
    while (request := receive(channel)) is not None:
        kind, *asked = request
        answer = RUN[kind](*asked, codec)
        if os.getpid() != me:  # the task forked, and this is what it left behind
            os._exit(0)
        _flush()
        send(channel, answer)


def send(channel: int, message: Any) -> None:
    """Write one line of JSON. Raises OSError where the other end is gone."""
    data = memoryview(orjson.dumps(message) + b"\n")
    while data:
        data = data[os.write(channel, data) :]


def receive(channel: int) -> Any:
    """The next line of JSON, or None where the other end is gone. Ends take turns, so no more than a line is there."""
    data = b""
    while data[-1:] != b"\n":
        try:
            more = os.read(channel, 1 << 18)
        except ConnectionError:  # it went with something unread
            return None
        if not more:
            return None
        data += more
    return orjson.loads(data)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # closed or replaced by the activity, or nobody reads it: no reason to fail a task
            pass


if __name__ == "__main__":
    configure_logging(sys.argv[3], "task")
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[4:])
