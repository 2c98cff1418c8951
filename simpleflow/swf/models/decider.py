"""Deciders. No engine registers them: they are known by what they did, which the histories of runs tell."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from simpleflow.swf import format
from simpleflow.swf.core import Connection, pages
from simpleflow.swf.exceptions import DoesNotExistError, translated
from simpleflow.swf.models.base import OfDomain
from simpleflow.swf.models.event import DecisionTaskEvent
from simpleflow.swf.models.history import History
from simpleflow.swf.models.workflow import WorkflowExecution

if TYPE_CHECKING:
    from simpleflow.swf.models.domain import Domain

SEEN: Final = timedelta(days=1)
"""Runs that closed longer ago than this are not looked at, where nothing else is asked for."""


@dataclass(frozen=True, slots=True, repr=False)
class Decider(OfDomain):
    """Somebody who polls a list of decision tasks, as histories tell.

    `identity` is what it called itself in its polls; `decisions` counts the tasks that it took, and `first_seen` and
    `last_seen` say when, among the runs that were looked at.
    """

    domain: Domain
    task_list: str
    identity: str | None = None
    decisions: int = 0
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    workflow_types: tuple[tuple[str, str], ...] = ()
    connection: Connection = field(default=None, kw_only=True, compare=False)

    _uncompared: ClassVar[Collection[str]] = ("connection", "domain")

    def __repr__(self) -> str:
        return f"<Decider domain={self.domain.name} task_list={self.task_list} identity={self.identity}>"

    @property
    def process(self) -> dict[str, Any]:
        """What its identity tells, if it is simpleflow's: `user`, `hostname`, `pid` and perhaps `exe`; else nothing."""
        found = format.decode(self.identity)
        return found if isinstance(found, dict) else {}

    @property
    def pending(self) -> int:
        """How many decision tasks wait or are worked on in its list, as the engine estimates it."""
        return self.domain.pending_decisions(self.task_list)

    def upstream(self) -> Self:
        """The decider as the runs tell that are open or closed within a day. Raises DoesNotExistError."""
        for found in deciders(self.domain, runs(self.domain, SEEN)):
            if (found.task_list, found.identity) == (self.task_list, self.identity):
                return replace(self, **{name: getattr(found, name) for name in _TOLD})
        raise DoesNotExistError(f"no run of the last day tells of a decider of {self.task_list}: {self.identity}")


_TOLD: Final = ("decisions", "first_seen", "last_seen", "workflow_types")


def runs(domain: Domain, closed_within: timedelta) -> Iterator[WorkflowExecution]:
    """The open runs of a domain, and those that closed not longer ago. Raises DomainDoesNotExist."""
    since = datetime.now(UTC) - closed_within
    with translated(f"cannot list the runs of the domain {domain.name}"):
        opened = pages(domain.list_open_workflow_executions, "executionInfos", domain=domain.name, oldest_date=0)
        yield from (WorkflowExecution.from_info(domain, info) for info in opened)
        request = {"domain": domain.name, "close_oldest_date": since}
        closed = pages(domain.list_closed_workflow_executions, "executionInfos", **request)
        yield from (WorkflowExecution.from_info(domain, info) for info in closed)


def deciders(domain: Domain, executions: Iterable[WorkflowExecution]) -> list[Decider]:
    """The deciders that the histories of these runs tell of, those seen last first. Reads each history."""
    found: dict[tuple[str, str | None], Decider] = {}
    for execution in executions:
        type_ = execution.workflow_type
        kinds = ((type_.name, type_.version),) if type_ else ()
        for decider in seen(domain, execution.history()):
            key = decider.task_list, decider.identity
            found[key] = _joined(found.get(key), replace(decider, workflow_types=kinds))
    return sorted(found.values(), key=lambda decider: decider.last_seen or datetime.min, reverse=True)


def seen(domain: Domain, history: History) -> Iterator[Decider]:
    """A decider for each decision task that was taken."""
    lists: dict[int, str] = {}
    for event in history:
        if not isinstance(event, DecisionTaskEvent):
            continue
        if event.state == "scheduled":
            lists[event.id] = (event.task_list or {}).get("name", "")
        elif event.state == "started":
            name, time = lists.get(event.scheduled_event_id, ""), event.timestamp
            yield Decider(domain, name, event.identity, 1, time, time)


def _joined(one: Decider | None, other: Decider) -> Decider:
    if one is None or not (one.first_seen and one.last_seen and other.first_seen and other.last_seen):
        return one or other
    return replace(
        one,
        decisions=one.decisions + other.decisions,
        first_seen=min(one.first_seen, other.first_seen),
        last_seen=max(one.last_seen, other.last_seen),
        workflow_types=tuple(sorted({*one.workflow_types, *other.workflow_types})),
    )
