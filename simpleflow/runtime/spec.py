"""What one process of the runtime does, as it travels in a command line: values that know no process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from simpleflow.runtime.stop import GRACE


@dataclass(frozen=True, slots=True)
class Work:
    """How a worker runs its tasks.

    Attributes:
        concurrency: so many at a time.
        isolation: "warm" runs them in children that are kept, "fresh" each in a child of its own, "thread" in threads
            of the worker, which cannot be ended.
        max_tasks: so many tasks has a child at most; None for no limit.
        max_rss: a child of more megabytes is replaced when its task is over; None for no limit.
        modules: are imported when a child starts.
        allow: prefixes of the dotted names that may be imported for a task; none: all.
        before, after: dotted names of functions to call around each activity whose call names none itself.
    """

    concurrency: int = 1
    isolation: str = "warm"
    max_tasks: int | None = None
    max_rss: int | None = None
    modules: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deciding:
    """How a decider decides.

    Attributes:
        sticky: the next decision of a run waits so many seconds for the decider that made the last one, before any
            other of its list may have it; 0: not at all.
        cache_size: so many suspended runs are kept at most.
        cache_memory: and so many megabytes of them, roughly.
    """

    sticky: int = 0
    cache_size: int = 1000
    cache_memory: int = 512


@dataclass(frozen=True, slots=True)
class Spec:
    """What one process of the runtime does, as it travels in a command line.

    `workflows` are dotted names, for a decider. `heartbeat` is the most seconds between two heartbeats of a worker
    (0: none), `one_task` makes it end after its first task, which may be `task`, polled by somebody else. `grace` is
    how many seconds what is in hand may take once it was told to stop. `log_level` "" is the setting's. `tally`: all
    see at its end what it has asked of its engine, else who looks for it (DEBUG). `lambdas` are the functions that the
    engine of a Lambda worker is told of; such a worker has no task list. `work` is how a worker works, `deciding` how a
    decider decides. `life_fd` is the number of the life pipe's reading end in that process, and `board` that of the
    `Board` with its first row there; the supervisor fills both.
    """

    role: str  # "decider", "worker", "lambda-worker", or "trial" of a decision
    engine: str
    domain: str
    task_list: str = ""
    workflows: tuple[str, ...] = ()
    lambdas: Mapping[str, str] = field(default_factory=dict)
    heartbeat: int | None = None
    one_task: bool = False
    task: Mapping[str, Any] | None = None
    work: Work = Work()
    deciding: Deciding = Deciding()
    grace: float = GRACE
    log_level: str = ""
    tally: bool = False
    life_fd: int | None = None
    board: tuple[int, int] | None = None

    @property
    def loops(self) -> int:
        """How many loops the process has."""
        return 1 if self.role == "decider" else self.work.concurrency

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Spec:
        """Raises ValueError, TypeError."""
        fields = json.loads(text)
        told = fields.get("work", {}).items()
        work: dict[str, Any] = {name: tuple(value) if type(value) is list else value for name, value in told}
        board = tuple(fields["board"]) if fields.get("board") else None
        deciding = Deciding(**fields.get("deciding", {}))
        made = {"work": Work(**work), "deciding": deciding, "board": board}
        return cls(**{**fields, "workflows": tuple(fields.get("workflows", ())), **made})

    def __str__(self) -> str:
        return f"{self.role} of {self.task_list or self.domain}"
