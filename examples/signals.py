"""Signals: runs that tell each other something, and wait for it.

simpleflow workflow.start --local examples.signals.Kitchen --input '[["soup", "salad"]]'

`wait_signal` is done once a signal of that name has come, before or after, and has what it carried. `receive` takes
signals one by one, in order, and loses none. A signal that nobody else sends can be sent from outside:

python -c 'from simpleflow.clients import client; client("sqlite:PATH").signal_workflow_execution(
    domain="TestDomain", workflowId="ID", signalName="open", input="{}")'
"""

from simpleflow import Workflow
from simpleflow.exceptions import TimeoutError


class Cook(Workflow):
    name = "cook"
    version = "example"
    task_list = "example"

    def run(self, kitchen: str) -> list[str]:
        self.submit(self.signal("ready", self.get_run_context()["workflow_id"], workflow_id=kitchen, propagate=False))
        self.submit(self.wait_signal("open")).result
        cooked = []
        while (dish := self.receive("order").result["args"][0]) is not None:
            cooked.append(dish)
            self.submit(self.signal("served", dish, workflow_id=kitchen, propagate=False))
        return cooked


class Kitchen(Workflow):
    name = "kitchen"
    version = "example"
    task_list = "example"

    def run(self, dishes: list[str]) -> dict[str, list[str]]:
        cooking = self.submit(Cook, self.get_run_context()["workflow_id"])
        cook = self.receive("ready").result["args"][0]
        for dish in [*dishes, None]:
            self.submit(self.signal("order", dish, workflow_id=cook, propagate=False))
        self.submit(self.signal("open"))  # to this run, and handed on to its children
        self.submit(self.wait_signal("open")).result
        served = [self.receive("served").result["args"][0] for _ in dishes]
        try:
            self.receive("complaint", timeout=1).result
        except TimeoutError:
            print("no complaints")
        return {"cooked": cooking.result, "served": served}
