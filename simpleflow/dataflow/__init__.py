"""The core: a run as a graph of tasks and a suspended program.

Events go in, commands come out. There is no clock here, no file, no socket, no JSON and nothing of Amazon SWF; the
functions that encode users' values are handed in.
"""

from simpleflow.dataflow.events import Cancelled, CancelRequested, Completed, Event, Failed, Signaled, Started
from simpleflow.dataflow.frames import raised_at
from simpleflow.dataflow.memory import Unremembered, mentions_blocking
from simpleflow.dataflow.program import Program

__all__ = [
    "CancelRequested",
    "Cancelled",
    "Completed",
    "Event",
    "Failed",
    "Program",
    "Signaled",
    "Started",
    "Unremembered",
    "mentions_blocking",
    "raised_at",
]
