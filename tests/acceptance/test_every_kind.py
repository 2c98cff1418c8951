"""Every kind of task through real processes: the same program here and durably."""

from __future__ import annotations

import json

from places import everywhere
from shell import Project

FLOWS = """
from simpleflow import Workflow, activity

@activity.with_attributes()
def double(x):
    return 2 * x

class Child(Workflow):
    def run(self, x):
        return self.submit(double, x + self.submit(self.wait_signal("go")).result["args"][0]).result

class Parent(Workflow):
    tag_list = ["mine"]

    def run(self, again, seen):
        child = self.submit(Child, 1)
        self.submit(self.signal("go", 10))
        self.submit(self.record_marker("m", seen))
        self.submit(self.start_timer("t", 1)).result
        late = self.submit(self.start_timer("late", 7200))
        late.cancel()
        seen.append(child.result)
        if again:
            self.submit(self.signal("left", again, propagate=False)).result
            self.submit(self.continue_as_new(again - 1, seen))
        left = [self.receive("left").result["args"][0] for _ in seen[1:]]
        return [seen, left, self.get_run_context()["tag_list"], late.state]
"""


@everywhere()
def test_every_kind_here_and_through_processes(project: Project) -> None:
    project.write("kinds.py", FLOWS)
    expected = [[22, 22, 22], [2, 1], ["mine"], "CANCELLED"]
    for command in (
        ("workflow.start", "--local", "kinds.Parent"),
        ("standalone", "--domain", "TestDomain", "--workflow-id", "p", "kinds.Parent"),
    ):
        done = project.run(*command, "--input", "[2, []]")
        assert done.returncode == 0, done.stderr
        assert f"result: {json.dumps(expected)}" in done.stderr
