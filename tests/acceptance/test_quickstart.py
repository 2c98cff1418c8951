"""What a newcomer types, in a directory of their own."""

from __future__ import annotations

import json
import os
import re
import sys

import psutil

from places import everywhere
from shell import PATIENCE, ROOT, Command, Project

BASIC = "examples.basic.BasicWorkflow"
GATE = """
from simpleflow import Workflow, activity

@activity.with_attributes()
def pass_gate(x):
    print("at the gate")
    open("gate").read()  # a FIFO without a writer lets nobody through, a file anybody
    return x

class Gate(Workflow):
    def run(self, x):
        passed = self.submit(pass_gate, x)
        print("before")
        result = passed.result
        print("through")
        return result
"""
DAYS = """
from datetime import date
from simpleflow import Workflow

class Days(Workflow):
    def run(self) -> dict[date, int]:
        return {date(2024, 2, 29): 1, "later": 2}
"""
ID = re.compile(r"(basic-\d{8}T\d{6}-[0-9a-f]{8}) (\S+)")


def shut_gate(project: Project) -> None:
    project.write("gate.py", GATE)
    os.mkfifo(project.path / "gate")


def open_gate(project: Project) -> None:
    (project.path / "gate").unlink()
    project.write("gate", "")


def test_local(project: Project) -> None:
    done = project.run("workflow.start", "--local", BASIC, "--input", "[1, 0]")
    assert (done.returncode, done.stdout) == (0, "(1 + 1) * 2 = 4\n")
    assert "result: 4\n" in done.stderr


def test_local_shows_what_an_engine_would_keep(project: Project) -> None:
    project.write("days.py", DAYS)
    done = project.run("workflow.start", "--local", "days.Days")
    assert (done.returncode, done.stderr) == (0, 'result: {"2024-02-29": 1, "later": 2}\n')


def test_local_interrupted(project: Project) -> None:
    shut_gate(project)
    command = project.start("workflow.start", "--local", "gate.Gate", "--input", "[1]", PYTHONUNBUFFERED="1")
    command.says("at the gate")
    command.interrupt()
    assert command.ends() == 130
    assert "".join(command.err) == ""


@everywhere()
def test_standalone(project: Project) -> None:
    done = project.run("standalone", "--domain", "TestDomain", "--display-status", "true", BASIC, "--input", "[1, 0]")
    assert done.returncode == 0, done.stderr
    assert "\nstatus: OPEN\n" in done.stderr
    names, printed = done.stdout.splitlines()
    assert ID.fullmatch(names)
    assert printed == "(1 + 1) * 2 = 4"
    assert done.stderr.startswith(f"engine: {project.engine}\n")
    assert done.stderr.endswith("result: 4\n")


@everywhere()
def test_three_terminals(project: Project) -> None:
    decider = project.start("decider.start", "--domain", "TestDomain", "--task-list", "test", BASIC)
    worker = project.start("worker.start", "--domain", "TestDomain", "--task-list", "quickstart", "-N", "1")
    decider.says("deciding on test")
    worker.says("working on quickstart")
    given = '{"args": [1], "kwargs": {"t": 0}}'
    started = project.run("workflow.start", "-d", "TestDomain", "--task-list", "test", BASIC, "--input", given)
    match = ID.fullmatch(started.stdout.rstrip("\n"))
    assert match, started
    workflow_id, run_id = match.groups()
    decider.says(re.escape("(1 + 1) * 2 = 4"))

    def listed(status: str) -> list[list[str]]:
        done = project.run("workflow.list", "TestDomain", "--status", status)
        return [line.split("\t") for line in done.stdout.splitlines()]

    while not listed("closed"):
        pass
    assert listed("open") == []
    assert listed("closed")[0][:5] == [workflow_id, "basic", "CLOSED", "COMPLETED", run_id]

    [info] = json.loads(project.run("--format", "prettyjson", "workflow.info", "TestDomain", workflow_id).stdout)
    assert list(info)[:9] == [
        "domain",
        "workflow_type.name",
        "workflow_type.version",
        "task_list",
        "workflow_id",
        "run_id",
        "tag_list",
        "execution_time",
        "input",
    ]
    assert info["input"] == {"args": [1], "kwargs": {"t": 0}}
    assert (info["task_list"], info["status"], info["result"]) == ("test", "COMPLETED", 4)
    assert (info["failure"], info["parked"]) == (None, None)

    history = ("workflow.history", "--domain", "TestDomain", "-o", "events")
    events = json.loads(project.run("--format", "json", "--header", *history, workflow_id).stdout)
    assert [event["eventId"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["eventType"] == "WorkflowExecutionStarted"
    assert events[-1]["workflowExecutionCompletedEventAttributes"]["result"] == "4"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", events[0]["eventTimestamp"])
    backwards = project.run("--format", "json", *history, "--reverse-order", workflow_id, run_id)
    assert json.loads(backwards.stdout) == events[::-1]

    for command in (decider, worker):
        command.interrupt()
        assert command.ends() == 0, command.err
    assert decider.out == ["(1 + 1) * 2 = 4"]


@everywhere(soak=("moto",))
def test_one_task(project: Project) -> None:
    decider = project.start("decider.start", "-d", "D", BASIC)  # on the list of the workflow
    decider.says("deciding on example")
    worker = project.start("worker.start", "-d", "D", "-t", "quickstart", "--one-task")
    started = project.run("workflow.start", "-d", "D", BASIC, "--input", "[1, 0]")
    assert started.returncode == 0
    assert worker.ends() == 0
    assert project.run("workflow.list", "D").stdout.startswith(started.stdout.split()[0])
    decider.interrupt()
    assert decider.ends() == 0


@everywhere()
def test_terminate(project: Project) -> None:
    started = project.run("workflow.start", BASIC, "--input", "1", "--workflow-id", "W", SWF_DOMAIN="TestDomain")
    assert started.stdout.startswith("W ")
    again = project.run("workflow.start", "-d", "TestDomain", BASIC, "--input", "1", "--workflow-id", "W")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.splitlines()[-1].startswith("Error: a run of W is open already: ")

    ended = project.run("workflow.terminate", "W", "--reason", "no more of it", SWF_DOMAIN="TestDomain")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    [info] = json.loads(project.run("--format", "prettyjson", "workflow.info", "TestDomain", "W").stdout)
    assert (info["status"], info["failure"]) == ("TERMINATED", "no more of it")
    again = project.run("workflow.terminate", "TestDomain", "W")
    assert again.returncode == 1
    assert again.stderr == (
        "Error: the domain TestDomain has no open run of W: see `simpleflow workflow.list TestDomain`\n"
    )


@everywhere(soak=("moto",))
def test_interrupted_and_gone_on_with(project: Project) -> None:
    shut_gate(project)
    how = ("--isolation", "fresh", "--allow", "gate")
    command = ("standalone", "--domain", "TestDomain", *how, "--workflow-id", "W", "gate.Gate")
    first = project.start(*command, "--input", "[1]", "--nb-workers", "1")
    first.says("at the gate")
    first.process.terminate()  # as good as Ctrl-C
    first.says("another Ctrl-C or SIGTERM ends it now")
    first.interrupt()
    assert first.ends() == 130
    assert project.processes() == []
    assert f"  simpleflow {' '.join(command)}" in first.err
    worker = rf"  simpleflow worker.start --domain TestDomain {' '.join(how)} --task-list W-[0-9a-f]{{32}}"
    assert re.fullmatch(worker, first.err[-1])

    open_gate(project)
    second = project.run(*command)
    assert second.returncode == 0, second.stderr
    assert second.stdout.splitlines() == [first.out[0], "through"]  # the same run; "before" was printed then
    assert second.stderr.endswith("result: 1\n")

    third = project.run(*command, "--input", "[2]")  # that one is closed: this is another
    assert third.returncode == 0
    assert third.stdout.splitlines()[0] != first.out[0]
    assert third.stderr.endswith("result: 2\n")


@everywhere(soak=("http", "moto"))
def test_killed_and_gone_on_with(project: Project) -> None:
    shut_gate(project)
    command = ("standalone", "--domain", "TestDomain", "--workflow-id", "W", "gate.Gate")
    first = project.start(*command, "--input", "[1]")
    first.says("at the gate")
    first.process.kill()
    assert first.ends() == -9
    _, alive = psutil.wait_procs(project.processes(), timeout=PATIENCE)
    assert not alive  # nobody outlives who started them
    open_gate(project)
    second = project.run(*command)
    assert (second.returncode, second.stdout.splitlines()[1:]) == (0, ["through"]), second.stderr


PROGRAM = """
import simpleflow
from gate import pass_gate

class Mine(simpleflow.Workflow):
    def run(self, x):
        return [self.submit(pass_gate, x).result]

if __name__ == "__main__":
    handle = simpleflow.start(Mine, 3, domain="D", workflow_id="W")
    print(handle.workflow_id, handle.run_id, handle.status, flush=True)
    print(handle.result(timeout=60), handle.status)
"""


@everywhere()
def test_start_from_a_program(project: Project) -> None:
    """Its workflow is in the very file that is run: others import it by the file's name."""
    shut_gate(project)
    open_gate(project)
    project.write("program.py", PROGRAM)
    program = Command([sys.executable, "program.py"], project.path, project.env)
    program.says("^W .* OPEN$")
    done = project.run("standalone", "-d", "D", "--workflow-id", "W", "-W", "1", "program.Mine")
    assert done.returncode == 0, done.stderr
    assert program.ends() == 0, program.err
    assert program.out[1:] == ["[3] COMPLETED"]
    assert program.err == []


@everywhere(soak=("moto",))
def test_parked(project: Project) -> None:
    """Code that asks for something else than the history holds waits, visibly, for the right code."""
    shut_gate(project)
    command = ("standalone", "-d", "D", "--workflow-id", "W", "-W", "1", "gate.Gate")
    first = project.start(*command, "--input", "[1]")
    first.says("at the gate")
    first.process.kill()
    assert first.ends() == -9
    project.write("gate.py", GATE.replace("pass_gate", "jump"))
    open_gate(project)
    second = project.start(*command)
    said = second.says("^the run waits: NonDeterministic: .*activity-gate.pass_gate-1")
    second.interrupt()
    assert second.ends() == 130
    info = project.run("--format", "human", "workflow.info", "D", "W").stdout
    assert "status                 OPEN\n" in info
    assert f"parked                 {said.string.removeprefix('the run waits: ')}\n" in info
    assert project.run("workflow.terminate", "D", "W").returncode == 0


@everywhere()
def test_attaching_to_a_run_with_lists_of_its_own(project: Project) -> None:
    """The run was started without a list for its activities; where they go is seen only once they are scheduled."""
    assert project.run("workflow.start", "-d", "D", "--workflow-id", "W", BASIC, "--input", "[1, 0]").returncode == 0
    done = project.run("standalone", "-d", "D", "--workflow-id", "W", "--nb-workers", "1", BASIC)
    assert done.returncode == 0, done.stderr
    assert "working on quickstart" in done.stderr
    assert done.stderr.endswith("result: 4\n")


@everywhere(soak=("http", "moto"))
def test_source_stats(project: Project) -> None:
    done = project.run("standalone", "-d", "D", "-W", "2", "examples.source_stats.SourceStats", "--input", "[100]")
    assert done.returncode == 0, done.stderr
    _, header, *rows = done.stdout.splitlines()
    assert header.split() == ["package", "files", "lines", "functions", "classes", "unparsable"]
    assert len(rows) == 10
    lines = [int(row.split()[2].replace(",", "")) for row in rows]
    assert lines == sorted(lines, reverse=True)


@everywhere(soak=("http", "moto"))
def test_workers_out_of_the_way_of_stdout(project: Project) -> None:
    """Standard output is what `run` prints; what activities print goes to standard error."""
    project.write(
        "loud.py",
        "from simpleflow import Workflow, activity\n"
        "@activity.with_attributes()\n"
        "def shout(text: str) -> str:\n"
        "    print('shouted', text)\n"
        "    return text\n"
        "class Loud(Workflow):\n"
        "    def run(self, text):\n"
        "        print(self.submit(shout, text).result)\n",
    )
    done = project.run("standalone", "-d", "D", "-W", "1", "loud.Loud", "--input", '"here"')
    assert done.stdout.splitlines()[1:] == ["here"]
    assert "shouted here" in done.stderr


def test_the_readme_shows_the_example() -> None:
    program = (ROOT / "README.md").read_text().split("```python\n")[1].split("```")[0]
    assert (ROOT / "examples" / "basic.py").read_text().endswith(program)
