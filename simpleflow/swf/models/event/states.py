"""What events are about, the states that they tell of, and which may follow which: tables.

Names and states of events come from the one reading of histories that there is (`simpleflow.protocol.parsed`); here
stands what Amazon SWF lets follow what, about one and the same thing: an activity by its id, a timer by its id, a
child by its initiation, and so on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from simpleflow.protocol import parsed

UNKNOWN: Final = "unknown"
"""The state that an event of a type that is not in the tables tells of."""

TYPES: Final[dict[parsed.Family, str]] = {
    parsed.WORKFLOW: "WorkflowExecution",
    parsed.SIGNAL: "WorkflowExecution",
    parsed.CANCEL: "WorkflowExecution",
    parsed.DECISION: "DecisionTask",
    parsed.ACTIVITY: "ActivityTask",
    parsed.LAMBDA: "LambdaFunction",
    parsed.CHILD: "ChildWorkflowExecution",
    parsed.TIMER: "Timer",
    parsed.MARKER: "Marker",
    parsed.SIGNALING: "ExternalWorkflowExecution",
    parsed.CANCELING: "ExternalWorkflowExecution",
}
"""How this layer calls the families of events."""

STATES: Final[dict[str, tuple[str, str]]] = {rule.event: (TYPES[rule.family], rule.state) for rule in parsed.RULES}
"""Of each of Amazon's 54 types of events: what it is about, and the state that it tells of."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What may happen to a thing of one type.

    `first` are the states in which it may be told of first, `following` those that may be told of next, by state, and
    `passing` those that leave it in the state in which it is: requests that were refused, signals.
    """

    first: frozenset[str]
    following: Mapping[str, frozenset[str]]
    passing: frozenset[str] = frozenset()


def _machine(table: str, passing: str = "") -> Machine:
    """Rows "states: states that may follow"; the row "first" is for the beginning, and * stands for `passing`."""
    rows: dict[str, frozenset[str]] = {}
    for line in table.strip().splitlines():
        states, _, after = line.partition(":")
        for state in states.split():
            rows[state] = rows.get(state, frozenset()) | frozenset(after.replace("*", passing).split())
    first = rows.pop("first")
    return Machine(first, rows, frozenset(passing.split()))


MACHINES: Final[dict[str, Machine]] = {
    # A closed run is told nothing any more.
    "WorkflowExecution": _machine(
        """
        first:    started
        started:  completed failed timed_out canceled terminated continued_as_new *
        completed failed timed_out canceled terminated continued_as_new:
        """,
        "signaled cancel_requested complete_failed fail_failed cancel_failed continue_as_new_failed",
    ),
    # One that waits times out on a sticky list only. The next one is another task.
    "DecisionTask": _machine(
        """
        first:                scheduled
        scheduled:            started timed_out
        started:              completed timed_out
        completed timed_out:  scheduled
        """
    ),
    # One that waits is cancelled at once; one that is worked on may still end in any way, or be cancelled unasked.
    # An id that is not open may be scheduled again.
    "ActivityTask": _machine(
        """
        first:             scheduled *
        scheduled:         started timed_out cancel_requested *
        started:           completed failed timed_out canceled cancel_requested *
        cancel_requested:  completed failed timed_out canceled cancel_requested *
        completed failed timed_out canceled schedule_failed request_cancel_failed: scheduled *
        """,
        "schedule_failed request_cancel_failed",
    ),
    "LambdaFunction": _machine(
        """
        first:      scheduled *
        scheduled:  started start_failed *
        started:    completed failed timed_out *
        completed failed timed_out start_failed schedule_failed: scheduled *
        """,
        "schedule_failed",
    ),
    "Timer": _machine(
        """
        first:    started *
        started:  fired canceled *
        fired canceled start_failed cancel_failed: started *
        """,
        "start_failed cancel_failed",
    ),
    "Marker": _machine(
        """
        first:                   recorded record_failed
        recorded record_failed:  recorded record_failed
        """
    ),
    # A start may be refused before it is initiated, or after.
    "ChildWorkflowExecution": _machine(
        """
        first:            start_initiated start_failed
        start_initiated:  started start_failed
        started:          completed failed timed_out canceled terminated
        completed failed timed_out canceled terminated start_failed: start_initiated
        """
    ),
    "ExternalWorkflowExecution": _machine(
        """
        first:  signal_execution_initiated request_cancel_execution_initiated
        first:  signal_execution_failed request_cancel_execution_failed
        signal_execution_initiated:          execution_signaled signal_execution_failed
        request_cancel_execution_initiated:  execution_cancel_requested request_cancel_execution_failed
        execution_signaled signal_execution_failed execution_cancel_requested request_cancel_execution_failed:
        """
    ),
}
