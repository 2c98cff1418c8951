"""Storms of signals over deciders and workers: every run ends right, and nothing is left or grows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

import psutil
import pytest

from shell import Project
from simpleflow.clients import client
from simpleflow.runtime.start import register_domain
from storm import DOMAIN, SEEDS, Size, Weather

FIRST_WAIT = 1  # thread, which a process has once it has waited for its turn to write (`simpleflow.engine.turns`)
WARM = 60  # runs, until all that is made once is made
TASKS = 2_000
A_TASK = 2_000  # bytes of memory that a process may take for good for each task of the whole storm
MEMORY = 20_000_000  # bytes by which a process may grow, such as by the cache of runs that a decider keeps


@pytest.fixture
def storm(project: Project, request: pytest.FixtureRequest) -> Iterator[Weather]:
    url = f"sqlite:{project.path / 'engine.sqlite'}"
    seed = getattr(request, "param", 0)
    with closing(client(url)) as engine:
        register_domain(engine, DOMAIN)
        yield Weather(project, engine, url, seed)


def grown(before: dict[psutil.Process, tuple[str, Size]], after: dict[psutil.Process, tuple[str, Size]]) -> list[str]:
    """Who of those that live on takes more than it did, and who else takes more than any of its role did."""
    found = []
    for process, (role, size) in after.items():
        peers = [size for other, size in before.values() if other == role]
        was = before[process][1] if process in before else None
        descriptors = max(peer.descriptors for peer in peers)
        threads = max(peer.threads for peer in peers) + FIRST_WAIT
        memory = was.memory if was else max(peer.memory for peer in peers)
        if size.descriptors > descriptors or size.threads > threads or size.memory > memory + MEMORY:
            found.append(f"{role} {process.pid}: {size}, was {was or peers}")
    return found


def settled(weather: Weather) -> dict[psutil.Process, tuple[str, Size]]:
    """What all processes take, once all are there and polling for two looks in a row."""
    until = time.monotonic() + 60
    last: dict[psutil.Process, tuple[int, int]] = {}
    while True:
        found = weather.sizes()
        shape = {process: (size.descriptors, size.threads) for process, (_, size) in found.items()}
        if shape == last and len(found) == weather.crowd:
            return found
        assert time.monotonic() < until, f"the processes do not settle: {found}"
        last = shape
        time.sleep(0.3)


def weathered(weather: Weather, seconds: float, runs: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Load, storm, calm, and load again without a storm."""
    weather.load(1)
    weather.calm()
    before = settled(weather)
    weather.load(runs)
    weather.blow(seconds)
    weather.calm()
    events = weather.check()
    weather.load(2)
    weather.calm()
    after = settled(weather)
    with capsys.disabled():
        kinds = {kind: events[kind] for kind in sorted(events) if kind.startswith(("ActivityTask", "DecisionTask"))}
        lived = f"{sum(process in before for process in after)} of {len(after)} processes lived through it"
        slowest = max(household.slowest for household in weather.households)
        ends = f"{len(weather.handles)} runs; {lived}; ends took {slowest:.2f} s at most"
        print(f"\nSEED={weather.seed} {dict(weather.counts)}\n{kinds}\n{ends}")
    assert grown(before, after) == []
    weather.end()


def test_a_short_storm(storm: Weather, capsys: pytest.CaptureFixture[str]) -> None:
    weathered(storm, 3, 3, capsys)


@pytest.mark.soak
@pytest.mark.parametrize("storm", SEEDS, indirect=True)
def test_a_storm(storm: Weather, capsys: pytest.CaptureFixture[str]) -> None:
    weathered(storm, 30, 30, capsys)


@pytest.mark.soak
def test_who_lives_through_it_does_not_grow(storm: Weather, capsys: pytest.CaptureFixture[str]) -> None:
    """One decider, two workers and their supervisors are spared, and work while the others are hit."""
    storm.load(WARM)
    storm.calm()
    storm.spare()
    before = {process: size for process, size in settled(storm).items() if process in storm.spared}
    done = 0
    while done < TASKS:
        known = set(storm.handles)
        storm.load(30)
        storm.blow(10)
        storm.calm()
        new = [storm.events(handle) for handle in storm.handles if handle not in known]
        done += sum(event["eventType"] == "ActivityTaskCompleted" for events in new for event in events)
    after = settled(storm)
    with capsys.disabled():
        for process, (role, was) in before.items():
            now = after[process][1]
            print(
                f"\n{done} tasks, {role}: {was} -> {now}: {(now.memory - was.memory) / done:,.0f} bytes a task", end=""
            )
    for process, (role, was) in before.items():
        now = after[process][1]
        assert (now.descriptors, now.threads) == (was.descriptors, was.threads), role
        assert now.memory - was.memory < A_TASK * done, role
    storm.check()
    storm.end()
