"""kill -9 of any process, anywhere: the run completes, the result is right, nothing that completed runs again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest

from kill_flows import Chain, FanOut
from simpleflow.clients import SWFClient, client
from simpleflow.runtime.spec import Spec
from simpleflow.runtime.start import Handle, StartOptions, launch, register_domain

HERE = Path(__file__).parent
TASKS = 200
DOMAIN = "Kill"
POINTS = {"decider": ("before-commit", "after-commit"), "worker": ("before-commit", "after-commit", "before-response")}


class Scene:
    """An engine, a run, a decider and a worker, which are started anew whenever they are dead."""

    def __init__(self, folder: Path, workflow: type[Chain] | type[FanOut], seed: int) -> None:
        self.chance = Random(seed)
        self.url = f"sqlite:{folder / 'engine.sqlite'}"
        self.engine: SWFClient = client(self.url)
        register_domain(self.engine, DOMAIN)
        self.executed, self.hits = folder / "executed", folder / "hits"
        self.executed.touch()
        self.hits.touch()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.kills: Counter[str] = Counter()
        self.until = time.monotonic() + 120
        self.handle: Handle = launch(workflow, [TASKS], {}, StartOptions(domain=DOMAIN, engine=self.engine))

    def start(self, role: str, point: str = "none", nth: int = 1) -> None:
        """Start what plays this role, to die at the nth time that it comes by the point."""
        lists = {"decider": "kill-decisions", "worker": "kill"}
        spec = Spec(role, self.url, DOMAIN, lists[role], log_level="ERROR")
        command = [sys.executable, str(HERE / "kill_launcher.py"), spec.to_json(), point, str(nth), str(self.hits)]
        environment = {**os.environ, "EXECUTED": str(self.executed), "PYTHONPATH": str(HERE)}
        self.processes[role] = subprocess.Popen(command, cwd=HERE, env=environment)

    def tend(self, **points: tuple[str, int]) -> None:
        """Start again who died; `points` says at which point each is to die next."""
        for role in ("decider", "worker"):
            process = self.processes.get(role)
            if process is None or process.poll() is not None:
                self.start(role, *points.get(role, ()))

    def pause(self) -> None:
        """A millisecond, or less if the decider dies in it: 200 tasks are soon done. Fails after two minutes."""
        assert time.monotonic() < self.until, "the run does not come to its end"
        try:
            self.processes["decider"].wait(0.001)
        except subprocess.TimeoutExpired:
            pass

    @property
    def done(self) -> int:
        return self.executed.read_bytes().count(b"\n")

    def kill(self, victim: str) -> None:
        """SIGKILL to the decider, the worker, its child, or all of them at once."""
        worker = psutil.Process(self.processes["worker"].pid)
        child = worker.children()
        doomed = {
            "decider": [psutil.Process(self.processes["decider"].pid)],
            "worker": [worker],
            "child": child,
            "all": [psutil.Process(self.processes["decider"].pid), worker, *child],
        }[victim]
        for process in doomed:
            try:
                process.kill()
            except psutil.NoSuchProcess:  # the child went with its worker
                continue
            self.kills[victim] += process is doomed[0]
        if victim != "child":
            for process in self.processes.values():
                if process.pid in {dead.pid for dead in doomed}:
                    process.wait()

    def end(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(20)
        self.engine.close()

    # -- what must hold --------------------------------------------------------------------------------------------

    def events(self) -> list[dict[str, Any]]:
        execution = {"workflowId": self.handle.workflow_id, "runId": self.handle.run_id}
        found: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            page = self.engine.get_workflow_execution_history(domain=DOMAIN, execution=execution, **token)
            found += page["events"]
            if "nextPageToken" not in page:
                return found
            token = {"nextPageToken": page["nextPageToken"]}

    def check(self, expected: int) -> None:
        events = self.events()
        assert self.handle.result(timeout=0) == expected
        assert [event["eventId"] for event in events] == list(range(1, len(events) + 1))
        stamps = [event["eventTimestamp"] for event in events]
        assert stamps == sorted(stamps)
        index_of, completed = {}, {}
        for event in events:
            if event["eventType"] == "ActivityTaskScheduled":
                given = event["activityTaskScheduledEventAttributes"]
                index_of[event["eventId"]] = json.loads(given["input"])["args"][0]
            elif event["eventType"] == "ActivityTaskCompleted":
                given = event["activityTaskCompletedEventAttributes"]
                index = index_of[given["scheduledEventId"]]
                assert index not in completed, f"activity {index} is recorded completed twice"
                completed[index] = event["eventTimestamp"].timestamp()
        assert set(completed) == set(range(TASKS))
        for line in self.executed.read_text().splitlines():
            index, begun = line.split()
            # the engine keeps milliseconds
            assert float(begun) <= completed[int(index)] + 0.001, f"activity {index} ran again after it had completed"


SHAPES = {Chain: TASKS, FanOut: sum(range(1, TASKS + 1))}


@pytest.fixture(params=list(SHAPES), ids=["chain", "fan-out"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path, request.param, seed=len(request.node.name))
    yield made
    made.end()


def say(capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest, kills: Counter[str]) -> None:
    with capsys.disabled():
        print(f"\n{request.node.name}: kills {dict(kills)}", end=" ", flush=True)


@pytest.mark.parametrize("victim", ["decider", "child", "worker", "all"])
def test_killed_at_random(
    scene: Scene, victim: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    moments = sorted(scene.chance.sample(range(1, TASKS // 2), 4))
    while scene.handle.status == "OPEN":
        scene.tend()
        if moments and scene.done >= moments[0]:
            moments.pop(0)
            scene.kill(victim)
        else:
            scene.pause()
    say(capsys, request, scene.kills)
    assert scene.kills[victim] > 0
    scene.check(SHAPES[Chain if "chain" in request.node.name else FanOut])


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(12))
def test_killed_again_and_again(
    scene: Scene, seed: int, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.chance = Random(seed)
    moments = sorted(scene.chance.sample(range(1, TASKS), 25))
    while scene.handle.status == "OPEN":
        scene.tend()
        if moments and scene.done >= moments[0]:
            moments.pop(0)
            scene.kill(scene.chance.choice(["decider", "child", "worker", "all"]))
        else:
            scene.pause()
    say(capsys, request, scene.kills)
    scene.check(SHAPES[Chain if "chain" in request.node.name else FanOut])


def test_killed_at_each_point(scene: Scene, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> None:
    plans = {role: [(point, nth) for nth in (3, 9) for point in points] for role, points in POINTS.items()}
    while scene.handle.status == "OPEN":
        for role, plan in plans.items():
            process = scene.processes.get(role)
            if process is None or process.poll() is not None:
                scene.start(role, *(plan.pop(0) if plan else ()))
        scene.pause()
    kills = Counter(line.split()[0] for line in scene.hits.read_text().splitlines())
    say(capsys, request, kills)
    assert all(kills[f"{role}:{point}"] > 0 for role, points in POINTS.items() for point in points), kills
    scene.check(SHAPES[Chain if "chain" in request.node.name else FanOut])
