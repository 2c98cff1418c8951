"""What a reason is, what it may be looked up in beside the history, and words that reasons have in common."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import takewhile
from typing import Any, Protocol

from simpleflow.payload.codec import read_object
from simpleflow.swf.models.history import History


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that a run failed for, or waits for.

    Attributes:
        what: what it is, in a word for programs, such as "signal" or "no-worker".
        text: the same in a sentence.
        next: the command to type about it; None where there is none to name.
        facts: ids, times (aware datetimes, UTC), counts.
        reasons: those of a child.
    """

    what: str
    text: str
    next: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    reasons: Sequence[Reason] = ()

    def as_record(self) -> dict[str, Any]:
        """The same as plain values."""
        told: dict[str, Any] = {"what": self.what, "text": self.text, "next": self.next, **self.facts}
        return told | ({"reasons": [reason.as_record() for reason in self.reasons]} if self.reasons else {})


@dataclass(frozen=True, slots=True)
class Named:
    """Which run: the three texts that name it."""

    domain: str
    workflow_id: str
    run_id: str

    def command(self, name: str, *words: str, run: bool = False) -> str:
        """A command on the run of this id; `run`: on just this run."""
        which = (self.workflow_id, self.run_id) if run else (self.workflow_id,)
        more = tuple(takewhile(lambda word: not word.startswith("--"), words))
        return typed(name, (self.domain, *which, *more), words[len(more) :])


def typed(name: str, arguments: Sequence[str], options: Sequence[str] = ()) -> str:
    """A command as it is typed into a shell, also where an id begins with a dash.

    >>> typed("workflow.wait", ["D", "-1"], ["--timeout", "5"])
    'simpleflow workflow.wait --timeout 5 -- D -1'
    """
    if any(argument.startswith("-") for argument in arguments):
        return shlex.join(("simpleflow", name, *options, "--", *arguments))
    return shlex.join(("simpleflow", name, *arguments, *options))


class Look(Protocol):
    """What is asked outside of the history. Each may be unknown: None, or an empty text."""

    @property
    def now(self) -> datetime:
        """The time, aware."""

    def waiting(self, kind: str, task_list: str) -> int | None:
        """How many tasks of a kind ("decision", "activity") wait in a list for somebody to poll it."""

    def progress(self, run_id: str, started: int) -> str:
        """How far an attempt has said that it is, by the event that began it."""

    def printed(self, run_id: str, started: int) -> str:
        """The end of what an attempt has printed."""

    def text(self, text: str | None) -> str | None:
        """A text of the history, fetched where it lies elsewhere."""

    def child(self, workflow_id: str, run_id: str) -> Sequence[Reason]:
        """The reasons of a child."""


def said_last(history: History) -> dict[str, Any]:
    """What the last decision that was made said of itself: its executionContext."""
    decided = [task for task in history.parsed.decision_tasks.values() if "completed_id" in task]
    return read_object(decided[-1].get("execution_context")) if decided else {}


def listed(names: Sequence[str], most: int = 3) -> str:
    """
    >>> listed(["a", "b", "c", "d", "e"])
    'a, b, c and 2 others'
    """
    if len(names) <= most:
        return ", ".join(names)
    rest = len(names) - most
    return f"{', '.join(names[:most])} and {rest:,} {'other' if rest == 1 else 'others'}"


def clock(time: datetime | None) -> str:
    """``2026-11-23 14:00:01 UTC``"""
    return f"{time:%Y-%m-%d %H:%M:%S} UTC" if time is not None else "an unknown time"
