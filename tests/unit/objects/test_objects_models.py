"""Models: frozen values, what they ask of the engine, and how they are compared with what it knows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from fake_client import FakeClient, refusal

from simpleflow.exceptions import PayloadError
from simpleflow.swf import exceptions
from simpleflow.swf.core import ConnectedSWFObject
from simpleflow.swf.models import (
    CHILD_POLICIES,
    ActivityTask,
    ActivityType,
    BaseModel,
    Domain,
    ModelDiff,
    WorkflowExecution,
    WorkflowType,
)

WHEN = datetime(2026, 5, 1, tzinfo=UTC)
DOMAIN = {
    "domainInfo": {"name": "D", "status": "REGISTERED", "description": "ours", "arn": "arn:D"},
    "configuration": {"workflowExecutionRetentionPeriodInDays": "30"},
}
WORKFLOW_TYPE = {
    "typeInfo": {
        "workflowType": {"name": "t", "version": "1"},
        "status": "REGISTERED",
        "description": "d",
        "creationDate": WHEN,
    },
    "configuration": {
        "defaultTaskList": {"name": "l"},
        "defaultChildPolicy": "ABANDON",
        "defaultExecutionStartToCloseTimeout": "60",
        "defaultTaskStartToCloseTimeout": "NONE",
        "defaultTaskPriority": "3",
        "defaultLambdaRole": "role",
    },
}
ACTIVITY_TYPE = {
    "typeInfo": {"activityType": {"name": "a", "version": "1"}, "status": "DEPRECATED", "deprecationDate": WHEN},
    "configuration": {
        "defaultTaskList": {"name": "l"},
        "defaultTaskHeartbeatTimeout": "1",
        "defaultTaskScheduleToCloseTimeout": "2",
        "defaultTaskScheduleToStartTimeout": "3",
        "defaultTaskStartToCloseTimeout": "4",
    },
}
EXECUTION = {
    "executionInfo": {
        "execution": {"workflowId": "w", "runId": "r"},
        "workflowType": {"name": "t", "version": "1"},
        "executionStatus": "OPEN",
        "startTimestamp": WHEN,
        "cancelRequested": True,
        "tagList": ["a", "b"],
    },
    "executionConfiguration": {
        "taskList": {"name": "l"},
        "childPolicy": "TERMINATE",
        "executionStartToCloseTimeout": "60",
        "taskStartToCloseTimeout": "30",
    },
    "openCounts": {"openTimers": 1},
    "latestExecutionContext": "here",
    "latestActivityTaskTimestamp": WHEN,
}


def domain(**answers: Any) -> Domain:
    return Domain("D", connection=FakeClient(**answers))


def test_models_are_frozen_values() -> None:
    made = WorkflowType(Domain("D"), "t", "1", execution_timeout=60)
    assert made == WorkflowType(Domain("D", connection=FakeClient()), "t", "1", execution_timeout="60")
    assert made != WorkflowType(Domain("D"), "t", "2") and len({made, made}) == 1
    for name, value in (("name", "u"), ("colour", "red")):
        with pytest.raises((AttributeError, TypeError)):
            setattr(made, name, value)
    assert isinstance(made, BaseModel) and not hasattr(made, "__dict__")
    assert hash(WorkflowExecution(Domain("D"), "w", input={"a": []}, open_counts={"openTimers": 1}))


def test_how_they_show_themselves() -> None:
    d = Domain("D")
    assert repr(d) == "<Domain name=D status=REGISTERED>"
    assert repr(WorkflowType(d, "t", "1")) == "<WorkflowType domain=D name=t version=1 status=REGISTERED>"
    assert repr(ActivityType(d, "t", "1")) == "<ActivityType domain=D name=t version=1 status=REGISTERED>"
    closed = WorkflowExecution(d, "w", "r", "CLOSED", close_status="FAILED")
    assert repr(closed) == "<WorkflowExecution domain=D id=w run=r status=FAILED>" and not closed.is_open


@pytest.mark.parametrize("kind", [WorkflowType, ActivityType])
def test_a_domain_is_no_text(kind: Any) -> None:
    with pytest.raises(TypeError, match=r"domain takes a Domain, not 'D': write Domain\('D'\)"):
        kind("D", "t", "1")


def test_the_domains_connection_is_theirs() -> None:
    own, other = FakeClient(), FakeClient()
    d = Domain("D", connection=other)
    assert WorkflowType(d, "t", "1").client is other and WorkflowType(d, "t", "1", connection=own).client is own
    assert WorkflowExecution(d, "w", "r").client is other


# Comparison


def test_what_is_the_same_is_synced() -> None:
    """Of old nothing ever was."""
    same = Domain("D", description="ours", connection=FakeClient(describe_domain=DOMAIN))
    assert same.is_synced and not same.changes and same.exists
    assert same.upstream() == same and same.upstream().client is same.client


def test_differences() -> None:
    other = Domain("D", "DEPRECATED", "theirs", 5, connection=FakeClient(describe_domain=DOMAIN))
    diff = other.changes
    assert not other.is_synced and len(diff) == 3 and "status" in diff and "name" not in diff
    assert diff[0] == ("status", "DEPRECATED", "REGISTERED") and diff[0].attr == "status"
    assert (diff[1].local, diff[1].upstream) == ("theirs", "ours")
    assert diff.differing_fields() == ["status", "description", "retention_period"] and diff.as_list() == list(diff)
    assert repr(diff).startswith("<ModelDiff status: 'DEPRECATED' != 'REGISTERED', ")
    assert len(other._diff(ignore_fields=["status"])) == 2
    assert ModelDiff(("a", 1, 1), ("b", 1, 2)) == ModelDiff(("b", 1, 2)) != ModelDiff()


def test_what_is_not_said_is_not_compared() -> None:
    made = WorkflowType(domain(describe_workflow_type=WORKFLOW_TYPE), "t", "1")
    assert made.is_synced and made.upstream().task_list == "l"
    assert WorkflowType(made.domain, "t", "1", task_list="m").changes.differing_fields() == ["task_list"]
    assert WorkflowType(made.domain, "t", "1", execution_timeout=60).is_synced, "numbers are texts"
    assert WorkflowType(made.domain, "t", "1", creation_date=datetime(2000, 1, 1)).is_synced, "dates are the engine's"


def test_what_is_not_there_is_not_synced() -> None:
    gone = domain(describe_domain=refusal("UnknownResourceFault", "Unknown domain: D"))
    assert not gone.exists and not gone.is_synced
    for ask in (lambda: gone.changes, gone.upstream, gone.check):
        with pytest.raises(exceptions.DomainDoesNotExist, match="cannot describe the domain D: Unknown domain: D"):
            ask()


def test_other_refusals_do_not_mean_that_it_is_there() -> None:
    """Of old every refusal but one did."""
    closed = domain(describe_domain=refusal("OperationNotPermittedFault", "not yours"))
    with pytest.raises(exceptions.ResponseError, match="not yours"):
        _ = closed.exists


# Domains


def test_a_domain_is_registered_and_deprecated() -> None:
    d = Domain("D", description="ours", retention_period=7, connection=FakeClient())
    assert d.save() == d
    assert d.client.last == {"name": "D", "workflowExecutionRetentionPeriodInDays": "7", "description": "ours"}
    for ask, method in ((d.delete, "deprecate"), (d.deprecate, "deprecate"), (d.undeprecate, "undeprecate")):
        ask()
        assert d.client.asked[-1] == (f"{method}_domain", {"name": "D"})
    listed = Domain.from_info(DOMAIN["domainInfo"], FakeClient())
    assert listed.retention_period is None and listed.save().retention_period == 90, "and not 0, which keeps nothing"
    assert Domain("D", retention_period="NONE").retention_period == "NONE"
    assert Domain("D", retention_period="7") == Domain("D", retention_period=7)


def test_a_domain_that_is_there_already() -> None:
    taken = domain(
        register_domain=refusal("DomainAlreadyExistsFault", "D"), deprecate_domain=refusal("DomainDeprecatedFault", "D")
    )
    with pytest.raises(exceptions.AlreadyExistsError, match="cannot register the domain D: D"):
        taken.save()
    with pytest.raises(exceptions.ResponseError) as caught:
        taken.delete()
    assert caught.value.error_code == "DomainDeprecatedFault"


def test_tags_of_a_domain() -> None:
    d = domain(describe_domain=DOMAIN, list_tags_for_resource={"tags": [{"key": "a", "value": "b"}, {"key": "c"}]})
    assert d.tags() == {"a": "b", "c": ""} and d.arn == "arn:D"
    d.tag({"a-b": "x"})
    assert d.client.last == {"resourceArn": "arn:D", "tags": [{"key": "a-b", "value": "x"}]}
    d.untag("a-b", "c")
    assert d.client.last == {"resourceArn": "arn:D", "tagKeys": ["a-b", "c"]}


def test_what_is_in_a_domain() -> None:
    d = domain(
        list_workflow_types=[
            {"typeInfos": [WORKFLOW_TYPE["typeInfo"]], "nextPageToken": "2"},
            {"typeInfos": [WORKFLOW_TYPE["typeInfo"]]},
        ],
        list_activity_types={"typeInfos": [ACTIVITY_TYPE["typeInfo"]]},
        list_open_workflow_executions={"executionInfos": [EXECUTION["executionInfo"]]},
        count_pending_activity_tasks={"count": 3},
        count_pending_decision_tasks={"count": 4},
    )
    assert [found.name for found in d.workflows()] == ["t", "t"] and d.client.last["nextPageToken"] == "2"
    assert d.activities("DEPRECATED")[0].deprecation_date == WHEN
    assert d.client.last == {"domain": "D", "registrationStatus": "DEPRECATED"}
    assert d.executions[0].workflow_id == "w"
    assert (d.pending_activities("l"), d.pending_decisions("l")) == (3, 4)
    assert d.client.last == {"domain": "D", "taskList": {"name": "l"}}


# Types


def test_upstream_of_types() -> None:
    found = WorkflowType(domain(describe_workflow_type=WORKFLOW_TYPE), "t", "1").upstream()
    assert (found.task_list, found.child_policy, found.execution_timeout) == ("l", "ABANDON", "60")
    assert (found.decision_tasks_timeout, found.task_priority, found.lambda_role) == ("NONE", "3", "role")
    assert (found.description, found.creation_date, found.deprecation_date) == ("d", WHEN, None)
    activity = ActivityType(domain(describe_activity_type=ACTIVITY_TYPE), "a", "1").upstream()
    assert (activity.status, activity.deprecation_date, activity.task_list) == ("DEPRECATED", WHEN, "l")
    assert (activity.task_heartbeat_timeout, activity.task_schedule_to_close_timeout) == ("1", "2")
    assert (activity.task_schedule_to_start_timeout, activity.task_start_to_close_timeout) == ("3", "4")


def test_types_are_registered_with_what_their_tasks_need() -> None:
    """Of old that was the list "None", and no second for anything."""
    d = domain()
    registered = WorkflowType(d, "t", "1").save()
    assert (registered.task_list, registered.execution_timeout) == ("default", "31536000"), "it knows what it is now"
    assert d.client.last == {
        "domain": "D",
        "name": "t",
        "version": "1",
        "defaultTaskList": {"name": "default"},
        "defaultChildPolicy": "TERMINATE",
        "defaultExecutionStartToCloseTimeout": "31536000",
        "defaultTaskStartToCloseTimeout": "30",
    }
    ActivityType(d, "a", "1").save()
    assert d.client.last == {
        "domain": "D",
        "name": "a",
        "version": "1",
        "defaultTaskList": {"name": "default"},
        "defaultTaskHeartbeatTimeout": "60",
        "defaultTaskScheduleToCloseTimeout": "NONE",
        "defaultTaskScheduleToStartTimeout": "NONE",
        "defaultTaskStartToCloseTimeout": "300",
    }


def test_types_are_registered_as_they_are() -> None:
    d = domain()
    full = WorkflowType.from_info(d, WORKFLOW_TYPE["typeInfo"], WORKFLOW_TYPE["configuration"])
    assert full.save() == full and d.client.last == {
        "domain": "D",
        "name": "t",
        "version": "1",
        "description": "d",
        **WORKFLOW_TYPE["configuration"],
    }
    ActivityType(d, "a", "1", task_start_to_close_timeout=0, task_heartbeat_timeout="NONE", task_priority=2).save()
    asked = d.client.last
    assert (asked["defaultTaskStartToCloseTimeout"], asked["defaultTaskHeartbeatTimeout"]) == ("0", "NONE")
    assert asked["defaultTaskPriority"] == "2"


@pytest.mark.parametrize("kind", [WorkflowType, ActivityType])
def test_types_are_deprecated_and_deleted(kind: Any) -> None:
    name = "workflow" if kind is WorkflowType else "activity"
    made = kind(domain(), "t", "1")
    for ask, method in (
        (made.delete, "deprecate"),
        (made.deprecate, "deprecate"),
        (made.undeprecate, "undeprecate"),
        (made.purge, "delete"),
    ):
        ask()
        expected = {"domain": "D", f"{name}Type": {"name": "t", "version": "1"}}
        assert made.client.asked[-1] == (f"{method}_{name}_type", expected)


@pytest.mark.parametrize(
    ("kind", "method", "error"),
    [
        (WorkflowType, "describe_workflow_type", exceptions.WorkflowTypeDoesNotExist),
        (ActivityType, "describe_activity_type", exceptions.ActivityTypeDoesNotExist),
    ],
)
def test_types_that_are_not_there(kind: Any, method: str, error: type[Exception]) -> None:
    words = "Unknown type: " + method.split("_")[1].capitalize() + "Type=[name=t, version=1]"
    made = kind(domain(**{method: refusal("UnknownResourceFault", words)}), "t", "1")
    assert not made.exists
    with pytest.raises(error) as caught:
        made.upstream()
    assert isinstance(caught.value, exceptions.DoesNotExistError) and isinstance(caught.value, exceptions.SWFError)
    assert (caught.value.kind, caught.value.type_) == ("Unknown type", words.split()[2].partition("=")[0])


def test_child_policies() -> None:
    assert CHILD_POLICIES == ("TERMINATE", "REQUEST_CANCEL", "ABANDON") and CHILD_POLICIES.ABANDON == "ABANDON"
    made = WorkflowType(domain(), "t", "1")
    for ask in (
        lambda: WorkflowType(made.domain, "t", "1", child_policy="X"),
        lambda: made.start_execution(child_policy="X"),
        lambda: WorkflowExecution(made.domain, "w", "r").terminate(child_policy="X"),
    ):
        with pytest.raises(ValueError, match="invalid child policy value: X; there are TERMINATE, "):
            ask()
    assert made.client.asked == []


# Runs


def test_a_run_is_started() -> None:
    d = domain(start_workflow_execution={"runId": "r"})
    type_ = WorkflowType(d, "t", "1", task_list="l", child_policy="ABANDON", execution_timeout=60)
    run = type_.start_execution(
        "w", input={"args": [1]}, tag_list=["a"], decision_tasks_timeout=5, task_priority=2, lambda_role="role"
    )
    assert d.client.last == {
        "domain": "D",
        "workflowId": "w",
        "workflowType": {"name": "t", "version": "1"},
        "input": '{"args":[1]}',
        "tagList": ["a"],
        "taskStartToCloseTimeout": "5",
        "taskPriority": "2",
        "lambdaRole": "role",
    }, "what the type says is the engine's to fill in"
    assert (run.workflow_id, run.run_id, run.status, run.workflow_type) == ("w", "r", "OPEN", type_)
    assert (run.task_list, run.child_policy, run.execution_timeout) == ("l", "ABANDON", "60")
    assert (run.decision_tasks_timeout, run.tag_list, run.input) == ("5", ("a",), {"args": [1]})


def test_a_run_has_an_id_of_its_own() -> None:
    made = WorkflowType(domain(start_workflow_execution={"runId": "r"}), "t", "1")
    with patch("time.time", return_value=1_700_000_000.9):
        assert made.start_execution().workflow_id == "t-1-1700000000"


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"tag_list": list("abcdef")}, ValueError, "a run has at most 5 tags, not 6"),
        ({"tag_list": "abc"}, ValueError, r"tag_list takes a list of texts, not 'abc': write \['abc'\]"),
        ({"input": object()}, PayloadError, "the input cannot be encoded as JSON"),
    ],
)
def test_what_cannot_be_started(given: Any, error: type[Exception], says: str) -> None:
    made = WorkflowType(domain(), "t", "1")
    with pytest.raises(error, match=says):
        made.start_execution("w", **given)
    assert made.client.asked == []


def test_a_run_that_is_open_already() -> None:
    refused = refusal("WorkflowExecutionAlreadyStartedFault", "Already Started")
    made = WorkflowType(domain(start_workflow_execution=refused), "t", "1")
    with pytest.raises(exceptions.WorkflowExecutionAlreadyStartedError, match="cannot start w: Already Started"):
        made.start_execution("w")


def test_upstream_of_a_run() -> None:
    found = WorkflowExecution(domain(describe_workflow_execution=EXECUTION), "w", "r").upstream()
    assert (found.status, found.cancel_requested, found.tag_list) == ("OPEN", True, ("a", "b"))
    assert (found.task_list, found.child_policy, found.execution_timeout) == ("l", "TERMINATE", "60")
    assert (found.decision_tasks_timeout, found.latest_execution_context) == ("30", "here")
    assert found.latest_activity_task_timestamp == WHEN and found.open_counts == {"openTimers": 1}
    assert found.is_open and found.age(WHEN + timedelta(seconds=9)) == timedelta(seconds=9)
    assert found.workflow_type is not None and found.workflow_type.name == "t" and found.is_synced
    assert WorkflowExecution(found.domain, "w", "r", "CLOSED").changes.differing_fields() == ["status"]
    assert WorkflowExecution(found.domain, "w").age() is None


def test_close_statuses() -> None:
    run = WorkflowExecution
    assert (run.STATUS_OPEN, run.STATUS_CLOSED) == ("OPEN", "CLOSED")
    assert run.CLOSE_STATUS_CONTINUED_AS_NEW == "CONTINUED_AS_NEW", "of old it was its own name"
    assert run.CLOSE_TIMED_OUT == run.CLOSE_STATUS_TIMED_OUT == "TIMED_OUT"


def test_what_is_done_to_a_run() -> None:
    run = WorkflowExecution(domain(), "w", "r")
    run.signal("go", {"args": [1]})
    ids = {"domain": "D", "workflowId": "w", "runId": "r"}
    assert run.client.last == {**ids, "signalName": "go", "input": '{"args":[1]}'}
    run.signal("go", workflow_id="other")
    assert run.client.last == {"domain": "D", "workflowId": "other", "signalName": "go"}
    for ask in (run.request_cancel, run.cancel):
        ask()
        assert run.client.asked[-1] == ("request_cancel_workflow_execution", ids)
    run.terminate(reason="why", details="how", child_policy="ABANDON")
    assert run.client.last == {**ids, "reason": "why", "details": "how", "childPolicy": "ABANDON"}


def test_a_run_that_is_closed() -> None:
    words = "Unknown execution: WorkflowExecution=[workflowId=w, runId=r]"
    gone = refusal("UnknownResourceFault", words)
    run = WorkflowExecution(
        domain(
            signal_workflow_execution=gone,
            request_cancel_workflow_execution=gone,
            terminate_workflow_execution=gone,
            get_workflow_execution_history=gone,
        ),
        "w",
        "r",
    )
    for ask in (lambda: run.signal("s"), run.cancel, run.terminate, run.history, run.history_events):
        with pytest.raises(exceptions.WorkflowExecutionDoesNotExist, match=r"w.*: Unknown execution"):
            ask()


def test_a_history_of_many_pages() -> None:
    event = {"eventId": 1, "eventTimestamp": 0, "eventType": "TimerFired"}
    pages = [
        {"events": [{**event, "eventId": 3}, {**event, "eventId": 2}], "nextPageToken": "2"},
        {"events": [event]},
    ]
    run = WorkflowExecution(domain(get_workflow_execution_history=pages), "w", "r")
    seen: list[tuple[int, int]] = []
    found = run.history(
        lambda loop_number, response: seen.append((loop_number, len(response["events"]))), reverse_order=True
    )
    assert [event.id for event in found] == [3, 2, 1] and seen == [(1, 2), (2, 1)]
    asked = {"domain": "D", "execution": {"workflowId": "w", "runId": "r"}, "reverseOrder": True}
    assert [request for _, request in run.client.asked] == [asked, {**asked, "nextPageToken": "2"}]


@pytest.mark.parametrize(("last", "ids"), [("WorkflowExecutionTimedOut", [1, 9000]), ("DecisionTaskScheduled", [1])])
def test_the_ends_of_a_history_are_asked_for_alone(last: str, ids: list[int]) -> None:
    first = {"eventId": 1, "eventTimestamp": 0, "eventType": "WorkflowExecutionStarted"}
    pages = [
        {"events": [first], "nextPageToken": "2"},
        {"events": [{**first, "eventId": 9000, "eventType": last}], "nextPageToken": "3"},
    ]
    run = WorkflowExecution(domain(get_workflow_execution_history=pages), "w", "r")
    assert [event.id for event in run.ends()] == ids
    assert [(request["maximumPageSize"], request["reverseOrder"]) for _, request in run.client.asked] == [
        (1, False),
        (1, True),
    ]


def test_a_run_without_a_run_id_is_the_open_one_or_else_the_newest() -> None:
    listed = {"executionInfos": [EXECUTION["executionInfo"]]}
    none: dict[str, Any] = {"executionInfos": []}
    answers: dict[str, Any] = {"describe_workflow_execution": EXECUTION}
    open_one = WorkflowExecution(domain(list_open_workflow_executions=listed, **answers), "w")
    assert open_one.upstream().run_id == "r" and len(open_one.client.asked) == 2
    answers |= {"list_open_workflow_executions": none, "list_closed_workflow_executions": [listed, none]}
    closed_one = WorkflowExecution(domain(**answers), "w")
    assert closed_one.upstream().run_id == "r"
    with pytest.raises(exceptions.WorkflowExecutionDoesNotExist, match="the domain D has no run of w"):
        closed_one.history()
    assert not closed_one.exists


def test_a_task_from_a_poll() -> None:
    polled = {
        "taskToken": "token",
        "activityId": "a-1",
        "startedEventId": 6,
        "workflowExecution": {"workflowId": "w", "runId": "r"},
        "activityType": {"name": "a", "version": "1"},
        "input": '{"args":[1]}',
    }
    task = ActivityTask.from_poll(domain(), "l", polled)
    assert (task.task_list, task.task_token, task.activity_id, task.started_event_id) == ("l", "token", "a-1", 6)
    assert (task.activity_type.name, task.workflow_execution.workflow_id) == ("a", "w")
    assert (task.input, task.arguments, task.context) == ('{"args":[1]}', {"args": [1]}, polled)
    assert task.workflow_execution.client is task.client and repr(task) == "<ActivityTask activity_id=a-1 type=a>"
    with pytest.raises(NotImplementedError, match=r"an? ActivityTask is not registered by anybody"):
        task.save()


def test_methods_of_the_connected_object_can_be_replaced() -> None:
    with patch.object(ConnectedSWFObject, "describe_domain", return_value=DOMAIN):
        assert Domain("D", connection=FakeClient()).exists
    refused = refusal("UnknownResourceFault", "Unknown domain: D")
    with patch.object(ConnectedSWFObject, "describe_domain", side_effect=refused):
        assert not Domain("D", connection=FakeClient()).exists


# Errors


def test_how_errors_read() -> None:
    said = "Unknown type: WorkflowType=[name=t, version=1]"
    error = exceptions.SWFError("cannot do it", said, "UnknownResourceFault")
    assert str(error) == f"cannot do it: {said}"
    assert (error.kind, error.type_, error.error_code) == ("Unknown type", "WorkflowType", "UnknownResourceFault")
    assert error.details == "WorkflowType=[name=t, version=1]" and error.message == "cannot do it"
    assert (str(exceptions.SWFError("alone")), exceptions.SWFError("alone").type_) == ("alone", "")


@pytest.mark.parametrize(
    ("code", "said", "kind"),
    [
        ("UnknownResourceFault", "Unknown domain: nope", exceptions.DomainDoesNotExist),
        ("UnknownResourceFault", "Unknown type: WorkflowType=[x]", exceptions.WorkflowTypeDoesNotExist),
        ("UnknownResourceFault", "Unknown type: ActivityType=[x]", exceptions.ActivityTypeDoesNotExist),
        ("UnknownResourceFault", "Unknown execution, workflowId = w", exceptions.WorkflowExecutionDoesNotExist),
        ("UnknownResourceFault", "Unknown activity, scheduledEventId = 5", exceptions.DoesNotExistError),
        ("TypeAlreadyExistsFault", "x", exceptions.AlreadyExistsError),
        ("DomainAlreadyExistsFault", "x", exceptions.AlreadyExistsError),
        ("ThrottlingException", "Rate exceeded", exceptions.RateLimitExceededError),
        ("ValidationException", "x", exceptions.ResponseError),
    ],
)
def test_faults_become_errors(code: str, said: str, kind: type[Exception]) -> None:
    fault = refusal(code, said)
    with pytest.raises(exceptions.SWFError) as caught, exceptions.translated("trying"):
        raise fault
    assert type(caught.value) is kind and caught.value.__cause__ is fault and caught.value.error_code == code


def test_what_is_no_fault_is_raised_as_it_is() -> None:
    for error in (ConnectionError("down"), exceptions.PollTimeout("late")):
        with pytest.raises(type(error)) as caught, exceptions.translated("trying"):
            raise error
        assert caught.value is error


def test_what_boto3_refuses_to_send() -> None:
    from botocore.exceptions import ParamValidationError

    with pytest.raises(exceptions.ResponseError, match=r"^trying: Parameter validation failed: a b$") as caught:
        with exceptions.translated("trying"):
            raise ParamValidationError(report="a\nb")
    assert caught.value.error_code == "ValidationException"
