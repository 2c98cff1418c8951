"""`simpleflow server`: what clients that nobody here wrote get from it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from serving import DECIDERS, TARGET, TYPE, Server, answer_of, prepare, start
from shell import PATIENCE, Project
from simpleflow.clients import client as open_client

DAY = 24 * 60 * 60


@pytest.fixture
def server(project: Project) -> Iterator[Server]:
    running = Server(project, "--engine", "memory", "--virtual-clock")
    yield running
    running.end()


@pytest.fixture
def kept(project: Project) -> Iterator[Server]:
    """A server on a file."""
    running = Server(project, "--engine", f"sqlite:{project.path / 'kept.db'}")
    yield running
    running.end()


def test_it_is_ready_in_a_second_and_says_where(project: Project) -> None:
    times = []
    for _ in range(3):  # the first one may have to compile what it imports
        begun = time.monotonic()
        server = Server(project, "--engine", "memory")
        times.append(time.monotonic() - begun)
        assert server.get("/health") == {"status": "ok", "waitingPolls": 0}
        assert server.command.out == [
            f"serving Amazon SWF at {server.url} from memory: what happens there is gone when the server ends"
        ]
        server.end()
    assert min(times) < 1, times


def test_what_is_on_a_file_is_kept(project: Project) -> None:
    url = f"sqlite:{project.path / 'kept.db'}"
    for number in range(2):
        server = Server(project, SIMPLEFLOW_ENGINE=url)
        assert f"from {url}: what happens there is kept" in server.command.out[0]
        if number == 0:
            server.prepare()
        domains = server.boto().list_domains(registrationStatus="REGISTERED")["domainInfos"]
        assert [domain["name"] for domain in domains] == ["D"]
        server.end()


@pytest.mark.parametrize(("how", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_ends_in_order(server: Server, how: signal.Signals, code: int) -> None:
    server.prepare()
    polls = [server.open_poll(), server.open_poll("PollForActivityTask")]
    server.command.process.send_signal(how)
    assert [answer_of(poll) for poll in polls] == [
        {"startedEventId": 0, "previousStartedEventId": 0},
        {"startedEventId": 0},
    ]
    assert server.command.ends() == code
    assert server.command.err == []


def test_boto3(server: Server) -> None:
    swf = server.prepare()
    execution = start(swf)
    task = swf.poll_for_decision_task(domain="D", taskList=DECIDERS)
    assert [event["eventType"] for event in task["events"]] == [
        "WorkflowExecutionStarted",
        "DecisionTaskScheduled",
        "DecisionTaskStarted",
    ]
    assert abs(task["events"][0]["eventTimestamp"].timestamp() - time.time()) < PATIENCE
    assert task["workflowExecution"] == execution
    done = {"decisionType": "CompleteWorkflowExecution"}
    answer = swf.respond_decision_task_completed(taskToken=task["taskToken"], decisions=[done])
    assert answer.keys() == {"ResponseMetadata"}
    assert answer["ResponseMetadata"]["RequestId"]
    begin = task["events"][0]["eventTimestamp"]  # botocore sends whole seconds
    closed = swf.list_closed_workflow_executions(domain="D", startTimeFilter={"oldestDate": begin})
    assert [info["closeStatus"] for info in closed["executionInfos"]] == ["COMPLETED"]
    pages = swf.get_paginator("get_workflow_execution_history").paginate(
        domain="D", execution=execution, maximumPageSize=2
    )
    assert [event["eventId"] for page in pages for event in page["events"]] == [1, 2, 3, 4, 5]


def test_the_region_is_the_client_s(server: Server) -> None:
    server.prepare()
    for region in ("eu-west-1", "us-east-1"):
        swf = server.boto(region_name=region)
        arn = swf.describe_domain(name="D")["domainInfo"]["arn"]
        assert arn == f"arn:aws:swf:{region}:000000000000:/domain/D"
        swf.tag_resource(resourceArn=arn, tags=[{"key": region, "value": "v"}])
    assert [tag["key"] for tag in swf.list_tags_for_resource(resourceArn=arn)["tags"]] == ["eu-west-1", "us-east-1"]
    unsigned = server.call("DescribeDomain", {"name": "D"})[1]["domainInfo"]["arn"]
    assert unsigned == "arn:aws:swf:local:000000000000:/domain/D"


def test_faults_as_boto3_sees_them(server: Server) -> None:
    swf = server.prepare()
    with pytest.raises(swf.exceptions.UnknownResourceFault) as caught:
        swf.describe_domain(name="nope")
    response: Any = caught.value.response
    assert response["Error"] == {"Code": "UnknownResourceFault", "Message": "Unknown domain: nope"}
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    with pytest.raises(swf.exceptions.DomainAlreadyExistsFault):
        swf.register_domain(name="D", workflowExecutionRetentionPeriodInDays="1")
    with pytest.raises(ClientError, match="ValidationException"):
        swf.register_domain(name="x" * 257, workflowExecutionRetentionPeriodInDays="1")


STYLES = [
    {"X-Amz-Target": f"{TARGET}.ListDomains", "Content-Type": "application/x-amz-json-1.0"},
    {
        "X-Amz-Target": f"com.amazonaws.swf.service.model.{TARGET}.ListDomains",
        "Content-Type": "application/json; charset=UTF-8",
        "Content-Encoding": "amz-1.0",
    },
]


@pytest.mark.parametrize("headers", STYLES)
def test_both_styles_of_headers(server: Server, headers: dict[str, str]) -> None:
    server.prepare()
    body = b'{"registrationStatus": "REGISTERED", "nextPageToken": null, "reverseOrder": null}'
    status, got, answer = server.send("POST", "/", body, headers)
    assert (status, got["content-type"]) == (200, "application/json")
    assert len(got["x-amzn-requestid"]) == 36
    assert int(got["content-length"]) == len(answer)
    assert [domain["name"] for domain in json.loads(answer)["domainInfos"]] == ["D"]


def test_the_wire(server: Server) -> None:
    """Empty bodies, times as numbers in both directions, and empty polls."""
    swf = server.prepare()
    body = b'{"name": "E", "workflowExecutionRetentionPeriodInDays": "1", "description": null}'
    status, headers, answer = server.send("POST", "/", body, {"X-Amz-Target": f"{TARGET}.RegisterDomain"})
    assert (status, headers["content-length"], answer) == (200, "0", b"")
    now = server.move(now=1_500_000_000.25)["now"]
    start(swf)
    for since in (1_500_000_000, 1_500_000_000.25, 1_499_999_999.9):
        status, found = server.call(
            "ListOpenWorkflowExecutions", {"domain": "D", "startTimeFilter": {"oldestDate": since}}
        )
        assert [info["startTimestamp"] for info in found["executionInfos"]] == [now]
    assert server.call("ListOpenWorkflowExecutions", {"domain": "D", "startTimeFilter": {"oldestDate": now + 1}}) == (
        200,
        {"executionInfos": []},
    )


def test_an_empty_poll(project: Project) -> None:
    server = Server(project, "--engine", "memory", "--long-poll-seconds", "0.05")
    server.prepare()
    poll = {"domain": "D", "taskList": DECIDERS}
    assert server.call("PollForDecisionTask", poll) == (200, {"startedEventId": 0, "previousStartedEventId": 0})
    assert server.call("PollForActivityTask", poll) == (200, {"startedEventId": 0})
    assert "taskToken" not in server.boto().poll_for_activity_task(**poll)
    server.end()


@pytest.mark.parametrize(
    "arguments",
    [
        ["swf", "list-domains", "--registration-status", "REGISTERED", "--query", "domainInfos[].name"],
        ["swf", "count-pending-decision-tasks", "--domain", "D", "--task-list", "name=deciders", "--query", "[count]"],
    ],
)
def test_the_aws_command_line(server: Server, arguments: list[str], project: Project) -> None:
    server.prepare()
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "eu-west-1"}
    aws = [sys.executable, str(Path(sys.executable).with_name("aws"))]
    done = subprocess.run(
        [*aws, "--endpoint-url", server.url, *arguments],
        env={**project.env, **keys},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.stderr == ""
    assert json.loads(done.stdout) == (["D"] if "list-domains" in arguments else [0])


def test_the_standard_variable(server: Server, project: Project) -> None:
    """AWS_ENDPOINT_URL_SWF leads an unmodified boto3 client there, and simpleflow's own commands."""
    server.prepare()
    code = "import boto3; print(boto3.client('swf').list_domains(registrationStatus='REGISTERED')['domainInfos'])"
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "eu-west-1"}
    env = {**project.env, "AWS_ENDPOINT_URL_SWF": server.url}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env | keys, capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert "'name': 'D'" in done.stdout
    start(server.boto())
    for engine in ([], ["--engine", "aws"]):
        listed = project.run(*engine, "workflow.list", "D", AWS_ENDPOINT_URL_SWF=server.url)
        assert listed.stdout.startswith("w-1\tw\tOPEN"), listed


def test_a_task_wakes_the_first_poll_only(server: Server) -> None:
    swf = server.prepare()
    polls = [server.open_poll() for _ in range(3)]
    first = start(swf, "first")
    assert answer_of(polls[0])["workflowExecution"] == first
    server.polls(2)
    others = [start(swf, "second"), start(swf, "third")]
    assert [answer_of(poll)["workflowExecution"] for poll in polls[1:]] == others


def test_a_client_that_goes_away_loses_no_task(server: Server) -> None:
    swf = server.prepare()
    for workflow_id in ("in time", "at once"):
        server.open_poll().close()
        if workflow_id == "in time":
            server.polls(0)  # it was noticed
        execution = start(swf, workflow_id)
        assert swf.poll_for_decision_task(domain="D", taskList=DECIDERS)["workflowExecution"] == execution


def test_a_task_passes_by_clients_that_went_away_all_at_once(server: Server) -> None:
    """The start and the ends of the connections reach the server together, while it is stopped."""
    swf = server.prepare()
    polls = [server.open_poll() for _ in range(20)]
    last = server.open_poll()
    server.process.suspend()
    with server.connection() as connection:
        request = {"domain": "D", "workflowId": "w", "workflowType": TYPE}
        connection.request("POST", "/", json.dumps(request), {"X-Amz-Target": f"{TARGET}.StartWorkflowExecution"})
        for poll in polls:
            poll.close()
        server.process.resume()
        run = json.loads(connection.getresponse().read())
    assert answer_of(last)["workflowExecution"] == {"workflowId": "w", **run}
    counted = swf.count_pending_decision_tasks(domain="D", taskList=DECIDERS)
    assert counted["count"] == 1  # the one that was given out


def test_processes_on_the_same_file(kept: Server, project: Project) -> None:
    """A poll that waits over HTTP gets what another process starts, and the other way round."""
    embedded: Any = open_client(f"sqlite:{project.path / 'kept.db'}")
    prepare(embedded)
    poll = kept.open_poll()
    begun = time.monotonic()
    execution = start(embedded, "from elsewhere")
    assert answer_of(poll)["workflowExecution"] == execution
    assert time.monotonic() - begun < 5
    execution = start(kept.boto(), "from here")
    assert embedded.poll_for_decision_task(domain="D", taskList=DECIDERS)["workflowExecution"] == execution
    embedded.close()


def test_hundreds_of_polls_cost_nearly_nothing(kept: Server, project: Project) -> None:
    """Not even where another process starts the runs, on more lists than have a socket to ring at."""
    kept.prepare()
    swf: Any = open_client(f"sqlite:{project.path / 'kept.db'}")
    assert kept.get("/health")["status"] == "ok"
    before = kept.process.memory_info().rss
    threads = kept.process.num_threads()
    polls = [kept.start_poll(task_list={"name": f"list-{number % 100}"}) for number in range(400)]
    kept.polls(400)
    assert kept.process.num_threads() == threads
    assert (kept.process.memory_info().rss - before) / 400 < 40_000
    for number in range(100):
        swf.start_workflow_execution(
            domain="D", workflowId=f"w-{number}", workflowType=TYPE, taskList={"name": f"list-{number}"}
        )
    assert [answer_of(poll)["workflowExecution"]["workflowId"] for poll in polls[:100]] == [
        f"w-{number}" for number in range(100)
    ]
    swf.close()
    for poll in polls[100:]:
        poll.close()
    kept.polls(0)


def test_thirty_days_pass(server: Server) -> None:
    """Through plain HTTP, as integration tests in any language do it."""
    server.prepare()
    assert server.move(now=1_600_000_000) == {"now": 1_600_000_000, "virtual": True}
    poll = {"domain": "D", "taskList": DECIDERS}
    server.call("StartWorkflowExecution", {"domain": "D", "workflowId": "w", "workflowType": TYPE})
    _, task = server.call("PollForDecisionTask", poll)
    timer = {"timerId": "t", "startToFireTimeout": str(30 * DAY)}
    decision = {"decisionType": "StartTimer", "startTimerDecisionAttributes": timer}
    token = {"taskToken": task["taskToken"], "decisions": [decision]}
    assert server.call("RespondDecisionTaskCompleted", token) == (200, None)
    waiting = server.open_poll()
    server.move(advance=30 * DAY - 1)
    assert server.get("/health")["waitingPolls"] == 1
    assert server.move(advance=1) == {"now": 1_600_000_000 + 30 * DAY, "virtual": True}
    fired = answer_of(waiting)["events"][-3]
    assert fired["eventType"] == "TimerFired"
    assert fired["eventTimestamp"] == 1_600_000_000 + 30 * DAY
    real = server.move(now=None)
    assert not real["virtual"]
    assert abs(real["now"] - time.time()) < PATIENCE


def test_a_clock_that_cannot_be_moved(server: Server, kept: Server) -> None:
    status, _, body = kept.send("POST", "/clock", b'{"advance": 1}')
    assert status == 404
    assert b"--virtual-clock" in body
    for wrong in (
        b"",
        b"{}",
        b'{"now": "x"}',
        b'{"advance": -1}',
        b'{"now": 1e18}',
        b'{"now": 1, "advance": 1}',
        b"[]",
    ):
        status, _, body = server.send("POST", "/clock", wrong)
        assert status == 400, body
    assert not server.get("/clock")["virtual"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], "others could reach 0.0.0.0, and nobody would ask who they are"),
        (["--engine", "aws"], "a server serves sqlite:PATH or memory, not aws"),
        (["--engine", "nothing"], "a server serves sqlite:PATH or memory, not nothing"),
        (["--engine", "sqlite:/proc/x/y"], "cannot write /proc/x/y"),
        (["--host", "no.such.host.invalid"], "there is no address 'no.such.host.invalid'"),
        (["--access-keys", "missing"], "cannot read the access keys in missing: No such file or directory; name"),
        (["--access-keys", "."], "cannot read the access keys in .: Is a directory; name a file with lines of"),
        (["--access-keys", "binary"], "the access keys in binary are no text; name a file with lines of"),
    ],
)
def test_what_cannot_be_served(project: Project, arguments: list[str], words: str) -> None:
    (project.path / "binary").write_bytes(b"\xff\x00\xfe")
    done = project.run("server", "--port", "0", *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: {words}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("seconds", ["nan", "inf", "-inf", "3601"])
def test_no_number_of_seconds(project: Project, seconds: str) -> None:
    done = project.run("server", "--engine", "memory", "--port", "0", "--long-poll-seconds", seconds)
    assert done.returncode == 2
    assert "Invalid value for '--long-poll-seconds'" in done.stderr


def test_a_clock_of_a_file_that_anybody_can_move(project: Project) -> None:
    warning = "; anybody who can call it can move its clock, and so end the runs there"
    for engine, clock in (("sqlite:x.db", True), ("sqlite:x.db", False), ("memory", True)):
        server = Server(project, "--engine", engine, *(["--virtual-clock"] if clock else []))
        assert server.command.out[0].endswith(warning) == (clock and engine != "memory")
        server.end()


def test_a_port_that_is_taken(project: Project, server: Server) -> None:
    done = project.run("server", "--engine", "memory", "--port", str(server.address[1]))
    assert done.returncode == 1
    assert "Address already in use; name another with --port (0: any that is free)" in done.stderr
