"""The Lambda functions that the suite schedules, for services that can "lambda"."""

from __future__ import annotations

from typing import Any


def double(event: Any, context: Any) -> Any:
    """Twice the number `n` of its input."""
    assert 0 < context.get_remaining_time_in_millis() <= 900_000
    return {"doubled": event["n"] * 2, "by": context.function_name}


def fail(event: Any, context: Any) -> Any:
    """Raises ValueError, with a message of so many letters."""
    raise ValueError("x" * event)


#: Names and the callables that they stand for ("module:function"); the last is not there.
FUNCTIONS = {
    "double": f"{__name__}:double",
    "fail": f"{__name__}:fail",
    "gone": "no_such_module:function",
}
