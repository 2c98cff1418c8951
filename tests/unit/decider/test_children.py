"""Child workflows, on the embedded engine in memory."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from town import Town

from simpleflow import Workflow, activity
from simpleflow.canvas import Group
from simpleflow.exceptions import TaskException, TaskFailed, TimeoutError, WorkflowException, fresh
from simpleflow.task import ChildWorkflowTask, WorkflowTask, hex_hash


@activity.with_attributes()
def double(x: int) -> int:
    return 2 * x


@activity.with_attributes()
def broken() -> None:
    raise ValueError("nope")


class Child(Workflow):
    name = "child"

    def run(self, x: int) -> Any:
        return self.submit(double, x).result


class Fails(Workflow):
    raises_on_failure = None

    def run(self) -> Any:
        return self.submit(broken).result


class FailsLoudly(Fails):
    raises_on_failure = True


class FailsSoftly(Fails):
    raises_on_failure = False


class TriesAgain(Fails):
    retry = 2


class Waits(Workflow):
    raises_on_failure = None

    def run(self) -> Any:
        return self.submit(self.wait_signal("never")).result


def test_the_pinned_hash() -> None:
    assert (hex_hash("rid"), hex_hash(""), hex_hash(None)) == ("28f0140", "0", "0")


def test_a_child_runs_and_its_result_comes_back(town: Town) -> None:
    class Parent(Workflow):
        def run(self) -> Any:
            first = self.submit(Child, 3)
            second = self.submit(ChildWorkflowTask(Child, first))
            third = self.submit(WorkflowTask(self.executor, Child, x=second))
            return [first.result, second.result, third.result, first.id, first.state]

    execution = town.start(Parent)
    id = f"workflow-child-w--{hex_hash(execution['runId'])}--1"
    assert town.run(execution) == [6, 12, 24, id, "FINISHED"]
    initiated = town.of(execution, "StartChildWorkflowExecutionInitiated")
    assert [given["workflowId"][-1] for given in initiated] == ["1", "2", "3"]
    (first, *_) = initiated
    assert first["workflowType"] == {"name": "test_children.Child", "version": "default"}
    assert json.loads(first["input"]) == {"args": [3], "kwargs": {}, "__extra": {"class": "test_children.Child"}}
    assert town.of(execution, "StartChildWorkflowExecutionFailed") == [], "its type was registered before"


def test_a_decider_that_never_heard_of_the_child_loads_it_by_its_input(town: Town) -> None:
    class Parent(Workflow):
        def run(self) -> Any:
            return self.submit(Child, 4).result

    execution = town.start(Parent)
    town.decide()
    town.decider._classes = {key: kind for key, kind in town.decider._classes.items() if kind is Parent}
    assert town.run(execution) == 8


def test_options_of_a_child(town: Town) -> None:
    class Special(Workflow):
        version, task_list, child_policy = "2", "default", "ABANDON"
        execution_timeout, decision_tasks_timeout = 50, "20"
        tag_list = ["a", "b"]

        def run(self) -> Any:
            return self.get_run_context()

    class Inherits(Workflow):
        tag_list = Workflow.INHERIT_TAG_LIST

        def run(self) -> Any:
            return self.get_run_context()["tag_list"]

    class Parent(Workflow):
        def run(self) -> Any:
            context = self.submit(Special).result
            return [context["tag_list"], context["parent_workflow_id"], self.submit(Inherits).result]

    execution = town.start(Parent, tag_list=["p"])
    assert town.run(execution) == [["a", "b"], "w", ["p"]]
    given = town.of(execution, "StartChildWorkflowExecutionInitiated")[0]
    assert given["workflowType"]["version"] == "2" and given["childPolicy"] == "ABANDON"
    assert (given["executionStartToCloseTimeout"], given["taskStartToCloseTimeout"]) == ("50", "20")


class ByClassMethod(Workflow):
    raises_on_failure = None

    @classmethod
    def get_workflow_id(cls, x: int, tag: str = "t") -> str:
        return f"own-{cls.__name__}-{x}"

    @classmethod
    def get_task_list(cls, x: int, tag: str = "t") -> str:
        return "default" if x else "nowhere"

    @classmethod
    def get_tag_list(cls, x: int, tag: str = "t") -> list[str]:
        return [tag, str(x)]

    def run(self, x: int, tag: str = "t") -> Any:
        return [self.get_run_context()["workflow_id"], self.get_run_context()["tag_list"]]


class ByStaticMethod(Workflow):
    raises_on_failure = None

    @staticmethod
    def get_workflow_id(workflow: type[Workflow], x: int, tag: str = "t") -> str:
        return f"own-{workflow.__name__}-{x}"

    @staticmethod
    def get_task_list(workflow: type[Workflow], *args: Any, **kwargs: Any) -> str:
        return "default"

    @staticmethod
    def get_tag_list(workflow: type[Workflow], x: int, tag: str = "t") -> list[str]:
        return [tag, str(x)]

    def run(self, x: int, tag: str = "t") -> Any:
        return [self.get_run_context()["workflow_id"], self.get_run_context()["tag_list"]]


@pytest.mark.parametrize("kind", [ByClassMethod, ByStaticMethod])
def test_a_class_that_names_its_children_lists_and_tags(town: Town, kind: type[Workflow]) -> None:
    class Parent(Workflow):
        def run(self) -> Any:
            one = self.submit(double, 1)
            found = self.submit(kind, one, tag="z")
            again = self.submit(kind, 2, tag="z")
            other = self.submit(kind, 2, tag="y")
            return [found.result, again.result, str(other.exception)]

    found, again, message = town.run(town.start(Parent))
    assert found == [f"own-{kind.__name__}-2", ["z", "2"]]
    assert again == found, "one id, one child"
    assert "two tasks of one id with different arguments" in message


def test_a_method_of_the_class_that_fails_fails_the_task(town: Town) -> None:
    class Bad(Workflow):
        raises_on_failure = None

        @classmethod
        def get_workflow_id(cls, *args: Any) -> str:
            raise KeyError("id")

        def run(self) -> None: ...

    class TooMany(Workflow):
        raises_on_failure = None
        tag_list = list("abcdef")

        def run(self) -> None: ...

    class Parent(Workflow):
        def run(self) -> Any:
            return [str(self.submit(kind).exception) for kind in (Bad, TooMany)]

    bad, many = town.run(town.start(Parent))
    assert bad == "workflow-Bad: KeyError: 'id'" and "a run takes 5 tags, not 6" in many


def test_a_name_that_amazon_does_not_take_fails_the_task(town: Town) -> None:
    class Named(Child):
        raises_on_failure = None

        @classmethod
        def get_workflow_id(cls, name: str) -> str:
            return name

        @classmethod
        def get_task_list(cls, name: str) -> str:
            return name[:-1]

    class Tagged(Child):
        raises_on_failure = None
        tag_list = ("x" * 257,)

    class Parent(Workflow):
        def run(self) -> Any:
            children = [self.submit(Named, "x" * 257), self.submit(Named, "a:b"), self.submit(Named, "|c")]
            return [str(child.exception) for child in (*children, self.submit(Tagged, 1))]

    long, colon, bar, tag = town.run(town.start(Parent))
    assert "ValueError: a run is named by a text of 1 to 256 characters" in long
    assert "ValueError: the name of a run has no ':', as 'a:b' does" in colon
    assert "ValueError: the name of a run has no '|', as '|c' does" in bar
    assert "ValueError: a tag is named by a text of 1 to 256 characters" in tag


def test_an_idempotent_child_is_one_for_equal_arguments(town: Town) -> None:
    class Same(Child):
        name, idempotent = "same", True

    class Parent(Workflow):
        def run(self) -> Any:
            futures = [self.submit(Same, x) for x in (1, 1, 2)]
            return [[future.result for future in futures], futures[0].id.rpartition("--")[2]]

    execution = town.start(Parent)
    assert town.run(execution) == [[2, 2, 4], "bdc09455c37471e0ba7397350413a5e6"]
    assert len(town.of(execution, "StartChildWorkflowExecutionInitiated")) == 2


def test_long_ids_of_children_fit(town: Town) -> None:
    class Parent(Workflow):
        def run(self) -> Any:
            return [self.submit(Child, 1).id, self.submit(Child, 2).id]

    first, second = town.run(town.start(Parent, workflow_id="x" * 250))
    assert len(first) == len(second) == 256 and first != second


def test_failures_of_children(town: Town) -> None:
    class Parent(Workflow):
        def run(self) -> Any:
            plain = self.submit(Fails)
            soft = self.submit(FailsSoftly)
            seen: list[Any] = [repr(plain.exception), soft.result]
            try:
                self.submit(FailsLoudly)
                self.submit(self.start_timer("t", 5)).result
            except TaskException as error:
                seen.append(type(error).__name__)
            return seen

    text, *rest = town.run(town.start(Parent))
    assert "ValueError: nope" in text and rest == [None, "TaskFailed"]


def test_the_failure_of_a_child_is_its_parent_s_unless_it_says_otherwise(town: Town) -> None:
    class Bare(Workflow):
        name = "test_workflow"

        def run(self) -> Any:
            self.fail("x")

    class Parent(Workflow):
        def run(self) -> Any:
            return self.submit(Bare).result

    execution = town.start(Parent)
    end = town.run(execution)
    assert end["type"] == "WorkflowExecutionFailed"
    assert end["reason"].endswith('--1: "Workflow execution failed: x"')


def test_a_child_is_tried_again(town: Town) -> None:
    class Parent(Workflow):
        def run(self) -> Any:
            return type(self.submit(TriesAgain).exception).__name__

    execution = town.start(Parent)
    assert town.run(execution) == "TaskFailed"
    started = town.of(execution, "ChildWorkflowExecutionStarted")
    assert len(started) == 3 and len({each["workflowExecution"]["workflowId"] for each in started}) == 1


def test_a_child_that_is_cancelled_or_terminated_is_not_tried_again(town: Town) -> None:
    class Patient(Waits):
        retry = 5

    class Parent(Workflow):
        def run(self) -> Any:
            return [repr(self.submit(Patient).exception), repr(self.submit(Patient).exception)]

    execution = town.start(Parent)
    town.settle()
    child = town.of(execution, "ChildWorkflowExecutionStarted")[0]["workflowExecution"]["workflowId"]
    town.cancel(child)
    town.settle()
    child = town.of(execution, "ChildWorkflowExecutionStarted")[1]["workflowExecution"]["workflowId"]
    town.engine.terminate_workflow_execution(domain="D", workflowId=child)
    assert town.run(execution) == ["TaskCanceled()", "TaskTerminated()"]


def test_a_child_that_times_out(town: Town) -> None:
    class Slow(Waits):
        execution_timeout = 7

    class Parent(Workflow):
        def run(self) -> Any:
            return repr(self.submit(Slow).exception)

    assert town.run(town.start(Parent)) == "TimeoutError(START_TO_CLOSE)"


def test_a_child_whose_id_is_taken_fails(town: Town) -> None:
    class Taken(Waits):
        @classmethod
        def get_workflow_id(cls) -> str:
            return "taken"

    class Parent(Workflow):
        def run(self) -> Any:
            return str(self.submit(Taken).exception)

    town.start(Waits, workflow_id="taken")
    assert town.run(town.start(Parent)) == "taken: WORKFLOW_ALREADY_RUNNING"


def test_cancelling_a_child_waits_until_it_has_started(town: Town) -> None:
    class Parent(Workflow):
        def run(self) -> Any:
            child = self.submit(Waits)
            child.cancel()
            self.submit(double, 1)
            return [repr(child.exception), child.state]

    execution = town.start(Parent)
    assert town.run(execution) == ["TaskCanceled()", "CANCELLED"]
    kinds = town.kinds(execution)
    assert kinds.index("ChildWorkflowExecutionStarted") < kinds.index(
        "RequestCancelExternalWorkflowExecutionInitiated"
    )


def test_a_cancel_of_a_child_goes_out_before_the_close_even_if_it_has_not_started(town: Town) -> None:
    class Parent(Workflow):
        def run(self) -> Any:
            self.submit(Waits).cancel()
            return "gone"

    execution = town.start(Parent)
    assert town.run(execution) == "gone"
    town.settle()
    assert [status for _, _, status in town.executions()] == ["COMPLETED", "CANCELED"]


def test_a_child_start_that_nobody_waits_for_goes_out_before_the_close(town: Town) -> None:
    class Parent(Workflow):
        def run(self) -> Any:
            self.submit(Child, 1)
            return "done"

    execution = town.start(Parent)
    assert town.run(execution) == "done"
    town.settle()
    assert [status for _, _, status in town.executions()] == ["COMPLETED", "COMPLETED"]


def test_a_child_that_is_cancelled_after_it_was_over_is_over(town: Town) -> None:
    class Parent(Workflow):
        def run(self) -> Any:
            child = self.submit(Child, 1)
            child.result
            return child.cancel()

    assert town.run(town.start(Parent)) is False


def test_private_lists_are_those_of_children_too() -> None:
    class Parent(Workflow):
        def run(self) -> Any:
            return self.submit(ByClassMethod, 0).result

    town = Town()
    execution = town.start(Parent, task_list="default", activity_task_list="default")
    assert town.run(execution)[0] == "own-ByClassMethod-0"
    given = town.of(execution, "StartChildWorkflowExecutionInitiated")[0]
    assert json.loads(given["input"])["__extra"]["activity_task_list"] == "default"
    town.close()


def test_a_list_for_the_decisions_of_one_child(town: Town) -> None:
    class Parent(Workflow):
        def run(self) -> Any:
            child = self.submit(ChildWorkflowTask(Child, 1, workflow_task_list="elsewhere"))
            self.submit(Child, 1, workflow_task_list="default").result
            return child.state

    execution = town.start(Parent)
    assert town.run(execution) == "RUNNING"
    given = town.of(execution, "StartChildWorkflowExecutionInitiated")
    assert [each["taskList"]["name"] for each in given] == ["elsewhere", "default"]
    assert json.loads(given[0]["input"])["kwargs"] == {}


def test_what_is_raised_for_a_child_is_a_workflow_exception_however_it_ended(town: Town) -> None:
    class Late(Waits):
        execution_timeout = 7

    seen: list[BaseException] = []

    class Parent(Workflow):
        def on_task_failure(self, failure_context: Any) -> None:
            assert failure_context.exception_class is WorkflowException

        def run(self) -> Any:
            cancelled = self.submit(Waits)
            cancelled.cancel()
            group = self.submit(Group(Fails, Late))
            members = group.exception.exceptions  # type: ignore[union-attr]
            seen[:] = [self.submit(Fails).exception, cancelled.exception, *members]  # type: ignore[list-item]
            try:
                return self.submit(FailsLoudly).result
            except WorkflowException as error:
                return [error.reason == seen[0].reason, error.workflow == error.task == error.name]  # type: ignore

    assert town.run(town.start(Parent)) == [True, True]
    assert [type(each).__name__ for each in seen] == ["TaskFailed", "TaskCanceled", "TaskFailed", "TimeoutError"]
    for each in seen:
        twin = pickle.loads(pickle.dumps(each))
        assert isinstance(each, WorkflowException) and type(fresh(each)) is type(twin) is type(each)
        assert (repr(twin), str(twin), vars(twin)) == (repr(each), str(each), vars(each))
    assert isinstance(seen[0], TaskFailed) and isinstance(seen[0], ValueError)


def test_what_is_raised_for_an_activity_is_none(town: Town) -> None:
    class Parent(Workflow):
        def on_task_failure(self, failure_context: Any) -> None:
            assert failure_context.exception_class is TaskException

        def run(self) -> Any:
            return isinstance(self.submit(broken).exception, WorkflowException)

    assert town.run(town.start(Parent)) is False


class Odd(Exception):
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


@pytest.mark.parametrize(
    ("wrap", "told", "with_details"),
    [
        (lambda error: error, "ValueError: nope", True),
        (lambda error: TimeoutError("START_TO_CLOSE"), "TimeoutError(START_TO_CLOSE)", False),
        (lambda error: Odd("odd"), "Odd: odd", False),
    ],
)
@pytest.mark.parametrize("kind", ["activity", "child"])
def test_the_exception_of_old_around_a_failure_may_be_raised(
    town: Town, kind: str, wrap: Any, told: str, with_details: bool
) -> None:
    class Raises(Workflow):
        def on_task_failure(self, failure_context: Any) -> None:
            error = failure_context.exception_class(failure_context.a_task, wrap(failure_context.exception))
            assert error.task is failure_context.a_task and error.name == failure_context.id and str(error)
            raise error

        def run(self) -> Any:
            return self.submit(broken if kind == "activity" else Fails).result

    end = town.run(town.start(Raises))
    name = f"activity-{__name__}.broken-1" if kind == "activity" else "--1"
    inner = f'Workflow execution error in activity-{__name__}.broken-1: "ValueError: nope"'
    told = inner if kind == "child" and with_details else told
    assert end["reason"].startswith("Workflow execution error in ") and end["reason"].endswith(f'{name}: "{told}"')
    assert ("details" in end) is with_details
