"""What docs/how-to/deploy.md gives to copy, the Dockerfile, and the example that scales workers."""

from __future__ import annotations

import json
import math
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from examples.autoscale import main, numbers
from shell import PATIENCE, ROOT
from simpleflow.cli.app import COMMANDS, group
from simpleflow.clients import client
from simpleflow.runtime.start import ensure_domain

PAGE = (ROOT / "docs" / "how-to" / "deploy.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)


def options_of(words: list[str]) -> dict[str, Any]:
    """What a command makes of these words; an error where it takes no such option."""
    command = group.get_command(None, words[0])  # type: ignore[arg-type]  # it does not look at its context
    assert command is not None
    return command.make_context(words[0], words[1:]).params


def documents() -> list[dict[str, Any]]:
    return [document for block in blocks("yaml") for document in yaml.safe_load_all(block)]


def containers() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for document in documents():
        if document["kind"] == "Deployment":
            pod = document["spec"]["template"]["spec"]
            yield pod, pod["containers"][0]


def test_commands_that_are_typed() -> None:
    typed = re.findall(r"^(?:docker run .*? jobs |simpleflow )(\S+\.start .*)$", PAGE, re.M)
    assert len(typed) == 4
    for line in typed:
        assert options_of(shlex.split(line))["health_port"] == 8080


@pytest.mark.parametrize("unit", blocks("ini"))
def test_units_of_systemd(unit: str, tmp_path: Path) -> None:
    settings = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line)
    options = options_of(shlex.split(settings["ExecStart"])[1:])
    assert settings["KillMode"] == "mixed" and int(settings["TimeoutStopSec"]) > options["grace"] + 5
    verify = shutil.which("systemd-analyze")
    if verify:
        path = tmp_path / "jobs.service"
        here = str(Path(sys.executable).with_name("simpleflow"))
        path.write_text(unit.replace("/srv/jobs/.venv/bin/simpleflow", here).replace("/srv/jobs", "/"))
        command = [verify, "verify", "--man=no", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        assert (done.returncode, done.stderr) == (0, "")


def test_deployments() -> None:
    found = {container["name"]: (pod, container) for pod, container in containers()}
    assert list(found) == ["engine", "worker"]
    for name, (pod, container) in found.items():
        options = options_of(container["args"])
        assert container["args"][0] in COMMANDS and pod["securityContext"]["runAsNonRoot"]
        (port,) = container["ports"]
        probes = {kind: container[kind]["httpGet"] for kind in container if kind.endswith("Probe")}
        assert {probe["port"] for probe in probes.values()} == {port["name"]}
        if name == "worker":
            assert options["health_port"] == port["containerPort"]
            assert pod["terminationGracePeriodSeconds"] > options["grace"] + 5
            paths = {kind: probe["path"] for kind, probe in probes.items()}
            assert paths == {"startupProbe": "/readyz", "readinessProbe": "/readyz", "livenessProbe": "/healthz"}
    services = [document for document in documents() if document["kind"] == "Service"]
    assert [service["spec"]["ports"][0]["port"] for service in services] == [8042]


def test_dockerfile() -> None:
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
    steps = [line.split(None, 1) for line in text.splitlines() if line and not line.startswith("#")]
    last = dict(steps)
    assert last["USER"] == "10001:10001" and json.loads(last["ENTRYPOINT"]) == ["simpleflow"]
    assert f":{last['EXPOSE']}/healthz" in last["HEALTHCHECK"]
    command = json.loads(last["HEALTHCHECK"].partition("CMD ")[2])
    compile(command[2], "HEALTHCHECK", "exec")
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        source.removeprefix("./")
        for step, rest in steps
        if step == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    }
    assert copied == kept and all((ROOT / name).exists() for name in kept)


@pytest.mark.parametrize(
    ("counted", "wanted"),
    [
        ([0, 1, 4, 5, 40, 41, math.inf], [1, 1, 1, 2, 5, 5, 5]),
        ([20, 0, 0, 0, 0], [5, 5, 5, 1, 1]),
        ([20, 0, 9, 0, 0, 0], [5, 5, 5, 3, 3, 1]),
    ],
)
def test_numbers_of_workers(counted: list[float], wanted: list[int]) -> None:
    assert list(numbers(counted, slots=4, least=1, most=5, calm=3)) == wanted


def test_autoscale(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:{tmp_path / 'engine.sqlite'}"
    engine = client(url)
    ensure_domain(engine, "jobs")
    engine.register_workflow_type(domain="jobs", name="w", version="1")
    engine.register_activity_type(domain="jobs", name="a", version="1")
    times = {"executionStartToCloseTimeout": "600", "taskStartToCloseTimeout": "60", "childPolicy": "TERMINATE"}
    where, kind = {"domain": "jobs", "taskList": {"name": "decisions"}}, {"name": "w", "version": "1"}
    engine.start_workflow_execution(**where, **times, workflowId="w", workflowType=kind)
    limits = {f"{name}Timeout": "60" for name in ("scheduleToStart", "scheduleToClose", "startToClose", "heartbeat")}
    asked = {"activityType": {"name": "a", "version": "1"}, "taskList": {"name": "work"}, **limits}
    decisions = [
        {
            "decisionType": "ScheduleActivityTask",
            "scheduleActivityTaskDecisionAttributes": {"activityId": f"a-{n}", **asked},
        }
        for n in range(9)
    ]
    engine.respond_decision_task_completed(
        taskToken=engine.poll_for_decision_task(**where)["taskToken"], decisions=decisions
    )
    engine.poll_for_activity_task(domain="jobs", taskList={"name": "work"})
    engine.close()
    told = ["--engine", url, "--domain", "jobs", "--task-list", "work", "--slots", "4", "--once"]
    assert main([*told, "--", "echo", "scale", "--replicas={}"]) == 0
    assert capfd.readouterr().out == "3 workers\nscale --replicas=3\n"
    assert main([*told, "--", "false"]) == 1
    capfd.readouterr()
    assert main([*told, "--", "no-such-command"]) == 1
    assert capfd.readouterr().err == "cannot run no-such-command: No such file or directory\n"
    assert main([*told, "--domain", "nowhere", "--", "echo"]) == 1  # one look, although nothing could be counted
    assert "cannot count: " in capfd.readouterr().err
    for wrong in (["--slots", "0"], ["--calm", "0"], ["--least", "9", "--most", "3"], ["--every", "0"]):
        with pytest.raises(SystemExit, match="2"):
            main([*told, *wrong, "--", "echo"])
