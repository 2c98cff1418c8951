"""Errors of the embedded engine itself: its file, its disk, its process. What a caller did wrong is a fault of
Amazon's instead (`simpleflow.protocol.faults`)."""

from __future__ import annotations


class EngineError(Exception):
    """The engine cannot work: one line that says what is wrong, where, and what to do next."""
