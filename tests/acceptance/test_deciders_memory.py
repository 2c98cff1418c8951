"""A decider's memory does not grow with the runs that it has decided, whether they have ended or wait for ever."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from simpleflow import Workflow, activity
from simpleflow.clients import client
from simpleflow.config import Config
from simpleflow.decider import Decider
from simpleflow.decider.cache import Cache
from simpleflow.runtime.start import StartOptions, launch, register_domain

KEPT = 50
DECISIONS = {"domain": "D", "taskList": {"name": "d"}, "startAtPreviousStartedEvent": True}
WORK = {"domain": "D", "taskList": {"name": "w"}}


@activity.with_attributes(name="step", version="1", task_list="w")
def step(text: str) -> str:
    return text


class Steps(Workflow):
    name = "steps"
    version = "1"
    task_list = "d"

    def run(self, waits: bool) -> str:
        first = self.submit(step, "x" * 10_000)
        second = self.submit(step, first)
        assert isinstance(first.result, str)
        if waits:
            self.submit(self.wait_signal("never")).result
        return second.result


def runs_of(folder: Path) -> tuple[Callable[[int], None], Callable[[], None]]:
    """What lives so many runs, a tenth of which never end; and what ends it all."""
    engine = client(f"sqlite:{folder / 'engine.sqlite'}")
    register_domain(engine, "D")
    decider = Decider(engine, "D", [Steps], config=Config(), cache=Cache(KEPT))

    def live(number: int) -> None:
        for k in range(number):
            launch(Steps, [k % 10 == 0], {}, StartOptions(domain="D", engine=engine))
            respond = None
            for _ in range(2):
                task = engine.respond_and_poll(respond, ("poll_for_decision_task", DECISIONS))
                answer = "respond_decision_task_completed", decider.decide(task, DECISIONS)
                task = engine.respond_and_poll(answer, ("poll_for_activity_task", WORK))
                done = {"taskToken": task["taskToken"], "result": '"' + "y" * 10_000 + '"'}
                respond = "respond_activity_task_completed", done
            task = engine.respond_and_poll(respond, ("poll_for_decision_task", DECISIONS))
            engine.respond_decision_task_completed(**decider.decide(task, DECISIONS))

    def end() -> None:
        decider.close()
        engine.close()

    return live, end


@pytest.mark.parametrize("runs", [300, pytest.param(10_000, marks=pytest.mark.soak)])
def test_memory_is_flat(tmp_path: Path, runs: int) -> None:
    live, end = runs_of(tmp_path)
    live(KEPT * 10 + runs // 10)  # the cache is full of runs that wait
    gc.collect()
    before = psutil.Process().memory_info().rss
    live(runs)
    gc.collect()
    grown = psutil.Process().memory_info().rss - before
    end()
    assert grown < 5_000_000, f"{grown / runs:,.0f} bytes a run"
