"""Cancelling: a run that is asked to end may decline, and tidies up when it follows.

simpleflow workflow.start --local examples.cancellation.Landlord

A child is cancelled by its parent here. Anybody else asks by `simpleflow.swf`, boto3 or `aws swf`:

aws swf request-cancel-workflow-execution --domain TestDomain --workflow-id ID --endpoint-url http://localhost:8042
"""

from typing import Any

from simpleflow import Workflow
from simpleflow.exceptions import TaskCanceled


class Tenant(Workflow):
    """Open activities, timers and children are cancelled with their run."""

    name = "tenant"
    version = "example"
    task_list = "example"
    raises_on_failure = None  # the parent is told where it reads the result

    def should_cancel(self, history: Any) -> bool:
        return self.warned

    def on_canceled(self, history: Any) -> None:
        print("the tenant moves out")

    def run(self, landlord: str, warned: bool) -> str:
        self.warned = warned
        self.submit(self.signal("moved in", workflow_id=landlord, propagate=False))
        self.submit(self.start_timer("contract", 2)).result
        return "the contract is over"


class Landlord(Workflow):
    name = "landlord"
    version = "example"
    task_list = "example"

    def run(self) -> list[str]:
        me = self.get_run_context()["workflow_id"]
        ends = []
        for warned in (True, False):
            tenant = self.submit(Tenant, me, warned)
            self.receive("moved in").result
            tenant.cancel()  # asks the run; its future is done when it has ended
            try:
                ends.append(tenant.result)
            except TaskCanceled:
                ends.append("cancelled")
        print(f"with a warning: {ends[0]}; without: {ends[1]}")
        return ends
