"""The example for operators as a command, on the file in which a run has just ended."""

from __future__ import annotations

import re
import subprocess
import sys

from places import everywhere
from shell import PATIENCE, Project


@everywhere(soak=("moto",))
def test_it_tells_of_the_runs_of_a_file(project: Project) -> None:
    done = project.run("standalone", "--domain", "TestDomain", "examples.basic.BasicWorkflow", "--input", "[1, 0]")
    assert done.returncode == 0, done.stderr
    looked = subprocess.run(
        [sys.executable, "-m", "examples.ops_report", "--domain", "TestDomain"],
        cwd=project.path,
        env=project.env,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert (looked.returncode, looked.stderr) == (0, "")
    lines = looked.stdout.splitlines()
    assert lines[0] == "Types with runs closed in 7 days: 1"
    assert re.fullmatch(r"  basic example +1 +1 +\d+\.\d +\d+\.\d", lines[2]), lines
    activities = {f"examples.basic.{name}" for name in ("increment", "double", "delay")}
    assert activities >= {line.split()[0] for line in lines[5:-2]} and "examples.basic.increment" in looked.stdout
    assert lines[-2:] == ["Stuck runs: none", "Unused types: none"]
