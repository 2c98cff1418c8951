"""Another old path of `simpleflow.local`."""

from simpleflow.local import Executor

__all__ = ["Executor"]
