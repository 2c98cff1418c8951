"""The commands that answer for an activity whose function has left that to others (CompleteLater)."""

from __future__ import annotations

import json
from typing import Any

import click

from simpleflow.cli import options
from simpleflow.cli.app import Globals
from simpleflow.exceptions import PayloadError
from simpleflow.payload.failures import MAX_REASON, clean, cut, fitting
from simpleflow.protocol.faults import code_of
from simpleflow.runtime.start import codec_of


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
        if "Invalid token" in str(error):
            raise click.ClickException(
                "this is no task token of this engine: it is what activity.context().token gave; see also --engine"
            ) from error
        raise
