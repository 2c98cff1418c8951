"""The loop of every poller: respond and poll, in one call, until told to stop."""

from __future__ import annotations

import errno
import getpass
import json
import logging
import math
import os
import random
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, Final, Protocol
from uuid import uuid4

from simpleflow import config
from simpleflow.protocol.faults import code_of
from simpleflow.runtime.stop import Stop
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
DRAIN: Final = 5.0
"""Seconds for which the last response is tried once the process was told to stop."""
REFUSALS: Final = ("ValidationException", "SerializationException", "RequestEntityTooLargeException")
"""Answers beside the modelled faults that no repetition will change."""


def no_point(name: str, subject: str) -> None:
    """Where tests install faults."""


class Client(Protocol):
    """What a poller needs of `simpleflow.clients`."""

    def respond_and_poll(self, respond: Call | None, poll: Call | None) -> dict[str, Any]: ...


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
    pending = Pending(stop, refused)
    while pending.respond is not None or not stop():
        wanted = None if stop() else poll
        tell("retrying" if pending.failures else "polling" if wanted else "completing")
        try:
            task = client.respond_and_poll(pending.respond, wanted)
        except Exception as error:
            if getattr(error, "responded", False):
                pending.put(None, pending.failures)
            if isinstance(error, OSError) and error.errno == errno.EBADF:
                raise  # user's code has closed what is ours: only another process can go on
            if is_refusal(error):
                pending.refuse(error)
            elif pending.is_given_up(error):
                return
            else:
                pending.wait(error)
            continue
        try:
            pending.put(handle(task) if task.get("taskToken") else None)
        finally:
            if os.getpid() != me:
                os._exit(0)


class Pending:
    """The response that is to go out, None for none, and how often in a row the engine could not be reached."""

    def __init__(self, stop: Stop, refused: Callable[[Call, Exception], Call | None]) -> None:
        self.respond: Call | None = None
        self.failures = 0
        self._stop = stop
        self._refused = refused
        self._stands_in = False
        self._drained = math.inf

    def put(self, respond: Call | None, failures: int = 0, stands_in: bool = False) -> None:
        self.respond, self.failures, self._stands_in = respond, failures, stands_in

    def refuse(self, error: Exception) -> None:
        """The engine will never take it: what `refused` gives goes out, once. Raises the error of a poll."""
        if self.respond is None:
            raise error
        if code_of(error) == "UnknownResourceFault":
            log_unwanted(f"{self.respond[0]} came too late", error)
            self.put(None, self.failures)
            return
        log.warning("%s was refused: %s", self.respond[0], error)
        instead = None if self._stands_in else self._refused(self.respond, error)
        self.put(instead, self.failures, stands_in=True)

    def is_given_up(self, error: Exception) -> bool:
        """Whether there is no use in trying again."""
        if not self._stop() or self.respond is None:
            return self._stop()
        self._drained = min(self._drained, time.monotonic() + DRAIN)
        if time.monotonic() < self._drained and self._stop.requests <= 1:
            return False
        log.error("gave up, a response is lost: %s", error)
        return True

    def wait(self, error: Exception) -> None:
        """Wait a while before the next try."""
        self.failures += 1
        most = 1.0 if self._stop() else RETRY_MOST if self.respond is None else RESPOND_MOST
        pause = min(RETRY_FIRST * 2 ** min(self.failures, 20), most) * random.uniform(0.5, 1)
        log.warning("the engine cannot be reached, trying again in %.1f s: %s", pause, error)
        self._stop.sleep(pause, 2 if self._stop() else 1)


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
