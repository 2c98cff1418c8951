"""The old idiom: `run`, or a branch, raises ExecutionBlocked itself, and is run again from its start."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any

import pytest
from driving import Drive, f, fast, g, same, soft
from test_waiting import fire, timers

from simpleflow import Workflow, activity, futures
from simpleflow.command import CancelTimer, RecordMarker
from simpleflow.dataflow import Signaled, Unremembered, mentions_blocking
from simpleflow.exceptions import BranchCanceled, ExecutionBlocked, TaskCanceled, TaskFailed
from simpleflow.futures import Future, gather


def drive(run: Any, *args: Any) -> Drive:
    return Drive(run, *args, remember=True)


def spawn(self: Workflow, call: Callable[[], Any]) -> Future[Any]:
    return self.executor.spawn(call)


def test_run_is_run_again_at_the_next_event_and_asks_for_nothing_twice() -> None:
    passes: list[int] = []

    def run(self: Workflow) -> Any:
        passes.append(1)
        made = [self.submit(f, 1), self.submit(f, 1), self.submit(f, 2), self.submit(g, {"x": [1]})]
        if not any(future.finished for future in made[:2]):
            raise ExecutionBlocked
        return [future.state for future in made]

    driven = drive(run)
    asked = ["activity-f-1", "activity-f-2", "activity-f-3", "activity-g-1"]
    assert driven.asked == asked and len(passes) == 1
    driven.ok("activity-g-1")
    assert driven.asked == asked and len(passes) == 2 and driven.program.outcome is None
    assert driven.ok("activity-f-2").result == ["RUNNING", "FINISHED", "RUNNING", "FINISHED"]
    assert driven.asked == asked and len(passes) == 3


def test_what_is_asked_for_anew_takes_new_numbers() -> None:
    def run(self: Workflow) -> Any:
        first = self.submit(f, "a")
        if first.done:
            self.submit(f, "b")  # before its equal of the first pass
        second = self.submit(f, "c")
        if not second.done:
            raise ExecutionBlocked
        return [first.result, second.result, second.id]

    driven = drive(run).ok("activity-f-1")
    assert driven.asked == ["activity-f-1", "activity-f-2", "activity-f-3"]
    assert driven.inputs["activity-f-3"] == '{"args":["b"],"kwargs":{}}'
    assert driven.ok("activity-f-2", "5").result == [1, 5, "activity-f-2"]


def test_arguments_that_are_futures_are_equal_where_they_are_the_same() -> None:
    def run(self: Workflow) -> Any:
        a, b = self.submit(f), self.submit(f)
        if not a.done:
            self.submit(g, [b])
        of_a = self.submit(g, [a])
        if not of_a.done:
            raise ExecutionBlocked
        return of_a.id

    driven = drive(run).ok("activity-f-1")
    assert driven.asked == ["activity-f-1", "activity-f-2", "activity-g-2"]
    assert driven.ok("activity-g-2").result == "activity-g-2"


def test_idempotent_tasks_merge_as_ever() -> None:
    def run(self: Workflow) -> Any:
        one, two = self.submit(same, 1), self.submit(same, 1)
        if not one.done:
            raise ExecutionBlocked
        return [one.id == two.id, two.result]

    driven = drive(run)
    (id,) = driven.asked
    assert driven.ok(id, "7").result == [True, 7] and driven.asked == [id]


def test_it_runs_again_at_once_if_something_was_done_since_its_pass_began() -> None:
    """What was done after the program looked: otherwise that wake-up is lost."""
    passes: list[int] = []

    def run(self: Workflow) -> Any:
        passes.append(1)
        made = self.submit(f, self.submit(g))
        other = spawn(self, lambda: made.cancel())
        if not made.done:
            raise ExecutionBlocked
        return [made.state, other.done]

    assert drive(run).result == ["CANCELLED", True] and len(passes) == 2

    def waits(self: Workflow) -> Any:
        a, b = self.submit(f), self.submit(g)
        looked = a.done
        b.wait()  # while it waits, the other is done
        if not looked:
            raise ExecutionBlocked
        return "seen"

    assert drive(waits).ok("activity-f-1").ok("activity-g-1").result == "seen"


def test_a_marker_that_was_recorded_is_recorded_once_and_run_goes_on() -> None:
    def run(self: Workflow) -> Any:
        made = [self.submit(self.record_marker("m", n)) for n in (1, 1, 2)]
        if not self.submit(f).done:
            raise ExecutionBlocked
        return [future.result for future in made], [marker.details for marker in self.list_markers(all=True)]

    driven = drive(run)
    markers = [command for command in driven.commands if isinstance(command, RecordMarker)]
    driven.ok("activity-f-1")
    assert markers == [command for command in driven.commands if isinstance(command, RecordMarker)]
    assert driven.result == [["1", "1", "2"], [1, 2]]


def test_any_event_will_do_also_a_signal() -> None:
    def run(self: Workflow) -> Any:
        details = self.get_event_details("signal", "go")
        if details is None:
            raise ExecutionBlocked
        return details["input"]

    driven = drive(run)
    assert driven.program.stuck
    driven._feed(Signaled(1.0, "stay", "1"))
    assert driven.program.outcome is None
    driven._feed(Signaled(2.0, "go", "5"))
    assert driven.result == 5


def test_time_and_chance_are_those_of_the_same_call() -> None:
    def run(self: Workflow) -> Any:
        first = [self.now().timestamp(), self.random(), str(self.uuid4())]
        if not self.submit(f, first).done:
            raise ExecutionBlocked
        return [first, self.now().timestamp(), self.random(), str(self.uuid4())]

    driven = drive(run).ok("activity-f-1")
    first, later, chance, id = driven.result
    assert driven.asked == ["activity-f-1"], "with the same argument"
    assert first[0] == 0.0 and later == 1.0 and chance != first[1] and id != first[2]


def test_only_the_branch_that_raised_runs_again() -> None:
    said: list[str] = []

    def run(self: Workflow) -> Any:
        said.append("main")
        a = self.submit(f)

        def blocking() -> Any:
            said.append("blocking")
            if not a.done:
                raise ExecutionBlocked
            return a.result

        def waiting() -> Any:
            said.append("waiting")
            return a.result

        return [future.result for future in [spawn(self, blocking), spawn(self, waiting)]]

    driven = drive(run)
    assert said == ["main", "blocking", "waiting"]
    assert driven.ok("activity-f-1", "3").result == [3, 3]
    assert said == ["main", "blocking", "waiting", "blocking"]


def test_branches_are_had_again_and_go_on() -> None:
    said: list[str] = []

    def run(self: Workflow) -> Any:
        def branch(x: int) -> Any:
            said.append(f"begins {x}")
            value = self.submit(f, x).result
            return [value, self.submit(f, value).result]

        made = [spawn(self, lambda x=x: branch(x)) for x in range(2)]
        if not all(future.done for future in made):
            raise ExecutionBlocked
        return [future.result for future in made]

    driven = drive(run).ok("activity-f-b2.1", "20").ok("activity-f-b1.1", "10")
    assert driven.ok("activity-f-b2.2", "21").ok("activity-f-b1.2", "11").result == [[10, 11], [20, 21]]
    assert said == ["begins 0", "begins 1"] and len(driven.asked) == 4


def test_what_a_blocked_branch_has_spawned_and_submitted_it_has_again() -> None:
    def run(self: Workflow) -> Any:
        def inner() -> Any:
            return self.submit(f).result

        def outer() -> Any:
            made = spawn(self, inner)
            late = self.submit(g)
            if not (made.done and late.done):
                raise ExecutionBlocked
            return [made.result, late.result]

        return spawn(self, outer).result

    driven = drive(run)
    assert driven.asked == ["activity-g-b1.1", "activity-f-b1.b1.1"]
    assert driven.ok("activity-f-b1.b1.1").ok("activity-g-b1.1", "2").result == [1, 2]
    assert len(driven.asked) == 2


def test_a_wait_has_its_timer_again() -> None:
    def run(self: Workflow) -> Any:
        a, b = self.submit(f), self.submit(g)
        first = len(futures.wait(a, timeout=5).done)
        second = len(futures.wait(b, timeout=5).done)
        if not self.submit(f).done:
            raise ExecutionBlocked
        return [first, second]

    driven = fire(drive(run), "__simpleflow_wait-1")
    assert timers(driven) == [("__simpleflow_wait-1", 5), ("__simpleflow_wait-2", 5)]
    driven.ok("activity-g-1")
    assert [command.id for command in driven.commands if isinstance(command, CancelTimer)] == ["__simpleflow_wait-2"]
    assert driven.program.outcome is None
    assert driven.ok("activity-f-2").result == [0, 1]
    assert len(timers(driven)) == 2


def test_sleeps_and_streams_have_their_timers_again() -> None:
    def run(self: Workflow) -> Any:
        self.sleep(3)
        a = self.submit(f)
        try:
            next(futures.as_completed([a], timeout=5))
        except TimeoutError:
            pass
        if not a.done:
            raise ExecutionBlocked
        return a.result

    driven = fire(fire(drive(run), "__simpleflow_wait-1"), "__simpleflow_wait-2")
    assert driven.program.outcome is None
    assert driven.ok("activity-f-1").result == 1
    assert timers(driven) == [("__simpleflow_wait-1", 3), ("__simpleflow_wait-2", 5)]


def test_what_was_received_is_received_again() -> None:
    def run(self: Workflow) -> Any:
        one, two = self.receive("go"), self.receive("go")
        if not two.done:
            raise ExecutionBlocked
        return [one.result, two.result, self.receive("go").result]

    driven = drive(run)
    for n in range(3):
        driven._feed(Signaled(float(n), "go", str(n)))
    assert driven.result == [0, 1, 2]


def test_what_fails_fast_is_raised_at_the_next_wait_of_each_pass() -> None:
    def run(self: Workflow) -> Any:
        self.submit(fast)
        a = self.submit(f)
        try:
            a.result
        except TaskFailed:
            seen = "failed"
        else:
            seen = "never"
        if not a.done:
            raise ExecutionBlocked
        return seen

    assert drive(run).fail("activity-fast-1").ok("activity-f-1").result == "failed"


def test_what_fails_fast_while_its_branch_is_blocked_is_raised_there() -> None:
    def run(self: Workflow) -> Any:
        self.submit(fast)
        raise ExecutionBlocked

    assert isinstance(drive(run).fail("activity-fast-1").error, TaskFailed)

    def caught(self: Workflow) -> Any:
        failing = self.submit(fast)
        if not failing.done:
            raise ExecutionBlocked
        return repr(failing.exception)

    assert "activity-fast-1" in drive(caught).fail("activity-fast-1").result


def test_one_that_swallows_nothing_of_ours() -> None:
    """A program of old: `except Exception` around waits."""

    def run(self: Workflow) -> Any:
        seen = []
        for x in range(3):
            try:
                seen.append(self.submit(f, x).result)
            except Exception as error:
                seen.append(repr(error))
        return seen

    driven = drive(run).ok("activity-f-1", "0").fail("activity-f-2")
    assert driven.ok("activity-f-3", "2").result == [0, 'TaskFailed (activity-f-2, "ValueError: no")', 2]


def test_a_future_made_by_hand_blocks_until_it_is_set() -> None:
    """A composite of old: its state is made of that of others."""

    class Both(Future[Any]):
        def __init__(self, *members: Future[Any]) -> None:
            super().__init__()
            self.members = members

        @property
        def state(self) -> str:
            return "FINISHED" if all(member.done for member in self.members) else "RUNNING"

        @property
        def _result(self) -> Any:
            return [member.result for member in self.members]

    def run(self: Workflow) -> Any:
        a, b, c = self.submit(f), self.submit(g), self.submit(f)
        both = Both(a, b)
        return [*futures.wait(both, c), both.result]

    driven = drive(run).ok("activity-f-1").ok("activity-f-2", "3")
    assert driven.program.outcome is None
    (line,) = driven.program.waits_for
    assert line.startswith("ExecutionBlocked was raised at ") and "test_old_idiom.py" in line
    assert driven.ok("activity-g-1", "2").result == [[1, 2], 3, [1, 2]]


def test_a_future_made_by_hand_is_an_argument_once_it_is_set() -> None:
    class First(Future[Any]):
        """Its value is that of the first of its members that is done."""

        def __init__(self, *members: Future[Any]) -> None:
            super().__init__()
            self.members = members

        @property
        def result(self) -> Any:
            done = [member for member in self.members if member.done]
            if not done:
                raise ExecutionBlocked
            return done[0].result

    def run(self: Workflow) -> Any:
        first = First(self.submit(f, 1), self.submit(f, 2))
        known: Future[Any] = Future()
        known.set_finished([self.submit(f, 1)])
        return self.submit(g, first, [known], x={"deep": known}).result

    driven = drive(run)
    assert driven.asked == ["activity-f-1", "activity-f-2", "activity-f-3"]
    driven.ok("activity-f-2", "20").ok("activity-f-3", "30")
    assert driven.inputs["activity-g-1"] == '{"args":[20,[[30]]],"kwargs":{"x":{"deep":[30]}}}'
    assert driven.ok("activity-g-1", "4").result == 4


def test_a_future_made_by_hand_that_has_failed_fails_the_submit() -> None:
    def run(self: Workflow) -> Any:
        failed: Future[Any] = Future()
        failed.set_exception(LookupError("by hand"))
        try:
            self.submit(f, failed)
        except LookupError as error:
            return str(error)

    assert drive(run).result == "by hand"
    never = drive(lambda self: self.submit(f, [Future()]).result)
    assert never.program.outcome is None and never.program.stuck
    assert "test_old_idiom.py" not in never.program.waits_for[0]


def test_what_an_executor_does_for_its_workflow() -> None:
    class Own(Workflow):
        def submit(self, submittable: Any, *args: Any, **kwargs: Any) -> Any:
            return self.executor.submit(submittable, *args, **kwargs)

    def run(self: Workflow) -> Any:
        program: Any = self.executor
        made = [program.submit(f, 1), Own.submit(self, f, 2), program.submit(self.record_marker("m", 3))]
        made += program.map(f, [4]) + program.starmap(f, [(5,)]) + [program.submit(program.record_marker("n"))]
        assert program.get_run_context() == self.get_run_context() and len(program.list_markers()) == 2
        with pytest.raises(AttributeError, match="no attribute 'retry'"):
            _ = program.retry
        return [future.id for future in made]

    assert drive(run).result[:2] == ["activity-f-1", "activity-f-2"]

    def early(self: Workflow, executor: Any) -> None:
        Workflow.__init__(self, executor)
        executor.submit(f, 1)

    assert "do this in run" in str(Drive(lambda self: None, __init__=early).error)


def test_a_coroutine_may_be_run_again_where_it_is_run_itself_only() -> None:
    async def run(self: Workflow) -> Any:
        a = self.submit(f)
        if not a.done:
            raise ExecutionBlocked
        return await a

    assert drive(run).ok("activity-f-1", "7").result == 7

    async def helper(self: Workflow) -> Any:
        raise ExecutionBlocked

    async def gathering(self: Workflow) -> Any:
        await gather(helper(self))

    assert "helper raised ExecutionBlocked, and a coroutine cannot run again" in str(drive(gathering).error)


def test_gathers_are_had_again(recwarn: pytest.WarningsRecorder) -> None:
    async def helper(self: Workflow, x: int) -> Any:
        return await self.submit(f, x)

    async def run(self: Workflow) -> Any:
        future = gather(helper(self, 1), self.submit(g))
        if not future.done:
            raise ExecutionBlocked
        return await future

    driven = drive(run).ok("activity-g-1", "2")
    assert driven.ok("activity-f-b1.1").result == [1, 2]
    assert len(driven.asked) == 2 and not recwarn.list


def test_a_blocked_branch_is_cancelled_at_once() -> None:
    def run(self: Workflow) -> Any:
        def blocking() -> Any:
            raise ExecutionBlocked

        made = spawn(self, blocking)
        self.submit(f).result
        assert made.cancel() and made.cancelled
        return self.submit(g).result

    driven = drive(run).ok("activity-f-1")
    assert driven.ok("activity-g-1").result == 1


def test_each_pass_has_the_context_variables_that_the_branch_began_with() -> None:
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)

    def run(self: Workflow) -> Any:
        variable.set(variable.get() + 1)
        if not self.submit(f).done:
            raise ExecutionBlocked
        return variable.get()

    assert drive(run).ok("activity-f-1").result == 1


def test_a_pass_that_always_makes_something_new_is_ended() -> None:
    counter = iter(range(10**9))

    def run(self: Workflow) -> Any:
        self.submit(self.record_marker("m", next(counter)))
        raise ExecutionBlocked

    assert "ExecutionBlocked was raised 100 times at " in str(drive(run).error)


def test_a_blocked_run_can_be_put_away() -> None:
    def run(self: Workflow) -> Any:
        spawn(self, lambda: self.submit(f).result)
        raise ExecutionBlocked

    driven = drive(run)
    driven.program.close()
    assert driven.program.outcome is None


def test_a_program_that_does_not_remember_must_be_read_again() -> None:
    def run(self: Workflow) -> Any:
        raise ExecutionBlocked

    with pytest.raises(Unremembered, match=r"test_old_idiom.py:\d+"):
        Drive(run)


def test_code_that_speaks_of_blocking_is_known_by_its_names() -> None:
    class Plain(Workflow):
        def run(self) -> None:
            self.submit(f).result

    class Direct(Workflow):
        def run(self) -> None:
            raise ExecutionBlocked

    class Nested(Plain):
        def helper(self) -> Any:
            def inner() -> None:
                import simpleflow.exceptions as exceptions

                raise exceptions.ExecutionBlocked

            return inner

    assert [mentions_blocking(kind) for kind in (Plain, Direct, Nested)] == [False, True, True]
    assert issubclass(ExecutionBlocked, Exception) and not issubclass(BranchCanceled, Exception)
    assert issubclass(TaskCanceled, Exception)


def test_soft_failures_and_cancels_are_known_outcomes() -> None:
    def run(self: Workflow) -> Any:
        a, b = self.submit(soft), self.submit(f, self.submit(g))
        b.cancel()
        if not a.done:
            raise ExecutionBlocked
        return [a.result, b.state, b.cancel()]

    driven = drive(run).fail("activity-soft-1")
    assert driven.result == [None, "CANCELLED", False]


class Named:
    """An activity that names its tasks."""

    @staticmethod
    def get_task_id(workflow: Any, *args: Any, **kwargs: Any) -> str | None:
        return f"{workflow.kind}-{100 // args[0]}{kwargs.get('more', '')}" if args else None


named = activity.Activity(Named, name="named")


def test_an_activity_whose_class_names_its_tasks() -> None:
    def run(self: Workflow) -> Any:
        made = [self.submit(named, self.submit(g)), self.submit(named), self.submit(named, 50), self.submit(named, 49)]
        made += [self.submit(named, 0), self.submit(named, 1, more="x" * 300)]
        errors = [future.exception and str(future.exception) for future in made]
        return [[future.id for future in made], errors]

    driven = Drive(run, kind="k", remember=True)
    *first, long = driven.asked
    assert first == ["activity-g-1", "activity-named-2", "activity-named-k-2"]
    assert long.startswith("activity-named-k-100xxx") and len(long) == 256
    driven.ok("activity-g-1", "50").ok("activity-named-2").ok("activity-named-k-2").ok(long)
    ids, errors = driven.result
    assert driven.asked == [*first, long], "the first and the third are one task"
    assert ids == ["activity-named-k-2", "activity-named-2", *["activity-named-k-2"] * 2, "activity-named-5", long]
    assert errors[:3] == [None] * 3 and errors[5] is None
    assert "two tasks of one id with different arguments" in errors[3]
    assert errors[4] == "activity-named: ZeroDivisionError: integer division or modulo by zero"
