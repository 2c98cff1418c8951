"""The old place of `simpleflow.task`. Its tasks are these; only a signal was called in another way here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simpleflow import task
from simpleflow.task import ActivityTask as ActivityTask
from simpleflow.task import CancelTimerTask as CancelTimerTask
from simpleflow.task import ContinueAsNewTask as ContinueAsNewWorkflowTask
from simpleflow.task import MarkerTask as MarkerTask
from simpleflow.task import NonPythonicActivityTask as NonPythonicActivityTask
from simpleflow.task import Task as SwfTask
from simpleflow.task import TimerTask as TimerTask
from simpleflow.task import WorkflowTask as WorkflowTask

__all__ = [
    "ActivityTask",
    "CancelTimerTask",
    "ContinueAsNewWorkflowTask",
    "MarkerTask",
    "NonPythonicActivityTask",
    "SignalTask",
    "SwfTask",
    "TimerTask",
    "WorkflowTask",
]


class SignalTask(task.SignalTask):
    """A signal to another run: `simpleflow.task.SignalTask`, with the receiver by position.

    Of `extra_input` only ``{"__propagate": False}`` has a meaning; `control` is not looked at.
    """

    __slots__ = ()

    def __init__(
        self,
        name: str,
        workflow_id: str | None,
        run_id: str | None,
        control: Any = None,
        extra_input: Mapping[str, Any] | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        propagate = bool((extra_input or {}).get("__propagate", True))
        super().__init__(name, *args, workflow_id=workflow_id, run_id=run_id, propagate=propagate, **kwargs)
