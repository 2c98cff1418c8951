"""How an execution comes to be, whoever starts it: a client, a parent, or the run before it. Pure.

See https://docs.aws.amazon.com/amazonswf/latest/apireference/API_StartWorkflowExecution.html
"""

from __future__ import annotations

from typing import Any, NamedTuple

from simpleflow.engine.rows import OpenExecution
from simpleflow.engine.transitions import NONE, Attributes, Turn, need_decision, optional
from simpleflow.protocol.limits import Limits


class Needed(NamedTuple):
    """What a start needs: the member, the type's default for it, the cause of a decision that lacks both."""

    member: str
    default: str
    cause: str


#: In the order in which the service looks for them.
NEEDED = (
    Needed(
        "executionStartToCloseTimeout",
        "defaultExecutionStartToCloseTimeout",
        "DEFAULT_EXECUTION_START_TO_CLOSE_TIMEOUT_UNDEFINED",
    ),
    Needed("taskList", "defaultTaskList", "DEFAULT_TASK_LIST_UNDEFINED"),
    Needed(
        "taskStartToCloseTimeout", "defaultTaskStartToCloseTimeout", "DEFAULT_TASK_START_TO_CLOSE_TIMEOUT_UNDEFINED"
    ),
    Needed("childPolicy", "defaultChildPolicy", "DEFAULT_CHILD_POLICY_UNDEFINED"),
)
_GIVEN_OR_DEFAULT = (("taskPriority", "defaultTaskPriority"), ("lambdaRole", "defaultLambdaRole"))

#: The attributes of a WorkflowExecutionStarted that an Initiated or ContinuedAsNew event holds as well.
STARTED = (
    "workflowType",
    "input",
    "tagList",
    "taskPriority",
    "lambdaRole",
    *(needed.member for needed in NEEDED),
)


def resolve(given: Attributes, workflow_type: dict[str, str], defaults: dict[str, Any]) -> Attributes | Needed:
    """The values in effect, from the request or decision and else the type; or what neither gives."""
    attributes: Attributes = {"workflowType": workflow_type, **optional(given, "input")}
    for needed in NEEDED:
        value = given.get(needed.member) or defaults.get(needed.default)
        if not value:
            return needed
        attributes[needed.member] = value
    for name, default in _GIVEN_OR_DEFAULT:
        if value := given.get(name) or defaults.get(default):
            attributes[name] = value
    if given.get("tagList"):
        attributes["tagList"] = list(given["tagList"])
    return attributes


def start(number: int, domain: int, time: int, attributes: Attributes, limits: Limits) -> Turn:
    """A new execution with this WorkflowExecutionStarted, and its first decision task."""
    turn = Turn(_new_run(number, domain, time, attributes, limits), time, limits=limits)
    turn.append("WorkflowExecutionStarted", {"parentInitiatedEventId": 0, **attributes})
    need_decision(turn)
    return turn


def _new_run(number: int, domain: int, time: int, attributes: Attributes, limits: Limits) -> OpenExecution:
    task_list = attributes["taskList"]["name"]
    timeout = attributes["executionStartToCloseTimeout"]
    seconds = limits.execution_seconds if timeout == NONE else min(int(timeout), limits.execution_seconds)
    return OpenExecution(
        id=number,
        domain=domain,
        child_policy=attributes["childPolicy"],
        original_list=task_list,
        task_list=task_list,
        sticky=NONE,
        task_timeout=attributes["taskStartToCloseTimeout"],
        task_priority=attributes.get("taskPriority"),
        expires=time + seconds * 1000,
        list=task_list,
        priority=-int(attributes.get("taskPriority") or 0),
    )
