"""Signals of a run: who waits for them, what nobody has taken yet, and to whom they are handed on. Pure.

`WaitForSignal` looks at the last signal of a name and takes nothing away; `ReceiveSignal` takes them one by one, in
order. What is in the box when the run goes on as a new one goes on with it, unless a WaitForSignal has shown it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from simpleflow.command import CHILD, RECEIVE, SIGNAL, Command, SendSignal, StartChild
from simpleflow.dataflow.events import Signaled
from simpleflow.dataflow.graph import End, Graph, Node
from simpleflow.exceptions import TimeoutError
from simpleflow.futures import FINISHED
from simpleflow.signal import ReceiveSignal
from simpleflow.submittable import Values
from simpleflow.task import NOT_IN_IDS, OwnTimer

HANDED_ON: Final = "a signal that is handed on"
"""Where the program asked for it, in messages."""

_AS_ID: Final = str.maketrans(dict.fromkeys(NOT_IN_IDS, "-"))


@dataclass(slots=True)
class Letter:
    """A signal. `shown`: a WaitForSignal has told of it; `taker`: the ReceiveSignal that has it."""

    number: int
    name: str
    input: Any
    shown: bool = False
    taker: Node | None = None

    @property
    def left(self) -> bool:
        """Whether nobody has seen it: what was taken has been seen once the result was looked at."""
        return not self.shown and (self.taker is None or not self.taker.looked_at)


class Signals:
    """The signals of one run. `hand_on_up`: those that are to be propagated go to the run's parent, too.

    `waiting` and `receiving` are who waits for a name or once did, `handed_on` the last signals that were propagated.
    """

    def __init__(self, graph: Graph, values: Values, hand_on_up: Callable[[], bool]) -> None:
        self._graph = graph
        self._values = values
        self._hand_on_up = hand_on_up
        self._box: dict[str, deque[Letter]] = {}
        self._taken: deque[Letter] = deque()
        self._count = 0
        self._inputs: dict[str, Any] = {}  # the last one by name
        self.waiting: dict[str, list[Node]] = {}
        self.receiving: dict[str, deque[Node]] = {}
        self.handed_on: dict[str, Signaled] = {}
        self.last: dict[str, Signaled] = {}

    @property
    def waited_for(self) -> list[str]:
        """The names of signals that somebody waits for."""
        names = {**self.waiting, **self.receiving}
        return [name for name in names if any(not node.done for node in self._nodes(name))]

    @property
    def left(self) -> tuple[tuple[str, Any], ...]:
        """Name and frozen input of what nobody has seen, in the order in which it came."""
        letters = [letter for box in (self._taken, *self._box.values()) for letter in box if letter.left]
        return tuple((letter.name, letter.input) for letter in sorted(letters, key=lambda letter: letter.number))

    def put(self, name: str, input: Any) -> None:
        """A signal has come: everybody who waits for its name is told, and the first who receives takes it."""
        letter = self.keep(name, input)
        for node in self.waiting.pop(name, ()):
            letter.shown = letter.shown or not node.done
            self._graph.end(node, input)
        receiving = self.receiving.get(name, deque())
        while receiving:
            node = receiving.popleft()
            if not node.done:
                self._take(name, node)
                self._graph.end(node, input)
                return

    def keep(self, name: str, input: Any) -> Letter:
        """A signal has come, and nobody is told."""
        self._count += 1
        self._inputs[name] = input
        letter = Letter(self._count, name, input)
        self._box.setdefault(name, deque()).append(letter)
        return letter

    def came(self, signal: Signaled) -> None:
        """The world signals the run."""
        self.last[signal.name] = signal
        self.put(signal.name, signal.input)
        carried = self._values.thaw(signal.input)
        if isinstance(carried, dict) and carried.get("__propagate"):
            self.handed_on[signal.name] = signal
            context = self._graph.context
            parent = context.get("parent_workflow_id")
            targets = [(parent, context.get("parent_run_id"), False)] if parent and self._hand_on_up() else []
            targets += [(id, None, True) for kind, id in self._graph.open if kind == CHILD]
            self._graph.commands.extend(self._sent(signal, targets))

    def for_new_children(self, commands: list[Command]) -> list[Command]:
        """`commands`, and after the start of each child the signals that were `handed_on` before."""
        found: list[Command] = []
        for command in commands:
            found.append(command)
            if isinstance(command, StartChild):
                for signal in self.handed_on.values():
                    found.extend(self._sent(signal, [(command.id, None, True)]))
        return found

    def wait(self, node: Node) -> End | None:
        """A WaitForSignal begins; its end if a signal of that name has come."""
        name = node.task.name
        if name not in self._inputs:
            self.waiting.setdefault(name, []).append(node)
            return None
        for letter in self._box[name]:
            letter.shown = True
        return self._inputs[name], None, FINISHED

    def receive(self, node: Node) -> End | None:
        """A ReceiveSignal begins; its end if there is a signal for it."""
        task = node.task
        assert isinstance(task, ReceiveSignal)
        if self._box.get(task.signal_name):
            return self._take(task.signal_name, node), None, FINISHED
        self.receiving.setdefault(task.signal_name, deque()).append(node)
        if task.timeout is not None:
            self._limit(node, task.signal_name, task.timeout)
        return None

    def _take(self, name: str, node: Node) -> Any:
        """Give the node the first signal in the box."""
        while self._taken and not self._taken[0].left:
            self._taken.popleft()
        letter = self._box[name].popleft()
        letter.taker = node
        self._taken.append(letter)
        return letter.input

    def _limit(self, node: Node, name: str, timeout: int | str) -> None:
        """Let the node fail when the time is over, and the timer end with the node."""
        graph = self._graph
        id = f"{RECEIVE}{name[:200]}-{graph.number('receive', name)}".translate(_AS_ID)
        timer = graph.add(OwnTimer(id, timeout), node.owner, "", node.where)
        error = TimeoutError("RECEIVE", str(timeout), node.id)

        def cancel() -> None:
            graph.cancel(timer)

        graph.then(timer, lambda _: graph.end(node, None, error))
        graph.then(node, lambda _: cancel())

    def _nodes(self, name: str) -> Iterable[Node]:
        return [*self.waiting.get(name, ()), *self.receiving.get(name, ())]

    def _sent(self, signal: Signaled, targets: Iterable[tuple[str, str | None, bool]]) -> Iterator[SendSignal]:
        """The commands that hand a signal on to whoever did not send it."""
        for workflow_id, run_id, is_child in targets:
            if workflow_id != signal.sender:
                number = self._graph.number(SIGNAL, HANDED_ON)
                id, name, input = f"handed-on-{number}", signal.name, signal.input
                yield SendSignal(id, name, workflow_id, run_id, input, HANDED_ON, is_child)

