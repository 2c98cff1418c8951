"""Lambda functions, run by `worker.start` and `standalone`. The decider is a plain client of Amazon SWF."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from serving import DECIDERS, Server, prepare, start, until
from shell import Command, Project
from simpleflow.clients import client as open_client
from simpleflow.protocol.history import attributes
from simpleflow.runtime.start import codec_of

FUNCTIONS = '''
import os, signal, sys

def double(event, context):
    print("printed by a function")
    return {"doubled": 2 * event["n"], "by": context.function_name, "pid": os.getpid()}

def fail(event, context):
    raise ValueError("nope")

def crash(event, context):
    os.kill(os.getpid(), signal.SIGSEGV)
    signal.pause()

def leave(event, context):
    sys.exit(3)

def give_set(event, context):
    return {1}

def twice(event, context):
    return event + event

def hold(event, context):
    """Tell who holds, for ever."""
    with open(event, "w") as file:
        file.write(str(os.getpid()))
    signal.pause()

def read(event, context):
    """What somebody writes into a FIFO."""
    return os.read(os.open(event, os.O_RDONLY), 100).decode()
'''
NAMES = ("double", "fail", "crash", "leave", "give_set", "hold", "read", "twice")
LAMBDAS = [f"{name}=functions:{name}" for name in NAMES] + ["gone=nowhere:f", "lacks=functions:lacks"]
OPTIONS = [word for text in LAMBDAS for word in ("--lambda", text)]
WORKER = ("worker.start", "-d", "D", "-t", "work", "-N", "1")


class Decider:
    """Has functions run, each in a run of its own."""

    def __init__(self, swf: Any) -> None:
        self.swf = swf
        self._runs = 0

    def schedule(self, name: str, given: Any = None, **more: str) -> dict[str, str]:
        self._runs += 1
        execution = start(self.swf, f"w-{self._runs}")
        task = self.swf.poll_for_decision_task(domain="D", taskList=DECIDERS)
        wanted = {"id": "l", "name": name, "input": json.dumps(given), **more}
        decision = {
            "decisionType": "ScheduleLambdaFunction",
            "scheduleLambdaFunctionDecisionAttributes": wanted,
        }
        self.swf.respond_decision_task_completed(taskToken=task["taskToken"], decisions=[decision])
        return execution

    def outcome(self) -> dict[str, Any]:
        """The last event of the function, once there is something to decide."""
        task = self.swf.poll_for_decision_task(domain="D", taskList=DECIDERS, reverseOrder=True)
        event: dict[str, Any] = next(e for e in task["events"] if e["eventType"].startswith("LambdaFunction"))
        return event

    def completed(self, name: str, given: Any = None) -> Any:
        self.schedule(name, given)
        event = self.outcome()
        assert event["eventType"] == "LambdaFunctionCompleted", event
        return json.loads(attributes(event)["result"])

    def failed(self, name: str, given: Any = None) -> tuple[str, Any]:
        """Reason and details, those of what a function raised from JSON."""
        self.schedule(name, given)
        event = self.outcome()
        assert event["eventType"] == "LambdaFunctionFailed", event
        reason, details = attributes(event)["reason"], attributes(event).get("details")
        return reason, json.loads(details) if reason == "Unhandled" else details

    def types(self, execution: dict[str, str]) -> list[str]:
        history = self.swf.get_workflow_execution_history(domain="D", execution=execution)
        return [event["eventType"] for event in history["events"]]


class Jobs:
    """An engine, a decider, and a worker that was started as users start it."""

    def __init__(self, project: Project, swf: Any, url: str, *options: str) -> None:
        project.write("functions.py", FUNCTIONS)
        prepare(swf)
        self.path = project.path
        self.decider = Decider(swf)
        self.worker: Command = project.start("--engine", url, *WORKER, *options)

    def file(self) -> Path:
        return self.path / "holds"

    def holder(self) -> int:
        """The process that runs `hold`."""
        until(lambda: self.file().exists() and self.file().read_text(), "the function runs")
        return int(self.file().read_text())


@pytest.fixture(params=["sqlite", "http"])
def jobs(request: pytest.FixtureRequest, project: Project) -> Iterator[Jobs]:
    url = f"sqlite:{project.path / 'jobs.db'}"
    if request.param == "sqlite":
        swf: Any = open_client(url)
        yield Jobs(project, swf, url, *OPTIONS)
        swf.close()
    else:
        project.write("functions.py", FUNCTIONS)
        server = Server(project, "--engine", url, *OPTIONS)
        yield Jobs(project, server.boto(), server.url)
        server.end()


def end(jobs: Jobs) -> None:
    jobs.worker.process.terminate()
    begun = time.monotonic()
    assert jobs.worker.ends() == 0
    assert time.monotonic() - begun < 10  # the long poll is longer


def test_functions_complete_fail_crash_and_time_out(jobs: Jobs) -> None:
    decider = jobs.decider
    first = decider.completed("double", {"n": 4})
    child = first.pop("pid")
    assert first == {"doubled": 8, "by": "double"}
    reason, details = decider.failed("fail")
    assert reason == "Unhandled"
    assert (details["errorType"], details["errorMessage"]) == ("ValueError", "nope")
    assert len(details["stackTrace"]) == 1 and 'raise ValueError("nope")' in details["stackTrace"][0]
    reason, details = decider.failed("leave")
    assert (reason, details["errorMessage"]) == ("Unhandled", "the function called sys.exit(3)")
    reason, details = decider.failed("give_set")
    assert (reason, details["errorType"]) == ("Unhandled", "PayloadError")
    assert decider.completed("double", {"n": 1})["pid"] == child  # which is warm still
    reason, details = decider.failed("crash")
    assert reason.startswith("worker-died: killed by signal 11 (SIGSEGV)")
    assert json.loads(details)["output"] == "", "what others have printed is not its own"
    second = decider.completed("double", {"n": 1})["pid"]
    assert second != child
    assert decider.failed("gone")[0] == "cannot import nowhere:f: No module named 'nowhere'"
    assert decider.failed("lacks")[0] == "cannot import functions:lacks: module 'functions' has no attribute 'lacks'"
    assert decider.failed("unheard-of") == ("ResourceNotFoundException", "Function not found: unheard-of")
    end(jobs)
    assert not any("Traceback" in line for line in jobs.worker.err), jobs.worker.err


def test_large_values_go_through_the_store_of_the_engines_file(project: Project) -> None:
    url = f"sqlite:{project.path / 'jobs.db'}"
    swf: Any = open_client(url)
    jobs = Jobs(project, swf, url, *OPTIONS)
    codec = codec_of(url)
    given = codec.freeze("x" * 100_000, "it")
    assert given.startswith("simpleflow+file://")
    jobs.decider.schedule("twice", input=given)
    result = attributes(jobs.decider.outcome())["result"]
    assert result.startswith("simpleflow+file://") and codec.load(result) == "x" * 200_000
    end(jobs)
    swf.close()


def test_a_function_that_overruns_its_time_is_ended(jobs: Jobs) -> None:
    decider = jobs.decider
    decider.completed("double", {"n": 1})  # its process is warm
    execution = decider.schedule("hold", str(jobs.file()), startToCloseTimeout="2")
    holder = jobs.holder()
    event = decider.outcome()
    assert event["eventType"] == "LambdaFunctionTimedOut"
    assert attributes(event)["timeoutType"] == "START_TO_CLOSE"
    until(lambda: not psutil.pid_exists(holder), "it is ended")
    assert decider.completed("double", {"n": 1})["pid"] != holder
    assert [kind for kind in decider.types(execution) if kind.startswith("Lambda")] == [
        "LambdaFunctionScheduled",
        "LambdaFunctionStarted",
        "LambdaFunctionTimedOut",
    ]
    end(jobs)


def test_the_first_signal_lets_a_function_end(jobs: Jobs) -> None:
    fifo = jobs.path / "fifo"
    os.mkfifo(fifo)
    jobs.decider.schedule("read", str(fifo))
    ends: list[int] = []

    def has_reader() -> bool:
        with contextlib.suppress(OSError):
            ends.append(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
        return bool(ends)

    until(has_reader, "the function runs")
    ours = ends[0]
    jobs.worker.process.terminate()
    jobs.worker.says("SIGTERM: nothing new is begun")
    os.write(ours, b"told")
    event = jobs.decider.outcome()
    assert attributes(event)["result"] == '"told"'
    assert jobs.worker.ends() == 0
    os.close(ours)


def test_the_second_signal_ends_a_function(jobs: Jobs) -> None:
    jobs.decider.schedule("hold", str(jobs.file()))
    holder = jobs.holder()
    jobs.worker.process.terminate()
    jobs.worker.says("SIGTERM: nothing new is begun")
    jobs.worker.process.send_signal(signal.SIGINT)
    assert jobs.worker.ends() == 0
    event = jobs.decider.outcome()
    assert (event["eventType"], attributes(event)["reason"]) == ("LambdaFunctionFailed", "worker-shutdown")
    assert not psutil.pid_exists(holder)


FLOW = """
import os
from simpleflow import Workflow, activity

@activity.with_attributes()
def read(fifo):
    return os.read(os.open(fifo, os.O_RDONLY), 100).decode()

class Reading(Workflow):
    def run(self, fifo):
        return self.submit(read, fifo).result
"""


def test_standalone_runs_functions_too(project: Project) -> None:
    project.write("flow.py", FLOW)
    project.write("functions.py", FUNCTIONS)
    os.mkfifo(fifo := project.path / "fifo")
    ours = os.open(fifo, os.O_RDWR)
    url = f"sqlite:{project.path / 'jobs.db'}"
    swf: Any = open_client(url)
    prepare(swf)
    wanted = ("standalone", "-d", "D", "-W", "1", "flow.Reading", "--input", json.dumps([str(fifo)]))
    done = project.start("--engine", url, *wanted, SIMPLEFLOW_LAMBDAS="double=functions:double, fail=functions:fail")
    assert Decider(swf).completed("double", {"n": 21})["doubled"] == 42
    os.write(ours, b"told")
    assert done.ends() == 0
    assert "printed by a function" in done.err and "printed by a function" not in done.out
    assert done.err[-1] == 'result: "told"'
    os.close(ours)
    swf.close()


def test_standalone_says_how_to_go_on_with_its_functions(project: Project) -> None:
    project.write("flow.py", FLOW)
    os.mkfifo(fifo := project.path / "fifo")
    url = f"sqlite:{project.path / 'jobs.db'}"
    swf: Any = open_client(url)
    wanted = ("standalone", "-d", "D", "-W", "1", "--lambda", "f=functions:f", "flow.Reading", "--workflow-id", "w")
    done = project.start("--engine", url, *wanted, "--input", json.dumps([str(fifo)]))
    run_id = done.says(r"^w (\S+)").group(1)
    execution = {"workflowId": "w", "runId": run_id}
    until(lambda: "ActivityTaskStarted" in Decider(swf).types(execution), "a worker has the activity")
    done.interrupt()
    done.says("another Ctrl-C or SIGTERM ends it now")
    done.interrupt()
    assert done.ends() == 130
    simpleflow, named = f"  simpleflow --engine {url}", "--domain D --lambda f=functions:f"
    assert f"{simpleflow} standalone {named} --workflow-id w flow.Reading" in done.err
    assert any(line.startswith(f"{simpleflow} worker.start {named} --task-list w-") for line in done.err)
    swf.close()


def test_no_process_waits_for_functions_that_nobody_named(project: Project) -> None:
    server = Server(project, "--engine", "memory")
    for url in (server.url, f"sqlite:{project.path / 'jobs.db'}"):
        worker = project.start("--engine", url, *WORKER, SIMPLEFLOW_LAMBDAS="f=m:f" if url == server.url else "")
        worker.says("working on work of the domain D")
        assert len(psutil.Process(worker.process.pid).children()) == 1
        worker.process.terminate()
        assert worker.ends() == 0
    server.end()


WRONG = "takes NAME=MODULE:FUNCTION, such as resize=images.handlers:resize, and not"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--lambda", "f"], f"Invalid value for '--lambda': {WRONG} 'f'"),
        (["--lambda", "f=m.f"], f"Invalid value for '--lambda': {WRONG} 'f=m.f'"),
        (["--lambda", "=m:f"], f"Invalid value for '--lambda': {WRONG} '=m:f'"),
        (["--lambda", "f=m:f()"], f"Invalid value for '--lambda': {WRONG} 'f=m:f()'"),
        (["--lambda", "f=m:f", "--lambda", "f=m:g"], "Invalid value for '--lambda': names f twice"),
    ],
)
@pytest.mark.parametrize(
    "command",
    [
        ["worker.start", "-d", "D", "-t", "work"],
        ["server"],
        ["standalone", "-d", "D", "examples.basic.BasicWorkflow"],
        ["workflow.start", "--local", "examples.basic.BasicWorkflow"],
    ],
    ids=lambda command: command[0],
)
def test_wrong_names(project: Project, command: list[str], options: list[str], message: str) -> None:
    done = project.run(*command, *options)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, f"Error: {message}")


def test_wrong_names_in_the_environment(project: Project) -> None:
    done = project.run("workflow.list", "D", SIMPLEFLOW_LAMBDAS="f=m:f,g")
    assert (done.returncode, done.stderr) == (
        1,
        f"Error: the environment variable SIMPLEFLOW_LAMBDAS='f=m:f,g' {WRONG} 'g'\n",
    )


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        ("aws:eu-west-1", "Amazon SWF runs Lambda functions itself: leave --lambda out"),
        (
            "http://127.0.0.1:1",
            "the server at http://127.0.0.1:1 says which Lambda functions there are: give --lambda to "
            "`simpleflow server`",
        ),
    ],
)
def test_engines_that_cannot_be_told(project: Project, engine: str, message: str) -> None:
    for command in (WORKER, ("standalone", "-d", "D", "examples.basic.BasicWorkflow")):
        done = project.run("--engine", engine, *command, "--lambda", "f=m:f")
        assert (done.returncode, done.stderr) == (1, f"Error: {message}\n")


def test_options_that_do_not_go_together(project: Project) -> None:
    done = project.run(*WORKER, "--one-task", "--lambda", "f=m:f")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        2,
        "Error: --lambda and --one-task exclude each other: the one task is an activity.",
    )
    done = project.run("workflow.start", "-d", "D", "examples.basic.BasicWorkflow", "-i", "1", "--lambda", "f=m:f")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        2,
        "Error: --lambda goes with --local here: workers are told, by `worker.start --lambda ...`.",
    )
