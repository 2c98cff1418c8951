"""Waits: for the first, with a time to wait, one by one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from driving import Drive, f, fast, g, soft

from simpleflow import Workflow, futures
from simpleflow.dataflow import Completed
from simpleflow.exceptions import BranchCanceled, TaskCanceled, TaskFailed
from simpleflow.futures import ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, Future
from simpleflow.task import TIMER, CancelTimer, StartTimer


def fire(drive: Drive, id: str) -> Drive:
    drive.time += 1
    drive._feed(Completed(drive.time, id, None, TIMER))
    return drive


def timers(drive: Drive) -> list[tuple[str, int]]:
    return [(command.id, command.seconds) for command in drive.commands if isinstance(command, StartTimer)]


def cancelled(drive: Drive) -> list[str]:
    return [command.id for command in drive.commands if isinstance(command, CancelTimer)]


def ids(futures: Any) -> list[str]:
    return [future.id for future in futures]


def spawn(self: Workflow, call: Callable[[], Any]) -> Future[Any]:
    return self.executor.spawn(call)


def test_the_constants_are_those_of_concurrent_futures() -> None:
    names = ["PENDING", "RUNNING", "CANCELLED", "CANCELLED_AND_NOTIFIED", "FINISHED"]
    names += ["FIRST_COMPLETED", "FIRST_EXCEPTION", "ALL_COMPLETED"]
    assert [getattr(futures, name) for name in names] == names


def test_wait_for_the_first() -> None:
    def run(self: Workflow) -> Any:
        a, b, c = self.map(f, range(3))
        first = futures.wait(a, b, c, return_when=FIRST_COMPLETED)
        again = futures.wait(a, b, c, return_when=FIRST_COMPLETED)
        done, not_done = futures.wait([a, c], return_when=FIRST_COMPLETED)
        return [ids(first.done), ids(first.not_done), ids(again.done), ids(done), ids(not_done)]

    drive = Drive(run).ok("activity-f-2")
    assert drive.program.outcome is None
    assert drive.ok("activity-f-3").result == [
        ["activity-f-2"],
        ["activity-f-1", "activity-f-3"],
        ["activity-f-2"],
        ["activity-f-3"],
        ["activity-f-1"],
    ]


def test_wait_for_the_first_failure_or_for_all() -> None:
    def run(self: Workflow) -> Any:
        a, b, c = self.map(f, range(3))
        cancelled = self.submit(g, a)
        cancelled.cancel()  # is no failure
        first = futures.wait(a, b, c, cancelled, return_when=FIRST_EXCEPTION)
        nobody = futures.wait(a, c, return_when=FIRST_EXCEPTION)
        soft_one = futures.wait(self.submit(soft), self.submit(g), return_when=FIRST_EXCEPTION)
        return [ids(first.done), ids(nobody.done), ids(soft_one.done)]

    drive = Drive(run).ok("activity-f-1")
    assert drive.program.outcome is None
    drive.fail("activity-f-2")
    assert drive.program.outcome is None
    drive.ok("activity-f-3").fail("activity-soft-1")
    assert drive.result == [
        ["activity-f-1", "activity-f-2", "activity-g-1"],
        ["activity-f-1", "activity-f-3"],
        ["activity-soft-1"],
    ]


def test_wait_for_all_with_options_gives_sets_and_raises_nothing() -> None:
    def run(self: Workflow) -> Any:
        a, b = self.map(f, range(2))
        done, not_done = futures.wait({a, b}, return_when=ALL_COMPLETED)
        return [ids(done), ids(not_done), *map(ids, futures.wait([], return_when=ALL_COMPLETED))]

    drive = Drive(run).ok("activity-f-2").fail("activity-f-1")
    assert drive.result == [["activity-f-1", "activity-f-2"], [], [], []]


def test_a_wait_that_is_in_time_cancels_its_timer() -> None:
    def run(self: Workflow) -> Any:
        a, b = self.map(f, range(2))
        return [ids(each) for each in futures.wait(a, b, timeout=timedelta(minutes=1))]

    drive = Drive(run)
    assert timers(drive) == [("__simpleflow_wait-1", 60)]
    drive.ok("activity-f-1")
    assert cancelled(drive) == []
    assert drive.ok("activity-f-2").result == [["activity-f-1", "activity-f-2"], []]
    assert cancelled(drive) == ["__simpleflow_wait-1"]


def test_a_wait_whose_time_is_over_gives_what_there_is() -> None:
    def run(self: Workflow) -> Any:
        a, b = self.map(f, range(2))
        first = [ids(each) for each in futures.wait(a, b, timeout=1.2)]
        second = [ids(each) for each in futures.wait(a, b, timeout=7, return_when=FIRST_EXCEPTION)]
        return [first, second]

    drive = fire(Drive(run).ok("activity-f-1"), "__simpleflow_wait-1")
    started = [("__simpleflow_wait-1", 2), ("__simpleflow_wait-2", 7)]
    assert timers(drive) == started, "whole seconds, rounded up, each timer once"
    assert cancelled(drive) == []
    assert drive.fail("activity-f-2").result == [
        [["activity-f-1"], ["activity-f-2"]],
        [["activity-f-1", "activity-f-2"], []],
    ]


def test_no_timer_is_started_where_there_is_nothing_to_wait_for() -> None:
    def run(self: Workflow) -> Any:
        a, b = self.map(f, range(2))
        now = [ids(each) for each in futures.wait(a, b, timeout=0)]
        past = [ids(each) for each in futures.wait(a, b, timeout=timedelta(seconds=-5))]
        a.wait()
        there = futures.wait(a, timeout=5)
        return [now, past, ids(there.done), ids(futures.wait(a, b, timeout=5, return_when=FIRST_COMPLETED).done)]

    drive = Drive(run).ok("activity-f-1")
    assert drive.result == [[[], ["activity-f-1", "activity-f-2"]]] * 2 + [["activity-f-1"]] * 2
    assert timers(drive) == []


def test_timers_of_branches_have_their_scope() -> None:
    def run(self: Workflow) -> Any:
        a = self.submit(f)
        made = [spawn(self, lambda: futures.wait(a, timeout=5)) for _ in range(2)]
        futures.wait(a, timeout=9)
        return [len(future.result.done) for future in made]

    drive = Drive(run)
    assert timers(drive) == [("__simpleflow_wait-1", 9), ("__simpleflow_wait-b1.1", 5), ("__simpleflow_wait-b2.1", 5)]
    fire(drive, "__simpleflow_wait-b2.1").ok("activity-f-1")
    assert drive.result == [1, 0]
    assert cancelled(drive) == ["__simpleflow_wait-1", "__simpleflow_wait-b1.1"]


def test_a_failure_that_breaks_off_a_wait_cancels_its_timer() -> None:
    def run(self: Workflow) -> Any:
        self.submit(fast)
        a = self.submit(f)
        try:
            futures.wait(a, timeout=5)
        except TaskFailed:
            return len(futures.wait(a, timeout=5).not_done)

    drive = Drive(run).fail("activity-fast-1")
    assert cancelled(drive) == ["__simpleflow_wait-1"]
    assert fire(drive, "__simpleflow_wait-2").result == 1


def test_a_run_that_is_put_away_asks_for_nothing() -> None:
    def run(self: Workflow) -> Any:
        spawn(self, lambda: list(futures.as_completed([self.submit(f)], timeout=5)))
        spawn(self, lambda: self.sleep(5))
        futures.wait(self.submit(f), timeout=5)

    drive = Drive(run)
    before = list(drive.commands)
    drive.program.close()
    assert drive.program._graph.commands == [] and drive.commands == before
    assert len(timers(drive)) == 3


def test_stale_waits_are_forgotten() -> None:
    def run(self: Workflow) -> Any:
        made = self.map(f, range(3))
        slow = self.submit(g)
        for n in range(3):
            futures.wait(slow, *made[n:], return_when=FIRST_COMPLETED)
        assert len(slow._node.waits) == 0  # type: ignore[union-attr]
        return slow.result

    drive = Drive(run).ok("activity-f-1").ok("activity-f-2").ok("activity-f-3")
    assert drive.ok("activity-g-1", "5").result == 5


@pytest.mark.parametrize("timeout", [True, "5", [5]])
def test_what_is_no_time(timeout: Any) -> None:
    with pytest.raises(TypeError, match="a number of seconds or a timedelta"):
        raise Drive(lambda self: futures.wait(self.submit(f), timeout=timeout)).error


def test_what_is_no_wait() -> None:
    def error(call: Callable[[Workflow], Any]) -> str:
        return str(Drive(call).error)

    assert "for no limit, give None" in error(lambda self: futures.wait(self.submit(f), timeout=float("inf")))
    assert "return_when takes FIRST_COMPLETED" in error(
        lambda self: futures.wait(self.submit(f), return_when="SOON")  # type: ignore[call-overload]
    )
    assert "wait() takes futures, not int" in error(
        lambda self: futures.wait([3], return_when=ALL_COMPLETED)  # type: ignore[list-item]
    )
    assert "as_completed() takes futures, not str" in error(
        lambda self: list(futures.as_completed("ab"))  # type: ignore[arg-type]
    )


def test_as_completed_follows_the_events_and_within_one_the_program() -> None:
    def run(self: Workflow) -> Any:
        a, b, c = self.map(f, range(3))
        behind_b = [self.submit(g, b) for _ in range(2)]
        x = self.submit(g, c)
        behind_x, y = self.submit(g, x), self.submit(g, c)
        given = [y, x, *behind_b, c, b, a, a, behind_x]
        return ids(futures.as_completed(given))

    drive = Drive(run).ok("activity-f-2").fail("activity-f-3").ok("activity-g-2").ok("activity-g-1")
    assert drive.ok("activity-f-1").result == [
        "activity-f-2",
        "activity-f-3",
        "activity-g-3",  # failed with it
        "activity-g-4",
        "activity-g-5",
        "activity-g-2",
        "activity-g-1",
        "activity-f-1",
    ]


def test_as_completed_follows_the_events_also_where_nobody_has_looked_for_long() -> None:
    def run(self: Workflow) -> Any:
        seen = []
        for future in futures.as_completed(self.map(f, range(3))):
            seen.append(future.id)
            self.submit(g).wait()
        return seen

    drive = Drive(run).ok("activity-f-2").ok("activity-f-3").ok("activity-f-1")
    assert drive.ok("activity-g-1").ok("activity-g-2").ok("activity-g-3").result == [
        "activity-f-2",
        "activity-f-3",
        "activity-f-1",
    ]


def test_as_completed_begins_with_what_is_done_in_the_order_in_which_it_was() -> None:
    def run(self: Workflow) -> Any:
        made = self.map(f, range(3))
        futures.wait(*made)
        return ids(futures.as_completed(set(made)))

    drive = Drive(run).ok("activity-f-3").ok("activity-f-1").ok("activity-f-2")
    assert drive.result == ["activity-f-3", "activity-f-1", "activity-f-2"]


def test_as_completed_gives_the_futures_that_it_was_given_and_ends() -> None:
    def run(self: Workflow) -> Any:
        made = self.map(f, range(2))
        stream = futures.as_completed(made)
        found = [next(stream), next(stream)]
        assert found == made
        assert list(stream) == [] and list(futures.as_completed([])) == []
        return "ok"

    assert Drive(run).ok("activity-f-1").ok("activity-f-2").result == "ok"


def test_as_completed_with_a_time() -> None:
    def run(self: Workflow) -> Any:
        made = self.map(f, range(3))
        seen = []
        with pytest.raises(TimeoutError, match=r"1 \(of 3\) futures unfinished"):
            for future in futures.as_completed(made, timeout=5):
                seen.append(future.id)
        with pytest.raises(TimeoutError):
            next(futures.as_completed(made[2:], timeout=0))
        return seen

    drive = Drive(run).ok("activity-f-2").ok("activity-f-1")
    assert timers(drive) == [("__simpleflow_wait-1", 5)]
    assert fire(drive, "__simpleflow_wait-1").result == ["activity-f-2", "activity-f-1"]
    assert cancelled(drive) == []


def test_as_completed_cancels_its_timer_once_all_are_done() -> None:
    def run(self: Workflow) -> Any:
        made = self.map(f, range(2))
        for _ in futures.as_completed(made, timeout=5):
            self.submit(g).result
        return "ok"

    drive = Drive(run).ok("activity-f-1").ok("activity-f-2")
    assert cancelled(drive) == []
    drive.ok("activity-g-1")
    assert cancelled(drive) == ["__simpleflow_wait-1"]
    assert drive.ok("activity-g-2").result == "ok"


def test_two_branches_share_what_is_completed() -> None:
    def run(self: Workflow) -> Any:
        stream = futures.as_completed(self.map(f, range(5)))
        taken: dict[str, list[str]] = {}

        def take(name: str) -> str:
            for future in stream:
                taken.setdefault(name, []).append(future.id)
                self.submit(g).result
            return name

        names = [future.result for future in [spawn(self, lambda n=name: take(n)) for name in "abc"]]
        return [names, taken]

    drive = Drive(run)
    for n in (3, 1, 2):
        drive.ok(f"activity-f-{n}")
    assert drive.asked[5:] == ["activity-g-b1.1", "activity-g-b2.1", "activity-g-b3.1"]
    for id in drive.asked[5:]:
        drive.ok(id)
    drive.ok("activity-f-5").ok("activity-g-b1.2").ok("activity-f-4")
    drive.ok(drive.asked[-1])
    assert drive.result == [
        ["a", "b", "c"],
        {"a": ["activity-f-3", "activity-f-5"], "b": ["activity-f-1", "activity-f-4"], "c": ["activity-f-2"]},
    ]


@pytest.mark.parametrize("how", ["a failure", "a cancel"])
def test_who_is_broken_off_before_it_takes_leaves_it_to_the_next(how: str) -> None:
    def run(self: Workflow) -> Any:
        one, pending = self.submit(g), self.submit(f, self.submit(f))
        streams: list[Any] = []

        def breaker() -> None:
            one.wait()  # is woken by the same event as the stream, and before it
            if how == "a cancel":
                made[0].cancel()
            else:
                pending.cancel()

        def broken() -> str:
            streams.append(futures.as_completed([one]))
            self.submit(fast, pending)
            try:
                return next(streams[0]).id
            except (TaskCanceled, BranchCanceled):
                return "broken off"

        spawn(self, breaker)
        made = [spawn(self, broken), spawn(self, lambda: next(streams[0]).id)]
        return [future.result for future in made]

    assert Drive(run).ok("activity-g-1").result == ["broken off", "activity-g-1"]


def test_ten_thousand_as_completed() -> None:
    def run(self: Workflow) -> Any:
        return sum(1 for _ in futures.as_completed(self.map(f, range(10_000))))

    drive = Drive(run)
    for id in list(drive.asked):
        drive.ok(id)
    assert drive.result == 10_000


def test_failing_fast_reaches_a_loop_over_as_completed() -> None:
    def run(self: Workflow) -> Any:
        self.submit(fast)
        try:
            return len(list(futures.as_completed(self.map(f, range(2)))))
        except TaskFailed:
            return [repr(future.exception) for future in futures.as_completed([self.submit(fast)])]

    drive = Drive(run).fail("activity-fast-1")
    assert drive.fail("activity-fast-2").result == ['TaskFailed (activity-fast-2, "ValueError: no")']


def test_sleeping_takes_a_timer_and_no_other_branch_waits() -> None:
    def run(self: Workflow) -> Any:
        def branch() -> Any:
            self.sleep(timedelta(hours=1))
            return self.now().timestamp()

        made = spawn(self, branch)
        assert self.sleep(0).done
        return [self.now().timestamp(), made.result]

    drive = Drive(run)
    assert timers(drive) == [("__simpleflow_wait-1", 0), ("__simpleflow_wait-b1.1", 3600)]
    assert fire(fire(drive, "__simpleflow_wait-1"), "__simpleflow_wait-b1.1").result == [1.0, 2.0]


def test_a_branch_that_is_cancelled_while_it_sleeps_cancels_its_timer() -> None:
    def run(self: Workflow) -> Any:
        def branch() -> Any:
            try:
                self.sleep(5)
            except BranchCanceled:
                return "up"

        made = spawn(self, branch)
        self.submit(f).result
        made.cancel()
        return made.result

    drive = Drive(run).ok("activity-f-1")
    assert drive.result == "up" and cancelled(drive) == ["__simpleflow_wait-b1.1"]


# -- futures made by hand --------------------------------------------------------------------------------------------


def test_a_future_made_by_hand_is_pending_until_it_is_set() -> None:
    future: Future[Any] = Future()
    assert (future.state, future._state, future._result, future._exception) == ("PENDING", "PENDING", None, None)
    assert future.pending and not future.done
    future.set_running()
    assert future.running and repr(future).startswith("<Future at 0x") and repr(future).endswith(" state=running>")
    future.set_finished(3)
    assert future.finished and future.done and future.result == 3 and future.exception is None
    assert not future.cancel()
    error = ValueError("no")
    future.set_exception(error)
    assert "state=finished exception=ValueError('no')>" in repr(future)
    assert isinstance(future.exception, ValueError) and future.exception is not error
    with pytest.raises(ValueError):
        _ = future.result
    future.set_exception(None)
    assert future.exception is None and future.result is None


def test_one_that_is_cancelled_by_hand() -> None:
    future: Future[Any] = Future()
    assert future.cancel() and future.cancelled and not future.cancel()
    assert isinstance(future.exception, TaskCanceled)
    with pytest.raises(TaskCanceled):
        _ = future.result


def test_its_insides_may_be_set_and_overridden() -> None:
    future: Future[Any] = Future()
    future._state, future._result = "FINISHED", 5
    assert future.result == 5
    future._exception = ValueError("no")
    assert isinstance(future.exception, ValueError)

    class Both(Future[Any]):
        """A future of old: made of others, without a call of `super().__init__`."""

        def __init__(self, *members: Future[Any]) -> None:
            self.members = members

        @property
        def state(self) -> str:
            return "FINISHED" if all(member.finished for member in self.members) else "PENDING"

        @property
        def _result(self) -> Any:
            return [member.result for member in self.members]

    one: Future[Any] = Future()
    both = Both(future, one)
    future.set_finished(1)
    assert both.pending
    one.set_finished(2)
    assert both.done and both.result == [1, 2] and hash(both) == hash(both)


def test_a_future_of_a_run_is_set_by_nobody() -> None:
    def run(self: Workflow) -> Any:
        future = self.submit(f)
        with pytest.raises(RuntimeError, match="ends as its task does"):
            future.set_finished(3)
        assert (future._state, future._result, future._exception) == ("RUNNING", None, None)
        future.wait()
        return [future._state, future._result, future._exception, futures.get_result_or_raise(future)]

    assert Drive(run).ok("activity-f-1", "7").result == ["FINISHED", 7, None, 7]
