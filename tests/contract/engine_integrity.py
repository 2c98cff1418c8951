"""Holds a file of the embedded engine against itself: what the rows say is what the events say."""

from __future__ import annotations

from typing import Any

import apsw
import orjson

from simpleflow.protocol.events import CLOSING_EVENTS, EVENT_TYPES

NAMES = {event.code: event.name for event in EVENT_TYPES}
ACTIVITY, TIMER = 1, 2
History = list[tuple[int, int, str, dict[str, Any]]]


def check_integrity(path: str) -> dict[int, History]:
    """Assert that nothing is lost, doubled or left over; the histories by execution."""
    connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
    histories = check_connection(connection)
    connection.close()
    return histories


def check_connection(connection: apsw.Connection) -> dict[int, History]:
    """The same for a database that is open."""
    assert connection.execute("PRAGMA integrity_check").get == "ok"
    histories: dict[int, History] = {row[0]: [] for row in connection.execute("SELECT id FROM execution")}
    for key, time, code, attributes in connection.execute("SELECT * FROM event ORDER BY key"):
        histories[key >> 24].append((key & 0xFFFFFF, time, NAMES[code], orjson.loads(attributes)))
    for execution, history in histories.items():
        assert [event[0] for event in history] == list(range(1, len(history) + 1)), "ids without gaps"
        times = [event[1] for event in history]
        assert times == sorted(times), "times never decrease"
        _check_rows(connection, execution, history)
    return histories


def _check_rows(connection: apsw.Connection, execution: int, history: History) -> None:
    row = connection.execute("SELECT closed, status FROM execution WHERE id = ?", (execution,)).get
    last = history[-1]
    closed = CLOSING_EVENTS.get(last[2])
    assert not any(event[2] in CLOSING_EVENTS for event in history[:-1])
    assert row == ((last[1], closed) if closed else (None, None))
    tasks = connection.execute(
        "SELECT key & 0xFFFFFF, kind, name, started FROM open_task WHERE key >> 24 = ?", (execution,)
    ).fetchall()
    hot = connection.execute(
        "SELECT queued, scheduled, started, previous, arrival IS NOT NULL FROM open_execution WHERE id = ?",
        (execution,),
    ).get
    if closed:
        assert hot is None and tasks == []
        return
    assert sorted(tasks) == sorted(_open_tasks(history))
    assert hot == _decision_state(history)


def _open_tasks(history: History) -> list[tuple[int, int, str, int]]:
    opened: dict[int, tuple[int, int, str, int]] = {}
    for number, _, kind, attributes in history:
        if kind == "ActivityTaskScheduled":
            opened[number] = (number, ACTIVITY, attributes["activityId"], 0)
        elif kind == "TimerStarted":
            opened[number] = (number, TIMER, attributes["timerId"], 0)
        elif kind == "ActivityTaskStarted":
            scheduled = attributes["scheduledEventId"]
            assert opened[scheduled][3] == 0, "an activity is started once"
            opened[scheduled] = (*opened[scheduled][:3], number)
        elif kind.startswith("ActivityTask") and kind != "ActivityTaskCancelRequested":
            assert opened.pop(attributes["scheduledEventId"])[3] == attributes["startedEventId"]
        elif kind in ("TimerFired", "TimerCanceled"):
            del opened[attributes["startedEventId"]]
    return list(opened.values())


def _decision_state(history: History) -> tuple[int, int, int, int, int]:
    queued = scheduled = started = previous = 0
    for number, _, kind, attributes in history:
        if kind == "DecisionTaskScheduled":
            assert queued == 0, "one decision task waits at most"
            queued = number
        elif kind == "DecisionTaskStarted":
            assert attributes["scheduledEventId"] == queued and started == 0
            queued, scheduled, started = 0, queued, number
        elif kind == "DecisionTaskCompleted":
            assert (attributes["scheduledEventId"], attributes["startedEventId"]) == (scheduled, started)
            scheduled, started, previous = 0, 0, attributes["startedEventId"]
        elif kind == "DecisionTaskTimedOut":
            if attributes["startedEventId"]:
                scheduled = started = 0
            else:
                queued = 0
    return queued, scheduled, started, previous, int(queued > 0 and started == 0)
