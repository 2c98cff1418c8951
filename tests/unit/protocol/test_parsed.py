"""What a run's events tell, read from fabricated histories and from recorded ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simpleflow.protocol.events import EVENTS
from simpleflow.protocol.history import of_types
from simpleflow.protocol.parsed import RULES, Effect, History

RECORDED = Path(__file__).parents[2] / "histories"
NAMES = {"workflowExecution": {"workflowId": "w", "runId": "r"}, "workflowType": {"name": "child", "version": "1"}}


class Told:
    """A history under way: events numbered and dated as they are added."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def add(self, kind: str, **values: Any) -> int:
        id = len(self.events) + 1
        values = {key: value for key, value in values.items() if value is not None}
        self.events.append({"eventId": id, "eventTimestamp": id * 1.5, "eventType": kind, EVENTS[kind].member: values})
        return id

    def activity(self, id: str = "a-1", **options: Any) -> int:
        return self.add(
            "ActivityTaskScheduled",
            activityId=id,
            activityType={"name": "pkg.a", "version": "2"},
            taskList={"name": "list"},
            decisionTaskCompletedEventId=4,
            **options,
        )

    def child(self, id: str = "w", **options: Any) -> int:
        return self.add(
            "StartChildWorkflowExecutionInitiated",
            workflowId=id,
            workflowType={"name": "child", "version": "1"},
            taskList={"name": "list"},
            childPolicy="TERMINATE",
            decisionTaskCompletedEventId=4,
            **options,
        )

    @property
    def history(self) -> History:
        return History(self.events)


@pytest.fixture
def told() -> Told:
    return Told()


def subset(record: dict[str, Any], **expected: Any) -> None:
    assert {key: record.get(key, "<missing>") for key in expected} == expected


def test_every_type_of_event_is_read_once() -> None:
    assert sorted(rule.event for rule in RULES) == sorted(EVENTS)


def test_an_activity_from_its_scheduling_to_its_end(told: Told) -> None:
    scheduled = told.activity(input='{"args":[1]}', control="not json", heartbeatTimeout="60", taskPriority="3")
    started = told.add("ActivityTaskStarted", scheduledEventId=scheduled, identity="me")
    told.add("ActivityTaskCompleted", scheduledEventId=scheduled, startedEventId=started, result="[2]")
    assert told.history.activities == {
        "a-1": {
            "type": "activity",
            "id": "a-1",
            "name": "pkg.a",
            "version": "2",
            "activity_type": {"name": "pkg.a", "version": "2"},
            "state": "completed",
            "task_list": "list",
            "input": {"args": [1]},
            "raw_input": '{"args":[1]}',
            "control": "not json",
            "decision_task_completed_event_id": 4,
            "heartbeat_timeout": "60",
            "start_to_close_timeout": None,
            "schedule_to_start_timeout": None,
            "schedule_to_close_timeout": None,
            "task_priority": "3",
            "scheduled_id": 1,
            "scheduled_timestamp": 1.5,
            "identity": "me",
            "started_id": 2,
            "started_timestamp": 3.0,
            "result": "[2]",
            "completed_id": 3,
            "completed_timestamp": 4.5,
        }
    }


@pytest.mark.parametrize(
    ("event", "values", "state", "keys"),
    [
        ("ActivityTaskFailed", {"reason": "r", "details": "d"}, "failed", {"reason": "r", "details": "d"}),
        ("ActivityTaskCanceled", {"details": "d", "latestCancelRequestedEventId": 7}, "canceled", {"details": "d"}),
        (
            "ActivityTaskTimedOut",
            {"timeoutType": "HEARTBEAT", "details": "d"},
            "timed_out",
            {"timeout_type": "HEARTBEAT", "timeout_value": "60", "details": "d"},
        ),
        (
            "ActivityTaskTimedOut",
            {"timeoutType": "SCHEDULE_TO_START"},
            "timed_out",
            {"timeout_type": "SCHEDULE_TO_START", "timeout_value": None},
        ),
    ],
)
def test_ends_of_an_activity_that_are_no_completion(
    told: Told, event: str, values: dict[str, Any], state: str, keys: dict[str, Any]
) -> None:
    scheduled = told.activity(heartbeatTimeout="60")
    closed = told.add(event, scheduledEventId=scheduled, startedEventId=0, **values)
    record = told.history.activities["a-1"]
    subset(record, state=state, retry=0, **keys, **{f"{state}_id": closed, f"{state}_timestamp": closed * 1.5})
    assert History.get_event_id(record) == closed


def test_attempts_are_counted_and_each_is_read_afresh(told: Told) -> None:
    retries = []
    for _ in range(3):
        scheduled = told.activity()
        retries.append(told.history.activities["a-1"].get("retry"))
        started = told.add("ActivityTaskStarted", scheduledEventId=scheduled)
        told.add("ActivityTaskFailed", scheduledEventId=scheduled, startedEventId=started, reason="no")
        retries.append(told.history.activities["a-1"].get("retry"))
    assert retries == [None, 0, 0, 1, 1, 2]
    scheduled = told.activity()
    subset(told.history.activities["a-1"], state="scheduled", retry=2, reason="<missing>", started_id="<missing>")
    told.add("ActivityTaskCompleted", scheduledEventId=scheduled, startedEventId=0)
    history = told.history
    subset(history.activities["a-1"], state="completed", retry=2, failed_id="<missing>", result=None)
    assert history.tasks == [history.activities["a-1"]]


def test_cancelling_an_activity(told: Told) -> None:
    scheduled = told.activity()
    asked = told.add("ActivityTaskCancelRequested", activityId="a-1", decisionTaskCompletedEventId=9)
    subset(
        told.history.activities["a-1"],
        state="cancel_requested",
        cancel_requested_id=asked,
        cancel_requested_timestamp=asked * 1.5,
        decision_task_completed_event_id=4,
    )
    told.add("ActivityTaskCompleted", scheduledEventId=scheduled, startedEventId=0, result="1")
    told.add(
        "RequestCancelActivityTaskFailed",
        activityId="a-1",
        cause="ACTIVITY_ID_UNKNOWN",
        decisionTaskCompletedEventId=9,
    )
    told.add(
        "RequestCancelActivityTaskFailed", activityId="b", cause="ACTIVITY_ID_UNKNOWN", decisionTaskCompletedEventId=9
    )
    activities = told.history.activities
    subset(activities["a-1"], state="completed", cause="ACTIVITY_ID_UNKNOWN", request_cancel_failed_id=4)
    subset(activities["b"], state="request_cancel_failed", cause="ACTIVITY_ID_UNKNOWN", retry="<missing>")


def test_a_refused_scheduling(told: Told) -> None:
    type = {"name": "pkg.a", "version": "2"}

    def refuse(cause: str) -> int:
        return told.add(
            "ScheduleActivityTaskFailed",
            activityId="a-1",
            activityType=type,
            cause=cause,
            decisionTaskCompletedEventId=4,
        )

    refuse("ACTIVITY_TYPE_DOES_NOT_EXIST")
    refused = told.history.activities["a-1"]
    subset(refused, state="schedule_failed", cause="ACTIVITY_TYPE_DOES_NOT_EXIST", activity_type=type, name="pkg.a")
    subset(refused, schedule_failed_id=1, schedule_failed_timestamp=1.5, retry="<missing>")
    scheduled = told.activity()
    refuse("ACTIVITY_ID_ALREADY_IN_USE")
    subset(told.history.activities["a-1"], state="scheduled", cause="ACTIVITY_ID_ALREADY_IN_USE", scheduled_id=2)
    told.add("ActivityTaskFailed", scheduledEventId=scheduled, startedEventId=0)
    refuse("OPEN_ACTIVITIES_LIMIT_EXCEEDED")
    subset(told.history.activities["a-1"], state="schedule_failed", retry=0, scheduled_id="<missing>")


def test_a_child_from_its_start_to_its_end(told: Told) -> None:
    initiated = told.child(input='{"args":[1]}', control='"c"', tagList=["t"], executionStartToCloseTimeout="9")
    started = told.add("ChildWorkflowExecutionStarted", initiatedEventId=initiated, **NAMES)
    told.add(
        "ChildWorkflowExecutionCompleted",
        initiatedEventId=initiated,
        startedEventId=started,
        result="5",
        **NAMES,
    )
    subset(
        told.history.child_workflows["w"],
        type="child_workflow",
        id="w",
        name="child",
        version="1",
        state="completed",
        initiated_event_id=1,
        initiated_event_timestamp=1.5,
        raw_input='{"args":[1]}',
        input={"args": [1]},
        child_policy="TERMINATE",
        control="c",
        tag_list=["t"],
        task_list="list",
        run_id="r",
        workflow_id="w",
        started_id=2,
        started_timestamp=3.0,
        completed_id=3,
        completed_timestamp=4.5,
        result="5",
        retry="<missing>",
    )


@pytest.mark.parametrize(
    ("event", "values", "state"),
    [
        ("ChildWorkflowExecutionFailed", {"reason": "r", "details": "d"}, "failed"),
        ("ChildWorkflowExecutionTimedOut", {"timeoutType": "START_TO_CLOSE"}, "timed_out"),
        ("ChildWorkflowExecutionCanceled", {"details": "d"}, "canceled"),
        ("ChildWorkflowExecutionTerminated", {}, "terminated"),
    ],
)
def test_every_other_end_of_a_child_counts_as_an_attempt(
    told: Told, event: str, values: dict[str, Any], state: str
) -> None:
    for attempt in range(3):
        initiated = told.child(executionStartToCloseTimeout="9")
        closed = told.add(event, initiatedEventId=initiated, startedEventId=0, **NAMES, **values)
        record = told.history.child_workflows["w"]
        subset(record, state=state, retry=attempt, **{f"{state}_id": closed})
        if state == "timed_out":
            subset(record, timeout_type="START_TO_CLOSE", timeout_value="9")


def test_a_child_that_could_not_be_started(told: Told) -> None:
    refusal = {"workflowType": NAMES["workflowType"], "workflowId": "w", "decisionTaskCompletedEventId": 4}
    told.add("StartChildWorkflowExecutionFailed", cause="WORKFLOW_TYPE_DOES_NOT_EXIST", initiatedEventId=0, **refusal)
    subset(told.history.child_workflows["w"], state="start_failed", cause="WORKFLOW_TYPE_DOES_NOT_EXIST", name="child")
    initiated = told.child()
    told.add("StartChildWorkflowExecutionFailed", cause="WORKFLOW_ALREADY_RUNNING", initiatedEventId=0, **refusal)
    subset(told.history.child_workflows["w"], state="start_initiated", cause="WORKFLOW_ALREADY_RUNNING")
    told.add(
        "StartChildWorkflowExecutionFailed",
        cause="OPEN_WORKFLOWS_LIMIT_EXCEEDED",
        initiatedEventId=initiated,
        **(refusal | {"decisionTaskCompletedEventId": 0}),
    )
    subset(
        told.history.child_workflows["w"],
        state="start_failed",
        cause="OPEN_WORKFLOWS_LIMIT_EXCEEDED",
        start_failed_id=4,
        retry=0,
        decision_task_completed_event_id=4,
    )


def test_timers(told: Told) -> None:
    for id, end in (("f", "TimerFired"), ("c", "TimerCanceled"), ("s", None)):
        started = told.add(
            "TimerStarted", timerId=id, startToFireTimeout="60", control='{"a":1}', decisionTaskCompletedEventId=4
        )
        if end:
            told.add(
                end,
                timerId=id,
                startedEventId=started,
                decisionTaskCompletedEventId=9 if end == "TimerCanceled" else None,
            )
    for id in ("f", "s", "x"):
        told.add("CancelTimerFailed", timerId=id, cause="TIMER_ID_UNKNOWN", decisionTaskCompletedEventId=9)
    for id in ("s", "y"):
        told.add("StartTimerFailed", timerId=id, cause="TIMER_ID_ALREADY_IN_USE", decisionTaskCompletedEventId=9)
    timers = told.history.timers
    assert {id: record["state"] for id, record in timers.items()} == {
        "f": "fired",
        "c": "canceled",
        "s": "started",
        "x": "cancel_failed",
        "y": "start_failed",
    }
    subset(timers["f"], type="timer", id="f", start_to_fire_timeout=60, control={"a": 1}, started_event_id=1)
    subset(timers["f"], started_event_timestamp=1.5, fired_event_id=2, fired_event_timestamp=3.0)
    subset(timers["f"], decision_task_completed_event_id=4)
    subset(timers["c"], canceled_event_id=4, decision_task_completed_event_id=4)
    subset(timers["x"], id="x", cause="TIMER_ID_UNKNOWN", cancel_failed_event_id=8)
    subset(timers["y"], id="y", cause="TIMER_ID_ALREADY_IN_USE", start_failed_event_id=10)
    assert [History.get_event_id(timers[id]) for id in "fcsxy"] == [2, 4, 5, 8, 10]


def test_signals_received(told: Told) -> None:
    told.add("WorkflowExecutionSignaled", signalName="go", input='{"args":[1]}')
    told.add(
        "WorkflowExecutionSignaled",
        signalName="go",
        input="plain",
        externalWorkflowExecution={"workflowId": "p", "runId": "q"},
        externalInitiatedEventId=7,
    )
    history = told.history
    assert history.get_signal_events("go") == history.signal_lists["go"]
    assert history.get_signal_events("stop") == [] and history.tasks == history.signal_lists["go"]
    subset(history.signal_lists["go"][0], type="signal", name="go", state="signaled", input={"args": [1]})
    subset(history.signal_lists["go"][0], event_id=1, timestamp=1.5, external_run_id=None)
    subset(history.signals["go"], input="plain", external_workflow_id="p", external_run_id="q", event_id=2)
    subset(history.signals["go"], external_initiated_event_id=7)


def test_signals_and_cancels_sent(told: Told) -> None:
    for name in ("go", "stop"):
        told.add(
            "SignalExternalWorkflowExecutionInitiated",
            workflowId="w",
            runId="r",
            signalName=name,
            input="1",
            decisionTaskCompletedEventId=4,
        )
    told.add("ExternalWorkflowExecutionSignaled", initiatedEventId=1, workflowExecution=NAMES["workflowExecution"])
    told.add(
        "SignalExternalWorkflowExecutionFailed",
        initiatedEventId=2,
        workflowId="w",
        cause="UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION",
        decisionTaskCompletedEventId=0,
    )
    told.add(
        "RequestCancelExternalWorkflowExecutionInitiated", workflowId="w", runId="r", decisionTaskCompletedEventId=4
    )
    told.add(
        "ExternalWorkflowExecutionCancelRequested", initiatedEventId=5, workflowExecution=NAMES["workflowExecution"]
    )
    history = told.history
    sent = history.external_workflows_signaling
    assert list(sent) == [1, 2] and history.signaled_workflows == {"go": [sent[1]]}
    subset(sent[1], type="external_workflow", name="go", workflow_id="w", run_id="r", state="execution_signaled")
    subset(sent[1], input=1, initiated_event_id=1, signaled_event_id=3)
    subset(sent[2], state="signal_execution_failed", cause="UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION", run_id="r")
    subset(history.external_workflows_canceling[5], state="execution_cancel_requested", cancel_requested_event_id=6)


def test_markers(told: Told) -> None:
    told.add("MarkerRecorded", markerName="m", details='"d"', decisionTaskCompletedEventId=4)
    told.add("RecordMarkerFailed", markerName="m", cause="OPERATION_NOT_PERMITTED", decisionTaskCompletedEventId=9)
    recorded, failed = told.history.markers["m"]
    subset(recorded, type="marker", name="m", state="recorded", details='"d"', event_id=1, timestamp=1.5)
    subset(failed, state="record_failed", cause="OPERATION_NOT_PERMITTED", event_id=2, details="<missing>")
    assert History.get_event_id(failed) == 2


def test_lambda_functions(told: Told) -> None:
    for end, values in (
        ("LambdaFunctionCompleted", {"result": "1"}),
        ("LambdaFunctionFailed", {"reason": "r"}),
        ("LambdaFunctionTimedOut", {"timeoutType": "START_TO_CLOSE"}),
        ("StartLambdaFunctionFailed", {"cause": "ASSUME_ROLE_FAILED", "message": "no"}),
    ):
        scheduled = told.add(
            "LambdaFunctionScheduled",
            id=end,
            name="fn",
            input="[1]",
            startToCloseTimeout="8",
            decisionTaskCompletedEventId=4,
        )
        told.add(end, scheduledEventId=scheduled, startedEventId=0, **values)
    told.add("ScheduleLambdaFunctionFailed", id="x", name="fn", cause="ID_ALREADY_IN_USE")
    found = told.history.lambda_functions
    states = ["completed", "failed", "timed_out", "start_failed", "schedule_failed"]
    assert [record["state"] for record in found.values()] == states
    assert [record.get("retry") for record in found.values()] == [None, 0, 0, 0, None]
    subset(found["LambdaFunctionTimedOut"], type="lambda_function", name="fn", input=[1], timeout_value="8")


def test_the_run_itself(told: Told) -> None:
    told.add(
        "WorkflowExecutionStarted",
        childPolicy="TERMINATE",
        taskList={"name": "list"},
        workflowType={"name": "flow", "version": "1"},
        input='{"args":[1]}',
        parentWorkflowExecution={"workflowId": "p", "runId": "q"},
        tagList=["t"],
    )
    told.add("CompleteWorkflowExecutionFailed", cause="UNHANDLED_DECISION", decisionTaskCompletedEventId=4)
    subset(told.history.workflow, state="started", cause="UNHANDLED_DECISION", complete_failed_id=2)
    told.add(
        "WorkflowExecutionContinuedAsNew",
        decisionTaskCompletedEventId=4,
        newExecutionRunId="new",
        taskList={"name": "other"},
        childPolicy="ABANDON",
        workflowType={"name": "flow", "version": "2"},
        input='{"args":[2]}',
    )
    run = told.history.workflow
    subset(run, type="workflow", name="flow", version="1", state="continued_as_new", new_execution_run_id="new")
    subset(run, input={"args": [1]}, task_list="list", child_policy="TERMINATE", tag_list=["t"])
    subset(run, parent_workflow_id="p", parent_run_id="q", started_id=1, continued_as_new_id=3)


def test_requests_to_cancel_and_decisions(told: Told) -> None:
    empty = told.history
    assert empty.cancel_requested is None and empty.cancel_failed is None and empty.workflow == {}
    assert (empty.cancel_requested_id, empty.started_decision_id, empty.completed_decision_id) == (0, 0, 0)
    assert (empty.cancel_failed_decision_task_completed_event_id, empty.last_event_id) == (0, 0)
    told.add("WorkflowExecutionCancelRequested", cause="CHILD_POLICY_APPLIED", externalInitiatedEventId=0)
    told.add("WorkflowExecutionCancelRequested", externalWorkflowExecution=NAMES["workflowExecution"])
    scheduled = told.add("DecisionTaskScheduled", taskList={"name": "list"})
    started = told.add("DecisionTaskStarted", scheduledEventId=scheduled, identity="me")
    told.add("DecisionTaskCompleted", scheduledEventId=scheduled, startedEventId=started, executionContext="c")
    told.add("CancelWorkflowExecutionFailed", cause="UNHANDLED_DECISION", decisionTaskCompletedEventId=5)
    scheduled = told.add("DecisionTaskScheduled", taskList={"name": "list"})
    started = told.add("DecisionTaskStarted", scheduledEventId=scheduled)
    told.add("DecisionTaskTimedOut", scheduledEventId=scheduled, startedEventId=started, timeoutType="START_TO_CLOSE")
    history = told.history
    subset(history.cancel_requested or {}, event_id=2, timestamp=3.0, external_workflow_id="w", external_run_id="r")
    subset(history.cancel_failed or {}, cause="UNHANDLED_DECISION", cancel_failed_id=6)
    assert history.cancel_requested_id == 2 and history.cancel_failed_decision_task_completed_event_id == 5
    assert (history.started_decision_id, history.completed_decision_id, history.last_event_id) == (8, 5, 9)
    assert [record["state"] for record in history.decision_tasks.values()] == ["completed", "timed_out"]
    subset(history.decision_tasks[3], execution_context="c", task_list="list", identity="me")


def test_tasks_are_in_the_order_in_which_they_were_first_seen(told: Told) -> None:
    told.child()
    first = told.activity("a-1")
    told.add("WorkflowExecutionSignaled", signalName="go")
    told.activity("a-2")
    told.add("ActivityTaskFailed", scheduledEventId=first, startedEventId=0)
    told.activity("a-1")
    told.add("MarkerRecorded", markerName="m", decisionTaskCompletedEventId=4)
    assert [task.get("id") or task["name"] for task in told.history.tasks] == ["w", "a-1", "go", "a-2"]


def test_events_are_fetched_at_first_use_and_once(told: Told) -> None:
    told.activity()
    asked = 0

    def fetch() -> Iterator[dict[str, Any]]:
        nonlocal asked
        asked += 1
        yield from reversed(told.events)

    history = History(fetch)
    assert asked == 0
    history.parse()
    assert asked == 1 and list(history.activities) == ["a-1"]
    assert history.events == told.events and history.last_event_id == 1 and asked == 1


def test_texts_are_read_by_whoever_knows_them(told: Told) -> None:
    told.activity(input="s3", control="s3", result="s3")
    history = History(told.events, read=lambda text: ("read", text))
    subset(history.activities["a-1"], input=("read", "s3"), raw_input="s3", control=("read", "s3"))


def test_what_is_unknown_or_cut_off_is_passed_over(told: Told) -> None:
    told.events.append({"eventId": 1, "eventTimestamp": 1.5, "eventType": "SomethingNew"})
    told.add("ActivityTaskStarted", scheduledEventId=77)
    told.add("TimerFired", timerId="t", startedEventId=78)
    told.add("ActivityTaskCancelRequested", activityId="gone", decisionTaskCompletedEventId=4)
    told.add("WorkflowExecutionCompleted", decisionTaskCompletedEventId=4)
    history = told.history
    assert not history.activities and not history.timers and not history.workflow and history.last_event_id == 5


@pytest.mark.parametrize("file", sorted(RECORDED.glob("*.json")), ids=lambda file: file.stem)
def test_recorded_runs(file: Path) -> None:
    events = json.loads(file.read_text())["events"]
    history = History(events)
    scheduled = {e["activityTaskScheduledEventAttributes"]["activityId"] for e in of_types(events, *ACTIVITIES)}
    assert set(history.activities) == scheduled
    assert history.workflow["state"] in ("completed", "continued_as_new") and history.last_event_id == len(events)
    assert {record["state"] for record in history.activities.values()} <= {"completed", "failed"}
    failures = len(list(of_types(events, "ActivityTaskFailed")))
    assert sum(record.get("retry", -1) + 1 for record in history.activities.values()) == failures
    assert all(events[History.get_event_id(task) - 1]["eventId"] for task in history.tasks)
    assert history.completed_decision_id == max(e["eventId"] for e in of_types(events, "DecisionTaskCompleted"))


ACTIVITIES = ("ActivityTaskScheduled",)


def test_the_key_of_every_state_is_known() -> None:
    for rule in RULES:
        record = {"type": rule.family.type, "state": rule.state}
        stamp = "event" if rule.effect is Effect.ALONE else rule.stamp
        assert History.get_event_id(record | {f"{stamp}_id": 5}) == 5
