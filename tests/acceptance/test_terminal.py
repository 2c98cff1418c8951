"""What a terminal shows: live progress below what is printed, tables with colours, a traceback where it helps."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import termios
import threading
from collections.abc import Sequence

from shell import PATIENCE, Project

BASIC = "examples.basic.BasicWorkflow"
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def typed(project: Project, *arguments: str, columns: int = 160, signals: Sequence[str] = ()) -> tuple[int, str]:
    """Run a command on a terminal; its exit code, and all that the terminal got. It gets SIGINT whenever the next of
    the `signals` was shown."""
    terminal, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    waiting = [text.encode() for text in signals]
    process = subprocess.Popen(
        [str(project.executable), *arguments],
        cwd=project.path,
        env={**project.env, "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    patience = threading.Timer(PATIENCE, process.kill)
    patience.start()
    found = b""
    try:
        while part := os.read(terminal, 65536):
            found += part
            if waiting and waiting[0] in found:
                del waiting[0]
                process.send_signal(signal.SIGINT)
    except OSError:  # the last process has closed it
        pass
    patience.cancel()
    os.close(terminal)
    return process.wait(PATIENCE), found.decode().replace("\r\n", "\n")


def test_progress(project: Project) -> None:
    code, shown = typed(project, "standalone", "-d", "D", "-W", "2", BASIC, "--input", "[1, 1]")
    assert code == 0
    assert "2 of 3 tasks done, 1 running, 0:0" in shown
    assert "3 of 3 tasks done, 0 running, 0:0" in shown
    assert "\x1b[2K(1 + 1) * 2 = 4\n" in shown  # a whole line, the progress erased before it
    assert shown.endswith("\x1b[2Kresult: 4\n")  # and at the end no progress is left


def test_a_live_view(project: Project) -> None:
    """Lines that are drawn over, with a row for each type of task; at the end of it the table of what it was about."""
    ids = ("-d", "D", "--workflow-id", "W")
    code, shown = typed(project, "standalone", *ids, "-W", "1", "--follow", BASIC, "--input", "[1, 0]", columns=100)
    assert code == 0
    assert re.search(r"\x1b\[\d+A\x1b\[2K\x1b\[1mW\x1b\[0m  basic  \x1b\[36mOPEN\x1b\[0m  0:0\d\n", shown)
    assert re.search(r"examples\.basic\.increment +\x1b\[32m━+\x1b\[0m.*1/1", shown)
    assert "\x1b[J(1 + 1) * 2 = 4\n" in shown  # a whole line, the view erased before it
    assert ESCAPES.sub("", shown.rpartition("\x1b[J")[2]) == "result: 4\n"

    code, shown = typed(project, "workflow.tasks", "D", "W", "--follow")
    assert code == 0
    header, *rows, result = (ESCAPES.sub("", line).strip() for line in shown.splitlines())
    assert (header.split()[0], len(rows), result) == ("Tasks", 3, "result: 4")


def test_progress_on_a_narrow_terminal(project: Project) -> None:
    """What an activity tells takes the room that is left, wide characters too, and Ctrl-C leaves nothing of it."""
    os.mkfifo(project.path / "fifo")
    project.write(
        "flows.py",
        "from simpleflow import Workflow, activity\n"
        "@activity.with_attributes()\n"
        "def pages():\n"
        "    activity.progress(3, 7, 'ページ' * 9 + '\\n\\x1b[2J')\n"
        "    open('fifo').read()\n"
        "class Pages(Workflow):\n"
        "    def run(self):\n"
        "        return self.submit(pages).result\n",
    )
    command = ("standalone", "-d", "D", "-W", "1", "flows.Pages")
    code, shown = typed(project, *command, columns=80, signals=["3 of 7", "another Ctrl-C"])
    assert code == 130
    assert re.search(r"\x1b\[2K╌{10}  0 of 1 tasks done, 1 running, 0:0\d  flows.pages-1 3 of 7: ページペ…\r", shown)
    assert "worker.start --domain D --task-list" in shown.rpartition("\x1b[2K")[2]


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
