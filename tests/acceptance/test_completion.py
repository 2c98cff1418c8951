"""TAB in real shells: commands, options, and ids of runs that are there now; where there is no engine, nothing."""

from __future__ import annotations

import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from shell import PATIENCE, Project
from test_commands import start

SETUPS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(simpleflow completion bash)"'),
    "zsh": (["zsh", "-f", "-i"], 'autoload -U compinit; compinit -D; eval "$(simpleflow completion zsh)"'),
}
THERE = [name for name in SETUPS if shutil.which(name)]


class Typist:
    """Somebody at a shell on a terminal."""

    def __init__(self, terminal: int) -> None:
        self.terminal = terminal
        self.seen = ""

    def types(self, keys: str) -> None:
        self.seen = ""
        os.write(self.terminal, keys.encode())

    def sees(self, pattern: str) -> str:
        """Wait until the pattern is on the terminal, after what was typed last."""
        while not (found := re.search(pattern, self.seen)):
            self.seen += os.read(self.terminal, 65536).decode(errors="replace")
        return found.group()


@contextmanager
def typist(project: Project, shell: str, **env: str) -> Iterator[Typist]:
    words, setup = SETUPS[shell]
    terminal, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (50, 200))
    path = f"{Path(project.executable).parent}:{project.env['PATH']}"
    process = subprocess.Popen(
        words,
        cwd=project.path,
        env={**project.env, "PATH": path, "TERM": "dumb", "PS1": "$ ", "INPUTRC": os.devnull, **env},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    patience = threading.Timer(PATIENCE, process.kill)
    patience.start()
    try:
        one = Typist(terminal)
        one.types(f"{setup}; echo rea''dy\n")
        one.sees("ready")
        yield one
    finally:
        patience.cancel()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)
        os.close(terminal)


@pytest.mark.parametrize("shell", THERE)
def test_tab(project: Project, shell: str) -> None:
    url = f"sqlite:{project.path / 'engine'}"
    run_id = start(url, "Shelf", "invoice=7=a", tagList=["blue"])
    with typist(project, shell, SIMPLEFLOW_ENGINE=url, SIMPLEFLOW_COMPLETION_SECONDS="30") as one:
        for begun, whole in (
            ("simpleflow workflow.term", "inate "),
            ("simpleflow workflow.info Sh", "elf "),
            ("simpleflow workflow.info Shelf inv", r"oice\\?=7\\?=a"),
            ("simpleflow workflow.info Shelf invoice=7", "=a"),
            (f"simpleflow workflow.info Shelf invoice=7=a {run_id[:30]}", re.escape(run_id[30:-1])),
            ("simpleflow workflow.filter Shelf --tag b", "lue"),
            ("simpleflow workflow.start examples.basic.Bas", "icWorkflow"),
            ("simpleflow workflow.list Shelf --status cl", "osed"),
        ):
            one.types(f"{begun}\t")
            one.sees(re.escape(begun[-6:]) + whole)
            one.types("\x15")  # which empties the line


def test_nothing_is_made_and_nobody_waits(project: Project, tmp_path: Path) -> None:
    """No engine, one that hangs, and settings that are wrong: there is nothing to offer, soon and without a word."""

    def offered(line: str, **env: str) -> tuple[str, str]:
        done = project.run(_SIMPLEFLOW_COMPLETE="bash_complete", COMP_WORDS=line, **env)
        assert done.returncode == 0
        return done.stdout.strip(), done.stderr

    with socket.create_server(("127.0.0.1", 0)) as deaf:
        hangs = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        for env in ({}, {"SIMPLEFLOW_ENGINE": hangs}, {"SIMPLEFLOW_ENGINE": "memory"}, {"SIMPLEFLOW_ENGINE": "no"}):
            assert offered("simpleflow workflow.info ", **env) == ("", "")
    assert offered("simpleflow workflow.list D --st", LOG_LEVEL="x")[1] == ""
    assert not project.data.exists()
    assert sorted(path.name for path in project.path.iterdir()) == ["examples"]
