"""Calling a Lambda function as Amazon calls its handlers: JSON in, JSON out.

Used by the warm child, and in this process by --local. It knows of no process and of no engine.
See https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html
"""

from __future__ import annotations

import importlib
import operator
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from simpleflow.exceptions import PayloadUnreachable, message_of
from simpleflow.payload.codec import MAX_LENGTH, PLAIN, Codec
from simpleflow.payload.failures import clean
from simpleflow.payload.reference import SCHEME
from simpleflow.runtime.calling import Answer, not_found, response, said_exit, unreachable

UNHANDLED: Final = "Unhandled"
"""Amazon's reason where a function raised; what it raised is in the details."""


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


def run(task: dict[str, Any], codec: Codec = PLAIN) -> Answer:
    """Call the function of a Lambda task, as function(event, context). Whatever it raises is in the answer.

    `task` is as `poll_for_lambda_task` gives it: the input is decoded from JSON (None without), what the function
    returns encoded as JSON, plain on both sides as by Amazon, whatever the type hints; only large values travel by
    reference. The details of a failure are Amazon's: errorMessage, errorType and stackTrace, as
    JSON.
    """
    try:
        function = _load(task["function"])
    except BaseException as error:
        return {"reason": not_found(task["function"], error), "details": _details(error), "stale": True}
    try:
        event = _event(task["input"], codec) if "input" in task else None
        deadline = time.time() + int(task["startToCloseTimeout"])
        result = function(event, Context(task["name"], task["taskToken"], deadline))
        return {"result": codec.freeze(result, "the result", bare=True)}
    except PayloadUnreachable as error:
        return unreachable(error)
    except BaseException as error:
        return {"reason": UNHANDLED, "details": _details(error)}


def invoke(task: dict[str, Any], codec: Codec = PLAIN) -> tuple[str, dict[str, Any]]:
    """`run` for loops of one's own: the method of the client that answers the task, and its arguments."""
    return response("lambda", task["taskToken"], run(task, codec))


def _event(text: str, codec: Codec) -> Any:
    """The value of an input: JSON, and strictly so where it is somebody else's."""
    return codec.load(text) if SCHEME in text else orjson.loads(text)


def _load(name: str) -> Callable[[Any, Context], Any]:
    """What "module:function" stands for. Raises ImportError, AttributeError and whatever the module does."""
    module, _, path = name.partition(":")
    function: Any = operator.attrgetter(path)(importlib.import_module(module))
    if not callable(function):
        raise ImportError(f"it is of type {type(function).__name__}, no function")
    return function  # type: ignore[no-any-return]


def _details(error: BaseException) -> str:
    """The error as JSON, whatever it is, and short enough: of a long trace the end, of a long message the beginning."""
    message = said_exit(error, "function") if issubclass(type(error), SystemExit) else message_of(error)
    message = clean(message)
    above = error.__traceback__  # our own frame
    trace = [clean(line) for line in traceback.format_tb(above.tb_next if above else None)]
    while True:
        told = {"errorMessage": message, "errorType": type(error).__name__, "stackTrace": trace}
        text = orjson.dumps(told).decode()
        if len(text) <= MAX_LENGTH:
            return text
        message, trace = message[: len(message) // 2], trace[(len(trace) + 1) // 2 :]
