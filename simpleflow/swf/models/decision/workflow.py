"""Decisions about the run itself, its children, and other runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simpleflow.swf import format
from simpleflow.swf.core import Seconds
from simpleflow.swf.models.decision.base import Decision, named, text, type_of


class WorkflowExecutionDecision(Decision):
    """Close the run. It must be the last decision of a response."""

    actions = ("complete", "cancel", "fail", "continue_as_new")

    def complete(self, result: Any = None) -> None:
        """CompleteWorkflowExecution."""
        self._make("CompleteWorkflowExecution", {"result": format.result(result)})

    def cancel(self, details: str | None = None) -> None:
        """CancelWorkflowExecution."""
        self._make("CancelWorkflowExecution", {"details": details})

    def fail(self, details: str | None = None, reason: str | None = None) -> None:
        """FailWorkflowExecution."""
        self._make("FailWorkflowExecution", {"details": details, "reason": reason})

    def continue_as_new(
        self,
        child_policy: str | None = None,
        execution_timeout: Seconds = None,
        task_timeout: Seconds = None,
        input: Any = None,
        tag_list: Sequence[str] | None = None,
        task_list: str | None = None,
        task_priority: int | str | None = None,
        workflow_type_version: str | None = None,
        lambda_role: str | None = None,
    ) -> None:
        """ContinueAsNewWorkflowExecution: another run of the same workflow id; what is None is the type's."""
        self._make(
            "ContinueAsNewWorkflowExecution",
            {
                "childPolicy": child_policy,
                "executionStartToCloseTimeout": text(execution_timeout),
                "taskStartToCloseTimeout": text(task_timeout),
                "input": format.input(input),
                "tagList": list(tag_list) if tag_list else None,
                "taskList": named(task_list),
                "taskPriority": text(task_priority),
                "workflowTypeVersion": workflow_type_version,
                "lambdaRole": lambda_role,
            },
        )


class ChildWorkflowExecutionDecision(Decision):
    """Start a child."""

    actions = ("start",)

    def start(
        self,
        workflow_type: Any,
        workflow_id: str,
        child_policy: str | None = None,
        execution_timeout: Seconds = None,
        task_timeout: Seconds = None,
        control: Any = None,
        input: Any = None,
        tag_list: Sequence[str] | None = None,
        task_list: str | None = None,
        task_priority: int | str | None = None,
        lambda_role: str | None = None,
    ) -> None:
        """StartChildWorkflowExecution: `workflow_type` is a `WorkflowType`, or a dict; what is None is the type's."""
        self._make(
            "StartChildWorkflowExecution",
            {
                "workflowType": type_of(workflow_type),
                "workflowId": workflow_id,
                "childPolicy": child_policy,
                "executionStartToCloseTimeout": text(execution_timeout),
                "taskStartToCloseTimeout": text(task_timeout),
                "control": format.control(control),
                "input": format.input(input),
                "tagList": list(tag_list) if tag_list else None,
                "taskList": named(task_list),
                "taskPriority": text(task_priority),
                "lambdaRole": lambda_role,
            },
        )


class ExternalWorkflowExecutionDecision(Decision):
    """Signal another run of the domain, or ask one to cancel itself."""

    actions = ("request_cancel", "signal")

    def request_cancel(self, workflow_id: str, control: Any = None, run_id: str | None = None) -> None:
        """RequestCancelExternalWorkflowExecution: without a run id, the open run."""
        self._make(
            "RequestCancelExternalWorkflowExecution",
            {"workflowId": workflow_id, "control": format.control(control), "runId": run_id},
        )

    def signal(
        self, signal_name: str, workflow_id: str, control: Any = None, input: Any = None, run_id: str | None = None
    ) -> None:
        """SignalExternalWorkflowExecution: without a run id, the open run."""
        self._make(
            "SignalExternalWorkflowExecution",
            {
                "signalName": signal_name,
                "workflowId": workflow_id,
                "control": format.control(control),
                "input": format.input(input),
                "runId": run_id,
            },
        )
