"""Suspended runs, kept for their next decision. Speed, never truth: what is not here is read from its history."""

from __future__ import annotations

import math
from collections import OrderedDict

from simpleflow.decider.run import Run


class Cache:
    """The runs that were decided last, by run id. What falls out is closed, on the calling thread.

    At most `size` runs that take about `memory` bytes; the last one is kept however large it is.
    """

    def __init__(self, size: int, memory: float = math.inf) -> None:
        self._size = size
        self._memory = memory
        self._taken = 0  # bytes
        self._runs: OrderedDict[str, tuple[Run, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._runs)

    def take(self, run_id: str) -> Run | None:
        """Take a run out: it is put back once its decision is made, so that one that broke is never kept."""
        run, size = self._runs.pop(run_id, (None, 0))
        self._taken -= size
        return run

    def put(self, run_id: str, run: Run) -> None:
        size = run.size
        self._taken += size
        self._runs[run_id] = run, size
        while len(self._runs) > self._size or (self._taken > self._memory and len(self._runs) > 1):
            self.drop(next(iter(self._runs)))

    def drop(self, run_id: str) -> None:
        run = self.take(run_id)
        if run is not None:
            run.close()

    def clear(self) -> None:
        for run_id in list(self._runs):
            self.drop(run_id)
