"""Programs of every kind of task: children, signals, markers, timers, Lambda functions, ends."""

from __future__ import annotations

from typing import Any

from feature import LIST, Events, Fails, Feature, Flow, Outside, of, task

from simpleflow import Workflow, activity
from simpleflow.exceptions import TaskCanceled, TaskException, TaskFailed, TaskTerminated, TimeoutError
from simpleflow.task import (
    ActivityTask,
    CancelTimerTask,
    ChildWorkflowTask,
    LambdaFunctionTask,
    MarkerTask,
    SignalTask,
    TimerTask,
)

CHILD, SIGNAL, GOES_ON, LAMBDA, CANCEL = "child", "signal", "continue as new", "lambda", "cancel"
BARE_SIGNAL = "signal without an input"


@task
def double(x: int) -> int:
    return 2 * x


@activity.with_attributes(version="1", task_list=LIST, idempotent=True)
def context_of_once(x: int) -> str:
    context = context_of_once.context
    assert context is not None
    return str(context["activity_id"])


@activity.with_attributes(version="1", task_list=LIST, task_priority=7)
def important() -> None: ...


def twice(event: int, context: Any) -> int:
    return 2 * event


# -- activities ------------------------------------------------------------------------------------------------------


class Numbers(Flow):
    """A number is taken at submit, whatever is ready when; futures may lie in lists and dicts."""

    def run(self) -> Any:
        late = self.submit(double, self.submit(double, 1))
        early = self.submit(double, 10)
        nested = self.submit(pick, {"from": [late, [early]]})
        return [late.result, early.result, nested.result]


@task
def pick(given: dict[str, Any]) -> Any:
    return given["from"]


class Once(Flow):
    def run(self) -> Any:
        ids = [self.submit(context_of_once, x).result for x in (1, 1, 2)]
        return [len(set(ids)), ids[0] == ids[1], ids[0].endswith("-bdc09455c37471e0ba7397350413a5e6")]


class Prioritised(Flow):
    task_priority = 3

    def run(self) -> Any:
        tasks = [
            ActivityTask(double, 1),
            ActivityTask(double, 2, __priority=5),
            ActivityTask(double, 3, __priority=None),
        ]
        for made in (*tasks, ActivityTask(important)):
            self.submit(made).result
        return None


def priorities(events: Events) -> bool:
    found = [scheduled.get("taskPriority") for scheduled in of(events, "ActivityTaskScheduled")]
    return found == ["3", "5", None, "7"]


# -- children --------------------------------------------------------------------------------------------------------


class Child(Flow):
    name = "feature-child"

    def run(self, x: int) -> Any:
        context = self.get_run_context()
        return [self.submit(double, x).result, context["workflow_id"], context["tag_list"]]


class Parent(Flow):
    def run(self) -> Any:
        first, second = self.submit(Child, 1).result, self.submit(ChildWorkflowTask(Child, x=2)).result
        ids = [first[1], second[1]]
        expected = [
            id.startswith(f"workflow-feature-child-{self.id}--") and id.endswith(f"--{n}")
            for n, id in enumerate(ids, 1)
        ]
        return [first[0], second[0], expected, first[2]]


class Named(Child):
    name = "feature-named"

    @classmethod
    def get_workflow_id(cls, x: int, parent: str) -> str:
        return f"{parent}-named-{x}"

    @staticmethod
    def get_tag_list(workflow: type[Workflow], x: int, parent: str) -> list[str]:
        return [workflow.__name__, str(x)]

    @classmethod
    def get_task_list(cls, x: int, parent: str) -> str:
        return LIST

    def run(self, x: int, parent: str) -> Any:  # type: ignore[override]
        return super().run(x)


class NamesItsChild(Flow):
    def run(self) -> Any:
        doubled, id, tags = self.submit(Named, 3, self.id).result
        return [doubled, id == f"{self.id}-named-3", tags]


class Inherits(Child):
    name, tag_list = "feature-inherits", Workflow.INHERIT_TAG_LIST


class HandsTagsOn(Flow):
    tag_list = ["red", "blue"]

    def run(self) -> Any:
        return [self.get_run_context()["tag_list"], self.submit(Inherits, 1).result[2]]


class OnlyOnce(Child):
    name, idempotent = "feature-only-once", True


class MergesChildren(Flow):
    def run(self) -> Any:
        one, same, other = (self.submit(OnlyOnce, x).result[1] for x in (1, 1, 2))
        return [one == same, one == other]


class Hasty(Flow):
    name, execution_timeout, raises_on_failure = "feature-hasty", 1, None

    def run(self) -> Any:
        return self.submit(self.start_timer("long", 60)).result


class ChildOutOfTime(Flow):
    def run(self) -> Any:
        try:
            return self.submit(Hasty).result
        except TimeoutError as error:
            return error.timeout_type


class SoftChild(Flow):
    name, raises_on_failure = "feature-soft-child", None

    def run(self) -> Any:
        self.fail("on purpose", "these details")


class FailingChild(Flow):
    def run(self) -> Any:
        error = self.submit(SoftChild).exception
        assert isinstance(error, TaskFailed)
        return [error.reason, error.details]


class HardChild(Flow):
    name = "feature-hard-child"

    def run(self) -> Any:
        raise ValueError("hard")


class FailsWithItsChild(Flow):
    """A child's failure is raised in the parent at once, unless its class says otherwise."""

    def run(self) -> Any:
        self.submit(HardChild)
        self.submit(self.start_timer("long", 60)).result


class Doomed(Flow):
    name, raises_on_failure = "feature-doomed", None

    @classmethod
    def get_workflow_id(cls, parent: str) -> str:
        return f"{parent}-doomed"

    def run(self, parent: str) -> Any:
        self.submit(self.signal("lives", workflow_id=parent, propagate=False))
        return self.submit(self.wait_signal("never")).result


class ChildTerminated(Flow):
    def run(self) -> Any:
        child = self.submit(Doomed, self.id)
        self.receive("lives").result
        self.ready()
        try:
            return child.result
        except TaskTerminated as error:
            return type(error).__name__


class ChildCancelled(Flow):
    def run(self) -> Any:
        child = self.submit(Doomed, self.id)
        self.receive("lives").result
        child.cancel()
        return [type(child.exception).__name__, child.state]


class Again(Flow):
    name, retry, raises_on_failure = "feature-again", 1, None

    def run(self) -> Any:
        raise ValueError("again and again")


class ChildTriedAgain(Flow):
    def run(self) -> Any:
        return self.submit(Again).exception is not None


def two_children(events: Events) -> bool:
    return len(of(events, "ChildWorkflowExecutionFailed")) == 2


# -- signals ---------------------------------------------------------------------------------------------------------


class Itself(Flow):
    def run(self) -> Any:
        sent = self.submit(self.signal("in", 1, x=2, propagate=False))
        got = self.submit(self.wait_signal("in"))
        return [sent.result, got.result]


class InOrder(Flow):
    """`receive` takes one by one; `wait_signal` has the last that had come."""

    def run(self) -> Any:
        for number in range(3):
            self.submit(SignalTask("in", number, propagate=False)).result
        taken = [self.receive("in").result["args"][0] for _ in range(3)]
        return [taken, self.submit(self.wait_signal("in")).result["args"]]


class FromOutside(Flow):
    """Signals that came before anybody waited, and those that are not ours."""

    def run(self) -> Any:
        self.ready()
        last = self.receive("last").result
        return [self.receive("in").result, self.receive("in").result, self.receive("in").result, last["args"]]


def send_three(run: Outside) -> None:
    run.foreign("in", "just text")
    run.foreign("in", None)
    run.foreign("in", '[1, {"x": 2}]')
    run.signal("last", "done")


class NobodyThere(Flow):
    def run(self) -> Any:
        error = self.submit(self.signal("in", workflow_id="nobody-of-that-name")).exception
        return [type(error).__name__, "UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION" in str(error)]


class Repeats(Flow):
    name = "feature-repeats"

    def run(self, parent: str) -> Any:
        self.submit(self.signal("alive", workflow_id=parent, propagate=False))
        heard = self.submit(self.wait_signal("down")).result["args"]
        self.submit(self.signal("up", *heard)).result
        return heard


class Quiet(Repeats):
    name, propagate_signals_to_parent = "feature-quiet", False


class Propagates(Flow):
    """Down to children, up to the parent; what does not propagate stays."""

    def run(self, loud: bool) -> Any:
        child = self.submit(Repeats if loud else Quiet, self.id)
        self.receive("alive").result
        self.submit(self.signal("kept", propagate=False))
        self.submit(self.signal("down", "x"))
        heard = child.result
        try:
            up = self.receive("up", timeout=5 if loud else 1).result["args"]
        except TimeoutError:
            up = None
        self.receive("kept").result
        self.receive("down").result
        return [heard, up]


class LoudChild(Propagates): ...


class QuietChild(Propagates): ...


class LosesNone(Flow):
    """What was not received is received by the run that goes on."""

    def run(self, seen: list[int]) -> Any:
        if not seen:
            for number in range(4):
                self.submit(self.signal("in", number, propagate=False)).result
        seen.append(self.receive("in").result["args"][0])
        if len(seen) < 4:
            self.submit(self.continue_as_new(seen))
        return seen


# -- markers and timers ----------------------------------------------------------------------------------------------


class Notes(Flow):
    def run(self) -> Any:
        plain = self.submit(self.record_marker("plain")).result
        told = self.submit(MarkerTask("told", {"x": [1, None]})).result
        self.submit(self.record_marker("told", {"x": [1, None]}))  # once for each name and details
        self.submit(self.record_marker("told", "last"))
        found = self.get_event_details("marker", "told")
        assert found is not None
        last = [[marker.name, marker.details] for marker in self.list_markers()]
        return [plain, told, last, len(self.list_markers(all=True)), found["details"]]


class Clocks(Flow):
    def run(self) -> Any:
        began = self.now()
        first = self.submit(self.start_timer("first", 1, control={"a": 1}))
        by_id, by_future = (self.submit(TimerTask(id, 3600)) for id in ("by-id", "by-future"))
        zero = self.submit(self.start_timer("zero", 0)).result
        first.wait()
        self.submit(CancelTimerTask("by-id"))
        took = (self.now() - began).total_seconds()
        again = self.submit(self.start_timer("first", 1))  # an id is used once in a run
        states = [by_id.state, by_future.cancel(), by_future.state, again.done]
        return [zero, first.result, states, 1 <= took < 30, type(by_id.exception).__name__]


class Sleeps(Flow):
    def run(self) -> Any:
        began = self.now()
        self.sleep(0.2)
        return (self.now() - began).total_seconds() >= 1


# -- ends ------------------------------------------------------------------------------------------------------------


class GoesOn(Flow):
    tag_list = ["kept"]

    def run(self, left: int, history: list[str]) -> Any:
        history.append(self.get_run_context()["run_id"])
        if left:
            self.submit(self.continue_as_new(left - 1, history=history))
        before = self.get_run_context()["continued_execution_run_id"]
        return [len(set(history)), before == history[-2], self.get_run_context()["tag_list"]]


class NewVersion(Flow):
    def run(self, again: bool = True) -> Any:
        if again:
            self.submit(self.continue_as_new(again=False, workflow_version="2"))
        return self.get_run_context()["version"]


class GivesUp(Flow):
    def run(self) -> Any:
        try:
            self.fail("no more", "details")
        except Exception:
            return "swallowed"


class Raises(Flow):
    def run(self) -> Any:
        raise LookupError("nothing here")


class Cancelled(Flow):
    """A run that follows a cancel takes along what it has open."""

    def run(self) -> Any:
        self.submit(Doomed, self.id)
        self.submit(self.start_timer("long", 3600))
        self.receive("lives").result
        self.ready()
        self.submit(self.wait_signal("never")).result


def cancelled_with_it(events: Events) -> bool:
    asked = of(events, "RequestCancelExternalWorkflowExecutionInitiated")
    return len(of(events, "TimerCanceled")) == len(asked) == len(of(events, "WorkflowExecutionCanceled")) == 1


class Declines(Flow):
    asked = 0

    def should_cancel(self, history: Any) -> bool:
        self.asked += 1
        return self.asked > 2

    def run(self) -> Any:
        self.ready()
        self.receive("go").result
        return self.asked


def cancel_twice(run: Outside) -> None:
    run.cancel()
    run.cancel()
    run.signal("go")


class CallsFunctions(Flow):
    def run(self) -> Any:
        first = self.submit(LambdaFunctionTask("twice", 3))
        second = self.submit(LambdaFunctionTask("twice", first, start_to_close_timeout=60))
        wrong = self.submit(LambdaFunctionTask("twice", {}))
        assert isinstance(wrong.exception, TaskFailed)
        return [second.result, wrong.exception.reason]


class CancelledAtOnce(Flow):
    def run(self) -> Any:
        waits = self.submit(double, self.submit(double, 1))
        waits.cancel()  # it never was ready
        seen = [waits.state]
        try:
            waits.result
        except TaskCanceled as error:
            seen.append(isinstance(error, TaskException))
        return seen


FEATURES = [
    Feature(Numbers, [4, 20, [4, [20]]]),
    Feature(Once, [2, True, True]),
    Feature(Prioritised, None, history=priorities),
    Feature(Parent, [2, 4, [True, True], []], lacking=CHILD),
    Feature(NamesItsChild, [6, True, ["Named", "3"]], lacking=CHILD),
    Feature(HandsTagsOn, [["red", "blue"], ["red", "blue"]], lacking=CHILD),
    Feature(MergesChildren, [True, False], lacking=CHILD),
    Feature(ChildOutOfTime, "START_TO_CLOSE", lacking=CHILD),
    Feature(FailingChild, ["Workflow execution failed: on purpose", "these details"], lacking=CHILD),
    Feature(FailsWithItsChild, Fails("FAILED", "ValueError: hard"), lacking=CHILD),
    Feature(ChildTerminated, "TaskTerminated", outside=lambda run: run.terminate("-doomed"), lacking=CHILD),
    Feature(ChildCancelled, ["TaskCanceled", "CANCELLED"], lacking=CHILD),
    Feature(ChildTriedAgain, True, history=two_children, lacking=CHILD),
    Feature(Itself, [{"args": [1], "kwargs": {"x": 2}, "__propagate": False}] * 2, lacking=SIGNAL),
    Feature(InOrder, [[0, 1, 2], [2]], lacking=SIGNAL),
    Feature(FromOutside, ["just text", None, [1, {"x": 2}], ["done"]], outside=send_three, lacking=BARE_SIGNAL),
    Feature(NobodyThere, ["TaskFailed", True], lacking=SIGNAL),
    Feature(LoudChild, [["x"], ["x"]], (True,), lacking=CHILD),
    Feature(QuietChild, [["x"], None], (False,), lacking=CHILD),
    Feature(LosesNone, [0, 1, 2, 3], ([],), lacking=GOES_ON),
    Feature(Notes, [None, '{"x":[1,null]}', [["plain", None], ["told", "last"]], 3, "last"]),
    Feature(Clocks, [None, None, ["CANCELLED", True, "CANCELLED", True], True, "TaskCanceled"]),
    Feature(Sleeps, True),
    Feature(GoesOn, [3, True, ["kept"]], (2, []), lacking=GOES_ON),
    Feature(NewVersion, "2", lacking=GOES_ON),
    Feature(GivesUp, Fails("FAILED", "Workflow execution failed: no more")),
    Feature(Raises, Fails("FAILED", "LookupError: nothing here")),
    Feature(Cancelled, Fails("CANCELED", ""), outside=Outside.cancel, history=cancelled_with_it, lacking=CHILD),
    Feature(Declines, 2, outside=cancel_twice, lacking=CANCEL),
    Feature(CallsFunctions, [12, "Unhandled"], lacking=LAMBDA),
    Feature(CancelledAtOnce, ["CANCELLED", True]),
]
