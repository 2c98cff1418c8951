"""Whether a history can be: its events taken one by one, each held against those before it.

What may follow what about one thing is `simpleflow.swf.models.event`'s; here things are told apart through however
their events are mixed, and looked at together. Written apart from the engine on purpose, as its own check
(`simpleflow.engine.integrity`) is: it knows histories as a client sees them.
"""

from __future__ import annotations

from typing import Any, Final

from simpleflow.protocol.events import EVENTS
from simpleflow.swf.exceptions import InconsistentStateError
from simpleflow.swf.models.event import CompiledEvent, Event
from simpleflow.swf.models.event.compiler import words
from simpleflow.swf.models.event.states import MACHINES, UNKNOWN

_LATER: Final = frozenset(
    {
        "StartChildWorkflowExecutionFailed",
        "SignalExternalWorkflowExecutionFailed",
        "RequestCancelExternalWorkflowExecutionFailed",
    }
)
"""Events of decisions that may come after later decisions: others are recorded together with theirs."""
_BY_NAME: Final = {"ActivityTask": "activityId", "Timer": "timerId", "LambdaFunction": "id", "Marker": "markerName"}
"""Things that are one under one name, however often it is opened again, and the attribute that names them."""


class Compilation:
    """The things that a history is about, under way."""

    def __init__(self) -> None:
        self.things: list[CompiledEvent] = []
        self.groups: list[list[Event]] = []
        self._index: dict[Any, int] = {}  # by the event that opened it, and by (type, name)
        self._first = self._last = 0
        self._closed: Event | None = None
        self._decided: set[int] = set()
        self._decision = 0  # the last DecisionTaskCompleted
        self._waiting = self._working = 0

    def take(self, event: Event) -> None:
        """Take the next event. Raises InconsistentStateError where it cannot be."""
        self._check_place(event)
        self._last = event.id
        if event.state == UNKNOWN:
            return
        if missing := [name for name in EVENTS[event.name].required if name not in event.attributes]:
            raise InconsistentStateError(f"{words(event)} lacks {', '.join(missing)}", event)
        self._check_decision(event)
        self._check_decision_task(event)
        index = self._find(event)
        if index is not None:
            self.things[index].transit(event)
            self.groups[index].append(event)
            self._index[event.id] = index
        elif not self._is_about_the_past(event):
            self._open(event)
        if event.closes:
            self._closed = event
        if event.name == "DecisionTaskCompleted":
            self._decided.add(event.id)
            self._decision = event.id

    def _check_place(self, event: Event) -> None:
        if not self._last:
            self._first = event.id
            if (event.id == 1) != (event.name == "WorkflowExecutionStarted"):
                raise InconsistentStateError(f"{words(event)} is no beginning of a history", event)
        elif event.id != self._last + 1:
            raise InconsistentStateError(f"{words(event)} follows event {self._last}", event)
        if self._closed is not None:
            raise InconsistentStateError(f"{words(event)} comes after the close, {words(self._closed)}", event)

    def _check_decision(self, event: Event) -> None:
        """An event of a decision names the DecisionTaskCompleted that it came with."""
        decided = event.attributes.get("decisionTaskCompletedEventId")
        if decided is None or decided < self._first:
            return
        if decided not in self._decided:
            raise InconsistentStateError(f"{words(event)} names {decided}, which is no decision before it", event)
        if event.name not in _LATER and decided != self._decision:
            raise InconsistentStateError(f"{words(event)} is of decision {decided}, after {self._decision}", event)

    def _check_decision_task(self, event: Event) -> None:
        """At most one decision task waits, and at most one is worked on."""
        if event.name == "DecisionTaskScheduled":
            if self._waiting:
                raise InconsistentStateError(f"{words(event)} comes while {self._waiting} waits", event)
            self._waiting = event.id
        elif event.name == "DecisionTaskStarted":
            if self._working:
                raise InconsistentStateError(f"{words(event)} comes while {self._working} is worked on", event)
            self._waiting, self._working = 0, event.id
        elif event.type == "DecisionTask" and event.attributes.get("startedEventId"):
            self._working = 0
        elif event.type == "DecisionTask":
            self._waiting = 0

    def _find(self, event: Event) -> int | None:
        """The number of the thing that the event is about, where there is one."""
        if event.type == "WorkflowExecution":
            return self._index.get("run")
        if opened := event.opening_event_id:
            return self._opened_by(event, opened)
        key = _BY_NAME.get(event.type)
        return self._index.get((event.type, event.attributes.get(key))) if key else None

    def _opened_by(self, event: Event, opened: int) -> int | None:
        found = self._index.get(opened)
        if found is not None and self.things[found].type == event.type:
            return found
        if opened >= self._first:
            raise InconsistentStateError(f"{words(event)} goes on with {opened}, which opened no such thing", event)
        return None

    def _is_about_the_past(self, event: Event) -> bool:
        """Whether the event is about something that was there before the first event."""
        if self._first == 1:
            return False
        goes_on = event.type == "WorkflowExecution" or event.opening_event_id
        refused = event.state in MACHINES[event.type].passing
        return bool(goes_on or refused or event.name == "ActivityTaskCancelRequested")

    def _open(self, event: Event) -> None:
        self._index[event.id] = len(self.things)
        if event.type == "WorkflowExecution":
            self._index["run"] = len(self.things)
        elif key := _BY_NAME.get(event.type):
            self._index[event.type, event.attributes.get(key)] = len(self.things)
        self.things.append(CompiledEvent(event))
        self.groups.append([event])
