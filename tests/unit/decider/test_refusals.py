"""Every decision refused for every cause: nothing is sent in a loop, and once it is allowed the run goes on."""

from __future__ import annotations

from typing import Any

import pytest
from town import Town

from simpleflow import Workflow, activity
from simpleflow.decider.refusals import Treatment, treatment
from simpleflow.engine import Configuration
from simpleflow.protocol.decisions import DECISION_TYPES, DECISIONS
from simpleflow.task import LambdaFunctionTask


@activity.with_attributes()
def touch(x: Any = None) -> Any:
    return x


def event(given: Any, context: Any) -> Any:
    return given


@activity.with_attributes(task_list="nowhere", schedule_to_start_timeout=1000)
def idle() -> None: ...


class Waits(Workflow):
    raises_on_failure = None
    execution_timeout = 1000

    def run(self) -> Any:
        return self.submit(self.wait_signal("never")).result


class Everything(Workflow):
    """Every decision, and as an end that which it is told."""

    def run(self, end: str) -> Any:
        self.submit(self.record_marker("m", 1))
        made = [
            self.submit(touch, 1),
            self.submit(self.start_timer("t", 1)),
            self.submit(self.signal("s", workflow_id="friend")),
            self.submit(LambdaFunctionTask("event", 5)),
        ]
        seen = [repr(future.exception) for future in made]
        open_ones = [
            self.submit(idle),
            self.submit(self.start_timer("u", 5000)),
            self.submit(Waits),
        ]
        self.submit(self.start_timer("v", 1)).exception
        for future in open_ones:
            future.cancel()
        seen += [repr(future.exception) for future in (open_ones[0], open_ones[2])]
        if end == "FailWorkflowExecution":
            self.fail("told to")
        if end == "ContinueAsNewWorkflowExecution":
            self.submit(self.continue_as_new("CompleteWorkflowExecution"))
        if end == "CancelWorkflowExecution":
            self.submit(self.wait_signal("never")).result
        return seen


REFUSALS = [
    (decision.name, cause)
    for decision in DECISION_TYPES
    for cause in decision.causes
    if treatment(cause) is not Treatment.READ_ON  # of which the close has tests of its own
]


def slow_town(decision: str, cause: str) -> Town:
    town = Town(lambdas={"event": "test_refusals:event"}, deny={decision: cause})
    town.parks = True
    return town


def allow(town: Town) -> None:
    town.engine._configuration = Configuration(lambdas={"event": "test_refusals:event"})


@pytest.mark.parametrize(("decision", "cause"), REFUSALS)
def test_a_refusal_is_no_loop_and_no_end(decision: str, cause: str) -> None:
    town = slow_town(decision, cause)
    town.start(Waits, workflow_id="friend")
    execution = town.start(Everything, decision)
    until = town.clock.now() + 300
    asked = decision != "CancelWorkflowExecution"
    while town.clock.now() < until and not town.closed(execution):
        town.settle()
        if not asked and town.of(execution, "TimerCanceled"):
            asked = True
            town.cancel("w")
        elif (due := town.engine.next_due()) is not None:
            town.clock.set(max(town.clock.now(), min(due, until)))
    town.settle()
    decided = len(town.of(execution, "DecisionTaskCompleted"))
    refused = len(town.of(execution, DECISIONS[decision].failure))
    assert refused and decided < 60, "no loop"
    if treatment(cause) is Treatment.SETTLE:
        assert refused <= 3, "it is settled at once"
    else:
        assert not town.closed(execution), "a refusal is no end"
        allow(town)
        if decision == "StartTimer":
            town.signal("w", "mended")  # nothing else could call the decider again
    town.run(execution)
    assert town.closed(execution)
    town.close()
