"""boto3's clients as they are made here: what they are told, how often they try, and what is counted of it. Answers are
made up where botocore would send: no socket is opened."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from simpleflow import settings
from simpleflow.clients import client
from simpleflow.clients.boto import _Body
from simpleflow.observe import Traffic
from simpleflow.protocol.faults import code_of, message_of

Answer = tuple[int, str]
FAILED: Answer = 500, json.dumps({"__type": "InternalFailure", "message": "an error of its own"})
THROTTLED: Answer = 400, json.dumps({"__type": "com.amazon.coral.availability#ThrottlingException", "message": "Rate"})
COUNTED: Answer = 200, json.dumps({"count": 3, "truncated": False})
ASKED = {"domain": "D", "taskList": {"name": "list"}}
SENT = len(json.dumps(ASKED))


@pytest.fixture(autouse=True)
def nothing_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)  # between two tries
    yield
    settings.configure({"SWF_CONNECTION_RETRIES": None})


@pytest.fixture
def amazon(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A client of Amazon's that is answered so, one try after the other."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    def made(answers: list[Answer], traffic: Traffic | None = None) -> Any:
        swf: Any = client("aws:eu-west-1", traffic=traffic)

        def answer(request: Any, **rest: Any) -> AWSResponse:
            status, body = answers.pop(0)
            return AWSResponse(request.url, status, {}, _Body(body.encode()))

        swf.meta.events.register("before-send.swf", answer)
        return swf

    return made


def test_what_is_asked_of_the_engine_is_counted(amazon: Callable[..., Any]) -> None:
    traffic = Traffic()
    assert str(traffic) == "0 calls to the engine"
    swf = amazon([COUNTED, FAILED, COUNTED], traffic)
    for _ in range(2):
        assert swf.count_pending_activity_tasks(**ASKED)["count"] == 3
    assert traffic.calls == {"CountPendingActivityTasks": 2}
    received = 2 * len(COUNTED[1]) + len(FAILED[1])
    assert (traffic.sent, traffic.received, traffic.retried, traffic.throttled) == (3 * SENT, received, 1, 0)
    swf.close()
    settings.configure({"SWF_CONNECTION_RETRIES": 1})
    swf = amazon([THROTTLED, COUNTED], traffic)
    with pytest.raises(Exception) as caught:
        swf.count_pending_activity_tasks(**ASKED)
    assert code_of(caught.value) == "ThrottlingException"
    traffic.sent = 900_000
    assert str(traffic) == "3 calls to the engine, 0.9 MB, 1 retry, throttled 1 time"
    swf.close()


def test_calls_of_the_embedded_engine_are_counted() -> None:
    traffic = Traffic()
    engine = client("memory", traffic=traffic, long_poll_seconds=0)
    engine.register_domain(name="D", workflowExecutionRetentionPeriodInDays="1")
    poll = "poll_for_activity_task", ASKED
    engine.respond_and_poll(None, poll)
    with pytest.raises(Exception):
        engine.respond_and_poll(("respond_activity_task_completed", {"taskToken": "no"}), None)
    with pytest.raises(Exception):
        engine.respond_and_poll(("respond_activity_task_completed", {"taskToken": "no"}), poll)
    expected = {"RegisterDomain": 1, "PollForActivityTask": 2, "RespondActivityTaskCompleted": 2}
    assert traffic.calls == expected and str(traffic) == "5 calls to the engine"
    engine.close()


@pytest.mark.parametrize("tries", [1, 3])
def test_a_call_is_tried_as_often_as_the_setting_says(amazon: Callable[..., Any], tries: int) -> None:
    settings.configure({"SWF_CONNECTION_RETRIES": tries})
    answers = [FAILED] * (tries - 1) + [COUNTED]
    swf = amazon(answers)
    assert swf.count_pending_activity_tasks(**ASKED)["count"] == 3 and not answers
    swf.close()
    answers = [FAILED] * (tries + 1)
    swf = amazon(answers)
    with pytest.raises(Exception, match="an error of its own"):
        swf.count_pending_activity_tasks(**ASKED)
    assert len(answers) == 1
    swf.close()


def test_amazon_is_given_time_and_retries_that_slow_down(amazon: Callable[..., Any]) -> None:
    swf = amazon([])
    told = swf.meta.config
    assert told.read_timeout > 60, "an answer to a long poll comes after 60 s"
    assert told.connect_timeout < told.read_timeout
    assert told.retries == {"mode": "adaptive", "total_max_attempts": 5}
    swf.close()


def test_region_and_keys_are_boto3_s_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """By a profile; the region in the URL comes first."""
    profile = "region = eu-north-1\naws_access_key_id = of-the-profile\naws_secret_access_key = secret\n"
    (tmp_path / "config").write_text(f"[profile jobs]\n{profile}")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "jobs")
    for url, region in (("aws", "eu-north-1"), ("aws:us-west-2", "us-west-2")):
        swf: Any = client(url)
        assert swf.meta.region_name == region
        assert swf._boto._request_signer._credentials.access_key == "of-the-profile"
        swf.close()


def test_a_page_instead_of_an_answer_is_told_in_one_line(amazon: Callable[..., Any]) -> None:
    settings.configure({"SWF_CONNECTION_RETRIES": 1})
    swf = amazon([(502, "<!doctype html>\n<html lang=en>\n<title>502 Bad Gateway</title>")])
    with pytest.raises(Exception) as caught:
        swf.count_pending_activity_tasks(**ASKED)
    said = message_of(caught.value)
    assert said == "the engine, or what stands before it, cannot answer CountPendingActivityTasks"
    swf.close()
