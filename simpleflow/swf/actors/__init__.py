"""Deciders and activity workers, to inherit from: what they ask of the engine, without a loop of their own."""

from __future__ import annotations

from simpleflow.swf.actors.core import Actor
from simpleflow.swf.actors.decider import Decider
from simpleflow.swf.actors.worker import ActivityWorker

__all__ = ["ActivityWorker", "Actor", "Decider"]
