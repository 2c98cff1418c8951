"""The slow half of the checks of requests: what to say about a value that is not right, in Amazon's words.

`simpleflow.protocol.checks`, which is generated, tests each value with one inlined expression and comes here only
when that fails. A finding is added to the list `found`; a value of the wrong type is refused at once, since the
service cannot even read such a request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, NoReturn

from simpleflow.protocol.faults import Fault, validation

#: Characters that names, versions, lists and ids must not contain.
FORBIDDEN = r"[:/|\u0000-\u001f\u007f-\u009f]"
bad_character = re.compile(FORBIDDEN).search

SECONDS = re.compile(r"[0-9]{1,8}|NONE|").fullmatch
FINITE_SECONDS = re.compile(r"[0-9]{1,8}").fullmatch
_INTEGER = re.compile(r"[+-]?[0-9]{1,10}").fullmatch

#: The times that there are, in seconds since 1970.
FIRST_SECOND, LAST_SECOND = -62_135_596_800, 253_402_300_799

#: How Amazon calls Python's types.
_JSON_NAMES: dict[type, str] = {
    bool: "TRUE_VALUE",
    int: "NUMBER_VALUE",
    float: "NUMBER_VALUE",
    str: "STRING_VALUE",
    dict: "START_OBJECT",
    list: "START_ARRAY",
}


def optional_year(value: str) -> bool:
    """Whether it is a time that an execution can have: at most a year, never NONE; "" stands for not given."""
    return not value or year(value)


def year(value: str) -> bool:
    return FINITE_SECONDS(value) is not None and 0 < int(value) <= 31_536_000


def quarter_hour(value: str) -> bool:
    """Whether it is a time that a Lambda function can have; "" stands for not given."""
    return not value or (FINITE_SECONDS(value) is not None and 0 < int(value) <= 900)


def days(value: str) -> bool:
    """Whether it is a retention period: 0 to 90 days, or NONE."""
    return value == "NONE" or (value.isascii() and value.isdigit() and int(value) <= 90)


def priority(value: str) -> bool:
    """Whether it is a task priority: a signed 32-bit integer."""
    return _INTEGER(value) is not None and -(2**31) <= int(value) < 2**31


def _constraint(found: list[str], value: object, at: str, words: str) -> None:
    shown = "null" if value is None else f"'{value}'" if len(str(value)) <= 300 else f"'{str(value)[:300]}...'"
    found.append(f"Value {shown} at '{at}' failed to satisfy constraint: {words}")


def missing(found: list[str], at: str) -> None:
    """A required value is not there."""
    _constraint(found, None, at, "Member must not be null")


def wrong_type(value: object, at: str, wanted: str) -> NoReturn:
    """Refuse a value of the wrong type."""
    given = _JSON_NAMES.get(type(value), type(value).__name__)
    raise Fault("SerializationException", f"{given} can not be converted to {wanted} at '{at}'")


def string(found: list[str], value: Any, at: str, least: int, most: int) -> bool:
    """Say what is wrong with a string's type or length. True if nothing is (a subclass of str)."""
    if not isinstance(value, str):
        wrong_type(value, at, "a String")
    if len(value) < least:
        _constraint(found, value, at, f"Member must have length greater than or equal to {least}")
    elif len(value) > most:
        _constraint(found, value, at, f"Member must have length less than or equal to {most}")
    else:
        return True
    return False


def name(found: list[str], value: Any, at: str, least: int, most: int) -> None:
    """Say what is wrong with a name, which has forbidden characters beside a length."""
    if not string(found, value, at, least, most):
        return
    if bad_character(value):
        _constraint(found, value, at, f"Member must not contain any of {FORBIDDEN}")
    elif value == "arn":
        _constraint(found, value, at, "Member must not be the literal string 'arn'")


def trimmed(found: list[str], value: Any, at: str, least: int, most: int) -> None:
    """Say what is wrong with a name that may not start or end with whitespace either."""
    before = len(found)
    name(found, value, at, least, most)
    if len(found) == before and value != value.strip():
        _constraint(found, value, at, "Member must not start or end with whitespace")


def form(
    found: list[str], value: Any, at: str, least: int, most: int, good: Callable[[str], object], words: str
) -> None:
    """Say what is wrong with a string that has a form of its own, such as a duration."""
    if string(found, value, at, least, most) and not good(value):
        _constraint(found, value, at, words)


def enumeration(found: list[str], value: Any, at: str, members: Collection[str]) -> None:
    """Say what is wrong with a member of an enumeration."""
    if not isinstance(value, str):
        wrong_type(value, at, "a String")
    if value not in members:
        _constraint(found, value, at, f"Member must satisfy enum value set: [{', '.join(members)}]")


def integer(found: list[str], value: Any, at: str, least: int, most: int) -> None:
    """Say what is wrong with an integer."""
    if isinstance(value, bool) or not isinstance(value, int):
        wrong_type(value, at, "an Integer")
    if value < least:
        _constraint(found, value, at, f"Member must have value greater than or equal to {least}")
    elif value > most:
        _constraint(found, value, at, f"Member must have value less than or equal to {most}")


def timestamp(value: Any, at: str) -> None:
    """Refuse what is no time: a datetime or a number of seconds since 1970, in the years 1 to 9999."""
    if isinstance(value, bool) or not isinstance(value, (datetime, int, float)):
        wrong_type(value, at, "a Timestamp")
    if not isinstance(value, datetime) and not FIRST_SECOND <= value <= LAST_SECOND:
        wrong_type(value, at, "a Timestamp")


def too_many(found: list[str], value: Any, at: str, most: int) -> None:
    """A list is too long."""
    _constraint(found, value, at, f"Member must have length less than or equal to {most}")


def unknown(given: dict[str, Any], known: Collection[str], at: str) -> None:
    """Refuse a parameter that the operation does not have; one that it has may be None, which is not given."""
    for key in given:
        if key not in known:
            within = at.rstrip(".") or "input"
            raise validation(f'Unknown parameter in {within}: "{key}", must be one of: {", ".join(known)}')


def report(found: list[str]) -> Fault:
    """The fault of a request in which something was found."""
    count = len(found)
    return validation(f"{count} validation error{'s' if count > 1 else ''} detected: {'; '.join(found)}")
