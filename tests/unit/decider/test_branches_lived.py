"""Branches, waits, coroutines and the old idiom on the embedded engine."""

from __future__ import annotations

from typing import Any

import pytest
from town import Town

from simpleflow import Workflow, activity, futures
from simpleflow.exceptions import ExecutionBlocked, TaskFailed


@activity.with_attributes(version="1")
def double(x: int) -> int:
    return 2 * x


@activity.with_attributes(version="1")
def broken() -> None:
    raise ValueError("no")


class Coroutines(Workflow):
    name, version = "coroutines", "1"

    async def twice(self, x: int) -> int:
        return await self.submit(double, await self.submit(double, x))

    async def run(self, n: int) -> Any:
        both = await futures.gather(self.twice(1), self.twice(2), self.submit(double, n))
        await self.sleep(60)
        try:
            await futures.gather(self.twice(3), self.submit(broken))
        except TaskFailed as error:
            both.append(error.reason)
        return [both, [await future async for future in futures.as_completed(self.map(double, [1, 2]))]]


def test_coroutines_and_sleep(town: Town) -> None:
    execution = town.start(Coroutines, 10)
    assert town.run(execution) == [[4, 8, 20, "ValueError: no"], [2, 4]]
    assert [given["timerId"] for given in town.of(execution, "TimerStarted")] == ["__simpleflow_wait-1"]
    ids = {given["activityId"] for given in town.of(execution, "ActivityTaskScheduled")}
    prefix = "activity-test_branches_lived.double-"
    suffixes = {id.removeprefix(prefix) for id in ids if id.startswith(prefix)}
    assert suffixes >= {"b1.1", "b1.2", "b2.1", "b2.2", "1", "2"}


class Limited(Workflow):
    name, version = "limited", "1"

    def run(self) -> Any:
        never = self.receive("never")
        in_time = futures.wait(self.submit(double, 1), timeout=30)
        late = futures.wait(never, self.submit(double, 2), timeout=30)
        return [len(in_time.done), len(late.done), len(late.not_done)]


def test_a_timer_that_is_not_needed_is_cancelled_and_one_that_is_fires(town: Town) -> None:
    execution = town.start(Limited)
    assert town.run(execution) == [1, 1, 1]
    started = [given["timerId"] for given in town.of(execution, "TimerStarted")]
    assert [given["timerId"] for given in town.of(execution, "TimerFired")] == ["__simpleflow_wait-2"]
    assert [given["timerId"] for given in town.of(execution, "TimerCanceled")] == ["__simpleflow_wait-1"]
    assert started == ["__simpleflow_wait-1", "__simpleflow_wait-2"]


class Pirate(Workflow):
    """Waits for the first that is done, as simpleflow 0.x had to."""

    name, version = "pirate", "1"

    def run(self) -> Any:
        print("arr")
        slow = self.submit(self.wait_signal("never"))
        made = [*self.map(double, [1, 2]), slow]
        if not any(future.finished for future in made):
            raise ExecutionBlocked
        return [self.now().timestamp() > 0, sum(future.finished for future in made) > 0]


class Disguised(Workflow):
    """Whose own code does not speak of it."""

    name, version = "disguised", "1"

    def run(self) -> Any:
        print("arr")
        future = self.submit(double, 1)
        check(future)
        return future.result


def check(future: Any) -> None:
    if not future.done:
        raise ExecutionBlocked


@pytest.mark.parametrize("workflow", [Pirate, Disguised])
def test_a_run_that_raises_execution_blocked_itself(
    town: Town, workflow: type[Workflow], capsys: pytest.CaptureFixture[str]
) -> None:
    execution = town.start(workflow)
    assert town.run(execution) in ([True, True], 2)
    assert len(town.of(execution, "ActivityTaskScheduled")) == (2 if workflow is Pirate else 1)


def test_a_class_that_blocks_in_disguise_is_found_out_once(capsys: pytest.CaptureFixture[str]) -> None:
    town = Town()
    first = town.start(Disguised)
    town.decide()
    assert capsys.readouterr().out == "arr\narr\n", "read again from its start"
    town.work()
    town.decide()
    assert capsys.readouterr().out == "arr\n" and town.end(first) == 2
    town.start(Disguised, workflow_id="second")
    town.decider._remember[Disguised] = True
    town.decide()
    assert capsys.readouterr().out == "arr\n"
    town.close()
