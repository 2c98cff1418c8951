"""Large texts at the server whose engine is used, which keeps them beside its file (`simpleflow server`).

    PUT /payloads/SHA256/AT    a part of a text, from so many bytes on
    POST /payloads/SHA256      that was the last part
    GET /payloads/SHA256/AT    a part; an empty one is behind the last
    PUT, GET /payloads/notes/RUN/NAME    a note (`simpleflow.payload.notes`); an empty one is none

Requests are signed where boto3 finds keys. botocore is imported when the first one is sent.
"""

from __future__ import annotations

import json
import time
from functools import cached_property
from typing import Any, Final

from simpleflow import config
from simpleflow.exceptions import PayloadUnreachable, one_line
from simpleflow.payload.reference import SCHEME, Reference
from simpleflow.payload.store import Recent, Sent

PART: Final = 1024 * 1024
"""Bytes of a part: as long as a request to a server may be."""
ATTEMPTS: Final = 4
PAUSE: Final = 0.1
"""Seconds before the second attempt; twice as many before the next, and so on."""


class ServerStore:
    """Texts at the server of this URL."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._sent = Sent()
        self._read = Recent()
        self._http: Any = None

    def put(self, data: bytes, digest: str) -> str:
        if digest not in self._sent:
            what = f"a payload of {len(data):,} bytes cannot be put there"
            for at in range(0, len(data), PART):
                self._ask("PUT", f"{digest}/{at}", what, data[at : at + PART])
            self._ask("POST", digest, what)
            self._sent.add(digest)
        return f"{SCHEME}file://{digest}"

    def get(self, reference: Reference) -> bytes:
        known = self._read.get(reference.key)
        if known is not None:
            return known
        data = bytearray()
        while part := self._ask("GET", f"{reference.key}/{len(data)}", f"the payload {reference.text} is not there"):
            data += part
        return self._read.keep(reference.key, bytes(data))

    def put_note(self, run: str, name: str, data: bytes) -> None:
        """Raises PayloadUnreachable."""
        self._ask("PUT", f"notes/{run}/{name}", "a note cannot be put there", data)

    def note(self, run: str, name: str) -> bytes:
        """Empty where there is none. Raises PayloadUnreachable."""
        return self._ask("GET", f"notes/{run}/{name}", "a note cannot be had from there")

    def _ask(self, method: str, path: str, what: str, body: bytes = b"") -> bytes:
        """The body of the answer. Raises PayloadUnreachable."""
        for pause in (*(PAUSE * 2**failures for failures in range(ATTEMPTS - 1)), None):
            try:
                answer = self._session().send(self._request(method, path, body))
            except Exception as error:
                if pause is None:
                    raise PayloadUnreachable(f"{self._url}: {what}: {one_line(error)}") from error
            else:
                if pause is None or not _is_passing(answer):
                    break
            time.sleep(pause)
        content: bytes = answer.content
        if answer.status_code == 200:
            return content
        hint = "" if method == "GET" else "; SIMPLEFLOW_PAYLOAD_STORE names another place, for all processes alike"
        raise PayloadUnreachable(f"{self._url}: {what}: {_said(answer.status_code, content)}{hint}")

    def _request(self, method: str, path: str, body: bytes) -> Any:
        from botocore.awsrequest import AWSRequest

        request = AWSRequest(method, f"{self._url}/payloads/{path}", data=body)
        if self._signer is not None:
            self._signer.add_auth(request)
        return request.prepare()

    @cached_property
    def _signer(self) -> Any:
        from botocore.auth import SigV4Auth

        keys = config.aws_keys()
        return keys and SigV4Auth(keys, "swf", "us-east-1")

    def _session(self) -> Any:
        if self._http is None:
            from botocore.httpsession import URLLib3Session
            from botocore.utils import get_environ_proxies

            self._http = URLLib3Session(timeout=(5, 30), proxies=get_environ_proxies(self._url))
        return self._http


def _is_passing(answer: Any) -> bool:
    """Whether the same request may be answered in a moment: the server, or what is before it, fails or throttles."""
    return answer.status_code >= 500 or b"ThrottlingException" in answer.content[:200]


def _said(status: int, content: bytes) -> str:
    """What an answer that is a refusal says."""
    try:
        return str(json.loads(content)["message"])
    except (ValueError, TypeError, LookupError):
        return f"the answer is {status}, which is none of a server of simpleflow"
