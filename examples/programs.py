"""Programs as activities, and Python in a process of its own.

simpleflow workflow.start --local examples.programs.Shell --input '[["b", "a"]]'
"""

import os
from typing import Any

from simpleflow import Workflow, activity, execute


@activity.with_attributes(task_list="quickstart", version="example")
@execute.program(path="printf", argument_format=execute.plain_arguments)
def printf(*words: str) -> Any: ...


@activity.with_attributes(task_list="quickstart", version="example")
@execute.python(timeout=60, kill_children=True)
def alone(words: list[str]) -> tuple[list[str], int]:
    return sorted(words), os.getpid()


@activity.with_attributes(task_list="quickstart", version="example")
@execute.python()
def crashes() -> None:
    os.abort()


class Shell(Workflow):
    name = "shell"
    version = "example"
    task_list = "example"

    def run(self, words: list[str]) -> list[Any]:
        ordered, process = self.submit(alone, words).result
        text = self.submit(printf, "%s-", *ordered).result
        crashed = self.submit(crashes).exception
        print(text, process, crashed)
        return [text, process != os.getpid(), type(crashed).__name__]
