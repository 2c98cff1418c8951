"""Binaries: programs that workers fetch before they run an activity, and find on their PATH.

simpleflow workflow.start --local examples.binaries.Greetings --input '["world"]'

Mostly they lie in a bucket, "s3://my-tools/greet-1"; here in a directory. Each machine fetches one once.
"""

from pathlib import Path
from typing import Any

from simpleflow import Workflow, activity, execute

GREET = Path(__file__).with_name("tools") / "greet"


@activity.with_attributes(
    task_list="quickstart", version="example", meta={"binaries": {"greet-example": f"file://{GREET}"}}
)
@execute.program(path="greet-example", argument_format=execute.plain_arguments)
def greet(name: str) -> Any: ...


class Greetings(Workflow):
    name = "greetings"
    version = "example"
    task_list = "example"

    def run(self, name: str) -> str:
        text = str(self.submit(greet, name).result).strip()
        print(text)
        return text
