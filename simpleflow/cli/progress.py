"""A line at the bottom of a terminal that tells how far a run is, below whatever is printed meanwhile."""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Protocol

from simpleflow.swf.measure import fitting

ERASE: Final = b"\r\x1b[2K"
BAR: Final = 24
"""Characters of the bar, at most; it takes an eighth of the terminal."""
PRINTED_EVERY: Final = 2.0
"""Seconds between two lines where there is no terminal."""


class Tasks(Protocol):
    """How far a run is: numbers of its tasks."""

    @property
    def known(self) -> int: ...
    @property
    def done(self) -> int: ...
    @property
    def running(self) -> int: ...


class Progress:
    """The line, while the block lasts. Where standard error is no terminal there is none: `wanted` has the status
    printed there instead, now and then. Where it is False there is nothing at all.

    Other processes print on the same terminal, so for that time their output and ours comes through a pipe, and is
    written above the line, whole lines at a time.
    """

    def __init__(self, wanted: bool | None = None) -> None:
        self._started = time.monotonic()
        self._shown = sys.stderr.isatty() and wanted is not False
        self._printed = bool(wanted) and not self._shown
        self._line = b""
        self._asked, self._told = -math.inf, ""
        self._lock = threading.Lock()
        self._kept: dict[int, int] = {}
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Progress:
        if self._shown:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor in (1, 2):
                if os.isatty(descriptor):
                    self._relay(descriptor)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        terminals = {descriptor: os.dup(kept) for descriptor, kept in self._kept.items()}
        for descriptor, terminal in terminals.items():
            os.dup2(terminal, descriptor)  # the last writing end of its pipe closes here
            os.close(terminal)
        for thread in self._threads:
            thread.join(1)
        if self._shown:
            self._draw(b"")

    def show(self, tasks: Tasks, told: Callable[[], str] = str) -> None:
        """Draw the line anew; at its end what is `told`, which is asked for at most once a second."""
        if self._printed and time.monotonic() >= self._asked + PRINTED_EVERY:
            self._asked = time.monotonic()
            print("status: OPEN", file=sys.stderr, flush=True)
        if not self._shown:
            return
        if time.monotonic() >= self._asked + 1:
            self._asked = time.monotonic()
            self._told = told()
        known, done = tasks.known, tasks.done
        columns = self._columns()
        size = min(BAR, columns // 8)
        full = size * done // known if known else 0
        bar = "━" * full + "╌" * (size - full)
        elapsed = int(time.monotonic() - self._started)
        line = f"{bar}  {done} of {known} tasks done, {tasks.running} running, {elapsed // 60}:{elapsed % 60:02}"
        if self._told:
            line += f"  {self._told}"
        self._draw(fitting(line, columns - 1).encode())

    def _columns(self) -> int:
        """Those of the terminal that standard error was."""
        try:
            return int(os.environ.get("COLUMNS") or os.get_terminal_size(self._kept.get(2, 2)).columns) or 80
        except (ValueError, OSError):
            return 80

    def _relay(self, descriptor: int) -> None:
        """Send what is written to a terminal through us."""
        reading, writing = os.pipe()
        self._kept[descriptor] = os.dup(descriptor)
        os.dup2(writing, descriptor)
        os.close(writing)
        thread = threading.Thread(target=self._copy, args=(reading, self._kept[descriptor]), daemon=True)
        thread.start()
        self._threads.append(thread)

    def _copy(self, reading: int, terminal: int) -> None:
        rest = b""
        while found := os.read(reading, 65536):
            lines, newline, rest = (rest + found).rpartition(b"\n")
            if newline:
                self._write(terminal, lines + newline)
        if rest:
            self._write(terminal, rest + b"\n")
        os.close(reading)

    def _write(self, terminal: int, text: bytes) -> None:
        with self._lock:
            _all(self._kept.get(2, 2), ERASE)
            _all(terminal, text)
            _all(self._kept.get(2, 2), self._line)

    def _draw(self, line: bytes) -> None:
        with self._lock:
            self._line = line
            _all(self._kept.get(2, 2), ERASE + line)


def _all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
