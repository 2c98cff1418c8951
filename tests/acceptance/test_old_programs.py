"""Programs of old run unchanged: in this process by `simpleflow.local`, and on the engine by processes of ours."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import old_programs as old
import shell
import simpleflow
from places import everywhere, placed
from shell import Project
from simpleflow.exceptions import TaskFailed, WorkflowFailed
from simpleflow.local import Executor
from simpleflow.runtime.start import Handle

GO = {"args": [1], "kwargs": {"x": 2}, "__propagate": False}
FAILED = "Workflow execution error in activity-old_programs"


@dataclass(frozen=True)
class Case:
    """A program, its arguments ("NOTES" for a file of its own), and what must come of it.

    `error` is what `run` raises, or WorkflowFailed; `reason` that of the run. `notes` are the lines that it writes.
    """

    workflow: type[simpleflow.Workflow]
    args: tuple[Any, ...] = ()
    result: Any = None
    error: type[BaseException] | None = None
    reason: str = ""
    notes: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        named = [arg for arg in self.args if isinstance(arg, str) and arg != "NOTES"]
        return "-".join([self.workflow.__name__, *named])

    def input(self, directory: Path) -> list[Any]:
        return [str(directory / self.id) if arg == "NOTES" else arg for arg in self.args]

    def check_notes(self, directory: Path) -> None:
        path = directory / self.id
        assert (tuple(path.read_text().splitlines()) if path.exists() else ()) == self.notes


DECISION = ("before_replay", "after_replay True")

NAMES = ("add", "double", "increment")
CONTEXT = [
    *("continued_execution_run_id", "domain_name", "name", "parent_run_id", "parent_workflow_id", "run_id", "tag_list"),
    *("version", "workflow_id"),
]

CASES = [
    Case(old.Arithmetic, (1,), [15, [2, 4, 4, 3, 6], 4, True, None, 30]),
    Case(old.Counted, (), [[2, [8, 1]], ["Chain", "Group", *[f"activity-old_programs.{n}" for n in NAMES]], True]),
    Case(old.OwnFutures, (), [6, 12, [9, 10], [None, 16], "AggregateException"]),
    Case(old.Composite, (), [[["first", 2], 21], 22, None]),
    Case(old.UsesItsExecutor, (), [2, [4, 6], True, CONTEXT, "uses-its-executor", []]),
    Case(old.Pirates, (3,), [2, 4, 6]),
    Case(old.Swallows, (), [4, "TaskFailed", 6, ["ValueError: no", "activity-old_programs.fail-2", "ValueError"]]),
    Case(old.SwallowsAll, ("NOTES",), 2, notes=("finally",)),
    Case(
        old.Fails,
        ("loudly", "NOTES"),
        error=TaskFailed,
        reason=f"{FAILED}.fail_loudly-1: \"KeyError: 'loudly'\"",
        notes=("tried", "tried"),
    ),
    Case(old.Fails, ("by hand", "NOTES"), error=WorkflowFailed, reason="Workflow execution failed: reason"),
    Case(old.Fails, ("own", "NOTES"), error=RuntimeError, reason="RuntimeError: own"),
    Case(old.Fails, ("softly", "NOTES"), [True, "ValueError: softly", [None]]),
    Case(
        old.Aggregates,
        (),
        [
            *([None, 2, [None]], ["ValueError: softly"] * 2, 2, True),
            *([2, None], True, [2, None, 4], [2, None], None),
        ],
    ),
    Case(old.Functional, (2,), [[3, [0, 2, 4, 1, "3"]], [0, 1, "1"], 2]),
    Case(
        old.Decides,
        (),
        [
            {
                **dict.fromkeys(("abort", "retry", "later", "default", "none"), "failed"),
                "ignore": "ignored", "changed": "ignored", "cancel": "cancelled", "handled": 42, "set": "set",
            },
            *(13, 2),
        ],
    ),
    Case(
        old.Activities,
        ("NOTES",),
        [
            [[f"activity-old_programs.Area-activities-{area}", size] for area, size in (("2x1", 2), ("3x4", 12))],
            *([1, 1, 2], [[1, 2, "old_programs.plain"], "around", 6, 2], True),
        ],
        notes=("once", "once", "before around"),
    ),
    Case(old.Bare, (), [3, "This task type doesn't support both *args and **kwargs"]),
    Case(
        old.Parent,
        (),
        [
            *([True, ["a", "b"], 2], [["tagged", "1"], ["tagged", "2"], ["tagged", "4"]], None, True),
            "Workflow execution failed: loud",
        ],
    ),
    Case(old.Signals, (), [[GO, GO, {"y": 3}], GO, "go", "answered", None]),
    Case(
        old.MarkersAndTimers,
        (),
        [
            *(['"one"', '"two"', None], [["step", "one"], ["step", "two"], ["step", None]], [None], None),
            *("fired", None, True),
        ],
    ),
    Case(old.GoesOn, (3,), [6, True]),
    Case(
        old.Completes,
        ("NOTES",),
        2,
        notes=(
            *(*DECISION, *DECISION, "on_completed old_programs.increment 1.0 2 [1]"),
            "after_closed {'activity-old_programs.increment-1': 'completed'}",
        ),
    ),
    Case(
        old.Breaks,
        ("NOTES",),
        error=TaskFailed,
        reason=f'{FAILED}.fail-1: "ValueError: hooked"',
        notes=(
            *(*DECISION, "before_replay", "['activity', 'ValueError: hooked', 0, 'ValueError']"),
            f'on_failure {FAILED}.fail-1: "ValueError: hooked"',
            "after_closed {'activity-old_programs.fail-1': 'failed'}",
        ),
    ),
    Case(
        old.Cancels,
        ("NOTES",),
        [True, "TaskCanceled", True],
        notes=(
            *(*DECISION, "before_replay", "should_cancel True", "on_canceled True", "after_replay True"),
            "after_closed {}",
        ),
    ),
    Case(old.OldHooks, ("NOTES",), 1, notes=("before_run", "after_run")),
]


def test_each_program_is_run() -> None:
    programs = {kind for kind in vars(old).values() if isinstance(kind, type) and issubclass(kind, simpleflow.Workflow)}
    helpers = {simpleflow.Workflow, old.Hooked, old.Child, old.Tagged, old.Loud, old.Answers, old.Patient}
    assert programs - helpers == {case.workflow for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_in_this_process(case: Case, tmp_path: Path) -> None:
    executor = Executor(case.workflow)
    if case.error is None:
        assert executor.run(case.input(tmp_path)) == case.result
    else:
        with pytest.raises(case.error) as caught:
            executor.run({"args": case.input(tmp_path)})
        assert type(caught.value) is RuntimeError or caught.value.reason in case.reason
    case.check_notes(tmp_path)


@dataclass(frozen=True)
class Started:
    directory: Path
    handles: dict[str, Handle]


@pytest.fixture(scope="module")
def place(request: pytest.FixtureRequest) -> str:
    """Which engine; see `places.everywhere`."""
    return str(getattr(request, "param", "file"))


@pytest.fixture(scope="module")
def started(place: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Started]:
    """All programs at once, a decider and two workers for them."""
    directory = tmp_path_factory.mktemp("old")
    (directory / "project").mkdir()
    project = Project(directory / "project", Path(sys.executable).with_name("simpleflow"))
    path = {"PYTHONPATH": str(Path(__file__).parent), "SWF_DOMAIN": "TestDomain"}
    with placed(project, place, request), closing(project.client()) as engine:
        project.start("decider.start", "--task-list", "old-deciders", "-N", "1", "old_programs.Arithmetic", **path)
        project.start("worker.start", "--task-list", "old", "-N", "2", **path)
        options: Any = {"domain": "TestDomain", "engine": engine}
        try:
            handles = {case.id: simpleflow.start(case.workflow, *case.input(directory), **options) for case in CASES}
            yield Started(directory, handles)
        finally:
            project.end()


@everywhere(soak=("http", "moto"))
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_on_the_engine(case: Case, started: Started) -> None:
    handle = started.handles[case.id]
    if case.error is None:
        assert handle.result(shell.PATIENCE) == case.result
    else:
        with pytest.raises(WorkflowFailed) as caught:
            handle.result(shell.PATIENCE)
        assert caught.value.status == "FAILED" and caught.value.reason == case.reason
    case.check_notes(started.directory)
