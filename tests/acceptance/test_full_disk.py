"""A disk that is full in mid-run: nothing is lost, and all goes on when there is room again."""

from __future__ import annotations

import resource
from contextlib import closing

from serving import until
from shell import Project
from simpleflow.clients import client
from simpleflow.runtime.start import register_domain
from storm import DOMAIN, Weather

FULL = "the disk is full or fails"


def limit(weather: Weather, size: int) -> None:
    """Let no process write a file beyond this size (prlimit(2)), as if the disk had no more room."""
    for household in weather.households:
        for process in household.left():
            process.rlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_full_disk(project: Project) -> None:
    url = f"sqlite:{project.path / 'engine.sqlite'}"
    with closing(client(url)) as engine:
        register_domain(engine, DOMAIN)
        weather = Weather(project, engine, url, 0, deciders=1, workers=2)
        weather.load(2)
        until(lambda: engine.count_pending_activity_tasks(domain=DOMAIN, taskList={"name": "storm-work"})["count"], "")
        limit(weather, 0)
        weather.load(1)  # this process still has room
        for household in weather.households:
            household.command.says(FULL)
        limit(weather, resource.RLIM_INFINITY)
        weather.calm()
        weather.check()
        assert [household.deaths for household in weather.households] == [0, 0]
        weather.end()
