"""One run with all that it needs: it is started or found, decided and worked by processes of its own, and watched."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from simpleflow import config
from simpleflow.clients import SWFClient
from simpleflow.config import workflow_type
from simpleflow.payload import codec
from simpleflow.protocol.faults import code_of
from simpleflow.runtime import runs
from simpleflow.runtime.patience import Patience
from simpleflow.runtime.poll import unique_list
from simpleflow.runtime.repair import CallOfRun, Previous, launch_repair
from simpleflow.runtime.runs import Run
from simpleflow.runtime.spec import Deciding, Spec, Work
from simpleflow.runtime.start import Handle, StartOptions, default_id, launch
from simpleflow.runtime.stop import GRACE, Stop
from simpleflow.runtime.supervise import Supervisor
from simpleflow.runtime.watching import Watch
from simpleflow.workflow import Workflow

log = logging.getLogger("simpleflow.runtime")

LOOK: Final = 0.2  # seconds between two looks at the history
PATIENCE: Final = 3.0
"""Seconds for processes to end by themselves once the run is closed: what they still do is in vain."""
STDOUT: Final = {"worker": 2, "lambda-worker": 2}
"""What activities and Lambda functions print goes to standard error, since standard output is the run's."""


@dataclass(frozen=True, slots=True)
class Place:
    """A run, where its decisions wait, and where its activities do."""

    run: Run
    task_list: str
    activity_lists: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deciders:
    """How many deciders, and how they decide."""

    number: int = 1
    how: Deciding = field(default_factory=Deciding)


@dataclass(frozen=True, slots=True)
class Crew:
    """How many processes of each kind, and what they are told."""

    engine: str
    workflow: str
    deciders: Deciders = Deciders()
    workers: int = 1
    heartbeat: int | None = None
    grace: float = GRACE
    lambda_workers: tuple[Spec, ...] = ()
    work: Work = field(default_factory=Work)

    def deciding(self, place: Place) -> list[Spec]:
        where = self.engine, place.run.domain, place.task_list
        spec = Spec("decider", *where, workflows=(self.workflow,), grace=self.grace, deciding=self.deciders.how)
        return [spec] * self.deciders.number

    def working(self, domain: str, lists: Iterable[str]) -> list[Spec]:
        """Workers for each of these lists."""
        return [
            Spec("worker", self.engine, domain, task_list, heartbeat=self.heartbeat, work=self.work, grace=self.grace)
            for task_list in lists
            for _ in range(self.workers)
        ]


def lambda_workers(client: SWFClient, spec: Spec, number: int) -> tuple[Spec, ...]:
    """So many of such workers for the Lambda functions of a domain; none where the engine has no functions.

    The spec's `lambdas` are those of an embedded engine; a server has its own.
    """
    return (spec,) * number if spec.lambdas or _serves_lambdas(client) else ()


def _serves_lambdas(client: SWFClient) -> bool:
    try:
        return bool(client.list_lambda_functions()["functions"])
    except Exception as error:
        if not code_of(error):
            raise
        return False  # another server than ours, to which the operation is unknown


def processors() -> int:
    """How many CPUs this process may use: as many workers make sense."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1


def attach(client: SWFClient, domain: str, workflow_id: str, workflow: type[Workflow]) -> Place | None:
    """Where the open run with this id is decided and worked, or None if there is none.

    Raises ValueError when it is a run of another workflow.
    """
    try:
        run = runs.find_open(client, domain, workflow_id)
    except Exception as error:
        if code_of(error) != "UnknownResourceFault":
            raise
        run = None  # nothing was ever started in this domain
    if run is None:
        return None
    described = runs.describe(client, run)
    kind, asked = described["executionInfo"]["workflowType"], workflow_type(workflow, config.load())
    if kind["name"] != asked["name"]:
        raise ValueError(
            f"{workflow_id} is an open run of the workflow {kind['name']}, not of {asked['name']}: "
            "name its class, or another --workflow-id"
        )
    configuration = described["executionConfiguration"]
    own = codec.extra(runs.input_of(client, run)).get("activity_task_list")
    watch = Watch(client, run)
    watch.look()
    return Place(run, configuration["taskList"]["name"], tuple(sorted(watch.lists | ({own} if own else set()))))


def begin(workflow: type[Workflow], args: list[Any], kwargs: dict[str, Any], options: StartOptions) -> Place:
    """Start a run on a list of its own, for decisions and activities."""
    workflow_id = options.workflow_id or default_id(workflow_type(workflow, config.load())["name"])
    options = _on_own_list(options, workflow_id)
    return _place_of(launch(workflow, args, kwargs, options), options)


def begin_repair(
    previous: Previous, workflow: type[Workflow], options: StartOptions, call: CallOfRun | None, force: str | None
) -> Place:
    """Start a run that repairs a former one, likewise; its workflow id is the former's where none is given."""
    options = _on_own_list(options, options.workflow_id or previous.run.workflow_id)
    return _place_of(launch_repair(previous, workflow, options, call, force), options)


def _on_own_list(options: StartOptions, workflow_id: str) -> StartOptions:
    task_list = unique_list(workflow_id)
    return replace(options, workflow_id=workflow_id, task_list=task_list, activity_task_list=task_list)


def _place_of(handle: Handle, options: StartOptions) -> Place:
    assert options.task_list is not None
    return Place(Run(handle.domain, handle.workflow_id, handle.run_id), options.task_list, (options.task_list,))


def drive(watch: Watch, place: Place, crew: Crew, stop: Stop, saw: Callable[[Watch], None]) -> bool:
    """Keep the crew at work until the run is closed or `stop` is asked for; whether it closed.

    `saw` is called after each look at the run. When this returns no process of the crew lives.
    """
    staffed = set(place.activity_lists)
    specs = [*crew.deciding(place), *crew.working(place.run.domain, staffed), *crew.lambda_workers]
    supervisor = Supervisor(specs, stop, stdout=STDOUT)
    supervisor.start()
    patience = Patience()
    try:
        while not stop():
            try:
                watch.look()
            except Exception as error:
                supervisor.tend(patience.pause(error))
                continue
            patience.answered()
            if watch.closing is not None:
                break
            saw(watch)
            new = watch.lists - staffed  # activities may name lists unheard of before
            supervisor.add(crew.working(place.run.domain, sorted(new)))
            staffed |= new
            supervisor.tend(LOOK)
        saw(watch)
    finally:
        _end(supervisor, stop, hurry=watch.closing is not None)
    try:
        watch.look(now=True)  # what was in hand may have been the end of it
    except Exception as error:
        patience.pause(error)  # no use in waiting: whoever goes on with the run will see
    return watch.closing is not None


def _end(supervisor: Supervisor, stop: Stop, hurry: bool) -> None:
    """Let all processes drain, and wait for them; once PATIENCE is over, and there is no point in it, end them."""
    if not stop():
        stop.request("" if hurry else "giving up")
    until = time.monotonic() + PATIENCE
    while supervisor.alive:
        supervisor.tend(0.1)
        if hurry and time.monotonic() > until:
            hurry = False
            stop.request()
    supervisor.close()
