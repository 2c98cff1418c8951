"""Queries for activity types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simpleflow.swf.exceptions import ActivityTypeDoesNotExist
from simpleflow.swf.models.activity import ActivityType
from simpleflow.swf.querysets.base import TypeQuerySet


class ActivityTypeQuerySet(TypeQuerySet[ActivityType]):
    """Activity types of a domain, by name.

    `filter` takes `registration_status` - REGISTERED, which is the default, DEPRECATED or ALL - and `name`.
    """

    _model = ActivityType
    _plural = "activity types"
    _missing = ActivityTypeDoesNotExist

    def _listing(self) -> Callable[..., dict[str, Any]]:
        return self.list_activity_types
