"""What a program asks of the world. Frozen values, one class each.

They know nothing of Amazon's decisions, which `simpleflow.decider.decisions` makes of them. `kind` and `id` name what a
command is about; `where` is the line of the program that asked for it, for messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, get_args

from simpleflow.activity import PRIORITY_NOT_SET, Activity, Priority

ACTIVITY: Final = "activity"
CHILD: Final = "child"
LAMBDA: Final = "lambda"
MARKER: Final = "marker"
SIGNAL: Final = "signal"
TIMER: Final = "timer"

SIGNALED: Final = "signaled"
"""With it begins the name of a signal that came (`Names`)."""

OURS: Final = "_simpleflow_"
"""Timers and markers whose names start so are the decider's own: no program knows of them."""

PATCHED: Final = f"{OURS}patched"
"""The name of the markers that say which patches a run has; their details are the patch's name."""

REPAIRED: Final = f"{OURS}repaired"
"""The name of the markers that hold what a run takes over from the one that it repairs."""

Names = tuple[str | int, ...]
"""What a task comes after: ids of activities, and ``kind:id`` of others; last, perhaps, how many are not named."""


@dataclass(frozen=True, slots=True)
class ScheduleActivity:
    """Run this activity: attempt `attempt` (from 1) of the task `id`, with frozen input `input`.

    `bare`: a foreign worker runs it, who is told nothing beside the input. `after` and `since`, here and below, are for
    people who look at the run: which tasks gave it arguments, and which others it comes after, or the name of a task
    that comes after the same (`simpleflow.dataflow.origins`).
    """

    kind: ClassVar[str] = ACTIVITY
    id: str
    attempt: int
    activity: Activity[..., Any]
    input: Any
    where: str
    priority: Priority = PRIORITY_NOT_SET
    bare: bool = False
    after: Names = ()
    since: Names | str = ()


@dataclass(frozen=True, slots=True)
class CancelActivity:
    """End the activity of the task `id`, if its worker will."""

    kind: ClassVar[str] = ACTIVITY
    id: str
    attempt: int
    where: str


@dataclass(frozen=True, slots=True)
class StartChild:
    """Start a run of this workflow class, with the workflow id `id`.

    `task_list` is where its decisions wait, None for the class's; `tag_list` are its tags, None for none, or the text
    INHERIT_TAG_LIST for those of this run.
    """

    kind: ClassVar[str] = CHILD
    id: str
    attempt: int
    workflow: type[Any]
    input: Any
    where: str
    task_list: str | None = None
    tag_list: Sequence[str] | str | None = None
    after: Names = ()
    since: Names | str = ()


@dataclass(frozen=True, slots=True)
class CancelChild:
    """Ask the child to cancel itself, once it has started."""

    kind: ClassVar[str] = CHILD
    id: str
    where: str


@dataclass(frozen=True, slots=True)
class RunLambda:
    """Call the Lambda function `name`; `timeout` is in seconds, None for Amazon's own."""

    kind: ClassVar[str] = LAMBDA
    id: str
    attempt: int
    name: str
    input: Any
    where: str
    timeout: int | str | None = None
    after: Names = ()
    since: Names | str = ()


@dataclass(frozen=True, slots=True)
class RecordMarker:
    """Keep this in the history. It is true for the program as soon as it is asked for."""

    kind: ClassVar[str] = MARKER
    id: str
    name: str
    input: Any
    where: str


@dataclass(frozen=True, slots=True)
class SendSignal:
    """Signal the open run of `workflow_id`, or the run `run_id` of it; None for this run.

    `for_child`: it is handed on to a child, and is nothing if that never starts.
    """

    kind: ClassVar[str] = SIGNAL
    id: str
    name: str
    workflow_id: str | None
    run_id: str | None
    input: Any
    where: str
    for_child: bool = False


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Tell the program when `seconds` are over."""

    kind: ClassVar[str] = TIMER
    id: str
    seconds: int
    control: Any
    where: str
    after: Names = ()
    since: Names | str = ()


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Nobody waits for the timer `id` any more."""

    kind: ClassVar[str] = TIMER
    id: str
    where: str


# -- the end of a run ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Complete:
    """The run returned this frozen value."""

    result: Any


@dataclass(frozen=True, slots=True)
class Fail:
    """The run raised this error."""

    error: BaseException


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The run called ``self.fail``."""

    reason: str
    details: str | None = None


@dataclass(frozen=True, slots=True)
class CancelRun:
    """The run was asked to cancel itself, and does."""


@dataclass(frozen=True, slots=True)
class ContinueAsNew:
    """The run goes on as a new one of the same workflow id, with this frozen input.

    `version` is the new workflow type's, None for this run's. `signals` are those that nobody received, by name and
    frozen input: they come first in the new run.
    """

    workflow: type[Any]
    input: Any
    version: str | None = None
    signals: tuple[tuple[str, Any], ...] = ()


Opening = ScheduleActivity | StartChild | RunLambda | RecordMarker | SendSignal | StartTimer
"""Commands that ask for something that the history will show by its kind and id."""
Cancel = CancelActivity | CancelChild | CancelTimer
"""Commands that ask for the end of what was asked for by the same kind and id."""
Command = Opening | Cancel
CANCELS: Final = frozenset(get_args(Cancel))
Close = Complete | Fail | GiveUp | CancelRun | ContinueAsNew
