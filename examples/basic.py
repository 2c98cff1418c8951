"""The first program: (x + 1) * 2, step by step.

simpleflow workflow.start --local examples.basic.BasicWorkflow --input '[1, 5]'
"""

import time

from simpleflow import Workflow, activity, futures


@activity.with_attributes(task_list="quickstart", version="example")
def increment(x: int) -> int:
    return x + 1


@activity.with_attributes(task_list="quickstart", version="example")
def double(x: int) -> int:
    return x * 2


@activity.with_attributes(task_list="quickstart", version="example")
def delay(t: float, x: int) -> int:
    time.sleep(t)
    return x


class BasicWorkflow(Workflow):
    name = "basic"
    version = "example"
    task_list = "example"

    def run(self, x: int, t: float = 30) -> int:
        y = self.submit(increment, x)
        yy = self.submit(delay, t, y)
        z = self.submit(double, y)

        print(f"({x} + 1) * 2 = {z.result}")
        futures.wait(yy, z)
        return z.result
