"""The mutants of tools/: each is there once, changes one place of what it breaks, and names tests
that are there."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_every_mutant_fits_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "tools")
    mutants = importlib.import_module("mutants").MUTANTS
    texts = {mutant.file: (ROOT / mutant.file).read_text() for mutant in mutants}
    assert [mutant.name for mutant in mutants if texts[mutant.file].count(mutant.old) != 1] == []
    named = {name for mutant in mutants for name in mutant.tests.split() if not name.startswith("-")}
    assert [name for name in sorted(named) if not (ROOT / name.partition("::")[0]).exists()] == []
    twice = Counter(text for mutant in mutants for text in (mutant.name, (mutant.file, mutant.old, mutant.new)))
    assert [text for text, times in twice.items() if times > 1] == []
