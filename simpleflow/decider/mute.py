"""What a program prints while it is fed events that an earlier decision has seen was printed then: it is muted."""

from __future__ import annotations

import sys
from typing import Any, TextIO

from simpleflow.dataflow import running


class Proxy:
    """A text stream that drops what a replaying program writes to it, and hands on the rest."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        program = running.get()
        if program is not None and (program.replaying or program.closing):
            return len(text)
        return self._stream.write(text)

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
