"""Canvases: the matrix of results and exceptions, nesting, and what is sent along."""

from __future__ import annotations

from typing import Any

from feature import Events, Fails, Feature, Flow, of, task
from features_of_tasks import CHILD, LAMBDA, SIGNAL, Child, double
from features_of_waits import broken

from simpleflow import activity
from simpleflow.canvas import AggregateException, Chain, ChainFuture, FuncGroup, Group, GroupFuture
from simpleflow.exceptions import TaskFailed
from simpleflow.task import ActivityTask, LambdaFunctionTask, TimerTask


@task
def add(*numbers: Any) -> Any:
    return sum(number for number in numbers if isinstance(number, int))


@activity.with_attributes(version="1", task_list="features", raises_on_failure=False)
def shrugged() -> int:
    raise ValueError("shrugged")


def told(future: Any) -> Any:
    """State, result (or the class of what it raises), and the classes of the exceptions by position."""
    error = future.exception
    by_position = error and [each and type(each).__mro__[1].__name__ for each in error.by_position]
    try:
        result = future.result
    except AggregateException:
        result = "raises"
    return [future.state, result, by_position]


class Matrix(Flow):
    def run(self) -> Any:
        bad, ok = broken, double
        made = [
            Group(bad, (ok, 2)),
            Group(bad, (ok, 2), raises_on_failure=False),
            Group(bad, (ok, 2), bubbles_exception_on_failure=False),
            Group(shrugged, (ok, 2)),
            Group(),
            Chain(),
            Chain((ok, 1), bad, (ok, 3)),
            Chain((ok, 1), bad, (ok, 3), raises_on_failure=False),
            Chain((ok, 1), bad, (ok, 3), break_on_failure=False),
            Chain((ok, 1), (ok, 2), send_result=False),
        ]
        futures = [self.submit(canvas) for canvas in made]
        return [told(future) for future in futures]


MATRIX = [
    ["FINISHED", "raises", ["TaskFailed", None]],
    ["FINISHED", [None, 4], ["TaskFailed", None]],
    ["FINISHED", [None, 4], None],
    ["FINISHED", [None, 4], ["TaskFailed", None]],
    ["FINISHED", [], None],
    ["FINISHED", [], None],
    ["FINISHED", "raises", [None, "TaskFailed"]],
    ["FINISHED", [2, None], None],
    ["FINISHED", "raises", [None, "TaskFailed", None]],
    ["FINISHED", [2, 4], None],
]


class Nested(Flow):
    def run(self) -> Any:
        soft = Chain(broken, raises_on_failure=False, bubbles_exception_on_failure=True)
        inner = Chain(Chain(soft, (double, 1), bubbles_exception_on_failure=False), (double, 3))
        deep: Any = Group((double, 1))
        for _ in range(30):
            deep = Group(deep)
        found = self.submit(deep).result
        depth = 0
        while isinstance(found, list):
            found, depth = found[0], depth + 1
        return [told(self.submit(inner)), found, depth]


class FailsFast(Flow):
    def run(self) -> Any:
        self.submit(Group(TimerTask("long", 600), Chain(broken, (double, 1)), raises_on_failure=True)).result


class SendsResults(Flow):
    def run(self) -> Any:
        def sums(*numbers: Any) -> Any:
            return Group((add, *numbers), (add, 100, *numbers))

        plain = Chain((double, 1), double, (add, 10), send_result=True)
        into_canvases = Chain((double, 1), Group((add, 1), (add, 2)), (add, 5), send_result=True)
        into_a_chain = Chain((double, 1), Chain(double, (add, 1), send_result=True), send_result=True)
        into_a_function = Chain((double, 1), FuncGroup(sums, 7), send_result=True)
        past_a_timer = Chain((double, 1), TimerTask("t", 0), (add, 3), send_result=True)
        futures = self.submit(Group(plain, into_canvases, into_a_chain, into_a_function, past_a_timer))
        return futures.result


class SendsToOthers(Flow):
    def run(self) -> Any:
        child = self.submit(Chain((double, 1), Child, send_result=True)).result[1][0]
        sent = self.submit(Chain((double, 2), self.signal("in", "first", propagate=False), send_result=True))
        return [child, sent.result[1]["args"], self.receive("in").result["args"]]


class FunctionsAndLambdas(Flow):
    def run(self) -> Any:
        return self.submit(Chain((double, 1), LambdaFunctionTask("twice", 5), send_result=True)).result


class Functions(Flow):
    """They may wait, be coroutines, return nothing, and end with themselves."""

    def waits(self, x: int) -> Any:
        found = self.submit(double, x).result
        return Group(*[(double, number) for number in range(found)])

    async def coroutine(self, x: int) -> Any:
        return ActivityTask(double, await self.submit(double, x))

    def countdown(self, left: int) -> Any:
        return Chain((double, left), FuncGroup(self.countdown, left - 1)) if left else Group()

    def run(self) -> Any:
        made = Group(
            FuncGroup(self.waits, 2),
            FuncGroup(self.coroutine, 3),
            FuncGroup(lambda: None, _allow_none=True),
            FuncGroup(self.countdown, 2),
            FuncGroup(Group),
        )
        return self.submit(made).result


class WrongFunction(Flow):
    def run(self) -> Any:
        return self.submit(FuncGroup(lambda: 5)).result


class AFewAtOnce(Flow):
    def run(self) -> Any:
        few = Group(*[(double, number) for number in range(12)], max_parallel=3)
        chain = Chain((double, 1), (double, 2), max_parallel=5)
        return [sum(self.submit(few).result), self.submit(chain).result]


def few_at_once(events: Events) -> bool:
    numbers = {"ActivityTaskScheduled": 1, "ActivityTaskCompleted": -1}
    most = open_now = 0
    for event in events:
        open_now += numbers.get(event["eventType"], 0)
        most = max(most, open_now)
    return most <= 4 and len(of(events, "ActivityTaskCompleted")) == 14  # the chain goes after the group was read


class TakesApart(Flow):
    def run(self) -> Any:
        seen = []
        try:
            self.submit(Group(broken, Chain((broken, "deep")), (double, 1))).result
        except* ValueError as group:
            seen.append(type(group).__name__)
            seen.append(len(list(leaves(group))))
        future = self.submit(Group(broken, (double, 1), (broken, "other")))
        error = future.exception
        assert isinstance(error, AggregateException)
        seen.append([each is not None for each in error.by_position])
        seen.append(len(error.exceptions))
        try:
            error.handle(lambda each, text: text in str(each), "other")
        except AggregateException as rest:
            seen.append(len(rest.exceptions))
        return [*seen, len(error.flatten().exceptions)]


def leaves(group: BaseExceptionGroup[Any]) -> Any:
    for each in group.exceptions:
        if isinstance(each, BaseExceptionGroup):
            yield from leaves(each)
        else:
            yield each


class Total(GroupFuture):
    @property
    def result(self) -> Any:
        return sum(super().result)


class Last(ChainFuture):
    @property
    def result(self) -> Any:
        return super().result[-1]


class Totals(Group):
    default_future_class = Total


class OwnFutures(Flow):
    def run(self) -> Any:
        group = self.submit(Totals((double, 1), (double, 2)))
        chain = self.submit(Chain((double, 1), (double, 5), future_class=Last))
        sent = self.submit(Chain(Totals((double, 1), (double, 2)), (add, 1), send_result=True))
        return [group.result, chain.result, sent.result, self.submit(add, group, chain).result]


class Unchanged(Flow):
    """A canvas changes nothing that it is given, and may be submitted twice."""

    def run(self) -> Any:
        group = Group(broken, raises_on_failure=False)
        chain = Chain((double, 1), (add, 1), send_result=True)
        twice = [self.submit(chain).result, self.submit(chain).result, self.submit(group).result]
        alone = self.submit(broken)
        try:
            alone.result
        except TaskFailed:
            twice.append("raises")
        added = Group((double, 1))
        added.append(double, 2)
        added.extend([(double, 3)])
        added += [(double, 4)]
        return [*twice, self.submit(added).result]


class CancelledCanvas(Flow):
    def run(self) -> Any:
        future = self.submit(Group(Chain(TimerTask("t", 600), (double, 1)), TimerTask("u", 600)))
        self.submit(double, 1).result
        future.cancel()
        error = future.exception
        kinds = [type(each).__name__ for each in error.by_position] if isinstance(error, AggregateException) else error
        return [future.state, kinds]


class ManyInAGroup(Flow):
    def run(self) -> Any:
        return sum(self.submit(Group(*[(double, number) for number in range(120)], max_parallel=20)).result)


FEATURES = [
    Feature(Matrix, MATRIX),
    Feature(Nested, [["FINISHED", [[[None]], 6], None], 2, 31]),
    Feature(FailsFast, Fails("FAILED", "ValueError: broken")),
    Feature(
        SendsResults,
        [[2, 4, 14], [2, [3, 4], 5], [2, [4, 5]], [2, [9, 109]], [2, None, 3]],
    ),
    Feature(SendsToOthers, [4, ["first", 4], ["first", 4]], lacking=f"{CHILD} {SIGNAL}"),
    Feature(FunctionsAndLambdas, [2, 10], lacking=LAMBDA),
    Feature(Functions, [[0, 2, 4, 6], 12, None, [4, [2, []]], []]),
    Feature(WrongFunction, Fails("FAILED", "FuncGroup submission should return a Group or Submittable")),
    Feature(AFewAtOnce, [132, [2, 4]], history=few_at_once),
    Feature(TakesApart, ["AggregateException", 2, [True, False, True], 2, 1, 2]),
    Feature(OwnFutures, [6, 10, [6, 7], 16]),
    Feature(Unchanged, [[2, 3], [2, 3], [None], "raises", [2, 4, 6, 8]]),
    Feature(CancelledCanvas, ["CANCELLED", ["AggregateException", "TaskCanceled"]]),
    Feature(ManyInAGroup, 120 * 119),
]
