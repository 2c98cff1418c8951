"""Programs, binaries, measurements, middlewares and contexts through real workers."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import amazon
from hands import Engine, finish
from shell import Project

FLOW = '''
import json, os
from simpleflow import activity, execute, futures, logger, metrology
from simpleflow.step import tasks

@activity.with_attributes()
@execute.python()
def in_a_process(x):
    return [x, os.getpid()]

@activity.with_attributes()
@execute.python()
def told():
    context = told.context
    return {**context, "input": json.loads(context["input"])["args"]}

@activity.with_attributes(raises_on_failure=False)
@execute.python()
def fails(x):
    raise KeyError(x)

@activity.with_attributes()
@execute.program(path="echo", argument_format=execute.plain_arguments)
def echo(*words): ...

@activity.with_attributes(meta={"binaries": {"hello-there": "LOCATION"}})
@execute.program(path="hello-there")
def hello(): ...

@activity.with_attributes()
def path():
    return os.environ["PATH"]

@activity.with_attributes()
def pid(*before):
    logger.debug("an activity")
    return os.getpid()

@activity.with_attributes()
class Crunch(metrology.MetrologyTask):
    def __init__(self, x):
        self.x = x

    def execute(self):
        with self.step("load") as step:
            step.read.records += self.x
        self.meta["x"] = self.x
        return self.x

def before(context):
    context["notes"] = ["before " + context["name"]]

def after(context, result):
    with open("notes", "a") as file:
        print(*context["notes"], result, file=file)

def mark(name):
    return activity.Activity(tasks.MarkStepDoneTask), "BUCKET", "flow/steps", name

class Flow(metrology.MetrologyWorkflow):
    name = "flow"

    def run(self):
        logger.debug("a decision")
        around = {"pre": ["flow.before"], "post": ["flow.after"]}
        failed = self.submit(fails, "x")
        found = futures.wait(
            self.submit(in_a_process, 1), self.submit(told), self.submit(echo, "a", "b c"), self.submit(hello),
            self.submit(path), self.submit(pid), self.submit(Crunch, 3),
            self.submit(pid, simpleflow_middlewares=around),
        )
        futures.wait(self.submit(*mark("a.b")), self.submit(*mark("a.c")))
        done = self.submit(activity.Activity(tasks.GetStepsDoneTask), "BUCKET", "flow/steps").result
        failed.result
        return [*found, failed.exception.reason, json.loads(failed.exception.details)["traceback"][-1], done]
'''


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, str]]:
    with amazon.s3() as environment:
        yield environment


@pytest.mark.parametrize("where", ["directories", "s3"])
def test_everything_through_workers(project: Project, where: str, s3: dict[str, str]) -> None:
    location, bucket, environment = str(project.path / "program"), str(project.path / "steps"), {}
    program = "#!/bin/sh\necho hello\n"
    project.write("program", program)
    environment["METROLOGY_BUCKET"] = str(project.path / "measured")
    if where == "s3":
        location, bucket, environment = "s3://tools/program", "steps", {**s3, "METROLOGY_BUCKET": "measured"}
        store = client(s3)
        for name in ("tools", "steps", "measured"):
            store.create_bucket(Bucket=name)
        store.put_object(Bucket="tools", Key="program", Body=program.encode())
    project.write("flow.py", FLOW.replace("LOCATION", location).replace("BUCKET", bucket))
    environment |= {"XDG_CACHE_HOME": str(project.path / "cache"), "LOG_LEVEL": "DEBUG"}
    done = project.run("standalone", "--domain", "D", "-W", "1", "flow.Flow", **environment)
    assert done.returncode == 0, done.stderr
    assert re.search(r"DEBUG \[process=decider, pid=\d+, workflow=\S+, decision=\d+\]: a decision\n", done.stderr)
    assert re.search(r"DEBUG \[process=task, pid=\d+, workflow=\S+, activity=\S+\]: an activity\n", done.stderr)
    workflow_id, run_id = done.stdout.split()
    info = project.run("--format", "json", "--header", "workflow.info", "D", workflow_id)
    found = json.loads(info.stdout)
    found = (found[0] if isinstance(found, list) else found)["result"]
    (one, its_pid), told, echoed, hello, path, worker_pid, crunched, again, reason, traceback, steps = found
    assert one == 1 and its_pid != worker_pid == again
    assert (told["workflow_id"], told["run_id"], told["domain_name"]) == (workflow_id, run_id, "D")
    assert (told["name"], told["activity_id"], told["input"]) == ("flow.told", "activity-flow.told-1", [])
    assert told["activity_task_list"] and told["version"]
    assert (echoed, hello, crunched) == ("a b c\n", "hello\n", 3)
    assert "hello-there" not in path, "a task's programs are its own"
    assert (reason, traceback) == ("KeyError: 'x'", "KeyError: 'x'\n")
    assert (project.path / "notes").read_text() == f"before flow.pid {worker_pid}\n"
    assert steps == ["a.b", "a.c"]
    folder = f"{workflow_id}/{run_id.replace('=', '%3D')}"
    measured = json.loads(content(project, environment, f"{folder}/activity.activity-flow.Crunch-1.json"))
    assert measured["meta"] == {"x": 3}
    gathered = dict(json.loads(content(project, environment, f"{folder}/metrology.json")))
    assert gathered["activity-flow.Crunch-1"]["metrology"] == measured
    assert gathered["activity-flow.path-1"]["metrology"] is None


def test_everything_locally(project: Project) -> None:
    project.write("program", "#!/bin/sh\necho hello\n")
    project.write(
        "flow.py",
        FLOW.replace("LOCATION", str(project.path / "program")).replace("BUCKET", str(project.path / "steps")),
    )
    environment = {"METROLOGY_BUCKET": str(project.path / "measured"), "XDG_CACHE_HOME": str(project.path / "cache")}
    done = project.run("workflow.start", "--local", "flow.Flow", **environment)
    assert done.returncode == 0, done.stderr
    assert (project.path / "notes").read_text().startswith("before flow.pid ")
    assert '["a.b", "a.c"]' in done.stderr
    (measured,) = (project.path / "measured").rglob("activity.*.json")
    assert json.loads(measured.read_text())["meta"] == {"x": 3}
    gathered = dict(json.loads((measured.parent / "metrology.json").read_text()))
    assert gathered["activity-flow.Crunch-1"]["metrology"]["meta"] == {"x": 3}


def client(environment: dict[str, str]) -> Any:
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=environment["AWS_ENDPOINT_URL_S3"],
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )


def content(project: Project, environment: dict[str, str], key: str) -> str:
    bucket = environment["METROLOGY_BUCKET"]
    if "AWS_ENDPOINT_URL_S3" not in environment:
        return (Path(bucket) / key).read_text()
    body: bytes = client(environment).get_object(Bucket=bucket, Key=key)["Body"].read()
    return body.decode()


# -- processes of functions, and their worker ----------------------------------------------------------------------

HOLD = '''
import os, signal
from simpleflow import execute

@execute.python()
def hold(fifo):
    held = os.open(fifo, os.O_WRONLY)
    os.write(held, b"%d\\n" % os.getpid())
    signal.pause()
'''


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    (tmp_path / "held.py").write_text(HOLD)
    engine = Engine(tmp_path, "")
    yield engine
    engine.close()


def test_a_functions_process_ends_with_a_killed_worker(engine: Engine) -> None:
    fifo = engine.fifo()
    program, worker = engine.worker()
    worker.give("held.hold", fifo.path)
    fifo.line()
    os.kill(worker.pid, signal.SIGKILL)
    assert fifo.gone() and finish(program)[0] == -signal.SIGKILL


def test_a_functions_process_ends_when_its_task_is_cancelled(engine: Engine) -> None:
    fifo = engine.fifo()
    program, worker = engine.worker()
    worker.give("held.hold", fifo.path, told={"heartbeat": "1"})
    fifo.line()
    worker.expect("record_activity_task_heartbeat", answer=False)
    worker.say(cancelRequested=True)
    worker.expect("respond_activity_task_canceled")
    assert fifo.gone()
    program.terminate()
    assert finish(program)[0] == 0


def test_a_functions_process_that_is_killed_fails_its_task(engine: Engine) -> None:
    fifo = engine.fifo()
    program, worker = engine.worker()
    worker.give("held.hold", fifo.path)
    os.kill(int(fifo.line()), signal.SIGKILL)
    reason = worker.expect("respond_activity_task_failed")["reason"]
    assert reason.startswith("ExecutionError: Command '[") and reason.endswith("died with <Signals.SIGKILL: 9>.")
    program.terminate()
    assert finish(program)[0] == 0
