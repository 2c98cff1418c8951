"""Durable dataflow programs in plain Python."""

from simpleflow import activity, canvas, constants, exceptions, futures, task, workflow
from simpleflow.activity import Activity
from simpleflow.futures import Future
from simpleflow.runtime.start import start
from simpleflow.workflow import Workflow

__all__ = [
    "Activity",
    "Future",
    "Workflow",
    "activity",
    "canvas",
    "constants",
    "exceptions",
    "futures",
    "start",
    "task",
    "workflow",
]
