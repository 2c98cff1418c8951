"""Random programs, and what their tasks do: a pure function of a task's kind, id and attempt."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable
from functools import partial, partialmethod
from random import Random
from typing import Any

from hypothesis import Phase
from hypothesis import strategies as st

from simpleflow import Workflow, activity, futures
from simpleflow.exceptions import NonRetryable, RetryAfter, TaskException, TimeoutError
from simpleflow.payload.codec import RESERVED
from simpleflow.payload.failures import describe
from simpleflow.retry import Retry
from simpleflow.task import LambdaFunctionTask, TaskFailureContext


def _plain(*args: Any, **kwargs: Any) -> Any:
    raise AssertionError("activities of these tests are never run")


def activities() -> list[activity.Activity[..., Any]]:
    made = []
    for name in ("a", "b"):
        for options in (
            {},
            {"retry": 2},
            {"raises_on_failure": True},
            {"raises_on_failure": False, "retry": 1},
            {"idempotent": True},
            {"retry": Retry(3, 1)},
            {"retry": Retry(None, 2, 1, jitter=0.5, deadline=40, never="KeyError"), "raises_on_failure": True},
            {"retry": Retry(4, 0, on=("ValueError", TimeoutError)), "idempotent": True},
        ):
            suffix = "-".join(f"{key}{_worded(value)}" for key, value in options.items())
            made.append(activity.Activity(_plain, name=f"m.{name}{suffix}", **options))  # type: ignore[arg-type]
    return made


def _worded(value: Any) -> str:
    return str(value) if not isinstance(value, Retry) else f"{value.max_attempts}x{value.initial}"


ACTIVITIES = activities()


class Plain(Workflow):
    """Children of these tests are never run."""

    name = "plain"
    task_list = "children"
    raises_on_failure = None


class Retried(Plain):
    name, retry = "retried", 2


class Delayed(Plain):
    name, retry = "retry-delayed", Retry(3, 1)


class Soft(Plain):
    name, raises_on_failure = "soft", False


class Loud(Plain):
    name, raises_on_failure = "loud", True


class Same(Plain):
    name, idempotent = "same", True


class Named(Plain):
    name = "named"

    @classmethod
    def get_workflow_id(cls, *args: Any, **kwargs: Any) -> str:
        return f"own-{zlib.crc32(json.dumps([args, kwargs]).encode()) % 3}"


CHILDREN = (Plain, Plain, Retried, Delayed, Soft, Loud, Same, Named)
RETRIES = (0, 1, Retry(3, 2))
SIGNALS = ("s0", "s1")

OTHER_STEPS = (
    *("result", "result", "exception", "wait", "cancel", "if odd", "print done", "mutate", "now", "unguarded"),
    *("timer", "timer", "cancel timer", "signal", "signal", "wait signal", "receive", "receive", "marker", "markers"),
    *("details", "lambda", "last", "cancel", "cancel late"),
)
RETRYING = [number for number, each in enumerate(ACTIVITIES) if "x" in each.name]


def random_program(seed: int, retrying: bool = False) -> list[Any]:
    """A program of some twenty steps. Hypothesis chooses the seed: built from its own strategies, programs stay too
    small to have much going on at once. A `retrying` one is about attempts that fail, and cancels between them."""
    chance = Random(seed)

    def reference() -> int:
        return chance.randrange(30)

    def argument() -> Any:
        kind = chance.choice(("value", "future", "future", "nested"))
        if kind == "nested":
            return kind, [reference() for _ in range(chance.randrange(4))]
        return kind, chance.randrange(3) if kind == "value" else reference()

    def step() -> Any:
        if chance.random() < 0.5:
            arguments = [argument() for _ in range(chance.choice((0, 0, 1, 1, 2)))]
            if not retrying and chance.random() < 0.2:
                return "child", chance.randrange(len(CHILDREN)), arguments
            which = chance.choice((0, *RETRYING)) if retrying else chance.randrange(len(ACTIVITIES))
            return "submit", which, [] if retrying else arguments
        kind = chance.choice(("cancel late", "cancel late", "exception", "now") if retrying else OTHER_STEPS)
        if kind == "unguarded" and chance.random() < 0.7:
            kind = "result"
        if kind == "last" and chance.random() < 0.8:
            kind = "print done"
        if kind == "wait":
            return kind, [reference() for _ in range(chance.randrange(4))]
        return kind, reference(), chance.randrange(60)

    steps = [step() for _ in range(chance.randint(4, 25))]
    if retrying:
        steps.sort(key=lambda step: step[0] != "submit" or chance.random() < 0.2)
    hook = [("on failure", chance.random())] if chance.random() < 0.5 else []
    return [*hook, *steps, ("end",)]


NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""A smaller seed is no simpler program."""

programs = st.integers(0, 2**64).map(random_program)
retrying_programs = st.integers(0, 2**64).map(partial(random_program, retrying=True))


def workflow(program: list[Any], printed: list[str]) -> type[Workflow]:
    """A workflow class that runs `program`, and says what it saw to `printed` unless it is replaying."""

    class W(Workflow):
        def run(self) -> list[Any]:
            seen: list[Any] = []
            made: list[futures.Future[Any]] = []
            self.made = made

            def say(*what: Any) -> None:
                seen.append(list(what))
                if not self.is_replaying:
                    printed.append(json.dumps(what))

            self.say = say
            for step in program:
                self.perform(step, made, say)
            return seen

        def perform(self, step: Any, made: list[futures.Future[Any]], say: Any) -> None:
            if step[0] == "submit":
                made.append(self.submit(ACTIVITIES[step[1]], *[self.argument(given, made) for given in step[2]]))
                return
            if step[0] == "on failure":
                return
            if step[0] == "now":
                say("now", self.now().timestamp(), self.random())
                return
            if step[0] == "child":
                made.append(self.submit(CHILDREN[step[1]], *[self.argument(given, made) for given in step[2]]))
                return
            if step[0] in ("marker", "markers", "details", "last"):
                self.tell(step, say)
                return
            if (task := self.other(step, made)) is not None:
                made.append(task)
                return
            if not made:
                return
            if step[0] == "end":
                for future in made:
                    say("end", repr(future.exception))
                return
            if step[0] == "wait":
                try:
                    say("wait", futures.wait(*[made[index % len(made)] for index in step[1]]))
                except TaskException as error:
                    say("wait", repr(error))
                return
            future = made[step[1] % len(made)]
            if step[0] == "unguarded":
                say("value", future.result)
            elif step[0] == "result":
                try:
                    say("value", future.result)
                except TaskException as error:
                    say("error", repr(error))
            elif step[0] == "exception":
                say("exception", repr(future.exception))
            elif step[0] == "cancel":
                say("cancel", future.cancel())
            elif step[0] == "cancel late":
                future.wait()
                for each in [each for each in made if not each.done][: step[2] % 4]:
                    say("cancel late", each.id, each.cancel())
            elif step[0] == "print done":
                say("done", future.done, future.state)
            elif step[0] == "mutate":
                items = [1]
                made.append(self.submit(ACTIVITIES[0], items, future))
                items.append(2)
            elif step[0] == "if odd":
                try:
                    odd = zlib.crc32(str(future.result).encode()) % 2
                except TaskException:
                    odd = 1
                if odd:
                    made.append(self.submit(ACTIVITIES[step[2] % len(ACTIVITIES)], "odd"))

        def other(self, step: Any, made: list[futures.Future[Any]]) -> futures.Future[Any] | None:
            """The future of a task that is no activity."""
            kind, number, choice = (*step, 0, 0)[:3]
            if kind == "timer":
                return self.submit(self.start_timer(f"t{number % 5}", number % 3))
            if kind == "cancel timer":
                return self.submit(self.cancel_timer(f"t{number % 5}"))
            if kind == "lambda":
                return self.submit(LambdaFunctionTask(f"f{number % 2}", {"n": choice % 4}, retry=RETRIES[choice % 3]))
            if kind == "wait signal":
                return self.submit(self.wait_signal(SIGNALS[number % 2]))
            if kind == "receive":
                return self.receive(SIGNALS[number % 2], timeout=None if choice % 2 else choice)
            if kind == "signal":
                targets = [None, "friend", "stranger", *(future.id for future in made if "workflow-" in future.id)]
                given = {"workflow_id": targets[number % len(targets)], "propagate": choice % 3 == 0}
                return self.submit(self.signal(SIGNALS[choice % 2], number, **given))
            return None

        def tell(self, step: Any, say: Any) -> None:
            """Steps without a future."""
            kind, number, choice = step
            if kind == "marker":
                say("marker", self.submit(self.record_marker(f"m{number % 2}", choice % 3)).result)
            elif kind == "markers":
                say("markers", [[each.name, each.details] for each in self.list_markers(all=bool(choice % 2))])
            elif kind == "details":
                timer = self.get_event_details("timer", f"t{number % 5}")
                signal = self.get_event_details("signal", SIGNALS[number % 2])
                say("details", timer and timer["state"], signal and signal["input"], self.history_length)
            elif choice % 2:
                self.fail("no more")
            else:
                self.submit(self.continue_as_new(number))

        def should_cancel(self, history: Any) -> bool:
            return self.random() < 0.7

        @staticmethod
        def argument(given: Any, made: list[futures.Future[Any]]) -> Any:
            kind, value = given
            if kind == "value" or not made:
                return value
            if kind == "future":
                return made[value % len(made)]
            return {"list": [made[index % len(made)] for index in value], "n": 1}

    if program[0][0] == "on failure":
        W.on_task_failure = partialmethod(on_task_failure, program[0][1])  # type: ignore[assignment]
    return W


def on_task_failure(self: Any, seed: float, ctx: TaskFailureContext) -> TaskFailureContext | None:
    """Some decision, the same again for the same attempt of the same task."""
    chance = Random(f"{seed} {ctx.id} {ctx.attempt_number}")
    self.say("failed", ctx.id, ctx.attempt_number, ctx.reason, ctx.default_delay, self.now().timestamp())
    if chance.random() < 0.2 and not isinstance(ctx.a_task, LambdaFunctionTask):
        ctx.a_task.args.append(ctx.attempt_number)
    done = [future for future in self.made if future.done]
    decisions: list[Callable[[], TaskFailureContext | None]] = [
        lambda: None,
        ctx.decide_abort,
        lambda: ctx.decide_ignore(ctx.id),
        ctx.decide_cancel,
        lambda: ctx.decide_handled(ctx.a_task, self.submit(ACTIVITIES[0], ctx.id)),
        lambda: ctx.decide_handled(ctx.a_task, chance.choice(done)) if done else ctx.decide_default(),
    ]
    if ctx.retry_count < 3:
        decisions += [ctx.decide_retry, lambda: ctx.decide_retry(chance.randrange(3))] * 2
    if chance.random() < 0.2:
        self.made.append(self.submit(ACTIVITIES[0], "beside"))
    return chance.choice(decisions)()


def dice(text: str) -> int:
    """A number that is the same for the same text, and looks like chance."""
    return int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest()[:4])


ERRORS = (ValueError("no"), ValueError("never"), KeyError("k"), NonRetryable(), RetryAfter(2))


def outcome(kind: str, id: str, attempt: int, cancelled: bool = False) -> tuple[str, dict[str, Any]]:
    """How the attempt of a task ends: always the same way, so that only the order is the world's."""
    chance = dice(f"{kind} {id} {attempt}") % 120
    if cancelled and chance % 2:
        return "Canceled", {}
    if chance < (40 if "retry" in id else 80):
        return "Completed", {"result": json.dumps([id, attempt])}
    if chance % 4 == 0:
        return "TimedOut", {"timeoutType": "START_TO_CLOSE"}
    if chance % 4 == 1 and kind == "activity":
        return "TimedOut", {"timeoutType": "HEARTBEAT"}
    if chance % 4 == 1:
        return ("Terminated", {}) if kind == "child" else ("NotStarted", {"cause": "ASSUME_ROLE_FAILED"})
    reason, details = describe(ERRORS[chance % len(ERRORS)])
    return "Failed", {"reason": reason, "details": details}


def attempt_of(input: str) -> int:
    told: dict[str, Any] = json.loads(input)[RESERVED]
    return int(told["attempt"])
