"""Programs, and functions in processes of their own, without a worker."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import execute_flow as flow
import simpleflow
from hands import Fifo
from simpleflow import Workflow, execute, settings
from simpleflow.activity import Activity
from simpleflow.exceptions import ExecutionError, ExecutionTimeoutError, PayloadError, TaskFailed
from simpleflow.runtime.local import run_local


@pytest.fixture
def fifo(tmp_path: Path) -> Any:
    made = Fifo(tmp_path / "fifo")
    yield made
    made.close()


# -- Python --------------------------------------------------------------------------------------------------------


def test_a_function_runs_in_a_process_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    assert flow.add(40, y=2) == 42
    assert "printed by" in capfd.readouterr().out
    found = flow.process()
    assert found["pid"] != os.getpid() and found["executable"] == sys.executable


def test_nothing_is_looked_up_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert flow.add(1) == 2


def test_another_interpreter_is_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "our-python").write_text(f'#!/bin/sh\nTMPDIR=seen exec "{sys.executable}" "$@"\n')
    (tmp_path / "our-python").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(flow.__file__).parent))
    assert execute.python(interpreter="our-python")(flow.process.__wrapped__)()["tmp"] == "seen"


@pytest.mark.parametrize("length", [10, 65_536, 3_000_000])
def test_arguments_and_results_of_any_size(length: int) -> None:
    text = "é" * length
    assert flow.as_activity(text) == text.upper()


def test_activities_and_functions_in_any_order() -> None:
    assert isinstance(flow.as_activity, Activity) and flow.as_activity.name == "execute_flow.as_activity"
    assert flow.as_activity.retry == 2 and flow.as_activity("a") == "A"
    assert flow.the_other_way("A") == "a"


def test_classes() -> None:
    assert Activity(flow.Task).name == "execute_flow.task-of-its-own"
    assert flow.Task("x") == ["x", None]
    assert Activity(flow.Task).work(["x"], {}, {"activity_id": "a-1"}) == ["x", {"activity_id": "a-1"}]


def test_values_of_many_types_come_back_by_type_hints() -> None:
    order = flow.Order(date(2024, 2, 28), Decimal("1.10"))
    assert flow.typed(order, by=timedelta(days=1)) == flow.Order(date(2024, 2, 29), Decimal("2.20"))
    assert flow.Typed(order.day) == order.day
    with pytest.raises(ExecutionError, match=r"in the call of execute_flow\.typed the parameter order\.day is not a"):
        flow.typed({"day": "x", "amount": 1})  # type: ignore[arg-type]


def test_a_program_sees_values_and_errors_of_such_a_function_as_its_own() -> None:
    class Sees(Workflow):
        def run(self, day: date) -> Any:
            order = self.submit(Activity(flow.typed), flow.Order(day, Decimal(1)), by=timedelta(days=1)).result
            assert type(order) is flow.Order
            assert self.submit(Activity(flow.Typed), order.day).result == order.day
            try:
                self.submit(Activity(flow.fails_in_its_own_way), 7).result
            except flow.OwnError as error:
                cause = error.__cause__
                return [isinstance(error, TaskFailed), error.code, error.args, type(cause).__name__, order.day]

    assert run_local(Sees, [date(2024, 2, 28)]) == [True, 7, ["code 7"], "ValueError", "2024-02-29"]


def test_the_context_goes_along() -> None:
    assert Activity(flow.told).work([], {}, {"workflow_id": "w"}) == [{"workflow_id": "w"}] * 2
    assert Activity(flow.told).context == {"workflow_id": "w"}


@pytest.mark.parametrize(("level", "said"), [("WARNING", False), ("INFO", True)])
def test_it_logs_as_this_process_does(capfd: pytest.CaptureFixture[str], level: str, said: bool) -> None:
    simpleflow.logger.setLevel(level)
    try:
        flow.logs()
    finally:
        simpleflow.logger.setLevel("NOTSET")
    assert ("INFO [process=execute, pid=" in capfd.readouterr().err) is said


def test_the_environment(tmp_path: Path) -> None:
    own = execute.python(env={"TMPDIR": str(tmp_path)})(flow.process.__wrapped__)
    assert own()["tmp"] == str(tmp_path)


def test_a_failure_keeps_type_message_and_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ExecutionError) as caught:
        flow.fails("first\nsecond")
    assert str(caught.value) == caught.value.reason == r"KeyError: 'first\nsecond'"
    details = json.loads(caught.value.args[0])
    assert (details["error"], details["error_type"], details["message"]) == ("KeyError", "KeyError", r"'first\nsecond'")
    assert "in fails" in details["traceback"][1] and not any("simpleflow/execute" in x for x in details["traceback"])
    (note,) = caught.value.__notes__
    assert note.startswith("The traceback of the process where it was raised:") and "in fails" in note
    with pytest.raises(ExecutionError) as caught:
        flow.fails_in_its_own_way(1)
    assert type(caught.value.__cause__) is ValueError
    assert r"execute_flow.fails: KeyError: 'first\nsecond'" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: flow.leaves(3), "SystemExit: 3"),
        (lambda: flow.leaves(0), "SystemExit: 0"),
        (lambda: flow.add(), "TypeError: add() missing 1 required positional argument: 'x'"),
        (lambda: flow.gives_a_set(), "PayloadError: the result cannot be encoded as JSON: rows[0] is an object,"),
    ],
)
def test_other_failures(call: Any, reason: str) -> None:
    with pytest.raises(ExecutionError) as caught:
        call()
    assert caught.value.reason.startswith(reason) and caught.value.details


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: flow.vanishes(3), r"execute_flow\.vanishes.* returned non-zero exit status 3"),
        (lambda: flow.vanishes(0), r"execute_flow\.vanishes.* returned nothing"),
        (lambda: flow.dies(), r"execute_flow\.dies.* died with <Signals\.SIGKILL: 9>"),
    ],
)
def test_a_process_that_dies_is_told(call: Any, reason: str) -> None:
    with pytest.raises(ExecutionError, match=reason) as caught:
        call()
    assert caught.value.details == ""


def test_arguments_that_cannot_travel_are_named() -> None:
    with pytest.raises(PayloadError, match=r"the arguments cannot be encoded as JSON: args\[0\]\.a is an object"):
        flow.add({"a": object()})  # type: ignore[arg-type]


def test_what_runs_too_long_is_ended() -> None:
    began = time.monotonic()
    with pytest.raises(ExecutionTimeoutError) as caught:
        flow.sleeps()
    assert 0.5 <= time.monotonic() - began < 5
    assert caught.value.timeout_value == 0.5 and "execute_flow.sleeps" in caught.value.timeout_command
    assert repr(caught.value).startswith("ExecutionTimeoutError after 0.5 seconds ([")


def test_it_is_ended_with_all_that_it_started(fifo: Fifo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ACTIVITY_SIGTERM_WAIT_SEC", 0.2)
    with pytest.raises(ExecutionTimeoutError):
        flow.hangs(fifo.path)
    assert fifo.line() == "held" and fifo.gone()


def test_what_is_left_running_is_ended(fifo: Fifo) -> None:
    flow.holds_and_is_killed(fifo.path)
    assert fifo.line() == "held" and fifo.gone()


# -- programs ------------------------------------------------------------------------------------------------------


def test_a_programs_output_is_its_result() -> None:
    assert flow.echo("a", "b", opt="x y", o=1) == '--opt="x y" -o="1" a b\n'
    assert flow.plain("a b", option=1) == "--option=1 a b\n"
    assert flow.plain("a") == "a\n"
    assert flow.bytes_of(r"\303\251\377") == "é\\xff"


def test_arguments_are_formatted() -> None:
    assert execute.format_arguments("a", "b", c=1, val=2) == ['-c="1"', '--val="2"', "a", "b"]
    assert execute.plain_arguments("a", "b", c=1, val="x y") == ["-c=1", "--val=x y", "a", "b"]


def test_a_call_must_fit_the_functions_parameters() -> None:
    with pytest.raises(TypeError, match="missing a required argument: 'text'"):
        flow.plain()
    with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
        flow.plain("a", other=1)


def test_programs_that_fail() -> None:
    with pytest.raises(subprocess.CalledProcessError, match="returned non-zero exit status 1"):
        flow.fails_as_a_program()
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        flow.missing()


# -- as a script ---------------------------------------------------------------------------------------------------


def script(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "simpleflow.execute", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=Path(flow.__file__).parent, timeout=60)


def test_a_function_is_called_from_the_shell() -> None:
    done = script("os.path.exists", '{"args": ["/tmp"]}')
    assert (done.returncode, done.stdout, done.stderr) == (0, "\ntrue\n", "")
    done = script("execute_flow.Task", '["x"]', "--context", '{"run_id": "r"}')
    assert done.stdout == 'afterwards\n\n["x",{"run_id":"r"}]\n'


def test_a_failure_is_shown_in_the_shell() -> None:
    done = script("execute_flow.fails", '["x"]')
    assert (done.returncode, done.stdout) == (1, "")
    said = r"\S+ ERROR \[process=execute, pid=\d+\]: execute_flow.fails: KeyError: 'x'\nTraceback \(most recent"
    assert re.match(said, done.stderr)
    done = script("no.such.function")
    assert re.match(r"\S+ ERROR \[process=execute, pid=\d+\]: no.such.function: ModuleNotFoundError: No", done.stderr)
    assert script().returncode == 2
