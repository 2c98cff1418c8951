"""The command on one task of a run: task.info."""

from __future__ import annotations

from typing import Any

import click

from simpleflow import config
from simpleflow.cli import options, output
from simpleflow.cli.app import Globals
from simpleflow.cli.finding import Named, find, near
from simpleflow.cli.reading import history
from simpleflow.log import counted
from simpleflow.payload.codec import RESERVED, Codec
from simpleflow.payload.notes import Notes
from simpleflow.runtime import runs
from simpleflow.runtime.start import codec_of
from simpleflow.runtime.telling import in_words, output_name, progress_name, read_note
from simpleflow.swf import report
from simpleflow.swf.exceptions import DoesNotExistError
from simpleflow.swf.models.history import History
from simpleflow.swf.stats import timings


@click.command("task.info", cls=options.DomainFirst)
@click.argument("domain")
@click.argument("workflow_id")
@click.argument("task_id")
@click.option("--run-id", metavar="RUN_ID", help="Default: the open run, else the newest closed one.")
@click.option("--details/--no-details", default=False, show_default=True, help="Of a failure, with its traceback.")
@click.option("--attempt", type=click.IntRange(1), metavar="N", help="Whose output. Default: the last one.")
@options.follow
@click.pass_obj
def task_info(
    common: Globals,
    domain: str,
    workflow_id: str,
    task_id: str,
    run_id: str | None,
    details: bool,
    attempt: int | None,
    follow: bool,
) -> int:
    """Show a task of a run, how far it is, and what an attempt of it has printed (the end of that)."""
    url = options.engine_url(common)
    client = options.open_engine(url, reading=True)
    run = find(client, Named(domain, workflow_id, run_id))

    def show(run: runs.Run) -> None:
        shown = _shown(url, run, history(client, run), task_id, details, attempt)
        output.show(common, list(shown), [list(shown.values())], one=True)

    if follow:
        from simpleflow.cli import following  # the machinery of live views

        _shown(url, run, history(client, run), task_id, details, attempt)  # which says if it is not there
        return following.follow(common, url, client, run, show, task_id)
    show(run)
    return 0


def _shown(
    url: str, run: runs.Run, history: History, task_id: str, details: bool, attempt: int | None
) -> dict[str, Any]:
    """What is told of a task."""
    try:
        found = report.task(history, task_id, details)
    except DoesNotExistError:
        elsewhere = f": see `simpleflow workflow.history -d {run.domain} {run.workflow_id}`"
        hint = near(task_id, (task.id for task in timings(history))) or elsewhere
        raise click.ClickException(f"the run has no task {task_id}{hint}") from None
    (row,) = found.rows
    read = _read(codec_of(url), dict(zip(found.columns, row, strict=True)))
    started = _begun(history, task_id)
    if attempt is not None and attempt > len(started):
        raise click.ClickException(f"{task_id} has had {counted(len(started), 'attempt')}")
    return {**read, **_told(Notes(config.load().payload_stores(url)), run.run_id, started, attempt, read["state"])}


def _read(codec: Codec, found: dict[str, Any]) -> dict[str, Any]:
    """The row with large values in their places, and without what the decider tells workers."""
    for name in ("input", "result", "details"):
        if isinstance(found.get(name), str):
            found[name] = codec.read(found[name])
    if isinstance(found["input"], dict):
        found["input"] = {key: value for key, value in found["input"].items() if key != RESERVED}
    return found


def _begun(history: History, task_id: str) -> list[int]:
    """The ids of the events with which the attempts of an activity have begun, in order."""
    asked = {event.id for event in history.filter(name="ActivityTaskScheduled", activity_id=task_id)}
    return [event.id for event in history.filter(name="ActivityTaskStarted") if event.scheduled_event_id in asked]


def _told(notes: Notes, run_id: str, started: list[int], attempt: int | None, state: str) -> dict[str, Any]:
    """What was told of an attempt: progress while it runs, output once it is over."""
    shown: dict[str, Any] = {"attempts": len(started), "progress": None, "stdout": None, "stderr": None}
    if started:
        if state == "started":
            shown["progress"] = in_words(read_note(notes, run_id, progress_name(started[-1]))) or None
        printed = read_note(notes, run_id, output_name(started[(attempt or len(started)) - 1]))
        shown |= {name: printed.get(name) for name in ("stdout", "stderr")}
    return shown
