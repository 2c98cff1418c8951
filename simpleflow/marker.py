"""Markers: what a workflow has recorded in its history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Marker:
    """A record: `details` is the value that was recorded, or None."""

    name: str
    details: Any = None

    def __repr__(self) -> str:
        return f"<Marker {self.name!r} details={self.details!r}>"
