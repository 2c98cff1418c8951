"""A run that repairs another, on the embedded engine in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from town import DECISIONS, DOMAIN, LISTS, Execution, Town

from simpleflow import Workflow, activity, futures
from simpleflow.command import REPAIRED
from simpleflow.decider import repair
from simpleflow.decider import run as decider
from simpleflow.decider.repair import Former, FormerTask, Order, Repair, order_of, pieces_of, recording
from simpleflow.decider.translate import identity
from simpleflow.exceptions import ExecutionBlocked
from simpleflow.payload import codec
from simpleflow.payload.reference import REFERENCE
from simpleflow.runtime.repair import CannotRepair, Previous, foretold, launch_repair, previous
from simpleflow.runtime.runs import NoSuchRun, Run
from simpleflow.runtime.start import StartOptions
from simpleflow.task import LambdaFunctionTask, hex_hash

CALLS: list[Any] = []
BROKEN: set[Any] = set()
SHIFT = 0


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    global SHIFT
    CALLS.clear()
    BROKEN.clear()
    SHIFT = 0
    yield


@activity.with_attributes()
def step(x: Any) -> Any:
    CALLS.append(x)
    if x in BROKEN:
        raise ValueError(f"{x} is broken")
    return x + SHIFT


@activity.with_attributes(idempotent=True)
def once(x: Any) -> Any:
    CALLS.append(("once", x))
    return x


@activity.with_attributes()
def blob(size: int) -> str:
    CALLS.append(("blob", size))
    return '"' * size


@activity.with_attributes()
def thing(x: Any) -> Any:
    CALLS.append(("thing", x))
    if x in BROKEN:
        raise ValueError(f"{x} is broken")
    return None


class Chain(Workflow):
    def run(self, count: int) -> int:
        total = 0
        for index in range(count):
            total += self.submit(step, index).result
        return total


class Fan(Workflow):
    def run(self, count: int) -> int:
        return sum(futures.wait(*[self.submit(step, index) for index in range(count)]))


class Child(Workflow):
    name = "child"

    def run(self, x: int) -> int:
        first = self.submit(step, x).result
        return first + self.submit(step, x + 1).result


class Parent(Workflow):
    def run(self) -> list[Any]:
        done = self.submit(Child, 10)
        done.result
        return [done.result, done.id, self.submit(Child, 20).result]


def repaired(
    town: Town, former: Execution, workflow: type[Workflow], workflow_id: str | None = None, **options: Any
) -> Execution:
    found = previous(town.engine, DOMAIN, former["workflowId"], former["runId"])
    handle = launch_repair(found, workflow, StartOptions(workflow_id=workflow_id, engine=town.engine), **options)
    return {"workflowId": handle.workflow_id, "runId": handle.run_id}


def failed(town: Town, workflow: type[Workflow], *args: Any, **options: Any) -> Execution:
    """A run that has failed; from then on nothing is broken, and nothing was called."""
    execution = town.start(workflow, *args, **options)
    assert town.run(execution)["type"] == "WorkflowExecutionFailed"
    CALLS.clear()
    BROKEN.clear()
    return execution


@pytest.mark.parametrize("workflow", [Chain, Fan])
def test_what_completed_is_not_run_again(town: Town, workflow: type[Workflow]) -> None:
    BROKEN.add(180)
    if workflow is Fan:
        BROKEN.update(range(181, 200))
    former = failed(town, workflow, 200)
    again = repaired(town, former, workflow)
    assert again["workflowId"] == former["workflowId"]
    assert town.run(again) == sum(range(200))
    assert sorted(CALLS) == list(range(180, 200))
    assert len(town.of(again, "ActivityTaskScheduled")) == 20
    (marker,) = town.of(again, "MarkerRecorded")
    assert marker["markerName"] == REPAIRED


def test_the_former_history_is_read_for_the_first_decision_only(town: Town) -> None:
    BROKEN.add(3)
    former = failed(town, Chain, 6)
    again = repaired(town, former, Chain)
    assert town.decide()
    town.engine.get_workflow_execution_history = _refusing(town, former)  # type: ignore[method-assign]
    assert town.run(again) == 15
    assert CALLS == [3, 4, 5]
    events = town.events(again)
    run = decider.Run(Chain, DOMAIN, again, codec.Codec(), town.config)
    run.read(events)
    assert run.program.outcome is not None
    run.close()


def _refusing(town: Town, former: Execution) -> Any:
    read = town.engine.get_workflow_execution_history

    def refusing(**arguments: Any) -> Any:
        assert arguments["execution"] != former, "the former history is read again"
        return read(**arguments)

    return refusing


def test_by_id_and_arguments_never_by_position(town: Town) -> None:
    class Moved(Chain):
        name = "Chain"

        def run(self, count: int) -> int:
            return sum(self.submit(step, index).result for index in (0, 7, 2))

    BROKEN.add(3)
    former = failed(town, Chain, 4)
    again = repaired(town, former, Moved)
    town.classes.append(Moved)
    town.decider._classes = town.new_decider()._classes
    assert town.run(again) == 9
    assert CALLS == [7]


def test_forced_activities_run_again_and_what_follows_from_them(town: Town) -> None:
    global SHIFT

    class Follows(Workflow):
        def run(self) -> Any:
            first = self.submit(step, 1)
            second = self.submit(step, 5)
            third = self.submit(step, first)
            return [first.result, second.result, third.result, self.submit(thing, 9).result]

    BROKEN.add(9)
    former = failed(town, Follows)
    SHIFT = 100
    again = repaired(town, former, Follows, force=r"step-1$")
    assert town.run(again) == [101, 5, 201, None]
    assert CALLS == [1, 101, ("thing", 9)]


def test_none_idempotent_tasks_and_functions_are_reused(town: Town) -> None:
    class Mixed(Workflow):
        def run(self) -> Any:
            nothing = self.submit(thing, 1).result
            equal = [self.submit(once, 1).result, self.submit(once, 1).result]
            return [nothing, equal, self.submit(step, 2).result]

    BROKEN.add(2)
    former = failed(town, Mixed)
    assert town.run(repaired(town, former, Mixed)) == [None, [1, 1], 2]
    assert CALLS == [2]


def test_children_are_reused_and_those_that_failed_are_repaired(town: Town) -> None:
    BROKEN.add(21)
    former = failed(town, Parent)
    again = repaired(town, former, Parent)
    id = f"workflow-child-w--{hex_hash(former['runId'])}--1"
    assert town.run(again) == [21, id, 41]
    assert CALLS == [21]
    (child,) = town.of(again, "StartChildWorkflowExecutionInitiated")
    assert json.loads(child["input"])["__extra"]["repair"]["workflow_id"] == child["workflowId"]


def test_a_repaired_child_that_fails_again_is_tried_again_from_where_it_came_to(town: Town) -> None:
    class Stumbling(Workflow):
        name = "stumbling"
        retry = 2

        def run(self) -> int:
            return sum(self.submit(step, x).result for x in (1, 2, 3, 4))

    class Above(Workflow):
        def run(self) -> Any:
            return [self.submit(Stumbling).result, self.submit(thing, 9).result]

    BROKEN.update([2, 9])
    former = failed(town, Above)
    BROKEN.add(3)
    again = repaired(town, former, Above, force="step-1$")
    while 3 not in CALLS:
        town.decide()
        town.work()
    BROKEN.clear()
    assert town.run(again) == [10, None]
    assert CALLS == [1, 2, 3, 3, 4, ("thing", 9)], "what was forced to run again has run"
    first, second = (json.loads(each["input"]) for each in town.of(again, "StartChildWorkflowExecutionInitiated"))
    assert first["__extra"]["repair"]["root"] == second["__extra"]["repair"]["root"]


class Relay(Workflow):
    """Five steps a run, in three runs; the last one has a child."""

    name = "relay"

    def run(self, first: int = 0, total: int = 0) -> Any:
        for index in range(first, first + 5):
            total += self.submit(step, index).result
        if first < 10:
            self.submit(self.continue_as_new(first + 5, total))
        return [total, self.submit(Child, 30).result]


@pytest.mark.parametrize("again", ["the child", "the first run", "the last run", "twice"])
def test_a_run_that_went_on_as_new_is_repaired_as_one(town: Town, again: str) -> None:
    class Over(Workflow):
        def run(self) -> Any:
            return self.submit(Relay).result

    expected = [sum(range(15)), 61]
    BROKEN.add(12)
    if again == "the child":
        former = failed(town, Over)
        assert town.run(repaired(town, former, Over)) == expected
    else:
        first = town.start(Relay)
        town.settle()
        CALLS.clear()
        if again != "twice":
            BROKEN.clear()
        former = newest(town, first) if again == "the last run" else first
        second = repaired(town, former, Relay)
        town.settle()
        if again == "twice":
            assert CALLS == [12], "it has failed again"
            CALLS.clear()
            BROKEN.clear()
            second = repaired(town, second, Relay)
            town.settle()
        assert town.end(newest(town, second)) == expected
    assert CALLS == [12, 13, 14, 30, 31]


def newest(town: Town, execution: Execution) -> Execution:
    """The last run as which one went on."""
    while (ended := town.of(execution, "WorkflowExecutionContinuedAsNew")) != []:
        execution = {**execution, "runId": ended[0]["newExecutionRunId"]}
    return execution


def test_a_repair_is_repaired(town: Town) -> None:
    """Ids of children, and random numbers, are those of the first run of all."""

    class Deep(Workflow):
        def run(self) -> Any:
            found = [self.submit(Child, 30).result, self.submit(once, str(self.uuid4())).result]
            return [*found, self.submit(step, 1).result, self.submit(step, 2).result, self.submit(Child, 40).result]

    BROKEN.add(1)
    first = failed(town, Deep)
    BROKEN.add(41)
    second = repaired(town, first, Deep)
    assert town.run(second)["type"] == "WorkflowExecutionFailed"
    assert CALLS == [1, 2, 40, 41]
    CALLS.clear()
    BROKEN.clear()
    third = repaired(town, second, Deep, workflow_id="another")
    assert town.run(third)[2:] == [1, 2, 81]
    assert CALLS == [41]
    statuses = [task.status for task in previous(town.engine, DOMAIN, "another", third["runId"]).tasks]
    assert statuses == ["reused"] * 4 + ["completed"]


def test_large_and_many_results_are_recorded_in_several_decisions(town: Town) -> None:
    class Large(Workflow):
        def run(self, count: int, size: int) -> int:
            parts = futures.wait(*[self.submit(blob, size + index % 2) for index in range(count)])
            return sum(map(len, parts)) + (self.submit(step, 1).result or 0)

    BROKEN.add(1)
    size = codec.MAX_LENGTH // 2 - 2
    former = failed(town, Large, 30, size)
    again = repaired(town, former, Large)
    assert town.run(again) == 30 * size + 15 + 1
    assert CALLS == [1]
    markers = town.of(again, "MarkerRecorded")
    assert len(markers) > 60, "each of them is longer than a marker can be"
    assert all(len(marker["details"]) <= codec.MAX_LENGTH for marker in markers)


def test_signals_and_a_cancel_that_come_before_the_program_begins(town: Town) -> None:
    class Waits(Workflow):
        def run(self) -> Any:
            return [self.submit(step, 1).result, self.receive("s").result["args"], self.submit(step, 2).result]

    execution = town.start(Waits)
    town.settle()
    town.engine.terminate_workflow_execution(domain=DOMAIN, workflowId="w")
    CALLS.clear()
    again = repaired(town, execution, Waits)
    town.signal("w", "s", '{"args":[7]}')
    assert town.run(again) == [1, [7], 2]
    assert CALLS == [2]

    third = repaired(town, again, Waits)
    town.cancel("w")
    assert town.run(third)["type"] == "WorkflowExecutionCanceled"


def test_a_task_that_is_cancelled_at_once_has_its_result(town: Town) -> None:
    class Cancels(Workflow):
        def run(self) -> Any:
            first = self.submit(step, 1)
            if not BROKEN:
                first.cancel()
            return [first.result, self.submit(thing, 9).result]

    BROKEN.add(9)
    former = failed(town, Cancels)
    again = repaired(town, former, Cancels)
    assert town.run(again) == [1, None]
    assert CALLS == [("thing", 9)]
    assert not town.of(again, "RequestCancelActivityTaskFailed")


def test_functions_are_reused() -> None:
    class Calls(Workflow):
        def run(self) -> Any:
            return [self.submit(LambdaFunctionTask("add", {"a": 1})).result, self.submit(step, 1).result]

    town = Town(lambdas={"add": f"{__name__}:called"})
    BROKEN.add(1)
    former = failed(town, Calls)
    again = repaired(town, former, Calls)
    assert town.run(again) == ["called", 1]
    assert CALLS == [1]
    town.close()


def called(event: Any, context: Any) -> str:
    CALLS.append("lambda")
    return "called"


def test_old_idioms_and_patches_in_a_repaired_run(town: Town) -> None:
    class Old(Workflow):
        def run(self) -> Any:
            first = self.submit(step, 1)
            if not first.finished:
                raise ExecutionBlocked
            new = self.patched("p")
            return [first.result, new, self.submit(step, 2).result]

    BROKEN.add(2)
    former = failed(town, Old)
    assert town.run(repaired(town, former, Old)) == [1, True, 2]
    assert CALLS == [2]


def test_a_former_run_that_is_gone_parks_the_new_one(town: Town) -> None:
    BROKEN.add(1)
    former = failed(town, Chain, 2)
    events = previous(town.engine, DOMAIN, "w", former["runId"]).events
    gone = Previous(Run(DOMAIN, "w", "gone"), events, [])
    launch_repair(gone, Chain, StartOptions(engine=town.engine))
    task = town.engine.poll_for_decision_task(**DECISIONS)
    answer = town.decider.decide(task, DECISIONS)
    parked = json.loads(answer["executionContext"])["parked"]
    assert "the run gone of w, which is to be repaired, cannot be read any more" in parked["error"]
    town.engine.respond_decision_task_completed(**answer)


@pytest.mark.parametrize("recorded", [0, 1])
def test_a_repair_that_ended_before_it_had_begun(town: Town, recorded: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "MAX_PIECE", 100)
    monkeypatch.setattr(repair, "MAX_DECISIONS", 2)
    BROKEN.add(3)
    first = failed(town, Chain, 5)
    second = repaired(town, first, Chain, force="step-1$")
    for _ in range(recorded):
        assert town.decide()
    town.engine.terminate_workflow_execution(domain=DOMAIN, workflowId="w")
    third = repaired(town, second, Chain)
    assert town.run(third) == 10
    assert CALLS == [0, 3, 4]


def test_what_cannot_be_repaired_is_said(town: Town) -> None:
    execution = town.start(Chain, 1)
    with pytest.raises(CannotRepair, match="is open: only a closed run can be repaired"):
        previous(town.engine, DOMAIN, "w", execution["runId"])
    with pytest.raises(NoSuchRun, match="has no run of nobody"):
        previous(town.engine, DOMAIN, "nobody")
    with pytest.raises(NoSuchRun, match="has no run nothing of w"):
        previous(town.engine, DOMAIN, "w", "nothing")
    town.run(execution)
    done = repaired(town, execution, Chain)
    with pytest.raises(CannotRepair, match="a run of w is open already"):
        repaired(town, execution, Chain)
    with pytest.raises(TypeError, match="run"):
        repaired(town, execution, Chain, call=([], {}))
    with pytest.raises(CannotRepair, match=r"the former run's input does not fit: .*Parent.run.*give another --input"):
        repaired(town, execution, Parent)
    assert town.run(done) == 0
    assert "taskToken" not in town.engine.poll_for_activity_task(**LISTS)


def test_a_dry_run_tells_the_fate_of_each_task(town: Town) -> None:
    BROKEN.add(21)
    former = failed(town, Parent)
    found = previous(town.engine, DOMAIN, "w", former["runId"])
    base = f"workflow-child-w--{hex_hash(former['runId'])}--"
    fates = [(task.id.removeprefix(base), task.status, fate) for task, fate in found.fates(None)]
    assert fates == [("1", "completed", "reused"), ("2", "failed", "repaired")]
    assert [fate for _, fate in found.fates("--1$")] == ["run", "repaired"]
    told = [(fate.id.removeprefix(base), fate.status, fate.what) for fate in foretold(town.engine, found, "step-9$")]
    assert told == [
        ("1", "completed", "reused"),
        ("2", "failed", "repaired"),
        ("2/activity-test_taken_over.step-1", "completed", "reused"),
        ("2/activity-test_taken_over.step-2", "failed", "run"),
    ]


def test_a_dry_run_tells_of_runs_that_went_on_and_of_children_that_are_open(town: Town) -> None:
    class Open(Workflow):
        name = "open"

        def run(self) -> Any:
            return self.receive("never").result

    class Above(Workflow):
        def run(self, again: bool) -> Any:
            if again:
                self.submit(self.continue_as_new(False))
            return [self.submit(step, 1).result, self.submit(Open).result]

    first = town.start(Above, True)
    town.settle()
    town.engine.terminate_workflow_execution(domain=DOMAIN, workflowId="w", childPolicy="ABANDON")
    found = previous(town.engine, DOMAIN, "w", first["runId"])
    told = [(fate.id[:15], fate.status, fate.what) for fate in foretold(town.engine, found, None)]
    assert told == [
        ("continue-as-new", "continued", "repaired"),
        ("activity-test_t", "completed", "reused"),
        ("workflow-open-w", "started", "open"),
    ]


def test_another_input_is_given_to_run(town: Town) -> None:
    BROKEN.add(2)
    former = failed(town, Chain, 3, tag_list=["a", "b"])
    again = repaired(town, former, Chain, call=([5], {}))
    assert town.run(again) == 10
    assert CALLS == [2, 3, 4]
    assert town.of(again, "WorkflowExecutionStarted")[0]["tagList"] == ["a", "b"]


def test_pieces_hold_whatever_there_is() -> None:
    former = Former("w é\n", "r", ("w0", "r0"))
    tasks = [
        FormerTask("activity", "a\nend\n", "1", "completed", "x" * 100_000),
        FormerTask("activity", "b", "2", "completed", None),
        FormerTask("child", "c", "3", "failed", run=former),
        *(FormerTask("activity", f"d-{index}", "4", "completed", "é") for index in range(2_000)),
    ]
    pieces = pieces_of(tasks)
    assert max(map(len, pieces)) <= codec.MAX_LENGTH
    repair = Repair(Order(former))
    assert [repair.read(piece) for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert [(task.id, task.result, task.run) for task in repair._kept.values()] == [
        (task.id, task.result, task.run) for task in tasks
    ]
    assert pieces_of([]) == ["end\n"]
    assert Repair(Order(former)).read("end\n")
    decisions = recording(["x" * codec.MAX_LENGTH] * 200, 7)
    assert 20 < len(decisions) < 30 and decisions[-1]["decisionType"] == "StartTimer"
    assert len(recording(["x"] * 200, 7)) == 100


def test_references_stay_whole_for_who_looks_for_those_in_use() -> None:
    references = [f"simpleflow+file://{number:064x} {50_000 + number}" for number in range(350)]
    pieces = pieces_of([FormerTask("activity", "a", "1", "completed", json.dumps(references))])
    assert len(pieces) == 2 and max(map(len, pieces)) <= codec.MAX_LENGTH
    assert [found[0] for piece in pieces for found in REFERENCE.finditer(piece)] == references


def test_what_was_called_is_the_same_wherever_its_large_values_lie() -> None:
    here, there = (f'{{"args":["simpleflow+{place}://{"a" * 64} 5"],"kwargs":{{}}}}' for place in ("file", "s3"))
    assert identity("f", here) == identity("f", there.replace("://", "://bucket/dir/")) != identity("g", here)


def test_an_order_travels_in_the_input() -> None:
    order = Order(Former("w", "r", ("w0", "r0")), "x")
    text = codec.freeze({"args": [], codec.EXTRA: {"repair": order.as_extra()}})
    assert order_of(text) == order
    assert order_of('{"__extra":{"repair":{"workflow_id":1}}}') is None
    assert order_of('{"__extra":{"repair":7}}') is None
    assert order_of(None) is None
