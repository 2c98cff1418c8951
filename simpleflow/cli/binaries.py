"""The command on programs that activities need: binaries.download."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import click

from simpleflow.cli import output
from simpleflow.cli.app import Globals
from simpleflow.cli.errors import explained
from simpleflow.download import RemoteBinary

AT_ONCE: Final = 5


class Binary(click.ParamType[RemoteBinary]):
    """A name and a location, with = between them."""

    name = "NAME=LOCATION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> RemoteBinary:
        name, separator, location = value.partition("=")
        if not separator or not location:
            self.fail(f"{value!r} is no NAME=LOCATION, such as convert=s3://bucket/tools/convert", param, ctx)
        try:
            return RemoteBinary(name, location)
        except (NotImplementedError, ValueError) as error:
            self.fail(str(error), param, ctx)


@click.command("binaries.download")
@click.argument("binaries", nargs=-1, required=True, type=Binary(), metavar="NAME=LOCATION...")
@click.pass_obj
def binaries_download(common: Globals, binaries: tuple[RemoteBinary, ...]) -> int:
    """Download programs to where activities look for them; those that are there already are left.

    A location is s3://BUCKET/PATH, file:///PATH or a path. Prints each name, and where the program is.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = [(binary, pool.submit(binary.download)) for binary in binaries]
    failed = [(binary, error) for binary, future in asked if (error := future.exception())]
    rows = [(binary.name, str(future.result())) for binary, future in asked if not future.exception()]
    output.show(common, ("Name", "Path"), rows)
    for binary, error in failed:
        told = explained(error) if isinstance(error, Exception) else str(error)
        click.echo(f"Error: {binary.name}: {told}", err=True)
    return 1 if failed else 0
