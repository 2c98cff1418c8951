"""An engine that throttles, fails, times out and hangs up at random: nothing is lost, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from faulty_proxy import FaultyProxy
from serving import Server
from shell import Project
from simpleflow.runtime.start import register_domain
from storm import DOMAIN, SEEDS, Weather


@contextmanager
def faulty(project: Project, seed: int, share: float, **crowd: int) -> Iterator[tuple[Weather, FaultyProxy]]:
    """A storm's processes behind a faulty proxy; who starts the runs is not."""
    server = Server(project, "--engine", f"sqlite:{project.path / 'engine.sqlite'}")
    engine = server.boto()
    register_domain(engine, DOMAIN)
    proxy = FaultyProxy(server.address, seed, share)
    try:
        weather = Weather(project, engine, proxy.url, seed, **crowd)
        yield weather, proxy
        proxy.share = 0
        weather.end()
    finally:
        proxy.end()
        server.end()


def say(capsys: pytest.CaptureFixture[str], weather: Weather, proxy: FaultyProxy) -> None:
    with capsys.disabled():
        print(f"\nSEED={weather.seed} {dict(proxy.faults)}\n{dict(weather.check())}; {len(weather.handles)} runs")


def test_a_faulty_engine(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    with faulty(project, 0, 0.1, deciders=2, workers=3) as (weather, proxy):
        weather.load(2)
        weather.calm()
        say(capsys, weather, proxy)
        assert len(proxy.faults) > 4, proxy.faults


@pytest.mark.soak
@pytest.mark.parametrize("seed", SEEDS)
def test_a_faulty_engine_in_a_storm(project: Project, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    with faulty(project, seed, 0.05 * (1 + seed % 4)) as (weather, proxy):
        weather.load(20)
        weather.blow(20)
        weather.calm()
        say(capsys, weather, proxy)
