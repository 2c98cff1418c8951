"""Runs in this process: what is used of `simpleflow.runtime.local`."""

from simpleflow.runtime.local import Executor

__all__ = ["Executor"]
