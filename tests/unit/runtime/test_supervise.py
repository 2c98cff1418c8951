"""Values and rules of supervising."""

from __future__ import annotations

import select
from typing import Any

import pytest

from simpleflow.runtime import supervise
from simpleflow.runtime.spec import Spec, Work
from simpleflow.runtime.stop import Stop
from simpleflow.runtime.supervise import HEALTHY, Supervised, restart_delay
from simpleflow.runtime.titles import untitled
from simpleflow.runtime.trees import exit_cause


def test_a_spec_survives_a_command_line() -> None:
    spec = Spec("decider", "sqlite:/a b.sqlite", "D", "l", ("m.A", "m.B"), heartbeat=5, one_task=True, life_fd=7)
    assert Spec.from_json(spec.to_json()) == spec
    works = Spec("worker", "e", "d", "l", work=Work(3, "fresh", 7, 500, ("m", "n"), ("a",)))
    assert Spec.from_json(works.to_json()) == works
    least = Spec.from_json('{"role": "worker", "engine": "e", "domain": "d", "task_list": "l"}')
    assert least == Spec("worker", "e", "d", "l")


@pytest.mark.parametrize("text", ["", "[]", '{"role": "worker"}', '{"role": "w", "nope": 1}'])
def test_a_spec_that_is_none(text: str) -> None:
    with pytest.raises((ValueError, TypeError, AttributeError)):
        Spec.from_json(text)


def test_restarts_slow_down() -> None:
    assert [restart_delay(deaths) for deaths in (1, 2, 3, 4)] == [0.1, 0.2, 0.4, 0.8]
    assert restart_delay(9) == 25.6 and restart_delay(10) == restart_delay(10_000) == 30
    assert restart_delay(1) < HEALTHY


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Dead:
    """A process that has ended."""

    pid, returncode, peak = 7, -9, None

    def poll(self) -> int:
        return self.returncode


def test_who_lived_long_is_started_again_as_if_it_had_never_died(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(supervise, "time", clock)
    monkeypatch.setattr(supervise, "kill_tree", lambda pid: None)
    place = Supervised(Spec("worker", "e", "d", "l"), (), None, untitled)
    pauses = []
    for lived in (0, 1, 2, HEALTHY + 1, 0):
        dead: Any = Dead()
        place.process, place._started = dead, clock.now
        clock.now += lived
        assert place.ended() == "pid 7: killed by signal 9, perhaps out of memory" and place.ended() is None
        pauses.append(round(place.due - clock.now, 3))
    assert pauses == [0.1, 0.2, 0.4, 0.1, 0.2]


def test_the_end_of_the_grace_is_a_second_request(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("simpleflow.runtime.stop.time", clock)
    stop = Stop(30)
    stop.request()
    clock.now += 29
    assert stop.requests == 1 and stop.within(None) == stop.within(60) == 1
    clock.now += 1
    assert stop.requests == 2 and stop.within(None) is None


@pytest.mark.parametrize(
    ("code", "peak", "cause"),
    [
        (0, None, "exit code 0"),
        (3, 23_800_000, "exit code 3; peak memory 24 MB"),
        (-9, 3_900_000_000, "killed by signal 9, perhaps out of memory; peak memory 3.9 GB"),
        (-11, None, "killed by signal 11 (SIGSEGV)"),
        (-14, None, "killed by signal 14 (SIGALRM): what it did took too long"),
        (-63, None, "killed by signal 63 (unknown)"),
    ],
)
def test_causes(code: int, peak: int | None, cause: str) -> None:
    assert exit_cause(code, peak) == cause


def test_a_request_wakes_and_is_counted() -> None:
    stop = Stop()
    assert not stop()
    stop.request()
    stop.request()
    stop.wait(None)  # would last for ever
    assert stop() and stop.requests == 2
    assert not select.select([stop], [], [], 0)[0]  # and is silent again, or the next loop would spin
    stop.sleep(60)  # not at all
