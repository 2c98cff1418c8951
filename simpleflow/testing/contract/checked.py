"""A client whose answers are held against botocore's model, and whose names can be the test's own."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from simpleflow.protocol.operations import ALL_OPERATIONS, MODELS

#: The domain in the tests.
DOMAIN = "contract"

_OPERATIONS = {operation.method: name for name, operation in ALL_OPERATIONS.items()}
_READS = ("describe_", "get_", "list_", "count_")
#: What a name belongs to; "" is the request itself.
_NAMED = {"", "workflowType", "activityType", "taskList", "defaultTaskList", "typeFilter"}
_OPAQUE = {"taskToken", "nextPageToken"}
#: Names that a service accepts. One that it is to refuse is left as it is.
_GOOD = re.compile(r"(?!arn$)\w(?:[\w .-]*\w)?")


@cache
def model() -> Any:
    """botocore's model of the service, with the operations of Lambda tasks."""
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    return ServiceModel(Loader([str(MODELS)]).load_service_model("swf", "service-2"), "swf")


@dataclass(frozen=True, slots=True)
class Names:
    """How the names in a test become its own, on a service that others use too; back in what the test sees."""

    prefix: str
    domain: str

    def given(self, value: Any, key: str = "", owner: str = "") -> Any:
        """A request with the names that are sent."""
        if isinstance(value, dict):
            return {name: self.given(item, name, key) for name, item in value.items()}
        if isinstance(value, list):
            return [self.given(item, key, owner) for item in value]
        if not isinstance(value, str):
            return value
        if key == "resourceArn":
            head, slash, name = value.rpartition("/domain/")
            return head + slash + (self._own(name) if slash else name)
        return self._own(value) if key in ("domain", "workflowId") or (key == "name" and owner in _NAMED) else value

    def shown(self, value: Any, key: str = "") -> Any:
        """An answer, or the words of a fault, with the names of the test."""
        if isinstance(value, dict):
            return {name: self.shown(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [self.shown(item, key) for item in value]
        if isinstance(value, str) and key not in _OPAQUE:
            return re.sub(rf"(?<!\w){re.escape(self.domain)}(?!\w)", DOMAIN, value).replace(self.prefix, "")
        return value

    def _own(self, name: str) -> str:
        if name == DOMAIN:
            return self.domain
        return self.prefix + name if _GOOD.fullmatch(name) else name


class Checked:
    """A client whose answers are held against the model.

    It gives what boto3's does, without ResponseMetadata, and with the test's `names`. Before it reads it waits until
    its last change is `settle` seconds old. `tidy` takes away what it has made.
    """

    def __init__(self, client: Any, names: Names | None = None, settle: float = 0.0) -> None:
        self.client = client
        self._names = names
        self._settle = settle
        self._changed = 0.0
        self._made: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, method: str) -> Any:
        function = getattr(self.client, method)
        if method not in _OPERATIONS:
            return function

        def call(**request: Any) -> Any:
            self._await(method)
            answer = self._translated(function, request)
            answer.pop("ResponseMetadata", None)
            check_answer(_OPERATIONS[method], answer)
            if self._names is not None:
                self._made.append((method, request))
            return answer

        return call

    def respond_and_poll(self, respond: Any, poll: Any) -> Any:
        """The extension, whose answer is that of the poll."""
        function: Callable[..., Any] = self.client.respond_and_poll
        named = [call and (call[0], self._names.given(call[1])) if self._names else call for call in (respond, poll)]
        answer = self._translated(lambda: function(*named), {})
        answer.pop("ResponseMetadata", None)
        return answer

    def tidy(self) -> None:
        """Terminate what was started, and delete the types that were registered; as far as they are still there."""
        for method, request in reversed(self._made):
            domain = {"domain": request.get("domain")}
            if method == "start_workflow_execution":
                self._try("terminate_workflow_execution", **domain, workflowId=request["workflowId"])
            for kind in ("workflow", "activity"):
                if method == f"register_{kind}_type":
                    type_ = {f"{kind}Type": {"name": request["name"], "version": request["version"]}}
                    self._try(f"deprecate_{kind}_type", **domain, **type_)
                    self._try(f"delete_{kind}_type", **domain, **type_)

    def _try(self, method: str, **request: Any) -> None:
        try:
            self._translated(getattr(self.client, method), request)
        except ClientError:
            pass  # the test itself may have closed, deprecated or deleted it

    def _await(self, method: str) -> None:
        """Let a change settle before what depends on it is read."""
        if not self._settle:
            return
        if method.startswith(_READS):
            time.sleep(max(0.0, self._changed + self._settle - time.monotonic()))
        else:
            self._changed = time.monotonic()

    def _translated(self, function: Callable[..., Any], request: dict[str, Any]) -> Any:
        names = self._names
        if names is None:
            return function(**request)
        try:
            return names.shown(function(**names.given(request)))
        except ClientError as error:
            error.response = names.shown(error.response)
            error.args = (names.shown(str(error)),)
            raise


def check_answer(operation: str, answer: Any) -> None:
    """Assert that an answer is what botocore's parser makes of one of this operation."""
    shape = model().operation_model(operation).output_shape
    if shape is None:
        assert answer == {}
    elif operation.startswith("Poll") and not answer.get("taskToken"):
        assert answer["startedEventId"] == 0 and set(answer) <= {"startedEventId", "previousStartedEventId"}
    else:
        check_shape(shape, answer, operation)


def check_shape(shape: Any, value: Any, at: str) -> None:
    """Assert that a value is of this shape."""
    kinds: dict[str, Any] = {"string": str, "integer": int, "long": int, "boolean": bool, "timestamp": datetime}
    if shape.type_name == "structure":
        assert isinstance(value, dict), at
        assert not set(value) - set(shape.members), f"{at}: unknown {set(value) - set(shape.members)}"
        assert not set(shape.required_members) - set(value), f"{at}: lacks {set(shape.required_members) - set(value)}"
        for key, item in value.items():
            check_shape(shape.members[key], item, f"{at}.{key}")
    elif shape.type_name == "list":
        assert isinstance(value, list), at
        for item in value:
            check_shape(shape.member, item, f"{at}[]")
    else:
        assert type(value) is kinds[shape.type_name], f"{at}: {value!r} is no {shape.type_name}"
        if shape.type_name == "timestamp":
            assert value.tzinfo is not None, at
        enum = getattr(shape, "enum", None)
        assert not enum or value in enum, f"{at}: {value!r} is none of {enum}"
