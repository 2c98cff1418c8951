"""Opaque strings that callers hand back: task tokens, run ids, tokens of a next page.

A task token names the file, so that a token of a file that was deleted and made anew can not mean another task. A
run id holds its execution's number, so that no index of run ids is needed.
"""

from __future__ import annotations

import binascii
import os
from typing import Any, NamedTuple

import orjson

from simpleflow.engine.rows import EVENT_BITS
from simpleflow.protocol.faults import validation

ACTIVITY, DECISION, LAMBDA = "A", "D", "L"

#: Executions have numbers below this one, so that keys of events fit into 63 bits.
LAST_EXECUTION = 2**38


class Token(NamedTuple):
    """What a task token says: ids of an execution and of its task's Scheduled event."""

    file: str
    kind: str
    execution: int
    scheduled: int


def task_token(file: str, kind: str, execution: int, scheduled: int) -> str:
    """The token of a task that was handed out."""
    return f"{file}-{kind}-{execution:x}-{scheduled:x}"


def read_task_token(token: str, kind: str) -> Token:
    """What a token says. Raises the ValidationException "Invalid token" for what was never a token of this kind."""
    parts = token.split("-")
    try:
        found = Token(parts[0], parts[1], int(parts[2], 16), int(parts[3], 16))
    except (IndexError, ValueError):
        raise validation("Invalid token") from None
    if (
        len(parts) != 4
        or found.kind != kind
        or not 0 <= found.execution < LAST_EXECUTION
        or not 0 < found.scheduled < 2**EVENT_BITS
    ):
        raise validation("Invalid token")
    return found


def new_run_id(execution: int) -> str:
    """A run id of the service's form: 22, and 32 bytes in base 64."""
    random = os.urandom(24) + execution.to_bytes(8, "big")
    return "22" + binascii.b2a_base64(random, newline=False).decode().translate(_URL_SAFE)


def execution_of(run_id: str) -> int:
    """The number that a run id holds; 0 if it is none of ours."""
    try:
        random = binascii.a2b_base64(run_id[2:].translate(_PLAIN), strict_mode=True)
    except (binascii.Error, ValueError):
        return 0
    number = int.from_bytes(random[24:32], "big")
    return number if number < LAST_EXECUTION else 0


# A run id stands in file names and addresses, where + and / hurt.
_URL_SAFE = str.maketrans("+/", "-_")
_PLAIN = str.maketrans("-_", "+/")


#: What the place in an operation's page tokens is made of.
POSITIONS: dict[str, tuple[type, ...]] = {
    "ListDomains": (str,),
    "ListWorkflowTypes": (str, str),
    "ListActivityTypes": (str, str),
    "ListOpenWorkflowExecutions": (int, int),
    "ListClosedWorkflowExecutions": (int, int),
    "GetWorkflowExecutionHistory": (int, int, int, bool),
    "PollForDecisionTask": (int, int, int, bool, int, int, int),
}


def page_token(operation: str, now: int, *position: Any) -> str:
    """A token of the next page: where it begins, and since when (ms) it is good."""
    return binascii.hexlify(orjson.dumps([operation, now, *position])).decode()


def read_page_token(token: str, operation: str, now: int, lifetime: int) -> list[Any]:
    """Where the next page begins. Raises a ValidationException for a token of another operation or that is too old.

    `lifetime` is in seconds.
    """
    try:
        name, since, *place = orjson.loads(binascii.unhexlify(token))
    except (ValueError, TypeError):
        raise validation("Invalid token") from None
    if name != operation or not _is(since, int) or not _is_position(place, POSITIONS[operation]):
        raise validation("Invalid token")
    if now - since > lifetime * 1000:
        raise validation("Specified token has exceeded its maximum lifetime")
    return list(place)


def _is_position(position: list[Any], kinds: tuple[type, ...]) -> bool:
    """Whether a place is of the kinds that the operation's are: anybody can write a token."""
    return len(position) == len(kinds) and all(map(_is, position, kinds))


def _is(value: Any, kind: type) -> bool:
    return type(value) is kind and not (isinstance(value, int) and not 0 <= value < 2**62)
