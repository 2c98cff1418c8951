"""Polls on an event loop: who is woken, and what becomes of a task whose client is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simpleflow.engine import Engine
from simpleflow.engine.http import waiting
from simpleflow.engine.http.clock import ServerClock
from simpleflow.engine.http.waiting import Watch

POLL = "PollForDecisionTask"
TYPE = {"name": "w", "version": "1"}
LIST = {"name": "deciders"}
REQUEST = {"domain": "D", "taskList": LIST}


class Client:
    """The other end of a connection."""

    def __init__(self) -> None:
        self.left = False
        self.tell: Callable[[], None] | None = None

    def gone(self) -> bool:
        return self.left

    def when_gone(self, function: Callable[[], None]) -> None:
        self.tell = function


class House:
    """An engine with a domain, its watch, and the polls of a test."""

    def __init__(self, clock: ServerClock) -> None:
        self.engine = Engine(None, clock=clock)
        self.clock = clock
        self.watch = Watch(self.engine)
        self.engine.register_domain(name="D", workflowExecutionRetentionPeriodInDays="1")
        times = {"defaultTaskStartToCloseTimeout": "30", "defaultExecutionStartToCloseTimeout": "3600"}
        self.engine.register_workflow_type(
            domain="D", **TYPE, defaultTaskList=LIST, defaultChildPolicy="TERMINATE", **times
        )
        self.tasks: list[asyncio.Task[Any]] = []

    def start(self, workflow_id: str) -> None:
        self.engine.start_workflow_execution(domain="D", workflowId=workflow_id, workflowType=TYPE)

    async def poll(self, client: Client | None = None, seconds: float = 3600, task_list: str = "deciders") -> Any:
        """A poll that waits."""
        request = {"domain": "D", "taskList": {"name": task_list}}
        poll = self.watch.wait(POLL, request, seconds, client or Client())
        self.tasks.append(asyncio.create_task(poll))
        await settle()
        return self.tasks[-1]

    def run(self, test: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async def whole() -> None:
            try:
                await test()
            finally:
                self.watch.end()
                await asyncio.gather(*self.tasks)
                if self.watch._looker is not None:
                    await self.watch._looker  # it ends, since nobody waits
                assert len(asyncio.all_tasks()) == 1

        asyncio.run(whole())


async def settle() -> None:
    """Until all that was woken has done what it can."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def house() -> Iterator[House]:
    made = House(ServerClock())
    yield made
    made.engine.close()


def name(task: Any) -> str:
    return str(task.result()["workflowExecution"]["workflowId"])


def test_one_task_wakes_one_poll_and_the_first(house: House) -> None:
    async def test() -> None:
        polls = [await house.poll() for _ in range(3)]
        assert house.watch.waiting_polls == 3
        house.start("first")
        await settle()
        assert [poll.done() for poll in polls] == [True, False, False]
        assert name(polls[0]) == "first"
        house.start("second")
        house.start("third")
        await settle()
        assert [name(poll) for poll in polls[1:]] == ["second", "third"]
        assert house.watch.waiting_polls == 0

    house.run(test)


def test_as_many_as_can_wait_wait(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The most that can wait for one list do, in memory too, where nobody else can hear a ring."""
    limits = replace(house.engine._configuration.limits, pollers=3)
    monkeypatch.setattr(house.engine, "_configuration", replace(house.engine._configuration, limits=limits))

    async def test() -> None:
        for _ in range(3):
            poll = await house.poll()
            assert not poll.done()
        assert house.watch.waiting_polls == 3
        with pytest.raises(ClientError, match="3 polls wait for the task list"):
            house.engine.topic(POLL, REQUEST)

    house.run(test)


def test_lists_apart(house: House) -> None:
    async def test() -> None:
        other = await house.poll(task_list="other")
        here = await house.poll()
        house.start("w")
        await settle()
        assert here.done()
        assert not other.done()

    house.run(test)


def test_a_task_passes_by_a_client_that_is_gone(house: House) -> None:
    """It is seen before the task is taken, even if the loop has not heard of it yet."""

    async def test() -> None:
        clients = [Client() for _ in range(3)]
        polls = [await house.poll(client) for client in clients]
        clients[0].left = clients[1].left = True
        house.start("w")
        await settle()
        assert [poll.result() for poll in polls[:2]] == [None, None]
        assert name(polls[2]) == "w"

    house.run(test)


def test_a_task_waits_for_the_next_client_when_all_are_gone(house: House) -> None:
    async def test() -> None:
        client = Client()
        poll = await house.poll(client)
        client.left = True
        house.start("w")
        await settle()
        assert poll.result() is None
        assert name(await house.poll()) == "w"

    house.run(test)


def test_a_client_that_goes_leaves_the_queue_at_once(house: House) -> None:
    async def test() -> None:
        client = Client()
        poll = await house.poll(client)
        assert client.tell is not None
        client.tell()
        await settle()
        assert poll.result() is None
        assert house.watch.waiting_polls == 0

    house.run(test)


def test_a_client_that_was_gone_before_it_polled(house: House) -> None:
    async def test() -> None:
        house.start("w")
        client = Client()
        client.left = True
        assert (await house.poll(client)).result() is None
        assert name(await house.poll()) == "w"

    house.run(test)


def test_a_poll_ends_in_time_and_by_the_walls_clock(house: House) -> None:
    async def test() -> None:
        house.clock.set(1_000_000)  # it stands still
        poll = await house.poll(seconds=0.01)
        assert await poll is None

    house.run(test)


def test_deadlines_wake(house: House) -> None:
    """A decision task that times out is there again, without any call; and moving the clock is seen at once."""

    async def test() -> None:
        house.clock.set(1_000_000)
        house.start("w")
        house.engine.poll_for_decision_task(**REQUEST)
        poll = await house.poll()
        house.clock.advance(29)
        house.watch.ring_here()
        await settle()
        assert not poll.done()
        house.clock.advance(1)
        house.watch.ring_here()
        await settle()
        assert name(poll) == "w"
        poll = await house.poll()
        house.clock.advance(31)  # nobody says so: it is looked for
        assert await asyncio.wait_for(poll, 10)

    house.run(test)


def test_an_end_for_all(house: House) -> None:
    async def test() -> None:
        polls = [await house.poll() for _ in range(3)]
        house.watch.end()
        await settle()
        assert [poll.result() for poll in polls] == [None] * 3
        assert (await house.poll()).result() is None

    house.run(test)


def test_an_engine_that_fails_for_a_while(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked for deadlines again."""
    monkeypatch.setattr(waiting, "AFTER_AN_ERROR", 0.01)
    ticks, tick = iter([OSError("the disk is full")]), house.engine.tick

    def fails_once() -> float | None:
        for error in ticks:
            raise error
        return tick()

    async def test() -> None:
        house.clock.set(1_000_000)
        house.start("w")
        house.engine.poll_for_decision_task(**REQUEST)
        poll = await house.poll()
        monkeypatch.setattr(house.engine, "tick", fails_once)
        house.clock.advance(31)
        assert await asyncio.wait_for(poll, 10)
        assert next(ticks, None) is None

    house.run(test)


def test_a_server_clock() -> None:
    clock = ServerClock()
    moves: list[float] = []
    clock.on_move(lambda: moves.append(clock.now()))
    clock.set(100)
    clock.advance(0.5)
    assert clock.now() == 100.5
    clock.set(50)
    assert clock.now() == 50
    assert clock.stands
    for wrong in (-1.0, 1e18, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="a clock can be set from 0 to"):
            clock.set(wrong)
    with pytest.raises(ValueError, match="a clock is not advanced by -1 seconds"):
        clock.advance(-1)
    clock.release()
    assert clock.now() > 1_700_000_000
    assert moves[:3] == [100, 100.5, 50]
    assert len(moves) == 4
