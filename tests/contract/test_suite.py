"""The suite as its users run it: what it leaves out, what it finds, what it leaves behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import contract_moto
import pytest

from serving import Server, shared
from shell import PATIENCE
from simpleflow.testing.contract import CAPABILITIES, Target, target
from simpleflow.testing.contract.checked import Names
from simpleflow.testing.contract.targets import SHARED_DOMAIN, declared, named

FOLDER = Path(target.__file__).parent
BROKEN = '''
from contextlib import contextmanager
from dataclasses import replace

from simpleflow.testing.contract import Service
from simpleflow.testing.contract.targets import embedded

MEMORY = embedded("memory")


class Client:
    """Drops what is empty."""

    def __init__(self, client):
        self.client = client

    def __getattr__(self, name):
        return getattr(self.client, name)

    def describe_workflow_type(self, **request):
        answer = self.client.describe_workflow_type(**request)
        info = {name: value for name, value in answer["typeInfo"].items() if value}
        return {**answer, "typeInfo": info}


@contextmanager
def connect(address, limits):
    with MEMORY.connect(address, limits) as service:
        yield Service(Client(service.client), service.advance)


LISTED = {"registration::test_an_empty_description[workflow]": "what is empty is dropped"}
TARGETS = [
    replace(MEMORY, name="other", connect=connect),
    replace(MEMORY, name="known", connect=connect, differences=LISTED),
    replace(MEMORY, name="vanished", differences=LISTED),
    replace(MEMORY, name="lame", can=frozenset({"clock"})),
]
'''
CHOSEN = "test_an_empty or test_start or test_timers or lambdas or quotas"


def run(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the suite as a program, without plugins of others."""
    command = [sys.executable, "-m", "simpleflow.testing.contract", *arguments]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=path, env=env, capture_output=True, text=True, timeout=PATIENCE)


def test_what_it_tells(tmp_path: Path) -> None:
    """What fails and is not listed, what is listed and fails or does not, and what a service cannot."""
    (tmp_path / "broken.py").write_text(BROKEN)
    done = run(tmp_path, "broken:TARGETS", "-k", CHOSEN, "-v")
    assert done.returncode == 1, done.stderr
    said = {
        line.partition("::")[2].partition(" ")[0]: line.partition(" ")[2]
        for line in done.stdout.splitlines()
        if "::" in line and "%]" in line
    }
    assert said["test_an_empty_description[other-workflow]"].startswith("FAILED")
    assert said["test_an_empty_description[known-workflow]"].startswith("DIFFERENT (what is empty is dropped)")
    assert said["test_an_empty_description[vanished-workflow]"].startswith("FAILED")
    assert "vanished no longer differs here; take the test off its list: what is empty is dropped" in done.stdout
    assert said["test_an_empty_description[known-activity]"].startswith("PASSED")
    left_out = r"^lame: (\d+) tests left out: no domains \(1\), no lambda \((\d+)\), no quotas \((\d+)\)$"
    found = re.search(left_out, done.stdout, re.MULTILINE)
    assert found and int(found[1]) == 1 + int(found[2]) + int(found[3]) > 10
    assert "test_open_executions[lame]" not in said and said["test_timers[lame]"].startswith("PASSED")
    assert re.search(r"2 failed, \d+ passed, \d+ deselected, 1 known to differ", done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ftp://x",), "'ftp://x' names no target; the forms are memory, sqlite, http://HOST:PORT"),
        (("memory", "--can", "fly"), "invalid choice: 'fly'"),
    ],
    ids=["target", "capability"],
)
def test_what_is_wrong_on_the_command_line(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode in (2, 4) and words in done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout and "conftest" not in done.stdout


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("http:", ValueError),
        ("memory:x", ValueError),
        ("no_such_module:TARGET", ImportError),
        ("contract_targets:NONE", AttributeError),
        ("contract_moto:ITEMS", ValueError),
    ],
)
def test_names_of_no_target(name: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"{name.partition(':')[0]}"):
        named(name)


@pytest.fixture
def server(tmp_path: Path) -> Any:
    with shared(tmp_path, "--long-poll-seconds", "0") as server:
        yield server


def test_a_service_that_others_use(tmp_path: Path, server: Server) -> None:
    """As on Amazon: one domain, run after run, and nothing is left behind that is open or registered."""
    swf = server.boto()
    for _ in range(2):
        done = run(tmp_path, server.url, "-k", "test_start or test_closing or test_workflow_type or test_deletion")
        assert done.returncode == 0, done.stdout
    [info] = swf.list_domains(registrationStatus="REGISTERED")["domainInfos"]
    assert info["name"] == SHARED_DOMAIN
    ever: dict[str, Any] = {"domain": SHARED_DOMAIN, "startTimeFilter": {"oldestDate": 0}}
    assert swf.count_open_workflow_executions(**ever)["count"] == 0
    assert swf.count_closed_workflow_executions(**ever)["count"] > 0
    for kind in ("workflow", "activity"):
        for status in ("REGISTERED", "DEPRECATED"):
            listed = getattr(swf, f"list_{kind}_types")(domain=SHARED_DOMAIN, registrationStatus=status)
            assert listed["typeInfos"] == []


def test_a_service_that_cannot_be_had(tmp_path: Path, server: Server) -> None:
    for arguments, words in (
        (("http://127.0.0.1:1",), 'Could not connect to the endpoint URL: "http://127.0.0.1:1/"'),
        ((server.url, "--can", "clock"), "its clock cannot be moved, POST /clock answers 404: leave out 'clock'"),
    ):
        done = run(tmp_path, *arguments)
        assert done.returncode == 4 and words in done.stdout.splitlines()[-1]
        assert "Traceback" not in done.stderr + done.stdout


def test_names() -> None:
    names = Names("p-", "shared")
    request = {
        "domain": "contract",
        "name": "arn",
        "workflowId": "w",
        "workflowType": {"name": "n", "version": "1"},
        "taskList": {"name": "a|b"},
        "decisions": [{"attributes": {"id": "l", "name": "function"}}],
        "resourceArn": "arn:aws:swf::/domain/contract",
    }
    sent = names.given(request)
    assert sent == {
        **request,
        "domain": "shared",
        "workflowId": "p-w",
        "workflowType": {"name": "p-n", "version": "1"},
        "resourceArn": "arn:aws:swf::/domain/shared",
    }
    assert names.shown(sent) == request
    assert names.shown({"taskToken": "p-", "message": "Unknown domain: shared"}) == {
        "taskToken": "p-",
        "message": "Unknown domain: contract",
    }


def test_targets_of_urls() -> None:
    [amazon] = named("aws:eu-west-1")
    assert amazon.can == frozenset() and amazon.domain == SHARED_DOMAIN and amazon.settle > 0
    [server] = named("http://127.0.0.1:1")
    moved = declared(server, can=frozenset({"clock"}), domain="mine", settle=None)
    assert (moved.domain, moved.can) == ("mine", {"clock"}) and moved.connect is not server.connect
    assert named("memory")[0].can == CAPABILITIES
    with pytest.raises(ValueError, match="'fly' is no capability; there are clock, domains"):
        declared(server, can=frozenset({"fly"}), domain=None, settle=None)


def test_without_pytest() -> None:
    hidden = "import sys; sys.modules['pytest'] = None; sys.argv = ['x']; import simpleflow.testing"
    done = subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True)
    words = "ImportError: simpleflow.testing needs pytest; type: pip install 'simpleflow[testing]'"
    assert done.returncode == 1 and done.stderr.splitlines()[-1] == words


def test_every_known_difference_is_a_test_and_an_item() -> None:
    """Of moto only, and of the items that the notes on the service hold."""
    items = {f"8.{number}" for number in range(1, 5)} | {f"8.5.{number}" for number in range(1, 19)}
    assert set(contract_moto.ITEMS) <= items
    tests = {
        f"{path.stem.removeprefix('test_')}::{name}"
        for path in FOLDER.glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    assert {name.partition("[")[0] for name in contract_moto.DIFFERENCES} <= tests
    import contract_targets

    assert [target.name for target in contract_targets.TARGETS if target.differences] == ["moto"]
    assert all(isinstance(target, Target) for target in contract_targets.TARGETS)
