"""The commands that keep processes alive: decider.start and worker.start."""

from __future__ import annotations

from typing import Any

import click

from simpleflow import config
from simpleflow.cli import options
from simpleflow.cli.app import Globals
from simpleflow.clients import SWFClient
from simpleflow.decider import load_workflow
from simpleflow.observe import configure_logging
from simpleflow.runtime.__main__ import run_role
from simpleflow.runtime.poll import Stop
from simpleflow.runtime.standalone import lambda_workers, processors
from simpleflow.runtime.start import ensure_domain, is_amazon
from simpleflow.runtime.supervise import Spec, Supervisor, Work
from simpleflow.runtime.titles import titled


@click.command("decider.start")
@click.argument("workflows", nargs=-1, metavar="[MODULE.CLASS]...")
@options.domain(required=True)
@click.option("-t", "--task-list", metavar="LIST", help="Default: that of the workflows.")
@options.log_level
@click.option("-N", "--nb-processes", type=click.IntRange(1), default=1, show_default=True)
@options.deciding_options
@options.grace
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
    spec = Spec("decider", url, domain, task_list, workflows, grace=grace, log_level=log_level or "", deciding=how)
    _prepare(spec)
    _keep("Decider", "DeciderPoller", [spec] * nb_processes)


@click.command("worker.start")
@options.domain(required=True)
@click.option("-t", "--task-list", metavar="LIST", required=True, help="Whose activities to run.")
@options.log_level
@click.option("-N", "--nb-processes", type=click.IntRange(1), help="Default: one for each CPU.")
@options.heartbeat
@options.grace
@options.work_options
@options.lambdas
@click.option("--one-task", is_flag=True, help="End after the first activity.")
@click.pass_obj
def worker_start(
    common: Globals,
    domain: str,
    task_list: str,
    log_level: str | None,
    nb_processes: int | None,
    heartbeat: int | None,
    grace: float,
    lambdas: dict[str, str],
    one_task: bool,
    work: Work,
) -> None:
    """Run the activities that come to a task list. Ctrl-C ends it after the tasks in hand, a second one at once.

    Where the engine has Lambda functions, as many processes more run those of the domain.
    """
    if one_task and lambdas:
        raise click.UsageError("--lambda and --one-task exclude each other: the one task is an activity.")
    url = options.engine_url(common)
    functions = options.lambdas_of(url, lambdas)
    told: dict[str, Any] = {"grace": grace, "log_level": log_level or ""}
    spec = Spec("worker", url, domain, task_list, heartbeat=heartbeat, one_task=one_task, work=work, **told)
    client = _prepare(spec)
    if one_task:
        run_role(spec)
    else:
        number = nb_processes or processors()
        lambda_spec = Spec("lambda-worker", url, domain, lambdas=functions, **told)
        _keep("Worker", "ActivityPoller", [*[spec] * number, *lambda_workers(client, lambda_spec, number)])


def _keep(name: str, what: str, specs: list[Spec]) -> None:
    """Keep these processes alive until told to stop."""
    tell = titled(name, _payload_friendly_name=f"{what}.start", _nb_children=len(specs))
    Supervisor(specs, Stop(specs[0].grace).listen(), tell=tell).run()


def _prepare(spec: Spec) -> SWFClient:
    """Log, name the engine, register the domain where we may, and see that it can be polled; the engine's client."""
    configure_logging(spec.log_level or config.load().log_level, "supervisor")
    client = options.open_engine(spec.engine)
    if not is_amazon(spec.engine):
        ensure_domain(client, spec.domain)
    # What the engine says of a domain or a list that cannot be, it says here and not to each process for ever.
    client.count_pending_activity_tasks(domain=spec.domain, taskList={"name": spec.task_list})
    click.echo(f"engine: {spec.engine}", err=True)
    return client
