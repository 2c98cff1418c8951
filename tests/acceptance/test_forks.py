"""User's code that forks: the task's result is the parent's, and no child becomes a decider or a worker; what a script
has forked or spawned asks the engine by itself."""

from __future__ import annotations

import subprocess
import sys

from places import everywhere
from shell import PATIENCE, Project

FORKS = """
import multiprocessing, os, signal, sys
from simpleflow import Workflow, activity, futures

def square(x):
    return x * x

def served(results):
    results.put(os.getpid())

@activity.with_attributes()
def pool(method, n):
    with multiprocessing.get_context(method).Pool(2) as made:
        return sum(made.map(square, range(n)))

@activity.with_attributes()
def process(method):
    context = multiprocessing.get_context(method)
    results = context.SimpleQueue()
    child = context.Process(target=served, args=(results,))
    child.start()
    child.join()
    return results.get() == child.pid and child.exitcode

@activity.with_attributes()
def fork(how):
    if os.fork() == 0:
        if how == "raise":
            raise RuntimeError("in the child")
        if how == "exit":
            sys.exit(3)
        return "child"
    os.wait()
    return "parent"

def strange():
    # whether a forked process has a signal handler of ours, or holds signals back
    if os.fork() == 0:
        ours = callable(signal.getsignal(signal.SIGTERM)) or signal.pthread_sigmask(signal.SIG_BLOCK, [])
        os._exit(bool(ours))
    return os.waitstatus_to_exitcode(os.wait()[1])

@activity.with_attributes()
def signals():
    return strange()

class Forks(Workflow):
    def run(self):
        found = [self.submit(signals)]
        assert not strange()
        self.fork("return")
        found += [self.submit(fork, how) for how in ("return", "raise", "exit")]
        self.fork("raise")
        if multiprocessing.get_start_method() == "fork":
            child = multiprocessing.Process(target=square, args=(2,))
            child.start()
            child.join()
        found += [self.submit(process, method) for method in ("fork", "spawn")]
        self.fork("wait")
        futures.wait(*found)
        found += [self.submit(pool, method, 10) for method in ("fork", "spawn")]
        self.fork("exit")
        print("once")
        return [each.result for each in found]

    def fork(self, how):
        if os.fork() == 0:
            if how == "raise":
                raise RuntimeError("in the child")
            if how == "exit":
                sys.exit(3)
            if how == "wait":
                self.submit(square_of_the_child, 1).result
            return
        os.wait()

@activity.with_attributes()
def square_of_the_child(x):
    raise AssertionError("a child has decided")
"""


@everywhere(soak=("http", "moto"))
def test_forks_in_workflows_and_activities(project: Project) -> None:
    project.write("forks.py", FORKS)
    done = project.run("standalone", "-d", "D", "-W", "2", "forks.Forks")
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith('result: [0, "parent", "parent", "parent", 0, 0, 285, 285]\n'), done.stderr
    assert done.stdout.splitlines()[1:] == ["once"]
    assert project.processes() == []


SCRIPT = """
import multiprocessing
from simpleflow.swf.models import Domain

def ask(name):
    return {Domain(name).upstream().name for _ in range(30)}

if __name__ == "__main__":
    names = ["D0", "D1", "D2"]
    for name in names:
        Domain(name).save()
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(3) as made:
            asked = made.map_async(ask, names, 1)
            ask("D0")  # meanwhile, on the connections that a fork inherits
            print(method, asked.get(60))
"""


@everywhere(soak=("http", "moto"))
def test_children_of_a_script_ask_by_themselves(project: Project) -> None:
    project.write("script.py", SCRIPT)
    command = [sys.executable, "script.py"]
    done = subprocess.run(command, cwd=project.path, env=project.env, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{method} [{{'D0'}}, {{'D1'}}, {{'D2'}}]" for method in ("fork", "spawn")]
