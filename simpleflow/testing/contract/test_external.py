"""Signals and requests to cancel, from clients and from other executions."""

from __future__ import annotations

from typing import Any

from simpleflow.protocol.history import attributes
from simpleflow.testing.contract.checked import DOMAIN, Checked
from simpleflow.testing.contract.swf import Refused, Swf
from simpleflow.testing.contract.target import needs

SIGNAL = {"domain": DOMAIN, "workflowId": "w-1", "signalName": "s"}


def test_signal(swf: Swf, client: Checked) -> None:
    execution = swf.start()
    swf.decide()
    client.signal_workflow_execution(**SIGNAL, input="i")
    signaled, scheduled = swf.history(execution)[-2:]
    assert [signaled["eventType"], scheduled["eventType"]] == ["WorkflowExecutionSignaled", "DecisionTaskScheduled"]
    assert {"signalName": "s", "input": "i"}.items() <= attributes(signaled).items()


def test_a_signal_to_a_run(swf: Swf, client: Checked) -> None:
    execution = swf.start()
    client.signal_workflow_execution(**SIGNAL, runId=execution["runId"], input="i")
    assert "WorkflowExecutionSignaled" in swf.types(execution)


def test_signals_from_outside(swf: Swf, client: Checked) -> None:
    """The input is optional, and nobody has initiated them."""
    execution = swf.start()
    swf.decide()
    client.signal_workflow_execution(**SIGNAL, input="i")
    client.signal_workflow_execution(**SIGNAL)
    first, _, second = swf.history(execution)[-3:]
    assert attributes(first) == {"signalName": "s", "input": "i", "externalInitiatedEventId": 0}
    assert attributes(second) == {"signalName": "s", "externalInitiatedEventId": 0}


def test_a_signal_to_what_is_closed(swf: Swf, client: Checked, refused: Refused) -> None:
    execution = swf.start()
    client.terminate_workflow_execution(domain=DOMAIN, workflowId="w-1")
    method = "signal_workflow_execution"
    assert refused("UnknownResourceFault", method, **SIGNAL, input="i") == "Unknown execution, workflowId = w-1"
    words = f"Unknown execution: WorkflowExecution=[workflowId=w-1, runId={execution['runId']}]"
    assert refused("UnknownResourceFault", method, **SIGNAL, input="i", runId=execution["runId"]) == words


def test_a_long_name_of_a_signal(swf: Swf, refused: Refused) -> None:
    swf.start()
    refused("ValidationException", "signal_workflow_execution", **{**SIGNAL, "signalName": "x" * 257}, input="i")


def test_cancel(swf: Swf, client: Checked, refused: Refused) -> None:
    execution = swf.start()
    swf.decide()
    request = {"domain": DOMAIN, "workflowId": "w-1"}
    assert swf.describe(execution)["executionInfo"]["cancelRequested"] is False
    client.request_cancel_workflow_execution(**request)
    client.request_cancel_workflow_execution(**request, runId=execution["runId"])
    assert swf.types(execution)[-3:] == [
        "WorkflowExecutionCancelRequested",
        "DecisionTaskScheduled",
        "WorkflowExecutionCancelRequested",
    ]
    assert swf.last(execution)[1] == {"externalInitiatedEventId": 0}
    assert swf.describe(execution)["executionInfo"]["cancelRequested"] is True
    swf.decide(swf.decision("CancelWorkflowExecution", details="d"))
    info = swf.describe(execution)["executionInfo"]
    assert (info["closeStatus"], info["cancelRequested"]) == ("CANCELED", True)
    words = refused("UnknownResourceFault", "request_cancel_workflow_execution", **request)
    assert words == "Unknown execution, workflowId = w-1"


def test_the_order_of_a_cancel_that_was_recorded(swf: Swf, client: Checked) -> None:
    execution = swf.start()
    swf.decide(swf.schedule())
    swf.poll_activity()
    client.request_cancel_workflow_execution(domain=DOMAIN, workflowId="w-1")
    swf.decide(swf.decision("CancelWorkflowExecution"))
    assert swf.types(execution)[5:] == [
        "ActivityTaskStarted",
        "WorkflowExecutionCancelRequested",
        "DecisionTaskScheduled",
        "DecisionTaskStarted",
        "DecisionTaskCompleted",
        "WorkflowExecutionCanceled",
    ]
    assert swf.describe(execution)["openCounts"]["openActivityTasks"] == 1


def test_external_signal(swf: Swf) -> None:
    target = swf.start("target", taskList={"name": "targets"})
    source = swf.start("source")
    given = {"workflowId": "target", "signalName": "s", "input": "i", "control": "c"}
    swf.decide(swf.decision("SignalExternalWorkflowExecution", **given), swf.timer())
    assert swf.types(source)[4:] == [
        "SignalExternalWorkflowExecutionInitiated",
        "TimerStarted",
        "ExternalWorkflowExecutionSignaled",
        "DecisionTaskScheduled",
    ]
    initiated, _, signaled, _ = swf.history(source)[4:]
    assert attributes(initiated) == {**given, "decisionTaskCompletedEventId": 4}
    assert attributes(signaled) == {"workflowExecution": target, "initiatedEventId": 5}
    assert swf.last(target)[1] == {
        "signalName": "s",
        "input": "i",
        "externalWorkflowExecution": source,
        "externalInitiatedEventId": 5,
    }


def test_external_cancel(swf: Swf) -> None:
    target = swf.start("target", taskList={"name": "targets"})
    source = swf.start("source")
    given = {**target, "control": "c"}
    swf.decide(swf.decision("RequestCancelExternalWorkflowExecution", **given))
    initiated, requested, scheduled = swf.history(source)[4:]
    assert attributes(initiated) == {**given, "decisionTaskCompletedEventId": 4}
    assert requested["eventType"] == "ExternalWorkflowExecutionCancelRequested"
    assert attributes(requested) == {"workflowExecution": target, "initiatedEventId": 5}
    assert scheduled["eventType"] == "DecisionTaskScheduled"
    requested = swf.history(target)[-1]
    assert requested["eventType"] == "WorkflowExecutionCancelRequested"
    assert attributes(requested) == {"externalWorkflowExecution": source, "externalInitiatedEventId": 5}
    assert swf.describe(target)["executionInfo"]["cancelRequested"] is True


def test_an_execution_that_is_not_open(swf: Swf) -> None:
    source = swf.start("source")
    swf.decide(
        swf.decision("SignalExternalWorkflowExecution", workflowId="no", signalName="s", control="c"),
        swf.decision("RequestCancelExternalWorkflowExecution", workflowId="source", runId="no"),
    )
    assert swf.types(source)[4:] == [
        "SignalExternalWorkflowExecutionInitiated",
        "RequestCancelExternalWorkflowExecutionInitiated",
        "SignalExternalWorkflowExecutionFailed",
        "DecisionTaskScheduled",
        "RequestCancelExternalWorkflowExecutionFailed",
    ]
    signal, _, cancel = swf.history(source)[6:]
    failed = {"cause": "UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION", "decisionTaskCompletedEventId": 4}
    assert attributes(signal) == {**failed, "workflowId": "no", "initiatedEventId": 5, "control": "c"}
    assert attributes(cancel) == {**failed, "workflowId": "source", "runId": "no", "initiatedEventId": 6}


def test_an_execution_signals_itself(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(swf.decision("SignalExternalWorkflowExecution", workflowId="w-1", signalName="s"))
    assert swf.types(execution)[4:] == [
        "SignalExternalWorkflowExecutionInitiated",
        "WorkflowExecutionSignaled",
        "DecisionTaskScheduled",
        "ExternalWorkflowExecutionSignaled",
    ]
    assert attributes(swf.history(execution)[-3])["externalWorkflowExecution"] == execution


def test_a_sender_that_closed_meanwhile(swf: Swf) -> None:
    target = swf.start("target", taskList={"name": "targets"})
    source = swf.start("source")
    signal = swf.decision("SignalExternalWorkflowExecution", workflowId="target", signalName="s")
    swf.decide(signal, swf.decision("CompleteWorkflowExecution"))
    assert swf.types(target)[-1] == "WorkflowExecutionSignaled", "it is delivered"
    assert swf.types(source)[-1] == "WorkflowExecutionCompleted", "and nothing written of it"


@needs("domains")
def test_an_execution_of_another_domain_is_unknown(swf: Swf, client: Checked) -> None:
    client.register_domain(name="other", workflowExecutionRetentionPeriodInDays="1")
    source = swf.start("source")
    client.register_workflow_type(domain="other", name="w", version="1")
    defaults: dict[str, Any] = {
        "taskList": {"name": "l"},
        "childPolicy": "ABANDON",
        "taskStartToCloseTimeout": "1",
        "executionStartToCloseTimeout": "9",
    }
    kind = {"name": "w", "version": "1"}
    client.start_workflow_execution(domain="other", workflowId="target", workflowType=kind, **defaults)
    swf.decide(swf.decision("RequestCancelExternalWorkflowExecution", workflowId="target"))
    assert attributes(swf.history(source)[-2])["cause"] == "UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION"


def test_a_signal_during_a_decision_refuses_its_close(swf: Swf, client: Checked) -> None:
    execution = swf.start()
    task = swf.poll_decision()
    client.signal_workflow_execution(**SIGNAL, input="i")
    swf.respond(task, swf.decision("CompleteWorkflowExecution"))
    assert swf.last(execution)[1]["cause"] == "UNHANDLED_DECISION"
    swf.decide(swf.decision("CompleteWorkflowExecution"))
    assert swf.last(execution)[0] == "WorkflowExecutionCompleted"
