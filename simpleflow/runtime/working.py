"""A worker's process, for activities or for Lambda functions: pollers with warm children.

A poller takes tasks, hands them to its child (`simpleflow.runtime.child`), and answers for it, also when it died;
`simpleflow.runtime.heart` heartbeats meanwhile. No user's code runs here, unless that is asked for (isolation
"thread"), so nothing that a task does keeps this process from its word to the engine.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from simpleflow import log as logs
from simpleflow.config import Config
from simpleflow.observe import share_handlers
from simpleflow.payload.codec import RESERVED, Codec, read_object
from simpleflow.payload.failures import LOST, MAX_REASON, SHUTDOWN, carrying, clean, cut
from simpleflow.payload.notes import Notes
from simpleflow.payload.store import Payloads
from simpleflow.runtime import calling, lambdas
from simpleflow.runtime.attempt import Attempt, seconds_of
from simpleflow.runtime.board import both
from simpleflow.runtime.calling import Answer, context_of, response
from simpleflow.runtime.child import Terms, preload
from simpleflow.runtime.heart import Heart, Pulse
from simpleflow.runtime.output import Kept, keeping, share_streams
from simpleflow.runtime.parent import WarmChild
from simpleflow.runtime.poll import Call, Client, Point, identity, no_point, serve
from simpleflow.runtime.spec import Work
from simpleflow.runtime.stop import Stop
from simpleflow.runtime.supervise import restart_delay
from simpleflow.runtime.telling import Teller
from simpleflow.runtime.titles import Tell, described, untitled
from simpleflow.runtime.trees import Household

log = logging.getLogger("simpleflow.runtime")

GRACE: Final = 3.0
"""Seconds between the soft signal to a task and the hard one."""
LAST_LINES: Final = 20

Task = dict[str, Any]
"""What a poll gave."""


class WorkerClient(Client, Protocol):
    """What a worker needs of `simpleflow.clients`."""

    def record_activity_task_heartbeat(self, *, taskToken: str, details: str = ...) -> Any: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """The times of a task in seconds, None for none: what it may go without a heartbeat, and what it may take."""

    heartbeat: float | None = None
    start_to_close: float | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of task that workers take.

    `name` stands in the client's methods and in the child's table, `id` is the key of a task's own name. `asked` is
    what the child is given of a task, from that, the domain and the task list; `limits` gives its times. Without
    `heartbeats` the engine is not asked about a task in hand: it is lost when its time is over.
    """

    name: str
    id: str
    asked: Callable[[Task, str, str], tuple[Any, ...]]
    limits: Callable[[Task, Config], Limits]
    heartbeats: bool


class Worker:
    """Works on tasks of one kind: on those of one task list, or a domain's Lambda functions.

    `stores` are the URLs of where large values lie (`Config.payload_stores`). `heartbeat` is the most seconds between
    two heartbeats: 0 for none, None for a third of the task's heartbeat timeout alone. `grace` is in seconds. `point`
    is called as ``point("before-response", id)`` between a task's answer and the response, `tell` with what it does;
    `beat` gives what is told that of each slot, by its number.
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
        work: Work = Work(),  # noqa: B008 - frozen
        point: Point = no_point,
        grace: float = GRACE,
        tell: Tell = untitled,
        beat: Callable[[int], Tell] = lambda number: untitled,
    ) -> None:
        self.client = client
        self.domain = domain
        self.task_list = task_list
        self.kind = kind
        self.config = config
        self.heartbeat = heartbeat
        self.work = work
        self.point = point
        self.grace = grace
        self.tell = tell
        if work.concurrency > 1:  # it does several things at a time
            tell("running")
            self.tell = untitled
        self.beat = beat
        level = logging.getLevelName(log.getEffectiveLevel())
        place = {"task_list": task_list} if task_list else {"domain": domain}
        title = described(f"{kind.name.capitalize()}Worker", **place)
        self.terms = Terms(level, tuple(stores), work.modules, work.allow, work.before, work.after, title)
        self.codec = Codec(payloads=Payloads(stores))
        self.heart = Heart(client)
        self.teller = Teller(Notes(stores))
        self.household = Household()
        self.stop = stop

    def run(self, one_task: bool = False) -> None:
        """Work until told to stop, or until the first task is answered; a task in hand is finished before.

        A second request to stop ends it. Raises what the engine says of an unknown domain.
        """
        make = InThread if self.work.isolation == "thread" else InChild
        if make is InThread:
            share_handlers()
            share_streams()
            preload(self.terms, _log_import)
        slots = [make(self, one_task, number) for number in range(1 if one_task else self.work.concurrency)]
        what = self.task_list or ("the task given" if self.kind is ACTIVITY else "the Lambda functions")
        log.info("working on %s of the domain %s", what, self.domain)
        threads = [threading.Thread(target=self._serve, args=(slot,), daemon=True) for slot in slots]
        for thread in threads:
            thread.start()
        while not all(slot.over for slot in slots):
            self.stop.wait(None)
            for slot in slots:
                slot.told(self.stop.requests)
            if self.stop.requests > 1 and make is InThread:
                break  # these threads go with the process
        for slot, thread in zip(slots, threads, strict=True):
            if make is InChild or slot.over:
                thread.join()
            else:
                slot.give_back()
        self.heart.close()
        self.household.close()
        for slot in slots:
            if slot.error is not None:
                raise slot.error

    def _serve(self, slot: Slot) -> None:
        try:
            slot.serve()
        except Exception as error:
            slot.error = error
            self.stop.request()
        finally:
            slot.over = True
            self.stop.ring()


class Slot:
    """One task at a time, in a thread of its own. `over` once it has ended, with `error` where it could not go on."""

    def __init__(self, worker: Worker, one_task: bool, number: int = 0) -> None:
        self.over = False
        self._tell = both(worker.tell, worker.beat(number))
        self.error: Exception | None = None
        self._pulse: Pulse | None = None
        self._worker = worker
        self._kind = worker.kind
        self._one_task = one_task
        self._stop = Stop()
        self._stop.fileno()  # opened now: without descriptors the worker ends before it has a task

    def told(self, requests: int) -> None:
        """This process was told to stop so often; or one of its children has died. From another thread."""
        while self._stop.requests < requests:
            self._stop.request()
        self._stop.ring()

    def serve(self) -> None:
        """Poll, work and respond, until told to stop. Raises what the engine says of an unknown domain."""
        worker = self._worker
        poll: dict[str, Any] = {"domain": worker.domain, "identity": identity()}
        if worker.task_list:
            poll["taskList"] = {"name": worker.task_list}
        call = f"poll_for_{self._kind.name}_task", poll
        serve(worker.client, call, self._handle, self._stop, self._refused, self._tell)

    def _handle(self, task: Task) -> Call | None:
        """Run a task to its end, whichever that is, and give the answer to it."""
        worker, token, task_id = self._worker, task["taskToken"], task[self._kind.id]
        if self._stop():  # it came in the same instant
            return response(self._kind.name, token, {"reason": SHUTDOWN})
        self._tell("processing")
        logs.subject.what = self._kind.name, task["workflowExecution"]["workflowId"], task_id
        limits = self._kind.limits(task, worker.config)
        pulse = Pulse(token, task_id, self._ring, *self._times(limits), worker.heartbeat, self._kind.heartbeats)
        worker.heart.begin(pulse)
        self._pulse = pulse
        try:
            return self._work(task, pulse)
        finally:
            self._pulse = None
            worker.heart.end(pulse)
            logs.subject.what = logs.NOTHING
            if self._one_task:
                worker.stop.request()
                self._stop.request()

    def give_back(self) -> None:
        """Say that the task in hand is not done here, though its code still runs. From another thread."""
        pulse = self._pulse
        if pulse is not None:
            log.warning("told to end: %s is given back", pulse.task_id)
            self._worker.client.respond_and_poll(self._failed(pulse, SHUTDOWN), None)

    def _ring(self) -> None:
        """There is a verdict on the task in hand. From the heart's thread."""
        self._stop.ring()

    def _times(self, limits: Limits) -> tuple[float | None, float | None]:
        silent = self._kind.heartbeats and self._worker.heartbeat == 0
        return limits.heartbeat, None if silent else limits.start_to_close

    def _work(self, task: Task, pulse: Pulse) -> Call | None:
        raise NotImplementedError

    def _answered(self, answer: Answer, pulse: Pulse) -> Call | None:
        """What the engine is told of a task that is over, when nobody wanted its end."""
        self._worker.point("before-response", pulse.task_id)
        if answer.get("later"):
            log.info("%s is to be completed by somebody else", pulse.task_id)
            if pulse.timeout is not None:
                hint = 'give it heartbeat_timeout="NONE"'
                log.warning("%s times out in %g s, for nobody heartbeats: %s", pulse.task_id, pulse.timeout, hint)
            return None
        if "result" not in answer:
            log.info("%s failed: %s", pulse.task_id, answer["reason"])
        return response(self._kind.name, pulse.token, answer)

    def _ended(self, answer: Answer | None, pulse: Pulse) -> Call | None:
        """What the engine is told of a task that was to end; `answer` if it gave one."""
        if pulse.verdict == "lost":
            return None
        if answer is not None and "result" in answer:
            return self._answered(answer, pulse)
        given: dict[str, Any] = {"taskToken": pulse.token}
        if answer is not None and "reason" in answer and not answer["reason"].startswith("TaskCanceled"):
            given["details"] = answer["reason"]
        return "respond_activity_task_canceled", given

    def _failed(self, pulse: Pulse, reason: str, **more: Any) -> Call:
        """A task has failed for what is not its own fault."""
        details = carrying(json.dumps(more, ensure_ascii=False) if more else "{}", pulse.details)
        told = {"reason": cut(clean(reason), MAX_REASON), "details": None if details == "{}" else details}
        return response(self._kind.name, pulse.token, told)

    def _refused(self, answer: Call, error: Exception) -> Call:
        """The engine takes the answer for none: then the task has failed, and says why."""
        reason = cut(clean(f"the engine refused the answer: {error}"), MAX_REASON)
        return response(self._kind.name, answer[1]["taskToken"], {"reason": reason})


class InChild(Slot):
    """Tasks run in a child, which is started ahead."""

    def __init__(self, worker: Worker, one_task: bool, number: int = 0) -> None:
        super().__init__(worker, one_task, number)
        self._child: WarmChild | None = None
        self._leaving: list[threading.Thread] = []

    def serve(self) -> None:
        self._renew()
        try:
            self._warm_up()
            super().serve()
        finally:
            if self._child is not None:
                self._child.close()
            for thread in self._leaving:
                thread.join()

    def _warm_up(self) -> None:
        """Wait for the modules that are wanted at the start: no task is taken before, for they may end the process."""
        deaths = 0
        while self._child is not None and not self._child.ready and not self._stop():
            self._child.hear()
            if self._child.gone:
                deaths += 1
                pause = restart_delay(deaths)
                log.error("%s; trying again in %.1f s", self._child.cause(), pause)
                self._stop.sleep(pause)
                self._renew()

    def _work(self, task: Task, pulse: Pulse) -> Call | None:
        worker = self._worker
        child = self._hand_over((self._kind.name, *self._kind.asked(task, worker.domain, worker.task_list)))
        told = False
        while True:
            said = child.hear()
            if self._stop() and not told:
                told = True
                log.info("%s is still running, it has %g s", pulse.task_id, worker.stop.grace)
            if said is not None:
                if "beat" not in said:
                    self._keep_output(task, child)
                    self._renew_if_worn(child, said)
                    return self._answered(said, pulse)
                worker.heart.say(pulse, said["beat"])
            elif child.gone:
                return self._died(task, child, pulse)
            elif self._stop.requests > 1:
                log.warning("told to end: %s is given back", pulse.task_id)
                child.end()
                return self._failed(pulse, SHUTDOWN)
            elif pulse.verdict is not None:
                answer = child.end_softly(pulse.verdict, worker.grace)
                self._keep_output(task, child)
                self._renew()
                return self._ended(answer, pulse)

    def _keep_output(self, task: Task, child: WarmChild) -> dict[str, str]:
        """What the task has printed, which is kept for people."""
        found = child.output.take()
        if found:
            self._worker.teller.output(task["workflowExecution"]["runId"], task["startedEventId"], found)
        return found

    def _died(self, task: Task, child: WarmChild, pulse: Pulse) -> Call:
        reason = f"{LOST}: {child.cause()}"
        last = _last_lines(self._keep_output(task, child))
        log.warning("%s: %s", pulse.task_id, reason)
        self._renew()
        message = f"{reason}\nits last output:\n{last}" if last else reason
        return self._failed(pulse, reason, error="WorkerDied", message=clean(message), output=clean(last))

    def _hand_over(self, asked: tuple[Any, ...]) -> WarmChild:
        """Give a task to the child, or to a new one where that died while it had none."""
        if self._child is None or not self._child.ask(asked):
            if self._child is not None:
                self._child.end()
            self._child = WarmChild(self._worker.household, self._worker.terms, self._stop)
            self._child.ask(asked)
        return self._child

    def _renew(self) -> None:
        """Start the next child now, so that it is warm when a task comes."""
        if self._child is not None:
            self._child.end()
        self._child = None if self._stop() else WarmChild(self._worker.household, self._worker.terms, self._stop)

    def _renew_if_worn(self, child: WarmChild, answer: Answer) -> None:
        """Replace a child that should not go on; the old one ends meanwhile."""
        work = self._worker.work
        most = 1 if work.isolation == "fresh" else work.max_tasks
        worn = answer.get("stale") or (most is not None and child.tasks >= most)
        if not worn and work.max_rss is not None:
            size = child.memory()
            worn = size > work.max_rss * 1_000_000
            if worn:
                log.info("a child of %d MB is replaced", size // 1_000_000)
        if worn:
            self._leaving = [thread for thread in self._leaving if thread.is_alive()]
            self._leaving.append(threading.Thread(target=child.close, daemon=True))
            self._leaving[-1].start()
            self._child = None
            self._renew()


class InThread(Slot):
    """Tasks run in this very thread. Nothing can end them, and only a coroutine can be interrupted."""

    _attempt: Attempt | None = None
    _printed: tuple[str, int, Kept] | None = None

    def give_back(self) -> None:
        self._keep_output()
        super().give_back()

    def _ring(self) -> None:
        if (attempt := self._attempt) is not None:
            attempt.nudge()

    def _work(self, task: Task, pulse: Pulse) -> Call | None:
        with keeping() as kept:
            self._printed = task["workflowExecution"]["runId"], task["startedEventId"], kept
            answer = self._run(task, pulse)
        self._keep_output()
        return self._answered(answer, pulse) if pulse.verdict is None else self._ended(answer, pulse)

    def _keep_output(self) -> None:
        """What the task has printed, which is kept for people."""
        if self._printed is not None:
            run_id, started, kept = self._printed
            self._worker.teller.output(run_id, started, kept.text())

    def _run(self, task: Task, pulse: Pulse) -> Answer:
        worker = self._worker
        asked = self._kind.asked(task, worker.domain, worker.task_list)
        if self._kind is LAMBDA:
            return lambdas.run(asked[0], worker.codec)
        name, text, context, token, started = asked
        link = PulseLink(worker.heart, pulse, worker.teller, context["run_id"], started)
        self._attempt = Attempt(context, text, token, time.time(), worker.codec, link, sole=False)
        try:
            return calling.run(name, text, context, worker.codec, worker.terms.middlewares, self._attempt)
        finally:
            self._attempt = None


@dataclass(frozen=True, slots=True)
class PulseLink:
    """The way from a task's code to the heart of its own process."""

    heart: Heart
    pulse: Pulse
    teller: Teller
    run_id: str
    started: int

    def ended(self) -> str | None:
        return self.pulse.verdict

    def beat(self, details: str | None) -> None:
        self.heart.say(self.pulse, details)

    def note(self, progress: dict[str, Any]) -> None:
        self.teller.progress(self.run_id, self.started, progress)


def _log_import(name: str | None) -> None:
    if name is not None:
        log.info("importing %s", name)


def _last_lines(output: dict[str, str]) -> str:
    """The end of what was written, a stream after the other."""
    return "\n".join(line for text in output.values() for line in text.rstrip().splitlines()[-LAST_LINES:])


def _asked_activity(task: Task, domain: str, task_list: str) -> tuple[Any, ...]:
    context = context_of(task, domain, task_list)
    return task["activityType"]["name"], task.get("input"), context, task["taskToken"], task["startedEventId"]


def _activity_limits(task: Task, config: Config) -> Limits:
    told = read_object(task.get("input")).get(RESERVED)
    told = told if isinstance(told, dict) else {}
    timeout = seconds_of(told.get("heartbeat", config.activity_heartbeat_timeout))
    return Limits(timeout, seconds_of(told.get("start_to_close")))


def _lambda_limits(task: Task, config: Config) -> Limits:
    return Limits(None, seconds_of(task["startToCloseTimeout"]))


ACTIVITY: Final = Kind("activity", id="activityId", asked=_asked_activity, limits=_activity_limits, heartbeats=True)
LAMBDA: Final = Kind("lambda", id="id", asked=lambda task, *_: (task,), limits=_lambda_limits, heartbeats=False)
