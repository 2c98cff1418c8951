"""Requests that boto3 would not send, and answers on which no other service has been heard."""

from __future__ import annotations

from typing import Any

import pytest

from simpleflow.engine import Engine, VirtualClock
from simpleflow.testing.contract.checked import DOMAIN
from simpleflow.testing.contract.swf import EVER, TYPE, Refused, Swf, decision

RESPOND = "respond_decision_task_completed"
START: dict[str, Any] = {"domain": DOMAIN, "workflowId": "x", "workflowType": TYPE}
MARKER = decision("RecordMarker", markerName="m")


def null(member: str) -> str:
    return (
        f"1 validation error detected: Value null at 'decisions.{member}' failed to satisfy constraint: "
        "Member must not be null"
    )


def test_decisions_in_other_forms(swf: Swf, refused: Refused) -> None:
    execution = swf.start()
    token = swf.poll_decision()["taskToken"]

    def words(code: str, *decisions: dict[str, Any]) -> str:
        found = refused(code, RESPOND, taskToken=token, decisions=list(decisions))
        assert swf.types(execution)[-1] == "DecisionTaskStarted"
        return found

    nameless = decision("StartTimer", startToFireTimeout="1")
    assert words("ValidationException", MARKER, nameless) == null("2.member.startTimerDecisionAttributes.timerId")
    bare = {"decisionType": "StartTimer"}
    assert words("ValidationException", bare) == null("1.member.startTimerDecisionAttributes")
    extra = {**MARKER, "extra": 1}
    assert words("ValidationException", extra).startswith('Unknown parameter in decisions.1.member: "extra"')
    words("SerializationException", swf.schedule(input=5))


def test_texts_that_are_none(swf: Swf, refused: Refused) -> None:
    refused("SerializationException", "start_workflow_execution", **START, input="\ud800")
    wrong = {"oldestDate": "yesterday"}
    refused("SerializationException", "list_open_workflow_executions", domain=DOMAIN, startTimeFilter=wrong)


def test_tokens(swf: Swf, refused: Refused) -> None:
    swf.start()
    given = swf.poll_decision()["taskToken"]
    for token in (given.replace("-D-", "-A-"), given + "-1", "a-D-zz-1"):
        assert refused("ValidationException", RESPOND, taskToken=token) == "Invalid token"
    for token in ("0123456789ab" + given[12:], given[:-1] + "9"):
        words = refused("UnknownResourceFault", RESPOND, taskToken=token)
        assert words.startswith("Unknown decision task, scheduledEventId = ")


def test_filters(swf: Swf, refused: Refused) -> None:
    for method in ("list_open_workflow_executions", "count_open_workflow_executions"):
        refused("ValidationException", method, domain=DOMAIN)
    both = {"startTimeFilter": EVER, "closeTimeFilter": EVER}
    for method in ("list_closed_workflow_executions", "count_closed_workflow_executions"):
        words = refused("ValidationException", method, domain=DOMAIN, **both)
        assert words.startswith("Cannot specify more than one exclusive filters in the same query: ")


@pytest.mark.parametrize("kind", ["workflow", "activity"])
def test_a_status_that_there_is_not(swf: Swf, refused: Refused, kind: str) -> None:
    words = refused("ValidationException", f"list_{kind}_types", domain=DOMAIN, registrationStatus="GONE")
    assert words == (
        "1 validation error detected: Value 'GONE' at 'registrationStatus' failed to satisfy constraint: "
        "Member must satisfy enum value set: [REGISTERED, DEPRECATED]"
    )


def test_tags_of_what_there_is_not(swf: Swf, client: Any, refused: Refused) -> None:
    arn = client.describe_domain(name=DOMAIN)["domainInfo"]["arn"]
    for method, given in (
        ("tag_resource", {"tags": []}),
        ("untag_resource", {"tagKeys": []}),
        ("list_tags_for_resource", {}),
    ):
        for bad in (f"{arn}x", "d", "arn:aws:s3:::d"):
            words = refused("UnknownResourceFault", method, resourceArn=bad, **given)
            assert words == f"Unknown resource: {bad}"


def test_a_tag_without_a_value(client: Any) -> None:
    client.register_domain(name="d", workflowExecutionRetentionPeriodInDays="1", tags=[{"key": "k"}])
    arn = client.describe_domain(name="d")["domainInfo"]["arn"]
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "k", "value": ""}]


def test_a_context_stays_until_another_is_given(swf: Swf, client: Any) -> None:
    execution = swf.start()
    for given in ({"executionContext": "one"}, {}):
        swf.decide(**given)
        assert swf.describe(execution)["latestExecutionContext"] == "one"
        client.signal_workflow_execution(domain=DOMAIN, workflowId="w-1", signalName="s")


def test_a_type_with_a_lambda_role(swf: Swf, client: Any) -> None:
    role = {"defaultLambdaRole": "arn:aws:iam::1:role/x"}
    client.register_workflow_type(domain=DOMAIN, name="x", version="1", **role)
    type_ = {"name": "x", "version": "1"}
    assert client.describe_workflow_type(domain=DOMAIN, workflowType=type_)["configuration"] == role


def test_times_are_the_clocks(swf: Swf, client: Any, clock: VirtualClock) -> None:
    execution = swf.start()
    assert swf.describe(execution)["executionInfo"]["startTimestamp"].timestamp() == clock.now()
    info = client.describe_workflow_type(domain=DOMAIN, workflowType=TYPE)["typeInfo"]
    assert info["creationDate"].timestamp() == clock.now()


def test_next_due(clock: VirtualClock) -> None:
    with Engine(None, clock=clock, long_poll_seconds=0) as engine:
        swf = Swf(engine)
        assert engine.next_due() is None
        swf.start()
        assert engine.next_due() == clock.now() + 3600
        task = swf.poll_decision()
        assert engine.next_due() == clock.now() + 30
        swf.respond(task, swf.timer(seconds=5), swf.schedule())
        due = engine.next_due()
        assert due == clock.now() + 5
        clock.set(due)
        assert swf.poll_decision()["startedEventId"]
