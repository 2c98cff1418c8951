"""One run, by the texts that name it."""

from __future__ import annotations

from simpleflow.swf.core import Connection
from simpleflow.swf.models.domain import Domain
from simpleflow.swf.models.history import History
from simpleflow.swf.models.workflow import WorkflowExecution
from simpleflow.swf.querysets.workflow import WorkflowExecutionQuerySet


def get_workflow_execution(
    domain_name: str, workflow_id: str, run_id: str | None = None, connection: Connection = None
) -> WorkflowExecution:
    """The run of these ids; without a run id the open one, else the newest closed one.

    Raises WorkflowExecutionDoesNotExist, DomainDoesNotExist.
    """
    return WorkflowExecutionQuerySet(Domain(domain_name, connection=connection)).get(workflow_id, run_id)


def get_workflow_history(
    domain_name: str, workflow_id: str, run_id: str | None = None, connection: Connection = None
) -> History:
    """The history of that run. Raises WorkflowExecutionDoesNotExist, DomainDoesNotExist."""
    return get_workflow_execution(domain_name, workflow_id, run_id, connection).history()
