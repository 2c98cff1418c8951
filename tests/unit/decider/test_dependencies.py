"""What a history tells of its tasks' dependencies, as the decider has noted them, and where nobody has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from town import Town

from simpleflow import Workflow, activity, futures
from simpleflow.canvas import Chain, FuncGroup, Group
from simpleflow.protocol.history import attributes
from simpleflow.swf.dependencies import edges
from simpleflow.swf.models.history import History


@activity.with_attributes(name="f", version="1")
def f(*values: Any) -> int:
    return len(values)


@activity.with_attributes(name="g", version="1", idempotent=True)
def g(*values: Any) -> int:
    return len(values)


@activity.with_attributes(name="bad", version="1", retry=1)
def bad() -> None:
    raise ValueError("no")


class Child(Workflow):
    name, version = "child", "1"

    @classmethod
    def get_workflow_id(cls, *args: Any) -> str:
        return "the child"

    def run(self, *args: Any) -> int:
        return 1


def argument(self: Any) -> None:
    a = self.submit(f, 1)
    b = self.submit(f, 2)
    self.submit(f, [a, {"x": b}]).result


def canvases_as_arguments(self: Any) -> None:
    group = self.submit(Group((f, 1), Chain((f, 2), (f, 3))))
    self.submit(f, group).result


def read_before(self: Any) -> None:
    a, b = self.submit(f, 1), self.submit(f, 2)
    total = a.result + b.result
    c = self.submit(f, total)
    self.submit(f, c).result


def many_read_before(self: Any) -> None:
    futures.wait(*self.map(f, range(4)))
    futures.wait(*self.map(f, range(2)))


def failed_before(self: Any) -> None:
    if self.submit(bad).exception:
        self.submit(f, 1).result


def slept(self: Any) -> None:
    self.submit(f, 1).result
    self.sleep(5)
    self.submit(f, 2).result


def chained(self: Any) -> None:
    self.submit(f, 0).result
    self.submit(Chain((f, 1), Group((f, 2), (f, 3)), (f, 4), send_result=False)).result


def made_by_functions(self: Any) -> None:
    chain = Chain((f, 1), FuncGroup(lambda value: Group((f, value), (f, value))), f, send_result=True)
    self.submit(chain).result


def branches(self: Any) -> None:
    async def two(n: int) -> int:
        return int(await self.submit(f, await self.submit(f, n)))

    both = futures.gather(two(1), two(2))
    self.submit(f, both).result


def equal_tasks(self: Any) -> None:
    a = self.submit(g, self.submit(f, 1))
    b = self.submit(g, self.submit(f, 1))
    self.submit(f, a, b).result


def of_all_kinds(self: Any) -> None:
    child = self.submit(Child, self.submit(f, 1))
    timer = self.submit(self.start_timer("bell", 3))
    futures.wait(child, timer)
    self.submit(f, 2).result


EDGES: dict[Callable[[Any], None], str] = {
    argument: "f-1 > f-3, f-2 > f-3",
    canvases_as_arguments: "f-2 - f-3, f-1 > f-4, f-3 > f-4",
    read_before: "f-1 - f-3, f-2 - f-3, f-3 > f-4, f-1 - f-4, f-2 - f-4",
    many_read_before: "f-1 - f-5, f-2 - f-5, f-3 - f-5, f-4 - f-5, f-1 - f-6, f-2 - f-6, f-3 - f-6, f-4 - f-6",
    failed_before: "bad-1 - f-1",
    slept: "f-1 - timer:__simpleflow_wait-1, timer:__simpleflow_wait-1 - f-2",
    chained: "f-1 - f-2, f-2 - f-3, f-2 - f-4, f-3 - f-5, f-4 - f-5",
    made_by_functions: "f-1 - f-f1.1, f-1 - f-f1.2, f-f1.1 > f-2, f-f1.2 > f-2",
    branches: "f-b1.1 - f-b1.2, f-b2.1 - f-b2.2, f-b1.2 > f-1, f-b2.2 > f-1",
    equal_tasks: "f-1 > g-H, g-H > f-3",
    of_all_kinds: "f-1 > child_workflow:the child, child_workflow:the child - f-2, timer:bell - f-2",
}


def _lived(run: Callable[[Any], Any], *, forget: bool = False) -> list[dict[str, Any]]:
    town = Town(forget=forget)
    try:
        life = type("Life", (Workflow,), {"name": "life", "version": "1", "run": run})
        execution = town.start(life)
        town.run(execution)
        return town.events(execution)
    finally:
        town.close()


def _shown(events: list[dict[str, Any]]) -> str:
    signs = {"argument": ">", "order": "-", "released": "~"}
    found = edges(History.from_event_list(events))
    return ", ".join(f"{_named(edge.before)} {signs[edge.kind]} {_named(edge.after)}" for edge in found)


def _named(key: tuple[str, Any]) -> str:
    kind, id = key
    name = str(id).removeprefix("activity-")
    name = "g-H" if name.startswith("g-") and len(name) > 20 else name
    return name if kind == "activity" else f"{kind}:{name}"


@pytest.mark.parametrize("run", EDGES, ids=lambda run: run.__name__)
@pytest.mark.parametrize("forget", [False, True], ids=["resumed", "read-again"])
def test_edges_are_what_the_program_waited_for(run: Callable[[Any], None], forget: bool) -> None:
    assert _shown(_lived(run, forget=forget)) == EDGES[run]


def test_a_signal_comes_before_what_waited_for_it() -> None:
    town = Town()

    def run(self: Any) -> None:
        self.receive("go").result
        self.submit(f, 1).result

    life = type("Life", (Workflow,), {"name": "life", "version": "1", "run": run})
    execution = town.start(life)
    town.settle()
    town.signal("w", "go")
    town.run(execution)
    assert _shown(town.events(execution)) == "signal:go - f-1"
    town.close()


def test_what_nobody_has_noted_is_told_by_time() -> None:
    events = _lived(lambda self: self.submit(f, self.submit(f, self.submit(f, 1))).result)
    for event in events:
        attributes(event).pop("control", None)
    assert _shown(events) == "f-1 ~ f-2, f-2 ~ f-3"


def test_what_was_only_held_back_comes_after_nothing() -> None:
    events = _lived(lambda self: futures.wait(*self.map(f, range(150))) and None)
    assert _shown(events) == ""


def test_a_group_of_tasks_tells_once_what_they_come_after() -> None:
    events = _lived(lambda self: (futures.wait(*self.map(f, range(150))), futures.wait(*self.map(f, range(3))))[0])
    told = [attributes(event).get("control") for event in events if event["eventType"] == "ActivityTaskScheduled"]
    first, *others = told[150:]
    assert first.endswith(',"-150",50]}') and others == ['{"since":"-151"}'] * 2
    assert _shown(events).count("f-152") == 100


def test_a_retry_tells_the_same_again() -> None:
    events = _lived(lambda self: [self.submit(f, 1).result, str(self.submit(bad).exception)])
    told = [attributes(event).get("control") for event in events if event["eventType"] == "ActivityTaskScheduled"]
    assert told == [None, *['{"since":["activity-f-1"]}'] * 2]
