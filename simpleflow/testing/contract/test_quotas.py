"""Quotas, with small numbers in the place of Amazon's."""

from __future__ import annotations

import pytest

from simpleflow.testing.contract.checked import DOMAIN, Checked
from simpleflow.testing.contract.swf import TYPE, Refused, Swf, decision
from simpleflow.testing.contract.target import needs

pytestmark = needs("quotas")


@needs("clock", events=9)
def test_a_history_that_is_full(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(swf.schedule(), swf.timer("t-1", 1), swf.timer("t-2", 2), swf.timer("t-3", 3))
    swf.advance(10)
    expected = {"childPolicy": "TERMINATE", "cause": "EVENT_LIMIT_EXCEEDED"}
    assert swf.last(execution) == ("WorkflowExecutionTerminated", expected)
    assert len(swf.types(execution)) == 9
    assert swf.describe(execution)["executionInfo"]["closeStatus"] == "TERMINATED"


@needs(open_executions=3)
def test_open_executions(swf: Swf, client: Checked, refused: Refused) -> None:
    for number in range(3):
        swf.start(f"w-{number}")
    given = {"domain": DOMAIN, "workflowId": "one-more", "workflowType": TYPE}
    for _ in range(2):
        refused("LimitExceededFault", "start_workflow_execution", **given)
        client.terminate_workflow_execution(domain=DOMAIN, workflowId="w-1")
        swf.start("w-1")


@needs(workflow_types=2, activity_types=2)
@pytest.mark.parametrize("kind", ["workflow", "activity"])
def test_types(swf: Swf, client: Checked, refused: Refused, kind: str) -> None:
    """Those that are deprecated count."""
    register = getattr(client, f"register_{kind}_type")
    register(domain=DOMAIN, name="x", version="1")
    type_ = {"domain": DOMAIN, f"{kind}Type": {"name": "x", "version": "1"}}
    getattr(client, f"deprecate_{kind}_type")(**type_)
    refused("LimitExceededFault", f"register_{kind}_type", domain=DOMAIN, name="y", version="1")
    getattr(client, f"delete_{kind}_type")(**type_)
    register(domain=DOMAIN, name="y", version="1")


@needs(open_activities=2, open_timers=2)
def test_what_is_open(swf: Swf) -> None:
    execution = swf.start()
    swf.decide(
        *(swf.schedule(f"a-{number}") for number in range(3)), *(swf.timer(f"t-{number}") for number in range(3))
    )
    assert swf.causes(execution) == [
        ("ScheduleActivityTaskFailed", "OPEN_ACTIVITIES_LIMIT_EXCEEDED"),
        ("StartTimerFailed", "OPEN_TIMERS_LIMIT_EXCEEDED"),
    ]


@needs(open_children=1)
def test_open_children(swf: Swf) -> None:
    execution = swf.start()
    children = [decision("StartChildWorkflowExecution", workflowId=name, workflowType=TYPE) for name in ("c-1", "c-2")]
    swf.decide(*children)
    assert swf.causes(execution) == [("StartChildWorkflowExecutionFailed", "OPEN_CHILDREN_LIMIT_EXCEEDED")]


@needs("domains", domain_tags=1)
def test_tags(client: Checked, refused: Refused) -> None:
    tags = [{"key": "a", "value": "1"}, {"key": "b"}]
    given = {"name": "d", "workflowExecutionRetentionPeriodInDays": "1"}
    refused("TooManyTagsFault", "register_domain", **given, tags=tags)
    client.register_domain(**given, tags=tags[:1])
