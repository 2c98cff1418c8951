"""What steps are written with."""

from __future__ import annotations

from typing import Any, Final

from simpleflow.constants import HOUR, MINUTE

STEP_ACTIVITY_PARAMS_DEFAULT: Final[dict[str, Any]] = {
    "schedule_to_start_timeout": 4 * HOUR,
    "start_to_close_timeout": MINUTE,
    "schedule_to_close_timeout": 4 * HOUR + MINUTE,
    "heartbeat_timeout": 3 * MINUTE,
    "task_priority": 100,
    "version": "1.0",
    "idempotent": True,
    "raises_on_failure": True,
    "retry": 1,
}
"""Options of the activities that read and write which steps are done; timeouts in seconds."""

UNKNOWN_CONTEXT: Final[dict[str, str]] = {"run_id": "unknown", "workflow_id": "unknown", "version": "unknown"}
"""What is kept with a step that was marked as done outside of a worker."""
