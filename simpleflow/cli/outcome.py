"""How a run ended, told on standard error, and the exit code of whoever waited for it."""

from __future__ import annotations

import sys
from typing import Final

import click

from simpleflow.cli import options
from simpleflow.exceptions import WorkflowFailed
from simpleflow.payload.failures import traceback_of
from simpleflow.protocol.history import Event
from simpleflow.runtime import runs
from simpleflow.runtime.start import codec_of
from simpleflow.swf.measure import harmless

NOT_COMPLETED: Final = 3
"""The exit code of a command whose run did not complete."""


def report_outcome(run: runs.Run, closing: Event, url: str) -> int:
    """Tell how a run on this engine has closed; the exit code."""
    try:
        result = runs.result_of(run, closing, codec_of(url))
    except WorkflowFailed as failure:
        return report_failure(failure)
    click.echo(f"result: {options.brief(result)}", err=True)
    return 0


def report_failure(failure: WorkflowFailed) -> int:
    """Say on standard error why a run did not complete, with the traceback of what failed; the exit code."""
    trace = traceback_of(failure.details)
    told = f"{trace.rstrip()}\nError: {failure}" if trace else f"Error: {failure}"
    click.echo(harmless(told) if sys.stderr.isatty() else told, err=True)
    return NOT_COMPLETED
