"""The command `server`: the embedded engine for Amazon SWF's clients, in any language."""

from __future__ import annotations

import math
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from simpleflow import config
from simpleflow.cli import options
from simpleflow.cli.app import INTERRUPTED, Globals
from simpleflow.runtime.start import is_embedded

if TYPE_CHECKING:
    from simpleflow.engine.http.face import Verify
    from simpleflow.engine.http.shelf import Shelf


def _seconds(ctx: click.Context, param: click.Parameter, value: float) -> float:
    if math.isnan(value):  # which is in every range
        raise click.BadParameter("nan is no number of seconds.")
    return value


@click.command("server")
@click.option("--engine", metavar="URL", help="sqlite:PATH or memory. Default: as for all commands.")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Where to listen; elsewhere access keys are needed."
)
@click.option("--port", type=click.IntRange(0, 65535), default=8042, show_default=True, help="0: any that is free.")
@click.option(
    "--long-poll-seconds",
    type=click.FloatRange(0, 3600),
    default=58.0,
    show_default=True,
    callback=_seconds,
    help="How long a poll waits; boto3 gives up after 60.",
)
@click.option("--virtual-clock", is_flag=True, help="Let clients move the engine's clock: POST /clock.")
@options.lambdas
@click.option(
    "--access-keys",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Whose requests to answer: lines of an access key and its secret key. [env: SIMPLEFLOW_ACCESS_KEYS]",
)
@click.pass_obj
def server(
    common: Globals,
    engine: str | None,
    host: str,
    port: int,
    long_poll_seconds: float,
    virtual_clock: bool,
    lambdas: dict[str, str],
    access_keys: Path | None,
) -> int:
    """Serve the engine over HTTP, as Amazon SWF does. Ctrl-C or SIGTERM ends it.

    \b
    Try:  aws --endpoint-url http://127.0.0.1:8042 swf list-domains --registration-status REGISTERED
    """
    from simpleflow.clients import client
    from simpleflow.engine import Configuration, Engine
    from simpleflow.engine.http.clock import ServerClock
    from simpleflow.engine.http.face import Face
    from simpleflow.engine.http.server import listen, serve, url_of

    url = engine or common.engine or config.load().engine or f"sqlite:{config.default_database()}"
    if not is_embedded(url):
        raise click.ClickException(f"a server serves sqlite:PATH or memory, not {url}: name one with --engine")
    verify = _verifier(access_keys)
    clock = ServerClock() if virtual_clock else None
    configuration = Configuration(lambdas=options.lambdas_of(url, lambdas))
    with listen(host, port, anywhere=verify is not None) as listener:
        try:
            served = client(url, clock=clock, configuration=configuration)
        except ValueError as error:
            raise click.ClickException(str(error)) from None
        assert isinstance(served, Engine)
        opened = ExitStack()
        face = Face(
            served, long_poll_seconds=long_poll_seconds, clock=clock, verify=verify, shelf=_shelf(url, opened)
        )
        kept = "gone when the server ends" if url == "memory" else "kept"
        line = f"serving Amazon SWF at {url_of(listener)} from {url}: what happens there is {kept}"
        if clock and url != "memory":
            line += "; anybody who can call it can move its clock, and so end the runs there"
        try:
            interrupted = serve(face, listener, lambda: click.echo(line))
        finally:
            served.close()
            opened.close()
    return INTERRUPTED if interrupted else 0


def _shelf(url: str, opened: ExitStack) -> Shelf | None:
    """What keeps large values for clients: files, those of an engine in memory until the end. None where nothing is."""
    from simpleflow.payload.shelf import Shelf as Files

    stores = config.load().payload_stores(url)
    if stores[0] == "none":
        return None
    directories = [store.removeprefix("file:") for store in stores if store.startswith("file:")]
    return Files(directories or [opened.enter_context(TemporaryDirectory(prefix="simpleflow-"))])


def _verifier(file: Path | None) -> Verify | None:
    """What asks clients for a signature; None where no keys are configured."""
    name = file or config.load().access_keys
    if not name:
        return None
    from simpleflow.engine.http.signature import Verifier, read_keys

    hint = "name a file with lines of an access key, a space and its secret key with --access-keys"
    try:
        return Verifier(read_keys(Path(name).read_text(encoding="utf-8")))
    except OSError as error:
        raise click.ClickException(f"cannot read the access keys in {name}: {error.strerror}; {hint}") from None
    except UnicodeDecodeError:
        raise click.ClickException(f"the access keys in {name} are no text; {hint}") from None
    except ValueError as error:
        raise click.ClickException(f"the access keys in {name}: {error}") from None
