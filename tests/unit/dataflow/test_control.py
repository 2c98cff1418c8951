"""What a canvas is built of: nodes that are numbered now and run later, or never."""

from __future__ import annotations

from typing import Any

from simpleflow import activity
from simpleflow.command import ACTIVITY
from simpleflow.dataflow.graph import Graph, Node
from simpleflow.exceptions import TaskFailed
from simpleflow.futures import Future
from simpleflow.payload.codec import Codec
from simpleflow.task import ActivityTask

f = activity.Activity(lambda *args: None, name="f")


def graph() -> Graph:
    def own(future: Future[Any]) -> Node:
        node: Any = future._node
        return node  # type: ignore[no-any-return]

    return Graph(Codec(), own, lambda node: None)


def asked(made: Graph) -> list[str]:
    found = [command.id for command in made.commands]
    made.commands.clear()
    return found


def test_a_task_runs_after_another_however_that_ends() -> None:
    made = graph()
    first = made.add(ActivityTask(f), None, "", "here")
    made.add(ActivityTask(f), None, "", "here", after=[first])
    third = made.add(ActivityTask(f), None, "", "here")
    assert asked(made) == ["activity-f-1", "activity-f-3"], "its number is taken at once"
    made.end(first, None, TaskFailed("activity-f-1", "no"))
    assert asked(made) == ["activity-f-2"]
    made.completed(ACTIVITY, "activity-f-3", "1")
    made.add(ActivityTask(f), None, "", "here", after=[first, third])
    assert asked(made) == ["activity-f-4"], "what is over keeps nobody waiting"


def test_a_held_task_waits_for_its_release_and_for_its_arguments() -> None:
    made = graph()
    first = made.add(ActivityTask(f), None, "", "here")
    free = made.add(ActivityTask(f), None, "", "here", held=True)
    bound = made.add(ActivityTask(f, Future(None, first)), None, "", "here", held=True)
    assert asked(made) == ["activity-f-1"]
    made.release(free)
    made.release(free)
    made.release(bound)
    assert asked(made) == ["activity-f-2"]
    made.completed(ACTIVITY, "activity-f-1", "5")
    assert made.commands[0].input == '{"args":[5],"kwargs":{}}'  # type: ignore[union-attr]
    assert asked(made) == ["activity-f-3"]


def test_a_held_task_can_end_without_ever_running() -> None:
    made = graph()
    first = made.add(ActivityTask(f), None, "", "here", held=True)
    second = made.add(ActivityTask(f), None, "", "here", after=[first])
    made.end(first, "null")
    made.release(first)
    made.end(first, "1")
    assert first.result == "null" and asked(made) == ["activity-f-2"]
    assert not second.done


def test_a_held_task_fails_with_its_argument() -> None:
    made = graph()
    first = made.add(ActivityTask(f), None, "", "here")
    held = made.add(ActivityTask(f, Future(None, first)), None, "", "here", held=True)
    made.end(first, None, TaskFailed("activity-f-1", "no"))
    made.release(held)
    assert held.done and held.error is not None and asked(made) == ["activity-f-1"]
