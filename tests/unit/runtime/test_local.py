"""A run in this process: its own engine, decider and worker, by turns."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from simpleflow import Workflow, activity
from simpleflow.exceptions import PayloadError, TaskFailed, WorkflowException, WorkflowFailed
from simpleflow.protocol.history import attributes
from simpleflow.runtime.local import DECISIONS, DOMAIN, Executor, Local, run_local
from simpleflow.runtime.start import StartOptions, launch

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
    handle = launch(Nothing, (), {}, StartOptions(engine=local._engine, domain=DOMAIN, task_list="local"))
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


@dataclass(frozen=True)
class Order:
    day: date
    amount: Decimal
    parts: tuple[Order, ...] = ()


@activity.with_attributes()
def later(order: Order, by: timedelta) -> Order:
    assert type(order) is Order and type(by) is timedelta
    return Order(order.day + by, order.amount * 2, (order,))


def test_values_of_many_types_come_back_by_type_hints_all_the_way() -> None:
    class Types(Workflow):
        def run(self, day: date, *, amount: Decimal) -> Order:
            assert type(day) is date and type(amount) is Decimal
            first = self.submit(later, Order(day, amount), timedelta(days=1))
            second = self.submit(later, first, by=timedelta(hours=24))
            assert type(second.result) is Order
            return second.result

    first = Order(date(2024, 2, 28), Decimal("1.10"))
    second = Order(date(2024, 2, 29), Decimal("2.20"), (first,))
    found = run_local(Types, (date(2024, 2, 28),), {"amount": Decimal("1.10")})
    assert found == Order(date(2024, 3, 1), Decimal("4.40"), (second,))
    with pytest.raises(PayloadError, match=r"in the call of .*Types.run the parameter day is not a date .*: 'abc'"):
        run_local(Types, ("abc",), {"amount": 1})


def test_the_plain_value_is_to_be_had_too() -> None:
    class Types(Workflow):
        def run(self) -> dict[date, Decimal]:
            return {date(2024, 2, 29): Decimal("1.10")}

    assert run_local(Types) == {date(2024, 2, 29): Decimal("1.10")}
    assert run_local(Types, hinted=False) == {"2024-02-29": "1.10"}


def test_a_wrong_value_for_a_hint_fails_the_task_and_names_it() -> None:
    class Wrong(Workflow):
        def run(self) -> Any:
            return self.submit(later, {"day": "x", "amount": 1}, "PT5S").exception  # type: ignore[call-overload]

    class Reason(Wrong):
        def run(self) -> Any:
            return super().run().reason

    reason = run_local(Reason)
    assert reason.startswith("PayloadError: in the call of test_local.later the parameter order.day is not a date")


class OwnError(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@activity.with_attributes()
def fails(how: str) -> None:
    if how == "own":
        raise OwnError(7, "seven")
    try:
        int("x")
    except ValueError as error:
        raise OSError(2, "gone") from error


def test_a_failure_is_caught_by_its_own_class() -> None:
    class Catches(Workflow):
        def run(self, how: str) -> Any:
            try:
                self.submit(fails, how).result
            except OwnError as error:
                return [error.code, str(error)]
            except FileNotFoundError as error:
                return [error.errno, type(error.__cause__).__name__, isinstance(error, TaskFailed)]

    assert run_local(Catches, ("own",)) == [7, "activity-test_local.fails-1: OwnError: seven"]
    assert run_local(Catches, ("os",)) == [2, "ValueError", True]


def test_large_values_travel_in_the_memory_of_the_process() -> None:
    @activity.with_attributes()
    def grow(lines: list[str]) -> list[str]:
        return lines * 2

    class Large(Workflow):
        def run(self, lines: list[str]) -> list[str]:
            first = self.submit(grow, lines)
            return [*self.submit(grow, first).result, *first.result]

    assert run_local(Large, (["x" * 1000] * 50,)) == ["x" * 1000] * 300


def test_the_error_of_a_run_has_the_traceback_and_the_causes_of_what_failed() -> None:
    class Fails(Workflow):
        def run(self) -> None:
            self.submit(fails, "os").result

    with pytest.raises(WorkflowFailed) as caught:
        run_local(Fails)
    assert type(caught.value.__cause__) is ValueError
    assert 'int("x")' in "".join(caught.value.__notes__)


class Adds(Workflow):
    """What the executor of old is asked to run."""

    def run(self, x: int = 1, y: int = 2) -> int:
        return self.submit(add, x, y).result


@pytest.mark.parametrize(
    ("input", "result"),
    [(None, 3), ([5], 7), ({"args": [5], "kwargs": {"y": 5}}, 10), ({"kwargs": {"x": 0}}, 2), ({}, 3), ((1, 1), 2)],
)
def test_the_executor_takes_an_input(input: Any, result: int) -> None:
    assert Executor(Adds).run(input) == result


@pytest.mark.parametrize("input", [{"x": 1}, "text", 5])
def test_the_executor_refuses_what_is_no_input(input: Any) -> None:
    with pytest.raises(TypeError, match="an input is "):
        Executor(Adds).run(input)


def test_the_executor_raises_what_run_raises_with_its_traceback() -> None:
    class Raises(Workflow):
        def run(self, how: str) -> Any:
            if how == "task":
                return self.submit(add, "1").result  # type: ignore[call-arg, arg-type]
            if how == "fail":
                self.fail("as it said")
            if how == "leave":
                raise SystemExit(3)
            raise LookupError(how) from OSError("a cause")

    with pytest.raises(LookupError, match="own") as own:
        Executor(Raises).run(["own"])
    assert own.traceback[-1].name == "run" and type(own.value.__cause__) is OSError
    with pytest.raises(TaskFailed) as failed:
        Executor(Raises).run(["task"])
    assert isinstance(failed.value, TypeError)
    for how, reason in ("fail", "Workflow execution failed: as it said"), ("leave", "SystemExit"):
        with pytest.raises(WorkflowFailed, match=reason):
            Executor(Raises).run([how])


@pytest.mark.parametrize("thing", [3, "flows.Adds", add])
def test_the_executor_takes_a_class_of_workflows(thing: Any) -> None:
    with pytest.raises(TypeError, match=r"a class that derives from simpleflow\.Workflow, not of"):
        Executor(thing)


def test_an_error_of_a_child_is_not_the_one_of_the_run() -> None:
    class Parent(Workflow):
        def run(self) -> Any:
            child = self.submit(Child)
            assert isinstance(child.exception, WorkflowException)
            self.fail("after all")

    class Child(Workflow):
        raises_on_failure = None

        def run(self) -> Any:
            raise ValueError("the child's own")

    with pytest.raises(WorkflowFailed, match="after all"):
        Executor(Parent).run()


noted: list[Any] = []


def note_before(context: dict[str, Any]) -> None:
    noted.append(("before", context["activity_id"]))


def note_after(context: dict[str, Any], result: Any) -> None:
    noted.append(("after", result))


def test_the_executor_calls_middlewares() -> None:
    noted.clear()
    names = {"pre": [f"{__name__}.note_before"], "post": [f"{__name__}.note_after"]}
    assert Executor(Adds, middlewares=names).run() == 3
    assert noted == [("before", f"activity-{__name__}.add-1"), ("after", 3)]


def test_ctrl_c_ends_the_executor_also_where_it_was_caught() -> None:
    @activity.with_attributes(retry=3)
    def press() -> None:
        noted.append("pressed")
        signal.raise_signal(signal.SIGINT)

    class Stubborn(Workflow):
        def run(self) -> Any:
            return self.submit(press).exception is not None

    noted.clear()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            Executor(Stubborn).run()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler and noted == ["pressed"]
    finally:
        signal.signal(signal.SIGINT, before)
