"""Polls: order, pages, counts, and the response that polls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simpleflow.engine import VirtualClock

Refused = Callable[..., str]
DOMAIN = "contract"
DECIDERS = {"domain": DOMAIN, "taskList": {"name": "deciders"}}
WORKERS = {"domain": DOMAIN, "taskList": {"name": "workers"}}


def test_nothing_there(client: Any, swf: Any, refused: Refused) -> None:
    assert swf.poll_decision() == {"startedEventId": 0, "previousStartedEventId": 0}
    assert swf.poll_activity() == {"startedEventId": 0}
    for method in ("poll_for_decision_task", "poll_for_activity_task"):
        given = {"taskList": {"name": "x"}}
        assert refused("UnknownResourceFault", method, domain="no", **given) == "Unknown domain: no"
        refused("ValidationException", method, domain=DOMAIN, taskList={"name": "a|b"})
        refused("ValidationException", method, domain=DOMAIN)


def test_lists_of_one_name_are_apart(swf: Any) -> None:
    swf.start(taskList={"name": "same"})
    assert swf.poll_activity(taskList={"name": "same"}) == {"startedEventId": 0}
    swf.respond(swf.poll_decision(taskList={"name": "same"}), swf.schedule(taskList={"name": "same"}))
    assert swf.poll_decision(taskList={"name": "same"})["startedEventId"] == 0
    assert swf.poll_activity(taskList={"name": "same"})["activityId"] == "a-1"


def test_first_come_first_served(swf: Any, client: Any) -> None:
    for number in range(4):
        swf.start(f"w-{number}")
    order = [swf.decide(swf.schedule())["workflowExecution"]["workflowId"] for _ in range(4)]
    assert order == ["w-0", "w-1", "w-2", "w-3"]
    tasks = [swf.poll_activity() for _ in range(4)]
    assert [task["workflowExecution"]["workflowId"] for task in tasks] == order
    for task in reversed(tasks):
        client.respond_activity_task_completed(taskToken=task["taskToken"])
    again = [swf.poll_decision()["workflowExecution"]["workflowId"] for _ in range(4)]
    assert again == order[::-1], "by arrival, not by age of the run"


def test_activities_come_in_the_order_of_their_decisions(swf: Any) -> None:
    swf.start("w-0")
    swf.start("w-1")
    older, younger = swf.poll_decision(), swf.poll_decision()
    swf.respond(younger, swf.schedule("a-1"), swf.schedule("a-2"))
    swf.respond(older, swf.schedule("a-3"), swf.schedule("a-4"))
    assert [swf.poll_activity()["activityId"] for _ in range(4)] == ["a-1", "a-2", "a-3", "a-4"]


def test_priorities(swf: Any) -> None:
    swf.start("low", taskPriority="-5")
    swf.start("none")
    swf.start("high", taskPriority="2147483647")
    swf.start("none-2")
    names = [swf.poll_decision()["workflowExecution"]["workflowId"] for _ in range(4)]
    assert names == ["high", "none", "none-2", "low"]


def test_priorities_of_activities(swf: Any) -> None:
    swf.start()
    priorities = {"low": "-1", "zero": "0", "high": "9", "none": None, "high-2": "9"}
    swf.decide(*(swf.schedule(name, taskPriority=priority) for name, priority in priorities.items()))
    assert [swf.poll_activity()["activityId"] for _ in range(5)] == ["high", "high-2", "zero", "none", "low"]


def test_pages_of_a_decision_task(swf: Any, client: Any, clock: VirtualClock) -> None:
    execution = swf.start()
    swf.decide(*(swf.timer(f"t-{number}", 1) for number in range(5)), swf.timer("later", 2))
    clock.advance(1)
    first = swf.poll_decision(maximumPageSize=4)
    clock.advance(1)
    assert swf.types(execution)[-2:] == ["TimerFired", "DecisionTaskScheduled"], "the execution goes on"
    pages = [first]
    while token := pages[-1].get("nextPageToken"):
        pages.append(swf.poll_decision(nextPageToken=token, maximumPageSize=4))
    ids = [event["eventId"] for page in pages for event in page["events"]]
    assert ids == list(range(1, first["startedEventId"] + 1)), "a snapshot that ends at the start"
    assert len({page["taskToken"] for page in pages}) == 1
    assert {page["startedEventId"] for page in pages} == {first["startedEventId"]}
    assert {page["previousStartedEventId"] for page in pages} == {3}
    assert swf.types(execution).count("DecisionTaskStarted") == 2, "a page starts no task"
    swf.respond(pages[-1])


def test_the_token_of_a_poll_is_no_token_of_a_history(swf: Any, refused: Refused) -> None:
    execution = swf.start()
    token = swf.poll_decision(maximumPageSize=1)["nextPageToken"]
    given = {"domain": DOMAIN, "execution": execution, "nextPageToken": token}
    assert refused("ValidationException", "get_workflow_execution_history", **given) == "Invalid token"


def test_start_at_previous_started_event(swf: Any, clock: VirtualClock) -> None:
    swf.start()
    first = swf.poll_decision(startAtPreviousStartedEvent=True)
    assert [event["eventId"] for event in first["events"]] == [1, 2, 3]
    swf.respond(first, swf.timer(seconds=1))
    clock.advance(1)
    second = swf.poll_decision(startAtPreviousStartedEvent=True, reverseOrder=True)
    assert second["previousStartedEventId"] == 3
    assert [event["eventId"] for event in second["events"]] == [8, 7, 6, 5, 4, 3]
    assert second["events"][0]["eventType"] == "DecisionTaskStarted"


def test_pages_of_a_history(client: Any, swf: Any, clock: VirtualClock, refused: Refused) -> None:
    execution = swf.start()
    swf.decide(*(swf.timer(f"t-{number}", 1) for number in range(7)))
    given = {"domain": DOMAIN, "execution": execution, "maximumPageSize": 5}
    for reverse in (False, True):
        answer = client.get_workflow_execution_history(**given, reverseOrder=reverse)
        ids = [event["eventId"] for event in answer["events"]]
        while token := answer.get("nextPageToken"):
            answer = client.get_workflow_execution_history(**given, reverseOrder=reverse, nextPageToken=token)
            ids += [event["eventId"] for event in answer["events"]]
        assert ids == (list(range(11, 0, -1)) if reverse else list(range(1, 12)))
    refused("ValidationException", "get_workflow_execution_history", **{**given, "maximumPageSize": 1001})
    everything = client.get_workflow_execution_history(**{**given, "maximumPageSize": 0})
    assert len(everything["events"]) == 11 and "nextPageToken" not in everything
    other = swf.start("other")
    token = client.get_workflow_execution_history(**given)["nextPageToken"]
    wrong = {**given, "execution": other, "nextPageToken": token}
    assert refused("ValidationException", "get_workflow_execution_history", **wrong) == "Invalid token"


def test_counts(client: Any, swf: Any, refused: Refused) -> None:
    assert client.count_pending_decision_tasks(**DECIDERS) == {"count": 0, "truncated": False}
    swf.start("w-1")
    swf.start("w-2")
    task = swf.poll_decision()
    assert client.count_pending_decision_tasks(**DECIDERS)["count"] == 2, "those worked on count"
    swf.respond(task, swf.schedule("a-1"), swf.schedule("a-2"))
    assert client.count_pending_decision_tasks(**DECIDERS)["count"] == 1
    worker = swf.poll_activity()
    assert client.count_pending_activity_tasks(**WORKERS) == {"count": 2, "truncated": False}
    client.respond_activity_task_failed(taskToken=worker["taskToken"], reason="r", details="d")
    assert client.count_pending_activity_tasks(**WORKERS)["count"] == 1
    refused("UnknownResourceFault", "count_pending_activity_tasks", domain="no", taskList={"name": "x"})


def test_activity_failed(client: Any, swf: Any) -> None:
    execution = swf.start()
    swf.decide(swf.schedule())
    task = swf.poll_activity()
    client.respond_activity_task_failed(taskToken=task["taskToken"], reason="r", details="d")
    failed = swf.history(execution)[-2]
    attributes = {"reason": "r", "details": "d", "scheduledEventId": 5, "startedEventId": 6}
    assert (failed["eventType"], failed["activityTaskFailedEventAttributes"]) == ("ActivityTaskFailed", attributes)


def test_canceled_without_being_asked(client: Any, swf: Any) -> None:
    execution = swf.start()
    swf.decide(swf.schedule())
    client.respond_activity_task_canceled(taskToken=swf.poll_activity()["taskToken"])
    attributes = {"scheduledEventId": 5, "startedEventId": 6}
    assert swf.history(execution)[-2]["activityTaskCanceledEventAttributes"] == attributes


def test_limits_of_responses(client: Any, swf: Any, refused: Refused) -> None:
    swf.start()
    swf.decide(swf.schedule())
    token = swf.poll_activity()["taskToken"]
    refused("ValidationException", "respond_activity_task_failed", taskToken=token, reason="x" * 257)
    refused("ValidationException", "respond_activity_task_completed", taskToken=token, result="x" * 32769)
    refused("ValidationException", "record_activity_task_heartbeat", taskToken=token, details="x" * 2049)
    refused("ValidationException", "respond_activity_task_completed", taskToken="x" * 1025)
    client.respond_activity_task_completed(taskToken=token, result="é" * 32768)


def test_respond_and_poll(client: Any, swf: Any) -> None:
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


def test_respond_and_poll_when_nothing_is_there(client: Any, swf: Any) -> None:
    swf.start()
    task = swf.poll_decision()
    respond = ("respond_decision_task_completed", {"taskToken": task["taskToken"]})
    empty = {"startedEventId": 0, "previousStartedEventId": 0}
    assert client.respond_and_poll(respond, ("poll_for_decision_task", DECIDERS)) == empty


def test_respond_and_poll_with_a_timer_of_no_time(client: Any, swf: Any) -> None:
    swf.start()
    task = swf.poll_decision()
    respond = ("respond_decision_task_completed", {"taskToken": task["taskToken"], "decisions": [swf.timer("t", 0)]})
    again = client.respond_and_poll(respond, ("poll_for_decision_task", DECIDERS))
    assert again["previousStartedEventId"] == task["startedEventId"]


def test_a_refused_response_polls_nothing(client: Any, swf: Any) -> None:
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
    with pytest.raises(client.exceptions.ClientError, match="2 validation errors"):
        client.respond_and_poll(("respond_activity_task_completed", {"result": "x" * 32769}), poll)
    assert swf.types(execution) == before


def test_a_refused_poll_leaves_the_response(client: Any, swf: Any) -> None:
    execution = swf.start()
    task = swf.poll_decision()
    respond = ("respond_decision_task_completed", {"taskToken": task["taskToken"]})
    with pytest.raises(client.exceptions.UnknownResourceFault, match="Unknown domain: no") as caught:
        client.respond_and_poll(respond, ("poll_for_activity_task", {**WORKERS, "domain": "no"}))
    assert caught.value.operation_name == "PollForActivityTask"
    assert swf.types(execution)[-1] == "DecisionTaskCompleted"
