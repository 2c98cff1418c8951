"""--where on a file and over HTTP: a command that is killed in the middle, and typed again; a bar on a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving import Server, shared
from shell import Project
from simpleflow.runtime.start import open_engine
from test_commands import start
from test_terminal import typed

KILLED = """
import os, signal, sys
from simpleflow.cli import app, options

opened = options.open_engine

class Fatal:
    def __init__(self, client):
        self.client, self.sent = client, 0
    def __getattr__(self, name):
        return getattr(self.client, name)
    def signal_workflow_execution(self, **request):
        self.client.signal_workflow_execution(**request)
        self.sent += 1
        if self.sent == 3:
            os.kill(os.getpid(), signal.SIGKILL)

options.open_engine = lambda url, reading=False: Fatal(opened(url, reading))
sys.exit(app.run(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with shared(tmp_path_factory.mktemp("many"), "--long-poll-seconds", "0.2") as running:
        yield running


@pytest.mark.parametrize("where", ["file", "http"])
def test_a_command_that_is_killed_goes_on(project: Project, request: pytest.FixtureRequest, where: str) -> None:
    url = request.getfixturevalue("server").url if where == "http" else f"sqlite:{project.path / 'engine'}"
    for number in range(5):
        start(url, "Killed", f"job-{number}")
    project.write("killed.py", KILLED)
    words = ("--engine", url, "workflow.signal", "Killed", "go", "--where", "type=job id=job-*", "--yes")
    python, project.executable = project.executable, Path(project.executable).with_name("python")
    assert project.run("killed.py", *words).returncode == -9
    project.executable = python
    again = project.run(*words)
    assert again.returncode == 0, again.stderr
    assert again.stderr.splitlines()[0].endswith(" was interrupted: 2 of 5 runs were signaled")
    assert again.stderr.splitlines()[1:] == [
        "job-2 may have been signaled before: this happens again now",
        "3 signaled",
    ]
    assert [_signals(url, number) for number in range(5)] == [1, 1, 2, 1, 1]


def _signals(url: str, number: int) -> int:
    client: Any = open_engine(url)
    found = client.list_open_workflow_executions(
        domain="Killed", startTimeFilter={"oldestDate": 0}, executionFilter={"workflowId": f"job-{number}"}
    )
    [info] = found["executionInfos"]
    history = client.get_workflow_execution_history(domain="Killed", execution=info["execution"])
    return sum(event["eventType"] == "WorkflowExecutionSignaled" for event in history["events"])


def test_a_bar_on_a_terminal(project: Project) -> None:
    url = f"sqlite:{project.path / 'engine'}"
    for number in range(3):
        start(url, "Bar", f"job-{number}")
    code, shown = typed(project, "--engine", url, "workflow.restart", "Bar", "--where", "id=job-*", "--yes")
    assert code == 0
    assert re.search(r"━+.*3/3.*restarted", shown)
    assert re.search(r"^job-0 \S+=$", shown, re.MULTILINE), "and the ids of the new runs stay"
    assert shown.endswith("3 restarted\n")
