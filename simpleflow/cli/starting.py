"""The command workflow.start: a run on an engine, or in this process."""

from __future__ import annotations

from typing import Any

import click

from simpleflow import config
from simpleflow.cli import options
from simpleflow.cli.app import INTERRUPTED, Globals
from simpleflow.cli.outcome import report_failure
from simpleflow.decider import load_workflow
from simpleflow.exceptions import WorkflowFailed
from simpleflow.protocol.faults import code_of
from simpleflow.runtime import start
from simpleflow.runtime.calling import around
from simpleflow.workflow import Workflow


@click.command("workflow.start")
@click.argument("workflow", metavar="MODULE.CLASS")
@options.domain()
@click.option("-t", "--task-list", metavar="LIST", help="Where deciders find the run. Default: the workflow's.")
@options.run_options
@click.option("--local", is_flag=True, help="Run it in this process, with nothing kept.")
@options.lambdas
@options.middlewares
@click.pass_obj
def workflow_start(
    common: Globals,
    workflow: str,
    domain: str | None,
    task_list: str | None,
    run: options.RunOptions,
    local: bool,
    lambdas: dict[str, str],
    before: tuple[str, ...],
    after: tuple[str, ...],
) -> int:
    """Start a run of MODULE.CLASS, and print its WORKFLOW_ID and RUN_ID; or run it here, with --local."""
    loaded = load_workflow(workflow)
    args, kwargs = run.call_of(loaded)
    if local:
        return _run_local(loaded, args, kwargs, lambdas, around(before, after))
    if before or after:
        raise click.UsageError("--middleware-... go with --local here: workers are told, by `worker.start`.")
    if lambdas:
        raise click.UsageError("--lambda goes with --local here: workers are told, by `worker.start --lambda ...`.")
    if not domain:
        raise click.UsageError("Missing option '--domain' (or set SWF_DOMAIN), or --local.")
    url = options.engine_url(common)
    options.open_engine(url)  # which says what is wrong with it, before a run is started
    click.echo(f"engine: {url}", err=True)
    try:
        handle = start.launch(loaded, args, kwargs, run.start(url, domain, task_list))
    except Exception as error:
        if code_of(error) == "WorkflowExecutionAlreadyStartedFault":
            raise click.ClickException(
                f"a run of {run.workflow_id} is open already: choose another --workflow-id, or see it by "
                f"`simpleflow workflow.info {domain} {run.workflow_id}`"
            ) from error
        raise
    click.echo(f"{handle.workflow_id} {handle.run_id}")
    return 0


def _run_local(
    workflow: type[Workflow],
    args: list[Any],
    kwargs: dict[str, Any],
    lambdas: dict[str, str],
    middlewares: dict[str, list[str]] | None,
) -> int:
    from simpleflow.observe import configure_logging
    from simpleflow.runtime.local import interruptible, run_local

    configure_logging(config.load().log_level, "local")
    with interruptible() as interrupted:
        try:
            lambdas = options.lambdas_of("memory", lambdas)
            result = run_local(workflow, args, kwargs, interrupted, lambdas, middlewares=middlewares, hinted=False)
        except WorkflowFailed as failure:
            return INTERRUPTED if interrupted() else report_failure(failure)
    click.echo(f"result: {options.brief(result)}", err=True)
    return 0
