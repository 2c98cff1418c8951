"""The decisions of one response: what they can see, and what they leave. Pure, like `transitions`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from simpleflow.engine.rows import Task, Type
from simpleflow.engine.transitions import Attributes, Turn, optional
from simpleflow.protocol.decisions import DECISION_TYPES, DECISIONS
from simpleflow.protocol.events import EVENTS

#: The members of a decision that the event of its failure repeats.
_REPEATED = {
    row.name: [
        name
        for name in (*EVENTS[row.failure].required, *EVENTS[row.failure].optional)
        if name not in ("cause", "decisionTaskCompletedEventId", "initiatedEventId")
    ]
    for row in DECISION_TYPES
}


@dataclass(slots=True)
class View:
    """What decisions can see beside their execution's row: what they name, and how much is open.

    `tasks` holds the open tasks with the names in the decisions, by kind and name; `types` and `workflow_types` the
    types that they name, by name and version, None for one that does not exist. `refused` holds causes by the
    decision's index: those that are not permitted, or too many.
    """

    tasks: dict[tuple[int, str], Task] = field(default_factory=dict)
    types: dict[tuple[str, str], Type | None] = field(default_factory=dict)
    workflow_types: dict[tuple[str, str], Type | None] = field(default_factory=dict)
    open: dict[int, int] = field(default_factory=dict)
    room: int = 0
    """How many executions may yet be opened in the domain."""
    workflow_type: tuple[str, str] = ("", "")
    """The execution's own type."""
    next_run: str = ""
    """The run id of the execution that goes on after this one."""
    lambda_role: bool = True
    """Whether the execution has the role that its Lambda functions need."""
    refused: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Round:
    """The decisions of one response, while they are carried out."""

    turn: Turn
    view: View
    completed: int
    decide_again: bool = False

    def event(self, kind: str, attributes: Attributes) -> int:
        """Append the event of a decision."""
        attributes["decisionTaskCompletedEventId"] = self.completed
        return self.turn.append(kind, attributes)

    def fail(self, decision: str, cause: str, given: Attributes) -> None:
        """Append the event of a decision's failure."""
        row = EVENTS[DECISIONS[decision].failure]
        attributes = optional(given, *_REPEATED[decision])
        if "initiatedEventId" in row.required:
            attributes["initiatedEventId"] = 0
        self.event(row.name, {"cause": cause, **attributes})
        self.decide_again = True

    def open(self, task: Task) -> None:
        """Note a task that a decision opened."""
        self.turn.open(task)
        self.view.tasks[task.kind, task.name] = task
        self.view.open[task.kind] = self.view.open.get(task.kind, 0) + 1

    def close(self, task: Task) -> None:
        """Note a task that a decision closed."""
        self.turn.close(task)
        del self.view.tasks[task.kind, task.name]
        if task.kind in self.view.open:  # which holds counts only where a decision needs them
            self.view.open[task.kind] -= 1


Handler = Callable[[Round, Attributes], None]
