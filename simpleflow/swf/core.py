"""The client of the object layer: one per process and engine, and its operations as methods with plain arguments.

A *connection* is what every class of this layer takes: an engine's URL (`simpleflow.clients`), any object with the
methods of ``boto3.client("swf")``, or None for the engine that is configured (`simpleflow.swf.settings`).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from simpleflow import clients
from simpleflow.protocol.operations import OPERATION_TABLE
from simpleflow.swf import settings
from simpleflow.swf.constants import REGISTERED

Connection = Any
"""A URL, an object with the methods of ``boto3.client("swf")``, or None."""
Response = dict[str, Any]
Time = datetime | float
"""An instant: a datetime, or seconds since 1970."""
Seconds = int | str | None
"""A time limit: whole seconds, "NONE" for no limit, or None for the default."""

PAGE_SIZE: Final = 1000
"""The most things that Amazon SWF gives at once."""

_clients: dict[tuple[int, str], Any] = {}
_lock = threading.Lock()


def connect(connection: Connection = None) -> Any:
    """The client of a connection. That of a URL is opened once in a process, and shared.

    Raises ValueError for a URL that names no engine, EngineError where a file cannot be opened.
    """
    if connection is not None and not isinstance(connection, str):
        return connection
    url = connection or settings.engine_url()
    key = os.getpid(), url  # what a fork has inherited is its parent's
    with _lock:
        if key not in _clients:
            found = settings.get() if url.partition(":")[0] == "aws" else {}
            credentials = {str(name): found[name] for name in settings.CREDENTIALS if name in found}
            _clients[key] = clients.client(url, credentials=credentials)
        return _clients[key]


def disconnect() -> None:
    """Close the clients that `connect` opened in this process. What uses them afterwards opens new ones."""
    with _lock:
        for key in [key for key in _clients if key[0] == os.getpid()]:
            _clients.pop(key).close()


def pages(ask: Any, key: str, **request: Any) -> Iterator[Any]:
    """The things under `key` in the answers of a method, page by page as they are asked for."""
    while True:
        answer = ask(**request)
        yield from answer[key]
        if not answer.get("nextPageToken"):
            return
        request["next_page_token"] = answer["nextPageToken"]


def without_none(value: Any) -> Any:
    """A request without what is None, at any depth."""
    if isinstance(value, Mapping):
        return {name: without_none(item) for name, item in value.items() if item is not None}
    return value


class ConnectedSWFObject:
    """Amazon SWF's operations as methods, with boto's old snake_case arguments; None stands for not given.

    They give boto3's answers and raise the client's faults. Models, querysets and actors are such objects, and make
    of both what they promise. See https://docs.aws.amazon.com/amazonswf/latest/apireference/API_Operations.html
    """

    __slots__ = ("connection",)
    connection: Connection

    def __init__(self, connection: Connection = None) -> None:
        self.connection = connection

    @property
    def client(self) -> Any:
        """The client of this object's connection."""
        return connect(self.connection)

    def _ask(self, method: str, **request: Any) -> Response:
        answer: Response = getattr(self.client, method)(**without_none(request))
        return answer

    # Domains

    def register_domain(
        self,
        name: str,
        workflow_execution_retention_period_in_days: int | str,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Response:
        return self._ask(
            "register_domain",
            name=name,
            workflowExecutionRetentionPeriodInDays=str(workflow_execution_retention_period_in_days),
            description=description,
            tags=_tags(tags) if tags else None,
        )

    def describe_domain(self, name: str) -> Response:
        return self._ask("describe_domain", name=name)

    def deprecate_domain(self, name: str) -> Response:
        return self._ask("deprecate_domain", name=name)

    def undeprecate_domain(self, name: str) -> Response:
        return self._ask("undeprecate_domain", name=name)

    def list_domains(
        self,
        registration_status: str = REGISTERED,
        maximum_page_size: int | None = None,
        next_page_token: str | None = None,
        reverse_order: bool | None = None,
    ) -> Response:
        paging = _paging(maximum_page_size, next_page_token, reverse_order)
        return self._ask("list_domains", registrationStatus=registration_status, **paging)

    def tag_resource(self, resource_arn: str, tags: Mapping[str, str]) -> Response:
        return self._ask("tag_resource", resourceArn=resource_arn, tags=_tags(tags))

    def untag_resource(self, resource_arn: str, tag_keys: Sequence[str]) -> Response:
        return self._ask("untag_resource", resourceArn=resource_arn, tagKeys=list(tag_keys))

    def list_tags_for_resource(self, resource_arn: str) -> Response:
        return self._ask("list_tags_for_resource", resourceArn=resource_arn)

    # Workflow types

    def register_workflow_type(
        self,
        domain: str,
        name: str,
        version: str,
        task_list: str | None = None,
        default_child_policy: str | None = None,
        default_execution_start_to_close_timeout: Seconds = None,
        default_task_start_to_close_timeout: Seconds = None,
        description: str | None = None,
        default_task_priority: int | str | None = None,
        default_lambda_role: str | None = None,
    ) -> Response:
        return self._ask(
            "register_workflow_type",
            domain=domain,
            name=name,
            version=version,
            defaultTaskList=_named(task_list),
            defaultChildPolicy=default_child_policy,
            defaultExecutionStartToCloseTimeout=_text(default_execution_start_to_close_timeout),
            defaultTaskStartToCloseTimeout=_text(default_task_start_to_close_timeout),
            description=description,
            defaultTaskPriority=_text(default_task_priority),
            defaultLambdaRole=default_lambda_role,
        )

    def describe_workflow_type(self, domain: str, workflow_name: str, workflow_version: str) -> Response:
        return self._of_type("describe", "workflow", domain, workflow_name, workflow_version)

    def deprecate_workflow_type(self, domain: str, workflow_name: str, workflow_version: str) -> Response:
        return self._of_type("deprecate", "workflow", domain, workflow_name, workflow_version)

    def undeprecate_workflow_type(self, domain: str, workflow_name: str, workflow_version: str) -> Response:
        return self._of_type("undeprecate", "workflow", domain, workflow_name, workflow_version)

    def delete_workflow_type(self, domain: str, workflow_name: str, workflow_version: str) -> Response:
        return self._of_type("delete", "workflow", domain, workflow_name, workflow_version)

    def list_workflow_types(
        self,
        domain: str,
        registration_status: str = REGISTERED,
        maximum_page_size: int | None = None,
        name: str | None = None,
        next_page_token: str | None = None,
        reverse_order: bool | None = None,
    ) -> Response:
        paging = _paging(maximum_page_size, next_page_token, reverse_order)
        given = {"domain": domain, "registrationStatus": registration_status, "name": name}
        return self._ask("list_workflow_types", **given, **paging)

    # Activity types

    def register_activity_type(
        self,
        domain: str,
        name: str,
        version: str,
        task_list: str | None = None,
        default_task_heartbeat_timeout: Seconds = None,
        default_task_schedule_to_close_timeout: Seconds = None,
        default_task_schedule_to_start_timeout: Seconds = None,
        default_task_start_to_close_timeout: Seconds = None,
        description: str | None = None,
        default_task_priority: int | str | None = None,
    ) -> Response:
        return self._ask(
            "register_activity_type",
            domain=domain,
            name=name,
            version=version,
            defaultTaskList=_named(task_list),
            defaultTaskHeartbeatTimeout=_text(default_task_heartbeat_timeout),
            defaultTaskScheduleToCloseTimeout=_text(default_task_schedule_to_close_timeout),
            defaultTaskScheduleToStartTimeout=_text(default_task_schedule_to_start_timeout),
            defaultTaskStartToCloseTimeout=_text(default_task_start_to_close_timeout),
            description=description,
            defaultTaskPriority=_text(default_task_priority),
        )

    def describe_activity_type(self, domain: str, activity_name: str, activity_version: str) -> Response:
        return self._of_type("describe", "activity", domain, activity_name, activity_version)

    def deprecate_activity_type(self, domain: str, activity_name: str, activity_version: str) -> Response:
        return self._of_type("deprecate", "activity", domain, activity_name, activity_version)

    def undeprecate_activity_type(self, domain: str, activity_name: str, activity_version: str) -> Response:
        return self._of_type("undeprecate", "activity", domain, activity_name, activity_version)

    def delete_activity_type(self, domain: str, activity_name: str, activity_version: str) -> Response:
        return self._of_type("delete", "activity", domain, activity_name, activity_version)

    def list_activity_types(
        self,
        domain: str,
        registration_status: str = REGISTERED,
        maximum_page_size: int | None = None,
        name: str | None = None,
        next_page_token: str | None = None,
        reverse_order: bool | None = None,
    ) -> Response:
        paging = _paging(maximum_page_size, next_page_token, reverse_order)
        given = {"domain": domain, "registrationStatus": registration_status, "name": name}
        return self._ask("list_activity_types", **given, **paging)

    def _of_type(self, what: str, kind: str, domain: str, name: str, version: str) -> Response:
        type_ = {"name": name, "version": version}
        return self._ask(f"{what}_{kind}_type", domain=domain, **{f"{kind}Type": type_})

    # Runs

    def start_workflow_execution(
        self,
        domain: str,
        workflow_id: str,
        workflow_name: str,
        workflow_version: str,
        task_list: str | None = None,
        child_policy: str | None = None,
        execution_start_to_close_timeout: Seconds = None,
        input: str | None = None,
        tag_list: Sequence[str] | None = None,
        task_start_to_close_timeout: Seconds = None,
        task_priority: int | str | None = None,
        lambda_role: str | None = None,
    ) -> Response:
        return self._ask(
            "start_workflow_execution",
            domain=domain,
            workflowId=workflow_id,
            workflowType={"name": workflow_name, "version": workflow_version},
            taskList=_named(task_list),
            childPolicy=child_policy,
            executionStartToCloseTimeout=_text(execution_start_to_close_timeout),
            input=input,
            tagList=list(tag_list) if tag_list else None,
            taskStartToCloseTimeout=_text(task_start_to_close_timeout),
            taskPriority=_text(task_priority),
            lambdaRole=lambda_role,
        )

    def describe_workflow_execution(self, domain: str, run_id: str, workflow_id: str) -> Response:
        execution = {"workflowId": workflow_id, "runId": run_id}
        return self._ask("describe_workflow_execution", domain=domain, execution=execution)

    def signal_workflow_execution(
        self, domain: str, signal_name: str, workflow_id: str, input: str | None = None, run_id: str | None = None
    ) -> Response:
        given = {"domain": domain, "workflowId": workflow_id, "runId": run_id}
        return self._ask("signal_workflow_execution", signalName=signal_name, input=input, **given)

    def request_cancel_workflow_execution(self, domain: str, workflow_id: str, run_id: str | None = None) -> Response:
        return self._ask("request_cancel_workflow_execution", domain=domain, workflowId=workflow_id, runId=run_id)

    def terminate_workflow_execution(
        self,
        domain: str,
        workflow_id: str,
        child_policy: str | None = None,
        details: str | None = None,
        reason: str | None = None,
        run_id: str | None = None,
    ) -> Response:
        given = {"domain": domain, "workflowId": workflow_id, "runId": run_id}
        why = {"reason": reason, "details": details, "childPolicy": child_policy}
        return self._ask("terminate_workflow_execution", **given, **why)

    def get_workflow_execution_history(
        self,
        domain: str,
        run_id: str,
        workflow_id: str,
        maximum_page_size: int | None = None,
        next_page_token: str | None = None,
        reverse_order: bool | None = None,
    ) -> Response:
        paging = _paging(maximum_page_size, next_page_token, reverse_order)
        execution = {"workflowId": workflow_id, "runId": run_id}
        return self._ask("get_workflow_execution_history", domain=domain, execution=execution, **paging)

    def list_open_workflow_executions(
        self,
        domain: str,
        oldest_date: Time,
        latest_date: Time | None = None,
        tag: str | None = None,
        workflow_id: str | None = None,
        workflow_name: str | None = None,
        workflow_version: str | None = None,
        maximum_page_size: int | None = None,
        next_page_token: str | None = None,
        reverse_order: bool | None = None,
    ) -> Response:
        filters = _filters(tag, workflow_id, workflow_name, workflow_version)
        times = {"startTimeFilter": _times(oldest_date, latest_date)}
        paging = _paging(maximum_page_size, next_page_token, reverse_order)
        return self._ask("list_open_workflow_executions", domain=domain, **times, **filters, **paging)

    def list_closed_workflow_executions(
        self,
        domain: str,
        start_latest_date: Time | None = None,
        start_oldest_date: Time | None = None,
        close_latest_date: Time | None = None,
        close_oldest_date: Time | None = None,
        close_status: str | None = None,
        tag: str | None = None,
        workflow_id: str | None = None,
        workflow_name: str | None = None,
        workflow_version: str | None = None,
        maximum_page_size: int | None = None,
        next_page_token: str | None = None,
        reverse_order: bool | None = None,
    ) -> Response:
        filters = _filters(tag, workflow_id, workflow_name, workflow_version, close_status)
        times = _closed_times(start_oldest_date, start_latest_date, close_oldest_date, close_latest_date)
        paging = _paging(maximum_page_size, next_page_token, reverse_order)
        return self._ask("list_closed_workflow_executions", domain=domain, **times, **filters, **paging)

    def count_open_workflow_executions(
        self,
        domain: str,
        oldest_date: Time,
        latest_date: Time | None = None,
        tag: str | None = None,
        workflow_id: str | None = None,
        workflow_name: str | None = None,
        workflow_version: str | None = None,
    ) -> Response:
        filters = _filters(tag, workflow_id, workflow_name, workflow_version)
        times = {"startTimeFilter": _times(oldest_date, latest_date)}
        return self._ask("count_open_workflow_executions", domain=domain, **times, **filters)

    def count_closed_workflow_executions(
        self,
        domain: str,
        start_latest_date: Time | None = None,
        start_oldest_date: Time | None = None,
        close_latest_date: Time | None = None,
        close_oldest_date: Time | None = None,
        close_status: str | None = None,
        tag: str | None = None,
        workflow_id: str | None = None,
        workflow_name: str | None = None,
        workflow_version: str | None = None,
    ) -> Response:
        filters = _filters(tag, workflow_id, workflow_name, workflow_version, close_status)
        times = _closed_times(start_oldest_date, start_latest_date, close_oldest_date, close_latest_date)
        return self._ask("count_closed_workflow_executions", domain=domain, **times, **filters)

    # Tasks

    def count_pending_activity_tasks(self, domain: str, task_list: str) -> Response:
        return self._ask("count_pending_activity_tasks", domain=domain, taskList=_named(task_list))

    def count_pending_decision_tasks(self, domain: str, task_list: str) -> Response:
        return self._ask("count_pending_decision_tasks", domain=domain, taskList=_named(task_list))

    def poll_for_decision_task(
        self,
        domain: str,
        task_list: str,
        identity: str | None = None,
        maximum_page_size: int | None = None,
        next_page_token: str | None = None,
        reverse_order: bool | None = None,
        start_at_previous_started_event: bool | None = None,
    ) -> Response:
        return self._ask(
            "poll_for_decision_task",
            domain=domain,
            taskList=_named(task_list),
            identity=identity,
            startAtPreviousStartedEvent=start_at_previous_started_event,
            **_paging(maximum_page_size, next_page_token, reverse_order),
        )

    def respond_decision_task_completed(
        self,
        task_token: str,
        decisions: Sequence[Mapping[str, Any]] | None = None,
        execution_context: str | None = None,
        task_list: str | None = None,
        task_list_schedule_to_start_timeout: Seconds = None,
    ) -> Response:
        return self._ask(
            "respond_decision_task_completed",
            taskToken=task_token,
            decisions=[dict(decision) for decision in decisions or ()],
            executionContext=execution_context,
            taskList=_named(task_list),
            taskListScheduleToStartTimeout=_text(task_list_schedule_to_start_timeout),
        )

    def poll_for_activity_task(self, domain: str, task_list: str, identity: str | None = None) -> Response:
        return self._ask("poll_for_activity_task", domain=domain, taskList=_named(task_list), identity=identity)

    def record_activity_task_heartbeat(self, task_token: str, details: str | None = None) -> Response:
        return self._ask("record_activity_task_heartbeat", taskToken=task_token, details=details)

    def respond_activity_task_completed(self, task_token: str, result: str | None = None) -> Response:
        return self._ask("respond_activity_task_completed", taskToken=task_token, result=result)

    def respond_activity_task_failed(
        self, task_token: str, details: str | None = None, reason: str | None = None
    ) -> Response:
        return self._ask("respond_activity_task_failed", taskToken=task_token, details=details, reason=reason)

    def respond_activity_task_canceled(self, task_token: str, details: str | None = None) -> Response:
        return self._ask("respond_activity_task_canceled", taskToken=task_token, details=details)


for _operation in OPERATION_TABLE:
    getattr(ConnectedSWFObject, _operation.method).__doc__ = (
        f"{_operation.name}: boto3's answer. Raises {', '.join(_operation.faults)}. See "
        f"https://docs.aws.amazon.com/amazonswf/latest/apireference/API_{_operation.name}.html"
    )


def _text(value: int | str | None) -> str | None:
    return None if value is None else str(value)


def _named(name: str | None) -> dict[str, str] | None:
    return None if name is None else {"name": name}


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def _paging(size: int | None, token: str | None, reverse: bool | None) -> dict[str, Any]:
    return {"maximumPageSize": size, "nextPageToken": token, "reverseOrder": reverse}


def _times(oldest: Time | None, latest: Time | None) -> dict[str, Time | None]:
    """A time filter, which must name its oldest instant: where only the latest is given, that is as old as can be."""
    return {"oldestDate": 0 if oldest is None else oldest, "latestDate": latest}


def _closed_times(
    start_oldest: Time | None, start_latest: Time | None, close_oldest: Time | None, close_latest: Time | None
) -> dict[str, Any]:
    found = {}
    if start_oldest is not None or start_latest is not None:
        found["startTimeFilter"] = _times(start_oldest, start_latest)
    if close_oldest is not None or close_latest is not None:
        found["closeTimeFilter"] = _times(close_oldest, close_latest)
    return found


def _filters(
    tag: str | None, workflow_id: str | None, name: str | None, version: str | None, close_status: str | None = None
) -> dict[str, Any]:
    return {
        "tagFilter": None if tag is None else {"tag": tag},
        "executionFilter": None if workflow_id is None else {"workflowId": workflow_id},
        "typeFilter": None if name is None and version is None else {"name": name, "version": version},
        "closeStatusFilter": None if close_status is None else {"status": close_status},
    }
