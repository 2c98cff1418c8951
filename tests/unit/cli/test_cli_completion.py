"""What is offered for each parameter, from an engine in memory; and that nothing keeps a shell waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.shell_completion import BashComplete

from simpleflow import config
from simpleflow.cli import app, completion, options
from simpleflow.engine import Engine, VirtualClock

DOMAIN = {"domain": "Here"}
Offered = Callable[[str], list[str]]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    clock = VirtualClock(time.time())
    made = Engine(None, clock=clock, long_poll_seconds=0)
    monkeypatch.setattr(options, "open_engine", lambda url, reading=False: made)
    made.register_domain(name="Here", workflowExecutionRetentionPeriodInDays="90")
    made.register_domain(name="There", workflowExecutionRetentionPeriodInDays="90")
    for version in ("1", "2"):
        made.register_workflow_type(**DOMAIN, name="basic", version=version)
    made.register_activity_type(**DOMAIN, name="work", version="7")
    for number, tag in ((1, "fr"), (2, "en"), (3, "fr")):
        clock.advance(1)
        made.start_workflow_execution(
            **DOMAIN,
            workflowId=f"job-{number}",
            workflowType={"name": "basic", "version": "1"},
            taskList={"name": "list"},
            executionStartToCloseTimeout="3600",
            taskStartToCloseTimeout="30",
            childPolicy="ABANDON",
            tagList=[tag],
        )
    made.terminate_workflow_execution(**DOMAIN, workflowId="job-3")
    yield made
    made.close()


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> Offered:
    """What may stand at the end of a line."""
    monkeypatch.setenv(app.COMPLETING, "bash_complete")
    monkeypatch.setattr(config, "load", lambda: config.Config(simpleflow_completion_seconds=30))

    def complete(line: str) -> list[str]:
        monkeypatch.setenv("COMP_WORDS", f"simpleflow {line}")
        shell = completion.Bash(app.group, {}, "simpleflow", app.COMPLETING)
        return [item.value for item in shell.get_completions(*shell.get_completion_args())]

    return complete


def test_commands_and_options(offered: Offered) -> None:
    assert offered("workflow.re") == ["workflow.repair", "workflow.restart", "workflow.result"]
    assert offered("--format j") == ["json", "jsonl"]
    assert offered("--for") == ["--format"]
    assert "--where" in offered("workflow.terminate --w")
    assert offered("workflow.list --status ") == ["open", "closed"]
    assert offered("completion z") == ["zsh"]


def test_ids(offered: Offered, engine: Engine) -> None:
    assert offered("workflow.info ") == ["Here", "There"]
    assert offered("workflow.info H") == ["Here"]
    assert offered("workflow.info Here ") == ["job-2", "job-1", "job-3"], "the open ones first, and the newest"
    assert offered("workflow.terminate Here ") == ["job-2", "job-1"]
    assert offered("workflow.history -d Here job-2") == ["job-2"]
    assert offered("workflow.info Here job-4") == [] == offered("workflow.info Nowhere ")
    [run_id] = offered("workflow.info Here job-1 ")
    assert len(run_id) > 40 and offered(f"workflow.info Here job-1 {run_id[:20]}") == [run_id]
    assert offered("workflow.signal Here job-1 go --run-id ") == [run_id]
    assert offered("workflow.filter Here --tag ") == ["en", "fr"]


def test_the_domain_of_the_environment(offered: Offered, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "load", lambda: config.Config(domain="Here", simpleflow_completion_seconds=30))
    assert offered("workflow.terminate ") == ["job-2", "job-1", "Here", "There"]
    assert offered("workflow.repair job-3") == ["job-3"]
    assert len(offered("workflow.info job-1 ")) == 1
    assert offered("workflow.list ") == ["Here", "There"]


def test_tasks_and_types(offered: Offered, engine: Engine) -> None:
    scheduled = {
        "activityId": "work-1",
        "activityType": {"name": "work", "version": "7"},
        "taskList": {"name": "quickstart"},
        **{f"{kind}Timeout": "NONE" for kind in ("scheduleToStart", "scheduleToClose", "startToClose", "heartbeat")},
    }
    task = engine.poll_for_decision_task(**DOMAIN, taskList={"name": "list"})
    decision = {"decisionType": "ScheduleActivityTask", "scheduleActivityTaskDecisionAttributes": scheduled}
    engine.respond_decision_task_completed(taskToken=task["taskToken"], decisions=[decision])
    id = task["workflowExecution"]["workflowId"]
    assert offered(f"task.info Here {id} ") == ["work-1"]
    assert offered(f"activity.rerun -d Here --workflow-id {id} --activity-id w") == ["work-1"]
    assert offered("type.deprecate Here ") == ["basic", "work"]
    assert offered("type.deprecate --kind activity Here ") == ["work"]
    assert offered("type.deprecate Here basic ") == ["1", "2"]
    assert offered("workflow.filter Here --workflow-type-name ") == ["basic"]
    assert offered("workflow.filter Here --workflow-type-name basic --workflow-type-version ") == ["1", "2"]


def test_conditions(offered: Offered) -> None:
    assert offered("workflow.terminate Here --where st") == ["status=", "started>"]
    assert offered("workflow.terminate Here --where 'type=basic st") == ["type=basic status=", "type=basic started>"]
    assert offered("workflow.repair --where status=failed,t") == ["status=failed,terminated", "status=failed,timed_out"]


def test_workflows(offered: Offered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_text("")
    (tmp_path / "data").mkdir()
    (tmp_path / "pkg" / "flows.py").write_text(
        "raise SystemExit('it is not imported')\n"
        "import simpleflow\n"
        "class One(simpleflow.Workflow): pass\n"
        "class Two(One):\n    def run(self): pass\n"
        "class Point: pass\n"
    )
    (tmp_path / "broken.py").write_text("class (")
    assert offered("workflow.start ") == ["broken.", "pkg."]
    assert offered("standalone pkg.") == ["pkg.flows."]
    assert offered("decider.start pkg.flows.One pkg.flows.") == ["pkg.flows.One", "pkg.flows.Two"]
    assert offered("workflow.start broken.") == [] == offered("workflow.start nothing.")


def test_lines_that_are_wrong_offer_nothing_and_say_nothing(offered: Offered) -> None:
    assert offered("no.such.command --zzz") == []
    assert offered("workflow.info Here job-1 x y z ") == []
    assert offered("workflow.terminate Here --yes ") == ["job-2", "job-1"], "though --yes goes with --where"


def test_an_engine_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found in time is offered."""
    never = threading.Event()

    def look(asked: Any) -> Iterator[str]:
        yield "one"
        never.wait()
        yield "other"

    monkeypatch.setattr(config, "load", lambda: config.Config(simpleflow_completion_seconds=0.05))
    asked = completion.Asked(click.Context(app.group, info_name="x"), "o")
    began = time.monotonic()
    assert completion.in_time(look, asked) == ["one"]
    assert time.monotonic() - began < 20
    never.set()


def test_the_script(capsys: pytest.CaptureFixture[str]) -> None:
    for shell in completion.SHELLS:
        assert app.run(["completion", shell]) == 0
        assert app.COMPLETING in capsys.readouterr().out
    assert issubclass(completion.Bash, BashComplete)
