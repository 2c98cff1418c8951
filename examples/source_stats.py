"""A real job: what the Python standard library is made of, counted over all of its sources in batches.

simpleflow standalone --domain TestDomain examples.source_stats.SourceStats
"""

import ast
import sysconfig
import warnings
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from simpleflow import Workflow, activity, futures

Counts = list[int]
"""Of a package: files, lines, functions, classes, and files that cannot be parsed."""

NOT_OURS = {"site-packages", "dist-packages", "__pycache__"}


@cache
def sources() -> list[Path]:
    """The standard library's sources, relative to where it lies: each worker looks for itself."""
    root = Path(sysconfig.get_path("stdlib"))
    found = (path.relative_to(root) for path in root.rglob("*.py"))
    return sorted(path for path in found if not NOT_OURS.intersection(path.parts))


@activity.with_attributes(task_list="quickstart", version="example")
def count_sources() -> int:
    return len(sources())


@activity.with_attributes(task_list="quickstart", version="example", retry=1)
def measure(first: int, end: int) -> dict[str, Counts]:
    """Measure the sources from number `first` up to `end`, and give the counts of each package."""
    root = Path(sysconfig.get_path("stdlib"))
    packages: dict[str, Counts] = {}
    for path in sources()[first:end]:
        add(packages, path.parts[0].removesuffix(".py"), counts((root / path).read_bytes()))
    return packages


def counts(source: bytes) -> Counts:
    lines = source.count(b"\n")
    try:
        with warnings.catch_warnings(action="ignore"):
            found = Counter(map(type, statements(ast.parse(source))))
    except (SyntaxError, ValueError, RecursionError):  # some sources are wrong on purpose, to test tools with
        return [1, lines, 0, 0, 1]
    return [1, lines, found[ast.FunctionDef] + found[ast.AsyncFunctionDef], found[ast.ClassDef], 0]


def statements(tree: ast.AST) -> Iterator[ast.AST]:
    """All statements; expressions, most of a tree, hold no definitions and are left out."""
    todo = [tree]
    while todo:
        node = todo.pop()
        yield node
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            todo += getattr(node, field, ())


def add(packages: dict[str, Counts], name: str, more: Counts) -> None:
    packages[name] = [a + b for a, b in zip(packages.get(name, [0] * 5), more, strict=True)]


class SourceStats(Workflow):
    name = "source_stats"
    version = "example"
    task_list = "example"

    def run(self, batch: int = 50) -> dict[str, int]:
        number = self.submit(count_sources).result
        parts = [self.submit(measure, first, min(first + batch, number)) for first in range(0, number, batch)]

        packages: dict[str, Counts] = {}
        for part in futures.wait(*parts):
            for name, found in part.items():
                add(packages, name, found)
        largest = sorted(packages, key=lambda name: (-packages[name][1], name))[:10]
        print(f"{'package':16}{'files':>8}{'lines':>10}{'functions':>11}{'classes':>9}{'unparsable':>12}")
        for name in largest:
            files, lines, functions, classes, unparsable = packages[name]
            print(f"{name:16}{files:8,}{lines:10,}{functions:11,}{classes:9,}{unparsable:12,}")
        total = [sum(column) for column in zip(*packages.values(), strict=True)]
        return dict(zip(("files", "lines", "functions", "classes", "unparsable"), total, strict=True))
