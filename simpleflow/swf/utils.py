"""Names, as Python and as Amazon write them."""

from __future__ import annotations

import re


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
