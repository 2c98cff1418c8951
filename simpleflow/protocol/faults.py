"""The faults that Amazon SWF answers with.

Inside the package a refusal is a `Fault`, which costs nothing to import. Where it leaves the embedded engine it
becomes what boto3 raises: `botocore.exceptions.ClientError`, of a subclass named after the code where the service
models one. botocore is imported only then.
See https://docs.aws.amazon.com/amazonswf/latest/apireference/CommonErrors.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

#: The faults of the service's model, and why it answers with them.
MODELED: dict[str, str] = {
    "DefaultUndefinedFault": "neither the request nor the type gives a value that is needed",
    "DomainAlreadyExistsFault": "the domain is registered, perhaps deprecated",
    "DomainDeprecatedFault": "the domain is deprecated",
    "LimitExceededFault": "a quota is used up",
    "OperationNotPermittedFault": "the caller may not do this",
    "TooManyTagsFault": "a domain has at most 50 tags",
    "TypeAlreadyExistsFault": "the type is registered, perhaps deprecated",
    "TypeDeprecatedFault": "the type is deprecated",
    "TypeNotDeprecatedFault": "the type must be deprecated first",
    "UnknownResourceFault": "no such domain, type, execution or task, or it is closed",
    "WorkflowExecutionAlreadyStartedFault": "an execution with this workflowId is open",
}

#: The faults that every AWS service has, and the HTTP status that goes with them.
COMMON: dict[str, int] = {
    "InternalFailure": 500,
    "RequestEntityTooLargeException": 413,
    "SerializationException": 400,
    "ThrottlingException": 400,
    "UnknownOperationException": 400,
    "ValidationException": 400,
}

VALIDATION = "ValidationException"


class Fault(Exception):
    """A refusal: one of the codes above and Amazon's message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


def validation(message: str) -> Fault:
    """The fault of a request that is malformed."""
    return Fault(VALIDATION, message)


def unknown(message: str) -> Fault:
    """The fault of a request about something that is not there."""
    return Fault("UnknownResourceFault", message)


def code_of(error: BaseException) -> str:
    """The code of a fault, of the embedded engine's and of boto3's errors alike; "" if it is none.

    >>> code_of(unknown("Unknown domain: nope"))
    'UnknownResourceFault'
    """
    if isinstance(error, Fault):
        return error.code
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return ""
    return str(response.get("Error", {}).get("Code", ""))


def message_of(error: BaseException) -> str:
    """The message of a fault, without boto3's words around it; `str(error)` if it is none."""
    if isinstance(error, Fault):
        return error.message
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return str(error)
    message = str(response.get("Error", {}).get("Message", error))
    if message.lstrip().startswith("<"):  # a page, by what stands before the engine or has failed within
        return f"the engine, or what stands before it, cannot answer {getattr(error, 'operation_name', 'the call')}"
    return message


_classes: dict[str, type[ClientError]] = {}


def fault_class(code: str) -> type[ClientError]:
    """The exception class of a code: a subclass of ClientError for modelled faults, else ClientError itself."""
    from botocore.exceptions import ClientError

    if code not in _classes:
        doc = MODELED.get(code)
        _classes[code] = type(code, (ClientError,), {"__doc__": doc}) if doc else ClientError
    return _classes[code]


def client_error(fault: Fault, operation: str) -> ClientError:
    """What boto3 raises for this fault. `operation` is Amazon's name of the operation."""
    status = COMMON.get(fault.code, 400)
    response: Any = {
        "Error": {"Code": fault.code, "Message": fault.message},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0},
        "message": fault.message,
    }
    return fault_class(fault.code)(response, operation)


class Exceptions:
    """The namespace `client.exceptions` of a boto3 client."""

    def __getattr__(self, name: str) -> type[ClientError]:
        if name == "ClientError" or name in MODELED:
            return fault_class(name)
        raise AttributeError(f"{name} is no fault of Amazon SWF; there are {', '.join(MODELED)} and ClientError")

    def __dir__(self) -> list[str]:
        return [*MODELED, "ClientError"]
