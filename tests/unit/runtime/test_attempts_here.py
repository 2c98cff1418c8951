"""What activities know and say where they run in this process: the same as anywhere else."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from simpleflow import Workflow, activity
from simpleflow.exceptions import TaskCanceled, WorkflowFailed
from simpleflow.retry import Retry
from simpleflow.runtime.attempt import Attempt, NoLink
from simpleflow.runtime.local import run_local

seen: list[Any] = []


@pytest.fixture(autouse=True)
def forgotten() -> None:
    seen.clear()


@activity.with_attributes(retry=Retry(4))
def resumes(upto: int) -> int:
    here = activity.context()
    seen.append((here.attempt, here.last_details, here.idempotency_key, here.run_id, here.activity_id, here.token))
    first = (here.last_details or {"page": 0})["page"] + 1
    if first == 2 and here.attempt == 2:
        raise ValueError("before it said anything")
    if first < upto:
        activity.heartbeat({"page": first, "text": "x" * 40})
        raise ValueError("in the middle")
    return first


class Resuming(Workflow):
    def run(self, upto: int) -> Any:
        return self.submit(resumes, upto).result


def test_what_a_heartbeat_said_comes_to_the_next_attempts() -> None:
    assert run_local(Resuming, [3]) == 3
    attempts, details, keys, runs, ids, tokens = zip(*seen, strict=True)
    assert attempts == (1, 2, 3, 4)
    assert [each and each["page"] for each in details] == [None, 1, 1, 2]
    assert len(set(keys)) == len(set(runs)) == len(set(ids)) == 1
    assert len(set(tokens)) == 4


@activity.with_attributes(retry=1)
def loses_much(filling: str) -> Any:
    if activity.context().attempt == 1:
        activity.heartbeat(list(range(1500)))
        raise ValueError("x")
    return activity.context().last_details


class LosingMuch(Workflow):
    def run(self, filling: str) -> Any:
        return len(self.submit(loses_much, filling).result)


@pytest.mark.parametrize("length", [10, 32_000, 32_480, 40_000])
def test_details_and_input_of_any_size(length: int) -> None:
    assert run_local(LosingMuch, ["x" * length]) == 1500


@activity.with_attributes()
async def adds(x: int) -> int:
    await asyncio.sleep(0)
    assert not activity.cancelled()
    activity.progress(1, 2, "half")
    return x + activity.context().attempt


@activity.with_attributes()
def later() -> None:
    raise activity.CompleteLater


class Adding(Workflow):
    async def run(self) -> int:
        return await self.submit(adds, 41)


class Later(Workflow):
    def run(self) -> Any:
        return self.submit(later).result


@activity.with_attributes(retry=1)
def says_little(filling: str) -> Any:
    if activity.context().attempt == 1:
        activity.heartbeat("y" * 1500)
        raise ValueError("x")
    return activity.context().last_details


class SayingLittle(Workflow):
    def run(self, filling: str) -> Any:
        return len(self.submit(says_little, filling).result)


def test_what_has_no_room_beside_the_input_goes_by_reference() -> None:
    assert run_local(SayingLittle, ["x" * 32_000]) == 1500


def test_a_repair_keeps_the_idempotency_key() -> None:
    def key(run_id: str, **told: Any) -> str:
        given = {"domain_name": "d", "workflow_id": "w", "run_id": run_id, "activity_id": "a-1"}
        return Attempt(given, json.dumps({"args": [], "__simpleflow": told})).context.idempotency_key

    assert key("second", run="first") == key("first") != key("second")


def test_coroutines() -> None:
    assert run_local(Adding) == 42


def test_nobody_completes_a_task_here() -> None:
    with pytest.raises(WorkflowFailed, match="CompleteLater: nobody completes a task of a run in this process"):
        run_local(Later)


def test_outside_of_workers_a_function_is_a_function() -> None:
    assert asyncio.run(_called()) == 3
    activity.heartbeat(1)
    activity.progress(1)
    assert not activity.cancelled()
    with pytest.raises(LookupError, match="no activity runs here"):
        activity.context()


async def _called() -> int:
    @activity.with_attributes()
    async def one(x: int) -> int:
        return x

    return await one(3)


class Ended(NoLink):
    """Says that the task was cancelled."""

    def ended(self) -> str | None:
        return "cancel"


def test_code_that_asks_by_itself_is_not_interrupted() -> None:
    attempt = Attempt({}, link=Ended())
    attempt.interrupt()  # it does not run yet
    with attempt:
        with pytest.raises(TaskCanceled, match="it was cancelled"):
            attempt.interrupt()
        assert attempt.cancelled()
        attempt.interrupt()
