"""The commands on workflow and activity types: list, deprecate, delete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click

from simpleflow.cli import options, output
from simpleflow.cli.app import Globals
from simpleflow.cli.domain import STATUSES
from simpleflow.cli.finding import known_domain, near
from simpleflow.swf.exceptions import DoesNotExistError, ResponseError
from simpleflow.swf.models import ActivityType, Domain, WorkflowType
from simpleflow.swf.querysets import ActivityTypeQuerySet, WorkflowTypeQuerySet

MODELS: Final[dict[str, type[ActivityType] | type[WorkflowType]]] = {"activity": ActivityType, "workflow": WorkflowType}
COLUMNS: Final = ("Kind", "Name", "Version", "Status", "Creation Date", "Deprecation Date", "Description")

kind_option = click.option("-k", "--kind", type=click.Choice(list(MODELS)), required=True, help="Of what it is a type.")


@click.command("type.list")
@options.domain_argument
@click.option("-k", "--kind", type=click.Choice(list(MODELS)), help="Default: both.")
@click.option("-s", "--status", type=STATUSES, default="registered", show_default=True)
@click.option("--name", metavar="NAME", help="The versions of this one only.")
@click.pass_obj
def type_list(common: Globals, domain: str, kind: str | None, status: str, name: str | None) -> None:
    """List the activity types and the workflow types of DOMAIN, by name."""
    client = options.open_engine(options.engine_url(common), reading=True)
    with known_domain(client, domain):
        found = [
            (each, type)
            for each in ([kind] if kind else MODELS)
            for type in _types(Domain(domain, connection=client), each, status, name)
        ]
    rows = [
        (each, type.name, type.version, type.status, type.creation_date, type.deprecation_date, type.description)
        for each, type in found
    ]
    output.show(common, COLUMNS, rows)


@click.command("type.deprecate", cls=options.DomainFirst)
@click.argument("domain")
@click.argument("name")
@click.argument("version")
@kind_option
@click.pass_obj
def type_deprecate(common: Globals, domain: str, name: str, version: str, kind: str) -> None:
    """Retire a type: what runs goes on, nothing new is started of it."""
    with _type(common, domain, kind, name, version) as type:
        type.deprecate()


@click.command("type.delete", cls=options.DomainFirst)
@click.argument("domain")
@click.argument("name")
@click.argument("version")
@kind_option
@click.pass_obj
def type_delete(common: Globals, domain: str, name: str, version: str, kind: str) -> None:
    """Delete a type that is deprecated, for good. Its name and version may then be registered again."""
    try:
        with _type(common, domain, kind, name, version) as type:
            type.purge()
    except ResponseError as error:
        if error.error_code != "TypeNotDeprecatedFault":
            raise
        raise click.ClickException(
            f"the {kind} type {name} {version} is not deprecated: first "
            f"`simpleflow type.deprecate --kind {kind} {domain} {name} {version}`"
        ) from error


@contextmanager
def _type(common: Globals, domain: str, kind: str, name: str, version: str) -> Iterator[ActivityType | WorkflowType]:
    """The type that is named. Where it turns out that there is none, the error says which is near."""
    client = options.open_engine(options.engine_url(common), reading=True)
    within = Domain(domain, connection=client)
    try:
        with known_domain(client, domain):
            yield MODELS[kind](within, name, version)
    except DoesNotExistError as error:
        known = {f"{type.name} {type.version}": type.name for type in _types(within, kind, "all", None)}
        hint = near(f"{name} {version}", known) or near(name, known.values())
        hint = hint or f": see `simpleflow type.list {domain}`"
        raise click.ClickException(f"the domain {domain} has no {kind} type {name} {version}{hint}") from error


def _types(domain: Domain, kind: str, status: str, name: str | None) -> Iterator[ActivityType | WorkflowType]:
    if kind == "activity":
        yield from ActivityTypeQuerySet(domain).filter(status.upper(), name).iterator()
    else:
        yield from WorkflowTypeQuerySet(domain).filter(status.upper(), name).iterator()
