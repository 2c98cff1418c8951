"""What a run's events tell, gathered by subject: activities, children, signals, markers, timers and the rest.

A pure reading of boto3's event dicts, from whatever engine, computed at first use. It must not know where events come
from, how payloads are stored, or what a decider would do with what it reads. One table says of each type of event
which family it is about, what it does to the record of that family, and the names of its keys follow from the table
of event types (`simpleflow.protocol.events`).

A record is a dict: `type`, `state`, a name or id, the attributes of its events in snake_case (`taskList` as
`task_list`, `workflowExecution` as `workflow_id` and `run_id`, ...), and for every state it went through the event's
id (int) and time. Three rules make it right:

- what something was opened with stays, whatever later events repeat;
- an id that is opened again (a new attempt) starts a new reading; only `retry` is carried over: how many attempts
  before the latest unsuccessful one were unsuccessful too (0 at the first failure; the key is missing before it);
- a request that was refused changes nothing of what is open or over: it leaves its `cause` and its time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from operator import itemgetter
from typing import Any, Final

from simpleflow.protocol.events import EVENTS
from simpleflow.protocol.history import Event, attributes, opening_event_id

Record = dict[str, Any]
Reader = Callable[[str | None], Any]


class Effect(StrEnum):
    """What an event does to a record of its family."""

    OPENS = "opens"
    GOES_ON = "goes on"
    ENDS = "ends"
    ENDS_BADLY = "ends badly"
    REFUSED = "refused"  # it was never opened
    UNCHANGED = "unchanged"  # a change of it was refused
    ALONE = "alone"  # an event that is a record of its own


@dataclass(frozen=True, slots=True)
class Family:
    """Records of one type. `key` is the attribute that names one, or None: then its opening event's id does."""

    type: str
    key: str | None


@dataclass(frozen=True, slots=True)
class Rule:
    """What one type of event says. The event's id and time are told as `{stamp}_id` and `{stamp}_timestamp`."""

    event: str
    family: Family
    state: str
    effect: Effect
    stamp: str


WORKFLOW: Final = Family("workflow", None)
DECISION: Final = Family("decision", None)
ACTIVITY: Final = Family("activity", "activityId")
LAMBDA: Final = Family("lambda_function", "id")
CHILD: Final = Family("child_workflow", "workflowId")
TIMER: Final = Family("timer", "timerId")
SIGNALING: Final = Family("external_workflow", None)
CANCELING: Final = Family("external_workflow_cancel", None)
SIGNAL: Final = Family("signal", "signalName")
MARKER: Final = Family("marker", "markerName")
CANCEL: Final = Family("cancel", None)


def _family(family: Family, rows: str, stamp: str = "{state}") -> tuple[Rule, ...]:
    """Rules from lines "EventType state effect [stamp]"."""
    rules = []
    for row in rows.strip().splitlines():
        event, state, effect, *own = row.split()
        rules.append(
            Rule(event, family, state, Effect(effect.replace("-", " ")), *own or [stamp.replace("{state}", state)])
        )
    return tuple(rules)


RULES: Final[tuple[Rule, ...]] = (
    *_family(
        WORKFLOW,
        """
        WorkflowExecutionStarted              started                 opens
        WorkflowExecutionCompleted            completed               ends
        WorkflowExecutionFailed               failed                  ends-badly
        WorkflowExecutionTimedOut             timed_out               ends-badly
        WorkflowExecutionCanceled             canceled                ends-badly
        WorkflowExecutionTerminated           terminated              ends-badly
        WorkflowExecutionContinuedAsNew       continued_as_new        ends
        CompleteWorkflowExecutionFailed       complete_failed         unchanged
        FailWorkflowExecutionFailed           fail_failed             unchanged
        CancelWorkflowExecutionFailed         cancel_failed           unchanged
        ContinueAsNewWorkflowExecutionFailed  continue_as_new_failed  unchanged
        """,
    ),
    *_family(
        DECISION,
        """
        DecisionTaskScheduled  scheduled  opens
        DecisionTaskStarted    started    goes-on
        DecisionTaskCompleted  completed  ends
        DecisionTaskTimedOut   timed_out  ends-badly
        """,
    ),
    *_family(
        ACTIVITY,
        """
        ActivityTaskScheduled            scheduled              opens
        ScheduleActivityTaskFailed       schedule_failed        refused
        ActivityTaskStarted              started                goes-on
        ActivityTaskCompleted            completed              ends
        ActivityTaskFailed               failed                 ends-badly
        ActivityTaskTimedOut             timed_out              ends-badly
        ActivityTaskCanceled             canceled               ends-badly
        ActivityTaskCancelRequested      cancel_requested       goes-on
        RequestCancelActivityTaskFailed  request_cancel_failed  unchanged
        """,
    ),
    *_family(
        LAMBDA,
        """
        LambdaFunctionScheduled       scheduled        opens
        ScheduleLambdaFunctionFailed  schedule_failed  refused
        LambdaFunctionStarted         started          goes-on
        StartLambdaFunctionFailed     start_failed     ends-badly
        LambdaFunctionCompleted       completed        ends
        LambdaFunctionFailed          failed           ends-badly
        LambdaFunctionTimedOut        timed_out        ends-badly
        """,
    ),
    *_family(
        CHILD,
        """
        StartChildWorkflowExecutionInitiated  start_initiated  opens  initiated_event
        StartChildWorkflowExecutionFailed     start_failed     refused
        ChildWorkflowExecutionStarted         started          goes-on
        ChildWorkflowExecutionCompleted       completed        ends
        ChildWorkflowExecutionFailed          failed           ends-badly
        ChildWorkflowExecutionTimedOut        timed_out        ends-badly
        ChildWorkflowExecutionCanceled        canceled         ends-badly
        ChildWorkflowExecutionTerminated      terminated       ends-badly
        """,
    ),
    *_family(
        TIMER,
        """
        TimerStarted       started        opens
        StartTimerFailed   start_failed   refused
        TimerFired         fired          ends
        TimerCanceled      canceled       ends
        CancelTimerFailed  cancel_failed  unchanged
        """,
        "{state}_event",
    ),
    *_family(
        SIGNALING,
        """
        SignalExternalWorkflowExecutionInitiated  signal_execution_initiated  opens       initiated_event
        SignalExternalWorkflowExecutionFailed     signal_execution_failed     ends-badly  failed_event
        ExternalWorkflowExecutionSignaled         execution_signaled          ends        signaled_event
        """,
    ),
    *_family(
        CANCELING,
        """
        RequestCancelExternalWorkflowExecutionInitiated  request_cancel_execution_initiated  opens  initiated_event
        RequestCancelExternalWorkflowExecutionFailed     request_cancel_execution_failed  ends-badly  failed_event
        ExternalWorkflowExecutionCancelRequested         execution_cancel_requested  ends  cancel_requested_event
        """,
    ),
    *_family(SIGNAL, "WorkflowExecutionSignaled signaled alone"),
    *_family(CANCEL, "WorkflowExecutionCancelRequested cancel_requested alone"),
    *_family(
        MARKER,
        """
        MarkerRecorded      recorded       alone
        RecordMarkerFailed  record_failed  alone
        """,
    ),
)

TASKS: Final = (ACTIVITY, LAMBDA, CHILD)
"""The families whose ids can be opened again."""
OPEN: Final = frozenset({"scheduled", "start_initiated", "started", "cancel_requested"})
"""The states of what is not over."""

_LINKS: Final = ("scheduledEventId", "initiatedEventId")  # TimerFired links by its own startedEventId
_READ: Final[Callable[[Any], Any]] = lambda value: value  # noqa: E731 - a mark: the history's own reader is taken
_PARTS: Final[dict[str, tuple[tuple[str, Callable[[Any], Any] | None], ...]]] = {
    "activityType": (("name", itemgetter("name")), ("version", itemgetter("version")), ("activity_type", None)),
    "workflowType": (("name", itemgetter("name")), ("version", itemgetter("version"))),
    "taskList": (("task_list", itemgetter("name")),),
    "activityId": (("id", None),),
    "timerId": (("id", None),),
    "markerName": (("name", None),),
    "signalName": (("name", None),),
    "input": (("raw_input", None), ("input", _READ)),
    "control": (("control", _READ),),
    "startToFireTimeout": (("start_to_fire_timeout", int),),
    **{
        attribute: ((f"{whose}workflow_id", itemgetter("workflowId")), (f"{whose}run_id", itemgetter("runId")))
        for attribute, whose in (
            ("workflowExecution", ""),
            ("externalWorkflowExecution", "external_"),
            ("parentWorkflowExecution", "parent_"),
        )
    },
}
"""Attributes that are not simply renamed: the keys they give, each with what makes its value of the attribute's."""

_TIMEOUTS: Final = {
    ("child_workflow", "START_TO_CLOSE"): "execution_start_to_close_timeout",
    ("workflow", "START_TO_CLOSE"): "execution_start_to_close_timeout",
}


def json_or_text(text: str | None) -> Any:
    """The value of a JSON text; of any other text itself; None of none and of the empty one.

    >>> json_or_text('{"args": [1]}'), json_or_text("plain"), json_or_text(None)
    ({'args': [1]}, 'plain', None)
    """
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


Keys = tuple[tuple[str, str, Callable[[Any], Any] | None], ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """A rule with everything that can be known before an event is read.

    `first` are the keys that the event gives to a record that it opens, `later` those that it adds to one that is
    there: for each the attribute, the key, and what makes its value.
    """

    rule: Rule
    first: Keys
    later: Keys
    id_key: str
    time_key: str


def _plans() -> dict[str, _Plan]:
    plans: dict[str, _Plan] = {}
    opening: dict[Family, frozenset[str]] = {}
    for rule in sorted(RULES, key=lambda rule: rule.effect is not Effect.OPENS):
        kind = EVENTS[rule.event]
        keys = tuple(
            (attribute, key, part)
            for attribute in kind.required + kind.optional
            if attribute not in (*_LINKS, "startedEventId")
            for key, part in _PARTS.get(attribute, ((re.sub(r"(?=[A-Z])", "_", attribute).lower(), None),))
        )
        if rule.effect is Effect.OPENS:
            opening[rule.family] = frozenset(key for _, key, _ in keys)
        later = tuple(row for row in keys if row[1] not in opening.get(rule.family, ()))
        stamp = "" if rule.effect is Effect.ALONE else rule.stamp
        plans[rule.event] = _Plan(rule, keys, later, f"{stamp or 'event'}_id", f"{stamp}_timestamp".lstrip("_"))
    return plans


_PLANS: Final = _plans()
_EVENT_IDS: Final = {(plan.rule.family.type, plan.rule.state): plan.id_key for plan in _PLANS.values()}


class History:
    """A run's events, read.

    `events` are boto3's event dicts, in any order, or a function that gives them, called at first use. `read` makes
    a value of the text of an `input` or a `control`; the text of an input stays beside it as `raw_input`. All other
    texts (results, details, reasons) are left as they are. Whatever is asked first costs one pass over the events.

    Event ids are ints, and 0 stands for "there is no such event". Events of unknown types, and those about something
    whose opening event is not among the events, are passed over.
    """

    def __init__(self, events: Iterable[Event] | Callable[[], Iterable[Event]], *, read: Reader = json_or_text) -> None:
        self._source = events
        self._reader = read

    @cached_property
    def events(self) -> list[Event]:
        """The events by id."""
        found = self._source() if callable(self._source) else self._source
        return sorted(found, key=itemgetter("eventId"))

    def parse(self) -> None:
        """Read the events now, instead of at first use."""
        _ = self._read

    @cached_property
    def _read(self) -> _Reading:
        reading = _Reading(self._reader)
        for event in self.events:
            reading.take(event)
        return reading

    @property
    def workflow(self) -> Record:
        """The run itself: what it was started with, and how it ended. Empty where its first event is missing."""
        return next(iter(self._read.of(WORKFLOW).values()), {})

    @property
    def activities(self) -> dict[str, Record]:
        """Activities by id; `retry` tells of earlier attempts."""
        return self._read.of(ACTIVITY)

    @property
    def lambda_functions(self) -> dict[str, Record]:
        """Lambda tasks by id."""
        return self._read.of(LAMBDA)

    @property
    def child_workflows(self) -> dict[str, Record]:
        """Child workflows by workflow id."""
        return self._read.of(CHILD)

    @property
    def timers(self) -> dict[str, Record]:
        """Timers by id; `start_to_fire_timeout` in seconds (int)."""
        return self._read.of(TIMER)

    @property
    def external_workflows_signaling(self) -> dict[int, Record]:
        """Signals sent to other runs, by the id of the event that initiated them."""
        return self._read.of(SIGNALING)

    @property
    def external_workflows_canceling(self) -> dict[int, Record]:
        """Requests to cancel other runs, by the id of the event that initiated them."""
        return self._read.of(CANCELING)

    @cached_property
    def signaled_workflows(self) -> dict[str, list[Record]]:
        """The signals that reached other runs, by the signal's name."""
        sent = self.external_workflows_signaling.values()
        return _by_name(record for record in sent if record["state"] == "execution_signaled")

    @cached_property
    def signal_lists(self) -> dict[str, list[Record]]:
        """All signals received, by name, in order."""
        return _by_name(self._read.alone[SIGNAL.type])

    @cached_property
    def signals(self) -> dict[str, Record]:
        """The last signal of each name."""
        return {name: records[-1] for name, records in self.signal_lists.items()}

    def get_signal_events(self, name: str) -> list[Record]:
        """All signals of that name, in order."""
        return self.signal_lists.get(name, [])

    @cached_property
    def markers(self) -> dict[str, list[Record]]:
        """Markers by name, in order, those that were refused (`record_failed`) too; `details` is a text."""
        return _by_name(self._read.alone[MARKER.type])

    @property
    def decision_tasks(self) -> dict[int, Record]:
        """Decision tasks by the id of the event that scheduled them."""
        return self._read.of(DECISION)

    @property
    def tasks(self) -> list[Record]:
        """Activities, children, Lambda tasks and received signals, as they were first seen."""
        return self._read.tasks

    @property
    def cancel_requested(self) -> Record | None:
        """The last request to cancel this run."""
        found = self._read.alone[CANCEL.type]
        return found[-1] if found else None

    @property
    def cancel_requested_id(self) -> int:
        """The event id of the last request to cancel this run."""
        return int((self.cancel_requested or {}).get("event_id", 0))

    @property
    def cancel_failed(self) -> Record | None:
        """The last refusal to close this run as canceled."""
        return self._read.cancel_failed

    @property
    def cancel_failed_decision_task_completed_event_id(self) -> int:
        """The event id of the decision in which closing this run as canceled was last refused."""
        return int((self.cancel_failed or {}).get("decision_task_completed_event_id", 0))

    @property
    def started_decision_id(self) -> int:
        """The id of the last DecisionTaskStarted."""
        return max((record.get("started_id", 0) for record in self.decision_tasks.values()), default=0)

    @property
    def completed_decision_id(self) -> int:
        """The id of the last DecisionTaskCompleted."""
        return max((record.get("completed_id", 0) for record in self.decision_tasks.values()), default=0)

    @property
    def last_event_id(self) -> int:
        """The id of the last event."""
        return int(self.events[-1]["eventId"]) if self.events else 0

    @staticmethod
    def get_event_id(record: Record) -> int:
        """The id of the event that gave a record its state."""
        return int(record[_EVENT_IDS[record["type"], record["state"]]])


class _Reading:
    """Records under way."""

    def __init__(self, read: Reader) -> None:
        self.tasks: list[Record] = []
        self.alone: dict[str, list[Record]] = {family.type: [] for family in (SIGNAL, MARKER, CANCEL)}
        self.cancel_failed: Record | None = None
        self._families: dict[str, dict[Any, Record]] = {}
        self._opened: dict[int, Record] = {}
        self._reader = read

    def of(self, family: Family) -> dict[Any, Record]:
        return self._families.setdefault(family.type, {})

    def take(self, event: Event) -> None:
        plan = _PLANS.get(event["eventType"])
        if plan is None:
            return
        values = attributes(event)
        effect = plan.rule.effect
        if effect is Effect.ALONE:
            self._stands_alone(plan, event, values)
        elif effect is Effect.OPENS:
            self._opens(plan, event, values)
        elif plan.rule.family is WORKFLOW:
            self._closes_the_run(plan, event, values)
        else:
            self._goes_on(plan, event, values)

    def _stands_alone(self, plan: _Plan, event: Event, values: Record) -> None:
        record = self._tell({"type": plan.rule.family.type, "state": plan.rule.state}, plan.first, plan, event, values)
        self.alone[record["type"]].append(record)
        if plan.rule.family is SIGNAL:
            self.tasks.append(record)

    def _opens(self, plan: _Plan, event: Event, values: Record) -> None:
        family = plan.rule.family
        id = event["eventId"] if family.key is None else values[family.key]
        record = self.of(family).get(id)
        if record is None:
            record = self.of(family)[id] = {}
            if family in TASKS:
                self.tasks.append(record)
        attempts = {"retry": record["retry"]} if "retry" in record else {}
        record.clear()
        record.update(type=family.type, id=id, state=plan.rule.state, **attempts)
        self._opened[event["eventId"]] = self._tell(record, plan.first, plan, event, values)

    def _closes_the_run(self, plan: _Plan, event: Event, values: Record) -> None:
        for record in self.of(WORKFLOW).values():
            self._tell(record, plan.later, plan, event, values)
            if plan.rule.effect is not Effect.UNCHANGED:
                record["state"] = plan.rule.state
        if plan.rule.state == "cancel_failed":
            self.cancel_failed = self._tell(
                {"type": CANCEL.type, "state": "cancel_failed"}, plan.first, plan, event, values
            )

    def _goes_on(self, plan: _Plan, event: Event, values: Record) -> None:
        rule = plan.rule
        record = self._opened.get(opening_event_id(event))
        if record is None:
            self._goes_on_by_id(plan, event, values)
            return
        self._tell(record, plan.later, plan, event, values)
        record["state"] = rule.state
        if "timeoutType" in values:
            record["timeout_value"] = _timeout(record)
        if rule.effect in (Effect.ENDS_BADLY, Effect.REFUSED) and rule.family in TASKS:
            record["retry"] = record.get("retry", -1) + 1

    def _goes_on_by_id(self, plan: _Plan, event: Event, values: Record) -> None:
        """What follows a decision names no opening event: requests to cancel, and whatever was refused."""
        rule = plan.rule
        if rule.family.key not in values or rule.effect in (Effect.ENDS, Effect.ENDS_BADLY):
            return
        record = self.of(rule.family).get(values[rule.family.key])
        is_open = record is not None and record["state"] in OPEN
        if rule.effect is not Effect.GOES_ON and (record is None or (rule.effect is Effect.REFUSED and not is_open)):
            self._opens(plan, event, values)
        elif record is not None:
            self._tell(record, plan.later, plan, event, values)
            if rule.effect is Effect.GOES_ON and is_open:
                record["state"] = rule.state

    def _tell(self, record: Record, keys: Keys, plan: _Plan, event: Event, values: Record) -> Record:
        for attribute, key, part in keys:
            value = values.get(attribute)
            if part is _READ:
                value = self._reader(value)
            elif part is not None and value is not None:
                value = part(value)
            record[key] = value
        record[plan.id_key] = event["eventId"]
        record[plan.time_key] = event["eventTimestamp"]
        return record


def _timeout(record: Record) -> str | None:
    """How long the limit was that passed, in seconds as SWF writes them, from what the record was opened with."""
    kind = record["timeout_type"]
    key = _TIMEOUTS.get((record["type"], kind), f"{kind.lower()}_timeout")
    value: str | None = record.get(key)
    return value


def _by_name(records: Iterable[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record["name"], []).append(record)
    return found
