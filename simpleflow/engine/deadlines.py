"""Brings the file up to date: messages are delivered, and what is due fires, in the order in which it comes.

A deadline that passed while nobody looked is fired by the next call that writes, and its events bear the instant at
which it was due (never before the history's last event). Messages come first: whatever sent them is over.
"""

from __future__ import annotations

from simpleflow.engine.call import Call
from simpleflow.engine.outbox import deliver
from simpleflow.engine.rows import OpenExecution, Task
from simpleflow.engine.store import Store
from simpleflow.engine.transitions import expire_execution, expire_task

#: So many at most are delivered and fired in one transaction: others wait for its end.
STEPS = 64
#: The instant at which messages are due.
AT_ONCE = 0


def next_due(store: Store) -> int | None:
    """The instant (ms) of the next deadline, AT_ONCE if there are messages; None if nothing is to come."""
    message: int | None
    execution: int | None
    task: int | None
    message, execution, task = store.one("next_due")
    if message is not None:
        return AT_ONCE
    if execution is None:
        return None  # tasks are open only where an execution is
    return execution if task is None or execution <= task else task


def catch_up(call: Call) -> bool:
    """Deliver and fire what is due at the call's time. False if there is more than one transaction should hold."""
    for _ in range(STEPS):
        due = next_due(call.store)
        if due is None or due > call.now:
            return True
        if due == AT_ONCE:
            _deliver(call)
        else:
            _fire(call, due)
    return False


def _deliver(call: Call) -> None:
    """Deliver the first message."""
    number, key, kind = call.store.one("next_message")
    call.store.do("delete_message", number)
    deliver(call, key, kind)


def _fire(call: Call, due: int) -> None:
    """Fire one deadline, the execution's own before its tasks'."""
    store = call.store
    row = store.row("due_execution", due)
    if row is not None:
        turn = call.turn(OpenExecution(*row), due)
        expire_execution(turn)
    else:
        found = store.row("due_task", due)
        assert found is not None
        task = Task._make(found)
        owner = store.run(task.execution)
        assert owner is not None
        turn = call.turn(owner, due)
        expire_task(turn, task)
    call.save(turn)
