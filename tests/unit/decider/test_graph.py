"""The graph of a run as it is drawn: what is folded, how things stand, and that nothing of users' means anything."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from town import Town

from simpleflow import Workflow, activity, futures
from simpleflow.retry import Retry
from simpleflow.swf.drawing import dot, label, markdown, mermaid
from simpleflow.swf.graph import RunGraph, graph
from simpleflow.swf.models.history import History

WILD = "1. end \"x\" <script>[a] {b} 'c' \\ `d` #9; ünï"


@activity.with_attributes(name="crawl", version="1")
def crawl(number: int) -> int:
    if number == 3:
        raise ValueError("no")
    return number


@activity.with_attributes(name=WILD, version="1")
def wild(*values: Any) -> int:
    return 1


@activity.with_attributes(name="again", version="1", retry=Retry(initial=60))
def again() -> int:
    raise ValueError("no")


class Child(Workflow):
    name, version = "child", "1"

    def run(self) -> int:
        return int(self.submit(wild).result)


def _graph_of(town: Town, run: Callable[[Any], Any], **options: Any) -> RunGraph:
    life = type("Life", (Workflow,), {"name": "life", "version": "1", "run": run})
    execution = town.start(life)
    town.settle()
    return graph(History.from_event_list(town.events(execution)), **options)


@pytest.fixture
def town() -> Any:
    made = Town()
    yield made
    made.close()


def crawling(self: Any) -> None:
    first = self.submit(wild)
    pages = self.map(crawl, range(30))
    futures.wait(pages, return_when="ALL_COMPLETED")
    self.submit(wild, [page.exception is None for page in pages], first).result


def test_what_is_alike_is_one_node_where_it_is_many(town: Town) -> None:
    found = _graph_of(town, crawling)
    assert [label(node)[-1].partition(",")[0] for node in found.nodes] == ["completed", "29 completed", "completed"]
    assert label(found.nodes[1]) == ["crawl x 30", "29 completed, 1 failed"]
    assert [(arrow.before[1][-2:], arrow.kind.value) for arrow in found.arrows] == [("-1", "argument"), ("-1", "order")]


def test_all_are_nodes_where_that_is_asked_for(town: Town) -> None:
    found = _graph_of(town, crawling, all=True)
    assert len(found.nodes) == 32 and len(found.arrows) == 31


def test_a_long_chain_is_one_node_that_follows_itself(town: Town) -> None:
    def run(self: Any) -> None:
        last = self.submit(wild)
        for _ in range(40):
            last = self.submit(wild, last)
        last.result

    found = _graph_of(town, run)
    assert [node.count for node in found.nodes] == [41]
    assert [arrow.before == arrow.after for arrow in found.arrows] == [True]


def test_an_arrow_that_another_way_implies_is_left_out(town: Town) -> None:
    def run(self: Any) -> None:
        first = self.submit(crawl, 1)
        first.result
        second = self.submit(crawl, 2)
        self.submit(crawl, second).result

    assert [(one.before[1], one.after[1]) for one in _graph_of(town, run).arrows] == [
        ("activity-crawl-1", "activity-crawl-2"),
        ("activity-crawl-2", "activity-crawl-3"),
    ]


def test_it_shows_how_things_stand(town: Town) -> None:
    def run(self: Any) -> None:
        self.submit(self.record_marker("note", 1))
        self.submit(Child).result
        self.submit(again)
        self.submit(self.start_timer("bell", 90))
        self.receive("go", timeout=3600).result

    found = _graph_of(town, run)
    assert [(node.kind, *label(node)) for node in found.nodes] == [
        ("marker", "marker", "note", "recorded"),
        ("child_workflow", "child", *label(found.nodes[1])[1:]),
        ("activity", "again-1", "waits to be retried, 0s"),
        ("timer", "timer", "bell", "running, 1m30s"),
        ("timer", "timer", "time limit for the signal go", "running, 1h"),
        ("awaited", "signal", "go", "waited for"),
    ]


def test_the_graph_of_a_child_stands_in_it(town: Town) -> None:
    def run(self: Any) -> None:
        self.submit(Child).result

    found = _graph_of(town, run)
    (child,) = found.nodes
    assert child.run is not None
    events = town.events(dict(zip(("workflowId", "runId"), child.run, strict=True)))
    inner = graph(History.from_event_list(events))
    history = History.from_event_list(town.events({"workflowId": "w", "runId": _run_id(town)}))
    whole = graph(history, inside={child.run[1]: inner})
    assert "subgraph n1_inside[" in mermaid(whole, "t") and "subgraph cluster_n1 {" in dot(whole, "t")


def _run_id(town: Town) -> str:
    since = {"oldestDate": 0}
    for info in town.engine.list_closed_workflow_executions(domain="D", startTimeFilter=since)["executionInfos"]:
        if info["execution"]["workflowId"] == "w":
            return str(info["execution"]["runId"])
    raise LookupError


NODE = re.compile(r'    (n\d+)(\[|\[\[|\(\[|\{\{|>|\[/)"([^"]*)"(\]|\]\]|\]\)|\}\}|/\]):::\w+')
ARROW = re.compile(r"    (n\d+) (-->|-\.->) (n\d+)")
CLASS = re.compile(r"    classDef \w+ fill:#\w{6},stroke:#\w{6},color:#\w{6}(,stroke-dasharray:4 3)?")


def test_no_text_of_a_user_means_anything_to_mermaid(town: Town) -> None:
    first, title, last, kind, *lines = mermaid(_graph_of(town, crawling), f"{WILD}\n---\n").splitlines()
    assert (first, last, kind) == ("---", "---", "flowchart TD")
    assert title.startswith('title: "1. end \\"x\\" <script>') and title.endswith('"')
    for line in lines:
        assert NODE.fullmatch(line) or ARROW.fullmatch(line) or CLASS.fullmatch(line), line
    text = NODE.fullmatch(lines[0])
    assert text is not None and not set(text[3].replace("<br/>", "")) & set("<>[]{}\\`")
    assert text[3].startswith("1#46; end #34;x#34; ")


def test_no_text_of_a_user_means_anything_to_graphviz(town: Town) -> None:
    quoted = r'"(?:[^"\\]|\\["\\n])*"'
    attribute = rf"\w+=(?:{quoted}|[\w.]+)"
    statement = rf"(?:\w+|n\d+ -> n\d+)(?: \[{attribute}(?:, {attribute})*\])?;|{attribute}(?:; {attribute})*;"
    first, *lines, last = dot(_graph_of(town, crawling), f"{WILD}\n").splitlines()
    assert (first, last) == ("digraph run {", "}")
    for line in lines:
        assert re.fullmatch(statement, line.strip()), line


def test_a_page_holds_the_graph_as_mermaid(town: Town) -> None:
    text = markdown(_graph_of(town, crawling), "a <b>_c_")
    assert text.startswith("# a \\<b\\>\\_c\\_\n\n```mermaid\n---\n") and text.endswith("\n```\n")
