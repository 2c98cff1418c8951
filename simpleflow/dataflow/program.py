"""One run as a suspended program: `advance(event)` gives commands.

`run` lives in a greenlet. Reading a future that is not done switches out, back into `advance`; the event that ends
the wait switches in again, at the very line. The way of doing this is that of SQLAlchemy's greenlet_spawn. Beside
its main line a run has as many branches as it spawns (`simpleflow.dataflow.branches`): one runs at a time, and those
that are woken run first in, first out.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from random import Random
from typing import Any, Final, NoReturn, TypeVar
from uuid import UUID

import greenlet

from simpleflow.command import PATCHED, CancelRun, Command, ContinueAsNew, Fail, GiveUp, RecordMarker
from simpleflow.dataflow.affairs import Affairs
from simpleflow.dataflow.attempts import Attempts, Failure, scope_of
from simpleflow.dataflow.branches import Branch, forget
from simpleflow.dataflow.canvases import Canvas, Composing, Composite, failure
from simpleflow.dataflow.events import Cancelled, CancelRequested, Completed, Event, Failed, Signaled, Started
from simpleflow.dataflow.frames import caller
from simpleflow.dataflow.graph import Live, Node
from simpleflow.dataflow.memory import Memory
from simpleflow.dataflow.waiting import whole_seconds
from simpleflow.exceptions import Evicted, PayloadUnreachable, TaskException, one_line
from simpleflow.failure import TaskFailureContext
from simpleflow.futures import FINISHED, Future, Rules, Timeout, running
from simpleflow.marker import Marker
from simpleflow.submittable import Task, Values
from simpleflow.workflow import Workflow

T = TypeVar("T")

OF_WORKFLOWS: Final = {
    *("cancel_timer", "continue_as_new", "get_event_details", "get_run_context", "list_markers", "map"),
    *("record_marker", "signal", "starmap", "start_timer", "wait_signal"),
}
"""Methods of workflows that may be called on their executor."""


class Program(Composing):
    """One run of a workflow class, from its Started event on.

    A function of the events that it is given, in order, and of nothing else. Not safe for threads: a program
    belongs to the thread that made it. One that is to `remember` keeps what its branches do, for those that raise
    ExecutionBlocked; where one does and nothing was kept, `advance` raises Unremembered, and the program is void.
    """

    def __init__(self, workflow_class: type[Workflow], values: Values, *, remember: bool = False) -> None:
        self._affairs = Affairs(values, self._own, self._end_run, lambda: workflow_class.propagate_signals_to_parent)
        super().__init__(self._affairs.graph, workflow_class.__name__, remember=remember)
        self._attempts = Attempts(self._graph, values, self._own)
        self._workflow_class = workflow_class
        self._values = values
        self._time = 0.0
        self._warned = False
        self._patches: dict[str, bool] = {}
        self.patches_recorded: set[str] = set()
        self._left: PayloadUnreachable | None = None
        self.workflow: Workflow | None = None
        self.began: Callable[[Workflow], None] | None = None
        self.history: Callable[[], Any] = lambda: None
        self.history_length = 0
        self.context: dict[str, Any] = {}
        self.replaying = False

    # -- what the decider calls ------------------------------------------------------------------------------------

    def advance(self, event: Event, *, replaying: bool = False, length: int = 0) -> list[Command]:
        """Apply one event, run until every branch waits, and give the commands that were asked for on the way.

        `replaying`: an earlier decision has seen this event, so what the program prints was printed, and a patch that
        is asked for is one of `patches_recorded` (which is to be filled before) or none. `length`:
        the event's place in the history, from 1. Once the run is over (`outcome`), events reach no code and there are
        no commands; but one that is to go on as new takes signals along, and can be cancelled.
        """
        self._left = None
        self.replaying = replaying
        self.history_length = length
        self._time = event.time
        self._graph.turn += 1
        if self.outcome is not None:
            return self._after_the_end(event)
        match event:
            case Completed(kind=kind, id=id, result=result):
                self._graph.completed(kind, id, result)
            case Failed(kind=kind, id=id, error=error, lost=lost, since=since):
                blameless = event.lacks or event.given_back
                failed = self._graph.attempt_failed(kind, id, error, lost=lost, blameless=blameless, since=since)
                self._attempt_failed(failed, event)
            case Cancelled(kind=kind, id=id, error=error):
                self._attempt_failed(self._graph.cancelled(kind, id, error), event)
            case Signaled():
                self._affairs.signals.came(event)
            case CancelRequested():
                self._cancel_requested()
            case Started():
                self._start(event)
        self._run_branches(at_event=True)
        if not self._warned and length >= self._workflow_class.history_limit:
            self._history_is_long()
        commands, self._graph.commands = self._graph.commands, []
        signals = self._affairs.signals
        return signals.for_new_children(commands) if signals.handed_on else commands

    def close(self) -> None:
        """Put the program away: its code is unwound, muted, and what it asks for is refused."""
        self._branches.close()

    def leave(self, error: PayloadUnreachable) -> NoReturn:
        """Let `advance` raise this, wherever the program is: that a value cannot be had is not for its code to catch.

        For whoever reads and puts away large values for it. The program is void then.
        """
        self._left = error
        self._branches.leave(error)

    @property
    def waits_for(self) -> list[str]:
        """What the run waits for, and where: one line a task, for all branches."""
        lines = []
        for branch in self._branches.living:
            whose = f"branch {branch.scope} ({branch.name}): " if branch.parent else ""
            if branch.blocked:
                lines.append(f"{whose}ExecutionBlocked was raised at {branch.blocked}")
            elif branch.wait is not None:
                lines += [
                    f"{whose}{node.id or node.task.name} (submitted at {node.where})"
                    for node in self._unfinished(branch.wait.nodes)
                ]
        return lines

    @property
    def waits_at(self) -> str:
        """The line that asked for the first signal that the run waits for; empty where it waits for none."""
        signals = self._affairs.signals
        nodes = (node for waiting in (signals.waiting, signals.receiving) for each in waiting.values() for node in each)
        return next((node.where for node in nodes if not node.done), "")

    @property
    def stuck(self) -> bool:
        """Whether the program waits although nothing that it asked for is open: nothing will ever wake it."""
        return self.outcome is None and not self._graph.expects_something

    @property
    def signals_waited_for(self) -> list[str]:
        """The names of the signals that the run waits for."""
        signals = self._affairs.signals
        return signals.waited_for if signals.waiting or signals.receiving else []

    @property
    def signals_left(self) -> list[str]:
        """The names of the signals that nobody has taken, in the order in which they came."""
        return [name for name, _ in self._affairs.signals.left]

    @property
    def unseen_failures(self) -> list[str]:
        """The failures that nobody looked at, one line each."""
        failed = self._graph.failed
        for node in reversed(failed):
            if node.looked_at:
                self._look(node)  # at the members of a canvas, too
        unseen = [node for node in failed if not node.looked_at and not isinstance(node.task, Canvas)]
        return [f"{_worded(node)} (submitted at {node.where})" for node in unseen]

    # -- what the vocabulary calls (simpleflow.futures.Program) ----------------------------------------------------

    def submit(self, task: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(task, Task):
            return Workflow.submit(self._instance(), task, *args, **kwargs)  # the user's own may have called this
        branch = self._branches.entered()
        if branch.memory is not None:
            node = self._submit_again(branch, branch.memory, task)
        elif branch.submission is not None:
            node = self._add(task, branch, self._where(branch))
        else:
            node = self._graph.add(task, branch, branch.scope, caller(), earlier=branch.since)
            branch.submitted = True
        self._stop_if_over()
        return Future(self, node)

    def __getattr__(self, name: str) -> Any:
        """What a workflow says, said by its executor: in simpleflow 0.x that had these methods, too."""
        if name not in OF_WORKFLOWS:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(Workflow, name).__get__(self._instance())

    def _instance(self) -> Workflow:
        if self.workflow is None:
            raise RuntimeError("the workflow is not there before its own __init__ is over: do this in run")
        return self.workflow

    def spawn(
        self, call: Callable[[], Any], scope_kind: str = "b", name: str = "", fails_fast: bool = False
    ) -> Future[Any]:
        name = name or getattr(call, "__qualname__", "call")
        made: list[Node] = []

        def make() -> Node:
            made.append(self._spawn(branch, call, scope_kind, name, self._where(branch), fails_fast))
            return made[0]

        try:
            branch = self._branches.entered()
            return Future(self, self._recall(branch, ("branch", scope_kind, name), make))
        finally:
            if not made:
                forget(call)

    def compose(self, future: Any, submits: Iterator[Future[Any]], rules: Rules, *, reads: bool = False) -> None:
        super().compose(future, submits, rules, reads=reads)
        self._stop_if_over()

    def sleep(self, timeout: Timeout) -> Future[None]:
        return Future(self, self._sleep(whole_seconds(timeout)))

    def result(self, node: Any) -> Any:
        if node.error is None:
            return self.value(node)
        if (branch := self._branches.current) is not None:
            branch.read(node)
        self._look(node)
        if node.raises is False:
            return None
        raise self._failure(node)

    def value(self, node: Any) -> Any:
        if (branch := self._branches.current) is not None:
            branch.read(node)
        node.looked_at = True
        if not isinstance(node.result, Live):
            return self._values.thaw(node.result, node.task)
        self._look(node)
        return node.result.read(self._values.thaw)

    def finished(self, node: Any) -> int:
        composite: Composite = node.task.composite
        return composite.begun - composite.active

    def exception(self, node: Any) -> BaseException | None:
        if (branch := self._branches.current) is not None:
            branch.read(node)
        self._look(node)
        error = failure(node)
        return None if error is None else self._values.revive(error, node.task)

    def cancel(self, node: Any) -> bool:
        self._branches.entered()
        return self._cancel_nodes([node])

    @staticmethod
    def default_failure_handling(failure_context: TaskFailureContext) -> TaskFailureContext:
        return failure_context.decide_default()

    def fail(self, reason: str, details: str | None) -> NoReturn:
        self._branches.entered()
        self._end_run(GiveUp(reason, details))
        self._stop_if_over()
        raise AssertionError("a run that is over goes on")

    def patched(self, name: str) -> bool:
        self._branches.entered()
        known = self._patches.get(name)
        if known is None:
            new = not self.replaying and name not in self.patches_recorded
            known = self._patches[name] = new or name in self.patches_recorded
            if new:
                details = self._values.template(name, "the name of a patch").fill(())
                self._graph.commands.append(RecordMarker(f"{PATCHED}-{name}", PATCHED, details, caller()))
        return known

    def markers(self, all: bool) -> list[Marker]:
        return self._affairs.markers(all)

    def event_details(self, type: str, name: str) -> dict[str, Any] | None:
        return self._affairs.details(type, name)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._answer("now", lambda: self._time), UTC)

    def random(self) -> float:
        return self._answer("random", lambda: self._random.random())

    def uuid4(self) -> UUID:
        return UUID(int=self._answer("uuid4", lambda: self._random.getrandbits(128)), version=4)

    # -- inside ----------------------------------------------------------------------------------------------------

    @cached_property
    def _random(self) -> Random:
        """A run that repairs another asks with the same numbers."""
        return Random(str(self.context.get("repaired_run_id") or self.context.get("run_id", "")))

    def _start(self, event: Started) -> None:
        self.context = self._graph.context = event.context
        for name, input in event.signals:
            self._affairs.signals.keep(name, input)
        context = contextvars.copy_context()
        context.run(running.set, self)
        self._begin(lambda: self._run(event.input), self._encoded, context)

    def _run(self, input: Any) -> Any:
        first = self.workflow is None
        self.workflow = self._graph.workflow = self._workflow_class(self)
        if first and self.began is not None:
            self.began(self.workflow)
        run = self.workflow.run
        args, kwargs = self._values.thaw_call(input, run)
        return run(*args, **kwargs)

    def _stop_if_over(self) -> None:
        """Leave the branch that runs for good, where the run is over by what it has just asked for."""
        if self.outcome is not None:
            if self._branches.current is not None and self._branches.current.aside:
                raise Evicted
            self._branches.suspend()

    def _attempt_failed(self, node: Node | None, failure: Failure) -> None:
        """Let `on_task_failure`, where the workflow has one, say what becomes of a task; else its `retry`."""
        if node is None:
            return
        workflow, attempts = self.workflow, self._attempts
        if workflow is None or self._workflow_class.on_task_failure is Workflow.on_task_failure:
            attempts.go_by(node, failure, attempts.delay(node, failure))
            return
        context = attempts.context(node, failure, self.history())

        def decide() -> None:
            attempts.decide(node, failure, context, workflow.on_task_failure(context))

        # What it submits belongs to who submitted the task.
        line = Branch(decide, scope_of(node), node.owner, contextvars.copy_context(), None, over=True, aside=True)
        line.greenlet = greenlet.getcurrent()
        self._branches.current = line
        self._aside(decide)
        self._branches.current = None

    def _cancel_requested(self) -> None:
        """End the run, and what it has open, unless its class refuses."""
        workflow = self.workflow
        if workflow is None or not self._aside(lambda: workflow.should_cancel(self.history())):
            return
        for node in list(self._graph.open.values()):
            self._graph.cancel(node)
        self._end_run(CancelRun())

    def _after_the_end(self, event: Event) -> list[Command]:
        """The run is over. One that is about to go on as a new one takes signals along, and may still be cancelled:
        the next run hears of neither."""
        going_on = self.outcome if isinstance(self.outcome, ContinueAsNew) else None
        if isinstance(event, Signaled):
            self._affairs.signals.keep(event.name, event.input)
            if going_on is not None:
                self.outcome = replace(going_on, signals=self._affairs.signals.left)
        elif isinstance(event, CancelRequested) and going_on is not None:
            self.outcome = None
            self._cancel_requested()
            self.outcome = self.outcome or going_on
        commands, self._graph.commands = self._graph.commands, []
        return commands

    def _history_is_long(self) -> None:
        """Tell the workflow once; what it gives is submitted for it."""
        self._warned = True
        workflow, main = self.workflow, self._main
        if workflow is None or main is None or self.outcome is not None:
            return
        if task := self._aside(workflow.on_history_limit):
            self._graph.add(task, main, "", f"{type(workflow).__name__}.on_history_limit")
            self._run_branches()

    def _aside(self, ask: Callable[[], Any]) -> Any:
        """Ask the user's code outside of every branch. What it raises fails the run; the answer is None then."""

        def asked() -> Any:
            running.set(self)
            return ask()

        line = self._main.greenlet if self._main is not None else None
        theirs = line.gr_context if line is not None else None
        variables = contextvars.copy_context() if theirs is None else theirs.copy()
        found = None
        try:
            found = variables.run(asked)
        except BaseException as error:  # as in `run`
            self._end_run(Fail(error))
        if self._left is not None:
            raise self._left
        return found

    def _add(self, task: Task, branch: Branch, where: str) -> Node:
        """Take in what is submitted, perhaps for a canvas."""
        within, since = branch.submission, branch.since
        branch.submitted = True
        if within is None:
            return self._graph.add(task, branch, branch.scope, where, earlier=since)
        held = within.held is not None
        node = self._graph.add(task, branch, branch.scope, where, held=held, raises=within.raises, earlier=since)
        if within.held is not None:
            within.held.append(node)
        return node

    def _submit_again(self, branch: Branch, memory: Memory, task: Task) -> Node:
        """The task's node, where the branch has submitted its equal in an earlier pass; else a new one."""
        where = self._where(branch)
        template = task.template(self._values)
        frozen = None
        if template is not None:
            numbers = [("a future", self._own(future).number) for future in template.futures]
            frozen = template.fill([self._values.template(number, "").fill([]) for number in numbers])
        key = (type(task), task.name, frozen)
        known = memory.known(key)
        node = memory.recall(key, lambda: self._add(task, branch, where))
        if known and node.raises and node.error is not None and node.state == FINISHED:
            branch.failures.append(node)  # it fails fast again
        return node

    def _answer(self, question: str, answer: Callable[[], T]) -> T:
        branch = self._branches.current
        return answer() if branch is None else self._recall(branch, question, answer)

    def _encoded(self, returned: Any) -> Any:
        """What `run` returned, encoded; futures in it are waited for."""
        template = self._values.template(returned, "the result of run")
        if template.futures:
            self.wait(template.futures)
        nodes = [self._own(future) for future in template.futures]
        for node in nodes:
            node.looked_at = True
            if node.error is not None:
                self.result(node)  # raises it; what did not fail is handed on unread
        return template.fill([self._graph.frozen(node) for node in nodes])


def _worded(node: Node) -> str:
    assert node.error is not None
    return str(node.error) if isinstance(node.error, TaskException) else f"{node.id}: {one_line(node.error)}"
