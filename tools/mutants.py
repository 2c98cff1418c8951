"""Break one rule at a time, and see that a test notices: ``python tools/mutants.py [NAME ...]``.

Each mutant is a change of a few characters in one module; the tests named with it must fail. Works on a copy.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import mutants_of_attempts
import mutants_of_canvases
import mutants_of_core
import mutants_of_deciders
import mutants_of_ends
import mutants_of_engine
import mutants_of_objects
import mutants_of_processes
import mutants_of_steps
import mutants_of_waiting
from mutant import Mutant

from simpleflow.runtime.trees import adopt, kill_below

ROOT = Path(__file__).resolve().parent.parent

MUTANTS = mutants_of_core.MUTANTS + mutants_of_engine.MUTANTS
for module in (
    mutants_of_ends,
    mutants_of_waiting,
    mutants_of_attempts,
    mutants_of_canvases,
    mutants_of_deciders,
    mutants_of_objects,
    mutants_of_processes,
    mutants_of_steps,
):
    MUTANTS += [Mutant(*each) for each in module.MUTANTS]


def caught(mutant: Mutant) -> bool:
    """Whether the tests fail on the mutant."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*"))
        target = copy / mutant.file
        text = target.read_text()
        if text.count(mutant.old) != 1:
            raise SystemExit(f"{mutant.name}: {mutant.file} holds its text {text.count(mutant.old)} times, not once")
        target.write_text(text.replace(mutant.old, mutant.new))
        command = [sys.executable, "-m", "pytest", "-q", "-x", "--show-capture=no", *mutant.tests.split()]
        # A failure is enough: no time is spent on making it small.
        environment = {**os.environ, "HYPOTHESIS_MUTANT": "1", "PYTHONPATH": str(copy)}  # also of what tests start
        try:
            done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, timeout=400, text=True)
        except subprocess.TimeoutExpired:
            return True
        finally:
            kill_below()  # broken rules of processes leave some behind
        return done.returncode == 1


def main(names: list[str]) -> int:
    adopt()
    missed = 0
    for mutant in MUTANTS:
        if names and not any(name in mutant.name for name in names):
            continue
        seen = caught(mutant)
        missed += not seen
        print(f"{'caught' if seen else 'MISSED'}  {mutant.name}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
