"""A run in this process, for a check with a debugger: no semantics of its own.

The engine in memory, the decider and the activities take turns on one thread. Time stands still while anything runs
and jumps when nothing does, so a retry in an hour costs nothing and a breakpoint times nothing out.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from simpleflow import config as settings
from simpleflow.decider import Decider
from simpleflow.engine import Engine, VirtualClock
from simpleflow.exceptions import WorkflowFailed
from simpleflow.payload.codec import Codec
from simpleflow.payload.store import Payloads
from simpleflow.runtime import calling
from simpleflow.runtime.poll import Call
from simpleflow.runtime.start import Handle, launch
from simpleflow.workflow import Workflow

DOMAIN: Final = "local"
LIST: Final = {"domain": DOMAIN, "taskList": {"name": "local"}}
DECISIONS: Final = {**LIST, "startAtPreviousStartedEvent": True}


def never() -> bool:
    """Nobody interrupts."""
    return False


class Local:
    """One run, its engine, its decider and its worker."""

    def __init__(self, workflow: type[Workflow], interrupted: Callable[[], bool] = never) -> None:
        self._workflow = workflow
        self._interrupted = interrupted
        self._process = os.getpid()
        self._clock = VirtualClock(time.time())
        self._engine = Engine(None, clock=self._clock, long_poll_seconds=0)
        config = settings.load()
        self._payloads = Payloads(config.payload_stores("memory"))
        self._codec = Codec(payloads=self._payloads)
        self._decider = Decider(self._engine, DOMAIN, [workflow], config=config, payloads=self._payloads)

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Run to the end; the value that ``run`` returned. Raises WorkflowFailed, PayloadError, TypeError."""
        options: dict[str, Any] = {"domain": DOMAIN, "task_list": "local", "activity_task_list": "local"}
        handle = launch(self._workflow, args, kwargs, engine=self._engine, payloads=self._payloads, **options)
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
        """Give this response, then run the activities that wait, one after the other."""
        while (task := self._engine.respond_and_poll(respond, ("poll_for_activity_task", LIST))).get("taskToken"):
            kind = task["activityType"]
            known = self._decider.activities.get((kind["name"], kind["version"]))
            text = task.get("input")
            if known is not None:
                answer = calling.call(known, text, self._codec)
            else:
                answer = calling.run(kind["name"], text, self._codec)
            if os.getpid() != self._process:  # the activity forked, and this is what it left behind
                os._exit(0)
            if self._interrupted():
                raise KeyboardInterrupt
            given = {"taskToken": task["taskToken"], **answer}
            given.pop("stale", None)
            respond = f"respond_activity_task_{'completed' if 'result' in answer else 'failed'}", given

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
) -> Any:
    """Run a workflow here and now, and give its value. Raises WorkflowFailed, PayloadError, TypeError.

    `interrupted` is asked after each step: True raises KeyboardInterrupt, also where user code has caught one.
    """
    return Local(workflow, interrupted).run(*args, **(kwargs or {}))
