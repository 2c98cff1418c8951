"""What the benchmarks run: activities that do nothing, in three shapes."""

from __future__ import annotations

from simpleflow import Workflow, activity, futures


@activity.with_attributes(task_list="bench", version="1")
def nothing(x: int) -> int:
    return x


class Chain(Workflow):
    """n tasks, each with the result of the one before."""

    name, version, task_list = "chain", "1", "bench-decisions"

    def run(self, n: int) -> int:
        last = self.submit(nothing, 0)
        for _ in range(n - 1):
            last = self.submit(nothing, last)
        return last.result


class FanOut(Workflow):
    """n tasks at once, and a join."""

    name, version, task_list = "fan-out", "1", "bench-decisions"

    def run(self, n: int) -> int:
        return len(futures.wait(*self.map(nothing, range(n))))


class Five(Workflow):
    """Five tasks, one after the other, each read before the next is submitted."""

    name, version, task_list = "five", "1", "bench-decisions"

    def run(self) -> int:
        value = 0
        for _ in range(5):
            value = self.submit(nothing, value).result
        return value
