"""The commands that look after the engine's file while others use it: engine.check, engine.backup, engine.vacuum."""

from __future__ import annotations

from pathlib import Path

import click

from simpleflow.cli.app import Globals


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
    """Copy the engine's file to COPY as it is at one instant."""
    from simpleflow.engine import maintenance

    maintenance.backup(_file(common), copy)
    click.echo(f"{copy}: {copy.stat().st_size:,} bytes")


@click.command("engine.vacuum")
@click.pass_obj
def engine_vacuum(common: Globals) -> None:
    """Remove the runs whose retention is over, and make the file as small as it can be."""
    from simpleflow.engine import maintenance

    done = maintenance.vacuum(_file(common))
    click.echo(f"{done.executions:,} runs removed; {done.before:,} bytes before, {done.after:,} now")


def _file(common: Globals) -> Path:
    """The file of the engine that is configured. Refuses engines that have none."""
    url = common.engine_url
    kind, _, path = url.partition(":")
    if kind != "sqlite" or not path:
        raise click.ClickException(f"the engine {url} has no file here: name one with --engine sqlite:PATH")
    return Path(path.partition("?")[0])
