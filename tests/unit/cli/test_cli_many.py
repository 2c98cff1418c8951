"""--where: which runs a command takes, what it asks, and how it goes on after an interruption."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest

from simpleflow import config
from simpleflow.cli import app, jobs, options
from simpleflow.cli.journal import BEGUN, DONE, FAILED, Journal
from simpleflow.engine import Engine, VirtualClock
from simpleflow.protocol.faults import Fault, client_error

START = datetime(2026, 1, 5, 3, 41, tzinfo=UTC).timestamp()
DOMAIN = {"domain": "D"}
Typed = Callable[..., tuple[int, str, str]]


class Killed(BaseException):
    """What ends a process without a word."""


class Fragile:
    """An engine that ends who calls it: at the call of this number that changes something, before or after it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.calls: list[str] = []
        self.ends_at: tuple[int, str] | None = None
        self.error: BaseException = Killed()
        self.faults: list[Exception] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.engine, name)
        if name.split("_")[0] not in ("start", "terminate", "signal", "request"):
            return found

        def call(**request: Any) -> Any:
            self.calls.append(request["workflowId"])
            if self.ends_at == (len(self.calls), "before"):
                raise self.error
            if self.faults:
                raise self.faults.pop(0)
            answer = found(**request)
            if self.ends_at == (len(self.calls), "after"):
                raise self.error
            return answer

        return call


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Fragile]:
    clock = VirtualClock(START)
    with_clock = Engine(None, clock=clock, long_poll_seconds=0)
    made = Fragile(with_clock)
    monkeypatch.setattr(options, "open_engine", lambda url, reading=False: made)
    monkeypatch.setattr(config, "load", lambda: config.Config(engine="sqlite:engine"))
    monkeypatch.setattr("simpleflow.runtime.start.open_engine", lambda url: made)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with_clock.register_domain(name="D", workflowExecutionRetentionPeriodInDays="90")
    with_clock.register_workflow_type(**DOMAIN, name="basic", version="example")
    for number in range(7):
        clock.advance(1)
        start(made, f"job-{number}", "fr" if number < 5 else "en")
    yield made
    with_clock.close()


def start(engine: Fragile, workflow_id: str, tag: str) -> str:
    started = engine.engine.start_workflow_execution(
        **DOMAIN,
        workflowId=workflow_id,
        workflowType={"name": "basic", "version": "example"},
        taskList={"name": "list"},
        executionStartToCloseTimeout="3600",
        taskStartToCloseTimeout="30",
        childPolicy="ABANDON",
        tagList=[tag],
        input='{"__extra":{"class":"examples.basic.BasicWorkflow"},"args":[1],"kwargs":{}}',
    )
    return str(started["runId"])


def fail(engine: Fragile) -> None:
    """Fail all runs that are open."""
    while token := engine.engine.poll_for_decision_task(**DOMAIN, taskList={"name": "list"}).get("taskToken"):
        failed = {"reason": "ValueError: no", "details": "{}"}
        decision = {"decisionType": "FailWorkflowExecution", "failWorkflowExecutionDecisionAttributes": failed}
        engine.engine.respond_decision_task_completed(taskToken=token, decisions=[decision])


@pytest.fixture
def typed(engine: Fragile, capsys: pytest.CaptureFixture[str]) -> Typed:
    def command(*words: str, form: str = "tsv") -> tuple[int, str, str]:
        code = app.run(["--format", form, *words])
        return code, *capsys.readouterr()

    return command


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """A terminal at which this is typed; the questions that are asked there."""

    def sit(*texts: str) -> list[str]:
        asked: list[str] = []
        left = list(texts)

        def answer(prompt: str, **options: Any) -> bool:
            asked.append(f"{prompt} [{'Y/n' if options.get('default') else 'y/N'}]")
            return left.pop(0) == "y"

        monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
        monkeypatch.setattr(click, "confirm", answer)
        return asked

    return sit


def open_ids(engine: Fragile) -> list[str]:
    found = engine.engine.list_open_workflow_executions(**DOMAIN, startTimeFilter={"oldestDate": 0})["executionInfos"]
    return sorted(info["execution"]["workflowId"] for info in found)


def events(engine: Fragile, workflow_id: str, kind: str) -> int:
    """How many events of a kind the runs of an id have."""
    given = {**DOMAIN, "startTimeFilter": {"oldestDate": 0}, "executionFilter": {"workflowId": workflow_id}}
    lists = (engine.engine.list_open_workflow_executions, engine.engine.list_closed_workflow_executions)
    found = [info["execution"] for read in lists for info in read(**given)["executionInfos"]]
    histories = (engine.engine.get_workflow_execution_history(**DOMAIN, execution=each)["events"] for each in found)
    return sum(event["eventType"] == kind for history in histories for event in history)


def test_it_counts_shows_and_asks(typed: Typed, engine: Fragile, answers: Callable[..., list[str]]) -> None:
    asked = answers("n", "y")
    words = "workflow.terminate", "D", "--where", "id=job-* tag=fr,en", "--reason", "enough"
    code, out, said = typed(*words)
    assert (code, out) == (1, "") and asked == ["Terminate 7 runs? [y/N]"]
    lines = said.splitlines()
    assert lines[0] == "7 runs match (7 open)"
    assert lines[1].startswith("  job-6  ") and "  basic  OPEN  2026-" in lines[1]
    assert lines[6:] == ["  ... and 2 more", "Error: nothing was done"]
    assert len(open_ids(engine)) == 7
    assert typed(*words)[0] == 0
    assert open_ids(engine) == [] and len(asked) == 2
    assert events(engine, "job-1", "WorkflowExecutionTerminated") == 1


def test_dry_run_and_limit(typed: Typed, engine: Fragile) -> None:
    code, out, said = typed("workflow.signal", "D", "go", "--where", "tag=fr", "--dry-run", "--limit", "2", form="json")
    assert (code, said) == (0, "2 runs match (2 open)\n")
    assert [row["Workflow ID"] for row in json.loads(out)] == ["job-4", "job-3"]
    assert engine.calls == []
    assert typed("workflow.cancel", "D", "--where", "tag=fr", "--limit", "1", "--yes")[0] == 0
    assert engine.calls == ["job-4"]
    assert typed("workflow.cancel", "D", "--where", "tag=fr", "--yes")[0] == 0
    assert engine.calls == ["job-4", "job-3", "job-2", "job-1", "job-0"], "who was asked already is not asked again"


def test_what_cannot_be(typed: Typed) -> None:
    verb = "workflow.terminate", "D"
    for words, said in (
        ((*verb, "--where", "id=*"), "There is no terminal to ask at: add --yes, or --dry-run to see what would"),
        ((*verb, "--where", "status=failed", "--yes"), "workflow.terminate is for open runs, and --where means others"),
        ((*verb, "--where", "statu=x"), "Invalid value for '--where': there is no field 'statu'. Did you mean status?"),
        ((*verb, "W", "--where", "id=x"), "Got unexpected extra argument (W)"),
        ((*verb, "W", "--yes"), "--yes goes with --where."),
        (("workflow.profile", "D", "--where", "id=x", "-o", "x.svg"), "--output is for the drawing of one run"),
        (("workflow.info", "D", "--where", "id=x", "--follow"), "--follow is for one run: leave --where out"),
        ((*verb, "W", "--dry-run"), "--dry-run goes with --where."),
        (("workflow.tasks", "D", "W", "--limit", "1"), "--limit goes with --where."),
        (("workflow.repair", "-d", "D", "--where", "id=x", "--workflow-id", "y", "--yes"), "--workflow-id is for one"),
        (("workflow.signal", "D", "--where", "id=x"), "Missing argument 'SIGNAL_NAME'."),
    ):
        code, out, told = typed(*words)
        assert (code, out) == (2, "") and told.startswith(f"Error: {said}") and told.count("\n") == 1, told


def test_no_run_matches(typed: Typed) -> None:
    for command in ("workflow.terminate", "workflow.info"):
        yes = ["--yes"] if command == "workflow.terminate" else []
        assert typed(command, "D", "--where", "type=basic id=x", *yes) == (0, "", "no run matches\n")
        assert typed(command, "D", "--where", "tag=frr", *yes) == (0, "", "no run matches. Did you mean fr?\n")
        for form, nothing in (("json", "[]\n"), ("human", ""), ("tabular", "")):
            assert typed("workflow.info", "D", "--where", "id=x", form=form)[:2] == (0, nothing)
        said = "Error: the domain D has no workflow type basik. Did you mean basic?\n"
        assert typed(command, "D", "--where", "type=basik", *yes) == (1, "", said)
    assert typed("workflow.info", "E", "--where", "id=x")[0] == 1
    code, _, said = typed("workflow.signal", "D", "go", "--where", "id=x", "--resume")
    assert (code, said) == (1, "Error: nothing is left of such a command: leave --resume out\n")


def test_what_only_shows_runs_over_all(typed: Typed, engine: Fragile) -> None:
    fail(engine)
    where = "--where", "id=job-1,job-2"
    rows = [line.split("\t") for line in typed("workflow.result", "D", *where)[1].splitlines()]
    assert [(row[0], *row[2:]) for row in rows] == [(f"job-{n}", "FAILED", "", "ValueError: no") for n in (2, 1)]
    assert typed("workflow.result", "D", *where)[0] == 3
    assert typed("workflow.wait", "D", *where, "--where", "id=job-1 status=closed")[0] == 3
    infos = json.loads(typed("workflow.info", "D", *where, form="json")[1])
    assert [(info["workflow_id"], info["status"]) for info in infos] == [("job-2", "FAILED"), ("job-1", "FAILED")]
    records = json.loads(typed("workflow.history", "-d", "D", *where, form="json")[1])
    assert [record["workflow_id"] for record in records] == ["job-2"] * 5 + ["job-1"] * 5
    lines = typed("--header", "workflow.history", "-d", "D", *where, form="csv")[1].splitlines()
    assert lines[0].startswith("Workflow ID,Run ID,eventId") and len(lines) == 11
    cooked = json.loads(typed("workflow.history", "-d", "D", "-o", "cooked", *where, form="json")[1])
    assert [record["workflow_id"] for record in cooked] == ["job-2", "job-1"]
    for command in ("workflow.tasks", "workflow.profile"):
        assert typed(command, "D", *where) == (0, "", "")


def test_the_domain_of_the_environment(typed: Typed, engine: Fragile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "load", lambda: config.Config(engine="sqlite:engine", domain="D"))
    where = "--where", "id=job-1", "--yes"
    assert typed("workflow.signal", "go", *where)[0] == 0 == typed("workflow.signal", "D", "again", *where)[0]
    assert events(engine, "job-1", "WorkflowExecutionSignaled") == 2
    assert typed("workflow.terminate", *where)[0] == 0 and "job-1" not in open_ids(engine)
    assert typed("workflow.repair", *where)[0] == 0 and "job-1" in open_ids(engine)


def test_a_run_that_is_gone_meanwhile(typed: Typed, engine: Fragile) -> None:
    engine.faults = [client_error(Fault("UnknownResourceFault", "Unknown execution: x"), "TerminateWorkflowExecution")]
    code, _, said = typed("workflow.terminate", "D", "--where", "tag=en", "--yes")
    assert code == 0 and said.splitlines()[-1] == "1 closed already, 1 terminated"


def test_an_engine_that_throttles(typed: Typed, engine: Fragile, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked again, and more slowly for a while."""
    slept: list[float] = []
    monkeypatch.setattr(jobs, "sleep", slept.append)
    engine.faults = [client_error(Fault("ThrottlingException", "Rate exceeded"), "SignalWorkflowExecution")] * 2
    assert typed("workflow.signal", "D", "go", "--where", "tag=fr", "--yes")[0] == 0
    assert [events(engine, f"job-{number}", "WorkflowExecutionSignaled") for number in range(5)] == [1] * 5
    retried = slept[:4]
    assert retried[1] == 0.05 and retried[3] == 0.1 and slept[4:] == sorted(slept[4:], reverse=True)
    assert len(slept) == 4 + 4


def test_some_fail(typed: Typed, engine: Fragile) -> None:
    engine.faults = [client_error(Fault("OperationNotPermittedFault", "no"), "SignalWorkflowExecution")] * 2
    words = "workflow.signal", "D", "go", "--where", "tag=fr", "--yes"
    code, _, said = typed(*words)
    assert code == 1 and "3 signaled, 2 failed:\n  job-4 " in said
    assert said.count("no (OperationNotPermittedFault)") == 2
    assert said.endswith("the same command with --resume tries them again\n")
    code, _, said = typed(*words, "--resume")
    assert code == 0 and said.splitlines()[-1] == "2 signaled"
    assert [events(engine, f"job-{number}", "WorkflowExecutionSignaled") for number in range(5)] == [1] * 5
    assert typed(*words, "--resume")[0] == 1


def test_what_has_failed_is_looked_for_anew_unless_it_is_to_be_resumed(typed: Typed, engine: Fragile) -> None:
    words = "workflow.signal", "D", "go", "--where", "tag=fr", "--yes"
    engine.faults = [client_error(Fault("OperationNotPermittedFault", "no"), "SignalWorkflowExecution")]
    assert typed(*words)[0] == 1
    code, _, said = typed(*words)
    assert code == 0 and said.splitlines()[-1] == "5 signaled"


VERBS: dict[str, tuple[str, ...]] = {
    "terminate": ("workflow.terminate", "D"),
    "cancel": ("workflow.cancel", "D"),
    "signal": ("workflow.signal", "D", "go"),
    "restart": ("workflow.restart", "D"),
    "repair": ("workflow.repair", "-d", "D"),
}
TOLD = {
    "terminate": "WorkflowExecutionTerminated",
    "cancel": "WorkflowExecutionCancelRequested",
    "signal": "WorkflowExecutionSignaled",
}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("ending", ["killed", "Ctrl-C"])
def test_the_same_command_goes_on(
    typed: Typed, engine: Fragile, capsys: pytest.CaptureFixture[str], verb: str, when: str, ending: str
) -> None:
    """Interrupted in the middle, before a call or after it, it does the rest, and nothing twice but one signal."""
    if verb == "repair":
        fail(engine)
    words = (*VERBS[verb], "--where", "tag=fr", "--yes")
    engine.ends_at = 5 if verb == "restart" else 3, when  # a restart makes two calls
    engine.error = Killed() if ending == "killed" else KeyboardInterrupt()
    if ending == "killed":
        with pytest.raises(Killed):
            typed(*words)
        capsys.readouterr()
    else:
        code, _, said = typed(*words)
        assert code == 130 and said.rstrip().endswith("interrupted after 2 of 5: the same command goes on")
    code, out, said = typed(*words)
    assert code == 0, said
    again = 1 if verb == "signal" and when == "after" else 0
    for number in range(5):
        if verb in TOLD:
            assert events(engine, f"job-{number}", TOLD[verb]) == 1 + (again if number == 2 else 0)
        else:
            assert events(engine, f"job-{number}", "WorkflowExecutionStarted") == 2
            assert events(engine, f"job-{number}", "WorkflowExecutionTerminated") == (verb == "restart")
    if verb in ("signal", "restart", "repair"):
        assert "was interrupted: 2 of 5 runs were" in said
        assert ("job-2 may have been signaled before" in said) == (verb == "signal")
    if verb in ("restart", "repair"):
        assert [line.split()[0] for line in out.splitlines()] == ["job-2", "job-1", "job-0"]
        assert sorted(open_ids(engine)) == [f"job-{number}" for number in range(7 if verb == "restart" else 5)]
    if verb == "repair":
        assert typed(*words)[2] == "no run matches\n", "what was repaired is over and done with"


def test_what_was_interrupted_is_asked_for(
    typed: Typed, engine: Fragile, answers: Callable[..., list[str]], tmp_path: Path
) -> None:
    words = "workflow.signal", "D", "go", "--where", "tag=fr"
    asked = answers("y", "n", "y")
    engine.ends_at, engine.error = (3, "before"), KeyboardInterrupt()
    assert typed(*words)[0] == 130
    code, _, said = typed(*words)
    assert code == 1 and said.endswith("Error: nothing was done: --fresh forgets what was interrupted\n")
    assert asked == ["Signal 5 runs? [y/N]", "Go on with the other 3? [Y/n]"]
    assert typed(*words, "--dry-run")[2] == "5 runs match (5 open)\n"
    assert typed(*words)[0] == 0
    assert len(engine.calls) == 2 + 1 + 3 and list(tmp_path.rglob("*.jsonl")) == []

    engine.calls.clear()
    assert typed(*words, "--yes")[0] == 130
    engine.ends_at = None
    assert typed("workflow.signal", "D", "stop", "--where", "tag=fr", "--yes")[0] == 0, "another signal is another job"
    engine.calls.clear()
    assert typed(*words, "--yes", "--fresh")[0] == 0
    assert len(engine.calls) == 5


def test_a_journal_that_ends_in_the_middle_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "jobs" / "a.jsonl"
    journal = Journal.begin(path, [(f"job-{number}", "run") for number in range(4)])
    with pytest.raises(click.ClickException, match="another process is at this very job"):
        Journal.begin(path, [])
    with pytest.raises(click.ClickException, match="another process is at this very job"):
        Journal.found(path)
    for index, state in ((0, BEGUN), (0, DONE), (1, BEGUN), (1, FAILED), (2, BEGUN)):
        journal.mark(index, state)
    journal.close()
    with path.open("a") as file:
        file.write('[2, "do')
    found = Journal.found(path)
    assert found is not None and not found.is_tried and list(path.parent.iterdir()) == [path]
    assert found.left == [(1, ("job-1", "run"), False), (2, ("job-2", "run"), True), (3, ("job-3", "run"), False)]
    found.mark(2, DONE)
    found.close()
    found = Journal.found(path)
    assert found is not None and [index for index, _, _ in found.left] == [1, 3]
    for index in (1, 3):
        found.mark(index, DONE)
    found.close()
    assert Journal.found(path) is None
