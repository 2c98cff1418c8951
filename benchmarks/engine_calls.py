"""Calls per second of the embedded engine, one process: `python benchmarks/engine_calls.py [directory]`.

Prints one table: the hot calls apart and in chains, on a file with synchronous NORMAL, and how their cost grows with
the number of open executions and the length of a history.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simpleflow.engine import Configuration, Engine
from simpleflow.protocol.limits import Limits

DOMAIN = "bench"
DECISIONS = {"domain": DOMAIN, "taskList": {"name": "decisions"}, "startAtPreviousStartedEvent": True}
ACTIVITIES = {"domain": DOMAIN, "taskList": {"name": "activities"}, "identity": "worker"}


def prepare(engine: Engine) -> None:
    """Register what the calls need."""
    engine.register_domain(name=DOMAIN, workflowExecutionRetentionPeriodInDays="1")
    engine.register_workflow_type(
        domain=DOMAIN,
        name="w",
        version="1",
        defaultTaskList={"name": "decisions"},
        defaultChildPolicy="TERMINATE",
        defaultTaskStartToCloseTimeout="30",
        defaultExecutionStartToCloseTimeout="31536000",
    )
    engine.register_activity_type(
        domain=DOMAIN,
        name="a",
        version="1",
        defaultTaskList={"name": "activities"},
        defaultTaskStartToCloseTimeout="300",
        defaultTaskHeartbeatTimeout="60",
        defaultTaskScheduleToStartTimeout="NONE",
        defaultTaskScheduleToCloseTimeout="NONE",
    )


def start(engine: Engine, name: str, task_list: str = "decisions") -> None:
    engine.start_workflow_execution(
        domain=DOMAIN,
        workflowId=name,
        workflowType={"name": "w", "version": "1"},
        input='{"args": [], "kwargs": {}}',
        taskList={"name": task_list},
    )


def schedule(number: int) -> dict[str, Any]:
    attributes = {
        "activityType": {"name": "a", "version": "1"},
        "activityId": f"activity-double-{number}",
        "input": '{"args": [1], "kwargs": {}}',
    }
    return {"decisionType": "ScheduleActivityTask", "scheduleActivityTaskDecisionAttributes": attributes}


COMPLETE = {"decisionType": "CompleteWorkflowExecution"}


def per_second(count: int, function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return count / (time.perf_counter() - began)


def calls_apart(engine: Engine, tasks: int, times: dict[str, list[float]]) -> None:
    """A chain with every call timed."""

    def timed(name: str, method: Callable[..., Any], **request: Any) -> Any:
        began = time.perf_counter()
        answer = method(**request)
        times.setdefault(name, []).append(time.perf_counter() - began)
        return answer

    for number in range(tasks):
        decision = timed("poll_for_decision_task", engine.poll_for_decision_task, **DECISIONS)
        token = decision["taskToken"]
        respond = engine.respond_decision_task_completed
        timed("respond_decision_task_completed", respond, taskToken=token, decisions=[schedule(number)])
        activity = timed("poll_for_activity_task", engine.poll_for_activity_task, **ACTIVITIES)
        complete = engine.respond_activity_task_completed
        timed("respond_activity_task_completed", complete, taskToken=activity["taskToken"], result="2")


def merged_chain(engine: Engine, tasks: int) -> None:
    """A chain by respond_and_poll; each task is two transactions."""
    decision = engine.poll_for_decision_task(**DECISIONS)
    for number in range(tasks):
        request = {"taskToken": decision["taskToken"], "decisions": [schedule(number)]}
        respond = ("respond_decision_task_completed", request)
        activity = engine.respond_and_poll(respond, ("poll_for_activity_task", ACTIVITIES))
        result = ("respond_activity_task_completed", {"taskToken": activity["taskToken"], "result": "2"})
        decision = engine.respond_and_poll(result, ("poll_for_decision_task", DECISIONS))
    engine.respond_decision_task_completed(taskToken=decision["taskToken"], decisions=[COMPLETE])


def fan_out(engine: Engine, tasks: int) -> None:
    """All tasks scheduled by hundreds, then worked off one after the other."""
    token = engine.poll_for_decision_task(**DECISIONS)["taskToken"]
    timer = {"timerId": "again", "startToFireTimeout": "0"}
    again = {"decisionType": "StartTimer", "startTimerDecisionAttributes": timer}
    for first in range(0, tasks, 100):
        decisions = [schedule(number) for number in range(first, first + 100)]
        respond = ("respond_decision_task_completed", {"taskToken": token, "decisions": [*decisions, again]})
        token = engine.respond_and_poll(respond, ("poll_for_decision_task", DECISIONS))["taskToken"]
    engine.respond_decision_task_completed(taskToken=token)
    activity = engine.poll_for_activity_task(**ACTIVITIES)
    while activity.get("taskToken"):
        result = ("respond_activity_task_completed", {"taskToken": activity["taskToken"], "result": "2"})
        activity = engine.respond_and_poll(result, ("poll_for_activity_task", ACTIVITIES))
    token = engine.poll_for_decision_task(**DECISIONS)["taskToken"]
    engine.respond_decision_task_completed(taskToken=token, decisions=[COMPLETE])


def crowd(engine: Engine, number: int) -> None:
    """So many open executions, on a list that nobody polls."""
    store = engine._store
    transaction = store.transaction
    store.transaction = lambda durable: transaction(False)  # type: ignore[method-assign]
    for index in range(number):
        start(engine, f"crowd-{index}", "elsewhere")
    store.transaction = transaction  # type: ignore[method-assign]


def row(name: str, value: str) -> None:
    print(f"{name:<58}{value:>20}", flush=True)


def report(title: str, engine: Engine, tasks: int) -> None:
    times: dict[str, list[float]] = {}
    start(engine, title)
    calls_apart(engine, tasks, times)
    for name, spent in times.items():
        row(f"{title}: {name}", f"{statistics.median(spent) * 1e6:.0f} us")
    total = sum(map(sum, times.values()))
    row(f"{title}: all four", f"{4 * tasks / total:,.0f} calls/s")
    decision = engine.poll_for_decision_task(**DECISIONS)
    engine.respond_decision_task_completed(taskToken=decision["taskToken"], decisions=[COMPLETE])


def main() -> None:
    parent = sys.argv[1] if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory(dir=parent) as directory:
        limits = Limits(open_executions=1_000_000)
        engine = Engine(Path(directory) / "bench.db", long_poll_seconds=0, configuration=Configuration(limits=limits))
        prepare(engine)
        report("10 open executions", engine, 1000)
        for size in (1000, 3000, 4100):
            start(engine, f"chain-{size}")
            rate = per_second(size, lambda n=size: merged_chain(engine, n))  # type: ignore[misc]
            row(f"respond_and_poll chain of {size} ({6 * size:,} events)", f"{rate:,.0f} tasks/s")
        start(engine, "fan-out")
        row("respond_and_poll fan-out of 1000", f"{per_second(1000, lambda: fan_out(engine, 1000)):,.0f} tasks/s")
        rate = per_second(500, lambda: [start(engine, f"full-{index}", "elsewhere") for index in range(500)])
        row("start_workflow_execution (FULL)", f"{rate:,.0f} calls/s")
        row("start_workflow_execution (NORMAL)", f"{per_second(100_000, lambda: crowd(engine, 100_000)):,.0f} calls/s")
        report("100,000 open executions", engine, 1000)
        engine.close()


if __name__ == "__main__":
    main()
