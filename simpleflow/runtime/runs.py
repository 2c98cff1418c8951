"""Runs, as the engine's history tells of them: found and worded. It reads and never writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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


def waits_for(context: str | None) -> str | None:
    """Why a run waits for somebody, from its latest execution context, which simpleflow's deciders write."""
    told = read_object(context)
    parked = told.get("parked")
    if isinstance(parked, dict):
        return str(parked.get("error"))
    return "stuck: waits for " + ", ".join(told["stuck"]) if told.get("stuck") else None


def _pages(read: Any, key: str, **request: Any) -> Iterator[Any]:
    while True:
        answer = read(**request)
        yield from answer[key]
        if not answer.get("nextPageToken"):
            return
        request["nextPageToken"] = answer["nextPageToken"]
