"""Queries for workflow types and for runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Self

from simpleflow.protocol.events import CLOSING_EVENTS
from simpleflow.swf.constants import ALL, CLOSED, MAX_WORKFLOW_AGE, OPEN
from simpleflow.swf.core import pages
from simpleflow.swf.exceptions import (
    InvalidKeywordArgumentError,
    ResponseError,
    WorkflowExecutionAlreadyStartedError,
    WorkflowExecutionDoesNotExist,
    WorkflowTypeDoesNotExist,
    translated,
)
from simpleflow.swf.models.workflow import WorkflowExecution, WorkflowType
from simpleflow.swf.querysets.base import OfDomainQuerySet, TypeQuerySet


class WorkflowTypeQuerySet(TypeQuerySet[WorkflowType]):
    """Workflow types of a domain, by name.

    `filter` takes `registration_status` - REGISTERED, which is the default, DEPRECATED or ALL - and `name`.
    """

    _model = WorkflowType
    _plural = "workflow types"
    _missing = WorkflowTypeDoesNotExist

    def _listing(self) -> Callable[..., dict[str, Any]]:
        return self.list_workflow_types


_FILTERS: Final = {
    "tag": "tag",
    "workflow_id": "workflow_id",
    "workflow_type_name": "workflow_name",
    "workflow_type_version": "workflow_version",
    "close_status": "close_status",
}
"""Conditions that are the engine's filters, and their names in its operations."""
_ONE_OF: Final = ("tag", "workflow_id", "workflow_type_name", "close_status")
_CANNOT: Final = ("500", "InternalFailure", "UnknownOperationException")
"""What engines answer that list runs and do not count them, such as moto's."""
_STARTED: Final = ("start_oldest_date", "start_latest_date")
_ENDED: Final = ("close_oldest_date", "close_latest_date")
_ALIASES: Final = ("oldest_date", "latest_date")

When = datetime | date | timedelta | float
"""An instant: a datetime (naive: local time), a date (its midnight), a timedelta ago, or a number of days ago."""


class WorkflowExecutionQuerySet(OfDomainQuerySet[WorkflowExecution]):
    """Runs of a domain, the newest first: those that started last, or, by `close_...` dates, those that closed last.

    `filter` takes

    - `status`: OPEN, CLOSED, or ALL, which is the open ones and then the closed ones. By default OPEN, and CLOSED where
      another condition is about closed runs.
    - one of `tag`, `workflow_id`, `workflow_type_name` (perhaps with `workflow_type_version`) and `close_status`: no
      engine filters by two of them.
    - `start_oldest_date`, `start_latest_date` (also `oldest_date`, `latest_date`), or else, for closed runs,
      `close_oldest_date`, `close_latest_date`: a datetime (naive: local time), a date, a timedelta ago, or a number of
      days ago. Either of two can be given alone.

    What is fetched knows what lists tell (see `WorkflowExecution`); `get` and `upstream` know all.
    """

    keywords = ("status", *_FILTERS, *_STARTED, *_ENDED, *_ALIASES)

    def _what(self) -> str:
        return f"the runs of the domain {self.domain.name}"

    def filter(
        self,
        status: str | None = None,
        tag: str | None = None,
        workflow_id: str | None = None,
        workflow_type_name: str | None = None,
        workflow_type_version: str | None = None,
        *,
        close_status: str | None = None,
        start_oldest_date: When | None = None,
        start_latest_date: When | None = None,
        close_oldest_date: When | None = None,
        close_latest_date: When | None = None,
        oldest_date: When | None = None,
        latest_date: When | None = None,
        **unknown: Any,
    ) -> Self:
        """The same query with more conditions (see the class); None stands for not given.

        Raises InvalidKeywordArgumentError for one that there is not, that is given twice with different values, or
        that cannot go with another one; nothing is asked of the engine.
        """
        return super().filter(
            status=status,
            tag=tag,
            workflow_id=workflow_id,
            workflow_type_name=workflow_type_name,
            workflow_type_version=workflow_type_version,
            close_status=close_status,
            start_oldest_date=_either("start_oldest_date", start_oldest_date, "oldest_date", oldest_date),
            start_latest_date=_either("start_latest_date", start_latest_date, "latest_date", latest_date),
            close_oldest_date=close_oldest_date,
            close_latest_date=close_latest_date,
            **unknown,
        )

    def all(self, status: str | None = None, start_oldest_date: When | None = None, **conditions: Any) -> Self:
        """The same query, which asks anew; with conditions, the same as `filter`."""
        return self.filter(status, start_oldest_date=start_oldest_date, **conditions)

    def _statuses(self) -> tuple[str, ...]:
        closed = any(name in self._given for name in ("close_status", *_ENDED))
        status = self._given.get("status", CLOSED if closed else OPEN)
        return (OPEN, CLOSED) if status == ALL else (status,)

    def _check(self) -> None:
        given = self._given
        if given.get("status", OPEN) not in (OPEN, CLOSED, ALL):
            raise InvalidKeywordArgumentError(f"status is OPEN, CLOSED or ALL, not {given['status']!r}")
        if OPEN in self._statuses() and (wrong := [name for name in ("close_status", *_ENDED) if name in given]):
            raise InvalidKeywordArgumentError(f"{wrong[0]} is about closed runs, and status is {given['status']}")
        if len(together := [name for name in _ONE_OF if name in given]) > 1:
            raise InvalidKeywordArgumentError(
                f"{' and '.join(together)} exclude each other: an engine filters by one of {', '.join(_ONE_OF)}"
            )
        if "workflow_type_version" in given and "workflow_type_name" not in given:
            raise InvalidKeywordArgumentError("workflow_type_version needs workflow_type_name beside it")
        started, ended = ([name for name in names if name in given] for names in (_STARTED, _ENDED))
        if started and ended:
            raise InvalidKeywordArgumentError(f"{started[0]} and {ended[0]} exclude each other: give one kind of dates")
        if (status := given.get("close_status")) and status not in CLOSING_EVENTS.values():
            known = ", ".join(CLOSING_EVENTS.values())
            raise InvalidKeywordArgumentError(f"close_status is one of {known}, not {status!r}")
        for name in (*started, *ended):
            instant(given[name], name)

    def _request(self, status: str) -> dict[str, Any]:
        """The arguments of the operations that list or count runs of one status."""
        given = self._given
        request = {key: given[name] for name, key in _FILTERS.items() if name in given}
        named = [name for name in (*_STARTED, *_ENDED) if name in given]
        dates: dict[str, datetime] = {name: instant(given[name], name) for name in named}
        oldest = "close_oldest_date" if any(name in dates for name in _ENDED) else "start_oldest_date"
        dates.setdefault(oldest, datetime.now(UTC) - timedelta(days=MAX_WORKFLOW_AGE))
        if status == OPEN:
            dates = {name.removeprefix("start_"): date for name, date in dates.items()}
        return {"domain": self.domain.name, **request, **dates}

    def _fetch(self) -> Iterator[WorkflowExecution]:
        for status in self._in_order(self._statuses()):
            ask = self.list_open_workflow_executions if status == OPEN else self.list_closed_workflow_executions
            found = pages(ask, "executionInfos", **self._request(status), **self._paging())
            yield from (WorkflowExecution.from_info(self.domain, info, connection=self.connection) for info in found)

    def count(self) -> int:
        """How many runs there are: the engine counts, and where it gives up or cannot, its list is counted."""
        total = 0
        for status in self._statuses():
            ask = self.count_open_workflow_executions if status == OPEN else self.count_closed_workflow_executions
            try:
                with translated(f"cannot count {self._what()}"):
                    found = ask(**self._request(status))
            except ResponseError as error:
                if error.error_code not in _CANNOT:
                    raise
                return super().count()
            if found.get("truncated"):
                return super().count()
            total += found["count"]
        return total

    def get(self, workflow_id: str, run_id: str | None = None) -> WorkflowExecution:
        """The run of these ids, as DescribeWorkflowExecution tells it; without a run id the open run, else the newest.

        Raises WorkflowExecutionDoesNotExist, DomainDoesNotExist.
        """
        return WorkflowExecution(self.domain, workflow_id, run_id, connection=self.connection).upstream()

    def create(self, workflow_id: str, workflow_type: WorkflowType, **start: Any) -> WorkflowExecution:
        """Start a run; `start` is what `WorkflowType.start_execution` takes, which says what is raised."""
        return workflow_type.start_execution(workflow_id, **start)

    def get_or_create(self, workflow_id: str, workflow_type: WorkflowType, **start: Any) -> WorkflowExecution:
        """The open run of this id, which is started where there is none."""
        while True:
            try:
                return self.create(workflow_id, workflow_type, **start)
            except WorkflowExecutionAlreadyStartedError:
                found = self.filter(workflow_id=workflow_id, status=OPEN).first()
            if found is not None:  # else it has closed meanwhile
                return found.upstream()

    def list_workflow_executions(self, status: str = OPEN, **conditions: Any) -> list[WorkflowExecution]:
        """The runs of one status, as a list. Raises ValueError for a status that there is not."""
        if status not in (OPEN, CLOSED):
            raise ValueError(f"status is OPEN or CLOSED, not {status!r}")
        return list(self.filter(status=status, **conditions))


def _either(name: str, value: When | None, alias: str, other: When | None) -> When | None:
    if value is not None and other is not None:
        raise InvalidKeywordArgumentError(f"{alias} is another name of {name}: give one of them")
    return value if other is None else other


def instant(value: Any, name: str) -> datetime:
    """An instant: a datetime (naive: local time), a date (its midnight), a timedelta ago, or a number of days ago.

    Raises InvalidKeywordArgumentError for anything else.
    """
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, date):
        return datetime.combine(value, time()).astimezone(UTC)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = timedelta(days=value)
    if isinstance(value, timedelta):
        return datetime.now(UTC) - value
    raise InvalidKeywordArgumentError(f"{name} takes a datetime, a date, a timedelta or days ago, not {value!r}")


__all__ = ["WorkflowExecutionDoesNotExist", "WorkflowExecutionQuerySet", "WorkflowTypeQuerySet", "instant"]
