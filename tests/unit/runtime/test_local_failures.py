"""Failures that are hard to tell of, as a program sees them: of canvases in children, and that refuse to be told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simpleflow import Workflow, activity
from simpleflow.canvas import AggregateException, Group
from simpleflow.exceptions import TaskFailed, WorkflowFailed
from simpleflow.runtime.local import run_local


class Mute(Exception):
    def __str__(self) -> str:
        raise SystemExit("no words, and no process")


class Nameless(Exception):
    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):
            raise RuntimeError(f"no {name}")
        return super().__getattribute__(name)


@activity.with_attributes()
def fine() -> int:
    return 1


@activity.with_attributes()
def fails(kind: str) -> None:
    raise {"ValueError": ValueError, "KeyError": KeyError, "Mute": Mute, "Nameless": Nameless}[kind]("no")


class Base(Workflow):
    name = "failing"
    version = "1"
    raises_on_failure = False


class Child(Base):
    def run(self) -> Any:
        inner = Group((fails, "ValueError"), fine)
        return self.submit(Group((fails, "ValueError"), fine, (fails, "KeyError"), inner)).result


class Loud(Child):
    raises_on_failure = None  # type: ignore[assignment]  # as an activity of its own


class Between(Base):
    def run(self) -> Any:
        return self.submit(Group(Loud)).result


class Levels(Base):
    raises_on_failure = None  # type: ignore[assignment]

    def run(self, below: int) -> Any:
        return self.submit(Group((Levels, below - 1) if below else (fails, "ValueError"))).result


class Mutely(Base):
    def run(self) -> None:
        raise Mute


class Namelessly(Base):
    def run(self) -> None:
        raise Nameless


def ran(run: Callable[[Any], Any]) -> Any:
    return run_local(type("Parent", (Base,), {"run": run}))


def names(error: BaseExceptionGroup[Any]) -> list[Any]:
    return [each.name if isinstance(each, TaskFailed) else names(each) for each in error.exceptions]


def test_an_aggregate_of_a_child_is_one_for_its_parent() -> None:
    first, second, third = (f"activity-{fails.name}-{number}" for number in (1, 2, 3))

    def run(self: Any) -> Any:
        error = self.submit(Child).exception
        assert isinstance(error, AggregateException) and isinstance(error, TaskFailed)
        assert [each is None for each in error.by_position] == [False, True, False, False]
        assert str(error) == f"{error.name}: AggregateException: 3 of 4 failed: TaskFailed: {first}: ValueError: no"
        assert type(error.flatten()) is AggregateException and names(error.flatten()) == [first, second, third]
        with pytest.raises(AggregateException) as left:
            error.handle(lambda each: isinstance(each, ValueError))
        assert names(left.value) == [second, [third]]
        found: dict[str, Any] = {}
        try:
            raise error
        except* ValueError as group:
            found["values"] = names(group)
        except* KeyError as group:
            found["keys"] = names(group)
        return found

    assert ran(run) == {"values": [first, [third]], "keys": [second]}


def test_an_aggregate_goes_through_two_parents() -> None:
    def run(self: Any) -> Any:
        error = self.submit(Between).exception
        flat = error.flatten().exceptions
        assert all(isinstance(each, TaskFailed) for each in flat)
        return [len(error.exceptions), [isinstance(each, ValueError) for each in flat]]

    assert ran(run) == [1, [True, False, True]]


def test_each_level_of_children_adds_to_the_details_and_does_not_double_them() -> None:
    with pytest.raises(WorkflowFailed) as failed:
        run_local(Levels, (8,))
    assert len(failed.value.details or "") < 100_000


@pytest.mark.parametrize("kind", ["Mute", "Nameless"])
def test_what_refuses_to_be_told_fails_its_task_and_its_run(kind: str) -> None:
    with pytest.raises(WorkflowFailed, match=kind) as failed:
        ran(lambda self: self.submit(fails, kind).result)
    assert failed.value.status == "FAILED"


@pytest.mark.parametrize("child", [Mutely, Namelessly])
def test_what_refuses_to_be_told_fails_a_child(child: type[Workflow]) -> None:
    assert ran(lambda self: self.submit(child).exception.reason).startswith(("Mute", "Nameless"))
