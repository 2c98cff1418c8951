"""The root of the package: its names, and that importing it does nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest

import simpleflow

NAMES = [
    "Activity",
    "Future",
    "Workflow",
    "activity",
    "canvas",
    "constants",
    "download",
    "exceptions",
    "execute",
    "futures",
    "log",
    "logger",
    "metrology",
    "settings",
    "start",
    "step",
    "storage",
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


def test_what_few_programs_use_is_imported_when_it_is_named() -> None:
    program = (
        "import sys, simpleflow\n"
        "late = ('download', 'execute', 'metrology', 'step', 'storage')\n"
        "print([name for name in late if f'simpleflow.{name}' in sys.modules])\n"
        "print([getattr(simpleflow, name).__name__ for name in late])\n"
        "print('boto3' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    names = [f"simpleflow.{name}" for name in ("download", "execute", "metrology", "step", "storage")]
    assert done.stdout == f"[]\n{names}\nFalse\n"
    with pytest.raises(AttributeError, match="has no attribute 'formats'"):
        _ = simpleflow.formats  # type: ignore[attr-defined]
