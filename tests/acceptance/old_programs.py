"""Programs as they were written for simpleflow 0.x, each of which exercises one of its idioms."""

from __future__ import annotations

import json
from typing import Any

import simpleflow
from simpleflow import Activity, Workflow, activity, canvas, exceptions, futures, settings
from simpleflow.canvas import Chain, FuncGroup, Group
from simpleflow.constants import HOUR
from simpleflow.exceptions import ExecutionBlocked, TaskException, TaskFailed, WorkflowException
from simpleflow.swf.executor import Executor
from simpleflow.swf.task import NonPythonicActivityTask
from simpleflow.task import ActivityTask, ChildWorkflowTask, TaskFailureContext, WorkflowTask


def note(path: str, line: Any) -> None:
    """What many processes write to be counted."""
    with open(path, "a") as notes:
        notes.write(f"{line}\n")


@activity.with_attributes(task_list="old", version="1.0", start_to_close_timeout=HOUR)
def increment(x):
    return x + 1


@activity.with_attributes(task_list="old", version="1.0")
def double(x):
    return x * 2


@activity.with_attributes(task_list="old", version="1.0")
def add(*xs, **named):
    return sum(xs) + sum(named.values())


@activity.with_attributes(task_list="old", version="1.0")
def fail(message="no"):
    raise ValueError(message)


@activity.with_attributes(task_list="old", version="1.0", raises_on_failure=False)
def fail_softly():
    raise ValueError("softly")


@activity.with_attributes(task_list="old", version="1.0", raises_on_failure=True, retry=1)
def fail_loudly(path):
    note(path, "tried")
    raise KeyError("loudly")


@activity.with_attributes(task_list="old", version="1.0", idempotent=True)
def once(path, x):
    note(path, "once")
    return x


def _plain(x, y=0):
    return [x, y, made_by_hand.context["name"]]


plain = _plain
made_by_hand = Activity(plain, name="old_programs.plain", version="2.0", task_list="old", retry=1)


@activity.with_attributes(task_list="old", version="1.0")
class Area:
    def __init__(self, width, height=1):
        self.width = width
        self.height = height
        self.log = []

    @classmethod
    def get_task_id(cls, workflow, *args, **kwargs):
        return f"{workflow.name}-{args[0]}x{kwargs.get('height', 1)}"

    def execute(self):
        self.log.append(self.context["activity_id"])
        return self.log

    def post_execute(self):
        self.log.append(self.width * self.height)


def before_activity(context):
    context["seen"] = "before"


def after_activity(context, result):
    note(json.loads(context["input"])["args"][0], f"{context['seen']} {result}")


# -- what a workflow is made of ----------------------------------------------------------------------------------------


class Arithmetic(Workflow):
    """Dependencies, keyword arguments, map, starmap, wait."""

    name = "arithmetic"
    version = "example"
    task_list = "old-deciders"

    def run(self, x, t=30):
        y = self.submit(increment, x)
        z = self.submit(double, y)
        total = self.submit(add, y, z, 5, more=z)
        futures.wait(y, z)
        mapped = self.map(double, [1, 2, y])
        starred = self.starmap(add, [(1, 2), (y, z)])
        both = futures.wait(*mapped) + futures.wait(*starred)
        return [total.result, both, futures.get_result_or_raise(z), total.finished, total.exception, t]


class Counted(Workflow):
    """A base class with a `submit` and attributes of its own, as teams had them."""

    name = "counted"
    version = "1"
    task_list = "old-deciders"

    def __init__(self, executor: Executor):
        super().__init__(executor)
        self.seen: list[str] = []

    def submit(self, submittable, *args, **kwargs):
        future = super().submit(submittable, *args, **kwargs)
        self.seen.append(getattr(submittable, "name", None) or type(submittable).__name__)
        return future

    def run(self):
        group = Group((increment, 1), Chain(double, (add, 1), send_result=False))
        group.activities[1].activities[0] = ActivityTask(double, 4)
        result = self.submit(group).result
        same = self.executor.workflow is self and self._executor is self.executor
        return [result, sorted(self.seen), same]


class SumFuture(canvas.GroupFuture):
    @property
    def result(self):
        return sum(super().result)


class SumGroup(Group):
    default_future_class = SumFuture


class Tolerant(canvas.GroupFuture):
    """A group that has not failed as long as one of it has not."""

    @property
    def exception(self):
        error = super().exception
        return None if error is None or None in error.by_position else error


class OwnFutures(Workflow):
    name = "own-futures"
    version = "1"
    task_list = "old-deciders"

    def run(self):
        total = self.submit(SumGroup((increment, 1), (double, 2)))
        chained = self.submit(Chain(SumGroup((increment, 2), (double, 3)), (add, 1), send_result=True))
        one = self.submit(Group(fail, (double, 8), future_class=Tolerant))
        none = self.submit(Group(fail, fail, future_class=Tolerant))
        doubled = self.submit(double, total)
        return [total.result, doubled.result, chained.result, one.result, type(none.exception).__name__]


class Later(futures.Future):
    """A future that is made of others: the value of the first of them that is done."""

    def __init__(self, *members):
        super().__init__()
        self.members = members

    @property
    def state(self):
        return futures.FINISHED if any(member.done for member in self.members) else futures.RUNNING

    @property
    def result(self):
        for member in self.members:
            if member.done:
                return ["first", member.result]
        raise ExecutionBlocked

    @property
    def exception(self):
        self.wait()
        return None


class Composite(Workflow):
    name = "composite"
    version = "1"
    task_list = "old-deciders"

    def run(self):
        never = self.submit(self.start_timer("long", 100_000))
        first = Later(never, self.submit(increment, 1))
        known = futures.Future()
        known.set_finished(20)
        handed_on = self.submit(add, known, 1)
        waited = futures.wait(first, handed_on)
        inside = self.submit(add, *first.result[1:], x=known)
        return [waited, inside.result, first.exception]


class Container(simpleflow.task.SubmittableContainer):
    """What is submitted as several, in a way of its own."""

    def __init__(self, *xs):
        self.xs = xs

    def submit(self, executor):
        made = [executor.workflow.submit(increment, x) for x in self.xs]
        return executor.submit(Group(*[(double, future) for future in made]))


class UsesItsExecutor(Workflow):
    name = "uses-its-executor"
    version = "1"
    task_list = "old-deciders"

    def run(self):
        context = self.get_run_context()
        same = context == self.get_execution_context() == self.executor.get_run_context()
        direct = self.executor.submit(increment, 1)
        waited = self.submit(Container(1, 2))
        return [direct.result, waited.result, same, sorted(context), context["name"], context["tag_list"]]


class Pirates(Workflow):
    """Goes on with whichever is done first: `run` blocks by hand until it may go on."""

    name = "pirates"
    version = "1"
    task_list = "old-deciders"

    def run(self, crew):
        boarding = [self.submit(increment, x) for x in range(crew)]
        digging = []
        for pirate in boarding:
            if pirate.finished:
                digging.append(self.submit(double, pirate.result))
        if len(digging) < crew or not all(future.finished for future in digging):
            raise ExecutionBlocked
        return sorted(future.result for future in digging)


class Swallows(Workflow):
    """`except Exception` around waits."""

    name = "swallows"
    version = "1"
    task_list = "old-deciders"

    def run(self):
        seen = []
        for task in (increment, fail, double):
            try:
                seen.append(self.submit(task, 3).result)
            except Exception as error:
                seen.append(type(error).__name__)
        try:
            futures.wait(self.submit(fail), self.submit(increment, 1))
        except TaskException as error:
            seen.append([error.exception.reason, error.task, json.loads(error.details)["error"]])
        return seen


class SwallowsAll(Workflow):
    """A bare `except` and a `finally`."""

    name = "swallows-all"
    version = "1"
    task_list = "old-deciders"

    def run(self, path):
        try:
            try:
                return self.submit(increment, 1).result
            except:
                note(path, "swallowed")
                raise
        finally:
            note(path, "finally")


# -- failures ----------------------------------------------------------------------------------------------------------


class Fails(Workflow):
    name = "fails"
    version = "1"
    task_list = "old-deciders"

    def run(self, how, path):
        if how == "loudly":
            loud = self.submit(fail_loudly, path)
            return [self.submit(increment, 1).result, loud.result]
        if how == "by hand":
            self.fail("reason", details="details")
        if how == "own":
            raise RuntimeError("own")
        soft = self.submit(fail_softly)
        assert soft.result is None
        return [soft.finished, soft.exception.reason, futures.wait(soft)]


class Aggregates(Workflow):
    name = "aggregates"
    version = "1"
    task_list = "old-deciders"

    def run(self):
        soft = self.submit(Group(fail_softly, (increment, 1), Group(fail_softly)))
        error = soft.exception
        handled = []
        error.flatten().handle(lambda each, *args: handled.append(each.reason) or True)
        unhandled = None
        try:
            error.handle(lambda each: False)
        except canvas.AggregateException as again:
            unhandled = len(again.exceptions)
        broken = self.submit(Chain((increment, 1), fail_softly, (increment, 3)))
        goes_on = self.submit(Chain((increment, 1), fail_softly, (increment, 3), break_on_failure=False))
        silent = self.submit(Chain((increment, 1), fail, raises_on_failure=False))
        return [
            *(soft.result, handled, unhandled, exceptions.AggregateException is canvas.AggregateException),
            *(broken.result, broken.exception is not None, goes_on.result, silent.result, silent.exception),
        ]


class Functional(Workflow):
    name = "functional"
    version = "1"
    task_list = "old-deciders"

    def run(self, count):
        def partition(x):
            group = Group(max_parallel=2)
            for i in range(x):
                group.append(double, i)
            group += [(increment, 0)]
            group.extend([self.record_marker("partitioned", x)])
            return group

        future = self.submit(Chain((increment, count), FuncGroup(partition), send_result=True))
        return [future.result, self.submit(FuncGroup(partition, 1)).result, future.count_finished_activities]


class Decides(Workflow):
    """`on_task_failure`, with each of its decisions."""

    name = "decides"
    version = "1"
    task_list = "old-deciders"

    def __init__(self, executor):
        super().__init__(executor)
        self.failures = []

    def on_task_failure(self, ctx: TaskFailureContext):
        how = ctx.a_task.args[0]
        assert ctx.attempt_number == ctx.retry_count + 1
        self.failures.append([how, ctx.attempt_number, ctx.task_error, ctx.task_error_type is ValueError])
        assert ctx.payload is fail and ctx.exception_class is TaskException and isinstance(ctx.exception, TaskFailed)
        assert ctx.task_name == "activity-old_programs.fail" and ctx.reason == f"ValueError: {how}" and ctx.id
        if how == "abort":
            return ctx.decide_abort()
        if how == "ignore":
            ctx.future._result = "ignored"
            return ctx.decide_ignore()
        if how == "cancel":
            return ctx.decide_cancel()
        if how in ("retry", "later") and ctx.retry_count == 0:
            return ctx.decide_retry(retry_wait_timeout=1 if how == "later" else 0)
        if how == "changed":
            ctx.a_task.args = ["ignore"]
            return ctx.decide_retry()
        if how == "handled":
            return ctx.decide_handled(ctx.a_task, self.submit(increment, 41))
        if how == "set":
            ctx.future.set_finished("set")
            ctx.decision = TaskFailureContext.Decision.handled
            return ctx
        if how == "default":
            return Executor.default_failure_handling(ctx)
        return None

    def run(self):
        how = ["abort", "ignore", "cancel", "retry", "later", "changed", "handled", "set", "default", "none"]
        made = {each: self.submit(fail, each) for each in how}
        for future in made.values():
            future.wait()
        seen = {}
        for each, future in made.items():
            seen[each] = "cancelled" if future.cancelled else future.result if future.exception is None else "failed"
        assert all(kind == "ValueError" and loaded for *_, kind, loaded in self.failures)
        return [seen, len(self.failures), max(attempt for _, attempt, *_ in self.failures)]


# -- activities --------------------------------------------------------------------------------------------------------


class Activities(Workflow):
    name = "activities"
    version = "1"
    task_list = "old-deciders"
    task_priority = 5

    def run(self, path):
        classes = [self.submit(Area, 2), self.submit(Area, 3, height=4)]
        by_hand = self.submit(made_by_hand, 1, y=2)
        merged = [self.submit(once, path, 1), self.submit(once, path, 1), self.submit(once, path, 2)]
        middlewares = {"pre": ["old_programs.before_activity"], "post": ["old_programs.after_activity"]}
        futures.wait(*merged)
        around = self.submit(first_of, path, simpleflow_middlewares=middlewares)
        task = self.submit(ActivityTask(add, 1, 2, x=3))
        low = self.submit(increment, 1, __priority=-1)
        values = [[each.result for each in group] for group in (classes, merged, [by_hand, around, task, low])]
        return [*values, merged[0].id == merged[1].id != merged[2].id]


@activity.with_attributes(task_list="old", version="1.0")
def first_of(path):
    return "around"


class Bare(Workflow):
    """Activities of workers in other languages: their input is bare."""

    name = "bare"
    version = "1"
    task_list = "old-deciders"

    def run(self):
        try:
            NonPythonicActivityTask(increment, 1, x=2)
        except ValueError as error:
            refused = str(error)
        return [self.submit(NonPythonicActivityTask(add, 1, 2)).result, refused]


# -- children, signals, markers, timers --------------------------------------------------------------------------------


class Child(Workflow):
    name = "child"
    version = "1"
    task_list = "old-deciders"
    tag_list = Workflow.INHERIT_TAG_LIST
    execution_timeout = 3600

    @classmethod
    def get_workflow_id(cls, *args, **kwargs):
        return f"{args[-1]}-child"

    @staticmethod
    def get_task_list(workflow, *args, **kwargs):
        return workflow.task_list

    def run(self, name):
        context = self.get_run_context()
        mine = context["workflow_id"] == f"{name}-child" and context["parent_workflow_id"]
        return [bool(mine), context["tag_list"], self.submit(increment, 1).result]


class Tagged(Workflow):
    name = "tagged"
    version = "1"
    task_list = "old-deciders"
    raises_on_failure = False

    @staticmethod
    def get_tag_list(workflow, *args, **kwargs):
        return [workflow.name, str(args[0])]

    def run(self, x):
        if x == 3:
            raise ValueError("three")
        return self.get_run_context()["tag_list"]


class Loud(Workflow):
    name = "loud"
    version = "1"
    task_list = "old-deciders"

    def run(self):
        self.fail("loud")


class Parent(Workflow):
    name = "parent"
    version = "1"
    task_list = "old-deciders"
    tag_list = ["a", "b"]

    def run(self):
        me = self.get_run_context()["workflow_id"]
        one = self.submit(Child, me)
        several = self.submit(Group((Tagged, 1), ChildWorkflowTask(Tagged, 2), WorkflowTask(self.executor, Tagged, 4)))
        soft = self.submit(Tagged, 3)
        seen = [one.result, several.result, soft.result, isinstance(soft.exception, TaskFailed)]
        try:
            self.submit(Loud).result
        except WorkflowException as error:
            seen.append(error.exception.reason)
        return seen


class Signals(Workflow):
    name = "signals"
    version = "1"
    task_list = "old-deciders"

    def run(self):
        waiting = self.submit(self.wait_signal("go"))
        sent = self.submit(self.signal("go", 1, propagate=False, x=2))
        also = self.submit(simpleflow.WaitForSignal("go"))
        answers = [future.result for future in (waiting, also)]
        details = self.get_event_details("signal", "go")
        child = self.submit(Answers)
        answers.append(self.submit(self.wait_signal("answer")).result["kwargs"])
        return [answers, sent.result, details["name"], child.result, self.get_event_details("timer", "none")]


class Answers(Workflow):
    name = "answers"
    version = "1"
    task_list = "old-deciders"

    def run(self):
        parent = self.get_run_context()["parent_workflow_id"]
        self.submit(self.signal("answer", workflow_id=parent, propagate=False, y=3)).result
        return "answered"


class MarkersAndTimers(Workflow):
    name = "markers-and-timers"
    version = "1"
    task_list = "old-deciders"

    def run(self):
        made = [self.submit(self.record_marker("step", details)) for details in ("one", "two", None)]
        timer = self.submit(self.start_timer("short", 1, control={"a": 1}))
        long = self.submit(self.start_timer("long", 100_000))
        self.submit(self.cancel_timer("long"))
        futures.wait(timer)
        kept = [(marker.name, marker.details) for marker in self.list_markers(all=True)]
        last = [marker.details for marker in self.list_markers()]
        marker = self.get_event_details("marker", "step")
        fired = self.get_event_details("timer", "short")
        results = [future.result for future in made]
        return [results, kept, last, marker["details"], fired["state"], timer.result, long.cancelled]


class GoesOn(Workflow):
    name = "goes-on"
    version = "1"
    task_list = "old-deciders"

    def run(self, n, total=0):
        total = self.submit(add, n, total).result
        if n == 0:
            return [total, self.get_run_context()["continued_execution_run_id"] is not None]
        return self.submit(self.continue_as_new(n - 1, total=total))


# -- hooks -------------------------------------------------------------------------------------------------------------


class Hooked(Workflow):
    """Writes what its hooks are told."""

    version = "1"
    task_list = "old-deciders"

    def before_replay(self, history):
        self.path = history.workflow["input"]["args"][0]
        note(self.path, "before_replay")

    def after_replay(self, history):
        assert isinstance(history.tasks, list) and history.last_event_id
        note(self.path, f"after_replay {history.started_decision_id > history.completed_decision_id}")

    def after_closed(self, history):
        states = {name: task["state"] for name, task in history.activities.items()}
        note(self.path, f"after_closed {states}")

    def on_failure(self, history, reason, details=None):
        failed = [task for task in history.activities.values() if task["state"] == "failed"]
        for task in failed:
            note(self.path, [task["type"], task["reason"], task["retry"], json.loads(task["details"])["error"]])
        note(self.path, f"on_failure {reason}")

    def on_completed(self, history):
        (task,) = history.activities.values()
        keys = "id name version state scheduled_id scheduled_timestamp input task_list started_id result completed_id"
        assert set(keys.split()) <= set(task), set(keys.split()) - set(task)
        note(self.path, f"on_completed {task['name']} {task['version']} {task['result']} {task['input']['args']}")
        raise NotImplementedError

    def on_canceled(self, history):
        note(self.path, f"on_canceled {history.cancel_requested is not None}")


class Completes(Hooked):
    name = "completes"

    def run(self, path):
        return self.submit(increment, 1).result


class Breaks(Hooked):
    name = "breaks"

    def run(self, path):
        return self.submit(fail, "hooked").result


class Patient(Hooked):
    name = "patient"

    def should_cancel(self, history):
        note(self.path, f"should_cancel {history.cancel_requested is not None}")
        return True

    def run(self, path):
        return self.submit(self.start_timer("long", 100_000)).result


class Cancels(Workflow):
    name = "cancels"
    version = "1"
    task_list = "old-deciders"

    def run(self, path):
        child = self.submit(Patient, path)
        self.submit(self.start_timer("soon", 1)).result
        child.cancel()
        child.wait()
        return [child.cancelled, type(child.exception).__name__, isinstance(child.exception, WorkflowException)]


class OldHooks(Workflow):
    name = "old-hooks"
    version = "1"
    task_list = "old-deciders"

    def before_run(self, history):
        note(history.workflow["input"]["args"][0], "before_run")

    def after_run(self, history):
        note(history.workflow["input"]["args"][0], "after_run")

    def run(self, path):
        assert settings.ACTIVITY_DEFAULT_VERSION == "default"
        return 1
