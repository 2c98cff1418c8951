"""Access keys: who may call a server, and how others are told that they may not."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
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


def garbage(seed: int) -> tuple[str, dict[str, str]]:
    """A target and headers in the name of a key that the server knows, with anything in the places that it reads."""
    pick = random.Random(seed)

    def spoilt(good: str) -> str:
        anything = "".join(chr(pick.choice((*range(32, 127), *range(160, 256)))) for _ in range(pick.randrange(1, 9)))
        return pick.choice((good, good, good, anything, good + anything, anything + good))

    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{OURS['aws_access_key_id']}/{spoilt(stamp[:8])}/{spoilt('eu-west-1')}/swf/aws4_request"
    signed = ";".join(("host", "x-amz-date", "x-amz-target", *(("x",) if pick.random() < 0.3 else ())))
    signature = spoilt("0" * 64)
    return "/" + pick.choice(("", "?x", "?%zz=[&=", "?[::1")), {
        "Host": pick.choice((spoilt("x"), "[", "[::1", "[::1]:x", "]", "x:99999", "[::1]:80", "x:-1", "a@[")),
        "X-Amz-Date": pick.choice((stamp, stamp, stamp, spoilt(stamp))),
        "X-Amz-Target": f"{TARGET}.ListDomains",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={signed}, Signature={signature}",
    }


def test_garbage_in_the_name_of_a_known_key(server: Server) -> None:
    """Every request gets one of the faults of a wrong signature, and many come as far as to be compared."""
    codes: Counter[str] = Counter()
    with server.connection() as connection:
        for seed in range(500):
            target, headers = garbage(seed)
            connection.putrequest("POST", target, skip_host=True)
            for name, value in headers.items():
                connection.putheader(name, value.encode("latin-1"))
            connection.endheaders()
            response = connection.getresponse()
            answer = json.loads(response.read())
            assert response.status == 400, (headers, answer)
            codes[answer["__type"].partition("#")[2]] += 1
    assert set(codes) == {"InvalidSignatureException", "IncompleteSignatureException"}
    assert codes["InvalidSignatureException"] > 150


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"Host": "["}, "'Host' must be a name or an address"),
        ({"Host": "[::1"}, "'Host' must be a name or an address"),
        ({"Signature": "\xe9"}, "does not match the signature you provided"),
    ],
)
def test_what_no_client_signs(server: Server, changed: dict[str, str], words: str) -> None:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    with server.connection() as connection:
        connection.putrequest("POST", "/", skip_host=True)
        connection.putheader("Host", changed.get("Host", "x"))
        connection.putheader("X-Amz-Date", stamp)
        signature = changed.get("Signature", "0" * 64).encode("latin-1")
        scope = f"{OURS['aws_access_key_id']}/{stamp[:8]}/eu-west-1/swf/aws4_request"
        claim = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date, Signature=".encode()
        connection.putheader("Authorization", claim + signature)
        connection.endheaders()
        response = connection.getresponse()
        answer = json.loads(response.read())
    assert (response.status, answer["__type"]) == (400, "com.amazon.coral.service#InvalidSignatureException")
    assert words in answer["message"]


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
    assert "The security token included in the request is invalid" in refused.stderr
    wrong = project.run("--engine", server.url, "workflow.list", "D", **{**keys, "AWS_SECRET_ACCESS_KEY": "wrong"})
    for done in (refused, wrong):
        assert "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a pair that the engine knows" in done.stderr
        assert "its --access-keys file" in done.stderr
    secure = project.run("--engine", server.url.replace("http:", "https:"), "workflow.list", "D", **keys)
    assert secure.stderr.endswith("this server does not speak TLS, write http://\n")


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
