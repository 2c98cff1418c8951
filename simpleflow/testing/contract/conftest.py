"""The fixtures of the suite: a service, a client of it for each test, and what tests do with one."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from simpleflow.protocol.limits import AWS_LIMITS, Limits
from simpleflow.testing.contract.checked import DOMAIN, Checked, Names
from simpleflow.testing.contract.plugin import targets
from simpleflow.testing.contract.swf import Refused, Swf
from simpleflow.testing.contract.target import Service, Target

#: Names are of this run, so that a service can be used again and again, and of one test each.
_RUN = os.urandom(4).hex()
_TESTS = itertools.count(1)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "target" in metafunc.fixturenames:
        found = targets(metafunc.config)
        metafunc.parametrize("target", found, ids=[target.name for target in found], indirect=True, scope="session")


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> Target:
    found: Target = request.param
    return found


@pytest.fixture(scope="session")
def address(target: Target) -> Iterator[str]:
    """Where the target's service is; the domain that the tests share is there. Ends the run if it cannot be had."""
    with target.serve() as served:
        if target.domain:
            try:
                with target.connect(served, AWS_LIMITS) as service:
                    _register(service, target.domain)
            except (OSError, BotoCoreError, ClientError) as error:
                pytest.exit(f"{target.name}: {error}", 4)
        yield served


def _register(service: Service, domain: str) -> None:
    try:
        service.client.register_domain(name=domain, workflowExecutionRetentionPeriodInDays="1")
    except service.client.exceptions.DomainAlreadyExistsFault:
        pass  # an earlier run has registered it


@pytest.fixture
def service(request: pytest.FixtureRequest, target: Target, address: str) -> Iterator[Service]:
    lowered: dict[str, int] = {}
    for mark in request.node.iter_markers("swf"):
        lowered |= mark.kwargs
    with target.connect(address, Limits(**lowered)) as service:
        yield service


@pytest.fixture
def own_domain(request: pytest.FixtureRequest, target: Target) -> bool:
    """Whether the test has a domain to itself, which it registers: on an empty service, and where it asks for one."""
    return not target.domain or any("domains" in mark.args for mark in request.node.iter_markers("swf"))


@pytest.fixture
def client(target: Target, service: Service, own_domain: bool) -> Iterator[Checked]:
    names = None
    if target.domain:
        prefix = f"t{_RUN}-{next(_TESTS)}-"
        names = Names(prefix, prefix + DOMAIN if own_domain else target.domain)
    checked = Checked(service.client, names, target.settle)
    yield checked
    if target.domain and "domains" not in target.can:
        checked.tidy()


@pytest.fixture
def swf(client: Checked, service: Service, own_domain: bool) -> Swf:
    return Swf(client, service.advance, register_domain=own_domain)


@pytest.fixture
def refused(client: Checked) -> Refused:
    return Refused(client)
