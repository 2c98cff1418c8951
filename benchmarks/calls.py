"""Calls and bytes per task, as Amazon SWF would be sent and would answer them: ``python -m benchmarks.calls``.

One decider and one worker in this process, on the engine in memory, counted between them and it. Polls that find
nothing are left out: they wait. Bytes are those of the JSON bodies, without headers. Counts, not times: they are the
same on every machine.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.programs import Chain, FanOut, nothing
from simpleflow.clients import client
from simpleflow.config import Config
from simpleflow.decider import Decider
from simpleflow.runtime import calling
from simpleflow.runtime.start import StartOptions, launch, register_domain

DOMAIN = "Bench"


class Counted:
    """An engine, each of whose calls is counted, with its bytes up, down, and down as history."""

    def __init__(self) -> None:
        self.engine = client("memory", long_poll_seconds=0)
        self.calls: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            answer = getattr(self.engine, name)(**request)
            if not name.startswith("poll") or answer.get("taskToken"):
                self.calls[name] += 1
                self.bytes["up"] += _size(request)
                self.bytes["down"] += _size(answer)
                self.bytes["history"] += _size(answer.get("events", []))
            return answer

        return call


def _size(value: Any) -> int:
    return len(json.dumps(value, default=lambda time: time.timestamp()))


def counted(workflow: type[Chain] | type[FanOut], tasks: int) -> Counted:
    """All calls of one run, but for those that start it and register."""
    engine = Counted()
    register_domain(engine.engine, DOMAIN)
    handle = launch(workflow, [tasks], {}, StartOptions(domain=DOMAIN, engine=engine.engine))
    decider = Decider(engine, DOMAIN, [workflow], config=Config())
    decisions = {"domain": DOMAIN, "taskList": {"name": "bench-decisions"}, "startAtPreviousStartedEvent": True}
    activities = {"domain": DOMAIN, "taskList": {"name": "bench"}}
    while handle.status == "OPEN":
        task = engine.poll_for_decision_task(**decisions)
        if task.get("taskToken"):
            engine.respond_decision_task_completed(**decider.decide(task, decisions))
        work = engine.poll_for_activity_task(**activities)
        if work.get("taskToken"):
            answer = calling.call(nothing, work["input"])
            engine.respond_activity_task_completed(taskToken=work["taskToken"], result=answer["result"])
    decider.close()
    return engine


def table() -> Table:
    """The counts of chains and fans of two sizes: per task they hardly differ."""
    found = Table(title="Calls and bytes per task")
    for column in ("", "tasks", "calls", "bytes up", "bytes down", "of these history"):
        found.add_column(column, justify="left" if not column else "right")
    for name, workflow in (("chain", Chain), ("fan-out", FanOut)):
        for tasks in (100, 1000):
            engine = counted(workflow, tasks)
            sizes = [f"{engine.bytes[kind] / tasks:,.0f}" for kind in ("up", "down", "history")]
            found.add_row(name, f"{tasks:,}", f"{engine.calls.total() / tasks:.2f}", *sizes)
    return found


def main() -> None:
    Console().print(table())


if __name__ == "__main__":
    main()
