"""Timers of programs, as decisions and in histories."""

from __future__ import annotations

from typing import Any

from test_determinism import decide, decider, parked

from simpleflow import Workflow, activity
from simpleflow.command import OURS
from simpleflow.protocol.history import attributes
from world import World

a = activity.Activity(lambda *args: None, name="m.a")


def kinds(answer: dict[str, Any]) -> list[str]:
    return [decision["decisionType"] for decision in answer["decisions"]]


def test_a_timer_is_started_and_fires() -> None:
    def run(self: Workflow) -> Any:
        return self.submit(self.start_timer("t", 7, {"why": "é"})).state, self.submit(self.start_timer("u", 1)).result

    world = World(None)
    by = decider(world, run)
    answer = decide(world, by)
    given = answer["decisions"][0]["startTimerDecisionAttributes"]
    assert given == {"timerId": "t", "startToFireTimeout": "7", "control": '{"why":"é"}'}
    world.fire("u")
    decide(world, by)
    assert attributes(world.events[-1])["result"] == '["RUNNING",null]'


def test_a_timer_that_is_cancelled_before_it_was_sent_is_never_sent() -> None:
    def run(self: Workflow) -> Any:
        self.submit(self.start_timer("t", 7)).cancel()
        self.submit(a).result
        self.submit(a).result
        return "done"

    world = World(None)
    assert kinds(decide(world, decider(world, run))) == ["ScheduleActivityTask"]
    for number in (1, 2):
        world.finish(f"activity-m.a-{number}", "Completed", result="1")
        answer = decide(world, decider(world, run))  # another process, each time
        assert not parked(answer)
    assert world.closed == "Completed"


def test_a_timer_that_was_sent_is_cancelled_and_frees_its_place() -> None:
    def run(self: Workflow) -> Any:
        timer = self.submit(self.start_timer("t", 7))
        self.submit(a).result
        timer.cancel()
        return self.submit(a).result

    world = World(None)
    decide(world, decider(world, run))
    world.finish("activity-m.a-1", "Completed", result="1")
    by = decider(world, run)
    assert kinds(decide(world, by)) == ["CancelTimer", "ScheduleActivityTask"]
    assert not world.timers
    world.finish("activity-m.a-2", "Completed", result="1")
    decide(world, decider(world, run))
    assert world.closed == "Completed"


def test_a_timer_that_fires_before_its_cancel_comes_is_over() -> None:
    def run(self: Workflow) -> Any:
        timer = self.submit(self.start_timer("t", 7))
        self.submit(a).result
        timer.cancel()
        return [timer.state, self.submit(a).result]

    world = World(None)
    by = decider(world, run)
    decide(world, by)
    world.finish("activity-m.a-1", "Completed", result="1")
    task = world.poll()
    assert task is not None
    answer = by.decide(task, {})
    world.fire("t")
    world.respond(answer)
    assert world.events[-2]["eventType"] == "CancelTimerFailed"
    assert kinds(decide(world, by)) == []
    world.finish("activity-m.a-2", "Completed", result="1")
    decide(world, decider(world, run))
    assert attributes(world.events[-1])["result"] == '["CANCELLED",1]'


def test_code_that_no_longer_cancels_a_timer_is_parked() -> None:
    def run(self: Workflow) -> Any:
        timer = self.submit(self.start_timer("t", 7))
        self.submit(a).result
        timer.cancel()
        return self.submit(a).result

    def edited(self: Workflow) -> Any:
        self.submit(self.start_timer("t", 7))
        self.submit(a).result
        return self.submit(a).result

    world = World(None)
    for number in (1, 2):
        decide(world, decider(world, run))
        world.finish(f"activity-m.a-{number}", "Completed", result="1")
    assert "(TimerCanceled) holds t, which the code does not cancel" in parked(decide(world, decider(world, edited)))


def test_a_refused_timer_backs_off_or_fails() -> None:
    def run(self: Workflow) -> Any:
        many = [self.submit(self.start_timer(f"t{n}", n)) for n in range(3)]
        return [repr(timer.exception) for timer in many]

    world = World(None)
    by = decider(world, run)
    world.refusals = {"t1": "TIMER_CREATION_RATE_EXCEEDED", "t2": "TIMER_ID_ALREADY_IN_USE"}
    decide(world, by)
    answer = decide(world, by)
    assert kinds(answer) == ["StartTimer"]
    rest = answer["decisions"][0]["startTimerDecisionAttributes"]["timerId"]
    assert rest.startswith(f"{OURS}rest_timer-")
    world.refusals = {}
    world.fire("t0")
    assert kinds(decide(world, by)) == []
    world.fire(rest)
    decide(world, decider(world, run))
    world.fire("t1")
    decide(world, by)
    assert attributes(world.events[-1])["result"] == '["None","None","TaskFailed (t2, \\"TIMER_ID_ALREADY_IN_USE\\")"]'


def test_no_more_timers_are_open_than_amazon_allows() -> None:
    def run(self: Workflow) -> Any:
        timers = [self.submit(self.start_timer(f"t{n}", 60)) for n in range(1100)]
        for timer in timers:
            timer.result
        return "done"

    world = World(None)
    by = decider(world, run)
    most = 0
    while not world.closed:
        if world.has_decision:
            assert not parked(decide(world, by))
        else:
            most = max(most, len(world.timers))
            world.fire(next((id for id in world.timers if id.startswith(OURS)), next(iter(world.timers))))
    assert 985 < most <= 1000
