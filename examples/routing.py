"""Priorities, tags and task lists: which tasks go first, how runs are found, and who works on what.

simpleflow standalone --domain TestDomain examples.routing.Printer --input '[["draft", "contract"]]'

`standalone` starts workers for each task list that it sees. Without it: one worker.start for each.
"""

from simpleflow import Workflow, activity
from simpleflow.task import ActivityTask


@activity.with_attributes(task_list="quickstart", version="example", task_priority=1)
def typeset(text: str) -> str:
    return text.title()


@activity.with_attributes(task_list="printers", version="example")
def output(text: str) -> str:
    return f"[{text}]"


class Delivery(Workflow):
    name = "delivery"
    version = "example"
    task_list = "example"
    tag_list = Workflow.INHERIT_TAG_LIST

    def run(self) -> list[str]:
        tags: list[str] = self.get_run_context()["tag_list"]
        return tags


class Printer(Workflow):
    name = "printer"
    version = "example"
    task_list = "example"
    tag_list = ("print", "monday")  # workflow.list --tag finds the runs
    task_priority = 5  # of activities that name none themselves

    def run(self, texts: list[str]) -> list[str]:
        pages = self.map(typeset, texts)
        urgent = [self.submit(ActivityTask(output, page, __priority=10)) for page in pages]
        cover = self.submit(output, "cover")
        return [cover.result, *[page.result for page in urgent], *self.submit(Delivery).result]
