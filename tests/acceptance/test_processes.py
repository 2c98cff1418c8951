"""The runtime's processes, real ones, under real signals. The engine is the test (hands.py)."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import simpleflow
from hands import PATIENCE, SOON, Engine, finish
from simpleflow.runtime.spec import Spec

ACTIVITIES = '''
import os, signal, subprocess, sys, time
import simpleflow.activity

@simpleflow.activity.with_attributes()
def add(x, y):
    return x + y

def process():
    return os.getpid()

def shout(text):
    print(text)
    sys.stdout.write("no newline at the end")
    os.write(1, b'{"result": "1"}\\n')
    return text

def hold(fifo, *, deaf=False, outside=False):
    """Hold the FIFO, with a program that holds it too, for ever."""
    held = os.open(fifo, os.O_WRONLY)
    signal.signal(signal.SIGTERM, signal.SIG_IGN if deaf else lambda *_: (os.write(held, b"told\\n"), os._exit(0)))
    subprocess.Popen(["sleep", "600"], pass_fds=(held,), start_new_session=outside)
    os.write(held, b"%d\\n" % os.getpid())
    signal.pause()

def keep(fifo):
    """Hold the FIFO for as long as this process lives."""
    os.write(os.open(fifo, os.O_WRONLY), b"held\\n")
    return os.getpid()

def keep_the_gil(fifo):
    held = os.open(fifo, os.O_WRONLY)
    os.write(held, b"%d\\n" % os.getpid())
    sum(range(10**13))

def until_told(started, fifo):
    """Start, and return what somebody writes into the FIFO."""
    told = os.open(fifo, os.O_RDWR)  # before it says that it has started
    with open(started, "w") as file:
        file.write("started\\n")
    return os.read(told, 100).decode()

def die(signum):
    print("last words")
    os.kill(os.getpid(), signum)
    signal.pause()

def vanish(code):
    print("last words")
    os._exit(code)

def leave(code):
    sys.exit(code)

def fork_and_die(fifo):
    """Leave a fork behind that has all descriptors."""
    held = os.open(fifo, os.O_WRONLY)
    if os.fork() == 0:
        signal.pause()
    os.kill(os.getpid(), signal.SIGKILL)

def fork_and_return():
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
    return "child" if pid == 0 else "parent"

def give(what):
    return {"object": [1, 2j], "large": "x" * 40_000}[what]
'''


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path, ACTIVITIES)
    yield engine
    engine.close()


# -- a worker and its child ----------------------------------------------------------------------------------------


def test_tasks_run_in_one_warm_child(engine: Engine) -> None:
    program, worker = engine.worker()
    assert worker.result("add", 1, y=2) == 3
    child = worker.result("process")
    assert child != worker.pid
    assert worker.result("process") == child
    poll = worker.expect("poll_for_activity_task", answer=False)
    assert (poll["domain"], poll["taskList"]) == ("TestDomain", {"name": "list"})
    assert json.loads(poll["identity"])["pid"] == worker.pid
    program.terminate()
    assert finish(program)[0] == 0


def test_what_activities_print_does_not_disturb(engine: Engine) -> None:
    program, worker = engine.worker()
    assert worker.result("shout", "one") == "one"
    assert worker.result("shout", "two") == "two"
    program.terminate()
    _, out, _ = finish(program)
    assert out.startswith("one\n") and "two\n" in out
    assert out.count("no newline at the end") == out.count('{"result": "1"}\n') == 2


@pytest.mark.parametrize(
    ("name", "argument", "reason"),
    [
        ("die", signal.SIGKILL, "worker-died: killed by signal 9, perhaps out of memory; peak memory "),
        ("die", signal.SIGSEGV, "worker-died: killed by signal 11 (SIGSEGV); peak memory "),
        ("vanish", 3, "worker-died: exit code 3; peak memory "),
    ],
)
def test_a_child_that_dies_is_reported_at_once(engine: Engine, name: str, argument: int, reason: str) -> None:
    program, worker = engine.worker()
    first = worker.result("process")
    start = time.monotonic()
    said = worker.failure(name, int(argument))
    assert time.monotonic() - start < SOON
    assert said.startswith(reason) and said.endswith(" MB")
    second = worker.result("process")
    assert second != first
    program.terminate()
    assert finish(program)[1] == "last words\n"


def test_a_child_killed_between_two_tasks_costs_none(engine: Engine) -> None:
    _, worker = engine.worker()
    fifo = engine.fifo()
    os.kill(worker.result("keep", fifo.path), signal.SIGKILL)
    fifo.line()
    assert fifo.gone()
    assert worker.result("add", 1, 1) == 2


def test_a_dead_child_is_noticed_and_its_fork_ended(engine: Engine) -> None:
    _, worker = engine.worker()
    fifo = engine.fifo()
    start = time.monotonic()
    assert worker.failure("fork_and_die", fifo.path).startswith("worker-died: killed by signal 9")
    assert time.monotonic() - start < SOON
    assert fifo.gone()
    assert worker.result("add", 1, 1) == 2


def test_a_fork_that_returns_does_not_answer(engine: Engine) -> None:
    _, worker = engine.worker()
    assert worker.result("fork_and_return") == "parent"
    assert worker.result("add", 1, 1) == 2


def test_failures_leave_the_child_warm(engine: Engine) -> None:
    _, worker = engine.worker()
    child = worker.result("process")
    assert worker.failure("leave", 4) == "SystemExit: the activity called sys.exit(4)"
    assert worker.failure("give", "object").startswith("PayloadError: the result cannot be encoded as JSON: [1] is a c")
    assert worker.failure("give", "large").startswith("PayloadTooLarge: the result is 40,002 characters")
    assert worker.failure("add", 1).startswith("TypeError: add() missing 1 required positional argument")
    assert worker.result("process") == child


def test_a_module_that_cannot_be_imported_is_tried_again(engine: Engine) -> None:
    _, worker = engine.worker()
    assert worker.failure("nope.f") == "cannot import nope.f: No module named 'nope'"
    helper, module = engine.directory / "helper.py", engine.directory / "late.py"
    helper.write_text("")
    module.write_text("from helper import value\ndef f(): return value\n")
    said = worker.failure("late.f")
    assert said.startswith("cannot import late.f: cannot import name 'value' from 'helper'")
    helper.write_text("value = 42\n")
    assert worker.result("late.f") == 42
    assert worker.failure("acts.nope") == "cannot import acts.nope: module 'acts' has no attribute 'nope'"
    (engine.directory / "acts.py").write_text(ACTIVITIES + "\ndef nope(): return 'there'\n")
    assert worker.result("nope") == "there"


# -- heartbeats ----------------------------------------------------------------------------------------------------


def test_heartbeats_go_out_at_a_third_of_the_timeout(engine: Engine) -> None:
    _, worker = engine.worker()
    worker.result("add", 1, 1)
    started, release = engine.fifo("started"), engine.fifo("release")
    token = worker.give("until_told", started.path, release.path, told={"heartbeat": "1"})
    times = [time.monotonic()]
    for _ in range(4):
        assert worker.expect("record_activity_task_heartbeat")["taskToken"] == token
        times.append(time.monotonic())
    with open(release.path, "w") as file:
        file.write("done")
    while (said := worker.hear())["call"] == "record_activity_task_heartbeat":
        worker.say()
    assert said["result"] == '"done"'
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert 0.25 < sum(gaps) / 4 < 0.5, gaps


def test_an_engine_that_cannot_be_reached_ends_nothing(engine: Engine) -> None:
    program, worker = engine.worker()
    started, release = engine.fifo("started"), engine.fifo("release")
    worker.give("until_told", started.path, release.path, told={"heartbeat": "1"})
    for fault in ("ThrottlingException", "InternalFailure", "ThrottlingException"):
        worker.expect("record_activity_task_heartbeat", answer=False)
        worker.say(fault=fault)
    with open(release.path, "w") as file:
        file.write("done")
    while (said := worker.hear())["call"] == "record_activity_task_heartbeat":
        worker.say()
    assert said["result"] == '"done"'
    worker.say()
    worker.expect("poll_for_activity_task", answer=False)
    program.terminate()
    assert finish(program)[2].count("could not heartbeat, it goes on") >= 3


@pytest.mark.parametrize("outside", [False, True])
def test_a_task_that_is_lost_is_ended_and_not_answered(engine: Engine, outside: bool) -> None:
    _, worker = engine.worker()
    fifo = engine.fifo()
    worker.give("hold", fifo.path, outside=outside, told={"heartbeat": "1"})
    fifo.line()
    worker.expect("record_activity_task_heartbeat", answer=False)
    worker.say(fault="UnknownResourceFault")
    assert fifo.line() == "told"
    assert fifo.gone()
    assert worker.result("add", 1, 1) == 2  # the poll came next


def test_the_end_of_a_tasks_time_is_asked_about(engine: Engine) -> None:
    _, worker = engine.worker()
    fifo = engine.fifo()
    worker.give("hold", fifo.path, told={"heartbeat": "600", "start_to_close": "1"})
    fifo.line()
    worker.expect("record_activity_task_heartbeat", answer=False)
    worker.say(fault="UnknownResourceFault")
    assert fifo.line() == "told"
    assert worker.result("add", 1, 1) == 2


@pytest.mark.parametrize("deaf", [False, True])
def test_a_cancelled_task_is_told_then_killed_and_answered(engine: Engine, deaf: bool) -> None:
    _, worker = engine.worker()
    fifo = engine.fifo()
    token = worker.give("hold", fifo.path, deaf=deaf, told={"heartbeat": "1"})
    fifo.line()
    worker.expect("record_activity_task_heartbeat", answer=False)
    worker.say(cancelRequested=True)
    if not deaf:
        assert fifo.line() == "told"
    worker.say_to_heartbeats()
    assert worker.expect("respond_activity_task_canceled")["taskToken"] == token
    assert fifo.gone()
    assert worker.result("add", 1, 1) == 2


# -- the end of a worker -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activity", ["hold", "keep_the_gil"])
def test_nothing_outlives_a_worker(engine: Engine, activity: str) -> None:
    _, worker = engine.worker()
    fifo = engine.fifo()
    worker.give(activity, fifo.path)
    fifo.line()
    os.kill(worker.pid, signal.SIGKILL)
    assert fifo.gone()


def test_an_idle_child_goes_with_its_worker(engine: Engine) -> None:
    _, worker = engine.worker()
    fifo = engine.fifo()
    worker.result("keep", fifo.path)
    fifo.line()
    os.kill(worker.pid, signal.SIGKILL)
    assert fifo.gone()


def test_the_first_request_drains(engine: Engine) -> None:
    program, worker = engine.worker()
    started, release = engine.fifo("started"), engine.fifo("release")
    token = worker.give("until_told", started.path, release.path, told={"heartbeat": "1"})
    started.line()
    program.terminate()
    for _ in range(2):  # it still works, and heartbeats
        worker.expect("record_activity_task_heartbeat")
    with open(release.path, "w") as file:
        file.write("done")
    while (said := worker.hear())["call"] == "record_activity_task_heartbeat":
        worker.say()
    assert (said["call"], said["taskToken"]) == ("respond_activity_task_completed", token)
    worker.say()
    assert worker.gone(), "it polled again"
    assert finish(program)[0] == 0


def test_the_second_request_ends_it_now(engine: Engine) -> None:
    program, worker = engine.worker()
    fifo = engine.fifo()
    worker.give("hold", fifo.path, deaf=True)
    fifo.line()
    program.terminate()
    program.send_signal(signal.SIGINT)
    start = time.monotonic()
    assert worker.expect("respond_activity_task_failed")["reason"] == "worker-shutdown"
    assert worker.gone() and fifo.gone()
    assert finish(program)[0] == 0
    assert time.monotonic() - start < SOON


def test_one_task(engine: Engine) -> None:
    program, worker = engine.worker(one_task=True)
    assert worker.result("add", 1, 1) == 2
    assert worker.gone()
    assert finish(program)[0] == 0


def test_a_point_lies_between_the_answer_and_the_response(engine: Engine) -> None:
    program, worker = engine.worker(point="before-response")
    fifo = engine.fifo()
    with pytest.raises(AssertionError, match="the process is gone"):
        worker.result("shout", "done")
    code, out, _ = finish(program)
    assert code == -signal.SIGKILL and out.startswith("done\n")
    assert not fifo.gone(0)


# -- the supervisor ------------------------------------------------------------------------------------------------


def test_who_dies_is_started_again(engine: Engine) -> None:
    program, workers = engine.supervised(2)
    dead = workers[0]
    os.kill(dead.pid, signal.SIGKILL)
    start = time.monotonic()
    another = engine.accept()
    assert time.monotonic() - start < SOON
    assert another.pid not in {worker.pid for worker in workers}
    assert another.result("add", 1, 1) == workers[1].result("add", 1, 1) == 2
    program.terminate()
    code, _, err = finish(program)
    assert code == 0
    cause = f"pid {dead.pid}: killed by signal 9, perhaps out of memory; peak memory [1-9]"
    assert re.search(rf"the worker of list died \({cause}\d* MB\); starting another in 0\.1 s", err), err


def test_who_dies_again_and_again_is_started_ever_later(engine: Engine) -> None:
    program, (worker,) = engine.supervised(1)
    times = []
    for _ in range(4):
        os.kill(worker.pid, signal.SIGKILL)
        start = time.monotonic()
        worker = engine.accept()
        times.append(time.monotonic() - start)
    assert times[2] > 0.4 and times[3] > 0.8, times
    program.terminate()
    assert finish(program)[0] == 0


def test_nothing_outlives_a_supervisor(engine: Engine) -> None:
    program, workers = engine.supervised(2)
    fifo = engine.fifo()
    for worker in workers:
        worker.give("hold", fifo.path, deaf=True)
        fifo.line()
    program.kill()
    start = time.monotonic()
    for worker in workers:
        assert worker.expect("respond_activity_task_failed")["reason"] == "worker-shutdown"
        assert worker.gone()
    assert fifo.gone()
    assert time.monotonic() - start < SOON


def test_a_process_that_hangs_does_not_outlive_a_supervisor(engine: Engine) -> None:
    program, (worker,) = engine.supervised(1)
    fifo = engine.fifo()
    worker.give("hold", fifo.path, deaf=True, told={"heartbeat": "1"})
    fifo.line()
    worker.expect("record_activity_task_heartbeat", answer=False)  # and it waits for the answer
    program.kill()
    assert worker.gone() and fifo.gone()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_supervisor_drains_then_ends(engine: Engine, signum: signal.Signals) -> None:
    program, workers = engine.supervised(2)
    started, release = engine.fifo("started"), engine.fifo("release")
    fifo = engine.fifo()
    workers[0].give("until_told", started.path, release.path)
    started.line()
    workers[1].give("hold", fifo.path, deaf=True)
    fifo.line()
    os.killpg(program.pid, signum)  # the whole foreground group, as a terminal does
    with open(release.path, "w") as file:
        file.write("done")
    assert workers[0].expect("respond_activity_task_completed")["result"] == '"done"'
    assert workers[0].gone(after_poll=True)  # it may have answered before the request was passed on to it
    assert not fifo.gone(0.1) and program.poll() is None  # the other is waited for
    os.killpg(program.pid, signum)
    assert workers[1].expect("respond_activity_task_failed")["reason"] == "worker-shutdown"
    assert workers[1].gone() and fifo.gone()
    assert finish(program)[0] == 0


def test_a_process_that_does_not_end_is_killed(engine: Engine) -> None:
    program, (worker,) = engine.supervised(1)
    fifo = engine.fifo()
    worker.give("hold", fifo.path, deaf=True, told={"heartbeat": "1"})
    fifo.line()
    worker.expect("record_activity_task_heartbeat", answer=False)  # and it waits for the answer
    assert program.stderr is not None
    program.terminate()
    assert any("SIGTERM: nothing new is begun" in line for line in program.stderr)
    assert not fifo.gone(0.1)
    program.terminate()
    assert worker.gone() and fifo.gone()
    assert finish(program)[0] == 0


# -- the runtime's own command, on the embedded engine -------------------------------------------------------------

PROGRAM = """
import simpleflow

@simpleflow.activity.with_attributes(task_list="list")
def double(x):
    return 2 * x

class Twice(simpleflow.Workflow):
    name, version, task_list = "twice", "1", "decisions"
    def run(self, x):
        return self.submit(double, self.submit(double, x)).result
"""
SUPERVISE = """
import sys
from simpleflow.runtime.stop import Stop
from simpleflow.runtime.spec import Spec
from simpleflow.runtime.supervise import Supervisor

Supervisor([Spec.from_json(text) for text in sys.argv[1:]], Stop().listen()).run()
"""


def test_a_decider_and_a_worker_carry_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    monkeypatch.syspath_prepend(tmp_path)
    import program  # type: ignore[import-not-found]

    url = f"sqlite:{tmp_path / 'engine.sqlite'}"
    handle = simpleflow.start(program.Twice, 10, domain="TestDomain", engine=url)
    specs = [
        Spec("decider", url, "TestDomain", "decisions", workflows=("program.Twice",)),
        Spec("worker", url, "TestDomain", "list"),
    ]
    command = [sys.executable, "-c", SUPERVISE, *[spec.to_json() for spec in specs]]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as supervisor:
        assert handle.result(timeout=PATIENCE) == 40
        supervisor.terminate()
        code, _, err = finish(supervisor)
    assert code == 0
    assert "working on list of the domain TestDomain" in err and "died" not in err


@pytest.mark.parametrize(
    ("spec", "line"),
    [
        (Spec("worker", "sqlite:{}/e.sqlite", "Nowhere", "list"), "Unknown domain: Nowhere"),
        (Spec("decider", "sqlite:{}/e.sqlite", "D", "list", ("no.Such",)), "LoadError: there is no module no"),
        (Spec("worker", "carrier-pigeon", "D", "list"), "'carrier-pigeon' names no engine"),
        (Spec("worker", "sqlite:{}/no/directory/e.sqlite", "D", "list"), "EngineError: "),
    ],
)
def test_what_a_process_cannot_do_is_said_in_a_line(tmp_path: Path, spec: Spec, line: str) -> None:
    (tmp_path / "no").touch()
    text = spec.to_json().replace("{}/", f"{tmp_path}/")
    command = [sys.executable, "-m", "simpleflow.runtime", text]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1
    assert line in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
