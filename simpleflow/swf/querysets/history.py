"""Queries for histories."""

from __future__ import annotations

from itertools import islice

from simpleflow.swf.core import PAGE_SIZE, ConnectedSWFObject, Connection, pages
from simpleflow.swf.exceptions import translated
from simpleflow.swf.models.domain import Domain
from simpleflow.swf.models.history import History


class HistoryQuerySet(ConnectedSWFObject):
    """Histories of the runs of a domain."""

    def __init__(self, domain: Domain, connection: Connection = None) -> None:
        super().__init__(connection if connection is not None else domain.connection)
        self.domain = domain

    def get(
        self,
        run_id: str,
        workflow_id: str,
        max_results: int | None = None,
        page_size: int = 100,
        reverse: bool = False,
    ) -> History:
        """The history of a run, or its first `max_results` events; with `reverse`, its last ones, the last first.

        Raises WorkflowExecutionDoesNotExist, DomainDoesNotExist.
        """
        given = {"domain": self.domain.name, "run_id": run_id, "workflow_id": workflow_id}
        size = min(page_size, PAGE_SIZE, max_results or PAGE_SIZE)
        with translated(f"cannot read the history of {workflow_id} {run_id}"):
            ask = self.get_workflow_execution_history
            found = pages(ask, "events", **given, maximum_page_size=size, reverse_order=reverse or None)
            return History.from_event_list(islice(found, max_results))
