"""Steps: parts of a workflow that run once, so that a run after a failure, or of a changed program, starts there.

simpleflow workflow.start --local examples.steps.Closing --input '["2026-11", "/tmp/closing"]'

The second time the same command runs nothing but the last step; with '["2026-11", "/tmp/closing", "load"]' it loads
again, and what depends on it runs, too.
"""

from pathlib import Path
from typing import Any

from simpleflow import Workflow, activity
from simpleflow.canvas import Chain, Group
from simpleflow.step.workflow import WorkflowStepMixin


@activity.with_attributes(task_list="quickstart", version="example")
def load(month: str, shop: str, place: str) -> int:
    file = Path(place, f"{month}-{shop}.txt")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(shop * 10)
    return file.stat().st_size


@activity.with_attributes(task_list="quickstart", version="example")
def total(month: str, place: str) -> int:
    return sum(file.stat().st_size for file in Path(place).glob(f"{month}-*.txt"))


@activity.with_attributes(task_list="quickstart", version="example")
def report(month: str, ran: list[str]) -> str:
    return f"{month}: ran {', '.join(ran) or 'nothing'}"


class Closing(WorkflowStepMixin, Workflow):
    name = "closing"
    version = "example"
    task_list = "example"

    month = place = ""

    def get_step_bucket(self) -> str:
        return self.place

    def get_step_path_prefix(self) -> str:
        return f"steps/{self.month}"

    def run(self, month: str, place: str, force: str | None = None) -> str:
        self.month, self.place = month, place
        self.add_forced_steps(force, "asked for")
        shops = Group(*[(load, month, shop, place) for shop in ("north", "south")])
        steps = Chain(
            self.step("load", shops, force_steps_if_executed="total"),
            self.step("total", (total, month, place)),
            raises_on_failure=True,
        )
        self.submit(steps).wait()
        line = self.submit(report, month, self.ran()).result
        print(line)
        return line

    def ran(self) -> list[str]:
        told: list[dict[str, Any]] = [marker.details for marker in self.list_markers(all=True)]
        return [each["step"] for each in told if each["status"] == "completed"]
