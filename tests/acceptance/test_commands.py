"""The commands on runs, domains, types and lists, on each engine, while deciders and workers run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from places import empty_moto, everywhere
from serving import Server, shared
from shell import Project
from simpleflow.cli.app import run
from simpleflow.runtime.start import open_engine

FLOW = """
from simpleflow import Workflow, activity
from simpleflow.canvas import Group

@activity.with_attributes(task_list="workers", version="1")
def halved(number):
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number // 2

class Halves(Workflow):
    name, version, task_list = "halves", "1", "deciders"

    def run(self, number):
        if number == 0:
            return self.submit(self.wait_signal("go")).result
        return self.submit(halved, number).result
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with shared(tmp_path_factory.mktemp("commands"), "--long-poll-seconds", "0.2") as running:
        yield running


@pytest.fixture
def url(place: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if place == "http":
        return str(request.getfixturevalue("server").url)
    if place == "moto":
        found = str(request.getfixturevalue("moto"))
        empty_moto(found)
        return found
    return f"sqlite:{tmp_path / 'engine.sqlite'}"


Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(url: str, capsys: pytest.CaptureFixture[str]) -> Typed:
    """What a command that is typed ends with, and what it prints on its two streams."""

    def command(*words: str, form: str = "tsv") -> tuple[int, str, str]:
        code = run(["--engine", url, "--format", form, *words])
        return code, *capsys.readouterr()

    return command


@everywhere()
def test_domains_types_and_lists(typed: Typed, url: str) -> None:
    assert typed("domain.register", "Kept", "--retention", "7", "--description", "ours") == (0, "", "")
    code, _, said = typed("domain.register", "Kept")
    assert code == 1 and said.startswith("Error: the domain Kept is registered, perhaps deprecated: see `simpleflow")
    assert typed("domain.describe", "Kept")[1] == "Kept\tREGISTERED\tours\t7\n"
    assert typed("domain.describe", "Kep") == (1, "", "Error: the engine knows no domain Kep. Did you mean Kept?\n")
    assert "Kept\tREGISTERED\tours" in typed("domain.list")[1].splitlines()

    client = open_engine(url)
    client.register_activity_type(domain="Kept", name="pkg.work", version="1")
    client.register_workflow_type(domain="Kept", name="job", version="2")
    listed = json.loads(typed("type.list", "Kept", form="json")[1])
    assert [(each["Kind"], each["Name"], each["Version"]) for each in listed] == [
        ("activity", "pkg.work", "1"),
        ("workflow", "job", "2"),
    ]
    kind = "--kind", "activity"
    code, _, said = typed("type.delete", "Kept", "pkg.work", "1", *kind)
    assert code == 1 and said.endswith("`simpleflow type.deprecate --kind activity Kept pkg.work 1`\n")
    assert typed("type.deprecate", "Kept", "pkg.work", "1", *kind) == (0, "", "")
    assert typed("type.list", "Kept", "--kind", "activity")[1] == ""
    assert "\tDEPRECATED\t" in typed("type.list", "Kept", "--status", "deprecated")[1]
    assert typed("type.delete", "Kept", "pkg.work", "1", *kind) == (0, "", "")
    assert typed("type.list", "Kept", "--status", "deprecated")[1] == ""
    said = typed("type.deprecate", "Kept", "jobs", "2", "--kind", "workflow")[2]
    assert said == "Error: the domain Kept has no workflow type jobs 2. Did you mean job 2?\n"

    assert typed("tasklist.info", "Kept", "anything")[1] == "anything\t0\t0\n"
    assert typed("domain.deprecate", "Kept") == (0, "", "")
    assert "Kept" in typed("domain.list", "--status", "deprecated")[1]
    code, _, said = typed("domain.deprecate", "Kept")
    assert code == 1 and "Kept" in said and said.count("\n") == 1


def start(url: str, domain: str, workflow_id: str, **more: Any) -> str:
    """Start a run that nobody decides; its run id."""
    client = open_engine(url)
    try:
        client.register_domain(name=domain, workflowExecutionRetentionPeriodInDays="1")
        client.register_workflow_type(domain=domain, name="job", version="1")
    except client.exceptions.DomainAlreadyExistsFault:
        pass
    started = client.start_workflow_execution(
        domain=domain,
        workflowId=workflow_id,
        workflowType={"name": "job", "version": "1"},
        taskList={"name": "nobody"},
        executionStartToCloseTimeout="3600",
        taskStartToCloseTimeout="30",
        childPolicy="ABANDON",
        **more,
    )
    return str(started["runId"])


@everywhere()
def test_one_run(typed: Typed, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = start(url, "Ops", "job-1", input="[1]", tagList=["blue"], taskPriority="3")
    assert typed("tasklist.info", "Ops", "nobody")[1] == "nobody\t1\t0\n"
    assert typed("workflow.signal", "Ops", "job-1", "go", "--input", '{"by": "Ann"}') == (0, "", "")
    assert typed("workflow.cancel", "Ops", "job-1") == (0, "", "")
    events = json.loads(typed("workflow.history", "-d", "Ops", "job-1", "-o", "events", form="json")[1])
    signaled = next(event for event in events if event["eventType"] == "WorkflowExecutionSignaled")
    assert signaled["workflowExecutionSignaledEventAttributes"]["input"] == '{"by":"Ann"}'
    assert "WorkflowExecutionCancelRequested" in [event["eventType"] for event in events]

    code, out, said = typed("workflow.result", "Ops", "job-1")
    assert (code, out) == (1, "") and said.startswith("Error: job-1 is still open: `simpleflow workflow.wait Ops job-1")
    code, out, said = typed("workflow.wait", "Ops", "job-1", "--timeout", "0.01")
    assert (code, out) == (1, "") and "is still open after 0.01 s" in said

    code, out, _ = typed("workflow.restart", "Ops", "job-1")
    workflow_id, second = out.split()
    assert (code, workflow_id) == (0, "job-1") and second != first
    own = ("childPolicy", "taskList", "input", "tagList", "taskPriority", "executionStartToCloseTimeout")
    one, two = (_began(url, "job-1", run_id) for run_id in (first, second))
    assert {name: one[name] for name in own} == {name: two[name] for name in own}
    code, _, said = typed("workflow.wait", "Ops", "job-1", first.replace("=", "%3D"))
    assert (code, said) == (3, "Error: workflow job-1 terminated: workflow.restart\n")
    code, _, said = typed("workflow.restart", "Ops", "job-1", first)
    assert code == 1 and said == "Error: another run of job-1 is open: leave RUN_ID out to start that one again\n"

    assert typed("workflow.terminate", "Ops", "job-1", "--reason", "enough") == (0, "", "")
    assert typed("workflow.restart", "Ops", "job-1")[0] == 0, "one that is closed is started again"
    assert typed("workflow.terminate", "Ops", "job-1") == (0, "", "")
    for verb in (("workflow.terminate", "Ops", "job-1"), ("workflow.signal", "Ops", "job-1", "go")):
        code, _, said = typed(*verb)
        assert code == 1 and said == (
            "Error: the domain Ops has no open run of job-1: see `simpleflow workflow.list Ops`\n"
        )


def _began(url: str, workflow_id: str, run_id: str) -> dict[str, Any]:
    history = open_engine(url).get_workflow_execution_history(
        domain="Ops", execution={"workflowId": workflow_id, "runId": run_id}
    )
    found: dict[str, Any] = history["events"][0]["workflowExecutionStartedEventAttributes"]
    return found


@everywhere()
def test_filters_are_put_together(typed: Typed, url: str) -> None:
    for number, tags in enumerate((["blue"], ["blue", "new"], ["new"])):
        start(url, "Many", f"job-{number}", tagList=tags)
    open_engine(url).terminate_workflow_execution(domain="Many", workflowId="job-0")

    def found(*words: str) -> list[str]:
        code, out, said = typed("workflow.filter", "Many", *words, form="json")
        assert code == 0, said
        return [record["Workflow ID"] for record in json.loads(out)]

    assert found() == ["job-2", "job-1"]
    assert found("--tag", "blue") == ["job-1"]
    assert found("--tag", "blue", "--status", "all") == ["job-1", "job-0"]
    assert found("--tag", "new", "--workflow-id", "job-2", "--workflow-type-version", "1") == ["job-2"]
    assert found("--workflow-type-name", "job", "--workflow-type-version", "2") == []
    assert found("--close-status", "terminated", "--tag", "blue") == ["job-0"]
    assert found("--close-status", "COMPLETED") == []
    assert found("--from-date", "2020-01-01 00:00:00+0000", "--to-date", "2020-01-02T00:00:00Z") == []
    assert found("--from-date", "2020-01-01", "--to-date", "9999-01-01") == ["job-2", "job-1"]
    code, _, said = typed("workflow.filter", "Many", "--status", "open", "-c", "failed")
    assert code == 2 and "--close-status is of closed runs" in said
    assert typed("workflow.filter", "Many", "--from-date", "soon")[0] == 2


@everywhere()
def test_ids_that_are_near(typed: Typed, url: str) -> None:
    run_id = start(url, "Near", "invoices-2026")
    domain = "Near", "invoices-202"
    for command in ("workflow.info", "workflow.tasks", "workflow.profile", "workflow.wait", "workflow.cancel"):
        code, out, said = typed(command, *domain)
        assert (code, out) == (1, ""), command
        assert said == "Error: the domain Near has no run of invoices-202. Did you mean invoices-2026?\n"
    said = typed("workflow.info", "Near", "invoices-2026", f"{run_id[:-4]}AAA=")[2]
    assert said.endswith(f". Did you mean {run_id}?\n")
    assert typed("workflow.info", "Near", "zzz")[2].endswith(
        ": see `simpleflow workflow.list Near`, perhaps with --status closed\n"
    )
    for words in (
        ("workflow.repair", "-d", "Near", "invoices-202"),
        ("activity.rerun", "-d", "Near", "--workflow-id", "invoices-202", "--activity-id", "x"),
        ("workflow.history", "-d", "Near", "invoices-202"),
        ("task.info", *domain, "x"),
    ):
        code, out, said = typed(*words)
        assert (code, out) == (1, "") and said.endswith("no run of invoices-202. Did you mean invoices-2026?\n"), words
    said = typed("task.info", "Near", "invoices-2026", "x")[2]
    assert said == "Error: the run has no task x: see `simpleflow workflow.history -d Near invoices-2026`\n"
    said = typed("type.deprecate", "Near", "jop", "2026", "--kind", "workflow")[2]
    assert said == "Error: the domain Near has no workflow type jop 2026. Did you mean job?\n"
    for words in (("workflow.list",), ("workflow.filter",), ("type.list",), ("workflow.wait", "invoices-2026")):
        expected = "Error: the engine knows no domain Nea. Did you mean Near?\n"
        assert typed(words[0], "Nea", *words[1:]) == (1, "", expected)


@everywhere()
def test_while_deciders_and_workers_run(project: Project, typed: Typed, url: str) -> None:
    project.write("flow.py", FLOW)
    engine = ("--engine", url)
    decider = project.start(*engine, "decider.start", "-d", "Live", "-N", "1", "flow.Halves")
    worker = project.start(*engine, "worker.start", "-d", "Live", "-t", "workers", "-N", "1")
    for workflow_id, number in (("even", 4), ("odd", 3), ("waits", 0)):
        words = ("-d", "Live", "--workflow-id", workflow_id, "flow.Halves", "-i", str(number))
        assert project.run(*engine, "workflow.start", *words).returncode == 0
    assert typed("workflow.wait", "Live", "even", "--timeout", "60") == (0, "", "result: 2\n")
    assert typed("workflow.result", "Live", "even")[:2] == (0, "2\n")

    code, out, said = typed("workflow.wait", "Live", "odd", "--timeout", "60")
    assert (code, out) == (3, "")
    assert "Traceback (most recent call last)" in said and 'raise ValueError(f"{number} is odd")' in said
    assert said.splitlines()[-1].startswith("Error: workflow odd failed:") and "3 is odd" in said.splitlines()[-1]
    assert typed("workflow.result", "Live", "odd") == (3, "", said)

    [task] = json.loads(typed("workflow.tasks", "Live", "odd", form="json")[1])
    assert (task["Tasks"], task["Last State"]) == ("flow.halved", "failed")
    [task] = json.loads(typed("workflow.profile", "Live", "even", form="json")[1])
    assert task["Task"] == "activity-flow.halved-1" and task["Time Running"] > 0
    said = typed("task.info", "Live", "even", "activity-flow.halve-1")[2]
    assert said == "Error: the run has no task activity-flow.halve-1. Did you mean activity-flow.halved-1?\n"

    assert typed("workflow.signal", "Live", "waits", "go", "-i", "[1, 2]") == (0, "", "")
    assert typed("workflow.wait", "Live", "waits", "--timeout", "60")[0] == 0
    assert typed("workflow.result", "Live", "waits")[1] == "[1,2]\n"
    for command in (worker, decider):
        command.interrupt()
        assert command.ends() == 0, command.err


def test_info_keeps_secrets(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "hush")
    monkeypatch.setenv("SIMPLEFLOW_PROXY", "http://ann:hush@proxy:1")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert run(["info"]) == 0
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if line.startswith("# ")] == [
        "# Versions",
        "# Settings",
        "# Environment AWS* SIMPLEFLOW* SWF*",
    ]
    assert "hush" not in said and "AWS_SECRET_ACCESS_KEY=<redacted>" in said and "AWS_REGION=eu-west-1" in said
    assert "\nWORKFLOW_DEFAULT_TASK_LIST=default\n" in said
    assert run(["--format", "json", "info", "versions"]) == 0
    records = json.loads(capsys.readouterr().out)
    assert {"Section": "versions", "Name": "simpleflow"}.items() <= records[0].items()
    assert run(["info", "version"]) == 2


def test_binaries_download(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from simpleflow import settings

    monkeypatch.setattr(settings, "SIMPLEFLOW_BINARIES_DIRECTORY", str(tmp_path / "binaries"))
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    given = f"tool={tmp_path / 'tool'}", f"lost=file://{tmp_path / 'lost'}"
    assert run(["--format", "tsv", "binaries.download", *given]) == 1
    out, err = capsys.readouterr()
    name, path = out.split()
    assert name == "tool" and Path(path).is_relative_to(tmp_path / "binaries") and Path(path).stat().st_mode & 0o100
    assert err.startswith("Error: lost: ") and err.count("\n") == 1
    assert run(["binaries.download", "tool"]) == 2
    assert run(["binaries.download", "tool=ftp://x/y"]) == 2
