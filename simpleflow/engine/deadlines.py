"""Fires what is due: timers, timeouts of tasks, of decisions and of executions, in the order of their deadlines.

A deadline that passed while nobody looked is fired by the next call that writes, and its events bear the instant at
which it was due (never before the history's last event).
"""

from __future__ import annotations

from simpleflow.engine.call import Call
from simpleflow.engine.rows import Run, Task
from simpleflow.engine.store import Store
from simpleflow.engine.transitions import expire_execution, expire_task


def next_due(store: Store) -> int | None:
    """The instant (ms) of the next deadline; None if there is none."""
    execution: int | None
    task: int | None
    execution, task = store.one("next_due")
    if execution is None:
        return None  # tasks are open only where an execution is
    return execution if task is None or execution <= task else task


def fire_due(call: Call) -> None:
    """Fire all that is due at the call's time."""
    while True:
        due = next_due(call.store)
        if due is None or due > call.now:
            return
        _fire(call, due)


def _fire(call: Call, due: int) -> None:
    """Fire one deadline, the execution's own before its tasks'."""
    store = call.store
    row = store.row("due_execution", due)
    if row is not None:
        run = Run(*row)
        turn = store.load(run, due, call.limits)
        expire_execution(turn)
    else:
        found = store.row("due_task", due)
        assert found is not None
        task = Task._make(found)
        owner = store.run(task.execution)
        assert owner is not None
        turn = store.load(owner, due, call.limits)
        expire_task(turn, task)
    call.save(turn)
