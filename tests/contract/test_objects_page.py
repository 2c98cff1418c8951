"""Every example of docs/how-to/objects.md, as it stands."""

from __future__ import annotations

import doctest
from collections.abc import Iterator
from pathlib import Path

import pytest

from simpleflow.swf import settings
from simpleflow.swf.core import disconnect

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "objects.md"


@pytest.fixture(autouse=True)
def afterwards() -> Iterator[None]:
    yield
    settings.clear()
    disconnect()


def test_the_page_is_right() -> None:
    said: list[str] = []
    parsed = doctest.DocTestParser().get_doctest(PAGE.read_text(encoding="utf-8"), {}, PAGE.name, str(PAGE), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    failed, tried = runner.run(parsed, out=said.append)
    assert not failed, "".join(said)
    assert tried > 40
