"""Measurements: what activities read and wrote and how long it took, gathered when the run has ended.

simpleflow workflow.start --local examples.measurements.Load --input '[["ab", "cde"]]'

They lie in METROLOGY_BUCKET: a file for each activity, and metrology.json for the run.
"""

from typing import Any

from simpleflow import activity, metrology


@activity.with_attributes(task_list="quickstart", version="example")
class Copy(metrology.MetrologyTask):
    def __init__(self, rows: list[str]) -> None:
        self.rows = rows

    def execute(self) -> int:
        with self.step("read") as step:
            for row in self.rows:
                step.read.records += 1
                step.read.bytes += len(row)
            step.metadata["table"] = "words"
        self.meta["shard"] = 3
        return step.read.bytes or 0


class Load(metrology.MetrologyWorkflow):
    name = "load"
    version = "example"
    task_list = "example"

    def run(self, rows: list[str]) -> Any:
        copied: Any = self.submit(Copy, rows).result  # what `execute` gave
        print(f"{copied} bytes copied")
        return copied
