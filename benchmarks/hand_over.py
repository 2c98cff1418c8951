"""How long a task takes from one process to another that waits for it, also after a second of idleness.

A processor that has slept is slow for a while, whatever it does then; so what the machine itself takes is measured
beside it in the same run, after the same idleness: a bare datagram between two processes that wait in the same way, a
poll that finds a task in one process, and a little Python that has nothing to do with any of this.
"""

from __future__ import annotations

import hashlib
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.engine_calls import ACTIVITIES, DECISIONS, Row, end, in_ms, p99, schedule, start
from simpleflow.engine import Engine

WAITER = """
import sys, time
from simpleflow.engine import Engine
engine = Engine(sys.argv[1])
while True:
    task = engine.poll_for_activity_task(domain="bench", taskList={"name": "handed"})
    got = time.monotonic_ns()
    print(got, flush=True)
    engine.respond_activity_task_completed(taskToken=task["taskToken"])
    if task["activityId"] == "last":
        break
"""
LISTENER = """
import select, socket, sys, time
bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
bell.bind(sys.argv[1])
poll = select.poll()
poll.register(bell, select.POLLIN)
print("listens", flush=True)
while True:
    while not poll.poll(20):
        pass
    got = time.monotonic_ns()
    print(got, flush=True)
    if bell.recv(1) == b"-":
        break
"""


def _process(code: str, argument: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code, argument], stdout=subprocess.PIPE, text=True)


def hand_over(path: Path, count: int, idle: float) -> list[float]:
    """Seconds from the commit that schedules an activity to the answer of a poll that waits in another process."""
    committed = [0]

    def point(name: str, operation: str) -> None:
        if name == "after-commit" and operation == "RespondDecisionTaskCompleted":
            committed[0] = time.monotonic_ns()

    waiter = _process(WAITER, str(path))
    assert waiter.stdout is not None
    spent = []
    with Engine(path, point=point) as engine:
        start(engine, f"hand-over-{idle}")
        for number in range(count):
            token = engine.poll_for_decision_task(**DECISIONS)["taskToken"]
            time.sleep(idle)
            wanted = schedule(number)
            attributes = wanted["scheduleActivityTaskDecisionAttributes"]
            attributes["taskList"] = {"name": "handed"}
            attributes["activityId"] = "last" if number == count - 1 else f"a-{number}"
            engine.respond_decision_task_completed(taskToken=token, decisions=[wanted])
            spent.append((int(waiter.stdout.readline()) - committed[0]) / 1e9)
        waiter.communicate()
        end(engine)
    return spent[1:]  # the first waits for the process to start


def datagram(count: int, idle: float) -> list[float]:
    """Seconds from sending a datagram to its arrival in a process that waits, and looks around every 20 ms."""
    spent = []
    with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        listener = _process(LISTENER, f"{directory}/bell")
        assert listener.stdout is not None
        listener.stdout.readline()
        for number in range(count):
            time.sleep(idle)
            began = time.monotonic_ns()
            out.sendto(b"-" if number == count - 1 else b"+", f"{directory}/bell")
            spent.append((int(listener.stdout.readline()) - began) / 1e9)
        listener.communicate()
    return spent


def poll_alone(path: Path, count: int, idle: float) -> list[float]:
    """Seconds that a poll takes which finds a task, in one process."""
    spent = []
    with Engine(path) as engine:
        start(engine, f"alone-{idle}")
        token = engine.poll_for_decision_task(**DECISIONS)["taskToken"]
        engine.respond_decision_task_completed(taskToken=token, decisions=[schedule(number) for number in range(count)])
        for _ in range(count):
            time.sleep(idle)
            began = time.perf_counter()
            task = engine.poll_for_activity_task(**ACTIVITIES)
            spent.append(time.perf_counter() - began)
            engine.respond_activity_task_completed(taskToken=task["taskToken"])
        end(engine)
    return spent


def plain_python(count: int, idle: float) -> list[float]:
    """Seconds for some JSON, sorting and hashing."""
    value = {"a": [1, 2, {"b": "c" * 20}], "x": {"y": [3.5, None, True]}}
    spent = []
    for _ in range(count):
        time.sleep(idle)
        began = time.perf_counter()
        for _ in range(5):
            text = json.dumps(value)
            hashlib.sha256("".join(sorted(text)).encode()).hexdigest()
            value = json.loads(text)
        spent.append(time.perf_counter() - began)
    return spent


def rows(path: Path, quick: bool) -> list[Row]:
    """The rows of a table, with and without idleness."""
    found: list[Row] = []
    busy: dict[str, float] = {}
    for idle, count in ((0.0, 20 if quick else 1000), (1.0, 3 if quick else 30)):
        measured = {
            "hand-over to a process that waits": hand_over(path, count, idle),
            "  for comparison: a bare datagram": datagram(count, idle),
            "  a poll that finds a task, in one process": poll_alone(path, count, idle),
            "  a little Python": plain_python(count, idle),
        }
        for name, spent in measured.items():
            median = statistics.median(spent)
            words = f"{in_ms(median)} ms, p99 {in_ms(p99(spent))}"
            times = f" ({median / busy[name]:.1f} times)" if idle else ""
            busy.setdefault(name, median)
            found.append((f"{name}, {idle:.0f} s idle", words + times, "" if name[0] == " " else "0.20, p99 2.00"))
    return found
