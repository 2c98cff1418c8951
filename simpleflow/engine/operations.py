"""The operations, by how they are carried out: as tables from Amazon's names to functions of a call and a request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from simpleflow.engine import executions, lambdas, listing, registration, tasks
from simpleflow.engine.call import ACTIVITY_LIST, DECISION_LIST, Call, Operation, Request, Response
from simpleflow.engine.reaching import LAMBDA_LIST
from simpleflow.protocol.checks import CHECKS as GENERATED

Try = Callable[[Call, Request], Response | None]


@dataclass(frozen=True, slots=True)
class Poll:
    """One try, the kind of its lists, the statement that looks into one, and the empty answer."""

    attempt: Try
    kind: str
    looks: str
    empty: Response = field(default_factory=lambda: {"startedEventId": 0})

    def list_of(self, request: Request) -> str:
        """The list that a request polls; Lambda functions have one for each domain."""
        name: str = request["taskList"]["name"] if "taskList" in request else LAMBDA_LIST
        return name


#: Calls of clients commit to the disk, what deciders and workers do could be done again (see `store`).
DURABLE: dict[str, Operation] = {
    "RegisterDomain": registration.register_domain,
    "DeprecateDomain": registration.deprecate_domain,
    "UndeprecateDomain": registration.undeprecate_domain,
    "TagResource": registration.tag_resource,
    "UntagResource": registration.untag_resource,
    "RegisterWorkflowType": registration.register_workflow_type,
    "DeprecateWorkflowType": registration.deprecate_workflow_type,
    "UndeprecateWorkflowType": registration.undeprecate_workflow_type,
    "DeleteWorkflowType": registration.delete_workflow_type,
    "RegisterActivityType": registration.register_activity_type,
    "DeprecateActivityType": registration.deprecate_activity_type,
    "UndeprecateActivityType": registration.undeprecate_activity_type,
    "DeleteActivityType": registration.delete_activity_type,
    "StartWorkflowExecution": executions.start_workflow_execution,
    "SignalWorkflowExecution": executions.signal_workflow_execution,
    "RequestCancelWorkflowExecution": executions.request_cancel_workflow_execution,
    "TerminateWorkflowExecution": executions.terminate_workflow_execution,
}
RESPONSES: dict[str, Operation] = {
    "RespondDecisionTaskCompleted": tasks.respond_decision_task_completed,
    "RespondActivityTaskCompleted": tasks.respond_activity_task_completed,
    "RespondActivityTaskFailed": tasks.respond_activity_task_failed,
    "RespondActivityTaskCanceled": tasks.respond_activity_task_canceled,
    "RecordActivityTaskHeartbeat": tasks.record_activity_task_heartbeat,
    "RespondLambdaTaskCompleted": lambdas.respond_lambda_task_completed,
    "RespondLambdaTaskFailed": lambdas.respond_lambda_task_failed,
}
READS: dict[str, Operation] = {
    "DescribeDomain": registration.describe_domain,
    "DescribeWorkflowType": registration.describe_workflow_type,
    "DescribeActivityType": registration.describe_activity_type,
    "DescribeWorkflowExecution": executions.describe_workflow_execution,
    "ListDomains": registration.list_domains,
    "ListLambdaFunctions": lambdas.list_lambda_functions,
    "ListWorkflowTypes": registration.list_workflow_types,
    "ListActivityTypes": registration.list_activity_types,
    "ListOpenWorkflowExecutions": listing.list_open_workflow_executions,
    "ListClosedWorkflowExecutions": listing.list_closed_workflow_executions,
    "ListTagsForResource": registration.list_tags_for_resource,
    "CountOpenWorkflowExecutions": listing.count_open_workflow_executions,
    "CountClosedWorkflowExecutions": listing.count_closed_workflow_executions,
    "GetWorkflowExecutionHistory": executions.get_workflow_execution_history,
    "CountPendingActivityTasks": tasks.count_pending_activity_tasks,
    "CountPendingDecisionTasks": tasks.count_pending_decision_tasks,
}
POLLS: dict[str, Poll] = {
    "PollForDecisionTask": Poll(
        tasks.poll_for_decision_task,
        DECISION_LIST,
        "next_decision",
        {"startedEventId": 0, "previousStartedEventId": 0},
    ),
    "PollForActivityTask": Poll(tasks.poll_for_activity_task, ACTIVITY_LIST, "next_task"),
    "PollForLambdaTask": Poll(lambdas.poll_for_lambda_task, ACTIVITY_LIST, "next_task"),
}
CHECKS: dict[str, Callable[[Request], None]] = {
    **GENERATED,
    "RespondDecisionTaskCompleted": tasks.check_decisions,
}
