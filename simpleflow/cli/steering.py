"""The commands that change runs, or wait for them: terminate, restart, signal, cancel, wait, result."""

from __future__ import annotations

import builtins
import json
import math
import shlex
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import click

from simpleflow.cli import options, output
from simpleflow.cli.app import Globals
from simpleflow.cli.finding import Named, find, on_open_run, run_arguments
from simpleflow.cli.many import (
    CANCEL,
    RESTART,
    SIGNAL,
    TERMINATE,
    Many,
    OneOrMany,
    Told,
    Verb,
    change,
    each,
    many_changed,
    many_once,
    many_shown,
    show,
)
from simpleflow.cli.outcome import NOT_COMPLETED, report_failure
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


@click.command("workflow.terminate", cls=OneOrMany)
@run_arguments
@click.option("--reason", help="Why; kept in the history.")
@many_changed
@click.pass_obj
def workflow_terminate(common: Globals, named: Named, reason: str | None, many: Many) -> int:
    """End the open run of WORKFLOW_ID now, or those of --where."""
    client = _opened(common)
    more = {"reason": reason} if reason else {}
    return _on_open_runs(common, client, named, many, TERMINATE, client.terminate_workflow_execution, more)


@click.command("workflow.cancel", cls=OneOrMany)
@run_arguments
@many_changed
@click.pass_obj
def workflow_cancel(common: Globals, named: Named, many: Many) -> int:
    """Ask the open run of WORKFLOW_ID to cancel itself, or those of --where; the program decides what comes of it."""
    client = _opened(common)
    return _on_open_runs(common, client, named, many, CANCEL, client.request_cancel_workflow_execution, {})


@click.command("workflow.signal", cls=OneOrMany)
@click.argument("domain")
@click.argument("workflow_id")
@click.argument("signal_name")
@click.option("--run-id", metavar="RUN_ID", help="Default: the open run.")
@click.option("-i", "--input", metavar="JSON", help="What the signal brings. Default: nothing.")
@many_once
@click.pass_obj
def workflow_signal(
    common: Globals,
    domain: str,
    workflow_id: str,
    signal_name: str,
    run_id: str | None,
    input: str | None,
    many: Many,
) -> int:
    """Send SIGNAL_NAME to the open run of WORKFLOW_ID, or to those of --where."""
    client, given = _opened(common), {"signalName": signal_name}
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
    named = Named(domain, workflow_id, run_id)
    return _on_open_runs(common, client, named, many, SIGNAL, client.signal_workflow_execution, given)


def _on_open_runs(
    common: Globals,
    client: SWFClient,
    named: Named,
    many: Many,
    verb: Verb,
    operation: Callable[..., object],
    request: dict[str, Any],
) -> int:
    """Call an operation on the open run that is named, or on those of --where; the exit code."""
    if not many:
        on_open_run(client, named, operation, **request)
        return 0

    def act(run: runs.Run) -> None:
        operation(domain=run.domain, workflowId=run.workflow_id, runId=run.run_id, **request)

    return change(common, client, named.domain, many, verb, act, request)


@click.command("workflow.restart", cls=OneOrMany)
@run_arguments
@many_once
@click.pass_obj
def workflow_restart(common: Globals, named: Named, many: Many) -> int:
    """Terminate a run if it is open, and start it again: the same id, type, input, tags, list and time limits.

    Prints the WORKFLOW_ID and RUN_ID of the new run. See also workflow.repair, which keeps what was completed. With
    --where it is the newest run of each id.
    """
    client = _opened(common)
    if many:
        return change(common, client, named.domain, many, RESTART, lambda run: _restart(client, run), {})
    click.echo(_restart(client, find(client, named)))
    return 0


def _restart(client: SWFClient, run: runs.Run) -> str:
    """Start a run again; the ids of the new one."""
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
    return f"{run.workflow_id} {started['runId']}"


def _terminate(client: SWFClient, run: runs.Run) -> None:
    """End a run; one that has closed meanwhile is fine."""
    try:
        client.terminate_workflow_execution(
            domain=run.domain, workflowId=run.workflow_id, runId=run.run_id, reason=RESTARTED
        )
    except Exception as error:
        if code_of(error) != "UnknownResourceFault":
            raise


@click.command("workflow.wait", cls=OneOrMany)
@run_arguments
@click.option("--timeout", type=click.FloatRange(0), metavar="SECONDS", help="Wait no longer. Default: for ever.")
@many_shown
@click.pass_obj
def workflow_wait(common: Globals, named: Named, timeout: float | None, many: Many) -> int:
    """Wait until a run has closed, or all open ones of --where; a run that goes on as a new one is followed.

    Ends with 0 if it completed, with 3 if it did not, and then says why; with 1 if it is still open after --timeout.
    """
    if many:
        return _tell_many(common, named, many, timeout, ("open",))
    return _tell(common, named, timeout, lambda result: click.echo(f"result: {options.brief(result)}", err=True))


@click.command("workflow.result", cls=OneOrMany)
@run_arguments
@many_shown
@click.pass_obj
def workflow_result(common: Globals, named: Named, many: Many) -> int:
    """Print what a closed run returned, as JSON; with --where, a row for each that is closed.

    Ends with 3 if it did not complete, and then says why.
    """
    if many:
        return _tell_many(common, named, many, 0, ("closed",))
    return _tell(common, named, 0, lambda result: output.write_json(result, pretty=common.format == "prettyjson"))


def _tell_many(common: Globals, named: Named, many: Many, timeout: float | None, statuses: tuple[str, ...]) -> int:
    """Tell how the runs of --where have ended, each in a row; the exit code is that of the worst."""
    from simpleflow.cli.jobs import Meter

    url = options.engine_url(common)
    client = options.open_engine(url, reading=True)
    until = math.inf if timeout is None else time.monotonic() + timeout
    worst = 0

    def told() -> Iterator[Told]:
        nonlocal worst
        found = list(each(client, named, many, statuses))
        with Meter(common, len(found), "read" if timeout == 0 else "closed") as meter:
            for run in found:
                left = None if timeout is None else max(0.0, until - time.monotonic())
                handle = Handle(client, run.domain, run.workflow_id, run.run_id, codec=codec_of(url))
                row, code = _ending(handle, left)
                worst = max(worst, code)
                yield run, ("Status", "Result", "Failure"), [row]
                meter.advance()

    show(common, told(), many)
    return worst


def _ending(handle: Handle, timeout: float | None) -> tuple[tuple[str, Any, str | None], int]:
    """How a run has ended, what it returned, why it failed; and the exit code."""
    try:
        return ("COMPLETED", handle.result(timeout), None), 0
    except WorkflowFailed as failure:
        return (failure.status, None, failure.reason), NOT_COMPLETED
    except builtins.TimeoutError as error:
        return ("OPEN", None, str(error) if error.__cause__ else None), 1


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
