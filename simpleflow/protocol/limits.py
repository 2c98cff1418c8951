"""The quotas and rates of Amazon SWF, as tables; the embedded engine enforces the quotas, and the rates if told to.

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
    pollers: int = 1_000
    """Polls that wait at once, for each task list."""


AWS_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket: so many calls at once, and so many more each second."""

    bucket: float
    refill: float


def _rates(bucket: float, refill: float, names: str) -> dict[str, Rate]:
    return dict.fromkeys(names.split(), Rate(bucket, refill))


#: Amazon's rates of operations and of decisions, for each account.
AWS_RATES: dict[str, Rate] = {
    **_rates(
        2000,
        200,
        "StartWorkflowExecution PollForActivityTask PollForDecisionTask RespondDecisionTaskCompleted "
        "RespondActivityTaskCompleted RespondActivityTaskFailed RespondActivityTaskCanceled StartTimer",
    ),
    **_rates(2000, 160, "RecordActivityTaskHeartbeat"),
    **_rates(2000, 60, "TerminateWorkflowExecution GetWorkflowExecutionHistory"),
    **_rates(2000, 30, "SignalWorkflowExecution RequestCancelWorkflowExecution"),
    **_rates(
        2000,
        6,
        "DescribeActivityType DescribeWorkflowType DescribeWorkflowExecution CountOpenWorkflowExecutions "
        "CountClosedWorkflowExecutions",
    ),
    **_rates(200, 48, "ListOpenWorkflowExecutions"),
    **_rates(200, 60, "RegisterActivityType RegisterWorkflowType"),
    **_rates(
        200,
        6,
        "ListClosedWorkflowExecutions ListActivityTypes ListWorkflowTypes DescribeDomain DeprecateActivityType "
        "DeprecateWorkflowType UndeprecateActivityType UndeprecateWorkflowType DeleteActivityType DeleteWorkflowType "
        "CountPendingActivityTasks CountPendingDecisionTasks",
    ),
    **_rates(100, 6, "RegisterDomain DeprecateDomain UndeprecateDomain ListDomains"),
    **_rates(50, 30, "ListTagsForResource TagResource UntagResource"),
    **_rates(1000, 200, "ScheduleActivityTask"),
    **_rates(1200, 120, "SignalExternalWorkflowExecution RequestCancelExternalWorkflowExecution"),
    **_rates(500, 12, "StartChildWorkflowExecution"),
}
