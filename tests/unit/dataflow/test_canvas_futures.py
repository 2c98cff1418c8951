"""Futures of canvases: reading, cancelling, classes of the user's own; and who submits their members."""

from __future__ import annotations

from typing import Any

import pytest
from driving import Drive, f, g, soft
from test_canvas import Child, bad, drive, hard, ok, told

from simpleflow import Workflow, futures
from simpleflow.canvas import Chain, ChainFuture, FuncGroup, Group, GroupFuture
from simpleflow.exceptions import AggregateException, PayloadError, TaskCanceled, TaskFailed
from simpleflow.task import ActivityTask, MarkerTask

# -- futures of canvases -------------------------------------------------------------------------------------------


def test_the_future_of_a_canvas_is_like_any_other() -> None:
    async def run(self: Workflow) -> Any:
        group = self.submit(Group((ok, 1), Chain((ok, 2), bad)))
        behind = self.submit(g, group, {"again": [group]})
        assert await group == [1, [2, None]]
        gathered = await futures.gather(group, behind)
        done, _ = futures.wait(group, behind, return_when=futures.FIRST_COMPLETED)
        order = [each is group for each in futures.as_completed([behind, group])]
        assert futures.wait(group) == [[1, [2, None]]] and group in done
        assert group.done and group.finished and not group.cancelled and not group.cancel()
        return [gathered, order, group]

    made = drive(run)
    assert made.inputs["activity-g-1"] == '{"args":[[1,[2,null]],{"again":[[1,[2,null]]]}],"kwargs":{}}'
    assert made.result == [[[1, [2, None]], [1, [2, None]]], [True, False], [1, [2, None]]]


def test_what_depends_on_a_failed_canvas_fails_with_it_unless_it_does_not_raise() -> None:
    def run(self: Workflow) -> Any:
        broken = self.submit(g, self.submit(Group(hard, (ok, 1))))
        whole = self.submit(g, self.submit(Group(hard, (ok, 1), raises_on_failure=False)))
        return [type(broken.exception).__name__, whole.result]

    assert drive(run).result == ["AggregateException", [None, 1]]


def test_each_reader_has_a_copy_of_its_own() -> None:
    def run(self: Workflow) -> Any:
        future = self.submit(Group(hard, (ok, [1])))
        first, second = future.exception, future.exception
        assert first == second and first is not second and first.exceptions[0] is not second.exceptions[0]
        first.append(None)
        other = self.submit(Group((ok, [1])))
        other.result[0].append(2)
        return [len(future.exception.by_position), other.result]

    assert drive(run).result == [2, [[1]]]


def test_except_star_takes_the_failures_of_a_canvas_apart() -> None:
    def run(self: Workflow) -> Any:
        group = self.submit(Group(hard, f, (ok, 1)))
        group.futures[1].cancel()
        said = []
        try:
            group.result
        except* TaskCanceled as gone:
            said.append(f"cancelled: {len(gone.exceptions)}")
        except* TaskFailed as failed:
            said += [str(each) for each in failed.exceptions]
        return said

    made = Drive(run).cancelled("activity-f-1").fail("activity-hard-1").ok("activity-ok-1")
    assert made.result == ["cancelled: 1", "activity-hard-1: ValueError: no"]


def test_failures_that_nobody_looked_at_are_told_by_their_tasks() -> None:
    def run(self: Workflow, look: bool) -> Any:
        canvas = self.submit(
            Group(Chain(hard, bubbles_exception_on_failure=False), FuncGroup(lambda: Group(bad)), hard)
        )
        canvas.wait()
        return look and canvas.exception is not None

    assert drive(lambda self: run(self, True)).program.unseen_failures == []
    unseen = [line.partition(" (")[0] for line in drive(lambda self: run(self, False)).program.unseen_failures]
    assert {"activity-hard-1: ValueError: no", "activity-hard-2: ValueError: no"} <= set(unseen)
    assert any("activity-bad-f1.1" in line for line in unseen) and len(unseen) <= 4


def test_what_a_run_waits_for_is_told_by_the_members_whose_turn_it_is() -> None:
    def run(self: Workflow) -> Any:
        inner = FuncGroup(lambda: Chain((f, 1), (f, 2)))
        return self.submit(Group(inner, (g, self.submit(f)), self.wait_signal("s"), g, max_parallel=3)).result

    lines = [line.partition(" (submitted at ") for line in Drive(run).program.waits_for]
    assert [line[0] for line in lines] == ["activity-f-f1.1", "activity-g-1", "s-1"]
    assert len({line[2] for line in lines}) == 1 and "test_canvas_futures.py" in lines[0][2]


# -- cancelling ----------------------------------------------------------------------------------------------------


def test_to_cancel_a_canvas_is_to_cancel_all_its_members() -> None:
    def run(self: Workflow) -> Any:
        func = FuncGroup(lambda: Chain((f, 2), (f, 3)))
        group = self.submit(Group((f, 1), func, Chain((f, 4), Group((f, 5))), (f, 6), max_parallel=3))
        self.submit(g).result
        assert group.cancel()
        states = [future.state for future in group.futures]
        return [states, *told(group), group.cancel()]

    made = Drive(run).ok("activity-g-1")
    ids = ["activity-f-1", "activity-f-f1.1", "activity-f-2"]
    assert [command.id for command in made.commands[-3:]] == ids
    made.ok("activity-f-1").cancelled("activity-f-f1.1").cancelled("activity-f-2")
    assert made.result == [
        ["RUNNING", "RUNNING", "RUNNING", "CANCELLED"],
        "CANCELLED",
        "raises",
        [None, "AggregateException", "AggregateException", "TaskCanceled"],
        False,
    ]
    assert len(made.asked) == 4


def test_a_chain_does_not_wait_for_ever_for_a_member_that_was_cancelled() -> None:
    """BUG 20."""

    def run(self: Workflow) -> Any:
        stopped = self.submit(Chain((f, 1), (f, 2)))
        going_on = self.submit(Chain((f, 3), (f, 4), break_on_failure=False, raises_on_failure=False))
        stopped.futures[0].cancel()
        going_on.futures[0].cancel()
        return [told(stopped), told(going_on)]

    made = Drive(run).cancelled("activity-f-1").cancelled("activity-f-3").ok("activity-f-4")
    assert made.asked == ["activity-f-1", "activity-f-3", "activity-f-4"]
    assert made.result == [["CANCELLED", "raises", ["TaskCanceled"]], ["CANCELLED", [None, 1], None]]


def test_a_canvas_that_has_not_begun_is_cancelled_at_once() -> None:
    def run(self: Workflow) -> Any:
        chain = self.submit(Chain(f, Group((g, 1), FuncGroup(lambda: Group()), Chain()), Group()))
        for inner in chain.futures[1:]:
            assert inner.cancel() and inner.cancelled
        return [told(each) for each in chain.futures[1:]] + told(chain)

    made = Drive(run).ok("activity-f-1")
    failures = ["TaskCanceled", "TaskCanceled", None]
    assert made.result == [
        ["CANCELLED", "raises", failures],
        ["CANCELLED", [], None],
        "CANCELLED",
        "raises",
        [None, "AggregateException"],
    ]


# -- futures of the user's own -------------------------------------------------------------------------------------


class Total(GroupFuture):
    @property
    def result(self) -> Any:
        return sum(super().result)


class Quiet(ChainFuture):
    def __init__(self, activities: Any, workflow: Any, **options: Any) -> None:
        self.options = options
        super().__init__(activities, workflow, **options)

    @property
    def exception(self) -> None:
        return None


class Totals(Group):
    default_future_class = Total


def test_a_future_class_has_the_last_word_for_readers_tasks_and_canvases() -> None:
    def run(self: Workflow) -> Any:
        total = self.submit(Totals((ok, 1), (ok, 2)))
        behind = self.submit(g, total)
        chain = self.submit(
            Chain(Group((ok, 3), (ok, 4), future_class=Total), ok, Group(Totals((ok, 9))), send_result=True)
        )
        return [total.result, behind.result, chain.result, total.id.startswith("branch-c")]

    made = drive(run)
    assert made.inputs["activity-g-1"] == '{"args":[3],"kwargs":{}}'
    assert made.result == [3, 3, [7, 7, [9]], True]


def test_a_future_class_may_keep_a_failure_to_itself() -> None:
    quiet = Chain((ok, 1), hard, (ok, 2), future_class=Quiet)

    def run(self: Workflow) -> Any:
        alone = self.submit(quiet)
        whole = self.submit(Chain(quiet, (g, 5)))
        assert alone.options == {
            "bubbles_exception_on_failure": True,
            "send_result": False,
            "break_on_failure": True,
        }
        return [alone.result, alone.done, self.submit(g, alone).result, whole.result, whole.exception]

    assert drive(run).result == [[1, None], True, [1, None], [[1, None], 5], None]


@pytest.mark.parametrize("reads", ["exception", "result", None])
def test_the_failure_that_a_future_class_tells_is_looked_at_with_it(reads: str | None) -> None:
    class Own(GroupFuture):
        @property
        def exception(self) -> Any:
            return super().exception

    def run(self: Workflow) -> Any:
        mine = self.submit(Group(hard, future_class=Own))
        mine.wait()
        if reads is not None:
            with pytest.raises(AggregateException):
                raise mine.exception if reads == "exception" else mine.result
        return self.submit(g, 5).result

    unseen = drive(run).program.unseen_failures
    assert bool(unseen) is (reads is None)


def test_a_future_class_that_breaks_breaks_who_reads_it() -> None:
    class Broken(GroupFuture):
        @property
        def result(self) -> Any:
            raise LookupError("own")

    def run(self: Workflow) -> Any:
        mine = self.submit(Group(ok, future_class=Broken))
        outer = self.submit(Group(Group(ok, future_class=Broken), ok))
        behind = self.submit(g, mine)
        return [repr(behind.exception), told(outer)]

    assert drive(run).result == ["LookupError('own')", ["FINISHED", "raises", ["LookupError", None]]]


def test_the_arguments_of_a_future_class() -> None:
    seen: list[Any] = []

    class Seen(GroupFuture):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            seen.append(
                (args, self.activities, len(self.futures), self.max_parallel, self.bubbles_exception_on_failure)
            )

    group = Group((ok, 1), max_parallel=3, bubbles_exception_on_failure=False, future_class=Seen)

    def run(self: Workflow) -> Any:
        assert self.submit(group).workflow is self
        return self.submit(Group(group)).result

    assert drive(run).result == [[1]]
    for args, activities, count, parallel, bubbles in seen:
        assert args[0] == group.activities == activities and isinstance(args[1], Workflow)
        assert args[2:] == (3, False) == (parallel, bubbles) and count == 1


# -- a `submit` of the user's own ----------------------------------------------------------------------------------


def workflow_with(submit: Any, run: Any) -> Drive:
    def runs(self: Any) -> Any:
        type(self).submit = submit
        return run(self)

    return drive(runs)


def test_members_are_submitted_by_the_workflow() -> None:
    seen: list[str] = []

    def submit(self: Any, task: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append(f"{type(task).__name__} {getattr(task, 'args', '')}".strip())
        return Workflow.submit(self, task, *args, **kwargs)

    def run(self: Any) -> Any:
        return self.submit(
            Chain((ok, 1), Group((ok, 2), (Child, 3)), FuncGroup(lambda: Chain((bad, 4))), MarkerTask("m"))
        )

    workflow_with(submit, run)
    members = ["ActivityTask (1,)", "Group", "ActivityTask (2,)", "ChildWorkflowTask (3,)"]
    assert seen == ["Chain", *members, "FuncGroup ()", "MarkerTask"]


def test_what_else_it_submits_for_a_member_waits_with_it() -> None:
    def submit(self: Any, task: Any, *args: Any) -> Any:
        if isinstance(task, ActivityTask) and task.activity is ok:
            before = Workflow.submit(self, f, *task.args)
            return Workflow.submit(self, ok, before)
        return Workflow.submit(self, task, *args)

    made = Drive(lambda self: setattr(type(self), "submit", submit) or self.submit(Chain((ok, 1), g, (ok, 2))).result)
    assert made.asked == ["activity-f-1"]
    made.ok("activity-f-1").ok("activity-ok-1").ok("activity-g-1")
    assert made.asked == ["activity-f-1", "activity-ok-1", "activity-g-1", "activity-f-2"]
    assert made.ok("activity-f-2").ok("activity-ok-2").result == [1, 1, 1]


def test_it_may_give_a_future_that_there_is_already() -> None:
    def run(self: Any) -> Any:
        known: dict[Any, Any] = {}

        def submit(self: Any, task: Any, *args: Any) -> Any:
            key = task.args if isinstance(task, ActivityTask) else None
            if key is None:
                return Workflow.submit(self, task, *args)
            if key not in known:
                known[key] = Workflow.submit(self, task)
            return known[key]

        type(self).submit = submit
        first = self.submit(Group((ok, 1), (ok, 2)))
        again = self.submit(Chain((ok, 2), (ok, 1), (ok, 1), (ok, 3)))
        return [first.result, again.result]

    made = drive(run)
    assert made.asked == ["activity-ok-1", "activity-ok-2", "activity-ok-3"]
    assert made.result == [[1, 2], [2, 1, 1, 3]]


def test_a_break_ends_only_what_was_submitted_for_it() -> None:
    def run(self: Any) -> Any:
        first = Workflow.submit(self, Chain((f, 1), (g, 2)))
        late = first.futures[1]
        type(self).submit = lambda self, task: late if isinstance(task, MarkerTask) else Workflow.submit(self, task)
        with pytest.raises(PayloadError):
            self.submit(Group(MarkerTask("late"), (ok, object())))
        broken = self.submit(Chain(hard, MarkerTask("late"), (ok, 3)))
        assert broken.exception is not None and broken.futures[2].cancelled
        return [late.state, first.result]

    made = Drive(run).fail("activity-hard-1").ok("activity-f-1").ok("activity-g-1")
    assert made.result == ["PENDING", [1, 1]]


def test_it_must_give_a_future() -> None:
    def submit(self: Any, task: Any) -> Any:
        return Workflow.submit(self, task) if isinstance(task, Group) else 5

    error = workflow_with(submit, lambda self: self.submit(Group(ok))).error
    assert isinstance(error, TypeError) and str(error) == "W.submit gave a int, not a future"


def test_a_canvas_that_cannot_be_submitted_leaves_nothing_that_runs() -> None:
    made: list[Any] = []

    def run(self: Workflow) -> Any:
        group = Group((ok, 1), Chain((ok, 2), FuncGroup(lambda: Group((ok, 3)))), Group((ok, object())))
        with pytest.raises(PayloadError, match="cannot be encoded"):
            self.submit(group)
        return self.submit(Chain((ok, 4), (g, 5))).result

    made = drive(run)
    assert made.result == [4, 5] and made.asked == ["activity-ok-4", "activity-g-1"]
    assert made.program.unseen_failures == []


def test_a_canvas_is_submitted_inside_of_run() -> None:
    caught: list[Any] = []
    Drive(lambda self: (caught.append(self), self.submit(f).result))
    with pytest.raises(RuntimeError, match="inside of run"):
        caught[0].submit(Group(ok))


def test_canvas_submit_takes_the_executor() -> None:
    assert drive(lambda self: Group((ok, 1)).submit(self.executor).result).result == [1]
    assert drive(lambda self: GroupFuture([ActivityTask(ok, 1)], self).result).result == [1]
    assert drive(lambda self: FuncGroup(lambda: ActivityTask(soft, 2)).submit(self.executor).result).result == 2
