"""The history of a run: its events in order, and what they say of each thing that they are about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self, overload

from simpleflow.log import counted
from simpleflow.protocol import parsed
from simpleflow.swf import format
from simpleflow.swf.models.event import CompiledEvent, Event, EventFactory
from simpleflow.swf.models.history.integrity import Compilation


class History(Sequence[Event]):
    """The events of a run, or a part of them, in the order in which they are given.

    `history[0]` is an event, `history[1:3]` a history; every iteration is one of its own. `raw` are the events as
    boto3 gives them; what these say by subject is `parsed`. A history does not change.
    """

    def __init__(self, events: Iterable[Event] = (), raw: Sequence[Mapping[str, Any]] | None = None) -> None:
        """Of `Event`s, or where there are none of `raw` ones."""
        self._events = [*events] or [EventFactory(event) for event in raw or ()]
        self._parsed: parsed.History | None = None

    @classmethod
    def from_event_list(cls, events: Iterable[Mapping[str, Any]]) -> Self:
        """The history of events as boto3 gives them."""
        return cls(map(EventFactory, events))

    def __len__(self) -> int:
        return len(self._events)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> History: ...
    def __getitem__(self, index: int | slice) -> Event | History:
        if isinstance(index, slice):
            return History(self._events[index])
        if isinstance(index, int):
            return self._events[index]
        raise TypeError(f"a history has events by number and by slice, not by {index!r}")

    def __iter__(self) -> Iterator[Event]:
        return iter(self._events)

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, History) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<History of {counted(len(self), 'event')}{f', the last {self.last}' if self._events else ''}>"

    @property
    def events(self) -> list[Event]:
        """The events, as a list of the caller's own."""
        return list(self._events)

    @property
    def raw(self) -> list[Mapping[str, Any]]:
        """The events as boto3 gives them."""
        return [event.raw for event in self._events]

    @property
    def first(self) -> Event:
        """The first event. Raises IndexError where there is none."""
        return self._events[0]

    @property
    def last(self) -> Event:
        """The last event. Raises IndexError where there is none."""
        return self._events[-1]

    def latest(self, n: int) -> list[Event]:
        """The last `n` events, in order; all where there are fewer."""
        return self._events[-n:] if n > 0 else []

    @property
    def finished(self) -> bool:
        """Whether the run has closed, in any of the six ways."""
        return self.closing is not None

    @property
    def closing(self) -> Event | None:
        """The event that closed the run; None where it is open."""
        return next((event for event in self.reversed if event.closes), None)

    def filter(self, **attributes: Any) -> History:
        """The events that have all these attributes, with these values: ``filter(type="Timer", state="fired")``."""
        missing = object()
        return History(
            event
            for event in self._events
            if all(getattr(event, name, missing) == value for name, value in attributes.items())
        )

    @property
    def reversed(self) -> Iterator[Event]:
        """The events from the last to the first."""
        return reversed(self._events)

    @property
    def distinct(self) -> list[list[Event]]:
        """The events by what they are about: first those about the run itself, then each other thing's, in order.

        Raises InconsistentStateError where the history cannot be.
        """
        groups = self._compilation().groups
        return sorted(groups, key=lambda group: (group[0].type != "WorkflowExecution", group[0].id))

    @property
    def parsed(self) -> parsed.History:
        """What the events say by subject: records of activities, children, timers and so on, by their ids."""
        if self._parsed is None:
            self._parsed = parsed.History([dict(event.raw) for event in self._events], read=format.decode)
        return self._parsed

    def compile(self) -> tuple[CompiledEvent, ...]:
        """Check that the history can be, and give each thing that it is about in the state in which it is.

        What is checked: that events are numbered without gaps; that of each activity, timer, child, decision task,
        Lambda function and message to another run the events follow as Amazon SWF lets them, however they are mixed
        with others'; that the events which they name are there and are the right ones; that one decision task waits
        and one is worked on at most; and that nothing follows the close. A history may begin in the middle: events
        about what was before are then taken as they are.

        Raises InconsistentStateError (TransitionError for an event that cannot follow), which names the event and has
        it as `event`.
        """
        return tuple(self._compilation().things)

    @property
    def compiled(self) -> tuple[CompiledEvent, ...]:
        """The same as `compile()`."""
        return self.compile()

    def _compilation(self) -> Compilation:
        compilation = Compilation()
        for event in sorted(self._events, key=lambda event: event.id):
            compilation.take(event)
        return compilation
