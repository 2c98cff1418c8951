"""Nothing outlives who started it: whichever of the runtime's processes is killed, however its tasks hide."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from hands import PATIENCE, SOON, Engine, finish
from serving import until

ACTIVITIES = '''
import os, signal, subprocess, sys

def hide(fifo, then="wait"):
    """Have the FIFO held in every way that a process can get out of sight, for ever, and deaf to all soft signals."""
    held = os.open(fifo, os.O_WRONLY)
    deaf = "import signal; [signal.signal(s, signal.SIG_IGN) for s in (1, 2, 15)]; print(flush=True); signal.pause()"
    def start(**how):
        command = [sys.executable, "-S", "-c", deaf]
        subprocess.Popen(command, pass_fds=(held,), stdout=subprocess.PIPE, **how).stdout.readline()
    start()                                     # in the group
    start(start_new_session=True, env={})       # in a session of its own
    middle, told = os.pipe()
    if os.fork() == 0:                          # a daemon: forked twice, in a session of its own, an orphan
        os.setsid()
        if os.fork() == 0:
            start(env={})
            os.write(told, b"!")
            signal.pause()
        os._exit(0)
    os.read(middle, 1)
    os.wait()
    os.write(held, b"%d\\n" % os.getpid())
    while then == "wait":
        signal.pause()
    if then == "hog":
        sum(range(10**13))                      # lets no other thread run
    os.close(held)
    return os.getpid()

def hog(fifo):
    """Hold the FIFO, with a program that does so too, and the interpreter."""
    held = os.open(fifo, os.O_WRONLY)
    subprocess.Popen(["sleep", "600"], pass_fds=(held,))
    os.write(held, b"%d\\n" % os.getpid())
    sum(range(10**13))

def add(x, y):
    return x + y
'''


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path, ACTIVITIES)
    yield engine
    engine.close()


@pytest.mark.parametrize(
    ("victim", "then", "stopped"),
    [
        ("child", "wait", False),
        ("worker", "wait", False),
        ("worker", "hog", True),
        ("supervisor", "hog", False),
        ("supervisor", "wait", True),
        ("all", "wait", False),
        ("all", "wait", True),
    ],
)
def test_nothing_is_left(engine: Engine, victim: str, then: str, stopped: bool) -> None:
    supervisor, (worker,) = engine.supervised(1)
    fifo = engine.fifo()
    worker.give("hide", fifo.path, then=then)
    child = int(fifo.line())
    pids = {"child": [child], "worker": [worker.pid], "supervisor": [supervisor.pid]}
    pids["all"] = [supervisor.pid, worker.pid]
    if stopped:
        for pid in (child, worker.pid) if victim in ("supervisor", "all") else (child,):
            os.kill(pid, signal.SIGSTOP)
    for pid in pids[victim]:
        os.kill(pid, signal.SIGKILL)
    assert fifo.gone()


def test_who_keeps_the_interpreter_ends_when_all_are_killed(engine: Engine) -> None:
    supervisor, (worker,) = engine.supervised(1)
    fifo = engine.fifo()
    worker.give("hog", fifo.path)
    fifo.line()
    for pid in (supervisor.pid, worker.pid):
        os.kill(pid, signal.SIGKILL)
    assert fifo.gone()


def test_what_a_task_left_goes_with_the_idle_child(engine: Engine) -> None:
    _, worker = engine.worker()
    fifo = engine.fifo()
    os.kill(worker.result("hide", fifo.path, then="return"), signal.SIGKILL)
    fifo.line()
    assert fifo.gone()
    assert worker.result("add", 1, 1) == 2


@pytest.mark.parametrize("kill", [False, True], ids=["ended", "killed"])
def test_what_a_task_left_goes_with_an_idle_worker(engine: Engine, kill: bool) -> None:
    supervisor, (worker,) = engine.supervised(1)
    fifo = engine.fifo()
    worker.result("hide", fifo.path, then="return")
    fifo.line()
    os.kill(supervisor.pid, signal.SIGKILL if kill else signal.SIGTERM)
    assert fifo.gone()


def test_the_grace_is_over(engine: Engine) -> None:
    program, (worker,) = engine.supervised(1, grace=0.4)
    fifo = engine.fifo()
    worker.give("hide", fifo.path)
    fifo.line()
    program.terminate()
    start = time.monotonic()
    assert worker.expect("respond_activity_task_failed")["reason"] == "worker-shutdown"
    assert 0.3 < time.monotonic() - start < SOON
    assert fifo.gone()
    code, _, err = finish(program)
    assert code == 0
    assert "SIGTERM: nothing new is begun; what is in hand has 0.4 s" in err
    assert "activity-1 is still running, it has 0.4 s" in err
    assert "ending now: worker of list" in err


def test_a_worker_without_supervisor_has_a_grace_too(engine: Engine) -> None:
    program, worker = engine.worker(grace=0.1)
    fifo = engine.fifo()
    worker.give("hide", fifo.path)
    fifo.line()
    program.terminate()
    assert worker.expect("respond_activity_task_failed")["reason"] == "worker-shutdown"
    assert fifo.gone() and finish(program)[0] == 0


STOPPED_AT_ONCE = r"""
import sys
from simpleflow.runtime.stop import Stop
from simpleflow.runtime.spec import Spec
from simpleflow.runtime.supervise import Supervisor

stops = "import os, signal; held = os.open('fifo', os.O_WRONLY); os.write(held, b'%d\\n' % os.getpid()); os.kill(0, 19)"
spec = Spec("worker", "memory", "D", "list")
Supervisor([spec], Stop().listen(), command=[sys.executable, "-S", "-c", stops]).run()
"""


def test_one_that_is_stopped_before_its_first_line_is_woken_to_end(engine: Engine) -> None:
    fifo = engine.fifo()
    with subprocess.Popen([sys.executable, "-c", STOPPED_AT_ONCE], cwd=engine.directory) as supervisor:
        try:
            child = psutil.Process(int(fifo.line()))
            until(lambda: child.status() == psutil.STATUS_STOPPED, "it is stopped")
        finally:
            supervisor.kill()
    assert fifo.gone()


def test_a_stopped_process_is_woken_to_end(engine: Engine) -> None:
    program, (worker,) = engine.supervised(1)
    assert worker.result("add", 1, 1) == 2
    os.kill(worker.pid, signal.SIGSTOP)
    program.terminate()
    assert worker.gone(after_poll=True)
    assert finish(program)[0] == 0


STRANGERS = """
import os, subprocess, sys
sleeper = ["sleep", "600"]
before = subprocess.Popen(sleeper)                # as a shell leaves one that then executes us
short = subprocess.Popen(["true"])
from simpleflow.runtime.trees import Household, children
household = Household()
other = subprocess.Popen(sleeper)                 # as an orphan of another program comes, while all of ours live
household._end_comers()
daemon = "import subprocess; print(subprocess.Popen(['sleep', '600'], start_new_session=True).pid, flush=True)"
end = household.start([sys.executable, "-S", "-c", daemon], stdout=subprocess.PIPE)
left = int(end.stdout.readline())
end.wait()
print(household.settle(), left in children(), [each.poll() for each in (before, other)], short.pid in children())
before.kill()
other.kill()
household.close()
"""


def test_strangers_are_waited_for_and_left_alone() -> None:
    done = subprocess.run([sys.executable, "-c", STRANGERS], capture_output=True, text=True, timeout=PATIENCE)
    assert (done.stdout, done.stderr) == ("True False [None, None] False\n", "")
