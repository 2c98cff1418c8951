"""What runs in the storms: tasks of several kinds, whose results can be told beforehand.

Of each task the first argument is a key that no other task of the run has.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from simpleflow import Workflow, activity, futures

TASK = {
    "task_list": "storm-work",
    "version": "1",
    "retry": 1000,
    "heartbeat_timeout": 1,
    "start_to_close_timeout": 20,
    "schedule_to_start_timeout": 600,
}
LARGE = 40_000  # characters, more than an event takes


@activity.with_attributes(**TASK)
def add(key: str, x: int, y: int) -> int:
    return x + y


@activity.with_attributes(**TASK)
def dawdle(key: str, x: int) -> int:
    """Take so long that a storm may hit it."""
    time.sleep(0.05)
    return x


@activity.with_attributes(**TASK)
def stumble(key: str, x: int) -> int:
    """Fail at the first attempt, and give the second what it needs."""
    found = activity.context()
    if found.attempt == 1:
        activity.heartbeat({"seen": x})
        raise ValueError("the first attempt fails")
    return x


@activity.with_attributes(**TASK)
def swell(key: str, x: int) -> str:
    """Give more than an event takes."""
    return str(x) * LARGE


@activity.with_attributes(**TASK)
def litter(key: str, x: int) -> int:
    """Leave processes behind that end by no soft signal, one of them in a session of its own."""
    deaf = "import signal; [signal.signal(s, signal.SIG_IGN) for s in (1, 2, 15)]; signal.pause()"
    for apart in (False, True):
        subprocess.Popen([sys.executable, "-S", "-c", deaf], start_new_session=apart)
    return x


@activity.with_attributes(**TASK)
def fork(key: str, x: int) -> int:
    """Leave a child behind that returns as if it were the task."""
    if os.fork() == 0:
        return -1
    os.wait()
    return x


@activity.with_attributes(**{**TASK, "start_to_close_timeout": 1})
def hang(key: str, x: int) -> int:
    """Never end at the first attempt, whatever is raised."""
    while activity.context().attempt == 1:
        try:
            signal.pause()
        except BaseException:
            pass
    return x


RARE = (litter, hang)
USUAL = (dawdle, stumble, fork)


class Part(Workflow):
    name, version, task_list = "storm-part", "1", "storm-decisions"
    decision_tasks_timeout = 2
    retry = 1000

    def run(self, seed: int) -> int:
        self.sleep(1)
        return self.submit(add, "part", seed, 1).result


class Storm(Workflow):
    """A fan-out of all kinds of tasks, a chain, a timer, and a child."""

    name, version, task_list = "storm", "1", "storm-decisions"
    decision_tasks_timeout = 2
    execution_timeout = 3600

    def run(self, seed: int, width: int) -> list[int]:
        rare = [self.submit(task, f"rare-{k}", k) for k, task in enumerate(RARE) if (seed + k) % 4 == 0]
        usual = [self.submit(USUAL[(seed + k) % len(USUAL)], f"usual-{k}", k) for k in range(width)]
        part = self.submit(Part, seed)
        large = self.submit(swell, "large", seed % 10)
        total = 0
        for k in range(width):
            total = self.submit(add, f"chain-{k}", total, k).result
        return [total, sum(futures.wait(*usual)), len(futures.wait(*rare)), part.result, len(large.result)]


def expected(seed: int, width: int) -> list[int]:
    """What `Storm` returns."""
    total = sum(range(width))
    rare = sum((seed + k) % 4 == 0 for k in range(len(RARE)))
    return [total, total, rare, seed + 1, LARGE]
