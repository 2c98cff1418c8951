"""What a terminal shows: live progress below what is printed, tables with colours, a traceback where it helps."""

from __future__ import annotations

import os
import pty
import re
import subprocess

from shell import PATIENCE, Project

BASIC = "examples.basic.BasicWorkflow"
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def typed(project: Project, *arguments: str) -> tuple[int, str]:
    """Run a command on a terminal; its exit code, and all that the terminal got."""
    terminal, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(project.executable), *arguments],
        cwd=project.path,
        env={**project.env, "TERM": "xterm", "COLUMNS": "160"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    found = b""
    try:
        while part := os.read(terminal, 65536):
            found += part
    except OSError:  # the last process has closed it
        pass
    os.close(terminal)
    return process.wait(PATIENCE), found.decode().replace("\r\n", "\n")


def test_progress(project: Project) -> None:
    code, shown = typed(project, "standalone", "-d", "D", "-W", "2", BASIC, "--input", "[1, 1]")
    assert code == 0
    assert "2 of 3 tasks done, 1 running, 0:0" in shown
    assert "3 of 3 tasks done, 0 running, 0:0" in shown
    assert "\x1b[2K(1 + 1) * 2 = 4\n" in shown  # a whole line, the progress erased before it
    assert shown.endswith("\x1b[2Kresult: 4\n")  # and at the end no progress is left


def test_no_progress_without_a_terminal(project: Project) -> None:
    done = project.run("standalone", "-d", "D", "-W", "1", BASIC, "--input", "[1, 0]")
    assert "tasks done" not in done.stdout + done.stderr
    assert "\x1b" not in done.stdout + done.stderr


def test_tables(project: Project) -> None:
    project.write(
        "flows.py",
        "from simpleflow import Workflow\n"
        "class Failing(Workflow):\n"
        "    def run(self):\n"
        "        raise ValueError('nope')\n",
    )
    assert project.run("standalone", "-d", "D", "--workflow-id", "W", "-W", "1", "flows.Failing").returncode == 3
    code, shown = typed(project, "workflow.list", "D", "--status", "closed")
    assert code == 0
    assert re.search(r"\x1b\[31mFAILED *\x1b\[0m", shown)
    header, row = (ESCAPES.sub("", line).split() for line in shown.splitlines())
    assert header[:4] == ["Workflow", "ID", "Workflow", "Type"]
    assert row[:4] == ["W", "Failing", "CLOSED", "FAILED"]

    code, shown = typed(project, "--color", "never", "workflow.info", "D", "W")
    assert code == 0
    assert "\x1b[31m" not in shown
    assert re.search(r"^failure +ValueError: nope", shown, re.MULTILINE)
    assert shown.endswith("ValueError: nope\n")
    assert 'flows.py", line 4, in run\n' in shown
    piped = project.run("workflow.info", "D", "W")
    assert len(piped.stdout.splitlines()) == 1
