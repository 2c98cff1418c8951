"""Workflow types, and runs of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, Self

from simpleflow import config
from simpleflow.payload.codec import Codec
from simpleflow.runtime import runs
from simpleflow.runtime.start import codec_of
from simpleflow.swf import format, settings
from simpleflow.swf.constants import CLOSED, MAX_TAGS, OPEN, REGISTERED
from simpleflow.swf.core import Connection, Seconds
from simpleflow.swf.exceptions import ResponseError, WorkflowExecutionDoesNotExist, translated
from simpleflow.swf.models.base import OfDomain, RegisteredType
from simpleflow.swf.models.event import Event, EventFactory
from simpleflow.swf.models.history import History

if TYPE_CHECKING:
    from simpleflow.swf.models.domain import Domain

RawEvent = dict[str, Any]


class _ChildPolicies(NamedTuple):
    TERMINATE: str
    REQUEST_CANCEL: str
    ABANDON: str


CHILD_POLICIES: Final = _ChildPolicies("TERMINATE", "REQUEST_CANCEL", "ABANDON")
"""What befalls the children of a run that is terminated or times out."""


@dataclass(frozen=True, slots=True, repr=False)
class WorkflowType(RegisteredType):
    """A workflow type, which is registered once and then as it is.

    What its runs are given where their start does not say it: a task list, a child policy, a priority, a Lambda role,
    and time limits in seconds (for decision tasks also "NONE"). In lists the engine tells name, version, status,
    description and dates only. Raises ValueError for a child policy that is none. See
    https://docs.aws.amazon.com/amazonswf/latest/apireference/API_RegisterWorkflowType.html
    """

    domain: Domain
    name: str
    version: str
    status: str = REGISTERED
    creation_date: datetime | None = field(default=None, compare=False)
    deprecation_date: datetime | None = field(default=None, compare=False)
    task_list: str | None = None
    child_policy: str | None = None
    execution_timeout: Seconds = None
    decision_tasks_timeout: Seconds = None
    description: str | None = None
    task_priority: int | str | None = field(default=None, kw_only=True)
    lambda_role: str | None = field(default=None, kw_only=True)
    connection: Connection = field(default=None, kw_only=True, compare=False)

    _kind: ClassVar[str] = "workflow"
    _numbers: ClassVar[Collection[str]] = ("execution_timeout", "decision_tasks_timeout", "task_priority")

    def __post_init__(self) -> None:
        RegisteredType.__post_init__(self)
        _check_child_policy(self.child_policy)

    @classmethod
    def from_info(
        cls,
        domain: Domain,
        info: dict[str, Any],
        configuration: dict[str, Any] | None = None,
        connection: Connection = None,
    ) -> Self:
        """The type that a WorkflowTypeInfo of Amazon's describes, and the configuration where it is known."""
        given = configuration or {}
        type_ = info["workflowType"]
        return cls(
            domain,
            type_["name"],
            type_["version"],
            info["status"],
            info.get("creationDate"),
            info.get("deprecationDate"),
            given.get("defaultTaskList", {}).get("name"),
            given.get("defaultChildPolicy"),
            given.get("defaultExecutionStartToCloseTimeout"),
            given.get("defaultTaskStartToCloseTimeout"),
            info.get("description"),
            task_priority=given.get("defaultTaskPriority"),
            lambda_role=given.get("defaultLambdaRole"),
            connection=connection,
        )

    def save(self) -> Self:
        """Register the type, and give it as it is registered: what is None is filled from `simpleflow.config`.

        Raises AlreadyExistsError, if only for a deprecated one, and DomainDoesNotExist.
        """
        settings = config.load()
        filled = self._filled(
            task_list=settings.workflow_default_task_list,
            child_policy=CHILD_POLICIES.TERMINATE,
            execution_timeout=settings.workflow_default_execution_time,
            decision_tasks_timeout=settings.workflow_default_decision_task_timeout,
        )
        with translated(f"cannot register the workflow type {self.name} {self.version}"):
            self.register_workflow_type(
                self.domain.name,
                self.name,
                self.version,
                task_list=filled.task_list,
                default_child_policy=filled.child_policy,
                default_execution_start_to_close_timeout=filled.execution_timeout,
                default_task_start_to_close_timeout=filled.decision_tasks_timeout,
                description=self.description,
                default_task_priority=self.task_priority,
                default_lambda_role=self.lambda_role,
            )
        return filled

    def start_execution(
        self,
        workflow_id: str | None = None,
        task_list: str | None = None,
        child_policy: str | None = None,
        execution_timeout: Seconds = None,
        input: Any = None,
        tag_list: Sequence[str] | None = None,
        decision_tasks_timeout: Seconds = None,
        *,
        task_priority: int | str | None = None,
        lambda_role: str | None = None,
    ) -> WorkflowExecution:
        """Start a run. What is None is the type's.

        Args:
            workflow_id: by default ``{name}-{version}-{seconds since 1970}``.
            task_list: where deciders find it.
            child_policy: one of CHILD_POLICIES.
            execution_timeout, decision_tasks_timeout: seconds; for decision tasks also "NONE".
            input: a value, which is encoded as JSON; simpleflow's deciders read ``{"args": [], "kwargs": {}}``.
            tag_list: up to five texts.
            task_priority: of its decision tasks.
            lambda_role: the ARN with whose rights it calls Lambda functions.

        Raises ValueError for a child policy that is none and for too many tags, PayloadError for an input that has no
        JSON form, WorkflowExecutionAlreadyStartedError, WorkflowTypeDoesNotExist, and ResponseError, such as for what
        neither the start nor the type says.
        """
        _check_child_policy(child_policy)
        tags = _tags(tag_list)
        workflow_id = workflow_id or f"{self.name}-{self.version}-{int(time.time())}"
        with translated(f"cannot start {workflow_id}"):
            run_id = self.start_workflow_execution(
                self.domain.name,
                workflow_id,
                self.name,
                self.version,
                task_list=task_list,
                child_policy=child_policy,
                execution_start_to_close_timeout=execution_timeout,
                input=format.input(input),
                tag_list=tags,
                task_start_to_close_timeout=decision_tasks_timeout,
                task_priority=task_priority,
                lambda_role=lambda_role,
            )["runId"]
        return WorkflowExecution(
            self.domain,
            workflow_id,
            run_id,
            workflow_type=self,
            task_list=task_list or self.task_list,
            child_policy=child_policy or self.child_policy,
            execution_timeout=self.execution_timeout if execution_timeout is None else execution_timeout,
            input=input,
            tag_list=tags,
            decision_tasks_timeout=(
                self.decision_tasks_timeout if decision_tasks_timeout is None else decision_tasks_timeout
            ),
            connection=self.connection,
        )


@dataclass(frozen=True, slots=True, repr=False)
class WorkflowExecution(OfDomain):
    """A run.

    Times are aware datetimes, time limits texts of seconds; `input` is known to who started the run only (its history
    tells it to others). `parent` holds `workflowId` and `runId`, `open_counts` Amazon's five counts. In lists the
    engine tells ids, type, status, times, tags, parent and cancel_requested only. See
    https://docs.aws.amazon.com/amazonswf/latest/apireference/API_DescribeWorkflowExecution.html
    """

    STATUS_OPEN: ClassVar[str] = OPEN
    STATUS_CLOSED: ClassVar[str] = CLOSED
    CLOSE_STATUS_COMPLETED: ClassVar[str] = "COMPLETED"
    CLOSE_STATUS_FAILED: ClassVar[str] = "FAILED"
    CLOSE_STATUS_CANCELED: ClassVar[str] = "CANCELED"
    CLOSE_STATUS_TERMINATED: ClassVar[str] = "TERMINATED"
    CLOSE_STATUS_CONTINUED_AS_NEW: ClassVar[str] = "CONTINUED_AS_NEW"
    CLOSE_STATUS_TIMED_OUT: ClassVar[str] = "TIMED_OUT"
    CLOSE_TIMED_OUT: ClassVar[str] = CLOSE_STATUS_TIMED_OUT

    domain: Domain
    workflow_id: str
    run_id: str | None = None
    status: str = OPEN
    workflow_type: WorkflowType | None = None
    task_list: str | None = None
    child_policy: str | None = None
    close_status: str | None = None
    execution_timeout: Seconds = None
    input: Any = field(default=None, hash=False)
    tag_list: tuple[str, ...] | None = None
    decision_tasks_timeout: Seconds = None
    close_timestamp: datetime | None = None
    start_timestamp: datetime | None = None
    cancel_requested: bool | None = None
    latest_execution_context: str | None = None
    latest_activity_task_timestamp: datetime | None = None
    open_counts: Mapping[str, int] = field(default_factory=dict, hash=False)
    parent: Mapping[str, str] = field(default_factory=dict, hash=False)
    connection: Connection = field(default=None, kw_only=True, compare=False)

    _uncompared: ClassVar[Collection[str]] = ("connection", "domain", "workflow_type", "input")
    _numbers: ClassVar[Collection[str]] = ("execution_timeout", "decision_tasks_timeout")

    @classmethod
    def from_info(
        cls,
        domain: Domain,
        info: dict[str, Any],
        described: dict[str, Any] | None = None,
        connection: Connection = None,
    ) -> Self:
        """The run that a WorkflowExecutionInfo of Amazon's describes, and all of a WorkflowExecutionDetail."""
        found = described or {}
        given = found.get("executionConfiguration", {})
        type_ = info["workflowType"]
        return cls(
            domain,
            info["execution"]["workflowId"],
            info["execution"]["runId"],
            info["executionStatus"],
            WorkflowType(domain, type_["name"], type_["version"]),
            given.get("taskList", {}).get("name"),
            given.get("childPolicy"),
            info.get("closeStatus"),
            given.get("executionStartToCloseTimeout"),
            None,
            tuple(info.get("tagList", ())),
            given.get("taskStartToCloseTimeout"),
            info.get("closeTimestamp"),
            info["startTimestamp"],
            info.get("cancelRequested"),
            found.get("latestExecutionContext"),
            found.get("latestActivityTaskTimestamp"),
            found.get("openCounts", {}),
            info.get("parent", {}),
            connection=connection,
        )

    def __repr__(self) -> str:
        status = self.close_status or self.status
        return f"<WorkflowExecution domain={self.domain.name} id={self.workflow_id} run={self.run_id} status={status}>"

    @property
    def is_open(self) -> bool:
        """Whether the run was open when this value was made."""
        return self.status == OPEN

    @property
    def waits_for(self) -> str | None:
        """Why an open run that was described waits for somebody: its last decision could not be made, or all that it
        waits for must come from outside; None where it does not."""
        from simpleflow.runtime.runs import waits_for  # which knows programs, and is seldom needed

        return waits_for(self.latest_execution_context)

    def age(self, now: datetime | None = None) -> timedelta | None:
        """How long the run took, or takes until `now`; None where its start is not known."""
        if self.start_timestamp is None:
            return None
        return (self.close_timestamp or now or datetime.now(UTC)) - self.start_timestamp

    def upstream(self) -> Self:
        """The run as the engine knows it now. Raises WorkflowExecutionDoesNotExist, DomainDoesNotExist."""
        with translated(f"cannot describe {self._words()}"):
            found = self.describe_workflow_execution(self.domain.name, self._run(), self.workflow_id)
        return type(self).from_info(self.domain, found["executionInfo"], found, self.connection)

    def history_events(self, callback: Callable[..., object] | None = None, **options: Any) -> list[RawEvent]:
        """All events of the run, as boto3 gives them.

        `callback` is called after each page with `loop_number` (from 1) and `response`. Options are those of
        `get_workflow_execution_history`: `reverse_order` and `maximum_page_size`. Raises
        WorkflowExecutionDoesNotExist.
        """
        events: list[RawEvent] = []
        for number, page in enumerate(self._history_pages(options), 1):
            events += page["events"]
            if callback is not None:
                callback(loop_number=number, response=page)
        return events

    def history(self, callback: Callable[..., object] | None = None, **options: Any) -> History:
        """The history of the run; see `history_events` for what it takes. Raises WorkflowExecutionDoesNotExist."""
        return History.from_event_list(self.history_events(callback, **options))

    def first_event(self) -> Event:
        """The first event of the run, which tells what it was started with; it is asked for alone.

        Raises WorkflowExecutionDoesNotExist, as `last_event` and `ends` do.
        """
        return self._end(reverse_order=False)

    def last_event(self) -> Event:
        """The last event of the run, which has closed it if it is closed; it is asked for alone."""
        return self._end(reverse_order=True)

    def ends(self) -> History:
        """Of the history of the run the first event, and the one that closed it if it is closed: what a run was asked
        and what became of it, for two requests however long it is."""
        first, last = self.first_event(), self.last_event()
        return History([first, last] if last.closes else [first])

    def _end(self, reverse_order: bool) -> Event:
        page = next(self._history_pages({"maximum_page_size": 1, "reverse_order": reverse_order}))
        return EventFactory(page["events"][0])

    def result(self) -> Any:
        """What the run has returned, also where that is large and lies in a payload store.

        Raises WorkflowFailed if it did not complete, ResponseError while it is open, WorkflowExecutionDoesNotExist, and
        PayloadUnreachable for a large value whose store has lost it or is not configured here.
        """
        with translated(f"cannot read the result of {self._words()}"):
            run = runs.Run(self.domain.name, self.workflow_id, self._run())
            closing = runs.closing_event(self.client, run)
        if closing is None:
            raise ResponseError(f"the run {self._words()} is open: it has no result yet")
        return runs.result_of(run, closing, self._codec)

    def value(self, text: str | None) -> Any:
        """What a text of the history holds, such as an event's `result`: JSON, or the large value that it refers to.

        Raises PayloadUnreachable.
        """
        return self._codec.read(text)

    @property
    def _codec(self) -> Codec:
        return codec_of(self.connection or settings.engine_url())

    def _history_pages(self, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
        with translated(f"cannot read the history of {self._words()}"):
            run_id, token = self._run(), None
            while True:
                page = self.get_workflow_execution_history(
                    self.domain.name, run_id, self.workflow_id, next_page_token=token, **options
                )
                yield page
                token = page.get("nextPageToken")
                if not token:
                    return

    def signal(
        self, signal_name: str, input: Any = None, workflow_id: str | None = None, run_id: str | None = None
    ) -> None:
        """Send a signal; its input is encoded as JSON. Raises WorkflowExecutionDoesNotExist where the run is closed.

        `workflow_id` and `run_id` name another run of the domain.
        """
        who = (workflow_id, run_id) if workflow_id else (self.workflow_id, run_id or self.run_id)
        with translated(f"cannot signal {who[0]}"):
            self.signal_workflow_execution(
                self.domain.name, signal_name, who[0], input=format.input(input), run_id=who[1]
            )

    def request_cancel(self) -> None:
        """Ask the run to cancel itself. Raises WorkflowExecutionDoesNotExist where it is closed."""
        with translated(f"cannot cancel {self._words()}"):
            self.request_cancel_workflow_execution(self.domain.name, self.workflow_id, self.run_id)

    cancel = request_cancel

    def terminate(self, child_policy: str | None = None, details: str | None = None, reason: str | None = None) -> None:
        """End the run now, whatever it does. Raises WorkflowExecutionDoesNotExist where it is closed already."""
        _check_child_policy(child_policy)
        with translated(f"cannot terminate {self._words()}"):
            self.terminate_workflow_execution(
                self.domain.name, self.workflow_id, child_policy, details, reason, self.run_id
            )

    def _words(self) -> str:
        return f"{self.workflow_id} {self.run_id}" if self.run_id else self.workflow_id

    def _run(self) -> str:
        """The run id; of a value without one, that of the open run, else of the newest closed one."""
        if self.run_id:
            return self.run_id
        wanted: dict[str, Any] = {"domain": self.domain.name, "workflow_id": self.workflow_id, "maximum_page_size": 1}
        found = self.list_open_workflow_executions(oldest_date=0, **wanted)["executionInfos"]
        found = found or self.list_closed_workflow_executions(start_oldest_date=0, **wanted)["executionInfos"]
        if found:
            run_id: str = found[0]["execution"]["runId"]
            return run_id
        raise WorkflowExecutionDoesNotExist(
            f"the domain {self.domain.name} has no run of {self.workflow_id}", error_code="UnknownResourceFault"
        )


def _check_child_policy(policy: str | None) -> None:
    if policy is not None and policy not in CHILD_POLICIES:
        raise ValueError(f"invalid child policy value: {policy}; there are {', '.join(CHILD_POLICIES)}")


def _tags(tags: Sequence[str] | None) -> tuple[str, ...] | None:
    if tags is None:
        return None
    if isinstance(tags, str):
        raise ValueError(f"tag_list takes a list of texts, not {tags!r}: write [{tags!r}]")
    if len(tags) > MAX_TAGS:
        raise ValueError(f"a run has at most {MAX_TAGS} tags, not {len(tags)}")
    return tuple(tags)
