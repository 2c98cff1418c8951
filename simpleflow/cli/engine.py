"""The commands that look after the engine's file while others use it: engine.check, engine.backup, engine.vacuum."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import click

from simpleflow.cli.app import Globals
from simpleflow.config import payload_directory
from simpleflow.log import counted
from simpleflow.payload.reference import SCHEME

SHORTEST_USE: Final = 24 * 60 * 60
"""Seconds for which a payload is kept that no event mentions: whoever has put it there may be about to say so."""
LONGEST_USE: Final = 90 * 24 * 60 * 60
"""Seconds after which it goes even where a run is open that was there before."""


@click.command("engine.check")
@click.pass_obj
def engine_check(common: Globals) -> int:
    """See that the engine's file is whole: SQLite's own check, and every row held against the events."""
    from simpleflow.engine import maintenance

    path = _file(common)
    found = maintenance.check(path)
    click.echo("\n".join(found) if found else f"{path} is whole")
    return 1 if found else 0


@click.command("engine.backup")
@click.argument("copy", type=click.Path(path_type=Path))
@click.pass_obj
def engine_backup(common: Globals, copy: Path) -> None:
    """Copy the engine's file to COPY as it is at one instant, and its large values and notes to COPY.payloads."""
    from simpleflow.engine import maintenance

    path = _file(common)
    maintenance.backup(path, copy)
    click.echo(f"{copy}: {copy.stat().st_size:,} bytes")
    if (directory := payload_directory(path)).is_dir():
        from simpleflow.payload import files, notes

        target = payload_directory(copy)
        large, told = files.copy(directory, target), notes.copy(directory, target)
        click.echo(f"{target}: {counted(large, 'payload')}, {counted(told, 'note')}")


@click.command("engine.vacuum")
@click.pass_obj
def engine_vacuum(common: Globals) -> None:
    """Remove the runs whose retention is over with their large values, and make the file as small as it can be."""
    from simpleflow.engine import maintenance

    path = _file(common)
    done = maintenance.vacuum(path)
    click.echo(f"{counted(done.executions, 'run')} removed; {done.before:,} bytes before, {done.after:,} now")
    if (directory := payload_directory(path)).is_dir():
        from simpleflow.payload import files, notes

        started, now = maintenance.oldest_open(path), time.time()
        # An open run may have put away what no event mentions yet, though not for as long as LONGEST_USE.
        before = max(now - LONGEST_USE, min(now - SHORTEST_USE, now if started is None else started))
        swept = files.sweep(directory, maintenance.mentions(path, SCHEME), before)
        click.echo(f"{counted(swept.count, 'payload')} removed, {counted(swept.size, 'byte')}")
        notes.sweep(directory, lambda: maintenance.run_ids(path))


def _file(common: Globals) -> Path:
    """The file of the engine that is configured. Refuses engines that have none."""
    url = common.engine_url
    kind, _, path = url.partition(":")
    if kind != "sqlite" or not path:
        raise click.ClickException(f"the engine {url} has no file here: name one with --engine sqlite:PATH")
    return Path(path.partition("?")[0])
