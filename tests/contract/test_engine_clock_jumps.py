"""A clock that jumps both ways while flows run: each ends, and its history is in order."""

from __future__ import annotations

import collections
import os
import random
from pathlib import Path
from typing import Any

import pytest
from engine_crashes import ACTIVITIES, Process
from engine_integrity import check_integrity

from simpleflow.clients import client as open_client
from simpleflow.protocol.faults import code_of
from simpleflow.testing.contract.swf import Swf

JUMPS = (-36_000.0, -3_600.0, -1.0, 0.001, 1.0, 61.0, 3_600.0, 36_000.0)  # seconds from where it should be


class JumpingClock:
    """The time, or one that is hours from it."""

    def __init__(self, chance: random.Random) -> None:
        self.time = 1_700_000_000.0
        self.jumps = 0
        self._chance = chance
        self._off = 0.0

    def now(self) -> float:
        self.time += 0.001
        if self._chance.random() < 0.05:
            self._off = self._chance.choice(JUMPS)
            self.jumps += 1
        return self.time + self._off

    def set(self, now: float) -> None:
        """Somebody waits: a minute passes."""
        self.time += 60


class Stubborn(Process):
    """One that goes on where its task was lost to a jump."""

    def call(self, method: str, **given: Any) -> Any:
        try:
            return super().call(method, **given)
        except Exception as error:
            if code_of(error) != "UnknownResourceFault":
                raise
            return {}

    def tell(self, *words: str) -> None:
        pass


@pytest.mark.parametrize("seeds", [range(8), pytest.param(range(8, 400), marks=pytest.mark.soak)], ids=["few", "many"])
def test_a_clock_that_jumps_both_ways(tmp_path: Path, seeds: range) -> None:
    jumps = 0
    for seed in [int(os.environ["SEED"])] if "SEED" in os.environ else seeds:
        path = tmp_path / f"{seed}.db"
        with open_client(f"sqlite:{path}") as client:  # type: ignore[attr-defined]
            Swf(client)
        clock = JumpingClock(random.Random(seed))
        process = Stubborn(str(path), clock, out=-1)
        for number in range(3):
            process.start(f"w-{number}")
        process.until_idle()
        process.swf.close()
        jumps += clock.jumps
        histories = check_integrity(str(path)).values()
        assert len(histories) == 6, f"SEED={seed}"
        for history in histories:
            kinds = collections.Counter(event[2] for event in history)
            child = "TimerStarted" not in kinds
            assert history[-1][2] == "WorkflowExecutionCompleted", f"SEED={seed}: {history[-1]}"
            assert kinds["ActivityTaskCompleted"] == (1 if child else ACTIVITIES), f"SEED={seed}"
            assert kinds["WorkflowExecutionSignaled"] == (not child), f"SEED={seed}"
    assert jumps > 10
