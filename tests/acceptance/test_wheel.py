"""The wheel, in an empty environment, with nothing of the source tree at hand but a copy of the examples."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from shell import PATIENCE, ROOT, Project

BASIC = "examples.basic.BasicWorkflow"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("wheel")
    source = made / "source"
    for package in ("simpleflow", "swf"):
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    _pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", str(made), str(source))
    [found] = made.glob("simpleflow-*.whl")
    return found


@pytest.fixture(scope="module")
def executable(wheel: Path) -> Path:
    """The command in an environment that has the wheel and what it depends on."""
    place = wheel.parent / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    _pip(str(place / "bin" / "python"), "install", str(wheel))
    return place / "bin" / "simpleflow"


def test_contents(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {"simpleflow/py.typed", "simpleflow/engine/schema.sql", "simpleflow/engine/queries.sql"} <= set(names)
    assert "simpleflow/protocol/models/swf/2012-01-25/service-2.sdk-extras.json" in names
    tops = {"simpleflow", "swf", wheel.name.rpartition("-py3")[0] + ".dist-info"}
    assert {name.split("/")[0] for name in names} == tops
    aliases = {"swf/py.typed", "swf/models/history/builder.py", "simpleflow/swf/mapper/querysets/workflow.py"}
    assert aliases <= set(names)
    assert any(name.endswith("/LICENSE") for name in names)


def test_quickstart(executable: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    project = Project(tmp_path / "elsewhere", executable)
    local = project.run("workflow.start", "--local", BASIC, "--input", "[1, 0]")
    assert (local.returncode, local.stdout) == (0, "(1 + 1) * 2 = 4\n"), local.stderr
    durable = project.run("standalone", "--domain", "TestDomain", BASIC, "--input", "[1, 0]")
    assert durable.returncode == 0, durable.stderr
    assert durable.stdout.splitlines()[1:] == ["(1 + 1) * 2 = 4"]
    assert project.run("--version").stdout.startswith("simpleflow, version ")
    assert project.processes() == []


def test_the_contract(wheel: Path, executable: Path, tmp_path: Path) -> None:
    """It says what it needs, and then runs against a server."""
    python = executable.with_name("python")
    suite = [str(python), "-m", "simpleflow.testing.contract"]
    without = subprocess.run(suite, cwd=tmp_path, capture_output=True, text=True)
    [line] = without.stderr.splitlines()
    assert "simpleflow.testing needs pytest; type: pip install 'simpleflow[testing]'" in line
    _pip(str(python), "install", f"{wheel}[testing]")
    (tmp_path / "elsewhere").mkdir()
    project = Project(tmp_path / "elsewhere", executable)
    try:
        server = project.start("server", "--engine", "memory", "--port", "0", "--virtual-clock")
        url = server.says(r"http://\S+").group()
        arguments = [*suite, url, "--can", "clock", "-k", "executions or orders or timeouts", "-q"]
        done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stdout
        assert re.search(r"^\d\d passed, \d+ deselected", done.stdout.splitlines()[-1])
        server.interrupt()
        server.ends()
    finally:
        project.end()


def _pip(python: str, *arguments: str) -> None:
    subprocess.run([python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments], check=True)
