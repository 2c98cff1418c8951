"""Suspended runs, kept for their next decision. Speed, never truth: what is not here is read from its history."""

from __future__ import annotations

from collections import OrderedDict

from simpleflow.decider.run import Run


class Cache:
    """The `size` runs that were decided last, by run id. What falls out is closed, on the calling thread."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._runs: OrderedDict[str, Run] = OrderedDict()

    def __len__(self) -> int:
        return len(self._runs)

    def take(self, run_id: str) -> Run | None:
        """Take a run out: it is put back once its decision is made, so that one that broke is never kept."""
        return self._runs.pop(run_id, None)

    def put(self, run_id: str, run: Run) -> None:
        self._runs[run_id] = run
        while len(self._runs) > self._size:
            self._runs.popitem(last=False)[1].close()

    def drop(self, run_id: str) -> None:
        run = self._runs.pop(run_id, None)
        if run is not None:
            run.close()

    def clear(self) -> None:
        for run_id in list(self._runs):
            self.drop(run_id)
