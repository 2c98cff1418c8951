"""Failed attempts in histories: whatever happens to deciders on the way, the run is the same."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from test_determinism import decide, parked

from programs import attempt_of
from simpleflow import Workflow, activity
from simpleflow.command import OURS
from simpleflow.config import Config
from simpleflow.decider import Decider
from simpleflow.decider.decisions import decision
from simpleflow.decider.run import Run
from simpleflow.exceptions import NonRetryable, RetryAfter
from simpleflow.payload.codec import Codec
from simpleflow.payload.failures import describe
from simpleflow.protocol.history import attributes
from simpleflow.retry import Retry
from simpleflow.task import ActivityTask, TaskFailureContext
from world import EXECUTION, TYPE, World


def make(name: str, **options: Any) -> activity.Activity[..., Any]:
    return activity.Activity(lambda *args: None, name=f"m.{name}", **options)


a, b = make("a"), make("b")
slow = make("slow", retry=Retry(4, 5, deadline=10_000))
often = make("often", retry=2)

Hook = Callable[[Workflow, TaskFailureContext], Any]
PAUSE = "__simpleflow_task_activity-m."


class W(Workflow):
    def run(self) -> Any:
        made = [self.submit(each, number) for number, each in enumerate((a, slow, often))]
        made.append(self.submit(b, made[0]))
        return [future.result if future.exception is None else repr(future.exception)[:40] for future in made]


def later(self: Workflow, ctx: TaskFailureContext) -> Any:
    ctx.a_task.args[-1] = [ctx.a_task.args[-1]]
    return ctx.decide_retry(3) if ctx.attempt_number < 3 else ctx.decide_ignore(ctx.a_task.args)


def another(self: Workflow, ctx: TaskFailureContext) -> Any:
    if ctx.payload.name == b.name:
        return None
    return ctx.decide_handled(ctx.a_task, self.submit(b, ctx.task_name, ctx.attempt_number))


def swapped(self: Workflow, ctx: TaskFailureContext) -> Any:
    return ctx.decide_handled(ActivityTask(b, "for", *ctx.a_task.args)) if ctx.payload.name != b.name else None


HOOKS: dict[str, Hook | None] = {
    "no hook": None,
    "none": lambda self, ctx: None,
    "abort": lambda self, ctx: ctx.decide_abort(),
    "ignore": lambda self, ctx: ctx.decide_ignore([ctx.id, ctx.reason]),
    "cancel": lambda self, ctx: ctx.decide_cancel(),
    "retry now": lambda self, ctx: ctx.decide_retry() if ctx.retry_count < 4 else ctx.decide_abort(),
    "retry later": later,
    "handled by another": another,
    "handled as another": swapped,
    "by default": lambda self, ctx: self.executor.default_failure_handling(ctx),
}

ERRORS = (ValueError("no"), RetryAfter(9), ConnectionResetError("gone"), NonRetryable("never"))


def fails(id: str, attempt: int) -> tuple[str, dict[str, Any]]:
    """The first attempts fail, each in its own way, or time out, or lose their worker."""
    if attempt >= 5 or (attempt > 1 and "m.b-" in id):
        return "Completed", {"result": json.dumps([id, attempt])}
    way = (len(id) + attempt) % 6
    if way >= len(ERRORS):
        return "TimedOut", {"timeoutType": ("START_TO_CLOSE", "HEARTBEAT")[way - len(ERRORS)]}
    reason, details = describe(ERRORS[way])
    return "Failed", {"reason": reason, "details": details}


class Life:
    """A world in which what can happen does so in one order, and deciders live as they are told to."""

    def __init__(self, hook: Hook | None, *, at_once: int, evict: bool, gap: bool, lose: bool) -> None:
        self.kind = type("W", (W,), {"on_task_failure": hook} if hook else {})
        self.world = World('{"args":[],"kwargs":{}}')
        self.at_once, self.evict, self.gap, self.lose = at_once, evict, gap, lose
        self.decider = Decider(self.world, "D", config=Config())  # type: ignore[arg-type]
        self.decider._classes = {(TYPE["name"], TYPE["version"]): self.kind}
        turn = 0
        while not self.world.closed:
            turn += 1
            self.decide(turn)
            for _ in range(self.at_once):
                self.happen()
        self.decider.close()

    def decide(self, turn: int) -> None:
        task = self.world.poll()
        if task is None:
            return
        if self.evict:
            self.decider.close()
        answer = self.decider.decide(task, {})
        assert not parked(answer)
        if self.gap:
            self.happen()
        if self.lose and turn % 3 == 2:
            self.world.lose()
        else:
            self.world.respond(answer)

    def happen(self) -> None:
        """The first of all that can happen, by name: so a task's story has one order."""
        if self.world.closed:
            return
        if self.world.open:
            id = min(self.world.open)
            how, given = fails(id, attempt_of(self.world.inputs[id]))
            self.world.finish(id, how, **given)
        elif self.world.timers:
            self.world.fire(min(self.world.timers))


def told(life: Life) -> Any:
    """What of a history does not depend on how it came about: the attempts, the pauses, and the end."""
    attempts, pauses = [], []
    for event in life.world.events:
        given = attributes(event)
        if event["eventType"] == "ActivityTaskScheduled":
            attempts.append((given["activityId"], given["activityType"]["name"], given["input"]))
        elif event["eventType"] == "TimerStarted":
            pauses.append((given["timerId"], given["startToFireTimeout"]))
    return sorted(attempts), sorted(pauses), life.world.closed, attributes(life.world.events[-1])


@pytest.mark.parametrize("hook", HOOKS.values(), ids=HOOKS)
def test_however_decisions_come_about_the_run_is_the_same(hook: Hook | None) -> None:
    stories = []
    for at_once, evict, gap, lose in itertools.product((1, 2, 99), (False, True), (False, True), (False, True)):
        life = Life(hook, at_once=at_once, evict=evict, gap=gap, lose=lose)
        attempts, pauses, closed, last = told(life)
        last.pop("decisionTaskCompletedEventId")
        stories.append((attempts, pauses, closed, last))
        assert closed == "Completed"
        assert len(attempts) == len(set(attempts)) and len(pauses) == len(dict(pauses))
    assert all(story == stories[0] for story in stories)


@pytest.mark.parametrize("hook", HOOKS.values(), ids=HOOKS)
def test_a_history_is_read_the_same_in_every_two_parts(hook: Hook | None) -> None:
    life = Life(hook, at_once=2, evict=False, gap=True, lose=True)
    events = life.world.events

    def read(ends: list[int]) -> Any:
        run = Run(life.kind, "D", EXECUTION, Codec(), Config())
        start = 0
        for end in [*ends, len(events)]:
            run.read(events[start:end])
            start = end
        batch = run.outbox.batch(lambda command: decision(command, run.options), len(events))
        run.close()
        return batch.decisions, repr(run.program.outcome)

    whole = read([])
    assert all(read([end]) == whole for end in range(1, len(events)))
    assert read(list(range(1, len(events)))) == whole


def test_the_history_shows_attempts_and_what_they_wait_for() -> None:
    life = Life(None, at_once=99, evict=False, gap=False, lose=False)
    events = [(event["eventType"], attributes(event)) for event in life.world.events]
    scheduled = [attempt_of(given["input"]) for kind, given in events if given.get("activityId") == "activity-m.slow-1"]
    assert scheduled == list(range(1, len(scheduled) + 1)) and len(scheduled) >= 3
    pauses = [given for kind, given in events if kind == "TimerStarted" and "slow" in given["timerId"]]
    first = json.loads(pauses[0]["control"])
    assert pauses[0]["timerId"] == f"{PAUSE}slow-1#{first['attempt'] - 1}"
    assert first["task"] == "activity-m.slow-1" and first["reason"]


def lonely(retry: Any, world: World, **members: Any) -> Decider:
    def run(self: Workflow) -> Any:
        task = self.submit(make("a", retry=retry), 1)
        return repr(task.exception)

    made = Decider(world, "D", config=Config())  # type: ignore[arg-type]
    made._classes = {(TYPE["name"], TYPE["version"]): type("W", (Workflow,), {"run": run, **members})}
    return made


def fail(world: World) -> None:
    reason, details = describe(ValueError("no"))
    world.finish("activity-m.a-1", "Failed", reason=reason, details=details)


def test_the_deadline_counts_from_the_schedule_and_not_from_what_the_program_asked() -> None:
    """Held back for long, it has had no time yet."""
    for since, closed in ((1_000.0, "Completed"), (None, None)):
        world = World('{"args":[],"kwargs":{}}')
        by = lonely(Retry(deadline=100), world)
        decide(world, by)
        scheduled = next(event for event in world.events if event["eventType"] == "ActivityTaskScheduled")
        scheduled["eventTimestamp"] = since or 5_000.0
        fail(world)
        world.events[-2]["eventTimestamp"] = 5_000.0
        assert world.events[-2]["eventType"] == "ActivityTaskFailed"
        decide(world, by)
        assert world.closed == closed and bool(world.timers) == (closed is None)


def test_a_pause_that_was_cancelled_is_cancelled_in_the_history() -> None:
    def run(self: Workflow) -> Any:
        task = self.submit(slow, 1)
        self.submit(a).wait()
        task.cancel()
        self.submit(a).wait()
        return task.state

    for fresh in (False, True):
        world = World('{"args":[],"kwargs":{}}')

        def by(world: World = world) -> Decider:
            made = Decider(world, "D", config=Config())  # type: ignore[arg-type]
            made._classes = {(TYPE["name"], TYPE["version"]): type("W", (Workflow,), {"run": run})}
            return made

        one = by()
        decide(world, one)
        reason, details = describe(ValueError("no"))
        world.finish("activity-m.slow-1", "Failed", reason=reason, details=details)
        decide(world, by() if fresh else one)
        assert list(world.timers) == [f"{PAUSE}slow-1#1"]
        world.finish("activity-m.a-1", "Completed", result="1")
        decide(world, by() if fresh else one)
        assert not world.timers
        world.finish("activity-m.a-2", "Completed", result="1")
        decide(world, by() if fresh else one)
        assert attributes(world.events[-1])["result"] == '"CANCELLED"'


def test_a_changed_delay_is_no_other_program_but_none_at_all_is() -> None:
    world = World('{"args":[],"kwargs":{}}')
    decide(world, lonely(Retry(5, 60), world))
    fail(world)
    decide(world, lonely(Retry(5, 60), world))
    world.fire(f"{PAUSE}a-1#1")
    answer = decide(world, lonely(Retry(9, 3600, 1), world))
    assert not parked(answer) and answer["decisions"][0]["decisionType"] == "ScheduleActivityTask"
    fail(world)
    answer = decide(world, lonely(5, world))
    assert f"(TimerStarted) holds {PAUSE}a-1#1, which the code does not ask for" in parked(answer)


def test_other_arguments_of_an_attempt_are_compared_attempt_by_attempt() -> None:
    def hook(step: int) -> Hook:
        def on_task_failure(self: Workflow, ctx: TaskFailureContext) -> Any:
            ctx.a_task.args[0] += step
            return ctx.decide_retry()

        return on_task_failure

    world = World('{"args":[],"kwargs":{}}')
    decide(world, lonely(0, world, on_task_failure=hook(1)))
    fail(world)
    answer = decide(world, lonely(0, world, on_task_failure=hook(1)))
    assert answer["decisions"][0]["scheduleActivityTaskDecisionAttributes"]["input"].startswith('{"args":[2]')
    fail(world)
    told = parked(decide(world, lonely(0, world, on_task_failure=hook(2))))
    assert 'with the input {"args":[2],"kwargs":{}}; the code asks for' in told


def test_what_it_prints_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    from simpleflow.decider.mute import Proxy

    stream = Proxy(sys.stdout)

    def hook(self: Workflow, ctx: TaskFailureContext) -> Any:
        print(f"attempt {ctx.attempt_number} failed", file=stream)  # type: ignore[arg-type]
        return ctx.decide_retry()

    world = World('{"args":[],"kwargs":{}}')
    for _ in range(3):
        decide(world, lonely(0, world, on_task_failure=hook))  # another process, each time
        fail(world)
    assert capsys.readouterr().out == "attempt 1 failed\nattempt 2 failed\n"


def test_twelve_hundred_pauses_keep_within_what_amazon_allows() -> None:
    many = make("many", retry=Retry(2, 60))

    class Many(Workflow):
        def run(self) -> Any:
            made = [self.submit(many, number) for number in range(1200)]
            return [future.result for future in made] and "done"

    world = World('{"args":[],"kwargs":{}}', max_open=2000)
    by = Decider(world, "D", config=Config(swf_max_open_activity_count=2000))  # type: ignore[arg-type]
    by._classes = {(TYPE["name"], TYPE["version"]): Many}
    most = 0
    while not world.closed:
        if world.has_decision:
            assert not parked(decide(world, by))
        elif ours := [id for id in world.timers if id.startswith(OURS)]:
            world.fire(ours[0])
        elif world.open:
            for id in list(world.open):
                how = "Failed" if attempt_of(world.inputs[id]) == 1 else "Completed"
                given = {"reason": "ValueError"} if how == "Failed" else {"result": "1"}
                world.finish(id, how, **given)
        else:
            most = max(most, len(world.timers))
            world.fire(next(iter(world.timers)))
    assert 985 < most <= 1000 and world.closed == "Completed"
