"""The program of docs/how-to/tasks.md, as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from simpleflow.local import Executor

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "tasks.md"


@pytest.mark.parametrize(("sales", "total"), [([5, 7, 0], 12), ([5], 5)])
def test_the_program_is_right(sales: list[int], total: int) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    flows: dict[str, Any] = {"__name__": "flows_of_the_page"}
    exec(compile(program, str(PAGE), "exec"), flows)
    assert Executor(flows["Day"]).run([sales]) == total
