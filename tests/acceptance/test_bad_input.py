"""What is wrong is said in one line, with the exit code that fits."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys

import pytest

from shell import Project

BASIC = "examples.basic.BasicWorkflow"

FLOWS = """
import os, signal
from simpleflow import Workflow, activity

@activity.with_attributes()
def fail(x):
    raise ValueError("nope")

@activity.with_attributes()
def die(x):
    os.kill(os.getpid(), signal.SIGKILL)

@activity.with_attributes()
def echo(x):
    return x

class Failing(Workflow):
    def run(self, x=0):
        return self.submit(fail, x).result

class Killed(Workflow):
    def run(self, x=0):
        return self.submit(die, x).result

class Unencodable(Workflow):
    def run(self):
        return self.submit(echo, {"items": [1, 2j]}).result

class TooLarge(Workflow):
    def run(self, n):
        return self.submit(echo, {"short": 1, "long": "x" * n}).result

class NoWorkflow:
    pass
"""


@pytest.fixture(autouse=True)
def flows(project: Project) -> None:
    project.write("flows.py", FLOWS)
    project.write("broken.py", "import nowhere\n")


STARTS = (("workflow.start", "--local"), ("workflow.start", "-d", "D"), ("standalone", "-d", "D"))

REFUSED = [
    (["nowhere.Class"], "there is no module nowhere (the current directory is {cwd})"),
    (["examples.nowhere.Class"], "there is no module examples.nowhere (the current directory is {cwd})"),
    (
        ["exampels.basic.X"],
        "there is no module exampels.basic (the current directory is {cwd}): did you mean examples?",
    ),
    (
        ["examples.basik.X"],
        "there is no module examples.basik (the current directory is {cwd}): did you mean examples.basic?",
    ),
    (["broken.Class"], "the module broken cannot be imported: ModuleNotFoundError: No module named 'nowhere'"),
    (["Class"], "'Class' is no dotted name of a workflow class: write module.Class"),
    (["examples.basic.Basic"], "the module examples.basic has no Basic: did you mean examples.basic.BasicWorkflow?"),
    (["flows.NoWorkflow"], "flows.NoWorkflow is no workflow: its class must derive from simpleflow.Workflow"),
    (
        [BASIC, "--input", "[1, 5"],
        "--input is no JSON (Expecting ',' delimiter: line 1 column 6 (char 5)): "
        """write '[1, 2]', '"text"' or '{{"args": [1], "kwargs": {{"t": 2}}}}'""",
    ),
    (
        [BASIC],
        "the input does not fit examples.basic.BasicWorkflow.run(x: int, t: float = 30) -> int: "
        "missing a required argument: 'x'",
    ),
    (
        [BASIC, "--input", '{"kwargs": {"x": 1, "y": 2}}'],
        "the input does not fit examples.basic.BasicWorkflow.run(x: int, t: float = 30) -> int: "
        "got an unexpected keyword argument 'y'",
    ),
    ([BASIC, "--input", '{"args": 1}'], '--input: "args" takes an array and "kwargs" an object'),
    ([BASIC, "--input-file", "nowhere.json"], "nowhere.json: No such file or directory"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
@pytest.mark.parametrize("start", STARTS, ids=["local", "start", "standalone"])
def test_refused(project: Project, start: tuple[str, ...], arguments: list[str], message: str) -> None:
    done = project.run(*start, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert _last(done.stderr) == f"Error: {message.format(cwd=project.path)}"
    assert _ours(done.stderr) == []


def test_input_too_large(project: Project) -> None:
    project.write("large.json", '{"args": ["' + "x" * 40_000 + '", 0]}')
    for start in STARTS:
        done = project.run(*start, BASIC, "--input-file", "large.json", SIMPLEFLOW_PAYLOAD_STORE="none")
        assert (done.returncode, done.stdout) == (1, "")
        assert re.fullmatch(
            r"Error: the input of examples\.basic\.BasicWorkflow is 40,\d{3} characters of JSON, most of it args\[0\] "
            r"\(40,002\); Amazon SWF has room for 32,[67]\d\d: set SIMPLEFLOW_PAYLOAD_STORE=s3://BUCKET or "
            r"file:DIRECTORY for larger ones, or pass a path or a key to the data",
            _last(done.stderr),
        )


NOT_COMPLETED = [
    ("Unencodable", "[]", "PayloadError: the input of flows.echo cannot", "args[0].items[1] is a complex"),
    ("TooLarge", "[40000]", "PayloadTooLarge: the input of flows.echo is 40,0", "most of it args[0].long (40,002)"),
    ("Failing", "[]", "Workflow execution error in activity-flows.fail-1: ", '"ValueError: nope"'),
]


@pytest.mark.parametrize(("workflow", "given", "reason", "more"), NOT_COMPLETED)
@pytest.mark.parametrize("start", (STARTS[0], STARTS[2]), ids=["local", "standalone"])
def test_not_completed(
    project: Project, start: tuple[str, ...], workflow: str, given: str, reason: str, more: str
) -> None:
    done = project.run(*start, f"flows.{workflow}", "--input", given, SIMPLEFLOW_PAYLOAD_STORE="none")
    assert done.returncode == 3
    last = _last(done.stderr)
    assert last.startswith("Error: workflow ")
    assert f" failed: {reason}" in last
    assert more in last
    assert 'flows.py", line ' in done.stderr  # the traceback of the user's code
    assert "simpleflow/cli" not in done.stderr


def test_failure_in_info(project: Project) -> None:
    project.run("standalone", "-d", "D", "--workflow-id", "W", "-W", "1", "flows.Failing")
    done = project.run("--format", "human", "workflow.info", "D", "W")
    assert "status                 FAILED\n" in done.stdout
    failure = 'Workflow execution error in activity-flows.fail-1: "ValueError: nope"'
    assert f"failure                {failure}\n" in done.stdout


def test_activity_killed_by_the_system(project: Project) -> None:
    """It is lost, which may not be its fault: it is tried three times more. Then the cause is told."""
    done = project.run("standalone", "-d", "D", "-W", "1", "flows.Killed")
    assert done.returncode == 3
    last = _last(done.stderr)
    assert "activity-flows.die-1" in last
    assert "killed by signal 9" in last


def test_not_a_database(project: Project) -> None:
    project.write("engine.sqlite", "This is a letter, and no database.\n" * 100)
    _engine_refused(project, "sqlite:engine.sqlite", "engine.sqlite")
    assert (project.path / "engine.sqlite").read_text().startswith("This is a letter")


def test_database_of_something_else(project: Project) -> None:
    with sqlite3.connect(project.path / "other.sqlite") as other:
        other.execute("CREATE TABLE people (name)")
    other.close()
    _engine_refused(project, "sqlite:other.sqlite", "other.sqlite")


def test_database_of_a_newer_version(project: Project) -> None:
    assert project.run("workflow.start", "-d", "D", BASIC, "--input", "1").returncode == 0
    path = project.data / "simpleflow" / "engine.sqlite"
    changed = sqlite3.connect(path)
    version = changed.execute("PRAGMA user_version").fetchone()[0]
    changed.execute(f"PRAGMA user_version = {version + 1}")
    changed.commit()
    changed.close()
    _engine_refused(project, f"sqlite:{path}", "newer")


def test_directory_that_cannot_be_written(project: Project) -> None:
    """Root passes permissions; what a directory would have to be made in is a file."""
    project.write("file", "")
    _engine_refused(project, "sqlite:file/engine.sqlite", "file/engine.sqlite")
    _engine_refused(project, "sqlite:/proc/engine.sqlite", "/proc/engine.sqlite")


def test_full_disk(project: Project) -> None:
    """A limit on the size of files stands for the disk: the call fails, what was committed before is there."""
    assert project.run("workflow.start", "-d", "D", "--workflow-id", "W", BASIC, "--input", "1").returncode == 0
    size = max(path.stat().st_size for path in (project.data / "simpleflow").iterdir())
    program = (
        "import resource, sys; from simpleflow.cli.app import run; sys.path.insert(0, ''); "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size})); sys.exit(run(sys.argv[1:]))"
    )
    text = "x" * 30_000
    codes = set()
    for number in range(20):
        arguments = ["workflow.start", "-d", "D", "--workflow-id", f"W{number}", BASIC, "--input", f'["{text}"]']
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=project.path,
            env=project.env,
            capture_output=True,
            text=True,
            timeout=60,
        )
        codes.add(done.returncode)
        if done.returncode:
            break
    assert (done.returncode, done.stdout) == (1, ""), done
    assert _ours(done.stderr) == []
    assert "full" in _last(done.stderr)
    listed = project.run("workflow.list", "D").stdout.splitlines()
    assert {line.split("\t")[0] for line in listed} == {"W"} | {f"W{earlier}" for earlier in range(number)}


def test_environment_variable(project: Project) -> None:
    done = project.run("workflow.list", "D", ACTIVITY_HEARTBEAT_TIMEOUT="soon")
    assert done.returncode == 1
    assert done.stderr == (
        "Error: the environment variable ACTIVITY_HEARTBEAT_TIMEOUT='soon' takes whole seconds (at most 8 digits) "
        'or "NONE"\n'
    )
    done = project.run("workflow.list", "D", SIMPLEFLOW_FORMAT="xml")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: the environment variable SIMPLEFLOW_FORMAT='xml' takes one of csv, ")


def test_unknown_places(project: Project) -> None:
    done = project.run("workflow.list", "Nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"Error: there is no engine at \S+/engine.sqlite: start a run .*\n", done.stderr)
    assert not project.data.joinpath("simpleflow").exists(), "who only reads makes nothing"
    project.run("workflow.start", "-d", "D", BASIC, "--input", "1")
    done = project.run("workflow.list", "Nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: the engine knows no domain Nowhere: ")
    done = project.run("workflow.info", "D", "nobody")
    hint = "see `simpleflow workflow.list D`, perhaps with --status closed"
    assert (done.returncode, done.stderr) == (1, f"Error: the domain D has no run of nobody: {hint}\n")
    done = project.run("workflow.history", "-d", "D", "nobody", "no-run")
    assert (done.returncode, done.stderr) == (1, f"Error: the domain D has no run no-run of nobody: {hint}\n")


def test_missing_domains(project: Project) -> None:
    for command in (["workflow.list"], ["workflow.history", "W"], ["worker.start", "-t", "q"], ["standalone", BASIC]):
        done = project.run(*command)
        assert done.returncode == 2 and "(or set SWF_DOMAIN)" in done.stderr, command


@pytest.mark.parametrize("command", [["worker.start"], ["decider.start", BASIC]])
def test_a_list_that_cannot_be_ends_at_once(project: Project, command: list[str]) -> None:
    done = project.run(*command, "-d", "D", "-t", "a:b")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "a:b" in done.stderr


def test_standalone_says_one_line_of_bad_input(project: Project) -> None:
    for wrong in ("{", "[]", '{"args": [1], "kwarg": {}}'):
        done = project.run("standalone", "-d", "D", BASIC, "--input", wrong)
        assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr


PRINTS = """
from simpleflow import Workflow

class Prints(Workflow):
    def run(self):
        print("h\u00e9\u00e9 \u6f22\u5b57")
        return 7
"""


@pytest.mark.parametrize("output", ["closed", "full", "gone"])
def test_an_output_that_fails_reaches_no_run(project: Project, output: str) -> None:
    """A run is a function of its events: what happens to its prints does not change what becomes of it."""
    project.write("prints.py", PRINTS)
    command = f"{project.executable} standalone -d D prints.Prints"
    shell = {"closed": f"{command} >&-", "full": f"{command} >/dev/full", "gone": f"{command} | true"}[output]
    bash = ["bash", "-o", "pipefail", "-c", shell]
    env = {**project.env, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(bash, cwd=project.path, env=env, capture_output=True, text=True, timeout=60)
    assert done.stderr.endswith("result: 7\n") and done.returncode == 0, done.stderr


def test_engines(project: Project) -> None:
    for command in (["workflow.list", "D"], ["workflow.start", "-d", "D", BASIC, "--input", "1"]):
        done = project.run("--engine", "mysql:here", *command)
        assert done.returncode == 1
        assert done.stderr.startswith("Error: 'mysql:here' names no engine; the forms are sqlite:PATH")
    done = project.run("workflow.list", "D", SIMPLEFLOW_ENGINE="memory")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: the engine `memory` lives in one process and serves --local only: ")
    done = project.run("workflow.start", "--local", BASIC, "--input", "[1, 0]", SIMPLEFLOW_ENGINE="memory")
    assert done.stdout == "(1 + 1) * 2 = 4\n"


FORMS = "names no engine; the forms are sqlite:PATH, memory, http://HOST:PORT, aws or aws:REGION"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:xx", f"'http://127.0.0.1:xx' {FORMS}"),
        ("http://127.0.0.1:99999", f"'http://127.0.0.1:99999' {FORMS}"),
        ("http://[::1", f"'http://[::1' {FORMS}"),
        ("http://:80", f"'http://:80' {FORMS}"),
        ("http://", f"'http://' {FORMS}"),
        ("http://a b", f"'http://a b' {FORMS}"),
        ("http://127.0.0.1:1/x", "'http://127.0.0.1:1/x' names more than a server: write http://127.0.0.1:1"),
        (
            "http://127.0.0.1:1",
            'Could not connect to the endpoint URL: "http://127.0.0.1:1/": start `simpleflow server`, or name another '
            "--engine",
        ),
        ("aws", "You must specify a region: name it with --engine aws:REGION"),
    ],
)
def test_engines_that_are_not_there(project: Project, url: str, words: str) -> None:
    done = project.run("--engine", url, "workflow.list", "D")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"Error: {words}\n")


def test_wrong_usage(project: Project) -> None:
    for arguments in (["no.such"], ["workflow.list", "--no-such"], ["workflow.info"], ["worker.start", "-d", "D"]):
        done = project.run(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert _last(done.stderr).startswith("Error: ")
    for words, hint in (
        (["workflow.star"], "workflow.start"),
        (["workflow", "list", "D"], "workflow.list"),
        (["rerun"], "activity.rerun"),
        (["list"], "domain.list or type.list or workflow.list"),
    ):
        said = project.run(*words).stderr
        assert said == f"Error: There is no command {words[0]!r}. Did you mean {hint}?\n"
    done = project.run("workflow.start", BASIC, "--input", "1")
    assert (done.returncode, _last(done.stderr)) == (
        2,
        "Error: Missing option '--domain' (or set SWF_DOMAIN), or --local.",
    )


def test_deciders_and_their_lists(project: Project) -> None:
    start = ("decider.start", "-d", "D")
    done = project.run(*start)
    assert (done.returncode, done.stdout) == (2, "")
    assert _last(done.stderr) == "Error: Missing option '--task-list', for want of workflows that agree on one."
    done = project.run(*start, BASIC, "flows.Failing")
    assert (done.returncode, done.stdout) == (2, "")
    assert _last(done.stderr).endswith("agree on one: these have default, example.")
    done = project.run(*start, "flows.Nothing")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: the module flows has no Nothing: did you mean flows.Failing?\n"


def test_debug_shows_where(project: Project) -> None:
    done = project.run("--debug", "workflow.start", "--local", "broken.Class")
    assert done.returncode == 1
    assert "Traceback (most recent call last):" in done.stderr
    assert 'broken.py", line 1' in done.stderr
    done = project.run("--debug", "workflow.start", "--local", BASIC, "--input", "{")
    assert done.returncode == 1
    assert "call_of" in done.stderr and _last(done.stderr).startswith("Error: --input is no JSON")


def _engine_refused(project: Project, url: str, named: str) -> None:
    for arguments in (["workflow.list", "D"], ["standalone", "-d", "D", BASIC, "--input", "1"]):
        done = project.run("--engine", url, *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert named in _last(done.stderr)
        assert len(done.stderr.splitlines()) <= 2, done.stderr  # the engine's name, and what is wrong
        assert _last(done.stderr).startswith("Error: ")


def _last(text: str) -> str:
    return text.splitlines()[-1]


def _ours(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("Traceback")]
