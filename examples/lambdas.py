"""Lambda functions: on Amazon SWF they are Amazon's, on the embedded engine a Python function stands for a name.

simpleflow workflow.start --local --lambda resize=examples.lambdas:resize examples.lambdas.Gallery --input '[640]'
"""

from typing import Any

from simpleflow import Workflow
from simpleflow.task import LambdaFunctionTask


def resize(event: dict[str, int], context: Any) -> dict[str, int]:
    """A handler as Amazon calls it."""
    assert context.get_remaining_time_in_millis() > 0
    return {"width": event["width"] // 2}


class Gallery(Workflow):
    name = "gallery"
    version = "example"
    task_list = "example"

    def run(self, width: int) -> list[int]:
        half = self.submit(LambdaFunctionTask("resize", {"width": width}, start_to_close_timeout=60))
        quarter = self.submit(LambdaFunctionTask("resize", half, retry=1))
        return [half.result["width"], quarter.result["width"]]
