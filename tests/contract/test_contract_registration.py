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


def test_types_are_deprecated_and_deleted(client: Any, clock: VirtualClock, refused: Refused) -> None:
    register(client, "d")
    for kind in ("workflow", "activity"):
        getattr(client, f"register_{kind}_type")(domain="d", name="t", version="1")
        type_ = {"domain": "d", f"{kind}Type": {"name": "t", "version": "1"}}
        words = f"{kind.capitalize()}Type=[name=t, version=1]"
        assert refused("TypeNotDeprecatedFault", f"delete_{kind}_type", **type_) == words
        assert refused("TypeAlreadyExistsFault", f"undeprecate_{kind}_type", **type_) == words
        clock.advance(5)
        getattr(client, f"deprecate_{kind}_type")(**type_)
        assert refused("TypeDeprecatedFault", f"deprecate_{kind}_type", **type_) == words
        info = getattr(client, f"describe_{kind}_type")(**type_)["typeInfo"]
        assert (info["status"], info["deprecationDate"].timestamp()) == ("DEPRECATED", clock.now())
        listed = getattr(client, f"list_{kind}_types")(domain="d", registrationStatus="DEPRECATED")["typeInfos"]
        assert listed == [info]
        given = {"domain": "d", "name": "t", "version": "1"}
        assert refused("TypeAlreadyExistsFault", f"register_{kind}_type", **given) == words
        getattr(client, f"undeprecate_{kind}_type")(**type_)
        assert "deprecationDate" not in getattr(client, f"describe_{kind}_type")(**type_)["typeInfo"]
        getattr(client, f"deprecate_{kind}_type")(**type_)
        getattr(client, f"delete_{kind}_type")(**type_)
        for method in ("describe", "deprecate", "undeprecate", "delete"):
            assert refused("UnknownResourceFault", f"{method}_{kind}_type", **type_) == f"Unknown type: {words}"
        assert getattr(client, f"list_{kind}_types")(domain="d", registrationStatus="DEPRECATED")["typeInfos"] == []
        getattr(client, f"register_{kind}_type")(**given, description="again")
        info = getattr(client, f"describe_{kind}_type")(**type_)["typeInfo"]
        assert (info["status"], info["description"]) == ("REGISTERED", "again")


def test_what_is_there_outlives_its_type(swf: Any, client: Any) -> None:
    domain = "contract"
    activity, workflow = {"name": "a", "version": "1"}, {"name": "w", "version": "1"}
    execution = swf.start()
    swf.decide(swf.schedule())
    for kind, type_ in (("activity", activity), ("workflow", workflow)):
        getattr(client, f"deprecate_{kind}_type")(domain=domain, **{f"{kind}Type": type_})
        getattr(client, f"delete_{kind}_type")(domain=domain, **{f"{kind}Type": type_})
    client.respond_activity_task_completed(taskToken=swf.poll_activity()["taskToken"])
    swf.decide(swf.schedule(), swf.decision("ContinueAsNewWorkflowExecution"))
    causes = [event for event in swf.history(execution) if event["eventType"].endswith("Failed")]
    assert [list(event.values())[3]["cause"] for event in causes] == [
        "ACTIVITY_TYPE_DOES_NOT_EXIST",
        "WORKFLOW_TYPE_DOES_NOT_EXIST",
    ]
    assert swf.describe(execution)["executionInfo"]["workflowType"] == workflow
    ever = {"oldestDate": 0}
    filters = {"domain": domain, "startTimeFilter": ever, "typeFilter": {"name": "w"}}
    assert client.count_open_workflow_executions(**filters)["count"] == 1


def test_a_deprecated_domain(swf: Any, client: Any, refused: Refused) -> None:
    domain = "contract"
    execution = swf.start()
    assert refused("DomainAlreadyExistsFault", "undeprecate_domain", name=domain) == domain
    client.deprecate_domain(name=domain)
    assert refused("DomainDeprecatedFault", "deprecate_domain", name=domain) == domain
    assert client.describe_domain(name=domain)["domainInfo"]["status"] == "DEPRECATED"
    assert [info["name"] for info in client.list_domains(registrationStatus="DEPRECATED")["domainInfos"]] == [domain]
    words = refused(
        "DomainAlreadyExistsFault", "register_domain", name=domain, workflowExecutionRetentionPeriodInDays="1"
    )
    assert words == domain
    start = {"domain": domain, "workflowId": "x", "workflowType": {"name": "w", "version": "1"}}
    assert refused("DomainDeprecatedFault", "start_workflow_execution", **start) == domain
    for kind in ("workflow", "activity"):
        refused("DomainDeprecatedFault", f"register_{kind}_type", domain=domain, name="n", version="1")
        types = getattr(client, f"list_{kind}_types")(domain=domain, registrationStatus="REGISTERED")
        assert types["typeInfos"] == [], "its types are deprecated with it"
    swf.decide(swf.timer(), swf.schedule())
    client.signal_workflow_execution(domain=domain, workflowId="w-1", signalName="s")
    assert swf.types(execution)[-3:] == [
        "ScheduleActivityTaskFailed",
        "DecisionTaskScheduled",
        "WorkflowExecutionSignaled",
    ], "what runs goes on"
    client.undeprecate_domain(name=domain)
    assert refused("TypeDeprecatedFault", "start_workflow_execution", **start) == "WorkflowType=[name=w, version=1]"
    client.undeprecate_workflow_type(domain=domain, workflowType=start["workflowType"])
    client.start_workflow_execution(**start)
    refused("UnknownResourceFault", "deprecate_domain", name="no")
    refused("UnknownResourceFault", "undeprecate_domain", name="no")


def test_tags(client: Any, refused: Refused) -> None:
    register(client, "d", tags=[{"key": "a", "value": "1"}, {"key": "b"}])
    arn = client.describe_domain(name="d")["domainInfo"]["arn"]

    def tags() -> dict[str, str]:
        return {tag["key"]: tag["value"] for tag in client.list_tags_for_resource(resourceArn=arn)["tags"]}

    assert tags() == {"a": "1", "b": ""}
    client.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": "2"}, {"key": "c", "value": "3"}])
    assert tags() == {"a": "1", "b": "2", "c": "3"}
    client.untag_resource(resourceArn=arn, tagKeys=["a", "missing"])
    assert tags() == {"b": "2", "c": "3"}
    many = [{"key": f"k{number}", "value": ""} for number in range(49)]
    refused("TooManyTagsFault", "tag_resource", resourceArn=arn, tags=many)
    assert len(tags()) == 2, "nothing was tagged"
    refused(
        "TooManyTagsFault",
        "register_domain",
        name="e",
        workflowExecutionRetentionPeriodInDays="1",
        tags=many * 2 + [{"key": "x"}, {"key": "y"}],
    )
    for method, given in (
        ("tag_resource", {"tags": []}),
        ("untag_resource", {"tagKeys": []}),
        ("list_tags_for_resource", {}),
    ):
        for bad in (f"{arn}x", "d", "arn:aws:s3:::d"):
            words = refused("UnknownResourceFault", method, resourceArn=bad, **given)
            assert words == f"Unknown resource: {bad}"
