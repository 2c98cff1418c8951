"""Random programs, and what their activities do: a pure function of the activity's id and attempt."""

from __future__ import annotations

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
from simpleflow.task import TaskFailureContext


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

OTHER_STEPS = (
    *("result", "result", "exception", "wait", "cancel", "if odd", "print done", "mutate", "now", "unguarded"),
    *("timer", "timer", "cancel timer", "cancel late"),
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
        if chance.random() < 0.6:
            arguments = [argument() for _ in range(chance.choice((0, 0, 1, 1, 2)))]
            which = chance.choice((0, *RETRYING)) if retrying else chance.randrange(len(ACTIVITIES))
            return "submit", which, [] if retrying else arguments
        kind = chance.choice(("cancel late", "cancel late", "exception", "now") if retrying else OTHER_STEPS)
        if kind == "unguarded" and chance.random() < 0.7:
            kind = "result"
        if kind == "wait":
            return kind, [reference() for _ in range(chance.randrange(4))]
        return kind, reference(), chance.randrange(len(ACTIVITIES))

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
            if step[0] == "timer":
                made.append(self.submit(self.start_timer(f"t{step[1] % 5}", step[2] % 3)))
                return
            if step[0] == "cancel timer":
                made.append(self.submit(self.cancel_timer(f"t{step[1] % 5}")))
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
                    made.append(self.submit(ACTIVITIES[step[2]], "odd"))

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
    if chance.random() < 0.2:
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


ERRORS = (ValueError("no"), ValueError("never"), KeyError("k"), NonRetryable(), RetryAfter(2))


def outcome(id: str, attempt: int) -> tuple[str, dict[str, Any]]:
    """How the attempt of an activity ends: always the same way, so that only the order is the world's."""
    chance = Random(f"{id} {attempt}")
    if chance.random() < (0.4 if "retry" in id else 0.75):
        return "Completed", {"result": json.dumps([id, attempt])}
    how = chance.choice(("START_TO_CLOSE", "HEARTBEAT", *ERRORS))
    if isinstance(how, str):
        return "TimedOut", {"timeoutType": how}
    reason, details = describe(how)
    return "Failed", {"reason": reason, "details": details}


def attempt_of(input: str) -> int:
    told: dict[str, Any] = json.loads(input)[RESERVED]
    return int(told["attempt"])
