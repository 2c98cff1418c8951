"""Values as the texts that Amazon SWF carries, and back.

`input`, `result`, `control` and `execution_context` are values: their text is JSON. `details`, `heartbeat_details`,
`reason` and `identity` are texts, cut in the middle where they are too long, since what reports a failure must not
fail. None stays None: the field is left out.
"""

from __future__ import annotations

from typing import Any

from simpleflow.constants import MAX_HEARTBEAT_DETAILS_LENGTH, MAX_IDENTITY_LENGTH
from simpleflow.payload import codec
from simpleflow.payload.codec import read as decode
from simpleflow.payload.failures import MAX_REASON, clean, cut

__all__ = [
    "control",
    "decode",
    "details",
    "execution_context",
    "heartbeat_details",
    "identity",
    "input",
    "reason",
    "result",
]


def input(value: Any) -> str | None:
    """The text of an input. Raises PayloadError, which names what has no JSON form, and PayloadTooLarge."""
    return _value(value, "the input")


def result(value: Any) -> str | None:
    """The text of a result. Raises PayloadError, which names what has no JSON form, and PayloadTooLarge."""
    return _value(value, "the result")


def control(value: Any) -> str | None:
    """The text of a control. Raises PayloadError, which names what has no JSON form, and PayloadTooLarge."""
    return _value(value, "the control")


def execution_context(value: Any) -> str | None:
    """The text of an execution context; a text is taken as it is, and "" clears it.

    Raises PayloadError, which names what has no JSON form, and PayloadTooLarge.
    """
    return value if isinstance(value, str) else _value(value, "the execution context")


def details(text: str | None) -> str | None:
    """Details, of at most 32,768 characters."""
    return _cut(text, codec.MAX_LENGTH)


def heartbeat_details(text: str | None) -> str | None:
    """Details of a heartbeat, of at most 2,048 characters."""
    return _cut(text, MAX_HEARTBEAT_DETAILS_LENGTH)


def reason(text: str | None) -> str | None:
    """A reason, of at most 256 characters."""
    return _cut(text, MAX_REASON)


def identity(text: str | None) -> str | None:
    """An identity, of at most 256 characters."""
    return _cut(text, MAX_IDENTITY_LENGTH)


def _value(value: Any, what: str) -> str | None:
    return None if value is None else codec.freeze(value, what)


def _cut(text: str | None, length: int) -> str | None:
    return None if text is None else cut(clean(text), length)
