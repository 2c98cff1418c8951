"""What commands that show runs ask the object layer for: a run as an object, and its history."""

from __future__ import annotations

from collections.abc import Iterator

from simpleflow.cli import options
from simpleflow.cli.app import Globals
from simpleflow.cli.finding import Named
from simpleflow.cli.many import Many, each
from simpleflow.clients import SWFClient
from simpleflow.runtime.runs import Run
from simpleflow.swf.models import Domain, WorkflowExecution
from simpleflow.swf.models.history import History


def execution(client: SWFClient, run: Run) -> WorkflowExecution:
    """The run as an object, of which no more is known than its names."""
    return WorkflowExecution(Domain(run.domain, connection=client), run.workflow_id, run.run_id)


def history(client: SWFClient, run: Run) -> History:
    """The whole history of the run."""
    return execution(client, run).history()


def histories_of(common: Globals, named: Named, many: Many) -> Iterator[tuple[Run, History]]:
    """The whole histories of the runs that are meant. Raises NoSuchRun."""
    client = options.open_engine(options.engine_url(common), reading=True)
    for run in each(client, named, many):
        yield run, history(client, run)
