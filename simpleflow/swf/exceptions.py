"""The errors of the object layer, and how an engine's faults become them.

SWFError
├── PollTimeout                            a poll ended without a task
├── ResponseError                          the engine refused a request
│   └── RateLimitExceededError             for now: too many requests
├── DoesNotExistError                      there is no such thing, or it is closed
│   ├── DomainDoesNotExist
│   ├── WorkflowTypeDoesNotExist
│   ├── ActivityTypeDoesNotExist
│   └── WorkflowExecutionDoesNotExist
├── AlreadyExistsError                     a domain or type is registered, perhaps deprecated
├── WorkflowExecutionAlreadyStartedError   a run with this workflow id is open
├── InvalidKeywordArgumentError            a query that no engine can answer
├── InvalidDecisionError (ValueError)      a decision that every engine would refuse
└── InconsistentStateError                 a history that cannot be: `.event` tells where
    └── TransitionError                    an event that cannot follow the one before
"""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from simpleflow.protocol.faults import code_of as extract_error_code
from simpleflow.protocol.faults import message_of as extract_message

if TYPE_CHECKING:
    from simpleflow.swf.models.event import Event

__all__ = [
    "ActivityTypeDoesNotExist",
    "AlreadyExistsError",
    "DoesNotExistError",
    "DomainDoesNotExist",
    "InconsistentStateError",
    "InvalidDecisionError",
    "InvalidKeywordArgumentError",
    "PollTimeout",
    "RateLimitExceededError",
    "ResponseError",
    "SWFError",
    "TransitionError",
    "WorkflowExecutionAlreadyStartedError",
    "WorkflowExecutionDoesNotExist",
    "WorkflowTypeDoesNotExist",
    "always",
    "catch",
    "extract_error_code",
    "extract_message",
    "generate_resource_not_found_message",
    "ignore",
    "is_not",
    "is_unknown",
    "is_unknown_resource_raised",
    "match_equals",
    "raises",
    "translate",
    "translated",
]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
ErrorClasses = type[Exception] | tuple[type[Exception], ...]
Says = Callable[[Exception], Any]


class SWFError(Exception):
    """An error of the object layer.

    `message` says what was tried, `raw_error` what the engine answered ("" if it did not), and `error_code` is the
    engine's code ("UnknownResourceFault").
    """

    def __init__(self, message: str = "", raw_error: str = "", error_code: str = "") -> None:
        super().__init__(message, raw_error, error_code)
        self.message = message
        self.raw_error = raw_error
        self.error_code = error_code

    @property
    def kind(self) -> str:
        """What the engine complains of: "Unknown domain" of "Unknown domain: nope"."""
        return self.raw_error.partition(":")[0].strip()

    @property
    def details(self) -> str:
        """Of what it complains: "nope" of "Unknown domain: nope"."""
        return self.raw_error.partition(":")[2].strip()

    @property
    def type_(self) -> str:
        """The type of what it complains of: "WorkflowType" of "Unknown type: WorkflowType=[name=...]"."""
        return self.details.partition("=")[0] if "=[" in self.details else ""

    def __str__(self) -> str:
        return ": ".join(part for part in (self.message, self.raw_error) if part)


class PollTimeout(SWFError):
    """A poll ended without a task: poll again."""


class ResponseError(SWFError):
    """The engine refused a request."""


class RateLimitExceededError(ResponseError):
    """Too many requests for now: try again later."""


class DoesNotExistError(SWFError):
    """There is no such thing, or no more: it is closed, or somebody else has answered for it."""


class DomainDoesNotExist(DoesNotExistError):
    """No domain has this name."""


class WorkflowTypeDoesNotExist(DoesNotExistError):
    """No workflow type has this name and version."""


class ActivityTypeDoesNotExist(DoesNotExistError):
    """No activity type has this name and version."""


class WorkflowExecutionDoesNotExist(DoesNotExistError):
    """No run has these ids, or it is closed and can do no more."""


class AlreadyExistsError(SWFError):
    """A domain or a type with this name is registered already, perhaps deprecated."""


class WorkflowExecutionAlreadyStartedError(SWFError):
    """A run with this workflow id is open."""


class InvalidKeywordArgumentError(SWFError):
    """Conditions of a query that no engine can answer; the message says which, and why."""


class InvalidDecisionError(SWFError, ValueError):
    """A decision that every engine would refuse."""


class InconsistentStateError(SWFError):
    """A history that cannot be. `event` is where that shows; None where it shows nowhere in particular."""

    def __init__(self, message: str = "", event: Event | None = None) -> None:
        super().__init__(message)
        self.args = message, event
        self.event = event


class TransitionError(InconsistentStateError):
    """An event that cannot follow the one before."""


_BY_CODE: Final[dict[str, type[SWFError]]] = {
    "DomainAlreadyExistsFault": AlreadyExistsError,
    "TypeAlreadyExistsFault": AlreadyExistsError,
    "ThrottlingException": RateLimitExceededError,
    "WorkflowExecutionAlreadyStartedFault": WorkflowExecutionAlreadyStartedError,
}
_UNKNOWN: Final[tuple[tuple[str, type[SWFError]], ...]] = (
    ("unknown domain", DomainDoesNotExist),
    ("workflowtype=[", WorkflowTypeDoesNotExist),
    ("activitytype=[", ActivityTypeDoesNotExist),
    ("unknown execution", WorkflowExecutionDoesNotExist),
)
"""What the messages of an UnknownResourceFault hold, in lower case."""


def error_class(code: str, message: str) -> type[SWFError]:
    """The class of errors for a fault of this code and message."""
    if code != "UnknownResourceFault":
        return _BY_CODE.get(code, ResponseError)
    said = message.lower()
    return next((kind for words, kind in _UNKNOWN if words in said), DoesNotExistError)


@contextmanager
def translated(trying: str) -> Iterator[None]:
    """Raise an engine's faults as errors of this layer; everything else (a broken connection) as it is.

    `trying` says in a few words what could not be done ("cannot save the domain D"). The fault is the `__cause__`.
    """
    try:
        yield
    except Exception as error:
        code, said = extract_error_code(error), extract_message(error)
        if type(error).__name__ == "ParamValidationError":  # boto3's, before it sends
            code, said = "ValidationException", " ".join(said.split())
        if not code or isinstance(error, SWFError):
            raise
        raise error_class(code, said)(trying, said, code) from error


def always(value: T) -> Callable[..., T]:
    """A function that gives `value`, whatever it is called with.

    >>> always(3)("anything", more=True)
    3
    """
    return lambda *_args, **_kwargs: value


def ignore(*_args: Any, **_kwargs: Any) -> None:
    """Do nothing, whatever it is called with: for `catch(..., handle_with=ignore)`."""


def match_equals(pattern: str, text: str, values: str | Collection[str]) -> bool:
    r"""Whether the first group of `pattern` in `text` is one of `values`.

    >>> match_equals(r"Unknown type: (\w+)=", "Unknown type: WorkflowType=[name=a, version=1]", "WorkflowType")
    True
    """
    found = re.search(pattern, text)
    wanted = {values} if isinstance(values, str) else values
    return found is not None and found.group(1) in wanted


def is_unknown(resource: str) -> Callable[[Exception], bool]:
    """Tells of an error whether it says that there is no such `resource`: "domain", "WorkflowType", "ActivityType" or
    "WorkflowExecution"."""
    wanted = _OF_RESOURCES.get(resource)
    if wanted is None:
        raise ValueError(f"unknown resource {resource!r}: give one of {', '.join(_OF_RESOURCES)}")
    return lambda error: issubclass(_class_of(error), wanted)


def is_not(resource: str) -> Callable[[Exception], bool]:
    """Tells of an error whether it says something else than that there is no such `resource`."""
    unknown = is_unknown(resource)
    return lambda error: not unknown(error)


def is_unknown_resource_raised(error: Exception, *_args: Any, **_kwargs: Any) -> bool:
    """Whether an error says that something does not exist."""
    return issubclass(_class_of(error), DoesNotExistError)


def generate_resource_not_found_message(error: Exception) -> str:
    """What an error of that kind says, in a sentence of one line."""
    said = error.raw_error or error.message if isinstance(error, SWFError) else extract_message(error)
    return f"Resource does not exist: {' '.join(said.split())}"


def raises(
    exception: type[Exception], when: Says, extract: Callable[[Exception], str] = extract_message
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator: errors of the function for which `when` is true become `exception(extract(error))`.

    The error is the `__cause__`; others go through as they are.
    """
    return _around(lambda error: exception(extract(error)) if when(error) else None)


def translate(exceptions: ErrorClasses, to: type[Exception]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator: errors of these classes become `to`, with the engine's message; the error is the `__cause__`."""
    return _around(lambda error: to(extract_message(error) or str(error)) if isinstance(error, exceptions) else None)


def catch(
    exceptions: ErrorClasses, handle_with: Callable[..., Any] | None = None, log: bool = False
) -> Callable[[Callable[P, R]], Callable[P, R | Any]]:
    """A decorator: errors of these classes are not raised; the function gives `handle_with(error, *args, **kwargs)`
    then, or None where nothing is to handle them. `log`: they are logged, as errors, with their traceback.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R | Any]:
        @functools.wraps(function)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> R | Any:
            try:
                return function(*args, **kwargs)
            except exceptions as error:
                if log:
                    logging.getLogger(function.__module__).exception("%s: %s", function.__qualname__, error)
                return handle_with(error, *args, **kwargs) if handle_with else None

        return wrapped

    return decorate


def _around(reworded: Callable[[Exception], Exception | None]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                other = reworded(error)
                if other is None:
                    raise
                raise other from error

        return wrapped

    return decorate


def _class_of(error: Exception) -> type[Exception]:
    """What class an error of an engine is, or would be, in this layer."""
    if isinstance(error, SWFError):
        return type(error)
    code = extract_error_code(error)
    return error_class(code, extract_message(error)) if code else type(error)


_OF_RESOURCES: Final[dict[str, type[DoesNotExistError]]] = {
    "domain": DomainDoesNotExist,
    "WorkflowType": WorkflowTypeDoesNotExist,
    "ActivityType": ActivityTypeDoesNotExist,
    "WorkflowExecution": WorkflowExecutionDoesNotExist,
}
