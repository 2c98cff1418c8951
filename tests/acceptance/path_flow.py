"""Two activities, one after the other: the second one's path is traced, when everything is warm."""

from __future__ import annotations

import os

from simpleflow import Workflow, activity


@activity.with_attributes(task_list="path", version="1")
def increment(x: int) -> int:
    return x + 1


class Path(Workflow):
    name, version, task_list = "path", "1", "path-decisions"

    def run(self) -> int:
        first = self.submit(increment, 1).result
        _switch(b"1")
        second = self.submit(increment, first).result
        _switch(b"0")
        return second


def _switch(value: bytes) -> None:
    with open(os.environ["TRACE_SWITCH"], "r+b") as file:
        file.write(value)
