"""The response that polls: an extension of ours, one transaction on the embedded engine and two calls elsewhere."""

from __future__ import annotations

import pytest

from simpleflow.testing.contract.checked import DOMAIN, Checked
from simpleflow.testing.contract.swf import NO_DECISION, Swf
from simpleflow.testing.contract.target import needs

DECIDERS = {"domain": DOMAIN, "taskList": {"name": "deciders"}}
WORKERS = {"domain": DOMAIN, "taskList": {"name": "workers"}}
pytestmark = needs("respond-and-poll")


def test_respond_and_poll(client: Checked, swf: Swf) -> None:
    execution = swf.start()
    decide = ("poll_for_decision_task", DECIDERS)
    work = ("poll_for_activity_task", WORKERS)
    task = client.respond_and_poll(None, decide)
    assert task["workflowExecution"] == execution
    respond = ("respond_decision_task_completed", {"taskToken": task["taskToken"], "decisions": [swf.schedule()]})
    activity = client.respond_and_poll(respond, work)
    assert activity["activityId"] == "a-1"
    completed = ("respond_activity_task_completed", {"taskToken": activity["taskToken"]})
    last = client.respond_and_poll(completed, decide)
    close = [swf.decision("CompleteWorkflowExecution")]
    respond = ("respond_decision_task_completed", {"taskToken": last["taskToken"], "decisions": close})
    assert client.respond_and_poll(respond, None) == {}
    assert client.respond_and_poll(None, None) == {}
    assert swf.describe(execution)["executionInfo"]["closeStatus"] == "COMPLETED"


def test_respond_and_poll_when_nothing_is_there(client: Checked, swf: Swf) -> None:
    swf.start()
    task = swf.poll_decision()
    respond = ("respond_decision_task_completed", {"taskToken": task["taskToken"]})
    assert client.respond_and_poll(respond, ("poll_for_decision_task", DECIDERS)) == NO_DECISION


def test_respond_and_poll_with_a_timer_of_no_time(client: Checked, swf: Swf) -> None:
    swf.start()
    task = swf.poll_decision()
    respond = ("respond_decision_task_completed", {"taskToken": task["taskToken"], "decisions": [swf.timer("t", 0)]})
    again = client.respond_and_poll(respond, ("poll_for_decision_task", DECIDERS))
    assert again["previousStartedEventId"] == task["startedEventId"]


def test_a_refused_response_polls_nothing(client: Checked, swf: Swf) -> None:
    execution = swf.start()
    swf.decide(swf.schedule())
    gone = {"taskToken": swf.poll_activity()["taskToken"]}
    client.respond_activity_task_completed(**gone)
    before = swf.types(execution)
    poll = ("poll_for_decision_task", DECIDERS)
    with pytest.raises(
        client.exceptions.UnknownResourceFault, match="Unknown activity, scheduledEventId = 5"
    ) as caught:
        client.respond_and_poll(("respond_activity_task_completed", gone), poll)
    assert caught.value.operation_name == "RespondActivityTaskCompleted"
    with pytest.raises(client.exceptions.ClientError, match="ValidationException"):
        client.respond_and_poll(("respond_activity_task_completed", {**gone, "result": "x" * 32769}), poll)
    assert swf.types(execution) == before


def test_a_refused_poll_leaves_the_response(client: Checked, swf: Swf) -> None:
    execution = swf.start()
    task = swf.poll_decision()
    respond = ("respond_decision_task_completed", {"taskToken": task["taskToken"]})
    with pytest.raises(client.exceptions.UnknownResourceFault, match="Unknown domain: no") as caught:
        client.respond_and_poll(respond, ("poll_for_activity_task", {**WORKERS, "domain": "no"}))
    assert caught.value.operation_name == "PollForActivityTask"
    assert swf.types(execution)[-1] == "DecisionTaskCompleted"
