"""A workflow with steps that was recorded for ever (tests/histories): it is not to be changed.

Recorded after "b" was marked as done in the bucket.
"""

from __future__ import annotations

from typing import Any

from simpleflow import Workflow, activity
from simpleflow.canvas import Chain, Group
from simpleflow.step.workflow import WorkflowStepMixin


@activity.with_attributes(version="1")
def work(x: Any, *more: Any) -> Any:
    return x


class RecordedSteps(WorkflowStepMixin, Workflow):
    name, version = "recorded-steps", "1"

    def get_step_bucket(self) -> str:
        return "/tmp/simpleflow-recorded"

    def get_step_path_prefix(self) -> str:
        return "steps"

    def run(self) -> Any:
        self.add_forced_steps("c", "asked for")
        self.add_skipped_steps("d", "no time")
        heard = self.submit(self.wait_signal("step.a"))
        both = Group(
            Chain(
                (work, 1),
                self.step("a", Group(work, work, self.step("a.in", work)), force_steps_if_executed="e"),
                send_result=True,
            ),
            self.step("b", (work, 2), activities_if_step_already_done=(work, 3), emit_signal=True),
            *[self.step(name, (work, name)) for name in "cde"],
        )
        self.submit(self.step("a", (work, 4), emit_signal=True))
        result = self.submit(both).result
        return [result, heard.result["args"], self.get_forced_steps(), self.get_steps_done().result]
