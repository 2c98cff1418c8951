"""What tasks and programs do that the world is not asked for: the program's own affairs. Pure.

Here stands what a kind of task does beyond asking and waiting: signals are looked for, a timer is cancelled, the run
goes on as a new one; and what a program may know of its markers, timers and signals.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from simpleflow.command import MARKER, TIMER, Close, ContinueAsNew, RecordMarker
from simpleflow.dataflow.graph import End, Graph, Node
from simpleflow.dataflow.signals import Signals
from simpleflow.exceptions import TaskFailed
from simpleflow.futures import CANCELLED, FINISHED, RUNNING, Future
from simpleflow.marker import Marker
from simpleflow.signal import ReceiveSignal, WaitForSignal
from simpleflow.submittable import Values
from simpleflow.task import CancelTimerTask, ContinueAsNewTask, TimerTask

_TIMER_STATES = {RUNNING: "started", FINISHED: "fired", CANCELLED: "canceled"}


class Affairs:
    """The affairs of one run, and its graph.

    `own` gives the node of a future of this run, `close` ends the run, `hand_on_up` says whether signals that are to
    be propagated go to the run's parent.
    """

    def __init__(
        self,
        values: Values,
        own: Callable[[Future[Any]], Node],
        close: Callable[[Close], None],
        hand_on_up: Callable[[], bool],
    ) -> None:
        self._values = values
        self._close = close
        self.graph = Graph(values, own, self.begin)
        self.signals = Signals(self.graph, values, hand_on_up)

    def begin(self, node: Node) -> End | None:
        """A task begins of which nothing is asked of the world; its end, where that is known at once."""
        match node.task:
            case WaitForSignal():
                return self.signals.wait(node)
            case ReceiveSignal():
                return self.signals.receive(node)
            case CancelTimerTask(timer_id=id):
                return self._cancel_timer(node, id)
            case ContinueAsNewTask() as task:
                version = task.workflow_version
                self._close(ContinueAsNew(task.workflow, node.input, version, self.signals.left))
        return None

    def _cancel_timer(self, node: Node, id: str) -> End:
        timer = self.graph.find(TIMER, id)
        if timer is None:
            return None, TaskFailed(node.id, f"no timer of this run has the id {id!r}"), FINISHED
        self.graph.cancel(timer)
        return None, None, FINISHED

    def markers(self, all: bool) -> list[Marker]:
        """The run's markers in program order; without `all`, the last one of each name."""
        recorded = [command for command in self.graph.facts if isinstance(command, RecordMarker)]
        if not all:
            last = {command.name: command for command in recorded}
            recorded = [command for command in recorded if last[command.name] is command]
        return [Marker(command.name, self._values.thaw(command.input)) for command in recorded]

    def details(self, type: str, name: str) -> dict[str, Any] | None:
        """What the run knows of its last signal or marker of that name, or of the timer with that id.

        Raises ValueError for another type.
        """
        if type == "signal":
            signal = self.signals.last.get(name)
            if signal is None:
                return None
            return {
                "type": type,
                "name": name,
                "state": "signaled",
                "input": self._values.thaw(signal.input),
                "timestamp": datetime.fromtimestamp(signal.time, UTC),
                **signal.details,
            }
        if type == MARKER:
            found = [marker for marker in self.markers(all=False) if marker.name == name]
            return {"type": type, "name": name, "state": "recorded", "details": found[-1].details} if found else None
        if type == TIMER:
            return self._timer(name)
        raise ValueError(f'there are details of a "signal", a "marker" and a "timer", not of {type!r}')

    def _timer(self, id: str) -> dict[str, Any] | None:
        node = self.graph.find(TIMER, id)
        if node is None:
            return None
        task = node.task
        assert isinstance(task, TimerTask)
        state = "start_failed" if node.error is not None and node.state == FINISHED else _TIMER_STATES[node.state]
        seconds = int(task.timeout)
        return {"type": TIMER, "id": id, "state": state, "start_to_fire_timeout": seconds, "control": task.control}
