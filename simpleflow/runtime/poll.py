"""The loop of every poller: respond and poll, in one call, until told to stop."""

from __future__ import annotations

import errno
import getpass
import json
import logging
import math
import os
import random
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Final, Protocol
from uuid import uuid4

from simpleflow import config
from simpleflow.protocol.faults import code_of
from simpleflow.runtime.titles import Tell, untitled

log = logging.getLogger("simpleflow.runtime")

Call = tuple[str, dict[str, Any]]
"""An operation of the client and its arguments: ``("respond_decision_task_completed", {"taskToken": ...})``."""

Point = Callable[[str, str], None]
"""A named point of a process, and the id of what it is about there."""

MAX_NAME: Final = 256
MAX_IDENTITY: Final = 256
RETRY_FIRST: Final = 0.1  # seconds
RETRY_MOST: Final = 30.0
RESPOND_MOST: Final = 2.0
"""The same for an answer: work that is done, for which nobody heartbeats any more."""
GRACE: Final = 30.0
"""Seconds for what is in hand when a process is told to stop."""
DRAIN: Final = 5.0
"""Seconds for which the last response is tried once the process was told to stop."""
REFUSALS: Final = ("ValidationException", "SerializationException", "RequestEntityTooLargeException")
"""Answers beside the modelled faults that no repetition will change."""


def no_point(name: str, subject: str) -> None:
    """Where tests install faults."""


class Client(Protocol):
    """What a poller needs of `simpleflow.clients`."""

    def respond_and_poll(self, respond: Call | None, poll: Call | None) -> dict[str, Any]: ...


class Stop:
    """Whether this process was told to stop; true once it was. `requests` counts how often.

    `grace` is how long, in seconds, what is in hand may take after the first request: then a second one is counted.
    `why` is what the last request came from, such as "SIGTERM", or "" where nobody needs to know. `hurried` is called
    at each request from the second on, in the main thread if a signal was it.
    """

    def __init__(self, grace: float = math.inf) -> None:
        self.grace = grace
        self.why = ""
        self.hurried: Callable[[], None] = lambda: None
        self._told = 0
        self._ends = math.inf
        self._bell = os.pipe()  # not made when it is needed: two threads may need it at once
        for end in self._bell:
            os.set_blocking(end, False)
        self._listening = False

    def __call__(self) -> bool:
        return self._told > 0

    @property
    def requests(self) -> int:
        return 2 if self._told == 1 and time.monotonic() >= self._ends else self._told

    def within(self, timeout: float | None) -> float | None:
        """`timeout` seconds (None: no limit), or those that are left of the grace where they are less."""
        left = self._ends - time.monotonic()
        if self._told != 1 or left == math.inf or left <= 0:
            return timeout
        return left if timeout is None else min(timeout, left)

    def listen(self) -> Stop:
        """Count SIGTERM, SIGINT and SIGHUP (not under nohup), and wake `wait` for them and for SIGCHLD. In the main
        thread only."""
        self._listening = True
        signal.set_wakeup_fd(self._bell[1], warn_on_full_buffer=False)
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signum != signal.SIGHUP or signal.getsignal(signum) != signal.SIG_IGN:
                signal.signal(signum, self._heard)
        signal.signal(signal.SIGCHLD, lambda signum, frame: None)  # without a handler it would wake nobody
        return self

    def request(self, why: str = "") -> None:
        """Tell this process to stop, as a signal does."""
        self._count(why)
        self.ring()

    def fileno(self) -> int:
        """Readable once a signal or a request came, until `hush`."""
        return self._bell[0]

    def hush(self) -> None:
        try:
            while os.read(self.fileno(), 4096):
                pass
        except BlockingIOError:
            pass

    def wait(self, timeout: float | None) -> None:
        """Until a request or a signal, SIGCHLD too, or until `timeout` seconds have passed (None: no limit), or the
        grace."""
        timeout = self.within(timeout)
        wanted = select.poll()
        wanted.register(self.fileno(), select.POLLIN)
        wanted.poll(None if timeout is None else max(0, math.ceil(timeout * 1000)))
        self.hush()

    def sleep(self, seconds: float, requests: int = 1) -> None:
        """Sleep, but not past the `requests`-th request to stop."""
        until = time.monotonic() + seconds
        while self.requests < requests and (left := until - time.monotonic()) > 0:
            self.wait(left)

    def _heard(self, signum: int, frame: FrameType | None) -> None:
        self._count(signal.Signals(signum).name)

    def _count(self, why: str) -> None:
        self._told += 1
        self.why = why
        if self._told == 1:
            self._ends = time.monotonic() + self.grace
        else:
            self.hurried()

    def ring(self) -> None:
        """Wake who waits, from any thread, though nothing was requested."""
        try:
            os.write(self._bell[1], b"!")
        except BlockingIOError:
            pass  # it is ringing already

    def __del__(self) -> None:
        if not self._listening:  # a signal would write into whatever has the number next
            for end in self._bell:
                os.close(end)


def drop(response: Call, error: Exception) -> None:
    """What to send instead of a refused response: nothing."""


def serve(
    client: Client,
    poll: Call,
    handle: Callable[[dict[str, Any]], Call | None],
    stop: Stop,
    refused: Callable[[Call, Exception], Call | None] = drop,
    tell: Tell = untitled,
) -> None:
    """Poll, `handle` each task, respond with what it gives while polling for the next.

    Returns once `stop` is set and the last response is out. An engine that cannot be reached, throttles or fails
    is tried again, with growing pauses; after a request to stop for DRAIN seconds, or until a second one. A response
    to a task that is not ours any more is dropped; for one that is refused for what it holds, what `refused` gives
    is sent instead. `tell` is told "polling", "completing" and, after an error, "retrying". A child that user's code
    has forked ends where it comes out of `handle`. Raises what the engine says of a poll that can never succeed (an
    unknown domain).
    """
    me = os.getpid()
    respond: Call | None = None
    instead = False
    failures, drained = 0, math.inf
    while respond is not None or not stop():
        wanted = None if stop() else poll
        tell("retrying" if failures else "polling" if wanted else "completing")
        try:
            task = client.respond_and_poll(respond, wanted)
        except Exception as error:
            if getattr(error, "responded", False):
                respond, instead = None, False
            if isinstance(error, OSError) and error.errno == errno.EBADF:
                raise  # user's code has closed what is ours: only another process can go on
            if is_refusal(error):
                if respond is None:
                    raise
                if code_of(error) == "UnknownResourceFault":
                    log_unwanted(f"{respond[0]} came too late", error)
                    respond, instead = None, False
                    continue
                log.warning("%s was refused: %s", respond[0], error)
                respond, instead = (None, False) if instead else (refused(respond, error), True)
                continue
            if stop():
                if respond is None:
                    return
                drained = min(drained, time.monotonic() + DRAIN)
                if time.monotonic() >= drained or stop.requests > 1:
                    log.error("gave up, a response is lost: %s", error)
                    return
            failures += 1
            most = 1.0 if stop() else RETRY_MOST if respond is None else RESPOND_MOST
            pause = min(RETRY_FIRST * 2 ** min(failures, 20), most) * random.uniform(0.5, 1)
            log.warning("the engine cannot be reached, trying again in %.1f s: %s", pause, error)
            stop.sleep(pause, 2 if stop() else 1)
            continue
        failures, instead = 0, False
        try:
            respond = handle(task) if task.get("taskToken") else None
        finally:
            if os.getpid() != me:
                os._exit(0)


def log_unwanted(what: str, error: Exception) -> None:
    """Say why the engine does not know a task any more: that its run has ended is nobody's fault."""
    if "Unknown execution" in str(error):
        log.info("%s: its run has ended, the result is not needed", what)
    else:
        log.warning("%s: the engine does not wait for it any more (%s)", what, error)


def is_refusal(error: Exception) -> bool:
    """Whether no repetition will change the engine's answer."""
    code = code_of(error)
    if code.endswith("Fault"):
        return code != "LimitExceededFault"  # too many pollers, for now
    return code in REFUSALS or type(error).__name__ == "ParamValidationError"  # boto3's, before it sends


def identity() -> str:
    """Who polls, for the history: JSON of user, hostname, pid and exe, at most 256 characters.

    SIMPLEFLOW_IDENTITY, an object, adds to these and replaces them; null takes one away.
    """
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user without a name
        user = str(os.getuid())
    who = {"user": user, "hostname": socket.gethostname(), "pid": os.getpid(), "exe": sys.executable}
    who = {name: value for name, value in {**who, **config.load().simpleflow_identity}.items() if value is not None}
    text = json.dumps(who)
    if len(text) > MAX_IDENTITY:
        who.pop("exe", None)
        text = json.dumps(who)
    return text[:MAX_IDENTITY]


def lives(identity: str) -> bool:
    """Whether a process of this machine that calls itself so is known to live."""
    import psutil  # 20 ms, and only needed when something went wrong

    try:
        who = json.loads(identity)
        if who["hostname"] != socket.gethostname():
            return False
        return bool(psutil.Process(who["pid"]).status() != psutil.STATUS_ZOMBIE)
    except (ValueError, TypeError, KeyError, psutil.Error):
        return False


def unique_list(name: str) -> str:
    """The name of a task list that nobody else uses."""
    unique = uuid4().hex
    return f"{name[: MAX_NAME - len(unique) - 1]}-{unique}"
