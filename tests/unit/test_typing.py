"""What mypy says of right and of wrong submits, line by line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mypy import api

SAMPLE = """
from simpleflow import Future, Workflow, activity, futures

@activity.with_attributes()
def increment(x: int) -> int:
    return x + 1

@activity.with_attributes(retry=3)
def join(texts: list[str], separator: str = ",") -> str:
    return separator.join(texts)

@activity.with_attributes()
def shout(text: str) -> str:
    return text.upper()

@activity.with_attributes()
def nothing() -> None: ...

@activity.with_attributes()
async def fetched(x: int) -> str:
    return str(activity.context().attempt)

@activity.with_attributes()
class Doubling:
    def __init__(self, x: int, label: str = "") -> None:
        self.x = x

    def execute(self) -> int:
        return 2 * self.x

@activity.with_attributes()
class Fetching:
    async def execute(self) -> str:
        return ""

class Sample(Workflow):
    def run(self, x: int) -> str:
        doubled: Future[int] = self.submit(Doubling, 1)
        redoubled: Future[int] = self.submit(Doubling, doubled, "again")
        labelled: Future[int] = self.submit(Doubling, 1, label="again")
        each: list[Future[int]] = self.map(Doubling, [1, 2])
        every: list[Future[int]] = self.starmap(Doubling, [(1, "a")])
        fetching: Future[str] = self.submit(Fetching)
        made: Doubling = Doubling(1)
        self.submit(Doubling, "one")             # error: arg-type
        self.submit(Doubling, 1, 2)              # error: arg-type
        worse: Future[str] = self.submit(Doubling, 1)  # error: arg-type
        number: Future[int] = self.submit(increment, 1)
        again: Future[int] = self.submit(increment, number)
        text: Future[str] = self.submit(join, ["a", "b"], "-")
        keyword: Future[str] = self.submit(join, ["a", "b"], separator="-")
        nested: Future[str] = self.submit(join, [text, text])
        left_out: Future[str] = self.submit(join, ["a"])
        mapped: list[Future[int]] = self.map(increment, [1, 2])
        waiting: list[Future[int]] = self.map(increment, [number, again])
        none: Future[None] = self.submit(nothing)
        later: Future[str] = self.submit(fetched, 1)
        plain: int = increment(1)
        numbers: list[int] = futures.wait(number, again)
        value: int = number.result

        self.submit(increment, "one")            # error: arg-type
        self.submit(shout, number)               # error: arg-type
        self.submit(increment, text)             # error: arg-type
        self.submit(increment, 1, 2)             # error: arg-type
        self.submit(increment)                   # error: arg-type
        self.submit(join, [number, number])      # error: arg-type
        self.submit(join, ["a"], separator=1)    # error: arg-type
        wrong: Future[str] = self.submit(increment, 1)  # error: arg-type
        self.map(increment, ["one"])             # error: arg-type
        increment("one")                         # error: arg-type
        length: int = text.result                # error: assignment
        return text.result
"""

WAITS = """
from collections.abc import AsyncIterator
from datetime import timedelta

from simpleflow import Future, Workflow, activity, futures

@activity.with_attributes()
def increment(x: int) -> int:
    return x + 1

@activity.with_attributes()
def shout(text: str) -> str:
    return text.upper()

class Waits(Workflow):
    def run(self, x: int) -> str:
        number, text = self.submit(increment, 1), self.submit(shout, "a")
        numbers = self.map(increment, [1, 2])
        done, not_done = futures.wait(number, *numbers, return_when=futures.FIRST_COMPLETED)
        first: set[Future[int]] = done
        late: set[Future[int]] = futures.wait(numbers, timeout=timedelta(seconds=5)).not_done
        both = futures.wait(set(numbers), timeout=5, return_when=futures.ALL_COMPLETED)
        plain: list[int] = futures.wait(number, timeout=None)  # error: call-overload
        for future in futures.as_completed(numbers, timeout=1.5):
            value: int = future.result
        slept: None = self.sleep(5).result
        yes: bool = self.patched("x")

        futures.wait(numbers)                                # error: call-overload
        futures.wait(number, return_when="SOON")             # error: call-overload
        futures.wait(number, timeout="5")                    # error: call-overload
        wrong: set[Future[str]] = done                       # error: assignment
        futures.as_completed([1])                            # error: arg-type
        return text.result

class Coroutines(Workflow):
    async def helper(self, x: int) -> int:
        return await self.submit(increment, x)

    async def stream(self) -> AsyncIterator[str]:
        yield await self.submit(shout, "a")

    async def run(self, x: int) -> str:
        number, text = await futures.gather(self.helper(x), self.submit(shout, "a"))
        exact: int = number
        several: list[int] = await futures.gather(*[self.helper(n) for n in range(3)])
        failures = await futures.gather(self.helper(1), self.helper(2), return_exceptions=True)
        found: list[int | BaseException] = failures
        async for future in futures.as_completed(self.map(increment, [1, 2])):
            value: int = await future
        async for each in self.stream():
            said: str = each
        await self.sleep(5)

        wrong: str = await self.submit(increment, x)         # error: arg-type
        length: int = text                                   # error: assignment
        futures.gather(3)                                    # error: call-overload
        return text
"""


CANVASES = """
from typing import Any
from simpleflow import Future, Workflow, activity
from simpleflow.canvas import AggregateException, Chain, ChainFuture, FuncGroup, Group, GroupFuture

@activity.with_attributes()
def increment(x: int) -> int:
    return x + 1

class Total(GroupFuture):
    @property
    def result(self) -> Any:
        return sum(super().result)

class Totals(Group):
    default_future_class = Total

class Canvases(Workflow):
    def run(self, x: int) -> int:
        group = self.submit(Group((increment, x), increment, max_parallel=3, raises_on_failure=False))
        same: GroupFuture = group
        results: list[Any] = group.result
        members: list[Future[Any]] = group.futures
        chain = self.submit(Chain(increment, FuncGroup(Group, increment), Totals(), send_result=True))
        made: Future[Any] = self.submit(FuncGroup(lambda n: Group((increment, n)), x))
        done: int = chain.count_finished_activities
        error = group.exception
        if isinstance(error, AggregateException):
            places: list[Exception | None] = error.by_position
            flat: AggregateException = error.flatten()
        number: Future[int] = self.submit(increment, group)  # error: arg-type

        Group(max_parallel="3")                              # error: arg-type
        wrong: int = group.result                            # error: assignment
        return done
"""


@pytest.mark.parametrize("sample", [SAMPLE, WAITS, CANVASES], ids=["submits", "waits", "canvases"])
def test_workflows_are_typed(sample: str, tmp_path: Path) -> None:
    file = tmp_path / "sample.py"
    file.write_text(sample)
    found, trouble, _ = api.run(["--strict", "--no-error-summary", "--cache-dir", str(tmp_path / "cache"), str(file)])
    said = {
        (int(match[1]), match[2])
        for line in found.splitlines()
        if (match := re.fullmatch(r".*sample\.py:(\d+): error: .*\[([a-z-]+)\]", line))
    }
    expected = {
        (number, match[1])
        for number, line in enumerate(sample.splitlines(), 1)
        if (match := re.search(r"# error: ([a-z-]+)$", line))
    }
    assert said == expected, found + trouble
