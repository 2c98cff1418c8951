"""What a decider asks of the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simpleflow.swf import format
from simpleflow.swf.actors.core import Actor
from simpleflow.swf.core import Seconds
from simpleflow.swf.exceptions import translated
from simpleflow.swf.models.history import History
from simpleflow.swf.models.workflow import WorkflowExecution, WorkflowType
from simpleflow.swf.responses import Response


class DecisionTask(Response):
    """What a decider's poll gives."""

    token: str
    history: History
    execution: WorkflowExecution
    started_event_id: int
    previous_started_event_id: int
    raw_response: dict[str, Any]


class Decider(Actor):
    """A decider in a style of one's own. simpleflow's is `simpleflow.decider`, and does not stand on this one.

    The loop is yours:

        class MyDecider(Decider):
            def start(self):
                while not self.stopped:
                    try:
                        task = self.poll()
                    except PollTimeout:
                        continue
                    self.complete(task.token, [WorkflowExecutionDecision("complete")])
    """

    def poll(self, task_list: str | None = None, identity: str | None = None, **options: Any) -> DecisionTask:
        """Wait for a decision task, a minute at most.

        The response has `token`, `history` (a `History` of all pages), `execution` (a `WorkflowExecution`),
        `started_event_id`, `previous_started_event_id` and `raw_response`. Options are those of
        `poll_for_decision_task`. Raises PollTimeout where there is no task, DomainDoesNotExist, ResponseError.
        """
        task = self._poll(self.poll_for_decision_task, task_list, identity, **options)
        execution, type_ = task["workflowExecution"], task["workflowType"]
        return DecisionTask(
            token=task["taskToken"],
            history=History.from_event_list([*task["events"], *self._rest(task, task_list, options)]),
            execution=WorkflowExecution(
                self.domain,
                execution["workflowId"],
                execution["runId"],
                workflow_type=WorkflowType(self.domain, type_["name"], type_["version"], connection=self.connection),
                connection=self.connection,
            ),
            started_event_id=task["startedEventId"],
            previous_started_event_id=task.get("previousStartedEventId", 0),
            raw_response=task,
        )

    def _rest(self, task: dict[str, Any], task_list: str | None, options: dict[str, Any]) -> list[dict[str, Any]]:
        """The events of the task's other pages."""
        events: list[dict[str, Any]] = []
        while token := task.get("nextPageToken"):
            with translated(f"cannot read the history of {task['workflowExecution']['workflowId']}"):
                task = self.poll_for_decision_task(
                    self.domain.name, task_list or self.task_list, **{**options, "next_page_token": token}
                ) | {"workflowExecution": task["workflowExecution"]}
            events += task["events"]
        return events

    def complete(
        self,
        task_token: str,
        decisions: Sequence[Mapping[str, Any]] | None = None,
        execution_context: Any = None,
        task_list: str | None = None,
        task_list_schedule_to_start_timeout: Seconds = None,
    ) -> None:
        """Answer a decision task.

        `decisions` are `simpleflow.swf.models.decision`'s or plain dicts, at most 100 to be safe. The execution context
        is a text, or a value whose text is JSON. `task_list` is where the run's next decision tasks go, for at most so
        many seconds each. Raises DoesNotExistError where the task is not there any more, and ResponseError.
        """
        with translated("cannot complete the decision task"):
            self.respond_decision_task_completed(
                task_token,
                decisions,
                format.execution_context(execution_context),
                task_list,
                task_list_schedule_to_start_timeout,
            )
