"""What a mutant is: a rule that is broken, and the tests that must notice."""

from __future__ import annotations

from dataclasses import dataclass

CORE = "tests/unit/dataflow tests/unit/decider tests/property"
#: What notices a broken invariant of the engine.
FIRE = "tests/contract/test_engine_stateful.py"


@dataclass(frozen=True)
class Mutant:
    """`old` becomes `new` in `file`; `tests` must notice."""

    name: str
    file: str
    old: str
    new: str
    tests: str = CORE
