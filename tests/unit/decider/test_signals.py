"""Signals: sent, awaited, received one by one, handed on; on the embedded engine in memory."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from town import Town

from simpleflow import Workflow, activity
from simpleflow.exceptions import TimeoutError


@activity.with_attributes()
def touch(x: Any = None) -> Any:
    return x


def carried(*args: Any, propagate: bool = True, **kwargs: Any) -> dict[str, Any]:
    return {"args": list(args), "kwargs": kwargs, "__propagate": propagate}


def test_a_signal_to_oneself(town: Town) -> None:
    class Echo(Workflow):
        def run(self) -> Any:
            waiting = self.submit(self.wait_signal("go"))
            sent = self.submit(self.signal("go", 1, b=[2], propagate=False))
            states = [sent.state, waiting.state]
            return [sent.result, waiting.result, states, sent.id]

    payload = carried(1, b=[2], propagate=False)
    execution = town.start(Echo)
    assert town.run(execution) == [payload, payload, ["RUNNING", "RUNNING"], "go-1"]
    (given,) = town.of(execution, "SignalExternalWorkflowExecutionInitiated")
    assert (given["workflowId"], given["signalName"], given["control"]) == ("w", "go", "go-1")
    assert json.loads(given["input"]) == payload


def test_one_that_was_sent_before_anybody_waits_counts_and_the_last_one_wins_and_never_changes(town: Town) -> None:
    class Late(Workflow):
        def run(self) -> Any:
            self.submit(touch).result
            waiting = self.submit(self.wait_signal("go"))
            first = waiting.result
            self.submit(touch).result
            return [first, waiting.result, self.submit(self.wait_signal("go")).result]

    execution = town.start(Late)
    town.signal("w", "go", '{"args":[1]}')
    town.signal("w", "go", '{"args":[2]}')
    while not town.of(execution, "ActivityTaskCompleted"):
        assert town.decide() or town.work()
    town.decide()
    town.signal("w", "go", '{"args":[3]}')
    assert town.run(execution) == [{"args": [2]}, {"args": [2]}, {"args": [3]}]


@pytest.mark.parametrize(
    ("input", "seen"), [("plain words", "plain words"), (None, None), ("", None), ("[1,2]", [1, 2]), ('"x"', "x")]
)
def test_foreign_inputs(town: Town, input: str | None, seen: Any) -> None:
    class Waits(Workflow):
        def run(self) -> Any:
            return [self.submit(self.wait_signal("go")).result, self.receive("go").result]

    execution = town.start(Waits)
    town.decide()
    town.signal("w", "go", input)
    assert town.run(execution) == [seen, seen]


def test_signals_are_received_one_by_one_in_order(town: Town) -> None:
    class Inbox(Workflow):
        def run(self) -> Any:
            found = []
            for _ in range(4):
                found.append(self.receive("in").result)
                self.submit(touch).result
            return found

    execution = town.start(Inbox)
    for number in range(2):
        town.signal("w", "in", str(number))
    town.settle()
    for number in range(2, 4):
        town.signal("w", "in", str(number))
    assert town.run(execution) == [0, 1, 2, 3]


def test_receivers_are_served_in_order_and_one_that_is_cancelled_takes_nothing(town: Town) -> None:
    class Inbox(Workflow):
        def run(self) -> Any:
            one, two, three = (self.receive("in") for _ in range(3))
            two.cancel()
            return [one.result, two.state, three.result]

    execution = town.start(Inbox)
    town.decide()
    town.signal("w", "in", "1")
    town.signal("w", "in", "2")
    assert town.run(execution) == [1, "CANCELLED", 2]


def test_a_receive_has_an_end(town: Town) -> None:
    class Inbox(Workflow):
        def run(self) -> Any:
            early = self.receive("in", timeout=100).result
            try:
                self.receive("in", timeout=30).result
            except TimeoutError as error:
                return [early, repr(error), str(error), self.now().timestamp()]

    execution = town.start(Inbox)
    town.decide()
    town.signal("w", "in", "1")
    town.settle()
    assert town.run(execution) == [1, "TimeoutError(RECEIVE)", "in-2: timed out (RECEIVE after 30 s)", 1_000_030.0]
    assert len(town.of(execution, "TimerCanceled")) == 1, "the timer of the first has ended with it"


def test_a_receive_has_an_end_whatever_the_signal_is_called(town: Town) -> None:
    class Inbox(Workflow):
        def run(self) -> Any:
            return type(self.receive("order:new/now", timeout=30).exception).__name__

    assert town.run(town.start(Inbox)) == "TimeoutError"


def test_a_signal_to_nobody_fails_and_is_not_sent_again(town: Town) -> None:
    class Shouts(Workflow):
        def run(self) -> Any:
            return str(self.submit(self.signal("go", workflow_id="nobody")).exception)

    execution = town.start(Shouts)
    assert town.run(execution) == "go-1: UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION"
    assert len(town.of(execution, "SignalExternalWorkflowExecutionInitiated")) == 1


def test_the_same_name_can_be_sent_many_times(town: Town) -> None:
    class Other(Workflow):
        def run(self) -> Any:
            return [self.receive("go").result["args"] for _ in range(3)]

    class Shouts(Workflow):
        def run(self) -> Any:
            sent = [self.submit(self.signal("go", n, workflow_id="other")) for n in range(3)]
            return [future.result["args"] for future in sent]

    other = town.start(Other, workflow_id="other")
    assert town.run(town.start(Shouts)) == [[0], [1], [2]]
    assert town.run(other) == [[0], [1], [2]]


class Listens(Workflow):
    def run(self) -> Any:
        return self.submit(self.wait_signal("go")).result


class Grandchild(Listens):
    pass


class Hands(Workflow):
    def run(self) -> Any:
        child = self.submit(Grandchild)
        return [self.submit(self.wait_signal("go")).result["args"], child.result["args"]]


def test_a_signal_is_handed_on_to_all_children_and_theirs(town: Town) -> None:
    class Parent(Workflow):
        def run(self) -> Any:
            children = [self.submit(Listens), self.submit(Hands)]
            self.submit(self.signal("go", 7))
            return [child.result for child in children]

    execution = town.start(Parent)
    assert town.run(execution) == [carried(7), [[7], [7]]]


def test_a_child_that_starts_later_is_told_what_was_handed_on_before(town: Town) -> None:
    class Parent(Workflow):
        def run(self) -> Any:
            self.submit(self.signal("go", 7))
            self.submit(self.wait_signal("go")).result
            return self.submit(Listens).result["args"]

    assert town.run(town.start(Parent)) == [7]


def test_without_propagation_only_the_receiver_knows(town: Town) -> None:
    class Parent(Workflow):
        def run(self) -> Any:
            child = self.submit(Listens)
            self.submit(self.signal("go", 7, propagate=False))
            self.submit(self.start_timer("t", 5)).result
            child.cancel()
            return child.state

    execution = town.start(Parent)
    assert town.run(execution) == "RUNNING"


class Tells(Workflow):
    def run(self) -> Any:
        self.submit(self.signal("go", "up")).result
        return "told"


class TellsNobody(Tells):
    propagate_signals_to_parent = False


def test_a_child_s_signal_reaches_its_parent_and_sisters_but_not_itself_again(town: Town) -> None:
    class Parent(Workflow):
        def run(self) -> Any:
            sister = self.submit(Listens)
            teller = self.submit(Tells)
            return [
                self.submit(self.wait_signal("go")).result["args"],
                sister.result["args"],
                teller.result,
                self.get_event_details("signal", "go")["external_workflow_id"] == teller.id,
            ]

    execution = town.start(Parent)
    assert town.run(execution) == [["up"], ["up"], "told", True]
    sent = [given["workflowId"] for given in town.of(execution, "SignalExternalWorkflowExecutionInitiated")]
    assert len(sent) == 1 and "Listens" in sent[0], "the teller is not told what it told"


def test_a_class_keeps_its_signals_from_its_parent(town: Town) -> None:
    class Parent(Workflow):
        def run(self) -> Any:
            self.submit(TellsNobody).result
            return self.get_event_details("signal", "go")

    assert town.run(town.start(Parent)) is None


def test_a_signal_for_a_child_waits_until_it_has_started(town: Town) -> None:
    class Parent(Workflow):
        def run(self) -> Any:
            child = self.submit(Listens)
            sent = self.submit(self.signal("go", 1, workflow_id=child.id))
            return [sent.exception, child.result["args"]]

    assert town.run(town.start(Parent)) == [None, [1]]


def test_what_the_run_waits_for_stands_in_its_context(town: Town) -> None:
    class Waits(Workflow):
        def run(self) -> Any:
            first = self.submit(self.wait_signal("a"))
            second = self.receive("b")
            return [first.result, second.result]

    execution = town.start(Waits)
    town.settle()

    def waiting() -> Any:
        return json.loads(town.answers[-1]["executionContext"]).get("waiting_signals")

    assert waiting() == ["a", "b"] and "stuck" not in town.answers[-1]["executionContext"]
    town.signal("w", "a")
    town.settle()
    assert waiting() == ["b"]
    town.signal("w", "b")
    assert town.run(execution) == [None, None]
    assert waiting() is None


def test_signals_that_nobody_received_are_named_at_the_end(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    class Deaf(Workflow):
        def run(self) -> Any:
            self.receive("heard").result
            return "done"

    execution = town.start(Deaf)
    for name in ("missed", "heard", "missed"):
        town.signal("w", name)
    with caplog.at_level(logging.WARNING, "simpleflow.decider"):
        assert town.run(execution) == "done"
    assert json.loads(town.answers[-1]["executionContext"])["unreceived_signals"] == ["missed", "missed"]
    assert "2 signals that nobody received: missed, missed" in caplog.text


def test_details_of_a_signal(town: Town) -> None:
    class Waits(Workflow):
        def run(self) -> Any:
            before = self.get_event_details("signal", "go")
            self.submit(self.wait_signal("go")).result
            details = self.get_event_details("signal", "go")
            details["timestamp"] = details["timestamp"].timestamp()
            with pytest.raises(ValueError, match="not of 'color'"):
                self.get_event_details("color", "red")
            return [before, details]

    execution = town.start(Waits)
    town.decide()
    town.signal("w", "go", "[1]")
    assert town.run(execution) == [
        None,
        {
            "type": "signal",
            "name": "go",
            "state": "signaled",
            "input": [1],
            "timestamp": 1_000_000.0,
            "event_id": 5,
            "external_workflow_id": None,
            "external_run_id": None,
            "external_initiated_event_id": 0,
        },
    ]


@pytest.mark.parametrize("name", ["", None, "x" * 257])
def test_what_is_no_name(name: Any) -> None:
    workflow = Workflow(None)  # type: ignore[arg-type]
    for make in (workflow.signal, workflow.wait_signal, workflow.record_marker):
        with pytest.raises(ValueError, match="1 to 256 characters"):
            make(name)


def test_to_whom_there_can_be_no_signal() -> None:
    workflow = Workflow(None)  # type: ignore[arg-type]
    for whom in ({"workflow_id": "x" * 257}, {"workflow_id": 5}, {"workflow_id": "w", "run_id": "x" * 65}):
        with pytest.raises(ValueError, match="the run that is signalled is named by a text of 1 to"):
            workflow.signal("s", **whom)
    assert workflow.signal("s", workflow_id="", run_id="").workflow_id is None, "this run"
