"""Values of tasks of every kind: by type hints, by reference where they are large, errors of their own class."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from town import Town

from simpleflow import Workflow, activity, futures
from simpleflow.exceptions import PayloadUnreachable, TaskFailed
from simpleflow.payload.store import Payloads
from simpleflow.task import LambdaFunctionTask, NonPythonicActivityTask

LARGE = "x" * 100_000
DAY = date(2024, 2, 28)


class Shelf(Payloads):
    """A store that counts what is read, and can be lost."""

    def __init__(self) -> None:
        super().__init__(["memory:"])
        self.read = 0
        self.lost = False

    def get(self, text: str) -> str:
        self.read += 1
        if self.lost:
            raise PayloadUnreachable(f"the payload {text} is lost")
        return super().get(text)

    def put(self, text: str) -> str:
        if self.lost:
            raise PayloadUnreachable("a payload cannot be put anywhere")
        return super().put(text)


@pytest.fixture(params=["cached", "forgetful"])
def town(request: Any) -> Iterator[Town]:
    functions = {"echo": f"{__name__}:echo"}
    made = Town(forget=request.param == "forgetful", payloads=Shelf(), lambdas=functions)
    yield made
    made.close()


def echo(event: Any, context: Any) -> Any:
    return event


@activity.with_attributes()
def twice(x: Any) -> Any:
    return x + x


@activity.with_attributes()
def later(day: date, by: timedelta = timedelta(days=1)) -> date:
    assert type(day) is date and type(by) is timedelta
    return day + by


class OwnError(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(f"code {code}")
        self.code = code


@activity.with_attributes()
def breaks(code: int) -> None:
    raise OwnError(code)


@activity.with_attributes(raises_on_failure=True)
def breaks_fast(code: int) -> None:
    raise OwnError(code)


# -- types ---------------------------------------------------------------------------------------------------------


class Later(Workflow):
    def run(self, day: date, *, by: timedelta = timedelta(days=1)) -> date:
        assert type(day) is date and type(by) is timedelta
        return self.submit(later, day, by).result

    @classmethod
    def get_workflow_id(cls, day: Any, **options: Any) -> str:
        assert type(day) is date
        return f"later-{day:%Y-%j}"

    @staticmethod
    def get_tag_list(kind: type[Workflow], day: Any, **options: Any) -> list[str]:
        return [f"{day:%B}"]


def test_a_childs_arguments_and_result_come_by_the_hints_of_its_run(town: Town) -> None:
    class Parent(Workflow):
        def run(self, day: date) -> date:
            child = self.submit(Later, self.submit(later, day), by=timedelta(days=2))
            assert type(child.result) is date
            return child.result + timedelta(days=1)

    assert town.run(town.start(Parent, DAY)) == "2024-03-03"
    assert {each[0] for each in town.executions()} == {"w", "later-2024-060"}


def test_a_wrong_argument_of_a_child_fails_it_and_names_the_parameter(town: Town) -> None:
    class Parent(Workflow):
        def run(self) -> str:
            return str(self.submit(Later, "yesterday").exception)

    said = town.run(town.start(Parent))
    assert said.startswith("workflow-Later: PayloadError: in the call of ")
    assert "the parameter day is not a date" in said


def test_every_way_to_wait_gives_typed_results(town: Town) -> None:
    class Waits(Workflow):
        async def run(self) -> list[bool]:
            def one() -> Any:
                return self.submit(later, DAY).result

            async def two() -> date:
                return await self.submit(later, DAY)

            tasks = [self.submit(later, DAY), self.submit(later, "2024-02-28", timedelta(days=1))]
            found = [*futures.wait(*tasks), await tasks[0], await futures.gather(two(), tasks[1])]
            found += [each.result for each in futures.as_completed(tasks)]
            found += [self.executor.spawn(one).result]
            return [type(each) is date and each == DAY + timedelta(days=1) for each in _flat(found)]

    assert town.run(town.start(Waits)) == [True] * 8


def _flat(found: list[Any]) -> list[Any]:
    return [each for some in found for each in (some if isinstance(some, list | tuple) else [some])]


def test_who_has_no_hints_gives_plain_json(town: Town) -> None:
    class Plain(Workflow):
        def run(self) -> list[Any]:
            self.submit(self.signal("go", DAY))
            marker = self.submit(self.record_marker("m", {"day": DAY}))
            return [
                self.submit(LambdaFunctionTask("echo", {"day": DAY})).result,
                self.submit(self.wait_signal("go")).result["args"],
                marker.result,
                self.list_markers()[0].details,
            ]

    assert town.run(town.start(Plain)) == [
        {"day": "2024-02-28"},
        ["2024-02-28"],
        '{"day":"2024-02-28"}',
        {"day": "2024-02-28"},
    ]


# -- errors --------------------------------------------------------------------------------------------------------


def test_an_error_is_of_its_own_class_wherever_it_is_seen(town: Town) -> None:
    class Catches(Workflow):
        async def run(self) -> list[Any]:
            seen: list[Any] = []

            def see(error: Any) -> None:
                seen.append([error.code, isinstance(error, TaskFailed)])

            async def branch() -> None:
                await self.submit(breaks, 3)

            def fast() -> None:
                try:
                    self.submit(breaks_fast, 4)
                    self.sleep(5)
                except OwnError as error:
                    see(error)

            failed = self.submit(breaks, 1)
            see(failed.exception)
            for wait in (lambda: futures.wait(failed), lambda: self.submit(twice, failed).result):
                try:
                    wait()
                except OwnError as error:
                    see(error)
            for awaited in (self.submit(breaks, 2), futures.gather(branch())):
                try:
                    await awaited
                except OwnError as error:
                    see(error)
            self.executor.spawn(fast).result
            return seen

    assert town.run(town.start(Catches)) == [[code, True] for code in (1, 1, 1, 2, 3, 4)]


class Fails(Workflow):
    raises_on_failure = None

    def run(self, how: str) -> None:
        if how == "own":
            raise OwnError(5)
        self.submit(breaks, 6).result


def test_an_error_of_a_child_is_of_its_own_class_in_the_parent(town: Town) -> None:
    class Parent(Workflow):
        def run(self) -> list[Any]:
            found = []
            for how in ("own", "by a task"):
                try:
                    self.submit(Fails, how).result
                except OwnError as error:
                    found.append(error.code)
            return found

    assert town.run(town.start(Parent)) == [5, 6]


# -- large values --------------------------------------------------------------------------------------------------


class Long(Workflow):
    def run(self, text: str) -> str:
        return text + self.submit(twice, text).result


def test_values_of_every_kind_may_be_large(town: Town) -> None:
    class Large(Workflow):
        def run(self, text: str) -> list[Any]:
            child = self.submit(Long, text)
            self.submit(self.signal("go", text))
            marker = self.submit(self.record_marker("m", text))
            timer = self.submit(self.start_timer("t", 1, control=text))
            function = self.submit(LambdaFunctionTask("echo", [text]))
            foreign = self.submit(NonPythonicActivityTask(twice, text))
            timer.wait()
            sizes = [child.result, function.result[0], marker.result, foreign.result, self.list_markers()[0].details]
            sizes += [self.submit(self.wait_signal("go")).result["args"][0], self.receive("go").result["args"][0]]
            again = self.submit(self.record_marker("m", text))
            return [*map(len, sizes), again.result == marker.result]

    execution = town.start(Large, LARGE)
    size = len(LARGE)
    assert town.run(execution) == [3 * size, size, size + 2, 2 * size, size, size, size, True]
    for event in town.events(execution):
        assert len(str(event)) < 2000, event["eventType"]
    assert len(town.of(execution, "MarkerRecorded")) == 1


def test_a_run_goes_on_with_large_arguments_and_more_signals_than_fit(town: Town) -> None:
    class Goes(Workflow):
        def run(self, text: str, last: bool = False) -> list[Any]:
            if not last:
                self.submit(twice, 1).result
                self.submit(self.continue_as_new(text, True))
            return [len(text), [len(self.receive("in").result) for _ in range(5)]]

    execution = town.start(Goes, LARGE)
    for size in range(10_000, 10_005):
        town.signal("w", "in", f'"{"y" * size}"')
    town.settle()
    (closing,) = town.of(execution, "WorkflowExecutionContinuedAsNew")
    assert len(closing["input"]) < 1000
    following = {"workflowId": "w", "runId": closing["newExecutionRunId"]}
    assert town.run(following) == [len(LARGE), list(range(10_000, 10_005))]


def test_what_a_run_returns_unread_is_handed_on_unread(town: Town) -> None:
    class Hands(Workflow):
        def run(self) -> Any:
            return [self.submit(twice, "x" * 20_000)]

    execution = town.start(Hands)
    town.settle()
    assert town.payloads.read == 0  # type: ignore[attr-defined]
    assert len(town.end(execution)[0]) == 40_000


# -- a store that is lost ------------------------------------------------------------------------------------------


class Named(Workflow):
    def run(self, text: str) -> int:
        return len(text)

    @classmethod
    def get_workflow_id(cls, text: str) -> str:
        return f"named-{len(text)}"


def test_a_lost_store_fails_no_child_that_is_named_by_its_arguments(town: Town) -> None:
    class Parent(Workflow):
        def run(self) -> Any:
            return self.submit(Named, self.submit(twice, "x" * 20_000)).result

    execution = town.start(Parent)
    town.decide()
    town.work()
    losing(town)
    assert town.run(execution) == 40_000
    assert ("named-40000", f"{__name__}.Named", "COMPLETED") in town.executions()


def test_a_lost_store_is_not_for_should_cancel_to_see(town: Town) -> None:
    class Asks(Workflow):
        def run(self) -> Any:
            self.submit(self.record_marker("m", LARGE))
            return self.submit(self.wait_signal("never")).result

        def should_cancel(self, history: Any) -> bool:
            try:
                return len(self.list_markers()) == 1
            except Exception:
                return False

    execution = town.start(Asks)
    town.decide()
    town.cancel("w")
    losing(town)
    town.run(execution)
    assert town.closed(execution) and town.kinds(execution)[-1] == "WorkflowExecutionCanceled"


def losing(town: Town) -> None:
    """The next decision finds the store lost, and the run is parked; then the store is back."""
    shelf: Any = town.payloads
    town.parks = shelf.lost = True
    assert town.decide() and str(town.parked).startswith("PayloadUnreachable: ")
    town.parks = shelf.lost = False
