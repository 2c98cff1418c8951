"""Walks botocore's model: whatever an operation or a decision can come to is made to happen here, or is missing.

A scenario is registered for an operation or a decision and an outcome: "" is success, else a fault or a cause. It
must bring that about, as a recording client sees it; the tests at the end hold the registry against the model.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simpleflow.engine import Configuration, Engine, VirtualClock
from simpleflow.protocol.decisions import DECISIONS
from simpleflow.protocol.events import EVENTS
from simpleflow.protocol.faults import code_of
from simpleflow.protocol.history import attributes
from simpleflow.protocol.limits import Limits, Rate
from simpleflow.protocol.operations import ALL_OPERATIONS
from simpleflow.testing.contract.checked import DOMAIN, Checked
from simpleflow.testing.contract.swf import ACTIVITY, TYPE, Swf

ARN = "arn:aws:swf:local:000000000000:/domain/"
BARE = {"name": "bare", "version": "1"}
OLD = {"name": "old", "version": "1"}
GONE = {"name": "gone", "version": "1"}
TIME = {"startTimeFilter": {"oldestDate": 0}}


class World:
    """A file with two engines: `swf` to prepare things with, `engine` to call and record, which has the settings."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = VirtualClock()
        self.swf = Swf.__new__(Swf)  # the file has its domain and types
        self.swf.client = self.open()
        self.outcomes: set[tuple[str, str]] = set()
        self.runs: list[dict[str, str]] = []
        self.seen: set[str] = set()

    def open(self, **configuration: Any) -> Any:
        settings = Configuration(**{"lambdas": {"f": "module:f"}, **configuration})
        self.engine: Any = Engine(self.path, clock=self.clock, long_poll_seconds=0, configuration=settings)
        return self.engine

    def close(self) -> None:
        self.swf.client.close()

    def call(self, operation: str, **request: Any) -> Any:
        """Call, and note what came of it."""
        checked = Checked(self.engine)
        try:
            answer = getattr(checked, ALL_OPERATIONS[operation].method)(**request)
        except ClientError as error:
            self.outcomes.add((operation, code_of(error)))
            return {}
        self.outcomes.add((operation, ""))
        return answer

    def start(self, workflow_id: str = "w-1", **given: Any) -> dict[str, str]:
        execution = self.swf.start(workflow_id, **given)
        self.runs.append(execution)
        return execution

    def decide(self, *decisions: Any) -> None:
        """Answer the next decision task with the settings in force."""
        task = self.swf.poll_decision()
        self.call("RespondDecisionTaskCompleted", taskToken=task["taskToken"], decisions=list(decisions))

    def record(self) -> None:
        """Note the outcomes of all decisions, and the types of all events."""
        failures = {row.failure: row.name for row in DECISIONS.values()}
        events = {row.event: row.name for row in DECISIONS.values()}
        for run in self.runs:
            for event in self.swf.history(run):
                kind = event["eventType"]
                self.seen.add(kind)
                if kind in failures:
                    self.outcomes.add((failures[kind], attributes(event)["cause"]))
                elif kind in events:
                    self.outcomes.add((events[kind], ""))


Scenario = Callable[[World], None]
SCENARIOS: dict[tuple[str, str], tuple[Scenario, dict[str, Any]]] = {}


def covers(name: str, outcome: str = "", **configuration: Any) -> Callable[[Scenario], Scenario]:
    """Register a scenario, and the settings of the engine that it calls."""

    def register(scenario: Scenario) -> Scenario:
        assert (name, outcome) not in SCENARIOS, f"{name} {outcome} is covered twice"
        SCENARIOS[name, outcome] = (scenario, configuration)
        return scenario

    return register


# Operations: a request that succeeds, prepared with the first engine


def _type(kind: str, **given: Any) -> dict[str, Any]:
    return {"domain": DOMAIN, f"{kind}Type": ACTIVITY if kind == "activity" else TYPE, **given}


def _deprecated(world: World, kind: str) -> dict[str, Any]:
    getattr(world.swf.client, f"deprecate_{kind}_type")(**_type(kind))
    return _type(kind)


def _started(world: World, **given: Any) -> dict[str, Any]:
    return {"domain": DOMAIN, "workflowId": world.start()["workflowId"], **given}


def _described(world: World) -> dict[str, Any]:
    return {"domain": DOMAIN, "execution": world.start()}


def _activity(world: World, **given: Any) -> dict[str, Any]:
    world.start()
    world.swf.decide(world.swf.schedule())
    return {"taskToken": world.swf.poll_activity()["taskToken"], **given}


def _lambda(world: World) -> dict[str, Any]:
    world.start()
    world.swf.decide(world.swf.decision("ScheduleLambdaFunction", id="l", name="f"))
    return {"taskToken": world.swf.client.poll_for_lambda_task(domain=DOMAIN)["taskToken"]}


def _list(world: World) -> dict[str, Any]:
    return {"domain": DOMAIN, "taskList": {"name": "deciders"}}


def _decision(world: World) -> dict[str, Any]:
    world.start()
    return {"taskToken": world.swf.poll_decision()["taskToken"]}


def _undeprecated_domain(world: World) -> dict[str, Any]:
    world.swf.client.deprecate_domain(name=DOMAIN)
    return {"name": DOMAIN}


NEW_DOMAIN = {"name": "new", "workflowExecutionRetentionPeriodInDays": "1"}
NEW_TYPE = {"domain": DOMAIN, "name": "new", "version": "1"}
VALID: dict[str, Callable[[World], dict[str, Any]]] = {
    "CountClosedWorkflowExecutions": lambda world: {"domain": DOMAIN, **TIME},
    "CountOpenWorkflowExecutions": lambda world: {"domain": DOMAIN, **TIME},
    "CountPendingActivityTasks": _list,
    "CountPendingDecisionTasks": _list,
    "DeleteActivityType": lambda world: _deprecated(world, "activity"),
    "DeleteWorkflowType": lambda world: _deprecated(world, "workflow"),
    "DeprecateActivityType": lambda world: _type("activity"),
    "DeprecateDomain": lambda world: {"name": DOMAIN},
    "DeprecateWorkflowType": lambda world: _type("workflow"),
    "DescribeActivityType": lambda world: _type("activity"),
    "DescribeDomain": lambda world: {"name": DOMAIN},
    "DescribeWorkflowExecution": _described,
    "DescribeWorkflowType": lambda world: _type("workflow"),
    "GetWorkflowExecutionHistory": _described,
    "ListActivityTypes": lambda world: {"domain": DOMAIN, "registrationStatus": "REGISTERED"},
    "ListClosedWorkflowExecutions": lambda world: {"domain": DOMAIN, **TIME},
    "ListDomains": lambda world: {"registrationStatus": "REGISTERED"},
    "ListLambdaFunctions": lambda world: {},
    "ListOpenWorkflowExecutions": lambda world: {"domain": DOMAIN, **TIME},
    "ListTagsForResource": lambda world: {"resourceArn": ARN + DOMAIN},
    "ListWorkflowTypes": lambda world: {"domain": DOMAIN, "registrationStatus": "REGISTERED"},
    "PollForActivityTask": _list,
    "PollForDecisionTask": _list,
    "PollForLambdaTask": lambda world: {"domain": DOMAIN},
    "RecordActivityTaskHeartbeat": _activity,
    "RegisterActivityType": lambda world: NEW_TYPE,
    "RegisterDomain": lambda world: NEW_DOMAIN,
    "RegisterWorkflowType": lambda world: NEW_TYPE,
    "RequestCancelWorkflowExecution": _started,
    "RespondActivityTaskCanceled": _activity,
    "RespondActivityTaskCompleted": _activity,
    "RespondActivityTaskFailed": _activity,
    "RespondDecisionTaskCompleted": _decision,
    "RespondLambdaTaskCompleted": _lambda,
    "RespondLambdaTaskFailed": _lambda,
    "SignalWorkflowExecution": lambda world: _started(world, signalName="s"),
    "StartWorkflowExecution": lambda world: {"domain": DOMAIN, "workflowId": "new", "workflowType": TYPE},
    "TagResource": lambda world: {"resourceArn": ARN + DOMAIN, "tags": [{"key": "k"}]},
    "TerminateWorkflowExecution": _started,
    "UndeprecateActivityType": lambda world: _deprecated(world, "activity"),
    "UndeprecateDomain": _undeprecated_domain,
    "UndeprecateWorkflowType": lambda world: _deprecated(world, "workflow"),
    "UntagResource": lambda world: {"resourceArn": ARN + DOMAIN, "tagKeys": ["k"]},
}


def unknown(request: dict[str, Any]) -> dict[str, Any]:
    """The same request about something that is not there."""
    if "taskToken" in request:
        return {**request, "taskToken": request["taskToken"][:-1] + "9"}
    key = next(key for key in ("domain", "name", "resourceArn") if key in request)
    return {**request, key: request[key] + "-no"}


def _register_operation(name: str) -> None:
    prepare = VALID[name]
    covers(name)(lambda world: world.call(name, **prepare(world)))
    refused = lambda world: world.call(name, **prepare(world))  # noqa: E731
    covers(name, "OperationNotPermittedFault", deny=[name])(refused)
    if "UnknownResourceFault" in ALL_OPERATIONS[name].faults:
        covers(name, "UnknownResourceFault")(lambda world: world.call(name, **unknown(prepare(world))))


for _name in ALL_OPERATIONS:
    _register_operation(_name)


def twice(operation: str, outcome: str) -> None:
    """What can be done once is refused the second time."""

    def scenario(world: World) -> None:
        request = VALID[operation](world)
        world.call(operation, **request)
        world.call(operation, **request)

    covers(operation, outcome)(scenario)


for _kind in ("Activity", "Workflow"):
    twice(f"Register{_kind}Type", "TypeAlreadyExistsFault")
    twice(f"Deprecate{_kind}Type", "TypeDeprecatedFault")
    twice(f"Undeprecate{_kind}Type", "TypeAlreadyExistsFault")

    @covers(f"Delete{_kind}Type", "TypeNotDeprecatedFault")
    def _delete(world: World, kind: str = _kind) -> None:
        world.call(f"Delete{kind}Type", **_type(kind.lower()))


twice("RegisterDomain", "DomainAlreadyExistsFault")
twice("DeprecateDomain", "DomainDeprecatedFault")
twice("UndeprecateDomain", "DomainAlreadyExistsFault")
twice("StartWorkflowExecution", "WorkflowExecutionAlreadyStartedFault")

for _name, _limits in (
    ("RegisterDomain", Limits(domains=1)),
    ("RegisterActivityType", Limits(activity_types=1)),
    ("RegisterWorkflowType", Limits(workflow_types=1)),
    ("StartWorkflowExecution", Limits(open_executions=0)),
):
    covers(_name, "LimitExceededFault", limits=_limits)(SCENARIOS[_name, ""][0])
for _name in ("TagResource", "UntagResource", "ListTagsForResource"):  # no quota of Amazon's is known
    covers(_name, "LimitExceededFault", deny={_name: "LimitExceededFault"})(SCENARIOS[_name, ""][0])
for _name in ("PollForActivityTask", "PollForDecisionTask", "PollForLambdaTask"):

    @covers(_name, "LimitExceededFault", limits=Limits(pollers=0))
    def _poll(world: World, name: str = _name) -> None:
        world.engine._long_poll_seconds = 1
        world.call(name, **VALID[name](world))


@covers("RegisterDomain", "TooManyTagsFault")
def _register_tags(world: World) -> None:
    world.call("RegisterDomain", **NEW_DOMAIN, tags=[{"key": str(number)} for number in range(51)])


@covers("TagResource", "TooManyTagsFault")
def _too_many_tags(world: World) -> None:
    world.call("TagResource", resourceArn=ARN + DOMAIN, tags=[{"key": str(number)} for number in range(51)])


@covers("StartWorkflowExecution", "TypeDeprecatedFault")
def _start_old(world: World) -> None:
    _deprecated(world, "workflow")
    world.call("StartWorkflowExecution", domain=DOMAIN, workflowId="x", workflowType=TYPE)


@covers("StartWorkflowExecution", "DefaultUndefinedFault")
def _start_bare(world: World) -> None:
    world.swf.client.register_workflow_type(domain=DOMAIN, **BARE)
    world.call("StartWorkflowExecution", domain=DOMAIN, workflowId="x", workflowType=BARE)


# Decisions


DECIDED: dict[str, dict[str, Any]] = {
    "ScheduleActivityTask": {"activityType": ACTIVITY, "activityId": "a"},
    "RequestCancelActivityTask": {"activityId": "open"},
    "CompleteWorkflowExecution": {},
    "FailWorkflowExecution": {},
    "CancelWorkflowExecution": {},
    "ContinueAsNewWorkflowExecution": {},
    "RecordMarker": {"markerName": "m"},
    "StartTimer": {"timerId": "t", "startToFireTimeout": "9"},
    "CancelTimer": {"timerId": "open"},
    "SignalExternalWorkflowExecution": {"workflowId": "w-1", "signalName": "s"},
    "RequestCancelExternalWorkflowExecution": {"workflowId": "w-1"},
    "StartChildWorkflowExecution": {"workflowId": "child", "workflowType": TYPE},
    "ScheduleLambdaFunction": {"id": "l", "name": "f"},
}


def wanted(name: str, **given: Any) -> dict[str, Any]:
    return Swf.decision(name, **{**DECIDED[name], **given})


def _register_decision(name: str) -> None:
    def scenario(world: World) -> None:
        world.start()
        if name.startswith(("RequestCancelActivity", "CancelTimer")):
            world.swf.decide(world.swf.schedule("open"), world.swf.timer("open"))
            world.swf.client.signal_workflow_execution(domain=DOMAIN, workflowId="w-1", signalName="s")
        world.decide(wanted(name))

    covers(name)(scenario)
    causes = DECISIONS[name].causes
    if "OPERATION_NOT_PERMITTED" in causes:
        covers(name, "OPERATION_NOT_PERMITTED", deny=[name])(scenario)
    for cause in causes:
        if cause.endswith("RATE_EXCEEDED"):
            covers(name, cause, rates={name: Rate(0, 0)})(scenario)


for _name in DECISIONS:
    _register_decision(_name)
covers("ScheduleLambdaFunction", "LAMBDA_SERVICE_NOT_AVAILABLE_IN_REGION", deny=["ScheduleLambdaFunction"])(
    SCENARIOS["ScheduleLambdaFunction", ""][0]
)


def decided(name: str, cause: str, *decisions: dict[str, Any], **configuration: Any) -> None:
    """Decisions of which one has this cause."""

    def scenario(world: World) -> None:
        client = world.swf.client
        for type_ in (BARE, OLD, {"name": "w", "version": "old"}, {"name": "w", "version": "bare"}):
            client.register_activity_type(domain=DOMAIN, **type_)
            client.register_workflow_type(domain=DOMAIN, **type_)
        for kind, type_ in (("activity", OLD), ("workflow", OLD), ("workflow", {"name": "w", "version": "old"})):
            getattr(client, f"deprecate_{kind}_type")(domain=DOMAIN, **{f"{kind}Type": type_})
        world.start()
        world.decide(*decisions)

    covers(name, cause, **configuration)(scenario)


_activity_wanted = lambda **given: wanted("ScheduleActivityTask", **given)  # noqa: E731
_child_wanted = lambda **given: wanted("StartChildWorkflowExecution", **given)  # noqa: E731
decided("ScheduleActivityTask", "ACTIVITY_TYPE_DOES_NOT_EXIST", _activity_wanted(activityType=GONE))
decided("ScheduleActivityTask", "ACTIVITY_TYPE_DEPRECATED", _activity_wanted(activityType=OLD))
decided("ScheduleActivityTask", "ACTIVITY_ID_ALREADY_IN_USE", _activity_wanted(), _activity_wanted())
decided("ScheduleActivityTask", "OPEN_ACTIVITIES_LIMIT_EXCEEDED", _activity_wanted(), limits=Limits(open_activities=0))
_given: dict[str, Any] = {"activityType": BARE}
for _cause, _member, _value in (
    ("DEFAULT_TASK_LIST_UNDEFINED", "taskList", {"name": "l"}),
    ("DEFAULT_SCHEDULE_TO_START_TIMEOUT_UNDEFINED", "scheduleToStartTimeout", "NONE"),
    ("DEFAULT_SCHEDULE_TO_CLOSE_TIMEOUT_UNDEFINED", "scheduleToCloseTimeout", "NONE"),
    ("DEFAULT_START_TO_CLOSE_TIMEOUT_UNDEFINED", "startToCloseTimeout", "NONE"),
    ("DEFAULT_HEARTBEAT_TIMEOUT_UNDEFINED", "heartbeatTimeout", "NONE"),
):
    decided("ScheduleActivityTask", _cause, _activity_wanted(**_given))
    _given[_member] = _value
_given, _continued = {"workflowType": BARE}, {"workflowTypeVersion": "bare"}
for _cause, _member, _value in (
    ("DEFAULT_EXECUTION_START_TO_CLOSE_TIMEOUT_UNDEFINED", "executionStartToCloseTimeout", "9"),
    ("DEFAULT_TASK_LIST_UNDEFINED", "taskList", {"name": "l"}),
    ("DEFAULT_TASK_START_TO_CLOSE_TIMEOUT_UNDEFINED", "taskStartToCloseTimeout", "9"),
    ("DEFAULT_CHILD_POLICY_UNDEFINED", "childPolicy", "ABANDON"),
):
    decided("StartChildWorkflowExecution", _cause, _child_wanted(**_given))
    decided("ContinueAsNewWorkflowExecution", _cause, wanted("ContinueAsNewWorkflowExecution", **_continued))
    _given[_member] = _continued[_member] = _value
for _cause, _version in (("DOES_NOT_EXIST", "no"), ("DEPRECATED", "old")):
    decided(
        "ContinueAsNewWorkflowExecution",
        f"WORKFLOW_TYPE_{_cause}",
        wanted("ContinueAsNewWorkflowExecution", workflowTypeVersion=_version),
    )
decided("StartChildWorkflowExecution", "WORKFLOW_TYPE_DOES_NOT_EXIST", _child_wanted(workflowType=GONE))
decided("StartChildWorkflowExecution", "WORKFLOW_TYPE_DEPRECATED", _child_wanted(workflowType=OLD))
decided("StartChildWorkflowExecution", "WORKFLOW_ALREADY_RUNNING", _child_wanted(workflowId="w-1"))
decided("StartChildWorkflowExecution", "OPEN_CHILDREN_LIMIT_EXCEEDED", _child_wanted(), limits=Limits(open_children=0))
decided(
    "StartChildWorkflowExecution",
    "OPEN_WORKFLOWS_LIMIT_EXCEEDED",
    _child_wanted(),
    _child_wanted(workflowId="child-2"),
    limits=Limits(open_executions=2),
)
decided("RequestCancelActivityTask", "ACTIVITY_ID_UNKNOWN", wanted("RequestCancelActivityTask"))
decided("StartTimer", "TIMER_ID_ALREADY_IN_USE", wanted("StartTimer"), wanted("StartTimer"))
decided("StartTimer", "OPEN_TIMERS_LIMIT_EXCEEDED", wanted("StartTimer"), limits=Limits(open_timers=0))
decided("CancelTimer", "TIMER_ID_UNKNOWN", wanted("CancelTimer"))
for _name in ("SignalExternalWorkflowExecution", "RequestCancelExternalWorkflowExecution"):
    decided(_name, "UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION", wanted(_name, workflowId="no"))
decided(
    "ScheduleLambdaFunction", "ID_ALREADY_IN_USE", wanted("ScheduleLambdaFunction"), wanted("ScheduleLambdaFunction")
)
decided(
    "ScheduleLambdaFunction",
    "OPEN_LAMBDA_FUNCTIONS_LIMIT_EXCEEDED",
    wanted("ScheduleLambdaFunction"),
    limits=Limits(open_lambdas=0),
)
for _name, _row in DECISIONS.items():
    if _row.closes:

        @covers(_name, "UNHANDLED_DECISION")
        def _unhandled(world: World, name: str = _name) -> None:
            world.start()
            task = world.swf.poll_decision()
            world.swf.client.signal_workflow_execution(domain=DOMAIN, workflowId="w-1", signalName="s")
            world.swf.respond(task, wanted(name))


# The tests


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a domain and types."""
    path = tmp_path_factory.mktemp("model") / "template.db"
    with Engine(path, clock=VirtualClock(), long_poll_seconds=0) as engine:
        Swf(engine)
    return path


@pytest.fixture
def worlds(template: Path, tmp_path: Path) -> Iterator[Callable[[], World]]:
    """Makes worlds, each with a file of its own."""
    made: list[World] = []

    def make() -> World:
        path = tmp_path / f"{len(made)}.db"
        shutil.copy(template, path)
        made.append(World(path))
        return made[-1]

    yield make
    for world in made:
        world.close()


def play(world: World, name: str, outcome: str) -> None:
    scenario, configuration = SCENARIOS[name, outcome]
    with world.open(**configuration):
        scenario(world)
    world.record()


@pytest.mark.parametrize(("name", "outcome"), sorted(SCENARIOS))
def test_the_scenario_brings_it_about(worlds: Callable[[], World], name: str, outcome: str) -> None:
    world = worlds()
    play(world, name, outcome)
    assert (name, outcome) in world.outcomes


def test_every_fault_of_every_operation(model: Any) -> None:
    wanted = {
        (name, error.name) for name in model.operation_names for error in model.operation_model(name).error_shapes
    }
    wanted |= {(name, "") for name in model.operation_names}
    assert len(model.operation_names) == 39
    assert not wanted - set(SCENARIOS), f"missing: {sorted(wanted - set(SCENARIOS))}"


def test_every_cause_of_every_decision(model: Any) -> None:
    names = model.shape_for("DecisionType").enum
    assert len(names) == 13
    wanted = {(name, cause) for name in names for cause in model.shape_for(f"{name}FailedCause").enum}
    wanted |= {(name, "") for name in names}
    assert not wanted - set(SCENARIOS), f"missing: {sorted(wanted - set(SCENARIOS))}"


def test_every_event(worlds: Callable[[], World]) -> None:
    """Those of decisions and of their failures, and those that no decision names: ends, timeouts, answers."""
    world = worlds()
    swf, client = world.swf, world.swf.client
    for name, outcome in sorted(SCENARIOS):
        if name in DECISIONS and outcome in ("", "OPERATION_NOT_PERMITTED", "ID_ALREADY_IN_USE"):
            one = worlds()
            play(one, name, outcome)
            world.seen |= one.seen
    world.start("parent", executionStartToCloseTimeout="999")
    lists = {"taskList": {"name": "children"}}
    names = ("Complete", "Fail", "Cancel", "terminate", "time-out")
    children = [_child_wanted(workflowId=name, executionStartToCloseTimeout="100", **lists) for name in names]
    swf.decide(
        *children,
        wanted("SignalExternalWorkflowExecution", workflowId="no"),
        wanted("RequestCancelExternalWorkflowExecution", workflowId="no"),
    )
    for name in names[:3]:
        swf.respond(swf.poll_decision(**lists), swf.decision(f"{name}WorkflowExecution"))
    client.terminate_workflow_execution(domain=DOMAIN, workflowId="terminate")
    activities = [swf.schedule(name) for name in ("complete", "fail", "cancel", "time-out")]
    functions = [wanted("ScheduleLambdaFunction", id=name) for name in ("complete", "fail", "time-out")]
    swf.decide(*activities, *functions, swf.timer())
    for method in ("completed", "failed", "canceled"):
        token = swf.poll_activity()["taskToken"]
        getattr(client, f"respond_activity_task_{method}")(taskToken=token)
    swf.poll_activity()
    for method in ("completed", "failed"):
        token = client.poll_for_lambda_task(domain=DOMAIN)["taskToken"]
        getattr(client, f"respond_lambda_task_{method}")(taskToken=token)
    client.poll_for_lambda_task(domain=DOMAIN)
    swf.decide(swf.decision("RequestCancelActivityTask", activityId="time-out"))
    with world.open(lambda_role_required=True) as other:
        client.signal_workflow_execution(domain=DOMAIN, workflowId="parent", signalName="s")
        token = swf.poll_decision()["taskToken"]
        decisions = [wanted("ScheduleLambdaFunction", id="no-role")]
        other.respond_decision_task_completed(taskToken=token, decisions=decisions)
    client.request_cancel_workflow_execution(domain=DOMAIN, workflowId="parent")
    swf.poll_decision()
    world.clock.advance(10_000)
    ended = world.start("ended")
    client.terminate_workflow_execution(domain=DOMAIN, **ended)
    world.record()
    assert not set(EVENTS) - world.seen, f"missing: {sorted(set(EVENTS) - world.seen)}"
    assert len(world.seen) == 54


def test_every_operation_is_a_method() -> None:
    from simpleflow.clients import SWFClient

    for name, operation in ALL_OPERATIONS.items():
        assert callable(getattr(SWFClient, operation.method)), name
        method = getattr(Engine, operation.method)
        assert method.__name__ == operation.method and name in method.__doc__
