"""A user's project in a directory of its own, and the commands that are typed there."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
from pathlib import Path
from typing import IO

import psutil

from simpleflow.clients import SWFClient, client

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0  # seconds, for what must happen at all


class Command:
    """A command that runs: what it has said so far, and how it ends."""

    def __init__(self, arguments: list[str], cwd: Path, env: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            arguments, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.out: list[str] = []
        self.err: list[str] = []
        self._said = threading.Condition()
        self._readers = [
            threading.Thread(target=self._read, args=(self.process.stdout, self.out), daemon=True),
            threading.Thread(target=self._read, args=(self.process.stderr, self.err), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: IO[bytes], lines: list[str]) -> None:
        with stream:
            for line in stream:
                with self._said:
                    lines.append(line.decode().rstrip("\n"))
                    self._said.notify_all()

    def says(self, pattern: str) -> re.Match[str]:
        """Wait for a line that the pattern is in."""

        def found() -> re.Match[str] | None:
            return next((match for line in self.out + self.err if (match := re.search(pattern, line))), None)

        with self._said:
            assert self._said.wait_for(found, PATIENCE), f"{pattern!r} was not said: {self.out} {self.err}"
        match = found()
        assert match is not None
        return match

    def ends(self) -> int:
        """Wait for its end; the exit code."""
        code = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        return code

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)


def is_in(process: psutil.Process, path: Path) -> bool:
    """Whether a process works in this directory, or in one below it."""
    where: str = process.cwd()  # that of a zombie is ""
    return bool(where) and Path(where).is_relative_to(path)


class Project:
    """A directory with a copy of examples/, and data of its own."""

    def __init__(self, path: Path, executable: Path) -> None:
        self.path = path
        self.executable = executable
        self._commands: list[Command] = []
        self.data = path.parent / "data"
        self.engine = f"sqlite:{self.data}/simpleflow/engine.sqlite"  # which is what its commands have for their engine
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR", "XDG_RUNTIME_DIR") if name in os.environ}
        self.env = {**kept, "HOME": str(path.parent), "XDG_DATA_HOME": str(self.data)}
        shutil.copytree(ROOT / "examples", path / "examples", ignore=shutil.ignore_patterns("__pycache__"))

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text)

    def start(self, *arguments: str, below: str = "", **env: str) -> Command:
        """Start a command, in the project's directory or in one below it."""
        place = self.path / below
        self._commands.append(Command([str(self.executable), *arguments], place, {**self.env, **env}))
        return self._commands[-1]

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.executable), *arguments],
            cwd=self.path,
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    def client(self) -> SWFClient:
        """The engine, for the test itself."""
        (self.data / "simpleflow").mkdir(parents=True, exist_ok=True)
        return client(self.engine)

    def processes(self) -> list[psutil.Process]:
        """The processes of this project that live: they work in its directory or in one below it."""
        return [process for process in psutil.process_iter() if self._ours(process)]

    def _ours(self, process: psutil.Process) -> bool:
        try:
            return is_in(process, self.path) and process.is_running()  # a title may hide the environment
        except psutil.Error:
            return False

    def end(self) -> None:
        """End what a test that failed has left."""
        for command in self._commands:
            command.process.kill()
        for process in self.processes():
            process.kill()
        for command in self._commands:
            command.ends()
