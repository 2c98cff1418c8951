"""Recorded runs, replayed for ever: what lies in a user's engine today must be read by every later simpleflow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simpleflow.command import Complete, ContinueAsNew
from simpleflow.config import Config
from simpleflow.dataflow import mentions_blocking
from simpleflow.decider import load_workflow
from simpleflow.decider.decisions import decision
from simpleflow.decider.run import Run
from simpleflow.payload.codec import Codec
from simpleflow.protocol.history import attributes

HISTORIES = Path(__file__).parents[2] / "histories"


@pytest.mark.parametrize("file", sorted(HISTORIES.glob("*.json")), ids=lambda file: file.stem)
def test_a_recorded_run_is_read_to_its_recorded_end(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded = json.loads(file.read_text())
    kind = load_workflow(recorded["workflow"])
    remember = mentions_blocking(kind)
    run = Run(kind, "local", recorded["execution"], Codec(), Config(), remember=remember)
    run.read(recorded["events"])
    outcome, last = run.program.outcome, attributes(recorded["events"][-1])
    if "result" in last:
        assert isinstance(outcome, Complete) and outcome.result == last["result"]
    else:
        assert isinstance(outcome, ContinueAsNew)
        made = decision(outcome, run.options)["continueAsNewWorkflowExecutionDecisionAttributes"]
        assert made["input"] == last["input"]
    run.outbox.end_block()
    run.close()


def test_there_are_some() -> None:
    there = {file.stem for file in HISTORIES.glob("*.json")}
    assert there >= {"basic", "everything", "kinds", "goes_on", "branches", "blocked", "steps"}
