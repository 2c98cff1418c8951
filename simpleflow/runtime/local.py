"""A run in this process, for a check with a debugger: no semantics of its own.

The engine in memory, the decider, the activities and the Lambda functions take turns on one thread. Time stands still
while anything runs and jumps when nothing does, so a retry in an hour costs nothing and a breakpoint times nothing out.
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
from simpleflow.runtime import calling, lambdas
from simpleflow.runtime.poll import Call
from simpleflow.runtime.start import Handle, launch
from simpleflow.workflow import Workflow

DOMAIN: Final = "local"
LIST: Final = {"domain": DOMAIN, "taskList": {"name": "local"}}
DECISIONS: Final = {**LIST, "startAtPreviousStartedEvent": True}
LAMBDAS: Final = {"domain": DOMAIN}


def never() -> bool:
    """Nobody interrupts."""
    return False


class Local:
    """One run, its engine, its decider and its worker."""

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
        self._decider = Decider(self._engine, DOMAIN, [workflow], config=config)
        self._runs_lambdas = bool(configuration.lambdas)

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Run to the end; the value that ``run`` returned. Raises WorkflowFailed, PayloadError, TypeError."""
        options = {"domain": DOMAIN, "task_list": "local", "activity_task_list": "local"}
        handle = launch(self._workflow, args, kwargs, engine=self._engine, **options)
        try:
            respond: Call | None = None
            while True:
                self._work(respond)
                respond = self._decide(handle)
                if respond is None and not self._jump():
                    return handle.result(timeout=0)
        finally:
            self._decider.close()
            self._engine.close()

    def _work(self, respond: Call | None) -> None:
        """Give this response, then run the activities and the Lambda functions that wait, one after the other."""
        self._run_all("activity", LIST, self._activity, respond)
        if self._runs_lambdas:
            self._run_all("lambda", LAMBDAS, lambdas.run, None)

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
        return calling.call(known, text) if known is not None else calling.run(kind["name"], text)

    def _decide(self, handle: Handle) -> Call | None:
        task = self._engine.poll_for_decision_task(**DECISIONS)
        if "taskToken" not in task:
            return None
        answer = self._decider.decide(task, DECISIONS)
        if self._interrupted():
            raise KeyboardInterrupt
        _check(handle, json.loads(answer["executionContext"]))
        return "respond_decision_task_completed", answer

    def _jump(self) -> bool:
        """Let the next timer fire, or the next timeout pass; of an open run the last is its own."""
        due = self._engine.next_due()
        if due is not None:
            self._clock.set(max(due, self._clock.now()))
        return due is not None


def _check(handle: Handle, context: dict[str, Any]) -> None:
    """A parked or stuck run waits for somebody; here nobody will come."""
    if "parked" in context:
        reason, traceback = context["parked"]["error"], context["parked"]["traceback"]
        details = json.dumps({"traceback": traceback})
        raise WorkflowFailed(handle.workflow_id, handle.run_id, "PARKED", reason, details)
    if "stuck" in context:
        reason = f"it waits for what never comes: {', '.join(context['stuck'])}"
        raise WorkflowFailed(handle.workflow_id, handle.run_id, "STUCK", reason)


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
