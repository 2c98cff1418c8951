"""Decisions that reach beyond their execution: to the run after it, to children, to other executions, to Lambda. Pure.

What happens to others is told by messages, which `simpleflow.engine.outbox` delivers in later transactions. Only a
continue-as-new is carried out at once, so that nobody can start the workflowId in between.
"""

from __future__ import annotations

from typing import Any

from simpleflow.engine.rounds import Round
from simpleflow.engine.rows import LAST, Message, Task, TaskKind, Type, key_of
from simpleflow.engine.starting import STARTED, Needed, resolve
from simpleflow.engine.transitions import Attributes, optional

#: The one list of a domain's Lambda functions; no task list can have its name.
LAMBDA_LIST = "lambda:"
LAMBDA_SECONDS = "900"


def _resolve(given: Attributes, type_: tuple[str, str], known: Type | None) -> tuple[str, Attributes]:
    """The attributes of an execution that a decision starts, or the cause for which there is none."""
    if known is None:
        return "WORKFLOW_TYPE_DOES_NOT_EXIST", {}
    if not known.registered:
        return "WORKFLOW_TYPE_DEPRECATED", {}
    found = resolve(given, {"name": type_[0], "version": type_[1]}, known.defaults)
    return (found.cause, {}) if isinstance(found, Needed) else ("", found)


def continue_as_new(round_: Round, given: Attributes) -> None:
    """The run closes, and another one of the same workflowId begins in the same transaction."""
    turn, view = round_.turn, round_.view
    name, version = view.workflow_type
    type_ = (name, given.get("workflowTypeVersion") or version)
    cause, attributes = _resolve(given, type_, view.workflow_types.get(type_))
    if turn.run.queued:
        cause = "UNHANDLED_DECISION"
    if cause:
        round_.fail("ContinueAsNewWorkflowExecution", cause, given)
        return
    round_.event("WorkflowExecutionContinuedAsNew", {**attributes, "newExecutionRunId": view.next_run})
    if turn.status == "CONTINUED_AS_NEW":
        turn.continued = attributes


def start_child(round_: Round, given: Attributes) -> None:
    """A child is initiated; it starts, or finds its workflowId taken, in a later transaction."""
    turn = round_.turn
    cause, attributes = _resolve_child(round_, given)
    if cause:
        round_.fail("StartChildWorkflowExecution", cause, given)
        return
    named = optional(given, "workflowId", "control")
    event = round_.event("StartChildWorkflowExecutionInitiated", {**attributes, **named})
    turn.tell(event, Message.START)
    round_.open(Task(key_of(turn.run.id, event), TaskKind.CHILD, given["workflowId"], turn.run.domain))
    round_.view.room -= 1


def _resolve_child(round_: Round, given: Attributes) -> tuple[str, Attributes]:
    view, limits = round_.view, round_.turn.limits
    type_ = (given["workflowType"]["name"], given["workflowType"]["version"])
    cause, attributes = _resolve(given, type_, view.workflow_types.get(type_))
    if cause in ("WORKFLOW_TYPE_DOES_NOT_EXIST", "WORKFLOW_TYPE_DEPRECATED"):
        return cause, {}
    if view.open.get(TaskKind.CHILD, 0) >= limits.open_children:
        return "OPEN_CHILDREN_LIMIT_EXCEEDED", {}
    if view.room <= 0:
        return "OPEN_WORKFLOWS_LIMIT_EXCEEDED", {}
    return cause, attributes


def child_started(initiated: Attributes) -> Attributes:
    """The attributes of the WorkflowExecutionStarted that an Initiated event holds."""
    return optional(initiated, *STARTED)


def signal_external(round_: Round, given: Attributes) -> None:
    """A signal for another execution is on its way."""
    told = optional(given, "workflowId", "runId", "signalName", "input", "control")
    event = round_.event("SignalExternalWorkflowExecutionInitiated", told)
    round_.turn.tell(event, Message.SIGNAL)


def cancel_external(round_: Round, given: Attributes) -> None:
    """A request to cancel another execution is on its way."""
    event = round_.event(
        "RequestCancelExternalWorkflowExecutionInitiated", optional(given, "workflowId", "runId", "control")
    )
    round_.turn.tell(event, Message.CANCEL)


def schedule_lambda(round_: Round, given: Attributes) -> None:
    """A Lambda function waits for a worker."""
    turn, view = round_.turn, round_.view
    cause = ""
    if (TaskKind.LAMBDA, given["id"]) in view.tasks:
        cause = "ID_ALREADY_IN_USE"
    elif view.open.get(TaskKind.LAMBDA, 0) >= turn.limits.open_lambdas:
        cause = "OPEN_LAMBDA_FUNCTIONS_LIMIT_EXCEEDED"
    if cause:
        round_.fail("ScheduleLambdaFunction", cause, given)
        return
    attributes: dict[str, Any] = optional(given, "id", "name", "control", "input")
    attributes["startToCloseTimeout"] = given.get("startToCloseTimeout") or LAMBDA_SECONDS
    event = round_.event("LambdaFunctionScheduled", attributes)
    task = Task(key_of(turn.run.id, event), TaskKind.LAMBDA, given["id"], turn.run.domain)
    if view.lambda_role:
        task = task._replace(list=LAMBDA_LIST, arrival=LAST)
    else:
        turn.tell(event, Message.NO_ROLE)
    round_.open(task)
