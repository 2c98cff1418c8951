"""The programs of tests/histories/kinds.json and goes_on.json: every kind of task. Not to be changed."""

from __future__ import annotations

from typing import Any

from simpleflow import Workflow, activity
from simpleflow.exceptions import TaskException
from simpleflow.task import LambdaFunctionTask


@activity.with_attributes(version="1")
def double(x: int) -> int:
    return 2 * x


def twice(event: int, context: Any) -> int:
    return 2 * event


class Child(Workflow):
    name, version = "recorded-child", "1"

    def run(self, x: int) -> Any:
        signal = self.submit(self.wait_signal("go")).result["args"][0]
        return self.submit(double, x + signal).result


class Named(Workflow):
    name, version, tag_list = "recorded-named", "1", ["a"]
    raises_on_failure, retry, idempotent = None, 1, True

    @classmethod
    def get_workflow_id(cls, x: int) -> str:
        return f"recorded-{x}"

    def run(self, x: int) -> Any:
        if x < 0:
            self.fail("negative")
        return self.submit(self.wait_signal("never")).result


class Kinds(Workflow):
    name, version, task_list = "kinds", "1", "recorded"

    def run(self) -> Any:
        children = [self.submit(Child, x) for x in (1, 2)]
        failing = self.submit(Named, -1)
        unwanted = self.submit(Named, 1)
        self.submit(self.record_marker("begun", {"x": [1, None]}))
        self.submit(self.signal("go", 10))
        nobody = self.submit(self.signal("go", workflow_id="nobody", propagate=False))
        called = self.submit(LambdaFunctionTask("twice", children[0]))
        timers = [self.submit(self.start_timer(f"t{n}", n, control={"n": n})) for n in range(3)]
        timers[2].cancel()
        timers[1].wait()
        unwanted.cancel()
        seen = [repr(future.exception) for future in (failing, unwanted, nobody)]
        try:
            self.receive("nothing", timeout=60).result
        except TaskException as error:
            seen.append(repr(error))
        self.submit(self.record_marker("ended"))
        results = [child.result for child in children]
        return [results, called.result, seen, self.receive("go").result, len(self.list_markers())]


class GoesOn(Workflow):
    name, version, task_list = "goes-on", "1", "recorded"

    def run(self, left: int = 1) -> Any:
        for number in range(3):
            self.submit(self.signal("in", number, propagate=False)).result
        first = self.receive("in").result["args"]
        self.submit(self.record_marker("first", first))
        if left:
            self.submit(self.continue_as_new(left - 1))
        return first
