"""The object layer over HTTP: on an unmodified boto3 client, and on the server's URL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from objects_life import Life
from serving import Server, shared
from simpleflow.swf.core import disconnect
from simpleflow.swf.exceptions import ResponseError
from simpleflow.swf.models import ActivityType, Domain


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with shared(tmp_path_factory.mktemp("objects"), "--long-poll-seconds", "0.2") as running:
        yield running
        disconnect()


def test_on_boto3(server: Server) -> None:
    life = Life(server.boto(), "OnBoto3")
    life.live()
    life.polls_in_vain()


def test_on_a_url(server: Server) -> None:
    life = Life(server.url, "OnURL")
    assert life.domain.client is Domain("OnURL", connection=server.url).client
    life.live()
    life.polls_in_vain()


def test_what_boto3_itself_refuses(server: Server) -> None:
    domain = Domain("Refused", connection=server.boto()).save()
    with pytest.raises(ResponseError, match="cannot register the activity type  1: Parameter validation failed"):
        ActivityType(domain, "", "1").save()
