"""When a task that failed is tried again: `Retry`, from the attempt and its error to a delay or None.

It answers the same in every process: what a failure was is told by the names in its details, never by which modules
happen to be loaded where it is read. It knows of no clock and no chance; both are handed in.
"""

from __future__ import annotations

import builtins
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from simpleflow.constants import HOUR
from simpleflow.exceptions import NonRetryable, RetryAfter, TaskException, TaskFailed, TimeoutError, qualified

MAX_DELAY: Final = 99_999_999
"""Seconds that a timer takes at most: eight digits.
https://docs.aws.amazon.com/amazonswf/latest/apireference/API_StartTimerDecisionAttributes.html"""

MAX_BASES: Final = 20
MAX_NAME: Final = 200

Seconds = float | timedelta
Kind = type[BaseException] | str
Kinds = Kind | Iterable[Kind]
"""Classes of exceptions, or their names: ``"ValueError"``, ``"requests.exceptions.Timeout"``, ``"Timeout"``."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often, when and after which failures a task is tried again.

    The delay after the n-th failure is ``initial * factor ** (n - 1)`` seconds, `max_interval` at most, then made
    shorter or longer by a random share of up to `jitter`, and rounded up to whole seconds. It is a durable timer: no
    worker waits. An activity that raises RetryAfter says the delay itself, one that raises NonRetryable is not tried
    again. That a worker was lost is no failure and counts for nothing here.

    Attributes:
        max_attempts: attempts in all, the first included; None for no limit.
        initial: seconds (or a timedelta) before the second attempt; 0: at once, and so are all others.
        factor: from each delay to the next, 1 or more.
        max_interval: seconds (or a timedelta) that a delay has at most. Default: an hour, or `initial` where that is
            more.
        jitter: from 0 to 1.
        deadline: seconds (or a timedelta) after the task was first scheduled in which its last attempt must begin;
            None for no limit.
        on: what is tried again: classes of exceptions, or their names. A subclass counts as well. Default: all
            failures and timeouts, but no cancels.
        never: what is not, though `on` names it.
    """

    max_attempts: int | None = 3
    initial: Seconds = 1
    factor: float = 2
    max_interval: Seconds | None = None
    jitter: float = 0
    deadline: Seconds | None = None
    on: Kinds = (TaskFailed, TimeoutError)
    never: Kinds = ()

    def __post_init__(self) -> None:
        most = self.max_attempts
        if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 1):
            raise ValueError(f"max_attempts takes a whole number from 1, or None for no limit, not {most!r}")
        seconds("initial", self.initial)
        for option, value in (("max_interval", self.max_interval), ("deadline", self.deadline)):
            if value is not None:
                seconds(option, value)
        if not (_is_number(self.factor) and 1 <= self.factor < math.inf):
            raise ValueError(f"factor takes a number from 1, not {self.factor!r}")
        if not (_is_number(self.jitter) and 0 <= self.jitter <= 1):
            raise ValueError(f"jitter takes a number from 0 to 1, not {self.jitter!r}")
        object.__setattr__(self, "on", _kinds("on", self.on))
        object.__setattr__(self, "never", _kinds("never", self.never))

    @classmethod
    def of(cls, retry: int | Retry) -> Retry:
        """What ``retry=`` means: a number is that of further attempts, each at once."""
        return retry if isinstance(retry, Retry) else cls(max_attempts=retry + 1, initial=0)

    def __call__(
        self, attempt: int, error: BaseException, *, elapsed: float = 0.0, chance: float = 0.5
    ) -> int | None:
        """Whole seconds until the next attempt, or None where there is none.

        `attempt` is the number of the one that has failed, from 1; `elapsed` the seconds since the task was first
        scheduled; `chance` a random number from 0 to 1.
        """
        if self.max_attempts is not None and attempt >= self.max_attempts:
            return None
        if is_kind(error, NonRetryable, *_kinds("never", self.never)):
            return None
        asked = retry_after(error)
        if asked is None and not is_kind(error, *_kinds("on", self.on)):
            return None
        delay = min(math.ceil(self._interval(attempt, chance) if asked is None else asked), MAX_DELAY)
        if self.deadline is not None and elapsed + delay > seconds("deadline", self.deadline):
            return None
        return delay

    def _interval(self, attempt: int, chance: float) -> float:
        initial = seconds("initial", self.initial)
        most = max(HOUR, initial) if self.max_interval is None else seconds("max_interval", self.max_interval)
        try:
            grown = initial * self.factor ** (attempt - 1)
        except OverflowError:
            grown = most if initial else 0.0
        return min(grown, most) * (1 + self.jitter * (2 * chance - 1))


def checked(retry: Any) -> int | Retry:
    """`retry` where ``retry=`` takes it. Raises ValueError."""
    if isinstance(retry, Retry) or (isinstance(retry, int) and not isinstance(retry, bool) and retry >= 0):
        return retry
    raise ValueError(f"retry takes a whole number from 0 or a Retry, not {retry!r}")


def seconds(option: str, value: Any) -> float:
    """`value`, a number or a timedelta, in seconds. Raises ValueError."""
    given = value.total_seconds() if isinstance(value, timedelta) else value
    if not (_is_number(given) and 0 <= given <= MAX_DELAY):
        raise ValueError(f"{option} takes seconds from 0 to {MAX_DELAY:,} or a timedelta, not {value!r}")
    return float(given)


def is_kind(error: BaseException, *kinds: Kind) -> bool:
    """Whether `error` is of one of these classes or of a subclass, given as the class or by its name.

    For a task's failure this is asked of the exception that its code raised, as its details tell it; simpleflow's own
    classes (TaskFailed, TimeoutError, TaskCanceled) are asked of the failure itself.
    """
    names = _names(error)
    for kind in kinds:
        name = kind if isinstance(kind, str) else qualified(kind)
        if name.startswith("__main__."):  # others know it by the name of its file
            kind = name = name.removeprefix("__main__.")
        if name in names or (isinstance(kind, str) and any(each.endswith(f".{name}") for each in names)):
            return True
    return False


def retry_after(error: BaseException) -> float | None:
    """The seconds that a RetryAfter, or a task that failed by one, asks for; None for all else."""
    if isinstance(error, RetryAfter):
        asked: Any = error.seconds
    elif not is_kind(error, RetryAfter):
        return None
    else:
        asked = details_of(error).get("retry_after")
    return max(0.0, asked) if _is_number(asked) and asked < math.inf else None


def told(error: BaseException) -> dict[str, Any]:
    """What the details of a failure hold for this module, where there is any: ``bases``, the names of the classes that
    the error's own derives from, and ``retry_after``, in seconds. Never raises."""
    found: dict[str, Any] = {}
    bases = [qualified(base) for base in type(error).__mro__[1:] if base not in (Exception, BaseException, object)]
    if bases:
        found["bases"] = [name[:MAX_NAME] for name in bases[:MAX_BASES]]
    if issubclass(type(error), RetryAfter):
        try:
            asked = retry_after(error)
        except BaseException:  # its `seconds` is a property, and raises
            asked = None
        if asked is not None:
            found["retry_after"] = asked
    return found


def details_of(error: BaseException) -> dict[str, Any]:
    """The details of a task's failure, as an object; an empty one where somebody else worded them."""
    try:
        found = json.loads(getattr(error, "details", None) or "")
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _names(error: BaseException) -> set[str]:
    """The names of the classes that `error` is of."""
    if not isinstance(error, TaskException):
        return {qualified(each) for each in type(error).__mro__}
    # Which class of the user's a failure has here depends on what is loaded here: that may decide nothing.
    ours = {each for each in type(error).__mro__ if each.__module__ == TaskException.__module__}
    names = {qualified(each) for each in (*ours, Exception, BaseException)}
    details = details_of(error)
    bases = details.get("bases")
    given = [details.get("error_type"), *(bases if isinstance(bases, list) else ())]
    names.update(name for name in given if _is_name(name))
    for name in list(names):
        builtin = getattr(builtins, name, None)
        if isinstance(builtin, type) and issubclass(builtin, BaseException):
            names |= {qualified(each) for each in builtin.__mro__}
    return names


def _kinds(option: str, given: Any) -> tuple[Kind, ...]:
    several = (given,) if isinstance(given, str | type) else given
    kinds = tuple(several) if isinstance(several, Iterable) else (several,)
    for kind in kinds:
        if not (_is_name(kind) or (isinstance(kind, type) and issubclass(kind, BaseException))):
            raise ValueError(f"{option} takes classes of exceptions or their names, not {kind!r}")
    return kinds


def _is_name(given: Any) -> bool:
    return isinstance(given, str) and given != ""


def _is_number(given: Any) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool) and not math.isnan(given)
