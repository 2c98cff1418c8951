"""A decision task in, its answer out."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, Final, Protocol

from simpleflow.activity import Activity
from simpleflow.command import Close, Command, ContinueAsNew, Fail, ScheduleActivity, StartChild
from simpleflow.config import Config, type_defaults, workflow_type
from simpleflow.dataflow import Unremembered, mentions_blocking, raised_at
from simpleflow.decider import decisions
from simpleflow.decider.cache import Cache
from simpleflow.decider.decisions import decision
from simpleflow.decider.load import LoadError, load_workflow
from simpleflow.decider.outbox import Batch
from simpleflow.decider.parking import Parked, ends_deciders, parked
from simpleflow.decider.repair import Former, kept, pieces_of, recording, tasks_left_by
from simpleflow.decider.run import Run
from simpleflow.log import counted
from simpleflow.payload import codec
from simpleflow.payload.codec import Codec
from simpleflow.payload.failures import cut
from simpleflow.payload.store import NO_STORE, Payloads
from simpleflow.protocol.faults import code_of
from simpleflow.protocol.history import attributes, close_status
from simpleflow.workflow import Workflow

log = logging.getLogger("simpleflow.decider")

NO_ROOM: Final = "the run's code needs more memory than there is: mend it, or give it more; it is tried again"

DecisionTask = dict[str, Any]
Answer = dict[str, Any]


class Client(Protocol):
    """What a decider needs of the engine: boto3's methods."""

    def register_activity_type(self, **arguments: Any) -> Any: ...
    def register_workflow_type(self, **arguments: Any) -> Any: ...
    def get_workflow_execution_history(self, **arguments: Any) -> dict[str, Any]: ...
    def poll_for_decision_task(self, **arguments: Any) -> dict[str, Any]: ...


class Elsewhere(Exception):
    """The decision is made by somebody else, who answers for it."""


Apart = Callable[[DecisionTask, list[dict[str, Any]]], None]
"""Has a decision made apart from all others, given its task and events: raises Elsewhere, or Parked."""


def in_place(task: DecisionTask, events: list[dict[str, Any]]) -> None:
    """Where there is nobody else."""


class Decider:
    """Decides the runs of a domain. Belongs to one thread: suspended programs cannot leave it.

    `workflows` are known by their type's name and version; another class is loaded by the name that its run carries.
    `payloads` is where large values lie. Decisions of runs of which deciders may have died are left to `apart`.
    """

    def __init__(
        self,
        client: Client,
        domain: str,
        workflows: Iterable[type[Workflow]] = (),
        *,
        config: Config,
        payloads: Payloads = NO_STORE,
        cache: Cache | None = None,
        apart: Apart = in_place,
    ) -> None:
        self._client = client
        self._domain = domain
        self._config = config
        self._codec = Codec(payloads=payloads)
        self._apart = apart
        self._cache = cache if cache is not None else Cache(1000)
        self._classes = {tuple(workflow_type(each, config).values()): each for each in workflows}
        self._registered: set[tuple[str, str, str]] = set()
        self.activities: dict[tuple[str, str], Activity[..., Any]] = {}  # that were scheduled, by name and version
        self._remember: dict[type[Workflow], bool] = {}  # whether they raise ExecutionBlocked, as far as we know
        self._ended: str | None = None  # the run whose close we answered last
        self.close_asked: Close | None = None
        """How the run ends whose decision was made last; None where it goes on."""
        self.parked = False
        """Whether the last answer parks its run."""

    def decide(self, task: DecisionTask, poll: dict[str, Any]) -> Answer:
        """The arguments of RespondDecisionTaskCompleted for a decision task.

        `poll` is what it was polled with, to get the pages of its history that follow. An error in user code
        fails the run; one of ours or of the deployment parks it, visibly, and it is tried again later. Raises
        Elsewhere.
        """
        if self._ended not in (None, task["workflowExecution"]["runId"]):  # else its end was refused
            self._cache.drop(self._ended)
        self._ended = None
        self.close_asked = None
        self.parked = False
        events: list[dict[str, Any]] = []
        try:
            events = self._events(task, poll)
            if ends_deciders(events):
                self._apart(task, events)
            run = self._current(task, events)
            batch = self._decided(run, task)
        except Elsewhere:
            raise
        except MemoryError as error:
            return self._without_room(task, error, events)
        except Exception as error:
            return self.park(task, error, events)
        run_id = task["workflowExecution"]["runId"]
        context = self._context(task, run, batch)
        self._cache.put(run_id, run)
        self.close_asked = batch.close
        if batch.close is not None:
            self._ended = run_id
        return {"taskToken": task["taskToken"], "decisions": batch.decisions, "executionContext": context}

    def _without_room(self, task: DecisionTask, error: MemoryError, events: list[dict[str, Any]]) -> Answer:
        """There is not enough memory: perhaps other runs have it, so all are put away, and this one is made apart."""
        traceback.clear_frames(error.__traceback__)
        self._cache.clear()
        try:
            self._apart(task, events)
            raise Parked(NO_ROOM, apart=True) from error
        except (Parked, MemoryError, OSError) as reason:
            return self.park(task, reason, events)

    def close(self) -> None:
        """Put all runs away."""
        self._cache.clear()

    def _decided(self, run: Run, task: DecisionTask) -> Batch:
        """What the run asks for now. A run that raises here is not kept."""
        try:
            if run.outbox.trouble is not None:
                raise Parked(run.outbox.trouble.message, run.outbox.trouble.times)
            if not run.begun:
                return self._taking_over(run, task)
            batch = run.outbox.batch(lambda command: decision(command, run.options), task["startedEventId"])
            for command in (*batch.commands, batch.close):
                self._register_type_of(command, run)
            run.outbox.missing_types.clear()
        except Exception:
            run.close()
            raise
        return batch

    def _taking_over(self, run: Run, task: DecisionTask) -> Batch:
        """What the run takes over from the one that it repairs is recorded before its program begins."""
        assert run.repair is not None
        order = run.repair.order
        former = tasks_left_by(self._former(order.former), order.former.workflow_id, self._former)
        left = pieces_of(kept(former, order.force))[len(run.repair.pieces) :]
        recorded = recording(left, task["startedEventId"])
        return Batch(recorded, [], len(left) + 2 - len(recorded), [], None)

    def _former(self, former: Former) -> list[dict[str, Any]]:
        """All events of a run that is repaired. Raises Parked."""
        who = f"the run {former.run_id} of {former.workflow_id}, which is to be repaired,"
        try:
            events = list(self._pages({"workflowId": former.workflow_id, "runId": former.run_id}))
        except Exception as error:
            if code_of(error) != "UnknownResourceFault":
                raise
            raise Parked(f"{who} cannot be read any more: terminate this run, and start it without repair") from error
        if not events or close_status(events[-1]) is None:
            raise Parked(f"{who} is open: end it, or terminate this run")
        return events

    def _pages(self, execution: dict[str, str]) -> Iterator[dict[str, Any]]:
        """The events of a run, page by page as they are asked for."""
        token: dict[str, str] = {}
        while True:
            page = self._client.get_workflow_execution_history(domain=self._domain, execution=execution, **token)
            yield from page["events"]
            if not page.get("nextPageToken"):
                return
            token = {"nextPageToken": page["nextPageToken"]}

    def _events(self, task: DecisionTask, poll: dict[str, Any]) -> list[dict[str, Any]]:
        events = list(task["events"])
        token = task.get("nextPageToken")
        while token:
            page = self._client.poll_for_decision_task(**poll, nextPageToken=token)
            events += page["events"]
            token = page.get("nextPageToken")
        return events

    def _current(self, task: DecisionTask, events: list[dict[str, Any]]) -> Run:
        """The run, having read its history up to this decision task: resumed if it can be, else from the start."""
        execution = task["workflowExecution"]
        run = self._cache.take(execution["runId"])
        try:
            if run is not None and run.last_event_id + 1 < events[0]["eventId"]:
                events[:0] = self._backwards(execution, run.last_event_id, events[0]["eventId"])
            elif run is None:
                run = self._beginning(task, events)
            try:
                run.read(events)
            except Unremembered:
                self._remember[run.workflow_class] = True
                run.close()
                run = self._beginning(task, events)
                run.read(events)
        except BaseException:
            if run is not None:
                run.close()
            raise
        return run

    def _beginning(self, task: DecisionTask, events: list[dict[str, Any]]) -> Run:
        """The run before its first event; to `events` those before them are added."""
        execution = task["workflowExecution"]
        if events[0]["eventId"] > 1:
            events[:0] = self._forwards(execution, events[0]["eventId"])
        kind = self._class_of(task, events)
        remember = self._remember.get(kind)
        if remember is None:
            remember = self._remember[kind] = mentions_blocking(kind)
        return Run(
            kind,
            self._domain,
            execution,
            self._codec,
            self._config,
            partial(self._fetch, execution),
            remember=remember,
        )

    def _forwards(self, execution: dict[str, str], end: int) -> list[dict[str, Any]]:
        """The events before `end`, from the first."""
        return _whole(list(islice(self._pages(execution), end - 1)), 1, end)

    def _fetch(self, execution: dict[str, str], end: int) -> list[dict[str, Any]]:
        return self._forwards(execution, end + 1)

    def _backwards(self, execution: dict[str, str], after: int, end: int) -> list[dict[str, Any]]:
        """The events between `after` and `end`, both excluded; only the newest pages are read."""
        found: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while not found or found[-1]["eventId"] > after + 1:
            page = self._client.get_workflow_execution_history(
                domain=self._domain, execution=execution, reverseOrder=True, maximumPageSize=200, **token
            )
            found += page["events"]
            if not page.get("nextPageToken"):
                break
            token = {"nextPageToken": page["nextPageToken"]}
        return _whole([event for event in reversed(found) if after < event["eventId"] < end], after + 1, end)

    def _class_of(self, task: DecisionTask, events: list[dict[str, Any]]) -> type[Workflow]:
        kind = task["workflowType"]
        known = self._classes.get((kind["name"], kind["version"]))
        if known is not None:
            return known
        name = codec.extra(attributes(events[0]).get("input")).get("class")
        if not isinstance(name, str):
            raise LoadError(
                f"this decider knows no workflow {kind['name']} version {kind['version']}: start one with its class"
            )
        return load_workflow(name)

    def _register_type_of(self, command: Command | Close | None, run: Run) -> None:
        """Register the type of what is to be started, once a process: a decision that fails for want of it costs one
        more."""
        config = self._config
        match command:
            case ScheduleActivity(activity=activity):
                what, kind = "activity", decisions.activity_type(activity, config)
            case StartChild(workflow=workflow):
                what, kind = "workflow", decisions.child_type(workflow, config)
            case ContinueAsNew(workflow=workflow):
                what, kind = "workflow", decisions.next_type(command, run.options)
            case _:
                return
        key = (kind["name"], kind["version"])
        again = key[0] in run.outbox.missing_types
        if (what, *key) in self._registered and not again:
            return
        self._registered.add((what, *key))
        if what == "activity":
            self.activities[key] = activity
            defaults = decisions.activity_defaults(activity, config)
            self._register(self._client.register_activity_type, what, {**kind, **defaults}, again)
        else:
            self._classes.setdefault(key, workflow)
            defaults = type_defaults(workflow, config)
            self._register(self._client.register_workflow_type, what, {**kind, **defaults}, again)

    def _register(self, register: Callable[..., Any], what: str, arguments: dict[str, Any], again: bool) -> None:
        try:
            register(domain=self._domain, **arguments)
        except Exception as error:
            if code_of(error) == "TypeAlreadyExistsFault":
                return
            message = f"cannot register the {what} type {arguments['name']} {arguments['version']}: {error}"
            if again:  # it is missing: without it the decision would fail at once, and again
                raise Parked(message) from error
            log.warning(message)  # somebody else may have registered it

    def _context(self, task: DecisionTask, run: Run, batch: Batch) -> str:
        """What DescribeWorkflowExecution shows of the run, and what the next reader of its history needs."""
        who = task["workflowExecution"]["workflowId"]
        context: dict[str, Any] = {"held": batch.held}
        if batch.dropped:
            run.say(f"{counted(len(batch.dropped), 'task')} never sent: {', '.join(batch.dropped[:10])}")
        if waiting := run.program.signals_waited_for:
            context["waiting_signals"] = waiting[:100]
            context["waits_at"] = cut(run.program.waits_at, 200)
        if batch.close is not None:
            context = {"held": batch.held}
            if isinstance(batch.close, Fail) and (line := raised_at(batch.close.error)):
                context["raised_at"] = cut(line, 200)
            for failure in run.program.unseen_failures[:10]:
                run.say(f"a failure that nobody looked at: {failure}")
            if (left := run.program.signals_left) and not isinstance(batch.close, ContinueAsNew):
                context["unreceived_signals"] = left[:100]
                run.say(f"{counted(len(left), 'signal')} that nobody received: {', '.join(left[:10])}")
        elif run.stuck:
            context["stuck"] = [cut(line, 500) for line in run.program.waits_for[:10]]
            log.error("%s is stuck: nothing that it asked for is open; it waits for %s", who, context["stuck"])
        return json.dumps(context) if len(context) > 1 else f'{{"held": {batch.held}}}'

    def park(self, task: DecisionTask, error: Exception, events: Sequence[dict[str, Any]] = ()) -> Answer:
        """The answer for a run that cannot be decided now."""
        self.parked = True
        return parked(task, error, events or task["events"])


def _whole(events: list[dict[str, Any]], first: int, end: int) -> list[dict[str, Any]]:
    """`events` where they are those from `first` up to `end`, without a gap."""
    if [event["eventId"] for event in events] != list(range(first, end)):
        raise Parked(f"the engine does not show the events {first} to {end - 1} yet")
    return events
