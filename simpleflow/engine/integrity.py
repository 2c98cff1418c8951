"""Holds a file against itself: the state that its events tell, rebuilt from them alone, is the state in its rows.

Written apart from the state machines on purpose: it reads histories as a caller would, and shares with the engine
nothing but the tables of names. A problem is one line that names the execution.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import apsw
import orjson

from simpleflow.engine.rows import EVENT_BITS, EVENT_MASK, Message, OpenExecution, Task, TaskKind, Timeout
from simpleflow.protocol.events import CLOSING_EVENTS, EVENT_TYPES

Attributes = dict[str, Any]
_NAMES = {event.code: event.name for event in EVENT_TYPES}

#: Events that open a task: its kind, and the attribute that names it.
_OPENS = {
    "ActivityTaskScheduled": (TaskKind.ACTIVITY, "activityId"),
    "TimerStarted": (TaskKind.TIMER, "timerId"),
    "StartChildWorkflowExecutionInitiated": (TaskKind.CHILD, "workflowId"),
    "LambdaFunctionScheduled": (TaskKind.LAMBDA, "id"),
}
#: Events that start one, and that close one: the attribute with the id of the event that opened it.
_STARTS = {
    "ActivityTaskStarted": "scheduledEventId",
    "ChildWorkflowExecutionStarted": "initiatedEventId",
    "LambdaFunctionStarted": "scheduledEventId",
}
_CLOSES = {
    **{f"ActivityTask{how}": "scheduledEventId" for how in ("Completed", "Failed", "TimedOut", "Canceled")},
    "TimerFired": "startedEventId",
    "TimerCanceled": "startedEventId",
    **{
        f"ChildWorkflowExecution{how}": "initiatedEventId"
        for how in ("Completed", "Failed", "TimedOut", "Canceled", "Terminated")
    },
    **{f"LambdaFunction{how}": "scheduledEventId" for how in ("Completed", "Failed", "TimedOut")},
    "StartLambdaFunctionFailed": "scheduledEventId",
}
#: Events that wait for an answer from outside, which comes by way of a message, and the answers.
_ASKS = {
    "SignalExternalWorkflowExecutionInitiated": "signal",
    "RequestCancelExternalWorkflowExecutionInitiated": "cancel",
}
_ANSWERS = (
    "ExternalWorkflowExecutionSignaled",
    "SignalExternalWorkflowExecutionFailed",
    "ExternalWorkflowExecutionCancelRequested",
    "RequestCancelExternalWorkflowExecutionFailed",
)


@dataclass(slots=True)
class Open:
    """An open task, as events tell it."""

    kind: int
    name: str
    scheduled: Attributes
    began: int
    started: int = 0
    run_since: int = 0
    cancel: int = 0


@dataclass(slots=True)
class State:
    """An execution, as events tell it."""

    started: Attributes = field(default_factory=dict)
    last: int = 0
    time: int = 0
    began: int = 0
    """Where deadlines begin that the last event sets."""
    latest: int | None = None
    """When it expires at the latest."""
    closed: str | None = None
    cancel_requested: bool = False
    queued: int = 0
    scheduled: int = 0
    started_task: int = 0
    previous: int = 0
    context: int = 0
    latest_activity: int | None = None
    task_list: str = ""
    sticky: str = "NONE"
    queue: str = ""
    offered: int = 0
    queued_sticky: str = "NONE"
    tasks: dict[int, Open] = field(default_factory=dict)
    asked: dict[int, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def wrong(self, words: str) -> None:
        """Note a problem."""
        self.problems.append(f"event {self.last}: {words}")


def replay(state: State, number: int, time: int, began: int | None, kind: str, given: Attributes) -> None:
    """Apply one event."""
    if number != state.last + 1:
        state.wrong(f"is followed by event {number}")
    if state.closed:
        state.wrong(f"{kind} after the close")
    state.last = number
    if time < state.time:
        state.wrong("time goes back")
    if began is not None and not began < time == state.time:
        state.wrong("deadlines begin before it, and no clock went back")
    state.time, state.began = time, time if began is None else began
    state.closed = CLOSING_EVENTS.get(kind)
    if kind == "WorkflowExecutionStarted":
        state.started = given
        state.latest = _after(state.began, given["executionStartToCloseTimeout"])
        state.task_list = state.queue = given["taskList"]["name"]
    elif kind == "WorkflowExecutionCancelRequested":
        state.cancel_requested = True
    elif kind.startswith("DecisionTask"):
        _DECISION[kind](state, given)
    elif kind in _OPENS:
        _open(state, kind, given)
    elif kind in _STARTS or kind in _CLOSES or kind == "ActivityTaskCancelRequested":
        _task(state, kind, given)
    elif kind in _ASKS:
        state.asked[number] = _ASKS[kind]
    elif kind in _ANSWERS and given["initiatedEventId"]:
        if state.asked.pop(given["initiatedEventId"], None) is None:
            state.wrong(f"{kind} answers nothing")
    elif kind == "StartChildWorkflowExecutionFailed" and given["initiatedEventId"]:
        _close(state, kind, given["initiatedEventId"])


def _open(state: State, kind: str, given: Attributes) -> None:
    task_kind, name = _OPENS[kind]
    unique = task_kind != TaskKind.CHILD  # whose workflowId is looked at when it is started
    if unique and any(task.kind == task_kind and task.name == given[name] for task in state.tasks.values()):
        state.wrong(f"{kind}: {given[name]} is open already")
    state.tasks[state.last] = Open(task_kind, given[name], given, state.began)
    if task_kind == TaskKind.ACTIVITY:
        state.latest_activity = state.time


def _task(state: State, kind: str, given: Attributes) -> None:
    """A task is started, closed, or asked to cancel itself."""
    if kind == "ActivityTaskCancelRequested":
        for task in state.tasks.values():
            if task.kind == TaskKind.ACTIVITY and task.name == given["activityId"] and task.started:
                task.cancel = state.last
    elif kind in _STARTS:
        found = state.tasks.get(given[_STARTS[kind]])
        if found is None or found.started:
            state.wrong(f"{kind} of nothing that waits")
            return
        found.started, found.run_since = state.last, state.began
    else:
        _close(state, kind, given[_CLOSES[kind]], given.get("startedEventId"))


def _close(state: State, kind: str, opened: int, started: int | None = None) -> None:
    task = state.tasks.pop(opened, None)
    if task is None:
        state.wrong(f"{kind} of nothing that is open")
    elif task.kind != TaskKind.TIMER and started is not None and started != task.started:
        state.wrong(f"{kind} names {started} as the start, which is {task.started}")


def _decision_scheduled(state: State, given: Attributes) -> None:
    if state.queued:
        state.wrong("a second decision task waits")
    state.queued, state.queued_sticky = state.last, given["scheduleToStartTimeout"]
    if not state.started_task:
        state.queue, state.offered = given["taskList"]["name"], state.began
    if (given["taskList"]["name"], given["scheduleToStartTimeout"]) != (state.task_list, state.sticky):
        state.wrong("the decision task is on another list than the one in force")


def _decision_started(state: State, given: Attributes) -> None:
    if state.started_task or given["scheduledEventId"] != state.queued or not state.queued:
        state.wrong("a decision task is started that does not wait, or beside another one")
    state.queued, state.scheduled, state.started_task = 0, state.queued, state.last
    state.offered = state.began


def _decision_over(state: State, given: Attributes) -> None:
    if (given["scheduledEventId"], given["startedEventId"]) != (state.scheduled, state.started_task):
        state.wrong("closes a decision task that is not the started one")
    state.scheduled = state.started_task = 0
    if state.queued:
        state.queue, state.offered = state.task_list, state.began


def _decision_completed(state: State, given: Attributes) -> None:
    state.previous = state.started_task
    _decision_over(state, given)
    if "executionContext" in given:
        state.context = state.last if given["executionContext"] else 0
    if "taskList" in given:
        state.task_list = given["taskList"]["name"]
        state.sticky = given.get("taskListScheduleToStartTimeout") or "NONE"


def _decision_timed_out(state: State, given: Attributes) -> None:
    if given["startedEventId"]:
        _decision_over(state, given)
    elif given["scheduledEventId"] != state.queued or state.started_task:
        state.wrong("a decision task times out that does not wait")
    else:
        state.queued = 0
    if state.sticky != "NONE":
        state.task_list, state.sticky = state.started["taskList"]["name"], "NONE"


_DECISION = {
    "DecisionTaskScheduled": _decision_scheduled,
    "DecisionTaskStarted": _decision_started,
    "DecisionTaskCompleted": _decision_completed,
    "DecisionTaskTimedOut": _decision_timed_out,
}


# The rows that a state must have


def _after(time: int, seconds: str | None) -> int | None:
    return None if not seconds or seconds == "NONE" else time + int(seconds) * 1000


def _first(*deadlines: tuple[int | None, Timeout]) -> tuple[int | None, Timeout | None]:
    """The earliest, the lower timeout among equal ones."""
    found = sorted((due, timeout) for due, timeout in deadlines if due is not None)
    return found[0] if found else (None, None)


def _deadlines(task: Open) -> tuple[tuple[int | None, Timeout | None], ...]:
    """The deadline of a task's row, and its deadline beside the heartbeat's."""
    none: tuple[None, None] = (None, None)
    given = task.scheduled
    if task.kind == TaskKind.TIMER:
        return (_after(task.began, given["startToFireTimeout"]), Timeout.FIRE), none
    if task.kind == TaskKind.LAMBDA and task.started:
        return (_after(task.run_since, given["startToCloseTimeout"]), Timeout.START_TO_CLOSE), none
    if task.kind != TaskKind.ACTIVITY:
        return none, none
    since = min(task.began, task.run_since) if task.started else task.began
    to_close = (_after(since, given["scheduleToCloseTimeout"]), Timeout.SCHEDULE_TO_CLOSE)
    if not task.started:
        return _first(to_close, (_after(since, given["scheduleToStartTimeout"]), Timeout.SCHEDULE_TO_START)), none
    closes = _first(to_close, (_after(task.run_since, given["startToCloseTimeout"]), Timeout.START_TO_CLOSE))
    return closes, closes


def task_problems(task: Open, row: Task) -> Iterator[str]:
    """What is wrong with the row of an open task."""
    told, kept = (task.kind, task.name, task.started, task.cancel), (row.kind, row.name, row.started, row.cancel)
    if told != kept:
        yield f"{task.name!r} is {kept} in its row, and by its events {told}"
    due, closes = _deadlines(task)
    beats = task.kind == TaskKind.ACTIVITY and task.started and row.heartbeat is not None
    if (row.close_due, row.close_timeout) != closes or (not beats and (row.due, row.timeout) != due):
        yield f"{task.name!r} is due at {row.due}, and by its events at {due[0]}"
    if beats and (row.due is None or (row.close_due is not None and row.due > row.close_due)):
        yield f"{task.name!r} is due at {row.due}, after it must close"
    waits = not task.started and task.kind in (TaskKind.ACTIVITY, TaskKind.LAMBDA) and row.list is not None
    if waits != (row.arrival is not None):
        yield f"{task.name!r} {'waits and is not' if waits else 'does not wait and is'} in its list"


def run_problems(state: State, run: OpenExecution) -> Iterator[str]:
    """What is wrong with the row of an open execution."""
    told: dict[str, Any] = {
        "queued": state.queued,
        "scheduled": state.scheduled,
        "started": state.started_task,
        "previous": state.previous,
        "context": state.context,
        "latest_activity": state.latest_activity,
        "task_list": state.task_list,
        "sticky": state.sticky,
        "child_policy": state.started["childPolicy"],
        "original_list": state.started["taskList"]["name"],
        "task_timeout": state.started["taskStartToCloseTimeout"],
        "task_priority": state.started.get("taskPriority"),
        "list": state.queue,
        "due": _run_due(state, run.expires),
    }
    for name, value in told.items():
        if getattr(run, name) != value:
            yield f"{name} is {getattr(run, name)!r}, and by its events {value!r}"
    if state.latest is not None and run.expires > state.latest:
        yield f"it expires at {run.expires}, and by its events at {state.latest}"
    if bool(state.queued and not state.started_task) != (run.arrival is not None):
        yield "its decision task waits and is not in its list, or is there and does not wait"


def _run_due(state: State, expires: int) -> int:
    timeout = None
    if state.started_task:
        timeout = _after(state.offered, state.started["taskStartToCloseTimeout"])
    elif state.queued:
        timeout = _after(state.offered, state.queued_sticky)
    return expires if timeout is None else min(expires, timeout)


# The file


def problems(connection: apsw.Connection) -> Iterator[str]:
    """All that is wrong with a database, read at one instant if the caller has begun a transaction."""
    for (line,) in connection.execute("PRAGMA integrity_check").fetchall():
        if line != "ok":
            yield f"SQLite: {line}"
    mail = _mail(connection)
    runs = {row[0]: OpenExecution(*row) for row in connection.execute("SELECT * FROM open_execution")}
    for row in connection.execute("SELECT id, closed, status, cancel_requested, final, run_id FROM execution"):
        for words in _execution_problems(connection, row, runs.pop(row[0], None), mail):
            yield f"execution {row[0]} ({row[5]}): {words}"
    for number in runs:
        yield f"execution {number}: is open, and there is no such execution"
    yield from _left_over(connection)


@dataclass(frozen=True, slots=True)
class Mail:
    """What is on its way, by source and kind; and the children that are open or whose close is on its way, by key."""

    messages: set[tuple[int, str]]
    children: set[int]


def _mail(connection: apsw.Connection) -> Mail:
    messages = set(connection.execute("SELECT source, kind FROM outbox"))
    children = {key for (key,) in connection.execute("SELECT parent FROM execution WHERE closed IS NULL")}
    for source, kind in messages:
        if kind == Message.CLOSED:
            query = "SELECT parent FROM execution WHERE id = ?"
            children.add(connection.execute(query, (source >> EVENT_BITS,)).get)
    return Mail(messages, children)


def _left_over(connection: apsw.Connection) -> Iterator[str]:
    """Events and tasks of executions that are not there."""
    last = connection.execute("SELECT max(id) FROM execution").get or 0
    for table in ("event", "open_task"):
        missing = connection.execute(
            f"WITH RECURSIVE owner(id) AS (SELECT (SELECT min(key) FROM {table}) >> {EVENT_BITS} UNION ALL "
            f"SELECT (SELECT min(key) FROM {table} WHERE key >= (id + 1) << {EVENT_BITS}) >> {EVENT_BITS} "
            f"FROM owner WHERE id IS NOT NULL) "
            f"SELECT id FROM owner WHERE id IS NOT NULL AND id NOT IN (SELECT id FROM execution)"
        ).fetchall()
        for (number,) in missing:
            # the rows of one that is being removed go before it does, those of an open one never do
            yield f"table {table} has rows of execution {number}, which is not there (the last is {last})"


def _execution_problems(
    connection: apsw.Connection, row: tuple[Any, ...], run: OpenExecution | None, mail: Mail
) -> Iterator[str]:
    number, closed, status, cancel_requested, final, _ = row
    low, high = number << EVENT_BITS, number << EVENT_BITS | EVENT_MASK
    state = State()
    partly_removed = _replay_all(connection, state, low, high)
    if partly_removed and status is not None:
        return
    yield from state.problems
    tasks = {
        (found := Task._make(task)).key & EVENT_MASK: found
        for task in connection.execute("SELECT * FROM open_task WHERE key BETWEEN ? AND ?", (low, high))
    }
    told = (state.time, state.closed) if state.closed else (None, None)
    if (closed, status) != told or bool(cancel_requested) != state.cancel_requested:
        yield f"is {status} since {closed} in its row, and by its events {told[1]} since {told[0]}"
    if state.closed:
        if run is not None or tasks:
            yield "is closed and has open rows"
        yield from _final_problems(state, orjson.loads(final or "{}"))
        return
    if run is None:
        yield "is open and has no row that says so"
        return
    yield from run_problems(state, run)
    yield from _open_problems(state, tasks, low, mail)


def _replay_all(connection: apsw.Connection, state: State, low: int, high: int) -> bool:
    """Apply a history. Whether its beginning has been removed."""
    query = "SELECT key, time, began, type, attributes FROM event WHERE key BETWEEN ? AND ? ORDER BY key"
    first = True
    for key, time, began, code, attributes in connection.execute(query, (low, high)):
        if first and key & EVENT_MASK != 1:
            return True
        first = False
        replay(state, key & EVENT_MASK, time, began, _NAMES[code], orjson.loads(attributes))
    return first


def _open_problems(state: State, tasks: dict[int, Task], low: int, mail: Mail) -> Iterator[str]:
    """What is wrong with the open tasks of an execution, and with what it waits to be told."""
    if set(tasks) != set(state.tasks):
        yield f"events {sorted(set(tasks) ^ set(state.tasks))} are open tasks in rows or events, and not in both"
        return
    for number, task in state.tasks.items():
        yield from task_problems(task, tasks[number])
        if task.kind == TaskKind.CHILD and not task.started and (low | number, "start") not in mail.messages:
            yield f"child {task.name!r} is initiated, and nothing is on its way"
        if task.kind == TaskKind.CHILD and task.started and low | number not in mail.children:
            yield f"child {task.name!r} is closed, and nothing is on its way"
    for number, kind in state.asked.items():
        if (low | number, kind) not in mail.messages:
            yield f"event {number} waits for an answer, and nothing is on its way"


def _final_problems(state: State, final: dict[str, Any]) -> Iterator[str]:
    """What a description tells after the close is what was open before it."""
    told: dict[str, int] = {}
    for task in state.tasks.values():
        told[str(int(task.kind))] = told.get(str(int(task.kind)), 0) + 1
    expected = {
        "open": told,
        "decisions": int(bool(state.queued or state.started_task)),
        "context": state.context,
        "latestActivity": state.latest_activity,
    }
    if final != expected:
        yield f"keeps {final} after the close, and by its events {expected}"
