"""`on_task_failure`: the workflow decides what becomes of each task that has failed.

simpleflow workflow.start --local examples.task_failures.Market
"""

from simpleflow import Workflow, activity
from simpleflow.exceptions import TaskException
from simpleflow.futures import Future
from simpleflow.task import TaskFailureContext


@activity.with_attributes(task_list="quickstart", version="example")
def price(fruit: str) -> int:
    prices = {"apple": 3, "pear": 4}
    return prices[fruit]


class Market(Workflow):
    name = "market"
    version = "example"
    task_list = "example"

    def on_task_failure(self, failure_context: TaskFailureContext) -> TaskFailureContext | None:
        ctx = failure_context
        fruit = ctx.a_task.args[0]
        if fruit == "apples":
            ctx.a_task.args = ["apple"]
            return ctx.decide_retry()  # with other arguments; decide_retry(60) a minute later
        if fruit == "stone":
            return ctx.decide_ignore(0)  # as if it had returned 0
        if fruit == "tomato":
            return ctx.decide_cancel()
        if fruit == "orange":
            own: Future[int] = Future()
            own.set_finished(5)
            return ctx.decide_handled(ctx.a_task, own)  # ends as that future does
        return None  # what the activity's own `retry` says

    def run(self) -> dict[str, int | str]:
        fruits = ["apple", "apples", "stone", "orange", "tomato", "durian"]
        found: dict[str, int | str] = {}
        for fruit, future in zip(fruits, self.map(price, fruits), strict=True):
            try:
                found[fruit] = future.result
            except TaskException as error:
                found[fruit] = type(error).__name__
        print(found)
        return found
