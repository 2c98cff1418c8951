"""Which runs are decided apart, by what their histories say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from town import Town

from simpleflow import Workflow
from simpleflow.decider.parking import Parked, Postponed, decision_timeout, ends_deciders, parked


def event(kind: str, **given: Any) -> dict[str, Any]:
    member = kind[0].lower() + kind[1:] + "EventAttributes"
    return {"eventType": kind, member: given}


def completed(context: Any) -> dict[str, Any]:
    return event("DecisionTaskCompleted", startedEventId=3, executionContext=json.dumps(context))


SCHEDULED = event("DecisionTaskScheduled", startToCloseTimeout="30")
STARTED = event("DecisionTaskStarted")
LOST = event("DecisionTaskTimedOut", timeoutType="START_TO_CLOSE")
MOVED = event("DecisionTaskTimedOut", timeoutType="SCHEDULE_TO_START")
WELL = completed({"held": 0})


@pytest.mark.parametrize(
    ("events", "apart"),
    [
        ([SCHEDULED, STARTED], False),
        ([WELL, SCHEDULED, STARTED], False),
        ([WELL, SCHEDULED, STARTED, LOST, SCHEDULED, STARTED], True),
        ([SCHEDULED, STARTED, LOST, event("TimerFired"), SCHEDULED, STARTED], True),
        ([WELL, SCHEDULED, MOVED, SCHEDULED, STARTED], False),  # who had the run in memory was gone by then
        ([SCHEDULED, STARTED, LOST, WELL, SCHEDULED, STARTED], False),
        ([completed({"parked": {"error": "no such module"}}), SCHEDULED, STARTED], False),
        ([completed({"parked": {"error": "it loops", "apart": True}}), SCHEDULED, STARTED], True),
    ],
)
def test_which_runs_may_end_who_decides_them(events: list[dict[str, Any]], apart: bool) -> None:
    assert ends_deciders(events) is apart
    assert decision_timeout(events) == 30


def test_a_decision_may_have_no_limit() -> None:
    assert decision_timeout([event("DecisionTaskScheduled", startToCloseTimeout="NONE")]) is None
    assert decision_timeout([STARTED]) is None


def test_what_was_dangerous_is_so_until_it_was_decided() -> None:
    task = {"taskToken": "t", "startedEventId": 9, "workflowExecution": {"workflowId": "w", "runId": "r"}}
    first = parked(task, Parked("it loops", apart=True, trace="here"), [SCHEDULED, STARTED, LOST])
    said = json.loads(first["executionContext"])["parked"]
    assert (said["error"], said["traceback"], said["times"], said["apart"]) == ("it loops", "here", 1, True)
    again = parked(
        task,
        ImportError("no flows"),
        [event("DecisionTaskCompleted", executionContext=first["executionContext"])],
    )
    said = json.loads(again["executionContext"])["parked"]
    assert said["error"] == "ImportError: no flows" and said["times"] == 2 and said["apart"]
    waiting = parked(
        task,
        Postponed("not now", apart=True),
        [event("DecisionTaskCompleted", executionContext=first["executionContext"])],
    )
    said = json.loads(waiting["executionContext"])["parked"]
    assert (said["error"], said["traceback"], said["times"]) == ("it loops", "here", 2), "why it waits is known"
    unknown = parked(task, Postponed("not now", apart=True), [SCHEDULED, STARTED, LOST])
    assert json.loads(unknown["executionContext"])["parked"]["error"] == "not now"


class Hoards(Workflow):
    name, version = "hoards", "1"

    def run(self, much: bool) -> int:
        first = self.submit(self.wait_signal("more")).result
        return len([0] * (10**15 if much and MEND["wanted"] else 1)) if first is None else 0


MEND = {"wanted": True}


def test_want_of_memory_is_no_failure_of_a_run() -> None:
    town = Town()
    other = town.start(Hoards, False, workflow_id="other")
    town.start(Hoards, False, workflow_id="third")
    town.settle()
    run = town.start(Hoards, True)
    town.settle()
    assert len(town.decider._cache) == 1
    town.signal("other", "more")
    town.signal("third", "what nobody waits for")
    town.settle()
    assert len(town.decider._cache) == 2
    town.signal("w", "more")
    town.parks = True
    town.settle()
    assert town.closed(other) and not town.closed(run)
    assert town.parked is not None and "needs more memory than there is" in town.parked
    assert len(town.decider._cache) == 0, "what other runs have is let go"
    said = json.loads(town.answers[-1]["executionContext"])["parked"]
    assert said["apart"] and "test_parking.py" in said["traceback"]
    MEND["wanted"] = False
    town.jump()
    assert town.end(run) == 1
    MEND["wanted"] = True
