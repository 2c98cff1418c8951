"""Runs, as the engine's history tells of them: found, followed and worded. It reads and never writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from simpleflow.clients import SWFClient
from simpleflow.exceptions import WorkflowFailed
from simpleflow.payload.codec import Codec, read_object
from simpleflow.protocol.faults import code_of
from simpleflow.protocol.history import Event, attributes, close_status
from simpleflow.workflow import Workflow

LONGEST_RETENTION: Final = timedelta(days=366 + 90 + 1)
"""How old a run can be that an engine still knows: a year open, then 90 days kept."""
HINTED: Final[dict[str, str]] = {
    "EVENT_LIMIT_EXCEEDED": "EVENT_LIMIT_EXCEEDED: its history has as many events as a run may have; "
    "let it continue as new before (docs/how-to/long-runs.md)"
}
PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Run:
    """Which run: the three texts that name it."""

    domain: str
    workflow_id: str
    run_id: str

    @property
    def execution(self) -> dict[str, str]:
        return {"workflowId": self.workflow_id, "runId": self.run_id}


class NoSuchRun(LookupError):
    """The engine knows no such run. The message is one line."""


def find_open(client: SWFClient, domain: str, workflow_id: str) -> Run | None:
    """The open run with this id, of which there is at most one."""
    return _newest(client.list_open_workflow_executions, domain, workflow_id)


def find(client: SWFClient, domain: str, workflow_id: str, run_id: str | None = None) -> Run:
    """The run with these ids; without a run id the open one, else the newest closed one. Raises NoSuchRun."""
    if run_id:
        return Run(domain, workflow_id, run_id)
    run = find_open(client, domain, workflow_id)
    run = run or _newest(client.list_closed_workflow_executions, domain, workflow_id)
    if run is None:
        raise NoSuchRun(f"the domain {domain} has no run of {workflow_id}")
    return run


def _newest(read: Any, domain: str, workflow_id: str) -> Run | None:
    """The newest of the runs with this id that a method lists."""
    asked = {
        "domain": domain,
        "startTimeFilter": {"oldestDate": datetime.now(UTC) - LONGEST_RETENTION},
        "executionFilter": {"workflowId": workflow_id},
    }
    found = read(**asked, maximumPageSize=1)["executionInfos"]
    if found and found[0]["execution"]["workflowId"] != workflow_id:  # there are services that overlook the filter
        every = _pages(read, "executionInfos", **asked)
        ours = [info for info in every if info["execution"]["workflowId"] == workflow_id]
        found = sorted(ours, key=lambda info: info["startTimestamp"], reverse=True)
    return Run(domain, workflow_id, found[0]["execution"]["runId"]) if found else None


def listed(client: SWFClient, domain: str, *, closed: bool, since: datetime) -> Iterator[dict[str, Any]]:
    """The open or the closed runs that started since then, newest first, as the engine describes them."""
    read = client.list_closed_workflow_executions if closed else client.list_open_workflow_executions
    yield from _pages(read, "executionInfos", domain=domain, startTimeFilter={"oldestDate": since})


def describe(client: SWFClient, run: Run) -> dict[str, Any]:
    """DescribeWorkflowExecution. Raises NoSuchRun."""
    try:
        described: dict[str, Any] = client.describe_workflow_execution(domain=run.domain, execution=run.execution)
    except Exception as error:
        if code_of(error) == "UnknownResourceFault" and "execution" in str(error):
            raise NoSuchRun(f"the domain {run.domain} has no run {run.run_id} of {run.workflow_id}") from None
        raise
    return described


def history(client: SWFClient, run: Run, *, reverse: bool = False, page: int = 1000) -> Iterator[Event]:
    """The events of a run, page by page as they are asked for."""
    read = client.get_workflow_execution_history
    yield from _pages(
        read, "events", domain=run.domain, execution=run.execution, reverseOrder=reverse, maximumPageSize=page
    )


def input_of(client: SWFClient, run: Run) -> str | None:
    """The text of the run's own input."""
    started = next(history(client, run, page=1))
    found: str | None = attributes(started).get("input")
    return found


def closing_event(client: SWFClient, run: Run) -> Event | None:
    """The event that closed the run, or None if it is open."""
    last = next(history(client, run, reverse=True, page=1))
    return last if close_status(last) else None


def next_run(run: Run, closing: Event) -> Run | None:
    """The run as which this one goes on, if it does."""
    if closing["eventType"] != "WorkflowExecutionContinuedAsNew":
        return None
    return Run(run.domain, run.workflow_id, attributes(closing)["newExecutionRunId"])


def result_of(run: Run, closing: Event, codec: Codec, workflow: type[Workflow] | None = None) -> Any:
    """The value that the run returned, by the type hint of the workflow's ``run`` where that is given.

    Raises WorkflowFailed if the run did not complete, PayloadUnreachable, PayloadError.
    """
    if closing["eventType"] == "WorkflowExecutionCompleted":
        return codec.read_result(attributes(closing).get("result"), workflow and workflow.run)
    status = close_status(closing) or "OPEN"
    raise codec.explained(WorkflowFailed(run.workflow_id, run.run_id, status, *reason_of(closing)))


def reason_of(closing: Event) -> tuple[str | None, str | None]:
    """Why the run ended so, in one line, and the details."""
    found = attributes(closing)
    reason = found.get("reason") or found.get("cause") or found.get("timeoutType")
    return HINTED.get(reason or "", reason), found.get("details")


@dataclass(slots=True)
class Watch:
    """A run's progress, read from its history; each `look` reads only what is new.

    A run that goes on as a new one is followed: `run` is then that one. `known`, `done` and `running` are numbers of
    tasks, `lists` the task lists of the activities, `closing` the event that closed the run, `parked` why its last
    decision could not be made.
    """

    client: SWFClient
    run: Run
    closing: Event | None = None
    parked: str | None = None
    lists: set[str] = field(default_factory=set)
    _seen: int = 0
    _ids: dict[int, str] = field(default_factory=dict)
    _completed: set[str] = field(default_factory=set)
    _running: dict[int, int] = field(default_factory=dict)  # the events that began them, by those that asked for them
    _known_before: int = 0  # tasks of the runs before this one
    _done_before: int = 0

    @property
    def known(self) -> int:
        return self._known_before + len(set(self._ids.values()))

    @property
    def done(self) -> int:
        return self._done_before + len(self._completed)

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def attempts(self) -> list[tuple[str, int]]:
        """The ids of the tasks that run, and of the events that say that they have begun; the newest last."""
        return [(self._ids[scheduled], started) for scheduled, started in self._running.items()]

    def look(self) -> Event | None:
        """Read on; the closing event, if the run has closed."""
        self._read()
        while self.closing is not None and (following := next_run(self.run, self.closing)) is not None:
            self._known_before, self._done_before = self.known, self.done
            for box in (self._ids, self._completed, self._running):
                box.clear()
            self.run, self.closing, self._seen = following, None, 0
            self._read()
        return self.closing

    def _read(self) -> None:
        new: list[Event] = []
        for event in history(self.client, self.run, reverse=True, page=PAGE):
            if event["eventId"] <= self._seen:
                break
            new.append(event)
        for event in reversed(new):
            self._take(event)

    def _take(self, event: Event) -> None:
        self._seen = event["eventId"]
        kind = event["eventType"]
        if close_status(event):
            self.closing = event
        elif kind == "DecisionTaskCompleted":
            parked = read_object(attributes(event).get("executionContext")).get("parked")
            self.parked = str(parked.get("error")) if isinstance(parked, dict) else None
        if not kind.startswith("ActivityTask") or kind == "ActivityTaskCancelRequested":
            return
        values = attributes(event)
        if kind == "ActivityTaskScheduled":
            self._ids[event["eventId"]] = values["activityId"]
            self.lists.add(values["taskList"]["name"])
            return
        scheduled = values["scheduledEventId"]
        if kind == "ActivityTaskStarted":
            self._running[scheduled] = event["eventId"]
            return
        self._running.pop(scheduled, None)
        if kind == "ActivityTaskCompleted":
            self._completed.add(self._ids[scheduled])


def _pages(read: Any, key: str, **request: Any) -> Iterator[Any]:
    while True:
        answer = read(**request)
        yield from answer[key]
        if not answer.get("nextPageToken"):
            return
        request["nextPageToken"] = answer["nextPageToken"]
