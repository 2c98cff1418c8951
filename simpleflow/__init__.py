"""Durable dataflow programs in plain Python."""

from typing import TYPE_CHECKING

from simpleflow import activity, canvas, constants, exceptions, futures, log, settings, task, workflow
from simpleflow.activity import Activity
from simpleflow.futures import Future
from simpleflow.log import logger
from simpleflow.runtime.start import start
from simpleflow.workflow import Workflow

if TYPE_CHECKING:
    from simpleflow import download, execute, metrology, step, storage
else:

    def __getattr__(name):
        """What few programs use is imported when it is named."""
        if name not in ("download", "execute", "metrology", "step", "storage"):
            raise AttributeError(f"module 'simpleflow' has no attribute {name!r}")
        from importlib import import_module

        return import_module(f"simpleflow.{name}")


__all__ = [
    "Activity",
    "Future",
    "Workflow",
    "activity",
    "canvas",
    "constants",
    "download",
    "exceptions",
    "execute",
    "futures",
    "log",
    "logger",
    "metrology",
    "settings",
    "start",
    "step",
    "storage",
    "task",
    "workflow",
]
