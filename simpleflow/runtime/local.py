"""A run in this process, for a check with a debugger: no semantics of its own.

The engine in memory, the decider of the run and of its children, the activities and the Lambda functions take turns on
one thread. Time stands still while anything runs and jumps when nothing does, so a retry in an hour costs nothing and a
breakpoint times nothing out.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final

import orjson

from simpleflow import config as settings
from simpleflow.command import Fail
from simpleflow.decider import Decider
from simpleflow.engine import Configuration, Engine, VirtualClock
from simpleflow.exceptions import WorkflowFailed
from simpleflow.payload.codec import Codec
from simpleflow.payload.store import Payloads
from simpleflow.protocol.history import Event
from simpleflow.runtime import calling, lambdas, runs
from simpleflow.runtime.attempt import Attempt
from simpleflow.runtime.poll import Call
from simpleflow.runtime.start import StartOptions, check_class, launch
from simpleflow.workflow import Workflow

DOMAIN: Final = "local"
LIST: Final = {"domain": DOMAIN, "taskList": {"name": "local"}}
DECISIONS: Final = {**LIST, "startAtPreviousStartedEvent": True}
LAMBDAS: Final = {"domain": DOMAIN}
USUAL: Final = (signal.default_int_handler, signal.SIG_DFL, signal.SIG_IGN)
"""What happens at Ctrl-C in a program that says nothing of it."""


NOBODY_COMPLETES: Final = "CompleteLater: nobody completes a task of a run in this process"


@dataclass(frozen=True, slots=True)
class LocalLink:
    """The way from an activity's code to the engine in this process."""

    engine: Engine
    token: str

    def ended(self) -> str | None:
        return None  # nothing else runs while an activity does

    def beat(self, details: str | None) -> None:
        self.engine.record_activity_task_heartbeat(
            taskToken=self.token, **({} if details is None else {"details": details})
        )

    def note(self, progress: dict[str, Any]) -> None:
        pass


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
        middlewares: Mapping[str, Sequence[str]] | None = None,
        hinted: bool = True,
    ) -> None:
        self._workflow = workflow
        self._hinted = hinted
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
        self._middlewares = middlewares
        self._top: runs.Run
        self._waiting_signals: list[str] = []
        self.error: BaseException | None = None
        """What ``run`` has raised, if the run ended so."""

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
        context, token = calling.context_of(task, DOMAIN, "local"), task["taskToken"]
        attempt = Attempt(context, text, token, time.time(), self._codec, LocalLink(self._engine, token))
        if known is not None:
            answer = calling.call(known, text, context, self._codec, self._middlewares, attempt)
        else:
            answer = calling.run(kind["name"], text, context, self._codec, self._middlewares, attempt)
        return answer if "later" not in answer else {"reason": NOBODY_COMPLETES}

    def _lambda(self, task: dict[str, Any]) -> calling.Answer:
        return lambdas.run(task, self._codec)

    def _decide(self) -> Call | None:
        task = self._engine.poll_for_decision_task(**DECISIONS)
        if "taskToken" not in task:
            return None
        answer = self._decider.decide(task, DECISIONS)
        if not self._runs_lambdas:
            _check_functions(task["workflowExecution"], answer["decisions"])
        if self._interrupted():
            raise KeyboardInterrupt
        context = orjson.loads(answer["executionContext"])
        _check(task["workflowExecution"], context)
        if task["workflowExecution"]["workflowId"] == self._top.workflow_id:
            self._waiting_signals = context.get("waiting_signals", [])
            close = self._decider.close_asked
            self.error = close.error if isinstance(close, Fail) else None
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
        return runs.result_of(self._top, closing, self._codec, self._workflow if self._hinted else None)

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


def _check_functions(execution: dict[str, str], decisions: Sequence[dict[str, Any]]) -> None:
    """Where nobody has named a Lambda function, nobody runs one."""
    for decision in decisions:
        if decision["decisionType"] == "ScheduleLambdaFunction":
            name = decision["scheduleLambdaFunctionDecisionAttributes"]["name"]
            reason = f"nothing is named for the Lambda function {name}: say --lambda {name}=MODULE:FUNCTION"
            raise _failed(execution, "STUCK", reason)


def _failed(execution: dict[str, str], status: str, reason: str, details: str | None = None) -> WorkflowFailed:
    return WorkflowFailed(execution["workflowId"], execution["runId"], status, reason, details)


def run_local(
    workflow: type[Workflow],
    args: Sequence[Any] = (),
    kwargs: dict[str, Any] | None = None,
    interrupted: Callable[[], bool] = never,
    lambdas: Mapping[str, str] | None = None,
    *,
    middlewares: Mapping[str, Sequence[str]] | None = None,
    hinted: bool = True,
) -> Any:
    """Run a workflow here and now, and give its value. Raises WorkflowFailed, PayloadError, TypeError.

    `interrupted` is asked after each step: True raises KeyboardInterrupt, also where user code has caught one.
    `lambdas` maps names of Lambda functions to callables, "module:function"; default: the settings'.
    `middlewares` are functions to call around each activity, as in `Executor`.
    The value is that of the type hint for what ``run`` returns; not `hinted`, the plain JSON that an engine would keep.
    """
    return Local(workflow, interrupted, lambdas, middlewares, hinted).run(*args, **(kwargs or {}))


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Inside of it Ctrl-C raises KeyboardInterrupt, and what it gives tells ever after that it was pressed.

    A handler of the program's own stays, and no other thread than the main one hears of Ctrl-C.
    """
    pressed: list[int] = []

    def press(signum: int, frame: FrameType | None) -> None:
        pressed.append(signum)
        raise KeyboardInterrupt  # what runs ends by it, for now: whoever catches it is asked again

    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) in USUAL
    before = signal.signal(signal.SIGINT, press) if ours else None
    try:
        yield lambda: bool(pressed)
    finally:
        if ours:
            signal.signal(signal.SIGINT, before)


class Executor:
    """Runs of a workflow in this process: ``Executor(MyWorkflow).run({"args": [1], "kwargs": {"t": 2}})``.

    `middlewares` are functions to call around each activity, by dotted names: ``{"pre": [names], "post": [names]}``.
    Raises TypeError for what is no class of workflows.
    """

    def __init__(
        self, workflow_class: type[Workflow], middlewares: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        check_class(workflow_class)
        self.workflow_class = workflow_class
        self.middlewares = middlewares

    def run(self, input: Mapping[str, Any] | Sequence[Any] | None = None) -> Any:
        """Run it once; what its ``run`` returned.

        `input` holds the arguments of ``run``: a dict of `args` and `kwargs`, or a list of positional ones. What
        ``run`` raises is raised here, as it is and with its traceback; a run that ends otherwise (by `fail`, by a
        cancel, or since it waits for what never comes) raises WorkflowFailed. Also raises PayloadError, TypeError, and
        KeyboardInterrupt.
        """
        args, kwargs = _call_of(input)
        with interruptible() as interrupted:
            local = Local(self.workflow_class, interrupted, middlewares=self.middlewares)
            try:
                return local.run(*args, **kwargs)
            except WorkflowFailed:
                if interrupted():
                    raise KeyboardInterrupt from None
                if not isinstance(local.error, Exception):
                    raise
        raise local.error


def _call_of(input: Mapping[str, Any] | Sequence[Any] | None) -> tuple[Sequence[Any], Mapping[str, Any]]:
    if isinstance(input, Mapping) and input.keys() <= {"args", "kwargs"}:
        return input.get("args") or (), input.get("kwargs") or {}
    if input is None or (isinstance(input, Sequence) and not isinstance(input, str | bytes)):
        return input or (), {}
    raise TypeError(f'an input is {{"args": [...], "kwargs": {{...}}}}, or a list of arguments, not {input!r}')
