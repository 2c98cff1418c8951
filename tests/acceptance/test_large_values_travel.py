"""Large values through real processes: by files beside the engine, and by Amazon S3 (moto's)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil

from places import everywhere
from s3_server import S3
from shell import PATIENCE, Project
from simpleflow.clients import client
from simpleflow.protocol.history import attributes
from simpleflow.runtime import runs
from simpleflow.runtime.spec import Spec

FLOWS = '''
from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from simpleflow import Workflow, activity


@dataclass
class Report:
    day: date
    total: Decimal
    lines: list[str]


@activity.with_attributes()
def make(day: date, size: int) -> Report:
    return Report(day, Decimal("0.1"), ["x" * 1000] * (size // 1000))


@activity.with_attributes()
def double(report: Report) -> Report:
    print("it is doubled")
    return Report(report.day, report.total * 2, [line.upper() for line in report.lines])


@activity.with_attributes()
def size_of(report: Report, others: list[Report]) -> int:
    return sum(len(line) for each in [report, *others] for line in each.lines)


class Three(Workflow):
    def run(self, day: date, size: int) -> int:
        made = self.submit(make, day, size)
        return self.submit(size_of, self.submit(double, made), [made]).result


class Reads(Workflow):
    def run(self, day: date, size: int) -> Report:
        report = self.submit(double, self.submit(make, day, size)).result
        return Report(report.day, report.total, report.lines * 2)


@activity.with_attributes()
def refuses(size: int) -> None:
    raise FileNotFoundError(2, "x" * size, "f.txt")


class Fails(Workflow):
    def run(self, size: int) -> int:
        try:
            self.submit(refuses, size).result
        except FileNotFoundError as error:
            return len(error.args[1])
'''
SIZE = 50_000_000


def peak(pid: int) -> int:
    """The most memory that a process has had, in bytes; what it has now, where nobody keeps that."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        assert found
        return int(found[1]) * 1024
    return int(psutil.Process(pid).memory_info().rss)


@contextmanager
def fleet(project: Project, engine: str) -> Iterator[dict[str, int]]:
    """A decider and a worker; their process ids."""
    processes = {}
    try:
        for role, listed in (("decider", ("flows.Three",)), ("worker", ())):
            spec = Spec(role, engine, "D", "default", workflows=listed, log_level="WARNING")
            command = [sys.executable, "-m", "simpleflow.runtime", spec.to_json()]
            processes[role] = subprocess.Popen(command, cwd=project.path, env=project.env)
        yield {role: process.pid for role, process in processes.items()}
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            process.wait(PATIENCE)


def finished(engine: str, workflow_id: str) -> str | None:
    """The text of the result of a run that completes."""
    with closing(client(engine)) as swf:
        run = runs.find(swf, "D", workflow_id)
        until = time.monotonic() + PATIENCE
        while (closed := runs.closing_event(swf, run)) is None:
            assert time.monotonic() < until, f"{workflow_id} is still open"
        found: str | None = attributes(closed).get("result")
        assert found is not None, closed
        return found


def test_50_mb_go_through_three_tasks_and_past_the_decider(project: Project) -> None:
    project.write("flows.py", FLOWS)
    engine = f"sqlite:{project.data}/e.sqlite"
    project.data.mkdir()
    peaks = []
    for number, size in enumerate((1_000, SIZE)):
        start = ("workflow.start", "-d", "D", "--workflow-id", f"W{number}", "flows.Three")
        assert project.run("--engine", engine, *start, "--input", json.dumps(["2024-02-29", size])).returncode == 0
        with fleet(project, engine) as pids:
            assert finished(engine, f"W{number}") == str(2 * size)
            peaks.append({role: peak(pid) for role, pid in pids.items()})
    for role in ("decider", "worker"):  # the worker's values are its child's
        assert peaks[1][role] - peaks[0][role] < 10_000_000, peaks
    kept = list((project.data / "e.sqlite.payloads").glob("??/*"))
    assert len(kept) == 2 and all(path.stat().st_size > SIZE for path in kept)


@everywhere(soak=("http", "moto"))
def test_s3_carries_what_the_engine_does_not(project: Project) -> None:
    project.write("flows.py", FLOWS)
    with S3() as s3:
        project.env |= s3.env | {"SIMPLEFLOW_PAYLOAD_STORE": ""}
        started = project.run(
            "standalone", "-d", "D", "--workflow-id", "W", "flows.Reads", "--input", '["2024-02-29", 100000]',
            SIMPLEFLOW_JUMBO_FIELDS_BUCKET="payloads/jumbo/",
        )  # fmt: skip
        assert started.returncode == 0 and '"day": "2024-02-29", "total": "0.2"' in started.stderr, started.stderr
        stored = s3.keys()
        keys = [key for key in stored if not key.startswith("jumbo/notes/")]
        assert len(keys) == 3 and all(re.fullmatch(r"jumbo/[0-9a-f]{64}", key) for key in keys)
        history = project.run("--format", "json", "workflow.history", "-d", "D", "W", "-o", "events")
        references = re.findall(r"simpleflow\+s3://payloads/jumbo/[0-9a-f]{64} \d+", history.stdout)
        assert {reference.split("/", 3)[3].split()[0] for reference in references} == set(keys)


@everywhere()
def test_failures_of_any_size_come_back_whole(project: Project) -> None:
    project.write("flows.py", FLOWS)
    done = project.run("standalone", "-d", "D", "flows.Fails", "--input", "[100000]")
    assert done.returncode == 0 and done.stderr.endswith("result: 100000\n"), done.stderr


def test_a_lost_store_parks_the_run_until_it_is_back(project: Project) -> None:
    project.write("flows.py", FLOWS)
    payloads = project.data / "simpleflow" / "engine.sqlite.payloads"
    given = ("-d", "D", "--workflow-id", "W", "flows.Reads")
    assert project.run("workflow.start", *given, "--input", '["2024-02-29", 100000]').returncode == 0
    decider = project.start("decider.start", "-d", "D", "flows.Reads")
    one = ("worker.start", "-d", "D", "-t", "default", "--one-task")
    assert project.run(*one).returncode == 0
    payloads.rename(payloads.with_name("aside"))
    assert project.run(*one).returncode == 0
    decider.says(r"W is parked, .* activity-flows.double-1 cannot be run: payload-unreachable: the payload simpleflow\+file://")
    shown = project.run("workflow.info", "D", "W").stdout
    assert "\tOPEN\t" in shown and f"is not in {payloads}" in shown
    payloads.with_name("aside").rename(payloads)
    assert project.run(*one).returncode == 0  # once the timer of the parked run has fired
    result = finished(f"sqlite:{payloads.with_name('engine.sqlite')}", "W")
    assert result is not None and result.startswith("simpleflow+file://")
    decider.interrupt()
    assert decider.ends() == 0


def test_payloads_go_with_the_runs_that_they_are_of(project: Project) -> None:
    project.write("flows.py", FLOWS)
    payloads = project.data / "simpleflow" / "engine.sqlite.payloads"
    run = ("standalone", "flows.Reads", "--input")
    assert project.run(*run, '["2024-02-29", 100000]', "-d", "Kept").returncode == 0
    kept = {path.name for path in payloads.glob("??/*")}
    project.run(*run, '["2024-02-29", 300000]', "-d", "Gone", DOMAIN_RETENTION="0")  # gone before it could be shown
    all_of_them = list(payloads.glob("??/*"))
    assert len(kept) == 3 and len(all_of_them) == 6
    vacuumed = project.run("engine.vacuum")
    assert vacuumed.stdout.startswith("1 run removed") and vacuumed.stdout.endswith("0 payloads removed, 0 bytes\n")
    for path in all_of_them:
        os.utime(path, (time.time() - 2 * 24 * 60 * 60,) * 2)
    size = sum(path.stat().st_size for path in all_of_them if path.name not in kept)
    assert project.run("engine.vacuum").stdout.endswith(f"3 payloads removed, {size:,} bytes\n")
    assert {path.name for path in payloads.glob("??/*")} == kept
    (of_run,) = (payloads / "notes").iterdir()
    (printed,) = of_run.iterdir()
    (of_run / f"{printed.name}.17.part").write_text("half a no")
    backup = project.run("engine.backup", "copy.sqlite").stdout
    assert backup.endswith("copy.sqlite.payloads: 3 payloads, 1 note\n")
    (copied,) = (project.path / "copy.sqlite.payloads" / "notes").glob("*/*")
    assert (copied.parent.name, copied.name) == (of_run.name, printed.name)
    assert copied.read_bytes() == printed.read_bytes()
    assert {path.name for path in (project.path / "copy.sqlite.payloads").glob("??/*")} == kept


def test_an_open_run_keeps_what_it_may_still_name(project: Project) -> None:
    project.write("flows.py", FLOWS)
    payloads = project.data / "simpleflow" / "engine.sqlite.payloads"
    start = ("workflow.start", "-d", "D", "flows.Three", "--input")
    assert project.run(*start, json.dumps([{"not": "used" * 10_000}, 1])).returncode == 1  # no date
    assert not payloads.exists()
    assert project.run(*start, '["2024-02-29", 1]').returncode == 0
    (payloads / "ab").mkdir(parents=True)
    unsent = payloads / "ab" / ("ab" + "0" * 62)
    unsent.write_text("put away by the open run, and not in its history yet")
    assert project.run("engine.vacuum").stdout.endswith("0 payloads removed, 0 bytes\n")
    os.utime(unsent, (time.time() - 91 * 24 * 60 * 60,) * 2)
    assert "1 payload removed" in project.run("engine.vacuum").stdout
