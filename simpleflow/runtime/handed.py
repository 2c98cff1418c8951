"""A task that somebody else has polled: ``worker.start --poll-data``, and the decision that a trial makes."""

from __future__ import annotations

from typing import Any

from simpleflow.runtime.poll import Call


class Handed:
    """A client whose first poll gives this task. All else is the engine's."""

    def __init__(self, client: Any, task: dict[str, Any]) -> None:
        self._client = client
        self._tasks = [task]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def respond_and_poll(self, respond: Call | None, poll: Call | None) -> dict[str, Any]:
        if respond is None and poll is not None and self._tasks:
            return self._tasks.pop()
        answer: dict[str, Any] = self._client.respond_and_poll(respond, poll)
        return answer
