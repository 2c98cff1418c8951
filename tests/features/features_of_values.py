"""Values that travel, and what activities may be: classes, coroutines, programs of others, steps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

from feature import LIST, Events, Fails, Feature, Flow, of, task
from features_of_tasks import CHILD, GOES_ON, LAMBDA, SIGNAL

from simpleflow import activity, execute
from simpleflow.task import ActivityTask, LambdaFunctionTask, NonPythonicActivityTask

LARGE = 200_000


class Colour(Enum):
    RED = "r"


class Point(NamedTuple):
    x: int
    y: Decimal


@dataclass(frozen=True)
class Order:
    id: UUID
    day: date
    at: datetime
    takes: timedelta
    price: Decimal
    colours: frozenset[Colour]
    points: list[Point]
    raw: bytes
    parent: Order | None = None


@task
def same(order: Order) -> Order:
    assert isinstance(order.price, Decimal) and isinstance(order.points[0], Point)
    return order


@task
def by_day(days: dict[date, set[int]], *more: Decimal, **other: Colour) -> tuple[dict[date, set[int]], Decimal, Colour]:
    return days, sum(more, Decimal(0)), other["colour"]


class ByHints(Flow):
    def run(self, day: date) -> Any:
        at = datetime(2024, 2, 29, 12, 30, tzinfo=UTC)
        inner = Order(
            UUID(int=1), day, at, timedelta(1), Decimal("1.10"), frozenset(Colour), [Point(1, Decimal(2))], b"\0"
        )
        order = Order(UUID(int=2), day, at, timedelta(0), Decimal(3), frozenset(), inner.points, b"", inner)
        found = self.submit(same, self.submit(same, order)).result
        days = self.submit(by_day, {day: {1, 2}}, Decimal("0.1"), Decimal("0.2"), colour=Colour.RED).result
        return [isinstance(day, date), found == order, days == ({day: {1, 2}}, Decimal("0.3"), Colour.RED)]


class WrongHint(Flow):
    def run(self) -> Any:
        return str(self.submit(same, {"id": "x"}).exception)


@task
def large(letter: str) -> str:
    return letter * LARGE


@task
def length(text: str, *rest: Any) -> int:
    return len(text)


class LargeChild(Flow):
    name = "feature-large-child"

    def run(self, text: str) -> Any:
        return text[::-1]


class LargeValues(Flow):
    """Inputs, results, markers and failures' details, by reference."""

    def run(self, text: str) -> Any:
        first = self.submit(large, "a")
        both = self.submit(length, first, text)
        self.submit(self.record_marker("m", text))
        failed = self.submit(length, 5, "x" * LARGE)
        return [
            both.result,
            len(first.result),
            len(text),
            self.list_markers()[0].details == text,
            bool(failed.exception),
        ]


class LargeToOthers(Flow):
    def run(self, again: str = "") -> Any:
        if not again:
            self.submit(self.continue_as_new("x" * LARGE))
        child = self.submit(LargeChild, again)
        self.submit(self.signal("in", again, propagate=False))
        twice = self.submit(LambdaFunctionTask("twice", again))
        return [len(child.result), len(self.receive("in").result["args"][0]), len(twice.result)]


@task
class Counter:
    def __init__(self, start: int) -> None:
        self.total = start

    def execute(self) -> Any:
        self.total += 1
        return [self.total, self.context["activity_id"].rpartition("-")[2]]  # type: ignore[attr-defined]

    def post_execute(self) -> None:
        self.total = 0


@task
async def coroutine(x: int) -> int:
    return x + activity.context().attempt


@task
def takes_object(**given: Any) -> Any: ...


@activity.with_attributes(version="1", task_list=LIST)
@execute.program(path="printf", argument_format=execute.plain_arguments)
def printf(*words: str) -> Any: ...


@activity.with_attributes(version="1", task_list=LIST)
@execute.python()
def apart(x: int) -> Any:
    if x < 0:
        raise LookupError("below")
    return [x, apart.context is not None]


@task
def watched() -> Any:
    context = watched.context
    assert context is not None
    return context["seen"]


def before(context: dict[str, Any]) -> None:
    context["seen"] = "before"


def after(context: dict[str, Any], result: Any) -> None:
    if context["activity_id"].endswith("-2"):
        raise ValueError(f"after {result}")


class KindsOfActivities(Flow):
    def run(self) -> Any:
        around = {"pre": ["features_of_values.before"], "post": ["features_of_values.after"]}
        wrapped = [self.submit(ActivityTask(watched, simpleflow_middlewares=around)) for _ in range(2)]
        return [
            self.submit(Counter, 41).result,
            self.submit(coroutine, 1).result,
            self.submit(printf, "%s.", "a", "b").result,
            self.submit(apart, 1).result,
            isinstance(self.submit(apart, -1).exception, LookupError),
            wrapped[0].result,
            getattr(wrapped[1].exception, "reason", None),
        ]


class ForOthers(Flow):
    """The input is bare for workers that are not ours."""

    def run(self) -> Any:
        self.submit(NonPythonicActivityTask(takes_object, a=1)).wait()
        self.submit(NonPythonicActivityTask(takes_object, 1, 2)).wait()
        try:
            NonPythonicActivityTask(takes_object, 1, a=2)
        except ValueError as error:
            return str(error)


def bare_inputs(events: Events) -> bool:
    return [scheduled["input"] for scheduled in of(events, "ActivityTaskScheduled")] == ['{"a":1}', "[1,2]"]


class NoRun(Flow): ...


FEATURES = [
    Feature(ByHints, [True, True, True], (date(2024, 2, 29),)),
    Feature(
        WrongHint,
        "activity-features_of_values.same-1: PayloadError: "
        "in the call of features_of_values.same the parameter order.id is not a UUID: 'x'",
    ),
    Feature(LargeValues, [LARGE, LARGE, LARGE, True, True], ("t" * LARGE,)),
    Feature(LargeToOthers, [LARGE, LARGE, 2 * LARGE], lacking=f"{CHILD} {GOES_ON} {SIGNAL} {LAMBDA}"),
    Feature(KindsOfActivities, [[42, "1"], 2, "a.b.", [1, True], True, "before", "ValueError: after before"]),
    Feature(ForOthers, "This task type doesn't support both *args and **kwargs", history=bare_inputs),
    Feature(NoRun, Fails("FAILED", "NoRun has no run method")),
]
