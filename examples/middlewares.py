"""Middlewares: functions that are called around an activity, in its process.

simpleflow workflow.start --local examples.middlewares.Letters --input '["dear all"]'
"""

from typing import Any

from simpleflow import Workflow, activity
from simpleflow.task import ActivityTask

AROUND = {"pre": ["examples.middlewares.before"], "post": ["examples.middlewares.after"]}


def before(context: dict[str, Any]) -> None:
    context["stamps"] = ["opened"]


def after(context: dict[str, Any], result: str) -> None:
    context["stamps"].append("sent")
    assert result, "an empty letter is not sent, and so its task fails"


@activity.with_attributes(task_list="quickstart", version="example")
def letter(text: str) -> str:
    context = letter.context
    assert context is not None
    return f"{text} ({', '.join(context['stamps'])})" if text else ""


class Letters(Workflow):
    name = "letters"
    version = "example"
    task_list = "example"

    def run(self, text: str) -> list[str]:
        sent = self.submit(ActivityTask(letter, text, simpleflow_middlewares=AROUND))
        empty = self.submit(ActivityTask(letter, "", simpleflow_middlewares=AROUND))
        return [sent.result, type(empty.exception).__name__]
