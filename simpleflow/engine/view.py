"""Gathers what the decisions of a response can see, from the store: no more than they name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from simpleflow.engine.call import Call
from simpleflow.engine.executions import next_number, room_for
from simpleflow.engine.rounds import View
from simpleflow.engine.rows import OpenExecution, Task
from simpleflow.engine.store import task_range
from simpleflow.engine.tokens import new_run_id
from simpleflow.protocol.decisions import DECISIONS

Decision = dict[str, Any]

#: The member that names what a decision opens or closes.
_NAMED = {
    "ScheduleActivityTask": "activityId",
    "RequestCancelActivityTask": "activityId",
    "StartTimer": "timerId",
    "CancelTimer": "timerId",
    "ScheduleLambdaFunction": "id",
}
#: The decisions whose open things are counted.
_OPENS = frozenset({"ScheduleActivityTask", "StartTimer", "ScheduleLambdaFunction", "StartChildWorkflowExecution"})
#: The cause of a decision that comes too fast.
_TOO_FAST = {
    row.name: next((cause for cause in row.causes if cause.endswith("RATE_EXCEEDED")), "") for row in DECISIONS.values()
}


def look(call: Call, run: OpenExecution, decisions: Sequence[Decision]) -> View:
    """What these decisions can see of their execution, its open tasks, and the types of its domain."""
    view = View()
    names = set()
    kinds = set()
    for decision in decisions:
        kind = decision["decisionType"]
        kinds.add(kind)
        given = decision.get(DECISIONS[kind].member) or {}
        if kind in _NAMED:
            names.add(given[_NAMED[kind]])
        if kind in _LOOKS:
            _LOOKS[kind](call, run, view, given)
    low, high = task_range(run.id)
    if names:
        rows = call.store.all("tasks_named", low, high, orjson.dumps(list(names)).decode())
        view.tasks = {(row[1], row[2]): Task._make(row) for row in rows}
    if kinds & _OPENS:
        view.open = dict(call.store.all("count_open", low, high))
    if "StartChildWorkflowExecution" in kinds:
        view.room = room_for(call, run.domain, len(decisions), next_number(call))
    if call.configuration.deny or call.configuration.rates:
        view.refused = _refused(call, decisions)
    return view


def _refused(call: Call, decisions: Sequence[Decision]) -> dict[int, str]:
    """The decisions that a rule refuses, and those that come too fast."""
    refused = {}
    for index, decision in enumerate(decisions):
        kind = decision["decisionType"]
        if cause := call.configuration.refusal(kind):
            refused[index] = cause
        elif _TOO_FAST[kind] and not call.buckets.take(kind, call.now / 1000):
            refused[index] = _TOO_FAST[kind]
    return refused


def _activity(call: Call, run: OpenExecution, view: View, given: dict[str, Any]) -> None:
    type_ = (given["activityType"]["name"], given["activityType"]["version"])
    if type_ not in view.types:
        view.types[type_] = call.type("activity", run.domain, *type_)


def _child(call: Call, run: OpenExecution, view: View, given: dict[str, Any]) -> None:
    type_ = (given["workflowType"]["name"], given["workflowType"]["version"])
    if type_ not in view.workflow_types:
        view.workflow_types[type_] = call.type("workflow", run.domain, *type_)


def _continue(call: Call, run: OpenExecution, view: View, given: dict[str, Any]) -> None:
    _, _, name, version = call.store.one("execution_names", run.id)
    view.workflow_type = (name, version)
    type_ = (name, given.get("workflowTypeVersion") or version)
    view.workflow_types[type_] = call.type("workflow", run.domain, *type_)
    view.next_run = new_run_id(next_number(call))


def _lambda(call: Call, run: OpenExecution, view: View, given: dict[str, Any]) -> None:
    if call.configuration.lambda_role_required:
        _, started = call.event(run.id, 1)
        view.lambda_role = "lambdaRole" in started


_LOOKS = {
    "ScheduleActivityTask": _activity,
    "StartChildWorkflowExecution": _child,
    "ContinueAsNewWorkflowExecution": _continue,
    "ScheduleLambdaFunction": _lambda,
}
