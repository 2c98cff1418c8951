"""The commands that keep processes alive: decider.start and worker.start."""

from __future__ import annotations

import base64
import json
import os
from contextlib import closing
from typing import Any, Final, cast

import click

from simpleflow import config
from simpleflow.cli import options
from simpleflow.cli.app import Globals
from simpleflow.clients import SWFClient
from simpleflow.decider import load_workflow
from simpleflow.observe import configure_logging
from simpleflow.runtime.__main__ import run_role
from simpleflow.runtime.board import Board
from simpleflow.runtime.spec import Spec, Work
from simpleflow.runtime.standalone import lambda_workers, processors
from simpleflow.runtime.start import ensure_domain, is_amazon
from simpleflow.runtime.stop import Stop
from simpleflow.runtime.streams import hold_nobody_up
from simpleflow.runtime.supervise import Supervisor
from simpleflow.runtime.titles import described, titled


@click.command("decider.start")
@click.argument("workflows", nargs=-1, metavar="[MODULE.CLASS]...")
@options.domain(required=True)
@click.option("-t", "--task-list", metavar="LIST", help="Default: that of the workflows.")
@options.log_level
@click.option("-N", "--nb-processes", type=click.IntRange(1), default=1, show_default=True, help="Decider processes.")
@options.deciding_options
@options.grace
@options.health_port
@options.health_timeout
@click.pass_obj
def decider_start(
    common: Globals,
    workflows: tuple[str, ...],
    domain: str,
    task_list: str | None,
    log_level: str | None,
    nb_processes: int,
    deciding: options.DecidingOptions,
    grace: float,
    health_port: int | None,
    health_timeout: float,
) -> None:
    """Decide the runs whose decision tasks come to a task list. Ctrl-C ends it after the decisions in hand, a second
    one at once.

    Workflows that are not named are loaded by the class that their run names.
    """
    lists = {load_workflow(name).task_list or config.load().workflow_default_task_list for name in workflows}
    if task_list is None:
        if len(lists) != 1:
            found = f": these have {', '.join(sorted(lists))}" if lists else ""
            raise click.UsageError(f"Missing option '--task-list', for want of workflows that agree on one{found}.")
        task_list = lists.pop()
    url = options.engine_url(common)
    how = deciding.of(nb_processes)
    told: dict[str, Any] = {"grace": grace, "log_level": log_level or "", "tally": True}
    spec = Spec("decider", url, domain, task_list, workflows, **told, deciding=how)
    _prepare(spec)
    _keep("Decider", "DeciderPoller", [spec] * nb_processes, health_port, health_timeout)


@click.command("worker.start")
@options.domain(required=True)
@click.option("-t", "--task-list", metavar="LIST", help="Whose activities to run.")
@options.log_level
@click.option("-N", "--nb-processes", type=click.IntRange(1), help="Worker processes. Default: one for each CPU.")
@options.heartbeat
@options.grace
@options.work_options
@options.lambdas
@options.health_port
@options.health_timeout
@click.option("--one-task", is_flag=True, help="End after the first activity.")
@click.option(
    "--poll-data",
    metavar="BASE64",
    help="The one task itself: an answer of PollForActivityTask as JSON in base64. No list is polled then.",
)
@click.pass_obj
def worker_start(
    common: Globals,
    domain: str,
    task_list: str | None,
    log_level: str | None,
    nb_processes: int | None,
    heartbeat: int | None,
    grace: float,
    lambdas: dict[str, str],
    health_port: int | None,
    health_timeout: float,
    one_task: bool,
    poll_data: str | None,
    work: Work,
) -> None:
    """Run the activities that come to a task list. Ctrl-C ends it after the tasks in hand, a second one at once.

    Where the engine has Lambda functions, as many processes more run those of the domain.
    """
    if task_list is None and poll_data is None:
        raise click.UsageError("Please provide a --task-list or some data via --poll-data.")
    task = None if poll_data is None else _task_of(poll_data)
    one_task = one_task or task is not None
    if one_task and lambdas:
        raise click.UsageError("--lambda and --one-task exclude each other: the one task is an activity.")
    if one_task and health_port is not None:
        raise click.UsageError("--health-port and --one-task exclude each other: nobody probes one task.")
    url = options.engine_url(common)
    functions = options.lambdas_of(url, lambdas)
    told: dict[str, Any] = {"grace": grace, "log_level": log_level or "", "tally": True}
    told_workers: dict[str, Any] = {"heartbeat": heartbeat, "one_task": one_task, "task": task, "work": work, **told}
    spec = Spec("worker", url, domain, task_list or "", **told_workers)
    client = _prepare(spec)
    if one_task:
        run_role(spec)
    else:
        number = nb_processes or processors()
        lambda_spec = Spec("lambda-worker", url, domain, lambdas=functions, **told)
        specs = [*[spec] * number, *lambda_workers(client, lambda_spec, number)]
        _keep("Worker", "ActivityPoller", specs, health_port, health_timeout)


TASK: Final = {
    "taskToken": str,
    "activityId": str,
    "startedEventId": int,
    "activityType": dict,
    "workflowExecution": dict,
}
"""What a task cannot do without."""


def _task_of(poll_data: str) -> dict[str, Any]:
    """The task of --poll-data."""
    try:
        task = json.loads(base64.b64decode(poll_data, validate=True))
    except ValueError as error:
        raise click.ClickException(f"--poll-data is no JSON in base64 ({error})") from None
    for name, kind in TASK.items():
        if not isinstance(task, dict) or not isinstance(task.get(name), kind) or not task[name]:
            raise click.ClickException(f"--poll-data is no answer of PollForActivityTask with a task: it has no {name}")
    return cast("dict[str, Any]", task)


def _keep(name: str, what: str, specs: list[Spec], health_port: int | None, health_timeout: float) -> None:
    """Keep these processes alive until told to stop."""
    tell = titled(described(name, _payload_friendly_name=f"{what}.start", _nb_children=len(specs)))
    stop = Stop(specs[0].grace).listen()
    if health_port is None:
        Supervisor(specs, stop, tell=tell).run()
        return
    from simpleflow.runtime.health import Health  # 20 ms, and for who is probed

    board = Board.of(sum(spec.loops for spec in specs))
    try:
        health = Health(board, stop, health_port, health_timeout)
    except OSError as error:
        raise click.ClickException(
            f"the port {health_port} cannot be had ({os.strerror(error.errno or 0)}): choose another --health-port"
        ) from error
    click.echo(f"health: http://localhost:{health.port}/healthz and /readyz", err=True)
    with closing(health):
        Supervisor(specs, stop, tell=tell, board=board).run()


def _prepare(spec: Spec) -> SWFClient:
    """Log, name the engine, register the domain where we may, and see that it can be polled; the engine's client."""
    hold_nobody_up("stderr")
    configure_logging(spec.log_level or config.load().log_level, "supervisor")
    client = options.open_engine(spec.engine)
    if not is_amazon(spec.engine):
        ensure_domain(client, spec.domain)
    # What the engine says of a domain or a list that cannot be, it says here and not to each process for ever.
    if spec.task_list:
        client.count_pending_activity_tasks(domain=spec.domain, taskList={"name": spec.task_list})
    click.echo(f"engine: {spec.engine}", err=True)
    return client
