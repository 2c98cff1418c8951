"""Lambda functions: Amazon runs them itself, here workers do, through calls that are like those of activities.

A poll gives a function's name, the callable that the engine's configuration maps it to, and its input; `invoke` calls
that, and says what to respond: `swf.respond_and_poll(invoke(task), ("poll_for_lambda_task", {...}))`.
See https://docs.aws.amazon.com/amazonswf/latest/developerguide/lambda-task.html
"""

from __future__ import annotations

import importlib
import time
import traceback
from dataclasses import dataclass
from typing import Any

import orjson

from simpleflow.engine.call import Call, Request, Response
from simpleflow.engine.reaching import LAMBDA_LIST, LAMBDA_SECONDS
from simpleflow.engine.rows import OpenExecution, Task, TaskKind, key_of
from simpleflow.engine.tasks import no_task, responding
from simpleflow.engine.tokens import LAMBDA, read_task_token, task_token
from simpleflow.engine.transitions import Attributes, Turn, finish_lambda, optional, start_lambda

#: The longest `details` of a LambdaFunctionFailed.
DETAILS = 32_768


def poll_for_lambda_task(call: Call, request: Request) -> Response | None:
    """One try. An engine that is told of no functions takes none; one that is told of some refuses the others."""
    domain = call.domain(request["domain"])
    while call.configuration.lambdas:
        row = call.store.row("next_task", domain, LAMBDA_LIST)
        if row is None:
            return None
        task = Task._make(row)
        run = call.store.run(task.execution)
        assert run is not None
        turn = call.turn(run)
        _, scheduled = call.event(task.execution, task.opened_by)
        task = start_lambda(turn, task, int(scheduled.get("startToCloseTimeout") or LAMBDA_SECONDS))
        function = call.configuration.lambdas.get(scheduled["name"])
        if function is None:
            _refuse(turn, task, scheduled["name"])
        call.save(turn)
        if function is not None and turn.status is None:
            return _answer(call, run, task, function, scheduled)
    return None


def _refuse(turn: Turn, task: Task, name: str) -> None:
    """There is no such function."""
    attributes = {"reason": "ResourceNotFoundException", "details": f"Function not found: {name}"}
    finish_lambda(turn, task, "LambdaFunctionFailed", attributes)


def _answer(call: Call, run: OpenExecution, task: Task, function: str, scheduled: Attributes) -> Response:
    workflow_id, run_id, *_ = call.store.one("execution_names", run.id)
    return {
        "taskToken": task_token(call.file, LAMBDA, run.id, task.opened_by),
        "id": task.name,
        "name": scheduled["name"],
        "function": function,
        "startedEventId": task.started,
        "startToCloseTimeout": scheduled["startToCloseTimeout"],
        "workflowExecution": {"workflowId": workflow_id, "runId": run_id},
        **optional(scheduled, "input"),
    }


def _started_lambda(call: Call, token_text: str) -> Task:
    """The Lambda function that a worker runs. Raises UnknownResourceFault if it does so no more."""
    token = read_task_token(token_text, LAMBDA)
    task = call.store.task(key_of(token.execution, token.scheduled)) if token.file == call.file else None
    if task is None or task.kind != TaskKind.LAMBDA or not task.started:
        raise no_task(call, token, "Lambda function")
    return task


respond_lambda_task_completed = responding(_started_lambda, finish_lambda, "LambdaFunctionCompleted", "result")
respond_lambda_task_failed = responding(_started_lambda, finish_lambda, "LambdaFunctionFailed", "reason", "details")


@dataclass(frozen=True, slots=True)
class Context:
    """What a function is told beside its input, as much of Amazon's context object as there is here."""

    function_name: str
    aws_request_id: str
    deadline: float
    """When it has timed out, in seconds since 1970."""

    def get_remaining_time_in_millis(self) -> int:
        """How many milliseconds are left."""
        return max(0, round((self.deadline - time.time()) * 1000))


def invoke(task: dict[str, Any]) -> tuple[str, Request]:
    """Call the function of a Lambda task, as function(event, context); the response: a method and its arguments.

    Its input is decoded from JSON, what it returns encoded as JSON. What it raises is a failure with the reason
    "Unhandled" and Amazon's details: errorMessage, errorType and stackTrace, as JSON.
    """
    token = task["taskToken"]
    try:
        module, _, name = task["function"].partition(":")
        function = getattr(importlib.import_module(module), name)
        event = orjson.loads(task["input"]) if "input" in task else None
        deadline = time.time() + int(task["startToCloseTimeout"])
        result = function(event, Context(task["name"], token, deadline))
        text = orjson.dumps(result).decode()
    except Exception as error:
        details = _details(error, traceback.format_tb(error.__traceback__))
        return "respond_lambda_task_failed", {"taskToken": token, "reason": "Unhandled", "details": details}
    return "respond_lambda_task_completed", {"taskToken": token, "result": text}


def _details(error: Exception, trace: list[str]) -> str:
    """The error as JSON, whatever it is, and short enough: of a long trace the end, of a long message the beginning."""
    try:
        message = str(error).encode(errors="replace").decode()
    except Exception:
        message = "an error that cannot be shown"
    while True:
        told = {"errorMessage": message, "errorType": type(error).__name__, "stackTrace": trace}
        text = orjson.dumps(told).decode()
        if len(text) <= DETAILS:
            return text
        message, trace = message[: len(message) // 2], trace[(len(trace) + 1) // 2 :]
