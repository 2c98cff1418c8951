"""The old place of what a workflow knows as its `executor`."""

from simpleflow.dataflow.program import Program as Executor

__all__ = ["Executor"]
