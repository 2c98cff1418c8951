"""Access keys: who may call a server, and how others are told that they may not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from serving import TARGET, Server, shared
from shell import PATIENCE, Project

OURS = {"aws_access_key_id": "AKIAOURS", "aws_secret_access_key": "secret/+of=ours"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    arguments = ("--virtual-clock", "--host", "0.0.0.0", "--access-keys", "keys")
    with shared(tmp_path_factory.mktemp("server"), *arguments) as running:
        yield running


def test_the_right_key(server: Server) -> None:
    for region in ("eu-west-1", "us-east-1"):
        assert (
            server.boto(**OURS, region_name=region).list_domains(registrationStatus="REGISTERED")["domainInfos"] == []
        )


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"aws_access_key_id": "AKIANOBODY"}, "UnrecognizedClientException"),
        ({"aws_secret_access_key": "wrong"}, "InvalidSignatureException"),
    ],
)
def test_a_wrong_key(server: Server, changed: dict[str, str], code: str) -> None:
    with pytest.raises(ClientError) as caught:
        server.boto(**{**OURS, **changed}).list_domains(registrationStatus="REGISTERED")
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_no_key(server: Server) -> None:
    status, answer = server.call("ListDomains", {"registrationStatus": "REGISTERED"})
    assert status == 400
    assert answer["__type"] == "com.amazon.coral.service#MissingAuthenticationTokenException"
    for method in ("GET", "POST"):
        status, _, body = server.send(method, "/clock", b"")
        assert (status, b"MissingAuthenticationToken" in body) == (400, True)
    assert server.get("/health")["status"] == "ok"


def test_a_replay_with_changes(server: Server) -> None:
    """What boto3 signed, sent again: as it was it is good for five minutes, with another body or target it is not."""
    swf = server.boto(**OURS)
    sent: list[tuple[bytes, dict[str, str]]] = []

    def keep(request: object, **rest: object) -> None:
        texts = {
            key: value if isinstance(value, str) else value.decode()
            for key, value in request.headers.items()  # type: ignore[attr-defined]
        }
        sent.append((request.body, texts))  # type: ignore[attr-defined]

    swf.meta.events.register("before-send.swf.*", keep)
    swf.list_domains(registrationStatus="REGISTERED")
    body, headers = sent[0]
    assert server.send("POST", "/", body, headers)[0] == 200
    status, _, answer = server.send("POST", "/", body.replace(b"REGISTERED", b"DEPRECATED"), headers)
    assert (status, json.loads(answer)["__type"]) == (400, "com.amazon.coral.service#InvalidSignatureException")
    status, _, answer = server.send("POST", "/", body, {**headers, "X-Amz-Target": f"{TARGET}.DescribeDomain"})
    assert (status, json.loads(answer)["__type"]) == (400, "com.amazon.coral.service#InvalidSignatureException")
    assert server.send("POST", "/?x=1", body, headers)[0] == 400


def test_the_aws_command_line_and_our_own_commands(server: Server, project: Project) -> None:
    keys = {name.upper(): value for name, value in OURS.items()} | {"AWS_DEFAULT_REGION": "eu-west-1"}
    aws = [sys.executable, str(Path(sys.executable).with_name("aws")), "--endpoint-url", server.url, "swf"]
    register = ["register-domain", "--name", "D", "--workflow-execution-retention-period-in-days", "1"]
    for env, words in ((keys, ""), ({**keys, "AWS_SECRET_ACCESS_KEY": "wrong"}, "(InvalidSignatureException)")):
        done = subprocess.run(
            [*aws, *register], env={**project.env, **env}, capture_output=True, text=True, timeout=PATIENCE
        )
        assert bool(done.returncode) == bool(words)
        assert words in done.stderr
    listed = project.run("--engine", server.url, "workflow.list", "D", **keys)
    assert (listed.returncode, listed.stderr) == (0, "")
    refused = project.run("--engine", server.url, "workflow.list", "D")
    assert refused.returncode == 1
    assert "The security token included in the request is invalid. (UnrecognizedClientException)" in refused.stderr


def test_keys_of_the_environment(project: Project) -> None:
    project.write("keys", "AKIAOURS secret/+of=ours\n")
    server = Server(project, "--engine", "memory", SIMPLEFLOW_ACCESS_KEYS="keys")
    assert server.call("ListDomains", {})[0] == 400
    assert server.boto(**OURS).list_domains(registrationStatus="REGISTERED")["domainInfos"] == []
    server.end()
    project.write("keys", "AKIAOURS\n")
    done = project.run("server", "--engine", "memory", SIMPLEFLOW_ACCESS_KEYS="keys")
    assert done.stderr == (
        "Error: the access keys in keys: line 1 holds 1 words: write an access key, a space and its secret key\n"
    )
