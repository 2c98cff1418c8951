"""The commands on domains: register, list, describe, deprecate."""

from __future__ import annotations

from typing import Final

import click

from simpleflow.cli import options, output
from simpleflow.cli.app import Globals
from simpleflow.cli.finding import known_domain
from simpleflow.swf.exceptions import AlreadyExistsError
from simpleflow.swf.models import Domain
from simpleflow.swf.querysets import DomainQuerySet

STATUSES: Final = click.Choice(["registered", "deprecated", "all"])


@click.command("domain.register")
@click.argument("domain")
@click.option("--description", metavar="TEXT")
@click.option(
    "--retention",
    type=click.IntRange(0, 90),
    metavar="DAYS",
    help="How long closed runs are kept. Default: DOMAIN_RETENTION, else 90.",
)
@click.pass_obj
def domain_register(common: Globals, domain: str, description: str | None, retention: int | None) -> None:
    """Register DOMAIN, a name space for runs. Commands that start or poll do so too, except on Amazon SWF."""
    client = options.open_engine(options.engine_url(common))
    try:
        Domain(domain, description=description, retention_period=retention, connection=client).save()
    except AlreadyExistsError as error:
        raise click.ClickException(
            f"the domain {domain} is registered, perhaps deprecated: see `simpleflow domain.describe {domain}`"
        ) from error


@click.command("domain.list")
@click.option("-s", "--status", type=STATUSES, default="registered", show_default=True)
@click.pass_obj
def domain_list(common: Globals, status: str) -> None:
    """List the domains of the engine, by name."""
    client = options.open_engine(options.engine_url(common), reading=True)
    found = DomainQuerySet(client).filter(status.upper()).iterator()
    rows = [(domain.name, domain.status, domain.description) for domain in found]
    output.show(common, ("Domain", "Status", "Description"), rows)


@click.command("domain.describe")
@options.domain_argument
@click.pass_obj
def domain_describe(common: Globals, domain: str) -> None:
    """Show DOMAIN: its status, and for how many days it keeps closed runs."""
    client = options.open_engine(options.engine_url(common), reading=True)
    with known_domain(client, domain):
        found = Domain(domain, connection=client).upstream()
    row = (found.name, found.status, found.description, found.retention_period)
    output.show(common, ("Domain", "Status", "Description", "Retention Days"), [row], one=True)


@click.command("domain.deprecate")
@click.argument("domain")
@click.pass_obj
def domain_deprecate(common: Globals, domain: str) -> None:
    """Retire DOMAIN and all its types: what runs goes on, nothing new is started there."""
    client = options.open_engine(options.engine_url(common), reading=True)
    with known_domain(client, domain):
        Domain(domain, connection=client).deprecate()
