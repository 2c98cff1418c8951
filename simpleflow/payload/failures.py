"""Errors on their way from process to process: as the `reason` and the `details` of an SWF failure.

The reason is one line; the details are the JSON of ``{"error", "error_type", "message", "traceback"}``, the form
that simpleflow has always written, and beside these what decides whether it is tried again (`simpleflow.retry.told`)
and what makes an error again (`simpleflow.payload.revival`):

    args, attributes    where they are plain JSON; long texts are cut, and what is long otherwise is left out
    notes               of `add_note`
    chain               the causes, nearest first: the like of this record, with "link": "cause" or "context"
    children            of an exception group: the like of this record; in an AggregateException each has its "place",
                        and "of" is how many places there are
    heartbeat           what the attempt said in its last heartbeat

Describing an error never fails itself: what is too long is cut in the middle.
"""

from __future__ import annotations

import json
import math
import traceback
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any, Final

from simpleflow.exceptions import is_aggregate, is_task_failure, message_of, one_line, qualified
from simpleflow.payload.codec import MAX_LENGTH, PAYLOAD, read
from simpleflow.payload.reference import is_reference
from simpleflow.retry import told

MAX_REASON: Final = 256
MAX_LINKS: Final = 100
MAX_NESTING: Final = 10
MAX_INNER: Final = 8_000
"""Characters of the details of a task's failure inside of another's: each level doubles the backslashes in them."""

LOST: Final = "worker-died"
"""The reason with which workers fail tasks that they lost: the task is tried again outside of its `retry`."""
SHUTDOWN: Final = "worker-shutdown"
"""The reason with which workers give tasks back that they have no time for: likewise, and as often as that happens."""
UNREACHABLE: Final = "payload-unreachable"
"""The reason with which workers fail a task whose values cannot be read or put away: it is tried again, for ever."""

HEARTBEAT: Final = "heartbeat"
"""The key of a failure's details under which stands what the attempt said in its last heartbeat."""

Record = dict[str, Any]
Keep = Callable[[str], str | None]
"""Gives a text that is too long for the engine as its reference, None where there is no store."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is told of an error, in characters: of its message, of each argument and attribute, of causes and
    children together, of the traceback."""

    message: int
    values: int
    others: int
    traceback: int


WHOLE: Final = Limits(1_000_000, 1_000_000, 1_000_000, 1_000_000)
CUT: Final = Limits(4_000, 1_000, 8_000, 24_000)


def describe(error: BaseException, keep: Keep | None = None) -> tuple[str, str]:
    """The reason (at most 256 characters) and the details of an error: JSON of at most 32,768 characters, or the
    reference of more, where `keep` gives one."""
    details = _dump(_told(error, WHOLE))
    if len(details) > MAX_LENGTH:
        details = _kept(details, keep) or _shortened(_told(error, CUT))
    return cut(clean(one_line(error)), MAX_REASON), details


def without_frames(error: BaseException, files: Container[str]) -> BaseException:
    """The error, whose traceback begins below the frames of these files."""
    try:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None and trace.tb_frame.f_code.co_filename in files:
            trace = trace.tb_next
        return error.with_traceback(trace)
    except BaseException:  # one that does not let itself be touched is still told
        return error


def traceback_of(details: str | None) -> str | None:
    """The traceback in the details of a failure, as text, or None where there is none."""
    found = read(details)
    if not isinstance(found, dict):
        return None
    lines = found.get("traceback")
    if isinstance(lines, list):
        return "".join(str(line) for line in lines)
    return str(lines) if lines else None


def fitting(details: Any, keep: Keep | None = None) -> str | None:
    """The details that somebody else gave a failure, as text that every engine takes; None for none."""
    if details is None:
        return None
    text = clean(details if isinstance(details, str) else repr(details))
    return text if len(text) <= MAX_LENGTH else _kept(text, keep) or cut(text, MAX_LENGTH)


def carrying(details: str, heartbeat: str | None) -> str:
    """The details of a failed attempt, and beside them what it said in its last heartbeat, frozen, where that fits."""
    if heartbeat is None or not details.startswith("{"):
        return details
    inside = heartbeat if not is_reference(heartbeat) else json.dumps({PAYLOAD: heartbeat})
    told = f'{{"{HEARTBEAT}":{inside}{"," if details != "{}" else ""}{details[1:]}'
    return told if len(told) <= MAX_LENGTH else details


def shrinking(record: dict[str, Any], part: str) -> str:
    """`record` as JSON of at most 32,000 characters: its text `part` is cut until it fits."""
    record = dict(record)
    while len(text := _dump(record)) > 32_000 and record[part]:
        record[part] = cut(record[part], len(record[part]) // 2) if len(record[part]) > 100 else ""
    return text


def cut(text: str, length: int) -> str:
    """`text`, with its middle left out where it is longer than `length` characters."""
    if len(text) <= length:
        return text
    head = (length - 5) * 2 // 3
    return f"{text[:head]} ... {text[len(text) - (length - 5 - head) :]}"


def clean(text: str) -> str:
    """`text` without what no wire takes: lone surrogates are shown as escapes."""
    return text.encode(errors="backslashreplace").decode()


# -- what is told --------------------------------------------------------------------------------------------------


def _told(error: BaseException, limits: Limits) -> Record:
    found = _Telling(limits).tell(error, limits.message)
    return {**found, "traceback": _traceback(error, limits.traceback)}


class _Telling:
    """One error and those that hang on it: each told once, while there is room."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._room = limits.others
        self._less = min(limits.message, limits.others // 10)
        self._seen: set[int] = set()

    def tell(self, error: BaseException, message: int, depth: int = 0) -> Record:
        """The record of an error, with its causes and its children."""
        found = self._alone(error, message, depth)
        chain: list[Record] = []
        link = _before(error)
        while link is not None and self._is_room_for(link[1], len(chain)):
            chain.append(self._spent({"link": link[0], **self._alone(link[1], self._less, depth)}))
            link = _before(link[1])
        return {**found, "chain": chain} if chain else found

    def _alone(self, error: BaseException, message: int, depth: int) -> Record:
        self._seen.add(id(error))
        kind = type(error)
        found: Record = {
            "error": kind.__name__,
            "error_type": qualified(kind),
            **told(error),
            "message": cut(message_of(error), message),
            **_values(error, self._limits.values),
        }
        children: list[Record] = []
        for place, child in _children(error) if depth < MAX_NESTING else ():
            if self._is_room_for(child, len(children)):
                at = {"place": place} if is_aggregate(error) else {}
                children.append(self._spent({**self.tell(child, self._less, depth + 1), **at}))
        if is_aggregate(error) and len(children) == len(error.exceptions):
            found["of"] = len(error.by_position)
        return {**found, "children": children} if children else found

    def _is_room_for(self, error: BaseException, already: int) -> bool:
        return self._room > 0 and already < MAX_LINKS and id(error) not in self._seen

    def _spent(self, record: Record) -> Record:
        self._room -= len(_dump(record))
        return record


def _before(error: BaseException) -> tuple[str, BaseException] | None:
    """What an error was raised from, or else what was handled then."""
    try:
        if error.__cause__ is not None:
            return "cause", error.__cause__
        if error.__context__ is not None and not error.__suppress_context__:
            return "context", error.__context__
    except BaseException:  # an error whose parts cannot be read must still be reported
        pass
    return None


def _children(error: BaseException) -> list[tuple[int, BaseException]]:
    """The members of a group, each with its place."""
    group: Any = error
    if is_aggregate(error):
        return [(place, each) for place, each in enumerate(error.by_position) if each is not None]
    is_group = issubclass(type(error), BaseExceptionGroup)
    return list(enumerate(BaseExceptionGroup.exceptions.__get__(group))) if is_group else []


def _values(error: BaseException, length: int) -> Record:
    """The error's arguments, attributes and notes, as far as they are plain JSON of at most `length` characters."""
    found: Record = {}
    try:
        args = [cut(each, length) if type(each) is str else each for each in _args(error)]
        if _is_plain(args, 4 * length):
            found["args"] = args
        held = {name: value for name, value in vars(error).items() if not name.startswith("_")}
        if is_task_failure(error) and len(held.get("details") or "") > MAX_INNER:
            del held["details"]
        attributes = {name: value for name, value in held.items() if _is_plain(value, length)}
        if attributes:
            found["attributes"] = attributes
        notes = [cut(note, length) for note in getattr(error, "__notes__", ()) if isinstance(note, str)]
        if notes:
            found["notes"] = notes[:MAX_LINKS]
    except BaseException:  # as above
        pass
    return found


def _args(error: BaseException) -> list[Any]:
    """What an error of its builtin class is made of."""
    if isinstance(error, BaseExceptionGroup):
        return [error.message]
    if isinstance(error, OSError) and len(error.args) == 2 and error.filename is not None:
        return [*error.args, error.filename]  # which is kept apart
    return list(error.args)


def _is_plain(value: Any, length: int) -> bool:
    """Whether a value comes back from JSON as it went."""
    try:
        return _is_json(value) and len(json.dumps(value, ensure_ascii=False)) <= length
    except (ValueError, RecursionError):
        return False


def _is_json(value: Any) -> bool:
    kind = type(value)
    if kind is list:
        return all(map(_is_json, value))
    if kind is dict:
        return all(type(key) is str for key in value) and all(map(_is_json, value.values()))
    return value is None or kind in (str, int, bool) or (kind is float and math.isfinite(value))


def _traceback(error: BaseException, budget: int) -> list[str]:
    try:
        lines = traceback.TracebackException.from_exception(error, limit=-50).format(chain=True)
        kept = []
        for line in reversed(list(lines)):
            if budget < 0:
                break
            kept.append(cut(line, max(2_000, budget // 2)))
            budget -= len(kept[-1])
        return kept[::-1]
    except BaseException:
        return [f"{type(error).__name__} (its traceback cannot be shown)\n"]


# -- making it fit -------------------------------------------------------------------------------------------------


def _kept(text: str, keep: Keep | None) -> str | None:
    """The reference of `text`, None where it cannot be had."""
    try:
        return None if keep is None else keep(text)
    except Exception:  # the store is lost as well; what fits is told all the same
        return None


def _shortened(record: Record) -> str:
    """The record as JSON that fits, whatever its parts come to when they are escaped."""
    text = _dump(record)
    lines: list[str] = record["traceback"]
    while len(text) > MAX_LENGTH and lines:
        del lines[len(lines) // 4 : len(lines) // 4 + max(1, len(lines) // 2)]
        text = _dump(record)
    for part in ("children", "chain", "notes", "attributes", "args"):
        if len(text) > MAX_LENGTH:
            record.pop(part, None)
            text = _dump(record)
    for part in ("message", "error", "error_type"):
        while len(text) > MAX_LENGTH and len(record[part]) > 100:
            record[part] = cut(record[part], len(record[part]) // 2)
            text = _dump(record)
    return text


def _dump(details: Record) -> str:
    return clean(json.dumps(details, ensure_ascii=False, separators=(",", ":")))
