"""What becomes of a task as `on_task_failure` decides when an attempt of it has failed."""

from __future__ import annotations

import contextvars
import copy
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from driving import Hook, Life, again, f, fast, g, make, outcome_of, slow, soft

from simpleflow import Future, Workflow, futures
from simpleflow.command import (
    TIMER,
)
from simpleflow.dataflow import Completed, Failed
from simpleflow.exceptions import TaskFailed, TimeoutError
from simpleflow.task import (
    ActivityTask,
    TaskFailureContext,
    TimerTask,
)


def test_none_and_a_context_that_decides_nothing_are_the_retry() -> None:
    for hook in (lambda self, ctx: None, lambda self, ctx: ctx, lambda self, ctx: ctx.decide_default()):
        life = Life(outcome_of(slow), hook).fails("activity-slow-1")
        assert life.pauses == [("__simpleflow_task_activity-slow-1#1", 60)]
        life = Life(outcome_of(f), hook).fails("activity-f-1")
        assert "ValueError" in life.result[0][0]


def test_the_executor_handles_by_default() -> None:
    def hook(self: Workflow, ctx: TaskFailureContext) -> Any:
        ctx = self.executor.default_failure_handling(ctx)
        assert ctx.decision in (ctx.Decision.retry_now, ctx.Decision.abort)
        return ctx

    life = Life(outcome_of(again), hook).fails("activity-again-1").fails("activity-again-1").fails("activity-again-1")
    assert len(life.asked) == 3 and "ValueError" in life.result[0][0]


def test_abort_fails_the_task_whatever_its_retry() -> None:
    life = Life(outcome_of(again), lambda self, ctx: ctx.decide_abort()).fails("activity-again-1")
    assert life.result == [['TaskFailed (activity-again-1, "ValueError: no")', "FINISHED"]]


def test_abort_is_raised_at_once_where_the_task_wants_it() -> None:
    life = Life(outcome_of(f, fast), lambda self, ctx: ctx.decide_abort()).fails("activity-fast-1")
    assert isinstance(life.error, TaskFailed)


def test_abort_gives_none_where_the_task_wants_it() -> None:
    def run(self: Workflow) -> Any:
        return self.submit(soft).result

    assert Life(run, lambda self, ctx: ctx.decide_abort()).fails("activity-soft-1").result is None


def test_ignore_completes_the_task() -> None:
    assert Life(outcome_of(f, f), lambda self, ctx: ctx.decide_ignore()).fails("activity-f-1").ok(
        "activity-f-2"
    ).result == [[None, "FINISHED"], [1, "FINISHED"]]


def test_ignore_completes_it_with_a_result_that_others_are_given() -> None:
    def run(self: Workflow) -> Any:
        return self.submit(g, self.submit(f)).result

    def by_hand(self: Workflow, ctx: TaskFailureContext) -> Any:
        assert ctx.future is not None
        ctx.future._result = {"n": 5}
        return ctx.decide_ignore()

    for hook in (by_hand, lambda self, ctx: ctx.decide_ignore({"n": 5})):
        life = Life(run, hook).fails("activity-f-1")
        assert life.inputs["activity-g-1"] == '{"args":[{"n":5}],"kwargs":{}}'


def test_cancel_cancels_the_task() -> None:
    life = Life(outcome_of(fast), lambda self, ctx: ctx.decide_cancel()).fails("activity-fast-1")
    assert life.result == [["TaskCanceled()", "CANCELLED"]]


def test_retry_now_is_another_attempt_beside_the_retry() -> None:
    life = Life(outcome_of(f), lambda self, ctx: ctx.decide_retry())
    for _ in range(4):
        life.fails("activity-f-1")
    assert life.asked == ["activity-f-1", *(f"activity-f-1#{n}" for n in (2, 3, 4, 5))] and not life.pauses
    assert life.ok("activity-f-1", "3").result == [[3, "FINISHED"]]


@pytest.mark.parametrize(("given", "seconds"), [(7, 7), (6.1, 7), (timedelta(minutes=2), 120)])
def test_retry_later_is_another_attempt_after_a_timer(given: Any, seconds: int) -> None:
    life = Life(outcome_of(f), lambda self, ctx: ctx.decide_retry(given)).fails("activity-f-1")
    assert life.pauses == [("__simpleflow_task_activity-f-1#1", seconds)]
    life.fires("__simpleflow_task_activity-f-1#1").ok("activity-f-1", "3")
    assert life.result == [[3, "FINISHED"]] and life.asked == ["activity-f-1", "activity-f-1#2"]


def test_decisions_can_be_put_into_the_context() -> None:
    def hook(self: Workflow, ctx: TaskFailureContext) -> None:
        ctx.decision = TaskFailureContext.Decision.retry_later
        ctx.retry_wait_timeout = 4

    assert Life(outcome_of(f), hook).fails("activity-f-1").pauses == [("__simpleflow_task_activity-f-1#1", 4)]


def test_another_attempt_may_have_other_arguments() -> None:
    def hook(self: Workflow, ctx: TaskFailureContext) -> Any:
        ctx.a_task.args[0] += 10
        ctx.a_task.kwargs["n"] = ctx.attempt_number
        if ctx.attempt_number == 2:
            ctx.a_task.args = (*ctx.a_task.args, "more")
            ctx.a_task.kwargs = {"only": True}
        return ctx.decide_retry(ctx.retry_count)

    def run(self: Workflow) -> Any:
        return self.submit(f, self.submit(g), self.submit(g)).result

    life = Life(run, hook).ok("activity-g-1", "1").ok("activity-g-2", "[2]").fails("activity-f-1")
    assert life.inputs["activity-f-1"] == '{"args":[11,[2]],"kwargs":{"n":1}}', "futures are resolved"
    life.fails("activity-f-1").fires("__simpleflow_task_activity-f-1#2")
    assert life.inputs["activity-f-1"] == '{"args":[21,[2],"more"],"kwargs":{"only":true}}'
    life.fails("activity-f-1")
    life.fires("__simpleflow_task_activity-f-1#3")
    assert json.loads(life.inputs["activity-f-1"])["args"] == [31, [2], "more"]
    assert life.ok("activity-f-1", "9").result == 9


def test_arguments_are_changed_also_where_the_retry_decides() -> None:
    def hook(self: Workflow, ctx: TaskFailureContext) -> None:
        ctx.a_task.args.append("more")

    life = Life(outcome_of(again), hook).fails("activity-again-1")
    assert life.inputs["activity-again-1"] == '{"args":[1,"more"],"kwargs":{}}'


def test_arguments_that_were_only_looked_at_are_the_same_to_the_letter() -> None:
    seen: list[Any] = []

    def hook(self: Workflow, ctx: TaskFailureContext) -> Any:
        seen.append((list(ctx.a_task.args), dict(ctx.a_task.kwargs)))
        return ctx.decide_retry()

    def run(self: Workflow) -> Any:
        return self.submit(f, self.submit(g)).result

    life = Life(run, hook).ok("activity-g-1", ' {"b": 1.50,  "a": "\\u00e9"} ')
    before = life.inputs["activity-f-1"]
    assert life.fails("activity-f-1").inputs["activity-f-1"] == before
    assert seen == [([{"b": 1.5, "a": "é"}], {})] and len(life.asked) == 3


def test_another_task_of_the_kind_may_take_its_place() -> None:
    def hook(self: Workflow, ctx: TaskFailureContext) -> Any:
        ctx.a_task = ActivityTask(g, *ctx.a_task.args, by="g")
        return ctx.decide_retry()

    life = Life(outcome_of(f), hook).fails("activity-f-1")
    assert life.commands[-1].activity is g  # type: ignore[union-attr]
    assert life.inputs["activity-f-1"] == '{"args":[1],"kwargs":{"by":"g"}}'


def test_a_task_of_another_kind_may_not() -> None:
    def hook(self: Workflow, ctx: TaskFailureContext) -> Any:
        return ctx.decide_handled(TimerTask("t", 5))

    error = Life(outcome_of(f), hook).fails("activity-f-1").error
    assert str(error).startswith("activity-f-1 can be tried again as another ActivityTask, not as <TimerTask")


def test_handled_without_a_future_is_another_attempt() -> None:
    life = Life(outcome_of(f), lambda self, ctx: ctx.decide_handled(ActivityTask(f, 2))).fails("activity-f-1")
    assert life.asked == ["activity-f-1", "activity-f-1#2"]
    assert life.inputs["activity-f-1"] == '{"args":[2],"kwargs":{}}'


def handled(make_future: Callable[[Workflow], Future[Any]]) -> Hook:
    return lambda self, ctx: ctx.decide_handled(ctx.a_task, make_future(self)) if ctx.id == "activity-f-1" else None


def test_handled_by_a_future_that_was_set() -> None:
    def done(self: Workflow) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_finished([1, 2])
        return future

    def broken(self: Workflow) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(KeyError("k"))
        return future

    def ended(self: Workflow) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_cancelled()
        return future

    for make_future, result in (
        (done, [[1, 2], "FINISHED"]),
        (broken, ["KeyError('k')", "FINISHED"]),
        (ended, ["TaskCanceled()", "CANCELLED"]),
    ):
        assert Life(outcome_of(f), handled(make_future)).fails("activity-f-1").result == [result]


def test_handled_as_it_is_keeps_the_failure() -> None:
    life = Life(outcome_of(again), lambda self, ctx: ctx.decide_handled(ctx.a_task, ctx.future))
    assert "ValueError" in life.fails("activity-again-1").result[0][0]


def test_handled_by_another_task_ends_as_that_does() -> None:
    hook = handled(lambda self: self.submit(again, "instead"))
    life = Life(outcome_of(f, f), hook).fails("activity-f-1").ok("activity-f-2")
    (id,) = [id for id in life.asked if "again" in id]
    assert not life.program.stuck
    life.fails(id).ok(id, "7")
    assert life.result == [[7, "FINISHED"], [1, "FINISHED"]]

    life = Life(outcome_of(f, f), hook).fails("activity-f-1").ok("activity-f-2")
    life.fails(id).fails(id).fails(id)
    assert life.program.unseen_failures == []
    assert life.result == [[f'TaskFailed ({id}, "ValueError: no")', "FINISHED"], [1, "FINISHED"]]


def test_handled_by_a_task_that_is_done() -> None:
    def run(self: Workflow) -> Any:
        self.done = self.submit(g)  # type: ignore[attr-defined]
        return [self.done.result, self.submit(f).result]  # type: ignore[attr-defined]

    hook: Hook = lambda self, ctx: ctx.decide_handled(ctx.a_task, self.done)  # type: ignore[attr-defined]  # noqa: E731
    assert Life(run, hook).ok("activity-g-1", "5").fails("activity-f-1").result == [5, 5]


def test_what_is_handled_by_another_can_be_cancelled_alone() -> None:
    def run(self: Workflow) -> Any:
        task, other = self.submit(f), self.submit(f)
        other.wait()
        return [task.cancel(), repr(task.exception), self.submit(f).result]

    life = Life(run, handled(lambda self: self.submit(g))).fails("activity-f-1").ok("activity-f-2")
    (id,) = [id for id in life.asked if "-g-" in id]
    assert not [command for command in life.commands if "Cancel" in type(command).__name__]
    assert life.ok(id).ok("activity-f-3", "3").result == [True, "TaskCanceled()", 3]


def test_handled_by_a_branch_ends_with_what_it_returns() -> None:
    def beside(self: Workflow) -> Future[Any]:
        return self.executor.spawn(lambda: [self.submit(g).result, self.submit(g).result])

    def run(self: Workflow) -> Any:
        task = self.submit(f)
        return [self.submit(g, task).result, task.result]

    life = Life(run, handled(beside)).fails("activity-f-1")
    for number in (1, 2):
        (id,) = [id for id in life.asked if id.startswith("activity-g-r") and id.endswith(f".b1.{number}")]
        life.ok(id, str(number))
    assert life.inputs["activity-g-1"] == '{"args":[[1,2]],"kwargs":{}}'
    assert life.ok("activity-g-1", "3").result == [3, [1, 2]]


def test_what_it_submits_belongs_to_the_branch_whose_task_failed() -> None:
    def hook(self: Workflow, ctx: TaskFailureContext) -> Any:
        if ctx.payload is fast:
            return None
        self.submit(fast)
        return ctx.decide_ignore(ctx.id)

    def branch(self: Workflow) -> Any:
        task = self.submit(f)
        try:
            return self.submit(g).result
        except TaskFailed as error:
            return [task.result, error.name.partition("-r")[0]]

    def run(self: Workflow) -> Any:
        return self.executor.spawn(lambda: branch(self)).result

    life = Life(run, hook).fails("activity-f-b1.1")
    life.fails(next(id for id in life.asked if "fast" in id))
    assert life.result == ["activity-f-b1.1", "activity-fast"]


@pytest.mark.parametrize(
    "wait",
    [
        lambda self, ctx: self.submit(g).result,
        lambda self, ctx: self.submit(g).exception,
        lambda self, ctx: futures.wait(self.submit(g), timeout=5),
        lambda self, ctx: futures.wait(self.submit(g), self.submit(f), return_when=futures.FIRST_COMPLETED),
        lambda self, ctx: next(futures.as_completed([self.submit(g)], timeout=5)),
        lambda self, ctx: futures.gather(self.submit(g)).result,
        lambda self, ctx: self.sleep(5),
        lambda self, ctx: self.receive("s").result,
    ],
)
def test_it_cannot_wait_in_any_way(wait: Hook) -> None:
    life = Life(outcome_of(f), wait).fails("activity-f-1")
    assert str(life.error).startswith("on_task_failure cannot wait for what is not done: return failure_context.decide")
    assert not life.program.stuck
    life.program.close()


def test_it_may_read_what_is_done_and_ask_what_the_program_answers() -> None:
    def hook(self: Workflow, ctx: TaskFailureContext) -> Any:
        told = [futures.wait(self.done), self.patched("p"), self.list_markers(), self.history_length]  # type: ignore[attr-defined]
        return ctx.decide_ignore(told)

    def run(self: Workflow) -> Any:
        self.done = self.submit(g)  # type: ignore[attr-defined]
        self.done.wait()  # type: ignore[attr-defined]
        return self.submit(f).result

    assert Life(run, hook).ok("activity-g-1", "5").fails("activity-f-1").result == [[5], True, [], 0]


def test_the_task_it_is_told_of_can_be_copied() -> None:
    seen: list[Any] = []
    Life(outcome_of(f), lambda self, ctx: seen.append(copy.copy(ctx.a_task))).fails("activity-f-1")
    assert seen[0].args == [1] and seen[0].activity is f


@pytest.mark.parametrize("same", [make("f", idempotent=True), f])
def test_a_task_is_not_handled_by_itself(same: Any) -> None:
    def run(self: Workflow) -> Any:
        self.task = self.submit(same, 1)  # type: ignore[attr-defined]
        return self.task.result  # type: ignore[attr-defined]

    def hook(self: Workflow, ctx: TaskFailureContext) -> Any:
        twin = self.submit(same, 1) if same is not f else self.task  # type: ignore[attr-defined]
        return ctx.decide_handled(ctx.a_task, twin)

    life = Life(run, hook)
    assert "is handled by its own future" in str(life.fails(life.asked[0]).error)


def test_tasks_that_wait_for_each_other_are_stuck() -> None:
    def run(self: Workflow) -> Any:
        task = self.submit(f)
        self.after = self.submit(g, task)  # type: ignore[attr-defined]
        return self.after.result  # type: ignore[attr-defined]

    hook: Hook = lambda self, ctx: ctx.decide_handled(ctx.a_task, self.after)  # type: ignore[attr-defined]  # noqa: E731
    life = Life(run, hook).fails("activity-f-1")
    assert life.program.outcome is None and life.program.stuck


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        (lambda self, ctx: setattr(ctx, "decision", "retry"), "Unexpected TaskFailureValue decision: 'retry'"),
        (lambda self, ctx: True, "on_task_failure returns its context or None, not True"),
        (lambda self, ctx: ctx.decide_retry(-1), "retry_wait_timeout takes seconds from 0"),
        (lambda self, ctx: ctx.decide_retry("5"), "retry_wait_timeout takes seconds from 0"),
        (lambda self, ctx: ctx.decide_ignore(object()), "the result of activity-f-1 cannot be encoded as JSON"),
        (lambda self, ctx: ctx.a_task.args.append(object()) or ctx.decide_retry(), "the input of f cannot be encoded"),
        (lambda self, ctx: ctx.decide_handled(ctx.a_task, Future()), "a future of no run that nobody has set"),
        (lambda self, ctx: ctx.decide_handled(3), "can be tried again as another ActivityTask, not as 3"),
        (lambda self, ctx: self.submit(g).result, "on_task_failure cannot wait"),
        (lambda self, ctx: 1 / 0, "division by zero"),
    ],
)
def test_what_is_wrong_with_it_fails_the_run(hook: Hook, message: str) -> None:
    life = Life(outcome_of(f), hook).fails("activity-f-1")
    assert message in str(life.error)
    assert not life.program.advance(Completed(9.0, "activity-f-1", "1"))


def test_a_coroutine_says_so() -> None:
    async def hook(self: Workflow, ctx: TaskFailureContext) -> Any:
        return None

    assert "write def, not async def" in str(Life(outcome_of(f), hook).fails("activity-f-1").error)


def test_system_exit_in_it_fails_the_run_only() -> None:
    def hook(self: Workflow, ctx: TaskFailureContext) -> Any:
        raise SystemExit(3)

    assert isinstance(Life(outcome_of(f), hook).fails("activity-f-1").error, SystemExit)


def test_it_is_called_once_for_each_attempt_that_failed() -> None:
    calls: list[Any] = []

    def hook(self: Workflow, ctx: TaskFailureContext) -> None:
        calls.append((ctx.id, ctx.retry_count, ctx.attempt_number, ctx.default_delay))

    life = Life(outcome_of(again, f), hook)
    life.fails("activity-again-1").fails("activity-again-1", lost=True).fails("activity-f-1")
    life.fails("activity-again-1").fails("activity-again-1")
    assert calls == [
        ("activity-again-1", 0, 1, 0),
        ("activity-f-1", 0, 1, None),
        ("activity-again-1", 1, 2, 0),
        ("activity-again-1", 2, 3, None),
    ]


def test_a_worker_lost_too_often_is_a_failure() -> None:
    calls: list[str] = []
    life = Life(outcome_of(f), lambda self, ctx: calls.append(ctx.id))
    for _ in range(4):
        life.fails("activity-f-1", lost=True)
    assert calls == ["activity-f-1"] and life.result


def test_it_is_not_called_for_what_was_never_tried() -> None:
    calls: list[str] = []

    def run(self: Workflow) -> Any:
        made = [self.submit(g, self.submit(f)), self.submit(TimerTask("t", 5))]
        return [repr(future.exception) for future in made]

    life = Life(run, lambda self, ctx: calls.append(ctx.id)).fails("activity-f-1")
    life._feed(Failed(9.0, "t", TaskFailed("t", "TIMER_ID_ALREADY_IN_USE"), kind=TIMER, final=True))
    assert calls == ["activity-f-1"] and "TIMER_ID" in life.result[1]


def test_what_it_is_told() -> None:
    told: list[Any] = []

    def hook(self: Workflow, ctx: TaskFailureContext) -> None:
        told.append(ctx)
        assert isinstance(ctx.a_task, ActivityTask) and ctx.a_task.activity is ctx.payload
        assert ctx.future is not None and ctx.future.done and repr(ctx.future.exception) == repr(ctx.exception)

    life = Life(outcome_of(f, g), hook).fails("activity-f-1", ConnectionResetError("gone"))
    life.fails("activity-g-1", TimeoutError("START_TO_CLOSE", "5", "activity-g-1"))
    failed, late = told
    assert (failed.payload, failed.task_name, failed.id) == (f, "activity-f", "activity-f-1")
    assert (failed.reason, failed.task_error) == ("ConnectionResetError: gone", "ConnectionResetError")
    assert (failed.task_message, failed.task_error_type) == ("gone", ConnectionResetError)
    assert failed.details["traceback"] and failed.event["state"] == "failed" and failed.event["retry"] == 0
    assert failed.matches(OSError) and not failed.matches(ValueError) and isinstance(failed.exception, TaskFailed)
    assert late.reason == "activity-g-1: timed out (START_TO_CLOSE after 5 s)" and late.matches(TimeoutError)
    assert late.event["state"] == "timed_out" and late.event["timeout_type"] == "START_TO_CLOSE"
    assert late.task_error is None and late.details is None
    assert [failed.history, failed.current_started_decision_id, failed.last_completed_decision_id] == [None] * 3
    assert repr(failed.a_task) == "<failed ActivityTask activity-f-1>"


def test_a_context_can_be_made_by_hand() -> None:
    """For tests of users."""
    future: Future[Any] = Future()
    future.set_exception(TaskFailed("a", "ValueError: x", '{"error":"ValueError","error_type":"gone.Odd"}'))
    ctx = TaskFailureContext(ActivityTask(f, 1), {"retry": 1, "id": "a"}, future, TaskFailed)
    assert (ctx.attempt_number, ctx.task_error, ctx.task_error_type) == (2, "ValueError", None)
    assert ctx.decide_default().decision is ctx.Decision.abort
    assert TaskFailureContext(None, {}, None).exception is None


def test_what_it_submits_has_ids_that_do_not_depend_on_who_fails_first() -> None:
    def hook(self: Workflow, ctx: TaskFailureContext) -> Any:
        return ctx.decide_handled(ctx.a_task, self.submit(g, ctx.id)) if "-f-" in ctx.id else None

    def inputs(*order: str) -> dict[str, str]:
        life = Life(outcome_of(f, f, g), hook)
        for id in order:
            life.fails(id)
        return life.inputs

    made = inputs("activity-f-1", "activity-f-2")
    assert made == inputs("activity-f-2", "activity-f-1")
    assert sum("-g-r" in id for id in made) == 2 and "activity-g-1" in made


def test_a_failure_of_what_it_submits_is_raised_where_the_task_was_submitted() -> None:
    def hook(self: Workflow, ctx: TaskFailureContext) -> None:
        if ctx.id == "activity-f-1":
            self.submit(fast)

    def run(self: Workflow) -> Any:
        task, other = self.submit(f), self.submit(g)
        try:
            return other.result
        except TaskFailed as error:
            return [str(error), repr(task.exception)[:10]]

    life = Life(run, hook).fails("activity-f-1")
    life.fails(next(id for id in life.asked if "fast" in id))
    assert "activity-fast-r" in life.result[0]


def test_it_runs_within_the_context_variables_of_the_run_and_cannot_change_them() -> None:
    who = contextvars.ContextVar("who", default="nobody")
    seen: list[str] = []

    def run(self: Workflow) -> Any:
        who.set("run")
        return [self.submit(f).exception is None, who.get()]

    def hook(self: Workflow, ctx: TaskFailureContext) -> None:
        seen.append(who.get())
        who.set("hook")

    assert Life(run, hook).fails("activity-f-1").result == [False, "run"]
    assert seen == ["run"] and who.get() == "nobody"


def test_it_sees_the_workflow_and_its_time() -> None:
    def run(self: Workflow) -> Any:
        self.seen = []  # type: ignore[attr-defined]
        self.submit(again).wait()
        return self.seen  # type: ignore[attr-defined]

    def hook(self: Workflow, ctx: TaskFailureContext) -> None:
        self.seen.append([self.now().timestamp(), self.is_replaying])  # type: ignore[attr-defined]

    life = Life(run, hook).fails("activity-again-1").fails("activity-again-1").ok("activity-again-1")
    assert life.result == [[1.0, False], [2.0, False]]
