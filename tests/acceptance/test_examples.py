"""Every file of examples/, as the command in its docstring runs it: in this process, and durably. The same answers.

The files are found in the directory, so that a new one is missed here until it says what it gives. Durably, a decider
and workers serve the runs of all of them at once.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import shell
import simpleflow
from places import everywhere, placed
from shell import ROOT, Project
from simpleflow import config
from simpleflow.decider import load_workflow
from simpleflow.runtime.local import run_local
from simpleflow.runtime.start import Handle

EXAMPLES = {path.stem: path for path in (ROOT / "examples").glob("[!_]*.py")}
LAMBDAS = {"resize": "examples.lambdas:resize"}
DOMAIN = "Examples"

ELSEWHERE = {
    "autoscale": "no workflow: tests/acceptance/test_deploy.py",
    "ops_report": "no workflow: tests/contract/test_ops_report.py",
    "repair": "takes three commands: see below",
    "source_stats": "reads thousands of files: tests/acceptance/test_quickstart.py",
}
INPUTS = {"basic": [1, 0], "many_tasks": [40, 0, 0, 20], "timers": [1]}
"""What is quicker than the input in the docstring."""

RESULTS: dict[str, Any] = {
    "basic": 4,
    "binaries": "hello, world",
    "cancellation": ["cancelled", "the contract is over"],
    "canvas": [[4, 4, 5, 4, 5, 4, 4, 5, 4, 4, 5, 4], "52 Sundays, at most 5 in a month", None],
    "child_workflows": [
        "Peru: 4 letters (tags: atlas, Peru)",
        "Chad: 4 letters (tags: atlas, Chad)",
        "missing (TaskFailed)",
    ],
    "coroutines": ["rye bread", "oat bread", "pizza bread"],
    "failures": [
        70,
        20,
        "activity-examples.failures.withdraw-3: LookupError: no account eve, caused by KeyError('eve')",
        None,
        "RuntimeError: greetings are out of order",
        1,
        "and 1 other",
    ],
    "hooks": ["passed", "Workflow execution failed: wrong answer"],
    "idempotent": [True, False],
    "lambdas": [320, 160],
    "large_values": 125_000,
    "many_tasks": 240,
    "markers": ["visited", "visited", "home"],
    "measurements": 5,
    "middlewares": ["dear all (opened)", "TaskFailed"],
    "own_futures": [6, [3, 10, 5, 16, 8, 4, 2, 1], 16],
    "patched": "please pay 119",
    "programs": ["a-b-", True, "TaskFailed"],
    "progress": ["small sea", "small sky", "2 published at attempt 1"],
    "retries": ["mother at attempt 2", "boss at attempt 2", "WrongNumber: nobody"],
    "routing": ["[cover]", "[Draft]", "[Contract]", "print", "monday"],
    "same_again": True,
    "signals": {"cooked": ["soup", "salad"], "served": ["soup", "salad"]},
    "steps": ["fetch: scheduled", "fetch: completed", "add up: scheduled", "add up: completed"],
    "task_failures": {
        "apple": 3,
        "apples": 3,
        "stone": 0,
        "orange": 5,
        "tomato": "TaskCanceled",
        "durian": "TaskFailed",
    },
    "timers": ["a peeled soft egg", True, "CANCELLED"],
    "typed_values": (Decimal("27.10"), date(2026, 12, 7), {"bread", "knife"}),
    "waiting": {
        "runners": ["hare", "tortoise"],
        "all": ["hare", "tortoise"],
        "protests": [],
        "unheard": ["CANCELLED"],
    },
}


@dataclass(frozen=True, slots=True)
class Example:
    """What a docstring says: its first line, and the words of its commands."""

    title: str
    commands: list[list[str]]

    @property
    def workflow(self) -> str:
        return next(word for word in self.commands[0] if word.startswith("examples."))

    @property
    def args(self) -> list[Any]:
        words = self.commands[0]
        given: list[Any] = json.loads(words[words.index("--input") + 1]) if "--input" in words else []
        return given


def read(name: str) -> Example:
    told = ast.get_docstring(ast.parse(EXAMPLES[name].read_text())) or ""
    title, *lines = told.splitlines()
    return Example(title, [shlex.split(line)[1:] for line in lines if line.startswith("simpleflow ")])


def args(name: str) -> list[Any]:
    return INPUTS.get(name, read(name).args)


def test_each_has_its_result_here() -> None:
    assert set(EXAMPLES) == {*RESULTS, *ELSEWHERE}


def test_each_stands_in_the_docs_with_its_first_line() -> None:
    listed = dict(re.findall(r"^\| \[(\w+)\]\(\.\./examples/\w+\.py\) \| (.+) \|$", docs(), re.MULTILINE))
    assert listed == {name: read(name).title for name in EXAMPLES}
    assert all(f"[{name}](../examples/{name}.py)" in docs() for name in EXAMPLES)


def docs() -> str:
    return (ROOT / "docs/examples.md").read_text()


@pytest.mark.parametrize("name", sorted(RESULTS))
def test_here(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("METROLOGY_BUCKET", "STEP_BUCKET", "SIMPLEFLOW_BINARIES_DIRECTORY"):
        monkeypatch.setenv(place, str(tmp_path / place))
    config.load.cache_clear()
    assert run_local(load_workflow(read(name).workflow), args(name), lambdas=LAMBDAS) == RESULTS[name]
    config.load.cache_clear()


@pytest.fixture(scope="module")
def place(request: pytest.FixtureRequest) -> str:
    """Which engine; see `places.everywhere`."""
    return str(getattr(request, "param", "file"))


@pytest.fixture(scope="module")
def town(place: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Project]:
    """A decider and two workers for all examples."""
    path = tmp_path_factory.mktemp("examples") / "project"
    path.mkdir()
    project = Project(path, Path(sys.executable).with_name("simpleflow"))
    functions = [word for name, function in LAMBDAS.items() for word in ("--lambda", f"{name}={function}")]
    its_own = functions if place == "file" else []  # a server has been told of them
    with placed(project, place, request, *functions):
        served = [
            project.start("decider.start", "--domain", DOMAIN, "--task-list", "example"),
            project.start("worker.start", "--domain", DOMAIN, "--task-list", "quickstart", "-N", "2", *its_own),
        ]
        yield project
        for command in served:
            command.process.terminate()
        assert [command.ends() for command in served] == [0, 0]
        left = project.processes()
    project.end()
    assert not left, f"processes are left: {left}"


@pytest.fixture(scope="module")
def runs(town: Project) -> Iterator[dict[str, Handle]]:
    """All of them, started at once, so that what waits for time waits together."""
    opened = town.client()
    where = {"domain": DOMAIN, "engine": opened, "activity_task_list": "quickstart"}
    yield {
        name: simpleflow.start(load_workflow(read(name).workflow), *args(name), workflow_id=name, **where)
        for name in sorted(RESULTS)
    }
    opened.close()


@everywhere(soak=("http", "moto"))
@pytest.mark.parametrize("name", sorted(RESULTS))
def test_durably(name: str, runs: dict[str, Handle]) -> None:
    assert runs[name].result(shell.PATIENCE) == RESULTS[name]


def test_workers_for_each_task_list(project: Project) -> None:
    done = project.run(*read("routing").commands[0])
    assert done.returncode == 0, done.stderr
    assert f"result: {json.dumps(RESULTS['routing'])}" in done.stderr


def test_repair(project: Project) -> None:
    first, second = read("repair").commands
    failed = project.run(*first)
    assert failed.returncode == 3
    assert "there is no engine-room" in failed.stderr
    project.write("engine-room", "")
    mended = project.run(*second)
    assert mended.returncode == 0, mended.stderr
    assert "result: 5" in mended.stderr
    assert re.findall(r"ship (\d) is launched", failed.stderr) == ["1", "2", "3", "4"]
    assert re.findall(r"ship (\d) is launched", mended.stderr) == ["5"]
