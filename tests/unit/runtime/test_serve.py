"""The loop of every poller, against an engine that refuses, fails and goes away."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from simpleflow.clients.boto import BotoClient
from simpleflow.runtime.handed import Handed
from simpleflow.runtime.poll import Call, serve
from simpleflow.runtime.stop import Stop

POLL: Call = ("poll", {})


class Engine:
    """Answers with what it is told, one after the other: tasks, or errors to raise."""

    def __init__(self, stop: Stop, *answers: Any) -> None:
        self.stop = stop
        self.answers = list(answers)
        self.calls: list[tuple[Call | None, Call | None]] = []

    def respond_and_poll(self, respond: Call | None, poll: Call | None) -> dict[str, Any]:
        self.calls.append((respond, poll))
        answer = self.answers.pop(0) if self.answers else {}
        if not self.answers:
            self.stop.request()
        if isinstance(answer, Exception):
            raise answer
        return answer if poll else {}


def fault(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "Respond")


def answered(task: dict[str, Any]) -> Call:
    return "respond", {"taskToken": task["taskToken"]}


def served(*answers: Any, **options: Any) -> list[Call | None]:
    stop = Stop()
    engine = Engine(stop, *answers)
    serve(engine, POLL, answered, stop, **options)
    return [respond for respond, _ in engine.calls]


TASK = {"taskToken": "t"}
RESPONSE = ("respond", {"taskToken": "t"})


def test_it_responds_while_it_polls_and_polls_no_more_once_told_to_stop() -> None:
    stop = Stop()
    engine = Engine(stop, TASK, TASK)
    serve(engine, POLL, answered, stop)
    assert engine.calls == [(None, POLL), (RESPONSE, POLL), (RESPONSE, None)]


def test_it_tells_what_it_does() -> None:
    told: list[str] = []
    served(TASK, OSError(), {}, TASK, tell=told.append)
    assert told == ["polling", "polling", "retrying", "polling", "completing"]


def test_a_task_that_somebody_else_has_polled_comes_first() -> None:
    stop = Stop()
    engine = Engine(stop, TASK)
    serve(Handed(engine, {"taskToken": "handed"}), POLL, answered, stop)
    assert engine.calls == [(("respond", {"taskToken": "handed"}), POLL), (RESPONSE, None)]


@pytest.mark.parametrize("error", [fault("ThrottlingException"), EndpointConnectionError(endpoint_url="x"), OSError()])
def test_an_engine_in_trouble_is_tried_again_with_the_same_response(error: Exception) -> None:
    assert served(TASK, error, {}) == [None, RESPONSE, RESPONSE]


def test_a_response_that_was_taken_before_the_poll_failed_is_not_sent_again() -> None:
    error = EndpointConnectionError(endpoint_url="x")
    error.responded = True
    assert served(TASK, error, {}) == [None, RESPONSE, None]


class Boto:
    """boto3's client of a server that goes down between two calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def respond(self, **request: Any) -> None:
        self.calls.append("respond")

    def poll(self, **request: Any) -> dict[str, Any]:
        self.calls.append("poll")
        if "respond" not in self.calls:
            return TASK
        if self.calls[-2] == "respond" and self.calls.count("respond") == 1:
            raise EndpointConnectionError(endpoint_url="x")
        self.stop.request()
        return {}

    stop: Stop


def test_two_calls_of_which_one_failed() -> None:
    boto = Boto()
    boto.stop = Stop()
    serve(BotoClient(boto), POLL, answered, boto.stop)
    assert boto.calls == ["poll", "respond", "poll", "poll"]


def test_a_poll_that_can_never_succeed_raises_after_a_response_too() -> None:
    error = fault("UnknownResourceFault")
    error.responded = True  # type: ignore[attr-defined]
    with pytest.raises(ClientError):
        served(TASK, error, {})


def test_a_response_to_a_task_that_is_not_ours_any_more_is_dropped() -> None:
    assert served(TASK, fault("UnknownResourceFault"), {}) == [None, RESPONSE, None]


@pytest.mark.parametrize(
    ("words", "level", "said"),
    [
        (
            "Unknown execution: WorkflowExecution=[workflowId=w, runId=r]",
            "INFO",
            "respond came too late: its run has ended, the result is not needed",
        ),
        (
            "Unknown activity, scheduledEventId = 5",
            "WARNING",
            "respond came too late: the engine does not wait for it any more (An error occurred (UnknownResourceFault) "
            "when calling the Respond operation: Unknown activity, scheduledEventId = 5)",
        ),
    ],
)
def test_a_run_that_has_ended_meanwhile_is_nobodys_fault(
    caplog: pytest.LogCaptureFixture, words: str, level: str, said: str
) -> None:
    caplog.set_level("INFO", "simpleflow.runtime")
    served(TASK, ClientError({"Error": {"Code": "UnknownResourceFault", "Message": words}}, "Respond"), {})
    assert [(record.levelname, record.message) for record in caplog.records] == [(level, said)]


@pytest.mark.parametrize("code", ["ValidationException", "SerializationException", "RequestEntityTooLargeException"])
def test_a_refused_response_is_replaced_once(code: str) -> None:
    instead: Call = ("respond", {"instead": True})
    made = served(TASK, fault(code), fault(code), {}, refused=lambda response, error: instead)
    assert made == [None, RESPONSE, instead, None]


def test_a_poll_that_can_never_succeed_raises() -> None:
    with pytest.raises(ClientError):
        served(fault("UnknownResourceFault"))


def test_too_many_pollers_is_no_reason_to_give_up() -> None:
    assert served(fault("LimitExceededFault"), {}) == [None, None]


def test_an_answer_waits_for_an_engine_that_is_back_no_longer_than_a_poll_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody heartbeats for work that is done: a long pause would lose it to the task's heartbeat timeout."""
    stop = Stop()
    engine = Engine(stop, *[OSError("away")] * 12, TASK, *[OSError("away")] * 12, {}, {})
    naps: list[float] = []
    monkeypatch.setattr(stop, "sleep", lambda seconds, requests=1: naps.append(seconds))
    serve(engine, POLL, answered, stop)
    assert len(naps) == 24
    assert max(naps[:12]) > 10
    assert max(naps[12:]) <= 2


def test_draining_tries_for_a_while_and_not_past_a_second_request(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = Stop()
    engine = Engine(stop, TASK, *[OSError("away")] * 8, {})
    naps: list[float] = []
    monkeypatch.setattr(stop, "sleep", lambda seconds, requests=1: naps.append(seconds))
    serve(engine, POLL, answered, stop)
    assert [respond for respond, _ in engine.calls][-1] == RESPONSE and len(naps) == 8

    stop = Stop()
    engine = Engine(stop, TASK, *[OSError("away")] * 3)

    def asked_twice(seconds: float, requests: int = 1) -> None:
        stop.request()
        stop.request()

    monkeypatch.setattr(stop, "sleep", asked_twice)
    serve(engine, POLL, answered, stop)
    assert len(engine.calls) == 3


def test_who_has_lost_its_files_ends() -> None:
    """User's code may close what is ours; a pause would mend nothing."""
    stop = Stop()
    with pytest.raises(OSError, match="Bad file"):
        serve(Engine(stop, OSError(errno.EBADF, "Bad file descriptor"), {}), POLL, answered, stop)


def test_each_request_after_the_first_hurries() -> None:
    hurried: list[int] = []
    stop = Stop()
    stop.hurried = lambda: hurried.append(stop.requests)
    stop.request()
    assert hurried == []
    stop.request()
    stop.request()
    assert hurried == [2, 3]
