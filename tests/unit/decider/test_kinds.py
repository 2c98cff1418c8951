"""Lambda functions, tasks of foreign workers, priorities; and what is the same for every kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from town import Town

from simpleflow import Workflow, activity
from simpleflow.command import (
    ACTIVITY,
    CHILD,
    LAMBDA,
    TIMER,
    RunLambda,
    ScheduleActivity,
    StartChild,
    StartTimer,
)
from simpleflow.config import Config
from simpleflow.decider.decisions import DECISIONS as MADE
from simpleflow.decider.decisions import Options, decision
from simpleflow.decider.outbox import Outbox
from simpleflow.decider.refusals import TREATMENTS, Treatment, treatment
from simpleflow.decider.run import STEPS
from simpleflow.decider.translate import WORDS
from simpleflow.exceptions import TaskException
from simpleflow.protocol.decisions import DECISION_TYPES
from simpleflow.protocol.events import EVENT_TYPES
from simpleflow.task import ActivityTask, LambdaFunctionTask, NonPythonicActivityTask

# -- the tables ----------------------------------------------------------------------------------------------------


def test_every_cause_of_every_decision_has_a_treatment() -> None:
    causes = {cause for decision in DECISION_TYPES for cause in decision.causes}
    assert set(TREATMENTS) == causes
    assert treatment("SOMETHING_NEW") is Treatment.PARK


def test_every_decision_is_made_of_a_command() -> None:
    source = Path(MADE[next(iter(MADE))].__code__.co_filename).read_text()
    assert all(f'"{decision.name}"' in source for decision in DECISION_TYPES)


def test_every_event_that_asks_for_a_decision_does_something() -> None:
    assert {event.name for event in EVENT_TYPES if event.decides} <= set(STEPS)


def test_an_activity_of_a_repaired_run_is_told_of_the_first_one() -> None:
    command = ScheduleActivity("a-1", 1, FOREIGN, '{"args":[],"kwargs":{}}', "here")
    for origin in (None, "first"):
        made = decision(command, Options(Config(), origin=origin))
        told = json.loads(made["scheduleActivityTaskDecisionAttributes"]["input"])["__simpleflow"]
        assert told.get("run") == origin


@pytest.mark.parametrize("kind", [ACTIVITY, CHILD, LAMBDA, TIMER])
def test_no_more_of_a_kind_go_out_than_may_be_open(kind: str) -> None:
    words = next(words for words in WORDS if words.kind == kind)
    made = {
        ACTIVITY: lambda id: ScheduleActivity(id, 1, FOREIGN, "{}", "here"),
        CHILD: lambda id: StartChild(id, 1, Workflow, "{}", "here"),
        LAMBDA: lambda id: RunLambda(id, 1, "f", "{}", "here"),
        TIMER: lambda id: StartTimer(id, 1, None, "here"),
    }[kind]
    box = Outbox({kind: 3})
    box.decision_started(3)
    for number in range(5):
        box.ask(made(str(number)))

    def asked() -> list[str]:
        return [command.id for command in box.batch(lambda command: {}, 3).commands]

    assert asked() == ["0", "1", "2"]
    box.decision_started(3)
    box.decision_completed(4, 3, 0, False)
    for id in asked():
        given = {"decisionTaskCompletedEventId": 4, "workflowType": {"name": "simpleflow.workflow.Workflow"}}
        given |= {"activityType": {"name": FOREIGN.name}, "name": "f", "input": "{}"}
        box.opened(words, id, 5, given)
    assert asked() == []
    box.closed(kind, "1")
    assert asked() == ["3"]


# -- Lambda functions ----------------------------------------------------------------------------------------------


def twice(event: Any, context: Any) -> Any:
    return 2 * event["x"]


def breaks(event: Any, context: Any) -> Any:
    raise KeyError("lambda")


FUNCTIONS = {"twice": "test_kinds:twice", "breaks": "test_kinds:breaks"}


@pytest.fixture(params=[False, True])
def lambda_town(request: Any) -> Any:
    made = Town(forget=request.param, lambdas=FUNCTIONS)
    yield made
    made.close()


def test_a_lambda_function_is_called(lambda_town: Town) -> None:
    class Calls(Workflow):
        def run(self) -> Any:
            first = self.submit(LambdaFunctionTask("twice", {"x": 3}, start_to_close_timeout=60))
            second = self.submit(LambdaFunctionTask("twice", {"x": first}))
            return [first.result, second.result, first.id, first.cancel()]

    execution = lambda_town.start(Calls)
    assert lambda_town.run(execution) == [6, 12, "lambda-twice-1", False]
    given = lambda_town.of(execution, "LambdaFunctionScheduled")
    assert [each["startToCloseTimeout"] for each in given] == ["60", "900"]
    assert json.loads(given[1]["input"]) == {"x": 6}


def test_failures_of_lambda_functions(lambda_town: Town) -> None:
    class Calls(Workflow):
        def run(self) -> Any:
            seen = []
            for name in ("breaks", "unknown"):
                try:
                    self.submit(LambdaFunctionTask(name, retry=1)).result
                except TaskException as error:
                    seen.append(repr(error))
            fast = self.submit(LambdaFunctionTask("breaks", raises_on_failure=False))
            return [*seen, fast.result]

    execution = lambda_town.start(Calls)
    assert lambda_town.run(execution) == [
        'TaskFailed (lambda-breaks-1, "Unhandled")',
        'TaskFailed (lambda-unknown-1, "ResourceNotFoundException")',
        None,
    ]
    assert len(lambda_town.of(execution, "LambdaFunctionFailed")) == 5


def test_a_lambda_function_that_times_out(lambda_town: Town) -> None:
    class Calls(Workflow):
        def run(self) -> Any:
            return repr(self.submit(LambdaFunctionTask("twice", start_to_close_timeout=5)).exception)

    execution = lambda_town.start(Calls)
    lambda_town.decide()
    lambda_town.engine.poll_for_lambda_task(domain="D")  # and nobody answers
    lambda_town.jump()
    assert lambda_town.run(execution) == "TimeoutError(START_TO_CLOSE)"


def test_a_lambda_function_that_cannot_be_started_fails() -> None:
    town = Town(lambdas=FUNCTIONS, lambda_role_required=True)

    class Calls(Workflow):
        def run(self) -> Any:
            return repr(self.submit(LambdaFunctionTask("twice", retry=3)).exception)

    execution = town.start(Calls)
    assert town.run(execution) == 'TaskFailed (lambda-twice-1, "ASSUME_ROLE_FAILED")'
    assert len(town.of(execution, "LambdaFunctionScheduled")) == 1, "trying again would not help"
    town.close()


def test_lambda_functions_that_are_not_to_be_had_fail() -> None:
    town = Town(deny={"ScheduleLambdaFunction": "LAMBDA_SERVICE_NOT_AVAILABLE_IN_REGION"})

    class Calls(Workflow):
        def run(self) -> Any:
            return repr(self.submit(LambdaFunctionTask("arn:aws:lambda:eu-west-1:1:function:f")).exception)

    id = "lambda-arn-aws-lambda-eu-west-1-1-function-f-1"
    assert town.run(town.start(Calls)) == f'TaskFailed ({id}, "LAMBDA_SERVICE_NOT_AVAILABLE_IN_REGION")'
    town.close()


# -- activities of others ------------------------------------------------------------------------------------------


def foreign(*args: Any, **kwargs: Any) -> Any:
    return [list(args), kwargs]


FOREIGN = activity.Activity(foreign, name="test_kinds.foreign", meta={"ignored": 1})


def test_a_foreign_worker_is_told_the_bare_input(town: Town) -> None:
    class Calls(Workflow):
        def run(self) -> Any:
            first = self.submit(NonPythonicActivityTask(FOREIGN, 1, [2]))
            second = self.submit(NonPythonicActivityTask(FOREIGN, a=first))
            return [first.result, second.exception]

    execution = town.start(Calls)
    assert town.run(execution) == [[[1, [2]], {}], None]
    inputs = [given["input"] for given in town.of(execution, "ActivityTaskScheduled")]
    assert inputs == ["[1,[2]]", '{"a":[[1,[2]],{}]}']
    with pytest.raises(ValueError, match=r"doesn't support both \*args and \*\*kwargs"):
        NonPythonicActivityTask(FOREIGN, 1, a=2)


# -- priorities ----------------------------------------------------------------------------------------------------


@activity.with_attributes(task_priority=5)
def urgent() -> None: ...


@activity.with_attributes(task_priority=None)
def without() -> None: ...


@activity.with_attributes()
def plain(**kwargs: Any) -> Any:
    return kwargs


def test_priorities(town: Town) -> None:
    class Calls(Workflow):
        _level = 0

        @property
        def task_priority(self) -> int:  # type: ignore[override]
            return self._level

        def run(self) -> Any:
            self.submit(urgent)
            self.submit(without)
            self.submit(plain)
            self._level = 7
            self.submit(plain, __priority=None)
            self.submit(urgent, __priority="-3")
            self.submit(ActivityTask(plain, __priority=2))
            with pytest.raises(ValueError, match="whole number or None, not 'high'"):
                self.submit(plain, __priority="high")
            with pytest.raises(ValueError, match="whole number of 32 bits"):
                self.submit(plain, __priority=2**31)
            return self.submit(plain, a=1).result

    execution = town.start(Calls)
    assert town.run(execution) == {"a": 1}
    priorities = [given.get("taskPriority") for given in town.of(execution, "ActivityTaskScheduled")]
    assert priorities == ["5", None, "0", None, "-3", "2", "7"]


def test_what_is_no_task(town: Town) -> None:
    class Calls(Workflow):
        def run(self) -> Any:
            seen = []
            for thing in (foreign, 5, Workflow(self.executor)):
                with pytest.raises(TypeError, match="Bad type for") as caught:
                    self.submit(thing)  # type: ignore[call-overload]
                seen.append(str(caught.value).rpartition(" activity ")[2])
            with pytest.raises(TypeError, match="this TimerTask has its arguments already"):
                self.submit(self.start_timer("t", 1), 5)  # type: ignore[call-overload]
            return seen

    assert town.run(town.start(Calls)) == [
        "(function): decorate it with @activity.with_attributes(...)",
        "(int)",
        "(Workflow)",
    ]
