"""Users' values as text on the wire, and back.

A frozen value is JSON text, or the reference of one that is too long for the engine (`simpleflow.payload.reference`). A
call is frozen as ``{"args":[...],"kwargs":{...}}`` with a hole where each future stood; when the futures are done their
texts are put into the holes, and nothing is decoded on the way. Inside of JSON a reference stands as
``{"__simpleflow_payload":"simpleflow+file://..."}``, and whoever reads the JSON finds the value in its place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import orjson

from simpleflow.command import CHILD
from simpleflow.exceptions import (
    PayloadError,
    PayloadTooLarge,
    PayloadUnreachable,
    TaskFailed,
    WorkflowFailed,
    as_of_child,
    fresh,
    is_aggregate,
    is_task_failure,
)
from simpleflow.futures import Future
from simpleflow.payload.encoding import HOLE, below, dumps
from simpleflow.payload.reference import SCHEME, is_reference, without_place
from simpleflow.payload.store import NO_STORE, Payloads, Watched

MAX_LENGTH: Final = 32_768
"""Characters that Amazon SWF takes for an input, a result or details.
https://docs.aws.amazon.com/amazonswf/latest/developerguide/swf-dg-limits.html"""

RESERVED: Final = "__simpleflow"
"""The key of an activity's input under which the decider tells the worker what SWF does not."""
RESERVED_LENGTH: Final = 256

EXTRA: Final = "__extra"
"""The key of a run's input that holds what deciders need: the class's dotted name, the list for its activities."""

PAYLOAD: Final = "__simpleflow_payload"
"""The one key of an object that stands for a large value; beside it in a call stand RESERVED and the like."""
_QUOTED: Final = f'"{PAYLOAD}"'
_KEY: Final = f'"{PAYLOAD}":'
_LARGE_CALL: Final = f'{{{_KEY}"'

_loads: Final = json.JSONDecoder().decode  # what json.loads does, a little sooner

Fit = Callable[[str], str]
"""Gives a text of any length as one that the engine takes: itself, or its reference. Raises PayloadTooLarge."""


@dataclass(frozen=True, slots=True)
class Template:
    """JSON text with holes. `parts` are the pieces between the holes, one more than there are futures."""

    parts: tuple[str, ...]
    futures: tuple[Future[Any], ...]
    fit: Fit

    def fill(self, results: Sequence[str | None]) -> str:
        """The frozen value. Raises PayloadTooLarge, PayloadUnreachable."""
        if not self.futures:
            return self.parts[0]
        if self.parts == ("", ""):  # the value is that of a future, and nothing else
            return self.fit(results[0] or "null")
        pieces = [self.parts[0]]
        for result, part in zip(results, self.parts[1:], strict=True):
            pieces += (inside(result), part)
        return self.fit("".join(pieces))


class Codec:
    """Values to text and back, by the rules of the core (`simpleflow.submittable.Values`).

    `payloads` takes what is longer than `max_length` characters. What raises PayloadUnreachable below does so where
    the store cannot be reached or has lost what it held.
    """

    def __init__(self, max_length: int = MAX_LENGTH, payloads: Payloads = NO_STORE) -> None:
        self._max_length = max_length
        self.payloads = payloads

    def watched(self, lost: Callable[[PayloadUnreachable], Any]) -> Codec:
        """The like of this one, which tells `lost` that a large value cannot be had, before it is raised."""
        return Codec(self._max_length, Watched(self.payloads, lost))

    # -- to text ---------------------------------------------------------------------------------------------------

    def template(self, value: Any, what: str) -> Template:
        """Encode a value that may hold futures. Raises PayloadError, PayloadTooLarge, PayloadUnreachable."""
        return _template(value, what, lambda text: self._fitting(text, what))

    def template_call(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], what: str, beside: Any = None
    ) -> Template:
        """Encode a call whose arguments may hold futures, leaving room for what travels `beside` it.

        Raises PayloadError, PayloadTooLarge, PayloadUnreachable.
        """
        room = self._max_length - RESERVED_LENGTH
        if beside:
            room -= len(freeze(beside, f"what goes beside {what}", room))
        return _template({"args": args, "kwargs": kwargs}, what, lambda text: self._fitting_call(text, what, room))

    def freeze(self, value: Any, what: str, *, bare: bool = False) -> str:
        """Encode a value without futures, a `bare` one only of what JSON has.

        Raises PayloadError, PayloadTooLarge, PayloadUnreachable.
        """
        return self._fitting(_checked(dumps(value, what, bare=bare), what), what)

    def freeze_call(
        self, args: Sequence[Any], kwargs: dict[str, Any], what: str, beside: dict[str, Any], method: Any
    ) -> str:
        """Encode a call without futures of a method, with the items of `beside` beside it, readable without the store.

        Raises PayloadError, also where a hint of the method does not know a value, PayloadTooLarge, PayloadUnreachable.
        """
        rest = freeze(beside, f"what goes beside {what}", self._max_length)[1:]
        call = _checked(dumps({"args": args, "kwargs": kwargs}, what), what)
        decoders = _signatures().parameters(method, skip=1)
        if decoders is not None:
            given = _loads(call)
            decoders.decode(given["args"], given["kwargs"])
        return f"{self._fitting_call(call, what, self._max_length - len(rest))[:-1]},{rest}"

    def keep(self, text: str) -> str | None:
        """A text, JSON or not, or its reference where it is too long; None where there is no store for it.

        Raises PayloadUnreachable.
        """
        if len(text) <= self._max_length:
            return text
        return self.payloads.put(text) if self.payloads.writable else None

    def keep_always(self, text: str) -> str | None:
        """The reference of a text, however short; None where there is no store for it. Raises PayloadUnreachable."""
        return self.payloads.put(text) if self.payloads.writable else None

    def _fitting(self, text: str, what: str) -> str:
        if len(text) <= self._max_length:
            return text
        return self._put(text, what, self._max_length)

    def _fitting_call(self, text: str, what: str, room: int) -> str:
        return text if len(text) <= room else inside(self._put(text, what, room))

    def _put(self, text: str, what: str, room: int) -> str:
        if not self.payloads.writable:
            raise _too_large(what, text, room)
        return self.payloads.put(text)

    # -- from text -------------------------------------------------------------------------------------------------

    def thaw(self, frozen: str | None, task: Any = None) -> Any:
        """The value of a frozen text, new at each call; by the type hint of what `task` calls, where it has one.

        Raises PayloadError for a value that the hint does not know, PayloadUnreachable.
        """
        if frozen is None:
            return None
        value = _loads(frozen) if frozen[:1] != "s" and _QUOTED not in frozen else self.load(frozen)
        decode = _signatures().result(_called(task)) if task is not None else None
        return value if decode is None else decode(value)

    def thaw_call(self, frozen: str | None, function: Any = None) -> tuple[list[Any], dict[str, Any]]:
        """The arguments of a frozen call, by the hints of `function`; an array is read as positional arguments.

        Raises PayloadError for a value that a hint does not know, PayloadUnreachable.
        """
        args, kwargs = arguments(self.read_call(frozen))
        if function is not None:
            decode_call(args, kwargs, function)
        return args, kwargs

    def read_call(self, text: str | None) -> Any:
        """The plain value of a call's text, with what stands beside the call; mostly an object. See `arguments`.

        Raises PayloadUnreachable.
        """
        found = self.read(text)
        if type(found) is dict and PAYLOAD in found:
            call = self._resolved({PAYLOAD: found.pop(PAYLOAD)})
            return {**found, **call} if type(call) is dict else call
        return found

    def read(self, text: str | None) -> Any:
        """The value of a text that somebody else may have written: JSON, a reference, or else the text itself; None
        for none. Raises PayloadUnreachable."""
        if not text:
            return None
        try:
            return self.load(text)
        except ValueError:
            return text

    def read_result(self, text: str | None, function: Any = None) -> Any:
        """What `function` returned, of its text, which somebody else may have written.

        Raises PayloadError for a value that the type hint of the function does not know, PayloadUnreachable.
        """
        value = self.read(text)
        decode = _signatures().result(function) if function is not None else None
        return value if decode is None else decode(value)

    def load(self, frozen: str) -> Any:
        """The plain value of a frozen text. Raises ValueError where it is none, PayloadUnreachable."""
        if frozen[:1] == "s" and is_reference(frozen):  # as no JSON begins
            return self.read(self.payloads.get(frozen))
        if _QUOTED in frozen:
            return json.loads(frozen, object_hook=self._resolved)
        return _loads(frozen)

    def text(self, text: str | None) -> str | None:
        """What a text that may be a reference stands for. Raises PayloadUnreachable."""
        return self.payloads.get(text) if is_reference(text) and text is not None else text

    def quoted(self, frozen: str) -> str:
        """The JSON text of a value, as a frozen value itself: of any length, for it stays here.

        Raises PayloadUnreachable.
        """
        return json.dumps(self.text(frozen), ensure_ascii=False)

    def revive(self, error: BaseException, task: Any = None) -> BaseException:
        """`error` for a program to see: new, and of the class that it had where it was raised if that is loaded here.

        Raises PayloadUnreachable.
        """
        twin = self._revived(error, task)
        if not is_task_failure(error):
            return twin
        return as_of_child(twin) if error.of_child or getattr(task, "kind", None) == CHILD else twin

    def _revived(self, error: BaseException, task: Any) -> BaseException:
        if type(error) is TaskFailed:
            from simpleflow.payload.revival import home_of, revived

            return revived(error.name, error.reason, self.text(error.details), home_of(_called(task)))
        if is_aggregate(error):
            try:
                return error.changed(self.revive)  # type: ignore[arg-type]  # what was an Exception is one
            except RecursionError:  # canvases in canvases: the innermost failures stay as they were told
                return error
        twin: Any = fresh(error)
        if is_task_failure(error) and is_reference(getattr(twin, "details", None)):
            twin.details = self.text(twin.details)
        return twin  # type: ignore[no-any-return]

    def explained(self, error: WorkflowFailed) -> WorkflowFailed:
        """The error, its details read, with the remote traceback as a note and the causes that the details tell of.

        Raises PayloadUnreachable.
        """
        from simpleflow.payload.revival import attach

        error.details = self.text(error.details)
        attach(error, error.details)
        return error

    def fingerprint(self, frozen: str) -> str:
        """The md5 of the canonical JSON: equal for equal values, whatever the order of their keys.

        A call that is large by itself is read back for that; large values within a call stay unread. Raises
        PayloadUnreachable.
        """
        if frozen.startswith(_LARGE_CALL) and is_reference(frozen[len(_LARGE_CALL) : -2]):
            frozen = self.payloads.get(frozen[len(_LARGE_CALL) : -2])
        text = without_place(frozen)
        if not text.startswith(SCHEME):
            text = canonical(text)
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    def _resolved(self, found: dict[str, Any]) -> Any:
        reference = found.get(PAYLOAD)
        return self.load(str(reference)) if len(found) == 1 and is_reference(reference) else found


PLAIN: Final = Codec()
"""Has no store for large values."""


def freeze(value: Any, what: str = "the value", max_length: int = MAX_LENGTH) -> str:
    """A value without futures as JSON text.

    Raises PayloadError, which names the path to what has no JSON form, and PayloadTooLarge.
    """
    text = dumps(value, what)
    if len(text) > max_length:
        raise _too_large(what, text, max_length)
    return text


def read(text: str | None) -> Any:
    """The value of a text that somebody else may have written: JSON, or else the text itself; None for none.

    References stay what they are.
    """
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def read_object(text: str | None) -> dict[str, Any]:
    """The object of a text that somebody else may have written; an empty one where it is none."""
    found = read(text)
    return found if isinstance(found, dict) else {}


def extra(input: str | None) -> dict[str, Any]:
    """What a run's input says to deciders (`EXTRA`); empty where a foreign client started it."""
    try:
        call = orjson.loads(input or "null")
    except orjson.JSONDecodeError:  # it may still be what json reads
        call = read(input)
    found = call.get(EXTRA) if isinstance(call, dict) else None
    return found if isinstance(found, dict) else {}


def arguments(call: Any) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a call; an array is read as positional ones, and what is no object as the only one."""
    if type(call) is dict:
        return list(call.get("args") or ()), dict(call.get("kwargs") or {})
    if type(call) is list:
        return call, {}
    return ([] if call is None else [call]), {}


def decode_call(args: list[Any], kwargs: dict[str, Any], function: Any) -> None:
    """Give plain arguments the types that the hints of `function` say, in place.

    Raises PayloadError for a value that a hint does not know.
    """
    decoders = _signatures().parameters(function)
    if decoders is not None:
        decoders.decode(args, kwargs)


def as_json(text: str | None) -> str | None:
    """`text` where it is frozen, else its JSON string: a foreign worker may answer with anything."""
    if not text:
        return None
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return text if is_reference(text) else json.dumps(text, ensure_ascii=False)
    return text


def canonical(text: str) -> str:
    """The same JSON with its keys sorted and no spaces, ASCII only: what simpleflow has always hashed."""
    return json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))


def _template(value: Any, what: str, fit: Fit) -> Template:
    futures: list[Future[Any]] = []
    text = _checked(dumps(value, what, futures), what)
    if not futures:
        return Template((fit(text),), (), fit)
    return Template(tuple(HOLE.split(text)), tuple(futures), fit)


def inside(frozen: str | None) -> str:
    """A frozen value as a part of JSON."""
    if frozen is None:
        return "null"
    return f'{{{_KEY}"{frozen}"}}' if frozen.startswith(SCHEME) else frozen


def _checked(text: str, what: str) -> str:
    if _KEY in text:
        raise PayloadError(f"{what} cannot be encoded: the key {PAYLOAD} is simpleflow's own")
    return text


@cache
def _signatures() -> Any:
    """The module that reads type hints. `import simpleflow` does not need it, and it takes 8 ms."""
    from simpleflow.payload import signatures

    return signatures


def _called(task: Any) -> Any:
    """The function whose result hint tells what a task gives: an activity's, or a child's `run`."""
    activity = getattr(task, "activity", None)
    if activity is not None:
        return getattr(activity, "callable", None)
    return getattr(getattr(task, "workflow", None), "run", None)


def _too_large(what: str, text: str, max_length: int) -> PayloadTooLarge:
    path, length = _largest(text)
    where = f", most of it {path} ({length:,})" if path else ""
    return PayloadTooLarge(
        f"{what} is {len(text):,} characters of JSON{where}; Amazon SWF has room for {max_length:,}: set "
        "SIMPLEFLOW_PAYLOAD_STORE=s3://BUCKET or file:DIRECTORY for larger ones, or pass a path or a key to the data"
    )


def _largest(text: str) -> tuple[str, int]:
    """The path of the largest part that is still most of the whole, and its length in characters."""
    value, path, length = json.loads(text), "", len(text)
    while isinstance(value, dict | list) and value:
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        key, biggest = max(((key, item) for key, item in pairs), key=lambda pair: len(dumps(pair[1], "")))
        size = len(dumps(biggest, ""))
        if path and size < length / 2:
            break
        path = f"{path}[{key}]" if isinstance(value, list) else below(path, key)
        value, length = biggest, size
    return path.lstrip("."), length
