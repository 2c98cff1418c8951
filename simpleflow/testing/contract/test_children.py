"""Children, child policies, and the run that goes on: what one execution does to another, and in which order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from simpleflow.protocol.history import attributes
from simpleflow.testing.contract.checked import DOMAIN, Checked
from simpleflow.testing.contract.swf import EVER, TYPE, Swf
from simpleflow.testing.contract.target import needs


def child(swf: Swf, workflow_id: str = "child", **given: Any) -> dict[str, Any]:
    """A decision that starts a child, whose decision tasks lie in a list of its own."""
    kind = {"workflowType": TYPE, "taskList": {"name": "children"}}
    decision: dict[str, Any] = swf.decision("StartChildWorkflowExecution", workflowId=workflow_id, **{**kind, **given})
    return decision


def run_of(swf: Swf, workflow_id: str) -> dict[str, str]:
    """The latest run with this id."""
    for method in ("list_open_workflow_executions", "list_closed_workflow_executions"):
        filters = {"startTimeFilter": EVER, "executionFilter": {"workflowId": workflow_id}}
        infos = getattr(swf.client, method)(domain=DOMAIN, **filters)["executionInfos"]
        if infos:
            execution: dict[str, str] = infos[0]["execution"]
            return execution
    raise AssertionError(workflow_id)


def child_decides(swf: Swf, *decisions: Any) -> Any:
    task = swf.poll_decision(taskList={"name": "children"})
    swf.respond(task, *decisions)
    return task


def test_the_order_that_was_recorded(swf: Swf) -> None:
    parent = swf.start()
    swf.decide(child(swf, control="c", input="i", tagList=["t"], taskPriority="4"), swf.timer())
    swf.poll_decision()
    child_decides(swf, swf.decision("FailWorkflowExecution", reason="r", details="d"))
    events = swf.history(parent)
    assert [event["eventType"] for event in events[3:]] == [
        "DecisionTaskCompleted",
        "StartChildWorkflowExecutionInitiated",
        "TimerStarted",
        "ChildWorkflowExecutionStarted",
        "DecisionTaskScheduled",
        "DecisionTaskStarted",
        "ChildWorkflowExecutionFailed",
        "DecisionTaskScheduled",
    ]
    run = run_of(swf, "child")
    assert attributes(events[4]) == {
        "workflowId": "child",
        "workflowType": TYPE,
        "control": "c",
        "input": "i",
        "tagList": ["t"],
        "taskPriority": "4",
        "taskList": {"name": "children"},
        "childPolicy": "TERMINATE",
        "executionStartToCloseTimeout": "3600",
        "taskStartToCloseTimeout": "30",
        "decisionTaskCompletedEventId": 4,
    }
    assert attributes(events[6]) == {"workflowExecution": run, "workflowType": TYPE, "initiatedEventId": 5}
    ended = {**attributes(events[6]), "startedEventId": 7, "reason": "r", "details": "d"}
    assert attributes(events[9]) == ended
    started = attributes(swf.history(run)[0])
    assert started == {
        "workflowType": TYPE,
        "input": "i",
        "tagList": ["t"],
        "taskPriority": "4",
        "taskList": {"name": "children"},
        "childPolicy": "TERMINATE",
        "executionStartToCloseTimeout": "3600",
        "taskStartToCloseTimeout": "30",
        "parentWorkflowExecution": parent,
        "parentInitiatedEventId": 5,
    }
    assert swf.describe(run)["executionInfo"]["parent"] == parent
    assert "parent" not in swf.describe(parent)["executionInfo"]


@needs("lambda")
def test_a_child_has_no_role_of_its_parent(swf: Swf) -> None:
    swf.start(lambdaRole="arn:role")
    swf.decide(child(swf))
    assert "lambdaRole" not in attributes(swf.history(run_of(swf, "child"))[0])


def test_open_children_are_counted_until_they_close(swf: Swf) -> None:
    parent = swf.start()
    swf.decide(child(swf))
    assert swf.describe(parent)["openCounts"]["openChildWorkflowExecutions"] == 1
    child_decides(swf, swf.decision("CompleteWorkflowExecution", result="r"))
    assert swf.describe(parent)["openCounts"]["openChildWorkflowExecutions"] == 0
    kind, given = swf.history(parent)[-1]["eventType"], attributes(swf.history(parent)[-1])
    assert (kind, given["result"]) == ("ChildWorkflowExecutionCompleted", "r")


@needs("clock")
def test_every_end_of_a_child(swf: Swf, client: Checked) -> None:
    parent = swf.start(executionStartToCloseTimeout="999999")
    names = ("complete", "fail", "cancel", "terminate", "time-out")
    lists = [{"taskList": {"name": name}, "executionStartToCloseTimeout": "50"} for name in names]
    swf.decide(*(child(swf, name, **given) for name, given in zip(names, lists, strict=True)))
    for name, decision in (("complete", "Complete"), ("fail", "Fail"), ("cancel", "Cancel")):
        task = swf.poll_decision(taskList={"name": name})
        swf.respond(task, swf.decision(f"{decision}WorkflowExecution"))
    client.terminate_workflow_execution(domain=DOMAIN, workflowId="terminate")
    swf.advance(60)
    ends = [event for event in swf.history(parent) if event["eventType"].startswith("ChildWorkflowExecution")][5:]
    assert [event["eventType"].removeprefix("ChildWorkflowExecution") for event in ends] == [
        "Completed",
        "Failed",
        "Canceled",
        "Terminated",
        "TimedOut",
    ]
    assert attributes(ends[-1])["timeoutType"] == "START_TO_CLOSE"
    assert ends[-1]["eventTimestamp"] - swf.history(parent)[0]["eventTimestamp"] == timedelta(seconds=50)
    assert swf.types(parent).count("DecisionTaskScheduled") == 2, "one task covers them all"


def test_a_taken_workflow_id(swf: Swf) -> None:
    swf.start("child")
    parent = swf.start()
    swf.poll_decision()
    swf.decide(child(swf, control="c"))
    assert swf.types(parent)[-3:] == [
        "StartChildWorkflowExecutionInitiated",
        "StartChildWorkflowExecutionFailed",
        "DecisionTaskScheduled",
    ]
    assert attributes(swf.history(parent)[-2]) == {
        "cause": "WORKFLOW_ALREADY_RUNNING",
        "workflowId": "child",
        "workflowType": TYPE,
        "initiatedEventId": 5,
        "decisionTaskCompletedEventId": 4,
        "control": "c",
    }
    assert swf.describe(parent)["openCounts"]["openChildWorkflowExecutions"] == 0


def test_two_children_of_one_id(swf: Swf) -> None:
    parent = swf.start()
    swf.decide(child(swf), child(swf))
    assert swf.types(parent)[4:] == [
        "StartChildWorkflowExecutionInitiated",
        "StartChildWorkflowExecutionInitiated",
        "ChildWorkflowExecutionStarted",
        "DecisionTaskScheduled",
        "StartChildWorkflowExecutionFailed",
    ]


def test_what_is_wrong_before_a_child_is_initiated(swf: Swf, client: Checked) -> None:
    client.register_workflow_type(domain=DOMAIN, name="bare", version="1")
    client.register_workflow_type(domain=DOMAIN, name="old", version="1")
    client.deprecate_workflow_type(domain=DOMAIN, workflowType={"name": "old", "version": "1"})
    parent = swf.start()
    decisions = [
        swf.decision("StartChildWorkflowExecution", workflowId="c", workflowType={"name": name, "version": "1"})
        for name in ("no", "old", "bare")
    ]
    swf.decide(*decisions)
    failed = [attributes(event) for event in swf.history(parent)[4:7]]
    causes = ["WORKFLOW_TYPE_DOES_NOT_EXIST", "WORKFLOW_TYPE_DEPRECATED"]
    assert [event["cause"] for event in failed] == [*causes, "DEFAULT_EXECUTION_START_TO_CLOSE_TIMEOUT_UNDEFINED"]
    assert {event["initiatedEventId"] for event in failed} == {0}
    assert swf.types(parent)[-1] == "DecisionTaskScheduled"


@needs("clock")
@pytest.mark.parametrize("how", ["terminate", "time out"])
@pytest.mark.parametrize("policy", ["TERMINATE", "REQUEST_CANCEL", "ABANDON"])
def test_child_policies(swf: Swf, client: Checked, how: str, policy: str) -> None:
    """The child's own child has its own policy."""
    parent = swf.start(childPolicy="ABANDON" if how == "terminate" else policy, executionStartToCloseTimeout="100")
    swf.decide(child(swf, "child"))
    child_decides(swf, child(swf, "grandchild", childPolicy="ABANDON"))
    if how == "terminate":
        client.terminate_workflow_execution(domain=DOMAIN, workflowId="w-1", childPolicy=policy)
    else:
        swf.advance(150)
    run, grandchild = run_of(swf, "child"), run_of(swf, "grandchild")
    last = next(event for event in reversed(swf.history(run)) if not event["eventType"].startswith("DecisionTask"))
    expected: Any = {
        "TERMINATE": (
            "WorkflowExecutionTerminated",
            {"cause": "CHILD_POLICY_APPLIED", "childPolicy": "TERMINATE"},
        ),
        "REQUEST_CANCEL": (
            "WorkflowExecutionCancelRequested",
            {"cause": "CHILD_POLICY_APPLIED", "externalInitiatedEventId": 0},
        ),
        "ABANDON": ("ChildWorkflowExecutionStarted", attributes(last)),
    }
    assert (last["eventType"], attributes(last)) == expected[policy]
    if policy != "ABANDON":
        passed = last["eventTimestamp"] - swf.history(parent)[0]["eventTimestamp"]
        assert passed == timedelta(seconds=0 if how == "terminate" else 100)
    assert swf.types(grandchild)[-1] == (
        "WorkflowExecutionTerminated" if policy == "TERMINATE" else "DecisionTaskScheduled"
    ), "a policy is the execution's own, and cascades"
    assert swf.describe(parent)["executionInfo"]["executionStatus"] == "CLOSED"
    assert swf.describe(parent)["openCounts"]["openChildWorkflowExecutions"] == 1


@pytest.mark.parametrize("kind", ["Complete", "Fail", "Cancel", "ContinueAsNew"])
def test_other_ends_leave_children_alone(swf: Swf, kind: str) -> None:
    parent = swf.start()
    swf.decide(child(swf))
    swf.decide(swf.decision(f"{kind}WorkflowExecution"))
    assert swf.describe(parent)["executionInfo"]["executionStatus"] == "CLOSED"
    run = run_of(swf, "child")
    assert swf.types(run)[-1] == "DecisionTaskScheduled"
    before = swf.types(parent)
    child_decides(swf, swf.decision("CompleteWorkflowExecution"))
    assert swf.types(parent) == before, "nobody hears of it"


def test_a_parent_that_ends_with_the_start_of_its_child(swf: Swf) -> None:
    swf.start()
    swf.decide(child(swf), swf.decision("CompleteWorkflowExecution"))
    assert swf.types(run_of(swf, "child")) == ["WorkflowExecutionStarted", "DecisionTaskScheduled"]


@needs("clock", "short-polls")
def test_continue_as_new(swf: Swf, client: Checked) -> None:
    client.register_workflow_type(
        domain=DOMAIN,
        name="w",
        version="2",
        defaultTaskList={"name": "deciders"},
        defaultChildPolicy="ABANDON",
        defaultTaskStartToCloseTimeout="7",
        defaultExecutionStartToCloseTimeout="70",
    )
    first = swf.start(input="one", tagList=["t"], taskPriority="1", executionStartToCloseTimeout="5")
    swf.advance(2)
    decision = swf.decision("ContinueAsNewWorkflowExecution", input="two", workflowTypeVersion="2")
    swf.decide(swf.schedule(), swf.timer(), decision)
    second = run_of(swf, "w-1")
    assert second["runId"] != first["runId"]
    resolved = {
        "input": "two",
        "workflowType": {"name": "w", "version": "2"},
        "taskList": {"name": "deciders"},
        "childPolicy": "ABANDON",
        "taskStartToCloseTimeout": "7",
        "executionStartToCloseTimeout": "70",
    }
    closed = {**resolved, "newExecutionRunId": second["runId"], "decisionTaskCompletedEventId": 4}
    assert swf.last(first) == ("WorkflowExecutionContinuedAsNew", closed)
    started, scheduled = swf.history(second)
    assert attributes(started) == {
        **resolved,
        "continuedExecutionRunId": first["runId"],
        "parentInitiatedEventId": 0,
    }
    assert started["eventTimestamp"] == swf.history(first)[-1]["eventTimestamp"]
    assert scheduled["eventType"] == "DecisionTaskScheduled"
    assert swf.describe(first)["executionInfo"]["closeStatus"] == "CONTINUED_AS_NEW"
    assert "taskToken" not in swf.poll_activity(), "what the old run had open is dropped"
    swf.advance(100)
    assert swf.last(second)[0] == "WorkflowExecutionTimedOut"


def test_continue_as_new_is_refused(swf: Swf, client: Checked) -> None:
    client.register_workflow_type(domain=DOMAIN, name="w", version="bare")
    client.register_workflow_type(domain=DOMAIN, name="w", version="old")
    client.deprecate_workflow_type(domain=DOMAIN, workflowType={"name": "w", "version": "old"})
    execution = swf.start()
    for version, cause in (
        ("no", "WORKFLOW_TYPE_DOES_NOT_EXIST"),
        ("old", "WORKFLOW_TYPE_DEPRECATED"),
        ("bare", "DEFAULT_EXECUTION_START_TO_CLOSE_TIMEOUT_UNDEFINED"),
    ):
        swf.decide(swf.decision("ContinueAsNewWorkflowExecution", workflowTypeVersion=version))
        failed = swf.history(execution)[-2]
        assert failed["eventType"] == "ContinueAsNewWorkflowExecutionFailed"
        assert attributes(failed)["cause"] == cause
    assert swf.types(execution)[-1] == "DecisionTaskScheduled"
    task = swf.poll_decision()
    client.signal_workflow_execution(domain=DOMAIN, workflowId="w-1", signalName="s")
    swf.respond(task, swf.decision("ContinueAsNewWorkflowExecution"))
    assert swf.last(execution)[1]["cause"] == "UNHANDLED_DECISION"


def test_a_child_that_continues_stays_a_child(swf: Swf, client: Checked) -> None:
    parent = swf.start()
    swf.decide(child(swf))
    first = run_of(swf, "child")
    child_decides(swf, swf.decision("ContinueAsNewWorkflowExecution", taskList={"name": "children"}))
    second = run_of(swf, "child")
    assert first != second and swf.describe(second)["executionInfo"]["parent"] == parent
    started = attributes(swf.history(second)[0])
    assert (started["parentWorkflowExecution"], started["parentInitiatedEventId"]) == (parent, 5)
    assert swf.types(parent)[-1] == "DecisionTaskScheduled", "the parent hears nothing"
    child_decides(swf, swf.decision("CompleteWorkflowExecution"))
    completed = swf.history(parent)[-1]
    assert completed["eventType"] == "ChildWorkflowExecutionCompleted"
    assert attributes(completed)["workflowExecution"] == second
    assert (attributes(completed)["initiatedEventId"], attributes(completed)["startedEventId"]) == (5, 6)


def test_a_policy_finds_a_child_that_continued(swf: Swf, client: Checked) -> None:
    swf.start()
    swf.decide(child(swf))
    child_decides(swf, swf.decision("ContinueAsNewWorkflowExecution", taskList={"name": "children"}))
    client.terminate_workflow_execution(domain=DOMAIN, workflowId="w-1")
    assert swf.last(run_of(swf, "child"))[1]["cause"] == "CHILD_POLICY_APPLIED"


def test_a_policy_leaves_a_namesake_alone(swf: Swf, client: Checked) -> None:
    """A child has closed unheard of by its closed parent; another execution has its workflowId."""
    swf.start()
    swf.decide(child(swf), swf.timer())
    child_decides(swf, swf.decision("CompleteWorkflowExecution"))
    namesake = swf.start("child")
    client.terminate_workflow_execution(domain=DOMAIN, workflowId="w-1")
    assert swf.types(namesake)[-1] == "DecisionTaskScheduled"


def test_many_children_end_in_order(swf: Swf, client: Checked) -> None:
    """More than one transaction holds."""
    parent = swf.start()
    swf.decide(*(child(swf, f"c-{number}") for number in range(150)))
    assert swf.describe(parent)["openCounts"]["openChildWorkflowExecutions"] == 150
    assert swf.types(parent).count("ChildWorkflowExecutionStarted") == 150
    client.terminate_workflow_execution(domain=DOMAIN, workflowId="w-1")
    kind = {"startTimeFilter": EVER, "typeFilter": TYPE}
    assert client.count_closed_workflow_executions(domain=DOMAIN, **kind) == {"count": 151, "truncated": False}
