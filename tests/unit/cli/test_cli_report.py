"""Events reworded, of an engine in memory."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from simpleflow.cli import reading
from simpleflow.engine import Engine, VirtualClock
from simpleflow.payload.codec import PLAIN, Codec
from simpleflow.payload.store import Payloads
from simpleflow.protocol.events import EVENTS
from simpleflow.runtime import runs, watching
from simpleflow.swf import report
from simpleflow.swf.models.event import EventFactory
from simpleflow.swf.models.history import History

DOMAIN = {"domain": "D"}
EXTRA = '{"args":[1],"kwargs":{},"__extra":{"class":"m.C"}}'


@pytest.fixture
def engine() -> Engine:
    made = Engine(None, clock=VirtualClock(1_800_000_000), long_poll_seconds=0)
    made.register_domain(name="D", workflowExecutionRetentionPeriodInDays="1")
    made.register_workflow_type(domain="D", name="W", version="1", defaultTaskList={"name": "L"})
    made.register_activity_type(domain="D", name="add", version="1")
    return made


@pytest.fixture
def run(engine: Engine) -> runs.Run:
    started = engine.start_workflow_execution(
        **DOMAIN,
        workflowId="I",
        workflowType={"name": "W", "version": "1"},
        input=EXTRA,
        tagList=["a=1", "b"],
        executionStartToCloseTimeout="60",
        taskStartToCloseTimeout="60",
        childPolicy="TERMINATE",
    )
    return runs.Run("D", "I", started["runId"])


def decide(engine: Engine, *decisions: dict[str, Any], context: str = "{}") -> None:
    task = engine.poll_for_decision_task(**DOMAIN, taskList={"name": "L"})
    engine.respond_decision_task_completed(
        taskToken=task["taskToken"], decisions=list(decisions), executionContext=context
    )


def schedule(engine: Engine) -> None:
    given = {
        "activityId": "activity-add-1",
        "activityType": {"name": "add", "version": "1"},
        "taskList": {"name": "A"},
        "input": '{"args":[1]}',
        "scheduleToCloseTimeout": "NONE",
        "scheduleToStartTimeout": "NONE",
        "startToCloseTimeout": "NONE",
        "heartbeatTimeout": "NONE",
    }
    decide(engine, {"decisionType": "ScheduleActivityTask", "scheduleActivityTaskDecisionAttributes": given})


def work(engine: Engine) -> str:
    return str(engine.poll_for_activity_task(**DOMAIN, taskList={"name": "A"})["taskToken"])


def close(engine: Engine, kind: str, **given: str) -> None:
    member = f"{kind[0].lower()}{kind[1:]}DecisionAttributes"
    decide(engine, {"decisionType": kind, member: given})


def summary(engine: Engine, run: runs.Run, values: Codec = PLAIN) -> tuple[dict[str, Any], str | None]:
    """What `workflow.info` asks for: the row, and the traceback."""
    described = reading.execution(engine, run).upstream()
    ends = described.ends()
    [record] = report.info(described, ends).records
    return record, report.traceback(ends, values)


def test_every_event_type_can_be_worded() -> None:
    for name, event_type in EVENTS.items():
        values = dict.fromkeys((*event_type.required, *event_type.optional), "x")
        raw = {"eventId": 1, "eventType": name, "eventTimestamp": None, event_type.member: values}
        found = report.flat(EventFactory(raw))
        assert found["id"] == 1 and found["type"] and found["state"]
        assert list(found.values()).count("x") == len(values), "none hides another"


def test_an_event_of_a_type_to_come_is_told_as_far_as_it_is_known() -> None:
    found = report.flat(EventFactory({"eventId": 7, "eventType": "RunPraised", "eventTimestamp": 1.0}))
    assert (found["id"], found["type"], found["state"]) == (7, "RunPraised", "unknown")
    newer = {"eventId": 7, "eventType": "TimerFired", "eventTimestamp": 1.0, "timerFiredEventAttributes": {"newOne": 1}}
    assert report.flat(EventFactory(newer))["new_one"] == 1


def test_flat(engine: Engine, run: runs.Run) -> None:
    first = report.flat(reading.execution(engine, run).first_event())
    assert (first["id"], first["type"], first["state"]) == (1, "WorkflowExecution", "started")
    assert first["input"]["args"] == [1]
    assert first["tag_list"] == ["a=1", "b"]


def test_cooked_in_any_order(engine: Engine, run: runs.Run) -> None:
    schedule(engine)
    engine.respond_activity_task_failed(taskToken=work(engine), reason="ValueError: nope", details="{}")
    close(engine, "FailWorkflowExecution", reason="why")
    history = reading.history(engine, run)
    cooked = report.gathered(history)
    assert cooked == report.gathered(History(history.reversed))
    activity = cooked["activities"]["activity-add-1"]
    assert {key: activity[key] for key in ("type", "id", "name", "version", "state", "reason", "input")} == {
        "type": "activity",
        "id": "activity-add-1",
        "name": "add",
        "version": "1",
        "state": "failed",
        "reason": "ValueError: nope",
        "input": {"args": [1]},
    }
    assert activity["scheduled_id"] < activity["started_id"] < activity["failed_id"]
    assert cooked["workflow"]["state"] == "failed"
    assert cooked["workflow"]["reason"] == "why"


def test_cooked_tells_which_signals_reached_others(engine: Engine, run: runs.Run) -> None:
    for workflow_id in ("I", "nobody"):
        decide(
            engine,
            {
                "decisionType": "SignalExternalWorkflowExecution",
                "signalExternalWorkflowExecutionDecisionAttributes": {"workflowId": workflow_id, "signalName": "go"},
            },
        )
        engine.signal_workflow_execution(**DOMAIN, workflowId="I", signalName="tick")
    cooked = report.gathered(reading.history(engine, run))
    assert len(cooked["external_workflows_signaling"]) == 2
    [record] = cooked["signaled_workflows"]["go"]
    assert (record["workflow_id"], record["state"]) == ("I", "execution_signaled")
    assert [signal["name"] for signal in cooked["signal_lists"]["tick"]] == ["tick", "tick"]


def test_summary_of_an_open_run(engine: Engine, run: runs.Run) -> None:
    columns, traceback = summary(engine, run)
    assert traceback is None
    assert (columns["status"], columns["result"], columns["failure"], columns["parked"]) == ("OPEN", None, None, None)
    assert columns["input"] == {"args": [1], "kwargs": {}}
    assert columns["tag_list"] == "a=1,b"
    decide(engine, context='{"parked": {"error": "there is no module m"}}')
    assert summary(engine, run)[0]["parked"] == "there is no module m"


def test_summary_of_a_failed_run(engine: Engine, run: runs.Run) -> None:
    close(engine, "FailWorkflowExecution", reason="why", details='{"traceback": ["line 1\\n", "line 2\\n"]}')
    columns, traceback = summary(engine, run)
    assert (columns["status"], columns["failure"]) == ("FAILED", "why")
    assert traceback == "line 1\nline 2\n"


def test_a_large_traceback_is_read_where_it_lies(engine: Engine, run: runs.Run) -> None:
    values = Codec(payloads=Payloads(["memory:"]))
    details = values.keep(json.dumps({"traceback": ["line\n"] * 10_000}))
    assert details is not None and details.startswith("simpleflow+memory://")
    close(engine, "FailWorkflowExecution", reason="why", details=details)
    assert summary(engine, run, values)[1] == "line\n" * 10_000
    lost = summary(engine, run, Codec(payloads=Payloads(["memory:"])))[1]
    assert lost == f"The traceback cannot be had: the payload {details} is not in the memory of this process"


def test_summary_of_a_completed_run(engine: Engine, run: runs.Run) -> None:
    close(engine, "CompleteWorkflowExecution", result='{"a": 1}')
    columns, traceback = summary(engine, run)
    assert (columns["status"], columns["result"], traceback) == ("COMPLETED", {"a": 1}, None)


def test_find(engine: Engine, run: runs.Run) -> None:
    assert runs.find(engine, "D", "I") == run == runs.find(engine, "D", "I", run.run_id)
    close(engine, "CompleteWorkflowExecution", result="1")
    assert runs.find_open(engine, "D", "I") is None
    assert runs.find(engine, "D", "I") == run
    with pytest.raises(runs.NoSuchRun, match="the domain D has no run of J"):
        runs.find(engine, "D", "J")


def test_find_where_the_service_overlooks_filters(engine: Engine, run: runs.Run) -> None:
    """It lists what is there, the oldest first: no other run is taken for the one that is meant."""

    class Overlooks:
        def list_open_workflow_executions(self, maximumPageSize: int = 100, **asked: Any) -> Any:
            others = [{"execution": {"workflowId": "other", "runId": "r-0"}, "startTimestamp": datetime.now(UTC)}]
            del asked["executionFilter"]
            found = engine.list_open_workflow_executions(**asked)["executionInfos"]
            return {"executionInfos": [*others, *found][:maximumPageSize]}

        def list_closed_workflow_executions(self, **asked: Any) -> Any:
            return {"executionInfos": [{"execution": {"workflowId": "other", "runId": "r-0"}, "startTimestamp": 1}]}

    swf: Any = Overlooks()
    assert runs.find(swf, "D", "I") == run
    with pytest.raises(runs.NoSuchRun, match="the domain D has no run of J"):
        runs.find(swf, "D", "J")


def test_watch_reads_only_what_is_new(engine: Engine, run: runs.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "PAGE", 2)
    watch = watching.Watch(engine, run)
    assert watch.look() is None
    assert (watch.known, watch.done, watch.running) == (0, 0, 0)
    schedule(engine)
    token = work(engine)
    watch.look()
    assert (watch.known, watch.done, watch.running, watch.lists) == (1, 0, 1, {"A"})
    engine.respond_activity_task_completed(taskToken=token, result="2")
    decide(engine, context='{"parked": {"error": "later"}}')
    watch.look()
    assert (watch.known, watch.done, watch.running, watch.parked) == (1, 1, 0, "later")
    engine.terminate_workflow_execution(**DOMAIN, workflowId="I", reason="enough")
    closing = watch.look()
    assert closing is not None
    assert closing["eventType"] == "WorkflowExecutionTerminated"
    assert watch.look() is closing
