"""The blocks of pages that are typed: each command in a terminal, in the order of the page, and what it shows.

What differs from run to run is compared by its form only (`FORMS`). `...` stands for anything, alone on a line for any
number of lines. Spaces count as one. A page's commands run in one directory, where the files of the page are written
when they are come to.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pages import PAGES, Block, blocks, kind
from shell import PATIENCE, ROOT, Project

TYPED = [page for page in PAGES if any(block.language == "console" for block in blocks(page))]
FORMS = {
    "<run id>": r"\b22[\w-]{20,60}=*",
    "<time>": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?",
    "<ago>": r"\b(?:\d+ (?:s|min|h|d) ago|just now)\b",
    "<id>": r"\d{8}T\d{6}-[0-9a-f]{8}",
    "<engine>": r"sqlite:\S+/engine\.sqlite",
    "<pid>": r"\bpid=\d+",
}
COLUMNS = 120


class Terminal:
    """A command in a terminal of its own, and what it shows there."""

    def __init__(self, command: str, project: Project) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
        env = {**project.env, "TERM": "xterm", "PATH": f"{project.executable.parent}:{project.env['PATH']}"}
        self.process = subprocess.Popen(
            ["sh", "-c", command],
            cwd=project.path,
            env=env,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._ours = ours
        self._shown = b""
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                found = os.read(self._ours, 65536)
            except OSError:  # Linux's way to tell that nobody has the other end any more
                found = b""
            with self._changed:
                self._shown += found
                self._changed.notify_all()
            if not found:
                return

    @property
    def lines(self) -> list[str]:
        """The lines on the screen: without colours, and without what was erased."""
        text = self._shown.decode(errors="replace").replace("\r\n", "\n")
        lines = [re.split(r"\x1b\[2K|\r", line)[-1] for line in text.split("\n")]
        return [clean for line in lines if (clean := plain(line))]

    def shows(self, wanted: list[str], begin: int = 0) -> bool:
        """Wait until it shows these lines, and perhaps more."""
        with self._changed:
            return self._changed.wait_for(lambda: matches([*wanted, "..."], self.lines[begin:]), PATIENCE)

    def ends(self) -> int:
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code

    def interrupt(self) -> None:
        """Ctrl-C: a signal to all that belongs to the terminal."""
        os.killpg(self.process.pid, signal.SIGINT)

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        os.close(self._ours)


def plain(line: str) -> str:
    return " ".join(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line).split())


def matches(wanted: list[str], shown: list[str]) -> bool:
    """Whether these lines are shown, but for what differs from run to run."""
    pattern = ""
    for line in wanted:
        if line == "...":
            pattern += r"(?:.*\n)*"
        else:
            pattern += ".*".join(re.escape(part) for part in form(line).split("...")) + r"\n"
    return re.fullmatch(pattern, "".join(f"{form(line)}\n" for line in shown)) is not None


def form(line: str) -> str:
    for name, pattern in FORMS.items():
        line = re.sub(pattern, name, line)
    return " ".join(line.split())


def steps(block: Block) -> Iterator[tuple[str, list[str], list[str] | None]]:
    """The commands of a block, what each shows, and what it shows after ^C, if that is typed."""
    command, shown, after = "", [], None
    for line in (line for line in block.text.splitlines() if line):
        if line.startswith("$ "):
            if command or after is not None:
                yield command, shown, after
            command, shown, after = line[2:], [], None
        elif line == "^C":
            after = []
        elif after is not None:
            after.append(line)
        else:
            shown.append(line)
    yield command, shown, after


class Reader:
    """Somebody who types what a page says."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.last = 0
        self.left: dict[str, Terminal] = {}

    def read(self, block: Block) -> None:
        if block.file:
            file = self.project.path / block.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            name = block.info.partition("terminal=")[2]
            for command, shown, after in steps(block):
                self.type(block, name, command, shown, after)

    def type(self, block: Block, name: str, command: str, shown: list[str], after: list[str] | None) -> None:
        terminal = self.left.pop(name) if not command else self.begin(command)
        self.left["typed"] = terminal
        if shown and (name or after is not None):
            assert terminal.shows(shown), self.said(block, command, shown, terminal)
        if after is not None:
            terminal.interrupt()
        elif name:
            self.left[name] = self.left.pop("typed")
            return
        self.last = terminal.ends()
        wanted = shown if after is None else [*(shown or ["..."]), *after]
        assert matches(wanted, terminal.lines), self.said(block, command, wanted, terminal)
        self.left.pop("typed").close()

    def begin(self, command: str) -> Terminal:
        return Terminal(command.replace("$?", str(self.last)), self.project)

    def said(self, block: Block, command: str, wanted: list[str], terminal: Terminal) -> str:
        return "\n".join([f"{block.place}: {command}", *wanted, "but it shows", *terminal.lines])

    def close(self) -> None:
        for terminal in self.left.values():
            terminal.close()


@pytest.fixture
def reader(project: Project) -> Iterator[Reader]:
    made = Reader(project)
    yield made
    left = [name for name in made.left if name != "typed"]
    made.close()
    assert not left, f"never ended: {left}"


@pytest.mark.parametrize("page", TYPED, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_types(page: Path, reader: Reader) -> None:
    for block in blocks(page):
        assert kind(block)
        reader.read(block)


@pytest.mark.parametrize(
    ("wanted", "shown", "right"),
    [
        (["a", "..."], ["a"], True),
        (["a", "...", "b"], ["a", "x", "y", "b"], True),
        (["a", "b"], ["a", "x", "b"], False),
        (["at 2026-11-23T14:00:01.5Z"], ["at 2027-01-01T00:00:00Z"], True),
        (["begun 2 s ago"], ["begun 1 min ago"], True),
        (["a ... c"], ["a  b c"], True),
        (["a ... c"], ["a", "c"], False),
        (["4"], ["5"], False),
    ],
)
def test_how_lines_are_compared(wanted: list[str], shown: list[str], right: bool) -> None:
    assert matches(wanted, shown) is right


def test_what_was_erased_is_not_on_the_screen(project: Project) -> None:
    command = r"printf '\r\033[2Khalf\r\033[2K\033[1mwhole\033[0m\nnext\n'; " + sys.executable + " -c 'exit(3)'"
    terminal = Terminal(command, project)
    assert terminal.ends() == 3 and terminal.lines == ["whole", "next"]
    terminal.close()
