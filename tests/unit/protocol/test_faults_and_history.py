"""Faults of both worlds, and the helpers over events."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simpleflow.protocol import faults, history


def test_code_of() -> None:
    fault = faults.unknown("Unknown domain: d")
    error = faults.client_error(fault, "DescribeDomain")
    boto = ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "X")
    assert [faults.code_of(e) for e in (fault, error, boto, ValueError("x"))] == [
        "UnknownResourceFault",
        "UnknownResourceFault",
        "ThrottlingException",
        "",
    ]
    assert [faults.message_of(e) for e in (fault, error, boto, ValueError("x"))] == [
        "Unknown domain: d",
        "Unknown domain: d",
        "Rate exceeded",
        "x",
    ]


def test_client_errors_are_boto3s() -> None:
    error = faults.client_error(faults.Fault("TypeDeprecatedFault", "x"), "StartWorkflowExecution")
    assert isinstance(error, ClientError) and type(error) is faults.Exceptions().TypeDeprecatedFault
    assert str(error) == "An error occurred (TypeDeprecatedFault) when calling the StartWorkflowExecution operation: x"
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    plain = faults.client_error(faults.validation("x"), "StartWorkflowExecution")
    assert type(plain) is ClientError is faults.Exceptions().ClientError
    assert "UnknownResourceFault" in dir(faults.Exceptions())
    with pytest.raises(AttributeError, match="NoSuchFault is no fault"):
        _ = faults.Exceptions().NoSuchFault


def test_botocore_is_imported_only_for_an_error() -> None:
    code = (
        "import sys; from simpleflow import clients; c = clients.client('memory'); "
        "assert not [m for m in sys.modules if m.startswith(('boto', 'urllib3'))]; c.close()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def event(kind: str, **attributes: Any) -> dict[str, Any]:
    return {"eventId": 9, "eventType": kind, f"{kind[0].lower()}{kind[1:]}EventAttributes": attributes}


def test_history() -> None:
    completed = event("ActivityTaskCompleted", scheduledEventId=5, startedEventId=6)
    fired = event("TimerFired", timerId="t", startedEventId=7)
    child = event("ChildWorkflowExecutionStarted", initiatedEventId=8)
    closed = event("WorkflowExecutionCompleted", decisionTaskCompletedEventId=4)
    assert [history.opening_event_id(e) for e in (completed, fired, child, closed)] == [5, 7, 8, 0]
    assert [history.close_status(e) for e in (completed, closed)] == [None, "COMPLETED"]
    assert history.attributes({"eventType": "WorkflowExecutionCompleted"}) == {}
    assert history.type_of(fired).decides and not history.type_of(closed).decides
    assert list(history.of_types([completed, fired], "TimerFired")) == [fired]
    with pytest.raises(KeyError):
        history.attributes({"eventType": "NoSuchEvent"})
