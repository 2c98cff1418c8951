"""Domains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from simpleflow import config
from simpleflow.swf.constants import REGISTERED
from simpleflow.swf.core import Connection, pages
from simpleflow.swf.exceptions import translated
from simpleflow.swf.models.activity import ActivityType
from simpleflow.swf.models.base import BaseModel
from simpleflow.swf.models.workflow import WorkflowExecution, WorkflowType


@dataclass(frozen=True, slots=True, repr=False)
class Domain(BaseModel):
    """A domain: where types and runs are.

    `retention_period` is for how many days closed runs are kept: 0 to 90, or "NONE"; lists do not tell it. See
    https://docs.aws.amazon.com/amazonswf/latest/apireference/API_RegisterDomain.html
    """

    name: str
    status: str = REGISTERED
    description: str | None = None
    retention_period: int | str | None = 30
    connection: Connection = field(default=None, kw_only=True, compare=False)

    def __post_init__(self) -> None:
        if isinstance(self.retention_period, str) and self.retention_period.isdigit():
            object.__setattr__(self, "retention_period", int(self.retention_period))

    @classmethod
    def from_info(cls, info: dict[str, Any], connection: Connection = None) -> Self:
        """The domain that a DomainInfo of Amazon's describes."""
        return cls(info["name"], info["status"], info.get("description"), None, connection=connection)

    def __repr__(self) -> str:
        return f"<Domain name={self.name} status={self.status}>"

    def _described(self) -> dict[str, Any]:
        with translated(f"cannot describe the domain {self.name}"):
            return self.describe_domain(self.name)

    def upstream(self) -> Self:
        """The domain as the engine knows it now. Raises DomainDoesNotExist."""
        described = self._described()
        info = described["domainInfo"]
        period = described["configuration"]["workflowExecutionRetentionPeriodInDays"]
        return type(self)(
            info["name"], info["status"], info.get("description"), period, connection=self.connection
        )

    def check(self) -> None:
        """Raise DomainDoesNotExist unless the engine knows the domain."""
        self._described()

    def save(self) -> Self:
        """Register the domain, and give it as it is registered: what is None is filled from `simpleflow.config`.

        Raises AlreadyExistsError, if only for a deprecated one.
        """
        filled = self._filled(retention_period=config.load().domain_retention)
        with translated(f"cannot register the domain {self.name}"):
            self.register_domain(self.name, str(filled.retention_period), self.description)
        return filled

    def delete(self) -> None:
        """Deprecate the domain, and all types in it: nothing deletes a domain.

        Raises DomainDoesNotExist, and ResponseError where it is deprecated already.
        """
        self.deprecate()

    def deprecate(self) -> None:
        """Deprecate the domain, and all types in it: what runs goes on, nothing new is started.

        Raises DomainDoesNotExist, and ResponseError where it is deprecated already.
        """
        with translated(f"cannot deprecate the domain {self.name}"):
            self.deprecate_domain(self.name)

    def undeprecate(self) -> None:
        """Take back the deprecation of the domain; its types stay deprecated.

        Raises DomainDoesNotExist, and AlreadyExistsError where it is not deprecated.
        """
        with translated(f"cannot undeprecate the domain {self.name}"):
            self.undeprecate_domain(self.name)

    @property
    def arn(self) -> str:
        """The domain's Amazon Resource Name. Raises DomainDoesNotExist."""
        found: str = self._described()["domainInfo"]["arn"]
        return found

    def tags(self) -> dict[str, str]:
        """The domain's tags. Raises DomainDoesNotExist."""
        arn = self.arn
        with translated(f"cannot list the tags of the domain {self.name}"):
            found = self.list_tags_for_resource(arn)["tags"]
        return {tag["key"]: tag.get("value", "") for tag in found}

    def tag(self, tags: Mapping[str, str]) -> None:
        """Set tags, at most 50 in all. Raises DomainDoesNotExist, ResponseError."""
        arn = self.arn
        with translated(f"cannot tag the domain {self.name}"):
            self.tag_resource(arn, tags)

    def untag(self, *keys: str) -> None:
        """Remove tags, where they are there. Raises DomainDoesNotExist."""
        arn = self.arn
        with translated(f"cannot untag the domain {self.name}"):
            self.untag_resource(arn, keys)

    def workflows(self, status: str = REGISTERED) -> list[WorkflowType]:
        """The workflow types of the domain, "REGISTERED" or "DEPRECATED", by name. Raises DomainDoesNotExist."""
        with translated(f"cannot list the workflow types of the domain {self.name}"):
            found = pages(self.list_workflow_types, "typeInfos", domain=self.name, registration_status=status)
            return [WorkflowType.from_info(self, info) for info in found]

    def activities(self, status: str = REGISTERED) -> list[ActivityType]:
        """The activity types of the domain, "REGISTERED" or "DEPRECATED", by name. Raises DomainDoesNotExist."""
        with translated(f"cannot list the activity types of the domain {self.name}"):
            found = pages(self.list_activity_types, "typeInfos", domain=self.name, registration_status=status)
            return [ActivityType.from_info(self, info) for info in found]

    @property
    def executions(self) -> list[WorkflowExecution]:
        """The open runs of the domain, the newest first; `WorkflowExecutionQuerySet` finds others.

        Raises DomainDoesNotExist.
        """
        with translated(f"cannot list the runs of the domain {self.name}"):
            found = pages(self.list_open_workflow_executions, "executionInfos", domain=self.name, oldest_date=0)
            return [WorkflowExecution.from_info(self, info) for info in found]

    def pending_activities(self, task_list: str) -> int:
        """How many activity tasks wait or are worked on in a task list, as the engine estimates it."""
        with translated(f"cannot count the activity tasks of the list {task_list}"):
            return int(self.count_pending_activity_tasks(self.name, task_list)["count"])

    def pending_decisions(self, task_list: str) -> int:
        """How many decision tasks wait or are worked on in a task list, as the engine estimates it."""
        with translated(f"cannot count the decision tasks of the list {task_list}"):
            return int(self.count_pending_decision_tasks(self.name, task_list)["count"])
