"""The generated checks: what each kind of wrong value is told, in Amazon's words."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest

from simpleflow.protocol.checks import CHECKS
from simpleflow.protocol.faults import Fault

POLL: dict[str, Any] = {"domain": "d", "taskList": {"name": "l"}}
START: dict[str, Any] = {"domain": "d", "workflowId": "w", "workflowType": {"name": "n", "version": "1"}}
COUNT: dict[str, Any] = {"domain": "d", "startTimeFilter": {"oldestDate": 0}}
TOKEN: dict[str, Any] = {"taskToken": "t"}


def one(value: str, at: str, words: str) -> str:
    return f"1 validation error detected: Value {value} at '{at}' failed to satisfy constraint: Member must {words}"


@pytest.mark.parametrize(
    ("operation", "request_", "message"),
    [
        ("PollForDecisionTask", {"taskList": {"name": "l"}}, one("null", "domain", "not be null")),
        ("PollForDecisionTask", {**POLL, "taskList": {}}, one("null", "taskList.name", "not be null")),
        ("PollForDecisionTask", {**POLL, "domain": None}, one("null", "domain", "not be null")),
        (
            "PollForDecisionTask",
            {**POLL, "domain": ""},
            one("''", "domain", "have length greater than or equal to 1"),
        ),
        (
            "PollForDecisionTask",
            {**POLL, "maximumPageSize": 1001},
            one("'1001'", "maximumPageSize", "have value less than or equal to 1000"),
        ),
        (
            "PollForDecisionTask",
            {**POLL, "maximumPageSize": -1},
            one("'-1'", "maximumPageSize", "have value greater than or equal to 0"),
        ),
        (
            "RecordActivityTaskHeartbeat",
            {**TOKEN, "details": "x" * 2049},
            one(f"'{'x' * 300}...'", "details", "have length less than or equal to 2048"),
        ),
        (
            "StartWorkflowExecution",
            {**START, "childPolicy": "KILL"},
            one("'KILL'", "childPolicy", "satisfy enum value set: [TERMINATE, REQUEST_CANCEL, ABANDON]"),
        ),
        (
            "StartWorkflowExecution",
            {**START, "tagList": ["x" * 257]},
            one(f"'{'x' * 257}'", "tagList.1.member", "have length less than or equal to 256"),
        ),
        (
            "StartWorkflowExecution",
            {**START, "workflowId": "arn"},
            one("'arn'", "workflowId", "not be the literal string 'arn'"),
        ),
        (
            "StartWorkflowExecution",
            {**START, "taskPriority": "1.5"},
            one("'1.5'", "taskPriority", "be an integer from -2147483648 to 2147483647"),
        ),
        (
            "StartWorkflowExecution",
            {**START, "taskStartToCloseTimeout": "5s"},
            one("'5s'", "taskStartToCloseTimeout", "be a number of seconds with at most 8 digits, or NONE"),
        ),
        (
            "PollForDecisionTask",
            {**POLL, "wait": 1},
            'Unknown parameter in input: "wait", must be one of: domain, taskList, identity, nextPageToken, '
            "maximumPageSize, reverseOrder, startAtPreviousStartedEvent",
        ),
        (
            "PollForDecisionTask",
            {**POLL, "taskList": {"name": "l", "kind": "x"}},
            'Unknown parameter in taskList: "kind", must be one of: name',
        ),
    ],
)
def test_validation(operation: str, request_: dict[str, Any], message: str) -> None:
    with pytest.raises(Fault) as caught:
        CHECKS[operation](request_)
    assert (caught.value.code, caught.value.message) == ("ValidationException", message)


def test_all_findings_are_told() -> None:
    with pytest.raises(Fault) as caught:
        CHECKS["StartWorkflowExecution"]({"workflowType": {"name": ""}})
    assert caught.value.message.startswith("4 validation errors detected: ")
    assert caught.value.message.count("; Value null at ") == 2


@pytest.mark.parametrize(
    ("operation", "request_", "words"),
    [
        ("PollForDecisionTask", {**POLL, "domain": 3}, "NUMBER_VALUE can not be converted to a String at 'domain'"),
        ("PollForDecisionTask", {**POLL, "taskList": "l"}, "STRING_VALUE can not be converted to a structure"),
        ("PollForDecisionTask", {**POLL, "maximumPageSize": True}, "TRUE_VALUE can not be converted to an Integer"),
        ("PollForDecisionTask", {**POLL, "reverseOrder": 1}, "NUMBER_VALUE can not be converted to a Boolean"),
        ("StartWorkflowExecution", {**START, "tagList": "x"}, "STRING_VALUE can not be converted to a list"),
        ("StartWorkflowExecution", {**START, "tagList": [1]}, "NUMBER_VALUE can not be converted to a String"),
        ("StartWorkflowExecution", {**START, "childPolicy": []}, "START_ARRAY can not be converted to a String"),
        ("CountOpenWorkflowExecutions", {**COUNT, "startTimeFilter": {"oldestDate": "x"}}, "to a Timestamp"),
        ("RespondDecisionTaskCompleted", {**TOKEN, "decisions": ["x"]}, "to a structure at 'decisions.1.member'"),
    ],
)
def test_wrong_types(operation: str, request_: dict[str, Any], words: str) -> None:
    with pytest.raises(Fault) as caught:
        CHECKS[operation](request_)
    assert caught.value.code == "SerializationException" and words in caught.value.message


def test_what_is_right() -> None:
    class Policy(StrEnum):
        ABANDON = "ABANDON"

    CHECKS["PollForDecisionTask"]({**POLL, "identity": None, "maximumPageSize": 0})
    CHECKS["StartWorkflowExecution"]({**START, "childPolicy": Policy.ABANDON, "executionStartToCloseTimeout": ""})
    CHECKS["StartWorkflowExecution"]({**START, "input": Policy.ABANDON, "tagList": ("a", "b")})
    CHECKS["CountOpenWorkflowExecutions"]({**COUNT, "startTimeFilter": {"oldestDate": datetime.now(UTC)}})
    CHECKS["RespondActivityTaskCompleted"]({"taskToken": "x" * 1024, "result": "x" * 32768})
