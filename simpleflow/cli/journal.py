"""What a job on many runs has done, in a file that outlives it: which runs it is about, and what became of each.

Each step is on the disk before the next one is taken, so that after any end at most one run is in doubt: the one that
was begun and not told of any more. It knows nothing of what is done to the runs.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final, Self

import click

Target = tuple[str, str]
"""A workflow id and a run id."""

BEGUN: Final = "begun"
DONE: Final = "done"
FAILED: Final = "failed"


class Journal:
    """A job's file, which is this process's until it is closed. `since` is when the job was begun."""

    def __init__(self, path: Path, file: IO[str], since: datetime, targets: Sequence[Target]) -> None:
        self.path = path
        self.since = since
        self.targets = targets
        self._file = file
        self._states: dict[int, str] = {}

    @classmethod
    def begin(cls, path: Path, targets: Sequence[Target]) -> Self:
        """The file of a new job, on the disk. Raises ClickException if another process has just begun the same."""
        path.parent.mkdir(parents=True, exist_ok=True)
        since = datetime.now(UTC)
        temporary = path.with_suffix(f".{os.getpid()}")
        file = temporary.open("w+", encoding="utf-8")
        file.write(json.dumps({"since": since.isoformat(), "targets": targets}) + "\n")
        _sync(file)
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            os.link(temporary, path)
        except FileExistsError:
            file.close()
            raise _taken() from None
        finally:
            temporary.unlink()
        directory = os.open(path.parent, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)
        return cls(path, file, since, targets)

    @classmethod
    def found(cls, path: Path) -> Self | None:
        """The file of a job that was begun and not finished. Raises ClickException while a process is at it."""
        try:
            file = path.open("r+", encoding="utf-8")
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise _taken() from None
        if not path.exists() or not os.path.samestat(os.fstat(file.fileno()), path.stat()):  # it has just ended
            file.close()
            return None
        head, *lines = file.read().split("\n")
        told = json.loads(head)
        since = datetime.fromisoformat(told["since"])
        journal = cls(path, file, since, [(one, two) for one, two in told["targets"]])
        for line in lines:
            with suppress(ValueError):  # the last line, where the machine has stopped
                index, state = json.loads(line)
                journal._states[index] = state
        file.write("\n")  # what that line had begun is ended
        return journal

    @property
    def left(self) -> list[tuple[int, Target, bool]]:
        """What is to be done yet: its number, the run, and whether it may have been done. What has failed is left."""
        return [
            (index, target, self._states.get(index) == BEGUN)
            for index, target in enumerate(self.targets)
            if self._states.get(index) != DONE
        ]

    @property
    def is_tried(self) -> bool:
        """Whether it came to its end, and only what has failed is left."""
        return all(self._states.get(index) in (DONE, FAILED) for index in range(len(self.targets)))

    def mark(self, index: int, state: str) -> None:
        """Note what became of a run; when this returns it is on the disk."""
        self._states[index] = state
        self._file.write(f"{json.dumps((index, state))}\n")
        _sync(self._file)

    def close(self) -> None:
        """Leave it: it is removed once all is done."""
        if not self.left:
            self.remove()
        else:
            self._file.close()

    def remove(self) -> None:
        """Forget the job."""
        self.path.unlink(missing_ok=True)
        self._file.close()


def path_of(*identity: Any) -> Path:
    """Where the journal of a job lies: by what was typed, so that the same command finds it."""
    from platformdirs import user_state_path  # 15 ms, and only needed here

    digest = hashlib.sha256(json.dumps(identity, sort_keys=True, default=str).encode()).hexdigest()
    return user_state_path("simpleflow", appauthor=False) / "jobs" / f"{digest[:32]}.jsonl"


def _sync(file: IO[str]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _taken() -> click.ClickException:
    return click.ClickException("another process is at this very job: wait for its end")
