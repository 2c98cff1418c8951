"""One run as a suspended program: `advance(event)` gives commands.

`run` lives in a greenlet. Reading a future that is not done switches out, back into `advance`; the event that ends
the wait switches in again, at the very line. The way of doing this is that of SQLAlchemy's greenlet_spawn. A run has
one branch, its main line, and room for more: a branch has its own greenlet, its own scope of task numbers and its
own context variables.
"""

from __future__ import annotations

import contextvars
import logging
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, NoReturn
from uuid import UUID

import greenlet

from simpleflow.command import CancelRun, Close, Command, Complete, ContinueAsNew, Fail, GiveUp
from simpleflow.dataflow.affairs import Affairs
from simpleflow.dataflow.attempts import Attempts, Failure, scope
from simpleflow.dataflow.events import Cancelled, CancelRequested, Completed, Event, Failed, Signaled, Started
from simpleflow.dataflow.graph import Node, Wait
from simpleflow.exceptions import Evicted, fresh
from simpleflow.failure import TaskFailureContext
from simpleflow.futures import Future
from simpleflow.marker import Marker
from simpleflow.task import Task, Values
from simpleflow.workflow import Workflow

log = logging.getLogger("simpleflow.dataflow")

MAX_REFUSALS: Final = 100
OURS: Final = ("simpleflow.workflow", "simpleflow.futures", "simpleflow.dataflow", "simpleflow.canvas")

running: contextvars.ContextVar[Program | None] = contextvars.ContextVar("running", default=None)
"""The program whose code is running: asked by what mutes its prints and logs."""

_abandoned: list[greenlet.greenlet] = []  # dropping the last reference would raise in them once more


@dataclass(slots=True, eq=False)
class Branch:
    """A line of execution of the run."""

    greenlet: greenlet.greenlet
    scope: str = ""
    wait: Wait | None = None
    owner: Branch | None = None  # in whose name it runs, where it is a call of on_task_failure, which never waits


class Program:
    """One run of a workflow class, from its Started event on.

    A function of the events that it is given, in order, and of nothing else. Not safe for threads: a program
    belongs to the thread that made it.
    """

    def __init__(self, workflow_class: type[Workflow], values: Values) -> None:
        self._workflow_class = workflow_class
        self._values = values
        self._affairs = Affairs(values, self._own, self._end, lambda: self._workflow_class.propagate_signals_to_parent)
        self._graph = self._affairs.graph
        self._attempts = Attempts(self._graph, values, self._own)
        self._main: Branch | None = None
        self._current: Branch | None = None
        self._time = 0.0
        self._random = random.Random()
        self._refusals = 0
        self._warned = False
        self.workflow: Workflow | None = None
        self.began: Callable[[Workflow], None] | None = None
        self.history: Callable[[], Any] = lambda: None
        self.history_length = 0
        self.context: dict[str, Any] = {}
        self.replaying = False
        self.closing = False
        self.outcome: Close | None = None

    # -- what the decider calls ------------------------------------------------------------------------------------

    def advance(self, event: Event, *, replaying: bool = False, length: int = 0) -> list[Command]:
        """Apply one event, run until every branch waits, and give the commands that were asked for on the way.

        `replaying`: an earlier decision has seen this event, so what the program prints was printed. `length`: the
        event is the how manyeth of the history. Once the run is over (`outcome`), events reach no code and there are
        no commands; but a signal goes on with a run that goes on.
        """
        if self.outcome is not None:
            if isinstance(event, Signaled) and isinstance(self.outcome, ContinueAsNew):
                self._affairs.signals.keep(event.name, event.input)
                self.outcome = replace(self.outcome, signals=self._affairs.signals.left)
            return []
        self.replaying = replaying
        self.history_length = length
        self._time = event.time
        match event:
            case Completed(kind=kind, id=id, result=result):
                self._graph.completed(kind, id, result)
            case Failed(kind=kind, id=id, error=error, lost=lost, since=since):
                self._attempt_failed(self._graph.attempt_failed(kind, id, error, lost=lost, since=since), event)
            case Cancelled(kind=kind, id=id, error=error):
                self._attempt_failed(self._graph.cancelled(kind, id, error), event)
            case Signaled():
                self._affairs.signals.came(event)
            case CancelRequested():
                self._cancel_requested()
            case Started():
                self._start(event)
        self._run_woken()
        if not self._warned and length >= self._workflow_class.history_limit:
            self._history_is_long()
        commands, self._graph.commands = self._graph.commands, []
        return self._affairs.signals.for_new_children(commands)

    def close(self) -> None:
        """Put the program away: its code is unwound, muted, and what it asks for is refused.

        Code that catches even BaseException, again and again, is abandoned where it stands.
        """
        self.closing = True
        branch = self._main
        if branch is None:
            return
        while not branch.greenlet.dead:
            branch.greenlet.parent = greenlet.getcurrent()
            branch.greenlet.throw(Evicted)
            if self._refusals > MAX_REFUSALS:
                _abandoned.append(branch.greenlet)
                log.error("a run of %s refuses to be put away: abandoned", self._workflow_class.__name__)
                return

    @property
    def waits_for(self) -> list[str]:
        """What the run waits for, and where: one line a task."""
        if self._main is None or self._main.wait is None:
            return []
        return [f"{node.id or node.task.name} (submitted at {node.where})" for node in self._main.wait.nodes]

    @property
    def stuck(self) -> bool:
        """Whether the program waits although nothing that it asked for is open: nothing will ever wake it."""
        return self.outcome is None and not self._graph.expects_something

    @property
    def signals_waited_for(self) -> list[str]:
        """The names of the signals that the run waits for."""
        return self._affairs.signals.waited_for

    @property
    def signals_left(self) -> list[str]:
        """The names of the signals that nobody has taken, in the order in which they came."""
        return [name for name, _ in self._affairs.signals.left]

    @property
    def unseen_failures(self) -> list[str]:
        """The failures that nobody looked at, one line each."""
        return [f"{node.error} (submitted at {node.where})" for node in self._graph.failed if not node.looked_at]

    # -- what the vocabulary calls (simpleflow.futures.Program) ----------------------------------------------------

    def submit(self, task: Task) -> Future[Any]:
        branch = self._entered()
        node = self._graph.add(task, branch.owner or branch, branch.scope, _caller())
        self._stop_if_over()
        return Future(self, node)

    def wait(self, futures: Sequence[Future[Any]]) -> None:
        branch = self._entered()
        nodes = [self._own(future) for future in futures]
        self._raise_urgent(branch, nodes)
        missing = [node for node in nodes if not node.done]
        if not missing:
            return
        if branch.owner is not None:
            raise RuntimeError(
                f"on_task_failure cannot wait, and {futures[0]!r} is not done: "
                "return failure_context.decide_retry(seconds), or decide_handled(task, future)"
            )
        wait = branch.wait = Wait(branch, nodes, len(missing))
        for node in missing:
            node.waits.append(wait)
        self._switch_out()

    def result(self, node: Any) -> Any:
        node.looked_at = True
        if node.error is None:
            return self._values.thaw(node.result)
        if node.raises is False:
            return None
        raise self._failure(node)

    def exception(self, node: Any) -> BaseException | None:
        node.looked_at = True
        return None if node.error is None else fresh(node.error)

    def cancel(self, node: Any) -> bool:
        self._entered()
        return self._graph.cancel(node)

    def default_failure_handling(self, failure_context: TaskFailureContext) -> TaskFailureContext:
        return failure_context.decide_default()

    def fail(self, reason: str, details: str | None) -> NoReturn:
        self._entered()
        self._end(GiveUp(reason, details))
        self._stop_if_over()
        raise AssertionError("a run that is over goes on")

    def markers(self, all: bool) -> list[Marker]:
        return self._affairs.markers(all)

    def event_details(self, type: str, name: str) -> dict[str, Any] | None:
        return self._affairs.details(type, name)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._time, UTC)

    def random(self) -> float:
        return self._random.random()

    def uuid4(self) -> UUID:
        return UUID(int=self._random.getrandbits(128), version=4)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _start(self, event: Started) -> None:
        self.context = self._graph.context = event.context
        self._random.seed(str(event.context.get("run_id", "")))
        for name, input in event.signals:
            self._affairs.signals.keep(name, input)
        line = greenlet.greenlet(self._run)
        line.gr_context = contextvars.copy_context()
        self._main = Branch(line)
        self._switch_in(self._main, event.input)

    def _run(self, input: Any) -> None:
        """The main branch: run the user's code, and keep what came of it."""
        running.set(self)
        try:
            args, kwargs = self._values.thaw_call(input)
            self.workflow = self._workflow_class(self)
            if self.began is not None:
                self.began(self.workflow)
            result = self._frozen(self.workflow.run(*args, **kwargs))
            self._raise_urgent(self._entered(), [])
            outcome: Close = Complete(result)
        except (Evicted, greenlet.GreenletExit):
            return
        except BaseException as error:  # also SystemExit: it ends the run, never the decider
            outcome = Fail(error)
        if not self.closing:
            self._end(outcome)

    def _end(self, outcome: Close) -> None:
        """The run is over: no code of it runs any more."""
        if self.outcome is None:
            self.outcome = outcome

    def _stop_if_over(self) -> None:
        """Leave the branch that runs for good, where the run is over by what it has just asked for."""
        if self.outcome is not None:
            if self._current is not None and self._current.owner is not None:
                raise Evicted  # it has no greenlet of its own to leave
            self._switch_out()

    def _attempt_failed(self, node: Node | None, failure: Failure) -> None:
        """Let `on_task_failure`, where the workflow has one, say what becomes of a task; else its `retry`."""
        if node is None:
            return
        workflow, attempts = self.workflow, self._attempts
        if workflow is None or self._workflow_class.on_task_failure is Workflow.on_task_failure:
            attempts.go_by(node, failure, attempts.delay(node, failure))
            return
        context = attempts.context(node, failure, self.history())
        self._current = Branch(greenlet.getcurrent(), scope(node), owner=node.owner)
        self._aside(lambda: attempts.decide(node, failure, context, workflow.on_task_failure(context)))
        self._current = None

    def _cancel_requested(self) -> None:
        """End the run, and what it has open, unless its class refuses."""
        workflow = self.workflow
        if workflow is None or not self._aside(lambda: workflow.should_cancel(self.history())):
            return
        for node in list(self._graph.open.values()):
            self._graph.cancel(node)
        self._end(CancelRun())

    def _history_is_long(self) -> None:
        """Tell the workflow once; what it gives is submitted for it."""
        self._warned = True
        workflow = self.workflow
        if workflow is not None and self.outcome is None and (task := self._aside(workflow.on_history_limit)):
            self._graph.add(task, self._main, "", f"{type(workflow).__name__}.on_history_limit")

    def _aside(self, ask: Callable[[], Any]) -> Any:
        """Ask the user's code outside of every branch. What it raises fails the run; the answer is None then."""

        def asked() -> Any:
            running.set(self)
            return ask()

        theirs = self._main.greenlet.gr_context if self._main is not None else None
        variables = contextvars.copy_context() if theirs is None else theirs.copy()
        try:
            return variables.run(asked)
        except BaseException as error:  # as in `run`
            self._end(Fail(error))
            return None

    def _frozen(self, returned: Any) -> Any:
        """What `run` returned, encoded; futures in it are waited for."""
        template = self._values.template(returned, "the result of run")
        if template.futures:
            self.wait(template.futures)
        nodes = [self._own(future) for future in template.futures]
        for node in nodes:
            self.result(node)  # raises the failure of one that failed
        return template.fill([node.result for node in nodes])

    def _run_woken(self) -> None:
        """Raise what wants to be raised at once, then resume who waited, first in first out, until all wait."""
        graph = self._graph
        while (graph.urgent or graph.woken) and self.outcome is None:
            if graph.urgent:
                node = graph.urgent.popleft()
                branch: Branch = node.owner
                # Who waits for just this one is about to get its answer.
                if branch.wait is not None and list(branch.wait.nodes) != [node]:
                    self._switch_in(branch, error=self._failure(node))
                continue
            wait = graph.woken.popleft()
            if wait.branch.wait is wait:
                self._switch_in(wait.branch)

    def _raise_urgent(self, branch: Branch, nodes: list[Node]) -> None:
        """Raise, in the branch that runs, the failure of a task that failed as it was submitted."""
        urgent = self._graph.urgent
        for node in [node for node in urgent if node.owner is branch]:
            urgent.remove(node)
            if nodes != [node]:
                raise self._failure(node)

    def _switch_in(self, branch: Branch, value: Any = None, error: BaseException | None = None) -> None:
        previous, self._current = self._current, branch
        branch.wait = None
        try:
            branch.greenlet.parent = greenlet.getcurrent()
            if error is None:
                branch.greenlet.switch(value)
            else:
                branch.greenlet.throw(error)
        finally:
            self._current = previous

    def _switch_out(self) -> None:
        hub = greenlet.getcurrent().parent
        assert hub is not None
        hub.switch()

    def _entered(self) -> Branch:
        """The branch that calls us. Refuses while the program is put away, and calls from outside of it."""
        if self.closing:
            self._refusals += 1
            while self._refusals > MAX_REFUSALS:
                self._switch_out()
            raise Evicted
        branch = self._current
        if branch is None or branch.greenlet is not greenlet.getcurrent():
            raise RuntimeError("futures are submitted and read inside of run, on its own thread")
        return branch

    def _own(self, future: Future[Any]) -> Node:
        node: Any = future._node
        if future._program is not self or node is None:
            raise RuntimeError(f"{future!r} belongs to another run or to none: it can never be done here")
        assert isinstance(node, Node)
        return node

    def _failure(self, node: Node) -> BaseException:
        assert node.error is not None
        node.looked_at = True
        return fresh(node.error)


def _caller() -> str:
    """Where the user's code called us: ``flows/crawl.py:88``."""
    frame = sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).startswith(OURS):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
