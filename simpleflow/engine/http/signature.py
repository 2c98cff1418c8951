"""Signature Version 4, verified: the signature of a request is made anew with botocore's signer, and compared.

What is not signed is not believed: the host, and every x-amz header, must be. A request is good for five minutes
before and after its own time, as it is for Amazon.
See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from simpleflow.engine.http.wire import Exchange
from simpleflow.protocol.faults import Fault

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "swf"
MINUTES = 5
_PART = re.compile(r"\s*(\w+)=([^,]*)\s*")
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{0,5})?")
_FORM = "%Y%m%dT%H%M%SZ"


def read_keys(text: str) -> dict[str, str]:
    """Secret keys by access keys, from lines of both. Raises ValueError, which names the line."""
    keys: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2:
            raise ValueError(f"line {number} holds {len(words)} words: write an access key, a space and its secret key")
        if words[0] in keys:
            raise ValueError(f"line {number} holds an access key for the second time")
        keys[words[0]] = words[1]
    if not keys:
        raise ValueError("there is no key in it: write lines of an access key, a space and its secret key")
    return keys


@dataclass(frozen=True, slots=True)
class Claim:
    """What the header Authorization says."""

    key: str
    date: str
    region: str
    service: str
    signed: tuple[str, ...]
    signature: str


class _Signer(SigV4Auth):  # type: ignore[misc]
    """botocore's signer, over the headers that the client has signed and no others."""

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        headers = HTTPHeaders()
        for name, value in request.headers.items():
            headers[name.lower()] = value
        return headers


class Verifier:
    """Lets in who signs with one of these keys. `now` tells the wall's time, whatever the engine's clock does."""

    def __init__(self, keys: Mapping[str, str], now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._keys = dict(keys)
        self._now = now

    def __call__(self, exchange: Exchange) -> None:
        """Raises the fault that Amazon answers a request with which is not signed as it must be."""
        headers, body = exchange.headers, exchange.body
        found = Counter(name for name, _ in headers)
        values = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
        claim = _claim(values.get("authorization", ""))
        stamp = _stamp(values)
        twice = [name.decode("latin-1") for name, count in found.items() if count > 1]
        for name in values:
            must = name == "host" or name.startswith("x-amz-")
            if must and (name not in claim.signed or name in twice):
                raise _invalid(f"'{name}' must be a 'SignedHeader' in the AWS Authorization, and be given once.")
        if "host" not in values:
            raise _invalid("'Host' must be a 'SignedHeader' in the AWS Authorization.")
        if not _HOST.fullmatch(values["host"]):
            raise _invalid("'Host' must be a name or an address, and a port where there is one.")
        self._check_scope(claim, stamp)
        secret = self._keys.get(claim.key)
        if secret is None:
            raise Fault("UnrecognizedClientException", "The security token included in the request is invalid.")
        digest = hashlib.sha256(body).hexdigest()
        if values.get("x-amz-content-sha256", digest) != digest:
            raise _mismatch()
        signed = {name: values.get(name, "") for name in claim.signed}
        expected = _signature(claim, secret, stamp, exchange, signed)
        if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
            raise _mismatch()
        self._check_time(stamp)

    def _check_scope(self, claim: Claim, stamp: str) -> None:
        if claim.service != SERVICE:
            raise _invalid(f"Credential should be scoped to correct service: '{SERVICE}'.")
        if claim.date != stamp[:8]:
            raise _invalid(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                f"'{claim.date}' != '{stamp[:8]}', from '{stamp}'."
            )

    def _check_time(self, stamp: str) -> None:
        now, leeway = self._now(), timedelta(minutes=MINUTES)
        time = datetime.strptime(stamp, _FORM).replace(tzinfo=UTC)
        if time < now - leeway:
            earliest = (now - leeway).strftime(_FORM)
            raise _invalid(
                f"Signature expired: {stamp} is now earlier than {earliest} ({now.strftime(_FORM)} - {MINUTES} min.)"
            )
        if time > now + leeway:
            latest = (now + leeway).strftime(_FORM)
            raise _invalid(
                f"Signature not yet current: {stamp} is still later than {latest} "
                f"({now.strftime(_FORM)} + {MINUTES} min.)"
            )


def _claim(authorization: str) -> Claim:
    """Read the header. Raises the faults of one that is missing or not whole."""
    if not authorization:
        raise Fault("MissingAuthenticationTokenException", "Missing Authentication Token")
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != ALGORITHM:
        raise _incomplete(f"Unsupported AWS 'algorithm': '{algorithm[:40]}'.")
    parts = {match[1]: match[2] for part in rest.split(",") if (match := _PART.fullmatch(part))}
    for name in ("Credential", "Signature", "SignedHeaders"):
        if not parts.get(name):
            raise _incomplete(f"Authorization header requires '{name}' parameter.")
    scope = parts["Credential"].rsplit("/", 4)
    if len(scope) != 5 or scope[4] != "aws4_request" or not re.fullmatch(r"[0-9]{8}", scope[1]):
        raise _incomplete(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term."
        )
    key, date, region, service, _ = scope
    return Claim(key, date, region, service, tuple(parts["SignedHeaders"].split(";")), parts["Signature"])


def _stamp(values: Mapping[str, str]) -> str:
    """The request's own time, as X-Amz-Date gives it."""
    stamp = values.get("x-amz-date", "")
    try:
        datetime.strptime(stamp, _FORM)
    except ValueError:
        words = "must be in ISO8601 'basic format'" if stamp else "is missing"
        raise _incomplete(f"The header 'X-Amz-Date' {words}.") from None
    return stamp


def _signature(claim: Claim, secret: str, stamp: str, exchange: Exchange, signed: Mapping[str, str]) -> str:
    """The signature that the request must have."""
    request = AWSRequest(
        exchange.method, f"http://{signed['host']}{exchange.target}", data=exchange.body, headers=signed
    )
    request.context["timestamp"] = stamp
    signer = _Signer(Credentials(claim.key, secret), SERVICE, claim.region)
    signature: str = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    return signature


def _invalid(words: str) -> Fault:
    return Fault("InvalidSignatureException", words)


def _incomplete(words: str) -> Fault:
    return Fault("IncompleteSignatureException", words)


def _mismatch() -> Fault:
    return _invalid(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details."
    )
