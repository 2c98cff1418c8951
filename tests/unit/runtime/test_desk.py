"""Where decisions come from and where their runs go next: the desk of a decider with a list of its own."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simpleflow.runtime.deciding import Desk
from simpleflow.runtime.poll import Call
from simpleflow.runtime.stop import Stop
from simpleflow.runtime.titles import untitled

SHARED = {"name": "orders"}
POLL = {"domain": "D", "taskList": SHARED}
SCHEDULED = {
    "eventType": "DecisionTaskScheduled",
    "decisionTaskScheduledEventAttributes": {"startToCloseTimeout": "30"},
}


class Engine:
    """Gives these tasks to who polls the shared list, then tells all to stop; refuses what holds `refused`."""

    def __init__(self, stop: Stop, *tokens: str) -> None:
        self.stop = stop
        self.tokens = list(tokens)
        self.answers: list[dict[str, Any]] = []
        self.lists: set[str] = set()
        self.over = threading.Event()

    def respond_and_poll(self, respond: Call | None, poll: Call | None) -> dict[str, Any]:
        if respond is not None:
            self.answers.append(respond[1])
            if respond[1].get("refused"):
                raise ClientError({"Error": {"Code": "ValidationException", "Message": "no"}}, "Respond")
        if poll is None:
            return {}
        name = poll[1]["taskList"]["name"]
        self.lists.add(name)
        if name != SHARED["name"]:
            assert self.over.wait(30)
            return {}
        if self.tokens:
            execution = {"workflowId": "w", "runId": "r"}
            token = self.tokens.pop(0)
            return {"taskToken": token, "workflowExecution": execution, "startedEventId": 3, "events": [SCHEDULED]}
        self.stop.request()
        self.over.set()
        return {}


class Decider:
    """Answers as the task's token says."""

    close_asked: str | None = None
    parked = False

    def decide(self, task: dict[str, Any], poll: dict[str, Any]) -> dict[str, Any]:
        token = task["taskToken"]
        self.close_asked = "closed" if token == "closes" else None
        self.parked = token == "parks"
        return {"taskToken": token, **({"refused": True} if token == "refused" else {})}

    def park(self, task: dict[str, Any], error: Exception) -> dict[str, Any]:
        return {"taskToken": f"parked: {task['taskToken']}"}


def decided(*tokens: str, sticky: int = 7) -> tuple[Engine, list[float | None]]:
    stop = Stop()
    engine = Engine(stop, *tokens)
    watched: list[float | None] = []
    decider: Any = Decider()
    desk = Desk(engine, decider, POLL, stop, untitled, watched.append)
    if sticky:
        desk.serve_own_list_too(sticky)
    else:
        desk.serve()
    return engine, watched


def test_a_run_comes_back_to_who_has_it_for_so_long() -> None:
    engine, _ = decided("well")
    (own,) = engine.lists - {SHARED["name"]}
    assert own.startswith("orders-")
    assert engine.answers == [
        {"taskToken": "well", "taskList": {"name": own}, "taskListScheduleToStartTimeout": "7"},
    ]
    assert decided("well")[0].lists & engine.lists == {SHARED["name"]}, "each has a list of its own"


@pytest.mark.parametrize(
    ("token", "answers"),
    [
        ("parks", [{"taskToken": "parks", "taskList": SHARED}]),
        ("closes", [{"taskToken": "closes"}]),
        ("refused", [{"taskToken": "parked: refused", "taskList": SHARED}]),
    ],
)
def test_a_run_that_does_not_come_back(token: str, answers: list[dict[str, Any]]) -> None:
    assert [answer for answer in decided(token)[0].answers if "refused" not in answer] == answers


def test_one_alone_says_nothing_of_lists() -> None:
    assert decided("well", "parks", sticky=0)[0].answers == [{"taskToken": "well"}, {"taskToken": "parks"}]


def test_each_decision_is_watched_and_no_longer() -> None:
    assert decided("well", "parks")[1] == [10, None, 10, None]
