"""Trying again: `Retry` says how often and when, and an activity may say so itself.

simpleflow workflow.start --local examples.retries.Calls

The delays are durable timers: no worker waits. The notebook is a file, for each attempt may be in another process.
"""

import tempfile
from pathlib import Path

from simpleflow import Workflow, activity
from simpleflow.constants import MINUTE
from simpleflow.exceptions import NonRetryable, RetryAfter, TaskFailed
from simpleflow.retry import Retry


class WrongNumber(NonRetryable):
    """Whoever says so is not called again."""


@activity.with_attributes(task_list="quickstart", version="example")
def notebook() -> str:
    return tempfile.mkdtemp()


def attempts(folder: str, who: str) -> int:
    """The number of this call, from 1."""
    with (Path(folder) / who).open("a+") as calls:
        calls.write("x")
        return calls.tell()


@activity.with_attributes(
    task_list="quickstart",
    version="example",
    retry=Retry(max_attempts=4, initial=1, factor=1.5, max_interval=MINUTE, jitter=0.1, on=ConnectionError),
)
def call(folder: str, who: str) -> str:
    number = attempts(folder, who)
    if who == "nobody":
        raise WrongNumber(who)
    if who == "boss" and number == 1:
        raise RetryAfter(2)  # in two seconds
    if number < 2:
        raise ConnectionError("busy")
    return f"{who} at attempt {number}"


class Calls(Workflow):
    name = "calls"
    version = "example"
    task_list = "example"

    def run(self) -> list[str]:
        folder = self.submit(notebook).result
        futures = [self.submit(call, folder, who) for who in ("mother", "boss", "nobody")]
        reached = []
        for future in futures:
            try:
                reached.append(future.result)
            except TaskFailed as error:
                reached.append(str(error.reason))
        print("; ".join(reached))
        return reached
