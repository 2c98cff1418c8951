"""A megabyte in every field that can hold one: locally, on the embedded engine, and over HTTP with nothing set."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

import simpleflow
from serving import Server
from shell import Project
from simpleflow.clients import client
from simpleflow.exceptions import WorkflowFailed
from simpleflow.runtime import runs
from simpleflow.runtime.local import run_local

FLOWS = """
import json, os
from simpleflow import Workflow, activity

@activity.with_attributes()
def echo(x):
    return x

@activity.with_attributes(idempotent=True)
def length(x):
    return len(x["x"])

@activity.with_attributes(retry=1)
def breaks(x):
    raise ValueError(x)

class Child(Workflow):
    raises_on_failure = None

    def run(self, x, fails=False):
        if fails:
            self.fail(x, x)
        return x + "!"

class Every(Workflow):
    def run(self, given, again=False):
        if not again:
            self.submit(self.signal("left", given, propagate=False)).wait()
            self.submit(self.continue_as_new(given, again=True))
        echoed = self.submit(echo, given)
        child, failed = self.submit(Child, echoed), self.submit(Child, given, fails=True)
        sent = self.submit(self.signal("heard", child))
        marker = self.submit(self.record_marker("m", {"x": echoed.result}))
        self.submit(self.start_timer("t", 0, control=given)).wait()
        found = {
            "left": self.receive("left").result["args"][0],
            "echoed": echoed.result,
            "child": child.result[:-1],
            "sent": sent.result["args"][0][:-1],
            "heard": self.submit(self.wait_signal("heard")).result["args"][0][:-1],
            "error": self.submit(breaks, given).exception.args[0],
            "details": failed.exception.details,
            "marker": json.loads(marker.result)["x"],
            "listed": self.list_markers()[0].details["x"],
            "control": self.get_event_details("timer", "t")["control"],
        }
        found = {key: len(value) if value == given else value[:100] for key, value in found.items()}
        found |= {"reason": len(str(failed.exception)) < 1000, "length": self.submit(length, {"x": given}).result}
        return {"given": given, "found": found}

class Fails(Workflow):
    def run(self, given):
        echoed, child = self.submit(echo, given), self.submit(Child, given)
        if not (child.result == echoed.result + "!" and os.path.exists("mended")):
            self.fail(given, given)
        return [len(echoed.result), len(given)]
"""
GIVEN = "é\\x" * 300_000  # in UTF-8 and as JSON a little more than a megabyte
EQUAL = ("left", "echoed", "child", "sent", "heard", "error", "details", "marker", "listed", "control")


def locally(project: Project, flow: Any) -> Any:
    return run_local(flow, [GIVEN])


def embedded(project: Project, flow: Any) -> Any:
    return durably(project, flow, f"sqlite:{project.path / 'e.sqlite'}")


def over_http(project: Project, flow: Any) -> Any:
    server = Server(project, "--engine", f"sqlite:{project.path / 'e.sqlite'}")
    try:
        return durably(project, flow, server.url)
    finally:
        server.end()
        kept = list((project.path / "e.sqlite.payloads").glob("??/*"))
        assert kept and all(re.fullmatch(r"[0-9a-f]{64}", path.name) for path in kept)


def durably(project: Project, flow: Any, engine: str) -> Any:
    handle = simpleflow.start(flow, GIVEN, domain="D", workflow_id="W", engine=engine)
    name = f"{flow.__module__}.{flow.__name__}"
    done = project.run("--engine", engine, "standalone", "-d", "D", "--workflow-id", "W", name)
    assert done.returncode in (0, 3), done.stderr
    return handle.result(timeout=0)


@pytest.fixture
def flows(project: Project, monkeypatch: pytest.MonkeyPatch) -> Any:
    project.write("every_field.py", FLOWS)
    monkeypatch.syspath_prepend(str(project.path))
    monkeypatch.delitem(sys.modules, "every_field", raising=False)
    return __import__("every_field")


@pytest.mark.parametrize("run", [locally, embedded, over_http])
def test_a_megabyte_in_every_field(project: Project, flows: Any, run: Callable[[Project, Any], Any]) -> None:
    answer = run(project, flows.Every)
    assert answer["given"] == GIVEN
    assert answer["found"] == {**dict.fromkeys(EQUAL, len(GIVEN)), "reason": True, "length": len(GIVEN)}


def in_the_memory_of_a_server(project: Project, flow: Any) -> Any:
    temporary = project.path / "tmp"
    temporary.mkdir()
    server = Server(project, "--engine", "memory", TMPDIR=str(temporary))
    try:
        with pytest.raises(WorkflowFailed) as caught:
            durably(project, flow, server.url)
        project.write("mended", "")
        repaired = project.run("--engine", server.url, "standalone", "-d", "D", "--repair", "W", "every_field.Fails")
        assert f"result: [{len(GIVEN)}, {len(GIVEN)}]" in repaired.stderr
        with closing(client(server.url)) as swf:
            kinds = {event["eventType"] for event in runs.history(swf, runs.find(swf, "D", "W"))}
        assert "WorkflowExecutionCompleted" in kinds and "ActivityTaskScheduled" not in kinds
        raise caught.value
    finally:
        assert len(list(temporary.glob("simpleflow-*/??/*"))) > 3
        server.end()
        assert not list(temporary.iterdir()), "what was kept is gone with the engine"


@pytest.mark.parametrize("run", [locally, in_the_memory_of_a_server])
def test_a_failure_of_a_megabyte(project: Project, flows: Any, run: Callable[[Project, Any], Any]) -> None:
    with pytest.raises(WorkflowFailed) as caught:
        run(project, flows.Fails)
    reason, details = caught.value.reason, caught.value.details
    assert reason is not None and reason.startswith("Workflow execution failed: é") and len(reason) <= 256
    assert details == GIVEN
