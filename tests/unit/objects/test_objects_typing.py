"""What mypy says of right and of wrong uses of the object layer, line by line."""

from __future__ import annotations

import re
from pathlib import Path

from mypy import api

SAMPLE = """
from datetime import datetime, timedelta

from simpleflow.swf.actors import ActivityWorker, Decider
from simpleflow.swf.models import Domain, WorkflowExecution, WorkflowType
from simpleflow.swf.models.decision import TimerDecision
from simpleflow.swf.models.event import ActivityTaskEvent, Event
from simpleflow.swf.models.history import History, builder
from simpleflow.swf.querysets import WorkflowExecutionQuerySet, WorkflowTypeQuerySet
from swf.models import Domain as OldDomain

domain: Domain = OldDomain("D", retention_period=7).save()
job: WorkflowType = WorkflowTypeQuerySet(domain).get_or_create("job", "1", task_list="l")
runs: WorkflowExecutionQuerySet = WorkflowExecutionQuerySet(domain).filter(tag="x").filter(start_oldest_date=3)
run: WorkflowExecution = runs[0]
few: list[WorkflowExecution] = runs[:3]
first: WorkflowExecution | None = runs.first()
ages: list[timedelta | None] = [run.age() for run in runs.filter(close_latest_date=datetime.now())]
history: History = run.history()
event: Event = history[0]
part: History = history[1:]
if isinstance(event, ActivityTaskEvent):
    name: str = event.activity_id
    result: str | None = event.result
    wrong: int = event.activity_id               # error: assignment
made: builder.History = builder.History().add_signal("s").add_decision_task()
task = Decider(domain, "l").poll()
read: History = task.history
Decider(domain, "l").complete(task.token, [TimerDecision("start", "t", 5)])
polled = ActivityWorker(domain, "l").poll()
token: str = polled.task_token

WorkflowType("D", "t", "1")                      # error: arg-type
run.status = "CLOSED"                            # error: misc
runs.filter(tag=3)                               # error: arg-type
runs.filter(start_oldest_date="yesterday")       # error: arg-type
job.start_execution(7)                           # error: arg-type
Decider("D", "l")                                # error: arg-type
domain.retention                                 # error: attr-defined
"""


def test_uses_are_typed(tmp_path: Path) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text(SAMPLE)
    found, trouble, _ = api.run(["--strict", "--no-error-summary", "--cache-dir", str(tmp_path / "cache"), str(sample)])
    said = {
        (int(match[1]), match[2])
        for line in found.splitlines()
        if (match := re.fullmatch(r".*sample\.py:(\d+): error: .*\[([a-z-]+)\]", line))
    }
    expected = {
        (number, match[1])
        for number, line in enumerate(SAMPLE.splitlines(), 1)
        if (match := re.search(r"# error: ([a-z-]+)$", line))
    }
    assert said == expected, found + trouble
