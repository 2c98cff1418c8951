"""A history that holds something else than the code asks for stops the run, and parks it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from programs import attempt_of
from simpleflow import Workflow, activity
from simpleflow.command import CancelActivity
from simpleflow.config import Config
from simpleflow.decider import Decider
from simpleflow.decider.cache import Cache
from simpleflow.decider.outbox import Outbox
from simpleflow.decider.translate import WORDS, differs_at, same_call, short
from simpleflow.exceptions import NonDeterministic, TaskException, TaskFailed
from simpleflow.protocol.history import attributes
from world import TYPE, World


def make(name: str, **options: Any) -> activity.Activity[..., Any]:
    return activity.Activity(lambda *args: None, name=name, **options)


a, b, c = make("m.a"), make("m.b"), make("m.c")


def decider(world: World, run: Any, **settings: Any) -> Decider:
    kind = type("W", (Workflow,), {"run": run})
    made = Decider(world, "D", config=Config(**settings))  # type: ignore[arg-type]
    made._classes = {(TYPE["name"], TYPE["version"]): kind}
    return made


def decide(world: World, by: Decider) -> dict[str, Any]:
    task = world.poll()
    assert task is not None
    answer = by.decide(task, {})
    world.respond(answer)
    return answer


def parked(answer: dict[str, Any]) -> str:
    """The error of a parked decision; empty for another."""
    found: str = json.loads(answer["executionContext"]).get("parked", {}).get("error", "")
    return found


def original(self: Workflow) -> Any:
    first = self.submit(a, 1)
    second = self.submit(b, first)
    return [first.result, second.result, self.submit(c, 3).result]


def begun() -> World:
    """A world in which `original` has run up to the schedule of c."""
    world = World(None)
    by = decider(world, original)
    decide(world, by)
    world.finish("activity-m.a-1", "Completed", result="1")
    decide(world, by)
    world.finish("activity-m.b-1", "Completed", result="2")
    decide(world, by)
    world.finish("activity-m.c-1", "Completed", result="3")
    return world


def renamed(self: Workflow) -> Any:
    first = self.submit(a, 1)
    second = self.submit(make("m.B"), first)
    return [first.result, second.result, self.submit(c, 3).result]


def added(self: Workflow) -> Any:
    first = self.submit(a, 1)
    self.submit(make("m.new"))
    second = self.submit(b, first)
    return [first.result, second.result, self.submit(c, 3).result]


def removed(self: Workflow) -> Any:
    first = self.submit(a, 1)
    return [first.result, self.submit(c, 3).result]


def moved(self: Workflow) -> Any:
    first = self.submit(a, 1)
    third = self.submit(c, 3)
    second = self.submit(b, first)
    return [first.result, second.result, third.result]


def re_argued(self: Workflow) -> Any:
    first = self.submit(a, 2)
    second = self.submit(b, first)
    return [first.result, second.result, self.submit(c, 3).result]


@pytest.mark.parametrize("run", [renamed, added, removed, moved, re_argued])
def test_changed_code_is_parked_and_right_code_goes_on(run: Any) -> None:
    world = begun()
    answer = decide(world, decider(world, run))
    message = parked(answer)
    assert message.startswith("NonDeterministic: ") and "activity-m." in message
    assert [decision["decisionType"] for decision in answer["decisions"]] == ["StartTimer"]
    assert not world.closed
    world.fire(next(iter(world.timers)))
    decide(world, decider(world, original))
    assert world.closed == "Completed"
    assert attributes(world.events[-1])["result"] == "[1,2,3]"


def test_the_error_names_event_history_code_and_line() -> None:
    world = begun()
    message = parked(decide(world, decider(world, renamed)))
    assert "event 10 (ActivityTaskScheduled) holds activity-m.b-1" in message
    assert "activity-m.B-1 at " in message and "test_determinism.py:" in message
    world = begun()
    message = parked(decide(world, decider(world, re_argued)))
    assert '{"args":[1],"kwargs":{}' in message and '{"args":[2],"kwargs":{}}' in message


def test_of_long_inputs_the_error_shows_where_they_differ() -> None:
    given, asked = f'{{"args":["{"x" * 900}1{"y" * 900}"],"kwargs":{{}}}}', f'{{"args":["{"x" * 900}2"],"kwargs":{{}}}}'
    start = differs_at(given, asked)
    shown = short(given, start), short(asked, start)
    assert re.fullmatch(r"\.\.\.x+1y+\.\.\.", shown[0]) and re.fullmatch(r'\.\.\.x+2"\],"kwargs":\{\}\}', shown[1])
    assert len(shown[0]) == 206 and differs_at('{"args":[1]}', '{"args":[2]}') == 0


def test_the_pauses_of_a_parked_run_grow_and_its_first_time_is_kept() -> None:
    world = begun()
    by = decider(world, renamed)
    pauses, contexts = [], []
    for _ in range(4):
        answer = decide(world, by)
        pauses.append(answer["decisions"][0]["startTimerDecisionAttributes"]["startToFireTimeout"])
        contexts.append(json.loads(answer["executionContext"])["parked"])
        world.fire(next(iter(world.timers)))
    assert pauses == ["5", "10", "20", "40"]
    assert [context["times"] for context in contexts] == [1, 2, 3, 4]
    assert len({context["since"] for context in contexts}) == 1


def test_options_may_change_freely() -> None:
    def other_options(self: Workflow) -> Any:
        first = self.submit(make("m.a", start_to_close_timeout=7, task_list="x", task_priority=3), 1)
        second = self.submit(make("m.b", heartbeat_timeout=9), first)
        return [first.result, second.result, self.submit(c, 3).result]

    world = begun()
    decide(world, decider(world, other_options))
    assert world.closed == "Completed"


def test_swapping_two_names_within_a_step_is_harmless() -> None:
    def run(self: Workflow) -> Any:
        return [future.result for future in (self.submit(a), self.submit(b))]

    def swapped(self: Workflow) -> Any:
        second, first = self.submit(b), self.submit(a)
        return [first.result, second.result]

    world = World(None)
    decide(world, decider(world, run))
    world.finish("activity-m.a-1", "Completed", result="1")
    world.finish("activity-m.b-1", "Completed", result="2")
    decide(world, decider(world, swapped))
    assert attributes(world.events[-1])["result"] == "[1,2]"


def test_a_class_that_cannot_be_loaded_parks_the_run() -> None:
    world = World('{"__extra":{"class":"no_such_module.W"}}')
    by = Decider(world, "D", config=Config())  # type: ignore[arg-type]
    assert "there is no module no_such_module" in parked(decide(world, by))
    world = World(None)
    by = Decider(world, "D", config=Config())  # type: ignore[arg-type]
    assert "knows no workflow W version default" in parked(decide(world, by))


def test_what_only_a_parked_decision_has_seen_is_not_muted() -> None:
    said: list[str] = []

    def run(self: Workflow) -> Any:
        for step in ("begin", "end"):
            if not self.is_replaying:
                said.append(step)
            self.submit(a, step).result

    world = World(None)
    decide(world, Decider(world, "D", config=Config()))  # type: ignore[arg-type]  # knows no class: parks
    world.fire(next(iter(world.timers)))
    decide(world, decider(world, run))
    assert said == ["begin"]
    world.finish("activity-m.a-1", "Completed", result="1")
    decide(world, decider(world, run))  # another process: reads it all again
    assert said == ["begin", "end"]


def test_missing_types_are_registered_and_sent_again() -> None:
    def run(self: Workflow) -> Any:
        return self.submit(a).result

    world = World(None)
    by = decider(world, run)
    world.needs_registration = True
    decide(world, by)
    assert "activity-m.a-1" in world.open, "registered before its first schedule"
    world.finish("activity-m.a-1", "TimedOut", timeoutType="HEARTBEAT")
    world.registered.clear()  # somebody deleted it
    decide(world, by)
    assert "activity-m.a-1" not in world.open
    decide(world, by)
    assert attempt_of(world.inputs["activity-m.a-1"]) == 2


def test_a_refusal_by_rate_backs_off_through_a_timer() -> None:
    def run(self: Workflow) -> Any:
        return [future.result for future in self.map(a, range(3))]

    world = World(None, max_open=2)
    by = decider(world, run)
    decide(world, by)  # the world's limit is lower than the decider thinks
    assert len(world.open) == 2
    answer = decide(world, by)
    assert [decision["decisionType"] for decision in answer["decisions"]] == ["StartTimer"]
    world.finish("activity-m.a-1", "Completed", result="1")
    assert decide(world, by)["decisions"] == [], "it rests until the timer fires"
    world.fire(next(iter(world.timers)))
    decide(world, by)
    assert "activity-m.a-3" in world.open


def test_another_refusal_is_shown_and_tried_again() -> None:
    def run(self: Workflow) -> Any:
        return self.submit(a).result

    world = World(None)
    by = decider(world, run)
    world.open["activity-m.a-1"] = 1  # somebody else's
    decide(world, by)
    assert "ACTIVITY_ID_ALREADY_IN_USE" in parked(decide(world, by))
    del world.open["activity-m.a-1"]
    world.fire(next(iter(world.timers)))
    decide(world, by)
    assert "activity-m.a-1" in world.open


class Refusing(World):
    """A world in which no type can be registered."""

    def register_activity_type(self, **arguments: Any) -> None:
        raise PermissionError("not for you")


def test_a_type_that_cannot_be_registered_parks_the_run_and_is_not_tried_in_a_loop() -> None:
    def run(self: Workflow) -> Any:
        return self.submit(a).result

    world = Refusing(None)
    world.needs_registration = True
    by = decider(world, run)
    decide(world, by)
    pauses = []
    for _ in range(4):
        answer = decide(world, by)
        assert "cannot register the activity type m.a default: not for you" in parked(answer)
        pauses.append(answer["decisions"][0]["startTimerDecisionAttributes"]["startToFireTimeout"])
        world.fire(next(iter(world.timers)))
    assert pauses == ["5", "10", "20", "40"]


def test_the_pauses_of_a_refused_schedule_grow() -> None:
    def run(self: Workflow) -> Any:
        return self.submit(a).result

    world = World(None)
    by = decider(world, run)
    world.open["activity-m.a-1"] = 1  # somebody else's
    decide(world, by)
    pauses = []
    for _ in range(4):
        answer = decide(world, by)
        pauses.append(answer["decisions"][0]["startTimerDecisionAttributes"]["startToFireTimeout"])
        world.fire(next(iter(world.timers)))
        assert not parked(decide(world, by)), "tried again"
    assert pauses == ["5", "10", "20", "40"]


def test_parking_fits_whatever_the_error_says() -> None:
    def run(self: Workflow) -> Any:
        raise AssertionError("never reached")

    world = World(None)
    by = decider(world, run)
    task = world.poll()
    assert task is not None
    error = RuntimeError("\u4f60\u597d\ud800" * 60_000)
    context = by.park(task, error)["executionContext"]
    assert len(context) <= 32_768 and json.loads(context)["parked"]["times"] == 1


def test_a_module_that_exits_as_it_is_imported_parks_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "exits_at_import.py").write_text("import sys\nsys.exit(3)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    world = World('{"__extra":{"class":"exits_at_import.W"}}')
    assert "SystemExit: 3" in parked(decide(world, Decider(world, "D", config=Config())))  # type: ignore[arg-type]


def test_a_cancel_goes_out_after_its_schedule_and_is_answered_once() -> None:
    def run(self: Workflow) -> Any:
        first = self.submit(a)
        second = self.submit(b)
        second.cancel()
        return [first.result, repr(second.exception)]

    world = World(None)
    by = decider(world, run, swf_max_open_activity_count=1)
    kinds = [decision["decisionType"] for decision in decide(world, by)["decisions"]]
    assert kinds == ["ScheduleActivityTask"], "b is held back, and its cancel with it"
    world.finish("activity-m.a-1", "Completed", result="1")
    kinds = [decision["decisionType"] for decision in decide(world, by)["decisions"]]
    assert kinds == ["ScheduleActivityTask", "RequestCancelActivityTask"]
    world.finish("activity-m.b-1", "Canceled")
    decide(world, by)
    assert attributes(world.events[-1])["result"] == '[1,"TaskCanceled()"]'


def test_a_cancel_goes_out_before_the_close() -> None:
    def run(self: Workflow) -> Any:
        pending = self.submit(a)
        self.submit(b).result
        pending.cancel()
        return "done"

    world = World(None)
    by = decider(world, run)
    decide(world, by)
    world.finish("activity-m.b-1", "Completed", result="1")
    kinds = [decision["decisionType"] for decision in decide(world, by)["decisions"]]
    assert kinds == ["RequestCancelActivityTask", "CompleteWorkflowExecution"]


def test_the_answer_to_an_earlier_cancel_is_not_that_to_a_later_one() -> None:
    box = Outbox({})
    box.decision_started(3)
    box.ask(CancelActivity("x", 1, "flow.py:1"))  # asked for by an event in the gap
    box.decision_completed(5, 3, 0, False)
    box.cancel_heard(WORDS[0], "x", 6)
    assert len(box.batch(lambda command: {"decisionType": "cancel"}, 7).decisions) == 1


def test_a_cancel_does_not_survive_the_end_of_its_activity() -> None:
    box = Outbox({})
    box.ask(CancelActivity("x", 1, "flow.py:1"))
    box.closed("activity", "x")
    assert box.batch(lambda command: {"decisionType": "cancel"}, 7).decisions == []


def test_what_a_run_of_more_than_one_decider_sees_is_the_same() -> None:
    world = World(None)
    deciders = [decider(world, original), decider(world, original)]
    for step in range(4):
        decide(world, deciders[step % 2])
        for id in list(world.open):
            world.finish(id, "Completed", result=str(step + 1))
    assert world.closed == "Completed"


def test_the_cache_closes_what_falls_out() -> None:
    closed: list[int] = []

    class Fake:
        size = 40

        def __init__(self, number: int) -> None:
            self.number = number

        def close(self) -> None:
            closed.append(self.number)

    cache = Cache(2)
    for number in range(4):
        cache.put(str(number), Fake(number))  # type: ignore[arg-type]
    assert closed == [0, 1] and len(cache) == 2
    assert cache.take("3") is not None and cache.take("3") is None
    cache.clear()
    assert closed == [0, 1, 2]
    cache = Cache(9, memory=100)
    for number in range(4):
        cache.put(str(number), Fake(number))  # type: ignore[arg-type]
    assert closed == [0, 1, 2, 0, 1] and len(cache) == 2
    Fake.size = 1000
    cache.take("2")
    cache.put("4", Fake(4))  # type: ignore[arg-type]
    assert closed == [0, 1, 2, 0, 1, 3] and len(cache) == 1  # the one in hand is kept, however large


def test_the_same_call_in_other_words_is_the_same_call() -> None:
    ours = '{"args":[{"a":1,"b":2}],"kwargs":{}}'
    assert same_call(ours, ours)
    assert same_call(ours, '{"args":[{"a":1,"b":2}],"kwargs":{},"__simpleflow":{"attempt":3}}')
    assert same_call(ours, '{ "kwargs": {}, "args": [ {"b": 2, "a": 1} ], "meta": {"x": 1} }')
    assert not same_call(ours, '{"args":[{"a":1,"b":3}],"kwargs":{}}')
    assert not same_call(ours, None) and not same_call(ours, "words")


def test_a_failure_that_user_code_made_up_always_fits() -> None:
    def run(self: Workflow) -> Any:
        raise TaskFailed("x" * 400, "y" * 400, "z\ud800" * 40_000)

    world = World(None)
    decide(world, decider(world, run))
    last = attributes(world.events[-1])
    assert len(last["reason"]) <= 256 and len(last["details"]) <= 32_768
    (last["reason"] + last["details"]).encode()


def test_a_thousand_tasks_go_out_in_hundreds_within_the_limit() -> None:
    def run(self: Workflow) -> Any:
        return len([future.result for future in self.map(a, range(450))])

    world = World(None, max_open=300)
    by = decider(world, run, swf_max_open_activity_count=300)
    sizes = []
    while not world.closed:
        if world.has_decision:
            answer = decide(world, by)
            sizes.append(len(answer["decisions"]))
            assert len(sizes) < 1000, "it is asked for again and again"
        elif world.timers:
            world.fire(next(iter(world.timers)))
        else:
            world.finish(next(iter(world.open)), "Completed", result="1")
    assert max(sizes) == 100 and sizes[:4] == [100, 100, 100, 3]
    assert attributes(world.events[-1])["result"] == "450"


def test_large_inputs_go_out_in_bytes_that_amazon_takes() -> None:
    def run(self: Workflow) -> Any:
        for _ in range(60):
            self.submit(a, "é" * 30_000)
        return self.submit(b).result

    world = World(None)
    by = decider(world, run)
    answer = decide(world, by)
    assert len(json.dumps(answer)) < 1_000_000
    assert answer["decisions"][-1]["decisionType"] == "StartTimer"
    assert json.loads(answer["executionContext"])["held"] > 0


def test_what_was_never_sent_is_dropped_at_the_end_and_named(caplog: pytest.LogCaptureFixture) -> None:
    def run(self: Workflow) -> Any:
        self.submit(a)
        return 1

    world = World(None)
    answer = decide(world, decider(world, run))
    assert [decision["decisionType"] for decision in answer["decisions"]] == ["CompleteWorkflowExecution"]
    assert "activity-m.a-1" in caplog.text and world.closed == "Completed"


def test_a_close_that_came_too_early_is_sent_again() -> None:
    def run(self: Workflow) -> Any:
        first = self.submit(a)
        self.submit(b)
        return first.result

    world = World(None)
    by = decider(world, run)
    decide(world, by)
    world.finish("activity-m.a-1", "Completed", result="1")
    task = world.poll()
    assert task is not None
    answer = by.decide(task, {})
    world.finish("activity-m.b-1", "Completed", result="2")
    world.respond(answer)
    assert not world.closed
    decide(world, by)
    assert world.closed == "Completed"


def test_a_run_that_waits_with_nothing_open_is_reported_as_stuck(caplog: pytest.LogCaptureFixture) -> None:
    def run(self: Workflow) -> Any:
        future = self.submit(a)
        self.executor._graph.open.clear()  # type: ignore[attr-defined]  # no program can do this by itself yet
        return future.result

    world = World(None)
    answer = decide(world, decider(world, run))
    assert "activity-m.a-1" in json.loads(answer["executionContext"])["stuck"][0]


def test_an_error_in_user_code_fails_the_run_with_type_message_and_traceback() -> None:
    def run(self: Workflow) -> Any:
        raise KeyError("nope")

    world = World(None)
    decide(world, decider(world, run))
    last = attributes(world.events[-1])
    assert last["reason"] == "KeyError: 'nope'"
    details = json.loads(last["details"])
    assert details["error_type"] == "KeyError" and "test_determinism.py" in "".join(details["traceback"])


def test_a_failed_task_fails_the_run_with_the_task_s_details() -> None:
    def run(self: Workflow) -> Any:
        return self.submit(a).result

    world = World(None)
    by = decider(world, run)
    decide(world, by)
    world.finish("activity-m.a-1", "Failed", reason="ValueError: x", details='{"traceback":["t"]}')
    decide(world, by)
    last = attributes(world.events[-1])
    assert last["reason"] == 'Workflow execution error in activity-m.a-1: "ValueError: x"'
    assert last["details"] == '{"traceback":["t"]}'


def test_the_error_is_one_of_ours() -> None:
    assert not issubclass(NonDeterministic, TaskException)
