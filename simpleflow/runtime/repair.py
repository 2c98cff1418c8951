"""Repairing runs: what a run that did not complete has left, and a new run that takes it over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from simpleflow.activity import importable_name
from simpleflow.clients import SWFClient
from simpleflow.decider.decisions import ON_THEIR_WAY
from simpleflow.decider.repair import GOES_ON, Former, FormerTask, Order, former, kept, tasks_left_by
from simpleflow.payload import codec
from simpleflow.protocol.faults import code_of
from simpleflow.protocol.history import Event, attributes, close_status
from simpleflow.runtime import runs
from simpleflow.runtime.start import Handle, StartOptions, check_call, codec_of, launch_frozen
from simpleflow.workflow import Workflow

CallOfRun: TypeAlias = tuple[Sequence[Any], dict[str, Any]]
"""The positional and the keyword arguments of ``run``."""


class CannotRepair(Exception):
    """There is nothing to repair. The message is one line."""


@dataclass(frozen=True, slots=True)
class Previous:
    """A closed run, as its history tells of it."""

    run: runs.Run
    events: list[Event]
    tasks: list[FormerTask]

    @property
    def input(self) -> str | None:
        found: str | None = self._started.get("input")
        return found

    @property
    def workflow(self) -> str | None:
        """The dotted name of its class; None where a foreign client started it."""
        name = codec.extra(self.input).get("class")
        return name if isinstance(name, str) else None

    @property
    def tag_list(self) -> list[str]:
        return list(self._started.get("tagList") or ())

    @property
    def task_list(self) -> str | None:
        """Where its decisions waited; None where that list was its own (`standalone`)."""
        return None if codec.extra(self.input).get("activity_task_list") else self._started["taskList"]["name"]

    def fates(self, force: str | None) -> list[tuple[FormerTask, str]]:
        """Its tasks, each with what a repair does about it: reused, repaired (a child), or run."""
        known = {(task.kind, task.id) for task in kept(self.tasks, force)}
        return [
            (task, ("reused" if task.is_reused else "repaired") if (task.kind, task.id) in known else "run")
            for task in self.tasks
        ]

    @property
    def _started(self) -> dict[str, Any]:
        return attributes(self.events[0])


def previous(client: SWFClient, domain: str, workflow_id: str, run_id: str | None = None) -> Previous:
    """The run to be repaired; without a run id the newest one. Raises NoSuchRun, and CannotRepair for an open one."""
    run = runs.find(client, domain, workflow_id, run_id)
    runs.describe(client, run)  # says so if there is no such run
    events = list(runs.history(client, run))
    if close_status(events[-1]) is None:
        raise CannotRepair(
            f"the run {run.run_id} of {workflow_id} is open: only a closed run can be repaired; to end it: "
            f"simpleflow workflow.terminate {domain} {workflow_id}"
        )

    def read(older: Former) -> list[Event]:
        return list(runs.history(client, runs.Run(domain, older.workflow_id, older.run_id)))

    return Previous(run, events, tasks_left_by(events, workflow_id, read))


@dataclass(frozen=True, slots=True)
class Fate:
    """What a repair does about a task: reused, repaired or run; open or gone, where the child cannot be repaired.

    `id` of a child's task is after the child's, with a slash between.
    """

    id: str
    status: str
    what: str


def foretold(client: SWFClient, previous: Previous, force: str | None, above: str = "") -> Iterator[Fate]:
    """The fates of a run's tasks; after each run that is repaired in turn those of its own."""
    for task, what in previous.fates(force):
        inner = None
        if what == "repaired" and task.run is not None:
            inner, what = _inner(client, previous.run.domain, task.run)
        yield Fate(above + task.id, task.status, what)
        if inner is not None:
            yield from foretold(client, inner, force, above if task.kind == GOES_ON else f"{above}{task.id}/")


def _inner(client: SWFClient, domain: str, former: Former) -> tuple[Previous | None, str]:
    try:
        return previous(client, domain, former.workflow_id, former.run_id), "repaired"
    except CannotRepair:
        return None, "open"
    except runs.NoSuchRun:
        return None, "gone"


def launch_repair(
    previous: Previous,
    workflow: type[Workflow],
    options: StartOptions,
    call: CallOfRun | None = None,
    force: str | None = None,
) -> Handle:
    """Start a run of `workflow` that takes over what the previous one has completed.

    Args:
        options: workflow id and tags are by default the previous run's; the domain is, whatever they say.
        call: the arguments of ``run``. Default: the previous run's.
        force: a regular expression; tasks whose id it is found in run again.

    Raises what `simpleflow.start` raises, and CannotRepair where a run of this workflow id is open, or ``run``
    does not take the arguments of the previous run.
    """
    run = previous.run
    order = Order(former(run.workflow_id, run.run_id, previous.input), force)
    signals = codec.extra(previous.input).get(ON_THEIR_WAY)
    activity_list = options.activity_task_list
    extra = {"class": importable_name(workflow), "activity_task_list": activity_list, ON_THEIR_WAY: signals}
    extra = {key: value for key, value in extra.items() if value} | {"repair": order.as_extra()}
    values = codec_of(options.url)
    args, kwargs = values.thaw_call(previous.input) if call is None else call
    try:
        check_call(workflow, args, kwargs)
    except TypeError as error:
        if call is not None:
            raise
        raise CannotRepair(f"the former run's input does not fit: {error}; give another --input") from error
    what = f"the input of {importable_name(workflow)}"
    workflow_id = options.workflow_id or run.workflow_id
    tags = previous.tag_list if options.tag_list is None else options.tag_list
    options = replace(options, domain=run.domain, workflow_id=workflow_id, tag_list=tags)
    try:
        input = values.freeze_call(args, kwargs, what, {codec.EXTRA: extra}, workflow.run)
        return launch_frozen(workflow, input, options, values)
    except Exception as error:
        if code_of(error) == "WorkflowExecutionAlreadyStartedFault":
            raise CannotRepair(
                f"a run of {workflow_id} is open already: wait for its end, or give another --workflow-id"
            ) from error
        raise
