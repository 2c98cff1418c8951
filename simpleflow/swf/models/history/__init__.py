"""Histories of runs; `builder` makes them up for tests."""

from __future__ import annotations

from simpleflow.swf.models.history.base import History

__all__ = ["History"]
