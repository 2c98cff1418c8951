"""A language for saying which runs are meant: ``type=basic status=failed,timed_out started>-2d tag='to do'``.

Conditions stand side by side, and all of them hold. Each is a field, an operator and a value, or several values with
commas between, of which one is to hold (`!=`: none of them). Texts are compared whole; `*` outside of quotation marks
is any text. `docs/how-to/commands.md` tells it to users.

It is pure: it knows what a run is, and no engine. `simpleflow.swf.search` looks for runs.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final, TypeAlias

from simpleflow.protocol.events import CLOSING_EVENTS
from simpleflow.swf.constants import OPEN
from simpleflow.swf.models.workflow import WorkflowExecution

CLOSED: Final = frozenset(CLOSING_EVENTS.values())
STATUSES: Final[dict[str, frozenset[str]]] = {
    "open": frozenset({OPEN}),
    "closed": CLOSED,
    **{name.lower(): frozenset({name}) for name in CLOSING_EVENTS.values()},
    "parked": frozenset({OPEN}),
}
"""What `status` takes, and the statuses that it stands for. A run is parked that is open and waits for somebody."""
TIMES: Final = ("started", "closed")
FIELDS: Final = ("type", "version", "status", "id", "run_id", "tag", *TIMES, "parent", "task_list")
COSTLY: Final = ("task_list",)
"""Fields that lists do not tell: each run is described for them, and for ``status=parked``."""

_CONDITION: Final = re.compile(r"\s*([^\s=<>!'\",]+)\s*(!=|<=|>=|==|=|<|>)\s*")
_PART: Final = re.compile(r"""(?P<bare>[^\s,"']+)|"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'""", re.S)
_COMMA: Final = re.compile(r"\s*,\s*")
_PLAIN: Final = re.compile(r"[\w.:/@%+~#$&()\[\]{}|-][\w.:/@%+~#$&()\[\]{}|=-]*")
_AGO: Final = re.compile(r"-?((?:\d+[smhdw])+)", re.ASCII)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_CLOCK: Final = re.compile(r"[T ]\d\d(:?\d\d)?(:?\d\d)?([.,]\d+)?")


class WhereError(ValueError):
    """The text says nothing. The message is one line, and says what there is."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text, in parts between which there is any text: ``("a",)`` is "a", and ``("a", "")`` all that begins so."""

    parts: tuple[str, ...]

    @property
    def literal(self) -> str | None:
        """The only text that it stands for, if it is one."""
        return self.parts[0] if len(self.parts) == 1 else None

    def matches(self, text: str) -> bool:
        return text == self.parts[0] if len(self.parts) == 1 else bool(_compiled(self.parts).fullmatch(text))

    def __str__(self) -> str:
        return "*".join(_quoted(part) for part in self.parts) if any(self.parts) or len(self.parts) > 1 else "''"


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as it was written, which is a span: a date all of its day, ``14:30`` the minute, ``-2h`` an instant."""

    text: str
    begins: datetime
    ends: datetime

    def __str__(self) -> str:
        return _quoted(self.text)


Value: TypeAlias = Text | Moment


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: of a field that is a time the values are Moments, else Texts."""

    field: str
    operator: str
    values: tuple[Value, ...]

    def holds(self, run: WorkflowExecution) -> bool:
        """Whether it holds of a run; for `COSTLY` fields and "parked" one that was described."""
        if self.field in TIMES:
            at = run.start_timestamp if self.field == "started" else run.close_timestamp
            found = at is not None and any(_in_time(at, self.operator, each) for each in self.values)
        elif self.field == "status":
            found = any(_has_status(run, str(value)) for value in self.values)
        else:
            told = _ANSWERS[self.field](run)
            found = any(value.matches(text) for value in self.values if isinstance(value, Text) for text in told)
        return found != (self.operator == "!=")

    @property
    def is_costly(self) -> bool:
        """Whether it takes more of a run than what lists tell."""
        return self.field in COSTLY or (self.field == "status" and any(str(value) == "parked" for value in self.values))

    def __str__(self) -> str:
        return f"{self.field}{self.operator}{','.join(map(str, self.values))}"


@dataclass(frozen=True, slots=True)
class Where:
    """All conditions of a text; `str` gives a text that says the same."""

    conditions: tuple[Condition, ...]

    def __str__(self) -> str:
        return " ".join(map(str, self.conditions))

    def of(self, field: str) -> tuple[Condition, ...]:
        """The conditions on a field."""
        return tuple(each for each in self.conditions if each.field == field)

    def with_status(self, *names: str) -> Where:
        """The same, where it does not name a status with one of these."""
        if self.of("status") or not names:
            return self
        return Where((*self.conditions, Condition("status", "=", tuple(Text((name,)) for name in names))))

    def holds(self, run: WorkflowExecution, describe: Callable[[WorkflowExecution], WorkflowExecution]) -> bool:
        """Whether all of it holds. The run is described only if it must be, and all else holds."""
        if not all(each.holds(run) for each in self.conditions if not each.is_costly):
            return False
        costly = [each for each in self.conditions if each.is_costly]
        if run.is_open or any(each.field in COSTLY for each in costly):
            run = describe(run) if costly else run
        return all(each.holds(run) for each in costly)

    @property
    def statuses(self) -> frozenset[str]:
        """OPEN and the close statuses that a run can have of which it holds."""
        left = CLOSED | STATUSES["open"]
        for condition in self.of("status"):
            named = frozenset[str]().union(*(STATUSES[str(value)] for value in condition.values))
            if condition.operator == "=":
                left &= named
            else:
                left -= named if "parked" not in map(str, condition.values) else named - STATUSES["open"]
        if any(condition.operator != "!=" for condition in self.of("closed")):
            left -= STATUSES["open"]
        return left

    def literal(self, field: str) -> str | None:
        """The only text that a field can be, where one is said."""
        told = (each.values for each in self.of(field) if each.operator == "=" and len(each.values) == 1)
        return next((text for (value,) in told if isinstance(value, Text) and (text := value.literal)), None)

    def span(self, field: str) -> tuple[datetime | None, datetime | None]:
        """The first and the last instant that a time can be, as far as is said."""
        oldest, latest = [], []
        for condition in self.of(field):
            moments = [value for value in condition.values if isinstance(value, Moment)]
            if condition.operator in (">", ">=", "="):
                oldest.append(min(each.ends if condition.operator == ">" else each.begins for each in moments))
            if condition.operator in ("<", "<=", "="):
                latest.append(max(each.begins if condition.operator == "<" else each.ends for each in moments))
        return max(oldest, default=None), min(latest, default=None)


def parse(text: str, now: datetime | None = None) -> Where:
    """What a text says, relative times before `now`. Raises WhereError."""
    now = now or datetime.now(UTC)
    conditions, position = [], 0
    while text[position:].strip():
        found = _CONDITION.match(text, position)
        if found is None:
            raise WhereError(
                f"{text[position:].strip()!r} is no condition: write FIELD=VALUE, such as status=failed; "
                f"fields are {', '.join(FIELDS)}"
            )
        field = found[1].lower().replace("-", "_")
        if field not in FIELDS:
            raise WhereError(f"there is no field {found[1]!r}{_choice(field, FIELDS)}")
        texts, position = _values(text, found)
        conditions.append(_condition(field, found[2].replace("==", "="), texts, now))
    if not conditions:
        raise WhereError(f"it says nothing: write FIELD=VALUE, such as status=failed; fields are {', '.join(FIELDS)}")
    return Where(tuple(conditions))


def _values(text: str, found: re.Match[str]) -> tuple[list[Text], int]:
    """The values that begin where an operator ends, and where they end."""
    position, values = found.end(), []
    while True:
        parts, start = [""], position
        while part := _PART.match(text, position):
            bare, double, single = part["bare"], part["double"], part["single"]
            if bare is None:
                parts[-1] += re.sub(r"\\(.)", r"\1", double if double is not None else single, flags=re.S)
            else:
                first, *others = re.split(r"\*+", bare)
                parts = [*parts[:-1], parts[-1] + first, *others]
            position = part.end()
        if text[position : position + 1] in ("'", '"') and text[position:]:
            raise WhereError(f"{text[position:]!r}: the quotation mark is not closed")
        if position == start:
            raise WhereError(f"{found[0].strip()!r} has no value: write '' for an empty text")
        values.append(Text(tuple(parts)))
        comma = _COMMA.match(text, position)
        if comma is None:
            return values, position
        position = comma.end()


def _condition(field: str, operator: str, texts: list[Text], now: datetime) -> Condition:
    """A condition that can hold. Raises WhereError."""
    values: tuple[Value, ...] = tuple(texts)
    if field in TIMES:
        values = tuple(_moment(field, operator, text, now) for text in texts)
        if operator not in ("=", "!=") and len(values) > 1:
            raise WhereError(f"{field}{operator} takes one time, not {len(values)}")
    elif operator not in ("=", "!="):
        raise WhereError(f"{field} is no time: write {field}= or {field}!=, not {field}{operator}")
    elif field == "status":
        values = tuple(_status(text) for text in texts)
    return Condition(field, operator, values)


def _status(text: Text) -> Text:
    name = str(text).lower().replace("-", "_").replace("cancelled", "canceled")
    if name not in STATUSES:
        raise WhereError(f"there is no status {text}{_choice(name, STATUSES)}")
    return Text((name,))


def _moment(field: str, operator: str, value: Text, now: datetime) -> Moment:
    text = value.literal or ""
    try:
        begins, ends = _span(text, now)
    except (ValueError, OverflowError):
        raise WhereError(
            f"{field}{operator}{value} is no time: write 2026-01-31, '2026-01-31 14:00', today, or -2h for two hours "
            "ago (s, m, h, d, w)"
        ) from None
    if begins == ends and operator in ("=", "!="):
        raise WhereError(f"{field}{operator}{value}: nothing happens at that very instant, write < or >")
    return Moment(text, begins, ends)


def _span(text: str, now: datetime) -> tuple[datetime, datetime]:
    """The span that a time stands for; without an offset it is local time. Raises ValueError, OverflowError."""
    if ago := _AGO.fullmatch(text.lower()):
        parts = re.findall(r"(\d+)([smhdw])", ago[1])
        at = now - sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta())
        return at, at
    if text.lower() in ("today", "yesterday"):
        text = (now.astimezone().date() - timedelta(days=text.lower() == "yesterday")).isoformat()
    try:
        day = date.fromisoformat(text)
    except ValueError:
        begins = datetime.fromisoformat(text)
        clock = _CLOCK.search(text)
        if clock is None:
            raise ValueError(text) from None
        minutes, seconds, fraction = clock.groups()
        width = timedelta(hours=1) if not minutes else timedelta(minutes=1) if not seconds else timedelta(seconds=1)
        return begins.astimezone(UTC), begins.astimezone(UTC) + (timedelta(milliseconds=1) if fraction else width)
    midnights = (datetime.combine(each, time()).astimezone(UTC) for each in (day, day + timedelta(days=1)))
    begins, ends = midnights
    return begins, ends


def _in_time(at: datetime, operator: str, value: Value) -> bool:
    assert isinstance(value, Moment)
    match operator:
        case "<":
            return at < value.begins
        case "<=":
            return at < value.ends
        case ">":
            return at >= value.ends
        case ">=":
            return at >= value.begins
        case _:
            return value.begins <= at < value.ends


def _has_status(run: WorkflowExecution, name: str) -> bool:
    if name == "parked":
        return run.is_open and run.waits_for is not None
    return (run.close_status or run.status) in STATUSES[name]


_ANSWERS: Final[dict[str, Callable[[WorkflowExecution], Iterable[str]]]] = {
    "type": lambda run: _long_and_short(run.workflow_type.name if run.workflow_type else ""),
    "version": lambda run: (run.workflow_type.version if run.workflow_type else "",),
    "id": lambda run: (run.workflow_id,),
    "run_id": lambda run: (run.run_id or "",),
    "tag": lambda run: run.tag_list or ("",),
    "parent": lambda run: (run.parent.get("workflowId", ""),),
    "task_list": lambda run: (run.task_list or "",),
}
"""What a run says to a field; an empty text where there is nothing."""


def _long_and_short(name: str) -> tuple[str, str]:
    return name, name.rpartition(".")[2]


@cache
def _compiled(parts: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, parts)), re.DOTALL)


def _quoted(text: str) -> str:
    if not text or _PLAIN.fullmatch(text):
        return text
    escaped = text.replace("\\", r"\\").replace("'", r"\'")
    return f"'{escaped}'"


def _choice(typed: str, known: Iterable[str]) -> str:
    """What there is, to put behind an error."""
    names = list(known)
    near = difflib.get_close_matches(typed, names, 1)
    return f". Did you mean {near[0]}?" if near else f": there are {', '.join(names)}"
