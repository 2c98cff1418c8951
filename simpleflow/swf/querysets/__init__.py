"""Queries for what an engine keeps: lazy, paged, and chainable."""

from __future__ import annotations

from simpleflow.swf.querysets.activity import ActivityTypeQuerySet
from simpleflow.swf.querysets.base import BaseQuerySet
from simpleflow.swf.querysets.decider import DeciderQuerySet
from simpleflow.swf.querysets.domain import DomainQuerySet
from simpleflow.swf.querysets.history import HistoryQuerySet
from simpleflow.swf.querysets.workflow import WorkflowExecutionQuerySet, WorkflowTypeQuerySet

__all__ = [
    "ActivityTypeQuerySet",
    "BaseQuerySet",
    "DeciderQuerySet",
    "DomainQuerySet",
    "HistoryQuerySet",
    "WorkflowExecutionQuerySet",
    "WorkflowTypeQuerySet",
]
