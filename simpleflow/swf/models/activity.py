"""Activity types, and the tasks that workers poll."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from simpleflow import config
from simpleflow.swf import format
from simpleflow.swf.constants import REGISTERED
from simpleflow.swf.core import Connection, Seconds
from simpleflow.swf.exceptions import translated
from simpleflow.swf.models.base import OfDomain, RegisteredType
from simpleflow.swf.models.workflow import WorkflowExecution

if TYPE_CHECKING:
    from simpleflow.swf.models.domain import Domain


@dataclass(frozen=True, slots=True, repr=False)
class ActivityType(RegisteredType):
    """An activity type, which is registered once and then as it is.

    What its tasks are given where a decision does not say it: a task list, a priority, and time limits in seconds (or
    "NONE"). In lists the engine tells name, version, status, description and dates only. See
    https://docs.aws.amazon.com/amazonswf/latest/apireference/API_RegisterActivityType.html
    """

    domain: Domain
    name: str
    version: str
    status: str = REGISTERED
    description: str | None = None
    creation_date: datetime | None = field(default=None, compare=False)
    deprecation_date: datetime | None = field(default=None, compare=False)
    task_list: str | None = None
    task_heartbeat_timeout: Seconds = None
    task_schedule_to_close_timeout: Seconds = None
    task_schedule_to_start_timeout: Seconds = None
    task_start_to_close_timeout: Seconds = None
    task_priority: int | str | None = field(default=None, kw_only=True)
    connection: Connection = field(default=None, kw_only=True, compare=False)

    _kind: ClassVar[str] = "activity"
    _numbers: ClassVar[Collection[str]] = (
        "task_heartbeat_timeout",
        "task_schedule_to_close_timeout",
        "task_schedule_to_start_timeout",
        "task_start_to_close_timeout",
        "task_priority",
    )

    @classmethod
    def from_info(
        cls,
        domain: Domain,
        info: dict[str, Any],
        configuration: dict[str, Any] | None = None,
        connection: Connection = None,
    ) -> Self:
        """The type that an ActivityTypeInfo of Amazon's describes, and the configuration where it is known."""
        given = configuration or {}
        type_ = info["activityType"]
        return cls(
            domain,
            type_["name"],
            type_["version"],
            info["status"],
            info.get("description"),
            info.get("creationDate"),
            info.get("deprecationDate"),
            given.get("defaultTaskList", {}).get("name"),
            given.get("defaultTaskHeartbeatTimeout"),
            given.get("defaultTaskScheduleToCloseTimeout"),
            given.get("defaultTaskScheduleToStartTimeout"),
            given.get("defaultTaskStartToCloseTimeout"),
            task_priority=given.get("defaultTaskPriority"),
            connection=connection,
        )

    def save(self) -> Self:
        """Register the type, and give it as it is registered: what is None is filled from `simpleflow.config`.

        Raises AlreadyExistsError, if only for a deprecated one, and DomainDoesNotExist.
        """
        settings = config.load()
        filled = self._filled(
            task_list=settings.activity_default_task_list,
            task_heartbeat_timeout=settings.activity_heartbeat_timeout,
            task_schedule_to_close_timeout=settings.activity_schedule_to_close_timeout,
            task_schedule_to_start_timeout=settings.activity_schedule_to_start_timeout,
            task_start_to_close_timeout=settings.activity_start_to_close_timeout,
        )
        with translated(f"cannot register the activity type {self.name} {self.version}"):
            self.register_activity_type(
                self.domain.name,
                self.name,
                self.version,
                task_list=filled.task_list,
                default_task_heartbeat_timeout=filled.task_heartbeat_timeout,
                default_task_schedule_to_close_timeout=filled.task_schedule_to_close_timeout,
                default_task_schedule_to_start_timeout=filled.task_schedule_to_start_timeout,
                default_task_start_to_close_timeout=filled.task_start_to_close_timeout,
                description=self.description,
                default_task_priority=self.task_priority,
            )
        return filled


@dataclass(frozen=True, slots=True, repr=False)
class ActivityTask(OfDomain):
    """A task that a worker has polled. `input` is the text as it came; `arguments` what it holds."""

    domain: Domain
    task_list: str
    task_token: str
    activity_type: ActivityType
    workflow_execution: WorkflowExecution
    input: str | None = None
    activity_id: str | None = None
    started_event_id: int | None = None
    context: dict[str, Any] | None = field(default=None, hash=False)
    connection: Connection = field(default=None, kw_only=True, compare=False)

    @classmethod
    def from_poll(
        cls, domain: Domain, task_list: str, data: dict[str, Any], connection: Connection = None
    ) -> Self:
        """The task that PollForActivityTask answered with; `context` is that answer."""
        type_, execution = data["activityType"], data["workflowExecution"]
        return cls(
            domain,
            task_list,
            data["taskToken"],
            ActivityType(domain, type_["name"], type_["version"], connection=connection),
            WorkflowExecution(domain, execution["workflowId"], execution["runId"], connection=connection),
            data.get("input"),
            data["activityId"],
            data["startedEventId"],
            data,
            connection=connection,
        )

    def __repr__(self) -> str:
        return f"<ActivityTask activity_id={self.activity_id} type={self.activity_type.name}>"

    @property
    def arguments(self) -> Any:
        """The value of the input: its JSON, or the text itself where it is none."""
        return format.decode(self.input)
