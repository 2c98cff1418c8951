"""The 39 operations of Amazon SWF, as one table, and the four that the embedded engine adds.

Amazon runs Lambda functions itself; where there is no Amazon, workers run them as they run activities. `MODELS` has the
four in the form of botocore's model, for its loaders to merge.
See https://docs.aws.amazon.com/amazonswf/latest/apireference/API_Operations.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: Amazon's name, boto3's method, the modelled faults, the shape of its answer ("" for none)."""

    name: str
    method: str = field(init=False)
    faults: tuple[str, ...]
    output: str
    paginated: bool = False

    def __init__(self, name: str, faults: str, output: str, paginated: bool = False) -> None:
        put = object.__setattr__  # the class is frozen, and its table is to stay readable
        put(self, "name", name)
        put(self, "method", re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower())
        put(self, "faults", tuple(f"{fault}Fault" for fault in faults.split()))
        put(self, "output", output)
        put(self, "paginated", paginated)


OPERATION_TABLE: tuple[Operation, ...] = (
    Operation(
        "CountClosedWorkflowExecutions",
        "UnknownResource OperationNotPermitted",
        "WorkflowExecutionCount",
    ),
    Operation(
        "CountOpenWorkflowExecutions",
        "UnknownResource OperationNotPermitted",
        "WorkflowExecutionCount",
    ),
    Operation("CountPendingActivityTasks", "UnknownResource OperationNotPermitted", "PendingTaskCount"),
    Operation("CountPendingDecisionTasks", "UnknownResource OperationNotPermitted", "PendingTaskCount"),
    Operation("DeleteActivityType", "UnknownResource TypeNotDeprecated OperationNotPermitted", ""),
    Operation("DeleteWorkflowType", "UnknownResource TypeNotDeprecated OperationNotPermitted", ""),
    Operation("DeprecateActivityType", "UnknownResource TypeDeprecated OperationNotPermitted", ""),
    Operation("DeprecateDomain", "UnknownResource DomainDeprecated OperationNotPermitted", ""),
    Operation("DeprecateWorkflowType", "UnknownResource TypeDeprecated OperationNotPermitted", ""),
    Operation("DescribeActivityType", "UnknownResource OperationNotPermitted", "ActivityTypeDetail"),
    Operation("DescribeDomain", "UnknownResource OperationNotPermitted", "DomainDetail"),
    Operation(
        "DescribeWorkflowExecution",
        "UnknownResource OperationNotPermitted",
        "WorkflowExecutionDetail",
    ),
    Operation("DescribeWorkflowType", "UnknownResource OperationNotPermitted", "WorkflowTypeDetail"),
    Operation(
        "GetWorkflowExecutionHistory",
        "UnknownResource OperationNotPermitted",
        "History",
        paginated=True,
    ),
    Operation(
        "ListActivityTypes",
        "OperationNotPermitted UnknownResource",
        "ActivityTypeInfos",
        paginated=True,
    ),
    Operation(
        "ListClosedWorkflowExecutions",
        "UnknownResource OperationNotPermitted",
        "WorkflowExecutionInfos",
        paginated=True,
    ),
    Operation("ListDomains", "OperationNotPermitted", "DomainInfos", paginated=True),
    Operation(
        "ListOpenWorkflowExecutions",
        "UnknownResource OperationNotPermitted",
        "WorkflowExecutionInfos",
        paginated=True,
    ),
    Operation(
        "ListTagsForResource",
        "UnknownResource LimitExceeded OperationNotPermitted",
        "ListTagsForResourceOutput",
    ),
    Operation(
        "ListWorkflowTypes",
        "OperationNotPermitted UnknownResource",
        "WorkflowTypeInfos",
        paginated=True,
    ),
    Operation("PollForActivityTask", "UnknownResource OperationNotPermitted LimitExceeded", "ActivityTask"),
    Operation(
        "PollForDecisionTask",
        "UnknownResource OperationNotPermitted LimitExceeded",
        "DecisionTask",
        paginated=True,
    ),
    Operation("RecordActivityTaskHeartbeat", "UnknownResource OperationNotPermitted", "ActivityTaskStatus"),
    Operation(
        "RegisterActivityType",
        "TypeAlreadyExists LimitExceeded UnknownResource OperationNotPermitted",
        "",
    ),
    Operation("RegisterDomain", "DomainAlreadyExists LimitExceeded OperationNotPermitted TooManyTags", ""),
    Operation(
        "RegisterWorkflowType",
        "TypeAlreadyExists LimitExceeded UnknownResource OperationNotPermitted",
        "",
    ),
    Operation("RequestCancelWorkflowExecution", "UnknownResource OperationNotPermitted", ""),
    Operation("RespondActivityTaskCanceled", "UnknownResource OperationNotPermitted", ""),
    Operation("RespondActivityTaskCompleted", "UnknownResource OperationNotPermitted", ""),
    Operation("RespondActivityTaskFailed", "UnknownResource OperationNotPermitted", ""),
    Operation("RespondDecisionTaskCompleted", "UnknownResource OperationNotPermitted", ""),
    Operation("SignalWorkflowExecution", "UnknownResource OperationNotPermitted", ""),
    Operation(
        "StartWorkflowExecution",
        "UnknownResource TypeDeprecated WorkflowExecutionAlreadyStarted LimitExceeded "
        "OperationNotPermitted DefaultUndefined",
        "Run",
    ),
    Operation("TagResource", "UnknownResource TooManyTags LimitExceeded OperationNotPermitted", ""),
    Operation("TerminateWorkflowExecution", "UnknownResource OperationNotPermitted", ""),
    Operation("UndeprecateActivityType", "UnknownResource TypeAlreadyExists OperationNotPermitted", ""),
    Operation("UndeprecateDomain", "UnknownResource DomainAlreadyExists OperationNotPermitted", ""),
    Operation("UndeprecateWorkflowType", "UnknownResource TypeAlreadyExists OperationNotPermitted", ""),
    Operation("UntagResource", "UnknownResource LimitExceeded OperationNotPermitted", ""),
)

EXTENSION_TABLE: tuple[Operation, ...] = (
    Operation("ListLambdaFunctions", "OperationNotPermitted", "LambdaFunctions"),
    Operation("PollForLambdaTask", "UnknownResource OperationNotPermitted LimitExceeded", "LambdaTask"),
    Operation("RespondLambdaTaskCompleted", "UnknownResource OperationNotPermitted", ""),
    Operation("RespondLambdaTaskFailed", "UnknownResource OperationNotPermitted", ""),
)

#: A search path of botocore's loaders.
MODELS = Path(__file__).with_name("models")
#: Amazon's operations by name.
OPERATIONS: dict[str, Operation] = {operation.name: operation for operation in OPERATION_TABLE}
#: Those and the embedded engine's own.
ALL_OPERATIONS: dict[str, Operation] = {operation.name: operation for operation in (*OPERATION_TABLE, *EXTENSION_TABLE)}
