"""What the kill tests run: 200 activities that leave a line each time they run."""

from __future__ import annotations

import os
import time

from simpleflow import Workflow, activity, futures


@activity.with_attributes(
    task_list="kill", version="1", retry=5, heartbeat_timeout=1, start_to_close_timeout=10, schedule_to_start_timeout=60
)
def leave_a_line(index: int, before: int | None = None) -> int:
    """Append "index time" to the file that EXECUTED names, in one write."""
    file = os.open(os.environ["EXECUTED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{index} {time.time()!r}\n".encode())
    os.close(file)
    return index + 1


class Chain(Workflow):
    name, version, task_list = "kill-chain", "1", "kill-decisions"
    decision_tasks_timeout = 1

    def run(self, n: int) -> int:
        last = self.submit(leave_a_line, 0)
        for _ in range(n - 1):
            last = self.submit(leave_a_line, last)
        return last.result


class FanOut(Workflow):
    name, version, task_list = "kill-fan-out", "1", "kill-decisions"
    decision_tasks_timeout = 1

    def run(self, n: int) -> int:
        return sum(futures.wait(*self.map(leave_a_line, range(n))))
