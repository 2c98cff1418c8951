"""A run in this process, for a check with a debugger: no semantics of its own.

The engine in memory, the decider of the run and of its children, the activities and the Lambda functions take turns on
one thread. Time stands still while anything runs and jumps when nothing does, so a retry in an hour costs nothing and a
breakpoint times nothing out.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from simpleflow import config as settings
from simpleflow.decider import Decider
from simpleflow.engine import Configuration, Engine, VirtualClock
from simpleflow.exceptions import WorkflowFailed
from simpleflow.payload.codec import Codec
from simpleflow.payload.store import Payloads
from simpleflow.protocol.history import Event
from simpleflow.runtime import calling, lambdas, runs
from simpleflow.runtime.poll import Call
from simpleflow.runtime.start import StartOptions, launch
from simpleflow.workflow import Workflow

DOMAIN: Final = "local"
LIST: Final = {"domain": DOMAIN, "taskList": {"name": "local"}}
DECISIONS: Final = {**LIST, "startAtPreviousStartedEvent": True}
LAMBDAS: Final = {"domain": DOMAIN}


def never() -> bool:
    """Nobody interrupts."""
    return False


class Local:
    """One run with its children, their engine, decider and worker."""

    def __init__(
        self,
        workflow: type[Workflow],
        interrupted: Callable[[], bool] = never,
        lambdas: Mapping[str, str] | None = None,
    ) -> None:
        self._workflow = workflow
        self._interrupted = interrupted
        self._process = os.getpid()
        self._clock = VirtualClock(time.time())
        config = settings.load()
        configuration = Configuration(lambdas=config.lambdas if lambdas is None else lambdas)
        self._engine = Engine(None, clock=self._clock, long_poll_seconds=0, configuration=configuration)
        self._payloads = Payloads(config.payload_stores("memory"))
        self._codec = Codec(payloads=self._payloads)
        self._decider = Decider(self._engine, DOMAIN, [workflow], config=config, payloads=self._payloads)
        self._runs_lambdas = bool(configuration.lambdas)
        self._top: runs.Run
        self._waiting_signals: list[str] = []

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Run to the end; the value that ``run`` returned. Raises WorkflowFailed, PayloadError, TypeError."""
        options = StartOptions(domain=DOMAIN, task_list="local", activity_task_list="local", engine=self._engine)
        handle = launch(self._workflow, args, kwargs, options, self._payloads)
        self._top = runs.Run(DOMAIN, handle.workflow_id, handle.run_id)
        try:
            respond: Call | None = None
            while True:
                self._work(respond)
                respond = self._decide()
                if respond is None and ((closing := self._closing()) is not None or not self._jump()):
                    return self._result(closing)
        finally:
            self._decider.close()
            self._engine.close()

    def _work(self, respond: Call | None) -> None:
        """Give this response, then run the activities and the Lambda functions that wait, one after the other."""
        self._run_all("activity", LIST, self._activity, respond)
        if self._runs_lambdas:
            self._run_all("lambda", LAMBDAS, self._lambda, None)

    def _run_all(
        self, kind: str, where: dict[str, Any], run: Callable[[dict[str, Any]], calling.Answer], respond: Call | None
    ) -> None:
        """Give this response, then run the tasks of one kind."""
        while (task := self._engine.respond_and_poll(respond, (f"poll_for_{kind}_task", where))).get("taskToken"):
            answer = run(task)
            if os.getpid() != self._process:  # the task forked, and this is what it left behind
                os._exit(0)
            if self._interrupted():
                raise KeyboardInterrupt
            respond = calling.response(kind, task["taskToken"], answer)

    def _activity(self, task: dict[str, Any]) -> calling.Answer:
        kind, text = task["activityType"], task.get("input")
        known = self._decider.activities.get((kind["name"], kind["version"]))
        context = calling.context_of(task, DOMAIN, "local")
        if known is not None:
            return calling.call(known, text, context, self._codec)
        return calling.run(kind["name"], text, context, self._codec)

    def _lambda(self, task: dict[str, Any]) -> calling.Answer:
        return lambdas.run(task, self._codec)

    def _decide(self) -> Call | None:
        task = self._engine.poll_for_decision_task(**DECISIONS)
        if "taskToken" not in task:
            return None
        answer = self._decider.decide(task, DECISIONS)
        if self._interrupted():
            raise KeyboardInterrupt
        context = json.loads(answer["executionContext"])
        _check(task["workflowExecution"], context)
        if task["workflowExecution"]["workflowId"] == self._top.workflow_id:
            self._waiting_signals = context.get("waiting_signals", [])
        return "respond_decision_task_completed", answer

    def _closing(self) -> Event | None:
        """The event that closed the run, or the last of those as which it went on; None while it is open."""
        while (closing := runs.closing_event(self._engine, self._top)) is not None:
            following = runs.next_run(self._top, closing)
            if following is None:
                return closing
            self._top = following
        return None

    def _result(self, closing: Event | None) -> Any:
        assert closing is not None, "an open run has a time at which it is over"
        if closing["eventType"] == "WorkflowExecutionTimedOut" and self._waiting_signals:
            names = ", ".join(self._waiting_signals)
            raise _failed(self._top.execution, "STUCK", f"it waits for signals that nobody sends here: {names}")
        return runs.result_of(self._top, closing, self._codec, self._workflow)

    def _jump(self) -> bool:
        """Let the next timer fire, or the next timeout pass; of an open run the last is its own."""
        due = self._engine.next_due()
        if due is not None:
            self._clock.set(max(due, self._clock.now()))
        return due is not None


def _check(execution: dict[str, str], context: dict[str, Any]) -> None:
    """A parked or stuck run waits for somebody; here nobody will come."""
    if "parked" in context:
        details = json.dumps({"traceback": context["parked"]["traceback"]})
        raise _failed(execution, "PARKED", context["parked"]["error"], details)
    if "stuck" in context:
        raise _failed(execution, "STUCK", f"it waits for what never comes: {', '.join(context['stuck'])}")


def _failed(execution: dict[str, str], status: str, reason: str, details: str | None = None) -> WorkflowFailed:
    return WorkflowFailed(execution["workflowId"], execution["runId"], status, reason, details)


def run_local(
    workflow: type[Workflow],
    args: Sequence[Any] = (),
    kwargs: dict[str, Any] | None = None,
    interrupted: Callable[[], bool] = never,
    lambdas: Mapping[str, str] | None = None,
) -> Any:
    """Run a workflow here and now, and give its value. Raises WorkflowFailed, PayloadError, TypeError.

    `interrupted` is asked after each step: True raises KeyboardInterrupt, also where user code has caught one.
    `lambdas` maps names of Lambda functions to callables, "module:function"; default: the settings'.
    """
    return Local(workflow, interrupted, lambdas).run(*args, **(kwargs or {}))
