"""simpleflow's own processes, with a server for their engine."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from serving import DECIDERS, TYPE, Server, answer_of, prepare, start, until
from shell import Project
from simpleflow.clients import client as open_client
from simpleflow.protocol.faults import code_of

FLOWS = """
from simpleflow import Workflow, activity

@activity.with_attributes(task_list="work")
def double(x):
    return 2 * x

class Doubling(Workflow):
    task_list = "decide"
    def run(self, n):
        return sum(future.result for future in [self.submit(double, x) for x in range(n)])
"""


@pytest.fixture
def server(project: Project) -> Iterator[Server]:
    project.write("flows.py", FLOWS)
    running = Server(project, "--engine", "memory")
    yield running
    running.end()


def test_decider_worker_and_start_in_three_processes(server: Server, project: Project) -> None:
    engine = ("--engine", server.url)
    deciding = project.start(*engine, "decider.start", "-d", "D", "flows.Doubling")
    working = project.start(*engine, "worker.start", "-d", "D", "-t", "work", "-N", "1")
    server.polls(2)
    started = project.run(*engine, "workflow.start", "-d", "D", "flows.Doubling", "--input", "[10]")
    assert started.returncode == 0, started
    workflow_id, run_id = started.stdout.split()

    def info() -> str:
        return project.run(*engine, "--format", "json", "workflow.info", "D", workflow_id, run_id).stdout

    until(lambda: "COMPLETED" in info(), "the run is completed")
    assert "90" in info()
    server.polls(2)
    begun = time.monotonic()
    for command in (deciding, working):
        command.process.send_signal(signal.SIGTERM)
    assert [command.ends() for command in (deciding, working)] == [0, 0]
    assert time.monotonic() - begun < 10  # the long poll is 58 s
    server.polls(0)
    for command in (deciding, working):
        assert not any("WARNING" in line or "Traceback" in line for line in command.err), command.err


def test_standalone(server: Server, project: Project) -> None:
    done = project.run("standalone", "-d", "D", "flows.Doubling", "--input", "[20]", SIMPLEFLOW_ENGINE=server.url)
    assert done.returncode == 0, done
    assert "result: 380" in done.stderr
    server.polls(0)


WAITING = """
from pathlib import Path
from simpleflow import Workflow, activity

@activity.with_attributes(task_list="work")
def opened(path):
    return Path(path).read_text()

class Opening(Workflow):
    def run(self, path):
        return self.submit(opened, path).result
"""


def test_standalone_goes_on_while_the_server_is_away(project: Project) -> None:
    project.write("flow.py", WAITING)
    fifo = project.path / "fifo"
    os.mkfifo(fifo)
    file = ("--engine", f"sqlite:{project.path / 'kept.db'}")
    server = Server(project, *file)
    wanted = ("standalone", "-d", "D", "-W", "1", "flow.Opening", "--input", json.dumps([str(fifo)]))
    running = project.start("--engine", server.url, *wanted)
    with fifo.open("w") as opened:  # from here on the activity reads it
        server.end()
        running.says("standalone.*the engine cannot be reached, trying again until it can")
        server = Server(project, *file, "--port", str(server.address[1]))
        running.says("the engine answers again")
        opened.write("done")
    assert running.ends() == 0
    assert 'result: "done"' in running.err
    assert sum("trying again until it can" in line for line in running.err) == 1
    server.end()


def test_standalone_says_how_to_go_on_when_the_server_refuses(project: Project) -> None:
    project.write("flow.py", WAITING)
    project.write("keys", "AKIAOURS ours\n")
    fifo = project.path / "fifo"
    os.mkfifo(fifo)
    file = ("--engine", f"sqlite:{project.path / 'kept.db'}")
    server = Server(project, *file)
    wanted = ("standalone", "-d", "D", "-W", "1", "flow.Opening", "--input", json.dumps([str(fifo)]))
    running = project.start("--engine", server.url, *wanted, "--workflow-id", "w")
    with fifo.open("w"):
        server.end()
        server = Server(project, *file, "--port", str(server.address[1]), "--access-keys", "keys")
        running.says("giving up: nothing new is begun")
    running.says("w is still open. To go on with it:")
    running.says("  simpleflow --engine .* standalone --domain D --workflow-id w flow.Opening")
    assert running.ends() == 1
    assert "UnrecognizedClientException" in running.err[-1]
    server.end()


def test_standalone_with_the_standard_variable_and_keys(project: Project) -> None:
    project.write("flows.py", FLOWS)
    project.write("keys", "AKIAOURS ours\n")
    server = Server(project, "--engine", "memory", "--access-keys", "keys")
    env = {"AWS_ENDPOINT_URL_SWF": server.url, "AWS_ACCESS_KEY_ID": "AKIAOURS", "AWS_SECRET_ACCESS_KEY": "ours"}
    done = project.run("standalone", "-d", "D", "flows.Doubling", "--input", "[2]", **env)
    assert done.returncode == 0, done
    assert "result: 2" in done.stderr
    server.end()


def test_a_server_that_comes_back(project: Project) -> None:
    """Deciders and workers wait for it."""
    project.write("flows.py", FLOWS)
    file = ("--engine", f"sqlite:{project.path / 'kept.db'}")
    server = Server(project, *file)
    engine = ("--engine", server.url)
    deciding = project.start(*engine, "decider.start", "-d", "D", "flows.Doubling")
    working = project.start(*engine, "worker.start", "-d", "D", "-t", "work", "-N", "1")
    server.polls(2)
    server.process.kill()
    server.command.ends()
    for command in (deciding, working):
        command.says("the engine cannot be reached, trying again")
    again = project.start("server", *file, "--port", str(server.address[1]))
    again.says(r"http://\S+")
    started = project.run(*engine, "workflow.start", "-d", "D", "flows.Doubling", "--input", "[3]")
    workflow_id, run_id = started.stdout.split()
    shown = ("workflow.info", "D", workflow_id, run_id)
    until(lambda: "COMPLETED" in project.run(*engine, *shown).stdout, "the run is completed")
    for command in (deciding, working, again):
        command.process.send_signal(signal.SIGTERM)
    assert [command.ends() for command in (deciding, working, again)] == [0, 0, 0]


class Stopping:
    """A request to stop: made once the poll waits."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.asked = 0
        self.stop = False

    def __call__(self) -> bool:
        self.asked += 1
        self.stop = self.stop or bool(self.server.get("/health")["waitingPolls"])
        return self.stop


def test_a_poll_that_is_left_loses_no_task(server: Server) -> None:
    prepare(server.boto())
    stopping = Stopping(server)
    swf: Any = open_client(server.url, stopping=stopping)
    begun = time.monotonic()
    assert not swf.poll_for_decision_task(domain="D", taskList=DECIDERS).get("taskToken")
    assert time.monotonic() - begun < 10
    assert stopping.stop
    execution = start(server.boto())
    task = server.boto().poll_for_decision_task(domain="D", taskList=DECIDERS)
    assert task["workflowExecution"] == execution
    with pytest.raises(Exception) as caught:
        swf.poll_for_decision_task(domain="E", taskList=DECIDERS)
    assert code_of(caught.value) == "UnknownResourceFault"
    swf.close()


def test_a_task_that_came_before_a_poll_was_left_is_worked_on(server: Server) -> None:
    boto = server.prepare()
    execution: dict[str, str] = {}

    def stopping() -> bool:
        if not execution:
            server.polls(1)
            execution.update(start(boto))
            server.polls(0)  # the answer is on its way when the connection is half closed
        return True

    swf: Any = open_client(server.url, stopping=stopping)
    task = swf.poll_for_decision_task(domain="D", taskList=DECIDERS)
    assert task["workflowExecution"] == execution
    swf.close()


def test_a_task_that_comes_just_when_a_poll_is_left(server: Server) -> None:
    """Either that poll gets it, or it is there for the next one."""
    boto = server.prepare()
    starting: list[socket.socket] = []

    def stopping() -> bool:
        if not starting:
            server.polls(1)
            request = {"domain": "D", "workflowId": f"w-{number}", "workflowType": TYPE}
            starting.append(server.say("StartWorkflowExecution", request))
        return True

    swf: Any = open_client(server.url, stopping=stopping)
    for number in range(30):
        task = swf.poll_for_decision_task(domain="D", taskList=DECIDERS)
        assert "runId" in answer_of(starting.pop())
        if not task.get("taskToken"):
            counted = boto.count_pending_decision_tasks(domain="D", taskList=DECIDERS)
            assert counted["count"] == number + 1  # those that are worked on, and this one
            task = boto.poll_for_decision_task(domain="D", taskList=DECIDERS)
        assert task["workflowExecution"]["workflowId"] == f"w-{number}"
    swf.close()


def test_connections_are_used_again(server: Server) -> None:
    prepare(server.boto())
    swf: Any = open_client(server.url, stopping=lambda: False)
    poll = server.open_poll()  # it holds one connection
    before = server.process.num_fds()
    for number in range(5):
        start(swf, f"w-{number}")
        if number == 0:
            assert answer_of(poll)["taskToken"]
        else:
            assert swf.poll_for_decision_task(domain="D", taskList=DECIDERS)["taskToken"]
    assert server.process.num_fds() <= before + 1
    swf.close()
