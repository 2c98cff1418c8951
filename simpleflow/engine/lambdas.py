"""Lambda functions: Amazon runs them itself, here workers do, through calls that are like those of activities.

A poll gives a function's name, the callable that the engine's configuration maps it to, and its input; who polls calls
it. The engine imports nothing of a user's.
See https://docs.aws.amazon.com/amazonswf/latest/developerguide/lambda-task.html
"""

from __future__ import annotations

from simpleflow.engine.call import Call, Request, Response
from simpleflow.engine.reaching import LAMBDA_LIST, LAMBDA_SECONDS
from simpleflow.engine.rows import OpenExecution, Task, TaskKind, key_of
from simpleflow.engine.tasks import no_task, responding
from simpleflow.engine.tokens import LAMBDA, read_task_token, task_token
from simpleflow.engine.transitions import Attributes, Turn, finish_lambda, optional, start_lambda


def list_lambda_functions(call: Call, request: Request) -> Response:
    """The functions that this engine is told of, by which workers know whether there is something to poll for."""
    lambdas = call.configuration.lambdas
    return {"functions": [{"name": name, "function": lambdas[name]} for name in sorted(lambdas)]}


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
