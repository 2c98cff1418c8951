"""A user's project, for the tests that type commands in it, and its engine."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

import shell
from places import LACKS, empty_moto, moto_server, served
from shell import Project

IMPATIENT = 15.0  # seconds for a test that is to fail


def lacks(item: pytest.Item) -> str:
    """What the item needs and moto's server, where it runs, has not; "" for nothing."""
    if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
        return ""
    if item.callspec.params.get("place") != "moto":
        return ""
    name = f"{item.path.stem}::{item.originalname}"
    case = "-".join(part for part in item.callspec.id.split("-") if part != "moto")
    return LACKS.get(f"{name}[{case}]", LACKS.get(name, ""))


@pytest.hookimpl(tryfirst=True)  # before some are chosen by their marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if lacks(item):  # most of them wait for what never comes
            item.add_marker(pytest.mark.soak)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """A test that moto's server lacks something for must fail there."""
    reason = lacks(pyfuncitem)
    if not reason:
        return (yield)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shell, "PATIENCE", IMPATIENT)
        try:
            yield
        except (Exception, pytest.fail.Exception):
            return True
    pytest.fail(f"it passes on moto's server; take it off places.LACKING ({reason})")


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture
def place(request: pytest.FixtureRequest) -> str:
    """Which engine; see `places.everywhere`."""
    return str(getattr(request, "param", "file"))


@pytest.fixture
def project(tmp_path: Path, place: str, request: pytest.FixtureRequest) -> Iterator[Project]:
    (tmp_path / "project").mkdir()
    made = Project(tmp_path / "project", Path(sys.executable).with_name("simpleflow"))
    with ExitStack() as stack:
        if place == "http":
            made.engine = made.env["SIMPLEFLOW_ENGINE"] = stack.enter_context(served(made))
        elif place == "moto":
            made.engine = made.env["SIMPLEFLOW_ENGINE"] = request.getfixturevalue("moto")
            made.env["SIMPLEFLOW_PAYLOAD_STORE"] = f"file:{tmp_path / 'payloads'}"  # it keeps no large values
            empty_moto(made.engine)
        yield made
        _, left = psutil.wait_procs(made.processes(), 2)
    made.end()
    assert not left or lacks(request.node), f"processes are left: {left}"
