"""Calls and bytes per task, as Amazon SWF would be sent and would answer them: ``python -m benchmarks.calls``.

One decider and one worker in this process, by boto3 on `simpleflow server`. Calls and bytes are those that each process
counts of itself (`simpleflow.observe.Traffic`): of JSON bodies, without headers. No poll finds nothing. Counts, not
times: they are the same on every machine.
"""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.http_calls import process
from benchmarks.programs import Chain, FanOut, nothing
from simpleflow.clients import client
from simpleflow.config import Config
from simpleflow.decider import Decider
from simpleflow.observe import Traffic
from simpleflow.runtime import calling
from simpleflow.runtime.start import StartOptions, launch, register_domain

DOMAIN = "Bench"
DECISIONS = {"domain": DOMAIN, "taskList": {"name": "bench-decisions"}, "startAtPreviousStartedEvent": True}
ACTIVITIES = {"domain": DOMAIN, "taskList": {"name": "bench"}}


def counted(url: str, workflow: type[Chain] | type[FanOut], tasks: int) -> tuple[Traffic, int]:
    """All that is said in one run, but for what starts it and registers; and the bytes of events among it."""
    traffic, events = Traffic(), 0
    with closing(client(url)) as ours, closing(client(url, traffic=traffic)) as engine:
        handle = launch(workflow, [tasks], {}, StartOptions(domain=DOMAIN, engine=ours))
        with closing(Decider(engine, DOMAIN, [workflow], config=Config())) as decider:
            while True:
                task = engine.poll_for_decision_task(**DECISIONS)
                events += _size(task["events"])
                engine.respond_decision_task_completed(**decider.decide(task, DECISIONS))
                if handle.status != "OPEN":
                    return traffic, events
                work = engine.poll_for_activity_task(**ACTIVITIES)
                answer = calling.call(nothing, work["input"])
                engine.respond_activity_task_completed(taskToken=work["taskToken"], result=answer["result"])


def _size(value: Any) -> int:
    return len(json.dumps(value, default=lambda time: time.timestamp(), separators=(",", ":")))


def table() -> Table:
    """The counts of chains and fans of two sizes: per task they hardly differ."""
    found = Table(title="Calls and bytes per task")
    for column in ("", "tasks", "calls", "bytes up", "bytes down", "of these history"):
        found.add_column(column, justify="left" if not column else "right")
    with process("-m", "simpleflow", "server", "--engine", "memory", "--port", "0") as (url, _):
        with closing(client(url)) as ours:
            register_domain(ours, DOMAIN)
        for name, workflow in (("chain", Chain), ("fan-out", FanOut)):
            for tasks in (100, 1000):
                traffic, events = counted(url, workflow, tasks)
                sizes = [f"{size / tasks:,.0f}" for size in (traffic.sent, traffic.received, events)]
                found.add_row(name, f"{tasks:,}", f"{traffic.calls.total() / tasks:.2f}", *sizes)
    return found


def main() -> None:
    Console().print(table())


if __name__ == "__main__":
    main()
