"""Durable dataflow programs in plain Python."""

from typing import TYPE_CHECKING

from simpleflow import activity, canvas, constants, exceptions, futures, log, marker, signal, task, workflow
from simpleflow.activity import Activity
from simpleflow.futures import Future
from simpleflow.log import logger
from simpleflow.signal import WaitForSignal
from simpleflow.workflow import Workflow

if TYPE_CHECKING:
    from simpleflow import download, execute, local, metrology, settings, step, storage, swf
    from simpleflow.runtime.start import start

    __version__: str
else:

    def __getattr__(name):
        """What the modules of workflows do not use is imported when it is named."""
        if name == "__version__":
            from importlib.metadata import version

            return version("simpleflow")
        if name not in ("download", "execute", "local", "metrology", "settings", "start", "step", "storage", "swf"):
            raise AttributeError(f"module 'simpleflow' has no attribute {name!r}")
        from importlib import import_module

        if name == "start":
            return import_module("simpleflow.runtime.start").start
        return import_module(f"simpleflow.{name}")


__all__ = [
    "Activity",
    "Future",
    "WaitForSignal",
    "Workflow",
    "activity",
    "canvas",
    "constants",
    "download",
    "exceptions",
    "execute",
    "futures",
    "local",
    "log",
    "logger",
    "marker",
    "metrology",
    "settings",
    "signal",
    "start",
    "step",
    "storage",
    "swf",
    "task",
    "workflow",
]
