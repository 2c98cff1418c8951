"""Branches of a run: their scopes, their turns, their ends."""

from __future__ import annotations

import contextvars
import gc
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from test_program import Drive, f, fast, g, make, soft

from simpleflow import Workflow
from simpleflow.exceptions import BranchCanceled, PayloadError, TaskCanceled, TaskFailed
from simpleflow.futures import Future


def spawn(self: Workflow, call: Callable[[], Any], kind: str = "b") -> Future[Any]:
    return self.executor.spawn(call, kind)


def test_each_branch_numbers_its_tasks_by_itself() -> None:
    def run(self: Workflow) -> Any:
        def branch() -> Any:
            a = self.submit(f).result
            inner = spawn(self, lambda: self.submit(f, "inner").result, "f")
            return [a, self.submit(f).result, inner.result]

        one, two = spawn(self, branch), spawn(self, branch)
        return [self.submit(f).result, one.result, two.result, self.submit(f).result]

    drive = Drive(run)
    assert drive.asked == ["activity-f-1", "activity-f-b1.1", "activity-f-b2.1"]
    drive.ok("activity-f-b2.1", "21").ok("activity-f-b1.1", "11").ok("activity-f-1")
    assert drive.asked[3:] == ["activity-f-b2.2", "activity-f-b2.f1.1", "activity-f-b1.2", "activity-f-b1.f1.1"]
    for id in drive.asked[3:]:
        drive.ok(id, f'"{id}"')
    assert drive.ok("activity-f-2", "2").result == [
        1,
        [11, "activity-f-b1.2", "activity-f-b1.f1.1"],
        [21, "activity-f-b2.2", "activity-f-b2.f1.1"],
        2,
    ]


def test_who_finishes_first_changes_no_id() -> None:
    def run(self: Workflow) -> Any:
        def branch(x: int) -> Any:
            return self.submit(g, self.submit(f, x).result).result

        return [future.result for future in [spawn(self, lambda x=x: branch(x)) for x in range(3)]]

    def inputs(order: list[int]) -> dict[str, str]:
        drive = Drive(run)
        for x in order:
            drive.ok(f"activity-f-b{x + 1}.1", str(x * 10))
        return drive.inputs

    assert inputs([0, 1, 2]) == inputs([2, 0, 1]) == inputs([1, 2, 0])


def test_a_branch_begins_when_its_spawner_waits_and_all_are_woken_first_in_first_out() -> None:
    said: list[str] = []

    def run(self: Workflow) -> Any:
        first = self.submit(f)

        def branch(name: str) -> None:
            said.append(f"{name} begins")
            first.result
            said.append(f"{name} goes on")

        made = [spawn(self, lambda name=name: branch(name)) for name in "ab"]
        said.append("main")
        first.result
        said.append("main goes on")
        return [future.done for future in made] + [future.result for future in made]

    drive = Drive(run)
    assert said == ["main", "a begins", "b begins"]
    assert drive.ok("activity-f-1").result == [False, False, None, None]
    assert said[3:] == ["main goes on", "a goes on", "b goes on"]


def test_the_future_of_a_branch_is_like_any_other() -> None:
    def run(self: Workflow) -> Any:
        branch = spawn(self, lambda: [self.submit(f).result, "x"])
        assert branch.running and branch.id == "branch-b1" and not branch.done
        behind = self.submit(g, branch, {"again": [branch]})
        return [branch.result, behind.result, branch.finished, branch.exception, branch.cancel()]

    drive = Drive(run).ok("activity-f-b1.1", "7")
    assert drive.inputs["activity-g-1"] == '{"args":[[7,"x"],{"again":[[7,"x"]]}],"kwargs":{}}'
    assert drive.ok("activity-g-1", "8").result == [[7, "x"], 8, True, None, False]


def test_what_a_branch_returns_is_handed_on_as_it_is() -> None:
    thing = object()

    def run(self: Workflow) -> Any:
        future = spawn(self, lambda: thing)
        assert future.result is thing and future.result is thing
        refused = self.submit(f, future).exception
        assert isinstance(refused, TaskFailed)
        return [str(refused), self.submit(f, spawn(self, lambda: [self.submit(g)])).exception is not None]

    refusals, loose = Drive(run).result
    assert "what branch-b1 returned cannot be encoded as JSON: the value is an object" in refusals
    assert loose is True
    assert issubclass(PayloadError, ValueError)


def test_a_branch_that_returns_a_future_ends_with_it() -> None:
    def run(self: Workflow) -> Any:
        late = spawn(self, lambda: self.submit(f))
        known = spawn(self, lambda: late)
        nothing = spawn(self, lambda: self.submit(soft))
        broken = spawn(self, lambda: self.submit(g))
        behind = self.submit(f, [late, nothing])
        return [late.result, known.result, nothing.result, repr(broken.exception), behind.result]

    drive = Drive(run).fail("activity-soft-b3.1").fail("activity-g-b4.1").ok("activity-f-b1.1", "5")
    assert drive.inputs["activity-f-1"] == '{"args":[[5,null]],"kwargs":{}}'
    drive.ok("activity-f-1", "6")
    assert drive.result == [5, 5, None, 'TaskFailed (activity-g-b4.1, "ValueError: no")', 6]
    assert drive.program.unseen_failures == []


def test_the_failure_of_a_run_shows_where_the_users_code_raised_it() -> None:
    def run(self: Workflow) -> Any:
        raise LookupError("nothing there")

    shown = "".join(traceback.format_exception(Drive(run).error))
    assert "in run" in shown and "simpleflow/dataflow" not in shown


def test_the_failure_of_a_branch_is_raised_where_it_is_read_and_shows_where_it_was_raised() -> None:
    def deep() -> None:
        raise LookupError("nothing there")

    def run(self: Workflow) -> Any:
        def branch() -> None:
            self.submit(f).result
            deep()

        future = spawn(self, branch)
        behind = self.submit(g, future)
        with pytest.raises(LookupError) as one:
            future.result
        with pytest.raises(LookupError) as two:
            future.result
        assert one.value is not two.value
        assert isinstance(behind.exception, LookupError)
        shown = "".join(traceback.format_exception(one.value))
        assert "in deep" in shown and "in branch" in shown and "simpleflow/dataflow/turns.py" not in shown
        return str(future.exception)

    assert Drive(run).ok("activity-f-b1.1").result == "nothing there"


def test_a_failure_that_cannot_be_copied_is_raised_as_it_is() -> None:
    class Odd(Exception):
        def __init__(self, one: int, two: int) -> None:
            super().__init__(f"{one} {two}")

    def run(self: Workflow) -> Any:
        def branch() -> None:
            raise Odd(1, 2)

        future = spawn(self, branch)
        with pytest.raises(Odd, match="1 2"):
            future.result
        return str(future.exception)

    assert Drive(run).result == "1 2"


def test_a_failure_of_a_branch_that_nobody_looked_at_is_reported() -> None:
    def run(self: Workflow) -> Any:
        def branch() -> None:
            raise LookupError("nothing there")

        spawn(self, branch)
        return self.submit(f).result

    drive = Drive(run).ok("activity-f-1")
    assert drive.result == 1
    (line,) = drive.program.unseen_failures
    assert line.startswith("branch-b1: LookupError: nothing there (submitted at ") and "test_branches.py" in line


def test_system_exit_in_a_branch_is_its_failure() -> None:
    def run(self: Workflow) -> Any:
        def branch() -> None:
            raise SystemExit(3)

        spawn(self, branch).result

    assert isinstance(Drive(run).error, SystemExit)


def test_failing_fast_reaches_the_branch_that_submitted_the_task() -> None:
    def run(self: Workflow) -> Any:
        def branch() -> Any:
            self.submit(fast)
            try:
                return self.submit(f).result
            except TaskFailed as error:
                return f"raised: {error.name}"

        return [spawn(self, branch).result, self.submit(f).result]

    drive = Drive(run).fail("activity-fast-b1.1")
    assert drive.ok("activity-f-1").result == ["raised: activity-fast-b1.1", 1]


def test_failing_fast_reaches_the_nearest_ancestor_that_lives() -> None:
    def run(self: Workflow) -> Any:
        def child() -> None:
            self.submit(fast)

        def parent() -> Any:
            spawn(self, child)
            try:
                return self.submit(g).result
            except TaskFailed as error:
                return f"raised: {error.name}"

        return [spawn(self, parent).result, self.submit(f).result]

    drive = Drive(run).fail("activity-fast-b1.b1.1")
    assert drive.ok("activity-f-1").result == ["raised: activity-fast-b1.b1.1", 1]


def test_failing_fast_goes_ahead_of_other_wake_ups_also_in_another_branch() -> None:
    said: list[str] = []

    def run(self: Workflow) -> Any:
        a = self.submit(f)

        def branch() -> None:
            self.submit(fast, a)
            try:
                self.submit(g).result
            except TaskFailed:
                said.append("branch")

        made = spawn(self, branch)
        a.exception
        said.append("main")
        made.result

    Drive(run).fail("activity-f-1")
    assert said == ["branch", "main"]


def test_what_fails_fast_while_its_branch_is_dead_and_its_ancestor_waits_for_just_that() -> None:
    def run(self: Workflow) -> Any:
        made: list[Future[Any]] = []
        spawn(self, lambda: made.append(self.submit(fast))).result
        return repr(made[0].exception)

    assert Drive(run).fail("activity-fast-b1.1").result == 'TaskFailed (activity-fast-b1.1, "ValueError: no")'


def test_context_variables_are_each_branch_s_own() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")

    def run(self: Workflow) -> Any:
        variable.set("main")

        def branch(name: str) -> Any:
            before = variable.get()
            variable.set(name)
            self.submit(f).result
            return [before, variable.get()]

        made = [spawn(self, lambda name=name: branch(name)) for name in "ab"]
        return [future.result for future in made] + [variable.get()]

    drive = Drive(run).ok("activity-f-b1.1").ok("activity-f-b2.1")
    assert drive.result == [["main", "a"], ["main", "b"], "main"]


def test_returning_ends_all_branches() -> None:
    said: list[str] = []

    def run(self: Workflow) -> Any:
        def branch(name: str) -> None:
            try:
                self.submit(f).result
            finally:
                said.append(name)

        for name in "abc":
            spawn(self, lambda name=name: branch(name))
        self.submit(g).result
        spawn(self, lambda: said.append("never begun"))
        return "done"

    drive = Drive(run).ok("activity-g-1")
    assert drive.result == "done"
    assert said == ["c", "b", "a"], "the newest first"
    assert drive.ok("activity-f-b1.1").result == "done"


def test_eviction_unwinds_all_branches_the_newest_first_and_the_main_line_last() -> None:
    said: list[str] = []

    def run(self: Workflow) -> Any:
        def branch(name: str) -> None:
            try:
                if name == "b":
                    spawn(self, lambda: branch("inner")).result
                self.submit(f).result
            except Exception:
                said.append(f"{name} swallowed")
            finally:
                said.append(name)
                self.submit(f)
                said.append("after a call of ours")

        for name in "abc":
            spawn(self, lambda name=name: branch(name))
        branch("main")

    drive = Drive(run)
    asked = list(drive.asked)
    drive.program.close()
    assert said == ["inner", "c", "b", "a", "main"]
    assert drive.asked == asked and drive.program.outcome is None


def test_each_branch_may_refuse_some_times_and_one_that_always_does_is_abandoned() -> None:
    said: list[int] = []

    def run(self: Workflow) -> Any:
        def stubborn() -> None:
            while True:
                try:
                    self.submit(f).result
                except BaseException:
                    pass

        def polite(n: int) -> None:
            try:
                self.submit(f).result
            finally:
                for _ in range(60):
                    with pytest.raises(BaseException):
                        self.submit(g)
                said.append(n)

        spawn(self, lambda: polite(1))
        spawn(self, stubborn)
        spawn(self, lambda: polite(2))
        self.submit(f).result

    drive = Drive(run)
    drive.program.close()
    assert said == [2, 1]


def test_an_abandoned_or_closed_program_frees_what_its_branches_held() -> None:
    class Big:
        alive = 0

        def __init__(self) -> None:
            Big.alive += 1

        def __del__(self) -> None:
            Big.alive -= 1

    def run(self: Workflow) -> Any:
        def branch() -> Any:
            big = Big()
            self.submit(f).result
            return big

        return [future.result for future in [spawn(self, branch) for _ in range(3)]]

    for _ in range(5):
        Drive(run).program.close()
    gc.collect()
    assert Big.alive == 0


def test_a_branch_is_cancelled_where_it_waits() -> None:
    said: list[str] = []

    def run(self: Workflow) -> Any:
        def branch() -> None:
            try:
                self.submit(f).result
            except Exception:
                said.append("swallowed")
            finally:
                said.append(f"cleaned up: {self.submit(g).result}")

        made = spawn(self, branch)
        self.submit(f).result
        assert made.cancel() and made.cancel() and not made.done
        with pytest.raises(TaskCanceled, match="branch-b1: cancelled"):
            made.result
        return [made.state, repr(made.exception), made.cancel()]

    drive = Drive(run).ok("activity-f-1")
    assert drive.ok("activity-g-b1.1", "5").result == ["CANCELLED", "TaskCanceled()", False]
    assert said == ["cleaned up: 5"]
    assert drive.program.unseen_failures == []


def test_a_branch_may_have_its_cancelling_otherwise() -> None:
    def run(self: Workflow) -> Any:
        def branch() -> Any:
            future = self.submit(f)
            try:
                return future.result
            except BranchCanceled:
                return [future.result, "all the same"]

        made = spawn(self, branch)
        self.submit(g).result
        made.cancel()
        return [made.result, made.state]

    assert Drive(run).ok("activity-g-1").ok("activity-f-b1.1", "5").result == [[5, "all the same"], "FINISHED"]


def test_a_branch_that_has_not_begun_is_cancelled_at_once() -> None:
    def run(self: Workflow) -> Any:
        made = spawn(self, lambda: self.submit(f))
        assert made.cancel() and made.cancelled and not made.cancel()
        return self.submit(g).result

    drive = Drive(run)
    assert drive.asked == ["activity-g-1"]
    assert drive.ok("activity-g-1").result == 1


def test_a_branch_that_cancels_itself_is_cancelled_where_it_waits_next() -> None:
    def run(self: Workflow) -> Any:
        made: list[Future[Any]] = []

        def branch() -> Any:
            made[0].cancel()
            future = self.submit(f)
            return future.result

        made.append(spawn(self, branch))
        made[0].wait()
        return made[0].state

    assert Drive(run).result == "CANCELLED"


def test_a_cancelled_branch_takes_its_own_with_it_and_others_stay() -> None:
    def run(self: Workflow) -> Any:
        made: list[Future[Any]] = []

        def leaf() -> Any:
            return self.submit(f).result

        def parent() -> Any:
            made.append(spawn(self, leaf))
            return made[-1].result

        one, two = spawn(self, parent), spawn(self, parent)
        self.submit(g).result
        one.cancel()
        one.wait()
        return [made[0].state, two.result]

    drive = Drive(run).ok("activity-g-1")
    assert drive.ok("activity-f-b2.b1.1", "5").result == ["CANCELLED", 5]


def test_to_cancel_a_branch_that_has_returned_a_future_is_to_cancel_that() -> None:
    def run(self: Workflow) -> Any:
        late = self.submit(f, self.submit(g))
        made = spawn(self, lambda: late)
        spawn(self, lambda: None).result
        assert made.cancel()
        return [late.state, made.state]

    assert Drive(run).result == ["CANCELLED", "CANCELLED"]


def test_a_cancel_is_not_lost_where_a_failure_is_raised_first() -> None:
    said: list[str] = []

    def run(self: Workflow) -> Any:
        pending = self.submit(f, self.submit(f))

        def branch() -> Any:
            self.submit(fast, pending)
            try:
                return self.submit(g).result
            except TaskCanceled as error:
                said.append(error.name)
                return self.submit(g).result

        made = spawn(self, branch)
        self.submit(g).result
        made.cancel()
        pending.cancel()  # fails what depends on it, which is the branch's and raises at once
        made.wait()
        return made.state

    assert Drive(run).ok("activity-g-1").result == "CANCELLED"
    assert said == ["activity-f-2"]


def test_what_all_branches_wait_for_can_be_told() -> None:
    def run(self: Workflow) -> Any:
        made = spawn(self, lambda: self.submit(f).result)
        made.result

    lines = Drive(run).program.waits_for
    assert lines[0].startswith("branch-b1 (submitted at ") and "test_branches.py" in lines[0]
    assert lines[1].startswith("branch b1 (") and "): activity-f-b1.1 (submitted at " in lines[1]
    assert len(lines) == 2


def test_five_thousand_branches_one_inside_of_the_other() -> None:
    def run(self: Workflow) -> Any:
        def nested(depth: int) -> Any:
            return 1 + spawn(self, lambda: nested(depth - 1)).result if depth else self.submit(f).result

        return nested(5_000)

    drive = Drive(run)
    (id,) = drive.asked
    assert drive.ok(id, "0").result == 5_000


def test_five_thousand_branches_that_each_return_the_next() -> None:
    def run(self: Workflow) -> Any:
        def nested(depth: int) -> Any:
            return spawn(self, lambda: nested(depth - 1)) if depth else self.submit(f)

        return nested(5_000)

    drive = Drive(run)
    (id,) = drive.asked
    assert len(id) < 256
    assert drive.ok(id, "0").result == 0


def test_scopes_stay_short_and_apart() -> None:
    def run(self: Workflow) -> Any:
        def nested(depth: int) -> Any:
            if depth:
                return [spawn(self, lambda: nested(depth - 1)).result, spawn(self, lambda: self.submit(f)).result]
            return None

        return nested(60)

    drive = Drive(run)
    while drive.program.outcome is None:
        drive.ok(drive.asked[-1])
    assert len(set(drive.asked)) == 60
    assert max(map(len, drive.asked)) < 150


def test_a_future_is_hashed_by_its_place_in_the_program() -> None:
    def run(self: Workflow) -> Any:
        made = {self.submit(f) for _ in range(50)}
        return [future.id for future in made]

    drive = Drive(run)
    assert drive.result == [f"activity-f-{n}" for n in range(1, 51)]
    assert make("f").name == "f"
