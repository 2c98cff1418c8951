"""What becomes of a task by `retry` when an attempt of it has failed; of children, and at the end of the run."""

from __future__ import annotations

import json
from typing import Any

import pytest
from driving import Life, again, f, make, outcome_of, slow

from simpleflow import Workflow
from simpleflow.command import (
    CHILD,
    LAMBDA,
    TIMER,
    CancelRun,
    CancelTimer,
    ContinueAsNew,
    GiveUp,
    RunLambda,
    StartChild,
    StartTimer,
)
from simpleflow.dataflow import Cancelled, CancelRequested, Failed
from simpleflow.exceptions import NonRetryable, RetryAfter, TaskCanceled, TaskFailed, TaskTerminated
from simpleflow.retry import Retry
from simpleflow.task import (
    ChildWorkflowTask,
    LambdaFunctionTask,
    NonPythonicActivityTask,
    TaskFailureContext,
)


def test_a_delay_is_a_timer_that_carries_the_attempt() -> None:
    life = Life(outcome_of(slow)).fails("activity-slow-1")
    assert life.pauses == [("__simpleflow_task_activity-slow-1#1", 60)]
    assert life.asked == ["activity-slow-1"]
    life.fires("__simpleflow_task_activity-slow-1#1")
    assert life.asked == ["activity-slow-1", "activity-slow-1#2"]
    life.fails("activity-slow-1")
    assert life.pauses[1:] == [("__simpleflow_task_activity-slow-1#2", 120)]
    life.fires("__simpleflow_task_activity-slow-1#2").fails("activity-slow-1")
    assert life.result == [['TaskFailed (activity-slow-1, "ValueError: no")', "FINISHED"]]
    assert len(life.pauses) == 2


def test_the_timer_tells_people_what_it_is_for() -> None:
    life = Life(outcome_of(slow)).fails("activity-slow-1")
    (timer,) = [command for command in life.commands if isinstance(command, StartTimer)]
    assert json.loads(timer.control) == {"task": "activity-slow-1", "attempt": 2, "reason": "ValueError: no"}
    assert "driving.py" in timer.where


def test_a_wait_between_two_attempts_is_not_stuck() -> None:
    life = Life(outcome_of(slow)).fails("activity-slow-1")
    assert not life.program.stuck
    assert "activity-slow-1" in life.program.waits_for[0]


def test_a_lost_worker_costs_no_delay_and_no_attempt() -> None:
    life = Life(outcome_of(slow))
    for _ in range(3):
        life.fails("activity-slow-1", lost=True)
    assert life.asked == ["activity-slow-1", *(f"activity-slow-1#{n}" for n in (2, 3, 4))]
    life.fails("activity-slow-1")
    assert life.pauses == [("__simpleflow_task_activity-slow-1#4", 60)], "its first failure, its fourth attempt"


def test_a_task_that_is_given_back_costs_nothing_however_often() -> None:
    life = Life(outcome_of(slow))
    for _ in range(7):
        life.fails("activity-slow-1", given_back=True)
    assert life.asked == ["activity-slow-1", *(f"activity-slow-1#{n}" for n in range(2, 9))]
    assert not life.pauses
    life.fails("activity-slow-1")
    assert life.pauses == [("__simpleflow_task_activity-slow-1#8", 60)], "its first failure"


def test_a_cancel_between_two_attempts_is_at_once_and_ends_the_timer() -> None:
    def run(self: Workflow) -> Any:
        task, other = self.submit(slow, 1), self.submit(f)
        other.wait()
        told = [task.cancel(), task.state, task.cancel()]
        self.submit(f).wait()
        return [*told, repr(task.exception)]

    life = Life(run).fails("activity-slow-1")
    life.ok("activity-f-1")
    assert life.commands[-2:-1] == [CancelTimer("__simpleflow_task_activity-slow-1#1", life.commands[-2].where)]
    life.fires("__simpleflow_task_activity-slow-1#1")
    assert life.asked == ["activity-slow-1", "activity-f-1", "activity-f-2"], "a timer that fires too late is nothing"
    assert life.ok("activity-f-2").result == [True, "CANCELLED", False, "TaskCanceled()"]


def test_a_cancel_between_two_attempts_by_another_submission_of_the_same_task_ends_both() -> None:
    same = make("same", idempotent=True, retry=Retry(3, 60))

    def run(self: Workflow) -> Any:
        first, other = self.submit(same, 1), self.submit(f)
        other.wait()
        second = self.submit(same, 1)
        return [second.cancel(), first.state, second.state]

    life = Life(run)
    id = life.asked[0]
    assert life.fails(id).ok("activity-f-1").result == [True, "CANCELLED", "CANCELLED"]


def test_what_was_asked_to_end_is_not_tried_again() -> None:
    def hook(self: Workflow, ctx: TaskFailureContext) -> Any:
        raise AssertionError("nobody decides what has been decided")

    def run(self: Workflow) -> Any:
        task = self.submit(slow, 1)
        task.cancel()
        return [repr(task.exception), task.state]

    assert Life(run, hook).fails("activity-slow-1").result[1] == "FINISHED"


def test_the_deadline_counts_from_the_first_schedule_by_the_times_of_events() -> None:
    late = make("late", retry=Retry(None, 10, 1, deadline=60))
    life = Life(outcome_of(late))
    life.fails("activity-late-1", time=1000.0, since=995.0, lost=True)
    life.fails("activity-late-1", time=1044.0, since=1001.0)
    life.fires("__simpleflow_task_activity-late-1#2")
    assert life.program.outcome is None and life.asked[-1] == "activity-late-1#3"
    life.fails("activity-late-1", time=1046.0, since=1045.5)
    assert len(life.pauses) == 1 and "ValueError" in life.result[0][0]


def test_jitter_is_the_same_again_and_takes_none_of_the_program_s_random_numbers() -> None:
    def numbers(retry: Retry | int) -> Any:
        shaky = make("shaky", retry=retry)

        def run(self: Workflow) -> Any:
            made = [self.submit(shaky, n) for n in range(20)]
            return [self.random(), *(repr(task.exception)[:4] for task in made), self.random(), str(self.uuid4())]

        life = Life(run)
        for n in range(20):
            life.fails(f"activity-shaky-{n + 1}")
        pauses = dict(life.pauses)
        for timer in pauses:
            life.fires(timer)
        for n in range(20):
            life.fails(f"activity-shaky-{n + 1}", NonRetryable())
        return pauses, life.result

    pauses, result = numbers(Retry(None, 1000, jitter=0.5))
    assert numbers(Retry(None, 1000, jitter=0.5)) == (pauses, result)
    assert len(set(pauses.values())) > 15 and all(500 <= seconds <= 1500 for seconds in pauses.values())
    assert numbers(Retry(None, 1000))[1] == numbers(0)[1] == result


def test_an_activity_can_say_when_and_that_it_is_never_tried_again() -> None:
    life = Life(outcome_of(again)).fails("activity-again-1", RetryAfter(77))
    assert life.pauses == [("__simpleflow_task_activity-again-1#1", 77)]
    life.fires("__simpleflow_task_activity-again-1#1").fails("activity-again-1", NonRetryable("bad"))
    assert life.result == [['TaskFailed (activity-again-1, "NonRetryable: bad")', "FINISHED"]]


def test_a_timer_that_the_engine_refuses_keeps_no_attempt_from_coming() -> None:
    life = Life(outcome_of(slow)).fails("activity-slow-1")
    timer = life.pauses[0][0]
    life._feed(Failed(9.0, timer, TaskFailed(timer, "TIMER_ID_ALREADY_IN_USE"), kind=TIMER, final=True))
    assert life.asked == ["activity-slow-1", "activity-slow-1#2"]
    assert life.ok("activity-slow-1", "5").result == [[5, "FINISHED"]]


def test_what_was_refused_for_good_is_not_tried_again_unless_the_workflow_says_so() -> None:
    life = Life(outcome_of(again)).fails("activity-again-1", final=True)
    assert life.asked == ["activity-again-1"] and life.result

    life = Life(outcome_of(again), lambda self, ctx: ctx.decide_retry(9)).fails("activity-again-1", final=True)
    assert life.pauses == [("__simpleflow_task_activity-again-1#1", 9)]


def test_a_cancel_from_outside_is_a_failure_which_is_not_tried_again_unless_named() -> None:
    named = make("named", retry=Retry(3, 5, on=TaskCanceled))
    life = Life(outcome_of(again, named))
    for id in ("activity-again-1", "activity-named-1"):
        life._feed(Cancelled(1.0, id, TaskCanceled(None, id)))
    assert life.pauses == [("__simpleflow_task_activity-named-1#1", 5)]
    life.fires(life.pauses[0][0]).ok("activity-named-1", "2")
    assert life.result == [["TaskCanceled()", "FINISHED"], [2, "FINISHED"]]


def test_long_ids_have_timers_of_their_own() -> None:
    long = make("long" * 80, retry=Retry(5, 5))
    life = Life(outcome_of(long))
    for _ in range(2):
        life.fails(life.asked[0].partition("#")[0]).fires(life.pauses[-1][0])
    (first, _), (second, _) = life.pauses
    assert first != second and len(first) <= 256 and first.startswith("__simpleflow_task_activity-long")


# -- children, Lambda functions, activities of others --------------------------------------------------------------


class Child(Workflow):
    name = "child"
    retry = Retry(2, 30)
    raises_on_failure = False

    def run(self, n: int) -> int:
        return n


def test_a_child_is_started_again_after_its_delay() -> None:
    def run(self: Workflow) -> Any:
        child = self.submit(Child, 1)
        return [repr(child.exception), child.id]

    life = Life(run)
    (id,) = [command.id for command in life.commands if isinstance(command, StartChild)]
    life.fails(id, kind=CHILD)
    assert life.pauses == [(f"__simpleflow_task_{id}#child-1", 30)]
    life.fires(life.pauses[0][0])
    assert [command.attempt for command in life.commands if isinstance(command, StartChild)] == [1, 2]
    life.fails(id, kind=CHILD)
    assert life.result == [f'TaskFailed ({id}, "ValueError: no")', id]


def test_a_child_that_failed_for_what_is_never_tried_again_is_not() -> None:
    life = Life(lambda self: repr(self.submit(Child, 1).exception))
    (id,) = [command.id for command in life.commands if isinstance(command, StartChild)]
    assert "NonRetryable" in life.fails(id, NonRetryable("bad"), kind=CHILD).result


def test_a_child_that_somebody_ended_is_not_started_again_unless_it_is_named() -> None:
    for retry, pauses in ((5, []), (Retry(5, 7, on=TaskTerminated), [7])):
        kind = type("Child", (Child,), {"retry": retry})
        life = Life(lambda self, kind=kind: repr(self.submit(kind, 1).exception))
        (id,) = [command.id for command in life.commands if isinstance(command, StartChild)]
        life._feed(Failed(1.0, id, TaskTerminated(id), kind=CHILD))
        assert [seconds for _, seconds in life.pauses] == pauses


def test_what_a_child_and_a_lambda_function_failed_with_is_decided_too() -> None:
    told: list[Any] = []

    def hook(self: Workflow, ctx: TaskFailureContext) -> Any:
        told.append((ctx.event["type"], ctx.task_name, ctx.payload, list(ctx.a_task.args)))
        if ctx.event["type"] == CHILD:
            ctx.a_task.args[0] += 1
        return ctx.decide_retry(5)

    def run(self: Workflow) -> Any:
        child, function = self.submit(Child, 1), self.submit(LambdaFunctionTask("shrink", {"n": 1}))
        return [child.result, function.result]

    life = Life(run, hook)
    child, function = [command.id for command in life.commands]
    life.fails(child, kind=CHILD).fails(function, kind=LAMBDA)
    assert told == [(CHILD, "workflow-child", Child, [1]), (LAMBDA, "shrink", None, [])]
    for timer, seconds in life.pauses:
        assert seconds == 5
        life.fires(timer)
    assert [command.input for command in life.commands[-2:]] == ['{"args":[2],"kwargs":{}}', '{"n":1}']  # type: ignore[union-attr]
    assert isinstance(life.commands[-1], RunLambda)


def test_arguments_of_what_has_none_cannot_be_changed() -> None:
    def hook(self: Workflow, ctx: TaskFailureContext) -> Any:
        ctx.a_task.kwargs["n"] = 2
        return ctx.decide_retry()

    life = Life(lambda self: self.submit(LambdaFunctionTask("shrink", {"n": 1})).result, hook)
    error = life.fails(life.commands[0].id, kind=LAMBDA).error
    assert str(error) == "a LambdaFunctionTask has no args and kwargs to change: put another one into ctx.a_task"


@pytest.mark.parametrize(
    ("args", "kwargs", "changed"), [((1, 2), {}, "[1,2,5]"), ((), {"n": 1}, '{"n":1,"m":5}'), ((), {}, '{"m":5}')]
)
def test_bare_input_of_foreign_activities_stays_bare(args: Any, kwargs: Any, changed: str) -> None:
    def hook(self: Workflow, ctx: TaskFailureContext) -> Any:
        if ctx.a_task.args:
            ctx.a_task.args.append(5)
        else:
            ctx.a_task.kwargs["m"] = 5
        return ctx.decide_retry()

    life = Life(lambda self: self.submit(NonPythonicActivityTask(f, *args, **kwargs)).result, hook)
    life.fails("activity-f-1")
    assert life.inputs["activity-f-1"] == changed and life.commands[-1].bare  # type: ignore[union-attr]


@pytest.mark.parametrize("wrong", [-1, True, None, "3"])
def test_children_and_functions_take_a_number_or_a_retry(wrong: Any) -> None:
    with pytest.raises(ValueError, match="retry takes a whole number from 0 or a Retry"):
        LambdaFunctionTask("f", retry=wrong)
    with pytest.raises(ValueError, match="retry takes a whole number from 0 or a Retry"):
        ChildWorkflowTask(type("C", (Child,), {"retry": wrong}))


# -- the end of the run --------------------------------------------------------------------------------------------


def test_it_can_end_the_run() -> None:
    def gives_up(self: Workflow, ctx: TaskFailureContext) -> Any:
        try:
            self.fail("too bad", ctx.reason)
        finally:
            after.append("unwound")

    def goes_on(self: Workflow, ctx: TaskFailureContext) -> Any:
        self.submit(self.continue_as_new("anew"))
        after.append("went on")

    after: list[str] = []
    outcome = Life(outcome_of(f), gives_up).fails("activity-f-1").program.outcome
    assert outcome == GiveUp("Workflow execution failed: too bad", "ValueError: no")
    assert isinstance(Life(outcome_of(f), goes_on).fails("activity-f-1").program.outcome, ContinueAsNew)
    assert after == ["unwound"]


def test_a_run_that_is_cancelled_between_two_attempts_ends_the_timer() -> None:
    life = Life(outcome_of(slow)).fails("activity-slow-1")
    life._feed(CancelRequested(5.0))
    assert isinstance(life.program.outcome, CancelRun)
    assert isinstance(life.commands[-1], CancelTimer) and life.commands[-1].id == life.pauses[0][0]


def test_the_run_can_be_put_away_after_it_was_ended_so() -> None:
    def hook(self: Workflow, ctx: TaskFailureContext) -> Any:
        try:
            self.fail("too bad")
        except BaseException:
            return ctx.decide_retry()

    life = Life(outcome_of(f), hook).fails("activity-f-1")
    life.program.close()
    assert isinstance(life.program.outcome, GiveUp)
