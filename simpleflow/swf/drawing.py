"""The graph of a run as text that others draw: mermaid's, and Graphviz's DOT.

Every label is data of users: what could mean something to those who read the text is escaped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from simpleflow.decider.repair import REUSED
from simpleflow.swf.dependencies import Key, Kind
from simpleflow.swf.graph import AWAITED, RETRYING, Node, RunGraph
from simpleflow.swf.measure import short

LONGEST: Final = 40
"""Characters of a line of a label."""

_LOOKS: Final = {
    "done": ("#dcf0df", "#2e7d42", "solid"),
    "failed": ("#fbdedb", "#b3261e", "solid"),
    "canceled": ("#fdf0d0", "#a06a00", "solid"),
    "running": ("#dbe8fb", "#1f5fb0", "solid"),
    "waiting": ("#f1f1f1", "#6b6b6b", "dashed"),
    "reused": ("#e8f4ea", "#7fae88", "dashed"),
    "told": ("#f4eef9", "#7a4fa3", "solid"),
}
"""Each look's fill, line and text colour, and stroke: legible on light and on dark paper."""

_TEXT: Final = "#1b1b1b"

_OF_STATES: Final = {
    **dict.fromkeys(("completed", "fired", "signaled", "execution_signaled"), "done"),
    **dict.fromkeys(("failed", "timed_out", "terminated", "schedule_failed", "start_failed"), "failed"),
    **dict.fromkeys(("signal_execution_failed", "record_failed", "cancel_failed"), "failed"),
    "canceled": "canceled",
    "cancel_requested": "canceled",
    "started": "running",
    **dict.fromkeys(("scheduled", "start_initiated", "signal_execution_initiated", RETRYING, AWAITED), "waiting"),
    REUSED: "reused",
    "recorded": "told",
}
_WORST_FIRST: Final = ("failed", "running", "waiting", "canceled", "done", "reused", "told")
_WORDS: Final = {
    "timed_out": "timed out",
    "started": "running",
    "start_initiated": "to be started",
    "signal_execution_initiated": "being sent",
    "execution_signaled": "sent",
    "signal_execution_failed": "not sent",
    "schedule_failed": "refused",
    "start_failed": "refused",
    "cancel_requested": "to be cancelled",
    "signaled": "came",
    AWAITED: "waited for",
}
_KINDS: Final = {
    "child_workflow": "child",
    "lambda_function": "lambda",
    "external_workflow": "signal sent",
    AWAITED: "signal",
}
_MERMAID: Final = {
    "activity": ("[", "]"),
    "lambda_function": ("[", "]"),
    "child_workflow": ("[[", "]]"),
    "timer": ("([", "])"),
    "signal": ("{{", "}}"),
    AWAITED: ("{{", "}}"),
    "external_workflow": (">", "]"),
    "marker": ("[/", "/]"),
}
_DOT: Final = {
    "activity": "box",
    "lambda_function": "box",
    "child_workflow": "box3d",
    "timer": "ellipse",
    "signal": "hexagon",
    AWAITED: "hexagon",
    "external_workflow": "cds",
    "marker": "note",
}
_SPECIAL: Final = re.compile(r"[^\w .,:/()@%+=-]|^-|(?<=^\d)\.", re.ASCII)


def mermaid(graph: RunGraph, title: str) -> str:
    """The graph as a flowchart of mermaid. See https://mermaid.js.org/syntax/flowchart.html"""
    return "\n".join(_mermaid_lines(graph, title)) + "\n"


def dot(graph: RunGraph, title: str) -> str:
    """The graph in Graphviz's language. See https://graphviz.org/doc/info/lang.html"""
    return "\n".join(_dot_lines(graph, title)) + "\n"


def markdown(graph: RunGraph, title: str) -> str:
    """A page with the graph as mermaid, which code hosts draw."""
    return f"# {_in_markdown(title)}\n\n```mermaid\n{mermaid(graph, title)}```\n"


# -- what both have in common --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Drawn:
    """A graph whose nodes have names: ``n1``, and ``n1_2`` in the graph of a child."""

    graph: RunGraph
    prefix: str = "n"

    def __iter__(self) -> Iterator[tuple[str, Node]]:
        return ((f"{self.prefix}{number}", node) for number, node in enumerate(self.graph.nodes, 1))

    @property
    def names(self) -> dict[Key, str]:
        return {node.key: name for name, node in self}

    def edges(self) -> Iterator[tuple[str, str, bool]]:
        """Of each arrow: from, to, and whether it is only of order."""
        names = self.names
        for arrow in self.graph.arrows:
            yield names[arrow.before], names[arrow.after], arrow.kind is not Kind.ARGUMENT


def label(node: Node) -> list[str]:
    """The lines of a node's label: what it is, and how it stands.

    >>> from collections import Counter
    >>> label(Node(("activity", "activity-crawl-7"), "crawl", Counter(["completed"]), 2.0, attempts=2))
    ['crawl-7', 'completed, 2s, 2 attempts']
    """
    kind = _KINDS.get(node.kind, node.kind)
    lines = [] if node.kind == "activity" else [kind]
    if node.count > 1:
        states = ", ".join(f"{count:,} {_worded(state)}" for state, count in node.states.most_common())
        return [*lines, f"{_brief(node.name)} x {node.count:,}", states]
    told = [_worded(next(iter(node.states)))]
    if node.seconds is not None:
        told.append(short(node.seconds))
    if node.attempts > 1:
        told.append(f"{node.attempts} attempts")
    return [*lines, *_called(node), ", ".join(told)]


def _called(node: Node) -> list[str]:
    if node.kind not in ("activity", "child_workflow", "lambda_function"):
        return [_brief(node.name)]
    id = str(node.key[1]).removeprefix(f"{node.kind.partition('_')[0]}-")
    digest = id.removeprefix(f"{node.name}-")
    if re.fullmatch("[0-9a-f]{32}", digest):
        id = f"{node.name}-{digest[:8]}"
    return [_brief(id)] if id.startswith(node.name) else [_brief(node.name), _brief(id)]


def _worded(state: str) -> str:
    return _WORDS.get(state, state)


def _look(node: Node) -> str:
    found = {_OF_STATES.get(state, "told") for state in node.states}
    return next(look for look in _WORST_FIRST if look in found)


def _brief(text: str) -> str:
    """The text in one line; of a long one, beginning and end."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST // 2 - 1]}…{line[-LONGEST // 2 :]}"


# -- mermaid -------------------------------------------------------------------------------------------------------


def _mermaid_lines(graph: RunGraph, title: str) -> Iterator[str]:
    yield from ("---", f"title: {json.dumps(_clean(title), ensure_ascii=False)}", "---", "flowchart TD")
    yield from _mermaid_inside(Drawn(graph), "    ")
    for look, (fill, line, stroke) in _LOOKS.items():
        dashes = ",stroke-dasharray:4 3" if stroke == "dashed" else ""
        yield f"    classDef {look} fill:{fill},stroke:{line},color:{_TEXT}{dashes}"


def _mermaid_inside(drawn: Drawn, indent: str) -> Iterator[str]:
    for name, node in drawn:
        start, end = _MERMAID.get(node.kind, ("[", "]"))
        text = "<br/>".join(map(_escaped, label(node)))
        yield f'{indent}{name}{start}"{text}"{end}:::{_look(node)}'
        if node.inside is not None:
            inner = Drawn(node.inside, f"{name}_")
            yield f'{indent}subgraph {name}_inside["{_escaped(_brief(node.name))}"]'
            yield from _mermaid_inside(inner, indent + "    ")
            yield f"{indent}end"
            yield f"{indent}{name} -.-> {name}_inside"
    for before, after, order in drawn.edges():
        yield f"{indent}{before} {'-.->' if order else '-->'} {after}"


def _escaped(text: str) -> str:
    """The text with everything that could mean something as the number of its character."""
    return _SPECIAL.sub(lambda found: found[0] if ord(found[0]) > 0xA0 else f"#{ord(found[0])};", text)


def _in_markdown(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>#|&])", r"\\\1", " ".join(text.split()))


# -- DOT -----------------------------------------------------------------------------------------------------------


def _dot_lines(graph: RunGraph, title: str) -> Iterator[str]:
    yield "digraph run {"
    yield f"    label={_quoted(title)}; labelloc=t; fontname=Helvetica; bgcolor=white; compound=true; charset=UTF8;"
    yield '    node [fontname=Helvetica, fontsize=11, style=filled, margin="0.12,0.06"];'
    yield '    edge [fontname=Helvetica, fontsize=10, color="#555555", arrowsize=0.7];'
    yield from _dot_inside(Drawn(graph), "    ")
    yield "}"


def _dot_inside(drawn: Drawn, indent: str) -> Iterator[str]:
    for name, node in drawn:
        fill, line, stroke = _LOOKS[_look(node)]
        style = "filled,rounded" if _DOT.get(node.kind, "box") == "box" else "filled"
        style += ",dashed" if stroke == "dashed" else ""
        yield (
            f"{indent}{name} [label={_quoted(*label(node))}, tooltip={_quoted(str(node.key[1]))}, "
            f"shape={_DOT.get(node.kind, 'box')}, style={_quoted(style)}, "
            f"fillcolor={_quoted(fill)}, color={_quoted(line)}, fontcolor={_quoted(_TEXT)}];"
        )
        if node.inside is not None:
            yield f"{indent}subgraph cluster_{name} {{"
            yield f'{indent}    label={_quoted(_brief(node.name))}; color="#999999"; style=rounded;'
            inner = Drawn(node.inside, f"{name}_")
            yield from _dot_inside(inner, indent + "    ")
            yield f"{indent}}}"
            first = next(iter(inner), None)
            if first is not None:
                yield f"{indent}{name} -> {first[0]} [style=dotted, lhead=cluster_{name}];"
    for before, after, order in drawn.edges():
        yield f"{indent}{before} -> {after}{' [style=dashed]' if order else ''};"


def _quoted(*lines: str) -> str:
    """Lines as one quoted text."""
    return '"' + "\\n".join(_clean(line).replace("\\", "\\\\").replace('"', '\\"') for line in lines) + '"'


def _clean(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


FORMS: Final[dict[str, Callable[[RunGraph, str], str]]] = {"mermaid": mermaid, "dot": dot, "markdown": markdown}
"""The forms in which a graph is written."""
