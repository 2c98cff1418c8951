"""How long commands take from their start to their end: ``python -m benchmarks.commands``.

Each is a process of its own, as a user starts it; the figure is the median of nine, beside bare Python's in the same
table. The commands that read work on a file of 10,000 executions, half of them open, and on a run of 1,000 tasks.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from simpleflow.clients import client
from simpleflow.runtime.start import register_domain

DOMAIN = "Bench"
TYPE = {"name": "examples.basic.BasicWorkflow", "version": "1"}


def seconds_of(*command: str, rounds: int = 9) -> float:
    """The median wall-clock seconds of a command."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def simpleflow(*arguments: str) -> tuple[str, ...]:
    return (str(Path(sys.executable).with_name("simpleflow")), *arguments)


def fill(url: str, executions: int, tasks: int) -> None:
    """A file with so many executions, every second one closed, and the run "tasks" that had so many tasks."""
    run = simpleflow("--engine", url, "standalone", "--domain", DOMAIN, "benchmarks.programs.FanOut")
    subprocess.run((*run, "--workflow-id", "tasks", "--input", f"[{tasks}]"), check=True, capture_output=True)
    engine = client(url)
    register_domain(engine, DOMAIN)
    limits = {"defaultTaskStartToCloseTimeout": "30", "defaultExecutionStartToCloseTimeout": "31536000"}
    kind = {**TYPE, **limits, "defaultTaskList": {"name": "bench"}, "defaultChildPolicy": "TERMINATE"}
    engine.register_workflow_type(domain=DOMAIN, **kind)
    for number in range(executions):
        id = f"basic-{number}"
        engine.start_workflow_execution(domain=DOMAIN, workflowId=id, workflowType=TYPE, tagList=["nightly"])
        if number % 2:
            engine.terminate_workflow_execution(domain=DOMAIN, workflowId=id)
    engine.close()


def table(quick: bool = False) -> Table:
    """All figures; "above" is above bare Python."""
    found = Table(title="Commands, from start to end, in ms")
    for column in ("", "in all", "above bare Python", "aim"):
        found.add_column(column, justify="left" if not column else "right")
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:{Path(folder) / 'bench.sqlite'}"
        fill(url, *((100, 20) if quick else (10_000, 1_000)))
        on = ("--engine", url)
        bare = seconds_of(sys.executable, "-c", "pass")
        local = ("workflow.start", "--local", "examples.basic.BasicWorkflow", "--input", "[1, 0]")
        for name, command, aim in (
            ("python -c pass", (sys.executable, "-c", "pass"), ""),
            ("import simpleflow", (sys.executable, "-c", "import simpleflow"), "60 above"),
            ("simpleflow --help", simpleflow("--help"), "150 above"),
            ("workflow.start --local, t=0", simpleflow(*local), "350"),
            ("workflow.list, open half of 10,000", simpleflow(*on, "workflow.list", DOMAIN), "400"),
            ("workflow.list, the closed half", simpleflow(*on, "workflow.list", DOMAIN, "-s", "closed"), "400"),
            ("workflow.filter, all", simpleflow(*on, "workflow.filter", DOMAIN, "-s", "all"), ""),
            ("workflow.info, 1,000 tasks", simpleflow(*on, "workflow.info", DOMAIN, "tasks"), ""),
            ("workflow.tasks, 1,000 tasks", simpleflow(*on, "workflow.tasks", DOMAIN, "tasks"), ""),
        ):
            seconds = seconds_of(*command)
            found.add_row(name, f"{seconds * 1000:,.0f}", f"{(seconds - bare) * 1000:,.0f}", aim)
    return found


def main() -> None:
    Console(width=120).print(table())


if __name__ == "__main__":
    main()
