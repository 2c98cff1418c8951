"""Groups, chains and what functions make: the rules one by one (any canvas against its rules: tests/property)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from driving import Drive, f, fast, g, make

from simpleflow import Workflow
from simpleflow.canvas import AggregateException, Chain, FuncGroup, Group
from simpleflow.command import Complete, RecordMarker, SendSignal, StartChild, StartTimer
from simpleflow.dataflow import Completed, Program, Started
from simpleflow.exceptions import TaskFailed
from simpleflow.futures import Future
from simpleflow.payload.codec import Codec
from simpleflow.task import ActivityTask, LambdaFunctionTask, MarkerTask, NonPythonicActivityTask, TimerTask

bad = make("bad", raises_on_failure=False)
hard = make("hard")
ok = make("ok")


def drive(run: Any, *, fails: tuple[str, ...] = ("bad", "hard", "fast"), **options: Any) -> Drive:
    """A program to its end, each task once it was asked for, first in first out. An activity gives its first argument;
    those whose names are in `fails` fail."""
    made = Drive(run, **options)
    done = 0
    while done < len(made.asked):
        id = made.asked[done]
        done += 1
        if id.split("-")[1] in fails:
            made.fail(id)
        else:
            made.ok(id, json.dumps((json.loads(made.inputs[id])["args"] or [None])[0]))
    return made


def told(future: Future[Any]) -> list[Any]:
    """State, result (or that it raises) and exception, in words."""
    try:
        result = future.result
    except AggregateException:
        result = "raises"
    exception = future.exception
    if not isinstance(exception, AggregateException):
        return [future.state, result, exception]
    return [future.state, result, [type(each).__name__ if each else None for each in exception.by_position]]


def alone(canvas: Any) -> Drive:
    """A run that submits `canvas`, and tells of it."""
    return drive(lambda self: told(self.submit(canvas)))


def ends_of(canvas: Any) -> Any:
    return alone(canvas).result


FAILED = "TaskFailed"

MATRIX: list[tuple[Callable[[], Any], list[Any]]] = [
    (lambda: Group((ok, 1), (ok, 2)), ["FINISHED", [1, 2], None]),
    (lambda: Group(bad, (ok, 2)), ["FINISHED", [None, 2], [FAILED, None]]),
    (lambda: Group(hard, (ok, 2)), ["FINISHED", "raises", [FAILED, None]]),
    (lambda: Group(hard, (ok, 2), raises_on_failure=False), ["FINISHED", [None, 2], [FAILED, None]]),
    (lambda: Group(hard, (ok, 2), bubbles_exception_on_failure=False), ["FINISHED", [None, 2], None]),
    (lambda: Group(bad, hard, (ok, 2)), ["FINISHED", "raises", [FAILED, FAILED, None]]),
    (lambda: Chain((ok, 1), bad, (ok, 3)), ["FINISHED", [1, None], [None, FAILED]]),
    (lambda: Chain((ok, 1), hard, (ok, 3)), ["FINISHED", "raises", [None, FAILED]]),
    (lambda: Chain((ok, 1), bad, (ok, 3), raises_on_failure=False), ["FINISHED", [1, None], None]),
    (
        lambda: Chain((ok, 1), bad, (ok, 3), raises_on_failure=False, bubbles_exception_on_failure=True),
        ["FINISHED", [1, None], [None, FAILED]],
    ),
    (lambda: Chain((ok, 1), bad, (ok, 3), break_on_failure=False), ["FINISHED", [1, None, 3], [None, FAILED, None]]),
    (lambda: Chain((ok, 1), hard, (ok, 3), break_on_failure=False), ["FINISHED", "raises", [None, FAILED, None]]),
    (
        lambda: Chain(
            Chain(
                Chain(bad, raises_on_failure=False, bubbles_exception_on_failure=True),
                (ok, 1),
                bubbles_exception_on_failure=False,
            ),
            (ok, [3, 2]),
        ),
        ["FINISHED", [[[None]], [3, 2]], None],
    ),
    (lambda: Group(), ["FINISHED", [], None]),
    (lambda: Chain(), ["FINISHED", [], None]),
    (lambda: Chain(Group(), (ok, 1), Chain()), ["FINISHED", [[], 1, []], None]),
    (lambda: Group(Chain((ok, 1), (ok, 2)), Group((ok, 3)), (ok, 4)), ["FINISHED", [[1, 2], [3], 4], None]),
    (lambda: Group(Group(hard), (ok, 1)), ["FINISHED", "raises", ["AggregateException", None]]),
    (lambda: Group(Group(hard, bubbles_exception_on_failure=False), (ok, 1)), ["FINISHED", [[None], 1], None]),
    (lambda: Group(Group(hard), (ok, 1), bubbles_exception_on_failure=False), ["FINISHED", [[None], 1], None]),
    (
        lambda: Group(Group(hard, raises_on_failure=True), raises_on_failure=False),
        ["FINISHED", [[None]], ["AggregateException"]],
    ),
    (lambda: FuncGroup(lambda: Group((ok, 1), bad)), ["FINISHED", [1, None], [None, FAILED]]),
    (lambda: Chain(FuncGroup(lambda: Group(bad)), (ok, 1)), ["FINISHED", [[None]], ["AggregateException"]]),
    (lambda: Group(FuncGroup(lambda: ActivityTask(hard)), raises_on_failure=False), ["FINISHED", [None], [FAILED]]),
    (lambda: FuncGroup(lambda: ActivityTask(hard), raises_on_failure=False), None),  # type: ignore[list-item]
]


@pytest.mark.parametrize(("canvas", "expected"), MATRIX)
def test_the_matrix(canvas: Callable[[], Any], expected: list[Any] | None) -> None:
    if expected is None:
        done = drive(lambda self: [self.submit(canvas()).result, str(self.submit(canvas()).exception)])
        assert done.result == [None, "activity-hard-f2.1: ValueError: no"]
    else:
        assert ends_of(canvas()) == expected


def test_true_raises_at_once_in_the_branch_that_submitted_the_canvas() -> None:
    said: list[str] = []

    def run(self: Workflow) -> Any:
        def branch() -> None:
            self.submit(Chain((ok, 1), hard, (ok, 3), raises_on_failure=True))
            try:
                self.submit(g).result
            except TaskFailed as error:
                said.append(str(error))

        other = self.executor.spawn(branch)
        self.submit(f).result
        return other.result

    made = Drive(run).ok("activity-ok-b1.1").fail("activity-hard-b1.1")
    assert said == ["activity-hard-b1.1: ValueError: no"]
    assert made.ok("activity-f-1").result is None
    assert "activity-ok-b1.2" not in made.asked
    assert isinstance(alone(Chain((ok, 1), hard, raises_on_failure=True)).error, TaskFailed)


def test_a_canvas_never_changes_what_it_is_given() -> None:
    """In the original, the flag stayed with the activity for ever, and each submit appended a result once more."""
    chain = Chain((hard, 1), raises_on_failure=False)
    sending = Chain(
        (ok, 1), ActivityTask(ok, 2), FuncGroup(lambda *sent: Group((ok, *sent))), Chain(ok), send_result=True
    )

    def run(self: Workflow) -> Any:
        both = [self.submit(chain).result, self.submit(chain).result]
        assert hard.raises_on_failure is None
        with pytest.raises(TaskFailed):
            self.submit(hard).result
        return [*both, self.submit(sending).result, self.submit(sending).result]

    made = drive(run)
    assert made.result == [[None], [None], [1, 2, [2], [[2]]], [1, 2, [2], [[2]]]]
    args = [json.loads(made.inputs[id])["args"] for id in made.asked if id.startswith("activity-ok")]
    assert args == [[1], [2, 1], [2], [[2]]] * 2


def test_flags_that_are_set_afterwards_have_no_effect() -> None:
    group = Group(hard)
    group.raises_on_failure = False
    assert ends_of(group) == ["FINISHED", "raises", [FAILED]]


def test_the_outer_flag_holds_and_also_for_what_a_function_makes() -> None:
    inner = FuncGroup(lambda: Chain(hard, raises_on_failure=True), raises_on_failure=True)
    assert ends_of(Group(inner, raises_on_failure=False)) == ["FINISHED", [[None]], ["AggregateException"]]


# -- numbers and turns ---------------------------------------------------------------------------------------------


def test_members_take_their_numbers_when_the_canvas_is_submitted() -> None:
    def run(self: Workflow) -> Any:
        chain = self.submit(Chain((ok, 1), Group((ok, 2), FuncGroup(lambda: Chain((ok, 3), (ok, 4)))), (ok, 5)))
        return [self.submit(ok, 6).result, chain.result]

    made = drive(run)
    assert made.result == [6, [1, [2, [3, 4]], 5]]
    assert {json.loads(input)["args"][0]: id for id, input in made.inputs.items()} == {
        1: "activity-ok-1",
        2: "activity-ok-2",
        3: "activity-ok-f1.1",
        4: "activity-ok-f1.2",
        5: "activity-ok-3",
        6: "activity-ok-4",
    }


def test_max_parallel_lets_the_next_one_run_when_one_is_done() -> None:
    def run(self: Workflow) -> Any:
        group = self.submit(Group(*[(f, n) for n in range(5)], max_parallel=2))
        self.submit(g).result
        before = group.count_finished_activities
        return [before, group.result]

    made = Drive(run)
    assert made.asked == ["activity-f-1", "activity-f-2", "activity-g-1"]
    made.ok("activity-f-2", "2")
    assert made.asked[3:] == ["activity-f-3"]
    made.fail("activity-f-3")
    assert made.asked[4:] == ["activity-f-4"]
    made.ok("activity-g-1").ok("activity-f-1")
    assert made.asked[5:] == ["activity-f-5"]
    assert isinstance(made.ok("activity-f-5").ok("activity-f-4").error, AggregateException)


def test_a_canvas_counts_as_one_and_its_own_limit_holds_inside() -> None:
    inner = Group(*[(f, n) for n in range(3)], max_parallel=2)
    made = Drive(lambda self: self.submit(Group(inner, Chain(g, g), g, max_parallel=2)).result)
    assert made.asked == ["activity-f-1", "activity-f-2", "activity-g-1"]
    made.ok("activity-f-1").ok("activity-f-2")
    assert made.asked[3:] == ["activity-f-3"]
    made.ok("activity-f-3")
    assert made.asked[4:] == ["activity-g-3"]


def test_markers_in_a_long_group_are_done_one_after_the_other_within_one_event() -> None:
    def run(self: Workflow) -> Any:
        many = [MarkerTask("m", n) for n in range(3000)]
        return len(self.submit(Group(*many, max_parallel=1)).result) + len(self.submit(Chain(*many)).result)

    made = Drive(run)
    assert made.result == 6000
    assert len([each for each in made.commands if isinstance(each, RecordMarker)]) == 3000


def test_a_member_whose_argument_is_not_there_waits_and_nothing_blocks() -> None:
    def run(self: Workflow) -> Any:
        first = self.submit(f)
        group = self.submit(Group((g, first), (g, [first])))
        chain = self.submit(Chain((g, 1), (g, {"first": first})))
        return [group.state, group.result, chain.result]

    made = Drive(run)
    assert made.asked == ["activity-f-1", "activity-g-3"]
    made.ok("activity-g-3")
    assert len(made.asked) == 2
    made.ok("activity-f-1", "7")
    assert [made.inputs[f"activity-g-{n}"] for n in (1, 2, 4)] == [
        '{"args":[7],"kwargs":{}}',
        '{"args":[[7]],"kwargs":{}}',
        '{"args":[{"first":7}],"kwargs":{}}',
    ]
    made.ok("activity-g-1").ok("activity-g-2").ok("activity-g-4")
    assert made.result == ["RUNNING", [1, 1], [1, 1]]


@pytest.mark.parametrize("before", [True, False])
def test_a_member_whose_argument_has_failed_fails_at_its_turn(before: bool) -> None:
    said: list[Any] = []

    def run(self: Workflow) -> Any:
        broken = self.submit(f)
        assert not before or broken.exception is not None
        chain = self.submit(Chain((g, 1), (fast, broken), (g, 2)))
        assert broken.exception is not None
        said.append(chain.futures[1].state)
        try:
            return self.submit(g, 3).result
        except TaskFailed as error:
            return [str(error), chain.result if chain.exception is None else told(chain)]

    made = Drive(run).fail("activity-f-1")
    assert said == ["PENDING"]
    assert made.ok("activity-g-1").result == ["activity-f-1: ValueError: no", ["FINISHED", "raises", [None, FAILED]]]
    assert made.asked == ["activity-f-1", "activity-g-1", "activity-g-3"]


def test_after_the_break_nothing_runs_and_who_waits_for_it_is_told() -> None:
    called: list[int] = []

    def run(self: Workflow) -> Any:
        func = FuncGroup(lambda: called.append(1))
        chain = self.submit(Chain((ok, 1), bad, (ok, 2), func, Group((ok, 3), Chain((ok, 4)))))
        behind = self.submit(g, chain.futures[2])
        deep = chain.futures[4].futures[1].futures[0]
        chain.wait()
        return [
            chain.result,
            [future.state for future in (*chain.futures, deep)],
            str(deep.exception),
            type(behind.exception).__name__,
            chain.count_finished_activities,
        ]

    made = drive(run)
    states = ["FINISHED", "FINISHED", *["CANCELLED"] * 4]
    assert made.result == [[1, None], states, "activity-ok-4: cancelled", "TaskCanceled", 2]
    assert made.asked == ["activity-ok-1", "activity-bad-1"] and not called
    assert made.program.unseen_failures == []


# -- send_result ---------------------------------------------------------------------------------------------------


class Child(Workflow):
    name = "child"


def test_send_result_into_anything_that_takes_arguments() -> None:
    """BUG 15: of old it was lost on its way into a child, and a Group or a Chain was an error."""

    def run(self: Workflow) -> Any:
        return self.submit(
            Chain(
                (ok, "a"),
                (ok, "b"),
                Group((ok, "c"), Chain((ok, "d"), (ok, "e")), FuncGroup(lambda sent: ActivityTask(ok, sent, "func"))),
                Chain((ok, "g"), (ok, "h")),
                FuncGroup(lambda x, sent: Chain((ok, x, sent)), "i"),
                Chain(ok, ok, send_result=True),
                self.record_marker("m", 1),
                ok,
                send_result=True,
            )
        ).result

    made = drive(run)
    assert [json.loads(made.inputs[id])["args"] for id in made.asked] == [
        ["a"],
        ["b", "a"],
        ["c", "b"],
        ["d", "b"],
        ["b", "func"],
        ["e"],
        ["g", ["c", ["d", "e"], "b"]],
        ["h"],
        ["i", ["g", "h"]],
        [["i"]],
        [["i"]],
        ["1"],
    ]


def test_send_result_reaches_signals_children_and_what_is_not_python() -> None:
    def run(self: Workflow) -> Any:
        return self.submit(
            Chain(
                (ok, "a"),
                NonPythonicActivityTask(ok, "b"),
                self.signal("s", "c", workflow_id="friend"),
                (Child, "d"),
                TimerTask("t", 1),
                LambdaFunctionTask("l"),
                send_result=True,
            )
        ).result

    made = Drive(run).ok("activity-ok-1", '"A"')
    assert made.inputs["activity-ok-2"] == '["b","A"]'
    made.ok("activity-ok-2", '"B"')
    (signal,) = [each for each in made.commands if isinstance(each, SendSignal)]
    assert json.loads(signal.input)["args"] == ["c", "B"]
    made.ok(signal.id, '{"args":["c"]}', kind=signal.kind)
    (child,) = [each for each in made.commands if isinstance(each, StartChild)]
    assert json.loads(child.input)["args"] == ["d", {"args": ["c"]}]
    made.ok(child.id, "1", kind=child.kind).ok("t", None, kind="timer")
    assert made.ok("lambda-l-1", "2", kind="lambda").result == ["A", "B", {"args": ["c"]}, 1, None, 2]
    with pytest.raises(ValueError, match="both"):
        NonPythonicActivityTask(ok, a=1).with_argument(2)


def test_send_result_into_canvases_5000_deep() -> None:
    item: Any = ok
    for n in range(5000):
        item = Chain(item) if n % 2 else Group(item)
    made = drive(lambda self: self.submit(Chain((ok, 7), item, send_result=True)).futures[0].result)
    assert made.result == 7 and made.inputs["activity-ok-2"] == '{"args":[7],"kwargs":{}}'


def test_send_result_and_going_on_after_a_failure_are_refused() -> None:
    with pytest.raises(ValueError, match="Cannot combine send_result=True with break_on_failure=False"):
        Chain(send_result=True, break_on_failure=False)


# -- what a function makes -----------------------------------------------------------------------------------------


def test_a_function_is_called_at_its_turn_and_may_wait() -> None:
    called: list[str] = []

    def run(self: Workflow) -> Any:
        def make(x: int, sent: int, *, y: Future[int]) -> Any:
            called.append("called")
            rows = self.submit(f, x).result
            return Group(*[(g, n, sent) for n in range(rows)], max_parallel=1) if y.result else None

        future = self.submit(Chain((f, 0), FuncGroup(make, 5, y=self.submit(g)), send_result=True))
        return future.result

    made = Drive(run)
    assert not called
    made.ok("activity-f-1", "9")
    assert called and made.asked[2:] == ["activity-f-f1.1"]
    made.ok("activity-f-f1.1", "2")
    assert len(made.asked) == 3
    made.ok("activity-g-1")
    assert made.asked[3:] == ["activity-g-f1.1"] and made.inputs["activity-g-f1.1"] == '{"args":[0,9],"kwargs":{}}'
    assert made.ok("activity-g-f1.1").ok("activity-g-f1.2", "2").result == [9, [1, 2]]


def test_a_function_may_be_a_coroutine_function() -> None:
    async def run(self: Workflow) -> Any:
        async def make(first: int) -> Any:
            second = await self.submit(ok, first + 1)
            if second == 6:
                raise ValueError("six")
            return Group((ok, first), (ok, second))

        try:
            return await self.submit(Chain((ok, 1), FuncGroup(make, 1), FuncGroup(make, 5)))
        except ValueError as error:
            return str(error)

    made = drive(run)
    assert made.asked == [f"activity-ok-{n}" for n in ("1", "f1.1", "f1.2", "f1.3", "f2.1")] and made.result == "six"


def test_a_function_that_makes_nothing() -> None:
    """BUG 16: allowed or not, it crashed the canvas around it."""
    nothing = FuncGroup(lambda: None, _allow_none=True)
    assert ends_of(Chain((ok, 1), nothing, Group(nothing))) == ["FINISHED", [1, None, [None]], None]
    error = alone(Chain((ok, 1), FuncGroup(lambda: None))).error
    assert isinstance(error, TypeError)
    assert str(error).startswith(
        "FuncGroup submission should return a Group or Submittable, got <class 'NoneType'> instead (func: <function"
    )


def test_what_a_function_raises_is_raised_at_once_whatever_the_flags() -> None:
    def broken() -> Any:
        raise KeyError("typo")

    def run(self: Workflow) -> Any:
        group = self.submit(Group(FuncGroup(broken), (ok, 1), raises_on_failure=False))
        try:
            self.submit(g).result
        except KeyError as error:
            return [repr(error), *told(group)]

    assert drive(run).result == ["KeyError('typo')", "FINISHED", "raises", ["KeyError", None]]


def test_a_function_may_return_whatever_can_be_submitted() -> None:
    def run(self: Workflow) -> Any:
        func = FuncGroup(lambda: ok)
        made: list[Any] = [func, FuncGroup(lambda: FuncGroup(lambda: TimerTask("t", 1))), FuncGroup(lambda: Child)]
        futures_ = [self.submit(each) for each in made]
        first = futures_[0].result
        assert func.activities is ok
        return first

    made = drive(run)
    assert made.asked == ["activity-ok-f1.1"] and made.result is None
    assert {type(each) for each in made.commands} >= {StartTimer, StartChild}


def test_a_loop_of_functions_is_as_deep_as_it_likes() -> None:
    def run(self: Workflow) -> Any:
        def down(n: int) -> Any:
            return Chain((MarkerTask("m", n),), FuncGroup(down, n - 1)) if n else MarkerTask("end")

        result = self.submit(FuncGroup(down, 1500)).result
        depth = 0
        while result is not None:
            depth, result = depth + 1, result[1]
        return depth

    assert Drive(run).result == 1500


# -- depth ---------------------------------------------------------------------------------------------------------


def test_a_canvas_that_contains_itself_is_refused() -> None:
    def run(self: Any) -> Any:
        group = Group(ok, FuncGroup(ok))
        group.append(Chain(group))
        with pytest.raises(ValueError, match="more than 10,000 deep: does one contain itself"):
            self.submit(group)
        return self.submit(Group((ok, 1))).result

    assert drive(run).result == [1]


def test_canvases_nested_5000_deep() -> None:
    def nested() -> Any:
        item: Any = ok
        for n in range(5000):
            item = Chain(item) if n % 2 else Group(item, max_parallel=1)
        return item

    def depth_of(result: Any) -> int:
        depth = 0
        while isinstance(result, list):
            depth, (result,) = depth + 1, result
        return depth

    def run(self: Workflow) -> Any:
        done, failed, gone = [self.submit(nested()) for _ in range(3)]
        assert gone.cancel()
        assert not failed.done
        errors = failed.exception.flatten().exceptions
        gone.wait()
        assert repr(failed) and self.submit(g, done).exception is not None
        return [depth_of(done.result), len(errors), done.state, gone.state]

    made = Drive(run)
    assert made.asked == [f"activity-ok-{n}" for n in (1, 2, 3)]
    made.ok("activity-ok-1", "1").fail("activity-ok-2").cancelled("activity-ok-3")
    assert made.result == [5000, 1, "FINISHED", "CANCELLED"]


def test_a_long_group_costs_each_task_the_same() -> None:
    def calls(n: int) -> int:
        """How many calls a whole run takes: a clock that no other process disturbs."""
        count = 0

        def see(frame: Any, event: str, argument: Any) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        program = Program(type("W", (Workflow,), {"run": run, "n": n}), Codec())
        sys.setprofile(see)
        try:
            asked = list(program.advance(Started(0.0, '{"args":[],"kwargs":{}}', {})))
            for command in asked:
                asked += program.advance(Completed(1.0, command.id, "1"))
        finally:
            sys.setprofile(None)
        assert isinstance(program.outcome, Complete) and program.outcome.result == str(n)
        return count

    def run(self: Any) -> int:
        return len(self.submit(Group(*[(f, n) for n in range(self.n)], max_parallel=50)).result)

    few, many = (calls(400) - calls(200)) / 200, (calls(6000) - calls(3000)) / 3000
    assert many == pytest.approx(few, rel=0.02) and many < 200


# -- building ------------------------------------------------------------------------------------------------------


def test_what_can_be_an_item() -> None:
    group = Group(ok, (ok, 1), (Child, 2), TimerTask("t", 1), (Group(ok),), Chain(), FuncGroup(lambda: None))
    group.append(ok, 3, key=4)
    group.append((ok, 5))
    group.extend([ok, (ok, 6)])
    group += [Child]
    kinds = [type(each).__name__ for each in group.activities]
    assert kinds == [
        "ActivityTask",
        "ActivityTask",
        "ChildWorkflowTask",
        "TimerTask",
        "Group",
        "Chain",
        "FuncGroup",
    ] + ["ActivityTask"] * 4 + ["ChildWorkflowTask"]
    keyed = group.activities[7]
    assert isinstance(keyed, ActivityTask) and (keyed.args, keyed.kwargs) == ((3,), {"key": 4})
    assert isinstance(Chain(), Group)


@pytest.mark.parametrize("item", [5, len, (), "text", Workflow.submit])
def test_what_cannot(item: Any) -> None:
    with pytest.raises(ValueError, match="should be a Submittable, Group, or Activity"):
        Group(item)


def test_arguments_of_what_has_them_already_are_refused() -> None:
    for item in ((TimerTask("t", 1), 2), (Group(), 2), (ActivityTask(ok), 2)):
        with pytest.raises(ValueError, match="has its arguments already"):
            Chain(item)
    with pytest.raises(TypeError, match="has its arguments already"):
        raise Drive(lambda self: self.submit(Group(), 1)).error


@pytest.mark.parametrize("limit", [0, -1, 1.5, "3", True])
def test_a_limit_is_a_whole_number_from_one(limit: Any) -> None:
    with pytest.raises(ValueError, match="max_parallel takes a whole number from 1"):
        Group(max_parallel=limit)
