"""Errors on their way from process to process: as the `reason` and the `details` of an SWF failure.

The reason is one line; the details are the JSON of ``{"error", "error_type", "message", "traceback"}``, the form
that simpleflow has always written, with what decides whether it is tried again beside them (`simpleflow.retry.told`).
Describing an error never fails itself: what is too long is cut in the middle.
"""

from __future__ import annotations

import json
import traceback
from typing import Any, Final

from simpleflow.exceptions import message_of, one_line, qualified
from simpleflow.payload.codec import MAX_LENGTH, read
from simpleflow.retry import told

MAX_REASON: Final = 256
MAX_TRACEBACK: Final = 24_000
MAX_MESSAGE: Final = 4_000

LOST_REASONS: Final = ("worker-shutdown", "worker-died")
"""Reasons with which workers fail tasks that they lost: the task is tried again outside of its `retry`."""


def describe(error: BaseException) -> tuple[str, str]:
    """The reason (at most 256 characters) and the details (JSON, at most 32,768) of an error."""
    kind = type(error)
    lines = _traceback(error)
    details = {
        "error": kind.__name__,
        "error_type": qualified(kind),
        **told(error),
        "message": cut(message_of(error), MAX_MESSAGE),
        "traceback": lines,
    }
    text = _dump(details)
    while len(text) > MAX_LENGTH and lines:
        del lines[len(lines) // 4 : len(lines) // 4 + max(1, len(lines) // 2)]
        text = _dump(details)
    return cut(clean(one_line(error)), MAX_REASON), text


def traceback_of(details: str | None) -> str | None:
    """The traceback in the details of a failure, as text, or None where there is none."""
    found = read(details)
    if not isinstance(found, dict):
        return None
    lines = found.get("traceback")
    if isinstance(lines, list):
        return "".join(str(line) for line in lines)
    return str(lines) if lines else None


def fitting(details: Any) -> str | None:
    """The details that somebody else gave a failure, as text that every engine takes; None for none."""
    if details is None:
        return None
    return cut(clean(details if isinstance(details, str) else repr(details)), MAX_LENGTH)


def shrinking(record: dict[str, Any], part: str) -> str:
    """`record` as JSON of at most 32,000 characters: its text `part` is cut until it fits."""
    record = dict(record)
    while len(text := _dump(record)) > 32_000 and record[part]:
        record[part] = cut(record[part], len(record[part]) // 2) if len(record[part]) > 100 else ""
    return text


def cut(text: str, length: int) -> str:
    """`text`, with its middle left out where it is longer than `length` characters."""
    if len(text) <= length:
        return text
    head = (length - 5) * 2 // 3
    return f"{text[:head]} ... {text[len(text) - (length - 5 - head) :]}"


def clean(text: str) -> str:
    """`text` without what no wire takes: lone surrogates are shown as escapes."""
    return text.encode(errors="backslashreplace").decode()


def _dump(details: dict[str, Any]) -> str:
    return clean(json.dumps(details, ensure_ascii=False, separators=(",", ":")))


def _traceback(error: BaseException) -> list[str]:
    try:
        lines = traceback.TracebackException.from_exception(error, limit=-50).format(chain=True)
        budget, kept = MAX_TRACEBACK, []
        for line in reversed(list(lines)):
            if budget < 0:
                break
            kept.append(cut(line, 2_000))
            budget -= len(kept[-1])
        return kept[::-1]
    except Exception:  # an error whose parts cannot be shown must still be reported
        return [f"{type(error).__name__} (its traceback cannot be shown)\n"]
