"""Delivers what executions have to tell each other, in transactions of their own, in the order in which it was decided.

A message names the event that sends it; the event holds what is to be told. What it does to its target and what it
leaves in the history of its sender is one transaction, so that it happens once; it happens at the time of the
sending event, as if there were no time between, and is not dropped when the sender has closed meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simpleflow.engine.call import Call
from simpleflow.engine.executions import Execution, find_open, get_execution, launch, next_number
from simpleflow.engine.reaching import child_started
from simpleflow.engine.rows import EVENT_BITS, EVENT_MASK, Message, OpenExecution, Task, key_of
from simpleflow.engine.transitions import (
    Attributes,
    Turn,
    end_task,
    happen,
    optional,
    refuse_lambda,
    request_cancel,
    signal,
    terminate_child,
)
from simpleflow.protocol.faults import Fault

#: How the close of a child is told to its parent: the event, and what it repeats of the child's.
CHILD_CLOSED = {
    "WorkflowExecutionCompleted": ("ChildWorkflowExecutionCompleted", ("result",)),
    "WorkflowExecutionFailed": ("ChildWorkflowExecutionFailed", ("reason", "details")),
    "WorkflowExecutionTimedOut": ("ChildWorkflowExecutionTimedOut", ("timeoutType",)),
    "WorkflowExecutionCanceled": ("ChildWorkflowExecutionCanceled", ("details",)),
    "WorkflowExecutionTerminated": ("ChildWorkflowExecutionTerminated", ()),
}


class Letter:
    """A message on its way: the event that sends it, and the execution whose event that is."""

    def __init__(self, call: Call, key: int) -> None:
        self.call = call
        self.key = key
        self.sent, self.type, self.attributes = call.event_at(key)
        self.sender: Execution = get_execution(call, key >> EVENT_BITS)

    @property
    def event_id(self) -> int:
        return self.key & EVENT_MASK

    def turn(self, run: OpenExecution) -> Turn:
        """A turn of an execution at the time of the sending."""
        return self.call.turn(run, self.sent)

    def own_turn(self) -> Turn | None:
        """A turn of the sender, unless it has closed."""
        run = self.call.store.run(self.sender.id)
        return None if run is None else self.turn(run)

    def answer(self, kind: str, **attributes: Any) -> None:
        """Tell the sender how it went, unless it has closed."""
        turn = self.own_turn()
        if turn is not None:
            happen(turn, kind, {"initiatedEventId": self.event_id, **attributes})
            self.call.save(turn)


def named(execution: Execution) -> dict[str, str]:
    """An execution as events name it."""
    return {"workflowId": execution.workflow_id, "runId": execution.run_id}


def deliver(call: Call, key: int, message: str) -> None:
    """Deliver one message."""
    _HANDLERS[Message(message)](Letter(call, key))


def _start_child(letter: Letter) -> None:
    call, initiated = letter.call, letter.attributes
    latest = call.store.row("latest_execution", letter.sender.domain, initiated["workflowId"])
    task = call.store.task(letter.key)
    turn = letter.own_turn()
    if latest is not None and latest[2] is None:
        if turn is not None and task is not None:
            repeats = optional(initiated, "workflowId", "workflowType", "decisionTaskCompletedEventId", "control")
            why = {"cause": "WORKFLOW_ALREADY_RUNNING", "initiatedEventId": letter.event_id}
            end_task(turn, task, "StartChildWorkflowExecutionFailed", {**why, **repeats})
            call.save(turn)
        return
    started = child_started(initiated)
    started["parentWorkflowExecution"] = named(letter.sender)
    started["parentInitiatedEventId"] = letter.event_id
    number, domain = next_number(call), letter.sender.domain
    child = launch(call, number, domain, initiated["workflowId"], started, letter.sent, parent=letter.key)
    if turn is not None and task is not None:
        _tell_of_start(call, turn, task, child, initiated)


def _tell_of_start(call: Call, turn: Turn, task: Task, child: Execution, initiated: Attributes) -> None:
    event = happen(
        turn,
        "ChildWorkflowExecutionStarted",
        {
            "workflowExecution": named(child),
            "workflowType": initiated["workflowType"],
            "initiatedEventId": task.opened_by,
        },
    )
    turn.change(task._replace(started=event))
    call.save(turn)


def _child_closed(letter: Letter) -> None:
    """A child has closed: its parent hears of it, if that is still open and waits for it."""
    call, child = letter.call, letter.sender
    assert child.parent is not None
    task = call.store.task(child.parent)
    parent = call.store.run(child.parent >> EVENT_BITS)
    if task is None or parent is None:
        return
    turn = letter.turn(parent)
    kind, repeated = CHILD_CLOSED[letter.type]
    name, version = call.store.one("type_name", child.type)
    attributes = {
        "workflowExecution": named(child),
        "workflowType": {"name": name, "version": version},
        "initiatedEventId": task.opened_by,
        "startedEventId": task.started,
        **optional(letter.attributes, *repeated),
    }
    end_task(turn, task, kind, attributes)
    call.save(turn)


def _target(letter: Letter) -> OpenExecution | None:
    """The open execution that the sender names."""
    given = letter.attributes
    try:
        return find_open(letter.call, letter.sender.domain, given["workflowId"], given.get("runId"))
    except Fault:
        return None


def _outside(letter: Letter, failed: str, answered: str, tell: Callable[..., None]) -> None:
    """Tell another execution, and the sender how it went."""
    call, run = letter.call, _target(letter)
    if run is None:
        repeats = optional(letter.attributes, "workflowId", "runId", "decisionTaskCompletedEventId", "control")
        letter.answer(failed, cause="UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION", **repeats)
        return
    turn = letter.turn(run)
    tell(turn, externalWorkflowExecution=named(letter.sender), externalInitiatedEventId=letter.event_id)
    call.save(turn)
    letter.answer(answered, workflowExecution=named(get_execution(call, run.id)))


def _signal(letter: Letter) -> None:
    failed, answered = "SignalExternalWorkflowExecutionFailed", "ExternalWorkflowExecutionSignaled"
    _outside(letter, failed, answered, lambda turn, **sent_by: signal(turn, letter.attributes, **sent_by))


def _cancel(letter: Letter) -> None:
    failed, answered = "RequestCancelExternalWorkflowExecutionFailed", "ExternalWorkflowExecutionCancelRequested"
    _outside(letter, failed, answered, request_cancel)


def _child(letter: Letter, tell: Callable[[Turn], None]) -> None:
    """Tell the open child that the sender initiated, in whichever run it is by now.

    What happens to it happens when its parent ends, which is after the event that sends this.
    """
    call = letter.call
    latest = call.store.row("latest_execution", letter.sender.domain, letter.attributes["workflowId"])
    if latest is None or latest[2] is not None or get_execution(call, latest[0]).parent != letter.key:
        return
    run = call.store.run(latest[0])
    assert run is not None
    end, _ = call.store.one("last_event", key_of(letter.sender.id + 1, 0))
    turn = call.turn(run, call.event_at(end)[0])
    tell(turn)
    call.save(turn)


def _terminate_child(letter: Letter) -> None:
    _child(letter, terminate_child)


def _cancel_child(letter: Letter) -> None:
    _child(letter, lambda turn: request_cancel(turn, cause="CHILD_POLICY_APPLIED"))


def _no_role(letter: Letter) -> None:
    turn, task = letter.own_turn(), letter.call.store.task(letter.key)
    if turn is not None and task is not None:
        refuse_lambda(turn, task, "ASSUME_ROLE_FAILED", "The execution was started without a lambdaRole")
        letter.call.save(turn)


_HANDLERS = {
    Message.START: _start_child,
    Message.SIGNAL: _signal,
    Message.CANCEL: _cancel,
    Message.CLOSED: _child_closed,
    Message.TERMINATE_CHILD: _terminate_child,
    Message.CANCEL_CHILD: _cancel_child,
    Message.NO_ROLE: _no_role,
}
