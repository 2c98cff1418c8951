"""Processes under load in a storm of signals, and what must hold when it is over.

The processes are those of the command line: `decider.start` with three deciders, `worker.start` with eight workers.
All that a storm does comes from its seed, though not when it does it.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import psutil

from shell import Command, Project, is_in
from simpleflow.clients import SWFClient
from simpleflow.runtime.start import Handle, StartOptions, launch
from storm_flows import Storm, expected

HERE = Path(__file__).parent
DOMAIN = "Storms"
SEEDS = [int(os.environ["SEED"])] if "SEED" in os.environ else list(range(1, 9))
DECIDERS, WORKERS = 3, 8
SIGNALS = signal.SIGTERM, *[signal.SIGKILL, signal.SIGSTOP] * 2, signal.SIGCONT
GONE = 2.0  # seconds, in which nothing is left of what a dead process had started
SLACK = 5.0  # seconds more, for a machine on which the tests are not alone
PATIENCE = 240.0  # seconds, for all runs to end
CLOSING = ("ActivityTaskCompleted", "ActivityTaskFailed", "ActivityTaskTimedOut", "ActivityTaskCanceled")


@dataclass(frozen=True, slots=True)
class Size:
    """What a process takes: file descriptors, threads, bytes of memory that no other has, where the system tells."""

    descriptors: int
    threads: int
    memory: int

    @classmethod
    def of(cls, process: psutil.Process) -> Size:
        with process.oneshot():
            return cls(process.num_fds(), process.num_threads(), process.memory_full_info().uss)


class Household:
    """A command that keeps processes alive, and is started anew when it has ended."""

    def __init__(self, project: Project, name: str, *arguments: str, **env: str) -> None:
        self.name = name
        self.deaths = 0
        self.slowest = 0.0
        self._project = project
        self._arguments = arguments
        self._env = env
        self._command: Command | None = None
        self.begin()

    def begin(self) -> None:
        self.mark = f"{self.name}-{self.deaths}"
        self._place = self._project.path / self.mark
        self._place.mkdir()
        self._command = self._project.start(*self._arguments, below=self.mark, PYTHONPATH=str(HERE), **self._env)

    @property
    def command(self) -> Command:
        assert self._command is not None
        return self._command

    @property
    def supervisor(self) -> psutil.Process:
        return psutil.Process(self.command.process.pid)

    def members(self) -> list[psutil.Process]:
        """The processes that it keeps alive."""
        try:
            return [process for process in self.supervisor.children() if alive(process)]
        except psutil.Error:
            return []

    def left(self) -> list[psutil.Process]:
        """The processes that descend from it, wherever they went."""
        return [process for process in psutil.process_iter() if _marked(process, self._place)]

    def tend(self) -> None:
        """Start it again if it has ended; nothing may be left of it by then."""
        if self.command.process.poll() is None:
            return
        died = time.monotonic()
        while left := self.left():
            assert time.monotonic() < died + GONE + SLACK, f"left of {self.mark}: {[_told(each) for each in left]}"
        self.slowest = max(self.slowest, time.monotonic() - died)
        self.deaths += 1
        self.begin()

    def tell(self) -> None:
        """Tell it to stop."""
        self.command.process.terminate()

    def end(self) -> int:
        """Its exit code, when it has stopped with all that is its own."""
        code = self.command.ends()
        assert not self.left(), f"left of {self.mark}: {[_told(each) for each in self.left()]}"
        return code


class Weather:
    """Two households, the runs that they work on, and what befalls them."""

    def __init__(
        self,
        project: Project,
        engine: SWFClient,
        url: str,
        seed: int,
        deciders: int = DECIDERS,
        workers: int = WORKERS,
    ) -> None:
        self.crowd = 2 + deciders + workers
        self.seed = seed
        self.chance = Random(seed)
        self.engine = engine
        self.handles: dict[Handle, tuple[int, int]] = {}
        self.counts: Counter[str] = Counter()
        self.spared: set[psutil.Process] = set()
        self._stopped: list[tuple[float, psutil.Process]] = []
        common = "--domain", DOMAIN, "--log-level", "WARNING", "--grace", "2"
        decider = "--engine", url, "decider.start", *common, "-t", "storm-decisions", "-N", str(deciders)
        worker = "--engine", url, "worker.start", *common, "-t", "storm-work", "-N", str(workers)
        self.deciders = Household(project, "deciders", *decider)
        self.workers = Household(project, "workers", *worker, ACTIVITY_SIGTERM_WAIT_SEC="0.2")
        self.households = self.deciders, self.workers

    def load(self, runs: int, width: int = 6) -> None:
        """Start so many runs."""
        for _ in range(runs):
            seed = len(self.handles)
            options = StartOptions(domain=DOMAIN, engine=self.engine)
            self.handles[launch(Storm, [seed, width], {}, options)] = seed, width

    # -- the storm ---------------------------------------------------------------------------------------------------

    def blow(self, seconds: float, pause: float = 0.1) -> None:
        """Hit something again and again, for so long; the pauses are the storm's own."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.hit()
            for household in self.households:
                household.tend()
            self.wake()
            time.sleep(min(left, self.chance.uniform(0, 2 * pause)))
        self.wake(all=True)

    def hit(self) -> None:
        """One signal to one process."""
        name, victim = self._victim()
        if victim is None:
            return
        signum = self.chance.choice(SIGNALS)
        try:
            victim.send_signal(signum)
        except psutil.Error:
            return
        self.counts[f"{signum.name[3:]} {name}"] += 1
        if signum == signal.SIGSTOP:
            self._stopped.append((time.monotonic() + self.chance.choice((0.05, 0.5, 3.0)), victim))

    def spare(self) -> None:
        """Let the supervisors live through what comes, and one decider and two workers with all that is theirs."""
        lucky = self.deciders.members()[:1] + self.workers.members()[:2]
        self.spared = {household.supervisor for household in self.households} | set(lucky)

    def _victim(self) -> tuple[str, psutil.Process | None]:
        name = self.chance.choices(("supervisor", "decider", "worker", "child"), (2, 30, 34, 34))[0]
        household = self.deciders if name == "decider" else self.workers
        if name == "supervisor":
            supervisor = self.chance.choice(self.households).supervisor
            return name, None if supervisor in self.spared else supervisor
        found = [member for member in household.members() if member not in self.spared]
        if name == "child":
            found = [child for member in found for child in _children(member)]
        return name, self.chance.choice(found) if found else None

    def wake(self, all: bool = False) -> None:
        """Let go on what was stopped for long enough."""
        due = [(at, each) for at, each in self._stopped if all or at <= time.monotonic()]
        self._stopped = [entry for entry in self._stopped if entry not in due]
        for _, process in due:
            try:
                process.send_signal(signal.SIGCONT)
            except psutil.Error:
                pass

    # -- afterwards --------------------------------------------------------------------------------------------------

    def calm(self) -> None:
        """Wait for all runs; each must have ended right."""
        until = time.monotonic() + PATIENCE
        for handle, given in self.handles.items():
            while True:
                for household in self.households:
                    household.tend()
                try:
                    assert handle.result(timeout=2) == expected(*given), (handle, given)
                    break
                except TimeoutError:
                    assert time.monotonic() < until, f"{handle} does not end: {self._tail(handle)}"

    def check(self) -> Counter[str]:
        """What must hold of every history; how many events there are of each type."""
        found: Counter[str] = Counter()
        for handle in self.handles:
            events = self.events(handle)
            found.update(event["eventType"] for event in events)
            check_history(events)
        return found

    def events(self, handle: Handle) -> list[dict[str, Any]]:
        execution = {"workflowId": handle.workflow_id, "runId": handle.run_id}
        found: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            page = self.engine.get_workflow_execution_history(domain=DOMAIN, execution=execution, **token)
            found += page["events"]
            if "nextPageToken" not in page:
                return found
            token = {"nextPageToken": page["nextPageToken"]}

    def _tail(self, handle: Handle) -> list[str]:
        return [f"{event['eventId']} {event['eventType']}" for event in self.events(handle)[-12:]]

    def sizes(self) -> dict[psutil.Process, tuple[str, Size]]:
        """What each process takes that is not a task's, by its process, with its role."""
        found: dict[psutil.Process, tuple[str, Size]] = {}
        for household in self.households:
            role = household.name[:-1]
            found[household.supervisor] = f"supervisor of {household.name}", Size.of(household.supervisor)
            for member in household.members():
                found[member] = role, Size.of(member)
        return found

    def end(self) -> None:
        self.wake(all=True)
        for household in self.households:
            household.tell()
        assert [household.end() for household in self.households] == [0, 0]


def check_history(events: list[dict[str, Any]]) -> None:
    """Numbers without a gap, times in order; what was scheduled is closed once, and no task is completed twice."""
    assert [event["eventId"] for event in events] == list(range(1, len(events) + 1))
    stamps = [event["eventTimestamp"] for event in events]
    assert stamps == sorted(stamps)
    key_of: dict[int, str] = {}
    closed: set[int] = set()
    completed: set[str] = set()
    decided: set[int] = set()
    for event in events:
        kind = event["eventType"]
        given = next((value for name, value in event.items() if name.endswith("EventAttributes")), {})
        if kind == "ActivityTaskScheduled":
            key_of[event["eventId"]] = json.loads(given["input"])["args"][0]
        elif kind in CLOSING:
            scheduled = given["scheduledEventId"]
            assert scheduled not in closed, f"the task of event {scheduled} is closed twice"
            closed.add(scheduled)
            if kind == "ActivityTaskCompleted":
                assert key_of[scheduled] not in completed, f"{key_of[scheduled]} is completed twice"
                completed.add(key_of[scheduled])
        elif kind in ("DecisionTaskCompleted", "DecisionTaskTimedOut"):
            assert given["scheduledEventId"] not in decided
            decided.add(given["scheduledEventId"])
    assert set(key_of) == closed
    assert set(key_of.values()) == completed


def alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [child for child in process.children() if alive(child)]
    except psutil.Error:
        return []


def _marked(process: psutil.Process, place: Path) -> bool:
    try:
        return is_in(process, place) and alive(process)
    except psutil.Error:
        return False


def _told(process: psutil.Process) -> str:
    try:
        return f"{process.pid} {process.status()} of {process.ppid()}: {' '.join(process.cmdline())[:200]}"
    except psutil.Error:
        return str(process.pid)
