"""Lines at the bottom of a terminal that are drawn anew again and again, below whatever is printed meanwhile."""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Final

from simpleflow.cli.output import styled
from simpleflow.swf.measure import Line

PRINTED_EVERY: Final = 2.0
"""Seconds between two lines where there is no terminal."""


class Progress:
    """Lines below all else, while the block lasts. Where standard error is no terminal there are none: `wanted` has the
    status printed there instead, now and then. Where it is False there is nothing at all.

    Other processes print on the same terminal, so for that time their output and ours comes through a pipe, and is
    written above the lines, whole lines at a time.
    """

    def __init__(self, wanted: bool | None = None, coloured: bool = False) -> None:
        self._shown = sys.stderr.isatty() and wanted is not False
        self._printed = bool(wanted) and not self._shown
        self._coloured = coloured
        self._block: list[bytes] = []
        self._asked = -math.inf
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
        if self._block:
            self._draw([])

    @property
    def shown(self) -> bool:
        """Whether there is a terminal to draw on."""
        return self._shown

    def size(self) -> tuple[int, int]:
        """The columns and the lines that can be drawn on the terminal that standard error was."""
        try:
            found = os.get_terminal_size(self._kept.get(2, 2))
            return max(1, int(os.environ.get("COLUMNS") or found.columns or 80) - 1), max(1, found.lines - 1)
        except (ValueError, OSError):
            return 79, 23

    def show(self, lines: Sequence[Line]) -> None:
        """Draw the lines anew, in the place of those that were drawn. None may be wider than `size` says."""
        if self._printed and time.monotonic() >= self._asked + PRINTED_EVERY:
            self._asked = time.monotonic()
            print("status: OPEN", file=sys.stderr, flush=True)
        if self._shown:
            texts = ("".join(styled(*piece) if self._coloured else piece[0] for piece in line) for line in lines)
            self._draw([text.encode(errors="replace") for text in texts])

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
            drawn = self._kept.get(2, 2)
            _all(drawn, self._erasing())
            _all(terminal, text)
            _all(drawn, b"\n".join(self._block))

    def _draw(self, block: list[bytes]) -> None:
        """Draw over what is there, so that nothing flickers."""
        with self._lock:
            above = len(self._block) - 1
            data = b"\r" + (b"\x1b[%dA" % above if above > 0 else b"")
            data += b"\n".join(b"\x1b[2K" + line for line in block or [b""])
            _all(self._kept.get(2, 2), data + (b"\x1b[J" if len(block) < len(self._block) and above > 0 else b""))
            self._block = block

    def _erasing(self) -> bytes:
        above = len(self._block) - 1
        return b"\r\x1b[2K" + (b"\x1b[%dA\x1b[J" % above if above > 0 else b"")


def _all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
