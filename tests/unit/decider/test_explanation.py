"""Why a run failed or waits, in words: a case each, on the engine with a clock of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from town import DOMAIN, LISTS, Execution, Town

from simpleflow import Workflow, activity, futures
from simpleflow.canvas import Group
from simpleflow.protocol.limits import AWS_LIMITS
from simpleflow.retry import Retry
from simpleflow.swf.explanation import Named, Reason, explain
from simpleflow.swf.models.history import History


@activity.with_attributes(name="f", version="1", task_list="default")
def f(*values: Any) -> int:
    return len(values)


@activity.with_attributes(name="bad", version="1", task_list="default")
def bad() -> None:
    raise ValueError("no such page")


@activity.with_attributes(name="flaky", version="1", task_list="default", retry=Retry(3, initial=60))
def flaky() -> None:
    raise OSError("disk full")


@activity.with_attributes(name="letter", version="1", task_list="default", heartbeat_timeout="NONE")
def letter() -> None: ...


class Child(Workflow):
    name, version = "child", "1"

    @classmethod
    def get_workflow_id(cls, *args: Any) -> str:
        return "the child"

    def run(self, name: str) -> Any:
        if name == "bad":
            return self.submit(bad).result
        return self.receive(name).result


@dataclass
class Looks:
    """What is asked beside the history, of the town's engine."""

    town: Town
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.town.clock.now(), UTC)

    def waiting(self, kind: str, task_list: str) -> int | None:
        count = getattr(self.town.engine, f"count_pending_{kind}_tasks")
        return int(count(domain=DOMAIN, taskList={"name": task_list})["count"])

    def progress(self, run_id: str, started: int) -> str:
        return self.notes.get("progress", "")

    def printed(self, run_id: str, started: int) -> str:
        return self.notes.get("printed", "")

    def text(self, text: str | None) -> str | None:
        return text

    def child(self, workflow_id: str, run_id: str) -> Sequence[Reason]:
        return _explained(self.town, {"workflowId": workflow_id, "runId": run_id}, self)


def _explained(town: Town, execution: Execution, look: Looks | None = None) -> list[Reason]:
    named = Named(DOMAIN, execution["workflowId"], execution["runId"])
    return explain(History.from_event_list(town.events(execution)), named, look or Looks(town))


class Story:
    """A town with one run, and what is said of it."""

    def __init__(self) -> None:
        self.town = Town()
        self.look = Looks(self.town)
        self.execution: Execution = {}

    def start(self, run: Callable[[Any], Any], **options: Any) -> None:
        life = type("Life", (Workflow,), {"name": "life", "version": "1", "run": run})
        self.execution = self.town.start(life, **options)

    def wait(self, seconds: float) -> None:
        self.town.clock.set(self.town.clock.now() + seconds)

    @property
    def reasons(self) -> list[Reason]:
        return _explained(self.town, self.execution, self.look)

    @property
    def told(self) -> list[str]:
        found = []
        for reason in self.reasons:
            next = f" $ {reason.next}" if reason.next else ""
            found.append((reason.text + next).replace(self.execution["runId"], "RUN").replace(__file__, "life.py"))
        return found


@pytest.fixture
def story() -> Any:
    made = Story()
    yield made
    made.town.close()


T0 = "1970-01-12 13:46:40 UTC"  # the town's first second


# -- open runs -----------------------------------------------------------------------------------------------------


def test_a_decision_that_nobody_takes(story: Story) -> None:
    story.start(lambda self: None)
    assert story.told == [f"its decision waits in the list default since {T0} (0s)"]
    story.wait(42)
    assert story.told == [
        f"its decision waits in the list default since {T0} (42s): no decider polls that list, or all are busy"
        " $ simpleflow decider.start --domain D --task-list default test_explanation.Life"
    ]
    assert [reason.what for reason in story.reasons] == ["no-decider"]


def test_a_decision_under_way_after_two_that_were_lost(story: Story) -> None:
    story.start(lambda self: None)
    for _ in range(2):
        story.town.engine.poll_for_decision_task(**LISTS, identity="decider-7")
        story.wait(31)
    story.town.engine.poll_for_decision_task(**LISTS, identity="decider-7")
    made, lost = story.told
    assert (
        made.startswith("its decision is being made by decider-7 since ")
        and "if that takes 30 s, it is made again" in made
    )
    assert lost.startswith("its last 2 decisions timed out: the decider died of it, hangs, or takes longer")


def test_an_activity_that_nobody_takes(story: Story) -> None:
    story.start(lambda self: self.submit(f, 1).result)
    story.town.decide()
    story.wait(60)
    assert story.told == [
        f"activity-f-1 waits in the list default since {T0} (1m): no worker polls that list, or all are busy"
        " $ simpleflow worker.start --domain D --task-list default"
    ]


def test_many_that_wait_are_told_together(story: Story) -> None:
    story.start(lambda self: futures.wait(*self.map(f, range(30))))
    story.town.decide()
    assert story.told == [f"30 tasks f wait in the list default since {T0} (0s), where 30 wait"]
    assert len(story.reasons[0].facts["tasks"]) == 30


def test_activities_that_run(story: Story) -> None:
    story.start(lambda self: futures.wait(*self.map(f, range(5))))
    story.town.decide()
    for _ in range(5):
        story.town.engine.poll_for_activity_task(**LISTS, identity="worker-1")
    story.wait(9)
    story.look.notes["progress"] = "40 of 100: page 40"
    first, *_, rest = story.told
    assert first == (
        f"activity-f-1 runs since {T0} (9s), on worker-1, 40 of 100: page 40, times out at 1970-01-12 13:51:40 UTC, "
        "a lost worker is noticed within 60 s"
    )
    assert rest == "2 other tasks f run"


def test_one_whose_end_is_left_to_others(story: Story) -> None:
    story.start(lambda self: self.submit(letter).result)
    story.town.decide()
    story.town.engine.poll_for_activity_task(**LISTS)
    (told,) = story.told
    assert "it may have left its end to others (CompleteLater): who has its token types" in told
    assert told.endswith(" $ simpleflow activity.complete TOKEN --result JSON")


def test_one_that_waits_to_be_retried(story: Story) -> None:
    story.start(lambda self: self.submit(flaky).result)
    story.town.settle()
    story.wait(10)
    assert story.told == [
        "activity-flaky-1 waits for its attempt 2 until 1970-01-12 13:47:40 UTC (in 50s): OSError: disk full"
    ]


def test_a_signal(story: Story) -> None:
    def run(self: Any) -> None:
        self.submit(f, 1).result
        self.receive("go on", timeout=3600).result

    story.start(run)
    story.town.settle()
    story.wait(100)
    (told,) = story.told
    assert told.startswith(
        f"it waits for the signal go on since {T0} (1m40s), until 1970-01-12 14:46:40 UTC (in 58m20s) at most"
    )
    assert f"(life.py:{run.__code__.co_firstlineno + 2})" in told
    assert told.endswith(" $ simpleflow workflow.signal D w 'go on'")


def test_a_signal_is_waited_for_since_the_first_decision_that_said_so(story: Story) -> None:
    def run(self: Any) -> None:
        self.submit(self.start_timer("later", 50))
        self.receive("go").result

    story.start(run)
    story.town.settle()
    story.town.jump()
    story.wait(10)
    assert story.reasons[0].facts["since"] == datetime.fromtimestamp(1_000_000, UTC)


def test_timers_of_the_program(story: Story) -> None:
    def run(self: Any) -> None:
        bell = self.submit(self.start_timer("bell", 30))
        self.sleep(3600)
        bell.result

    story.start(run)
    story.town.settle()
    assert story.told == [
        "the timer bell ends at 1970-01-12 13:47:10 UTC (in 30s)",
        "a sleep, or a time to wait at most, ends at 1970-01-12 14:46:40 UTC (in 1h)",
    ]


def test_a_child_and_what_it_waits_for(story: Story) -> None:
    story.start(lambda self: self.submit(Child, "knock").result)
    story.town.settle()
    (child,) = story.reasons
    assert child.text == f"its child the child runs since {T0} (0s)"
    assert [inner.next for inner in child.reasons] == ["simpleflow workflow.signal D 'the child' knock"]
    assert child.as_record()["reasons"][0]["signal"] == "knock"


def test_a_run_that_is_parked(story: Story) -> None:
    story.start(lambda self: self.submit(f, 1).result)
    story.town.classes.clear()
    story.town.decider = story.town.new_decider()
    story.town.parks = True
    story.town.decide()
    (told,) = story.told
    assert told.startswith("its decision cannot be made (since ") and "mend that, it is tried again at " in told
    assert story.reasons[0].facts["times"] == 1


def test_a_run_that_is_stuck(story: Story) -> None:
    def run(self: Any) -> None:
        waits: list[Any] = []

        async def other() -> Any:
            return await waits[0]

        waits.append(futures.gather(other()))
        waits[0].result

    story.start(run)
    story.town.settle()
    (told,) = story.told
    assert told.startswith("it is stuck: nothing that it asked for is open, and it waits for ")
    assert told.endswith(" $ simpleflow workflow.terminate D w")


def test_a_cancel_that_is_refused(story: Story) -> None:
    class Life(Workflow):
        name, version = "life", "1"

        def should_cancel(self, history: Any) -> bool:
            return False

        def run(self) -> Any:
            return self.receive("go").result

    story.execution = story.town.start(Life)
    story.town.settle()
    story.town.cancel("w")
    story.town.settle()
    asked, signal = story.told
    assert asked == (
        f"it was asked to cancel itself at {T0}, and its program has not done so $ simpleflow workflow.terminate D w"
    )
    assert signal.startswith("it waits for the signal go")


def test_what_is_held_back(story: Story) -> None:
    class Life(Workflow):
        name, version, max_open_activity_count = "life", "1", 2

        def run(self) -> Any:
            return futures.wait(*self.map(f, range(5)))

    story.execution = story.town.start(Life)
    story.town.decide()
    assert story.told[-1] == "3 more tasks are held back until there is room: so many may be open, or asked for at once"


def test_what_the_engine_refuses_for_now(story: Story) -> None:
    story.town.close()
    story.town = Town(limits=replace(AWS_LIMITS, open_activities=2))
    story.look = Looks(story.town)
    story.start(lambda self: futures.wait(*self.map(f, range(5))))
    for _ in range(3):
        story.town.decide()
    assert [reason.what for reason in story.reasons if reason.what == "throttled"], story.told
    assert story.told[-2].startswith("the engine takes no more of it (activity) for now: it is asked again at ")


# -- closed runs ---------------------------------------------------------------------------------------------------

REPAIR = " $ simpleflow workflow.repair w RUN --domain D"


def test_a_task_that_failed(story: Story) -> None:
    def run(self: Any) -> None:
        self.submit(f, 1).result
        self.submit(bad).result

    story.start(run)
    story.town.run(story.execution)
    story.look.notes["printed"] = "one\nthe last line\n"
    task, printed, failed = story.told
    line = bad.callable.__code__.co_firstlineno + 2
    assert task == (
        f"activity-bad-1 failed: ValueError: no such page, at life.py:{line} in bad $ simpleflow activity.rerun "
        "--domain D --workflow-id w --run-id RUN --activity-id activity-bad-1 --pdb"
    )
    assert printed.startswith(
        "it has printed last: the last line $ simpleflow task.info D w activity-bad-1 --run-id RUN"
    )
    line = run.__code__.co_firstlineno + 2
    assert failed == f"it failed for that; run was at life.py:{line}: mend it, and repair the run{REPAIR}"


def test_a_program_that_failed(story: Story) -> None:
    def run(self: Any) -> None:
        {}["key"]

    story.start(run)
    story.town.run(story.execution)
    assert story.told == [
        f"its run failed: KeyError: 'key'; run was at life.py:{run.__code__.co_firstlineno + 1}{REPAIR}"
    ]


def test_a_program_that_failed_for_several_tasks(story: Story) -> None:
    story.start(lambda self: self.submit(Group(bad, f, bad)).result)
    story.town.run(story.execution)
    failed, tasks = story.told
    assert failed.startswith("its run failed: ") and failed.endswith(REPAIR)
    assert tasks == "of its tasks, these had failed: activity-bad-1, activity-bad-2"


def test_a_task_that_timed_out(story: Story) -> None:
    story.start(lambda self: self.submit(f, 1).result)
    story.town.decide()
    story.town.engine.poll_for_activity_task(**LISTS)
    for _ in range(12):
        if story.town.closed(story.execution):
            break
        story.wait(301)
        while story.town.decide():
            pass
        story.town.engine.poll_for_activity_task(**LISTS)
    assert story.told[0].startswith("activity-f-1 timed out")


def test_a_child_that_failed(story: Story) -> None:
    story.start(lambda self: self.submit(Child, "bad").result)
    story.town.run(story.execution)
    child, failed = story.reasons
    assert child.what == "child-failed" and child.text.startswith("its child the child failed: ")
    assert [inner.what for inner in child.reasons] == ["task-failed", "failed"]
    assert failed.next and "workflow.repair w" in failed.next


def test_a_run_that_timed_out(story: Story) -> None:
    story.start(lambda self: self.receive("go").result, execution_timeout=90)
    story.town.settle()
    story.wait(91)
    assert story.town.closed(story.execution)
    assert story.told == [
        f"it was not done within its execution timeout of 90 s{REPAIR}",
        "it waited then for the signal go",
    ]


def test_a_run_that_was_cancelled(story: Story) -> None:
    story.start(lambda self: self.receive("go").result)
    story.town.settle()
    story.town.cancel("w")
    story.town.settle()
    assert story.told == [f"it was cancelled, as was asked for at {T0}{REPAIR}"]


def test_a_run_that_was_terminated(story: Story) -> None:
    story.start(lambda self: self.receive("go").result)
    story.town.engine.terminate_workflow_execution(domain=DOMAIN, workflowId="w", reason="too late")
    (told,) = story.told
    assert told.startswith("it was terminated by ") and f": too late{REPAIR}" in told


def test_a_run_that_goes_on_as_another(story: Story) -> None:
    def run(self: Any, n: int = 0) -> Any:
        return n if n else self.submit(self.continue_as_new(1)).result

    story.start(run)
    story.town.settle()
    (reason,) = story.reasons
    assert reason.next == f"simpleflow workflow.explain D w {reason.facts['run_id']}"


def test_a_run_that_completed(story: Story) -> None:
    story.start(lambda self: 1)
    story.town.run(story.execution)
    assert story.told == ["it has completed $ simpleflow workflow.result D w RUN"]
