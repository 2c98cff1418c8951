"""The embedded engine: the methods of boto3's SWF client on one SQLite file, or in memory.

Here a request becomes a call: it is checked, carried out in one transaction, and answered; who waits is woken. A poll
is one try, and then waiting: for the doorbell, for another process's commit, for the next deadline. What operations do
stands in the modules beside this one; what is said on both sides is Amazon's, in `simpleflow.protocol`.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from simpleflow.engine.call import Call, Memory, Operation, Request, Response, topic
from simpleflow.engine.clock import SYSTEM_CLOCK, Clock, VirtualClock
from simpleflow.engine.configuration import Configuration
from simpleflow.engine.deadlines import AT_ONCE, catch_up, next_due
from simpleflow.engine.doorbell import Doorbell, bell_of
from simpleflow.engine.errors import EngineError
from simpleflow.engine.operations import CHECKS, DURABLE, POLLS, READS, RESPONSES, Poll
from simpleflow.engine.rates import Buckets
from simpleflow.engine.store import SQLiteError, Store, Synchronous
from simpleflow.protocol.faults import Exceptions, Fault, client_error
from simpleflow.protocol.operations import ALL_OPERATIONS, OPERATIONS

#: How often (seconds) who waits looks at whether to stop and whether another process has committed.
LOOK = 0.02

Point = Callable[[str, str], None]


def no_point(name: str, operation: str) -> None:
    """The hook that does nothing."""


def uncounted(operation: str) -> None:
    """The hook that counts nothing."""


def never() -> bool:
    """Go on for ever."""
    return False


_METHODS = {operation.method: name for name, operation in ALL_OPERATIONS.items()}
#: What is answered when more must be caught up with first.
_MORE = object()


def _method(name: str) -> Callable[..., Response]:
    """The method of an operation, under boto3's name."""

    def call(self: Engine, **request: Any) -> Response:
        self._called(name)
        return self._answer(name, request)

    page = f"https://docs.aws.amazon.com/amazonswf/latest/apireference/API_{name}.html"
    words = f"takes and gives what boto3's method does, and raises its ClientErrors. See {page}"
    call.__name__ = ALL_OPERATIONS[name].method
    call.__qualname__ = f"Engine.{call.__name__}"
    call.__doc__ = f"{name}: {words if name in OPERATIONS else 'see simpleflow.engine.lambdas'}"
    return call


class Engine:
    """Amazon SWF on one file: the methods of `boto3.client("swf")`, and a few of its own.

    `path` is the database file, made if need be; None is in memory. `configuration` holds quotas, rules of refusal and
    Lambda functions. `synchronous` "full" puts every commit on the disk, "auto" those of clients only. `point` is
    called with a name and an operation inside each writing call, just before its commit ("before-commit") and just
    after ("after-commit"), `called` with the operation of each method that is called; `stopping` is asked while a poll
    waits, and ends it. `url` names the file as `simpleflow.clients` does; "" is memory's. Threads may share an engine,
    processes not: each opens the file itself.

    Raises EngineError where the file cannot be opened, read or written; after a full disk the engine goes on once
    there is room. Every refusal of a request is a `botocore.exceptions.ClientError`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        *,
        clock: Clock = SYSTEM_CLOCK,
        configuration: Configuration = Configuration(),  # noqa: B008 - frozen
        synchronous: Synchronous = "auto",
        long_poll_seconds: float = 60,
        point: Point = no_point,
        called: Callable[[str], None] = uncounted,
        stopping: Callable[[], bool] = never,
    ) -> None:
        self.url = "" if path is None else f"sqlite:{os.fspath(path)}"
        self._clock = clock
        self._configuration = configuration
        self._guarded = frozenset((*configuration.deny, *configuration.rates))
        self._buckets = Buckets(configuration.rates)
        self._long_poll_seconds = long_poll_seconds
        self._point = point
        self._called = called
        self._stopping = stopping
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._store = Store(None if path is None else os.fspath(path), synchronous)
        self._file: str = self._store.one("file_id")
        self._bell: Doorbell = bell_of(self._store.path)
        self._memory = Memory()
        self._commits = 0
        self.exceptions = Exceptions()
        if isinstance(self._clock, VirtualClock):
            self._clock.on_move(self._bell.ring_here)

    def close(self) -> None:
        """Let go of the file. Polls that wait in other threads must have ended; in a forked child it does nothing."""
        if os.getpid() != self._process:
            return
        with self._lock:
            self._bell.close()
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    register_domain = _method("RegisterDomain")
    describe_domain = _method("DescribeDomain")
    list_domains = _method("ListDomains")
    deprecate_domain = _method("DeprecateDomain")
    undeprecate_domain = _method("UndeprecateDomain")
    tag_resource = _method("TagResource")
    untag_resource = _method("UntagResource")
    list_tags_for_resource = _method("ListTagsForResource")
    register_workflow_type = _method("RegisterWorkflowType")
    describe_workflow_type = _method("DescribeWorkflowType")
    list_workflow_types = _method("ListWorkflowTypes")
    deprecate_workflow_type = _method("DeprecateWorkflowType")
    undeprecate_workflow_type = _method("UndeprecateWorkflowType")
    delete_workflow_type = _method("DeleteWorkflowType")
    register_activity_type = _method("RegisterActivityType")
    describe_activity_type = _method("DescribeActivityType")
    list_activity_types = _method("ListActivityTypes")
    deprecate_activity_type = _method("DeprecateActivityType")
    undeprecate_activity_type = _method("UndeprecateActivityType")
    delete_activity_type = _method("DeleteActivityType")
    start_workflow_execution = _method("StartWorkflowExecution")
    describe_workflow_execution = _method("DescribeWorkflowExecution")
    signal_workflow_execution = _method("SignalWorkflowExecution")
    request_cancel_workflow_execution = _method("RequestCancelWorkflowExecution")
    terminate_workflow_execution = _method("TerminateWorkflowExecution")
    list_open_workflow_executions = _method("ListOpenWorkflowExecutions")
    list_closed_workflow_executions = _method("ListClosedWorkflowExecutions")
    count_open_workflow_executions = _method("CountOpenWorkflowExecutions")
    count_closed_workflow_executions = _method("CountClosedWorkflowExecutions")
    get_workflow_execution_history = _method("GetWorkflowExecutionHistory")
    count_pending_activity_tasks = _method("CountPendingActivityTasks")
    count_pending_decision_tasks = _method("CountPendingDecisionTasks")
    poll_for_decision_task = _method("PollForDecisionTask")
    respond_decision_task_completed = _method("RespondDecisionTaskCompleted")
    poll_for_activity_task = _method("PollForActivityTask")
    record_activity_task_heartbeat = _method("RecordActivityTaskHeartbeat")
    respond_activity_task_completed = _method("RespondActivityTaskCompleted")
    respond_activity_task_failed = _method("RespondActivityTaskFailed")
    respond_activity_task_canceled = _method("RespondActivityTaskCanceled")
    list_lambda_functions = _method("ListLambdaFunctions")
    poll_for_lambda_task = _method("PollForLambdaTask")
    respond_lambda_task_completed = _method("RespondLambdaTaskCompleted")
    respond_lambda_task_failed = _method("RespondLambdaTaskFailed")

    def respond_and_poll(self, respond: tuple[str, Request] | None, poll: tuple[str, Request] | None) -> Response:
        """Respond, and take the next task in the same transaction; if there is none, wait as a poll does.

        Both are a method's name and its keyword arguments, such as ("respond_activity_task_completed", {...}) and
        ("poll_for_activity_task", {...}). The answer is the poll's, {} without a poll. Where the response is refused,
        its fault is raised and nothing has been polled.
        """
        if respond is None:
            return {} if poll is None else getattr(self, poll[0])(**poll[1])
        if poll is None:
            getattr(self, respond[0])(**respond[1])
            return {}
        name, poll_name = _METHODS[respond[0]], _METHODS[poll[0]]
        self._called(name)
        self._called(poll_name)
        self._check(name, respond[1])
        self._check(poll_name, poll[1])
        operation, attempt = RESPONSES[name], POLLS[poll_name].attempt

        def both(call: Call, request: Request) -> Response | None:
            operation(call, respond[1])
            try:
                return attempt(call, request)
            except Fault:
                return None  # the response stands; the wait below raises it again

        found: Response | None = self._guard(name, self._write, name, both, poll[1], False)
        if found is None:
            found = self._guard(poll_name, self._poll, poll_name, poll[1], True)
        return found or {}

    # For servers, which wait for many polls at once

    def answer(self, operation: str, request: Request) -> Response:
        """Answer a request by Amazon's name of the operation, as its method does."""
        if operation not in CHECKS:
            raise client_error(Fault("UnknownOperationException", f"There is no operation {operation}"), operation)
        return self._answer(operation, request)

    def attempt(self, poll: str, request: Request, again: bool = False) -> Response | None:
        """Try once to take a task, by Amazon's name of the poll; None if there is none. `again` checks nothing."""
        if not again:
            self._check(poll, request)
        found: Response | None = self._guard(poll, self._try, poll, request)
        return found

    @staticmethod
    def nothing(poll: str) -> Response:
        """What a poll answers when there was nothing, by Amazon's name."""
        return dict(POLLS[poll].empty)

    def version(self) -> tuple[int, int]:
        """Two numbers: one differs once this engine has committed, the other once another process has."""
        with self._lock:
            return self._commits, self._store.version()

    def topic(self, poll: str, request: Request) -> str:
        """What the bell rings when there may be something for a poll that is about to wait, by Amazon's name."""
        found: str = self._guard(poll, self._topic, poll, request)
        self._guard(poll, self._refuse_crowds, found, 0)
        return found

    def hear(self, bell: Callable[[Doorbell], Doorbell]) -> None:
        """Ring another bell instead, which is given the one so far."""
        self._bell = bell(self._bell)

    def tick(self) -> float | None:
        """Fire what is due. The seconds until there is more, by the engine's clock; None if nothing is to come."""
        due = self.next_due()
        if due is not None and due <= self._clock.now():
            self._guard("", self._catch_up, "")
            due = self.next_due()
        return None if due is None else due - self._clock.now()

    def next_due(self) -> float | None:
        """The instant of the next timer or timeout, in seconds since 1970; None if nothing is to come."""
        due = self._guard("", self._next_due)
        return None if due is None else due / 1000

    def _next_due(self) -> int | None:
        if self._due() == AT_ONCE:
            self._catch_up("")  # a process died before it delivered what it had to tell
        return self._due()

    def _due(self) -> int | None:
        with self._lock:
            return next_due(self._store)

    # Calls

    def _answer(self, name: str, request: Request) -> Response:
        """Answer a request."""
        self._check(name, request)
        answer: Response
        if name in POLLS:
            answer = self._guard(name, self._poll, name, request)
        elif name in READS:
            answer = self._guard(name, self._read, name, READS[name], request)
        elif name in RESPONSES:
            answer = self._guard(name, self._write, name, RESPONSES[name], request, False)
        else:
            answer = self._guard(name, self._write, name, DURABLE[name], request, True)
        return answer

    def _check(self, name: str, request: Request) -> None:
        """Refuse what is denied, comes too fast, or is malformed."""
        try:
            if self._guarded and name in self._guarded:
                self._permit(name)
            CHECKS[name](request)
        except Fault as fault:
            raise client_error(fault, name) from None

    def _permit(self, name: str) -> None:
        refusal = self._configuration.refusal(name)
        if refusal:
            raise Fault(refusal, f"{name} is refused by a rule of this engine's configuration")
        with self._lock:
            if not self._buckets.take(name, self._clock.now()):
                raise Fault("ThrottlingException", "Rate exceeded")

    def _guard(self, name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Carry out with errors worded for the caller: boto3's for refusals, EngineError for the file."""
        if os.getpid() != self._process:
            raise EngineError("this engine was opened before the process was forked; open another one in the child")
        try:
            return function(*arguments)
        except SQLiteError as error:
            raise EngineError(self._store.explain(error)) from error
        except Fault as fault:
            raise client_error(fault, name) from None
        except UnicodeEncodeError as error:
            words = f"The request holds a string that is no Unicode text: {error}"
            raise client_error(Fault("SerializationException", words), name) from None
        except TypeError as error:
            if "surrogates" not in str(error):  # orjson's only word for it
                raise
            words = f"The request holds a string that is no Unicode text: {error}"
            raise client_error(Fault("SerializationException", words), name) from None

    def _now(self) -> int:
        return round(self._clock.now() * 1000)

    def _call(self) -> Call:
        return Call(self._store, self._now(), self._configuration, self._buckets, self._file, self._memory)

    def _write(self, name: str, operation: Callable[[Call, Request], Any], request: Request, durable: bool) -> Any:
        """One writing transaction: catch up, carry out, commit. What that tells others is delivered after it."""

        def work(call: Call) -> Any:
            return operation(call, request) if catch_up(call) else _MORE

        while True:
            answer, told = self._commit(name, work, durable)
            if answer is not _MORE:
                break
        if told:
            self._catch_up(name)
        return answer

    def _catch_up(self, name: str) -> None:
        """Deliver and fire all that is due, in transactions of their own."""
        while not self._commit(name, catch_up, False)[0]:
            pass

    def _commit(self, name: str, work: Callable[[Call], Any], durable: bool) -> tuple[Any, bool]:
        """A transaction, and then wake who waits. Also tells whether there are messages to deliver."""
        with self._lock:
            before = self._store.connection.total_changes()
            with self._store.transaction(durable):
                call = self._call()
                answer = work(call)
                wrote = self._store.connection.total_changes() != before
                if wrote:
                    self._point("before-commit", name)
            self._commits += wrote
        if wrote:
            self._point("after-commit", name)
            for bell, count in call.rings.items():
                if count > 0:
                    self._bell.ring(bell, count)
        return answer, call.told

    def _read(self, name: str, operation: Operation, request: Request) -> Response:
        """One snapshot; what is due is fired first."""
        due = self._due()
        if due is not None and due <= self._now():
            with contextlib.suppress(SQLiteError):  # what cannot be written can still be read
                self._catch_up(name)
        with self._lock, self._store.snapshot():
            return operation(self._call(), request)

    # Waiting

    def _poll(self, name: str, request: Request, tried: bool = False) -> Response:
        """A try, unless there was one just now, and then waiting."""
        waits = self._long_poll_seconds > 0
        found = None if tried and waits else self._try(name, request)
        if found is None and waits:
            found = self._wait(name, request)
        return dict(POLLS[name].empty) if found is None else found

    def _try(self, name: str, request: Request) -> Response | None:
        """Take a task, if there is one or something is due; looking first needs no lock."""
        poll = POLLS[name]
        if not request.get("nextPageToken") and not self._has_work(poll, request):
            return None
        found: Response | None = self._write(name, poll.attempt, request, False)
        return found

    def _has_work(self, poll: Poll, request: Request) -> bool:
        with self._lock:
            domain = self._call().domain(request["domain"])
            if self._store.row(poll.looks, domain, poll.list_of(request)) is not None:
                return True
            due = next_due(self._store)
        return due is not None and due <= self._now()

    def _wait(self, name: str, request: Request) -> Response | None:
        """Wait until a try finds a task, the long poll is over, or the process stops.

        It is over by the engine's clock or by real time, whichever is first: a clock may stand still, or go back.
        """
        ends = self._clock.now() + self._long_poll_seconds, time.monotonic() + self._long_poll_seconds
        list_topic = self._topic(name, request)
        with self._bell.waiting(list_topic) as waiter:
            self._refuse_crowds(list_topic, 1)
            rang = False
            while not self._stopping():
                # Who was rung for need not look first; what it finds is what it was rung for.
                found: Response | None = self._write(name, POLLS[name].attempt, request, False) if rang else None
                if found is None:
                    seen = self.version()
                    found = self._try(name, request)
                if found is not None:
                    return found
                happened = self._sleep(waiter.wait, seen, ends)
                if happened is None:
                    break
                rang = happened
        return None

    def _topic(self, name: str, request: Request) -> str:
        with self._lock:
            domain = self._call().domain(request["domain"])
        return topic(POLLS[name].kind, domain, POLLS[name].list_of(request))

    def _refuse_crowds(self, list_topic: str, ours: int) -> None:
        """Refuse one that waits for a list, or is about to, where too many do; `ours` is whether it is counted."""
        most = self._configuration.limits.pollers
        if self._bell.waiters(list_topic) >= most + ours:
            raise Fault("LimitExceededFault", f"{most} polls wait for the task list, the most that can")

    def _sleep(self, wait: Callable[[float], bool], seen: tuple[int, int], ends: tuple[float, float]) -> bool | None:
        """Sleep until something may have happened: whether the bell rang. None when the poll is over."""
        due = self._due()
        while True:
            now = self._clock.now()
            left = min(ends[0] - now, ends[1] - time.monotonic())
            if left <= 0 or self._stopping():
                return None
            if due is not None:
                left = min(left, max(0.0, due / 1000 - now))
            if wait(min(LOOK, left)):
                return True
            if self.version() != seen or (due is not None and due <= self._now()):
                return False
