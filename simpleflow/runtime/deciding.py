"""The decider's process: poll for decision tasks, decide them on this thread, respond."""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from simpleflow import log as logs
from simpleflow.config import Config
from simpleflow.decider import Decider, load_workflow
from simpleflow.decider.cache import Cache
from simpleflow.decider.mute import mute_replays
from simpleflow.payload.store import Payloads
from simpleflow.runtime.poll import Call, Stop, identity, serve, unique_list
from simpleflow.runtime.supervise import Deciding
from simpleflow.runtime.titles import Tell, untitled

log = logging.getLogger("simpleflow.runtime")

MEGABYTE: Final = 1_000_000
POLL: Final = "poll_for_decision_task"
RESPOND: Final = "respond_decision_task_completed"

Task = dict[str, Any]
Poll = dict[str, Any]


def decide_forever(
    client: Any,
    domain: str,
    task_list: str,
    workflows: Iterable[str],
    stop: Stop,
    *,
    config: Config,
    stores: Sequence[str] = (),
    deciding: Deciding = Deciding(),  # noqa: B008 - frozen
    tell: Tell = untitled,
) -> None:
    """Decide the runs whose decision tasks come to `task_list`, until told to stop.

    `workflows` are dotted names of classes; more are loaded by the names that their runs carry. `stores` are the URLs
    of where large values lie; `tell` is told what it does. Raises LoadError for one of `workflows`, and what the
    engine says of an unknown domain.
    """
    mute_replays()
    classes = [load_workflow(name) for name in workflows]
    cache = Cache(deciding.cache_size, deciding.cache_memory * MEGABYTE)
    decider = Decider(client, domain, classes, config=config, payloads=Payloads(stores), cache=cache)
    desk = Desk(client, decider, _poll(domain, task_list), stop, tell)
    log.info("deciding on %s of the domain %s", task_list, domain)
    try:
        if deciding.sticky:
            desk.serve_own_list_too(deciding.sticky)
        else:
            desk.serve()
    finally:
        decider.close()


def _poll(domain: str, task_list: str) -> Poll:
    return {
        "domain": domain,
        "taskList": {"name": task_list},
        "identity": identity(),
        "startAtPreviousStartedEvent": True,
    }


class Desk:
    """Where decision tasks are decided, one after the other, on the thread that serves."""

    def __init__(self, client: Any, decider: Decider, poll: Poll, stop: Stop, tell: Tell) -> None:
        self._client = client
        self._decider = decider
        self._tell = tell
        self._poll = poll
        self._stop = stop
        self._stay: dict[str, Any] = {}  # in each answer after which the run is to come back to this process
        self._leave: dict[str, Any] = {}  # and in the others

    def serve(self) -> None:
        """Poll the list that all deciders share."""
        last: Task = {}

        def handle(task: Task) -> Call:
            nonlocal last
            last = task
            return self._decide(task, self._poll)

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

    def _decide(self, task: Task, poll: Poll) -> Call:
        self._tell("deciding")
        logs.running.what = "decision", task["workflowExecution"]["workflowId"], task["startedEventId"]
        answer = self._decider.decide(task, poll)
        logs.running.what = logs.NOTHING
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
        self._errands: deque[Callable[[], Call]] = deque()
        self._done: deque[Call] = deque()
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

    def _handle(self, task: Task) -> Call:
        self._last = task
        return self._ask(lambda: self._desk._decide(task, self._poll))

    def _refused(self, response: Call, error: Exception) -> Call:
        return self._ask(lambda: self._desk._park(self._last, error))

    def _ask(self, errand: Callable[[], Call]) -> Call:
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
