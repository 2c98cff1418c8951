"""The rules of the core, one by one (the grouping property has its own file)."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from driving import Drive, f, g, make, same

from simpleflow import Workflow, futures
from simpleflow.command import (
    TIMER,
    CancelActivity,
    CancelTimer,
    Complete,
    StartTimer,
)
from simpleflow.dataflow import Completed
from simpleflow.exceptions import (
    Evicted,
    PayloadError,
    PayloadTooLarge,
    TaskCanceled,
    TaskException,
    TaskFailed,
    TimeoutError,
)
from simpleflow.payload.codec import Codec
from simpleflow.task import TimerTask


def test_a_number_is_taken_at_submit_whatever_becomes_ready_first() -> None:
    """The case in which the original completes with a wrong result: both tasks ended as f("B")."""

    def run(self: Workflow) -> Any:
        pending = self.submit(g)
        a = self.submit(f, pending)
        b = self.submit(f, "B")
        return [a.result, b.result]

    drive = Drive(run)
    assert drive.asked == ["activity-g-1", "activity-f-2"]
    drive.ok("activity-g-1", '"A"')
    assert drive.inputs["activity-f-1"] == '{"args":["A"],"kwargs":{}}'
    assert drive.inputs["activity-f-2"] == '{"args":["B"],"kwargs":{}}'
    drive.ok("activity-f-2", '"from B"').ok("activity-f-1", '"from A"')
    assert drive.result == ["from A", "from B"]


def test_the_original_sum_is_right() -> None:
    def run(self: Workflow) -> Any:
        a = self.submit(f, 1)
        b = self.submit(f, a)
        d = self.submit(f, 5)
        return {"a": a.result, "b": b.result, "d": d.result}

    drive = Drive(run).ok("activity-f-1", "2")
    assert drive.asked == ["activity-f-1", "activity-f-3", "activity-f-2"]
    drive.ok("activity-f-3", "6").ok("activity-f-2", "3")
    assert drive.result == {"a": 2, "b": 3, "d": 6}


def test_futures_nested_in_arguments_are_edges_and_their_values_stand_in_place() -> None:
    def run(self: Workflow) -> Any:
        a, b = self.submit(f, 1), self.submit(f, 2)
        return self.submit(g, [a, {"b": b}], key=(a, 3)).result

    drive = Drive(run).ok("activity-f-1", '"x"')
    assert "activity-g-1" not in drive.asked
    drive.ok("activity-f-2", '{"y":1}')
    assert drive.inputs["activity-g-1"] == '{"args":[["x",{"b":{"y":1}}]],"kwargs":{"key":["x",3]}}'


def test_arguments_are_encoded_at_submit_and_results_decoded_at_each_read() -> None:
    def run(self: Workflow) -> Any:
        a = self.submit(f)
        items = [1]
        b = self.submit(g, items, a)
        items.append(2)
        a.result.append("mutated")
        return [a.result, b.result]

    drive = Drive(run).ok("activity-f-1", "[0]")
    assert drive.inputs["activity-g-1"] == '{"args":[[1],[0]],"kwargs":{}}'
    assert drive.ok("activity-g-1", "3").result == [[0], 3]


def test_retry_gives_the_same_id_another_attempt() -> None:
    again = make("again", retry=2)

    def run(self: Workflow) -> Any:
        return repr(self.submit(again, 1).exception)

    drive = Drive(run).fail("activity-again-1").fail("activity-again-1")
    assert drive.asked == ["activity-again-1", "activity-again-1#2", "activity-again-1#3"]
    assert drive.program.outcome is None
    assert "no" in drive.fail("activity-again-1").result


def test_a_lost_worker_is_rescheduled_beside_retry_three_times() -> None:
    def run(self: Workflow) -> Any:
        return repr(self.submit(f).exception)

    drive = Drive(run)
    for _ in range(3):
        drive.fail("activity-f-1", lost=True)
    assert len(drive.asked) == 4 and drive.program.outcome is None
    drive.fail("activity-f-1", lost=True)
    assert isinstance(drive.program.outcome, Complete)


def test_a_lost_worker_uses_up_no_retry() -> None:
    again = make("again", retry=1)

    def run(self: Workflow) -> Any:
        return self.submit(again).result

    drive = Drive(run).fail("activity-again-1", lost=True).fail("activity-again-1")
    assert drive.asked[-1] == "activity-again-1#3"
    assert drive.ok("activity-again-1", "5").result == 5


def test_equal_idempotent_calls_are_one_task() -> None:
    """The hash is the one that simpleflow has always used."""

    def run(self: Workflow) -> Any:
        a = self.submit(same, 1)
        b = self.submit(same, self.submit(f))
        c = self.submit(same, 2)
        return [a.result, b.result, c.result, self.submit(same, 1).result, a.id, c.id]

    drive = Drive(run).ok("activity-f-1", "1")
    one, two = "activity-same-bdc09455c37471e0ba7397350413a5e6", "activity-same-12036b25db61ae6cadf7a003ff523029"
    assert drive.asked == ["activity-f-1", one, two] or drive.asked == [one, "activity-f-1", two]
    assert drive.ok(one, "10").ok(two, "20").result == [10, 10, 20, 10, one, two]


def test_the_pinned_hash_of_keywords() -> None:
    def run(self: Workflow) -> Any:
        return self.submit(same, a=1).result

    assert Drive(run).asked == ["activity-same-adb86b0326491007eae44a0a692bfc53"]


def test_equal_idempotent_calls_with_other_options_are_an_error() -> None:
    other = make("same", idempotent=True, task_list="elsewhere")

    def run(self: Workflow) -> Any:
        a, b = self.submit(same, 1), self.submit(other, 1)
        return [str(b.exception), a.result]

    drive = Drive(run)
    assert "different options" in drive.ok(drive.asked[0]).result[0]


def test_cancelling_what_is_not_ready_is_at_once() -> None:
    def run(self: Workflow) -> Any:
        a = self.submit(f)
        b = self.submit(g, a)
        assert b.cancel() and b.cancelled and b.done
        with pytest.raises(TaskCanceled):
            _ = b.result
        return [a.result, b.cancel(), b.state]

    drive = Drive(run).ok("activity-f-1")
    assert drive.result == [1, False, "CANCELLED"]
    assert drive.asked == ["activity-f-1"]


def test_cancelling_an_issued_activity_waits_for_the_world() -> None:
    def run(self: Workflow) -> Any:
        a = self.submit(f)
        assert a.cancel() and not a.done
        return [repr(a.exception), a.state]

    drive = Drive(run)
    assert any(isinstance(command, CancelActivity) for command in drive.commands)
    assert drive.program.outcome is None
    assert drive.cancelled("activity-f-1").result == ["TaskCanceled()", "CANCELLED"]


def test_the_world_may_still_complete_what_was_cancelled() -> None:
    def run(self: Workflow) -> Any:
        a = self.submit(f)
        a.cancel()
        return [a.result, a.state]

    assert Drive(run).ok("activity-f-1", "3").result == [3, "FINISHED"]


def test_wait_reads_results_in_order_after_all_are_done() -> None:
    order: list[str] = []

    def run(self: Workflow) -> Any:
        a, b = self.submit(f, 1), self.submit(f, 2)
        found = futures.wait(a, b)
        order.append("after")
        return found

    drive = Drive(run).ok("activity-f-2", "2")
    assert not order
    assert drive.ok("activity-f-1", "1").result == [1, 2]


def test_wait_takes_futures_only() -> None:
    def run(self: Workflow) -> Any:
        return futures.wait([self.submit(f)])  # type: ignore[arg-type]

    assert str(Drive(run).error) == "wait() takes futures, not list: write wait(*futures)"


def test_run_may_return_futures() -> None:
    def run(self: Workflow) -> Any:
        return {"all": self.map(f, [1, 2]), "one": self.submit(g)}

    drive = Drive(run).ok("activity-f-1", "10").ok("activity-g-1", "30")
    assert drive.program.outcome is None
    assert drive.ok("activity-f-2", "20").result == {"all": [10, 20], "one": 30}


def test_returning_is_final() -> None:
    calls: list[int] = []

    def run(self: Workflow) -> Any:
        self.submit(f)
        calls.append(1)
        return "done"

    drive = Drive(run).ok("activity-f-1").fail("activity-f-1")
    assert drive.result == "done" and calls == [1]


def test_system_exit_in_run_fails_the_run_only() -> None:
    def run(self: Workflow) -> Any:
        raise SystemExit(3)

    assert isinstance(Drive(run).error, SystemExit)


def test_input_that_does_not_fit_run_fails_the_run() -> None:
    def run(self: Workflow, x: int) -> Any:
        return x

    assert isinstance(Drive(run).error, TypeError)
    assert Drive(run, 4).result == 4


def test_eviction_is_no_exception_that_user_code_swallows() -> None:
    seen: list[str] = []

    def run(self: Workflow) -> Any:
        try:
            self.submit(f).result
        except Exception:
            seen.append("swallowed")
        finally:
            seen.append("finally")
            self.submit(g)
            seen.append("after a call of ours")

    drive = Drive(run)
    drive.program.close()
    assert seen == ["finally"]
    assert drive.program.outcome is None
    assert drive.asked == ["activity-f-1"]


def test_code_that_catches_everything_is_abandoned() -> None:
    def run(self: Workflow) -> Any:
        future = self.submit(f)
        while True:
            try:
                future.result
            except BaseException:
                pass

    drive = Drive(run)
    drive.program.close()
    assert drive.program.outcome is None


def test_a_closed_program_frees_what_it_held() -> None:
    class Big:
        alive = 0

        def __init__(self) -> None:
            Big.alive += 1

        def __del__(self) -> None:
            Big.alive -= 1

    def run(self: Workflow) -> Any:
        big = Big()
        self.submit(f).result
        return big

    for _ in range(5):
        Drive(run).program.close()
    gc.collect()
    assert Big.alive == 0


def test_each_run_has_its_own_context_variables() -> None:
    import contextvars

    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")

    def run(self: Workflow, mine: str) -> Any:
        variable.set(mine)
        self.submit(f).result
        return variable.get()

    one, two = Drive(run, "one"), Drive(run, "two")
    assert one.ok("activity-f-1").result == "one"
    assert two.ok("activity-f-1").result == "two"
    assert variable.get() == "unset"


def test_time_randomness_and_ids_come_from_the_events() -> None:
    def run(self: Workflow) -> Any:
        first = [self.now().isoformat(), self.random(), str(self.uuid4())]
        self.submit(f).result
        return [first, self.now().timestamp()]

    one, two = Drive(run).ok("activity-f-1").result, Drive(run).ok("activity-f-1").result
    assert one == two
    assert one[0][0] == "1970-01-01T00:00:00+00:00" and one[1] == 1.0


def test_what_cannot_be_encoded_fails_at_submit_with_its_path() -> None:
    def run(self: Workflow) -> Any:
        with pytest.raises(PayloadError, match=r"the input of f .*args\[0\]\.items\[1\]\.when is an object"):
            self.submit(f, {"items": [1, {"when": object()}]})
        return self.submit(f).result

    assert Drive(run).asked == ["activity-f-2"]


def test_what_is_too_large_only_with_its_results_fails_the_task() -> None:
    def run(self: Workflow) -> Any:
        return repr(self.submit(g, self.submit(f)).exception)

    drive = Drive(run, codec=Codec(1_000)).ok("activity-f-1", f'"{"x" * 900}"')
    assert "PayloadTooLarge" in drive.result and "args[0]" in drive.result
    assert issubclass(PayloadTooLarge, PayloadError)


def test_a_future_of_another_run_is_refused() -> None:
    kept: list[Any] = []

    def first(self: Workflow) -> Any:
        kept.append(self.submit(f))
        kept[0].result

    def second(self: Workflow) -> Any:
        return self.submit(g, kept[0]).result

    Drive(first)
    assert "belongs to another run" in str(Drive(second).error)


def test_a_future_read_outside_of_run_says_so() -> None:
    kept: list[Any] = []

    def run(self: Workflow) -> Any:
        kept.append(self.submit(f))
        kept[0].result

    Drive(run)
    with pytest.raises(RuntimeError, match="inside of run"):
        _ = kept[0].result


def test_a_plain_function_is_no_activity() -> None:
    def run(self: Workflow) -> Any:
        return self.submit(len, [])

    assert "with_attributes" in str(Drive(run).error)


def test_twenty_thousand_dependents_in_a_row() -> None:
    def run(self: Workflow) -> Any:
        future = self.submit(f)
        for _ in range(20_000):
            future = self.submit(g, future)
        return repr(future.exception)

    assert "activity-f-1" in Drive(run).fail("activity-f-1").result


def test_what_the_run_waits_for_can_be_told() -> None:
    def run(self: Workflow) -> Any:
        return self.submit(f).result

    drive = Drive(run)
    (line,) = drive.program.waits_for
    assert line.startswith("activity-f-1 (submitted at ") and "test_program.py" in line
    assert not drive.program.stuck


def test_long_ids_are_cut_with_a_hash() -> None:
    long = make("m." + "x" * 300)

    def run(self: Workflow) -> Any:
        return self.submit(long).result

    (id,) = Drive(run).asked
    assert len(id) == 256 and id.startswith("activity-m.xxx") and id[223] == "-"


def test_pending_until_the_arguments_are_there_then_running() -> None:
    states: list[str] = []

    def run(self: Workflow) -> Any:
        a = self.submit(f)
        b = self.submit(g, a)
        states.extend([a.state, b.state])
        a.result
        states.extend([a.state, b.state])
        return [b.pending, b.running, b.finished, b.done]

    drive = Drive(run).ok("activity-f-1")
    assert drive.result == [False, True, False, False]
    assert states == ["RUNNING", "PENDING", "FINISHED", "RUNNING"]


def test_exceptions_are_one_family() -> None:
    assert issubclass(TaskFailed, TaskException) and issubclass(TimeoutError, TaskException)
    assert not issubclass(Evicted, Exception)


def test_ten_thousand_equal_idempotent_calls_in_a_row() -> None:
    def run(self: Workflow) -> Any:
        future = self.submit(same, 1)
        for _ in range(10_000):
            future = self.submit(same, future)
        return future.result

    drive = Drive(run)
    (id,) = drive.asked
    assert drive.ok(id, "1").result == 1


def test_what_was_cancelled_is_not_tried_again() -> None:
    again = make("again", retry=3)

    def run(self: Workflow) -> Any:
        one, two = self.submit(again, 1), self.submit(again, 2)
        one.cancel()
        two.cancel()
        return [repr(one.exception), one.state, repr(two.exception), two.state]

    drive = Drive(run).fail("activity-again-1").fail("activity-again-2", lost=True)
    assert drive.asked == ["activity-again-1", "activity-again-2"]
    assert drive.result == [
        'TaskFailed (activity-again-1, "ValueError: no")',
        "FINISHED",
        "TaskCanceled()",
        "CANCELLED",
    ]


def test_cancelling_one_of_two_equal_submissions_asks_for_the_end_of_both() -> None:
    def run(self: Workflow) -> Any:
        one, two = self.submit(same, 1), self.submit(same, 1)
        two.cancel()
        return [one.cancelled or repr(one.exception), two.cancelled]

    drive = Drive(run)
    assert sum(isinstance(command, CancelActivity) for command in drive.commands) == 1
    assert drive.cancelled(drive.asked[0]).result == ["TaskCanceled()", True]


def test_now_moves_with_the_events() -> None:
    def run(self: Workflow) -> Any:
        times = [self.now().timestamp()]
        for n in range(2):
            self.submit(f, n).result
            times.append(self.now().timestamp())
        return times

    assert Drive(run).ok("activity-f-1").ok("activity-f-2").result == [0.0, 1.0, 2.0]


def test_a_task_takes_no_further_arguments() -> None:
    def run(self: Workflow) -> Any:
        from simpleflow.task import ActivityTask

        return self.submit(ActivityTask(f, 1), 2)  # type: ignore[call-overload]

    assert "has its arguments already" in str(Drive(run).error)


def test_meta_counts_for_the_size_of_an_input() -> None:
    heavy = make("heavy", meta={"m": "x" * 600})

    def run(self: Workflow) -> Any:
        with pytest.raises(PayloadTooLarge):
            self.submit(heavy, "y" * 300)
        return self.submit(heavy, "y").id

    assert Drive(run, codec=Codec(1_000)).asked == ["activity-heavy-2"]


def test_a_timer_is_done_when_it_has_fired() -> None:
    def run(self: Workflow) -> Any:
        timer = self.submit(self.start_timer("t", 5, control={"a": 1}))
        return [timer.state, timer.result, timer.id]

    drive = Drive(run)
    (command,) = drive.commands
    assert isinstance(command, StartTimer) and (command.id, command.seconds) == ("t", 5)
    drive._feed(Completed(5.0, "t", None, TIMER))
    assert drive.result == ["RUNNING", None, "t"]


def test_a_timer_that_is_cancelled_is_so_at_once_and_an_event_that_comes_too_late_is_nothing() -> None:
    def run(self: Workflow) -> Any:
        one, two = self.submit(self.start_timer("one", 5)), self.submit(self.start_timer("two", 5))
        seen = [self.submit(self.cancel_timer("one")).result, one.state, two.cancel(), two.state]
        return [*seen, self.submit(f).result]

    drive = Drive(run)
    assert [command.id for command in drive.commands if isinstance(command, CancelTimer)] == ["one", "two"]
    drive._feed(Completed(5.0, "one", None, TIMER))
    assert drive.ok("activity-f-1", "3").result == [None, "CANCELLED", True, "CANCELLED", 3]


def test_a_timer_s_id_is_used_once() -> None:
    def run(self: Workflow) -> Any:
        one, again = self.submit(self.start_timer("t", 5)), self.submit(self.start_timer("t", 5))
        other = self.submit(self.start_timer("t", 6))
        return [one.result, again.state, str(other.exception), self.submit(self.start_timer("t", 5)).state]

    drive = Drive(run)
    assert len(drive.commands) == 1
    drive._feed(Completed(5.0, "t", None, TIMER))
    first, second, message, late = drive.result
    assert [first, second, late] == [None, "FINISHED", "FINISHED"] and "different options" in message


def test_what_was_never_a_timer_cannot_be_cancelled_and_one_that_has_fired_need_not_be() -> None:
    def run(self: Workflow) -> Any:
        no = self.submit(self.cancel_timer("no"))
        self.submit(self.start_timer("t", 0)).result
        return [str(no.exception), self.submit(self.cancel_timer("t")).result]

    drive = Drive(run)
    drive._feed(Completed(5.0, "t", None, TIMER))
    assert drive.result == ["cancel-no-1: no timer of this run has the id 'no'", None]


def test_a_timer_called_like_an_activity_collides_with_nothing() -> None:
    def run(self: Workflow) -> Any:
        timer, task = self.submit(self.start_timer("activity-f-1", 5)), self.submit(f)
        return [timer.result, task.result]

    drive = Drive(run)
    drive._feed(Completed(5.0, "activity-f-1", None, TIMER))
    assert drive.ok("activity-f-1", "3").result == [None, 3]


@pytest.mark.parametrize(
    "given",
    [
        *[("", 1), ("t", -1), ("t", "NONE"), ("t", 1.5), ("t", 10**9), (3, 1), ("a:b", 1), ("\x7f", 1)],
        *[("_simpleflow_rest-5", 1), ("__simpleflow_task_activity-f-1#1", 1)],
    ],
)
def test_what_is_no_timer(given: Any) -> None:
    with pytest.raises(ValueError):
        TimerTask(*given)


def test_a_cancel_that_nobody_here_asked_for_is_a_failure() -> None:
    def run(self: Workflow) -> Any:
        a = self.submit(f)
        return [repr(a.exception), a.state]

    drive = Drive(run).cancelled("activity-f-1")
    assert drive.result == ["TaskCanceled()", "FINISHED"]
