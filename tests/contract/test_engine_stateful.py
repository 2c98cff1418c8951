"""The engine under fire: random calls, jumps of the clock and crashes, and after each step every invariant.

What must hold is said by `simpleflow.engine.integrity` (ids without gaps, every Started has its Scheduled, never two
decision tasks started, rows are what the events say) and by `check` below. `tools/mutants.py` breaks the engine once
for each of them, and this test must notice.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from engine_integrity import check_connection
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from simpleflow.engine import Configuration, Engine, VirtualClock
from simpleflow.engine.maintenance import vacuum
from simpleflow.protocol.events import CLOSING_EVENTS
from simpleflow.protocol.limits import Limits
from simpleflow.testing.contract.checked import DOMAIN, Checked
from simpleflow.testing.contract.swf import TYPE, Swf, decision

#: Where commits cost nothing.
FAST = "/dev/shm" if Path("/dev/shm").is_dir() else None
EVER = {"startTimeFilter": {"oldestDate": 0}}
LIMITS = Limits(events=35, open_activities=3, open_timers=3, open_children=3, open_lambdas=2, open_executions=6)

names = st.sampled_from(["x", "y", "z"])
seconds = st.sampled_from(["NONE", "40", "40", "1", "0"])
policies = st.sampled_from(["TERMINATE", "REQUEST_CANCEL", "ABANDON"])
lists = st.sampled_from([{"name": "deciders"}, {"name": "own"}])


def activity(name: str, start: str, close: str, beat: str, priority: str | None) -> dict[str, Any]:
    given = {"scheduleToStartTimeout": start, "scheduleToCloseTimeout": close, "heartbeatTimeout": beat}
    return Swf.schedule(name, **given, taskPriority=priority)


def child(name: str, policy: str, version: str, time: str) -> dict[str, Any]:
    kind = {"workflowType": {"name": "w", "version": version}, "childPolicy": policy}
    return decision("StartChildWorkflowExecution", workflowId=name, executionStartToCloseTimeout=time, **kind)


DECISIONS = st.one_of(
    st.builds(activity, names, seconds, seconds, seconds, st.sampled_from([None, "-1", "2"])),
    st.builds(Swf.timer, names, st.sampled_from([0, 1, 40])),
    st.builds(lambda name: decision("CancelTimer", timerId=name), names),
    st.builds(lambda name: decision("RequestCancelActivityTask", activityId=name), names),
    st.just(decision("RecordMarker", markerName="m")),
    st.builds(child, names, policies, st.sampled_from(["1", "1", "1", "no"]), st.sampled_from(["NONE", "60", "9999"])),
    st.builds(lambda name: decision("SignalExternalWorkflowExecution", workflowId=name, signalName="s"), names),
    st.builds(lambda name: decision("RequestCancelExternalWorkflowExecution", workflowId=name), names),
    st.builds(
        lambda name, time: decision("ScheduleLambdaFunction", id=name, name="f", startToCloseTimeout=time),
        names,
        st.sampled_from(["1", "40"]),
    ),
)
STICKY = st.sampled_from(
    [
        {},
        {},
        {"taskList": {"name": "own"}, "taskListScheduleToStartTimeout": "5"},
        {"taskList": {"name": "own"}},
        {"taskList": {"name": "deciders"}},
        {"executionContext": "here"},
        {"executionContext": ""},
    ]
)
CLOSES = st.sampled_from(["Complete", "Fail", "Cancel", "ContinueAsNew", "ContinueAsNew"])


class Crash(BaseException):
    """The process dies."""


class World(RuleBasedStateMachine):
    """One file, one engine at a time; a fault is an answer as good as any."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.clock = VirtualClock()
        self.directory = tempfile.mkdtemp(dir=FAST)
        self.path = Path(self.directory) / "engine.db"
        shutil.copy(self.template, self.path)
        self.crash: tuple[str, int] | None = None
        self.decisions: list[str] = []
        self.activities: list[str] = []
        self.functions: list[str] = []
        self.closed: dict[int, list[Any]] = {}
        self.open()

    def open(self) -> None:
        configuration = Configuration(limits=LIMITS, lambdas={"f": "module:f"})
        self.engine: Any = Engine(
            self.path, clock=self.clock, long_poll_seconds=0, point=self.point, configuration=configuration
        )
        self.swf = Swf.__new__(Swf)
        self.swf.client = Checked(self.engine)

    def point(self, name: str, operation: str) -> None:
        """Die at the point that was chosen, once."""
        if self.crash is not None and self.crash[0] == name:
            self.crash = (name, self.crash[1] - 1)
            if self.crash[1] < 0:
                self.crash = None
                raise Crash

    def do(self, function: Callable[..., Any], *arguments: Any, **given: Any) -> Any:
        """Call; {} where the call is refused, or the process dies in it."""
        try:
            return function(*arguments, **given)
        except self.engine.exceptions.ClientError:
            return {}
        except Crash:
            self.engine.close()
            self.open()
            return {}

    def teardown(self) -> None:
        self.crash = None
        try:
            self.finish()
        finally:
            self.engine.close()
            shutil.rmtree(self.directory)

    def finish(self) -> None:
        """All runs time out; nothing is left to come, and nothing open."""
        for _ in range(30):
            if (due := self.engine.next_due()) is None:
                break
            self.clock.set(max(due, self.clock.now()))
            self.swf.poll_activity(taskList={"name": "nobody's"})
        if due is None:
            assert self.engine._store.select("SELECT count(*) FROM outbox", ()) == [(0,)], "all is told"
            assert self.swf.client.count_open_workflow_executions(domain=DOMAIN, **EVER)["count"] == 0
        self.check()

    # Clients

    @initialize(policy=policies)
    def first(self, policy: str) -> None:
        self.start("x", policy, {"name": "deciders"})

    @rule(name=names, policy=policies, task_list=lists)
    def start(self, name: str, policy: str, task_list: dict[str, str]) -> None:
        given = {"executionStartToCloseTimeout": "120", "childPolicy": policy, "taskList": task_list}
        self.do(self.swf.start, name, **given)

    @rule(name=names, method=st.sampled_from(["signal", "request_cancel"]))
    def tell(self, name: str, method: str) -> None:
        given = {"signalName": "s"} if method == "signal" else {}
        call = getattr(self.swf.client, f"{method}_workflow_execution")
        self.do(call, domain=DOMAIN, workflowId=name, **given)

    @rule(name=names, policy=st.one_of(st.none(), policies), sure=st.booleans())
    def terminate(self, name: str, policy: str | None, sure: bool) -> None:
        if not sure:
            return
        given = {"domain": DOMAIN, "workflowId": name, "childPolicy": policy}
        self.do(self.swf.client.terminate_workflow_execution, **given)

    @rule(method=st.sampled_from(["deprecate", "undeprecate"]), kind=st.sampled_from(["workflow", "activity"]))
    def change_type(self, method: str, kind: str) -> None:
        type_ = {"name": kind[0], "version": "1"}
        self.do(getattr(self.swf.client, f"{method}_{kind}_type"), domain=DOMAIN, **{f"{kind}Type": type_})

    # Deciders and workers

    def took(self, task: Any) -> None:
        if token := task.get("taskToken"):
            self.decisions.append(token)
            assert task["events"][-1]["eventId"] == task["startedEventId"]
            assert task["events"][0]["eventId"] == (task["previousStartedEventId"] or 1)

    @rule(task_list=lists)
    def poll_decision(self, task_list: dict[str, str]) -> None:
        self.took(self.do(self.swf.poll_decision, taskList=task_list, startAtPreviousStartedEvent=True))

    def decide(self, wanted: list[Any], sticky: dict[str, Any], polls: bool) -> None:
        """Answer a decision task, one that is held or else the next one."""
        for name in ("deciders", "own"):
            if not self.decisions:
                self.poll_decision({"name": name})
        if not self.decisions:
            return
        response = {"taskToken": self.decisions.pop(0), "decisions": wanted, **sticky}
        if not polls:
            self.do(self.swf.client.respond_decision_task_completed, **response)
            return
        poll = {"domain": DOMAIN, "taskList": {"name": "deciders"}, "startAtPreviousStartedEvent": True}
        both = ("respond_decision_task_completed", response), ("poll_for_decision_task", poll)
        self.took(self.do(self.engine.respond_and_poll, *both))

    @rule(wanted=st.lists(DECISIONS, min_size=1, max_size=6), sticky=STICKY, polls=st.booleans())
    def go_on(self, wanted: list[Any], sticky: dict[str, Any], polls: bool) -> None:
        self.decide(wanted, sticky, polls)

    @rule(wanted=st.lists(DECISIONS, min_size=3, max_size=9), name=names)
    def do_much(self, wanted: list[Any], name: str) -> None:
        """A new execution, if it can be, and many decisions at once."""
        self.do(self.swf.start, name, executionStartToCloseTimeout="300")
        self.decide(wanted, {}, False)

    @rule(wanted=st.lists(DECISIONS, max_size=2), close=CLOSES)
    def close(self, wanted: list[Any], close: str) -> None:
        self.decide([*wanted, {"decisionType": f"{close}WorkflowExecution"}], {}, False)

    @rule(wanted=DECISIONS, name=names, close=CLOSES)
    def is_told_meanwhile(self, wanted: Any, name: str, close: str) -> None:
        """Signals come while a decider thinks."""
        self.poll_decision({"name": "deciders"})
        self.do(self.swf.client.signal_workflow_execution, domain=DOMAIN, workflowId=name, signalName="s")
        self.decide([wanted, {"decisionType": f"{close}WorkflowExecution"}], {}, False)

    @rule(how=st.sampled_from(["completed", "failed", "canceled", "heartbeat"]))
    def work(self, how: str) -> None:
        """Take an activity, or go on with one that was taken."""
        if not self.activities:
            if token := self.do(self.swf.poll_activity).get("taskToken"):
                self.activities.append(token)
        elif how == "heartbeat":
            given = {"taskToken": self.activities[-1], "details": "d"}
            self.do(self.swf.client.record_activity_task_heartbeat, **given)
        else:
            self.do(getattr(self.swf.client, f"respond_activity_task_{how}"), taskToken=self.activities.pop(0))

    @rule(name=names, close=st.sampled_from(["NONE", "40"]))
    def ask_work_to_stop(self, name: str, close: str) -> None:
        """An activity is asked to cancel itself while somebody works on it."""
        self.decide([activity(name, "NONE", close, "NONE", "5"), Swf.timer(name, 0)], {}, False)
        self.work("heartbeat")
        self.decide([decision("RequestCancelActivityTask", activityId=name)], {}, False)

    @rule(name=names, how=st.sampled_from(["terminate", "Fail", "Complete", "time out"]), policy=policies)
    def child_ends(self, name: str, how: str, policy: str) -> None:
        """A child is started in a list that nobody else polls, and ends before its parent."""
        given = {"taskList": {"name": "children"}, "workflowType": TYPE, "executionStartToCloseTimeout": "3"}
        started = decision("StartChildWorkflowExecution", workflowId=name, childPolicy=policy, **given)
        self.decide([started], {}, False)
        if how == "terminate":
            self.do(self.swf.client.terminate_workflow_execution, domain=DOMAIN, workflowId=name)
        elif how == "time out":
            self.clock.advance(4)
        elif token := self.do(self.swf.poll_decision, taskList={"name": "children"}).get("taskToken"):
            close = [{"decisionType": f"{how}WorkflowExecution"}]
            self.do(self.swf.client.respond_decision_task_completed, taskToken=token, decisions=close)

    @rule(polls=st.booleans())
    def sticky_decider_dies(self, polls: bool) -> None:
        """It asked for a list of its own, and is seen no more, perhaps after its next poll."""
        own = {"taskList": {"name": "own"}, "taskListScheduleToStartTimeout": "5"}
        self.decide([Swf.timer("now", 0)], own, False)
        if polls:
            self.do(self.swf.poll_decision, taskList=own["taskList"])
        self.clock.advance(35)
        self.poll_decision({"name": "deciders"})

    @rule(how=st.sampled_from(["completed", "failed"]))
    def run_function(self, how: str) -> None:
        if self.functions:
            self.do(getattr(self.engine, f"respond_lambda_task_{how}"), taskToken=self.functions.pop(0))
        elif token := self.do(self.engine.poll_for_lambda_task, domain=DOMAIN).get("taskToken"):
            self.functions.append(token)

    # The world

    @rule(by=st.sampled_from([0.5, 1, 1, 7, 35]))
    def advance(self, by: float) -> None:
        self.clock.advance(by)

    @rule(by=st.sampled_from([130, 24 * 3600]), sure=st.integers(0, 3))
    def sleep(self, by: float, sure: int) -> None:
        """The machine was off; seldom, since most of what is open times out."""
        if sure == 0:
            self.clock.advance(by)

    @rule(point=st.sampled_from(["before-commit", "after-commit"]), later=st.integers(0, 2))
    def crash_soon(self, point: str, later: int) -> None:
        """One of the next commits is the last thing that the process does, or almost does."""
        self.crash = (point, later)

    @rule(behind=st.sampled_from([0, 3]))
    def reopen(self, behind: float) -> None:
        """Another process goes on, whose clock may be behind."""
        self.engine.close()
        self.clock = VirtualClock(self.clock.now() - behind)
        self.open()

    @rule(sure=st.integers(0, 3))
    def clean_up(self, sure: int) -> None:
        if sure == 0:
            vacuum(self.path, self.clock)

    @invariant()
    def check(self) -> None:
        histories = check_connection(self.engine._store.connection)
        for number, before in self.closed.items():
            assert histories.get(number, before) == before, "a closed execution never changes"
        self.closed |= {
            number: history for number, history in histories.items() if history and history[-1][2] in CLOSING_EVENTS
        }
        self._check_counts(histories)

    def _check_counts(self, histories: dict[int, Any]) -> None:
        """What is counted is what the events say; by statements, since a call would fire what is due."""
        store = self.engine._store
        running = [history for number, history in histories.items() if number not in self.closed]
        assert store.one("count_open_executions", 1) == len(running)
        waiting = sum(
            [event[2] for event in history].count("DecisionTaskScheduled")
            - sum(event[2] in ("DecisionTaskCompleted", "DecisionTaskTimedOut") for event in history)
            for history in running
        )
        counted = sum(store.one("count_decisions", 1, name) for name in ("deciders", "own", "children"))
        assert counted == waiting
        opened = {number: [event[2] for event in history] for number, history in histories.items()}
        for history in running:
            kinds = [event[2] for event in history]
            assert kinds.count("DecisionTaskStarted") - kinds.count("DecisionTaskCompleted") in range(len(kinds))
        assert all(kinds[0] == "WorkflowExecutionStarted" for kinds in opened.values() if kinds)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> type[World]:
    path = tmp_path_factory.mktemp("stateful") / "template.db"
    with Engine(path, clock=VirtualClock(), long_poll_seconds=0) as engine:
        Swf(engine)
        assert TYPE
    World.template = path
    return World


def run(world: type[World], examples: int, steps: int) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    phases = [phase for phase in Phase if phase != Phase.shrink or "HYPOTHESIS_MUTANT" not in os.environ]
    health = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        world,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=health, phases=phases
        ),
    )


def test_under_fire(world: type[World]) -> None:
    run(world, 80, 40)


@pytest.mark.soak
def test_under_fire_for_long(world: type[World]) -> None:
    run(world, 3000, 60)
