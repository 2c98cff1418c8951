"""The rules of the core for failures: where they are raised, and who need not see them."""

from __future__ import annotations

from typing import Any

import pytest
from driving import Drive, f, fast, g, make, same, soft

from simpleflow import Workflow, futures
from simpleflow.exceptions import (
    TaskFailed,
)


def test_result_raises_the_failure_and_exception_returns_it() -> None:
    def run(self: Workflow) -> Any:
        a = self.submit(f)
        assert isinstance(a.exception, TaskFailed)
        with pytest.raises(TaskFailed, match="ValueError: no"):
            _ = a.result
        assert a.exception is not a.exception, "each look gives a fresh copy"
        return a.state

    assert Drive(run).fail("activity-f-1").result == futures.FINISHED


def test_an_unread_failure_changes_nothing_and_is_reported() -> None:
    def run(self: Workflow) -> Any:
        a, b = self.submit(f), self.submit(g)
        b.result
        return a.done

    drive = Drive(run).fail("activity-f-1").ok("activity-g-1")
    assert drive.result is True
    (line,) = drive.program.unseen_failures
    assert "activity-f-1" in line and "test_failures_raised.py" in line


def test_a_failure_that_was_looked_at_is_not_reported() -> None:
    def run(self: Workflow) -> Any:
        return repr(self.submit(f).exception)

    assert Drive(run).fail("activity-f-1").program.unseen_failures == []


def test_raises_on_failure_is_raised_at_once_at_whatever_it_waits_for() -> None:
    def run(self: Workflow) -> Any:
        self.submit(fast)
        slow = self.submit(f)
        try:
            return slow.result
        except TaskFailed as error:
            return [str(error), slow.result]

    drive = Drive(run).fail("activity-fast-1")
    assert drive.ok("activity-f-1", "7").result == ["activity-fast-1: ValueError: no", 7]


def test_raises_on_failure_uncaught_fails_the_run() -> None:
    def run(self: Workflow) -> Any:
        self.submit(fast)
        return self.submit(f).result

    assert isinstance(Drive(run).fail("activity-fast-1").error, TaskFailed)


def test_raises_on_failure_goes_ahead_of_other_wake_ups_of_the_same_event() -> None:
    def run(self: Workflow) -> Any:
        a = self.submit(f)
        self.submit(fast, a)  # fails with a, by the same event
        try:
            return repr(a.exception)
        except TaskFailed:
            return "thrown at the wait for a"

    assert Drive(run).fail("activity-f-1").result == "thrown at the wait for a"


def test_who_waits_for_just_the_failing_future_gets_its_answer() -> None:
    def run(self: Workflow) -> Any:
        a = self.submit(fast)
        return [repr(a.exception), a.done]

    assert Drive(run).fail("activity-fast-1").result == ['TaskFailed (activity-fast-1, "ValueError: no")', True]


def test_false_gives_none_and_hands_none_on() -> None:
    def run(self: Workflow) -> Any:
        a = self.submit(soft)
        b = self.submit(f, a)
        return [a.result, repr(a.exception), b.result]

    drive = Drive(run).fail("activity-soft-1")
    assert drive.inputs["activity-f-1"] == '{"args":[null],"kwargs":{}}'
    assert drive.ok("activity-f-1").result == [None, 'TaskFailed (activity-soft-1, "ValueError: no")', 1]


def test_a_task_that_depends_on_a_failed_one_fails_with_its_error_and_never_runs() -> None:
    def run(self: Workflow) -> Any:
        a = self.submit(f)
        b = self.submit(g, a)
        late = [repr(b.exception)]
        c = self.submit(g, b)  # settles at once
        return [*late, repr(c.exception)]

    drive = Drive(run).fail("activity-f-1")
    assert drive.result == ['TaskFailed (activity-f-1, "ValueError: no")'] * 2
    assert drive.asked == ["activity-f-1"]


def test_raises_on_failure_is_each_submission_s_own() -> None:
    lax = make("same", idempotent=True, raises_on_failure=False)

    def run(self: Workflow) -> Any:
        a, b = self.submit(same, 1), self.submit(lax, 1)
        return [b.result, repr(a.exception)]

    drive = Drive(run)
    assert len(drive.asked) == 1
    assert drive.fail(drive.asked[0]).result[0] is None


def test_a_task_with_a_failed_argument_is_not_run_when_its_last_argument_comes_by_the_same_event() -> None:
    def run(self: Workflow) -> Any:
        a = self.submit(f)
        x = self.submit(soft, a)  # fails with a, and hands on None
        d = self.submit(g, a, x)
        return repr(d.exception)

    drive = Drive(run).fail("activity-f-1")
    assert drive.asked == ["activity-f-1"]
    assert drive.result == 'TaskFailed (activity-f-1, "ValueError: no")'


def test_a_failure_at_submit_is_raised_where_the_run_waits_next() -> None:
    def run(self: Workflow) -> Any:
        a = self.submit(f)
        a.exception
        self.submit(fast, a)  # fails at once
        try:
            return self.submit(g).result
        except TaskFailed as error:
            return f"raised: {error.name}"

    assert Drive(run).fail("activity-f-1").result == "raised: activity-f-1"


def test_a_failure_at_submit_is_raised_also_where_the_run_need_not_wait() -> None:
    def run(self: Workflow) -> Any:
        a = self.submit(f)
        a.exception
        self.submit(fast, a)  # fails at once
        try:
            return repr(a.exception)  # is known
        except TaskFailed as error:
            return f"raised: {error.name}"

    assert Drive(run).fail("activity-f-1").result == "raised: activity-f-1"


def test_a_wait_that_was_broken_off_wakes_nobody_later() -> None:
    def run(self: Workflow) -> Any:
        self.submit(fast)
        x, y = self.submit(f), self.submit(f)
        try:
            futures.wait(x, y)
        except TaskFailed:
            return self.submit(g).result

    drive = Drive(run).fail("activity-fast-1").ok("activity-f-1").ok("activity-f-2")
    assert drive.program.outcome is None
    assert drive.ok("activity-g-1", "5").result == 5


def test_a_failure_at_submit_fails_a_run_that_waits_no_more() -> None:
    def run(self: Workflow) -> Any:
        a = self.submit(f)
        a.exception
        self.submit(fast, a)
        return "all well"

    assert isinstance(Drive(run).fail("activity-f-1").error, TaskFailed)


def test_a_raised_copy_keeps_no_frames() -> None:
    def run(self: Workflow) -> Any:
        a = self.submit(f)
        try:
            a.result
        except TaskFailed as error:
            assert error.__traceback__ is not None
        again = a.exception
        assert again is not None and again.__traceback__ is None
        return "ok"

    assert Drive(run).fail("activity-f-1").result == "ok"
