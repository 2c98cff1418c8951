"""Following a run until it ends: a live view on a terminal, elsewhere a line for each change."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import click

from simpleflow import config
from simpleflow.cli import live, output
from simpleflow.cli.app import INTERRUPTED, Globals
from simpleflow.cli.outcome import report_outcome
from simpleflow.cli.progress import Progress
from simpleflow.clients import SWFClient
from simpleflow.payload.notes import Notes
from simpleflow.runtime import runs
from simpleflow.runtime.patience import Patience
from simpleflow.runtime.telling import overview, progress_name, read_note
from simpleflow.runtime.watching import Change, Watch, pace
from simpleflow.swf.measure import Line

TICK: Final = 0.25
"""Seconds between two pictures."""
CHANGES: Final = ("Time", "Kind", "ID", "State", "Attempt", "Reason")
STREAMED: Final = (None, "tsv", "csv", "jsonl", "tabular")
"""The forms in which changes can be written as they come."""


class View:
    """Pictures of a run. What attempts tell of themselves is read once a second, and no more of it than is shown."""

    def __init__(self, notes: Notes, in_full: bool) -> None:
        self._notes = notes
        self._in_full = in_full
        self._started = time.monotonic()
        self._read: dict[int, dict[str, Any]] = {}
        self._told = ""
        self._due = 0.0

    def lines(self, watch: Watch, columns: int, rows: int) -> list[Line]:
        due = time.monotonic() >= self._due
        if due:
            self._due = time.monotonic() + max(1.0, watch.every)
        if not self._in_full:
            if due:
                self._told = overview(self._notes, watch.run.run_id, watch.attempts)
            return [live.compact(watch, columns, time.monotonic() - self._started, self._told)]
        if due:
            newest = watch.attempts[-live.most_shown(rows) :]
            self._read = {
                begun: read_note(self._notes, watch.run.run_id, progress_name(begun)) for _, begun in newest
            }
        return live.view(watch, self._read, datetime.now(UTC), columns, rows)


def follow(common: Globals, url: str, client: SWFClient, run: runs.Run, closed: Callable[[runs.Run], object]) -> int:
    """Follow a run to its end, into those as which it goes on; the exit code, as that of `workflow.wait`.

    On a terminal `closed` shows the run once it has closed. Ctrl-C leaves the run alone.
    """
    on_terminal = common.format in (None, "tabular") and output.on_terminal(common) and sys.stderr.isatty()
    if common.format not in STREAMED:
        raise click.UsageError(f"--follow writes as it goes, which {common.format} does not: take --format jsonl.")
    watch = Watch(client, run, every=pace(url))
    if not on_terminal:
        watch.changed = printing(common)
    view = View(Notes(config.load().payload_stores(url)), in_full=True)
    try:
        with Progress(on_terminal, coloured(common)) as progress:
            _until_closed(watch, lambda: progress.show(view.lines(watch, *progress.size())) if on_terminal else None)
    except KeyboardInterrupt:
        if watch.closing is None:
            click.echo(f"{watch.run.workflow_id} goes on", err=True)
        return INTERRUPTED
    if on_terminal:
        closed(watch.run)
    assert watch.closing is not None
    return report_outcome(watch.run, watch.closing, url)


def printing(common: Globals, err: bool = False) -> Callable[[Change], None]:
    """What writes a line for each change, in the form asked for."""
    write = output.stream(common, CHANGES, sys.stderr if err else sys.stdout)

    def printed(change: Change) -> None:
        write((change.time, change.kind, change.id, change.state, change.attempt, change.told))

    return printed


def coloured(common: Globals) -> bool:
    """Whether a live view has colours."""
    return common.color != "never" and not os.environ.get("NO_COLOR")


def _until_closed(watch: Watch, saw: Callable[[], None]) -> None:
    """Look again and again; an engine that cannot be reached is asked again."""
    patience = Patience()
    while True:
        try:
            watch.look()
        except Exception as error:
            wait = patience.pause(error)
        else:
            patience.answered()
            wait = TICK
        if watch.closing is not None:
            return
        saw()
        time.sleep(wait)
