"""Polls: order, pages, counts."""

from __future__ import annotations

from typing import Any

import pytest

from simpleflow.protocol.history import attributes
from simpleflow.testing.contract.checked import DOMAIN, Checked
from simpleflow.testing.contract.swf import ACTIVITY, NO_ACTIVITY, NO_DECISION, TYPE, Refused, Swf
from simpleflow.testing.contract.target import needs

DECIDERS = {"domain": DOMAIN, "taskList": {"name": "deciders"}}
WORKERS = {"domain": DOMAIN, "taskList": {"name": "workers"}}


@pytest.mark.parametrize("method", ["poll_for_decision_task", "poll_for_activity_task"])
def test_polls_of_an_unknown_domain(swf: Swf, refused: Refused, method: str) -> None:
    assert refused("UnknownResourceFault", method, domain="no", taskList={"name": "x"}) == "Unknown domain: no"


@pytest.mark.parametrize("kind", ["activity", "decision"])
def test_names_of_lists(swf: Swf, refused: Refused, kind: str) -> None:
    refused("ValidationException", f"count_pending_{kind}_tasks", domain=DOMAIN, taskList={"name": "a|b"})


def test_a_decision_task(swf: Swf) -> None:
    execution = swf.start()
    task = swf.poll_decision(identity="me")
    assert task.pop("taskToken")
    task.pop("previousStartedEventId", None)
    events = task.pop("events")
    assert task == {"startedEventId": 3, "workflowExecution": execution, "workflowType": TYPE}
    assert events == swf.history(execution)
    assert attributes(events[2]) == {"scheduledEventId": 2, "identity": "me"}


def test_the_first_decision_task_has_no_previous_one(swf: Swf) -> None:
    swf.start()
    assert swf.poll_decision()["previousStartedEventId"] == 0


def test_the_previous_decision_task(swf: Swf) -> None:
    swf.start()
    swf.decide(swf.schedule())
    swf.complete(swf.poll_activity())
    task = swf.poll_decision()
    assert (task["previousStartedEventId"], task["startedEventId"]) == (3, 9)


def test_an_activity_task(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(swf.schedule(input="i"))
    task = swf.poll_activity()
    assert task.pop("taskToken")
    given = {"activityId": "a-1", "activityType": ACTIVITY, "input": "i"}
    assert task == {**given, "startedEventId": 6, "workflowExecution": execution}


@needs("short-polls")
def test_lists_of_one_name_are_apart(swf: Swf) -> None:
    swf.start(taskList={"name": "same"})
    assert swf.poll_activity(taskList={"name": "same"}) == NO_ACTIVITY
    swf.respond(swf.poll_decision(taskList={"name": "same"}), swf.schedule(taskList={"name": "same"}))
    assert swf.poll_decision(taskList={"name": "same"}) == NO_DECISION
    assert swf.poll_activity(taskList={"name": "same"})["activityId"] == "a-1"


def test_first_come_first_served(swf: Swf) -> None:
    for number in range(4):
        swf.start(f"w-{number}")
    order = [swf.decide(swf.schedule())["workflowExecution"]["workflowId"] for _ in range(4)]
    assert order == ["w-0", "w-1", "w-2", "w-3"]
    tasks = [swf.poll_activity() for _ in range(4)]
    assert [task["workflowExecution"]["workflowId"] for task in tasks] == order


def test_decision_tasks_come_by_arrival(swf: Swf) -> None:
    """Not by the age of their runs."""
    for number in range(3):
        swf.start(f"w-{number}")
        swf.decide(swf.schedule())
    tasks = [swf.poll_activity() for _ in range(3)]
    for task in reversed(tasks):
        swf.complete(task)
    assert [swf.poll_decision()["workflowExecution"]["workflowId"] for _ in range(3)] == ["w-2", "w-1", "w-0"]


def test_activities_come_in_the_order_of_their_decisions(swf: Swf) -> None:
    swf.start("w-0")
    swf.start("w-1")
    older, younger = swf.poll_decision(), swf.poll_decision()
    swf.respond(younger, swf.schedule("a-1"), swf.schedule("a-2"))
    swf.respond(older, swf.schedule("a-3"), swf.schedule("a-4"))
    assert [swf.poll_activity()["activityId"] for _ in range(4)] == ["a-1", "a-2", "a-3", "a-4"]


def test_priorities(swf: Swf) -> None:
    swf.start("low", taskPriority="-5")
    swf.start("none")
    swf.start("high", taskPriority="2147483647")
    swf.start("none-2")
    names = [swf.poll_decision()["workflowExecution"]["workflowId"] for _ in range(4)]
    assert names == ["high", "none", "none-2", "low"]


def test_priorities_of_activities(swf: Swf) -> None:
    swf.start()
    priorities = {"low": "-1", "zero": "0", "high": "9", "none": None, "high-2": "9"}
    swf.decide(*(swf.schedule(name, taskPriority=priority) for name, priority in priorities.items()))
    assert [swf.poll_activity()["activityId"] for _ in range(5)] == ["high", "high-2", "zero", "none", "low"]


@needs("clock")
def test_pages_of_a_decision_task(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(*(swf.timer(f"t-{number}", 1) for number in range(5)), swf.timer("later", 2))
    swf.advance(1)
    first = swf.poll_decision(maximumPageSize=4)
    swf.advance(1)
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


def test_the_token_of_a_poll_is_no_token_of_a_history(swf: Swf, refused: Refused) -> None:
    execution = swf.start()
    token = swf.poll_decision(maximumPageSize=1)["nextPageToken"]
    given = {"domain": DOMAIN, "execution": execution, "nextPageToken": token}
    assert refused("ValidationException", "get_workflow_execution_history", **given) == "Invalid token"


def test_start_at_previous_started_event(swf: Swf, client: Checked) -> None:
    swf.start()
    first = swf.poll_decision(startAtPreviousStartedEvent=True)
    assert [event["eventId"] for event in first["events"]] == [1, 2, 3]
    swf.respond(first)
    client.signal_workflow_execution(domain=DOMAIN, workflowId="w-1", signalName="s", input="i")
    second = swf.poll_decision(startAtPreviousStartedEvent=True, reverseOrder=True)
    assert second["previousStartedEventId"] == 3
    assert [event["eventId"] for event in second["events"]] == [7, 6, 5, 4, 3]
    assert second["events"][0]["eventType"] == "DecisionTaskStarted"


def test_a_decision_task_with_the_newest_event_first(swf: Swf) -> None:
    swf.start()
    assert [event["eventId"] for event in swf.poll_decision(reverseOrder=True)["events"]] == [3, 2, 1]


def test_a_history_with_the_newest_event_first(swf: Swf, client: Checked) -> None:
    execution = swf.start()
    swf.decide()
    given = {"domain": DOMAIN, "execution": execution, "reverseOrder": True}
    events = client.get_workflow_execution_history(**given)["events"]
    assert [event["eventId"] for event in events] == [4, 3, 2, 1]


def test_pages_of_a_history(client: Checked, swf: Swf, refused: Refused) -> None:
    execution = swf.start()
    swf.decide(*(swf.timer(f"t-{number}", 99) for number in range(7)))
    given: dict[str, Any] = {"domain": DOMAIN, "execution": execution, "maximumPageSize": 5}
    for reverse in (False, True):
        answer = client.get_workflow_execution_history(**given, reverseOrder=reverse)
        ids = [event["eventId"] for event in answer["events"]]
        while token := answer.get("nextPageToken"):
            answer = client.get_workflow_execution_history(**given, reverseOrder=reverse, nextPageToken=token)
            ids += [event["eventId"] for event in answer["events"]]
        assert ids == (list(range(11, 0, -1)) if reverse else list(range(1, 12)))
    everything = client.get_workflow_execution_history(**{**given, "maximumPageSize": 0})
    assert len(everything["events"]) == 11 and "nextPageToken" not in everything
    other = swf.start("other")
    token = client.get_workflow_execution_history(**given)["nextPageToken"]
    wrong = {**given, "execution": other, "nextPageToken": token}
    assert refused("ValidationException", "get_workflow_execution_history", **wrong) == "Invalid token"


def test_the_longest_page(swf: Swf, refused: Refused) -> None:
    given = {"domain": DOMAIN, "execution": swf.start(), "maximumPageSize": 1001}
    refused("ValidationException", "get_workflow_execution_history", **given)


def test_counts(client: Checked, swf: Swf) -> None:
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


@pytest.mark.parametrize("kind", ["activity", "decision"])
def test_counts_of_an_unknown_domain(swf: Swf, refused: Refused, kind: str) -> None:
    method = f"count_pending_{kind}_tasks"
    assert refused("UnknownResourceFault", method, domain="no", taskList={"name": "x"}) == "Unknown domain: no"


def test_a_task_is_answered_once(client: Checked, swf: Swf, refused: Refused) -> None:
    swf.start()
    swf.decide(swf.schedule())
    task = swf.poll_activity()
    swf.complete(task)
    for method in ("completed", "failed"):
        words = refused("UnknownResourceFault", f"respond_activity_task_{method}", taskToken=task["taskToken"])
        assert words == "Unknown activity, scheduledEventId = 5"


def test_a_task_that_failed_is_unknown(client: Checked, swf: Swf, refused: Refused) -> None:
    swf.start()
    swf.decide(swf.schedule())
    token = swf.poll_activity()["taskToken"]
    client.respond_activity_task_failed(taskToken=token)
    words = refused("UnknownResourceFault", "respond_activity_task_completed", taskToken=token)
    assert words == "Unknown activity, scheduledEventId = 5"


def test_canceled_without_being_asked(client: Checked, swf: Swf) -> None:
    execution = swf.start()
    swf.decide(swf.schedule())
    client.respond_activity_task_canceled(taskToken=swf.poll_activity()["taskToken"])
    assert attributes(swf.history(execution)[-2]) == {"scheduledEventId": 5, "startedEventId": 6}


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("respond_activity_task_failed", {"reason": "x" * 257}),
        ("respond_activity_task_completed", {"result": "x" * 32769}),
        ("record_activity_task_heartbeat", {"details": "x" * 2049}),
        ("respond_activity_task_completed", {"taskToken": "x" * 1025}),
    ],
    ids=["reason", "result", "details", "token"],
)
def test_limits_of_answers(swf: Swf, refused: Refused, method: str, given: dict[str, str]) -> None:
    swf.start()
    swf.decide(swf.schedule())
    token = swf.poll_activity()["taskToken"]
    refused("ValidationException", method, **{"taskToken": token, **given})


def test_the_longest_result(swf: Swf) -> None:
    """The limit counts characters, and not their bytes."""
    execution = swf.start()
    swf.decide(swf.schedule())
    swf.complete(swf.poll_activity(), result="é" * 32768)
    assert attributes(swf.history(execution)[6])["result"] == "é" * 32768
