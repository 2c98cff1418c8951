"""Every feature of the language, at every place where programs run: the same answers.

The catalogue is a table (`feature.Feature`); a place gives for each row what became of the run. Where processes are
needed, those of one place serve all rows at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import features_of_canvases
import features_of_failures
import features_of_tasks
import features_of_values
import features_of_waits
import pytest
from feature import LIST, READY, Fails, Feature, Outside, of

import simpleflow
from places import moto_server, served
from serving import until
from shell import PATIENCE, Project
from simpleflow import config
from simpleflow.clients import client
from simpleflow.decider import Decider
from simpleflow.exceptions import WorkflowFailed
from simpleflow.runtime import local
from simpleflow.runtime.poll import Call
from simpleflow.runtime.start import Handle

MODULES = features_of_tasks, features_of_waits, features_of_canvases, features_of_failures, features_of_values
ROWS = [feature for module in MODULES for feature in module.FEATURES]
FEATURES = {feature.name: feature for feature in ROWS}
assert len(FEATURES) == len(ROWS), "two rows of one name"
LAMBDAS = {"twice": "features_of_tasks:twice"}
DOMAIN = "Features"
HERE = str(Path(__file__).parent)
every_feature = pytest.mark.parametrize("feature", FEATURES.values(), ids=FEATURES)


def check(feature: Feature, end: Any, events: list[dict[str, Any]]) -> None:
    """`end` is what the run gave, or a WorkflowFailed."""
    if isinstance(feature.result, Fails):
        assert isinstance(end, WorkflowFailed), end
        assert end.status == feature.result.status
        assert feature.result.reason in str(end.reason or "")
    else:
        assert end == feature.result
    if feature.history is not None:
        assert feature.history(events), events


class Here(local.Local):
    """A run in this process, to which others do something. `forget`: each decision is made by a new decider, which
    reads all of the history again."""

    def __init__(self, feature: Feature, forget: bool) -> None:
        super().__init__(feature.workflow, lambdas=LAMBDAS)
        self.feature = feature
        self.forget = forget
        self.events: list[dict[str, Any]] = []
        self._acted = feature.outside is None

    def _work(self, respond: Call | None) -> None:
        super()._work(respond)
        if not self._acted and READY in [made["markerName"] for made in of(self._history(), "MarkerRecorded")]:
            self._acted = True
            assert self.feature.outside is not None
            self.feature.outside(Outside(self._engine, local.DOMAIN, self._top.workflow_id))

    def _decide(self) -> Call | None:
        if self.forget:
            self._decider.close()
            self._decider = Decider(
                self._engine, local.DOMAIN, [self._workflow], config=config.load(), payloads=self._payloads
            )
        return super()._decide()

    def _result(self, closing: Any) -> Any:
        self.events = self._history()
        return super()._result(closing)

    def _history(self) -> list[dict[str, Any]]:
        found = self._engine.get_workflow_execution_history(domain=local.DOMAIN, execution=self._top.execution)
        events: list[dict[str, Any]] = found["events"]
        return events


@every_feature
@pytest.mark.parametrize("forget", [False, True], ids=["local", "read-again"])
def test_here(feature: Feature, forget: bool) -> None:
    here = Here(feature, forget)
    end: Any
    try:
        end = here.run(*feature.args)
    except WorkflowFailed as error:
        end = error
    check(feature, end, here.events)


# -- processes -------------------------------------------------------------------------------------------------------

SERVED = {
    "file": FEATURES,
    "http": FEATURES,
    "moto": {name: each for name, each in FEATURES.items() if not each.lacking},
}
"""What runs where: the engine on a file, behind `simpleflow server`, and somebody else's service."""


@contextmanager
def engine(place: str, project: Project, functions: list[str]) -> Iterator[str]:
    """The URL of an engine."""
    if place == "file":
        yield f"sqlite:{project.path.parent / 'engine.sqlite'}"
    elif place == "moto":
        with moto_server() as url:
            yield url
    else:
        with served(project, *functions, PYTHONPATH=HERE) as url:
            yield url


@contextmanager
def opened(place: str, path: Path) -> Iterator[dict[str, Handle]]:
    """All runs of a place, started at once and served by one decider and one worker."""
    path.mkdir()
    project = Project(path, Path(sys.executable).with_name("simpleflow"))
    functions = [word for name, function in LAMBDAS.items() for word in ("--lambda", f"{name}={function}")]
    with ExitStack() as stack:
        stack.callback(project.end)
        url = stack.enter_context(engine(place, project, functions))
        if place == "moto":  # it keeps no large values
            project.env["SIMPLEFLOW_PAYLOAD_STORE"] = f"file:{path}"
            config.put({"SIMPLEFLOW_PAYLOAD_STORE": f"file:{path}"})
            stack.callback(config.put, {"SIMPLEFLOW_PAYLOAD_STORE": None})
        ours = client(url)
        stack.callback(ours.close)
        where = {"domain": DOMAIN, "engine": ours}
        runs = {
            name: simpleflow.start(each.workflow, *each.args, workflow_id=name, **where)
            for name, each in SERVED[place].items()
        }
        lists = ["--domain", DOMAIN, "--task-list", LIST, "--log-level", "warning"]
        words = ("decider.start", *lists), ("worker.start", "-N", "2", *lists, *(functions if place == "file" else []))
        served = [project.start("--engine", url, *each, PYTHONPATH=HERE) for each in words]
        yield runs
        for command in served:
            command.process.terminate()
        assert [command.ends() for command in served] == [0, 0]
    assert not project.processes()


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], dict[str, Handle]]]:
    """Open a place, and close the one before."""
    with ExitStack() as stack:
        current: dict[str, dict[str, Handle]] = {}
        tried: set[str] = set()

        def go(place: str) -> dict[str, Handle]:
            if place not in current:
                assert place not in tried, "it could not be opened, as the first test of it tells"
                tried.add(place)
                stack.close()
                current.clear()
                path = tmp_path_factory.mktemp(place) / "project"
                current[place] = stack.enter_context(opened(place, path))
            return current[place]

        yield go


def act(feature: Feature, run: Handle, ours: Any) -> None:
    """What others do to a run, once it is ready."""
    assert feature.outside is not None
    until(
        lambda: READY in [made["markerName"] for made in of(history(run, ours), "MarkerRecorded")],
        f"{feature.name} is ready",
    )
    feature.outside(Outside(ours, DOMAIN, run.workflow_id))


def history(run: Handle, ours: Any) -> list[dict[str, Any]]:
    execution = {"workflowId": run.workflow_id, "runId": run.run_id}
    events: list[dict[str, Any]] = ours.get_workflow_execution_history(domain=DOMAIN, execution=execution)["events"]
    return events


@pytest.mark.parametrize(
    ("place", "feature"),
    [pytest.param(place, each, id=f"{place}-{name}") for place, them in SERVED.items() for name, each in them.items()],
)
def test_served(place: str, feature: Feature, places: Callable[[str], dict[str, Handle]]) -> None:
    run = places(place)[feature.name]
    if feature.outside is not None:
        act(feature, run, run._client)
    end: Any
    try:
        end = run.result(PATIENCE)
    except WorkflowFailed as error:
        end = error
    check(feature, end, history(run, run._client))
