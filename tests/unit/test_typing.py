"""What mypy says of right and of wrong submits, line by line."""

from __future__ import annotations

import re
from pathlib import Path

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

class Sample(Workflow):
    def run(self, x: int) -> str:
        number: Future[int] = self.submit(increment, 1)
        again: Future[int] = self.submit(increment, number)
        text: Future[str] = self.submit(join, ["a", "b"], "-")
        keyword: Future[str] = self.submit(join, ["a", "b"], separator="-")
        nested: Future[str] = self.submit(join, [text, text])
        left_out: Future[str] = self.submit(join, ["a"])
        mapped: list[Future[int]] = self.map(increment, [1, 2])
        none: Future[None] = self.submit(nothing)
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


def test_submits_are_typed(tmp_path: Path) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text(SAMPLE)
    found, trouble, _ = api.run(["--strict", "--no-error-summary", "--cache-dir", str(tmp_path / "cache"), str(sample)])
    said = {
        (int(match[1]), match[2])
        for line in found.splitlines()
        if (match := re.fullmatch(r".*sample\.py:(\d+): error: .*\[([a-z-]+)\]", line))
    }
    expected = {
        (number, match[1])
        for number, line in enumerate(SAMPLE.splitlines(), 1)
        if (match := re.search(r"# error: ([a-z-]+)$", line))
    }
    assert said == expected, found + trouble
