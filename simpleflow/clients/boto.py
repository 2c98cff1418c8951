"""boto3's client for the engines at the other end of a wire: a server of ours, and Amazon SWF.

A poll that waits is left when `stopping` says so. On a server at http:// no task is lost by that (see `Polls`). Amazon
gives a task also to a poll that was left, and then it is lost until it times out; so there a poll is waited for, at
most a minute.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import math
import os
import select
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from simpleflow import config
from simpleflow.clients import Request, Response, SWFClient
from simpleflow.protocol.operations import MODELS

if TYPE_CHECKING:
    from simpleflow.observe import Traffic

#: Above the service's long poll: at boto's default of exactly 60 s an answer and the timeout race.
READ_TIMEOUT_SECONDS = 75
CONNECT_TIMEOUT_SECONDS = 10
#: How often (seconds) a poll that waits for a server looks at whether to stop.
LOOK = 0.05
#: Seconds in which a server answers a poll that is left, if it had a task for it, or closes the connection.
LAST = 2.0
#: What it is answered where calls come too fast.
THROTTLES = frozenset({"ThrottlingException", "Throttling", "RequestLimitExceeded", "TooManyRequestsException"})
#: Calls to a server before its error is told; pollers go on by themselves (`simpleflow.runtime.poll`).
SERVER_ATTEMPTS = 2


class BotoClient:
    """boto3's client, with the methods that it lacks. Those of Lambda tasks it has by `_session`.

    `url` is the server's: by it those who are given the client find where its runs keep large values.
    """

    def __init__(self, boto: Any, url: str = "", close: Callable[[], None] = lambda: None) -> None:
        self._boto = boto
        self.url = url
        self._close = close

    def __getattr__(self, name: str) -> Any:
        return getattr(self._boto, name)

    def respond_and_poll(self, respond: tuple[str, Request] | None, poll: tuple[str, Request] | None) -> Response:
        """Respond, then poll, in two calls. An error of the poll has a true `responded` where the response stands."""
        if respond is not None:
            getattr(self._boto, respond[0])(**respond[1])
        if poll is None:
            return {}
        try:
            answer: Response = getattr(self._boto, poll[0])(**poll[1])
        except Exception as error:
            error.responded = respond is not None  # type: ignore[attr-defined]
            raise
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._close()
        self._boto.close()


class AmazonClient(BotoClient):
    """Amazon SWF, which runs Lambda functions itself: there is never one to take."""

    def list_lambda_functions(self) -> Response:
        return {"functions": []}

    def poll_for_lambda_task(self, **request: Any) -> Response:
        return {"startedEventId": 0}

    def respond_lambda_task_completed(self, **request: Any) -> Response:
        """Nobody holds a Lambda task of Amazon's. Raises ValueError."""
        raise ValueError("Amazon runs Lambda functions itself, and takes no answers for them")

    respond_lambda_task_failed = respond_lambda_task_completed


class _Told(Exception):
    """The poll was left before it was answered."""


class _Body(io.BytesIO):
    """The body of an answer, as botocore reads it."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


class Polls:
    """Sends polls to a server at http://, in botocore's stead, on connections that can be left while they wait.

    A poll is left by closing the sending half of its connection. The server looks at that before it takes a task, and
    what it has sent by then is still read: either there is a task, and it is worked on, or there was none.
    """

    def __init__(self, url: str, stopping: Callable[[], bool]) -> None:
        parts = urlsplit(url)
        self._url = url
        self._address = parts.hostname or "", parts.port or 80
        self._stopping = stopping
        self._idle: list[http.client.HTTPConnection] = []

    def __call__(self, request: Any, **rest: Any) -> Any:
        """botocore's hook "before-send": the answer. Raises botocore's errors of connections."""
        from botocore import awsrequest, exceptions

        connection = self._connection()
        try:
            connection.request(request.method, urlsplit(request.url).path, request.body, dict(request.headers.items()))
            self._wait(connection)
            response = connection.getresponse()
            status, headers, body = response.status, dict(response.getheaders()), response.read()
        except _Told:
            connection.close()
            status, headers, body = 200, {}, b'{"startedEventId":0,"previousStartedEventId":0}'
        except TimeoutError as error:
            connection.close()
            raise exceptions.ReadTimeoutError(endpoint_url=self._url, error=error) from error
        except ConnectionRefusedError as error:
            raise exceptions.EndpointConnectionError(endpoint_url=self._url, error=error) from error
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise exceptions.ConnectionClosedError(endpoint_url=self._url, error=error) from error
        else:
            self._idle.append(connection)
        return awsrequest.AWSResponse(self._url, status, headers, _Body(body))

    def close(self) -> None:
        """Close the connections on which no poll waits."""
        while self._idle:
            self._idle.pop().close()

    def _connection(self) -> http.client.HTTPConnection:
        """One that nobody uses and that the server has not closed, or a new one."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:  # not asked before: other threads poll, too
                break
            if connection.sock is not None and not _readable(connection.sock, 0):
                return connection
            connection.close()
        return http.client.HTTPConnection(*self._address, timeout=READ_TIMEOUT_SECONDS)

    def _wait(self, connection: http.client.HTTPConnection) -> None:
        """Wait for the answer. Raises _Told when there will be none since it was asked to stop, TimeoutError."""
        until = time.monotonic() + READ_TIMEOUT_SECONDS
        while not _readable(connection.sock, LOOK):
            if self._stopping():
                connection.sock.shutdown(socket.SHUT_WR)
                if not _readable(connection.sock, LAST) or not connection.sock.recv(1, socket.MSG_PEEK):
                    raise _Told
                return
            if time.monotonic() > until:
                raise TimeoutError(f"no answer to a poll in {READ_TIMEOUT_SECONDS} s")


def _readable(sock: socket.socket, seconds: float) -> bool:
    """Whether there is something to read, or the end, within so many seconds."""
    if not hasattr(select, "poll"):
        return bool(select.select([sock], [], [], seconds)[0])
    sees = select.poll()  # `select` knows no descriptor from 1,024 on
    sees.register(sock, select.POLLIN)
    return bool(sees.poll(math.ceil(seconds * 1000)))


def server(
    url: str, stopping: Callable[[], bool] | None, region: str = "", traffic: Traffic | None = None
) -> SWFClient:
    """A server at an address."""
    settings = settings_of(url, region)
    here = _is_loopback(urlsplit(url).hostname or "")
    boto = _boto(_session().client, {"total_max_attempts": SERVER_ATTEMPTS}, {} if here else None, settings)
    _count(boto, traffic)
    if stopping is None or not url.startswith("http://") or (not here and _has_proxy(url)):
        return _typed(BotoClient(boto, url))
    polls = Polls(url, stopping)
    for operation in ("PollForDecisionTask", "PollForActivityTask", "PollForLambdaTask"):
        boto.meta.events.register(f"before-send.swf.{operation}", polls)
    return _typed(BotoClient(boto, url, polls.close))


def settings_of(url: str, region: str = "") -> dict[str, Any]:
    """What boto3 is told of a server. One without keys needs no credentials and no region, but boto3 does."""
    settings: dict[str, Any] = {"endpoint_url": url}
    settings["region_name"] = (
        region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION", "us-east-1")
    )
    if config.aws_keys() is None:
        settings |= {"aws_access_key_id": "anyone", "aws_secret_access_key": "anything"}
    return settings


def amazon(region: str, credentials: Mapping[str, str], traffic: Traffic | None = None) -> SWFClient:
    import boto3

    attempts = config.load().swf_connection_retries
    settings = {"region_name": region or None, **credentials}
    boto = _boto(boto3.client, {"total_max_attempts": attempts}, None, settings)
    _count(boto, traffic)
    return _typed(AmazonClient(boto))


def _count(boto: Any, traffic: Traffic | None) -> None:
    """Have a client of boto3's count what it sends, again too, and what it is answered."""
    if traffic is None:
        return

    def before_call(model: Any, **rest: Any) -> None:
        traffic.called(model.name)

    def before_send(request: Any, **rest: Any) -> None:
        traffic.sent += len(request.body or b"")

    def response_received(response_dict: Any, parsed_response: Any, context: dict[str, Any], **rest: Any) -> None:
        traffic.received += len(response_dict["body"]) if response_dict else 0
        traffic.retried += context["retries"]["attempt"] > 1
        traffic.throttled += (parsed_response or {}).get("Error", {}).get("Code") in THROTTLES

    for hook in (before_call, before_send, response_received):
        boto.meta.events.register(f"{hook.__name__.replace('_', '-')}.swf", hook)


def _session() -> Any:
    """A session whose clients have the engine's own operations too; those of other sessions stay as they are."""
    import boto3
    import botocore.session

    session = botocore.session.get_session()
    session.get_component("data_loader").search_paths.append(str(MODELS))
    return boto3.Session(botocore_session=session)


def _boto(
    make: Callable[..., Any], retries: dict[str, Any], proxies: dict[str, str] | None, settings: dict[str, Any]
) -> Any:
    from botocore.config import Config

    times = {"read_timeout": READ_TIMEOUT_SECONDS, "connect_timeout": CONNECT_TIMEOUT_SECONDS}
    configured = Config(max_pool_connections=50, retries={"mode": "adaptive", **retries}, proxies=proxies, **times)
    return make("swf", config=configured, **settings)


def _typed(client: Any) -> SWFClient:
    swf: SWFClient = client  # boto3 makes its methods at run time
    return swf


def _is_loopback(host: str) -> bool:
    """Whether it is this machine, to which no proxy leads."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _has_proxy(url: str) -> bool:
    from botocore.utils import get_environ_proxies

    return "http" in get_environ_proxies(url)
