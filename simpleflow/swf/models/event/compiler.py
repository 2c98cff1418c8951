"""Events put together: a thing that events are about, the state in which it is, and what may happen to it next."""

from __future__ import annotations

from collections.abc import Mapping

from simpleflow.swf.exceptions import InconsistentStateError, TransitionError
from simpleflow.swf.models.event.base import Event
from simpleflow.swf.models.event.states import MACHINES

__all__ = ["CompiledEvent", "CompiledEventFactory", "InconsistentStateError", "TransitionError"]

_NAMES = {
    "ActivityTask": "activity_id",
    "Timer": "timer_id",
    "LambdaFunction": "function_id",
    "ChildWorkflowExecution": "workflow_id",
    "Marker": "marker_name",
}


class CompiledEvent:
    """A thing that events are about - an activity, a timer, a child, the run - under way.

    `event` is the last event about it, `state` the state in which it is: refused requests and signals are events, and
    change none. `opened` and `started` are the ids of the events that opened it and that told of its start, 0 for none.
    `name` is the activity's, timer's or function's id, the child's workflow id, the marker's name, None of others.

    Raises InconsistentStateError for an event that nothing can begin with.
    """

    __slots__ = ("_cancels", "event", "name", "opened", "started", "state")

    def __init__(self, event: Event) -> None:
        machine = MACHINES.get(event.type)
        if machine is None or event.state not in machine.first:
            raise InconsistentStateError(f"{words(event)} is about nothing that was there before", event)
        self.event = event
        self.name: str | None = getattr(event, _NAMES.get(event.type, ""), None)
        self.state = event.state
        self.opened = event.id
        self.started = 0
        self._cancels: set[int] = set()

    @property
    def type(self) -> str:
        """What it is: "ActivityTask", "Timer", ..."""
        return self.event.type

    @property
    def transitions(self) -> Mapping[str, frozenset[str]]:
        """The states that may be told of next, by state."""
        return MACHINES[self.type].following

    @property
    def next_states(self) -> frozenset[str]:
        """The states that may be told of next."""
        return self.transitions[self.state]

    def __repr__(self) -> str:
        return f"<CompiledEvent {self.opened} {self.type} : {self.state} >"

    def transit(self, event: Event) -> None:
        """Take the next event. Raises TransitionError, and changes nothing, where it cannot follow."""
        machine = MACHINES[self.type]
        if event.type != self.type:
            raise TransitionError(f"{words(event)} is about no {self.type}, as {words(self.event)} is", event)
        if event.state not in self.next_states:
            allowed = ", ".join(sorted(self.next_states)) or "nothing"
            raise TransitionError(
                f"{words(event)} cannot follow {words(self.event)}: from {self.state} comes {allowed}", event
            )
        opens = self._opens(event)
        if not opens:
            self._check_links(event)
        if event.state not in machine.passing:
            self.state = event.state
        if opens:
            self.opened, self.started, self._cancels = event.id, 0, set()
        elif event.state == "started":
            self.started = event.id
        elif event.name == "ActivityTaskCancelRequested":
            self._cancels.add(event.id)
        self.event = event

    def _opens(self, event: Event) -> bool:
        """Whether the event opens the thing again, under the same name."""
        machine = MACHINES[self.type]
        return event.state in machine.first and event.state not in machine.passing and not event.opening_event_id

    def _check_links(self, event: Event) -> None:
        """Compare the events that this one names with those that were."""
        attributes = event.attributes
        opened, started = event.opening_event_id, attributes.get("startedEventId")
        if opened and opened != self.opened:
            raise TransitionError(f"{words(event)} goes on with event {opened}, and not with {self.opened}", event)
        if self.type != "Timer" and started is not None and started != self.started:
            raise TransitionError(f"{words(event)} names {started} as the start, which is {self.started}", event)
        if event.name in ("ActivityTaskCompleted", "ActivityTaskFailed") and not self.started:
            raise TransitionError(f"{words(event)} ends what was never started", event)
        request = attributes.get("latestCancelRequestedEventId")
        if request and request not in self._cancels:
            raise TransitionError(f"{words(event)} answers the request {request}, which there is not", event)


def CompiledEventFactory(event: Event) -> CompiledEvent:
    """The thing that begins with this event. Raises InconsistentStateError where nothing begins with it."""
    return CompiledEvent(event)


def words(event: Event) -> str:
    """An event in an error: "event 7 (ActivityTaskStarted)"."""
    return f"event {event.id} ({event.name})"
