"""A run in this process: its own engine, decider and worker, by turns."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from simpleflow import Workflow, activity
from simpleflow.exceptions import TaskFailed, WorkflowFailed
from simpleflow.protocol.history import attributes
from simpleflow.runtime.local import DECISIONS, DOMAIN, Local, run_local
from simpleflow.runtime.start import launch

tries: list[int] = []


@activity.with_attributes(retry=2)
def third_time_lucky(x: int) -> int:
    tries.append(x)
    if len(tries) % 3:
        raise ValueError(f"try {len(tries)}")
    return x


@activity.with_attributes()
def add(x: int, y: int = 1) -> int:
    return x + y


def test_a_run_gives_its_value() -> None:
    class Sum(Workflow):
        def run(self, xs: list[int]) -> int:
            return sum(future.result for future in self.map(add, xs))

    assert run_local(Sum, ([1, 2, 3],)) == 9


def test_retries_cost_no_time() -> None:
    class Lucky(Workflow):
        def run(self) -> int:
            return self.submit(third_time_lucky, 7).result

    tries.clear()
    assert run_local(Lucky) == 7 and tries == [7, 7, 7]


def test_activities_need_not_be_importable_here() -> None:
    @activity.with_attributes()
    def local_one(x: int) -> int:
        return x * 10

    class Closure(Workflow):
        def run(self) -> int:
            return self.submit(local_one, 4).result

    assert run_local(Closure) == 40


def test_a_failed_task_can_be_caught_and_an_uncaught_one_fails_the_run() -> None:
    @activity.with_attributes()
    def bad() -> None:
        raise KeyError("why")

    class Catches(Workflow):
        def run(self, catch: bool) -> Any:
            try:
                return self.submit(bad).result
            except TaskFailed as error:
                if not catch:
                    raise
                return error.reason

    assert run_local(Catches, (True,)) == "KeyError: 'why'"
    with pytest.raises(WorkflowFailed) as caught:
        run_local(Catches, (False,))
    assert caught.value.status == "FAILED" and "KeyError: 'why'" in str(caught.value)
    assert "raise KeyError" in "".join(json.loads(caught.value.details or "{}")["traceback"])


def test_a_run_that_waits_for_ever_says_so() -> None:
    class Forgetful(Workflow):
        def run(self) -> Any:
            future = self.submit(add, 1)
            self.executor._graph.open.clear()  # type: ignore[attr-defined]
            return future.result

    with pytest.raises(WorkflowFailed, match="it waits for what never comes: activity-"):
        run_local(Forgetful)


def test_local_needs_nothing_of_posix() -> None:
    """Windows has no fcntl and no pwd; --local and the library work there."""
    code = (
        "import apsw, botocore.exceptions, greenlet, logging, orjson, platformdirs, sys\n"
        "sys.platform = 'win32'\n"
        "sys.modules['fcntl'] = sys.modules['pwd'] = sys.modules['grp'] = None\n"
        "from examples.basic import BasicWorkflow\n"
        "from simpleflow.runtime.local import run_local\n"
        "assert run_local(BasicWorkflow, (1,), {'t': 0}) == 4\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "(1 + 1) * 2 = 4\n"


def test_an_interrupt_ends_the_run_also_where_it_was_caught() -> None:
    pressed: list[int] = []

    @activity.with_attributes(retry=3)
    def swallows() -> int:
        pressed.append(1)
        raise KeyboardInterrupt  # as the handler of Ctrl-C does

    class Stubborn(Workflow):
        def run(self) -> Any:
            return self.submit(swallows).exception is None

    with pytest.raises(KeyboardInterrupt):
        run_local(Stubborn, interrupted=lambda: bool(pressed))
    assert pressed == [1]


def twice(event: int, context: Any) -> int:
    return 2 * event


def test_lambda_functions_run_here() -> None:
    class Nothing(Workflow):
        name, version = "nothing", "1"

        def run(self) -> None: ...

    local = Local(Nothing, lambdas={"twice": f"{__name__}:twice"})
    handle = launch(Nothing, (), {}, engine=local._engine, domain=DOMAIN, task_list="local")
    task = local._engine.poll_for_decision_task(**DECISIONS)
    decisions = [
        {
            "decisionType": "ScheduleLambdaFunction",
            "scheduleLambdaFunctionDecisionAttributes": {"id": name, "name": name, "input": "21"},
        }
        for name in ("twice", "no-such")
    ]
    local._work(("respond_decision_task_completed", {"taskToken": task["taskToken"], "decisions": decisions}))
    execution = {"workflowId": handle.workflow_id, "runId": handle.run_id}
    events = local._engine.get_workflow_execution_history(domain=DOMAIN, execution=execution)["events"]
    local._engine.close()
    outcomes = {event["eventType"]: attributes(event) for event in events}
    assert outcomes["LambdaFunctionCompleted"]["result"] == "42"
    assert outcomes["LambdaFunctionFailed"]["reason"] == "ResourceNotFoundException"
