"""One life of the object layer, the same on every engine: from a domain to the deprecation of its types."""

from __future__ import annotations

from typing import Any

import pytest

from simpleflow.swf import report
from simpleflow.swf.actors import ActivityWorker, Decider
from simpleflow.swf.exceptions import (
    AlreadyExistsError,
    DoesNotExistError,
    PollTimeout,
    ResponseError,
    WorkflowExecutionAlreadyStartedError,
    WorkflowExecutionDoesNotExist,
)
from simpleflow.swf.models import Domain, WorkflowExecution, WorkflowType
from simpleflow.swf.models.decision import (
    ActivityTaskDecision,
    ChildWorkflowExecutionDecision,
    Decision,
    ExternalWorkflowExecutionDecision,
    MarkerDecision,
    TimerDecision,
    WorkflowExecutionDecision,
)
from simpleflow.swf.querysets import (
    ActivityTypeQuerySet,
    DeciderQuerySet,
    DomainQuerySet,
    HistoryQuerySet,
    WorkflowExecutionQuerySet,
    WorkflowTypeQuerySet,
)


class Life:
    """A domain of its own on some engine, with types, a decider and a worker."""

    def __init__(self, connection: Any, name: str = "Objects") -> None:
        domains = DomainQuerySet(connection)
        assert not Domain(name, connection=connection).exists
        self.domain = domains.get_or_create(name, description="ours", retention_period=7)
        self.type = WorkflowTypeQuerySet(self.domain).get_or_create("job", "1", task_list="deciders")
        self.activity = ActivityTypeQuerySet(self.domain).get_or_create("work", "1", task_list="workers")
        self.decider = Decider(self.domain, "deciders", identity="the decider")
        self.worker = ActivityWorker(self.domain, "workers", identity="the worker")
        self.runs = WorkflowExecutionQuerySet(self.domain)

    def decide(self, *decisions: Decision, context: str | None = None) -> Any:
        task = self.decider.poll()
        self.decider.complete(task.token, decisions, context)
        return task

    def live(self) -> None:
        self.registers()
        run = self.type.start_execution("job-1", input={"args": [2]}, tag_list=["blue"])
        self.works(run)
        self.is_told(run)
        self.is_found(run)
        self.ends()
        self.retires()

    def registers(self) -> None:
        domain = self.domain
        assert domain.is_synced and domain.retention_period == 7
        assert domain.name in [found.name for found in DomainQuerySet(domain.connection)]
        assert "description" in Domain(domain.name, description="x", connection=domain.client).changes
        domain.tag({"team": "a"})
        assert domain.tags() == {"team": "a"}
        for made in (domain, self.type, self.activity):
            with pytest.raises(AlreadyExistsError):
                made.save()
            assert made.exists and made.is_synced
        assert WorkflowTypeQuerySet(domain).get("job", "1") == self.type
        assert [found.name for found in domain.workflows()] == ["job"] and domain.activities("DEPRECATED") == []
        with pytest.raises(DoesNotExistError):
            ActivityTypeQuerySet(domain).get("work", "2")

    def works(self, run: WorkflowExecution) -> None:
        with pytest.raises(WorkflowExecutionAlreadyStartedError):
            self.type.start_execution("job-1")
        assert run.is_synced and self.domain.pending_decisions("deciders") == 1
        before = run.upstream()
        task = self.decide(
            ActivityTaskDecision("schedule", "work-1", self.activity, input={"args": [2]}, control="why"),
            TimerDecision("start", "timer-1", 3600),
            MarkerDecision("record", "begun", "details"),
            context="here",
        )
        assert task.execution.workflow_id == run.workflow_id and task.history.first.input == {"args": [2]}
        assert self.domain.pending_activities("workers") == 1
        polled = self.worker.poll()
        assert polled.activity_task.arguments == {"args": [2]} and polled.activity_task.activity_type.name == "work"
        assert self.worker.heartbeat(polled.task_token, "half")["cancelRequested"] is False
        self.worker.complete(polled.task_token, 4)
        with pytest.raises(DoesNotExistError):
            self.worker.complete(polled.task_token, 4)
        found = run.upstream()
        assert found.open_counts["openTimers"] == 1 and found.latest_execution_context == "here"
        assert not before.is_synced and before.changes.differing_fields() == ["open_counts"]

    def is_told(self, run: WorkflowExecution) -> None:
        run.signal("go", {"args": [1]})
        run.request_cancel()
        assert run.upstream().cancel_requested and "cancel_requested" not in run.changes
        task = self.decide(
            TimerDecision("cancel", "timer-1"),
            ActivityTaskDecision("schedule", "work-2", self.activity),
            ChildWorkflowExecutionDecision("start", self.type, "child-1", task_list="children"),
            ExternalWorkflowExecutionDecision("signal", "go", "nobody"),
        )
        assert task.history.parsed.signals["go"]["input"] == {"args": [1]}
        polled = self.worker.poll()
        self.worker.fail_with(polled.task_token, ValueError("nope"))
        self.decide(ActivityTaskDecision("schedule", "work-3", self.activity))
        polled = self.worker.poll()
        run.signal("stop")
        self.decide(ActivityTaskDecision("request_cancel", "work-3"))
        assert self.worker.heartbeat(polled.task_token)["cancelRequested"] is True
        self.worker.cancel(polled.task_token, "enough")

    def is_found(self, run: WorkflowExecution) -> None:
        runs = self.runs
        assert {found.workflow_id for found in runs} == {"job-1", "child-1"} and runs.count() == 2
        assert [found.run_id for found in runs.filter(status="OPEN").filter(tag="blue")] == [run.run_id]
        assert runs.get("job-1").run_id == run.run_id and runs.get("child-1").parent["workflowId"] == "job-1"
        assert len(runs.filter(workflow_type_name="job", workflow_type_version="1").page_size(1)) == 2
        assert runs.filter(status="CLOSED").count() == 0 and runs.first() in list(runs)
        assert runs.get_or_create("job-1", self.type).run_id == run.run_id
        history = run.history()
        states = {thing.name: thing.state for thing in history.compile() if thing.name}
        assert states == {
            "work-1": "completed",
            "work-2": "failed",
            "work-3": "canceled",
            "timer-1": "canceled",
            "begun": "recorded",
            "child-1": "started",
        }
        assert len(history) == len(run.history_events(maximum_page_size=3)) and not history.finished
        assert HistoryQuerySet(self.domain).get(run.run_id or "", "job-1", 2, reverse=True)[0] == history.last
        assert [row[0] for row in report.tasks(history).rows].count("work") == 3
        [decider] = DeciderQuerySet(self.domain).filter(task_list="deciders")
        assert decider.identity == "the decider" and decider.decisions == 4 and decider.exists
        assert decider.workflow_types == (("job", "1"),) and decider.pending >= 1

    def ends(self) -> None:
        self.decide(WorkflowExecutionDecision("complete", {"sum": 4}))
        child = self.runs.get("child-1")
        child.terminate(reason="enough")
        with pytest.raises(WorkflowExecutionDoesNotExist):
            child.signal("late")
        done = self.runs.get("job-1")
        assert (done.status, done.close_status) == ("CLOSED", "COMPLETED") and done.history().finished
        [record] = report.info(done, done.history()).records
        assert (record["result"], record["status"], record["input"]) == ({"sum": 4}, "COMPLETED", {"args": [2]})
        ended = self.runs.filter(close_status="TERMINATED", close_latest_date=-1)
        assert ended.count() == 1 and [found.workflow_id for found in ended] == ["child-1"]
        assert self.runs.filter(status="ALL").count() == 2 and not self.runs.all()

    def retires(self) -> None:
        for made in (self.type, self.activity):
            with pytest.raises(ResponseError) as caught:
                made.purge()
            assert caught.value.error_code == "TypeNotDeprecatedFault"
            made.delete()
            assert made.upstream().status == "DEPRECATED" and made.exists and not made.is_synced
            made.undeprecate()
            assert made.is_synced
            made.deprecate()
            made.purge()
            assert not made.exists
        self.domain.delete()
        assert self.domain.changes.differing_fields() == ["status"]
        assert WorkflowType(self.domain, "job", "1").exists is False

    def polls_in_vain(self) -> None:
        """Where a poll does not wait."""
        for actor in (self.decider, self.worker):
            with pytest.raises(PollTimeout):
                actor.poll()
