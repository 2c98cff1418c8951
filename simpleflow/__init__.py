"""Durable dataflow programs in plain Python."""

from simpleflow import activity, constants, exceptions, futures, log, settings, task, workflow
from simpleflow.activity import Activity
from simpleflow.futures import Future
from simpleflow.log import logger
from simpleflow.runtime.start import start
from simpleflow.workflow import Workflow

__all__ = [
    "Activity",
    "Future",
    "Workflow",
    "activity",
    "constants",
    "exceptions",
    "futures",
    "log",
    "logger",
    "settings",
    "start",
    "task",
    "workflow",
]
