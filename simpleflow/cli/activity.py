"""The commands on one activity: to answer for it where its function has left that to others (CompleteLater), and to
run it again here."""

from __future__ import annotations

import json
import sys
from typing import Any, Final

import click

from simpleflow import config
from simpleflow.cli import options
from simpleflow.cli.app import Globals
from simpleflow.cli.finding import Named, find
from simpleflow.exceptions import PayloadError
from simpleflow.observe import configure_logging
from simpleflow.payload.codec import Codec
from simpleflow.payload.failures import MAX_REASON, clean, cut, fitting, traceback_of
from simpleflow.protocol.faults import code_of
from simpleflow.runtime import runs
from simpleflow.runtime.start import codec_of

WRONG_TOKEN: Final = ("Invalid token", "at 'taskToken'", "parameter taskToken")
"""What engines, and boto3 before it asks, say of a text that can be no token."""


@click.command("activity.complete", context_settings={"ignore_unknown_options": True})
@click.argument("token")
@click.option("--result", metavar="JSON", default="null", show_default=True, help="What the activity returns.")
@click.pass_obj
def activity_complete(common: Globals, token: str, result: str) -> None:
    """Complete the activity that has raised CompleteLater and whose context has this TOKEN."""
    url = options.engine_url(common)
    try:
        value = json.loads(result)
    except ValueError as error:
        hint = """write '42', '"text"' or '{"key": 1}'"""
        raise click.ClickException(f"--result is no JSON ({error}): {hint}") from None
    try:
        text = codec_of(url).freeze(value, "the result")
    except PayloadError as error:
        raise click.ClickException(str(error)) from None
    _respond(common, "respond_activity_task_completed", taskToken=token, result=text)


@click.command("activity.fail", context_settings={"ignore_unknown_options": True})
@click.argument("token")
@click.option("--reason", metavar="TEXT", default="failed by hand", show_default=True, help="Why, in one line.")
@click.option("--details", metavar="TEXT", help="More of it.")
@click.pass_obj
def activity_fail(common: Globals, token: str, reason: str, details: str | None) -> None:
    """Fail the activity that has raised CompleteLater and whose context has this TOKEN; its `retry` holds."""
    keep = codec_of(options.engine_url(common)).keep
    more = {} if details is None else {"details": fitting(details, keep)}
    _respond(common, "respond_activity_task_failed", taskToken=token, reason=cut(clean(reason), MAX_REASON), **more)


@click.command("activity.rerun")
@options.domain(required=True)
@click.option("--workflow-id", metavar="ID", required=True, help="Whose activity.")
@click.option("--run-id", metavar="RUN_ID", help="Default: the open run, else the newest closed one.")
@click.option("--scheduled-id", type=click.IntRange(1), metavar="N", help="Of the event ActivityTaskScheduled.")
@click.option("--activity-id", metavar="ID", help="The activity, as it was scheduled last.")
@click.option("-i", "--input", metavar="JSON", help="""Other arguments: '[1, 2]' or '{"args": [1], "kwargs": {}}'.""")
@click.option("--pdb", "debug", is_flag=True, help="Open Python's debugger where it raises something.")
@click.pass_obj
def activity_rerun(
    common: Globals,
    domain: str,
    workflow_id: str,
    run_id: str | None,
    scheduled_id: int | None,
    activity_id: str | None,
    input: str | None,
    debug: bool,
) -> int:
    """Run one activity of a run again, in this process, and show what comes of it. The run itself is not touched."""
    if scheduled_id is None and activity_id is None:
        raise click.UsageError("Please supply --scheduled-id or --activity-id.")
    if scheduled_id is not None and activity_id is not None:
        raise click.UsageError("--scheduled-id and --activity-id exclude each other.")
    from simpleflow.runtime import rerun  # which the other commands do without
    from simpleflow.runtime.local import interruptible

    configure_logging(config.load().log_level, "rerun")
    url = options.engine_url(common)
    client = options.open_engine(url, reading=True)
    codec = Codec(sys.maxsize, codec_of(url).payloads)  # which reads large values, and puts none away
    run = find(client, Named(domain, workflow_id, run_id))
    click.echo(f"Found execution: workflowId={run.workflow_id} runId={run.run_id}", err=True)
    task = rerun.find(runs.history(client, run), codec, scheduled_id, activity_id)
    if input is not None:
        task = task.called(options.read_call(input, None), codec)
    activity = rerun.load(task)
    if activity.version is not None and str(activity.version) != task.version:
        click.echo(f"It was of version {task.version}; the code here is of version {activity.version}", err=True)
    click.echo(f"Will re-run: {cut(str(task), 4_000)}", err=True)
    with interruptible() as interrupted:
        answer = rerun.call(task, activity, run, codec, debug)
    if interrupted():
        raise KeyboardInterrupt
    return _tell(answer, codec)


def _tell(answer: dict[str, Any], codec: Codec) -> int:
    """Say what came of an activity; the exit code."""
    if answer.get("later"):
        click.echo("It has left its completion to others (CompleteLater)", err=True)
    elif "result" in answer:
        click.echo(f"Result (JSON): {json.dumps(codec.read(answer['result']), ensure_ascii=False)}", err=True)
    else:
        trace = traceback_of(answer.get("details"))
        if trace:
            click.echo(trace.rstrip(), err=True)
        raise click.ClickException(answer["reason"])
    return 0


def _respond(common: Globals, method: str, **request: Any) -> None:
    client = options.open_engine(options.engine_url(common), reading=True)
    try:
        getattr(client, method)(**request)
    except Exception as error:
        if code_of(error) == "UnknownResourceFault":
            raise click.ClickException(
                "nobody waits under this token: the activity is completed or timed out, or its run is over "
                f"({error})"
            ) from error
        if any(words in str(error) for words in WRONG_TOKEN):
            raise click.ClickException(
                "this is no task token of this engine: it is what activity.context().token gave; see also --engine"
            ) from error
        raise
