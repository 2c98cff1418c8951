"""What deciders and workers have in common: a domain, a task list, a poll that may end without a task."""

from __future__ import annotations

from typing import Any, Final

from simpleflow.runtime.poll import identity as default_identity
from simpleflow.swf import format
from simpleflow.swf.core import ConnectedSWFObject, Connection
from simpleflow.swf.exceptions import PollTimeout, translated
from simpleflow.swf.models.domain import Domain

_TIMEOUT: Final = "ReadTimeoutError"
"""boto3's error of a poll that was not answered in time."""


class Actor(ConnectedSWFObject):
    """Somebody who polls a task list of a domain. Inherit from it by way of `Decider` or `ActivityWorker`.

    `identity` is what its tasks' histories call it; by default it names user, host and process. Raises TypeError where
    `domain` is no Domain.
    """

    def __init__(
        self, domain: Domain, task_list: str, identity: str | None = None, connection: Connection = None
    ) -> None:
        if not isinstance(domain, Domain):
            raise TypeError(f"domain takes a Domain, not {domain!r}: write Domain({str(domain)!r})")
        super().__init__(connection if connection is not None else domain.connection)
        self.domain = domain
        self.task_list = task_list
        self.identity = identity

    def __repr__(self) -> str:
        return f"<{type(self).__name__} domain={self.domain.name} task_list={self.task_list}>"

    def start(self) -> None:
        """Poll and answer until `stop`. Yours to write."""
        raise NotImplementedError(f"{type(self).__name__} has no start method")

    def stop(self) -> None:
        """End what `start` does. Yours to write."""
        raise NotImplementedError(f"{type(self).__name__} has no stop method")

    def _poll(self, ask: Any, task_list: str | None, identity: str | None, **options: Any) -> dict[str, Any]:
        """The answer to a poll, which holds a task. Raises PollTimeout."""
        who = format.identity(identity or self.identity or default_identity())
        try:
            with translated(f"cannot poll {task_list or self.task_list}"):
                answer: dict[str, Any] = ask(self.domain.name, task_list or self.task_list, identity=who, **options)
        except Exception as error:
            if type(error).__name__ != _TIMEOUT:
                raise
            raise PollTimeout(f"{type(self).__name__} poll timed out", str(error)) from error
        if not answer.get("taskToken"):
            raise PollTimeout(f"{type(self).__name__} poll timed out")
        return answer
