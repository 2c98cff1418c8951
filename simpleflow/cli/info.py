"""The command `info`: versions, settings and the environment, to see what a command sees. Secrets are left out."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable
from importlib import metadata
from typing import Any, Final

import click

from simpleflow import config, settings
from simpleflow.cli import output
from simpleflow.cli.app import Globals

SECRET: Final = re.compile("SECRET|TOKEN|PASSWORD")
"""What stands in the names of values that nobody is to see."""
LOGIN: Final = re.compile(r"//[^/@\s]+@")
"""A user and a password in an address."""
SHOWN: Final = ("AWS", "SIMPLEFLOW", "SWF")
"""How the names begin of the environment's variables that are shown."""


def _versions() -> dict[str, Any]:
    needed = (
        re.split(r"[^\w.-]", text, maxsplit=1)[0] for text in metadata.requires("simpleflow") or () if ";" not in text
    )
    found = {name: metadata.version(name) for name in ("simpleflow", *sorted(needed))}
    return {**found, "python": platform.python_version(), "platform": platform.platform()}


def _settings() -> dict[str, Any]:
    return {name: getattr(settings, name) for name in sorted(config.NAMES)}


def _environment() -> dict[str, Any]:
    return {name: os.environ[name] for name in sorted(os.environ) if name.startswith(SHOWN)}


SECTIONS: Final[dict[str, Callable[[], dict[str, Any]]]] = {
    "versions": _versions,
    "settings": _settings,
    "environment": _environment,
}
TITLES: Final = {"environment": "Environment AWS* SIMPLEFLOW* SWF*"}


@click.command("info")
@click.argument("sections", default=",".join(SECTIONS))
@click.pass_obj
def info(common: Globals, sections: str) -> None:
    """Show SECTIONS, with commas between them: versions, settings, environment. Default: all."""
    names = [name.strip() for name in sections.split(",") if name.strip()]
    if unknown := [name for name in names if name not in SECTIONS]:
        raise click.UsageError(f"There is no section {unknown[0]!r}: there are {', '.join(SECTIONS)}.")
    found = {name: {key: _shown(key, value) for key, value in SECTIONS[name]().items()} for name in names}
    if common.format:
        rows = [(section, *pair) for section, pairs in found.items() for pair in pairs.items()]
        output.show(common, ("Section", "Name", "Value"), rows)
        return
    blocks = (
        "\n".join([f"# {TITLES.get(name, name.capitalize())}", *(f"{key}={output.text(pairs[key])}" for key in pairs)])
        for name, pairs in found.items()
    )
    click.echo("\n\n".join(blocks))


def _shown(name: str, value: Any) -> Any:
    """A value without what is secret in it."""
    if value and SECRET.search(name):
        return "<redacted>"
    return LOGIN.sub("//<redacted>@", value) if isinstance(value, str) else value
