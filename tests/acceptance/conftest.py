"""A user's project, for the tests that type commands in it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from shell import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "project").mkdir()
    made = Project(tmp_path / "project", Path(sys.executable).with_name("simpleflow"))
    yield made
    _, left = psutil.wait_procs(made.processes(), 2)
    made.end()
    assert not left, f"processes are left: {left}"

