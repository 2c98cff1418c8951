"""Tasks per second through real processes on a database file: ``python -m benchmarks`` (make bench).

One decider process and one or two worker processes, each with a warm child; start-up is apart; the figure is the
median of the rounds. Then the engine's calls by themselves and over HTTP, which have modules of their own. Machines are
noisy: compare the lines of one table, not tables.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import calls, commands, engine_calls, http_calls
from benchmarks.programs import Chain, FanOut, Five
from simpleflow.clients import SWFClient, client
from simpleflow.runtime.local import run_local
from simpleflow.runtime.spec import Spec
from simpleflow.runtime.start import Handle, StartOptions, launch, register_domain

DOMAIN = "Bench"
AIMS = {("chain", 1000): "1,000 (1,600)", ("fan-out", 1000): "2,000 (3,000)", ("200 x 5", 1000): "1,200 (1,700)"}


@contextmanager
def fleet(url: str, workers: int) -> Iterator[list[int]]:
    """One decider and some workers, ready; their process ids."""
    specs = [Spec("decider", url, DOMAIN, "bench-decisions", log_level="WARNING")]
    specs += [Spec("worker", url, DOMAIN, "bench", log_level="WARNING") for _ in range(workers)]
    processes = [subprocess.Popen([sys.executable, "-m", "simpleflow.runtime", spec.to_json()]) for spec in specs]
    try:
        yield [process.pid for process in processes]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def wait_closed(engine: SWFClient, handles: list[Handle]) -> None:
    """Until all runs are closed: looks at the last one in the list, seldom, so as not to be measured itself."""
    for handle in handles:
        while handle.status == "OPEN":
            time.sleep(0.02)
        assert handle.status == "COMPLETED", handle


def one_run(engine: SWFClient, workflow: type[Chain] | type[FanOut], n: int) -> float:
    started = time.perf_counter()
    handle = launch(workflow, [n], {}, StartOptions(domain=DOMAIN, engine=engine))
    wait_closed(engine, [handle])
    return time.perf_counter() - started


def many_runs(engine: SWFClient, n: int) -> float:
    started = time.perf_counter()
    handles = [launch(Five, [], {}, StartOptions(domain=DOMAIN, engine=engine)) for _ in range(n // 5)]
    wait_closed(engine, handles)
    return time.perf_counter() - started


def shapes(sizes: list[int]) -> list[tuple[str, int, Callable[[SWFClient, int], float]]]:
    found: list[tuple[str, int, Callable[[SWFClient, int], float]]] = []
    for n in sizes:
        found.append(("chain", n, lambda engine, n: one_run(engine, Chain, n)))
    for n in sizes:
        found.append(("fan-out", n, lambda engine, n: one_run(engine, FanOut, n)))
    for n in sizes:
        found.append((f"{n // 5} x 5", n, many_runs))
    return found


def through_processes(rounds: int, sizes: list[int], synchronous: str) -> dict[tuple[str, int], dict[int, float]]:
    """Median tasks per second by shape, size and number of workers."""
    rates: dict[tuple[str, int], dict[int, float]] = {}
    for workers in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:{Path(folder) / 'bench.sqlite'}"
            if synchronous == "full":
                url += "?synchronous=full"
            engine = client(url)
            register_domain(engine, DOMAIN)
            with fleet(url, workers) as pids:
                print(f"workers: {workers}  process ids: decider {pids[0]}, workers {pids[1:]}", file=sys.stderr)
                one_run(engine, FanOut, 20)  # everything is imported, and every child warm
                for name, n, measure in shapes(sizes):
                    times = [measure(engine, n) for _ in range(rounds)]
                    rates.setdefault((name, n), {})[workers] = n / statistics.median(times)
            engine.close()
    return rates


def local(n: int) -> float:
    """Milliseconds a task of a chain under --local."""
    started = time.perf_counter()
    run_local(Chain, (n,))
    return (time.perf_counter() - started) / n * 1000


def report(rates: dict[tuple[str, int], dict[int, float]], sizes: list[int]) -> Table:
    table = Table(title="Tasks per second, no-op activities, one decider")
    for heading in ("shape", "tasks", "1 worker", "2 workers", "aim (stretch)", f"cost at n against n={sizes[-2]}"):
        table.add_column(heading, justify="left" if heading == "shape" else "right")
    base = sizes[-2]
    for (name, n), found in rates.items():
        best = max(found.values())
        like = next(
            (max(r.values()) for (other, m), r in rates.items() if m == base and other.split()[-1] == name.split()[-1]),
            best,
        )
        cost = f"{like / best:.2f}" if n >= base else ""
        aim = AIMS.get((name, n), "")
        table.add_row(name, f"{n:,}", f"{found[1]:,.0f}", f"{found[2]:,.0f}", aim, cost)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 3000])
    parser.add_argument("--synchronous", choices=("auto", "full"), default="auto")
    parser.add_argument("--quick", action="store_true", help="fewer of everything, to see that it runs")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.sizes = 1, [20, 50]
    import apsw

    mode = "FULL" if options.synchronous == "full" else "NORMAL for polls and responses, FULL for starts"
    print(f"Python {platform.python_version()}, SQLite {apsw.sqlite_lib_version()}, {os.cpu_count()} cores", end="; ")
    print(f"a database file, synchronous {mode}; median of {options.rounds}")
    rates = through_processes(options.rounds, options.sizes, options.synchronous)
    console = Console(width=120)
    console.print(report(rates, options.sizes))
    console.print(one_process())
    console.print(commands.table(options.quick))
    console.print(calls.table())
    with tempfile.TemporaryDirectory() as directory:
        for table in engine_calls.tables(Path(directory), options.quick):
            console.print(table)
        console.print(http_calls.served(Path(directory)))


def one_process() -> Table:
    """A run without an engine."""
    local(100)
    each = statistics.median(local(1000) for _ in range(5))
    return engine_calls.table("One process", [("--local, chain of 1,000", f"{each:.2f} ms a task", "0.50 ms")])


if __name__ == "__main__":
    main()
