"""The decider's process: poll for decision tasks, decide them on this thread, respond."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any, Final

from simpleflow import log as logs
from simpleflow.config import Config
from simpleflow.decider import Decider, load_workflow
from simpleflow.decider.cache import Cache
from simpleflow.decider.decide import Apart, Elsewhere, in_place
from simpleflow.decider.mute import mute_replays
from simpleflow.decider.parking import decision_timeout
from simpleflow.payload.store import Payloads
from simpleflow.runtime import watchdog
from simpleflow.runtime.handed import Handed
from simpleflow.runtime.poll import Call, identity, serve, unique_list
from simpleflow.runtime.spec import Spec
from simpleflow.runtime.stop import Stop
from simpleflow.runtime.titles import Tell, untitled
from simpleflow.runtime.trials import ANSWERED, BEGUN, Trials

log = logging.getLogger("simpleflow.runtime")

MEGABYTE: Final = 1_000_000
POLL: Final = "poll_for_decision_task"
RESPOND: Final = "respond_decision_task_completed"
SHARE: Final = 1 / 3
"""Of a decision's timeout, that it may keep other runs waiting: who takes longer is decided apart."""
PATIENCE: Final = 5.0
"""Seconds that it may take in any case, as far as most of its timeout goes."""
MOST: Final = 0.8

Task = dict[str, Any]
Poll = dict[str, Any]


def decide_forever(client: Any, spec: Spec, stop: Stop, *, config: Config, stores: Sequence[str], tell: Tell) -> None:
    """Decide the runs whose decision tasks come to the list of `spec`, until told to stop.

    More workflows than those of `spec` are loaded by the names that their runs carry. `stores` are the URLs of where
    large values lie; `tell` is told what it does. In the main thread. Raises LoadError for one of the workflows, and
    what the engine says of an unknown domain.
    """
    watchdog.stand_by()
    watchdog.end_hogs()
    stop.hurried = lambda: watchdog.end_in(watchdog.LAST_WORDS)
    with closing(Trials(client, spec)) as trials, closing(_decider(client, spec, config, stores, trials)) as decider:
        log.info("deciding on %s of the domain %s", spec.task_list, spec.domain)
        desk = Desk(client, decider, _poll(spec), stop, tell)
        if spec.deciding.sticky:
            desk.serve_own_list_too(spec.deciding.sticky)
        else:
            desk.serve()
        watchdog.end_in(watchdog.CLOSING)


def decide_apart(client: Any, spec: Spec, stop: Stop, *, config: Config, stores: Sequence[str]) -> int:
    """Make and answer the one decision that `spec` hands over, in the time that it says; the exit code (`Trials`)."""
    assert spec.task is not None
    watchdog.stand_by()
    watchdog.end_in(max(spec.task["ends"] - time.monotonic(), 0.01))
    task = {**spec.task, "events": _history(client, spec.domain, spec.task)}
    sys.stderr.write(BEGUN)
    with closing(_decider(client, spec, config, stores)) as decider:
        Desk(Handed(client, task), decider, _poll(spec), stop, untitled, watch=lambda seconds: None).serve(once=True)
    return ANSWERED


def _decider(client: Any, spec: Spec, config: Config, stores: Sequence[str], apart: Apart = in_place) -> Decider:
    mute_replays()
    classes = [load_workflow(name) for name in spec.workflows]
    cache = Cache(spec.deciding.cache_size, spec.deciding.cache_memory * MEGABYTE)
    payloads = Payloads(stores)
    return Decider(client, spec.domain, classes, config=config, payloads=payloads, cache=cache, apart=apart)


def _poll(spec: Spec) -> Poll:
    return {
        "domain": spec.domain,
        "taskList": {"name": spec.task_list},
        "identity": identity(),
        "startAtPreviousStartedEvent": True,
    }


def _history(client: Any, domain: str, task: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All events that a decision may know of."""
    found: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while len(found) < task["startedEventId"]:
        page = client.get_workflow_execution_history(domain=domain, execution=task["workflowExecution"], **token)
        found += page["events"]
        if not page.get("nextPageToken"):
            break
        token = {"nextPageToken": page["nextPageToken"]}
    return found[: task["startedEventId"]]


def patience(timeout: float | None) -> float | None:
    """The seconds after which a decision with this timeout ends who makes it; None: it may take for ever."""
    return None if timeout is None else max(timeout * SHARE, min(timeout * MOST, PATIENCE))


class Desk:
    """Where decision tasks are decided, one after the other, on the thread that serves.

    `watch` is told how many seconds a decision may take, and None once it is made.
    """

    def __init__(
        self,
        client: Any,
        decider: Decider,
        poll: Poll,
        stop: Stop,
        tell: Tell,
        watch: Callable[[float | None], None] = watchdog.end_in,
    ) -> None:
        self._watch = watch
        self._client = client
        self._decider = decider
        self._tell = tell
        self._poll = poll
        self._stop = stop
        self._stay: dict[str, Any] = {}  # in each answer after which the run is to come back to this process
        self._leave: dict[str, Any] = {}  # and in the others

    def serve(self, once: bool = False) -> None:
        """Poll the list that all deciders share; `once`: until the first decision is made."""
        last: Task = {}

        def handle(task: Task) -> Call | None:
            nonlocal last
            last = task
            answer = self._decide(task, self._poll)
            if once:
                self._stop.request()
            return answer

        def refused(response: Call, error: Exception) -> Call:
            return self._park(last, error)

        serve(self._client, (POLL, self._poll), handle, self._stop, refused, self._tell)

    def serve_own_list_too(self, sticky: int) -> None:
        """Poll a list of this process's own beside the shared one, in threads, and decide what they bring.

        A run that was decided here comes back to the own list, for `sticky` seconds; then Amazon SWF puts the decision
        task where the run's first one was. A run that is parked, and one decided while this process drains, belongs to
        all again.
        """
        shared = self._poll["taskList"]
        own = {"name": unique_list(shared["name"])}
        self._stay = {"taskList": own, "taskListScheduleToStartTimeout": str(sticky)}
        self._leave = {"taskList": shared}
        pollers = [Poller(self, self._client, {**self._poll, "taskList": name}, self._stop) for name in (own, shared)]
        for poller in pollers:
            poller.start()
        while not all(poller.over for poller in pollers):
            self._tell("retrying" if any(poller.state == "retrying" for poller in pollers) else "polling")
            self._stop.wait(None)
            for poller in pollers:
                poller.heed()
                poller.serve_errands()
        for poller in pollers:
            poller.join()
            if poller.error is not None:
                raise poller.error

    def _decide(self, task: Task, poll: Poll) -> Call | None:
        """The answer to a decision task; None where somebody else gives it."""
        self._tell("deciding")
        logs.subject.what = "decision", task["workflowExecution"]["workflowId"], task["startedEventId"]
        self._watch(patience(decision_timeout(task["events"])))
        try:
            answer = self._decider.decide(task, poll)
        except Elsewhere:
            return None
        finally:
            self._watch(None)
            logs.subject.what = logs.NOTHING
        sys.stdout.flush()
        if self._decider.close_asked is None:
            answer |= self._leave if self._stop() or self._decider.parked else self._stay
        return RESPOND, answer

    def _park(self, task: Task, refusal: Exception) -> Call:
        return RESPOND, self._decider.park(task, refusal) | self._leave


class Poller(threading.Thread):
    """Polls one list, and has what comes decided by the thread that serves the desk.

    `state` is what it does; `over` once it has ended, with `error` where it could not go on.
    """

    def __init__(self, desk: Desk, client: Any, poll: Poll, stop: Stop) -> None:
        super().__init__(daemon=True, name=f"poller of {poll['taskList']['name']}")
        self.state = "starting"
        self.over = False
        self.error: Exception | None = None
        self._desk = desk
        self._client = client
        self._poll = poll
        self._process = stop
        self._stop_here = Follower(stop)
        self._errands: deque[Callable[[], Call | None]] = deque()
        self._done: deque[Call | None] = deque()
        self._answered = threading.Semaphore(0)
        self._last: Task = {}

    def run(self) -> None:
        try:
            serve(self._client, (POLL, self._poll), self._handle, self._stop_here, self._refused, self._told)
        except Exception as error:
            self.error = error
            self._process.request()
        finally:
            self.over = True
            self._process.ring()

    def _told(self, state: str) -> None:
        self.state = state
        self._process.ring()

    def heed(self) -> None:
        """Pass on that the process was told to stop."""
        self._stop_here.ring()

    def serve_errands(self) -> None:
        """Decide what waits for it. On the deciding thread."""
        while self._errands:
            self._done.append(self._errands.popleft()())
            self._answered.release()

    def _handle(self, task: Task) -> Call | None:
        self._last = task
        return self._ask(lambda: self._desk._decide(task, self._poll))

    def _refused(self, response: Call, error: Exception) -> Call | None:
        return self._ask(lambda: self._desk._park(self._last, error))

    def _ask(self, errand: Callable[[], Call | None]) -> Call | None:
        self._errands.append(errand)
        self._process.ring()
        self._answered.acquire()
        return self._done.popleft()


class Follower(Stop):
    """Told to stop when the process is, for a thread beside its main one."""

    def __init__(self, process: Stop) -> None:
        super().__init__()
        self._of_process = process

    def __call__(self) -> bool:
        return self._of_process()

    @property
    def requests(self) -> int:
        return self._of_process.requests
