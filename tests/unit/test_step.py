"""Which steps run, and what is written of them."""

from __future__ import annotations

import json

import memory_bucket
import pytest

from simpleflow.activity import Activity
from simpleflow.step import constants, tasks, utils


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a", True),
        ("a.b.c", "a.b", True),
        ("a.b", "*", True),
        ("ab", "a", False),
        ("a", "a.b", False),
        ("a.b", "a.", False),
        ("a.b", "", False),
        ("*", "a", False),
    ],
)
def test_matching(name: str, pattern: str, expected: bool) -> None:
    assert utils.matches(name, pattern) is expected
    assert utils.should_force_step(name, ["x", pattern]) is expected
    assert utils.should_skip_step(name, {pattern: ["why"]}) is expected


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("skipped", [False, True])
@pytest.mark.parametrize("forced", [False, True])
@pytest.mark.parametrize("force", [False, True])
def test_forcing_goes_before_skipping_and_that_before_what_is_done(
    force: bool, forced: bool, skipped: bool, done: bool
) -> None:
    runs = utils.step_will_run(
        "a.b", ["a.b"] if done else ["a", "a.b.c"], ["a"] if forced else ["b"], ["a"] if skipped else [], force
    )
    assert runs is (force or forced or not (skipped or done))
    assert utils.step_is_forced("a.b", ["a"] if forced else [], force) is (force or forced)
    left_out = utils.step_is_skipped_by_force("a.b", ["a"] if skipped else [], ["a"] if forced else [], force)
    assert left_out is (skipped and not force and not forced)


def test_reasons_are_sorted_and_told_once() -> None:
    forced: dict[str, list[str]] = {}
    utils.add_patterns(forced, ["a", "a.b"], "z")
    utils.add_patterns(forced, "a.b", "y")
    utils.add_patterns(forced, "a.b", "y")
    utils.add_patterns(forced, "c", "other")
    utils.add_patterns(forced, "*")
    assert forced == {"a": ["z"], "a.b": ["z", "y"], "c": ["other"], "*": []}
    assert utils.get_step_force_reasons("a.b", forced) == ["y", "z"]
    assert utils.get_step_skip_reasons("a.c", forced) == ["z"]
    assert utils.get_step_force_reasons("d", forced) == []


def test_the_activities_have_the_names_by_which_workers_import_them() -> None:
    names = {Activity(task).name for task in (tasks.GetStepsDoneTask, tasks.MarkStepDoneTask)}
    assert names == {"simpleflow.step.tasks.GetStepsDoneTask", "simpleflow.step.tasks.MarkStepDoneTask"}
    assert Activity(tasks.GetStepsDoneTask, **constants.STEP_ACTIVITY_PARAMS_DEFAULT).idempotent


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    return memory_bucket.installed(monkeypatch)


@pytest.mark.parametrize("path", ["w/steps", "w/steps/"])
def test_steps_are_marked_and_listed(bucket: dict[str, str], path: str) -> None:
    context = {"workflow_id": "w", "run_id": "r", "version": "1", "name": "n"}
    Activity(tasks.MarkStepDoneTask).work(["b", path, "a.b"], {}, context)
    Activity(tasks.MarkStepDoneTask).work(["b", path, "a.c"], {})
    bucket["b:w/steps-of-others/x"] = ""
    assert Activity(tasks.GetStepsDoneTask).execute("b", path) == ["a.b", "a.c"]
    assert json.loads(bucket["b:w/steps/a.b"]) == {"workflow_id": "w", "run_id": "r", "version": "1"}
    assert json.loads(bucket["b:w/steps/a.c"]) == constants.UNKNOWN_CONTEXT
