"""The commands that change one run, or wait for it: terminate, restart, signal, cancel, wait, result."""

from __future__ import annotations

import builtins
import json
import shlex
from collections.abc import Callable
from typing import Any, Final

import click

from simpleflow.cli import options, output
from simpleflow.cli.app import Globals
from simpleflow.cli.finding import Named, find, on_open_run, run_arguments
from simpleflow.cli.outcome import report_failure
from simpleflow.clients import SWFClient
from simpleflow.exceptions import PayloadError, WorkflowFailed
from simpleflow.protocol.faults import code_of
from simpleflow.protocol.history import attributes
from simpleflow.runtime import runs
from simpleflow.runtime.start import Handle, codec_of

RESTARTED: Final = "workflow.restart"
"""The reason with which a run is terminated that is started again."""
KEPT: Final = (
    "workflowType",
    "taskList",
    "taskPriority",
    "input",
    "executionStartToCloseTimeout",
    "taskStartToCloseTimeout",
    "childPolicy",
    "tagList",
    "lambdaRole",
)
"""What a run that is started again has of the former one: attributes of its first event."""


@click.command("workflow.terminate", cls=options.DomainFirst)
@run_arguments
@click.option("--reason", help="Why; kept in the history.")
@click.pass_obj
def workflow_terminate(common: Globals, named: Named, reason: str | None) -> None:
    """End the open run of WORKFLOW_ID now."""
    client = _opened(common)
    on_open_run(client, named, client.terminate_workflow_execution, **({"reason": reason} if reason else {}))


@click.command("workflow.cancel", cls=options.DomainFirst)
@run_arguments
@click.pass_obj
def workflow_cancel(common: Globals, named: Named) -> None:
    """Ask the open run of WORKFLOW_ID to cancel itself; its program decides what becomes of that."""
    client = _opened(common)
    on_open_run(client, named, client.request_cancel_workflow_execution)


@click.command("workflow.signal", cls=options.DomainFirst)
@click.argument("domain")
@click.argument("workflow_id")
@click.argument("signal_name")
@click.option("--run-id", metavar="RUN_ID", help="Default: the open run.")
@click.option("-i", "--input", metavar="JSON", help="What the signal brings. Default: nothing.")
@click.pass_obj
def workflow_signal(
    common: Globals, domain: str, workflow_id: str, signal_name: str, run_id: str | None, input: str | None
) -> None:
    """Send SIGNAL_NAME to the open run of WORKFLOW_ID."""
    client, given = _opened(common), {}
    if input is not None:
        try:
            value = json.loads(input)
        except ValueError as error:
            raise click.ClickException(
                f"""--input is no JSON ({error}): write '42', '"text"' or '{{"key": 1}}'"""
            ) from None
        try:
            given["input"] = codec_of(options.engine_url(common)).freeze(value, "the input of the signal")
        except PayloadError as error:
            raise click.ClickException(str(error)) from None
    signal = client.signal_workflow_execution
    on_open_run(client, Named(domain, workflow_id, run_id), signal, signalName=signal_name, **given)


@click.command("workflow.restart", cls=options.DomainFirst)
@run_arguments
@click.pass_obj
def workflow_restart(common: Globals, named: Named) -> None:
    """Terminate a run if it is open, and start it again: the same id, type, input, tags, list and time limits.

    Prints the WORKFLOW_ID and RUN_ID of the new run. See also workflow.repair, which keeps what was completed.
    """
    client = _opened(common)
    run = find(client, named)
    began = attributes(next(runs.history(client, run, page=1)))
    request = {key: began[key] for key in KEPT if key in began}
    if runs.closing_event(client, run) is None:
        _terminate(client, run)
    try:
        started = client.start_workflow_execution(domain=run.domain, workflowId=run.workflow_id, **request)
    except Exception as error:
        if code_of(error) == "WorkflowExecutionAlreadyStartedFault":
            raise click.ClickException(
                f"another run of {run.workflow_id} is open: leave RUN_ID out to start that one again"
            ) from error
        raise
    click.echo(f"{run.workflow_id} {started['runId']}")


def _terminate(client: SWFClient, run: runs.Run) -> None:
    """End a run; one that has closed meanwhile is fine."""
    try:
        client.terminate_workflow_execution(
            domain=run.domain, workflowId=run.workflow_id, runId=run.run_id, reason=RESTARTED
        )
    except Exception as error:
        if code_of(error) != "UnknownResourceFault":
            raise


@click.command("workflow.wait", cls=options.DomainFirst)
@run_arguments
@click.option("--timeout", type=click.FloatRange(0), metavar="SECONDS", help="Wait no longer. Default: for ever.")
@click.pass_obj
def workflow_wait(common: Globals, named: Named, timeout: float | None) -> int:
    """Wait until a run has closed; a run that goes on as a new one is followed.

    Ends with 0 if it completed, with 3 if it did not, and then says why; with 1 if it is still open after --timeout.
    """
    return _tell(common, named, timeout, lambda result: click.echo(f"result: {options.brief(result)}", err=True))


@click.command("workflow.result", cls=options.DomainFirst)
@run_arguments
@click.pass_obj
def workflow_result(common: Globals, named: Named) -> int:
    """Print what a closed run returned, as JSON. Ends with 3 if it did not complete, and then says why."""
    return _tell(common, named, 0, lambda result: output.write_json(result, pretty=common.format == "prettyjson"))


def _tell(common: Globals, named: Named, timeout: float | None, completed: Callable[[Any], None]) -> int:
    """Hand on the result of a run, once it is there, or say why there is none; the exit code."""
    url = options.engine_url(common)
    client = options.open_engine(url, reading=True)
    run = find(client, named)
    handle = Handle(client, run.domain, run.workflow_id, run.run_id, codec=codec_of(url))
    try:
        result = handle.result(timeout)
    except WorkflowFailed as failure:
        return report_failure(failure)
    except builtins.TimeoutError as error:
        if timeout or error.__cause__:  # the engine could not be reached
            raise click.ClickException(str(error)) from error
        typed = shlex.join(("simpleflow", "workflow.wait", run.domain, run.workflow_id, run.run_id))
        raise click.ClickException(f"{run.workflow_id} is still open: `{typed}` waits for it") from error
    completed(result)
    return 0


def _opened(common: Globals) -> SWFClient:
    return options.open_engine(options.engine_url(common), reading=True)
