"""The root of the package: its names, and that importing it does nothing else."""

from __future__ import annotations

import subprocess
import sys

import simpleflow

NAMES = [
    "Activity",
    "Future",
    "Workflow",
    "activity",
    "canvas",
    "constants",
    "exceptions",
    "futures",
    "start",
    "task",
    "workflow",
]

HEAVY = ("apsw", "boto3", "botocore", "click", "greenlet", "platformdirs", "psutil", "rich", "simpleflow.engine")


def test_exported_names() -> None:
    assert simpleflow.__all__ == NAMES == sorted(NAMES)
    assert all(hasattr(simpleflow, name) for name in NAMES)


def test_import_has_no_side_effect() -> None:
    program = (
        "import logging, sys, simpleflow\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
        "print(logging.root.handlers, logging.getLogger('simpleflow').handlers)\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n[] []\n"
    assert done.stderr == ""
