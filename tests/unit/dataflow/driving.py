"""Programs that are fed by hand, for the tests of the core: their activities, and a drive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simpleflow import Workflow, activity
from simpleflow.command import (
    ACTIVITY,
    TIMER,
    Command,
    Complete,
    Fail,
    ScheduleActivity,
    StartTimer,
)
from simpleflow.dataflow import Cancelled, Completed, Failed, Program, Started
from simpleflow.exceptions import (
    TaskCanceled,
    TaskFailed,
    TimeoutError,
)
from simpleflow.payload.codec import Codec
from simpleflow.payload.failures import describe
from simpleflow.retry import Retry
from simpleflow.task import TaskFailureContext


def make(name: str, **options: Any) -> activity.Activity[..., Any]:
    return activity.Activity(lambda *args, **kwargs: None, name=name, **options)


f = make("f")
g = make("g")
fast = make("fast", raises_on_failure=True)
soft = make("soft", raises_on_failure=False)
same = make("same", idempotent=True)
slow = make("slow", retry=Retry(3, 60, 2))
again = make("again", retry=2)

Hook = Callable[[Workflow, TaskFailureContext], Any]


class Drive:
    """A program, fed by hand; `asked` collects the ids (with attempts from the second on)."""

    def __init__(
        self, run: Any, *args: Any, codec: Codec | None = None, remember: bool = False, **members: Any
    ) -> None:
        kind = type("W", (Workflow,), {"run": run, **members})
        self.program = Program(kind, codec or Codec(), remember=remember)
        self.commands: list[Command] = []
        self.time = 0.0
        codec = Codec()
        call = codec.template_call(args, {}, "input").fill([])
        self._feed(Started(0.0, call, {"run_id": "r"}))

    def _feed(self, event: Any) -> None:
        self.commands += self.program.advance(event)

    def ok(self, id: str, result: str | None = "1", *, kind: str = ACTIVITY) -> Drive:
        self.time += 1
        self._feed(Completed(self.time, id, result, kind))
        return self

    def fail(self, id: str, *, lost: bool = False) -> Drive:
        self.time += 1
        self._feed(Failed(self.time, id, TaskFailed(id, "ValueError: no"), lost))
        return self

    def cancelled(self, id: str) -> Drive:
        self._feed(Cancelled(self.time, id, TaskCanceled(None, id)))
        return self

    @property
    def asked(self) -> list[str]:
        return [
            command.id if command.attempt == 1 else f"{command.id}#{command.attempt}"
            for command in self.commands
            if isinstance(command, ScheduleActivity)
        ]

    @property
    def inputs(self) -> dict[str, str]:
        return {command.id: command.input for command in self.commands if isinstance(command, ScheduleActivity)}

    @property
    def result(self) -> Any:
        outcome = self.program.outcome
        assert isinstance(outcome, Complete), outcome
        return Codec().thaw(outcome.result)

    @property
    def error(self) -> BaseException:
        outcome = self.program.outcome
        assert isinstance(outcome, Fail), outcome
        return outcome.error


def outcome_of(*activities: Any) -> Any:
    """A run that submits these with the argument 1, and says what came of each."""

    def run(self: Workflow) -> Any:
        made = [self.submit(activity, 1) for activity in activities]
        return [[each.result if each.exception is None else repr(each.exception), each.state] for each in made]

    return run


class Life(Drive):
    """A drive that also fires timers and fails in particular ways."""

    def __init__(self, run: Any, hook: Hook | None = None, **members: Any) -> None:
        super().__init__(run, **({"on_task_failure": hook} if hook else {}), **members)

    def fails(self, id: str, error: BaseException | None = None, **given: Any) -> Life:
        self.time = given.pop("time", self.time + 1)
        told = error or ValueError("no")
        failure = told if isinstance(told, TimeoutError) else TaskFailed(id, *describe(told))
        self._feed(Failed(self.time, id, failure, **given))
        return self

    def fires(self, id: str) -> Life:
        self.time += 1
        self._feed(Completed(self.time, id, None, TIMER))
        return self

    @property
    def pauses(self) -> list[tuple[str, int]]:
        return [(command.id, command.seconds) for command in self.commands if isinstance(command, StartTimer)]
