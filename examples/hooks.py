"""Hooks and the end of a run: what the decider calls when a run goes on, completes or fails, and `fail`.

simpleflow workflow.start --local examples.hooks.Exam --input '[[1, 2]]'

Hooks watch: they submit nothing, and are called once for each decision, never while a run is read again.
"""

from typing import Any

from simpleflow import Workflow, activity
from simpleflow.exceptions import TaskFailed


@activity.with_attributes(task_list="quickstart", version="example")
def grade(answer: int) -> bool:
    return answer % 2 == 1


class Candidate(Workflow):
    name = "candidate"
    version = "example"
    task_list = "example"
    raises_on_failure = None

    def before_replay(self, history: Any) -> None:
        print(f"a decision: {len(history.events)} events")

    def on_completed(self, history: Any) -> None:
        graded = [task["state"] for task in history.activities.values()]
        print(f"passed: {graded}")

    def on_failure(self, history: Any, reason: str, details: str | None = None) -> None:
        print(f"failed: {reason}, {details}")

    def after_closed(self, history: Any) -> None:
        print("bye")

    def run(self, answer: int) -> str:
        if not self.submit(grade, answer).result:
            self.fail("wrong answer", details=answer)  # ends the run, here and now
        return "passed"


class Exam(Workflow):
    name = "exam"
    version = "example"
    task_list = "example"

    def run(self, answers: list[int]) -> list[str]:
        seen = []
        for candidate in [self.submit(Candidate, answer) for answer in answers]:
            try:
                seen.append(candidate.result)
            except TaskFailed as error:
                seen.append(str(error.reason))
        return seen
