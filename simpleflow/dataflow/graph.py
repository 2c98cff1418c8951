"""The graph of a run: tasks, what they wait for, how they end.

Pure: it is told what was submitted and how tasks ended; it collects the commands that follow, the waits that are
over, and the failures that want to be raised at once. Settling uses a work list, so depth costs no stack, and
touches only the dependents of what has ended. It knows no kind of task: what differs, tasks say themselves. Whether
a task whose attempt has failed is tried again, somebody else says (`simpleflow.dataflow.attempts`).
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from simpleflow.command import ACTIVITY, OURS, TIMER, CancelTimer, Command, Names, StartTimer
from simpleflow.dataflow.origins import Origins, named
from simpleflow.dataflow.waits import Listener, Wait
from simpleflow.exceptions import PayloadError, TaskCanceled, TaskException, TaskFailed, one_line
from simpleflow.futures import CANCELLED, FINISHED, PENDING, RUNNING, Future
from simpleflow.submittable import PROGRAM, Task, Template, Values

if TYPE_CHECKING:
    from simpleflow.dataflow.branches import Branch

MAX_ID_LENGTH: Final = 256  # https://docs.aws.amazon.com/amazonswf/latest/apireference/API_ScheduleActivityTaskDecisionAttributes.html
PAUSE: Final = f"_{OURS}task_"
"""Timers between two attempts of a task have ids that start so."""
MAX_LOSSES: Final = 3  # a lost worker is no failure of the task, but a task that kills its workers is


End = tuple[Any, BaseException | None, str]
"""How a node ends: its frozen (or live) result, its error, its state."""


@dataclass(slots=True, eq=False)
class Live:
    """A result that never left the process: what a branch returned. It is encoded where a task takes it.

    `exception` is what `.exception` tells although `.result` raises nothing.
    """

    value: Any
    exception: BaseException | None = None

    @property
    def shape(self) -> Any:
        """The value, perhaps with futures where results stand: what is encoded."""
        return self.value

    def read(self, thaw: Callable[[Any, Task], Any]) -> Any:
        """The value, with results of tasks decoded by `thaw`."""
        return self.value


@dataclass(slots=True, eq=False)
class Node:
    """One submitted task, or a branch."""

    task: Task
    id: str  # an idempotent task has none until its arguments are there
    owner: Branch  # that submitted it
    where: str
    template: Template | None
    raises: bool | None
    state: str = PENDING
    missing: int = 0
    held: bool = False
    dependents: list[Node] = field(default_factory=list)  # have this node's result among their arguments
    successors: list[Node] | None = None  # run after this node, however it ends
    followers: list[Node] | None = None  # tasks that are this one
    callbacks: list[Callable[[Node], None]] | None = None
    waits: list[Listener] = field(default_factory=list)
    input: Any = None
    digest: str = ""  # of the input, where equal ones are one task
    attempt: int = 0
    failures: int = 0
    losses: int = 0
    since: float | None = None  # when the first attempt was scheduled, once one has failed
    pause: str | None = None  # between two attempts: the timer that the next one waits for, "" for another's end
    result: Any = None
    error: BaseException | None = None
    looked_at: bool = False
    cancel_asked: bool = False
    number: int = 0  # its place among the nodes of the run, from 1
    turn: int = 0  # the number of the event that ended it
    after: Names = ()  # the tasks whose results are among its arguments
    earlier: Origins | None = None  # others that it comes after

    @property
    def done(self) -> bool:
        return self.state in (FINISHED, CANCELLED)

    @property
    def key(self) -> tuple[str, str]:
        return self.task.kind, self.id

    @property
    def origins(self) -> tuple[Names, Names | str]:
        """What it comes after, for those who look at the run."""
        return self.after, () if self.earlier is None else self.earlier.told_by(self.id)


class Graph:
    """All tasks of one run that are not done, and what came of the last event.

    `own` gives the node of a future of this run; `begin` is called for a task of which nothing is asked of the world,
    and gives its end where that is known at once. `context` says who the run is and `workflow` is the instance that
    runs; the program fills both before the first task. `facts` are the commands that were true as soon as they were
    asked for.
    """

    def __init__(
        self, values: Values, own: Callable[[Future[Any]], Node], begin: Callable[[Node], End | None]
    ) -> None:
        self._values = values
        self._own = own
        self._begin = begin
        self._numbers: Counter[tuple[str, str, str]] = Counter()
        self._merged: dict[tuple[str, str], Node] = {}
        self._pauses: dict[str, Node] = {}  # by the timers that end them
        self._work: deque[tuple[Node, End]] = deque()  # what is being settled: the first, then the others
        self.context: Mapping[str, Any] = {}
        self.workflow: Any = None
        self.open: dict[tuple[str, str], Node] = {}
        self.commands: list[Command] = []
        self.nodes = 0  # that there have been
        self.ended = 0  # of them
        self.turn = 0  # the number of the event that is being applied
        self.woken: deque[Wait] = deque()
        self.urgent: deque[Node] = deque()
        self.failed: list[Node] = []
        self.facts: list[Command] = []

    @property
    def expects_something(self) -> bool:
        """Whether the world still has to say something of a task: one that ends as another does is not enough."""
        return any(node.pause != "" for node in self.open.values())

    def add(
        self,
        task: Task,
        owner: Branch,
        scope: str,
        where: str,
        *,
        after: Sequence[Node] = (),
        held: bool = False,
        raises: bool | None = None,
        earlier: Origins | None = None,
    ) -> Node:
        """Take a submitted task in. Its number is taken here, in program order, whether it is ready or not.

        It runs once its arguments are there, all of `after` are done, however they end, and, where it is `held`,
        `release` was called. `raises` stands for the task's `raises_on_failure`, unless it is None. `earlier` is what
        the program has read before. Raises PayloadError when an argument cannot be encoded.
        """
        number = "" if task.idempotent else self.number(task.kind, task.name, scope)
        node_id = fitting(task.identify(number, self.context)) if number else ""
        raises = task.raises_on_failure if raises is None else raises
        node = Node(task, node_id, owner, where, task.template(self._values), raises, held=held, earlier=earlier)
        node.number = self.nodes = self.nodes + 1
        before = [self._own(future) for future in node.template.futures] if node.template is not None else []
        node.missing = held
        for argument in before:
            if not argument.done:
                node.missing += 1
                argument.dependents.append(node)
        for other in after:
            if not other.done:
                node.missing += 1
                if other.successors is None:
                    other.successors = []
                other.successors.append(node)
        if not held and (end := self._fate(node, before)) is not None:
            self._settle(node, *end)
        return node

    def release(self, node: Node) -> None:
        """Let a held node run, once all else that it waits for is there. It fails here if an argument did before."""
        if node.held and not node.done and node.error is None:
            node.held = False
            node.missing -= 1
            before = [self._own(future) for future in node.template.futures] if node.template is not None else []
            if (end := self._fate(node, before)) is not None:
                self._settle(node, *end)

    def _fate(self, node: Node, arguments: Sequence[Node]) -> End | None:
        """Ask for a task that nothing keeps from running. Gives its end, where that is known."""
        for argument in arguments:
            if argument.error is not None and argument.raises is not False:
                argument.looked_at = True
                return None, argument.error, FINISHED
        return None if node.missing else self._ready(node)

    def end(self, node: Node, result: Any, error: BaseException | None = None, state: str = FINISHED) -> None:
        """End a node that never ran and never will, or one that the world knows nothing of."""
        if not node.done:
            self._settle(node, result, error, state)

    def completed(self, kind: str, id: str, result: Any) -> None:
        node = self.open.get((kind, id))
        if node is not None:
            self._settle(node, result, None)
        elif kind == TIMER:
            self._end_pause(id)

    def attempt_failed(
        self,
        kind: str,
        id: str,
        error: TaskException,
        *,
        lost: bool = False,
        blameless: bool = False,
        since: float | None = None,
    ) -> Node | None:
        """An attempt is over. What is nobody's fault is tried again; else the task, where somebody is to say whether it
        is, and what else becomes of it, is given: nothing else happens to it before (`again`, `rest`, `end` ...)."""
        node = self.open.get((kind, id))
        if node is None:
            if kind == TIMER:
                self._end_pause(id)  # nobody will: the engine refused it
            return None
        if node.since is None:
            node.since = since
        if (lost or blameless) and node.cancel_asked:
            self._settle(node, None, TaskCanceled(name=id), CANCELLED)
        elif blameless:
            self.again(node)
        elif lost and node.losses < MAX_LOSSES:
            node.losses += 1
            self.again(node)
        elif node.cancel_asked or not node.task.attempts:
            self._settle(node, None, error)
        else:
            node.failures += 1
            return node
        return None

    def again(self, node: Node) -> None:
        """Ask for another attempt, at once."""
        if (end := self._ask(node)) is not None:
            self._settle(node, *end)

    def rest(self, node: Node, seconds: int, reason: str) -> None:
        """Ask for another attempt after so many seconds: a timer that carries the attempt, for ids are used once."""
        kind = "" if node.task.kind == ACTIVITY else f"{node.task.kind}-"
        node.pause = fitting(f"{PAUSE}{node.id}#{kind}{node.attempt}")
        self._pauses[node.pause] = node
        told = {"task": node.id, "attempt": node.attempt + 1, "reason": reason}
        control = self._values.template(told, "what a timer tells").fill(())
        self.commands.append(StartTimer(node.pause, seconds, control, node.where))

    def end_as(self, node: Node, other: Node) -> None:
        """End a task whose attempt has failed as `other` ends."""
        other.looked_at = True
        if other.done:
            self._settle(node, other.result, other.error, other.state)
        else:
            node.pause = ""
            self.follow(node, other)

    def cancelled(self, kind: str, id: str, error: TaskException) -> Node | None:
        """The world has cancelled a task. Where nobody here asked for it, that is a failure like any other."""
        node = self.open.get((kind, id))
        if node is not None and not node.cancel_asked:
            return self.attempt_failed(kind, id, error)
        if node is not None:
            self._settle(node, None, error, CANCELLED)
        return None

    def cancel(self, node: Node) -> bool:
        """Cancel: at once what was not asked for yet, and what is the program's to end; for the rest the world is
        asked, and its answer settles it. False where it is done, or the world cannot be asked."""
        if node.done:
            return False
        if node.state == PENDING:
            node.error = TaskCanceled(name=node.id or node.task.name)  # from now on, nothing else becomes of it
            self._settle(node, None, node.error, CANCELLED)
            return True
        leader = self.open.get(node.key, node)
        if leader.pause is not None:
            if leader.pause:
                self.commands.append(CancelTimer(leader.pause, leader.where))
            self._settle(leader, None, TaskCanceled(name=leader.id), CANCELLED)
            return True
        command = leader.task.cancel(leader)
        if command is not None:
            self.commands.append(command)
            leader.cancel_asked = True
        if leader.task.ours:
            self._settle(leader, None, TaskCanceled(name=leader.id), CANCELLED)
        return command is not None or leader.task.ours

    def _end_pause(self, timer: str) -> None:
        node = self._pauses.pop(timer, None)
        if node is not None:
            node.pause = None
            self.again(node)

    def find(self, kind: str, id: str) -> Node | None:
        """The task of this kind that the user gave this id, however it stands."""
        return self._merged.get((kind, id))

    def failure(self, node: Node) -> BaseException:
        """What a node failed with, new, to be raised."""
        assert node.error is not None
        return self._values.revive(node.error, node.task)

    def follow(self, node: Node, leader: Node) -> None:
        """Let a node end as another one does, which is not done."""
        if leader.followers is None:
            leader.followers = []
        leader.followers.append(node)

    def then(self, node: Node, callback: Callable[[Node], None]) -> None:
        """Call `callback` when the node is done, at once if it is. It runs no code of users."""
        if node.done:
            callback(node)
        else:
            if node.callbacks is None:
                node.callbacks = []
            node.callbacks.append(callback)

    def number(self, kind: str, name: str, scope: str = "") -> str:
        """The next number of what is called so: ``3``, and ``b1.3`` in the scope ``b1``."""
        self._numbers[kind, name, scope] += 1
        number = self._numbers[kind, name, scope]
        return f"{scope}.{number}" if scope else str(number)

    def _ready(self, node: Node) -> End | None:
        """The last argument is there: ask for the task, or join the one that it is, which was asked for before.

        Gives the node's end where that is known at once; settling it is the caller's.
        """
        template, node.template = node.template, None
        try:
            if template is not None:
                arguments = [self._own(future) for future in template.futures]
                node.input = template.fill(list(map(self.frozen, arguments)))
                if arguments:
                    node.after = named(arguments)
            if node.task.idempotent or node.task.names_itself:
                leader = self._leader(node)
                if leader is not node:
                    return self._join(node, leader)
        except PayloadError as error:
            return None, TaskFailed(node.id or node.task.name, one_line(error)), FINISHED
        except TaskFailed as error:  # a method of the user's class failed
            return None, error, FINISHED
        if node.task.kind != PROGRAM:
            self.open[node.key] = node
        return self._ask(node)

    def _leader(self, node: Node) -> Node:
        """The first node of this run that is the same task: perhaps this one."""
        task = node.task
        digest = "" if node.input is None else self._values.fingerprint(node.input)
        if task.idempotent:
            node.id = fitting(task.identify(digest, self.context))
        if task.names_itself:
            own = task.own_id(node.input, self._values, self.workflow)
            if own is None and not task.idempotent:
                return node
            node.id = fitting(own) if own else node.id
        node.digest = digest
        return self._merged.setdefault(node.key, node)

    def frozen(self, node: Node) -> Any:
        """The encoded result of a done node, which goes on with it.

        Raises PayloadError for a branch's that has no encoded form.
        """
        if node.error is None:
            node.looked_at = True
        if not isinstance(node.result, Live):
            return node.result
        template = self._values.template(node.result.shape, f"what {node.id} returned")
        inner = [self._own(future) for future in template.futures]
        if not all(each.done for each in inner):
            raise PayloadError(f"what {node.id} returned holds futures that are not done: return their results")
        try:
            return template.fill([self.frozen(each) for each in inner])
        except RecursionError:
            raise PayloadError(f"what {node.id} returned is nested too deep") from None

    def _join(self, node: Node, leader: Node) -> End | None:
        node.state = RUNNING
        node.input = None
        if node.digest != leader.digest or node.task.options != leader.task.options:
            what = "options" if node.digest == leader.digest else "arguments"
            message = f"two tasks of one id with different {what}, at {leader.where} and {node.where}"
            return None, TaskFailed(node.id, f"ValueError: {message}"), FINISHED
        if leader.done:
            return leader.result, leader.error, leader.state
        self.follow(node, leader)
        return None

    def _ask(self, node: Node) -> End | None:
        """Ask for a task that is ready; its end, where that is known at once."""
        node.state = RUNNING
        node.attempt += 1
        try:
            command = node.task.command(node, self._values)
        except TaskFailed as error:
            return None, error, FINISHED
        if command is None:
            return self._begin(node)
        self.commands.append(command)
        if not node.task.at_once:
            return None
        self.facts.append(command)
        return node.task.result(node.input, self._values), None, FINISHED

    def _settle(self, node: Node, result: Any, error: BaseException | None, state: str = FINISHED) -> None:
        work = self._work
        work.append((node, (result, error, state)))
        if len(work) > 1:  # a settling that is under way will come to it
            return
        while work:
            node, end = work[0]
            if not node.done:
                self._finish(node, *end)
                self._spread(node, end)
            work.popleft()

    def _spread(self, node: Node, end: End) -> None:
        """A node is done: so are those that are the same task, and what waits for it comes closer to its own turn."""
        if node.followers:
            self._work.extend((follower, end) for follower in node.followers)
        if node.dependents:
            broken = node.error if node.raises is not False else None
            for dependent in node.dependents:
                self._loosen(dependent, node, broken)
            node.dependents.clear()
        if node.successors:
            for successor in node.successors:
                self._loosen(successor, node, None)
        if node.callbacks:
            for callback in node.callbacks:
                callback(node)
        node.followers = node.successors = node.callbacks = None

    def _loosen(self, waiting: Node, node: Node, broken: BaseException | None) -> None:
        """`node`, which is done, keeps `waiting` from running no longer; or for ever, where it is `broken`."""
        waiting.missing -= 1
        if waiting.done or waiting.error is not None:  # it has its end, or is about to
            return
        if broken is not None and not waiting.held:
            node.looked_at = True
            waiting.error = broken
            self._work.append((waiting, (None, broken, FINISHED)))
        elif waiting.missing == 0 and (known := self._ready(waiting)) is not None:
            self._work.append((waiting, known))

    def _finish(self, node: Node, result: Any, error: BaseException | None, state: str) -> None:
        node.state, node.result, node.error = state, result, error
        node.input = node.template = None
        if self.open.get(node.key) is node:
            del self.open[node.key]
        if node.pause:
            self._pauses.pop(node.pause, None)
        node.turn = self.turn
        self.ended += 1
        for wait in node.waits:
            if (woken := wait.node_done(node)) is not None:
                self.woken.append(woken)
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

