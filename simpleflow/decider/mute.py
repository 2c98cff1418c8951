"""What programs print: muted where it was printed before, and never a reason for a run to fail.

A program is a function of its events (core rule 1): neither a reader that has gone nor a full disk may reach it.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any, TextIO

from simpleflow.futures import muted


class Proxy:
    """A text stream that drops what a replaying program writes to it, and hands on the rest as far as that goes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        if not muted():
            with contextlib.suppress(OSError, ValueError):
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def mute_replays() -> None:
    """Put proxies before standard output and standard error of this process."""
    if not isinstance(sys.stdout, Proxy):
        sys.stdout = Proxy(sys.stdout)
        sys.stderr = Proxy(sys.stderr)
