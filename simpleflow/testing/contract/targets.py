"""Targets that a URL names: the embedded engine, any server of the protocol, and Amazon SWF."""

from __future__ import annotations

import importlib
import json
import math
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from simpleflow.clients.boto import settings_of
from simpleflow.protocol.limits import Limits
from simpleflow.testing.contract.lambdas import FUNCTIONS
from simpleflow.testing.contract.target import CAPABILITIES, Service, Target

FORMS = "memory, sqlite, http://HOST:PORT, https://..., aws, aws:REGION, or MODULE:NAME of a Target or several"
#: The domain that tests share where a service outlives them.
SHARED_DOMAIN = "simpleflow-contract"
#: Seconds. Amazon answers a poll after a minute, and its reads lag a little behind.
READ_TIMEOUT = 75
AMAZON_SETTLES = 1.0


def named(name: str) -> list[Target]:
    """The targets that a command line names. Raises ValueError for a name that is none."""
    scheme, _, rest = name.partition(":")
    if name in ("memory", "sqlite"):
        return [embedded(name)]
    if scheme in ("http", "https") and urlsplit(name).hostname:
        return [served(urlsplit(name).netloc, lambda: nullcontext(name))]
    if name == "aws" or (scheme == "aws" and rest):
        given = {"region_name": rest or None, "retries": {"mode": "adaptive", "total_max_attempts": 10}}
        connect = partial(_connected, boto=given)
        return [Target(name=name, connect=connect, domain=SHARED_DOMAIN, settle=AMAZON_SETTLES)]
    if scheme in ("memory", "sqlite", "http", "https") or not rest.isidentifier():
        raise ValueError(f"{name!r} names no target; the forms are {FORMS}")
    found = getattr(importlib.import_module(scheme), rest)
    targets = list(found) if isinstance(found, list | tuple) else [found]
    if not all(isinstance(target, Target) for target in targets):
        raise ValueError(f"{name!r} is neither a simpleflow.testing.contract.Target nor several")
    return targets


def embedded(kind: str) -> Target:
    """The embedded engine in memory ("memory") or on a file ("sqlite"), a new one for each test."""
    return Target(name=kind, connect=partial(_embedded, kind), can=CAPABILITIES)


def served(name: str, serve: Callable[[], AbstractContextManager[str]], **given: Any) -> Target:
    """A server that speaks the protocol, through boto3. `serve` gives its URL; `given` is the rest of a Target.

    One that can "clock" is told to move it by POST /clock, as `simpleflow server --virtual-clock` is.
    """
    return Target(**{"name": name, "connect": connect, "serve": serve, "domain": SHARED_DOMAIN, **given})


def declared(target: Target, *, can: frozenset[Any], domain: str | None, settle: float | None) -> Target:
    """The target with what a command line says of it. Raises ValueError for what is no capability."""
    changed = replace(target, can=target.can | can)
    if domain is not None:
        changed = replace(changed, domain=domain)
    if settle is not None:
        changed = replace(changed, settle=settle)
    if "clock" in changed.can and changed.connect is connect:
        changed = replace(changed, connect=connect_with_clock)
    return changed


@contextmanager
def connect(url: str, limits: Limits) -> Iterator[Service]:
    """boto3's client of a server."""
    with _connected(url, limits, boto={**settings_of(url), "retries": {"total_max_attempts": 1}}) as service:
        yield service


@contextmanager
def connect_with_clock(url: str, limits: Limits) -> Iterator[Service]:
    """boto3's client of a server, whose clock stands still at a whole second."""
    now = move(url, 0)
    move(url, math.ceil(now) - now)
    with connect(url, limits) as service:
        yield Service(service.client, partial(move, url))


def move(url: str, seconds: float) -> float:
    """Move a server's clock; the time there. Raises OSError if it has none."""
    request = Request(f"{url.rstrip('/')}/clock", json.dumps({"advance": seconds}).encode())
    try:
        with urlopen(request, timeout=READ_TIMEOUT) as answer:
            return float(json.load(answer)["now"])
    except HTTPError as error:
        with error:
            raise OSError(f"its clock cannot be moved, POST /clock answers {error.code}: leave out 'clock'") from None


@contextmanager
def _connected(url: str, limits: Limits, boto: dict[str, Any]) -> Iterator[Service]:
    import boto3
    from botocore.config import Config

    settings = dict(boto)
    config = Config(parameter_validation=False, read_timeout=READ_TIMEOUT, retries=settings.pop("retries"))
    client = boto3.client("swf", config=config, **settings)
    try:
        yield Service(client)
    finally:
        client.close()


@contextmanager
def _embedded(kind: str, address: str, limits: Limits) -> Iterator[Service]:
    from simpleflow.clients import client
    from simpleflow.engine import Configuration, VirtualClock

    clock = VirtualClock()
    configuration = Configuration(limits=limits, lambdas=FUNCTIONS)
    with tempfile.TemporaryDirectory() if kind == "sqlite" else nullcontext("") as folder:
        url = f"sqlite:{Path(folder) / 'engine.db'}" if folder else "memory"
        engine = client(url, clock=clock, configuration=configuration, long_poll_seconds=0)
        try:
            yield Service(engine, clock.advance)
        finally:
            engine.close()
