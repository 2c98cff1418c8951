"""What the suite runs against, and what it can. Knows no engine: `targets` has those that a URL names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import pytest

from simpleflow.protocol.limits import Limits

Capability = Literal["clock", "domains", "lambda", "quotas", "respond-and-poll", "short-polls"]
#: What a service can beyond Amazon's calls, and Amazon itself cannot.
#:
#: - clock: its clock is moved (`Service.advance`), and stands still otherwise
#: - domains: tests may register domains, some fifty a run, and leave behind what they have made
#: - lambda: the calls of Lambda tasks (`simpleflow.clients.SWFClient`), with the functions of `lambdas.FUNCTIONS`
#: - quotas: `Target.connect` is given quotas, and they hold
#: - respond-and-poll: the method of that name (`simpleflow.clients.SWFClient`)
#: - short-polls: a poll for which there is nothing is answered within seconds
CAPABILITIES: frozenset[Capability] = frozenset(get_args(Capability))


@dataclass(frozen=True, slots=True)
class Service:
    """A connection for one test.

    `client` has the methods of `boto3.client("swf")`. It sends what it is given: boto3's does with
    `Config(parameter_validation=False)`. `advance` moves the service's clock by so many seconds.
    """

    client: Any
    advance: Callable[[float], object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A service for the suite.

    `serve` starts it, once, and gives its address; `connect` is given that and the quotas that are to hold, and is
    entered for each test. Without `domain` each test must find the service empty. With one, tests share that domain
    (it is registered if it is not there) and give names of their own to whatever is theirs.

    `settle` is how long (seconds) it takes until what was done shows in what is read. With `only`, tests that need
    none of these are left out. `differences` are tests that the service is known to fail, and why: "module::test" or
    "module::test[case]"; the run fails if one of them passes.
    """

    name: str
    connect: Callable[[str, Limits], AbstractContextManager[Service]]
    serve: Callable[[], AbstractContextManager[str]] = lambda: nullcontext("")
    can: frozenset[Capability] = frozenset()
    domain: str = ""
    settle: float = 0.0
    only: frozenset[Capability] = frozenset()
    differences: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if unknown := self.can - CAPABILITIES:
            raise ValueError(f"{min(unknown)!r} is no capability; there are {', '.join(sorted(CAPABILITIES))}")


def needs(*capabilities: Capability, **limits: int) -> pytest.MarkDecorator:
    """Mark a test, or with `pytestmark` a module, with what it needs, and with the quotas that are to hold."""
    return pytest.mark.swf(*capabilities, **limits)
