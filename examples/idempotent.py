"""Idempotent tasks: equal calls within a run are one task, which runs once.

simpleflow workflow.start --local examples.idempotent.Trip
"""

import uuid

from simpleflow import Workflow, activity


@activity.with_attributes(task_list="quickstart", version="example", idempotent=True)
def ticket(town: str, *, first_class: bool = False) -> str:
    return f"{town} {'1st' if first_class else '2nd'} {uuid.uuid4()}"


class Trip(Workflow):
    name = "trip"
    version = "example"
    task_list = "example"

    def run(self) -> list[bool]:
        there, again, better = (
            self.submit(ticket, "Lima"),
            self.submit(ticket, "Lima"),
            self.submit(ticket, "Lima", first_class=True),
        )
        print(there.result)
        return [there.result == again.result, there.result == better.result]
