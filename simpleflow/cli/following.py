"""Following a run until it ends: a live view on a terminal, elsewhere a line for each change."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

import click

from simpleflow import config
from simpleflow.cli import live, output
from simpleflow.cli.app import INTERRUPTED, Globals
from simpleflow.cli.outcome import NOT_COMPLETED, report_outcome
from simpleflow.cli.progress import Progress
from simpleflow.clients import SWFClient
from simpleflow.payload.notes import Notes
from simpleflow.runtime import runs
from simpleflow.runtime.patience import Patience
from simpleflow.runtime.telling import overview, progress_name, read_note
from simpleflow.runtime.watching import DONE, Change, Watch, pace
from simpleflow.swf.measure import Line

TICK: Final = 0.25
"""Seconds between two pictures."""
FEW: Final = 5
"""Of how many attempts it is read what they tell where each is a call that costs."""
CHANGES: Final = ("Time", "Kind", "ID", "State", "Attempt", "Detail")
STREAMED: Final = (None, "tsv", "csv", "jsonl", "tabular")
"""The forms in which changes can be written as they come."""


class View:
    """Pictures of a run. What attempts tell of themselves is read once a second, and no more of it than is shown."""

    def __init__(self, notes: Notes, in_full: bool, task_id: str | None = None) -> None:
        self._notes = notes
        self._in_full = in_full
        self._task_id = task_id
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
            self._read = {
                begun: read_note(self._notes, watch.run.run_id, progress_name(begun))
                for begun in self._shown(watch, rows)
            }
        now = datetime.now(UTC)
        if self._task_id is not None:
            item = watch.task(self._task_id)
            return live.of_task(watch, item, self._read.get(item.begun, {}), now, columns, rows) if item else []
        return live.view(watch, self._read, now, columns, rows)

    def _shown(self, watch: Watch, rows: int) -> list[int]:
        """The attempts of which it is shown what they tell."""
        if self._task_id is not None:
            return [begun for id, begun in watch.attempts if id == self._task_id]
        return [begun for _, begun in watch.attempts[-(FEW if watch.every else rows) :]]


def follow(
    common: Globals,
    url: str,
    client: SWFClient,
    run: runs.Run,
    closed: Callable[[runs.Run], object],
    task_id: str | None = None,
) -> int:
    """Follow a run to its end, into those as which it goes on, or one task of it; the exit code, as that of
    `workflow.wait`.

    On a terminal `closed` shows the run, or the task, once it is over. Ctrl-C leaves the run alone.
    """
    on_terminal = common.format in (None, "tabular") and output.on_terminal(common) and sys.stderr.isatty()
    if common.format not in STREAMED:
        raise click.UsageError(f"--follow writes as it goes, which {common.format} does not: take --format jsonl.")
    watch = Watch(client, run, every=pace(url))
    if not on_terminal:
        watch.changed = printing(common, only=task_id)
    view = View(Notes(config.load().payload_stores(url)), in_full=True, task_id=task_id)
    try:
        with Progress(on_terminal, output.coloured(common)) as progress:
            for _ in _looks(watch, run, task_id):
                if on_terminal:
                    progress.show(view.lines(watch, *progress.size()))
    except KeyboardInterrupt:
        if watch.closing is None:
            click.echo(f"{watch.run.workflow_id} goes on", err=True)
        return INTERRUPTED
    if on_terminal:
        closed(watch.run if task_id is None else run)
    if task_id is not None:
        item = watch.task(task_id) if watch.run == run else None
        return 0 if item is not None and item.state in DONE else NOT_COMPLETED
    assert watch.closing is not None
    return report_outcome(watch.run, watch.closing, url)


def printing(common: Globals, err: bool = False, only: str | None = None) -> Callable[[Change], None]:
    """What writes a line for each change, or those of `only` one task, in the form asked for."""
    write = output.stream(common, CHANGES, sys.stderr if err else sys.stdout)

    def printed(change: Change) -> None:
        if only in (None, change.id):
            write((change.time, change.kind, change.id, change.state, change.attempt, change.told))

    return printed


def _looks(watch: Watch, run: runs.Run, task_id: str | None) -> Iterator[None]:
    """Look again and again until the run has closed, or the task of it is over; an engine that cannot be reached is
    asked again."""
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
        if task_id is not None and (watch.run != run or ((item := watch.task(task_id)) and watch.over(item))):
            return
        yield
        time.sleep(wait)
