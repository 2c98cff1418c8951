"""Programs that wait: for all, the first, some time; in coroutines and branches; and that cancel what they wait for."""

from __future__ import annotations

import asyncio
import builtins
from contextvars import ContextVar
from typing import Any

from feature import Fails, Feature, Flow, task
from features_of_tasks import CANCEL, CHILD, SIGNAL, Doomed, double

from simpleflow import futures
from simpleflow.exceptions import ExecutionBlocked, TaskCanceled, TaskFailed

where: ContextVar[str] = ContextVar("where", default="nowhere")


@task
def broken(text: str = "broken") -> int:
    raise ValueError(text)


class All(Flow):
    def run(self) -> Any:
        results = futures.wait(*self.map(double, [1, 2, 3]))
        try:
            futures.wait(self.submit(double, 4), self.submit(broken))
        except ValueError as error:
            return [results, isinstance(error, TaskFailed), futures.wait()]


class First(Flow):
    def run(self) -> Any:
        fast, slow = self.submit(double, 1), self.submit(self.start_timer("slow", 600))
        done, not_done = futures.wait([fast, slow], return_when=futures.FIRST_COMPLETED)
        seen = [done == {fast}, not_done == {slow}, slow.done]
        slow.cancel()
        return seen


class FirstException(Flow):
    def run(self) -> Any:
        good, bad, slow = self.submit(double, 1), self.submit(broken), self.submit(self.start_timer("slow", 600))
        good.wait()
        done, not_done = futures.wait([good, bad, slow], return_when=futures.FIRST_EXCEPTION)
        none, waited = futures.wait([good], return_when=futures.FIRST_EXCEPTION)
        return [bad in done, not_done == {slow}, none == {good}, len(waited)]


class ForSomeTime(Flow):
    def run(self) -> Any:
        never = self.submit(self.wait_signal("never"))
        soon = self.submit(double, 2)
        done, not_done = futures.wait([soon, never], timeout=1)
        all_done = futures.wait([soon], timeout=3600, return_when=futures.ALL_COMPLETED)
        return [done == {soon}, not_done == {never}, all_done.done == {soon}, self.list_markers()]


class AsTheyCome(Flow):
    def run(self) -> Any:
        given = [*self.map(double, [1, 2]), self.submit(broken)]
        seen = [future.exception is None and future.result for future in futures.as_completed(given)]
        try:
            for future in futures.as_completed([*given, self.submit(self.wait_signal("never"))], timeout=1):
                seen.append(future.done)
        except builtins.TimeoutError:
            seen.append("too late")
        return sorted(map(str, seen))


class Cancels(Flow):
    def run(self) -> Any:
        activity = self.submit(double, 1)
        timer = self.submit(self.start_timer("t", 3600))
        child = self.submit(Doomed, self.id)
        self.receive("lives").result
        ended = self.submit(double, 2)
        ended.wait()
        asked = [future.cancel() for future in (activity, timer, child, ended)]
        futures.wait([activity, timer, child], return_when=futures.ALL_COMPLETED)
        return [asked[1:], timer.cancelled, type(child.exception).__name__, ended.result]


class CancelsBeforeItRuns(Flow):
    """Scheduled and cancelled in one decision: no worker ever sees it."""

    def run(self) -> Any:
        future = self.submit(double, 1)
        future.cancel()
        return type(future.exception).__name__


class Branches(Flow):
    """Each has numbers, and context variables, of its own."""

    async def branch(self, name: str, seconds: int) -> Any:
        where.set(name)
        await self.sleep(seconds)
        found = await self.submit(whoami)
        return [where.get(), found]

    async def run(self) -> Any:
        both = await futures.gather(self.branch("a", 2), self.branch("b", 1))
        return [both, where.get(), await self.submit(whoami)]


@task
def whoami() -> str:
    context = whoami.context
    assert context is not None
    return str(context["activity_id"]).rpartition("whoami-")[2]


class Gathers(Flow):
    async def raises(self) -> None:
        raise KeyError("x")

    async def run(self) -> Any:
        kept = await futures.gather(self.submit(broken), self.raises(), self.submit(double, 1), return_exceptions=True)
        seen: list[Any] = [isinstance(kept[0], ValueError), repr(kept[1]), kept[2]]
        later = futures.gather(self.submit(double, 4))
        seen.append(await self.submit(first_of, later))
        try:
            await futures.gather(self.submit(double, 1), self.raises())
        except KeyError as error:
            seen.append(error.args)
        return seen


@task
def first_of(values: list[Any]) -> Any:
    return values[0]


class AsyncForEach(Flow):
    async def run(self) -> Any:
        return sorted([await future async for future in futures.as_completed(self.map(double, [3, 4]), timeout=60)])


class CancelsABranch(Flow):
    async def patient(self) -> Any:
        try:
            await self.receive("never")
        finally:
            self.submit(self.record_marker("tidied up", await self.submit(double, 21)))
            await self.submit(self.signal("tidied up", propagate=False))

    async def run(self) -> Any:
        branch = futures.gather(self.patient())
        await self.sleep(1)
        branch.cancel()
        try:
            await branch
        except TaskCanceled:
            await self.receive("tidied up")
            return [marker.details for marker in self.list_markers()]


class OfAsyncio(Flow):
    async def run(self) -> Any:
        await asyncio.sleep(1)


class OfAsyncioToo(Flow):
    async def run(self) -> Any:
        async with asyncio.timeout(1):
            await self.submit(double, 1)


class SwallowsNothing(Flow):
    """`except Exception` around a wait catches nothing of ours."""

    def run(self) -> Any:
        seen = []
        for number in range(3):
            try:
                seen.append(self.submit(double, number).result)
            except Exception as error:
                seen.append(repr(error))
        return seen


class OldIdiom(Flow):
    """`run` raises ExecutionBlocked itself, and is run again from the start."""

    def run(self) -> Any:
        made = self.map(double, [1, 2])
        if not all(future.done for future in made):
            raise ExecutionBlocked
        return [future.result for future in made]


class Patched(Flow):
    def run(self) -> Any:
        self.submit(self.start_timer("t", 1)).result
        return self.patched("change") and self.submit(double, int(self.random() + 1)).result


class SignalOrTimer(Flow):
    def run(self) -> Any:
        self.submit(self.signal("now", propagate=False))
        signal, timer = self.receive("now"), self.submit(self.start_timer("late", 600))
        done, _ = futures.wait([signal, timer], return_when=futures.FIRST_COMPLETED)
        timer.cancel()
        return [done == {signal}, signal.result["args"]]


FEATURES = [
    Feature(All, [[2, 4, 6], True, []]),
    Feature(First, [True, True, False]),
    Feature(FirstException, [True, True, True, 0]),
    Feature(ForSomeTime, [True, True, True, []]),
    Feature(AsTheyCome, sorted(map(str, [2, 4, False, True, True, True, "too late"]))),
    Feature(Cancels, [[True, True, False], True, "TaskCanceled", 4], lacking=CHILD),
    Feature(CancelsBeforeItRuns, "TaskCanceled", lacking=CANCEL),
    Feature(Branches, [[["a", "b1.1"], ["b", "b2.1"]], "nowhere", "1"]),
    Feature(Gathers, [True, "KeyError('x')", 2, 8, ["x"]]),
    Feature(AsyncForEach, [6, 8]),
    Feature(CancelsABranch, [42], lacking=SIGNAL),
    Feature(OfAsyncio, Fails("FAILED", "self.sleep")),
    Feature(OfAsyncioToo, Fails("FAILED", "timeout")),
    Feature(SwallowsNothing, [0, 2, 4]),
    Feature(OldIdiom, [2, 4]),
    Feature(Patched, 2),
    Feature(SignalOrTimer, [True, []], lacking=SIGNAL),
]
