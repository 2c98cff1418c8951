"""When processes count as live and as ready, of rows that are given."""

from __future__ import annotations

import pytest

from simpleflow.runtime.board import STATES, Row
from simpleflow.runtime.health import answer


@pytest.mark.parametrize(
    ("rows", "stopping", "live", "ready"),
    [
        ([("polling", 60), ("processing", 9)], False, 200, 200),
        ([("polling", 60), ("processing", 9999)], False, 200, 200),
        ([("polling", 121), ("processing", 9)], False, 503, 503),
        ([("polling", 1), ("deciding", 121)], False, 503, 503),
        ([("polling", 1), ("completing", 1), ("deciding", 1)], False, 200, 200),
        ([("polling", 1), ("starting", 1)], False, 200, 503),
        ([("polling", 1), ("starting", 121)], False, 503, 503),
        ([("polling", 1), ("gone", 1)], False, 200, 503),
        ([("polling", 1), ("retrying", 1)], False, 200, 503),
        ([("processing", 500), ("gone", 500)], True, 200, 503),
        ([("polling", 1)], True, 200, 503),
    ],
)
def test_verdicts(rows: list[tuple[str, float]], stopping: bool, live: int, ready: int) -> None:
    told = [Row(state, 7, seconds) for state, seconds in rows]
    assert {row.state for row in told} <= set(STATES)
    found = [answer(path, told, stopping, 120)[0] for path in ("/healthz", "/readyz?verbose")]
    assert found == [live, ready]


def test_the_body_says_why() -> None:
    _, body = answer("/healthz", [Row("polling", 7, 121.26), Row("processing", 8, 500)], False, 120)
    assert body == {
        "ok": False,
        "stopping": False,
        "loops": [
            {"state": "polling", "pid": 7, "seconds": 121.3, "late": True},
            {"state": "processing", "pid": 8, "seconds": 500, "late": False},
        ],
    }
    assert answer("/", [], False, 120) == (404, {"error": "there are /healthz and /readyz"})
