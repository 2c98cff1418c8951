"""The helpers of the object layer: errors caught and reworded, runs by name, names in inputs."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fake_client import refusal

from examples.basic import BasicWorkflow
from simpleflow import config
from simpleflow.clients import client
from simpleflow.exceptions import WorkflowFailed
from simpleflow.protocol.faults import unknown
from simpleflow.runtime.rerun import CannotRerun
from simpleflow.runtime.start import StartOptions, codec_of, launch, register_domain
from simpleflow.swf import exceptions, helpers, utils
from simpleflow.swf.models.history import builder

NO_DOMAIN = unknown("Unknown domain: nope")
NO_TYPE = refusal("UnknownResourceFault", "Unknown type: WorkflowType=[name=a, version=1]")
SLOW = refusal("ThrottlingException", "Rate exceeded")


def failing(error: Exception, *_args: Any) -> None:
    raise error


def test_errors_say_what_is_unknown() -> None:
    assert exceptions.is_unknown("domain")(NO_DOMAIN) and exceptions.is_unknown("WorkflowType")(NO_TYPE)
    assert not exceptions.is_unknown("domain")(NO_TYPE) and exceptions.is_not("domain")(NO_TYPE)
    assert not exceptions.is_not("WorkflowType")(exceptions.WorkflowTypeDoesNotExist("cannot", "Unknown type"))
    assert exceptions.is_unknown_resource_raised(NO_DOMAIN, "any", more=1)
    assert not exceptions.is_unknown_resource_raised(SLOW) and not exceptions.is_unknown_resource_raised(KeyError("a"))
    with pytest.raises(ValueError, match=r"^unknown resource 'queue': give one of domain, WorkflowType, "):
        exceptions.is_unknown("queue")
    assert exceptions.generate_resource_not_found_message(NO_DOMAIN) == "Resource does not exist: Unknown domain: nope"
    assert not exceptions.match_equals(r"Unknown (\w+)", "Unknown domain", ["type"])


def test_errors_become_others() -> None:
    raised = exceptions.raises(KeyError, when=exceptions.is_unknown("domain"))(failing)
    with pytest.raises(KeyError, match="Unknown domain: nope") as found:
        raised(NO_DOMAIN)
    assert found.value.__cause__ is NO_DOMAIN
    with pytest.raises(type(SLOW)):
        raised(SLOW)
    translated = exceptions.translate((type(SLOW), OSError), to=exceptions.ResponseError)(failing)
    with pytest.raises(exceptions.ResponseError, match=r"^Rate exceeded$"):
        translated(SLOW)
    with pytest.raises(ValueError):
        translated(ValueError())


def test_errors_are_caught(caplog: pytest.LogCaptureFixture) -> None:
    assert exceptions.catch(KeyError)(failing)(KeyError("a")) is None
    handled = exceptions.catch((KeyError, OSError), handle_with=lambda error, *args: (type(error), args[1:]), log=True)
    with caplog.at_level(logging.ERROR):
        assert handled(failing)(KeyError("a"), 2) == (KeyError, (2,))
    assert [record.getMessage() for record in caplog.records] == ["failing: 'a'"]
    assert exceptions.catch(OSError, handle_with=exceptions.ignore)(failing)(OSError()) is None
    with pytest.raises(ValueError):
        exceptions.catch(KeyError)(failing)(ValueError())


def test_runs_by_name() -> None:
    engine = client("memory")
    register_domain(engine, "D")
    launch(BasicWorkflow, [1, 2], {}, StartOptions(domain="D", engine=engine, workflow_id="b", tag_list=["blue"]))
    assert helpers.get_workflow_execution("D", "b", connection=engine).status == "OPEN"
    info = helpers.show_workflow_info("D", "b", connection=engine).records[0]
    assert (info["workflow_id"], info["tag_list"], info["status"]) == ("b", "blue", "OPEN")
    assert [row[:3] for row in helpers.list_workflow_executions("D", engine).rows] == [("b", "basic", "OPEN")]
    assert helpers.filter_workflow_executions("D", engine, tag="red").rows == ()
    assert helpers.show_workflow_status("D", "b", connection=engine).rows == ()
    assert helpers.show_workflow_profile("D", "b", connection=engine).rows == ()
    with pytest.raises(exceptions.DoesNotExistError, match="the history has no task x"):
        helpers.get_task("D", "b", "x", connection=engine)
    with pytest.raises(exceptions.WorkflowExecutionDoesNotExist):
        helpers.get_workflow_execution("D", "c", connection=engine)
    event = engine.get_workflow_execution_history(domain="D", execution=_ids(engine))["events"][0]
    assert utils.get_name_from_event(event) == "examples.basic.BasicWorkflow"


def _ids(engine: Any) -> dict[str, str]:
    run = helpers.get_workflow_execution("D", "b", connection=engine)
    return {"workflowId": run.workflow_id, "runId": str(run.run_id)}


def test_an_activity_of_a_history() -> None:
    from examples.basic import double

    made = builder.History(BasicWorkflow)
    made.add_activity_task(double, activity_id="d-1", input={"args": [4], "kwargs": {}, "meta": {"a": 1}})
    activity, args, kwargs, meta, params = helpers.find_activity(made, activity_id="d-1")
    assert (activity, args, kwargs, meta) == (double, [4], {}, {"a": 1})
    assert params["name"] == "examples.basic.double" and params["id"] == "d-1"
    scheduled = next(event.id for event in made if event.type == "ActivityTask")
    assert helpers.find_activity(made, scheduled, input=[5])[1:3] == ([5], {})
    with pytest.raises(CannotRerun, match="no activity d-2; its activities: d-1"):
        helpers.find_activity(made, activity_id="d-2")
    with pytest.raises(ValueError, match="give scheduled_id"):
        helpers.find_activity(made)


def test_a_result_large_or_not(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'engine.sqlite'}"
    engine = client(url)
    register_domain(engine, "D")
    for id, value in (("small", [1]), ("large", "x" * 40_000)):
        launch(BasicWorkflow, [1, 2], {}, StartOptions(domain="D", engine=engine, workflow_id=id, task_list="l"))
        run = helpers.get_workflow_execution("D", id, connection=url)
        with pytest.raises(exceptions.ResponseError, match=r"is open: it has no result yet$"):
            run.result()
        done = {"result": codec_of(url).freeze(value, "it")}
        decision = {"decisionType": "CompleteWorkflowExecution", "completeWorkflowExecutionDecisionAttributes": done}
        task = engine.poll_for_decision_task(domain="D", taskList={"name": "l"})
        engine.respond_decision_task_completed(taskToken=task["taskToken"], decisions=[decision])
        assert run.result() == run.value(run.history().last.result) == value
    engine.close()


def test_a_run_that_has_no_result() -> None:
    engine = client("memory")
    register_domain(engine, "D")
    launch(BasicWorkflow, [1, 2], {}, StartOptions(domain="D", engine=engine, workflow_id="b"))
    run = helpers.get_workflow_execution("D", "b", connection=engine)
    run.terminate(reason="enough")
    with pytest.raises(WorkflowFailed, match="enough"):
        run.result()


def test_names_in_inputs() -> None:
    named = utils.add_workflow_class_name({"args": [1]}, BasicWorkflow)
    assert named == {"args": [1], "__extra": {"class": "examples.basic.BasicWorkflow"}}
    told = {"workflowType": {"name": "basic", "version": "1"}}
    assert utils.get_name_from_event({"workflowExecutionStartedEventAttributes": told}) == "basic"
    told["input"] = json.dumps(named)  # type: ignore[assignment]
    assert utils.get_name_from_event({"workflowExecutionStartedEventAttributes": told}).endswith("BasicWorkflow")


def test_instants() -> None:
    before = datetime.now(UTC)
    assert before - timedelta(days=2) <= utils.past_day(2) <= datetime.now(UTC) - timedelta(days=2)


def test_who_polls_can_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(json.loads(helpers.swf_identity())) == {"user", "hostname", "pid", "exe"}
    monkeypatch.setenv("SIMPLEFLOW_IDENTITY", '{"pod": "crawler-7", "exe": null}')
    config.load.cache_clear()
    told = json.loads(helpers.swf_identity())
    assert set(told) == {"user", "hostname", "pid", "pod"} and told["pod"] == "crawler-7"
    monkeypatch.setenv("SIMPLEFLOW_IDENTITY", "[1")
    config.load.cache_clear()
    with pytest.raises(config.ConfigError, match=r"^the environment variable SIMPLEFLOW_IDENTITY='.1' takes a JSON"):
        helpers.swf_identity()
    monkeypatch.undo()
    config.load.cache_clear()
