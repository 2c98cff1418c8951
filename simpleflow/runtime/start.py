"""Starting runs, and holding on to them: `simpleflow.start` and the handle that it gives."""

from __future__ import annotations

import atexit
import builtins
import inspect
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from simpleflow import clients, config
from simpleflow.activity import importable_name
from simpleflow.clients import SWFClient
from simpleflow.payload.codec import EXTRA, PLAIN, Codec
from simpleflow.payload.store import Payloads
from simpleflow.protocol.faults import code_of
from simpleflow.runtime import runs
from simpleflow.runtime.patience import Patience
from simpleflow.task import ask_class
from simpleflow.workflow import Workflow

LONGEST_PAUSE: Final = 0.5  # seconds, between two looks at a run


class Handle:
    """A run that was started.

    `workflow_id` and `run_id` are its names in the engine; another process finds it by them. `workflow` is its class,
    whose type hint for what ``run`` returns gives the result back; `codec` reads large values.
    """

    def __init__(
        self,
        client: SWFClient,
        domain: str,
        workflow_id: str,
        run_id: str,
        workflow: type[Workflow] | None = None,
        codec: Codec = PLAIN,
    ) -> None:
        self._client = client
        self._workflow = workflow
        self._codec = codec
        self.domain = domain
        self.workflow_id = workflow_id
        self.run_id = run_id

    @property
    def status(self) -> str:
        """OPEN, or how it closed: COMPLETED, FAILED, CANCELED, TERMINATED, TIMED_OUT, CONTINUED_AS_NEW."""
        return self._status(runs.Run(self.domain, self.workflow_id, self.run_id))

    def result(self, timeout: float | None = None) -> Any:
        """What the run returned; waits for it, at most `timeout` seconds. A run that goes on as a new one is followed.

        An engine that cannot be reached, throttles or fails is asked again. Raises WorkflowFailed if the run did not
        complete, the builtin TimeoutError if it is still open, or the engine has not come back, and PayloadUnreachable
        if it returned a large value whose store has lost it.
        """
        until = math.inf if timeout is None else time.monotonic() + timeout
        run = runs.Run(self.domain, self.workflow_id, self.run_id)
        while True:
            closing = self._closing(run, until, timeout)
            following = runs.next_run(run, closing)
            if following is None:
                return runs.result_of(run, closing, self._codec, self._workflow)
            run = following

    def _closing(self, run: runs.Run, until: float, timeout: float | None) -> dict[str, Any]:
        """The event that closes a run, once it is there."""
        patience, pause = Patience(), 0.005
        while True:
            trouble: Exception | None = None
            try:
                # Amazon shows the history a little later than the status.
                closing = None if self._status(run) == "OPEN" else runs.closing_event(self._client, run)
            except Exception as error:
                trouble, wait = error, patience.pause(error)
            else:
                patience.answered()
                if closing is not None:
                    return closing
                wait = pause = min(pause * 1.5, LONGEST_PAUSE)
            left = until - time.monotonic()
            if left <= 0:
                told = f"is still open after {timeout} s"
                if trouble is not None:
                    told = f"has no result after {timeout} s, since the engine cannot be reached: {trouble}"
                raise builtins.TimeoutError(f"workflow {self.workflow_id} {told}") from trouble
            time.sleep(min(wait, left))

    def _status(self, run: runs.Run) -> str:
        info = self._client.describe_workflow_execution(domain=self.domain, execution=run.execution)["executionInfo"]
        return str(info.get("closeStatus") or info["executionStatus"])

    def terminate(self, reason: str | None = None) -> None:
        """End the run now, whatever it does. Raises the engine's fault if it is closed already."""
        given = {} if reason is None else {"reason": reason}
        self._client.terminate_workflow_execution(
            domain=self.domain, workflowId=self.workflow_id, runId=self.run_id, **given
        )

    def __repr__(self) -> str:
        return f"<Handle {self.workflow_id} {self.run_id}>"


@dataclass(frozen=True, slots=True)
class StartOptions:
    """How a run is started, beside its class and its arguments: what `start` takes, with the same defaults."""

    domain: str | None = None
    workflow_id: str | None = None
    task_list: str | None = None
    execution_timeout: int | str | None = None
    decision_tasks_timeout: int | str | None = None
    tag_list: Sequence[str] | None = None
    engine: str | SWFClient | None = None
    activity_task_list: str | None = None

    @property
    def url(self) -> str | SWFClient:
        """The engine that is named, else the configured one."""
        return config.load().engine_url if self.engine is None else self.engine


def start(
    workflow: type[Workflow],
    /,
    *args: Any,
    domain: str | None = None,
    workflow_id: str | None = None,
    task_list: str | None = None,
    execution_timeout: int | str | None = None,
    decision_tasks_timeout: int | str | None = None,
    tag_list: Sequence[str] | None = None,
    engine: str | SWFClient | None = None,
    activity_task_list: str | None = None,
    **kwargs: Any,
) -> Handle:
    """Start a run of `workflow` with these arguments of its ``run``; some decider will take it up.

    Domain and workflow type are registered where they are unknown (on Amazon SWF only the type).

    Args:
        domain: default: SWF_DOMAIN.
        workflow_id: default: ``{name}-{time}-{random}``. Of one id one run is open at a time.
        task_list: where deciders find it. Default: the workflow's, else the settings'.
        execution_timeout, decision_tasks_timeout: seconds. Default: likewise.
        tag_list: up to five. Default: the workflow's.
        engine: a URL as SIMPLEFLOW_ENGINE takes it, or a client. Default: the configured engine.
        activity_task_list: where all activities of this run go, whatever list they name themselves.

    Raises:
        TypeError: the arguments do not fit ``run``.
        PayloadError, PayloadTooLarge: an argument cannot travel, or is not what the type hint of ``run`` says; the
            message names it.
        PayloadUnreachable: large arguments cannot be put into their store.
        ClientError: the engine refuses (``WorkflowExecutionAlreadyStartedFault``: the id is taken).
    """
    options = StartOptions(
        domain=domain,
        workflow_id=workflow_id,
        task_list=task_list,
        execution_timeout=execution_timeout,
        decision_tasks_timeout=decision_tasks_timeout,
        tag_list=tag_list,
        engine=engine,
        activity_task_list=activity_task_list,
    )
    return launch(workflow, args, kwargs, options)


def launch(
    workflow: type[Workflow],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    options: StartOptions,
    payloads: Payloads | None = None,
) -> Handle:
    """What `start` does, with the arguments of ``run`` kept apart from the options: their names may be the same."""
    check_call(workflow, args, kwargs)
    codec = codec_of(options.url) if payloads is None else Codec(payloads=payloads)
    input = frozen_input(workflow, args, kwargs, options.activity_task_list, codec)
    if options.tag_list is None:
        options = replace(options, tag_list=_own_tags(workflow, args, kwargs))
    return launch_frozen(workflow, input, options, codec)


def launch_frozen(workflow: type[Workflow], input: str, options: StartOptions, codec: Codec) -> Handle:
    """What `launch` does, with an input that `codec` has frozen already."""
    settings = config.load()
    domain = options.domain or settings.domain
    if not domain:
        raise ValueError("a run needs a domain: give domain=..., or set SWF_DOMAIN")
    kind = config.workflow_type(workflow, settings)
    defaults = config.type_defaults(workflow, settings)
    run_timeout = options.execution_timeout or defaults["defaultExecutionStartToCloseTimeout"]
    decision_timeout = options.decision_tasks_timeout or defaults["defaultTaskStartToCloseTimeout"]
    request = {
        "domain": domain,
        "workflowId": options.workflow_id or default_id(kind["name"]),
        "workflowType": kind,
        "taskList": {"name": options.task_list} if options.task_list else defaults["defaultTaskList"],
        "input": input,
        "executionStartToCloseTimeout": str(run_timeout),
        "taskStartToCloseTimeout": str(decision_timeout),
        "childPolicy": defaults["defaultChildPolicy"],
        "tagList": list(options.tag_list or ()),
    }
    url = options.url
    client = open_engine(url) if isinstance(url, str) else url
    run_id = _start(client, request, defaults, amazon=is_amazon(url))
    return Handle(client, domain, request["workflowId"], run_id, workflow, codec)


def _own_tags(workflow: type[Workflow], args: Sequence[Any], kwargs: dict[str, Any]) -> Sequence[str]:
    """The tags that a class gives its runs; there is no parent to inherit any from."""
    found = ask_class(workflow, "get_tag_list", args, kwargs)
    tags = workflow.tag_list if found is None else found
    return () if tags is None or isinstance(tags, str) else tags


def check_class(workflow: object) -> None:
    """Raise TypeError if this is no class of workflows."""
    if not (inspect.isclass(workflow) and issubclass(workflow, Workflow)):
        raise TypeError(f"a run is started of a class that derives from simpleflow.Workflow, not of {workflow!r}")


def check_call(workflow: type[Workflow], args: Sequence[Any], kwargs: dict[str, Any]) -> None:
    """Raise TypeError if the workflow's ``run`` does not take these arguments; it names the signature."""
    check_class(workflow)
    signature = inspect.signature(workflow.run)
    try:
        signature.bind(None, *args, **kwargs)
    except TypeError as error:
        try:
            signature = inspect.signature(workflow.run, eval_str=True)
        except Exception:  # annotations that only a type checker can read
            pass
        own = signature.replace(parameters=list(signature.parameters.values())[1:])
        raise TypeError(f"{importable_name(workflow)}.run{own}: {error}") from None


def frozen_input(
    workflow: type[Workflow],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    activity_task_list: str | None = None,
    codec: Codec = PLAIN,
) -> str:
    """The input of a run, as text. Raises PayloadError, PayloadTooLarge, PayloadUnreachable."""
    extra = {"class": importable_name(workflow)}
    if activity_task_list:
        extra["activity_task_list"] = activity_task_list
    return codec.freeze_call(args, kwargs, f"the input of {importable_name(workflow)}", {EXTRA: extra}, workflow.run)


def default_id(name: str) -> str:
    """``basic-20261123T140001-3f2a9c01``"""
    return f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.urandom(4).hex()}"


def is_amazon(url: str | SWFClient) -> bool:
    """Whether the engine is Amazon's own, where domains are not ours to register."""
    return isinstance(url, str) and url.partition(":")[0] == "aws"


def is_embedded(url: str) -> bool:
    """Whether the engine is opened by each process that uses it."""
    return url.partition(":")[0] in ("memory", "sqlite")


def open_engine(url: str) -> SWFClient:
    """The client of an engine, opened once in a process and closed at its end; a forked child opens its own."""
    return _opened(url, os.getpid())


@cache
def _opened(url: str, process: int) -> SWFClient:
    opened = clients.client(url)
    atexit.register(opened.close)
    return opened


def codec_of(engine: str | SWFClient) -> Codec:
    """What reads and writes the values of an engine's runs, in its store for large ones."""
    url = engine if isinstance(engine, str) else getattr(engine, "url", "")
    return Codec(payloads=_payloads(config.load().payload_stores(url)))


@cache
def _payloads(urls: tuple[str, ...]) -> Payloads:
    return Payloads(urls)


def register_domain(client: SWFClient, domain: str) -> None:
    """Register the domain, with the settings' retention; one that is there already is fine."""
    try:
        client.register_domain(name=domain, workflowExecutionRetentionPeriodInDays=config.load().domain_retention)
    except Exception as error:
        if code_of(error) != "DomainAlreadyExistsFault":
            raise


def ensure_domain(client: SWFClient, domain: str) -> None:
    """Register the domain if the engine does not know it."""
    try:
        client.describe_domain(name=domain)
    except Exception as error:
        if code_of(error) != "UnknownResourceFault":
            raise
        register_domain(client, domain)


def _start(client: SWFClient, request: dict[str, Any], defaults: dict[str, Any], amazon: bool) -> str:
    """Start, and where domain or type are unknown register them and start again: mostly one call does."""
    try:
        return str(client.start_workflow_execution(**request)["runId"])
    except Exception as error:
        if code_of(error) != "UnknownResourceFault":
            raise
    if not amazon:
        register_domain(client, request["domain"])
    try:
        client.register_workflow_type(domain=request["domain"], **request["workflowType"], **defaults)
    except Exception as error:
        if code_of(error) != "TypeAlreadyExistsFault":
            raise
    return str(client.start_workflow_execution(**request)["runId"])
