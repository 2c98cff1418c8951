"""Names and numbers of the object layer."""

from __future__ import annotations

from typing import Final

REGISTERED: Final = "REGISTERED"
DEPRECATED: Final = "DEPRECATED"

OPEN: Final = "OPEN"
CLOSED: Final = "CLOSED"

ALL: Final = "ALL"
"""In a query: whatever the status."""

MAX_WORKFLOW_AGE: Final = 366 + 90 + 1
"""Days for which an engine can know a run: a year open, 90 days kept, and a day for time zones."""

MAX_TAGS: Final = 5
"""Tags that a run can have."""
