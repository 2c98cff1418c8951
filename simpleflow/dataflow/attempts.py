"""What becomes of a task when an attempt of it has failed.

By its `retry`, or as the workflow's `on_task_failure` decides. Both are functions of the events alone: the time that
a task has had is counted by events, and chance comes from who the run is and which attempt it was, so that the
random numbers that a program takes itself stay its own.
"""

from __future__ import annotations

import copy
import hashlib
import random
from collections.abc import Callable
from typing import Any, Final

from simpleflow.command import CHILD
from simpleflow.dataflow.events import Cancelled, Failed
from simpleflow.dataflow.graph import Graph, Node
from simpleflow.exceptions import (
    TaskCanceled,
    TaskException,
    TaskTerminated,
    TimeoutError,
    WorkflowException,
    message_of,
)
from simpleflow.failure import Decision, FailedTask, TaskFailureContext, context_of
from simpleflow.futures import CANCELLED, Future
from simpleflow.retry import Retry
from simpleflow.submittable import Task, Values

Failure = Failed | Cancelled

STATES: Final[dict[type[Any], str]] = {
    TimeoutError: "timed_out",
    TaskCanceled: "canceled",
    TaskTerminated: "terminated",
}
"""How the event of a failed attempt calls its end; all else is "failed"."""


class Attempts:
    """The failed attempts of one run. `own` gives the node of a future of this run."""

    def __init__(self, graph: Graph, values: Values, own: Callable[[Future[Any]], Node]) -> None:
        self._graph = graph
        self._values = values
        self._own = own

    def delay(self, node: Node, failure: Failure) -> int | None:
        """Seconds until the next attempt by the task's `retry`; None where there is to be none."""
        if isinstance(failure, Failed) and failure.final:
            return None
        elapsed = 0.0 if node.since is None else failure.time - node.since
        chance = random.Random(f"{self._graph.context.get('run_id')} {node.task.kind} {node.id} {node.attempt}")
        return Retry.of(node.task.retry)(node.failures, failure.error, elapsed=elapsed, chance=chance.random())

    def context(self, node: Node, failure: Failure, history: Any) -> TaskFailureContext:
        """What `on_task_failure` is told."""
        error, task, input = failure.error, node.task, node.input
        future: Future[Any] = Future()
        future.set_exception(error)
        event = {
            "type": task.kind,
            "id": node.id,
            "name": task.name,
            "state": next((state for kind, state in STATES.items() if isinstance(error, kind)), "failed"),
            "retry": node.failures - 1,
        }
        for key in ("reason", "details", "timeout_type", "timeout_value"):
            if getattr(error, key, None) is not None:
                event[key] = getattr(error, key)
        a_task = FailedTask(task, node.id, lambda: task.call(input, self._values))
        kind = WorkflowException if task.kind == CHILD else TaskException
        return TaskFailureContext(a_task, event, future, kind, history, default_delay=self.delay(node, failure))

    def go_by(self, node: Node, failure: Failure, delay: int | None) -> None:
        """Try again after so many seconds, or fail the task."""
        if delay is None:
            self._graph.end(node, None, failure.error)
        elif delay:
            reason = getattr(failure.error, "reason", None) or message_of(failure.error)
            self._graph.rest(node, delay, reason[:256])
        else:
            self._graph.again(node)

    def decide(self, node: Node, failure: Failure, given: TaskFailureContext, returned: Any) -> None:
        """Do what `on_task_failure` has decided. Raises ValueError, TypeError and PayloadError for what cannot be."""
        context = given if returned is None else context_of(returned)
        future = context.future
        match context.decision:
            case Decision.none:
                self._try(node, failure, context, context.default_delay)
            case Decision.abort:
                self.go_by(node, failure, None)
            case Decision.ignore:
                result = future._result if future is not None and future._node is None else None
                self._graph.end(node, self._frozen(node, result))
            case Decision.cancel:
                self._graph.end(node, None, TaskCanceled(name=node.id), CANCELLED)
            case Decision.retry_now:
                self._try(node, failure, context, 0)
            case Decision.retry_later:
                wait = context.retry_wait_timeout
                self._try(node, failure, context, context.decide_retry(wait).retry_wait_timeout)
            case Decision.handled if future is not None:
                self._end_as(node, future)
            case Decision.handled:
                self._try(node, failure, context, 0)
            case decision:
                raise ValueError(f"Unexpected TaskFailureValue decision: {decision!r}")

    def _try(self, node: Node, failure: Failure, context: TaskFailureContext, delay: int | None) -> None:
        if delay is not None:
            self._change(node, context.a_task)
        self.go_by(node, failure, delay)

    def _change(self, node: Node, a_task: Any) -> None:
        """Take over what the user has made of the task, for the attempts to come."""
        task = node.task
        if type(a_task) is FailedTask:
            if not a_task.changed:
                return
            if not hasattr(task, "args"):
                kind = type(task).__name__
                raise TypeError(f"a {kind} has no args and kwargs to change: put another one into ctx.a_task")
            task = copy.copy(task)
            object.__setattr__(task, "args", tuple(a_task.args))
            object.__setattr__(task, "kwargs", a_task.kwargs)
        elif isinstance(a_task, Task) and a_task.kind == task.kind:
            task = a_task
        else:
            raise TypeError(f"{node.id} can be tried again as another {type(task).__name__}, not as {a_task!r}")
        template = task.template(self._values)
        if template is not None:
            node.input = template.fill([self._result(future, node) for future in template.futures])
        node.task = task

    def _end_as(self, node: Node, future: Future[Any]) -> None:
        if future._node is not None:
            other = self._own(future)
            if other is node or other in (node.followers or ()):
                raise ValueError(f"{node.id} is handled by its own future, which would never be done")
            self._graph.end_as(node, other)
        elif future.cancelled:
            self._graph.end(node, None, TaskCanceled(name=node.id), CANCELLED)
        elif not future.finished:
            raise ValueError(f"{node.id} is handled by a future of no run that nobody has set")
        elif (error := future.exception) is not None:
            self._graph.end(node, None, error)
        else:
            self._graph.end(node, self._frozen(node, future.result))

    def _frozen(self, node: Node, value: Any) -> Any:
        template = self._values.template(value, f"the result of {node.id}")
        return template.fill([self._result(future, node) for future in template.futures])

    def _result(self, future: Future[Any], node: Node) -> Any:
        other = self._own(future)
        if not other.done or other.error is not None:
            raise ValueError(f"what {node.id} is given in on_task_failure holds {future!r}, which has no result")
        return self._graph.frozen(other)


def scope_of(node: Node) -> str:
    """The scope of what `on_task_failure` submits: it does not depend on which task fails first."""
    digest = hashlib.md5(f"{node.task.kind} {node.id}".encode(), usedforsecurity=False).hexdigest()
    return f"r{digest[:8]}.{node.failures}"
