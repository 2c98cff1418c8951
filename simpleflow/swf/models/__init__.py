"""What an engine keeps, as frozen values: domains, types, runs, deciders; events, histories and decisions of runs."""

from __future__ import annotations

from simpleflow.swf.models.activity import ActivityTask, ActivityType
from simpleflow.swf.models.base import BaseModel, Difference, ModelDiff
from simpleflow.swf.models.decider import Decider
from simpleflow.swf.models.domain import Domain
from simpleflow.swf.models.event import Event, EventFactory
from simpleflow.swf.models.history import History
from simpleflow.swf.models.workflow import CHILD_POLICIES, WorkflowExecution, WorkflowType

__all__ = [
    "CHILD_POLICIES",
    "ActivityTask",
    "ActivityType",
    "BaseModel",
    "Decider",
    "Difference",
    "Domain",
    "Event",
    "EventFactory",
    "History",
    "ModelDiff",
    "WorkflowExecution",
    "WorkflowType",
]
