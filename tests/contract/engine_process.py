"""A decider and worker of the tests, as a process of its own.

    python engine_process.py URL NOW POINT OPERATION COUNT

It runs whatever runs are open, each to a chain of as many activities as its input says, and ends when nothing is
left. With NOW its clock stands there; with POINT it kills itself at the COUNTth passage of that point by that
operation. Each activity that it carries out is a line on standard output.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from simpleflow.clients import client
from simpleflow.engine import SystemClock, VirtualClock

DOMAIN = "contract"
DECIDERS = {"domain": DOMAIN, "taskList": {"name": "deciders"}}
WORKERS = {"domain": DOMAIN, "taskList": {"name": "workers"}}


def killer(point: str, operation: str, count: int) -> Any:
    left = [count]

    def pass_by(name: str, passing: str) -> None:
        if (name, passing) == (point, operation):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return pass_by


def decide(task: dict[str, Any]) -> dict[str, Any]:
    """The next activity of the chain, or the end."""
    length = int(task["events"][0]["workflowExecutionStartedEventAttributes"]["input"])
    done = sum(event["eventType"] == "ActivityTaskCompleted" for event in task["events"])
    scheduled = sum(event["eventType"] == "ActivityTaskScheduled" for event in task["events"])
    lost = sum(event["eventType"] == "ActivityTaskTimedOut" for event in task["events"])
    decisions = []
    if done == length:
        decisions.append({"decisionType": "CompleteWorkflowExecution"})
    elif scheduled == done + lost:
        attributes = {"activityType": {"name": "a", "version": "1"}, "activityId": f"a-{done}", "input": str(done)}
        decisions.append({"decisionType": "ScheduleActivityTask", "scheduleActivityTaskDecisionAttributes": attributes})
    return {"taskToken": task["taskToken"], "decisions": decisions}


def main(url: str, now: str, point: str, operation: str, count: str) -> None:
    clock = VirtualClock(float(now)) if float(now) else SystemClock()
    swf = client(url, clock=clock, point=killer(point, operation, int(count)), long_poll_seconds=0)
    while True:
        task = swf.poll_for_decision_task(**DECIDERS)
        if task.get("taskToken"):
            swf.respond_decision_task_completed(**decide(task))
        activity = swf.poll_for_activity_task(**WORKERS)
        if activity.get("taskToken"):
            print(activity["workflowExecution"]["workflowId"], activity["activityId"], flush=True)
            swf.respond_activity_task_completed(taskToken=activity["taskToken"], result="r")
        idle = not task.get("taskToken") and not activity.get("taskToken")
        if (
            idle
            and not swf.list_open_workflow_executions(domain=DOMAIN, startTimeFilter={"oldestDate": 0})[
                "executionInfos"
            ]
        ):
            break
        if idle and float(now):
            clock.set(swf.next_due())  # type: ignore[union-attr,attr-defined]
    swf.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
