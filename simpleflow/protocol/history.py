"""Helpers over the events of a history, as `GetWorkflowExecutionHistory` and `PollForDecisionTask` give them.

An event is the plain dict that boto3 gives: eventId (int, from 1), eventTimestamp (aware datetime), eventType (str),
and its attributes under a member named after its type.
See https://docs.aws.amazon.com/amazonswf/latest/apireference/API_HistoryEvent.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from simpleflow.protocol.events import CLOSING_EVENTS, EVENTS, EventType

Event = dict[str, Any]

_MEMBERS: dict[str, str] = {name: event.member for name, event in EVENTS.items()}


def attributes(event: Event) -> dict[str, Any]:
    """The attributes of an event; an empty dict where a service left them out.

    Raises KeyError if the event is of no known type.
    """
    found: dict[str, Any] = event.get(_MEMBERS[event["eventType"]], {})
    return found


def type_of(event: Event) -> EventType:
    """The row of the table of event types. Raises KeyError if the event is of no known type."""
    return EVENTS[event["eventType"]]


def close_status(event: Event) -> str | None:
    """The close status that this event gives its execution ("COMPLETED", ...), or None if it closes nothing."""
    return CLOSING_EVENTS.get(event["eventType"])


def opening_event_id(event: Event) -> int:
    """The id of the event that opened what this event goes on with, or 0 if it goes on with nothing.

    For activities, decisions and lambdas that is the Scheduled event, for timers the Started event, for children and
    externals the Initiated event.
    """
    values = attributes(event)
    for name in ("scheduledEventId", "initiatedEventId"):
        if name in values:
            return int(values[name])
    if event["eventType"] in ("TimerFired", "TimerCanceled"):
        return int(values["startedEventId"])
    return 0


def of_types(events: Iterable[Event], *names: str) -> Iterator[Event]:
    """The events of these types, in order."""
    return (event for event in events if event["eventType"] in names)
