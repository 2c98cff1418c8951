"""The quotas of Amazon SWF, as one table that the embedded engine enforces.

The lengths of single strings are part of the service's model and stand in `simpleflow.protocol.checks`.
See https://docs.aws.amazon.com/amazonswf/latest/developerguide/swf-dg-limits.html
"""

from __future__ import annotations

from dataclasses import dataclass

DAY = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Limits:
    """Quotas. Counts are numbers of things, times are seconds, sizes are bytes."""

    domains: int = 100
    workflow_types: int = 10_000
    """For each domain, with the deprecated ones."""
    activity_types: int = 10_000
    open_executions: int = 100_000
    """For each domain."""
    events: int = 25_000
    """For each execution; the last one is then WorkflowExecutionTerminated, EVENT_LIMIT_EXCEEDED."""
    open_activities: int = 1_000
    """For each execution, as the next three."""
    open_timers: int = 1_000
    open_children: int = 1_000
    open_lambdas: int = 1_000
    page_size: int = 1_000
    request_size: int = 1024 * 1024
    execution_seconds: int = 365 * DAY
    token_seconds: int = DAY
    """For how long the token of a next page is good."""
    domain_tags: int = 50


AWS_LIMITS = Limits()
