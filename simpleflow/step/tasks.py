"""The activities that read and write which steps are done: one file a step, in a bucket (`simpleflow.storage`).

Workers import them by their names, ``simpleflow.step.tasks.GetStepsDoneTask`` and ``MarkStepDoneTask``.
"""

from __future__ import annotations

import json
from typing import Any

from simpleflow import storage
from simpleflow.step.constants import UNKNOWN_CONTEXT


class GetStepsDoneTask:
    """The names of the steps that are marked as done in `bucket` under `path`, sorted."""

    def __init__(self, bucket: str, path: str) -> None:
        self.bucket = bucket
        self.path = path

    def execute(self) -> list[str]:
        folder = _folder(self.path)
        return [found.key.removeprefix(folder) for found in storage.list_keys(self.bucket, folder)]


class MarkStepDoneTask:
    """Mark a step as done, and keep by which run it was."""

    context: dict[str, Any] | None = None

    def __init__(self, bucket: str, path: str, step_name: str) -> None:
        self.bucket = bucket
        self.path = path
        self.step_name = step_name

    def execute(self) -> None:
        told = {name: (self.context or {}).get(name, unknown) for name, unknown in UNKNOWN_CONTEXT.items()}
        storage.push_content(
            self.bucket, _folder(self.path) + self.step_name, json.dumps(told), content_type="application/json"
        )


def _folder(path: str) -> str:
    return path if path.endswith("/") or not path else f"{path}/"
