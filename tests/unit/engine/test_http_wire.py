"""AWS JSON 1.0 and its signatures, without a socket."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from simpleflow.engine.http import wire
from simpleflow.engine.http.signature import Verifier, read_keys
from simpleflow.protocol.faults import MODELED, Fault
from simpleflow.protocol.operations import ALL_OPERATIONS, OPERATIONS

NOW = datetime(2026, 7, 1, 12, 0, 0, tzinfo=UTC)
TARGET = "SimpleWorkflowService.ListDomains"
BODY = b'{"registrationStatus":"REGISTERED"}'


@pytest.mark.parametrize(
    "before", ["SimpleWorkflowService.", "com.amazonaws.swf.service.model.SimpleWorkflowService.", ""]
)
def test_targets(before: str) -> None:
    for name, operation in ALL_OPERATIONS.items():
        assert wire.operation_of(before + name) is operation


@pytest.mark.parametrize("target", ["", ".", "SimpleWorkflowService.", "ListTables", "listdomains", "x" * 10_000])
def test_targets_that_name_nothing(target: str) -> None:
    with pytest.raises(Fault) as caught:
        wire.operation_of(target)
    assert caught.value.code == "UnknownOperationException"
    assert len(caught.value.message) < 200


def test_bodies() -> None:
    assert wire.request_of(b"") == {}
    assert wire.request_of(b'{"a": null, "b": 1.5}') == {"a": None, "b": 1.5}
    for wrong in (b"[]", b"1", b"null", b"{", b"\xff", b'{"a": NaN}', b'{"a": "\\ud800"}', b"[" * 100_000):
        with pytest.raises(Fault) as caught:
            wire.request_of(wrong)
        assert caught.value.code == "SerializationException"


def test_answers() -> None:
    moment = datetime(2020, 1, 1, 0, 0, 0, 123_000, tzinfo=UTC)
    assert wire.encoded({"at": moment, "text": "é"}) == '{"at":1577836800.123,"text":"é"}'.encode()
    exchange = wire.Exchange("POST", "/", [], b"", Nobody())
    assert wire.body_of(OPERATIONS["StartWorkflowExecution"], {"runId": "x"}, exchange) == b'{"runId":"x"}'
    assert wire.body_of(OPERATIONS["RegisterDomain"], {}, exchange) == b""
    with pytest.raises(TypeError):
        wire.encoded({"x": object()})


@pytest.mark.parametrize("region", ["local", "eu-west-1", "us-gov-west-1"])
def test_arns_have_the_region_of_the_signature(region: str) -> None:
    scope = f"AWS4-HMAC-SHA256 Credential=K/E:Y/20260701/{region}/swf/aws4_request, SignedHeaders=host, Signature=0"
    signed = [(b"authorization", scope.encode())] if region != "local" else []
    exchange = wire.Exchange("POST", "/", signed, b"", Nobody())

    def info(region: str) -> dict[str, str]:
        return {"name": "a:local:", "arn": f"arn:aws:swf:{region}:000000000000:/domain/a:local:"}

    for name, told in (
        ("DescribeDomain", {"domainInfo": info("local")}),
        ("ListDomains", {"domainInfos": [info("local")]}),
    ):
        body = wire.body_of(OPERATIONS[name], told, exchange)
        assert orjson.loads(body) in ({"domainInfo": info(region)}, {"domainInfos": [info(region)]})


@pytest.mark.parametrize(
    ("code", "status", "namespace"),
    [
        *((code, 400, "com.amazonaws.swf.base.model") for code in MODELED),
        ("ValidationException", 400, "com.amazon.coral.validate"),
        ("SerializationException", 400, "com.amazon.coral.service"),
        ("UnknownOperationException", 400, "com.amazon.coral.service"),
        ("InternalFailure", 500, "com.amazon.coral.service"),
        ("ThrottlingException", 400, "com.amazon.coral.availability"),
        ("RequestEntityTooLargeException", 413, "com.amazon.coral.service"),
        ("UnrecognizedClientException", 400, "com.amazon.coral.service"),
    ],
)
def test_refusals(code: str, status: int, namespace: str) -> None:
    body = f'{{"__type":"{namespace}#{code}","message":"words"}}'.encode()
    assert wire.refusal(code, "words") == wire.Answer(status, body, code)


class Nobody:
    """The other end of a connection."""

    def gone(self) -> bool:
        return False

    def when_gone(self, function: Callable[[], None]) -> None:
        """Never."""


class Request:
    """A signed request, as a client sends it."""

    def __init__(
        self, key: str = "K", secret: str = "S", service: str = "swf", time: datetime = NOW, **more: str
    ) -> None:
        self.method, self.target, self.body = "POST", "/", BODY
        headers = {
            "Host": "127.0.0.1:8042",
            "X-Amz-Target": TARGET,
            "Content-Type": "application/x-amz-json-1.0",
            **more,
        }
        request = AWSRequest("POST", "http://127.0.0.1:8042/", data=BODY, headers=headers)
        stamp = time.strftime("%Y%m%dT%H%M%SZ")
        signer = SigV4Auth(Credentials(key, secret), service, "eu-west-1")
        request.context["timestamp"] = stamp
        request.headers["X-Amz-Date"] = stamp
        words = signer.string_to_sign(request, signer.canonical_request(request))
        signer._inject_signature_to_request(request, signer.signature(words, request))
        self.headers = [(name.lower().encode(), value.encode()) for name, value in request.headers.items()]

    def put(self, name: str, value: str) -> None:
        self.headers = [(key, old) for key, old in self.headers if key != name.encode()]
        self.headers.append((name.encode(), value.encode()))

    def replace(self, name: str, old: str, new: str) -> None:
        value = dict(self.headers)[name.encode()].decode()
        assert old in value
        self.put(name, value.replace(old, new))

    def without(self, name: str) -> None:
        self.headers = [(key, value) for key, value in self.headers if key != name.encode()]

    def verify(self) -> None:
        exchange = wire.Exchange(self.method, self.target, self.headers, self.body, Nobody())
        Verifier({"K": "S"}, now=lambda: NOW)(exchange)


def refused(request: Request) -> tuple[str, str]:
    with pytest.raises(Fault) as caught:
        request.verify()
    return caught.value.code, caught.value.message


def test_a_good_signature() -> None:
    Request().verify()
    for minutes in (-5, 5):
        Request(time=NOW + timedelta(minutes=minutes)).verify()


def test_who_is_not_known() -> None:
    words = "The security token included in the request is invalid."
    assert refused(Request(key="other")) == ("UnrecognizedClientException", words)
    unsigned = Request()
    unsigned.without("authorization")
    assert refused(unsigned) == ("MissingAuthenticationTokenException", "Missing Authentication Token")


def test_a_wrong_secret() -> None:
    code, words = refused(Request(secret="other"))
    assert code == "InvalidSignatureException"
    assert words.startswith("The request signature we calculated does not match the signature you provided.")


def test_an_old_one() -> None:
    code, words = refused(Request(time=NOW - timedelta(minutes=5, seconds=1)))
    assert code == "InvalidSignatureException"
    assert words == (
        "Signature expired: 20260701T115459Z is now earlier than 20260701T115500Z (20260701T120000Z - 5 min.)"
    )
    code, words = refused(Request(time=NOW + timedelta(minutes=5, seconds=1)))
    assert words == (
        "Signature not yet current: 20260701T120501Z is still later than 20260701T120500Z (20260701T120000Z + 5 min.)"
    )


def _body(request: Request) -> None:
    request.body = b'{"registrationStatus":"DEPRECATED"}'


def _first(request: Request) -> None:
    request.headers.insert(0, (b"x-amz-target", b"SimpleWorkflowService.TerminateWorkflowExecution"))


CHANGES: dict[str, Any] = {
    "body": _body,
    "target before the signed one": _first,
    "method": lambda request: setattr(request, "method", "PUT"),
    "path": lambda request: setattr(request, "target", "/clock"),
    "query": lambda request: setattr(request, "target", "/?x=1"),
    "target": lambda request: request.put("x-amz-target", "SimpleWorkflowService.TerminateWorkflowExecution"),
    "target after the signed one": lambda request: request.headers.append(
        (b"x-amz-target", b"SimpleWorkflowService.Other")
    ),
    "unsigned header": lambda request: request.put("x-amz-other", "1"),
    "host": lambda request: request.put("host", "elsewhere"),
    "no host": lambda request: request.without("host"),
    "time": lambda request: request.put("x-amz-date", "20260701T120100Z"),
    "day": lambda request: request.put("x-amz-date", "20260702T120000Z"),
    "day of the scope": lambda request: request.replace("authorization", "/20260701/", "/20260630/"),
    "region": lambda request: request.replace("authorization", "eu-west-1", "eu-west-2"),
    "service": lambda request: request.replace("authorization", "/swf/", "/s3/"),
    "signature": lambda request: request.replace("authorization", "Signature=", "Signature=0"),
    "signed headers": lambda request: request.replace("authorization", "x-amz-target", "x-amz-other"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_one(what: str) -> None:
    request = Request()
    CHANGES[what](request)
    code, words = refused(request)
    assert code == "InvalidSignatureException", words


def test_a_body_that_is_not_signed() -> None:
    request = Request(**{"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    assert refused(request)[0] == "InvalidSignatureException"


def test_another_service() -> None:
    assert refused(Request(service="dynamodb")) == (
        "InvalidSignatureException",
        "Credential should be scoped to correct service: 'swf'.",
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("AWS4-HMAC-SHA256", "AWS4-HMAC-MD5"),
        ("AWS4-HMAC-SHA256 ", ""),
        ("Signature=", "Signal="),
        ("SignedHeaders=", "Headers="),
        ("Credential=", "Cred="),
        ("/aws4_request", ""),
        ("/aws4_request", "/aws9_request"),
        ("/20260701/", "/2026/"),
    ],
)
def test_one_that_is_not_whole(old: str, new: str) -> None:
    request = Request()
    request.replace("authorization", old, new)
    assert refused(request)[0] == "IncompleteSignatureException"


@pytest.mark.parametrize("stamp", ["", "yesterday", "2026-07-01T12:00:00Z"])
def test_one_without_its_time(stamp: str) -> None:
    request = Request()
    if stamp:
        request.put("x-amz-date", stamp)
    else:
        request.without("x-amz-date")
    assert refused(request)[0] == "IncompleteSignatureException"


def test_keys() -> None:
    assert read_keys("# ours\nAKIA1 secret/+1\n\n  AKIA2\tsecret2  \n") == {"AKIA1": "secret/+1", "AKIA2": "secret2"}
    for text, words in (
        ("", "there is no key in it"),
        ("A B C", "line 1 holds 3 words"),
        ("A B\nA C", "line 2 holds an access key for the second time"),
    ):
        with pytest.raises(ValueError, match=words):
            read_keys(text)
