"""One run or many, by the texts that name them: as objects, as tables, and one activity of a run with its call."""

from __future__ import annotations

from typing import Any

from simpleflow.activity import Activity
from simpleflow.payload.codec import PLAIN, Codec, arguments
from simpleflow.runtime import rerun
from simpleflow.runtime.poll import identity
from simpleflow.swf import report
from simpleflow.swf.core import Connection
from simpleflow.swf.models.domain import Domain
from simpleflow.swf.models.history import History
from simpleflow.swf.models.workflow import WorkflowExecution
from simpleflow.swf.querysets.workflow import WorkflowExecutionQuerySet


def get_workflow_execution(
    domain_name: str, workflow_id: str, run_id: str | None = None, connection: Connection = None
) -> WorkflowExecution:
    """The run of these ids; without a run id the open one, else the newest closed one.

    Raises WorkflowExecutionDoesNotExist, DomainDoesNotExist, as all that follow do.
    """
    return WorkflowExecutionQuerySet(Domain(domain_name, connection=connection)).get(workflow_id, run_id)


def get_workflow_history(
    domain_name: str, workflow_id: str, run_id: str | None = None, connection: Connection = None
) -> History:
    """The history of that run."""
    return get_workflow_execution(domain_name, workflow_id, run_id, connection).history()


def show_workflow_info(
    domain_name: str, workflow_id: str, run_id: str | None = None, connection: Connection = None
) -> report.Table:
    """The run in one row: see `simpleflow.swf.report.info`."""
    run = get_workflow_execution(domain_name, workflow_id, run_id, connection)
    return report.info(run, run.ends())


def show_workflow_profile(
    domain_name: str,
    workflow_id: str,
    run_id: str | None = None,
    nb_tasks: int | None = None,
    connection: Connection = None,
) -> report.Table:
    """How long its tasks waited and ran: see `simpleflow.swf.report.profile`."""
    return report.profile(get_workflow_history(domain_name, workflow_id, run_id, connection), nb_tasks)


def show_workflow_status(
    domain_name: str,
    workflow_id: str,
    run_id: str | None = None,
    nb_tasks: int | None = None,
    connection: Connection = None,
) -> report.Table:
    """How far its tasks are: see `simpleflow.swf.report.tasks`."""
    return report.tasks(get_workflow_history(domain_name, workflow_id, run_id, connection), nb_tasks)


def get_task(
    domain_name: str,
    workflow_id: str,
    task_id: str,
    details: bool = False,
    run_id: str | None = None,
    connection: Connection = None,
) -> report.Table:
    """One task of the run in one row: see `simpleflow.swf.report.task`. Raises DoesNotExistError."""
    return report.task(get_workflow_history(domain_name, workflow_id, run_id, connection), task_id, details)


def list_workflow_executions(domain_name: str, connection: Connection = None, **conditions: Any) -> report.Table:
    """Runs in short, the open ones where no condition says otherwise.

    `conditions` are those of `WorkflowExecutionQuerySet.filter`, which says what is raised.
    """
    return report.listed(WorkflowExecutionQuerySet(Domain(domain_name, connection=connection)).filter(**conditions))


def filter_workflow_executions(domain_name: str, connection: Connection = None, **conditions: Any) -> report.Table:
    """The same runs in full: see `simpleflow.swf.report.filtered`."""
    return report.filtered(WorkflowExecutionQuerySet(Domain(domain_name, connection=connection)).filter(**conditions))


def find_activity(
    history: History,
    scheduled_id: int | None = None,
    activity_id: str | None = None,
    input: Any = None,
    codec: Codec = PLAIN,
) -> tuple[Activity[..., Any], list[Any], dict[str, Any], dict[str, Any], dict[str, Any]]:
    """An activity of a history, to be called once more: (activity, args, kwargs, meta, params).

    It is the one that the event `scheduled_id` scheduled, or the last one of the id `activity_id`. `input`, an object
    with args and kwargs or a list of arguments, stands in for its own. `params` are the name, version, id and task list
    of what was scheduled. `codec` reads values that lie in a payload store. Raises simpleflow.runtime.rerun.CannotRerun
    where there is no such activity or its function cannot be imported, and ValueError without an id.
    """
    if scheduled_id is None and activity_id is None:
        raise ValueError("give scheduled_id, the number of an event, or activity_id")
    found = rerun.find([dict(event.raw) for event in history], codec, scheduled_id, activity_id)
    args, kwargs = arguments(found.input if input is None else input)
    meta = found.input.get("meta") if isinstance(found.input, dict) else None
    params = {"name": found.name, "version": found.version, "id": found.id, "task_list": found.task_list}
    return rerun.load(found), args, kwargs, meta or {}, params


def swf_identity() -> str:
    """Who this process says that it is when it polls: JSON of user, host name, process id and executable."""
    return identity()
