"""Workflows with steps, in runs that are resumed and in runs that are read again at each decision."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import memory_bucket
import pytest
from town import Town

from simpleflow import Workflow, activity, config, settings
from simpleflow.canvas import AggregateException, Chain, FuncGroup, Group
from simpleflow.exceptions import ExecutionBlocked
from simpleflow.protocol.history import attributes
from simpleflow.runtime.local import run_local
from simpleflow.step.submittable import Step
from simpleflow.step.workflow import WorkflowStepMixin

RAN: list[Any] = []


@activity.with_attributes(version="1")
def work(what: Any, *more: Any) -> Any:
    RAN.append(what)
    return what


@activity.with_attributes(version="1", raises_on_failure=None)
def breaks(what: str) -> None:
    RAN.append(what)
    raise ValueError("no")


@pytest.fixture(autouse=True)
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    RAN.clear()
    settings.put_setting("STEP_BUCKET", "/kept")
    yield memory_bucket.installed(monkeypatch)
    config._put.clear()
    config.load.cache_clear()


class Steps(WorkflowStepMixin, Workflow):
    """To derive from: the runs of one class share their steps."""

    version = "1"

    def get_step_path_prefix(self) -> str:
        return f"{type(self).__name__}/"


def markers(town: Town, execution: Any) -> list[dict[str, Any]]:
    """What the run has recorded of its steps, in short."""
    told = [
        json.loads(attributes(event)["details"])
        for event in town.events(execution)
        if event["eventType"] == "MarkerRecorded" and attributes(event)["markerName"] == "log.step"
    ]
    return [" ".join([each["step"], each["status"], *each["reasons"]]) for each in told]


class Once(Steps):
    def run(self) -> Any:
        return self.submit(self.step("a.b", Group((work, 1), (work, 2)))).result


def test_a_step_runs_once(town: Town, bucket: dict[str, str]) -> None:
    first = town.start(Once)
    begun, done = [
        f'{{"forced":false,"reasons":[],"status":"{status}","step":"a.b"}}' for status in ("scheduled", "completed")
    ]
    assert town.run(first) == [[], [begun, [1, 2], None, done]]
    assert list(bucket) == ["/kept:Once/a.b"]
    again = town.start(Once, workflow_id="again")
    skipped = '{"forced":false,"reasons":["Step was already played"],"status":"skipped","step":"a.b"}'
    assert town.run(again) == [["a.b"], [skipped]]
    assert RAN == [1, 2]
    assert markers(town, first) == ["a.b scheduled", "a.b completed"]
    assert markers(town, again) == ["a.b skipped Step was already played"]


def test_what_the_activities_of_steps_are_asked_for_with(town: Town) -> None:
    class Options(Steps):
        task_list = "default"

        def get_step_activity_params(self) -> dict[str, Any]:
            return {"start_to_close_timeout": 7, "task_priority": None}

        def run(self) -> None:
            self.submit(Group(self.step("a", work_1), self.step("b", (work, 2)))).result

    work_1 = activity.Activity(work.callable, name="work_1", version="1")
    execution = town.start(Options)
    town.decide()
    town.decide()  # the type was registered meanwhile
    (asked,) = [attributes(event) for event in town.events(execution) if event["eventType"] == "ActivityTaskScheduled"]
    assert asked["activityType"] == {"name": "simpleflow.step.tasks.GetStepsDoneTask", "version": "1.0"}
    assert json.loads(asked["input"])["args"] == ["/kept", "Options/"]
    timeouts = [asked[f"{name}Timeout"] for name in ("scheduleToStart", "startToClose", "scheduleToClose", "heartbeat")]
    assert timeouts == ["14400", "7", "14460", "180"] and "taskPriority" not in asked


class Chosen(Steps):
    def run(self, forced: Any, skipped: Any, **options: Any) -> Any:
        self.add_forced_steps(forced, "asked for")
        self.add_skipped_steps(skipped, "no time")
        said: Any = [self.get_forced_steps(), self.get_skipped_steps()]
        for name in ("a", "a.b", "c"):
            said.append(self.submit(self.step(name, (work, name), **options)).result[1][-1])
        return [*said[:2], [json.loads(text) for text in said[2:]]]


@pytest.mark.parametrize(
    ("forced", "skipped", "ran", "told"),
    [
        ([], [], [], "sss"),
        ("a", [], ["a", "a.b"], "FFs"),
        ("*", "*", ["a", "a.b", "c"], "FFF"),
        (["c", "a.b"], ["a"], ["a.b", "c"], "SFF"),
        (None, "a.b", [], "sSs"),
    ],
)
def test_steps_are_forced_and_skipped(
    town: Town, bucket: dict[str, str], forced: Any, skipped: Any, ran: list[str], told: str
) -> None:
    for name in ("a", "a.b", "c"):
        bucket[f"/kept:Chosen/{name}"] = "{}"
    names = [[x] if isinstance(x, str) else x or [] for x in (forced, skipped)]
    *said, told_of = town.run(town.start(Chosen, forced, skipped))
    assert (said, RAN) == (names, ran)
    words = {
        "s": ("skipped", False, ["Step was already played"]),
        "S": ("skipped", True, ["no time"]),
        "F": ("completed", True, ["asked for"]),
    }
    assert [(each["status"], each["forced"], each["reasons"]) for each in told_of] == [words[letter] for letter in told]


def test_a_step_forces_itself_and_others(town: Town, bucket: dict[str, str]) -> None:
    class Forces(Steps):
        def run(self) -> Any:
            first = self.step("a", (work, "a"), force=True, force_steps_if_executed=["b", "c"])
            others = (("b", "d"), ("d", "d"), ("e", "z"))
            steps = [self.step(name, (work, name), force_steps_if_executed=forces) for name, forces in others]
            return self.submit(Chain(first, *steps)).result and self.get_forced_steps()

    for name in "abde":
        bucket[f"/kept:Forces/{name}"] = "{}"
    execution = town.start(Forces)
    assert town.run(execution) == ["b", "c", "d"] and RAN == ["a", "b", "d"]
    assert markers(town, execution) == [
        "a scheduled", "a completed",
        "b scheduled Dep of a", "b completed Dep of a",
        "d scheduled Dep of b", "d completed Dep of b",
        "e skipped Step was already played",
    ]  # fmt: skip


def test_what_runs_instead_and_the_signal(town: Town) -> None:
    class Says(Steps):
        def run(self) -> Any:
            heard = self.submit(self.wait_signal("step.a"))
            step = self.step("a", (work, "a"), activities_if_step_already_done=(work, "instead"), emit_signal=True)
            done, parts = self.submit(step).result
            assert heard.result["__propagate"] is False and parts[-1] == heard.result
            return [done, [part for part in parts[:-1] if part is None or len(part) < 10]]

    assert town.run(town.start(Says)) == [[], ["a", None]]
    assert town.run(town.start(Says, workflow_id="again")) == [["a"], ["instead"]]
    assert RAN == ["a", "instead"]


class Fails(Steps):
    def run(self, bubbles: bool, raises: bool | None) -> Any:
        step = self.step("a", Chain((work, 1), (breaks, "x")), bubbles_exception_on_failure=bubbles)
        future = self.submit(Chain(step, self.step("b", (work, 2)), raises_on_failure=raises))
        try:
            return [future.result, future.exception is None]
        except AggregateException as error:
            return f"{len(error.flatten().by_position)} failed"


def test_a_step_that_fails_is_not_done(town: Town, bucket: dict[str, str]) -> None:
    assert town.run(town.start(Fails, True, None)) == "1 failed"
    assert RAN == [1, "x"] and not bucket
    (_, (_, failed)), b = town.run(town.start(Fails, False, None, workflow_id="soft"))[0]
    assert failed == [1, None] and b[1][1] == 2
    assert RAN == [1, "x", 1, "x", 2] and list(bucket) == ["/kept:Fails/b"]


def test_a_canvas_says_of_its_steps_what_is_raised(town: Town, bucket: dict[str, str]) -> None:
    failed = town.run(town.start(Fails, False, True))
    assert failed["reason"].startswith("Workflow execution error in activity-test_steps_lived.breaks")
    assert RAN == [1, "x"] and not bucket


class Inner(Steps):
    raises_on_failure = None

    def get_step_path_prefix(self) -> str:
        return "Nested"  # no slash at its end

    def run(self, name: str) -> Any:
        return self.submit(self.step(name, (work, name))).result[0]


class Nested(Inner):
    def run(self) -> Any:  # type: ignore[override]
        inner = self.step("outer.inner", Group((work, "g"), self.step("outer.inner.most", (work, "m"))))
        both = Chain((work, "sent"), self.step("outer", inner), FuncGroup(self.more), send_result=True)
        self.submit(Group(both, (Inner, "in the child"), max_parallel=1)).result
        return self.get_steps_done().result

    def more(self, result: Any) -> Step:
        return self.step("of a function", (Inner, "in a step"))


def test_steps_in_steps_canvases_and_children(town: Town, bucket: dict[str, str]) -> None:
    town.classes.append(Inner)
    assert town.run(town.start(Nested)) == []
    names = ["outer.inner.most", "outer.inner", "outer", "in a step", "of a function", "in the child"]
    assert [key.removeprefix("/kept:Nested/") for key in bucket] == names
    assert RAN == ["sent", "g", "m", "in a step", "in the child"]
    assert town.run(town.start(Nested, workflow_id="again")) == sorted(names)
    assert RAN[5:] == ["sent"]


def test_what_a_chain_sends_comes_to_what_the_step_begins_with(town: Town) -> None:
    class Sends(Steps):
        def run(self) -> Any:
            step = self.step("a", (add, 1), activities_if_step_already_done=Group((add, 2)))
            return self.submit(Chain((work, 10), step, send_result=True)).result[1][1][:2]

    @activity.with_attributes(version="1")
    def add(x: int, y: int) -> int:
        return x + y

    assert town.run(town.start(Sends))[1] == 11
    assert town.run(town.start(Sends, workflow_id="again"))[0] == [12]


def test_the_old_idiom_keeps_what_was_forced(town: Town, bucket: dict[str, str]) -> None:
    class Old(Steps):
        def run(self) -> Any:
            first = self.submit(self.step("a", (work, "a"), force_steps_if_executed="b"))
            if not first.done:
                raise ExecutionBlocked
            second = self.submit(self.step("b", (work, "b")))
            if not second.done:
                raise ExecutionBlocked
            return self.get_forced_steps()

    bucket["/kept:Old/b"] = "{}"
    assert town.run(town.start(Old)) == ["b"] and RAN == ["a", "b"]


def test_the_same_here_and_by_the_workflows_own_id(bucket: dict[str, str]) -> None:
    class Here(Workflow, WorkflowStepMixin):
        def run(self) -> Any:
            return [len(self.submit(self.step("a", (work, 1))).result[1]), self.get_run_context()["workflow_id"]]

    parts, workflow_id = run_local(Here)
    assert parts == 4 and list(bucket) == [f"/kept:{workflow_id}/steps/a"]
    told = json.loads(bucket[f"/kept:{workflow_id}/steps/a"])
    assert told["workflow_id"] == workflow_id and told["run_id"] != "unknown"


def test_names_that_are_none_and_workflows_without_steps() -> None:
    for name in ("", "a//b", "../a", "x" * 251, None):
        with pytest.raises(ValueError, match="a step"):
            Step(name, work)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="should be a Submittable, Group, or Activity"):
        Step("a", [work])

    class Plain(Workflow):
        def run(self) -> Any:
            try:
                self.submit(Step("a", work))
            except TypeError as error:
                return str(error)

    assert "Plain has no steps: derive it from simpleflow.step.workflow.WorkflowStepMixin" in run_local(Plain)


@pytest.mark.parametrize(
    ("values", "bucket_name"),
    [
        ({"STEP_BUCKET": "mine"}, "s3.amazonaws.com/mine"),
        ({"STEP_BUCKET": "mine", "SIMPLEFLOW_S3_HOST": "s3.eu.amazonaws.com"}, "s3.eu.amazonaws.com/mine"),
        ({"STEP_BUCKET": "s3.amazonaws.com/mine"}, "s3.amazonaws.com/mine"),
        ({"STEP_BUCKET": "~/mine"}, "~/mine"),
    ],
)
def test_buckets_are_named_as_ever(values: dict[str, str], bucket_name: str) -> None:
    settings.configure(values)
    assert WorkflowStepMixin().get_step_bucket() == bucket_name
    settings.put_setting("STEP_BUCKET", None)
    assert WorkflowStepMixin().get_step_bucket() == config.load().steps


def patterns(mixin: WorkflowStepMixin, steps: Iterable[str]) -> list[str]:
    mixin.add_skipped_steps(steps)
    return mixin.get_skipped_steps()


def test_instances_have_their_own() -> None:
    assert [patterns(WorkflowStepMixin(), "ab"), patterns(WorkflowStepMixin(), ["x", "y"])] == [["ab"], ["x", "y"]]


class Unlucky(Steps):
    def run(self) -> Any:
        self.submit(self.step("unlucky", (breaks, 1))).wait()
        self.get_steps_done()
        program: Any = self.executor
        return program.unseen_failures


def test_a_failure_in_a_step_is_told_with_the_line_that_submits_the_step() -> None:
    (line,) = run_local(Unlucky)
    assert line.startswith("activity-test_steps_lived.breaks-f1.1: ") and f"{__file__}:" in line
