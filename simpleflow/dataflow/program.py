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
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NoReturn
from uuid import UUID

import greenlet

from simpleflow.dataflow.events import Cancelled, Completed, Event, Failed, Started
from simpleflow.dataflow.graph import Graph, Node, Values, Wait
from simpleflow.exceptions import Evicted, PayloadUnreachable
from simpleflow.futures import Future
from simpleflow.task import Close, Command, Complete, Fail, Task
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


class Program:
    """One run of a workflow class, from its Started event on.

    A function of the events that it is given, in order, and of nothing else. Not safe for threads: a program
    belongs to the thread that made it.
    """

    def __init__(self, workflow_class: type[Workflow], values: Values) -> None:
        self._workflow_class = workflow_class
        self._values = values
        self._graph = Graph(values, self._own)
        self._main: Branch | None = None
        self._current: Branch | None = None
        self._time = 0.0
        self._random = random.Random()
        self._refusals = 0
        self.context: dict[str, Any] = {}
        self.replaying = False
        self.closing = False
        self.outcome: Close | None = None

    # -- what the decider calls ------------------------------------------------------------------------------------

    def advance(self, event: Event, *, replaying: bool = False) -> list[Command]:
        """Apply one event, run until every branch waits, and give the commands that were asked for on the way.

        `replaying`: an earlier decision has seen this event, so what the program prints was printed.
        Once `run` has returned or raised (`outcome`), events reach no code and there are no commands.
        """
        if self.outcome is not None:
            return []
        self.replaying = replaying
        self._time = event.time
        match event:
            case Completed(id=id, result=result):
                self._graph.completed(id, result)
            case Failed(id=id, error=error, lost=lost, lacks=lacks):
                self._graph.attempt_failed(id, error, lost, lacks)
            case Cancelled(id=id, error=error):
                self._graph.cancelled(id, error)
            case Started():
                self._start(event)
        self._run_woken()
        commands, self._graph.commands = self._graph.commands, []
        return commands

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
        return self.outcome is None and not self._graph.open

    @property
    def unseen_failures(self) -> list[str]:
        """The failures that nobody looked at, one line each."""
        return [f"{node.error} (submitted at {node.where})" for node in self._graph.failed if not node.looked_at]

    # -- what the vocabulary calls (simpleflow.futures.Program) ----------------------------------------------------

    def submit(self, task: Task) -> Future[Any]:
        branch = self._entered()
        try:
            node = self._graph.add(task, branch, branch.scope, _caller())
        except PayloadUnreachable as error:
            self._leave(error)
        return Future(self, node)

    def wait(self, futures: Sequence[Future[Any]]) -> None:
        branch = self._entered()
        nodes = [self._own(future) for future in futures]
        self._raise_urgent(branch, nodes)
        missing = [node for node in nodes if not node.done]
        if not missing:
            return
        wait = branch.wait = Wait(branch, nodes, len(missing))
        for node in missing:
            node.waits.append(wait)
        self._switch_out()

    def result(self, node: Any) -> Any:
        node.looked_at = True
        if node.error is None:
            try:
                return self._values.thaw(node.result, node.task)
            except PayloadUnreachable as error:
                self._leave(error)
        if node.raises is False:
            return None
        raise self._failure(node)

    def exception(self, node: Any) -> BaseException | None:
        node.looked_at = True
        return None if node.error is None else self._failure(node)

    def cancel(self, node: Any) -> bool:
        self._entered()
        return self._graph.cancel(node, _caller())

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._time, UTC)

    def random(self) -> float:
        return self._random.random()

    def uuid4(self) -> UUID:
        return UUID(int=self._random.getrandbits(128), version=4)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _start(self, event: Started) -> None:
        self.context = event.context
        self._random.seed(str(event.context.get("run_id", "")))
        line = greenlet.greenlet(self._run)
        line.gr_context = contextvars.copy_context()
        self._main = Branch(line)
        self._switch_in(self._main, event.input)

    def _run(self, input: Any) -> None:
        """The main branch: run the user's code, and keep what came of it."""
        running.set(self)
        try:
            run = self._workflow_class(self).run
            args, kwargs = self._values.thaw_call(input, run)
            result = self._frozen(run(*args, **kwargs))
            self._raise_urgent(self._entered(), [])
            outcome: Close = Complete(result)
        except (Evicted, greenlet.GreenletExit):
            return
        except PayloadUnreachable:  # no outcome: `advance` raises it, and the run is read again later
            raise
        except BaseException as error:  # also SystemExit: it ends the run, never the decider
            outcome = Fail(error)
        if not self.closing:
            self.outcome = outcome

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
        while graph.urgent or graph.woken:
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

    def _leave(self, error: PayloadUnreachable) -> NoReturn:
        """Let `advance` raise that a large value cannot be had: it is not for the program to catch."""
        hub = greenlet.getcurrent().parent
        if self._current is not None and self._current.greenlet is greenlet.getcurrent() and hub is not None:
            hub.throw(error)  # comes back with Evicted, when the run is put away
        raise error

    def _failure(self, node: Node) -> BaseException:
        assert node.error is not None
        node.looked_at = True
        try:
            return self._values.revive(node.error, node.task)
        except PayloadUnreachable as error:
            self._leave(error)


def _caller() -> str:
    """Where the user's code called us: ``flows/crawl.py:88``."""
    frame = sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).startswith(OURS):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
