"""A worker's process, for activities or for Lambda functions: a poller with a warm child.

The poller takes tasks, hands them to the child (`simpleflow.runtime.child`), heartbeats for as long as the child
lives, and answers for it, also when it died. It never runs a user's code itself, so nothing that a task does
keeps it from its word to the engine.
"""

from __future__ import annotations

import logging
import math
import os
import random
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from simpleflow import log as logs
from simpleflow.config import Config
from simpleflow.payload.codec import RESERVED, read_object
from simpleflow.payload.failures import MAX_REASON, clean, cut
from simpleflow.protocol.faults import code_of
from simpleflow.runtime.calling import Answer, context_of, response
from simpleflow.runtime.child import receive, send
from simpleflow.runtime.poll import Call, Client, Point, Stop, identity, no_point, serve
from simpleflow.runtime.supervise import exit_cause
from simpleflow.runtime.trees import Household, end_tree

log = logging.getLogger("simpleflow.runtime")

SELDOM: Final = 60.0
"""The most seconds between two heartbeats, whatever a task allows: a request to cancel comes in the answer to one."""
GRACE: Final = 3.0
"""Seconds between the soft signal to a task and the hard one."""

Task = dict[str, Any]
"""What a poll gave."""


class WorkerClient(Client, Protocol):
    """What a worker needs of `simpleflow.clients`."""

    def record_activity_task_heartbeat(self, *, taskToken: str) -> Any: ...


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of task that workers take.

    `name` stands in the client's methods and in the child's table, `id` is the key of a task's own name. `asked` is
    what the child is given of a task, from that, the domain and the task list; `beats` gives its heartbeats from the
    settings and the worker's `heartbeat`. Without `heartbeats` the engine is not asked about a task in
    hand: it is lost when its time is over.
    """

    name: str
    id: str
    asked: Callable[[Task, str, str], tuple[Any, ...]]
    beats: Callable[[Task, Config, int | None], Beats]
    heartbeats: bool


class Worker:
    """Works on tasks of one kind, one at a time: on those of one task list, or a domain's Lambda functions.

    `stores` are the URLs of where large values lie (`Config.payload_stores`); only the child reads and writes there.
    `heartbeat` is the most seconds between two heartbeats: 0 for none, None for a third of the task's heartbeat
    timeout alone. `grace` is in seconds. `point` is called as ``point("before-response", id)`` between a
    task's answer and the response.
    """

    def __init__(
        self,
        client: WorkerClient,
        domain: str,
        task_list: str,
        stop: Stop,
        *,
        kind: Kind,
        config: Config,
        stores: Sequence[str] = (),
        heartbeat: int | None = None,
        point: Point = no_point,
        grace: float = GRACE,
    ) -> None:
        self._client = client
        self._domain = domain
        self._task_list = task_list
        self._stop = stop
        self._kind = kind
        self._config = config
        self._stores = stores
        self._heartbeat = heartbeat
        self._point = point
        self._grace = grace
        self._household = Household()
        self._child: WarmChild | None = None

    def run(self, one_task: bool = False) -> None:
        """Work until told to stop, or until the first task is answered; a task in hand is finished before.

        A second request to stop ends it. Raises what the engine says of an unknown domain.
        """
        poll: dict[str, Any] = {"domain": self._domain, "identity": identity()}
        if self._task_list:
            poll["taskList"] = {"name": self._task_list}

        def handle(task: Task) -> Call | None:
            if self._stop():  # it came in the same instant
                return self._failed(task["taskToken"], "worker-shutdown")
            call = self._work(task)
            logs.running = logs.NOTHING
            if one_task:
                self._stop.request()
            return call

        log.info("working on %s of the domain %s", self._task_list or "the Lambda functions", self._domain)
        self._renew()
        try:
            serve(self._client, (f"poll_for_{self._kind.name}_task", poll), handle, self._stop, self._refused)
        finally:
            if self._child is not None:
                self._child.close()
            self._household.close()

    def _work(self, task: Task) -> Call | None:
        """Run a task to its end, whichever that is, and give the answer to it."""
        token, task_id = task["taskToken"], task[self._kind.id]
        logs.running = self._kind.name, task["workflowExecution"]["workflowId"], task_id
        child = self._hand_over((self._kind.name, *self._kind.asked(task, self._domain, self._task_list)))
        beats = self._kind.beats(task, self._config, self._heartbeat)
        told = False
        while not child.ready(self._stop.within(beats.left())):
            if self._stop() and not told:
                told = True
                log.info("%s is still running, it has %g s", task_id, self._stop.grace)
            if self._stop.requests > 1:
                log.warning("told to end: %s is given back", task_id)
                child.end(0)
                return self._failed(token, "worker-shutdown")
            if beats.due() and (verdict := self._beat(token, task_id)) is not None and not child.ready(0):
                # No heartbeat goes out while the child ends, so that must be over before the task times out.
                child.end(min(self._grace, 2 * beats.every))
                self._renew()
                return ("respond_activity_task_canceled", {"taskToken": token}) if verdict == "cancel" else None
        return self._answered(child, token, task_id)

    def _answered(self, child: WarmChild, token: str, task_id: str) -> Call:
        answer = child.answer()
        if answer is None:
            reason = f"worker-died: {child.cause()}"
            log.warning("%s: %s", task_id, reason)
            self._renew()
            return self._failed(token, reason)
        if answer.get("stale"):
            child.close()
            self._renew()
        self._point("before-response", task_id)
        if "result" not in answer:
            log.info("%s failed: %s", task_id, answer["reason"])
        return response(self._kind.name, token, answer)

    def _failed(self, token: str, reason: str) -> Call:
        return response(self._kind.name, token, {"reason": reason})

    def _refused(self, answer: Call, error: Exception) -> Call:
        """The engine takes the answer for none: then the task has failed, and says why."""
        return self._failed(answer[1]["taskToken"], cut(clean(f"the engine refused the answer: {error}"), MAX_REASON))

    def _beat(self, token: str, task_id: str) -> str | None:
        """Heartbeat: "cancel" or "lost" where the engine wants the task ended."""
        if not self._kind.heartbeats:
            log.warning("%s has overrun its time, it is ended", task_id)
            return "lost"
        try:
            answer = self._client.record_activity_task_heartbeat(taskToken=token)
        except Exception as error:
            if code_of(error) == "UnknownResourceFault":
                log.warning("%s is not ours any more, it is ended: %s", task_id, error)
                return "lost"
            log.warning("%s could not heartbeat, it goes on: %s", task_id, error)
            return None
        if answer.get("cancelRequested"):
            log.info("%s is cancelled", task_id)
            return "cancel"
        return None

    def _hand_over(self, asked: tuple[Any, ...]) -> WarmChild:
        """Give a task to the child, or to a new one where that died while it had none."""
        if self._child is None or not self._child.ask(asked):
            if self._child is not None:
                self._child.end(0)
            self._child = WarmChild(self._household, self._stop, self._stores)
            self._child.ask(asked)
        return self._child

    def _renew(self) -> None:
        """Start the next child now, so that it is warm when a task comes."""
        if self._child is not None:
            self._child.end(0)
        self._child = None if self._stop() else WarmChild(self._household, self._stop, self._stores)


class Beats:
    """When a task's heartbeats are due: at a third of its heartbeat timeout, and when its time is over, for then the
    answer says that it is lost. All in seconds; None for no timeout, `most` as Worker's `heartbeat`."""

    def __init__(self, timeout: float | None, start_to_close: float | None, most: int | None) -> None:
        self.every = min(SELDOM, (timeout or math.inf) / 3, most or math.inf)
        now = time.monotonic()
        self._next = math.inf if most == 0 else now + self.every
        self._over = math.inf if start_to_close is None else now + start_to_close + 0.1

    def left(self) -> float | None:
        """Seconds to the next; None for never."""
        until = min(self._next, self._over)
        return None if until == math.inf else max(0.0, until - time.monotonic())

    def due(self) -> bool:
        """Whether to heartbeat now. Says so once; workers that started together drift apart."""
        now = time.monotonic()
        if now < min(self._next, self._over):
            return False
        if now >= self._over:
            self._over = math.inf
        self._next = now + self.every * random.uniform(0.8, 1)
        return True


def _asked_activity(task: Task, domain: str, task_list: str) -> tuple[Any, ...]:
    return task["activityType"]["name"], task.get("input"), context_of(task, domain, task_list)


def _activity_beats(task: Task, config: Config, most: int | None) -> Beats:
    told = read_object(task.get("input")).get(RESERVED)
    told = told if isinstance(told, dict) else {}
    timeout = _seconds(told.get("heartbeat", config.activity_heartbeat_timeout))
    return Beats(timeout, None if most == 0 else _seconds(told.get("start_to_close")), most)


def _lambda_beats(task: Task, config: Config, most: int | None) -> Beats:
    return Beats(None, _seconds(task["startToCloseTimeout"]), 0)


ACTIVITY: Final = Kind(
    "activity",
    id="activityId",
    asked=_asked_activity,
    beats=_activity_beats,
    heartbeats=True,
)
LAMBDA: Final = Kind("lambda", id="id", asked=lambda task, *_: (task,), beats=_lambda_beats, heartbeats=False)


class WarmChild:
    """The worker's end of a child: started here, asked, and ended with all that it started."""

    def __init__(self, household: Household, stop: Stop, stores: Sequence[str] = ()) -> None:
        self._household = household
        self._stop = stop
        self._channel, theirs = socket.socketpair()
        life, held = os.pipe()
        level = logging.getLevelName(log.getEffectiveLevel())
        self._life: int | None = held
        self._process = household.start(
            [sys.executable, "-m", "simpleflow.runtime.child", str(theirs.fileno()), str(life), level, *stores],
            stdin=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(), life),
            start_new_session=True,
        )
        theirs.close()
        os.close(life)
        self._peak: int | None = None
        self._speaks = False
        self._woken = select.poll()
        self._woken.register(self._channel, select.POLLIN)
        self._woken.register(stop, select.POLLIN)

    def ask(self, task: tuple[Any, ...]) -> bool:
        """Hand it a task: its kind, and what `child.RUN` wants of that. False where it is dead and has not begun it."""
        try:
            send(self._channel.fileno(), task)
        except OSError:
            return False
        return True

    def ready(self, timeout: float | None) -> bool:
        """Whether it has answered or died, after a signal or at most `timeout` seconds (None: no limit)."""
        self._speaks = self._listen(None if timeout is None else math.ceil(timeout * 1000))
        if not self._speaks and self.exited():
            # What the task forked may hold the channel open: it is silent then, not at its end.
            self._speaks = self._listen(0)
            return True
        return self._speaks

    def answer(self) -> Answer | None:
        """What it answered; None where it died. Only when it is `ready`."""
        return receive(self._channel.fileno()) if self._speaks else None

    def _listen(self, milliseconds: int | None) -> bool:
        woken = [descriptor for descriptor, _ in self._woken.poll(milliseconds)]
        if self._stop.fileno() in woken:
            self._stop.hush()
        return self._channel.fileno() in woken

    def exited(self) -> bool:
        if self._process.returncode is None:
            pid, status, usage = os.wait4(self._process.pid, os.WNOHANG)
            if pid:
                self._process.returncode = os.waitstatus_to_exitcode(status)
                self._peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        return self._process.returncode is not None

    def cause(self) -> str:
        """Why it died."""
        if not self._let_exit(1.0):
            return "it closed its channel to the worker"
        return exit_cause(self._process.returncode, self._peak)

    def end(self, grace: float) -> None:
        """End it and all that it started: softly, and after `grace` seconds or a second request to stop, hard."""
        if self._life is None:
            return
        end_tree(self._process.pid, self.exited, self._wait, grace)
        self._household.settle()
        self._channel.close()
        os.close(self._life)
        self._life = None

    def close(self) -> None:
        """Let it exit by itself, as it does when nobody asks any more, and end what is left after a second."""
        self._channel.close()
        self._let_exit(1.0)
        self.end(0)

    def _let_exit(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while not self.exited() and time.monotonic() < until:
            self._wait(0.02)
        return self.exited()

    def _wait(self, seconds: float) -> bool:
        self._stop.wait(seconds)
        return self._stop.requests > 1


def _seconds(text: Any) -> float | None:
    """The seconds of a timeout; None for NONE, and for what is none."""
    text = str(text)
    return float(text) if text.isascii() and text.isdigit() and int(text) > 0 else None
