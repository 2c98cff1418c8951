"""A client that answers as it is told, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from simpleflow.protocol.faults import Fault, client_error

Answer = dict[str, Any] | ClientError | Callable[..., dict[str, Any]]


def refusal(code: str, message: str) -> ClientError:
    """What boto3 raises."""
    return client_error(Fault(code, message), "Operation")


class FakeClient:
    """`answers` are by method: one for each call, the last one for all that follow; {} where there is none."""

    def __init__(self, **answers: list[Answer] | Answer) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._answers = {name: given if isinstance(given, list) else [given] for name, given in answers.items()}

    def __getattr__(self, method: str) -> Callable[..., dict[str, Any]]:
        if method.startswith("_"):
            raise AttributeError(method)

        def call(**request: Any) -> dict[str, Any]:
            self.asked.append((method, request))
            answers = self._answers.get(method, [{}])
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if isinstance(answer, ClientError):
                raise answer
            return answer(**request) if callable(answer) else answer

        return call

    @property
    def methods(self) -> list[str]:
        return [method for method, _ in self.asked]

    @property
    def last(self) -> dict[str, Any]:
        """The last request."""
        return self.asked[-1][1]
