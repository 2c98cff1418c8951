"""Token buckets."""

from __future__ import annotations

from simpleflow.engine.rates import Buckets
from simpleflow.protocol.limits import Rate


def test_a_bucket() -> None:
    buckets = Buckets({"a": Rate(2, 0.5)})
    assert [buckets.take("a", 100) for _ in range(3)] == [True, True, False]
    assert [buckets.take("a", 101), buckets.take("a", 102), buckets.take("a", 102)] == [False, True, False]
    assert [buckets.take("a", 1000) for _ in range(3)] == [True, True, False], "it does not run over"
    assert [buckets.take("a", 900), buckets.take("a", 902)] == [False, True], "a clock that goes back takes nothing"
    assert all(buckets.take("b", 0) for _ in range(1000)), "what has no rate"
