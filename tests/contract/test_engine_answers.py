"""Walks the answers of botocore's model: every member of each of them is given, and every value of an enumeration.

Events are walked in `test_engine_events`.
"""

from __future__ import annotations

from typing import Any

from simpleflow.engine import Engine, VirtualClock
from simpleflow.protocol.operations import OPERATIONS
from simpleflow.testing.contract.checked import DOMAIN, Checked
from simpleflow.testing.contract.swf import ACTIVITY, TYPE, Swf, decision

EVER = {"startTimeFilter": {"oldestDate": 0}}
POLICIES = ("TERMINATE", "REQUEST_CANCEL", "ABANDON")
ROLE = "arn:aws:iam::1:role/r"


class Noting(Checked):
    """A client that notes what it is answered: Shape.member, and Shape.member=value of what is enumerated."""

    def __init__(self, client: Any, model: Any) -> None:
        super().__init__(client)
        self.shapes = {each.method: model.operation_model(name).output_shape for name, each in OPERATIONS.items()}
        self.seen: set[str] = set()

    def __getattr__(self, method: str) -> Any:
        function = super().__getattr__(method)
        shape = self.shapes.get(method)
        if shape is None:
            return function

        def call(**request: Any) -> Any:
            answer = function(**request)
            self.note(shape, answer)
            return answer

        return call

    def note(self, shape: Any, value: Any) -> None:
        if shape.type_name == "list":
            for item in value:
                self.note(shape.member, item)
        elif shape.type_name == "structure" and shape.name != "HistoryEvent":
            for name, given in value.items():
                self.seen.add(f"{shape.name}.{name}")
                if getattr(shape.members[name], "enum", None):
                    self.seen.add(f"{shape.name}.{name}={given}")
                self.note(shape.members[name], given)


def wanted(shape: Any) -> set[str]:
    """All that an answer of this shape can hold."""
    if shape is None or shape.name == "HistoryEvent":
        return set()
    if shape.type_name == "list":
        return wanted(shape.member)
    found = set()
    for name, member in (shape.members if shape.type_name == "structure" else {}).items():
        found |= {f"{shape.name}.{name}", *wanted(member)}
        found |= {f"{shape.name}.{name}={value}" for value in getattr(member, "enum", None) or ()}
    return found


def registered(client: Any) -> None:
    """Domains and types with all that they can have, described and listed."""
    client.register_domain(
        name="new", workflowExecutionRetentionPeriodInDays="1", description="d", tags=[{"key": "k", "value": "v"}]
    )
    client.register_domain(name="old", workflowExecutionRetentionPeriodInDays="1")
    client.deprecate_domain(name="old")
    arn = client.describe_domain(name="new")["domainInfo"]["arn"]
    client.list_tags_for_resource(resourceArn=arn)
    given: dict[str, Any] = {"domain": "new", "description": "d", "defaultTaskPriority": "1"}
    given |= {"defaultTaskList": {"name": "l"}, "defaultTaskStartToCloseTimeout": "9"}
    workflow = {"defaultExecutionStartToCloseTimeout": "9", "defaultLambdaRole": ROLE}
    names = ("Heartbeat", "ScheduleToStart", "ScheduleToClose")
    activity = {f"defaultTask{name}Timeout": "NONE" for name in names}
    for kind, more in (("workflow", workflow), ("activity", activity)):
        for policy in POLICIES:
            more |= {"defaultChildPolicy": policy} if kind == "workflow" else {}
            getattr(client, f"register_{kind}_type")(name="n", version=policy, **given, **more)
            named = {"domain": "new", f"{kind}Type": {"name": "n", "version": policy}}
            getattr(client, f"describe_{kind}_type")(**named)
        getattr(client, f"deprecate_{kind}_type")(**named)
        for status in ("REGISTERED", "DEPRECATED"):
            one = {"domain": "new", "registrationStatus": status, "maximumPageSize": 1}
            getattr(client, f"list_{kind}_types")(**one)
    for status in ("REGISTERED", "DEPRECATED"):
        client.list_domains(registrationStatus=status, maximumPageSize=1)


def closed(swf: Swf, clock: VirtualClock) -> None:
    """Runs that end in every way, and one that is open, described and listed."""
    for name in ("Complete", "Fail", "Cancel", "ContinueAsNew"):
        swf.start(name)
        swf.decide({"decisionType": f"{name}WorkflowExecution"})
    swf.client.terminate_workflow_execution(domain=DOMAIN, workflowId="ContinueAsNew")
    swf.start("TimedOut", executionStartToCloseTimeout="1")
    clock.advance(2)
    child = {"workflowId": "child", "workflowType": TYPE, "tagList": ["t"], "lambdaRole": ROLE, "taskPriority": "1"}
    for policy in POLICIES:
        swf.describe(swf.start(policy, childPolicy=policy, taskList={"name": "elsewhere"}))
    execution = swf.start("parent")
    started = decision("StartChildWorkflowExecution", taskList={"name": "children"}, **child)
    swf.decide(swf.schedule(input="i"), started, executionContext="here")
    swf.describe(execution)
    task = swf.poll_decision(taskList={"name": "children"}, maximumPageSize=1)
    swf.describe(task["workflowExecution"])
    swf.client.list_open_workflow_executions(domain=DOMAIN, **EVER, maximumPageSize=1)
    swf.client.list_closed_workflow_executions(domain=DOMAIN, **EVER, maximumPageSize=5)
    swf.client.list_closed_workflow_executions(domain=DOMAIN, **EVER)
    swf.client.get_workflow_execution_history(domain=DOMAIN, execution=execution, maximumPageSize=1)


def counted(swf: Swf) -> None:
    for method in ("open", "closed"):
        getattr(swf.client, f"count_{method}_workflow_executions")(domain=DOMAIN, **EVER)
    for method in ("activity", "decision"):
        getattr(swf.client, f"count_pending_{method}_tasks")(domain=DOMAIN, taskList={"name": "l"})
    task = swf.poll_activity()
    assert task["activityType"] == ACTIVITY
    swf.client.record_activity_task_heartbeat(taskToken=task["taskToken"])


def test_every_member_of_every_answer(clock: VirtualClock, model: Any) -> None:
    with Engine(None, clock=clock, long_poll_seconds=0) as engine:
        swf = Swf(client := Noting(engine, model))
        registered(client)
        closed(swf, clock)
        counted(swf)
    every = set().union(*(wanted(model.operation_model(name).output_shape) for name in OPERATIONS))
    missing = sorted(every - client.seen)
    assert not missing, f"missing: {missing}"
