"""When heartbeats are due, what they carry, and what their answers mean."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from simpleflow import log as logs
from simpleflow.protocol.faults import Fault, client_error
from simpleflow.runtime import heart
from simpleflow.runtime.heart import Heart, Pulse


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr(heart, "time", clock)
    yield clock


class Engine:
    """Answers heartbeats with what it is told, one after the other; then with nothing."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls: list[dict[str, Any]] = []
        self.heard = threading.Semaphore(0)

    def record_activity_task_heartbeat(self, **request: Any) -> Any:
        self.calls.append(request)
        answer = self.answers.pop(0) if self.answers else {}
        self.heard.release()
        if isinstance(answer, Exception):
            raise answer
        return answer


def fault(code: str) -> Exception:
    return client_error(Fault(code, "by hand"), "RecordActivityTaskHeartbeat")


def pulse(*times: float | None, **more: Any) -> tuple[Pulse, list[bool]]:
    rung: list[bool] = []
    return Pulse("token", "task", lambda: rung.append(True), *times, **more), rung


@pytest.mark.parametrize(
    ("timeout", "most", "first"),
    [
        (60, None, 20),
        (1, None, 1 / 3),
        (600, None, 60),
        (None, None, 60),
        (60, 5, 5),
        (6, 5, 2),
        (None, 7, 7),
        (60, 0, float("inf")),
    ],
)
def test_the_first_heartbeat(clock: Clock, timeout: float | None, most: int | None, first: float) -> None:
    assert pulse(timeout, most=most)[0].due - clock.now == pytest.approx(first)


def test_heartbeats_go_on_and_drift(clock: Clock) -> None:
    one, _ = pulse(30)
    engine = Engine()
    for _ in range(50):
        clock.now = one.due
        one.beat(engine)
        assert 8 <= one.due - clock.now <= 10
    assert engine.calls == [{"taskToken": "token"}] * 50


def test_the_end_of_a_tasks_time_is_asked_about_once(clock: Clock) -> None:
    one, rung = pulse(60, 2)
    assert one.due - clock.now == pytest.approx(2.1)
    clock.now = one.due
    one.beat(Engine())
    assert 16 <= one.due - clock.now <= 20 and not rung


def test_a_kind_without_heartbeats_is_over_by_the_clock(clock: Clock) -> None:
    one, rung = pulse(None, 2, most=0, asks=False)
    clock.now = one.due
    engine = Engine()
    one.beat(engine)
    assert one.verdict == "lost" and rung and not engine.calls


def test_what_fails_is_tried_again_ever_later_and_ends_nothing(clock: Clock) -> None:
    one, rung = pulse(60)
    pauses = []
    for _ in range(8):
        clock.now = one.due
        one.beat(Engine(fault("ThrottlingException")))
        pauses.append(one.due - clock.now)
    assert all(least <= pause <= 2 * least for pause, least in zip(pauses[:5], (0.25, 0.5, 1, 2, 4), strict=True))
    assert 10 <= pauses[-1] <= 20, "as often as a third of the timeout, whatever happens"
    clock.now = one.due
    one.beat(Engine())
    assert 16 <= one.due - clock.now <= 20
    assert one.verdict is None and not rung


def test_what_the_engine_says_ends_a_task(clock: Clock) -> None:
    one, rung = pulse(60)
    one.beat(Engine({"cancelRequested": True}))
    assert one.verdict == "cancel" and len(rung) == 1
    one.beat(Engine({"cancelRequested": True}))
    assert len(rung) == 1, "it is told once"
    one.beat(Engine(fault("UnknownResourceFault")))
    assert one.verdict == "lost" and len(rung) == 2 and one.due == float("inf")


def test_details_go_out_soon_and_stay(clock: Clock) -> None:
    one, _ = pulse(60)
    engine = Engine()
    one.say("1")
    one.say("2")
    assert one.due == clock.now + 1
    clock.now = one.due
    one.beat(engine)
    one.say(None)
    assert one.due == clock.now + 1, "a call without details asks the engine, too"
    clock.now = one.due
    one.beat(engine)
    assert [call["details"] for call in engine.calls] == ["2", "2"]


def test_a_heart_beats_for_all_its_tasks_until_they_end(clock: Clock) -> None:
    engine = Engine()
    beating = Heart(engine)
    clock.now += 100
    idle, due = pulse(None)[0], pulse(60)[0]
    due._next = clock.now
    beating.begin(idle)
    beating.begin(due)
    assert engine.heard.acquire(timeout=5)
    beating.say(due, "7")
    beating.end(idle)
    due._next = clock.now
    beating.say(due, "8")
    assert engine.heard.acquire(timeout=5)
    assert engine.calls[-1]["details"] == "8"
    beating.end(due)
    due._next = clock.now
    other = Pulse("other", "task", lambda: None, 60)
    other._next = clock.now
    beating.begin(other)
    assert engine.heard.acquire(timeout=5)
    beating.close()
    assert [call["taskToken"] for call in engine.calls] == ["token", "token", "other"]


def test_the_answer_to_a_task_that_is_over_is_nobodys() -> None:
    one, rung = pulse(60)
    one.on = False
    one.beat(Engine({"cancelRequested": True}, ))
    one.beat(Engine(fault("UnknownResourceFault")))
    assert one.verdict is None and not rung


def test_a_run_that_has_ended_ends_the_task_and_is_nobodys_fault(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "simpleflow.runtime")
    one, rung = pulse(60)
    one.beat(Engine(client_error(Fault("UnknownResourceFault", "Unknown execution: WorkflowExecution=[]"), "Record")))
    assert one.verdict == "lost" and rung
    (record,) = caplog.records
    said = "task is ended: its run has ended, the result is not needed"
    assert (record.levelname, record.message) == ("INFO", said)


def test_its_log_lines_are_named_as_the_task_is(caplog: pytest.LogCaptureFixture) -> None:
    said: list[tuple[str, str, int | str]] = []
    caplog.handler.addFilter(lambda record: said.append(logs.subject.what) is None)
    engine = Engine(fault("UnknownResourceFault"))
    what = "activity", "a-run", "task"
    logs.subject.what = what
    try:
        one, _ = pulse(0.03)
    finally:
        logs.subject.what = logs.NOTHING
    ours = Heart(engine)
    ours.begin(one)
    engine.heard.acquire(timeout=10)
    ours.close()
    assert said == [what]
