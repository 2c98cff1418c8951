"""Groups and chains in a run: who of their members may run when, and how a canvas ends.

A canvas is a node of its own. Its members are submitted with it, so that they take their numbers in program order, and
are held until their turn comes. All is done by work lists: canvases may be nested to any depth. What a member is - a
task, a branch, another canvas - makes no difference here but where its turn begins, and where it is cancelled.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any, ClassVar, Final, TypeVar

from simpleflow.dataflow.branches import Branch, Call, Ended, Submission
from simpleflow.dataflow.frames import caller
from simpleflow.dataflow.graph import Graph, Live, Node
from simpleflow.dataflow.origins import Origins
from simpleflow.dataflow.waiting import Waiting
from simpleflow.exceptions import AggregateException, TaskFailed, one_line
from simpleflow.futures import CANCELLED, FINISHED, PENDING, RUNNING, Future, Rules
from simpleflow.submittable import PROGRAM, Task

T = TypeVar("T")

MAX_CALLS: Final = 40
"""How deep canvases may be nested that are submitted by calls within calls; those below wait for their turn."""
MAX_DEPTH: Final = 10_000
"""How deep canvases may be nested at all: one that contains itself would never end."""


class Results(Live):
    """What the members of a canvas have given, in order."""

    __slots__ = ("nodes", "program")

    def __init__(self, nodes: Sequence[Node], program: Any, exception: BaseException | None) -> None:
        super().__init__(None, exception)
        self.nodes = nodes
        self.program = program

    @property
    def shape(self) -> list[Future[Any]]:
        return [Future(self.program, node) for node in self.nodes]

    def read(self, thaw: Callable[[Any, Task], Any]) -> list[Any]:
        """The list of their results, None for those that failed; lists in it for canvases."""
        whole: list[Any] = []
        work = [(self, whole)]
        while work:
            results, into = work.pop()
            for node in results.nodes:
                found = node.result
                if isinstance(found, Results):
                    inner: list[Any] = []
                    into.append(inner)
                    work.append((found, inner))
                elif node.error is not None:
                    into.append(None)
                else:
                    into.append(found.value if isinstance(found, Live) else thaw(found, node.task))
        return whole


def failure(node: Node) -> BaseException | None:
    """What `.exception` tells of a done node, though its `.result` may raise nothing."""
    if node.error is None and isinstance(node.result, Live):
        return node.result.exception
    return node.error


@dataclass(slots=True, eq=False)
class Composite:
    """A canvas of the run."""

    rules: Rules
    members: list[Node]
    beside: dict[int, list[Node]] = field(default_factory=dict)  # what else was submitted for the member at a place
    known: set[Node] = field(default_factory=set)  # members that were submitted before, and for something else
    node: Node = field(init=False)
    reader: Branch | None = None  # in which a future of the user's own class is read, that tells of it
    told: Callable[[Node], None] = field(init=False)  # what is called when a member is done whose turn has come
    begun: int = 0  # how many members have had their turn
    active: int = 0  # how many of those are not done
    failed: bool = False  # a member has
    raises: bool = False  # and would raise
    cancelled: bool = False
    broken: bool = False  # nobody's turn comes any more
    paused: bool = False  # nobody's turn comes now
    since: Origins | None = None  # what comes before it, in the chain around it

    @property
    def has_room(self) -> bool:
        """Whether it is the next member's turn."""
        limit = self.rules.parallel
        left = self.begun < len(self.members) and not self.broken
        return left and (limit is None or self.active < limit)

    @property
    def over(self) -> bool:
        return not self.active and (self.broken or self.begun == len(self.members))

    def follow_on(self, place: int) -> None:
        """Note what the member at a place, whose turn has come, comes after."""
        chained = place and self.rules.parallel == 1
        since = Origins(self.members[place - 1]) if chained else self.since
        if since is None:
            return
        for node in (self.members[place], *self.beside.get(place, ())):
            if isinstance(node.task, Canvas):
                node.task.composite.since = since
            elif isinstance(node.task, Call):
                node.task.branch.since = since
            else:
                node.earlier = since

    def count(self, node: Node) -> None:
        """A member whose turn has come is done."""
        if node.state == CANCELLED:
            self.cancelled = True
        if failure(node) is not None:
            self.failed = True
            self.raises |= node.error is not None and node.raises is not False
            self.broken = self.rules.breaks

    @property
    def exception(self) -> AggregateException | None:
        """What became of the members, where it is to be told."""
        if not self.failed or not self.rules.bubbles:
            return None
        return AggregateException([_as_exception(node) for node in self.counted])

    @property
    def counted(self) -> Sequence[Node]:
        """The members, without those whose turn never comes."""
        return self.members[: self.begun] if self.broken else self.members

    @property
    def all(self) -> Iterator[Node]:
        return chain(self.members, *self.beside.values())

    @property
    def left(self) -> list[Node]:
        """What is its own, and still waits for its turn."""
        return [node for node in self.all if node.held and node not in self.known]


@dataclass(frozen=True, slots=True, eq=False)
class Canvas(Task):
    """What stands for a canvas among the tasks of a run."""

    kind: ClassVar[str] = PROGRAM
    composite: Composite

    @property
    def name(self) -> str:
        return self.composite.rules.name

    @property
    def origins(self) -> Sequence[Any]:
        members = self.composite.counted
        return members[-1:] if self.composite.rules.parallel == 1 else members


@dataclass(slots=True, eq=False)
class Making:
    """A canvas whose members are being submitted. `held` has what is to wait for the turn of the member at a place,
    where that is not the member alone."""

    future: Any
    submits: Iterator[Future[Any]]
    rules: Rules
    reads: bool
    within: Submission | None
    where: str
    members: list[Future[Any]] = field(default_factory=list)
    held: dict[int, list[Node]] = field(default_factory=dict)

    @property
    def raises(self) -> bool | None:
        return None if self.within is None else self.within.raises

    @property
    def nodes(self) -> Iterator[Node]:
        """All that was submitted for it until now."""
        alone: Iterable[Any] = (member._node for place, member in enumerate(self.members) if place not in self.held)
        return chain(alone, *self.held.values())


class Composing(Waiting):
    """The canvases of `simpleflow.futures.Program`."""

    def __init__(self, graph: Graph, whose: str, *, remember: bool) -> None:
        super().__init__(graph, whose, remember=remember)
        self._released: deque[Node] = deque()
        self._releasing = False

    # -- what canvases ask for -------------------------------------------------------------------------------------

    def overriding(self, raises: bool | None, submit: Callable[[bool | None], T]) -> T:
        branch = self._branches.entered()
        within = branch.submission
        if within is not None and within.raises is not None:
            raises = within.raises
        branch.submission = Submission(raises, None if within is None else within.held)
        try:
            return submit(raises)
        finally:
            branch.submission = within

    def compose(
        self, future: Any, submits: Iterator[Future[Any]], rules: Rules, *, reads: bool = False
    ) -> None:
        branch = self._branches.entered()
        within, stack = branch.submission, branch.canvases
        stack.append(Making(future, submits, rules, reads, within, self._where(branch)))
        depth = len(stack)
        if depth > MAX_DEPTH:
            raise ValueError(f"canvases are nested more than {MAX_DEPTH:,} deep: does one contain itself?")
        if depth > MAX_CALLS:
            return  # who submits the canvas around it goes on with it
        try:
            while len(stack) >= depth:
                self._submit_next(branch, stack[-1])
        except BaseException:
            if not self.closing:
                self._cancel_nodes([node for made in stack[depth - 1 :] for node in made.nodes if node.held])
            del stack[depth - 1 :]
            raise
        finally:
            branch.submission = within

    def _where(self, branch: Branch) -> str:
        """Where the user's code is; for a member, and for what a function returned, where its canvas is submitted."""
        if branch.canvases:
            made: Making = branch.canvases[-1]
            return made.where
        return caller() or (str(branch.node.where) if branch.parent is not None else "")

    # -- how they are submitted ------------------------------------------------------------------------------------

    def _submit_next(self, branch: Branch, made: Making) -> None:
        """Submit the next member of a canvas; or, after the last one, the canvas."""
        place = len(made.members)
        held: list[Node] = []
        made.held[place] = held
        branch.submission = Submission(made.raises, held)
        member = next(made.submits, None)
        if member is None:
            del made.held[place]
            branch.submission = made.within
            self._complete(branch, made)
            branch.canvases.pop()
            return
        made.members.append(member)
        if len(held) == 1 and held[0] is member._node:
            del made.held[place]

    def _complete(self, branch: Branch, made: Making) -> None:
        members = [self._own(member) for member in made.members]
        key = ("canvas", made.rules, made.reads, *(node.number for node in members))
        node = self._recall(branch, key, partial(self._make, branch, made, members))
        canvas = node
        if isinstance(node.task, Call) and node.task.branch.follows is not None:
            canvas = self._own(node.task.branch.follows)
        made.future._bind(self, node, canvas)

    def _make(self, branch: Branch, made: Making, members: list[Node]) -> Node:
        """The node of a new canvas; of one whose future has a result of its own, the node of that result."""
        composite = Composite(made.rules, members)
        for place, held in made.held.items():
            composite.beside[place] = [node for node in held if node is not members[place]]
            if members[place] not in held:
                composite.known.add(members[place])
        composite.told = partial(self._member_done, composite)
        name = made.rules.name
        id = f"{name}-{self._graph.number(PROGRAM, name, branch.scope)}"
        node = composite.node = self._beside(Canvas(composite), id, branch, made.where)
        if not node.held:
            self._let([node])
        return self._read_apart(branch, made, node) if made.reads else node

    def _read_apart(self, branch: Branch, made: Making, canvas: Node) -> Node:
        """The node of what a future of the user's own class tells of its canvas: its properties are the user's code, so
        that they are read in a branch."""
        future, plain = made.future, self._future(canvas)

        def read() -> Ended:
            plain.wait()
            exception = future.exception
            try:
                return Ended(Live(future.result, exception), None, canvas.state)
            except Exception as error:
                return Ended(None, error, canvas.state)

        node = self._spawn(branch, read, "c", f"result of {canvas.id}", made.where)
        assert isinstance(node.task, Call)
        assert isinstance(canvas.task, Canvas)
        node.raises = None
        node.task.branch.follows = plain
        canvas.task.composite.reader = node.task.branch
        del branch.children[node.task.branch]  # it is the canvas that can be cancelled
        return node

    def _future(self, node: Node) -> Future[Any]:
        program: Any = self
        return Future(program, node)

    # -- how they run ----------------------------------------------------------------------------------------------

    def _let(self, nodes: Sequence[Node]) -> None:
        """The turn of what was held has come."""
        self._released.extendleft(reversed(nodes))
        if self._releasing:
            return
        self._releasing = True
        try:
            while self._released:
                self._let_one(self._released.popleft())
        finally:
            self._releasing = False

    def _let_one(self, node: Node) -> None:
        task = node.task
        if isinstance(task, Canvas):
            if node.state == PENDING:
                node.held, node.state = False, RUNNING
                self._advance(task.composite)
        elif isinstance(task, Call):
            if node.state == PENDING and not task.branch.over:
                self._begin_branch(task.branch)
        else:
            self._graph.release(node)

    def _advance(self, composite: Composite) -> None:
        """Let those members run whose turn it is, and end a canvas that is over."""
        if composite.paused:
            return
        turns: list[Node] = []
        while composite.has_room:
            place, composite.begun = composite.begun, composite.begun + 1
            node = composite.members[place]
            turns += composite.beside.get(place, ())
            if node.done:
                composite.count(node)
            else:
                composite.active += 1
                self._graph.then(node, composite.told)
                turns.append(node)
                composite.follow_on(place)
        self._let(turns)
        if composite.over and not composite.node.done:
            self._finish(composite)

    def _member_done(self, composite: Composite, node: Node) -> None:
        composite.active -= 1
        composite.count(node)
        self._advance(composite)

    def _finish(self, composite: Composite) -> None:
        if composite.broken:
            self._cancel_nodes(composite.left)
        exception = composite.exception
        error = exception if composite.raises else None
        state = CANCELLED if composite.cancelled else FINISHED
        self._graph.end(composite.node, Results(composite.counted, self, exception), error, state)

    def _cancel_nodes(self, nodes: Sequence[Node]) -> bool:
        """Cancel tasks, branches, and canvases with all that they hold. False where there is nothing left to cancel."""
        asked = False
        paused: list[Composite] = []
        work = list(reversed(nodes))
        while work:
            node = work.pop()
            task = node.task
            if node.done:
                continue
            if isinstance(task, Canvas):
                asked = True
                if not task.composite.paused:
                    task.composite.paused = True
                    paused.append(task.composite)
                    work += reversed(list(task.composite.all))
            elif not isinstance(task, Call):
                asked |= self._graph.cancel(node)
            elif task.branch.follows is None:
                asked |= self._cancel_branch(task.branch)
            else:
                self._let_one(node)  # it tells what has become of the canvas
                work.append(self._own(task.branch.follows))
        for composite in reversed(paused):
            composite.paused = False
            if composite.node.state == PENDING:
                composite.node.held, composite.node.state = False, RUNNING
                composite.cancelled = True
            self._advance(composite)
        return asked

    # -- how they are read -----------------------------------------------------------------------------------------

    def _unfinished(self, nodes: Iterable[Node]) -> Iterator[Node]:
        """Those that are not done; for a canvas, those of its members whose turn has come."""
        work = deque(nodes)
        while work:
            node = work.popleft()
            task = node.task
            if node.done:
                continue
            if isinstance(task, Canvas) and task.composite.begun:
                work.extendleft(reversed(task.composite.members[: task.composite.begun]))
            elif isinstance(task, Call) and task.branch.follows is not None:
                work.appendleft(self._own(task.branch.follows))
            else:
                yield node

    def _look(self, node: Node) -> None:
        """The failure of a node was looked at, and with it those of its members."""
        node.looked_at = True
        reader = node.task.composite.reader if isinstance(node.task, Canvas) else None
        if reader is not None and self._branches.current not in (None, reader):
            reader.node.looked_at = True
        work = [node.result] if isinstance(node.result, Results) else []
        while work:
            for member in work.pop().nodes:
                if isinstance(member.result, Results) and not member.looked_at:
                    work.append(member.result)
                member.looked_at = True


def _as_exception(node: Node) -> Exception | None:
    error = failure(node)
    if error is None or isinstance(error, Exception):
        return error
    return TaskFailed(node.id, one_line(error))  # such as a SystemExit, which no group holds
