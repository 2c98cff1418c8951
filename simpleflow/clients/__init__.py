"""Which engine: from a URL to an object with the methods of `boto3.client("swf")`.

    sqlite:PATH                     the embedded engine on a file; ?synchronous=full puts every commit on the disk
    memory                          the embedded engine in memory, for one process
    http://HOST:PORT, https://...   a server that speaks Amazon SWF's protocol
    aws, aws:REGION                 Amazon SWF

No caller can tell which it got. Beside boto3's methods each has `respond_and_poll`, which is one transaction on the
embedded engine and two calls elsewhere, the calls of Lambda tasks, and `close`. Whatever an engine needs is imported
in its own branch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol
from urllib.parse import urlsplit

from simpleflow import config

if TYPE_CHECKING:
    from simpleflow.engine import Clock, Configuration
    from simpleflow.observe import Traffic

Request = dict[str, Any]
Response = dict[str, Any]

FORMS = "sqlite:PATH, memory, http://HOST:PORT, aws or aws:REGION"
LONG_POLL_SECONDS = 60.0


class SWFClient(Protocol):
    """What every engine offers: boto3's methods, with its keyword arguments, answers and errors.

    See https://boto3.amazonaws.com/v1/documentation/api/latest/reference/services/swf.html
    """

    @property
    def exceptions(self) -> Any:
        """The classes of the modelled faults, such as `exceptions.UnknownResourceFault`."""

    def register_domain(self, **request: Any) -> Response: ...
    def describe_domain(self, **request: Any) -> Response: ...
    def list_domains(self, **request: Any) -> Response: ...
    def deprecate_domain(self, **request: Any) -> Response: ...
    def undeprecate_domain(self, **request: Any) -> Response: ...
    def tag_resource(self, **request: Any) -> Response: ...
    def untag_resource(self, **request: Any) -> Response: ...
    def list_tags_for_resource(self, **request: Any) -> Response: ...
    def register_workflow_type(self, **request: Any) -> Response: ...
    def describe_workflow_type(self, **request: Any) -> Response: ...
    def list_workflow_types(self, **request: Any) -> Response: ...
    def deprecate_workflow_type(self, **request: Any) -> Response: ...
    def undeprecate_workflow_type(self, **request: Any) -> Response: ...
    def delete_workflow_type(self, **request: Any) -> Response: ...
    def register_activity_type(self, **request: Any) -> Response: ...
    def describe_activity_type(self, **request: Any) -> Response: ...
    def list_activity_types(self, **request: Any) -> Response: ...
    def deprecate_activity_type(self, **request: Any) -> Response: ...
    def undeprecate_activity_type(self, **request: Any) -> Response: ...
    def delete_activity_type(self, **request: Any) -> Response: ...
    def start_workflow_execution(self, **request: Any) -> Response: ...
    def describe_workflow_execution(self, **request: Any) -> Response: ...
    def signal_workflow_execution(self, **request: Any) -> Response: ...
    def request_cancel_workflow_execution(self, **request: Any) -> Response: ...
    def terminate_workflow_execution(self, **request: Any) -> Response: ...
    def list_open_workflow_executions(self, **request: Any) -> Response: ...
    def list_closed_workflow_executions(self, **request: Any) -> Response: ...
    def count_open_workflow_executions(self, **request: Any) -> Response: ...
    def count_closed_workflow_executions(self, **request: Any) -> Response: ...
    def get_workflow_execution_history(self, **request: Any) -> Response: ...
    def count_pending_activity_tasks(self, **request: Any) -> Response: ...
    def count_pending_decision_tasks(self, **request: Any) -> Response: ...
    def poll_for_decision_task(self, **request: Any) -> Response: ...
    def respond_decision_task_completed(self, **request: Any) -> Response: ...
    def poll_for_activity_task(self, **request: Any) -> Response: ...
    def record_activity_task_heartbeat(self, **request: Any) -> Response: ...
    def respond_activity_task_completed(self, **request: Any) -> Response: ...
    def respond_activity_task_failed(self, **request: Any) -> Response: ...
    def respond_activity_task_canceled(self, **request: Any) -> Response: ...

    def list_lambda_functions(self) -> Response:
        """The Lambda functions that workers of this engine run; on Amazon none."""

    def poll_for_lambda_task(self, **request: Any) -> Response:
        """Take a Lambda function to run (`simpleflow.engine.lambdas`); Amazon runs them itself, and never has one."""

    def respond_lambda_task_completed(self, **request: Any) -> Response: ...
    def respond_lambda_task_failed(self, **request: Any) -> Response: ...

    def respond_and_poll(self, respond: tuple[str, Request] | None, poll: tuple[str, Request] | None) -> Response:
        """Respond, then poll: names of methods and their keyword arguments. Answers what the poll does, {} without.

        An error has a true `responded` where the response was taken nonetheless, and must not be sent again.
        """

    def close(self) -> None:
        """Let go of files and connections."""


def client(
    url: str,
    *,
    clock: Clock | None = None,
    point: Callable[[str, str], None] | None = None,
    stopping: Callable[[], bool] | None = None,
    traffic: Traffic | None = None,
    configuration: Configuration | None = None,
    long_poll_seconds: float = LONG_POLL_SECONDS,
    credentials: Mapping[str, str] | None = None,
) -> SWFClient:
    """The engine that a URL names.

    `clock`, `point`, `configuration` and `long_poll_seconds` are the embedded engine's (see `simpleflow.engine.Engine`)
    and mean nothing to the others; `stopping` ends a poll that waits (not on Amazon); `traffic` counts what is asked;
    `credentials` are boto3's, for Amazon, where they are not those that boto3 finds. AWS_ENDPOINT_URL_SWF is what `aws`
    means, if it is set.

    Raises ValueError for a URL that names none, EngineError for a file that cannot be had.
    """
    scheme, _, rest = url.partition(":")
    if url == "memory" or (scheme == "sqlite" and rest.partition("?")[0]):
        from simpleflow.engine import Engine

        path, synchronous = _sqlite(url, rest) if rest else (None, "auto")
        if path and not Path(path).parent.exists() and path == str(config.default_database()):
            _make(Path(path).parent)  # nobody has named it, so nobody has made it
        called = traffic and traffic.called
        hooks = {"clock": clock, "point": point, "called": called, "stopping": stopping, "configuration": configuration}
        given: dict[str, Any] = {name: hook for name, hook in hooks.items() if hook is not None}
        return Engine(path, synchronous=synchronous, long_poll_seconds=long_poll_seconds, **given)
    if scheme in ("http", "https") and rest.startswith("//"):
        _check_address(url)
        from simpleflow.clients.boto import server

        return server(url, stopping, traffic=traffic)
    if url == "aws" or (scheme == "aws" and rest):
        from simpleflow.clients.boto import amazon, server

        endpoint = os.environ.get("AWS_ENDPOINT_URL_SWF", "")
        if endpoint.startswith("http://"):
            return server(endpoint, stopping, rest, traffic)
        return amazon(rest, credentials or {}, traffic)
    raise _no_engine(url)


def _check_address(url: str) -> None:
    """Raise ValueError if a server's URL is not one of a host, and of a port where there is one."""
    try:
        parts = urlsplit(url)
        whole = bool(parts.hostname) and parts.port != 0 and not any(char.isspace() for char in url)
    except ValueError:
        whole = False
    if not whole:
        raise _no_engine(url)
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"{url!r} names more than a server: write {parts.scheme}://{parts.netloc}")


def _make(directory: Path) -> None:
    from simpleflow.engine import EngineError

    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EngineError(
            f"the directory {directory} cannot be made ({error.strerror}): name a file with --engine sqlite:PATH, "
            "or set XDG_DATA_HOME"
        ) from error


def _no_engine(url: str) -> ValueError:
    return ValueError(f"{url!r} names no engine; the forms are {FORMS}")


def _sqlite(url: str, rest: str) -> tuple[str | None, Literal["auto", "full"]]:
    """The path and the synchronous mode of a file's URL."""
    path, question, query = rest.partition("?")
    if not question:
        return str(Path(path).expanduser()), "auto"
    if query != "synchronous=full":
        raise ValueError(f"{url!r}: unknown option {query!r}; the only one is ?synchronous=full")
    return str(Path(path).expanduser()), "full"
