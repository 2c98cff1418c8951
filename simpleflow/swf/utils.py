"""Names, as Python and as Amazon write them; instants; and which class a run is of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from simpleflow.activity import importable_name
from simpleflow.payload.codec import EXTRA, read


def camel_to_underscore(name: str) -> str:
    """
    >>> camel_to_underscore("scheduledEventId"), camel_to_underscore("TimerFired")
    ('scheduled_event_id', 'timer_fired')
    """
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def underscore_to_camel(name: str) -> str:
    """
    >>> underscore_to_camel("timed_out")
    'TimedOut'
    """
    return "".join(part.capitalize() for part in name.split("_"))


def decapitalize(name: str) -> str:
    """
    >>> decapitalize("TimerFired")
    'timerFired'
    """
    return name[:1].lower() + name[1:]


def past_day(days: int) -> datetime:
    """The instant so many days ago, UTC."""
    return datetime.now(UTC) - timedelta(days=days)


def datetime_timestamp(instant: datetime) -> float:
    """Seconds since 1970; a naive datetime is local time.

    >>> datetime_timestamp(datetime(1970, 1, 2, tzinfo=UTC))
    86400.0
    """
    return instant.timestamp()


def get_subkey(value: Any, path: list[str]) -> Any:
    """What lies under one key after the other; None where one is not there.

    >>> get_subkey({"a": {"b": 1}}, ["a", "b"]), get_subkey({"a": None}, ["a", "b"])
    (1, None)
    """
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def get_name_from_event(event: Mapping[str, Any]) -> str:
    """The workflow class that an event WorkflowExecutionStarted, as boto3 gives it, tells of: the dotted name in the
    run's input, else the name of its type. Raises KeyError for another event."""
    told = event["workflowExecutionStartedEventAttributes"]
    named = get_subkey(read(told.get("input")), [EXTRA, "class"])
    return str(named or told["workflowType"]["name"])


def set_workflow_class_name(input: dict[str, Any], workflow_class: type) -> None:
    """Write the dotted name of a workflow class into a run's input, where deciders look for it."""
    input.setdefault(EXTRA, {})["class"] = importable_name(workflow_class)


def add_workflow_class_name(input: Mapping[str, Any], workflow_class: type) -> dict[str, Any]:
    """The same input with the name in it."""
    told = {**input, EXTRA: dict(input.get(EXTRA) or {})}
    set_workflow_class_name(told, workflow_class)
    return told
