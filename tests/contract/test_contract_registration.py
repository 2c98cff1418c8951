"""Domains and types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simpleflow.engine import VirtualClock

Refused = Callable[..., str]


def register(client: Any, name: str, **given: Any) -> None:
    client.register_domain(name=name, workflowExecutionRetentionPeriodInDays="7", **given)


def test_domain(client: Any, refused: Refused) -> None:
    register(client, "d", description="words")
    answer = client.describe_domain(name="d")
    arn = answer["domainInfo"].pop("arn")
    assert arn.startswith("arn:aws:swf:") and arn.endswith(":/domain/d")
    assert answer == {
        "domainInfo": {"name": "d", "status": "REGISTERED", "description": "words"},
        "configuration": {"workflowExecutionRetentionPeriodInDays": "7"},
    }
    days = {"workflowExecutionRetentionPeriodInDays": "7"}
    assert refused("DomainAlreadyExistsFault", "register_domain", name="d", **days) == "d"
    assert refused("UnknownResourceFault", "describe_domain", name="no") == "Unknown domain: no"


def test_domain_limit(client: Any, refused: Refused) -> None:
    for number in range(100):
        register(client, f"d{number}")
    refused("LimitExceededFault", "register_domain", name="d100", workflowExecutionRetentionPeriodInDays="1")


def test_domain_names(client: Any, refused: Refused) -> None:
    for name in ("a:b", "a/b", "a|b", "a\u0007b", "arn", " a", "a "):
        days = {"workflowExecutionRetentionPeriodInDays": "7"}
        assert "at 'name' failed" in refused("ValidationException", "register_domain", name=name, **days)
    register(client, "Ümlaut with space")
    for days in ("91", "-1", "x", "1.5", "²"):
        refused("ValidationException", "register_domain", name="d", workflowExecutionRetentionPeriodInDays=days)


def test_list_domains(client: Any) -> None:
    for name in ("b", "c", "a"):
        register(client, name)
    names = [info["name"] for info in client.list_domains(registrationStatus="REGISTERED")["domainInfos"]]
    assert names == ["a", "b", "c"]
    first = client.list_domains(registrationStatus="REGISTERED", maximumPageSize=2, reverseOrder=True)
    assert [info["name"] for info in first["domainInfos"]] == ["c", "b"]
    token = first["nextPageToken"]
    rest = client.list_domains(
        registrationStatus="REGISTERED", maximumPageSize=2, reverseOrder=True, nextPageToken=token
    )
    assert [info["name"] for info in rest["domainInfos"]] == ["a"] and "nextPageToken" not in rest
    assert client.list_domains(registrationStatus="DEPRECATED") == {"domainInfos": []}


def test_workflow_type(client: Any, clock: VirtualClock, refused: Refused) -> None:
    register(client, "d")
    defaults = {
        "defaultTaskList": {"name": "l"},
        "defaultChildPolicy": "ABANDON",
        "defaultTaskStartToCloseTimeout": "NONE",
        "defaultExecutionStartToCloseTimeout": "60",
        "defaultTaskPriority": "-3",
        "defaultLambdaRole": "arn:aws:iam::1:role/x",
    }
    client.register_workflow_type(domain="d", name="w", version="1", description="", **defaults)
    answer = client.describe_workflow_type(domain="d", workflowType={"name": "w", "version": "1"})
    assert answer["configuration"] == defaults
    info = answer["typeInfo"]
    assert info.pop("creationDate").timestamp() == clock.now()
    assert info == {"workflowType": {"name": "w", "version": "1"}, "status": "REGISTERED", "description": ""}
    words = "WorkflowType=[name=w, version=1]"
    assert refused("TypeAlreadyExistsFault", "register_workflow_type", domain="d", name="w", version="1") == words
    gone = {"name": "w", "version": "2"}
    message = refused("UnknownResourceFault", "describe_workflow_type", domain="d", workflowType=gone)
    assert message == "Unknown type: WorkflowType=[name=w, version=2]"
    refused("UnknownResourceFault", "register_workflow_type", domain="no", name="w", version="1")
    for bad in ("NONE", "0", "31536001"):
        given = {"domain": "d", "name": "x", "version": "1", "defaultExecutionStartToCloseTimeout": bad}
        refused("ValidationException", "register_workflow_type", **given)


def test_activity_type(client: Any, refused: Refused) -> None:
    register(client, "d")
    client.register_activity_type(domain="d", name="a", version="1", defaultTaskHeartbeatTimeout="NONE")
    type_ = {"name": "a", "version": "1"}
    answer = client.describe_activity_type(domain="d", activityType=type_)
    assert answer["configuration"] == {"defaultTaskHeartbeatTimeout": "NONE"}
    words = "ActivityType=[name=a, version=1]"
    assert refused("TypeAlreadyExistsFault", "register_activity_type", domain="d", name="a", version="1") == words
    message = refused("UnknownResourceFault", "describe_activity_type", domain="d", activityType={**type_, "name": "b"})
    assert message == "Unknown type: ActivityType=[name=b, version=1]"
    refused("ValidationException", "register_activity_type", domain="d", name="b", version="1/2")


def test_list_types(client: Any, refused: Refused) -> None:
    register(client, "d")
    for name, version in (("b", "1"), ("a", "2"), ("a", "1"), ("c", "1")):
        client.register_activity_type(domain="d", name=name, version=version)
        client.register_workflow_type(domain="d", name=name, version=version)
    for method, member in (("list_activity_types", "activityType"), ("list_workflow_types", "workflowType")):
        given: dict[str, Any] = {"domain": "d", "registrationStatus": "REGISTERED", "maximumPageSize": 3}
        first = getattr(client, method)(**given)
        rest = getattr(client, method)(**given, nextPageToken=first["nextPageToken"])
        pairs = [tuple(info[member].values()) for info in first["typeInfos"] + rest["typeInfos"]]
        assert pairs == [("a", "1"), ("a", "2"), ("b", "1"), ("c", "1")]
        named = getattr(client, method)(**given, name="a", reverseOrder=True)["typeInfos"]
        assert [info[member]["version"] for info in named] == ["2", "1"]
        wrong = {"domain": "d", "registrationStatus": "GONE"}
        message = refused("ValidationException", method, **wrong)
        assert message == (
            "1 validation error detected: Value 'GONE' at 'registrationStatus' failed to satisfy constraint: "
            "Member must satisfy enum value set: [REGISTERED, DEPRECATED]"
        )
        assert refused("ValidationException", method, **given, nextPageToken="junk") == "Invalid token"
        token = first["nextPageToken"]
        refused("ValidationException", "list_domains", registrationStatus="REGISTERED", nextPageToken=token)


def test_page_tokens_grow_old(client: Any, clock: VirtualClock, refused: Refused) -> None:
    register(client, "a")
    register(client, "b")
    given = {"registrationStatus": "REGISTERED", "maximumPageSize": 1}
    token = client.list_domains(**given)["nextPageToken"]
    clock.advance(24 * 3600)
    assert client.list_domains(**given, nextPageToken=token)["domainInfos"][0]["name"] == "b"
    clock.advance(1)
    message = refused("ValidationException", "list_domains", **given, nextPageToken=token)
    assert message == "Specified token has exceeded its maximum lifetime"
