"""Events: boto3's event dicts as typed, frozen values with the attributes of their type in snake_case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from simpleflow.protocol.events import CLOSING_EVENTS, EVENTS
from simpleflow.protocol.history import opening_event_id
from simpleflow.swf import format
from simpleflow.swf.models.event.states import STATES, UNKNOWN
from simpleflow.swf.utils import camel_to_underscore


def _attributes() -> dict[str, dict[str, str]]:
    """Of each type of event, the names of its attributes here and on the wire."""
    own = {"id": "function_id", "name": "function_name"}  # which an event has itself
    return {
        event.name: {own.get(name, camel_to_underscore(name)): name for name in (*event.required, *event.optional)}
        for event in EVENTS.values()
    }


ATTRIBUTES: Final = _attributes()


@dataclass(frozen=True, slots=True, repr=False)
class Event:
    """An event of a run.

    `type` is what it is about ("ActivityTask"), `state` what it tells of that ("completed"), `name` Amazon's name of
    its type ("ActivityTaskCompleted"). It has the attributes of its type in snake_case; one that the engine left out
    is None, and those of other types are no attributes. `input` and `control` are decoded, all other texts are not;
    `raw` is the event as boto3 gives it. Of Lambda functions, id and name are `function_id` and `function_name`. See
    https://docs.aws.amazon.com/amazonswf/latest/apireference/API_HistoryEvent.html
    """

    raw: Mapping[str, Any] = field(hash=False)
    type: str = field(init=False, compare=False)
    state: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        type_, state = STATES.get(self.name, (self.name, UNKNOWN))
        object.__setattr__(self, "type", type_)
        object.__setattr__(self, "state", state)

    def __hash__(self) -> int:
        return hash((self.id, self.name))

    def __repr__(self) -> str:
        return f"<Event {self.id} {self.type} : {self.state} >"

    @property
    def id(self) -> int:
        """The event's number in its history, from 1."""
        found: int = self.raw["eventId"]
        return found

    @property
    def name(self) -> str:
        """Amazon's name of the event's type."""
        found: str = self.raw["eventType"]
        return found

    @property
    def timestamp(self) -> datetime:
        """When it happened: an aware datetime in UTC."""
        time = self.raw["eventTimestamp"]
        return time.astimezone(UTC) if isinstance(time, datetime) else datetime.fromtimestamp(time, UTC)

    @property
    def attributes(self) -> Mapping[str, Any]:
        """The event's attributes under Amazon's names, undecoded."""
        row = EVENTS.get(self.name)
        found: Mapping[str, Any] = self.raw.get(row.member, {}) if row else {}
        return found

    @property
    def input(self) -> Any:
        """The value of its input; None where it has none."""
        return format.decode(self.attributes.get("input"))

    @property
    def control(self) -> Any:
        """The value of its control; None where it has none."""
        return format.decode(self.attributes.get("control"))

    @property
    def closes(self) -> bool:
        """Whether it closes the run."""
        return self.name in CLOSING_EVENTS

    @property
    def opening_event_id(self) -> int:
        """The id of the event that opened what this one goes on with; 0 if it goes on with nothing."""
        return opening_event_id(dict(self.raw)) if self.name in EVENTS else 0

    def __getattr__(self, name: str) -> Any:
        if name == "raw":  # it is being copied, and is not there yet
            raise AttributeError(name)
        if name not in ATTRIBUTES.get(self.name, ()):
            raise AttributeError(f"{self.name} has no attribute {name}")
        return self.attributes.get(ATTRIBUTES[self.name][name])

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *ATTRIBUTES.get(self.name, ())})


class WorkflowExecutionEvent(Event):
    """An event about the run itself."""

    __slots__ = ()
    cause: str | None
    child_policy: str
    continued_execution_run_id: str | None
    decision_task_completed_event_id: int
    details: str | None
    execution_start_to_close_timeout: str | None
    external_initiated_event_id: int | None
    external_workflow_execution: dict[str, str] | None
    lambda_role: str | None
    new_execution_run_id: str
    parent_initiated_event_id: int | None
    parent_workflow_execution: dict[str, str] | None
    reason: str | None
    result: str | None
    signal_name: str
    tag_list: list[str] | None
    task_list: dict[str, str]
    task_priority: str | None
    task_start_to_close_timeout: str | None
    timeout_type: str
    workflow_type: dict[str, str]


class DecisionTaskEvent(Event):
    """An event about a decision task."""

    __slots__ = ()
    execution_context: str | None
    identity: str | None
    schedule_to_start_timeout: str | None
    scheduled_event_id: int
    start_to_close_timeout: str | None
    started_event_id: int
    task_list: dict[str, str] | None
    task_list_schedule_to_start_timeout: str | None
    task_priority: str | None
    timeout_type: str


class ActivityTaskEvent(Event):
    """An event about an activity."""

    __slots__ = ()
    activity_id: str
    activity_type: dict[str, str]
    cause: str
    decision_task_completed_event_id: int
    details: str | None
    heartbeat_timeout: str | None
    identity: str | None
    latest_cancel_requested_event_id: int | None
    reason: str | None
    result: str | None
    schedule_to_close_timeout: str | None
    schedule_to_start_timeout: str | None
    scheduled_event_id: int
    start_to_close_timeout: str | None
    started_event_id: int
    task_list: dict[str, str]
    task_priority: str | None
    timeout_type: str


class LambdaFunctionEvent(Event):
    """An event about a Lambda function."""

    __slots__ = ()
    cause: str | None
    decision_task_completed_event_id: int
    details: str | None
    function_id: str
    function_name: str
    message: str | None
    reason: str | None
    result: str | None
    scheduled_event_id: int | None
    start_to_close_timeout: str | None
    started_event_id: int
    timeout_type: str | None


class ChildWorkflowExecutionEvent(Event):
    """An event about a child."""

    __slots__ = ()
    cause: str
    child_policy: str
    decision_task_completed_event_id: int
    details: str | None
    execution_start_to_close_timeout: str | None
    initiated_event_id: int
    lambda_role: str | None
    reason: str | None
    result: str | None
    started_event_id: int
    tag_list: list[str] | None
    task_list: dict[str, str]
    task_priority: str | None
    task_start_to_close_timeout: str | None
    timeout_type: str
    workflow_execution: dict[str, str]
    workflow_id: str
    workflow_type: dict[str, str]


class TimerEvent(Event):
    """An event about a timer."""

    __slots__ = ()
    cause: str
    decision_task_completed_event_id: int
    start_to_fire_timeout: str
    started_event_id: int
    timer_id: str


class MarkerEvent(Event):
    """An event about a marker."""

    __slots__ = ()
    cause: str
    decision_task_completed_event_id: int
    details: str | None
    marker_name: str


class ExternalWorkflowExecutionEvent(Event):
    """An event about a signal to another run, or a request to cancel one."""

    __slots__ = ()
    cause: str
    decision_task_completed_event_id: int
    initiated_event_id: int
    run_id: str | None
    signal_name: str
    workflow_execution: dict[str, str]
    workflow_id: str


CLASSES: Final[dict[str, type[Event]]] = {
    "WorkflowExecution": WorkflowExecutionEvent,
    "DecisionTask": DecisionTaskEvent,
    "ActivityTask": ActivityTaskEvent,
    "LambdaFunction": LambdaFunctionEvent,
    "ChildWorkflowExecution": ChildWorkflowExecutionEvent,
    "Timer": TimerEvent,
    "Marker": MarkerEvent,
    "ExternalWorkflowExecution": ExternalWorkflowExecutionEvent,
}


def EventFactory(raw: Mapping[str, Any]) -> Event:
    """The event of a dict as boto3 gives it, of the class for what it is about.

    One of a type that Amazon may add later is an `Event` whose state is "unknown".
    """
    type_, _ = STATES.get(raw["eventType"], ("", ""))
    return CLASSES.get(type_, Event)(raw)
