"""Actors: what they ask of the engine, and what they make of its answers."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from fake_client import FakeClient, refusal

from simpleflow.swf import exceptions, format
from simpleflow.swf.actors import ActivityWorker, Actor, Decider
from simpleflow.swf.models import Domain
from simpleflow.swf.models.decision import TimerDecision
from simpleflow.swf.responses import Response

EVENT = {"eventId": 1, "eventTimestamp": 0, "eventType": "DecisionTaskStarted"}
IDS = {"workflowId": "w", "runId": "r"}
DECISION_TASK = {
    "taskToken": "token",
    "startedEventId": 3,
    "previousStartedEventId": 0,
    "workflowExecution": IDS,
    "workflowType": {"name": "t", "version": "1"},
    "events": [EVENT],
    "nextPageToken": "2",
}
GONE = refusal("UnknownResourceFault", "Unknown activity, scheduledEventId = 5")


def decider(**answers: Any) -> Decider:
    return Decider(Domain("D", connection=FakeClient(**answers)), "deciders")


def worker(**answers: Any) -> ActivityWorker:
    return ActivityWorker(Domain("D", connection=FakeClient(**answers)), "workers")


def test_a_decision_task() -> None:
    actor = decider(poll_for_decision_task=[DECISION_TASK, {"events": [{**EVENT, "eventId": 2}]}])
    task = actor.poll(identity="me", maximum_page_size=1)
    assert isinstance(task, Response) and (task.token, task.started_event_id) == ("token", 3)
    assert [event.id for event in task.history] == [1, 2] and task.previous_started_event_id == 0
    assert (task.execution.workflow_id, task.execution.run_id, task.execution.workflow_type.name) == ("w", "r", "t")
    assert task.execution.client is actor.client and task.raw_response is DECISION_TASK
    first = {"domain": "D", "taskList": {"name": "deciders"}, "identity": "me", "maximumPageSize": 1}
    again = {"domain": "D", "taskList": {"name": "deciders"}, "nextPageToken": "2", "maximumPageSize": 1}
    assert [request for _, request in actor.client.asked] == [first, again]


def test_who_polls() -> None:
    actor = worker(poll_for_activity_task={"startedEventId": 0})
    with pytest.raises(exceptions.PollTimeout):
        actor.poll("other")
    asked = actor.client.last
    assert asked["taskList"] == {"name": "other"} and json.loads(asked["identity"])["pid"] == os.getpid()
    actor.identity = "x" * 300
    with pytest.raises(exceptions.PollTimeout):
        actor.poll()
    assert len(actor.client.last["identity"]) == 256


@pytest.mark.parametrize("actor", [decider, worker])
def test_a_poll_without_a_task(actor: Any) -> None:
    kind = "decision" if actor is decider else "activity"
    made = actor(**{f"poll_for_{kind}_task": {"startedEventId": 0}})
    with pytest.raises(exceptions.PollTimeout, match=f"^{type(made).__name__} poll timed out$"):
        made.poll()

    def late(**_: Any) -> Any:
        raise ReadTimeoutError(endpoint_url="x")

    with pytest.raises(exceptions.PollTimeout, match="poll timed out"):
        actor(**{f"poll_for_{kind}_task": late}).poll()
    unknown = refusal("UnknownResourceFault", "Unknown domain: D")
    with pytest.raises(exceptions.DomainDoesNotExist, match="cannot poll"):
        actor(**{f"poll_for_{kind}_task": unknown}).poll()


def test_decisions_are_answered() -> None:
    actor = decider()
    actor.complete("token", [TimerDecision("start", "t", 5)], {"waiting": ["s"]}, "own", 10)
    timer = {"timerId": "t", "startToFireTimeout": "5"}
    assert actor.client.last == {
        "taskToken": "token",
        "decisions": [{"decisionType": "StartTimer", "startTimerDecisionAttributes": timer}],
        "executionContext": '{"waiting":["s"]}',
        "taskList": {"name": "own"},
        "taskListScheduleToStartTimeout": "10",
    }
    assert type(actor.client.last["decisions"][0]) is dict
    actor.complete("token", execution_context="")
    assert actor.client.last == {"taskToken": "token", "decisions": [], "executionContext": ""}


def test_an_activity_task_and_its_answers() -> None:
    polled = {
        "taskToken": "token",
        "activityId": "a-1",
        "startedEventId": 6,
        "workflowExecution": IDS,
        "activityType": {"name": "a", "version": "1"},
        "input": "[1]",
    }
    actor = worker(poll_for_activity_task=polled, record_activity_task_heartbeat={"cancelRequested": True})
    task = actor.poll()
    assert (task.task_token, task.activity_task.activity_id, task.activity_task.arguments) == ("token", "a-1", [1])
    assert task.raw_response is polled and task.activity_task.task_list == "workers"
    assert actor.heartbeat("token", "half" * 1000) == {"cancelRequested": True}
    assert len(actor.client.last["details"]) == 2048
    actor.complete("token", {"a": 1})
    assert actor.client.asked[-1] == ("respond_activity_task_completed", {"taskToken": "token", "result": '{"a":1}'})
    actor.complete("token")
    assert actor.client.last == {"taskToken": "token"}
    actor.cancel("token", "enough")
    assert actor.client.asked[-1] == ("respond_activity_task_canceled", {"taskToken": "token", "details": "enough"})


def test_a_failure_is_always_reported() -> None:
    actor = worker()
    actor.fail("token", "d" * 40_000, "r\ud800" * 400)
    asked = actor.client.last
    assert (len(asked["details"]), len(asked["reason"])) == (32_768, 256) and asked["reason"].isascii()
    actor.fail_with("token", ValueError("nope"))
    assert actor.client.last["reason"] == "ValueError: nope"
    assert json.loads(actor.client.last["details"])["error_type"] == "ValueError"


@pytest.mark.parametrize("result", [object(), "x" * 40_000])
def test_a_result_that_cannot_travel_fails_the_task(result: Any) -> None:
    actor = worker()
    actor.complete("token", result)
    method, request = actor.client.asked[0]
    assert method == "respond_activity_task_failed" and request["reason"].startswith("Payload")
    assert len(actor.client.asked) == 1


@pytest.mark.parametrize(
    ("method", "call"),
    [
        ("record_activity_task_heartbeat", lambda actor: actor.heartbeat("token")),
        ("respond_activity_task_completed", lambda actor: actor.complete("token")),
        ("respond_activity_task_failed", lambda actor: actor.fail("token")),
        ("respond_activity_task_canceled", lambda actor: actor.cancel("token")),
    ],
)
def test_a_task_that_is_not_there_any_more(method: str, call: Any) -> None:
    with pytest.raises(exceptions.DoesNotExistError, match="Unknown activity"):
        call(worker(**{method: GONE}))
    with pytest.raises(exceptions.RateLimitExceededError):
        call(worker(**{method: refusal("ThrottlingException", "Rate exceeded")}))
    with pytest.raises(exceptions.ResponseError):
        call(worker(**{method: refusal("ValidationException", "Invalid token")}))
    with pytest.raises(exceptions.DoesNotExistError):
        decider(respond_decision_task_completed=GONE).complete("token")


def test_they_are_to_inherit_from() -> None:
    actor = decider()
    assert isinstance(actor, Actor) and repr(actor) == "<Decider domain=D task_list=deciders>"
    for method in ("start", "stop"):
        with pytest.raises(NotImplementedError, match=f"Decider has no {method} method"):
            getattr(actor, method)()
    with pytest.raises(TypeError, match=r"domain takes a Domain, not 'D': write Domain\('D'\)"):
        Decider("D", "deciders")  # type: ignore[arg-type]


def test_texts() -> None:
    assert format.input({"args": [1]}) == '{"args":[1]}' and format.result(None) is None
    assert format.control("text") == '"text"' and format.decode('"text"') == "text" == format.decode("text")
    assert (format.execution_context("text"), format.execution_context([1])) == ("text", "[1]")
    assert format.reason(None) is None and len(format.reason("r" * 999) or "") == 256
