"""Broken rules of how runs end and are repaired, for `tools/mutants.py`."""

from __future__ import annotations

OUTBOX = "simpleflow/decider/outbox.py"
PROGRAM = "simpleflow/dataflow/program.py"
REPAIR = "simpleflow/decider/repair.py"
ENDINGS = "tests/unit/decider/test_endings.py"
TAKEN_OVER = "tests/unit/decider/test_taken_over.py"

MUTANTS = [
    (
        "ends: what is sent with the close may be refused",
        OUTBOX,
        "any(entry.refusals or _is_missed(entry.command) for entry in sent)",
        "any(entry.refusals for entry in sent)",
        ENDINGS,
    ),
    (
        "ends: a child that is dropped leaves its signals",
        OUTBOX,
        "        self._prune_signals()\n        return dropped\n",
        "        return dropped\n",
        ENDINGS,
    ),
    (
        "ends: a run that is to go on as new cannot be cancelled",
        PROGRAM,
        "elif isinstance(event, CancelRequested) and going_on is not None:",
        "elif False:",
        ENDINGS,
    ),
    (
        "ends: one whose end was refused is read from its start",
        "simpleflow/decider/decide.py",
        'if self._ended not in (None, task["workflowExecution"]["runId"]):',
        "if self._ended is not None:",
        ENDINGS,
    ),
    (
        "repair: the next attempt of a child repairs the former run's",
        REPAIR,
        "        if order_of(input) is not None:\n",
        "        if False:\n",
        TAKEN_OVER,
    ),
    (
        "repair: the run that goes on repairs nothing",
        REPAIR,
        "        if isinstance(command, ContinueAsNew):\n",
        "        if isinstance(command, ContinueAsNew):\n            return None\n",
        TAKEN_OVER,
    ),
    (
        "repair: a child is repaired by the run that it ended as",
        REPAIR,
        "if type == words.begun:",
        'if "workflowExecution" in given:',
        TAKEN_OVER,
    ),
    (
        "repair: a reference is cut in two",
        REPAIR,
        "return min(found.start(), MAX_PIECE)",
        "return MAX_PIECE",
        TAKEN_OVER,
    ),
]
