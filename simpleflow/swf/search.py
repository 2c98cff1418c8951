"""Looking for the runs that a `Where` means: what the engine can filter by it is asked to, the rest is sifted here.

Amazon SWF takes one filter beside a span of time, so it is told the one that leaves least. Pages are read as they are
needed, and no history is. Without a time all runs are looked through that an engine can still know: they were started
at most a year and the longest retention, 90 days, ago.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from simpleflow.swf.constants import CLOSED, MAX_WORKFLOW_AGE, OPEN
from simpleflow.swf.exceptions import WorkflowExecutionDoesNotExist
from simpleflow.swf.models.domain import Domain
from simpleflow.swf.models.workflow import WorkflowExecution
from simpleflow.swf.querysets import WorkflowExecutionQuerySet
from simpleflow.swf.where import Where

FILTERS: Final = (("id", "workflow_id"), ("tag", "tag"), ("type", "workflow_type_name"))
"""The fields by which an engine filters, and the querysets' names for them: the one first that leaves least."""


def runs_where(domain: Domain, where: Where) -> Iterator[WorkflowExecution]:
    """The runs of which it holds, as lists tell them: the open ones, then the closed ones, the newest first."""
    seen: set[str | None] = set()  # a run may close while the open ones are listed
    for query in _queries(domain, where):
        for run in query.iterator():
            if run.run_id not in seen and where.holds(run, _described):
                yield run
                if run.is_open:
                    seen.add(run.run_id)


def newest_where(domain: Domain, where: Where) -> Iterator[WorkflowExecution]:
    """The same, of each workflow id the newest run alone: a run after which another one was started is over and done
    with, though it failed."""
    oldest, _ = where.span("started")
    seen: set[str] = set()
    for status in (OPEN, CLOSED):
        for run in _started(domain, status, oldest or _ever()).iterator():
            if run.workflow_id not in seen:
                seen.add(run.workflow_id)
                if where.holds(run, _described):
                    yield run


def _described(run: WorkflowExecution) -> WorkflowExecution:
    """The run in full; as it was listed, if it is past its retention meanwhile."""
    try:
        return run.upstream()
    except WorkflowExecutionDoesNotExist:
        return run


def _queries(domain: Domain, where: Where) -> Iterator[WorkflowExecutionQuerySet]:
    """What an engine is asked, once for open and once for closed runs."""
    statuses = where.statuses
    oldest, latest = where.span("started")
    if latest is not None and latest < (oldest or _ever()):
        return
    filters = dict(_filter(where))
    if OPEN in statuses:
        yield _started(domain, OPEN, oldest or _ever()).filter(start_latest_date=latest, **filters)
    closed = statuses - {OPEN}
    if not closed:
        return
    if len(closed) == 1 and not filters:
        filters = {"close_status": next(iter(closed))}
    closed_from, closed_to = where.span("closed")
    if oldest is None and latest is None and closed_from is not None:
        if closed_to is None or closed_from <= closed_to:
            query = WorkflowExecutionQuerySet(domain).filter(status=CLOSED, **filters)
            yield query.filter(close_oldest_date=closed_from, close_latest_date=closed_to)
    else:
        yield _started(domain, CLOSED, oldest or _ever()).filter(start_latest_date=latest, **filters)


def _filter(where: Where) -> Iterator[tuple[str, Any]]:
    """The engine's filter. A type without a dot may be the end of a longer name, which no engine looks for."""
    for field, name in FILTERS:
        text = where.literal(field)
        if text and (field != "type" or "." in text):
            yield name, text
            return


def _started(domain: Domain, status: str, oldest: datetime) -> WorkflowExecutionQuerySet:
    return WorkflowExecutionQuerySet(domain).filter(status=status, start_oldest_date=oldest)


def _ever() -> datetime:
    return datetime.now(UTC) - timedelta(days=MAX_WORKFLOW_AGE)
