"""Grouping must not matter to branches, coroutines and waits either: chunks, evictions, lost responses."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from branching import branching_workflow, branchings
from programs import NO_SHRINKING
from simpleflow import Workflow
from test_grouping import Life, assert_close, compare, live_and_compare, oracle, read_in_chunks
from test_on_the_engine import EngineWorld


class BranchingLife(Life):
    remember = True

    def make_workflow(self, program: dict[str, Any]) -> type[Workflow]:
        return branching_workflow(program, self.printed)


any_life = given(branchings, st.sampled_from([2, 1000]), st.integers(0, 2**32))


@settings(deadline=None, phases=NO_SHRINKING, max_examples=500)
@any_life
def test_any_life_is_the_life_of_the_pure_core(program: dict[str, Any], max_open: int, seed: int) -> None:
    live_and_compare(BranchingLife(Random(seed), program, max_open=max_open))


@pytest.mark.soak
@settings(deadline=None, phases=NO_SHRINKING, max_examples=30_000)
@any_life
def test_many_lives_are(program: dict[str, Any], max_open: int, seed: int) -> None:
    live_and_compare(BranchingLife(Random(seed), program, max_open=max_open))


@settings(deadline=None, phases=NO_SHRINKING, max_examples=60)
@given(branchings, st.integers(0, 2**32))
def test_any_life_on_the_engine_is_the_life_of_the_pure_core(program: dict[str, Any], seed: int) -> None:
    life = BranchingLife(
        Random(seed), {**program, "steps": timeless(program["steps"])}, world=EngineWorld()
    )
    life.live()
    compare(life)
    asked, end, _ = oracle(life)
    assert_close(life, asked, end)


def timeless(steps: list[Any]) -> list[Any]:
    """Steps that do not look at the clock: two worlds have two."""
    kept: list[Any] = []
    for step in steps:
        if step[0] in ("branch", "follow"):
            kept.append((step[0], timeless(step[1])))
        elif step[0] == "gather":
            kept.append((step[0], [timeless(part) for part in step[1]], *step[2:]))
        elif step[0] != "now":
            kept.append(step)
    return kept


@settings(deadline=None, phases=NO_SHRINKING, max_examples=250)
@given(branchings, st.integers(0, 2**32))
def test_a_history_can_be_read_in_any_chunks(program: dict[str, Any], seed: int) -> None:
    chance = Random(seed)
    life = BranchingLife(chance, program)
    life.live()
    read_in_chunks(life, chance)
