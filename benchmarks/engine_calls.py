"""The embedded engine's speed, alone: `python -m benchmarks.engine_calls [--quick] [directory]`.

Calls per second of each hot operation, on a file with synchronous NORMAL in one process; how long a task takes from one
process to another that waits for it; and how the cost of a call grows with the number of open executions and the
length of a history.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

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


def started(name: str, task_list: str = "decisions") -> dict[str, Any]:
    return {
        "domain": DOMAIN,
        "workflowId": name,
        "workflowType": {"name": "w", "version": "1"},
        "input": '{"args": [], "kwargs": {}}',
        "taskList": {"name": task_list},
    }


def start(engine: Engine, name: str, task_list: str = "decisions") -> None:
    engine.start_workflow_execution(**started(name, task_list))


def schedule(number: int) -> dict[str, Any]:
    attributes = {
        "activityType": {"name": "a", "version": "1"},
        "activityId": f"activity-double-{number}",
        "input": '{"args": [1], "kwargs": {}}',
    }
    return {"decisionType": "ScheduleActivityTask", "scheduleActivityTaskDecisionAttributes": attributes}


COMPLETE = {"decisionType": "CompleteWorkflowExecution"}


def table(title: str, rows: list[Row]) -> Table:
    found = Table(title=title)
    for heading in ("what", "measured", "aim"):
        found.add_column(heading, justify="left" if heading == "what" else "right")
    for row in rows:
        found.add_row(*row)
    return found


def per_second(count: int, function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return count / (time.perf_counter() - began)


Times = dict[str, list[float]]
#: What, how much, and the aim.
Row = tuple[str, str, str]


def timed(times: Times, name: str, method: Callable[..., Any], **request: Any) -> Any:
    """Call, and note how long it took."""
    began = time.perf_counter()
    answer = method(**request)
    times.setdefault(name, []).append(time.perf_counter() - began)
    return answer


def calls_apart(engine: Engine, tasks: int, times: Times) -> None:
    """A chain with every call timed."""
    for number in range(tasks):
        decision = timed(times, "poll_for_decision_task", engine.poll_for_decision_task, **DECISIONS)
        token = decision["taskToken"]
        respond = engine.respond_decision_task_completed
        timed(times, "respond_decision_task_completed", respond, taskToken=token, decisions=[schedule(number)])
        activity = timed(times, "poll_for_activity_task", engine.poll_for_activity_task, **ACTIVITIES)
        complete = engine.respond_activity_task_completed
        timed(times, "respond_activity_task_completed", complete, taskToken=activity["taskToken"], result="2")


def other_calls(engine: Engine, rounds: int, times: Times) -> None:
    """The hot calls beside those of a chain; calls of clients without the disk, as the others."""
    with without_the_disk(engine):
        for number in range(rounds):
            name = f"other-{number}"
            run = timed(
                times, "start_workflow_execution", engine.start_workflow_execution, **started(name, "elsewhere")
            )
            execution = {"workflowId": name, "runId": run["runId"]}
            given = {"domain": DOMAIN, "workflowId": name}
            timed(times, "signal_workflow_execution", engine.signal_workflow_execution, **given, signalName="s")
            named = {"domain": DOMAIN, "execution": execution}
            timed(times, "describe_workflow_execution", engine.describe_workflow_execution, **named)
            timed(times, "get_workflow_execution_history", engine.get_workflow_execution_history, **named)
            request = {"domain": DOMAIN, "taskList": {"name": "elsewhere"}}
            timed(times, "count_pending_decision_tasks", engine.count_pending_decision_tasks, **request)
            decision = engine.poll_for_decision_task(**request)
            respond = engine.respond_decision_task_completed
            respond(taskToken=decision["taskToken"], decisions=[schedule(number)])
            token = engine.poll_for_activity_task(**ACTIVITIES)["taskToken"]
            timed(times, "record_activity_task_heartbeat", engine.record_activity_task_heartbeat, taskToken=token)
            timed(times, "terminate_workflow_execution", engine.terminate_workflow_execution, **given)


@contextmanager
def without_the_disk(engine: Engine) -> Iterator[None]:
    """Calls of clients commit with NORMAL."""
    store = engine._store
    transaction = store.transaction
    store.transaction = lambda durable: transaction(False)  # type: ignore[method-assign]
    yield
    store.transaction = transaction  # type: ignore[method-assign]


def merged_chain(engine: Engine, tasks: int, close: bool = True) -> None:
    """A chain by respond_and_poll; each task is two transactions."""
    decision = engine.poll_for_decision_task(**DECISIONS)
    for number in range(tasks):
        request = {"taskToken": decision["taskToken"], "decisions": [schedule(number)]}
        respond = ("respond_decision_task_completed", request)
        activity = engine.respond_and_poll(respond, ("poll_for_activity_task", ACTIVITIES))
        result = ("respond_activity_task_completed", {"taskToken": activity["taskToken"], "result": "2"})
        decision = engine.respond_and_poll(result, ("poll_for_decision_task", DECISIONS))
    if close:
        engine.respond_decision_task_completed(taskToken=decision["taskToken"], decisions=[COMPLETE])
    else:  # a signal asks for the next decision
        engine.respond_decision_task_completed(taskToken=decision["taskToken"])
        workflow_id = decision["workflowExecution"]["workflowId"]
        engine.signal_workflow_execution(domain=DOMAIN, workflowId=workflow_id, signalName="go on")


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


def in_ms(seconds: float) -> str:
    return f"{seconds * 1e3:.2f}"


def p99(spent: list[float]) -> float:
    return sorted(spent)[-max(1, len(spent) // 100)]


def hot_calls(engine: Engine, tasks: int) -> list[Row]:
    """Calls per second, from the mean, of each hot operation and of their mix."""
    rows: list[Row] = []
    times: Times = {}
    start(engine, "hot")
    calls_apart(engine, tasks, times)
    end(engine)
    other_calls(engine, tasks, times)
    for name, spent in sorted(times.items()):
        micro = f"{statistics.median(spent) * 1e6:.0f} us, p99 {p99(spent) * 1e6:.0f}"
        rows.append((f"{name} ({micro})", f"{len(spent) / sum(spent):,.0f} calls/s", "5,000"))
    chain = ("poll_for", "respond_")
    spent = [second for name, each in times.items() if name.startswith(chain) for second in each]
    rows.append(("the four of a chain", f"{len(spent) / sum(spent):,.0f} calls/s", "8,000"))
    spent = [second for each in times.values() for second in each]
    rows.append(("all of them", f"{len(spent) / sum(spent):,.0f} calls/s", "8,000"))
    return rows


def merged(engine: Engine, tasks: int) -> list[Row]:
    """Tasks per second where a response is also the next poll, and starts that are on the disk when they return."""
    rows: list[Row] = []
    for size in (tasks, 3 * tasks):
        start(engine, f"chain-{size}")
        rate = per_second(size, lambda n=size: merged_chain(engine, n))  # type: ignore[misc]
        rows.append((f"respond_and_poll, chain of {size:,}", f"{rate:,.0f} tasks/s", ""))
    start(engine, "fan-out")
    rate = per_second(1000, lambda: fan_out(engine, 1000))
    rows.append(("respond_and_poll, fan-out of 1,000", f"{rate:,.0f} tasks/s", ""))
    times: Times = {}
    for index in range(200):
        timed(times, "full", engine.start_workflow_execution, **started(f"full-{index}", "full"))
    full = len(times["full"]) / sum(times["full"])
    rows.append(("start_workflow_execution (FULL)", f"{full:,.0f} calls/s", ""))
    return rows


def flatness(directory: Path, sizes: list[int], long: int, rounds: int) -> list[Row]:
    """Medians of polls and completions as executions and events become many, against those of the first size.

    Each has a file of its own, and they are measured in turn: a machine that is slow for a while is so for all.
    """
    engines: dict[str, Engine] = {}
    times: dict[str, Times] = {}
    for title in (*(f"{size:,} open" for size in sizes), f"{6 * long:,} events"):
        engines[title] = engine = opened(directory / f"{len(engines)}.db")
        times[title] = {}
        with without_the_disk(engine):
            for number in range(sizes[len(engines) - 1] if len(engines) <= len(sizes) else 0):
                start(engine, f"crowd-{number}", "elsewhere")
        start(engine, "measured")
    merged_chain(engine, long - 20 * rounds, close=False)
    for _ in range(rounds):
        for title, engine in engines.items():
            calls_apart(engine, 20, times[title])
    rows: list[Row] = []
    first = times[next(iter(times))]
    for title, found in times.items():
        engines[title].close()
        for name in ("poll_for_decision_task", "poll_for_activity_task", "respond_activity_task_completed"):
            median = statistics.median(found[name])
            words = f"{median * 1e6:.0f} us, p99 {p99(found[name]) * 1e6:.0f}"
            ratio = median / statistics.median(first[name])
            rows.append((f"{title}: {name}", f"{words}, {ratio:.2f}", "1.20"))
    return rows


def end(engine: Engine) -> None:
    decision = engine.poll_for_decision_task(**DECISIONS)
    engine.respond_decision_task_completed(taskToken=decision["taskToken"], decisions=[COMPLETE])


def opened(path: Path) -> Engine:
    configuration = Configuration(limits=Limits(open_executions=1_000_000))
    engine = Engine(path, long_poll_seconds=0, configuration=configuration)
    prepare(engine)
    return engine


def tables(directory: Path, quick: bool) -> Iterator[Table]:
    """The tables, each as soon as it is measured."""
    from benchmarks import hand_over

    tasks, sizes, long, rounds = (50, [10, 100], 200, 2) if quick else (1000, [10, 10_000, 100_000], 4150, 50)
    path = directory / "bench.db"
    with opened(path) as engine:
        yield table("Calls of the engine, one process, synchronous NORMAL", hot_calls(engine, tasks))
        yield table("Two steps in one transaction", merged(engine, tasks))
    yield table("From one process to another", hand_over.rows(path, quick))
    yield table("As executions and events become many", flatness(directory, sizes, long, rounds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", nargs="?")
    parser.add_argument("--quick", action="store_true", help="fewer of everything, to see that it runs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        for found in tables(Path(directory), options.quick):
            Console(width=120).print(found)


if __name__ == "__main__":
    main()
