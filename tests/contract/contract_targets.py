"""What the contract runs against here: the embedded engine in memory, on a file and over HTTP, and moto's server."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import contract_moto

from places import empty_moto, moto_server
from serving import shared
from simpleflow.clients import client
from simpleflow.protocol.limits import Limits
from simpleflow.testing.contract import Capability, Service
from simpleflow.testing.contract.lambdas import FUNCTIONS
from simpleflow.testing.contract.targets import connect, connect_with_clock, embedded, served


@contextmanager
def simpleflow_server() -> Iterator[str]:
    functions = [option for name, function in FUNCTIONS.items() for option in ("--lambda", f"{name}={function}")]
    with tempfile.TemporaryDirectory() as folder:
        with shared(Path(folder), "--virtual-clock", "--long-poll-seconds", "0", *functions) as server:
            yield server.url


@contextmanager
def connect_with_ours(url: str, limits: Limits) -> Iterator[Service]:
    """The client that `--engine http://...` gives."""
    ours = client(url)
    with connect_with_clock(url, limits) as service:
        yield Service(ours, service.advance)
    ours.close()


@contextmanager
def connect_to_moto(url: str, limits: Limits) -> Iterator[Service]:
    """moto's server, emptied."""
    empty_moto(url)
    with connect(url, limits) as service:
        yield service


SERVER: frozenset[Capability] = frozenset({"clock", "domains", "short-polls"})
#: What simpleflow's own client of a server has beyond boto3's.
OURS: frozenset[Capability] = frozenset({"lambda", "respond-and-poll"})
TARGETS = [
    embedded("memory"),
    embedded("sqlite"),
    served("http", simpleflow_server, connect=connect_with_clock, can=SERVER),
    served("http-ours", simpleflow_server, connect=connect_with_ours, can=SERVER | OURS, only=OURS),
    served(
        "moto",
        moto_server,
        connect=connect_to_moto,
        can=frozenset({"domains", "short-polls"}),
        domain="",
        differences=contract_moto.DIFFERENCES,
    ),
]
