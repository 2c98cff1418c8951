"""The engines that a user's commands can have: a file, `simpleflow server`, and a service that is not ours (moto's).

A test that asks for nothing of the file itself is `everywhere`: it is run on each of them. What moto's server cannot do
stands in `LACKING`; a test that is named there must fail on it. It knows of no command.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.request import Request, urlopen

import contract_moto
import pytest

from serving import Server
from shell import Command, Project

PLACES: Final = ("file", "http", "moto")

LACKING: Final[dict[str, str]] = {
    "8.1": """
        test_commands::test_domains_types_and_lists
        test_commands::test_ids_that_are_near
        test_commands::test_one_run
        """,
    "8.2": """
        test_every_kind::test_every_kind_here_and_through_processes
        test_repair::test_children_are_repaired
        """,
    "8.5.5": "test_commands::test_filters_are_put_together",
    "8.5.12": """
        test_quickstart::test_interrupted_and_gone_on_with
        test_quickstart::test_killed_and_gone_on_with
        test_rerun::test_as_a_command
        test_rerun::test_rerun
        test_steps_kept::test_steps_survive_a_kill_and_lie_on_s3
        """,
}
"""By the items of `contract_moto`: the tests that need there what moto does otherwise."""
LACKS: Final = {
    name: f"{item}: {contract_moto.ITEMS[item][0]}" for item, names in LACKING.items() for name in names.split()
}


def everywhere(soak: Collection[str] = (), places: Collection[str] = PLACES) -> pytest.MarkDecorator:
    """A test with the fixture `project`, or `place`, runs on each engine; on those of `soak` only where tests may take
    minutes."""
    params = [pytest.param(place, marks=[pytest.mark.soak] if place in soak else []) for place in places]
    return pytest.mark.parametrize("place", params, indirect=True)


@contextmanager
def moto_server() -> Iterator[str]:
    """The URL of moto's server, in a process of its own."""
    executable = str(Path(sys.executable).with_name("moto_server"))
    command = Command([executable, "-H", "127.0.0.1", "-p", "0"], Path.cwd(), dict(os.environ))
    try:
        yield command.says(r"Running on (http://\S+)").group(1)
    finally:
        command.process.terminate()
        command.ends()


def empty_moto(url: str) -> None:
    with urlopen(Request(f"{url}/moto-api/reset", method="POST")):
        pass


@contextmanager
def served(project: Project, *arguments: str, **env: str) -> Iterator[str]:
    """The URL of a server of ours, with an engine of its own. Its process is none of the project's."""
    server = Server(project, "--engine", "memory", *arguments, below="..", **env)
    try:
        yield server.url
    finally:
        server.end()
