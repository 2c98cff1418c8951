"""When a decision is tried apart, and how long one may keep others waiting."""

from __future__ import annotations

import json
import math
import socket
from collections.abc import Iterator
from typing import Any, cast

import pytest

from simpleflow.decider.parking import Parked, lost_by
from simpleflow.runtime.deciding import patience
from simpleflow.runtime.poll import identity, lives
from simpleflow.runtime.spec import Spec
from simpleflow.runtime.trials import Trials

ME = identity()
DEAD = json.dumps({"hostname": socket.gethostname(), "pid": 2**22 + 1})
ELSEWHERE = json.dumps({"hostname": "elsewhere", "pid": json.loads(ME)["pid"]})


def event(kind: str, **given: Any) -> dict[str, Any]:
    return {"eventType": kind, f"{kind[0].lower()}{kind[1:]}EventAttributes": given}


def lost(*whose: str) -> list[dict[str, Any]]:
    """A history in which these have lost a decision each."""
    late = event("DecisionTaskTimedOut", timeoutType="START_TO_CLOSE")
    return [
        event("DecisionTaskStarted", identity="before"),
        late,
        event("DecisionTaskCompleted"),
        *(each for name in whose for each in (event("DecisionTaskStarted", identity=name), late)),
        event("DecisionTaskStarted", identity="now"),
    ]


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trials]:
    """Those of a decider that can begin no more of them: what is to be tried is parked."""
    monkeypatch.setattr("simpleflow.runtime.trials.AT_ONCE", 0)
    made = Trials(cast(Any, None), Spec("decider", "memory", "D"))
    yield made
    made.close()


def test_who_lost_the_last_decision() -> None:
    assert lost_by(lost("a", "b")) == "b"
    assert lost_by(lost()) is None
    moved = event("DecisionTaskTimedOut", timeoutType="SCHEDULE_TO_START")
    assert lost_by([event("DecisionTaskStarted", identity="a"), moved]) is None


def test_who_is_known_to_live() -> None:
    assert lives(ME)
    for other in (DEAD, ELSEWHERE, "", "None", '{"pid', "[1]", "7"):
        assert not lives(other), other


@pytest.mark.parametrize("losers", [(ME,), (DEAD, ME)], ids=range(2))
def test_who_lost_a_decision_and_lives_was_slow(trials: Trials, losers: tuple[str, ...]) -> None:
    trials({}, lost(*losers))  # it is decided where it is


@pytest.mark.parametrize("losers", [(), (DEAD,), (ELSEWHERE,), (ME, DEAD)], ids=range(4))
def test_who_may_have_died_of_a_decision(trials: Trials, losers: tuple[str, ...]) -> None:
    with pytest.raises(Parked, match="waits until others") as found:
        trials({}, lost(*losers))
    assert found.value.apart


@pytest.mark.parametrize(("timeout", "most"), [(1, 0.8), (5, 4), (6, 4.8), (10, 5), (30, 10), (300, 100)])
def test_a_decision_keeps_others_waiting_for_a_third_of_its_timeout(timeout: float, most: float) -> None:
    assert math.isclose(patience(timeout) or 0, most)
    assert patience(None) is None
