"""Connections, settings, and the operations as methods."""

from __future__ import annotations

import inspect
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_client import FakeClient

from simpleflow import config
from simpleflow.protocol.checks import CHECKS
from simpleflow.protocol.operations import OPERATION_TABLE
from simpleflow.swf import core, settings
from simpleflow.swf.core import ConnectedSWFObject, connect, disconnect
from simpleflow.swf.models import Domain

FILE = "[credentials]\naws_access_key_id = KEY\naws_secret_access_key = SE%CRET\n[defaults]\nregion = eu-west-1\n"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No settings, no home, no clients."""
    for name in ("SIMPLEFLOW_ENGINE", "AWS_ENDPOINT_URL_SWF", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    config.load.cache_clear()
    settings.clear()
    yield
    settings.clear()
    disconnect()
    config.load.cache_clear()


def test_a_client_is_taken_as_it_is() -> None:
    client = FakeClient()
    assert connect(client) is client and ConnectedSWFObject(client).client is client


def test_one_client_for_each_url_and_process() -> None:
    first = connect("memory")
    assert connect("memory") is first and Domain("D", connection="memory").client is first
    assert (os.getpid(), "memory") in core._clients
    core._clients[os.getpid() + 1, "memory"] = FakeClient()  # what a fork has inherited
    disconnect()
    assert [pid for pid, _ in core._clients] == [os.getpid() + 1]
    core._clients.clear()
    assert connect("memory") is not first


def test_the_configured_engine_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMPLEFLOW_ENGINE", "memory")
    assert connect() is connect("memory") and Domain("D").client is connect("memory")
    with pytest.raises(ValueError, match="'nowhere' names no engine"):
        connect("nowhere")


def test_another_engine_for_this_process() -> None:
    settings.set(engine="memory")
    assert connect() is connect("memory") and settings.get() == {"engine": "memory"}
    settings.set(engine=None)
    assert settings.engine_url().startswith("sqlite:")
    with pytest.raises(ValueError, match="there is no setting reegion: there are engine, region, "):
        settings.set(reegion="eu-west-1")


def test_amazon_is_called_only_where_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".swf").write_text(FILE)
    assert settings.get() == {
        "region": "eu-west-1",
        "aws_access_key_id": "KEY",
        "aws_secret_access_key": "SE%CRET",
    }
    assert settings.engine_url().startswith("sqlite:")
    settings.set(engine="aws")
    assert settings.engine_url() == "aws:eu-west-1"
    opened: list[tuple[str, Any]] = []

    def client(url: str, credentials: Any) -> FakeClient:
        opened.append((url, credentials))
        return FakeClient()

    monkeypatch.setattr("simpleflow.clients.client", client)
    connect()
    connect("http://127.0.0.1:1")
    credentials = {"aws_access_key_id": "KEY", "aws_secret_access_key": "SE%CRET"}
    assert opened == [("aws:eu-west-1", credentials), ("http://127.0.0.1:1", {})]
    settings.set(region="us-east-2", engine="aws:ap-south-1")
    assert settings.engine_url() == "aws:ap-south-1"


def test_credentials_reach_boto3() -> None:
    credentials = {"aws_access_key_id": "KEY", "aws_secret_access_key": "SECRET"}
    from simpleflow.clients import client

    opened: Any = client("aws:eu-west-1", credentials=credentials)
    try:
        found = opened._boto._request_signer._credentials
        assert (found.access_key, found.secret_key, opened.meta.region_name) == ("KEY", "SECRET", "eu-west-1")
    finally:
        opened.close()


def test_settings_from_elsewhere(tmp_path: Path) -> None:
    assert settings.from_stream(io.StringIO("[defaults]\nregion = here\n")) == {"region": "here"}
    (tmp_path / "file").write_text("region = nowhere\n")
    with pytest.raises(ValueError, match="file: File contains no section headers"):
        settings.from_file(tmp_path / "file")
    environ = {"AWS_DEFAULT_REGION": "r", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": ""}
    assert settings.from_env(environ) == {"region": "r", "aws_access_key_id": "k"}
    assert settings.from_home("no such file") == {}


# The operations

SAMPLES: dict[str, Any] = {
    "tags": {"a": "b"},
    "tag_keys": ["a"],
    "tag_list": ["a"],
    "decisions": [],
    "oldest_date": 0,
    "latest_date": 1,
    "start_oldest_date": 0,
    "start_latest_date": 1,
    "close_status": "FAILED",
    "registration_status": "REGISTERED",
    "child_policy": "TERMINATE",
    "default_child_policy": "TERMINATE",
    "maximum_page_size": 5,
    "reverse_order": True,
    "start_at_previous_started_event": True,
    "next_page_token": "token",
}
#: Arguments that exclude others: time filters of closed runs, and all filters but one.
EXCLUDED = {"close_oldest_date", "close_latest_date", "tag", "workflow_id", "close_status"}


@pytest.mark.parametrize("method", [operation.method for operation in OPERATION_TABLE])
def test_every_operation_is_a_method(method: str) -> None:
    """Whatever can be asked for is something that Amazon SWF understands; and what is None is left out."""
    client = FakeClient()
    connected = ConnectedSWFObject(client)
    parameters = inspect.signature(getattr(connected, method)).parameters
    lists = method.startswith(("list_", "count_")) and "executions" in method
    names = [name for name in parameters if not (lists and name in EXCLUDED)]
    getattr(connected, method)(**{name: SAMPLES.get(name, "1") for name in names})
    asked, request = client.asked[0]
    [operation] = [row.name for row in OPERATION_TABLE if row.method == method]
    assert asked == method and not _nones(request)
    assert f"/API_{operation}.html" in (getattr(connected, method).__doc__ or "")
    CHECKS[operation](request)
    if lists:
        return
    least = [name for name in names if parameters[name].default is inspect.Parameter.empty]
    getattr(connected, method)(**{name: SAMPLES.get(name, "1") for name in least})
    CHECKS[operation](client.last)


def _nones(request: Any) -> bool:
    return request is None or (isinstance(request, dict) and any(map(_nones, request.values())))


def test_filters_of_runs() -> None:
    connected = ConnectedSWFObject(client := FakeClient())
    connected.list_closed_workflow_executions("D", close_latest_date=5, workflow_name="t", workflow_version="1")
    assert client.last == {
        "domain": "D",
        "closeTimeFilter": {"oldestDate": 0, "latestDate": 5},
        "typeFilter": {"name": "t", "version": "1"},
    }, "of old the latest date alone was dropped"
    connected.count_open_workflow_executions("D", 3, workflow_id="w")
    assert client.last == {
        "domain": "D",
        "startTimeFilter": {"oldestDate": 3},
        "executionFilter": {"workflowId": "w"},
    }
