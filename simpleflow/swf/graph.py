"""The graph of a run, as data to draw: its tasks, what else it waited for, and what came after what.

Tasks that are alike are folded into one node where they are many. It must not know how a graph is drawn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from simpleflow.command import OURS
from simpleflow.decider.repair import REUSED, tasks_of
from simpleflow.payload.codec import read_object
from simpleflow.protocol.parsed import Record
from simpleflow.swf.dependencies import Key, Kind, edges, is_ours
from simpleflow.swf.models.history import History
from simpleflow.swf.stats import instant, timing

MANY: Final = 20
"""More tasks than these that are alike are one node, unless all are asked for."""
REDUCED: Final = 2000
"""In a graph of more nodes, edges are shown though others say as much."""
RETRYING: Final = "waits to be retried"
AWAITED: Final = "awaited"

_WAIT: Final = f"_{OURS}wait-"
_RECEIVE: Final = f"_{OURS}receive-"
_PAUSE: Final = f"_{OURS}task_"
_SUBJECTS: Final = {"child": "child_workflow", "lambda": "lambda_function"}


@dataclass(frozen=True, slots=True)
class Node:
    """One task of a run, or several that are alike.

    Attributes:
        key: what names it in the graph: the type of its record, and its id.
        name: the name of its type; for timers, signals and markers, what they are called.
        states: in which states how many are.
        seconds: how long it ran, or they did together; None where that is not known.
        attempts: how many there were, of all.
        run: the workflow id and the run id of a child.
        inside: the graph of a child, where that is asked for.
    """

    key: Key
    name: str
    states: Counter[str]
    seconds: float | None = None
    attempts: int = 1
    run: tuple[str, str] | None = None
    inside: RunGraph | None = None

    @property
    def kind(self) -> str:
        return self.key[0]

    @property
    def count(self) -> int:
        return self.states.total()


@dataclass(frozen=True, slots=True)
class Arrow:
    """`after` came after `before`, or some of those that are folded there after some of these."""

    before: Key
    after: Key
    kind: Kind


@dataclass(frozen=True, slots=True)
class RunGraph:
    """The graph of a run. Nodes stand in the order in which they were asked for, arrows in that of their ends."""

    nodes: Sequence[Node]
    arrows: Sequence[Arrow]


def graph(history: History, *, all: bool = False, inside: Mapping[str, RunGraph] | None = None) -> RunGraph:
    """The graph of a run. `all`: every task is a node of its own. `inside` has the graphs of children by their run ids.

    Of a task that was tried several times its last attempt is shown.
    """
    found = {node.key: node for node in _nodes(history, inside or {})}
    told = {(edge.before, edge.after): edge.kind for edge in edges(history)}
    idle = _idle_timers(found, {before for before, _ in told})
    nodes = [node for key, node in found.items() if key not in idle]
    known = {node.key for node in nodes}
    pairs = {pair: kind for pair, kind in told.items() if known.issuperset(pair)}
    return _reduced(RunGraph(nodes, _arrows(pairs)) if all else _folded(nodes, pairs))


# -- what there is -------------------------------------------------------------------------------------------------


def _nodes(history: History, inside: Mapping[str, RunGraph]) -> Iterator[Node]:
    told = history.parsed
    own = {record["id"] for record in told.tasks if record["type"] != "signal"}
    for task in tasks_of((dict(event) for event in history.raw), ""):
        if task.status == REUSED and task.id not in own:
            name = task.id.rpartition("-")[0].removeprefix("activity-").removeprefix("workflow-") or task.id
            yield Node((_SUBJECTS.get(task.kind, task.kind), task.id), name, Counter([REUSED]))
    paused = {timer["control"]["task"] for timer in told.timers.values() if _is_pause(timer)}
    for record in _in_order(told):
        yield _node(record, paused, inside)
    for name, records in told.signal_lists.items():
        yield Node(("signal", name), name, Counter({"signaled": len(records)}))
    for name in _awaited(history):
        yield Node((AWAITED, name), name, Counter([AWAITED]))


def _in_order(told: Any) -> list[Record]:
    """What decisions asked for, as they did."""
    records: list[Record] = [record for record in told.tasks if record["type"] != "signal"]
    records += told.timers.values()
    records += told.external_workflows_signaling.values()
    for markers in told.markers.values():
        records += markers
    asked = (record for record in records if not is_ours(record))
    return sorted(asked, key=_place)


def _place(record: Record) -> int:
    """The id of the event that asked for it; of what was refused, that of the decision."""
    names = ("scheduled_id", "initiated_event_id", "started_event_id", "event_id", "decision_task_completed_event_id")
    return next((record[name] for name in names if record.get(name)), 0)


def _node(record: Record, paused: set[str], inside: Mapping[str, RunGraph]) -> Node:
    kind, state = record["type"], record["state"]
    if kind == "timer":
        seconds = record.get("start_to_fire_timeout")
        return Node((kind, record["id"]), _timer(record["id"]), Counter([state]), seconds)
    if kind == "marker":
        return Node((kind, record["event_id"]), record["name"], Counter([state]))
    if kind == "external_workflow":
        name = f"{record.get('signal_name')} to {record.get('workflow_id')}"
        return Node((kind, record["initiated_event_id"]), name, Counter([state]))
    times = timing(record)
    if record["id"] in paused:
        state = RETRYING
    run = None
    if kind == "child_workflow" and record.get("run_id"):
        run = record["id"], record["run_id"]
    return Node(
        (kind, record["id"]),
        times.name,
        Counter([state]),
        _ran(record) if kind == "child_workflow" else times.running,
        times.attempts,
        run,
        inside.get(run[1]) if run else None,
    )


def _ran(record: Record) -> float | None:
    times = timing(record)
    started = times.started or instant(record.get("initiated_event_timestamp"))
    return (times.ended - started).total_seconds() if started and times.ended else None


def _timer(id: str) -> str:
    """What a timer is called: those that waits have taken have no name of the user's."""
    if id.startswith(_WAIT):
        return "sleep or time limit"
    if id.startswith(_RECEIVE):
        return f"time limit for the signal {id.removeprefix(_RECEIVE).rpartition('-')[0]}"
    return id


def _is_pause(timer: Record) -> bool:
    open = timer["state"] == "started" and timer["id"].startswith(_PAUSE)
    return open and isinstance(timer.get("control"), dict) and "task" in timer["control"]


def _idle_timers(nodes: Mapping[Key, Node], befores: set[Key]) -> set[Key]:
    """Time limits that did not matter."""
    return {
        key
        for key, node in nodes.items()
        if key[0] == "timer"
        and str(key[1]).startswith((_WAIT, _RECEIVE))
        and key not in befores
        and node.states["started"] == 0
    }


def _awaited(history: History) -> list[str]:
    """The signals that an open run waits for, as its last decision says."""
    if history.finished:
        return []
    decided = [task for task in history.parsed.decision_tasks.values() if "completed_id" in task]
    said = read_object(decided[-1].get("execution_context")) if decided else {}
    return [str(name) for name in said.get("waiting_signals", ())]


# -- folding -------------------------------------------------------------------------------------------------------

Pairs = Mapping[tuple[Key, Key], Kind]


def _folded(nodes: Sequence[Node], pairs: Pairs) -> RunGraph:
    """The graph in which tasks of one name that are as far from the start are one node, where they are many; and all of
    one name, where they still are."""
    before: dict[Key, list[Key]] = {}
    for first, second in pairs:
        before.setdefault(second, []).append(first)
    far = _distances([node.key for node in nodes], before)
    homes: dict[Key, Key] = {}
    folds: dict[Key, list[Node]] = {}
    alike = _alike(nodes, lambda node: (node.kind, node.name, far[node.key]))
    left = _alike((group[0] for group in alike), lambda node: (node.kind, node.name))
    merged = {id(group[0]): group for group in alike}
    for same in left:
        members = [node for first in same for node in merged[id(first)]]
        for node in members:
            homes[node.key] = members[0].key
        folds[members[0].key] = members
    kinds: dict[tuple[Key, Key], set[Kind]] = {}
    for (first, second), kind in pairs.items():
        kinds.setdefault((homes[first], homes[second]), set()).add(kind)
    arrows = [Arrow(*pair, min(found, key=list(Kind).index)) for pair, found in kinds.items()]
    return RunGraph([_fold(folds[node.key]) for node in nodes if node.key in folds], arrows)


def _alike(nodes: Iterable[Node], what: Any) -> list[list[Node]]:
    """The nodes, those that are alike together where they are many."""
    groups: dict[Any, list[Node]] = {}
    for node in nodes:
        groups.setdefault(what(node), []).append(node)
    return [part for group in groups.values() for part in ([group] if len(group) > MANY else [[n] for n in group])]


def _fold(group: Sequence[Node]) -> Node:
    first = group[0]
    if len(group) == 1:
        return first
    states: Counter[str] = Counter()
    for node in group:
        states.update(node.states)
    known = [node.seconds for node in group if node.seconds is not None]
    attempts = sum(node.attempts for node in group)
    return Node(first.key, first.name, states, sum(known) if known else None, attempts)


def _distances(keys: Sequence[Key], before: Mapping[Key, Sequence[Key]]) -> dict[Key, int]:
    """How many edges the longest way to each node has. A cycle, which only a strange history has, counts as none."""
    far: dict[Key, int] = {}
    for key in keys:
        work, under_way = [key], set()
        while work:
            each = work[-1]
            missing = [other for other in before.get(each, ()) if other not in far and other not in under_way]
            if each not in far and missing:
                under_way.add(each)
                work += missing
                continue
            far[each] = max((far[other] + 1 for other in before.get(each, ()) if other in far), default=0)
            work.pop()
    return far


def _arrows(pairs: Pairs) -> list[Arrow]:
    return [Arrow(before, after, kind) for (before, after), kind in pairs.items()]


def _reduced(whole: RunGraph) -> RunGraph:
    """The graph without edges that others imply: what came only in order, by another way, too."""
    if len(whole.nodes) > REDUCED:
        return whole
    before: dict[Key, set[Key]] = {}
    for arrow in whole.arrows:
        before.setdefault(arrow.after, set()).add(arrow.before)
    kept = [
        arrow
        for arrow in whole.arrows
        if arrow.kind is Kind.ARGUMENT
        or arrow.before == arrow.after
        or not _leads(before, arrow.before, before[arrow.after] - {arrow.before, arrow.after}, arrow.after)
    ]
    return RunGraph(whole.nodes, kept)


def _leads(before: Mapping[Key, set[Key]], start: Key, ends: set[Key], past: Key) -> bool:
    """Whether a way leads from `start` to one of `ends` that does not pass `past`."""
    work, seen = list(ends), {past, *ends}
    while work:
        for key in before.get(work.pop(), ()):
            if key == start:
                return True
            if key not in seen:
                seen.add(key)
                work.append(key)
    return False
