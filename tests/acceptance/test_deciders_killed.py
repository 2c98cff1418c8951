"""Deciders with runs of their own, killed with SIGKILL: what the runs that they held are late by.

The test plays the clients: it starts runs, completes their activities, and reads the histories.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from places import everywhere
from shell import Project
from simpleflow import Workflow, activity
from simpleflow.clients import SWFClient, client
from simpleflow.protocol.history import attributes
from simpleflow.runtime.spec import Deciding, Spec
from simpleflow.runtime.start import Handle, StartOptions, launch, register_domain

DOMAIN, LIST = "D", "decisions"
PATIENCE = 30.0
STICKY = 1
OWN = {"domain": DOMAIN, "taskList": {"name": "work"}}


@activity.with_attributes(name="step", version="1", task_list="work")
def step(n: int) -> int:
    return n


class Steps(Workflow):
    name = "steps"
    version = "1"
    task_list = LIST
    decision_tasks_timeout = 2

    def run(self, n: int) -> int:
        return sum([self.submit(step, k).result for k in range(n)])


class DiesOnce(Steps):
    name = "dies-once"

    def run(self, marker: str) -> int:  # type: ignore[override]
        done = self.submit(step, 1).result
        if not Path(marker).exists():
            Path(marker).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return int(done)


class Deciders:
    """An engine, and processes that decide there."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine: SWFClient = client(url)
        register_domain(self.engine, DOMAIN)
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, sticky: int = STICKY) -> subprocess.Popen[bytes]:
        spec = Spec("decider", self.url, DOMAIN, LIST, log_level="ERROR", deciding=Deciding(sticky))
        command = [sys.executable, "-m", "simpleflow.runtime", spec.to_json()]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        self.running.append(subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL))
        return self.running[-1]

    def launch(self, workflow: type[Workflow], *args: Any, workflow_id: str = "w") -> Handle:
        how = StartOptions(domain=DOMAIN, engine=self.engine, workflow_id=workflow_id)
        return launch(workflow, args, {}, how)

    def work(self) -> None:
        """Complete one activity, once there is one."""
        task = self.engine.poll_for_activity_task(**OWN)
        self.engine.respond_activity_task_completed(taskToken=task["taskToken"], result="1")

    def events(self, handle: Handle) -> list[tuple[str, dict[str, Any]]]:
        execution = {"workflowId": handle.workflow_id, "runId": handle.run_id}
        page = self.engine.get_workflow_execution_history(domain=DOMAIN, execution=execution)
        return [(event["eventType"], attributes(event)) for event in page["events"]]

    def end(self) -> None:
        for process in self.running:
            process.terminate()
        for process in self.running:
            process.wait(PATIENCE)
        self.engine.close()


@pytest.fixture
def deciders(place: str, project: Project) -> Iterator[Deciders]:
    made = Deciders(f"sqlite:{project.path / 'engine.sqlite'}" if place == "file" else project.engine)
    yield made
    made.end()


on_a_server_too = everywhere(places=("file", "http"))


def of_kind(events: list[tuple[str, dict[str, Any]]], kind: str) -> list[dict[str, Any]]:
    return [given for name, given in events if name == kind]


@on_a_server_too
def test_a_run_stays_with_its_decider_and_leaves_it_when_it_is_dead(deciders: Deciders) -> None:
    holder = deciders.start()
    handle = deciders.launch(Steps, 4)
    deciders.work()
    deciders.work()
    task = deciders.engine.poll_for_activity_task(**OWN)  # the run waits for this alone, and its decider for the run
    holder.kill()
    holder.wait()
    deciders.start()
    deciders.engine.respond_activity_task_completed(taskToken=task["taskToken"], result="1")
    began = time.monotonic()
    deciders.work()
    late = time.monotonic() - began
    assert handle.result(timeout=PATIENCE) == 4
    assert STICKY - 0.1 <= late < STICKY + 1.0, late
    events = deciders.events(handle)
    lists = [given["taskList"]["name"] for given in of_kind(events, "DecisionTaskScheduled")]
    assert lists[0] == lists[4] == LIST
    assert lists[1] == lists[2] == lists[3] != lists[5] != LIST, "each decider has a list of its own"
    assert [given["timeoutType"] for given in of_kind(events, "DecisionTaskTimedOut")] == ["SCHEDULE_TO_START"]


def test_killed_in_the_middle_of_a_decision_it_costs_the_decision_s_timeout(deciders: Deciders, tmp_path: Path) -> None:
    deciders.start()
    handle = deciders.launch(DiesOnce, str(tmp_path / "died"))
    deciders.work()
    assert deciders.running[0].wait(PATIENCE) == -signal.SIGKILL
    other = deciders.launch(Steps, 1, workflow_id="other")
    began = time.monotonic()
    deciders.start()
    deciders.work()
    assert handle.result(timeout=PATIENCE) == 1 and other.result(timeout=PATIENCE) == 1
    assert time.monotonic() - began < 2 + 1.5
    timed_out = of_kind(deciders.events(handle), "DecisionTaskTimedOut")
    assert [given["timeoutType"] for given in timed_out] == ["START_TO_CLOSE"]


@on_a_server_too
def test_a_decider_that_drains_lets_go_of_its_runs(deciders: Deciders) -> None:
    """Told to stop while it decides: the run's next decision task waits where all can have it."""
    holder = deciders.start(sticky=100)
    handle = deciders.launch(Drains, 2, workflow_id="w")
    deciders.work()
    assert holder.wait(PATIENCE) == 0
    deciders.start(sticky=100)
    deciders.work()
    assert handle.result(timeout=PATIENCE) == 2
    lists = [given["taskList"]["name"] for given in of_kind(deciders.events(handle), "DecisionTaskScheduled")]
    assert lists[0] == lists[2] == LIST != lists[1]


class Drains(Steps):
    name = "drains"

    def run(self, n: int) -> int:
        done = self.submit(step, 0).result
        os.kill(os.getpid(), signal.SIGTERM)
        return int(done) + int(self.submit(step, 1).result)
