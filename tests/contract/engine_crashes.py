"""Processes of the tests that work on one file, and are killed at any instant: `python engine_crashes.py` and one of

    kill FILE SEED COUNT      as many processes, one after the other, each killed; one line of JSON for each
    crowd FILE PROCESSES SECONDS    as many processes at once; one line of JSON for each at its end

A host forks them, so that hundreds cost seconds. Each is client, decider and worker of flows that use all that one
execution can do to another, and tells on a pipe what the engine has acknowledged.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import time
from typing import Any

from simpleflow.clients import client
from simpleflow.engine import Configuration, SystemClock, VirtualClock

DOMAIN = "contract"
TYPE = {"name": "w", "version": "1"}
DECIDERS = {"domain": DOMAIN, "taskList": {"name": "deciders"}}
WORKERS = {"domain": DOMAIN, "taskList": {"name": "workers"}}
YEAR = "31536000"
#: What a flow does: activities of its own, and a child with one that signals it.
ACTIVITIES = 2


def decision(kind: str, **given: Any) -> dict[str, Any]:
    return {"decisionType": kind, f"{kind[0].lower()}{kind[1:]}DecisionAttributes": given}


def schedule(name: str) -> dict[str, Any]:
    return decision("ScheduleActivityTask", activityType={"name": "a", "version": "1"}, activityId=name)


def decide(task: dict[str, Any]) -> list[dict[str, Any]]:
    """The decisions of either kind of flow; an activity that was lost is scheduled again."""
    kinds = [event["eventType"] for event in task["events"]]
    workflow_id = task["workflowExecution"]["workflowId"]
    child = workflow_id.startswith("child-")
    activities = 1 if child else ACTIVITIES
    if "DecisionTaskCompleted" not in kinds:
        first = [schedule(f"a-{number}") for number in range(activities)]
        if child:
            parent = workflow_id.removeprefix("child-")
            told = decision("SignalExternalWorkflowExecution", workflowId=parent, signalName="hello")
            return [*first, told]
        policy = {"childPolicy": "TERMINATE", "executionStartToCloseTimeout": YEAR}
        started = decision(
            "StartChildWorkflowExecution", workflowId=f"child-{workflow_id}", workflowType=TYPE, **policy
        )
        return [*first, started, decision("StartTimer", timerId="t", startToFireTimeout="0")]
    done = kinds.count("ActivityTaskCompleted")
    open_ones = kinds.count("ActivityTaskScheduled") - done - kinds.count("ActivityTaskTimedOut")
    missing = activities - done - open_ones
    if missing:
        return [schedule(f"again-{len(kinds)}-{number}") for number in range(missing)]
    rest = () if child else ("WorkflowExecutionSignaled", "ChildWorkflowExecutionCompleted", "TimerFired")
    if done == activities and all(kind in kinds for kind in rest):
        return [decision("CompleteWorkflowExecution")]
    return []


class Process:
    """One process: it acknowledges on `out`, and dies at its `dies_at`th commit, before or after it."""

    def __init__(self, path: str, clock: Any, out: int, dies: tuple[str, int] | None = None) -> None:
        self.clock, self.out, self.dies = clock, out, dies
        self.left = dies[1] if dies else 0
        self.waits: list[float] = []
        configuration = Configuration(lambdas={"f": "json:dumps"})
        self.swf: Any = client(
            f"sqlite:{path}", clock=clock, point=self.point, long_poll_seconds=0, configuration=configuration
        )

    def point(self, name: str, operation: str) -> None:
        if self.dies and name == self.dies[0]:
            self.left -= 1
            if self.left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def tell(self, *words: str) -> None:
        os.write(self.out, " ".join(words).encode() + b"\n")

    def call(self, method: str, **given: Any) -> Any:
        began = time.perf_counter()
        answer = getattr(self.swf, method)(**given)
        self.waits.append(time.perf_counter() - began)
        return answer

    def start(self, workflow_id: str) -> None:
        given = {"domain": DOMAIN, "workflowType": TYPE, "executionStartToCloseTimeout": YEAR}
        self.call("start_workflow_execution", workflowId=workflow_id, **given)
        self.tell("started", workflow_id)

    def work(self) -> bool:
        """One decision and one activity, if there are any. Whether there were."""
        task = self.call("poll_for_decision_task", **DECIDERS)
        if "taskToken" in task:
            self.call("respond_decision_task_completed", taskToken=task["taskToken"], decisions=decide(task))
        activity = self.call("poll_for_activity_task", **WORKERS)
        if "taskToken" in activity:
            self.call("respond_activity_task_completed", taskToken=activity["taskToken"])
            name, run = activity["activityId"], activity["workflowExecution"]["runId"]
            self.tell("completed", run, str(activity["startedEventId"]), name)
        return "taskToken" in task or "taskToken" in activity

    def until_idle(self) -> None:
        """Work until nothing is open; where nothing can be had, time passes."""
        while True:
            if not self.work():
                due = self.swf.next_due()
                if due is None:
                    return
                self.clock.set(max(due, self.clock.now()))


def fork(function: Any, *arguments: Any) -> tuple[int, int]:
    """Run a function in a new process; its id, and the pipe on which it tells."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        status = 1
        try:
            function(writing, *arguments)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    return pid, reading


def drain(pipe: int) -> list[str]:
    with os.fdopen(pipe) as file:
        return file.read().split("\n")[:-1]


def report(**given: Any) -> None:
    print(json.dumps(given), flush=True)


def victim(out: int, path: str, now: float, name: str, dies: tuple[str, int] | None, last: bool) -> None:
    process = Process(path, VirtualClock(now), out, dies)
    process.tell("ready")
    for number in range(1 if last else 1000):  # more than it lives to see
        process.start(f"{name}-{number}")
        process.until_idle()
    process.swf.close()


def kill(path: str, seed: str, count: str) -> None:
    """Half of them die at a commit, half at a random instant; the last one lives and ends all flows."""
    chance = random.Random(int(seed))
    now = 1_700_000_000.0
    for number in range(int(count)):
        now += 100  # what the last one held has timed out, and a day of retention is not over
        last = number == int(count) - 1
        at_commit = number % 2 == 0 and not last
        dies = (chance.choice(["before-commit", "after-commit"]), chance.randrange(25)) if at_commit else None
        pid, pipe = fork(victim, path, now, f"w-{number}", dies, last)
        if not dies and not last:
            select.select([pipe], [], [])  # it is ready
            select.select([], [], [], chance.random() * 0.03)
            os.kill(pid, signal.SIGKILL)
        lines = drain(pipe)
        _, status = os.waitpid(pid, 0)
        report(status=status, told=[line for line in lines if line != "ready"])


def member(out: int, path: str, name: str, seconds: float) -> None:
    process = Process(path, SystemClock(), out)
    end = time.monotonic() + seconds
    number = 0
    while time.monotonic() < end:
        process.start(f"{name}-{number}")
        number += 1
        while process.work() and time.monotonic() < end:
            pass
    while process.swf.list_open_workflow_executions(
        domain=DOMAIN, startTimeFilter={"oldestDate": 0}, maximumPageSize=1
    )["executionInfos"]:
        process.work()
    waits = sorted(process.waits)
    process.tell("waits", json.dumps([len(waits), waits[len(waits) // 2], waits[-len(waits) // 100], waits[-1]]))
    process.swf.close()


def crowd(path: str, processes: str, seconds: str) -> None:
    forked = [fork(member, path, f"p{number}", float(seconds)) for number in range(int(processes))]
    for pid, pipe in forked:
        lines = drain(pipe)
        _, status = os.waitpid(pid, 0)
        report(status=status, told=lines)


if __name__ == "__main__":
    {"kill": kill, "crowd": crowd}[sys.argv[1]](*sys.argv[2:])
