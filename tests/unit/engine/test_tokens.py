"""Opaque strings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simpleflow.engine import tokens
from simpleflow.protocol.faults import Fault


@given(st.integers(1, 2**38 - 1), st.integers(1, 2**24 - 1))
def test_task_tokens(execution: int, scheduled: int) -> None:
    token = tokens.task_token("0123456789ab", tokens.ACTIVITY, execution, scheduled)
    assert tokens.read_task_token(token, tokens.ACTIVITY) == ("0123456789ab", "A", execution, scheduled)
    assert len(token) <= 1024


@given(st.text())
def test_what_is_no_token(text: str) -> None:
    with pytest.raises(Fault, match="Invalid token"):
        tokens.read_task_token(text, tokens.DECISION)
    with pytest.raises(Fault, match="Invalid token"):
        tokens.read_page_token(text, "ListDomains", 0, 1)
    assert tokens.execution_of(text) >= 0


@given(st.integers(1, tokens.LAST_EXECUTION - 1))
def test_run_ids(execution: int) -> None:
    run_id = tokens.new_run_id(execution)
    assert tokens.execution_of(run_id) == execution
    assert run_id.startswith("22") and len(run_id) == 46
    assert run_id != tokens.new_run_id(execution)


def test_a_run_id_that_holds_too_much() -> None:
    assert tokens.execution_of(tokens.new_run_id(2**64 - 1)) == 0


def test_page_tokens() -> None:
    token = tokens.page_token("ListDomains", 5_000, "name")
    assert tokens.read_page_token(token, "ListDomains", 15_000, 10) == ["name"]
    with pytest.raises(Fault, match="exceeded its maximum lifetime"):
        tokens.read_page_token(token, "ListDomains", 15_001, 10)
    with pytest.raises(Fault, match="Invalid token"):
        tokens.read_page_token(token, "ListWorkflowTypes", 5_000, 10)


@pytest.mark.parametrize("position", [(), ("x",), (1, "x"), (1, -1), (1, 2**62), (1, True), (1, 2, 3), ([], {})])
def test_a_page_token_that_somebody_wrote(position: tuple[object, ...]) -> None:
    operation = "ListOpenWorkflowExecutions"
    with pytest.raises(Fault, match="Invalid token"):
        tokens.read_page_token(tokens.page_token(operation, 0, *position), operation, 0, 10)
