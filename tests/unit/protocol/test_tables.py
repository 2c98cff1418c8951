"""The tables of Amazon's words are complete, held against botocore's model."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from simpleflow.protocol import checks
from simpleflow.protocol.decisions import CLOSING_DECISIONS, DECISION_TYPES, DECISIONS
from simpleflow.protocol.events import CLOSING_EVENTS, CODES, EVENT_TYPES, EVENTS
from simpleflow.protocol.faults import MODELED
from simpleflow.protocol.operations import EXTENSION_TABLE, MODELS, OPERATION_TABLE

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def model() -> Any:
    from botocore.loaders import Loader

    return Loader().load_service_model("swf", "service-2")


def test_generated_checks_are_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("generate_checks", ROOT / "tools" / "generate_checks.py")
    assert spec and spec.loader
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    committed = Path(checks.__file__).read_text(encoding="utf-8")
    assert generator.generate() == committed, "run: python tools/generate_checks.py"


def test_every_operation_has_its_check(model: Any) -> None:
    assert set(checks.CHECKS) == {*model["operations"], *(operation.name for operation in EXTENSION_TABLE)}
    assert len(model["operations"]) == 39 and not set(model["operations"]) & {row.name for row in EXTENSION_TABLE}


def test_operations(model: Any) -> None:
    from botocore.loaders import Loader

    extended = Loader([str(MODELS)]).load_service_model("swf", "service-2")
    assert [operation.name for operation in OPERATION_TABLE] == sorted(model["operations"])
    assert {*model["operations"], *(operation.name for operation in EXTENSION_TABLE)} == set(extended["operations"])
    for operation in (*OPERATION_TABLE, *EXTENSION_TABLE):
        row = extended["operations"][operation.name]
        assert operation.faults == tuple(error["shape"] for error in row.get("errors", ()))
        assert operation.output == row.get("output", {}).get("shape", "")


def test_methods_are_boto3s() -> None:
    from botocore import xform_name

    for operation in OPERATION_TABLE:
        assert operation.method == xform_name(operation.name)


def test_events(model: Any) -> None:
    assert [event.name for event in EVENT_TYPES] == model["shapes"]["EventType"]["enum"]
    assert len(EVENT_TYPES) == 54
    history_event = model["shapes"]["HistoryEvent"]["members"]
    for event in EVENT_TYPES:
        shape = model["shapes"][history_event[event.member]["shape"]]
        assert set(event.required) == set(shape.get("required", ()))
        assert set(event.required) | set(event.optional) == set(shape["members"])
        assert not set(event.required) & set(event.optional)


def test_codes_are_part_of_the_file_format() -> None:
    assert [CODES[event.name] for event in EVENT_TYPES] == list(range(1, 55))
    assert (CODES["WorkflowExecutionStarted"], CODES["StartLambdaFunctionFailed"]) == (1, 54)


def test_decisions(model: Any) -> None:
    assert [decision.name for decision in DECISION_TYPES] == model["shapes"]["DecisionType"]["enum"]
    assert len(DECISION_TYPES) == 13
    for decision in DECISION_TYPES:
        attributes = model["shapes"][model["shapes"]["Decision"]["members"][decision.member]["shape"]]
        assert decision.bare == (not attributes.get("required"))
        assert list(decision.causes) == model["shapes"][f"{decision.name}FailedCause"]["enum"]
        assert decision.event in EVENTS and decision.failure in EVENTS
        assert decision.closes == (decision.event in CLOSING_EVENTS)


def test_what_closes(model: Any) -> None:
    assert set(CLOSING_EVENTS.values()) == set(model["shapes"]["CloseStatus"]["enum"])
    assert {DECISIONS[name].event for name in CLOSING_DECISIONS} < set(CLOSING_EVENTS)
    assert not any(EVENTS[name].decides for name in CLOSING_EVENTS)


def test_faults(model: Any) -> None:
    assert set(MODELED) == {name for name, shape in model["shapes"].items() if shape.get("exception")}
