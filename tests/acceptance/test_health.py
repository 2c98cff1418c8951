"""The health port of real processes: asked as a probe does."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from shell import PATIENCE, Command, Project

FLOW = """
from pathlib import Path
from simpleflow import Workflow, activity

@activity.with_attributes(task_list="list")
def reads():
    return Path("fifo").read_text()

class Reading(Workflow):
    name, version, task_list = "reading", "1", "decisions"

    def run(self):
        return self.submit(reads).result
"""


def ask(port: int, path: str) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"http://localhost:{port}{path}", timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def until(port: int, path: str, wanted: Callable[[int, dict[str, Any]], bool]) -> dict[str, Any]:
    """Ask until the answer is as wanted; its body."""
    end = time.monotonic() + PATIENCE
    while True:
        status, body = ask(port, path)
        if wanted(status, body):
            return body
        assert time.monotonic() < end, (status, body)


def port_of(command: Command) -> int:
    return int(command.says(r"health: http://localhost:(\d+)/healthz")[1])


def test_health_port(project: Project) -> None:
    project.write("reading.py", FLOW)
    os.mkfifo(project.path / "fifo")
    told = ["--domain", "D", "--health-port", "0"]
    worker = project.start("worker.start", *told, "-t", "list", "-N", "2", "--concurrency", "2")
    decider = project.start("decider.start", *told, "--health-timeout", "1", "reading.Reading")
    port = port_of(worker)

    ready = until(port, "/readyz", lambda status, body: status == 200)
    assert [loop["state"] for loop in ready["loops"]] == ["polling"] * 4
    pids = [loop["pid"] for loop in ready["loops"]]
    assert pids[0] == pids[1] != pids[2] == pids[3]
    head = urllib.request.Request(f"http://localhost:{port}/healthz", method="HEAD")
    with urllib.request.urlopen(head, timeout=PATIENCE) as answer:
        assert answer.status == 200 and answer.read() == b""
    assert ask(port, "/healthz")[0] == 200 and ask(port, "/")[0] == 404

    os.kill(pids[0], signal.SIGKILL)
    replaced = until(port, "/readyz", lambda status, body: status == 200 and body["loops"][0]["pid"] != pids[0])
    assert [loop["pid"] for loop in replaced["loops"]][2:] == pids[2:]

    late = until(port_of(decider), "/healthz", lambda status, body: status == 503)
    assert late["loops"][0]["late"] and late["loops"][0]["state"] == "polling", "nothing came for a second"

    assert project.run("workflow.start", "--domain", "D", "reading.Reading").returncode == 0
    with open(project.path / "fifo", "w") as fifo:  # which waits until it reads
        until(port, "/healthz", lambda status, body: any(loop["state"] == "processing" for loop in body["loops"]))
        worker.process.send_signal(signal.SIGTERM)
        draining = until(port, "/readyz", lambda status, body: status == 503)
        assert draining["stopping"] and ask(port, "/healthz")[0] == 200, "who drains is not to be killed"
        fifo.write("go on")
    assert worker.ends() == 0

    other = project.run("worker.start", "--domain", "D", "-t", "list", "--health-port", str(port_of(decider)))
    assert other.returncode == 1
    assert other.stderr.splitlines()[-1] == (
        f"Error: the port {port_of(decider)} cannot be had (Address already in use): choose another --health-port"
    )
    decider.interrupt()
    assert decider.ends() == 0
