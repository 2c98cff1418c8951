"""The embedded SWF: Amazon's workflow service on one SQLite file, for any number of processes, without a daemon.

`Engine` has the methods of boto3's client. This room imports `simpleflow.protocol` and itself only; it has never
heard of a Workflow class, and gets its settings, its clock and its hooks as arguments.
"""

from simpleflow.engine.clock import Clock, SystemClock, VirtualClock
from simpleflow.engine.configuration import Configuration
from simpleflow.engine.engine import Engine
from simpleflow.engine.errors import EngineError

__all__ = ["Clock", "Configuration", "Engine", "EngineError", "SystemClock", "VirtualClock"]
