"""Holds a file of the embedded engine against itself: what the rows say is what the events say."""

from __future__ import annotations

from typing import Any

import apsw
import orjson

from simpleflow.engine.integrity import problems
from simpleflow.protocol.events import EVENT_TYPES

NAMES = {event.code: event.name for event in EVENT_TYPES}
History = list[tuple[int, int, str, dict[str, Any]]]


def check_integrity(path: str) -> dict[int, History]:
    """Assert that nothing is lost, doubled or left over; the histories by execution."""
    connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
    histories = check_connection(connection)
    connection.close()
    return histories


def check_connection(connection: apsw.Connection) -> dict[int, History]:
    """The same for a database that is open."""
    found = list(problems(connection))
    assert not found, found
    histories: dict[int, History] = {row[0]: [] for row in connection.execute("SELECT id FROM execution")}
    for key, time, code, attributes, _ in connection.execute("SELECT * FROM event ORDER BY key"):
        histories[key >> 24].append((key & 0xFFFFFF, time, NAMES[code], orjson.loads(attributes)))
    return histories
