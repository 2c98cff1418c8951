"""Fixtures for what is the embedded engine's own; the contract has fixtures of its own, for any service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from simpleflow.clients import client as open_client
from simpleflow.engine import VirtualClock
from simpleflow.testing.contract.checked import Checked
from simpleflow.testing.contract.swf import Refused, Swf


@pytest.fixture(scope="session")
def model() -> Any:
    """Amazon's operations, without those of ours."""
    return ServiceModel(Loader().load_service_model("swf", "service-2"), "swf")


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(params=["memory", "sqlite"])
def client(request: pytest.FixtureRequest, tmp_path: Path, clock: VirtualClock) -> Iterator[Any]:
    url = "memory" if request.param == "memory" else f"sqlite:{tmp_path / 'engine.db'}"
    opened = open_client(url, clock=clock, long_poll_seconds=0)
    yield Checked(opened)
    opened.close()


@pytest.fixture
def swf(client: Any) -> Swf:
    return Swf(client)


@pytest.fixture
def refused(client: Any) -> Refused:
    return Refused(client)
