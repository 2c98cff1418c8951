"""What fails: who is told, when it is tried again, what is decided of it, and what of an exception comes back."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from feature import LIST, Events, Fails, Feature, Flow, of, task
from features_of_tasks import CHILD, LAMBDA, SoftChild, double

from simpleflow import activity, futures
from simpleflow.exceptions import NonRetryable, RetryAfter, TaskException, TaskFailed
from simpleflow.retry import Retry
from simpleflow.task import ActivityTask, LambdaFunctionTask, TaskFailureContext

ATTEMPTS = "an activity's id for a second time"


class Odd(Exception):
    """Not made again by its arguments, and not to be pickled."""

    def __init__(self, code: int, *, where: str) -> None:
        super().__init__(f"{code} at {where}")
        self.code, self.where, self.lock = code, where, open  # what has no JSON form stays behind


class Gone(NonRetryable): ...


@task
def raises(kind: str) -> Any:
    if kind == "odd":
        raise Odd(7, where="here")
    if kind == "cause":
        try:
            raise KeyError("first")
        except KeyError as error:
            raise ValueError("then") from error
    if kind == "group":
        raise ExceptionGroup("several", [ValueError("one"), TypeError("two")])
    if kind == "cyclic":
        first, second = ValueError("first"), ValueError("second")
        first.__cause__, second.__cause__ = second, first
        raise first
    if kind == "exit":
        raise SystemExit(3)
    if kind == "huge":
        raise ValueError("x" * 1_000_000)
    return {}[kind]


@task
def scratch() -> str:
    return tempfile.mkdtemp()


def attempt(folder: str, name: str) -> int:
    """The number of this attempt, counted in a file."""
    with (Path(folder) / name).open("a+") as counted:
        counted.write("x")
        return counted.tell()


@activity.with_attributes(version="1", task_list=LIST, retry=2)
def third_time(folder: str, name: str = "third") -> int:
    number = attempt(folder, name)
    if number < 3:
        raise ConnectionError(f"attempt {number}")
    return number


POLICY = Retry(max_attempts=3, initial=1, factor=1, on=("ConnectionError", RetryAfter), never="ConnectionRefusedError")


@activity.with_attributes(version="1", task_list=LIST, retry=POLICY)
def picky(folder: str, kind: str) -> int:
    number = attempt(folder, kind)
    if kind == "gone":
        raise Gone(kind)
    if kind == "refused":
        raise ConnectionRefusedError(kind)
    if kind == "other":
        raise LookupError(kind)
    if kind == "later" and number == 1:
        raise RetryAfter(2)
    if number < 3 and kind == "lost":
        raise ConnectionResetError(kind)
    return number


@activity.with_attributes(version="1", task_list=LIST, raises_on_failure=True)
def fatal() -> None:
    raise KeyError("fatal")


@activity.with_attributes(version="1", task_list=LIST, raises_on_failure=False)
def shrugged(text: str = "shrugged") -> int:
    raise ValueError(text)


@task
def gets(value: Any) -> Any:
    return ["got", value]


class Classes(Flow):
    """`except` with the class that was raised; all else comes along, however odd it is."""

    def run(self) -> Any:
        seen: list[Any] = []
        try:
            self.submit(raises, "odd").result
        except Odd as error:
            seen.append([str(error).rpartition(": ")[2], error.code, error.where, isinstance(error, TaskFailed)])
        try:
            self.submit(raises, "cause").result
        except ValueError as error:
            notes = "".join(error.__notes__)
            seen.append([repr(error.__cause__), "features_of_failures.py" in notes])
        try:
            self.submit(raises, "group").result
        except* ValueError as group:
            seen.append(len(group.exceptions))
        except* TypeError:
            seen.append("two")
        try:
            self.submit(raises, "key").result
        except KeyError as error:
            seen.append(error.args[-1] if isinstance(error.args[-1], str) and len(error.args) == 1 else "key")
        return seen


class Monsters(Flow):
    def run(self) -> Any:
        found = [self.submit(raises, kind).exception for kind in ("cyclic", "exit", "huge")]
        assert all(isinstance(error, TaskFailed) for error in found)
        return [str(error.reason)[:20] for error in found if isinstance(error, TaskFailed)]


class Telling(Flow):
    """A failure is raised where it is read; by True at once; by False nowhere."""

    def run(self) -> Any:
        seen: list[Any] = []
        ignored = self.submit(raises, "never read")
        soft = self.submit(shrugged)
        seen.append([soft.result, str(getattr(soft.exception, "reason", None))])
        seen.append(self.submit(gets, soft).result)  # what depends on it gets None
        dependent = self.submit(gets, ignored)
        seen.append(isinstance(dependent.exception, KeyError))  # and what depends on the other fails with it
        try:
            self.submit(fatal)
            self.submit(self.start_timer("long", 600)).result
        except KeyError:
            seen.append("at once")
        return seen


class Fatal(Flow):
    def run(self) -> Any:
        self.submit(fatal)
        self.submit(self.start_timer("long", 600)).result


class Numbered(Flow):
    def run(self) -> Any:
        folder = self.submit(scratch).result
        return self.submit(third_time, folder).result


def three_attempts(events: Events) -> bool:
    ids = [scheduled["activityId"] for scheduled in of(events, "ActivityTaskScheduled")]
    return ids[1:] == [ids[1]] * 3 and not of(events, "TimerStarted")


class Policies(Flow):
    def run(self) -> Any:
        folder = self.submit(scratch).result
        made = {kind: self.submit(picky, folder, kind) for kind in ("lost", "later", "gone", "refused", "other")}
        return [getattr(future.exception, "reason", None) or future.result for future in made.values()]


def durable_delays(events: Events) -> bool:
    timers = of(events, "TimerStarted")
    seconds = sorted(timer["startToFireTimeout"] for timer in timers)
    return seconds == ["1", "1", "2"] and all(timer["timerId"].startswith("__simpleflow_task_") for timer in timers)


class Decides(Flow):
    def on_task_failure(self, failure_context: TaskFailureContext) -> TaskFailureContext | None:
        ctx = failure_context
        kind = (ctx.a_task.args or [None])[0] if isinstance(ctx.a_task, ActivityTask) else None
        if kind == "retry" and ctx.attempt_number < 3:
            return ctx.decide_retry()
        if kind == "later" and ctx.attempt_number < 2:
            return ctx.decide_retry(1)
        if kind == "other arguments":
            ctx.a_task.args = ["mended"]
            return ctx.decide_retry()
        if kind == "ignore":
            return ctx.decide_ignore("ignored")
        if kind == "cancel":
            return ctx.decide_cancel()
        if kind == "abort":
            return ctx.decide_abort()
        if kind == "handled":
            return ctx.decide_handled(ctx.a_task, self.submit(gets, "a stand-in"))
        if kind == "default":
            return ctx.decide_default()
        return None

    def run(self) -> Any:
        kinds = ["retry", "later", "other arguments", "ignore", "cancel", "abort", "handled", "default", "nothing"]
        found = []
        for future in [self.submit(choosy, kind) for kind in kinds]:
            try:
                found.append(future.result)
            except TaskException as error:
                found.append(error.reason if isinstance(error, TaskFailed) else type(error).__name__)
        return found


@task
def choosy(kind: str) -> str:
    if kind == "mended":
        return kind
    raise ValueError(kind)


class DecidesOfOthers(Flow):
    def on_task_failure(self, failure_context: TaskFailureContext) -> TaskFailureContext | None:
        return failure_context.decide_ignore(failure_context.reason)

    def run(self) -> Any:
        return [self.submit(SoftChild).result, self.submit(LambdaFunctionTask("twice", {})).result]


class FailsInTheDecision(Flow):
    def on_task_failure(self, failure_context: TaskFailureContext) -> TaskFailureContext | None:
        raise RuntimeError("in the handler")

    def run(self) -> Any:
        return self.submit(choosy, "x").result


class Unhandled(Flow):
    def run(self) -> Any:
        return futures.wait(self.submit(double, 1), self.submit(choosy, "unhandled"))


class NotJSON(Flow):
    def run(self) -> Any:
        try:
            self.submit(gets, {"a": [1, 2j]})
        except ValueError as error:
            return str(error)


class Details(Flow):
    def run(self) -> Any:
        error = self.submit(choosy, "told").exception
        assert isinstance(error, TaskFailed) and error.details is not None
        told = json.loads(error.details)
        return [error.name, error.reason, told["error"], told["message"], told["error_type"]]


FEATURES = [
    Feature(Classes, [["7 at here", 7, "here", True], ["KeyError('first')", True], 1, "two", "key"]),
    Feature(Monsters, ["ValueError: first", "SystemExit: the acti", "ValueError: xxxxxxxx"]),
    Feature(Telling, [[None, "ValueError: shrugged"], ["got", None], True, "at once"]),
    Feature(Fatal, Fails("FAILED", "KeyError: 'fatal'")),
    Feature(Numbered, 3, history=three_attempts, lacking=ATTEMPTS),
    Feature(
        Policies,
        [3, 2, "Gone: gone", "ConnectionRefusedError: refused", "LookupError: other"],
        history=durable_delays,
        lacking=ATTEMPTS,
    ),
    Feature(
        Decides,
        [
            "ValueError: retry",
            "ValueError: later",
            "mended",
            "ignored",
            "TaskCanceled",
            "ValueError: abort",
            ["got", "a stand-in"],
            "ValueError: default",
            "ValueError: nothing",
        ],
        lacking=ATTEMPTS,
    ),
    Feature(DecidesOfOthers, ["Workflow execution failed: on purpose", "Unhandled"], lacking=f"{CHILD} {LAMBDA}"),
    Feature(FailsInTheDecision, Fails("FAILED", "RuntimeError: in the handler")),
    Feature(Unhandled, Fails("FAILED", "ValueError: unhandled")),
    Feature(
        NotJSON,
        "the input of features_of_failures.gets cannot be encoded as JSON: "
        "args[0].a[1] is a complex, which has no JSON form",
    ),
    Feature(
        Details,
        ["activity-features_of_failures.choosy-1", "ValueError: told", "ValueError", "told", "ValueError"],
    ),
]
