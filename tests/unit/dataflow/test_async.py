"""Coroutines: `async def run`, gather, and what of asyncio is refused."""

from __future__ import annotations

import asyncio
import contextlib
import types
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from driving import Drive, f, fast, g, soft

from simpleflow import Workflow, futures
from simpleflow.dataflow import Completed
from simpleflow.exceptions import BranchCanceled, ForeignAwait, TaskCanceled, TaskFailed
from simpleflow.futures import Future, gather
from simpleflow.task import TIMER


def fire(drive: Drive, id: str) -> Drive:
    drive.time += 1
    drive._feed(Completed(drive.time, id, None, TIMER))
    return drive


def test_await_is_result() -> None:
    async def run(self: Workflow, x: int) -> Any:
        a = self.submit(f, x)
        b = self.submit(f, a)
        try:
            await self.submit(g)
        except TaskFailed as error:
            return [await a, b.result, str(error), await a]

    drive = Drive(run, 5).ok("activity-f-1", "6").fail("activity-g-1").ok("activity-f-2", "7")
    assert drive.inputs["activity-f-1"] == '{"args":[5],"kwargs":{}}'
    assert drive.result == [6, 7, "activity-g-1: ValueError: no", 6]


def test_helpers_may_be_coroutines_and_generators_and_context_managers() -> None:
    said: list[str] = []

    async def helper(self: Workflow, x: int) -> int:
        value: int = await self.submit(f, x)
        return value

    async def numbers(self: Workflow) -> AsyncIterator[int]:
        try:
            for n in range(3):
                yield await helper(self, n)
        finally:
            said.append(f"closed: {await self.submit(g)}")

    @contextlib.asynccontextmanager
    async def within(self: Workflow) -> AsyncIterator[int]:
        entered = await self.submit(g)
        try:
            yield entered
        finally:
            said.append(f"left: {await self.submit(g)}")

    async def run(self: Workflow) -> Any:
        seen = []
        async with within(self) as entered:
            async with contextlib.aclosing(numbers(self)) as stream:
                async for n in stream:
                    seen.append(n)
                    if len(seen) == 2:
                        break
        return [entered, seen, [n async for n in numbers(self)]]

    drive = Drive(run)
    while drive.program.outcome is None:
        drive.ok(drive.asked[-1], str(len(drive.asked)))
    assert drive.result == [1, [2, 3], [6, 7, 8]]
    assert said == ["closed: 4", "left: 5", "closed: 9"]


def test_gather_runs_coroutines_side_by_side_each_in_its_own_scope() -> None:
    async def helper(self: Workflow, x: int) -> int:
        value: int = await self.submit(f, await self.submit(f, x))
        return value

    async def run(self: Workflow) -> Any:
        plain = self.submit(f)
        future = gather(helper(self, 1), plain, helper(self, 2))
        assert isinstance(future, Future) and not future.done
        return [await future, future.result, [*await gather()]]

    drive = Drive(run)
    assert drive.asked == ["activity-f-1", "activity-f-b1.1", "activity-f-b2.1"]
    drive.ok("activity-f-b2.1", "20").ok("activity-f-b1.1", "10").ok("activity-f-1", "3")
    assert drive.inputs["activity-f-b2.2"] == '{"args":[20],"kwargs":{}}'
    assert drive.ok("activity-f-b1.2", "11").ok("activity-f-b2.2", "21").result == [[11, 3, 21], [11, 3, 21], []]


def test_gather_works_in_a_plain_run_too() -> None:
    async def helper(self: Workflow) -> Any:
        return await self.submit(f)

    def run(self: Workflow) -> Any:
        return gather(helper(self), self.submit(g)).result

    assert Drive(run).ok("activity-g-1", "2").ok("activity-f-b1.1", "1").result == [1, 2]


def test_the_first_failure_of_a_gather_is_its_own_and_the_others_go_on() -> None:
    async def helper(self: Workflow, name: str) -> Any:
        try:
            return await self.submit(f)
        except TaskFailed:
            raise LookupError(name) from None

    async def run(self: Workflow) -> Any:
        made = [helper(self, name) for name in "abc"]
        future = gather(*made, self.submit(soft))
        with pytest.raises(LookupError, match="b"):
            await future
        return await self.submit(g)

    drive = Drive(run).fail("activity-soft-1").fail("activity-f-b2.1").fail("activity-f-b1.1").ok("activity-f-b3.1")
    assert drive.ok("activity-g-1").result == 1
    soft_one, late_one = drive.program.unseen_failures
    assert soft_one.startswith("activity-soft-1: ValueError: no")
    assert late_one.startswith("branch-b1: LookupError: a (submitted at ") and "test_async.py" in late_one


def test_the_first_failure_is_the_first_in_the_order_of_events() -> None:
    async def run(self: Workflow) -> Any:
        a, b = self.map(f, range(2))
        futures.wait(a, b, return_when="ALL_COMPLETED")
        return repr(gather(a, b).exception)

    drive = Drive(run).fail("activity-f-2").fail("activity-f-1")
    assert drive.result == 'TaskFailed (activity-f-2, "ValueError: no")'


def test_gather_may_give_failures_as_results() -> None:
    async def run(self: Workflow) -> Any:
        async def broken() -> None:
            raise LookupError("no")

        found = await gather(self.submit(f), broken(), self.submit(g), self.submit(soft), return_exceptions=True)
        return [repr(each) for each in found]

    drive = Drive(run).fail("activity-f-1").ok("activity-g-1", "5").fail("activity-soft-1")
    assert drive.result == ['TaskFailed (activity-f-1, "ValueError: no")', "LookupError('no')", "5", "None"]


def test_to_cancel_a_gather_is_to_cancel_all_of_it() -> None:
    said: list[str] = []

    async def helper(self: Workflow, name: str) -> Any:
        try:
            return await self.submit(f)
        except BranchCanceled:
            said.append(name)
            raise

    def run(self: Workflow) -> Any:
        pending = self.submit(f, self.submit(g))
        future = gather(helper(self, "a"), pending, helper(self, "b"))
        early = gather(helper(self, "never"), self.submit(f, pending))
        assert early.cancel() and early.cancelled
        self.submit(f).result
        assert future.cancel() and not future.done
        with pytest.raises(TaskCanceled):
            future.result
        return [future.state, future.cancel()]

    drive = Drive(run)
    assert drive.asked == ["activity-g-1", "activity-f-3", "activity-f-b1.1", "activity-f-b2.1"]
    assert drive.ok("activity-f-3").result == ["CANCELLED", False]
    assert said == ["a", "b"]


def test_what_cannot_be_gathered() -> None:
    async def helper() -> None:
        raise AssertionError("never begun")

    def run(self: Workflow) -> Any:
        gather(helper(), 3)  # type: ignore[arg-type]

    assert str(Drive(run).error) == "gather() takes futures and coroutines, not int"
    with pytest.raises(RuntimeError, match=r"gather\(\) is called inside of run"):
        gather(helper())
    assert "gather(coroutine) gives a future" in str(Drive(lambda self: futures.wait(helper())).error)  # type: ignore[arg-type]


def test_any_awaitable_of_ours_is_gathered() -> None:
    class Twice:
        def __init__(self, future: Future[Any]) -> None:
            self.future = future

        def __await__(self) -> Any:
            value = yield from self.future.__await__()
            return [value, value]

    async def run(self: Workflow) -> Any:
        return await gather(Twice(self.submit(f)), self.submit(g))

    assert Drive(run).ok("activity-f-1", "1").ok("activity-g-1", "2").result == [[1, 1], 2]


def test_as_completed_with_async_for() -> None:
    async def run(self: Workflow) -> Any:
        return [await future async for future in futures.as_completed(self.map(f, range(3)))]

    drive = Drive(run).ok("activity-f-2", "2").ok("activity-f-3", "3").ok("activity-f-1", "1")
    assert drive.result == [2, 3, 1]


def test_sleep_in_a_coroutine() -> None:
    async def run(self: Workflow) -> Any:
        await self.sleep(5)
        return self.now().timestamp()

    assert fire(Drive(run), "__simpleflow_wait-1").result == 1.0


def test_five_thousand_gathers_one_inside_of_the_other() -> None:
    async def nested(self: Workflow, depth: int) -> int:
        if depth:
            (inner,) = await gather(nested(self, depth - 1))
            return inner + 1
        value: int = await self.submit(f)
        return value

    async def run(self: Workflow) -> Any:
        return await nested(self, 5_000)

    drive = Drive(run)
    (id,) = drive.asked
    assert drive.ok(id, "0").result == 5_000


def test_failing_fast_reaches_the_coroutine_that_submitted_the_task() -> None:
    async def helper(self: Workflow) -> Any:
        self.submit(fast)
        try:
            return await self.submit(f)
        except TaskFailed as error:
            return error.name

    async def run(self: Workflow) -> Any:
        return await gather(helper(self))

    assert Drive(run).fail("activity-fast-b1.1").result == ["activity-fast-b1.1"]


def test_a_run_of_coroutines_can_be_put_away(recwarn: pytest.WarningsRecorder) -> None:
    said: list[str] = []

    async def helper(self: Workflow, name: str) -> Any:
        try:
            return await self.submit(f)
        except Exception:
            said.append("swallowed")
        finally:
            said.append(name)

    async def run(self: Workflow) -> Any:
        first = gather(helper(self, "a"))
        await gather(helper(self, "b"), first)

    drive = Drive(run)
    drive.program.close()
    assert said == ["b", "a"]
    assert not recwarn.list


def test_coroutines_that_never_began_warn_of_nothing(recwarn: pytest.WarningsRecorder) -> None:
    async def helper(self: Workflow) -> Any:
        raise AssertionError("never begun")

    def run(self: Workflow) -> Any:
        gather(helper(self), helper(self))
        gather(helper(self)).cancel()
        return "done"

    assert Drive(run).result == "done"
    assert not recwarn.list


REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "asyncio.sleep": (lambda coroutine: asyncio.sleep(1), "self.sleep(seconds)"),
    "asyncio.sleep ": (lambda coroutine: asyncio.sleep(0), "self.sleep(seconds)"),
    "asyncio.gather": (lambda coroutine: asyncio.gather(coroutine), "simpleflow.futures.gather(...)"),
    "asyncio.create_task": (lambda coroutine: asyncio.create_task(coroutine), "simpleflow.futures.gather(...)"),
    "asyncio.ensure_future": (lambda coroutine: asyncio.ensure_future(coroutine), "simpleflow.futures.gather(...)"),
    "asyncio.shield": (lambda coroutine: asyncio.shield(coroutine), "simpleflow.futures.gather(...)"),
    "asyncio.wait_for": (lambda coroutine: _closed(asyncio.wait_for(coroutine, 5), coroutine), "futures.wait(..., t"),
    "asyncio.to_thread": (lambda coroutine: asyncio.to_thread(print), "self.submit(activity, ...)"),
    "asyncio.current_task": (lambda coroutine: asyncio.current_task(), "simpleflow.futures.gather, wait"),
    "asyncio.call_later": (
        lambda coroutine: asyncio.get_running_loop().call_later(1, print),
        "simpleflow.futures.gather, wait",
    ),
    "asyncio.Future": (lambda coroutine: asyncio.Future(), "simpleflow.futures.gather, wait"),
}


async def _closed(awaitable: Any, coroutine: Any) -> Any:
    try:
        await awaitable
    finally:
        coroutine.close()


@pytest.mark.parametrize("name", REFUSED)
def test_asyncio_is_refused_and_the_error_names_ours(name: str, recwarn: pytest.WarningsRecorder) -> None:
    call, ours = REFUSED[name]

    async def helper(self: Workflow) -> Any:
        return self.submit(f).result

    async def run(self: Workflow) -> Any:
        made = helper(self)
        try:
            return await call(made)
        finally:
            made.close()

    error = Drive(run).error
    assert isinstance(error, ForeignAwait)
    if name != "asyncio.Future":
        assert f"run awaits {name.strip()}, which is not durable: use " in str(error)
    assert ours in str(error)
    assert not recwarn.list


def test_task_groups_and_timeouts_are_refused() -> None:
    async def grouped(self: Workflow) -> Any:
        async with asyncio.TaskGroup():
            raise AssertionError("never entered")

    async def timed(self: Workflow) -> Any:
        async with asyncio.timeout(5):
            raise AssertionError("never entered")

    async def waits(self: Workflow) -> Any:
        await asyncio.wait([self.submit(f)])  # type: ignore[type-var]

    async def queues(self: Workflow) -> Any:
        await asyncio.Event().wait()

    assert "run awaits asyncio.TaskGroup, which" in str(Drive(grouped).error)
    assert "asyncio.timeout" in str(Drive(timed).error)
    assert "asyncio.wait, which is not durable: use simpleflow.futures.wait(" in str(Drive(waits).error)
    assert "asyncio.Event.wait, which" in str(Drive(queues).error)


def test_awaiting_what_is_not_ours_fails_the_run_and_names_it() -> None:
    @types.coroutine
    def foreign() -> Any:
        yield "a trap of another library"

    async def run(self: Workflow) -> Any:
        await foreign()

    error = Drive(run).error
    assert isinstance(error, ForeignAwait)
    assert "run awaits 'a trap of another library', which is not durable" in str(error)


def test_code_that_swallows_the_refusal_does_not_save_the_run() -> None:
    said: list[str] = []

    async def helper(self: Workflow) -> Any:
        while True:
            try:
                await asyncio.sleep(1)
            except Exception:
                said.append("swallowed")
            self.submit(f)

    async def run(self: Workflow) -> Any:
        await gather(helper(self), return_exceptions=True)
        return "saved"

    drive = Drive(run)
    assert isinstance(drive.error, ForeignAwait)
    assert said == ["swallowed"] and drive.asked == []


def test_code_that_swallows_everything_is_left_where_it_stands() -> None:
    async def run(self: Workflow) -> Any:
        while True:
            try:
                await asyncio.sleep(0)
            except BaseException:
                pass

    async def through(self: Workflow) -> Any:
        while True:
            try:
                await asyncio.sleep(1)
            except BaseException:
                pass

    assert isinstance(Drive(run).error, ForeignAwait)
    assert isinstance(Drive(through).error, ForeignAwait)


def test_outside_of_the_run_asyncio_is_as_it_was() -> None:
    async def run(self: Workflow) -> Any:
        return await gather(self.submit(f), self.submit(g))

    async def main() -> Any:
        drive = Drive(run)
        await asyncio.sleep(0)
        drive.ok("activity-f-1")
        assert asyncio.get_running_loop() is asyncio.get_event_loop()
        return drive.ok("activity-g-1").result

    assert asyncio.run(main()) == [1, 1]
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


def test_run_s_own_coroutine_may_be_returned_by_a_plain_function() -> None:
    async def helper(self: Workflow) -> Any:
        return await self.submit(f)

    def run(self: Workflow) -> Any:
        return helper(self)

    assert Drive(run).ok("activity-f-1", "3").result == 3
