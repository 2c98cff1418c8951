"""Runs whose code does not come to an end, or takes the interpreter with it: they harm themselves alone."""

from __future__ import annotations

import importlib
import json
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from shell import ROOT, Command, Project
from simpleflow.clients import SWFClient, client
from simpleflow.decider.decide import Elsewhere
from simpleflow.runtime.spec import Spec
from simpleflow.runtime.start import StartOptions, launch, register_domain
from simpleflow.runtime.trials import Trials

PATIENCE = 40.0

FLOWS = """
import ctypes, os, pathlib
from simpleflow import Workflow

def loop():
    while True:
        pass

def loop_in_c():
    sum(range(10**14))

def fault():
    ctypes.string_at(0)

def leave():
    os._exit(0)

def close_files():
    os.closerange(3, 256)

def late_hook():
    pass

def nothing():
    pass

class Harms(Workflow):
    name = "harms"
    version = "1"
    task_list = "decisions"
    decision_tasks_timeout = 2

    def run(self, how):
        self.how = how
        if not pathlib.Path("mended").exists():
            globals()[how]()
        return how

    def on_completed(self, history):
        if self.how == "late_hook" and not pathlib.Path("mended").exists():
            loop()
"""

HARMS = {
    "loop": "does not come to an end in 1.5 s, at .*/harmful.py line [67] in loop",
    "loop_in_c": "does not come to an end in 1.5 s, at .*/harmful.py line 10 in loop_in_c",
    "fault": r"ends the process that decides it \(killed by signal 11 \(SIGSEGV\), at .* line \d+ in string_at\)",
    "leave": r"ends the process that decides it \(exit code 0\)",
    "close_files": r"ends the process that decides it \(exit code 1\)",
    "late_hook": "does not come to an end in 1.5 s, at .*/harmful.py line [67] in loop",
}


def parked(engine: SWFClient, run: dict[str, str]) -> dict[str, Any]:
    described = engine.describe_workflow_execution(domain="D", execution=run)
    found: dict[str, Any] = json.loads(described.get("latestExecutionContext") or "{}").get("parked") or {}
    return found


def test_code_that_hangs_or_kills_harms_no_other_run(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("harmful.py", FLOWS)
    monkeypatch.syspath_prepend(project.path)
    workflow = importlib.import_module("harmful").Harms
    url = f"sqlite:{project.path / 'engine.sqlite'}"
    engine = client(url)
    register_domain(engine, "D")

    def start(how: str) -> Any:
        return launch(workflow, [how], {}, StartOptions(domain="D", engine=engine, workflow_id=how))

    handles = {how: start(how) for how in HARMS}
    deciders = project.start("--engine", url, "decider.start", "-d", "D", "-N", "2", "harmful.Harms")
    for how, cause in HARMS.items():
        deciders.says(f"{how} is parked, .*{cause}")
    began = time.monotonic()
    assert start("nothing").result(timeout=PATIENCE) == "nothing"
    assert time.monotonic() - began < 2.0, "they are tried again, but not by who decides the others"
    for how, handle in handles.items():
        said = parked(engine, {"workflowId": how, "runId": handle.run_id})
        assert said.get("apart") and "the run's code" in said["error"], f"{how} {said} {chr(10).join(deciders.err)}"
    assert (
        "in loop_in_c" in parked(engine, {"workflowId": "loop_in_c", "runId": handles["loop_in_c"].run_id})["traceback"]
    )
    project.write("mended", "")
    for how, handle in handles.items():
        with suppress(engine.exceptions.UnknownResourceFault):  # it has been tried again by itself
            engine.signal_workflow_execution(domain="D", workflowId=how, signalName="mended")
        assert handle.result(timeout=PATIENCE) == how
    deaths = sum(" died (" in line for line in deciders.err)
    assert deaths <= len(HARMS), "each ends one decider, and no other after that"
    deciders.interrupt()
    assert deciders.ends() == 0
    engine.close()


STUCK = """
from simpleflow import Workflow

class Stuck(Workflow):
    name, version, task_list = "stuck", "1", "stuck"
    decision_tasks_timeout = 300

    def run(self):
        print("is stuck", flush=True)
        while True:
            pass
"""


def test_a_decider_that_is_told_twice_ends_though_code_is_stuck(project: Project, monkeypatch: Any) -> None:
    """It has nobody above it who would kill it."""
    project.write("stuck.py", STUCK)
    monkeypatch.syspath_prepend(project.path)
    url = f"sqlite:{project.path / 'engine.sqlite'}"
    with closing(client(url)) as engine:
        register_domain(engine, "D")
        launch(importlib.import_module("stuck").Stuck, [], {}, StartOptions(domain="D", engine=engine))
    spec = Spec("decider", url, "D", "stuck", ("stuck.Stuck",))
    environment = {**project.env, "PYTHONPATH": str(ROOT)}
    decider = Command([sys.executable, "-m", "simpleflow.runtime", spec.to_json()], project.path, environment)
    decider.says("is stuck")
    decider.process.terminate()
    decider.process.send_signal(signal.SIGINT)  # two of a kind may arrive as one
    began = time.monotonic()
    assert decider.ends() == -signal.SIGALRM
    assert time.monotonic() - began < 1 + 5
    assert any("stuck.py" in line for line in decider.err), decider.err


HOG = """
def hog():
    sum(range(10**14))

thread = threading.Thread(target=hog)
thread.start()
thread.join()
"""
DISARMED = """
watchdog.end_in(0.1)
signal.signal(signal.SIGALRM, signal.SIG_IGN)
def hog():
    while True:
        pass
hog()
"""


@pytest.mark.parametrize("code", [HOG, DISARMED], ids=["a thread that lets no other run", "a late one that disarms"])
def test_there_is_a_second_watch(code: str) -> None:
    """Though no decision is being made that would be late, and though user's code uses SIGALRM itself."""
    begin = "import signal, threading\nfrom simpleflow.runtime import watchdog\n"
    begin += "watchdog.stand_by()\nwatchdog.end_hogs(0.2, 0.05)\n"
    done = subprocess.run([sys.executable, "-c", begin + code], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == -signal.SIGPROF
    assert "in hog" in done.stderr, done.stderr


def test_code_is_not_blamed_that_was_not_come_to(tmp_path: Path) -> None:
    """Such as where the machine is too busy to start a process in time, or the engine cannot be reached."""
    answers: list[dict[str, Any]] = []
    answered = threading.Event()

    class Engine:
        def respond_and_poll(self, respond: Any, poll: Any) -> dict[str, Any]:
            answers.append(respond[1])
            answered.set()
            return {}

    run = {"workflowId": "w", "runId": "r"}
    task = {"taskToken": "t", "workflowExecution": run, "workflowType": {}, "startedEventId": 3, "events": []}
    with closing(Trials(Engine(), Spec("decider", f"sqlite:{tmp_path}/nowhere/engine.sqlite", "D"))) as trials:
        with pytest.raises(Elsewhere):
            trials(task, [])
        assert answered.wait(PATIENCE)
    said = json.loads(answers[0]["executionContext"])["parked"]
    assert said["error"].startswith("the process that was to decide it has not come to the run's code (exit code 1)")
    assert "apart" not in said and "there is no directory" in said["traceback"]
