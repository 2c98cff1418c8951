"""Domains, types and tags."""

from __future__ import annotations

from typing import Any

import pytest

from simpleflow.testing.contract.checked import DOMAIN, Checked
from simpleflow.testing.contract.swf import ACTIVITY, EVER, TYPE, Refused, Swf
from simpleflow.testing.contract.target import needs

KINDS = pytest.mark.parametrize("kind", ["workflow", "activity"])
REGISTERED = {"domain": DOMAIN, "registrationStatus": "REGISTERED"}
DEPRECATED = {"domain": DOMAIN, "registrationStatus": "DEPRECATED"}
DAYS = {"workflowExecutionRetentionPeriodInDays": "7"}


def register(client: Checked, name: str, **given: Any) -> None:
    client.register_domain(name=name, **DAYS, **given)


def type_of(kind: str, name: str, version: str = "1") -> dict[str, Any]:
    return {"domain": DOMAIN, f"{kind}Type": {"name": name, "version": version}}


@needs("domains")
def test_domain(client: Checked, refused: Refused) -> None:
    register(client, "d", description="words")
    answer = client.describe_domain(name="d")
    arn = answer["domainInfo"].pop("arn")
    assert arn.startswith("arn:aws:swf:") and arn.endswith(":/domain/d")
    assert answer == {
        "domainInfo": {"name": "d", "status": "REGISTERED", "description": "words"},
        "configuration": {"workflowExecutionRetentionPeriodInDays": "7"},
    }
    assert refused("DomainAlreadyExistsFault", "register_domain", name="d", **DAYS) == "d"


@pytest.mark.parametrize("method", ["describe_domain", "deprecate_domain", "undeprecate_domain"])
def test_an_unknown_domain(client: Checked, refused: Refused, method: str) -> None:
    assert refused("UnknownResourceFault", method, name="no") == "Unknown domain: no"


@needs("quotas", "domains", domains=3)
def test_too_many_domains(client: Checked, refused: Refused) -> None:
    for number in range(3):
        register(client, f"d{number}")
    client.deprecate_domain(name="d0")
    refused("LimitExceededFault", "register_domain", name="one-more", **DAYS)


@pytest.mark.parametrize("name", ["a:b", "a/b", "a|b", "a\u0007b", "arn", " a", "a "])
def test_domain_names(client: Checked, refused: Refused, name: str) -> None:
    assert "at 'name' failed" in refused("ValidationException", "register_domain", name=name, **DAYS)


@needs("domains")
def test_a_domain_with_another_name(client: Checked) -> None:
    register(client, "Ümlaut with space")
    assert client.describe_domain(name="Ümlaut with space")["domainInfo"]["name"] == "Ümlaut with space"


@pytest.mark.parametrize("days", ["91", "-1", "x", "1.5", "²"])
def test_retention(client: Checked, refused: Refused, days: str) -> None:
    given = {"name": "d", "workflowExecutionRetentionPeriodInDays": days}
    refused("ValidationException", "register_domain", **given)


@needs("domains")
@pytest.mark.parametrize("reverse", [False, True])
def test_list_domains(client: Checked, reverse: bool) -> None:
    for name in ("b", "c", "a"):
        register(client, name)
    given: dict[str, Any] = {"registrationStatus": "REGISTERED", "reverseOrder": reverse}
    names = [info["name"] for info in client.list_domains(**given)["domainInfos"]]
    ours = [name for name in names if name in ("a", "b", "c")]
    assert ours == (["c", "b", "a"] if reverse else ["a", "b", "c"])


@needs("domains")
def test_pages_of_domains(client: Checked) -> None:
    for name in ("b", "c", "a"):
        register(client, name)
    given: dict[str, Any] = {"registrationStatus": "REGISTERED", "maximumPageSize": 2}
    pages = [client.list_domains(**given)]
    while token := pages[-1].get("nextPageToken"):
        pages.append(client.list_domains(**given, nextPageToken=token))
    assert {len(page["domainInfos"]) for page in pages[:-1]} == {2}
    names = [info["name"] for page in pages for info in page["domainInfos"]]
    assert [name for name in names if name in ("a", "b", "c")] == ["a", "b", "c"]


def test_workflow_type(swf: Swf, client: Checked) -> None:
    defaults = {
        "defaultTaskList": {"name": "l"},
        "defaultChildPolicy": "ABANDON",
        "defaultTaskStartToCloseTimeout": "NONE",
        "defaultExecutionStartToCloseTimeout": "60",
        "defaultTaskPriority": "-3",
    }
    client.register_workflow_type(domain=DOMAIN, name="x", version="1", description="words", **defaults)
    answer = client.describe_workflow_type(**type_of("workflow", "x"))
    assert answer["configuration"] == defaults
    assert answer["typeInfo"].pop("creationDate")
    info = {"workflowType": {"name": "x", "version": "1"}, "status": "REGISTERED", "description": "words"}
    assert answer["typeInfo"] == info


def test_activity_type(swf: Swf, client: Checked) -> None:
    client.register_activity_type(domain=DOMAIN, name="x", version="1", defaultTaskHeartbeatTimeout="NONE")
    answer = client.describe_activity_type(**type_of("activity", "x"))
    assert answer["configuration"] == {"defaultTaskHeartbeatTimeout": "NONE"}
    assert answer["typeInfo"]["activityType"] == {"name": "x", "version": "1"}


@KINDS
def test_an_empty_description(swf: Swf, client: Checked, kind: str) -> None:
    getattr(client, f"register_{kind}_type")(domain=DOMAIN, name="x", version="1", description="")
    assert getattr(client, f"describe_{kind}_type")(**type_of(kind, "x"))["typeInfo"]["description"] == ""


@KINDS
def test_types_are_registered_once(swf: Swf, client: Checked, refused: Refused, kind: str) -> None:
    given = {"domain": DOMAIN, "name": "x", "version": "1"}
    getattr(client, f"register_{kind}_type")(**given)
    words = f"{kind.capitalize()}Type=[name=x, version=1]"
    assert refused("TypeAlreadyExistsFault", f"register_{kind}_type", **given) == words
    getattr(client, f"deprecate_{kind}_type")(**type_of(kind, "x"))
    assert refused("TypeAlreadyExistsFault", f"register_{kind}_type", **given) == words


@KINDS
def test_an_unknown_type(swf: Swf, refused: Refused, kind: str) -> None:
    words = f"Unknown type: {kind.capitalize()}Type=[name=x, version=2]"
    for method in ("describe", "deprecate", "undeprecate"):
        assert refused("UnknownResourceFault", f"{method}_{kind}_type", **type_of(kind, "x", "2")) == words


@KINDS
def test_types_of_an_unknown_domain(client: Checked, refused: Refused, kind: str) -> None:
    words = refused("UnknownResourceFault", f"register_{kind}_type", domain="no", name="x", version="1")
    assert words == "Unknown domain: no"


@pytest.mark.parametrize("bad", ["NONE", "0", "31536001"])
def test_an_execution_lasts_a_year_at_most(swf: Swf, refused: Refused, bad: str) -> None:
    given = {"domain": DOMAIN, "name": "x", "version": "1", "defaultExecutionStartToCloseTimeout": bad}
    refused("ValidationException", "register_workflow_type", **given)


@KINDS
def test_versions(swf: Swf, refused: Refused, kind: str) -> None:
    refused("ValidationException", f"register_{kind}_type", domain=DOMAIN, name="x", version="1/2")


@needs("domains")
@KINDS
def test_list_types(swf: Swf, client: Checked, kind: str) -> None:
    for name in ("z", "x", "y"):
        getattr(client, f"register_{kind}_type")(domain=DOMAIN, name=name, version="1")
    ours = TYPE if kind == "workflow" else ACTIVITY
    for reverse in (False, True):
        infos = getattr(client, f"list_{kind}_types")(**REGISTERED, reverseOrder=reverse)["typeInfos"]
        names = [info[f"{kind}Type"]["name"] for info in infos]
        assert names == sorted([ours["name"], "x", "y", "z"], reverse=reverse)


@KINDS
def test_versions_of_a_type(swf: Swf, client: Checked, kind: str) -> None:
    for version in ("2", "1"):
        getattr(client, f"register_{kind}_type")(domain=DOMAIN, name="x", version=version)
    infos = getattr(client, f"list_{kind}_types")(**REGISTERED, name="x", reverseOrder=True)["typeInfos"]
    assert [info[f"{kind}Type"] for info in infos] == [{"name": "x", "version": "2"}, {"name": "x", "version": "1"}]


@KINDS
def test_pages_of_types(swf: Swf, client: Checked, refused: Refused, kind: str) -> None:
    method = f"list_{kind}_types"
    for version in ("1", "2", "3"):
        getattr(client, f"register_{kind}_type")(domain=DOMAIN, name="x", version=version)
    given = {**REGISTERED, "name": "x", "maximumPageSize": 2}
    first = getattr(client, method)(**given)
    token = first["nextPageToken"]
    rest = getattr(client, method)(**given, nextPageToken=token)
    infos = first["typeInfos"] + rest["typeInfos"]
    assert [info[f"{kind}Type"]["version"] for info in infos] == ["1", "2", "3"]
    assert refused("ValidationException", method, **given, nextPageToken="junk") == "Invalid token"
    refused("ValidationException", "list_domains", registrationStatus="REGISTERED", nextPageToken=token)


@needs("clock")
def test_page_tokens_grow_old(swf: Swf, client: Checked, refused: Refused) -> None:
    client.register_workflow_type(domain=DOMAIN, name="w", version="2")
    given = {**REGISTERED, "name": "w", "maximumPageSize": 1}
    token = client.list_workflow_types(**given)["nextPageToken"]
    swf.advance(24 * 3600)
    [info] = client.list_workflow_types(**given, nextPageToken=token)["typeInfos"]
    assert info["workflowType"]["version"] == "2"
    swf.advance(1)
    words = refused("ValidationException", "list_workflow_types", **given, nextPageToken=token)
    assert words == "Specified token has exceeded its maximum lifetime"


@KINDS
def test_deprecation(swf: Swf, client: Checked, refused: Refused, kind: str) -> None:
    getattr(client, f"register_{kind}_type")(domain=DOMAIN, name="t", version="1")
    type_, words = type_of(kind, "t"), f"{kind.capitalize()}Type=[name=t, version=1]"
    describe, listed = getattr(client, f"describe_{kind}_type"), getattr(client, f"list_{kind}_types")
    assert refused("TypeAlreadyExistsFault", f"undeprecate_{kind}_type", **type_) == words
    getattr(client, f"deprecate_{kind}_type")(**type_)
    assert refused("TypeDeprecatedFault", f"deprecate_{kind}_type", **type_) == words
    info = describe(**type_)["typeInfo"]
    assert info["status"] == "DEPRECATED" and info["deprecationDate"]
    assert info in listed(**DEPRECATED)["typeInfos"]
    assert type_[f"{kind}Type"] not in [other[f"{kind}Type"] for other in listed(**REGISTERED)["typeInfos"]]
    getattr(client, f"undeprecate_{kind}_type")(**type_)
    info = describe(**type_)["typeInfo"]
    assert info["status"] == "REGISTERED" and "deprecationDate" not in info


@needs("clock")
@KINDS
def test_the_times_of_a_type(swf: Swf, client: Checked, kind: str) -> None:
    getattr(client, f"register_{kind}_type")(domain=DOMAIN, name="t", version="1")
    swf.advance(5)
    getattr(client, f"deprecate_{kind}_type")(**type_of(kind, "t"))
    info = getattr(client, f"describe_{kind}_type")(**type_of(kind, "t"))["typeInfo"]
    assert (info["deprecationDate"] - info["creationDate"]).total_seconds() == 5


@KINDS
def test_deletion(swf: Swf, client: Checked, refused: Refused, kind: str) -> None:
    given = {"domain": DOMAIN, "name": "t", "version": "1"}
    getattr(client, f"register_{kind}_type")(**given)
    type_, words = type_of(kind, "t"), f"{kind.capitalize()}Type=[name=t, version=1]"
    assert refused("TypeNotDeprecatedFault", f"delete_{kind}_type", **type_) == words
    getattr(client, f"deprecate_{kind}_type")(**type_)
    getattr(client, f"delete_{kind}_type")(**type_)
    for method in ("describe", "deprecate", "undeprecate", "delete"):
        assert refused("UnknownResourceFault", f"{method}_{kind}_type", **type_) == f"Unknown type: {words}"
    assert getattr(client, f"list_{kind}_types")(**DEPRECATED, name="t")["typeInfos"] == []
    getattr(client, f"register_{kind}_type")(**given, description="again")
    info = getattr(client, f"describe_{kind}_type")(**type_)["typeInfo"]
    assert (info["status"], info["description"]) == ("REGISTERED", "again")


def test_what_is_there_outlives_its_type(swf: Swf, client: Checked) -> None:
    execution = swf.start()
    swf.decide(swf.schedule())
    for kind, type_ in (("activity", ACTIVITY), ("workflow", TYPE)):
        getattr(client, f"deprecate_{kind}_type")(domain=DOMAIN, **{f"{kind}Type": type_})
        getattr(client, f"delete_{kind}_type")(domain=DOMAIN, **{f"{kind}Type": type_})
    swf.complete(swf.poll_activity())
    swf.decide(swf.schedule(), swf.decision("ContinueAsNewWorkflowExecution"))
    assert [cause for _, cause in swf.causes(execution)] == [
        "ACTIVITY_TYPE_DOES_NOT_EXIST",
        "WORKFLOW_TYPE_DOES_NOT_EXIST",
    ]
    assert swf.describe(execution)["executionInfo"]["workflowType"] == TYPE
    filters = {"domain": DOMAIN, "startTimeFilter": EVER, "typeFilter": {"name": "w"}}
    assert client.count_open_workflow_executions(**filters)["count"] == 1


@needs("domains")
def test_domains_are_deprecated(swf: Swf, client: Checked, refused: Refused) -> None:
    assert refused("DomainAlreadyExistsFault", "undeprecate_domain", name=DOMAIN) == DOMAIN
    client.deprecate_domain(name=DOMAIN)
    assert refused("DomainDeprecatedFault", "deprecate_domain", name=DOMAIN) == DOMAIN
    assert client.describe_domain(name=DOMAIN)["domainInfo"]["status"] == "DEPRECATED"
    listed = client.list_domains(registrationStatus="DEPRECATED")["domainInfos"]
    assert DOMAIN in [info["name"] for info in listed]
    assert refused("DomainAlreadyExistsFault", "register_domain", name=DOMAIN, **DAYS) == DOMAIN
    client.undeprecate_domain(name=DOMAIN)
    assert client.describe_domain(name=DOMAIN)["domainInfo"]["status"] == "REGISTERED"


@needs("domains")
def test_a_deprecated_domain_takes_nothing_new(swf: Swf, client: Checked, refused: Refused) -> None:
    client.deprecate_domain(name=DOMAIN)
    start = {"domain": DOMAIN, "workflowId": "x", "workflowType": TYPE}
    assert refused("DomainDeprecatedFault", "start_workflow_execution", **start) == DOMAIN
    for kind in ("workflow", "activity"):
        refused("DomainDeprecatedFault", f"register_{kind}_type", domain=DOMAIN, name="n", version="1")
        types = getattr(client, f"list_{kind}_types")(**REGISTERED)
        assert types["typeInfos"] == [], "its types are deprecated with it"
    client.undeprecate_domain(name=DOMAIN)
    assert refused("TypeDeprecatedFault", "start_workflow_execution", **start) == "WorkflowType=[name=w, version=1]"
    client.undeprecate_workflow_type(domain=DOMAIN, workflowType=TYPE)
    client.start_workflow_execution(**start)


@needs("domains")
def test_what_runs_in_a_deprecated_domain_goes_on(swf: Swf, client: Checked) -> None:
    execution = swf.start()
    swf.decide(swf.schedule())
    client.deprecate_domain(name=DOMAIN)
    swf.complete(swf.poll_activity())
    swf.decide(swf.decision("RecordMarker", markerName="m"))
    client.signal_workflow_execution(domain=DOMAIN, workflowId="w-1", signalName="s", input="i")
    assert swf.types(execution)[-3:] == ["MarkerRecorded", "WorkflowExecutionSignaled", "DecisionTaskScheduled"]


@needs("domains")
@pytest.mark.parametrize("kind", ["open", "closed"])
def test_what_ran_in_a_deprecated_domain_is_listed(swf: Swf, client: Checked, kind: str) -> None:
    run = swf.start()
    if kind == "closed":
        client.terminate_workflow_execution(domain=DOMAIN, **run)
    client.deprecate_domain(name=DOMAIN)
    infos = getattr(client, f"list_{kind}_workflow_executions")(domain=DOMAIN, startTimeFilter=EVER)["executionInfos"]
    assert [info["execution"] for info in infos] == [run]


def tags_of(client: Checked, arn: str) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in client.list_tags_for_resource(resourceArn=arn)["tags"]}


@needs("domains")
def test_tags(client: Checked) -> None:
    register(client, "d", tags=[{"key": "a", "value": "1"}])
    arn = client.describe_domain(name="d")["domainInfo"]["arn"]
    assert tags_of(client, arn) == {"a": "1"}
    client.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": "2"}, {"key": "c", "value": "3"}])
    client.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": "4"}])
    assert tags_of(client, arn) == {"a": "1", "b": "4", "c": "3"}
    client.untag_resource(resourceArn=arn, tagKeys=["a", "missing"])
    assert tags_of(client, arn) == {"b": "4", "c": "3"}


@needs("domains")
def test_too_many_tags(client: Checked, refused: Refused) -> None:
    register(client, "d", tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
    arn = client.describe_domain(name="d")["domainInfo"]["arn"]
    many = [{"key": f"k{number}", "value": ""} for number in range(51)]
    refused("TooManyTagsFault", "tag_resource", resourceArn=arn, tags=many[:49])
    assert len(tags_of(client, arn)) == 2, "nothing was tagged"
    refused("TooManyTagsFault", "register_domain", name="e", **DAYS, tags=many)
