"""The program of tests/histories/everything.json: all that a run of activities can meet. Not to be changed."""

from __future__ import annotations

from typing import Any

from simpleflow import Workflow, activity, futures
from simpleflow.exceptions import TaskFailed

tries: dict[int, int] = {}


@activity.with_attributes(version="1")
def square(x: int) -> int:
    return x * x


@activity.with_attributes(version="1", retry=2)
def second_time_lucky(x: int) -> int:
    tries[x] = tries.get(x, 0) + 1
    if tries[x] < 2:
        raise ValueError("the first time it fails")
    return x


@activity.with_attributes(version="1", idempotent=True)
def once(x: int) -> int:
    return x + 100


@activity.with_attributes(version="1", raises_on_failure=True)
def fatal() -> None:
    raise KeyError("fatal")


@activity.with_attributes(version="1", raises_on_failure=False)
def shrugged() -> None:
    raise KeyError("shrugged")


class Everything(Workflow):
    name, version, task_list = "everything", "1", "recorded"

    def run(self) -> Any:
        many = self.map(square, range(150))
        lucky = self.submit(second_time_lucky, many[2])
        merged = [self.submit(once, 1), self.submit(once, 1), self.submit(once, lucky)]
        nested = self.submit(sum_of, {"numbers": [many[3], 1, many[4]]})
        soft = self.submit(shrugged)
        dropped = self.submit(square, nested)
        dropped.cancel()
        try:
            self.submit(fatal)
            late = self.submit(square, nested).result
        except TaskFailed as error:
            late = error.reason
        return [futures.wait(*many)[-1], futures.wait(*merged), nested.result, soft.result, late, self.random()]


@activity.with_attributes(version="1")
def sum_of(given: dict[str, list[int]]) -> int:
    return sum(given["numbers"])
