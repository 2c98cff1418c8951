"""Steps: parts of a workflow that run once, so that a later run leaves out what is done.

simpleflow workflow.start --local examples.steps.Closing --input '["2026-11"]'

The second time the same command runs neither step; with '["2026-11", "fetch"]' it fetches again, and adds up, too, for
that step is forced by the other one.
"""

from simpleflow import Workflow, activity
from simpleflow.canvas import Chain, Group
from simpleflow.step.workflow import WorkflowStepMixin


@activity.with_attributes(task_list="quickstart", version="example")
def fetch(month: str, shop: str) -> None:
    print(f"fetching the sales of {shop} in {month}")


@activity.with_attributes(task_list="quickstart", version="example")
def add_up(month: str) -> None:
    print(f"adding up {month}")


class Closing(WorkflowStepMixin, Workflow):
    name = "closing"
    version = "example"
    task_list = "example"

    month = ""

    def get_step_path_prefix(self) -> str:
        return f"closing/{self.month}"  # whatever the run's id: a month is closed once

    def get_step_activity_params(self) -> dict[str, str]:
        return {"task_list": "quickstart"}

    def run(self, month: str, force: str | None = None) -> list[str]:
        self.month = month
        self.add_forced_steps(force, "asked for")
        shops = Group((fetch, month, "north"), (fetch, month, "south"))
        steps = Chain(
            self.step("fetch", shops, force_steps_if_executed="add up"),
            self.step("add up", (add_up, month)),
            raises_on_failure=True,
        )
        self.submit(steps).wait()
        told = [marker.details for marker in self.list_markers(all=True)]
        return [f"{each['step']}: {each['status']}" for each in told]
