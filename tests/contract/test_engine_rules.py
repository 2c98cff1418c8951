"""Rules that the engine's configuration adds: what is denied, how fast calls may come, how many may wait."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from simpleflow.clients import client as open_client
from simpleflow.engine import Configuration, Engine, VirtualClock
from simpleflow.protocol.decisions import DECISIONS
from simpleflow.protocol.limits import AWS_RATES, Limits, Rate
from simpleflow.protocol.operations import OPERATIONS
from simpleflow.testing.contract.checked import DOMAIN
from simpleflow.testing.contract.swf import Swf


def engine(clock: VirtualClock | None = None, seconds: float = 0, **given: Any) -> Any:
    clock = clock or VirtualClock()
    return Engine(None, clock=clock, long_poll_seconds=seconds, configuration=Configuration(**given))


def test_what_a_configuration_may_not_say() -> None:
    with pytest.raises(ValueError, match="'Start' is neither an operation nor a decision"):
        Configuration(deny=["Start"])
    with pytest.raises(ValueError, match="StartTimer is never refused with 'UNHANDLED_DECISION'; there are TIMER_ID"):
        Configuration(deny={"StartTimer": "UNHANDLED_DECISION"})
    with pytest.raises(ValueError, match="neither an operation nor a decision"):
        Configuration(rates={"x": Rate(1, 1)})
    Configuration(rates=AWS_RATES, deny=[*OPERATIONS, *DECISIONS])


def test_a_denied_operation() -> None:
    with engine(deny=["TerminateWorkflowExecution"]) as client:
        swf = Swf(client)
        swf.start()
        with pytest.raises(client.exceptions.OperationNotPermittedFault, match="refused by a rule"):
            client.terminate_workflow_execution(domain=DOMAIN, workflowId="w-1")
        with pytest.raises(client.exceptions.OperationNotPermittedFault):
            client.terminate_workflow_execution(bad="request")
        assert swf.poll_decision()["startedEventId"]


def test_a_denied_close_is_decided_again() -> None:
    with engine(deny=["CompleteWorkflowExecution"]) as client:
        swf = Swf(client)
        execution = swf.start()
        swf.decide(swf.timer(), swf.decision("CompleteWorkflowExecution"))
        assert swf.types(execution)[-3:] == ["TimerStarted", "CompleteWorkflowExecutionFailed", "DecisionTaskScheduled"]
        swf.decide(swf.decision("FailWorkflowExecution"))
        assert swf.last(execution)[0] == "WorkflowExecutionFailed"


def test_rates() -> None:
    clock = VirtualClock()
    rates = {"SignalWorkflowExecution": Rate(3, 0.5), "StartTimer": Rate(2, 1)}
    with engine(clock, rates=rates) as client:
        swf = Swf(client)
        execution = swf.start()
        signal = {"domain": DOMAIN, "workflowId": "w-1", "signalName": "s"}
        for allowed in (3, 1, 1):
            for _ in range(allowed):
                client.signal_workflow_execution(**signal)
            with pytest.raises(client.exceptions.ClientError, match=r"ThrottlingException.*Rate exceeded"):
                client.signal_workflow_execution(**signal)
            clock.advance(2)
        swf.decide(*(swf.timer(f"t-{number}") for number in range(3)))
        assert swf.types(execution)[-3:] == ["TimerStarted", "StartTimerFailed", "DecisionTaskScheduled"]
        assert swf.history(execution)[-2]["startTimerFailedEventAttributes"]["cause"] == "TIMER_CREATION_RATE_EXCEEDED"


@pytest.mark.parametrize("where", ["memory", "file"])
def test_pollers(tmp_path: Path, where: str) -> None:
    """The one too many is refused; those of another list, of another kind, and later ones are not."""
    url = "memory" if where == "memory" else f"sqlite:{tmp_path / 'engine.db'}"
    stop = threading.Event()
    configuration = Configuration(limits=Limits(pollers=2))
    swf = Swf(open_client(url, long_poll_seconds=60, stopping=stop.is_set, configuration=configuration))
    engine: Any = swf.client
    waits = [threading.Thread(target=swf.poll_decision) for _ in range(2)]
    for thread in waits:
        thread.start()
    while engine._bell.waiters(topic_of(engine)) < 2:
        pass
    with pytest.raises(engine.exceptions.LimitExceededFault, match="2 polls wait for the task list"):
        swf.poll_decision()
    other = threading.Thread(target=swf.poll_activity, kwargs={"taskList": {"name": "deciders"}})
    other.start()
    stop.set()
    for thread in [*waits, other]:
        thread.join()
    assert swf.poll_decision()["startedEventId"] == 0
    assert engine._bell.waiters(topic_of(engine)) == 0
    engine.close()


def topic_of(engine: Any) -> str:
    from simpleflow.engine.call import DECISION_LIST, topic

    return topic(DECISION_LIST, engine._memory.domains.get(DOMAIN, 0), "deciders")


def test_for_servers() -> None:
    """By Amazon's names, one try, and what changes when there is something to try for."""
    with engine() as client:
        swf = Swf(client)
        request = {"domain": DOMAIN, "taskList": {"name": "deciders"}}
        assert client.attempt("PollForDecisionTask", request) is None
        assert client.nothing("PollForDecisionTask") == {"startedEventId": 0, "previousStartedEventId": 0}
        before = client.version()
        swf.start()
        assert client.version() != before
        assert client.attempt("PollForDecisionTask", request)["startedEventId"] == 3
        assert client.answer("CountPendingDecisionTasks", request) == {"count": 1, "truncated": False}
        with pytest.raises(client.exceptions.ClientError, match="UnknownOperationException"):
            client.answer("NoSuchThing", {})
