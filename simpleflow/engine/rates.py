"""Throttling by token buckets, one for each operation or decision that has a rate.

The buckets are those of one engine object: processes that share a file do not share them.
"""

from __future__ import annotations

from collections.abc import Mapping

from simpleflow.protocol.limits import Rate


class Buckets:
    """Token buckets, full at first. Not for several threads at once."""

    def __init__(self, rates: Mapping[str, Rate]) -> None:
        self._rates = dict(rates)
        self._left = {name: (rate.bucket, 0.0) for name, rate in rates.items()}

    def take(self, name: str, now: float) -> bool:
        """Take a token at an instant in seconds. False if there is none; True where there is no rate."""
        rate = self._rates.get(name)
        if rate is None:
            return True
        left, at = self._left[name]
        left = min(rate.bucket, left + max(0.0, now - at) * rate.refill)  # a clock may go back
        enough = left >= 1
        self._left[name] = (left - enough, now)
        return enough
