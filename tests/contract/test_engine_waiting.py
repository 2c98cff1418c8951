"""Polls that wait: for a task, for a deadline, for the end; and threads that share an engine."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from simpleflow.clients import client as open_client
from simpleflow.engine import Engine, VirtualClock
from simpleflow.engine.doorbell import SocketBell, ThreadBell, sweep
from simpleflow.testing.contract.swf import Swf

EMPTY = {"startedEventId": 0, "previousStartedEventId": 0}
POLL = {"domain": "contract", "taskList": {"name": "deciders"}}


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as executor:
        yield executor


Make = Callable[..., Any]


@pytest.fixture(params=["memory", "sqlite"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Opens an engine; closed when the test is over."""
    url = "memory" if request.param == "memory" else f"sqlite:{tmp_path / 'engine.db'}"
    opened: list[Any] = []

    def call(**given: Any) -> Any:
        opened.append(open_client(url, **given))
        return opened[-1]

    yield call
    for engine in opened:
        engine.close()


class Flag:
    """A `stopping` that tells when it has been asked, which is when a poll waits."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.stop = False

    def __call__(self) -> bool:
        self.asked.release()
        return self.stop


def waiting(pool: ThreadPoolExecutor, engine: Any, flag: Flag) -> Future[Any]:
    """A poll that is certainly waiting."""
    flag.asked = threading.Semaphore(0)  # an earlier poll may have asked more often than was waited for
    future = pool.submit(engine.poll_for_decision_task, **POLL)
    for _ in range(3):
        assert flag.asked.acquire(timeout=10)
    assert not future.done()
    return future


def test_a_task_ends_the_wait(make: Make, pool: ThreadPoolExecutor) -> None:
    flag = Flag()
    engine = make(stopping=flag)
    swf = Swf(engine)
    future = waiting(pool, engine, flag)
    execution = swf.start()
    assert future.result(10)["workflowExecution"] == execution


def test_stopping_ends_the_wait(make: Make, pool: ThreadPoolExecutor) -> None:
    flag = Flag()
    engine = make(stopping=flag)
    Swf(engine)
    future = waiting(pool, engine, flag)
    flag.stop = True
    began = time.monotonic()
    assert future.result(10) == EMPTY
    assert time.monotonic() - began < 1
    assert engine.poll_for_activity_task(**POLL) == {"startedEventId": 0}


def test_the_long_poll_ends(make: Make) -> None:
    engine = make(long_poll_seconds=0.05)
    Swf(engine)
    began = time.monotonic()
    assert engine.poll_for_decision_task(**POLL) == EMPTY
    assert 0.04 < time.monotonic() - began < 5


@pytest.mark.parametrize("step", [0, -100])
def test_a_long_poll_ends_though_the_clock_stands_or_goes_back(make: Make, step: float) -> None:
    class Clock:
        time = 1_700_000_000.0

        def now(self) -> float:
            self.time += step
            return self.time

    engine = make(long_poll_seconds=0.05, clock=Clock())
    Swf(engine)
    began = time.monotonic()
    assert engine.poll_for_decision_task(**POLL) == EMPTY
    assert 0.04 < time.monotonic() - began < 5


def test_a_deadline_ends_the_wait(make: Make) -> None:
    """The very poll that waits fires the timer."""
    engine = make(long_poll_seconds=20)
    swf = Swf(engine)
    swf.start()
    swf.decide(swf.timer(seconds=1))
    began = time.monotonic()
    assert swf.poll_decision()["startedEventId"] == 8
    assert time.monotonic() - began < 10


def test_moving_the_clock_ends_the_wait(make: Make, pool: ThreadPoolExecutor) -> None:
    flag, clock = Flag(), VirtualClock()
    engine = make(stopping=flag, clock=clock)
    swf = Swf(engine)
    execution = swf.start(taskStartToCloseTimeout="NONE")
    swf.decide(swf.timer(seconds=50))
    future = waiting(pool, engine, flag)
    clock.advance(40)
    assert not future.done()
    clock.advance(10)
    assert future.result(10)["workflowExecution"] == execution
    future = waiting(pool, engine, flag)
    clock.advance(59)
    assert not future.done()
    clock.advance(1)
    assert future.result(10) == EMPTY, "the long poll is 60 seconds of the engine's own time"


def test_each_of_many_who_wait_gets_one(make: Make, pool: ThreadPoolExecutor) -> None:
    flag = Flag()
    engine = make(stopping=flag)
    swf = Swf(engine)
    futures = [pool.submit(engine.poll_for_decision_task, **POLL) for _ in range(6)]
    for _ in range(20):
        assert flag.asked.acquire(timeout=10)
    names = {swf.start(f"w-{number}")["workflowId"] for number in range(6)}
    assert {future.result(10)["workflowExecution"]["workflowId"] for future in futures} == names


def test_respond_and_poll_waits(make: Make, pool: ThreadPoolExecutor) -> None:
    flag = Flag()
    engine = make(stopping=flag)
    swf = Swf(engine)
    swf.start("w-1")
    task = swf.poll_decision()
    respond = ("respond_decision_task_completed", {"taskToken": task["taskToken"]})
    future = pool.submit(engine.respond_and_poll, respond, ("poll_for_decision_task", POLL))
    for _ in range(3):
        assert flag.asked.acquire(timeout=10)
    swf.start("w-2")
    assert future.result(10)["workflowExecution"]["workflowId"] == "w-2"


def test_threads_share_an_engine(make: Make, pool: ThreadPoolExecutor) -> None:
    engine = make(long_poll_seconds=0)
    swf = Swf(engine)
    swf.start()
    swf.decide(*(swf.schedule(f"a-{number}") for number in range(200)))

    def work(_: int) -> list[str]:
        done = []
        while (task := swf.poll_activity()).get("taskToken"):
            engine.record_activity_task_heartbeat(taskToken=task["taskToken"])
            engine.respond_activity_task_completed(taskToken=task["taskToken"])
            done.append(task["activityId"])
        return done

    done = [name for names in pool.map(work, range(8)) for name in names]
    assert sorted(done) == sorted(f"a-{number}" for number in range(200))


def test_two_engines_in_one_process(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    flag = Flag()
    with Engine(tmp_path / "engine.db", stopping=flag) as one, Engine(tmp_path / "engine.db") as two:
        swf = Swf(two)
        future = waiting(pool, one, flag)
        execution = swf.start()
        assert future.result(10)["workflowExecution"] == execution


@pytest.mark.parametrize("kind", ["threads", "sockets"])
def test_bells(tmp_path: Path, kind: str) -> None:
    bell = ThreadBell() if kind == "threads" else SocketBell(str(tmp_path))
    began = time.monotonic()
    with bell.waiting("d1") as waiter:
        bell.ring("d1", 1)
        waiter.wait(10)
        bell.ring_here()
        waiter.wait(10)
        assert time.monotonic() - began < 5, "a ring before the wait is heard"
        waiter.wait(0.02)
    assert time.monotonic() - began >= 0.02, "each ring is heard once"
    bell.close()


def test_a_socket_rings_its_topic_only_and_as_often_as_there_is_work(tmp_path: Path) -> None:
    bell = SocketBell(str(tmp_path))
    with bell.waiting("a"), bell.waiting("a"), bell.waiting("b"):
        names = sorted(path.name.split(".")[0] for path in tmp_path.iterdir())
        assert names == ["a", "a", "b"]
        sent: list[str] = []
        send = bell._send
        bell._send = lambda name: sent.append(name) or send(name)  # type: ignore[method-assign,func-returns-value]
        bell.ring("a", 1)
        assert len(sent) == 1
        bell.ring("a", 5)
        assert len(sent) == 3 and all(name.startswith("a.") for name in sent)
    bell.close()
    assert not tmp_path.exists(), "the last one clears up"


def test_sockets_of_the_dead_are_cleared_away(tmp_path: Path) -> None:
    dead = SocketBell(str(tmp_path))
    with dead.waiting("a"):
        for waiter in dead._waiting:
            waiter._socket.close()  # as the kernel does when a process is killed
        left = [path.name for path in tmp_path.iterdir()]
        assert len(left) == 1
        living = SocketBell(str(tmp_path))
        assert list(tmp_path.iterdir()) == []
        living.ring("a", 1)
        living.close()
    dead.close()


def test_directories_of_the_dead_are_swept_away(tmp_path: Path) -> None:
    """Those in which somebody waits, or did lately, stay."""
    for name in ("dead", "empty", "living", "young"):
        (tmp_path / name).mkdir()
    dead, living = SocketBell(str(tmp_path / "dead")), SocketBell(str(tmp_path / "living"))
    with dead.waiting("a"), living.waiting("a"):
        for waiter in dead._waiting:
            waiter._socket.close()
        for name in ("dead", "empty", "living"):
            os.utime(tmp_path / name, (1, 1))
        sweep(str(tmp_path), 1000)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["living", "young"]
    dead.close()
    living.close()


def test_who_waits_makes_its_directory_again(tmp_path: Path) -> None:
    """Another process, the last one there, has removed it."""
    directory = tmp_path / "bell"
    directory.mkdir(0o700)
    bell, other = SocketBell(str(directory)), SocketBell(str(directory))
    other.close()
    assert not directory.exists()
    with bell.waiting("a"):
        assert [path.name.split(".")[0] for path in directory.iterdir()] == ["a"]
    bell.close()


def test_without_sockets_looking_is_enough(
    tmp_path: Path, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no run-time directory, another engine's commit is seen by the file's version."""
    monkeypatch.setattr("simpleflow.engine.engine.bell_of", lambda path: ThreadBell())
    flag = Flag()
    with Engine(tmp_path / "engine.db", stopping=flag) as one, Engine(tmp_path / "engine.db") as two:
        swf = Swf(two)
        future = waiting(pool, one, flag)
        execution = swf.start()
        assert future.result(10)["workflowExecution"] == execution


def test_writers_queue_on_the_lock_file(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    """Who holds the lock file is alone in writing; reading goes on."""
    with Engine(tmp_path / "engine.db") as engine, Engine(tmp_path / "engine.db") as reader:
        swf = Swf(engine)
        with open(tmp_path / "engine.db-lock", "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            future = pool.submit(swf.start)
            with pytest.raises(TimeoutError):
                future.result(0.1)
            assert reader.list_open_workflow_executions(domain="contract", startTimeFilter={"oldestDate": 0}) == {
                "executionInfos": []
            }
            fcntl.flock(file, fcntl.LOCK_UN)
            assert future.result(10)


def test_a_clock_that_goes_back() -> None:
    """The system's clock may be set back; the times of a history are not."""

    class Clock:
        time = 1_700_000_000.0

        def now(self) -> float:
            return self.time

    clock = Clock()
    with Engine(None, clock=clock, long_poll_seconds=0) as engine:
        swf = Swf(engine)
        execution = swf.start()
        swf.decide(swf.schedule())
        clock.time -= 1000
        engine.respond_activity_task_completed(taskToken=swf.poll_activity()["taskToken"])
        assert {event["eventTimestamp"].timestamp() for event in swf.history(execution)} == {1_700_000_000.0}
