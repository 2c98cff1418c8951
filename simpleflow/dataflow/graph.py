"""The graph of a run: tasks, what they wait for, how they end.

Pure: it is told what was submitted and how tasks ended; it collects the commands that follow, the waits that are
over, and the failures that want to be raised at once. Settling uses a work list, so depth costs no stack, and
touches only the dependents of what has ended.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from simpleflow.exceptions import PayloadError, TaskCanceled, TaskException, TaskFailed, one_line
from simpleflow.futures import CANCELLED, FINISHED, PENDING, RUNNING, Future
from simpleflow.task import CancelActivity, Command, ScheduleActivity, Task

MAX_ID_LENGTH: Final = 256  # https://docs.aws.amazon.com/amazonswf/latest/apireference/API_ScheduleActivityTaskDecisionAttributes.html
MAX_LOSSES: Final = 3  # a lost worker is no failure of the task, but a task that kills its workers is


End = tuple[Any, TaskException | None, str]
"""How a node ends: its frozen result, its error, its state."""


class Template(Protocol):
    """A frozen value with holes where futures stood."""

    @property
    def futures(self) -> Sequence[Future[Any]]: ...

    def fill(self, results: Sequence[Any]) -> Any:
        """The frozen value with these frozen results in the holes, None for the value None."""


class Values(Protocol):
    """How values are encoded; the core is given it, and never looks inside of what it makes."""

    def template(self, value: Any, what: str) -> Template: ...
    def template_call(self, args: tuple[Any, ...], kwargs: dict[str, Any], what: str, beside: Any) -> Template: ...
    def thaw(self, frozen: Any, task: Any) -> Any: ...
    def thaw_call(self, frozen: Any, function: Any) -> tuple[list[Any], dict[str, Any]]: ...
    def revive(self, error: TaskException, task: Any) -> BaseException: ...
    def fingerprint(self, frozen: Any) -> str: ...


@dataclass(slots=True, eq=False)
class Wait:
    """A suspended branch, and how many of the nodes that it waits for are not done."""

    branch: Any
    nodes: Sequence[Node]
    missing: int = 0


@dataclass(slots=True, eq=False)
class Node:
    """One submitted task."""

    task: Task
    id: str  # an idempotent task has none until its arguments are there
    owner: Any  # the branch that submitted it
    where: str
    template: Template | None
    raises: bool | None
    state: str = PENDING
    missing: int = 0
    dependents: list[Node] = field(default_factory=list)
    followers: list[Node] = field(default_factory=list)  # equal idempotent submissions
    waits: list[Wait] = field(default_factory=list)
    input: Any = None
    attempt: int = 0
    failures: int = 0
    losses: int = 0
    result: Any = None
    error: TaskException | None = None
    looked_at: bool = False
    cancel_asked: bool = False

    @property
    def done(self) -> bool:
        return self.state in (FINISHED, CANCELLED)


class Graph:
    """All tasks of one run that are not done, and what came of the last event."""

    def __init__(self, values: Values, own: Callable[[Future[Any]], Node]) -> None:
        self._values = values
        self._own = own
        self._numbers: Counter[tuple[str, str]] = Counter()
        self._merged: dict[str, Node] = {}
        self.open: dict[str, Node] = {}
        self.commands: list[Command] = []
        self.woken: deque[Wait] = deque()
        self.urgent: deque[Node] = deque()
        self.failed: list[Node] = []

    def add(self, task: Task, owner: Any, scope: str, where: str) -> Node:
        """Take a submitted task in. Its number is taken here, in program order, whether it is ready or not.

        Raises PayloadError when an argument cannot be encoded.
        """
        activity = task.activity
        node_id = "" if activity.idempotent else self._number(task.name, scope)
        what = f"the input of {activity.name}"
        template = self._values.template_call(task.args, task.kwargs, what, activity.meta)
        node = Node(task, node_id, owner, where, template, activity.raises_on_failure)
        before = [self._own(future) for future in template.futures]
        for argument in before:
            if not argument.done:
                node.missing += 1
                argument.dependents.append(node)
        broken = next((argument for argument in before if argument.error and argument.raises is not False), None)
        if broken is not None:
            broken.looked_at = True
            self._settle(node, None, broken.error)
        elif not node.missing and (end := self._ready(node)) is not None:
            self._settle(node, *end)
        return node

    def completed(self, id: str, result: Any) -> None:
        node = self.open.get(id)
        if node is not None:
            self._settle(node, result, None)

    def attempt_failed(self, id: str, error: TaskException, lost: bool, lacks: bool) -> None:
        """An attempt is over: try again, within `retry` or, where it is not the task's fault, beside it; or fail it."""
        node = self.open.get(id)
        if node is None:
            return
        if (lost or lacks) and node.cancel_asked:
            self._settle(node, None, TaskCanceled(name=id), CANCELLED)
        elif lacks:
            self._ask(node)
        elif lost and node.losses < MAX_LOSSES:
            node.losses += 1
            self._ask(node)
        elif node.failures < node.task.activity.retry and not node.cancel_asked:
            node.failures += 1
            self._ask(node)
        else:
            self._settle(node, None, error)

    def cancelled(self, id: str, error: TaskException) -> None:
        node = self.open.get(id)
        if node is not None:
            self._settle(node, None, error, CANCELLED)

    def cancel(self, node: Node, where: str) -> bool:
        """Cancel: at once what was not asked for yet; for the rest the world is asked, and its answer settles it."""
        if node.done:
            return False
        if node.state == PENDING:
            self._settle(node, None, TaskCanceled(name=node.id or node.task.name), CANCELLED)
        elif node.id in self.open:
            leader = self.open[node.id]
            leader.cancel_asked = True
            self.commands.append(CancelActivity(leader.id, leader.attempt, where))
        return True

    def _number(self, name: str, scope: str) -> str:
        self._numbers[name, scope] += 1
        number = self._numbers[name, scope]
        return fitting(f"{name}-{scope}.{number}" if scope else f"{name}-{number}")

    def _ready(self, node: Node) -> End | None:
        """The last argument is there: ask for the task, or join the equal one that was asked for before.

        Gives the node's end where that is known at once; settling it is the caller's.
        """
        template, node.template = node.template, None
        assert template is not None
        try:
            node.input = template.fill([self._own(future).result for future in template.futures])
        except PayloadError as error:
            return None, TaskFailed(node.id or node.task.name, one_line(error)), FINISHED
        if node.task.activity.idempotent:
            node.id = fitting(f"{node.task.name}-{self._values.fingerprint(node.input)}")
            leader = self._merged.setdefault(node.id, node)
            if leader is not node:
                return self._join(node, leader)
        self.open[node.id] = node
        self._ask(node)
        return None

    def _join(self, node: Node, leader: Node) -> End | None:
        node.state = RUNNING
        node.input = None
        if _options(node.task) != _options(leader.task):
            message = f"two equal idempotent calls with different options, at {leader.where} and {node.where}"
            return None, TaskFailed(node.id, f"ValueError: {message}"), FINISHED
        if leader.done:
            return leader.result, leader.error, leader.state
        leader.followers.append(node)
        return None

    def _ask(self, node: Node) -> None:
        node.state = RUNNING
        node.attempt += 1
        self.commands.append(ScheduleActivity(node.id, node.attempt, node.task.activity, node.input, node.where))

    def _settle(self, node: Node, result: Any, error: TaskException | None, state: str = FINISHED) -> None:
        work = deque([(node, (result, error, state))])
        while work:
            node, end = work.popleft()
            if node.done:
                continue
            self._finish(node, *end)
            work.extend((follower, end) for follower in node.followers)
            node.followers.clear()
            for dependent in node.dependents:
                dependent.missing -= 1
                if dependent.done or dependent.error is not None:  # it has its end, or is about to
                    continue
                if node.error is not None and node.raises is not False:
                    node.looked_at = True
                    dependent.error = node.error
                    work.append((dependent, (None, node.error, FINISHED)))
                elif dependent.missing == 0 and (known := self._ready(dependent)) is not None:
                    work.append((dependent, known))
            node.dependents.clear()

    def _finish(self, node: Node, result: Any, error: TaskException | None, state: str) -> None:
        node.state, node.result, node.error = state, result, error
        node.input = node.template = None
        if self.open.get(node.id) is node:
            del self.open[node.id]
        for wait in node.waits:
            wait.missing -= 1
            if wait.missing == 0:
                self.woken.append(wait)
        node.waits.clear()
        if error is not None and state == FINISHED:  # what was cancelled did as it was told
            self.failed.append(node)
            if node.raises:
                self.urgent.append(node)


def fitting(id: str) -> str:
    """`id`, or what stands for it where it is longer than Amazon takes: its head and a hash of the whole."""
    if len(id) <= MAX_ID_LENGTH:
        return id
    digest = hashlib.md5(id.encode(), usedforsecurity=False).hexdigest()
    return f"{id[: MAX_ID_LENGTH - 33]}-{digest}"


def _options(task: Task) -> tuple[Any, ...]:
    activity = task.activity
    return (
        activity.version,
        activity.task_list,
        activity.retry,
        activity.task_priority,
        activity.task_start_to_close_timeout,
        activity.task_schedule_to_close_timeout,
        activity.task_schedule_to_start_timeout,
        activity.task_heartbeat_timeout,
    )
